"""The right side of the page as HTML: messages, the grid of garments, two garments compared. All text is escaped here."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from html import escape
from pathlib import Path

from PIL import Image

from asen_core.types import Box, Item, Match
from asen_core.ui import names
from asen_core.ui.query import Query
from asen_core.ui.stage import address
from asen_core.ui.studio import Answer, Ask, Pair
from asen_core.ui.table import address_of

CLOSE = 65.0
"""Percentile that the best hit of a real likeness passes easily: a garment has far closer neighbours in a large gallery."""

Picture = Callable[[Item], Path]
"""`Gallery.picture`: the absolute path of an item's picture."""


def notice(text: str = "") -> str:
    """The one place for messages. The turn changes each time: it also tells the browser that the answer has come."""
    turn = f'data-turn="{secrets.token_hex(4)}"'
    if not text:
        return f"<div {turn}></div>"
    return (
        f'<div class="notice" role="alert" {turn}><p>{escape(text)}</p>'
        '<button type="button" class="plain" data-do="dismiss" aria-label="Dismiss this message">✕</button></div>'
    )


def welcome(items: Sequence[Item], picture: Picture, attribute: str, total: int) -> str:
    """The grid before any photo was given."""
    head = f"<p><b>{total:,}</b> garments to compare with. Give a photo, or start from one of these.</p>"
    tiles = "".join(_tile(item, picture, attribute, value_of(item, attribute)) for item in items)
    return _grid(head, tiles)


def results(answer: Answer, ask: Ask, picture: Picture, value: str | None, chosen: str = "") -> str:
    """The grid of hits with its heading, or why there is none. value: what the model reads in the photo; chosen: an id."""
    if not answer.matches.hits:
        return nothing(answer, ask)
    name = escape(names.attribute_name(ask.attribute).lower())
    tiles = "".join(
        _tile(h.item, picture, ask.attribute, caption(h, ask.attribute), (rank, h.before), h.item.id == chosen)
        for rank, h in enumerate(answer.matches, 1)
    )
    count, searched = len(answer.matches), answer.matches.searched
    same = [h.item.labels.get(ask.attribute) for h in answer.matches]
    agree = f" · {same.count(value)} of {count} share the value" if value and any(same) else ""
    first = answer.matches.reranked
    few = "" if count >= min(ask.count, searched if first is None else first) else f" · no more above {ask.least:.2f}"
    among = f"{searched:,} garments" if first is None else f"the <b>{first:,}</b> most alike overall (of {searched:,})"
    head = f"<p>The <b>{count}</b> most alike in <b>{name}</b> of {among}{agree}{few}</p>"
    weak = _weak(answer.matches[0], name)
    link = f'<a class="plain" id="csv" download="find-alike-{escape(ask.attribute)}.csv" href="{address_of(answer)}">CSV</a>'
    return _grid(head + link, tiles, weak)


def nothing(answer: Answer, ask: Ask) -> str:
    """Said plainly instead of a forced list: the best there was, and what to change."""
    if answer.best is None:
        what, do = "No garment in the gallery passes these filters.", "Take a category or a colour out of the filters."
    else:
        among = "that passes the filters" if any(ask.where.values()) else "in the gallery"
        if answer.matches.reranked is not None:
            among = f"among the {answer.matches.reranked:,} most alike overall"
        what = f"Nothing {among} is closer than {ask.least:.2f}; the most alike garment reaches {answer.best:.2f}."
        lower = "Lower the least similarity, loosen" if ask.least > 0 else "Loosen"
        do = f"{lower} the filters, or draw a box around the part that matters."
    return f'<div class="nothing" role="status"><h2>Nothing close enough</h2><p>{what}</p><p class="muted">{do}</p></div>'


def pair(shown: Pair, query: Query, attribute: str, picture: Picture) -> str:
    """Two regions side by side, a bar per attribute, and what is known of the item."""
    item, name = shown.item, names.attribute_name(attribute).lower()
    view = query.views[attribute]
    mine = names.value_name(attribute, view.reading.value) if view.reading else "not named"
    figures = shown.match
    said = f"{figures.similarity:.2f} alike in {name}, {names.rarity(figures.percentile)}" if figures else f"compared in {name}"
    if figures and figures.before:
        said += f"; {names.place(figures.before)} overall"
    left = (
        f'<figure><span class="pic"><img class="fit" src="{address(query.crops[attribute])}" alt="Region of your garment">'
        f"</span><figcaption>Yours: {escape(mine)}</figcaption></figure>"
    )
    right = (
        f'<figure><span class="pic region" style="{_zoom(picture(item), item.rois.get(attribute))}">'
        f'<img src="{address(picture(item))}" alt="Region of garment {escape(item.id)}"></span>'
        f"<figcaption>{escape(item.id)}: {escape(value_of(item, attribute) or 'not labelled')}</figcaption></figure>"
    )
    of = f'data-id="{escape(item.id)}"'
    bars = "".join(_likeness(a, s, a == attribute) for a, s in shown.alike.items())
    return (
        f'<section class="pair" aria-label="Your garment beside {escape(item.id)}"><header><p>{escape(said)}</p>'
        f'<button type="button" class="plain" data-do="detail" {of}>Compare in detail</button>'
        f'<button type="button" class="plain strong" data-do="continue" {of}>Search from this one</button>'
        '<button type="button" class="plain" data-do="close" aria-label="Close the comparison">✕</button></header>'
        f'<div class="two">{left}{right}</div><ol class="bars alike">{bars}</ol>'
        f"<dl>{_labels(item.labels, shown.alike)}</dl></section>"
    )


