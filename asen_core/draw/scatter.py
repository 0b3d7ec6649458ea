"""The figure of spaces: per attribute its garments in two dimensions (t-SNE), near where they are alike, marked by value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from asen_core.draw.beside import places
from asen_core.draw.legend import Entry, Legend, legend
from asen_core.draw.page import SOFT, Page, Paper, line, split
from asen_core.draw.words import set_in, width_of
from asen_core.errors import AsenError
from asen_core.names import attribute_name, value_name

HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#4d4d4d", "#f0e442")
"""Okabe and Ito's colours, told apart with every kind of colour vision; then they come again with another mark."""
MARKS = {"o": 1.0, "^": 1.7}
"""Marks and their sizes: a triangle looks smaller than a disc."""
_RIM, _BARE, _OTHER = "#00000070", "#d2cfca", "#a39f98"
_GAP, _BELOW, _LEAST = 0.5, 0.3, 4.0


@dataclass(frozen=True, eq=False)
class Cloud:
    """points: (N, 2) float32 in 0..1, x to the right and y down; labels: N, "" where there is none.

    values: all of the attribute's values, to list them in this order; empty lists the most frequent first.
    picture: gives the photo of a garment, (H, W, 3) uint8, by its number; None draws no photos.
    """

    attribute: str
    points: np.ndarray
    labels: Sequence[str]
    values: Sequence[str] = ()
    picture: Callable[[int], np.ndarray] | None = None

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape != (len(self.labels), 2):
            raise ValueError(f"points must be ({len(self.labels)}, 2) as there are labels, got {self.points.shape}.")


def scatter_pages(clouds: Sequence[Cloud], paper: Paper, columns: int | None = None) -> list[Page]:
    """The pages of the figure: a panel per attribute, its legend at its right.

    columns: panels side by side; None: two where there are several and 12 cm to lay them on.
    Raises: AsenError where so many would be too narrow to see anything.
    """
    columns = columns or (2 if len(clouds) > 1 and paper.width >= 12 else 1)
    width = (paper.width + _GAP) / columns - _GAP
    if width < _LEAST:
        most = int((paper.width + _GAP) / (_LEAST + _GAP))
        raise AsenError(
            f"{columns} panels need {columns * (_LEAST + _GAP) - _GAP:g} cm side by side, at most {max(most, 0)} fit on "
            f"{paper.width:g} cm; give fewer --columns or a larger --width."
        )
    points = float(np.clip(width * 0.8, 6, 8))
    key = min(0.38 * width, 5.0)
    side = width - key - 0.2
    head = line(points + 1) + 0.1
    rows = [clouds[i : i + columns] for i in range(0, len(clouds), columns)]
    height = head + side + _BELOW
    pages = []
    for numbers in split([height] * len(rows), None if paper.height is None else paper.height + _BELOW):
        page = Page(paper, len(numbers) * height - _BELOW)
        for r, number in enumerate(numbers):
            for c, cloud in enumerate(rows[number]):
                _panel(page, cloud, (c * (width + _GAP), r * height + head, side, key), points)
        pages.append(page)
    return pages


def _panel(page: Page, cloud: Cloud, place: tuple[float, float, float, float], points: float) -> None:
    """place: left and upper edge of the map, its side and the legend's width, all in cm."""
    x, y, side, key = place
    shown = legend(cloud.labels, HUES * len(MARKS), cloud.values)
    name = attribute_name(cloud.attribute)
    above = y - 0.1 - line(points + 1) / 2
    page.text(name, x, above, points + 1, "left", bold=True)
    count = f"{len(cloud.labels):,} garments" if len(cloud.labels) != 1 else "1 garment"
    page.text(count, x + width_of(name, points + 1, bold=True) + 0.2, above, points, "left", SOFT)
    photo = max(0.6, 0.085 * side) if cloud.picture else 0.0
    edge = max(photo / 2, 0.12)
    at = np.array([x, y]) + edge + cloud.points * (side - 2 * edge)
    size = float(np.clip(30 * side**2 / max(len(at), 1), 4.5, 16))
    _marks(page, at, shown, size)
    if cloud.picture is not None:
        for i, middle in places(at, shown.numbers, photo + 0.06, (x, y, x + side, y + side)):
            colour = _look(shown, shown.numbers[i])[1]
            for tint, wide in ((_RIM, 1.1), (colour, 0.7)):  # a rim, so that pale colours can be seen
                page.axes.plot(*zip(at[i], middle, strict=True), color=tint, lw=wide, zorder=2.5)
            _photo(page, cloud.picture(i), middle, photo, colour)
    _legend(page, cloud.attribute, shown, (x + side + 0.2, y, key, side), points)


