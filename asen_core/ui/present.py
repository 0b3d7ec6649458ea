"""The right side of the page as HTML: messages, the grid of garments, two garments compared. All text is escaped here."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

from PIL import Image

from asen_core.types import Box, Item, Match
from asen_core.ui import mixing, names
from asen_core.ui.facets import Facet, filters_said
from asen_core.ui.labelled import known
from asen_core.ui.mixing import Mix
from asen_core.ui.query import Query
from asen_core.ui.server.sizes import address, small
from asen_core.ui.studio import Answer, Ask, Pair
from asen_core.ui.table import address_of

CLOSE = 65.0
"""Percentile that the best hit of a real likeness passes easily: a garment has far closer neighbours in a large gallery."""

Picture = Callable[[Item], Path]
"""`Gallery.picture`: the absolute path of an item's picture."""


def notice(text: str = "", good: bool = False) -> str:
    """The one place for messages. The turn changes each time: it also tells the browser that the answer has come.

    good: whether something was done, in place of went wrong.
    """
    turn = f'data-turn="{secrets.token_hex(4)}"'
    if not text:
        return f"<div {turn}></div>"
    return (
        f'<div class="notice{" good" if good else ""}" role="alert" {turn}><p>{escape(text)}</p>'
        '<button type="button" class="plain" data-do="dismiss" aria-label="Dismiss this message">✕</button></div>'
    )


@dataclass(frozen=True)
class Within:
    """What is searched: the name of a gallery that is not everyone's, else ""; what it can be filtered by.

    saves: whether the search can be saved.
    """

    name: str = ""
    offered: Sequence[Facet] = ()
    saves: bool = False

    @property
    def said(self) -> str:
        """The name as it follows "garments", escaped."""
        return f" in <b>{escape(self.name)}</b>" if self.name else ""


def welcome(items: Sequence[Item], picture: Picture, attribute: str, total: int, name: str = "") -> str:
    """The grid before any photo was given. name: of the gallery, where it is not everyone's."""
    there = Within(name).said
    head = f"<p><b>{total:,}</b> garments{there} to compare with. Give a photo, or start from one of these.</p>"
    tiles = "".join(_tile(item, picture, attribute, value_of(item, attribute)) for item in items)
    return _grid(head, tiles)


def results(answer: Answer, ask: Ask, picture: Picture, value: str | None, chosen: str = "", within: Within = Within()) -> str:
    """The grid of hits with its heading, or why there is none.

    value: what the model reads in the photo; chosen: an id; within: what was searched.
    """
    if not answer.matches.hits:
        return nothing(answer, ask)
    tiles = "".join(
        _tile(
            h.item, picture, ask.attribute, caption(h, ask), (rank, h.before), h.item.id == chosen,
            mixing.singles(ask.mix, answer.singles.get(h.item.id, {})) if ask.mix else "",
        )
        for rank, h in enumerate(answer.matches, 1)
    )  # fmt: skip
    count, searched = len(answer.matches), answer.matches.searched
    same = [h.item.labels.get(ask.attribute) for h in answer.matches]
    agree = f" · {same.count(value)} of {count} share the value" if value and any(same) and not ask.mix else ""
    first = answer.matches.reranked
    few = "" if count >= min(ask.count, searched if first is None else first) else _few(ask)
    among = f"{searched:,} garments" if first is None else f"the <b>{first:,}</b> most alike overall (of {searched:,})"
    filtered = within.said + (f" with {escape(said)}" if (said := filters_said(within.offered, ask.where)) else "")
    head = f"<p>The <b>{count}</b> most alike in {_asked(ask)} of {among}{filtered}{agree}{few}</p>"
    weak = "" if ask.mix else _weak(answer.matches[0], escape(names.attribute_name(ask.attribute).lower()))
    name = "mix" if ask.mix else ask.attribute
    link = f'<a class="plain" id="csv" download="find-alike-{escape(name)}.csv" href="{address_of(answer)}">CSV</a>'
    save = '<button type="button" class="plain" data-do="save">Save this search</button>' if within.saves else ""
    return _grid(head + save + link, tiles, weak)


def _asked(ask: Ask) -> str:
    """What garments shall be alike in, and different in, as a phrase."""
    if ask.mix is None:
        return f"<b>{escape(names.attribute_name(ask.attribute).lower())}</b>"
    alike, unlike = (escape(said) for said in mixing.said(ask.mix))
    return f"<b>{alike}</b>" + (f", different in <b>{unlike}</b>," if unlike else "")


def _few(ask: Ask) -> str:
    """Why there are fewer than asked for."""
    apart = f"alike in {escape(mixing.said(ask.mix)[1])}, or " if ask.mix and ask.mix.unlike else ""
    return f" · all others are {apart}below {ask.least:.2f}"


