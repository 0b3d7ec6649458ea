"""Two designs side by side as HTML: the photos of each, and between them what was measured. All text is escaped here."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from html import escape
from pathlib import Path

from asen_core.review.design import MOST
from asen_core.ui import names
from asen_core.ui.desk import Desk, Sheet, Side
from asen_core.ui.figures import SIDES, figures, striking
from asen_core.ui.handlers import UPLOAD_MEGABYTES
from asen_core.ui.stage import ACCEPT, address, place, thumbs


def page(desk: Desk, attributes: Sequence[str], samples: Sequence[Path]) -> str:
    """The whole tab. The turn differs each time, so that the browser always takes over what the server says."""
    first = striking(desk.comparison) if desk.comparison else attributes[0]
    sides = "".join(_side(i, desk, first, samples) for i in range(2))
    return (
        f'<section class="versus" data-turn="{secrets.token_hex(4)}">{sides}'
        f'<div class="verdict">{figures(desk) if desk.comparison else waiting(desk)}</div></section>'
    )


def waiting(desk: Desk) -> str:
    """What to do before there is anything to compare."""
    head = "Now give the other design." if any(desk.sides) else "Give a photo of each of two designs."
    return (
        f'<div class="waiting" role="status"><h2>{head}</h2><p>You then see, for each attribute, the two regions, how alike '
        "they are, and how rarely two different garments are that alike. Several views of one garment make it fairer: the "
        "closest two count.</p></div>"
    )


def _side(number: int, desk: Desk, attribute: str, samples: Sequence[Path]) -> str:
    sheets, name = desk.sides[number], SIDES[number]
    shown = desk.comparison.features[attribute].shots[number] if desk.comparison else 0
    body = _canvas(sheets[shown], attribute) if sheets else _empty()
    more, strong = ("Add views", "") if sheets else ("Upload", " strong")
    full = " disabled" if len(sheets) >= MOST else ""
    clear = '<button type="button" class="plain" data-do="clear">Clear</button>' if sheets else ""
    return (
        f'<div class="side" role="group" aria-label="{name}" data-side="{number}" data-count="{len(sheets)}" '
        f'data-photos="{escape(json.dumps([_photo(s) for s in sheets]))}"><header><h2>{name}</h2>'
        f'<button type="button" class="plain{strong}" data-do="choose"{full}>{more}</button>{clear}</header>'
        f'<input type="file" class="file" accept="{ACCEPT}" multiple tabindex="-1" aria-label="Photos of the {name.lower()}">'
        f'<div class="easel">{body}</div>{_strip(sheets, shown) if sheets else thumbs(samples)}</div>'
    )


def _photo(sheet: Sheet) -> dict[str, object]:
    """What the browser needs to show any attribute on this photo by itself."""
    query, (width, height) = sheet.query, sheet.query.size
    return {
        "src": address(query.preview),
        "ratio": f"{width / height:.5f}",
        "name": sheet.name,
        "heats": {a: address(p) for a, p in query.heats.items()},
        "places": {a: place(query.fractions(a)) for a in query.heats},
    }


def _canvas(sheet: Sheet, attribute: str) -> str:
    query, name = sheet.query, escape(names.attribute_name(attribute).lower())
    return (
        f'<div class="canvas" style="--ratio:{query.size[0] / query.size[1]:.5f}">'
        f'<img class="photo" src="{address(query.preview)}" alt="{escape(sheet.name)}" draggable="false">'
        f'<img class="heat" src="{address(query.heats[attribute])}" alt="Heat map: where the model looks for {name}" '
        f'draggable="false"><div class="frame" style="{place(query.fractions(attribute))}"></div></div>'
    )


def _empty() -> str:
    return (
        '<button type="button" class="drop" data-do="choose"><b>Drop photos here</b>'
        f"<span>one to {MOST} views of one garment</span><small>up to {UPLOAD_MEGABYTES} MB each; kept on this server only "
        "while you use them</small></button>"
    )


def _strip(sheets: Side, shown: int) -> str:
    """The photos of a side, small: one click shows one, another takes it away."""
    small = "".join(
        f'<span class="thumb"><button type="button" data-view="{i}" aria-pressed="{str(i == shown).lower()}">'
        f'<img src="{address(s.query.preview)}" alt="View {i + 1}: {escape(s.name)}" width="48" height="48"></button>'
        f'<button type="button" class="off" data-remove="{i}" aria-label="Remove view {i + 1}">✕</button></span>'
        for i, s in enumerate(sheets)
    )
    row = f'<div class="views" role="group" aria-label="Views">{small}</div>' if len(sheets) > 1 else ""
    return f'<p class="whose">{escape(sheets[shown].name)}</p>{row}'
