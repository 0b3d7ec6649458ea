"""The contact sheet of `look`: per attribute the photo with heat map and framed region, and the zoom beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from asen_core import draw
from asen_core.types import Garment, View

CELL = 320
_CAPTION = 34


def sheet(garment: Garment, views: Mapping[str, View]) -> np.ndarray:
    """(H, W, 3) uint8: two cells per attribute, four to a row, each with its caption."""
    return draw.contact_sheet(_cells(garment, views), columns=4, cell=CELL)


def _cells(garment: Garment, views: Mapping[str, View]) -> Iterator[np.ndarray]:
    small, near = draw.shrunk(garment, views, 2 * CELL)
    for name, view in views.items():
        yield captioned(draw.framed(draw.overlaid(small, near[name]), near[name].roi), name)
        read = f"{view.reading.value} {view.reading.probability:.2f}" if view.reading else "zoom"
        yield captioned(draw.crop(garment.pixels, view.roi), read)


def captioned(image: np.ndarray, text: str) -> np.ndarray:
    """The picture fitted into a square cell whose top line holds the text."""
    cell = Image.new("RGB", (CELL, CELL), "white")
    room = CELL - _CAPTION
    height, width = image.shape[:2]
    ratio = room / max(height, width)
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    picture = Image.fromarray(image).resize(size, Image.Resampling.LANCZOS)
    cell.paste(picture, ((CELL - size[0]) // 2, _CAPTION))
    ImageDraw.Draw(cell).text((CELL / 2, _CAPTION / 2), text, "black", ImageFont.load_default(22), anchor="mm")
    return np.asarray(cell)
