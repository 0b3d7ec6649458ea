"""Whether the value read-out is as sure as it is right: reliability curves and expected calibration error (ECE)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table

from asen_core import metrics
from asen_core.data.labels import Photo
from asen_core.evaluation.passes import Size, by_path
from asen_core.evaluation.retrieval import labelled_attributes
from asen_core.evaluation.tables import percent
from asen_core.types import View, Vocabulary

BINS = 10


@dataclass(frozen=True)
class Curve:
    """Readings binned by their confidence (the probability of the value read).

    ece: |accuracy - confidence| of the bins, weighted by their readings (Guo et al., ICML 2017, section 2).
    accuracy and confidence: plain means over readings.
    bins: (mean confidence, accuracy, readings) per bin of equal width from 0 to 1; None, None, 0 where a bin is empty.
    """

    ece: float
    accuracy: float
    confidence: float
    readings: int
    bins: tuple[tuple[float | None, float | None, int], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        named = [dict(zip(("confidence", "accuracy", "readings"), b, strict=True)) for b in self.bins]
        return {**vars(self), "bins": named}


@dataclass(frozen=True)
class CalibrationReport:
    """A curve per attribute that is read, and one over all readings together."""

    attributes: Mapping[str, Curve]
    together: Curve

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"attributes": {a: c.to_dict() for a, c in self.attributes.items()}, "all": self.together.to_dict()}

    def table(self) -> Group:
        """For people; in percent."""
        table = Table(title="Calibration of the value read-out, in percent", title_justify="left")
        table.add_column("attribute")
        for name in ("ECE", "confidence", "read right", "readings"):
            table.add_column(name, justify="right")
        rows = [*self.attributes.items(), ("all readings", self.together)]
        for name, c in rows:
            if name == "all readings":
                table.add_section()
            table.add_row(name, percent(c.ece), percent(c.confidence), percent(c.accuracy), str(c.readings))
        return Group(table, self._curve())

    def _curve(self) -> Table:
        table = Table(title="Reliability of all readings, in percent", title_justify="left")
        for name in ("confidence from", "to", "mean confidence", "read right", "readings"):
            table.add_column(name, justify="right")
        for number, (confidence, accuracy, readings) in enumerate(self.together.bins):
            ends = (percent(n / len(self.together.bins)) for n in (number, number + 1))
            table.add_row(*ends, percent(confidence), percent(accuracy), str(readings))
        return table


class Calibration:
    """What is read on labelled photos and how surely, for a pass shared with other measures.

    Raises: DataError as `Retrieval`.
    """

    def __init__(self, vocabulary: Vocabulary, photos: Collection[Photo], attributes: Sequence[str] | None = None) -> None:
        self.attributes = labelled_attributes(vocabulary, photos, attributes)
        self.photos: dict[Path, Photo] = by_path([p for p in photos if any(a in p.labels for a in self.attributes)])
        self._found: dict[str, list[tuple[float, bool]]] = {a: [] for a in self.attributes}

    def add(self, photo: Photo, size: Size, views: Mapping[str, View]) -> None:
        """Keep the readings of the attributes that the photo has a label for and that the model reads."""
        del size
        for attribute in self.attributes:
            if (value := photo.labels.get(attribute)) is not None and (reading := views[attribute].reading):
                self._found[attribute].append((reading.probability, reading.value == value))

    def report(self) -> CalibrationReport | None:
        """The figures of the photos added; None where the model reads nothing."""
        curves = {a: _curve(found) for a, found in self._found.items() if found}
        together = [pair for found in self._found.values() for pair in found]
        return CalibrationReport(curves, _curve(together)) if together else None


def reliability_picture(report: CalibrationReport) -> np.ndarray:
    """(H, W, 3) uint8: the reliability curve of all readings, over bars of how many readings each bin holds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 4.2), dpi=150, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share read right", aspect="equal")
    bins, total = report.together.bins, report.together.readings
    middles = [(n + 0.5) / len(bins) for n in range(len(bins))]
    axes.bar(middles, [n / total for *_, n in bins], 0.9 / len(bins), color="0.85", label="share of readings")
    axes.plot((0, 1), (0, 1), color="0.5", linestyle=":", label="as sure as right")
    points = [(c, a) for c, a, n in bins if n]
    label = f"read-out, ECE {percent(report.together.ece)} %"
    axes.plot(*zip(*points, strict=True), marker="o", color="#1f77b4", label=label, clip_on=False)
    axes.legend(loc="upper left", frameon=False)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def _curve(found: Sequence[tuple[float, bool]]) -> Curve:
    # A softmax in float32 may end a hair above 1.
    confidence, right = np.array([min(1.0, c) for c, _ in found]), np.array([r for _, r in found])
    curve = metrics.reliability(confidence, right, BINS)
    bins = tuple(
        (float(c), float(a), int(n)) if n else (None, None, 0)
        for c, a, n in zip(curve.confidence, curve.accuracy, curve.counts, strict=True)
    )
    return Curve(curve.ece, float(right.mean()), float(confidence.mean()), len(found), bins)
