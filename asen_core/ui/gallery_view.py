"""The tab "Gallery" as HTML: what is searched, the visitor's own photos, the galleries of this machine. All text is escaped."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape

from asen_core.errors import AsenError
from asen_core.gallery import Gallery
from asen_core.indexing import Report
from asen_core.ui import names
from asen_core.ui.galleries import FOLDER, OWN, Galleries, Place, home
from asen_core.ui.handlers import ARCHIVE_MEGABYTES, Visit
from asen_core.ui.own import Making
from asen_core.ui.screen_view import duration
from asen_core.ui.stage import ACCEPT
from asen_core.ui.studio import Studio

COLUMNS = 12
"""As many columns are named."""
LISTED = 200
"""As many of the files that were left out are listed."""
SHORT = 5
"""A list up to this long is shown unfolded."""
STEADY = 3
"""Photos after which the speed means something."""


def page(galleries: Galleries, visit: Visit) -> str:
    """The whole tab. The turn differs each time, so that the browser always takes over what the server says."""
    now, own = opened(galleries, visit), _own(galleries, visit)
    here = _here(galleries, visit) if galleries.local or galleries.listed() else ""
    sides = (now + own, here) if here else (now, own)
    columns = "".join(f"<div>{side}</div>" for side in sides)
    return f'<section class="catalogue" data-turn="{secrets.token_hex(4)}">{columns}</section>'


def opened(galleries: Galleries, visit: Visit) -> str:
    """What is searched now, and the way back to everyone's gallery."""
    studio = visit.studio or galleries.studio
    keeps = '<p class="muted">Screen still holds suspects against the gallery of this page.</p>' if studio.name else ""
    back = keeps + _button("use", "Back to the gallery of this page", "") if studio.name else ""
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(said)}</dd></div>" for name, said in facts(studio).items())
    title = studio.name or "the gallery of this page"
    ways = _newer(galleries, visit) + back
    return f'<article class="card open"><h2>Searched now: {escape(title)}</h2><dl>{rows}</dl>{ways}</article>'


def _newer(galleries: Galleries, visit: Visit) -> str:
    """The way on, where the gallery in use was indexed again since it was chosen."""
    held = visit.studio.engine.gallery.directory if visit.studio else None
    place = next((p for p in galleries.listed() if p.path == held and not p.problem), None)
    if place is None or _used(galleries, visit, place):
        return ""
    use = _button("use", f"Search in {place.name} as it is now", place.name, strong=True)
    return f'<p class="muted">It was indexed again since: {place.count:,} garments now.</p><p>{use}</p>'


def facts(studio: Studio) -> dict[str, str]:
    """What there is to know of a gallery, in words."""
    gallery, manifest = studio.engine.gallery, studio.engine.gallery.manifest
    found = {
        "Garments": f"{len(gallery):,}",
        "Made of": _origin(manifest.built),
        "Built": _day(manifest.built.get("created", "")),
    }
    found |= {"Columns": _columns(gallery), "Search": how(manifest.neighbours), "Copies": studio.copies}
    return {name: said for name, said in {**found, "Checkpoint": manifest.fingerprint[:12]}.items() if said}


def _origin(built: Mapping[str, str]) -> str:
    origin, folder = built.get("from", ""), built.get("folder", "")
    return f"{origin} of the folder {folder}" if folder and folder != "uploaded" else origin


def _day(written: str) -> str:
    try:
        return f"{datetime.fromisoformat(written):%-d %B %Y, %H:%M} UTC"
    except ValueError:
        return written


def _columns(gallery: Gallery) -> str:
    told = [
        f"{names.attribute_name(label)} ({'numbers' if c.numeric else f'{c.values:,} value' + 's' * (c.values != 1)})"
        for label, c in gallery.columns.items()
    ]
    more = [f"{len(told) - COLUMNS} more"] if len(told) > COLUMNS else []
    return ", ".join([*told[:COLUMNS], *more]) or "none"


def how(neighbours: Mapping[str, object]) -> str:
    """How a gallery is searched, from its manifest."""
    kind, recall = neighbours.get("kind"), neighbours.get("recall")
    if kind == "exact":
        return "exact: a photo is compared with every garment"
    if isinstance(recall, int | float):
        least = math.floor(recall * 1000) / 10
        return f"approximate: at least {least:.1f} % of the first ten were those of an exact search, measured when built"
    return f"by {str(kind).capitalize()}, approximate; its recall was not measured"


def _own(galleries: Galleries, visit: Visit) -> str:
    own, limits = visit.own, galleries.limits
    said = (
        f"Up to {limits.photos:,} photos, {limits.bytes // 10**6:,} MB together, as files or in zips of up to "
        f"{ARCHIVE_MEGABYTES} MB; a table labels.csv with a column “image” makes its other columns filters. Nobody else can "
        "see them; they are deleted an hour after you leave, or at once when you remove them."
    )
    state = f'<div class="progress">{progress(own, OWN)}</div>' if own else ""
    give = (
        f'<input type="file" class="file" accept="{ACCEPT},.zip,.csv,.json" multiple tabindex="-1" aria-label="Your photos">'
        '<button type="button" class="drop" data-do="choose"><b>Drop photos or a zip here</b>'
        "<span>or choose them</span></button>"
        '<p class="sending" role="status"></p>'
    )
    if own and (not own.over or own.gallery is not None):
        give = ""
    return f'<article class="card own"><h2>Use your own photos</h2><p class="muted">{said}</p>{give}{state}</article>'