def caption(hit: Match, attribute: str) -> str:
    value = value_of(hit.item, attribute)
    return f"{hit.similarity:.2f} · {value}" if value else f"{hit.similarity:.2f}"


def value_of(item: Item, attribute: str) -> str:
    value = item.labels.get(attribute, "")
    return names.value_name(attribute, value) if value else ""


def _grid(head: str, tiles: str, weak: str = "") -> str:
    found = f'<div class="found" role="status">{head}</div>{weak}'
    return f'{found}<div class="grid" role="group" aria-label="Garments">{tiles}</div>'


def _weak(best: Match, name: str) -> str:
    """Said above a list whose best hit is no closer than two garments taken at random often are."""
    if best.percentile >= CLOSE:
        return ""
    return (
        f'<p class="weak"><b>None of these is really close in {name}.</b> Even the first is closer than only '
        f"{best.percentile:.0f} % of all pairs in the gallery; the photo may show something that the gallery lacks.</p>"
    )


def _tile(
    item: Item, picture: Picture, attribute: str, text: str, ranks: tuple[int, int | None] = (0, None), pressed: bool = False
) -> str:
    """ranks: the place in the list, 0 where there is no order, and the place overall, None where that was not asked."""
    path, (rank, before) = picture(item), ranks
    overall = f"{names.place(before)} overall" if before else ""
    spoken = ", ".join(filter(None, [f"Rank {rank}" if rank else "", overall, item.id, text]))
    score, dot, rest = text.partition(" · ")
    shown = f"<b>{escape(score)}</b>{dot}{escape(rest)}" if rank else escape(text)
    shown += f'<span class="before">{overall}</span>' if overall else ""
    tile = (
        f'<button type="button" class="tile" data-id="{escape(item.id)}" aria-pressed="{str(pressed).lower()}">'
        f'<span class="pic" style="{_zoom(path, item.rois.get(attribute))}">'
        f'<img src="{address(path)}" alt="{escape(spoken)}" loading="lazy" draggable="false"></span>'
        f'<span class="caption" aria-hidden="true">{shown}</span></button>'
    )
    if not rank:
        return tile
    of = f'data-id="{escape(item.id)}" aria-label="Compare in detail with {escape(item.id)}"'
    return f'<div class="cell">{tile}<button type="button" class="plain detail" data-do="detail" {of}>Compare</button></div>'


def _likeness(attribute: str, similarity: float, asked: bool) -> str:
    name, share = escape(names.attribute_name(attribute)), min(1.0, max(0.0, similarity))
    return (
        f'<li class="{"first" if asked else ""}"><div><span>{name}</span><span>{similarity:.2f}</span></div>'
        f'<i style="--p:{share:.4f}"></i></li>'
    )


def _labels(labels: Mapping[str, str], order: Iterable[str]) -> str:
    """Known labels, those of attributes first and in the order of the bars beside them."""
    keys = dict.fromkeys([*(a for a in order if a in labels), *labels])
    rows = ((names.attribute_name(a), names.value_name(a, labels[a])) for a in keys if labels[a])
    return "".join(f"<div><dt>{escape(a)}</dt><dd>{escape(v)}</dd></div>" for a, v in rows)


@lru_cache(maxsize=20_000)
def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def _zoom(path: Path, roi: Box | None) -> str:
    """CSS numbers by which the browser cuts the region out of the picture it already has: no second file, no waiting.

    The region is centred in a square of its longer side; w, l and t are in percent of that square.
    """
    width, height = _size(path)
    box = (roi or Box(0, 0, 1, 1)).scaled(width, height)
    side = max(box.width, box.height)
    left, top = (box.x0 + box.x1 - side) / 2, (box.y0 + box.y1 - side) / 2
    return f"--w:{width / side * 100:.2f}%;--l:{-left / side * 100:.2f}%;--t:{-top / side * 100:.2f}%"
