"""The tab "Screen" as HTML: the cases, the queue of one, a suspect beside a protected item, progress. All text is escaped."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from html import escape
from pathlib import Path

from asen_core.errors import CaseError
from asen_core.review.triage import DECISIONS, OVERALL, Hit, Queued
from asen_core.ui import names
from asen_core.ui.caserooms import CaseRooms, Run
from asen_core.ui.figures import MEASURED
from asen_core.ui.handlers import UPLOAD_MEGABYTES
from asen_core.ui.stage import ACCEPT, address
from asen_core.ui.triage import LEASTS, LONGEST_QUEUE, Pairing, Review, current, queue

VERDICTS = ("Alike", "Not alike", "Unsure", "Whitelist")
"""What the buttons say, in the order of the keys 1 to 4 and of `DECISIONS`."""
_MARKS = dict(zip(DECISIONS, ("alike", "not", "unsure", "white"), strict=True))
Pictures = tuple[Path | None, Path]
"""Of the suspect (None: its file is gone or has changed) and of the item."""


def page(rooms: CaseRooms, review: Review, pictures: Pictures | None) -> str:
    """The whole tab. pictures: of the pair that is shown, None where there is none."""
    token = review.room.token if review.room else ""
    name = review.case.name if review.case else ""
    body = _case(rooms, review, pictures) if review.case else _lobby(rooms, review)
    return (
        f'<section class="screen" data-turn="{secrets.token_hex(4)}" data-token="{escape(token)}" data-case="{escape(name)}">'
        f"{body}</section>"
    )


def _lobby(rooms: CaseRooms, review: Review) -> str:
    known = review.room.cases.list() if review.room else []
    rows = "".join(
        f'<li><button type="button" class="plain" data-open="{escape(n)}">{escape(n)}</button></li>' for n in known
    )  # fmt: skip
    cases = f'<h3>Continue a case</h3><ul class="cases">{rows}</ul>' if known else ""
    gallery = rooms.studio.engine.gallery
    return (
        f'<div class="lobby"><h2>Screen many suspects against the {len(gallery):,} protected garments</h2>'
        "<p>You get a queue with the most unusual likenesses first, and decide each pair by one key. What you decide is kept "
        f'at once.</p><form class="make"><label>Name of a new case<input type="text" name="name" maxlength="120" required '
        'autocomplete="off"></label><button type="submit" class="plain strong">Start case</button></form>'
        f'{cases}<p class="muted">{kept(rooms.hosted)}</p></div>'
    )


def kept(hosted: bool) -> str:
    """How long a case lasts, and who sees it."""
    if hosted:
        return (
            "On this shared page a case is seen by nobody else, and is deleted some hours after you leave or when the page is "
            "restarted: export the table before. To keep cases, run the program on your own machine."
        )
    return "Cases are kept on this machine, with the photos that you give; everyone who can open this page sees them."


def _case(rooms: CaseRooms, review: Review, pictures: Pictures | None) -> str:
    assert review.case is not None
    among = queue(review)
    at, of, number = current(review, among)
    counts = review.case.counts()
    refused = f" · {counts.unreadable:,} could not be read" if counts.unreadable else ""
    told = f"{counts.screened:,} screened{refused} · {counts.decided:,} of {counts.hits:,} hits decided"
    middle = pair(among[at], of, number, review, pictures) if of and pictures else _nothing(review, counts.screened)
    return (
        f'<header class="casehead"><div><h2>{escape(review.case.name)}</h2><p>{told}</p></div>'
        '<label class="reviewer">Your name<input type="text" name="reviewer" maxlength="80" autocomplete="name"></label>'
        f'<input type="file" class="file" accept="{ACCEPT},.zip" multiple tabindex="-1" aria-label="Suspects">'
        '<button type="button" class="plain strong" data-do="choose">Add suspects</button>'
        '<button type="button" class="plain" data-do="export">Export CSV</button>'
        '<button type="button" class="plain" data-do="rename">Rename</button>'
        '<button type="button" class="plain" data-do="shut">All cases</button></header>'
        f'<div class="progress">{progress(rooms, review)}</div>{_filters(review, rooms.studio.attributes)}'
        f'<div class="bench">{_queue(among, at, review)}<div class="hit">{middle}</div></div>'
        f'<p class="footing"><b>{MEASURED}</b> {kept(rooms.hosted)}</p>'
    )


def progress(rooms: CaseRooms, review: Review) -> str:
    """How far the screening is, or what is left to be screened."""
    if review.case is None:
        return ""
    run = rooms.run(review.case)
    if run and not run.over:
        return _running(run)
    failed = f'<p class="problem" role="alert">{escape(run.failed)}</p>' if run and run.failed else ""
    try:
        left = rooms.waiting(review.case)
    except CaseError as error:
        return f'{failed}<p class="problem">{escape(str(error))}</p>'
    if not left:
        return failed
    what = "suspect that was given is" if left == 1 else "suspects that were given are"
    return (
        f'{failed}<p>{left:,} {what} not screened yet.</p><button type="button" class="plain" '
        'data-do="continue">Continue</button>'
    )


def _running(run: Run) -> str:
    done, total = run.progress.done, run.progress.total
    left = f", about {duration(run.left)} left" if run.left is not None else ""
    if run.halted.is_set():
        left = ", stopping after this batch"
    return (
        f'<progress max="{max(total, 1)}" value="{done}" aria-label="Screened"></progress><p data-running="yes">{done:,} of '
        f'{total or "…"} screened{left}</p><button type="button" class="plain" data-do="stop">Stop</button>'
    )


def duration(seconds: float) -> str:
    """93 as "2 minutes": rough, as an estimate is."""
    if seconds < 60:
        return f"{max(5, -(-int(seconds) // 5) * 5)} seconds"
    minutes = round(seconds / 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes" if minutes < 90 else f"{seconds / 3600:.1f} hours"


def _filters(review: Review, attributes: Sequence[str]) -> str:
    wanted = review.wanted
    every = sorted({*LEASTS, wanted.percentile})
    leasts = "".join(
        f'<label><input type="radio" name="least" value="{v:g}"{" checked" if v == wanted.percentile else ""}>'
        f"<span>{v:g} %</span></label>"
        for v in every
    )
    options = "".join(
        f'<option value="{escape(a)}"{" selected" if a == wanted.attribute else ""}>'
        f"{escape(_named(a) if a else 'Any attribute')}</option>"
        for a in ("", OVERALL, *attributes)
    )
    only = " checked" if wanted.undecided else ""
    return (
        '<div class="sift"><fieldset class="pills"><legend>Closer than this share of pairs</legend>'
        f'<span aria-hidden="true">Closer than</span>{leasts}<span aria-hidden="true">of pairs</span></fieldset>'
        f'<label class="in">in<select name="attribute" aria-label="Attribute">{options}</select></label>'
        f'<label class="only"><input type="checkbox" name="undecided"{only}>Undecided only</label></div>'
    )


def _queue(among: Sequence[Queued], at: int, review: Review) -> str:
    rows = "".join(
        f'<li><button type="button" data-suspect="{q.suspect.id}" aria-current="{str(i == at).lower()}">'
        f"<b>{escape(q.suspect.name)}</b><small>{_short(q.top)}</small>"
        f'<i class="state {"done" if not q.undecided else ""}">{"decided" if not q.undecided else f"{q.undecided} open"}</i>'
        "</button></li>"
        for i, q in enumerate(among)
    )
    count = f"{len(among):,} suspect{'' if len(among) == 1 else 's'}" if among else "No suspects"
    more = f" The first {LONGEST_QUEUE} are listed." if len(among) >= LONGEST_QUEUE else ""
    return f'<nav class="queue" aria-label="Queue of suspects"><h3>{count}{more}</h3><ol>{rows}</ol></nav>'


def _nothing(review: Review, screened: int) -> str:
    if screened:
        text = f"No hit is closer than {review.wanted.percentile:g} % of pairs under these filters; take a lower share."
    else:
        text = f"Add the suspects: photos, or a zip of them, up to {UPLOAD_MEGABYTES} MB each. You may drop them here."
    return f'<p class="muted" role="status">{text}</p>'


def pair(queued: Queued, of: Sequence[Pairing], number: int, review: Review, pictures: Pictures) -> str:
    """A suspect beside a protected item: both photos, the figures of their hits, and the ways to decide."""
    here, suspect = of[number], queued.suspect
    left = (
        f'<img src="{address(pictures[0])}" alt="Suspect {escape(suspect.name)}">'
        if pictures[0]
        else "<p>The file is gone or has changed since it was screened.</p>"
    )
    hits = "".join(_hit(h) for h in here.hits)
    verdicts = "".join(
        f'<button type="button" class="plain" data-decide="{i}" aria-pressed="{str(here.decision == d).lower()}">'
        f"<kbd>{i}</kbd> {said}</button>"
        for i, (d, said) in enumerate(zip(DECISIONS, VERDICTS, strict=True), 1)
    )
    detail = '<button type="button" class="plain" data-do="detail">Compare in detail</button>' if pictures[0] else ""
    about = "this likeness" if len(here.hits) == 1 else f"these {len(here.hits)} likenesses at once"
    said = f"{escape(review.said)} Now {escape(suspect.name)} beside {escape(here.item)}." if review.said else ""
    return (
        f'<p class="spoken" role="status">{said}</p><div class="pairing" data-suspect="{suspect.id}" '
        f'data-item="{escape(here.item)}">'
        f'<figure><div class="easel">{left}</div><figcaption>Suspect: {escape(suspect.name)}</figcaption></figure>'
        f'<figure><div class="easel"><img src="{address(pictures[1])}" alt="Protected garment {escape(here.item)}"></div>'
        f"<figcaption>Protected: {escape(here.item)} ({number + 1} of {len(of)} for this suspect)</figcaption></figure></div>"
        f'<div class="decide" role="group" aria-label="Decide {about}">{verdicts}{detail}</div>'
        f'<p class="keys">Keys: <kbd>1</kbd> alike, <kbd>2</kbd> not alike, <kbd>3</kbd> unsure, <kbd>4</kbd> whitelist; '
        "<kbd>↑</kbd> <kbd>↓</kbd> suspects, <kbd>←</kbd> <kbd>→</kbd> protected items. "
        f'A decision is on {about}.</p><ul class="hits">{hits}</ul>'
    )


def _hit(hit: Hit) -> str:
    standings = "; ".join(names.closer(s) for s in (hit.standing, hit.within) if s) or "no pairs to compare with"
    said = ""
    if hit.decision:
        by = "whitelisted before" if hit.decision.inherited else hit.decision.decision
        said = f'<i class="state {_MARKS[hit.decision.decision]}">{by}, {escape(hit.decision.reviewer)}</i>'
    return f"<li><b>{escape(_named(hit.attribute))} {hit.similarity:z.2f}</b> <span>{escape(standings)}</span>{said}</li>"


def _short(hit: Hit) -> str:
    share = f", {names.standing(hit.standing)[0]}" if hit.standing else ""
    return escape(f"{_named(hit.attribute)} {hit.similarity:z.2f}{share}")


def _named(attribute: str) -> str:
    return "Overall" if attribute == OVERALL else names.attribute_name(attribute)
