"""The figure of attention (as in Dong et al., TIP 2021): a row per photo, the photo first, then one heat map per attribute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asen_core.draw.overlay import overlaid
from asen_core.draw.page import Page, Paper, line, size_in, split
from asen_core.draw.words import set_in
from asen_core.errors import AsenError
from asen_core.names import attribute_name, percent, value_name
from asen_core.types import View

_GAP, _LEAST = 0.08, 1.1
_FRAME = "#ffffff", "#0a58ca"


@dataclass(frozen=True, eq=False)
class Seen:
    """A photo (h, w, 3) uint8, small but large enough for print, and its views in the photo's own pixels."""

    photo: np.ndarray
    views: Mapping[str, View]


def cell_width(paper: Paper, attributes: Sequence[str]) -> float:
    """The width of a photo in cm. Raises: AsenError where so many columns would be too narrow to see anything."""
    width = (paper.width + _GAP) / (len(attributes) + 1) - _GAP
    if width < _LEAST:
        most = int((paper.width + _GAP) / (_LEAST + _GAP)) - 1
        raise AsenError(
            f"{len(attributes)} attributes don't fit side by side on {paper.width:g} cm, at most {max(most, 0)} do; "
            "name some with --attributes or give a larger --width."
        )
    return width


def attention_pages(seen: Sequence[Seen], attributes: Sequence[str], paper: Paper, rois: bool = False) -> list[Page]:
    """The pages of the figure; `rois` frames the region of interest on each map. The value read stands below its map.

    Raises: AsenError where the attributes don't fit side by side.
    """
    width = cell_width(paper, attributes)
    points = text_size(width)
    titles = [set_in(attribute_name(a), width, points) for a in attributes]
    head = max(len(words) * line(size) for words, size in titles) + 0.06
    captions = [[_caption(s.views[a], width, points) for a in attributes] for s in seen]
    below = [max(len(words) * line(size) for words, size in row) for row in captions]
    sizes = [size_in(s.photo, width) for s in seen]
    heights = [size[1] + b + (_GAP if b == 0 else 0.14) for size, b in zip(sizes, below, strict=True)]
    pages = []
    for rows in split(heights, None if paper.height is None else paper.height - head):
        page = Page(paper, head + sum(heights[i] for i in rows))
        for c, (words, size) in enumerate(titles, 1):
            page.lines(words, c * (width + _GAP) + width / 2, head - 0.06 - len(words) * line(size), size)
        y = head
        for i in rows:
            _row(page, seen[i], attributes, (y, width, *sizes[i]), rois)
            for c, (words, size) in enumerate(captions[i], 1):
                page.lines(words, c * (width + _GAP) + width / 2, y + sizes[i][1] + 0.04, size)
            y += heights[i]
        pages.append(page)
    return pages


def text_size(width: float) -> float:
    """Points that suit a cell of `width` cm."""
    return float(np.clip(width * 3.2, 5.5, 8))


def _row(page: Page, seen: Seen, attributes: Sequence[str], place: tuple[float, ...], rois: bool) -> None:
    """place: upper edge, width of a cell, width and height of the picture in it, all in cm."""
    y, cell, width, height = place
    inset = (cell - width) / 2
    page.picture(seen.photo, inset, y, width, height)
    for c, name in enumerate(attributes, 1):
        x = c * (cell + _GAP) + inset
        page.picture(overlaid(seen.photo, seen.views[name]), x, y, width, height)
        if rois:
            roi = seen.views[name].roi.scaled(width / seen.photo.shape[1], height / seen.photo.shape[0])
            for colour, points in zip(_FRAME, (1.4, 0.8), strict=True):  # light beside dark: seen on any cloth
                page.frame(x + roi.x0, y + roi.y0, roi.width, roi.height, colour, points)


def _caption(view: View, width: float, points: float) -> tuple[tuple[str, ...], float]:
    if view.reading is None:
        return (), points
    share = percent(view.reading.probability).replace(" ", "\N{NO-BREAK SPACE}")
    return set_in(f"{value_name(view.condition, view.reading.value)} {share}", width, points - 0.5)
