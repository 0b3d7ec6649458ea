"""The left side of the page as HTML: ways to give a photo, the photo under its heat map and frame, what was read."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from html import escape
from pathlib import Path

from asen_core.types import Box, Reading, View
from asen_core.ui import names
from asen_core.ui.handlers import UPLOAD_MEGABYTES
from asen_core.ui.query import Query
from asen_core.ui.server.sizes import address, small

ACCEPT = "image/*,.heic,.heif,.avif,.tif,.tiff"
UNSURE = 0.5
TEMPLATE = '<div class="stage">${intake}${value}${camera}</div>'
"""The left side: what stays is sent once, with the page."""
_HANDLES = ("nw", "ne", "sw", "se")


def stage(query: Query | None, attribute: str) -> str:
    """What changes of the left side. The turn differs each time, so that the browser always takes over what the server says."""
    body = _empty() if query is None else _photo(query, attribute)
    below = _unread() if query is None else _reading(query, attribute)
    return f'<div class="easel" data-turn="{secrets.token_hex(4)}">{body}<div class="reading" aria-live="polite">{below}</div>'


def intake(samples: Sequence[Path]) -> str:
    """The ways to give a photo, above what changes."""
    return (
        '<div class="intake">'
        f'<input type="file" class="file" accept="{ACCEPT}" tabindex="-1" aria-label="Garment photo">'
        '<button type="button" class="plain strong" data-do="choose">Upload photo</button>'
        '<button type="button" class="plain" data-do="camera">Camera</button>'
        '<button type="button" class="plain" data-do="paste">Paste</button>'
        f"</div>{thumbs(samples)}"
    )


def thumbs(samples: Sequence[Path]) -> str:
    """The sample garments, small; nothing where there are none."""
    shown = "".join(
        f'<button type="button" class="sample" data-sample="{i}" title="{escape(_spoken(p))}">'
        f'<img src="{small(p)}" alt="Sample: {escape(_spoken(p))}" loading="lazy" width="48" height="48"></button>'
        for i, p in enumerate(samples)
    )
    return f'<div class="samples" role="group" aria-label="Sample garments">{shown}</div>' if samples else ""


def _spoken(path: Path) -> str:
    return path.stem.lstrip("0123456789-_ ").replace("_", " ").replace("-", " ") or "garment"


def _empty() -> str:
    return (
        '<button type="button" class="drop" data-do="choose">'
        "<b>Drop a garment photo here</b><span>or paste it, take one, or try a sample above</span>"
        f"<small>any picture file up to {UPLOAD_MEGABYTES} MB; kept on this server only while you use it</small></button></div>"
        f"{_tools(None, False)}"
    )


def _photo(query: Query, attribute: str) -> str:
    width, height = query.size
    box = query.fractions(attribute)
    own = query.own_box(attribute)
    name = escape(names.attribute_name(attribute).lower())
    what = f"Gallery garment {escape(query.item)}" if query.item else "Your garment"
    handles = "".join(f'<i class="handle {h}" data-handle="{h}"></i>' for h in _HANDLES)
    return (
        f'<div class="canvas" style="--ratio:{width / height:.5f}">'
        f'<img class="photo" src="{address(query.preview)}" alt="{what}" draggable="false">'
        f'<img class="heat" src="{address(query.heats[attribute])}" draggable="false" '
        f'alt="Heat map: where the model looks for {name}">'
        f'<div class="frame{" own" if own else ""}" tabindex="0" role="group" style="{place(box)}" '
        f'aria-label="Region searched with. Arrow keys move it, Shift and arrow keys resize it.">{handles}</div>'
        f'<div class="draft"></div></div></div>{_tools(box, own)}'
    )


def place(box: Box) -> str:
    """CSS that lays a box of fractions over its picture."""
    return f"left:{box.x0 * 100:.2f}%;top:{box.y0 * 100:.2f}%;width:{box.width * 100:.2f}%;height:{box.height * 100:.2f}%"


def _tools(box: Box | None, own: bool) -> str:
    off = "" if box else " disabled"
    fields = "".join(
        f'<label>{text}<input type="number" class="corner" data-corner="{key}" min="0" max="100" step="1" '
        f'value="{round(value * 100)}"{off}></label>'
        for text, key, value in zip(
            ("Left %", "Top %", "Right %", "Bottom %"), ("x0", "y0", "x1", "y1"), box or (0, 0, 1, 1), strict=True
        )
    )
    back = "" if own else " disabled"
    return (
        '<div class="tools"><label class="opacity"><span>Heat map</span>'
        '<input type="range" min="0" max="100" step="1" value="70" aria-label="Heat map opacity"></label>'
        f'<button type="button" class="plain" data-do="draw"{off}>Draw box</button>'
        f'<button type="button" class="plain" data-do="reset"{back}>Reset box</button>'
        f'<button type="button" class="plain" data-do="numbers" aria-expanded="false"{off}>Numbers</button></div>'
        f'<div class="numbers" role="group" aria-label="Box in percent of the photo">{fields}</div>'
    )


def _reading(query: Query, attribute: str) -> str:
    view = query.views[attribute]
    name = names.attribute_name(attribute)
    crop = f'<img src="{address(query.crops[attribute])}" alt="Zoom on the region for {escape(name.lower())}">'
    return f'<figure class="zoom">{crop}</figure><div class="read"><h2>{escape(name)}</h2>{readings(view)}</div>'


def readings(view: View, shown: int = 3) -> str:
    """The value read and how sure, then the next ones, each with a small bar."""
    if view.reading is None:
        return '<p class="muted">This model names no values here; the likeness below still counts.</p>'
    rows = "".join(_bar(view.condition, r, first=i == 0) for i, r in enumerate(view.readings[:shown]))
    return f'<ol class="bars">{rows}</ol>'


def _bar(attribute: str, reading: Reading, first: bool) -> str:
    value = escape(names.value_name(attribute, reading.value))
    share = names.percent(reading.probability)
    doubt = "<small>not sure</small>" if reading.probability < UNSURE else ""
    text = f"<b>{value} · {share}</b>{doubt}" if first else f"<span>{value}</span><span>{share}</span>"
    return f'<li class="{"first" if first else ""}"><div>{text}</div><i style="--p:{reading.probability:.4f}"></i></li>'


def _unread() -> str:
    return (
        '<figure class="zoom"></figure><div class="read"><h2>Zoom</h2>'
        '<p class="muted">The part of the photo that decides, and what the model reads there.</p></div>'
    )


def camera() -> str:
    """Where a photo is taken, below what changes."""
    return (
        '<dialog class="camera" aria-label="Camera"><video autoplay playsinline muted></video>'
        '<div><button type="button" class="plain strong" data-do="shoot">Take photo</button>'
        '<button type="button" class="plain" data-do="leave">Cancel</button></div></dialog>'
    )
