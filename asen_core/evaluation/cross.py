"""Real photos against a gallery: how many of the first k items have the photo's value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from asen_core import metrics
from asen_core.data.labels import Photo
from asen_core.evaluation.passes import Size, by_path, run
from asen_core.evaluation.retrieval import labelled_attributes
from asen_core.evaluation.tables import mean, percent
from asen_core.types import View

if TYPE_CHECKING:
    from asen_core.engine import Engine

ATTRIBUTES = ("neckline", "sleeve", "pattern")


@dataclass(frozen=True)
class ValuePrecision:
    """One value: mean share of the first k items that have it, its share of the gallery (chance), and how many photos asked."""

    precision: float
    chance: float
    photos: int


@dataclass(frozen=True)
class Precision:
    """One attribute: means over photos, not over values. An item of the gallery without a label counts as wrong."""

    precision: float
    chance: float
    photos: int
    values: Mapping[str, ValuePrecision]


@dataclass(frozen=True)
class GalleryReport:
    """Precision at k per attribute, and the plain mean over attributes."""

    k: int
    attributes: Mapping[str, Precision]
    mean: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def table(self) -> Table:
        """For people; in percent, each attribute followed by its values."""
        table = Table(title=f"Photos against the gallery, first {self.k}, in percent", title_justify="left")
        table.add_column("attribute")
        for name in ("share the value", "by chance", "photos"):
            table.add_column(name, justify="right")
        for attribute, p in self.attributes.items():
            table.add_row(f"[bold]{attribute}[/]", percent(p.precision), percent(p.chance), str(p.photos))
            for value, v in sorted(p.values.items(), key=lambda pair: -pair[1].photos):
                table.add_row(f"  {value}", percent(v.precision), percent(v.chance), str(v.photos))
            table.add_section()
        table.add_row("mean of attributes", percent(self.mean))
        return table


class AgainstGallery:
    """The measure behind `evaluate_gallery`, for a pass that it shares with other measures.

    Raises: DataError where no photo has a label for one of the attributes, or a value is not in the vocabulary.
    """

    def __init__(self, engine: Engine, photos: Collection[Photo], attributes: Sequence[str] = ATTRIBUTES, k: int = 10) -> None:
        # Opened here, so that a missing gallery is told before an hour of embedding.
        self._items = engine.gallery.items
        self.attributes = labelled_attributes(engine.vocabulary, photos, attributes)
        self.photos: dict[Path, Photo] = by_path([p for p in photos if any(a in p.labels for a in self.attributes)])
        self._engine, self._k = engine, k
        self._found: dict[str, list[tuple[str, float]]] = {a: [] for a in self.attributes}

    def add(self, photo: Photo, size: Size, views: Mapping[str, View]) -> None:
        """Search the gallery with the attributes that the photo has a label for."""
        del size
        for attribute in self.attributes:
            if (value := photo.labels.get(attribute)) is not None:
                hits = self._engine.search(views[attribute], attribute, k=self._k)
                same = np.array([hit.item.labels.get(attribute) == value for hit in hits], bool)
                self._found[attribute].append((value, metrics.precision_at_k(same, self._k)))

    def report(self) -> GalleryReport:
        """The figures of the photos added."""
        rows = {a: self._precision(a) for a in self.attributes}
        return GalleryReport(self._k, rows, mean([r.precision for r in rows.values()]) or 0.0)

    def _precision(self, attribute: str) -> Precision:
        counts = Counter(item.labels.get(attribute) for item in self._items)
        values = {}
        for value in dict.fromkeys(v for v, _ in self._found[attribute]):
            shares = [s for v, s in self._found[attribute] if v == value]
            values[value] = ValuePrecision(sum(shares) / len(shares), counts[value] / len(self._items), len(shares))
        photos = sum(v.photos for v in values.values())
        means = (sum(getattr(v, name) * v.photos for v in values.values()) / photos for name in ("precision", "chance"))
        return Precision(*means, photos, values)


def evaluate_gallery(
    engine: Engine,
    photos: Collection[Photo],
    attributes: Sequence[str] = ATTRIBUTES,
    k: int = 10,
    batch_size: int = 32,
    progress: bool = False,
) -> GalleryReport:
    """Search the engine's gallery with every photo of known value and count the first k that share it.

    Raises: DataError as `AgainstGallery` and where photos are missing; GalleryError where there is no gallery.
    """
    measure = AgainstGallery(engine, photos, attributes, k)
    run(engine, [measure], batch_size, progress)
    return measure.report()