def progress(making: Making | None, what: str) -> str:
    """How far a gallery is, or what became of it. what: OWN or FOLDER."""
    if making is None:
        return ""
    if not making.over:
        return _running(making, what)
    if making.gallery is None or making.report is None:
        return f'<p class="problem" role="alert">{escape(making.failed)}</p>'
    use = _button("use", f"Search in {making.name}", what if what == OWN else making.name, strong=True)
    remove = _button("remove", "Remove them", "") if what == OWN else ""
    return f'<div class="made" role="status">{told(making.report)}</div><div class="row">{use}{remove}</div>'


def _running(making: Making, what: str) -> str:
    now = making.progress
    told = now.done >= STEADY
    pace = f" · {now.per_second:.1f} photos a second" if told and now.per_second and "photos" in now.doing else ""
    left = f" · about {duration(now.seconds_left)} left" if told and now.seconds_left is not None else ""
    if making.stopped:
        pace, left = "", " · stopping"
    return (
        f'<progress max="{max(now.total, 1)}" value="{now.done}" aria-label="{escape(now.doing)}"></progress>'
        f'<p data-running="{what}">{escape(now.doing)}: {now.done:,} of {now.total or "…"}{pace}{left}</p>'
        f"{_button('stop', 'Stop', what)}"
    )


def told(report: Report) -> str:
    """What a run did: how many garments, what is new, copies, and at the end every file that was left out, with its reason."""
    counts = {"new": report.added, "changed": report.changed, "renamed": report.renamed, "removed": report.removed}
    changes = ", ".join(f"{count:,} {name}" for name, count in counts.items() if 0 < count < report.items)
    head = f"<p><b>{report.items:,}</b> garments can be searched{f' ({changes})' if changes else ''}.</p>"
    exact, near = sum(len(group) - 1 for group in report.copies), len(report.near)
    copies = [f"{exact:,} {'is an exact copy' if exact == 1 else 'are exact copies'} of another photo"] if exact else []
    copies += [f"{near:,} {'group looks' if near == 1 else 'groups look'} the same"] if near else []
    lines = f"<p>{' · '.join(copies)}</p>" if copies else ""
    lines += _listed("file", "could not be used", [f"{name}: {why}" for name, why in report.left_out.items()])
    lines += _listed("photo", "of the label table not found", report.absent)
    lines += _listed("photo", "more than once in the label table", report.twice)
    return head + lines + "".join(f'<p class="muted">{escape(note)}</p>' for note in report.notes)


def _listed(thing: str, what: str, lines: Iterable[str]) -> str:
    lines = list(lines)
    if not lines:
        return ""
    rows = "".join(f"<li>{escape(line)}</li>" for line in lines[:LISTED])
    rest = f"<li>and {len(lines) - LISTED:,} more</li>" if len(lines) > LISTED else ""
    head = f"{len(lines):,} {thing}{'' if len(lines) == 1 else 's'} {what}"
    opened = " open" if len(lines) <= SHORT else ""
    return f'<details class="left"{opened}><summary>{head}</summary><ul>{rows}{rest}</ul></details>'


def _here(galleries: Galleries, visit: Visit) -> str:
    rows = "".join(_place(galleries, visit, place) for place in galleries.listed())
    known = f'<ul class="places">{rows}</ul>' if rows else '<p class="muted">There are none yet.</p>'
    form = _folder(galleries) if galleries.local else ""
    head = "Galleries of this machine" if galleries.local else "Other galleries"
    return f'<article class="card here"><h2>{head}</h2>{known}{form}</article>'


def _place(galleries: Galleries, visit: Visit, place: Place) -> str:
    name = f"<b>{escape(place.name)}</b>"
    if place.problem:
        return f'<li>{name}<small class="problem">{escape(place.problem)}</small></li>'
    used = _used(galleries, visit, place)
    end = "<small>searched now</small>" if used else _button("use", "Use", place.name, f"Use {place.name}")
    return f"<li>{name}<small>{place.count:,} garments</small>{end}</li>"


def _used(galleries: Galleries, visit: Visit, place: Place) -> bool:
    """Whether a visit searches this gallery, as it is now: it may have been made anew meanwhile."""
    if visit.studio is None or visit.studio.name != place.name:
        return False
    try:
        return visit.studio is galleries.opened(place.path)
    except AsenError:
        return False


def _folder(galleries: Galleries) -> str:
    made = galleries.making
    state = f'<div class="progress">{progress(made, FOLDER)}</div>' if made else ""
    fields = "".join(
        f'<label>{said}<input type="text" name="{name}" placeholder="{escape(hint)}" autocomplete="off" '
        f'spellcheck="false"{extra}></label>'
        for said, name, hint, extra in (
            ("Folder of photos", "photos", "/home/me/catalogue", " required"),
            ("Name of the gallery, or a folder for it", "name", "as the folder is called", ""),
            ("Table of labels, CSV or JSON", "labels", "labels.csv in that folder", ""),
        )
    )
    busy = " disabled" if made and not made.over else ""
    return (
        f'<h3>Index a folder</h3><form class="bring">{fields}<button type="submit" class="plain strong"{busy}>Index</button>'
        "</form>"
        '<p class="muted">All its subfolders are read. The same folder again takes up only what is new or changed, and goes on '
        f"where a run was stopped. Galleries are kept in {escape(str(home()))}.</p>{state}"
    )


def _button(do: str, text: str, value: str, spoken: str = "", strong: bool = False) -> str:
    label = f' aria-label="{escape(spoken)}"' if spoken else ""
    look = "plain strong" if strong else "plain"
    return f'<button type="button" class="{look}" data-do="{do}" data-value="{escape(value)}"{label}>{escape(text)}</button>'
