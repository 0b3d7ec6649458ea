"""Saved searches as HTML: a list of them, and what a check found. All text is escaped here."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from html import escape

from asen_core.gallery.watches import News, Saved, WatchReport
from asen_core.gallery.watches.question import Question, Threshold
from asen_core.types import Match, Range
from asen_core.ui import mixing, names
from asen_core.ui.mixing import Mix
from asen_core.ui.present import Picture
from asen_core.ui.stage import address

SHOWN = 24
"""New garments of one search that are shown."""
MOST = 99


def panel(saved: Sequence[Saved], report: WatchReport | None, picture: Picture, of: str = "") -> str:
    """The whole block. of: the gallery's name; report: what a check has just found; None: it was not checked now."""
    turn = f'data-turn="{secrets.token_hex(4)}"'
    news = {n.saved.name: n for n in report.news} if report else {}
    failed = report.failed if report else {}
    rows = "".join(_row(s, news.get(s.name), failed.get(s.name, ""), picture) for s in saved)
    body = f'<ul class="watches">{rows}</ul>' if rows else ""
    check = '<button type="button" class="plain strong" data-do="check">Check now</button>' if rows else ""
    head = f"Saved searches in {escape(of)}" if of else "Saved searches"
    return (
        f'<section class="watching" {turn}><article class="card"><div class="watchhead"><h2>{head}</h2>{check}</div>'
        f'<p class="muted">{_about(bool(rows))}</p>{body}</article></section>'
    )


def nothing() -> str:
    """Where they are not offered."""
    return f'<div data-turn="{secrets.token_hex(4)}"></div>'


def badge(count: int) -> str:
    """How many are new, in a word."""
    return f"{count} new" if count <= MOST else f"{MOST}+ new"


def kept(saved: Saved) -> str:
    """Said when a search was just saved."""
    return f"Saved as “{saved.name}”: {closeness(saved.threshold)} is shown in the tab Gallery under Saved searches."


def asked(question: Question) -> str:
    """What a saved search asks, in plain words."""
    if len(question.weights) == 1 and not question.unlike:
        text = f"alike in {names.attribute_name(next(iter(question.weights))).lower()}"
    else:
        total = sum(question.weights.values())
        alike, unlike = mixing.said(Mix({a: w / total for a, w in question.weights.items()}, tuple(question.unlike)))
        text = f"alike in {alike}" + (f", different in {unlike}" if unlike else "")
    wanted = (f"{names.attribute_name(label).lower()} {_wanted(label, values)}" for label, values in question.where.items())
    return ", ".join([text, *wanted])


def closeness(threshold: Threshold) -> str:
    """What counts as close, in plain words."""
    value = f"{threshold.value:.2f}"
    if value == "1.00" and threshold.value < 1:
        value = f"{threshold.value:.4f}"
    if not threshold.beaten:
        return f"what is at least {value} alike"
    return f"what is closer than {value}" if threshold.item else "whatever passes the filter"


def _about(some: bool) -> str:
    after = " They are asked again after each indexing; a garment is shown as new once."
    return "You are told when something closer appears." + after if some else (
        "None yet. Search in “Find alike”, then “Save this search”: you are told here when something closer appears."
    )  # fmt: skip


def _row(saved: Saved, news: News | None, failed: str, picture: Picture) -> str:
    name, count = escape(saved.name), len(news.hits) if news else saved.waiting
    new = f'<b class="new">{badge(count)}</b>' if count else f"<small>{'nothing new' if news else ''}</small>"
    image = base64.b64encode(saved.picture).decode()
    remove = (
        f'<button type="button" class="plain" data-do="remove" data-name="{name}" aria-label="Remove {name}">Remove</button>'
    )
    problem = f'<p class="problem" role="alert">{escape(failed)}</p>' if failed else ""
    tiles = "".join(_tile(hit, saved, picture) for hit in news.hits[:SHOWN]) if news else ""
    rest = f'<p class="muted">and {len(news.hits) - SHOWN:,} more, less alike</p>' if news and len(news.hits) > SHOWN else ""
    found = f'<div class="grid" role="group" aria-label="New for {name}">{tiles}</div>{rest}' if tiles else ""
    return (
        f'<li><img src="data:image/webp;base64,{image}" alt="The photo of {name}"><div class="of"><b>{name}</b>{new}'
        f"<p>{escape(asked(saved.question))}; {escape(closeness(saved.threshold))}</p></div>{remove}{problem}{found}</li>"
    )


def _tile(hit: Match, saved: Saved, picture: Picture) -> str:
    first = escape(next(iter(saved.question.weights)))
    said = f"{hit.similarity:.2f}, {names.rarity(hit.percentile)}"
    return (
        f'<button type="button" class="tile" data-id="{escape(hit.item.id)}" data-attribute="{first}" '
        f'aria-label="{escape(hit.item.id)}, {said}; search with it"><span class="pic">'
        f'<img src="{address(picture(hit.item))}" alt="" loading="lazy"></span>'
        f'<span class="caption"><b>{hit.similarity:.2f}</b> {escape(hit.item.id)}</span></button>'
    )


def _wanted(label: str, values: object) -> str:
    if isinstance(values, Range):
        ends = [f"{end:g}" if end is not None else "" for end in (values.least, values.most)]
        return f"{ends[0]} to {ends[1]}" if all(ends) else f"from {ends[0]}" if ends[0] else f"up to {ends[1]}"
    several = [values] if isinstance(values, str) else sorted(values)  # type: ignore[call-overload]
    return " or ".join(names.value_name(label, value).lower() for value in several)