def _look(shown: Legend, number: int) -> tuple[str, str]:
    """The mark and the colour of an entry; what is not labelled is paler than what is one of many other values."""
    entry = shown.entries[number]
    mark = tuple(MARKS)[(entry.hue or 0) // len(HUES)]
    return mark, _BARE if not entry.value else _OTHER if entry.values > 1 else entry.colour


def _marks(page: Page, at: np.ndarray, shown: Legend, size: float) -> None:
    # In the order of values the last one would hide the others wherever they mix; the grey ones lie below all.
    order = np.random.default_rng(0).permutation(len(at))
    looks = [_look(shown, i) for i in range(len(shown.entries))]
    grey = np.array([e.values > 1 or not e.value for e in shown.entries], bool)
    for below in (True, False):
        for mark in MARKS:
            alike = [i for i, look in enumerate(looks) if look[0] == mark and grey[i] == below]
            mine = order[np.isin(shown.numbers[order], alike)]
            if len(mine):
                page.axes.scatter(
                    *at[mine].T, s=size * MARKS[mark], c=[looks[n][1] for n in shown.numbers[mine]], marker=mark,
                    edgecolors=_RIM, linewidths=0.1 if below else 0.25, zorder=1.9 if below else 2,
                )  # fmt: skip


def _photo(page: Page, pixels: np.ndarray, middle: tuple[float, float], side: float, colour: str) -> None:
    ratio = pixels.shape[1] / pixels.shape[0]
    width, height = max(min(side, side * ratio), 0.05), max(min(side, side / ratio), 0.05)
    x, y = middle[0] - width / 2, middle[1] - height / 2
    page.picture(pixels, x, y, width, height, order=3)
    page.frame(x, y, width, height, _RIM, 1.2, order=3.4)
    page.frame(x, y, width, height, colour, 0.9, order=3.5)


def _legend(page: Page, attribute: str, shown: Legend, place: tuple[float, float, float, float], points: float) -> None:
    """Mark, name and count of each value; set smaller where there would be no room for all of them."""
    x, y, width, height = place
    room = width - 0.35 - width_of("0,000", points)
    size = min(points, height / max(len(shown.entries), 1) / line(1))
    words = [set_in(_named(attribute, e), room, size, lines=2) for e in shown.entries]
    total = sum(len(w) for w, _ in words)
    if total * line(size) > height:  # names on two lines were too much: one line each
        words = [set_in(_named(attribute, e), room, size, lines=1) for e in shown.entries]
    for i, (entry, (lines, smaller)) in enumerate(zip(shown.entries, words, strict=True)):
        mark, colour = _look(shown, i)
        middle = y + line(size) / 2
        page.axes.scatter([x + 0.12], [middle], s=size * 2.6, c=[colour], marker=mark, edgecolors=_RIM, linewidths=0.3)
        page.lines(lines, x + 0.32, y + (line(size) - line(smaller)) / 2, smaller, align="left")
        page.text(f"{entry.count:,}", x + width, middle, size, "right", SOFT)
        y += max(len(lines) * line(smaller), line(size))


def _named(attribute: str, entry: Entry) -> str:
    if entry.values > 1:
        return f"{entry.values} other values"
    return value_name(attribute, entry.value) if entry.value else "Not labelled"
