"""The figure of regions: a column per photo, the photo above and below it what is zoomed into under each attribute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from asen_core.draw.attention import text_size
from asen_core.draw.overlay import crop, fitted
from asen_core.draw.page import Page, Paper, line, size_in, split
from asen_core.draw.words import set_in, width_of
from asen_core.errors import AsenError
from asen_core.names import attribute_name
from asen_core.types import Box, Garment, View

_GAP, _LEAST, _BETWEEN = 0.08, 1.0, 0.35
PHOTOS = 8
"""Photos side by side where nothing else is asked for."""


@dataclass(frozen=True, eq=False)
class Zoomed:
    """A photo (h, w, 3) uint8 and the square cut out of it per attribute (s, s, 3) uint8."""

    photo: np.ndarray
    zooms: Mapping[str, np.ndarray]


def square(roi: Box, width: int, height: int) -> Box:
    """The square on a region's longer side, moved into the photo; it leaves the photo only where that is too narrow."""
    side = max(roi.width, roi.height)

    def start(low: float, high: float, length: int) -> float:
        at = (low + high - side) / 2
        return (length - side) / 2 if side > length else min(max(at, 0), length - side)

    x, y = start(roi.x0, roi.x1, width), start(roi.y0, roi.y1, height)
    return Box(x, y, x + side, y + side)


def zoomed(garment: Garment, views: Mapping[str, View], longest: int) -> Zoomed:
    """The photo and the squares around the views' regions, at most `longest` pixels each, white where they leave the photo."""
    squares = {n: _cut(garment.pixels, square(v.roi, garment.width, garment.height), longest) for n, v in views.items()}
    return Zoomed(_resized(garment.pixels, *fitted((garment.width, garment.height), longest)), squares)


def cell_width(paper: Paper, columns: int, attributes: Sequence[str]) -> float:
    """The side of a square in cm. Raises: AsenError where so many columns would be too narrow to see anything."""
    width = (paper.width - _label(paper, attributes)) / columns - _GAP
    if width < _LEAST:
        most = int((paper.width - _label(paper, attributes)) / (_LEAST + _GAP))
        raise AsenError(
            f"{columns} photos don't fit side by side on {paper.width:g} cm, at most {max(most, 0)} do; "
            "give --columns or a larger --width."
        )
    return width


def strip_pages(photos: Sequence[Zoomed], attributes: Sequence[str], paper: Paper, columns: int = PHOTOS) -> list[Page]:
    """The pages of the figure: blocks of `columns` photos with a strip per attribute, a block never cut in two.

    Raises: AsenError where the photos don't fit side by side.
    """
    columns = min(columns, len(photos)) or 1
    width = cell_width(paper, columns, attributes)
    blocks = [photos[i : i + columns] for i in range(0, len(photos), columns)]
    tops = [max(size_in(p.photo, width)[1] for p in block) for block in blocks]
    heights = [top + len(attributes) * (width + _GAP) + _BETWEEN for top in tops]
    pages = []
    for numbers in split(heights, None if paper.height is None else paper.height + _BETWEEN):
        page = Page(paper, sum(heights[i] for i in numbers) - _BETWEEN)
        y = 0.0
        for i in numbers:
            _block(page, blocks[i], attributes, (_label(paper, attributes), y, width, tops[i]))
            y += heights[i]
        pages.append(page)
    return pages


def _block(page: Page, photos: Sequence[Zoomed], attributes: Sequence[str], place: tuple[float, ...]) -> None:
    """place: left and upper edge, side of a square and height of the photos, all in cm."""
    left, top, side, tall = place
    for c, one in enumerate(photos):
        x = left + _GAP + c * (side + _GAP)
        width, height = size_in(one.photo, side)
        page.picture(one.photo, x + (side - width) / 2, top + tall - height, width, height)
        for r, name in enumerate(attributes):
            page.picture(one.zooms[name], x, top + tall + _GAP + r * (side + _GAP), side, side)
    for r, name in enumerate(attributes):
        words, size = set_in(attribute_name(name), left - 0.1, text_size(side))
        middle = top + tall + _GAP + r * (side + _GAP) + side / 2
        page.lines(words, left - 0.06, middle - len(words) * line(size) / 2, size, align="right")


def _cut(pixels: np.ndarray, box: Box, longest: int) -> np.ndarray:
    """Only what lies on the photo is cut before it is made small: the square around a long photo could fill the memory."""
    inside = box.intersection(Box(0, 0, pixels.shape[1], pixels.shape[0]))
    assert inside is not None  # a region lies on its photo
    part = crop(pixels, inside)
    ratio = min(1.0, longest / box.width)
    small = _resized(part, max(1, round(part.shape[1] * ratio)), max(1, round(part.shape[0] * ratio)))
    x, y, side = (box.x0 - inside.x0) * ratio, (box.y0 - inside.y0) * ratio, round(box.width * ratio)
    return crop(small, Box(round(x), round(y), round(x) + side, round(y) + side))


def _resized(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def _label(paper: Paper, attributes: Sequence[str]) -> float:
    """Room for the attributes' names at the left, in cm: as much as they need on one line, or up to a sixth of the page."""
    return min(max(width_of(attribute_name(a), text_size(9)) for a in attributes) + 0.12, 2.2, paper.width / 6)
