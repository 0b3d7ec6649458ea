"""One feature of a pair: both regions, where the model looked, what explains it, the figures and their background."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from reportlab.lib.colors import HexColor, black, white
from reportlab.lib.units import cm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from asen_core.names import attribute_name, value_name
from asen_core.review.compare import Feature
from asen_core.review.evidence import pictures
from asen_core.review.evidence.pair import Pair
from asen_core.review.evidence.paper import BOLD, INK, PLAIN, SOFT, WIDTH, paragraph, style, words
from asen_core.review.evidence.record import Histogram, histogram
from asen_core.review.evidence.words import closer, kind_of, of_kind
from asen_core.types import Reading

CELL, _GAP, _HEAD, _LABEL = 3.1 * cm, 0.16 * cm, 0.95 * cm, 0.42 * cm
_END = 0.2 * cm
TITLES = ("Region compared", "Where the model looks", "What explains it")
_BAR, _BACK = HexColor("#c9c5be"), HexColor("#f4f3f0")


class Block(Flowable):
    """Rows for the first and the second design, pictures at the left and words with the background at the right."""

    def __init__(self, pair: Pair, feature: Feature) -> None:
        super().__init__()
        self._pair, self._feature = pair, feature
        self._rows = [_pictures(pair, feature, side) for side in (0, 1)]

    def wrap(self, *_: float) -> tuple[float, float]:
        return WIDTH, _HEAD + 2 * CELL + _GAP + _END

    def draw(self) -> None:
        canvas, top = self.canv, self.wrap()[1]
        canvas.setFillColor(INK)
        canvas.setFont(BOLD, 11)
        canvas.drawString(0, top - 11, attribute_name(self._feature.attribute))
        columns = [t for t, p in zip(TITLES, self._rows[0], strict=False)]
        for row, images in enumerate(self._rows):
            y = top - _HEAD - (row + 1) * CELL - row * _GAP
            _upright(canvas, _LABEL - 4, y + CELL / 2, ("First design", "Second design")[row])
            for column, image in enumerate(images):
                x = _LABEL + column * (CELL + _GAP)
                canvas.setFillColor(_BACK)
                canvas.rect(x, y, CELL, CELL, stroke=0, fill=1)
                if image is not None:
                    image.put(canvas, x, y, CELL, CELL)
                    continue
                canvas.setFillColor(SOFT)
                canvas.setFont(PLAIN, 7)
                canvas.drawCentredString(x + CELL / 2, y + CELL / 2, "not computed")
        canvas.setFillColor(SOFT)
        canvas.setFont(PLAIN, 7)
        for column, title in enumerate(columns):
            canvas.drawString(_LABEL + column * (CELL + _GAP), top - _HEAD + 3, title)
        x = _LABEL + len(columns) * (CELL + _GAP) + 0.15 * cm
        self._figures(canvas, x, top - _HEAD + 8, WIDTH - x)

    def _figures(self, canvas: Canvas, x: float, top: float, width: float) -> None:
        for markup in _said(self._pair, self._feature):
            text = paragraph(markup, style(7.6))
            _, height = text.wrap(width, 10 * cm)
            text.drawOn(canvas, x, top - height)
            top -= height + 2.5
        bottom = _END
        found = self._pair.comparison
        bins = histogram(self._pair.background, {self._feature.attribute: 1.0}, found.category, self._feature.similarity)
        plot(canvas, bins, self._feature.similarity, (x, bottom, width, min(top - bottom, 3.6 * cm)), found.category)


def plot(
    canvas: Canvas, bins: Histogram, similarity: float, place: tuple[float, float, float, float], category: str = ""
) -> None:
    """How often pairs are how alike, as bars; those of the same kind as a line; this pair as an arrow. place: x, y, w, h."""
    x, y, width, height = place
    base, room = y + 0.85 * cm, height - 0.85 * cm - 0.45 * cm
    low, high = float(bins.edges[0]), float(bins.edges[-1])

    def at(value: float) -> float:
        return x + (value - low) / (high - low) * width

    shares = bins.all / max(bins.all.max(), 1)
    canvas.setFillColor(_BAR)
    for left, right, share in zip(bins.edges[:-1], bins.edges[1:], shares, strict=True):
        if share:
            canvas.rect(at(left), base, at(right) - at(left) + 0.1, max(room * share, 0.4), stroke=0, fill=1)
    canvas.setStrokeColor(black)
    canvas.setLineWidth(0.7)
    if bins.same is not None and bins.same.sum():
        _steps(canvas, bins, at, base, room)
    canvas.setLineWidth(0.5)
    canvas.line(x, base, x + width, base)
    canvas.setFont(PLAIN, 6)
    canvas.setFillColor(SOFT)
    for tick in (-0.5, 0.0, 0.5, 1.0):
        if low <= tick <= high:
            canvas.line(at(tick), base, at(tick), base - 2)
            (canvas.drawRightString if tick == high else canvas.drawCentredString)(at(tick), base - 8.5, f"{tick:g}")
    here = at(similarity)
    canvas.setFillColor(black)
    canvas.setLineWidth(1.6)
    canvas.line(here, base, here, base + room + 4)
    label = f"this pair {similarity:.3f}"
    half = canvas.stringWidth(label, BOLD, 6.5) / 2
    canvas.setFont(BOLD, 6.5)
    canvas.drawCentredString(min(max(here, x + half), x + width - half), base + room + 7, label)
    canvas.setFont(PLAIN, 6)
    canvas.setFillColor(SOFT)
    canvas.drawString(x, y + 7, "Bars: how often pairs of different garments are so alike.")
    if bins.same is not None and bins.same.sum():
        canvas.drawString(x, y, f"Line: the same for pairs of the same kind ({kind_of(category)}).")


def _steps(canvas: Canvas, bins: Histogram, at: object, base: float, room: float) -> None:
    assert bins.same is not None
    assert callable(at)
    path = canvas.beginPath()
    path.moveTo(at(bins.edges[0]), base)
    for left, right, share in zip(bins.edges[:-1], bins.edges[1:], bins.same / bins.same.max(), strict=True):
        path.lineTo(at(left), base + room * float(share))
        path.lineTo(at(right), base + room * float(share))
    path.lineTo(at(bins.edges[-1]), base)
    canvas.drawPath(path)


def _pictures(pair: Pair, feature: Feature, side: int) -> Sequence[pictures.Picture | None]:
    design = (pair.comparison.first, pair.comparison.second)[side]
    garment = design.shots[feature.shots[side]].garment
    view = pair.comparison.views(feature.attribute)[side]
    both = pair.maps.get(feature.attribute)
    row = [pictures.zoom(garment, view), pictures.heat(garment, view)]
    if both is None or all(m is None for m in both):
        return row
    weights = both[side]
    return [*row, None if weights is None else pictures.explained(garment, view.roi, np.asarray(weights))]


def _said(pair: Pair, feature: Feature) -> Sequence[str]:
    every = closer(feature.standing)
    lines = [f"<b>Similarity {feature.similarity:.3f}</b> (mirrored {feature.mirrored:.3f})"]
    lines.append(f"{every[:1].upper()}{every[1:]} of different garments." if feature.standing else "No pairs to compare with.")
    lines += [of_kind(feature)] if feature.within else []
    read = [v.reading for v in pair.comparison.views(feature.attribute)]
    if all(read):
        first, second = (_read(feature.attribute, r) for r in read)
        lines.append(f"The model reads {first} on the first and {second} on the second.")
    counts = len(pair.first), len(pair.second)
    if max(counts) > 1:
        i, j = (s + 1 for s in feature.shots)
        lines.append(f"Nearest photos: no. {i} of {counts[0]} and no. {j} of {counts[1]}; the share allows for so many tries.")
    designs = pair.comparison.first, pair.comparison.second
    if any(pictures.is_long(d.shots[s].garment) for d, s in zip(designs, feature.shots, strict=True)):
        lines.append("Of a long photo, the part around the region is shown.")
    return lines


def _read(attribute: str, reading: Reading | None) -> str:
    assert reading is not None
    return f"“{words(value_name(attribute, reading.value))}” ({reading.probability * 100:.0f} % sure)"


def _upright(canvas: Canvas, x: float, y: float, text: str) -> None:
    canvas.saveState()
    canvas.setFillColor(SOFT)
    canvas.setFont(PLAIN, 7)
    canvas.translate(x, y)
    canvas.rotate(90)
    canvas.drawCentredString(0, 0, text)
    canvas.restoreState()


class Rule(Flowable):
    """A thin line across the page."""

    def wrap(self, *_: float) -> tuple[float, float]:
        return WIDTH, 0.3 * cm

    def draw(self) -> None:
        self.canv.setFillColor(white)
        self.canv.setStrokeColor(SOFT)
        self.canv.setLineWidth(0.4)
        self.canv.line(0, 0.15 * cm, WIDTH, 0.15 * cm)