def nothing(answer: Answer, ask: Ask) -> str:
    """Said plainly instead of a forced list: the best there was, and what to change."""
    if answer.best is None and ask.mix and ask.mix.unlike:
        unlike = escape(mixing.said(ask.mix)[1])
        what, do = f"No garment is different in {unlike} and passes the filters.", "Ask for fewer differences."
    elif answer.best is None:
        what, do = "No garment in the gallery passes these filters.", "Take some of them out."
    else:
        among = "that passes the filters" if any(ask.where.values()) else "in the gallery"
        if answer.matches.reranked is not None:
            among = f"among the {answer.matches.reranked:,} most alike overall"
        what = f"Nothing {among} is closer than {ask.least:.2f}; the most alike garment reaches {answer.best:.2f}."
        lower = "Lower the least similarity, loosen" if ask.least > 0 else "Loosen"
        do = f"{lower} the filters, or draw a box around the part that matters."
    return f'<div class="nothing" role="status"><h2>Nothing close enough</h2><p>{what}</p><p class="muted">{do}</p></div>'


def pair(shown: Pair, query: Query, attribute: str, picture: Picture, mix: Mix | None = None) -> str:
    """Two regions side by side, a bar per attribute, and what is known of the item. mix: where attributes were mixed."""
    item, name = shown.item, names.attribute_name(attribute).lower()
    view = query.views[attribute]
    mine = names.value_name(attribute, view.reading.value) if view.reading else "not named"
    figures = shown.match
    alike_in, rare = (mixing.said(mix)[0], "") if mix else (name, f", {names.rarity(figures.percentile)}" if figures else "")
    said = f"{figures.similarity:.2f} alike in {alike_in}{rare}" if figures else f"compared in {name}"
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
    asked = mix.asked if mix else (attribute,)
    bars = "".join(_likeness(a, s, a in asked) for a, s in shown.alike.items())
    return (
        f'<section class="pair" aria-label="Your garment beside {escape(item.id)}"><header><p>{escape(said)}</p>'
        f'<button type="button" class="plain" data-do="detail" {of}>Compare in detail</button>'
        f'<button type="button" class="plain strong" data-do="continue" {of}>Search from this one</button>'
        '<button type="button" class="plain" data-do="close" aria-label="Close the comparison">✕</button></header>'
        f'<div class="two">{left}{right}</div><ol class="bars alike">{bars}</ol>'
        f"<dl>{known(item.labels, shown.alike)}</dl></section>"
    )


def caption(hit: Match, ask: Ask) -> str:
    value = "" if ask.mix else value_of(hit.item, ask.attribute)
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
    item: Item, picture: Picture, attribute: str, text: str, ranks: tuple[int, int | None] = (0, None), pressed: bool = False,
    singles: str = "",
) -> str:  # fmt: skip
    """ranks: the place in the list, 0 where there is no order, and the place overall, None where that was not asked.

    singles: the similarities that a mixed one is made of.
    """
    path, (rank, before) = picture(item), ranks
    overall = f"{names.place(before)} overall" if before else ""
    spoken = ", ".join(filter(None, [f"Rank {rank}" if rank else "", overall, item.id, text, singles]))
    score, dot, rest = text.partition(" · ")
    shown = f"<b>{escape(score)}</b>{dot}{escape(rest)}" if rank else escape(text)
    shown += "".join(f'<span class="before">{escape(more)}</span>' for more in (overall, singles) if more)
    tile = (
        f'<button type="button" class="tile" data-id="{escape(item.id)}" aria-pressed="{str(pressed).lower()}">'
        f'<span class="pic" style="{_zoom(path, item.rois.get(attribute))}">'
        f'<img src="{small(path)}" alt="{escape(spoken)}" loading="lazy" draggable="false"></span>'
        f'<span class="caption" aria-hidden="true">{shown}</span></button>'
    )
    if not rank:
        return tile
    of = f'data-id="{escape(item.id)}" aria-label="Compare in detail with {escape(item.id)}"'
    return f'<div class="cell">{tile}<button type="button" class="plain detail" data-do="detail" {of}>Compare</button></div>'


def _likeness(attribute: str, similarity: float, asked: bool) -> str:
    name, share = escape(names.attribute_name(attribute)), min(1.0, max(0.0, similarity))
    return (
        f'<li class="{"first" if asked else ""}"><div><span>{name}</span><span>{round(similarity, 2) + 0.0:.2f}</span></div>'
        f'<i style="--p:{share:.4f}"></i></li>'
    )


@lru_cache(maxsize=20_000)
def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def _size_or_usual(path: Path) -> tuple[int, int]:
    """Of a picture that is gone or damaged, which the page says in its place, that of most."""
    try:
        return _size(path)
    except (OSError, ValueError, SyntaxError):
        return 3, 4


def _zoom(path: Path, roi: Box | None) -> str:
    """CSS numbers by which the browser cuts the region out of the picture it already has: no second file, no waiting.

    The region is centred in a square of its longer side; w, l and t are in percent of that square.
    """
    width, height = _size_or_usual(path)
    box = (roi or Box(0, 0, 1, 1)).scaled(width, height)
    side = max(box.width, box.height)
    left, top = (box.x0 + box.x1 - side) / 2, (box.y0 + box.y1 - side) / 2
    return f"--w:{width / side * 100:.2f}%;--l:{-left / side * 100:.2f}%;--t:{-top / side * 100:.2f}%"
