"""Where the heat map points and what the RoI cuts, against regions that people marked on photos."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.table import Table

from asen_core import metrics
from asen_core.data.labels import Photo, Regions
from asen_core.data.vocabulary import FASHIONAI, REGION_OF
from asen_core.errors import DataError
from asen_core.evaluation.passes import Size, by_path, run
from asen_core.evaluation.tables import mean, percent
from asen_core.types import Box, View, Vocabulary

if TYPE_CHECKING:
    from asen_core.engine import Engine

ATTRIBUTES = ("neckline", "collar", "sleeve", "closure", "top_length", "bottom_length", *FASHIONAI)


@dataclass(frozen=True)
class Place:
    """One attribute; all but `photos` are means over photos, in [0, 1], None without photos.

    pointing: the attention's peak lies in a marked box. attention: share of the attention inside the marked boxes.
    covered: share of the marked boxes' area inside the RoI. roi: the RoI's area as a share of the photo.
    """

    region: str
    photos: int
    pointing: float | None
    attention: float | None
    covered: float | None
    roi: float | None


@dataclass(frozen=True)
class LocalisationReport:
    """Per attribute, and the means over attributes that have photos.

    by_label: a marked hem counts for the length (top or bottom) that the photo has a label for; False: for both lengths.
    left_out: of a benchmark, how many photos were not measured: labelled invisible, and without a mark.
    """

    places: Mapping[str, Place]
    by_label: bool
    left_out: tuple[int, int] | None = None

    @property
    def pointing(self) -> float | None:
        """Mean pointing accuracy over attributes."""
        return mean([p.pointing for p in self.places.values()])

    @property
    def note(self) -> str:
        """One sentence on which photos count."""
        if self.left_out:
            return "Left out: {:,} labelled invisible, {:,} without the region marked.".format(*self.left_out)
        if self.by_label:
            return "A marked hem counts for top_length or bottom_length where the photo has a label for it."
        return "Without labels every marked hem counts for both lengths, also where only one of them applies."

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        means = {name: self._mean(name) for name in FIGURES}
        found = {"attributes": {a: asdict(p) for a, p in self.places.items()}, "mean": means, "note": self.note}
        if self.left_out:
            found["left_out"] = dict(zip(("invisible", "unmarked"), self.left_out, strict=True))
        return found

    def table(self) -> Table:
        """For people; in percent."""
        table = Table(title="Where the heat map looks, in percent", title_justify="left", caption=self.note)
        table.add_column("attribute")
        table.add_column("region")
        for name in ("peak inside", "attention inside", "region in RoI", "RoI of photo", "photos"):
            table.add_column(name, justify="right")
        for attribute, p in self.places.items():
            figures = (p.pointing, p.attention, p.covered, p.roi)
            table.add_row(attribute, p.region, *map(percent, figures), str(p.photos))
        table.add_section()
        table.add_row("mean of attributes", "", *(percent(self._mean(name)) for name in FIGURES))
        return table

    def _mean(self, name: str) -> float | None:
        return mean([getattr(p, name) for p in self.places.values()])


class _Figures(NamedTuple):
    pointing: float
    attention: float
    covered: float
    roi: float


FIGURES = _Figures._fields


class Localisation:
    """The measure behind `evaluate_regions`, for a pass that it shares with other measures.

    Raises: DataError where no photo has a region of an attribute in the vocabulary.
    """

    def __init__(self, vocabulary: Vocabulary, photos: Collection[Photo], by_label: bool) -> None:
        self.attributes = tuple(a for a in ATTRIBUTES if a in vocabulary)
        self._by_label = by_label
        self.photos: dict[Path, Photo] = by_path([p for p in photos if any(self._counts(p, a) for a in self.attributes)])
        if not self.photos:
            raise DataError(
                f"No photo has a marked region that fits this checkpoint's attributes ({', '.join(vocabulary)}); "
                f"regions are measured for {', '.join(ATTRIBUTES)}."
            )
        self._found: dict[str, list[_Figures]] = {a: [] for a in self.attributes}

    def add(self, photo: Photo, size: Size, views: Mapping[str, View]) -> None:
        """Measure the attributes whose region is marked on the photo."""
        for attribute in self.attributes:
            if self._counts(photo, attribute):
                boxes = [b.scaled(*size) for b in photo.regions[REGION_OF[attribute]]]
                self._found[attribute].append(measured(views[attribute], boxes, size))

    def report(self) -> LocalisationReport:
        """The figures of the photos added."""
        return LocalisationReport({a: place_of(a, found) for a, found in self._found.items()}, self._by_label)

    def _counts(self, photo: Photo, attribute: str) -> bool:
        region = REGION_OF[attribute]
        if not photo.regions.get(region):
            return False
        # One hem, several lengths: only a label tells what it ends; a benchmark's photo is asked for its own attribute.
        several = region == "hem" or attribute in FASHIONAI
        return not several or not self._by_label or attribute in photo.labels


def evaluate_regions(
    engine: Engine, photos: Collection[Photo], by_label: bool, batch_size: int = 32, progress: bool = False
) -> LocalisationReport:
    """Measure attention and RoIs on photos with marked regions (`photos_with_regions`).

    Raises: DataError where photos are missing or none has a region that fits.
    """
    measure = Localisation(engine.vocabulary, photos, by_label)
    run(engine, [measure], batch_size, progress)
    return measure.report()


def photos_with_regions(regions: Mapping[str, Regions], images: Path, labelled: Sequence[Photo] = ()) -> list[Photo]:
    """Photos at images/key for marked regions per key, with the labels of the `labelled` photos of the same key."""
    labels = {p.key: p.labels for p in labelled}
    return [Photo(key, images / key, labels.get(key, {}), marked) for key, marked in regions.items()]


def measured(view: View, boxes: Sequence[Box], size: Size) -> _Figures:
    """The `FIGURES` of one view against boxes in pixels of the photo."""
    marked = sum(b.area for b in boxes)
    inside = sum(part.area for b in boxes if (part := b.intersection(view.roi)))
    share = view.roi.area / (size[0] * size[1])
    return _Figures(float(metrics.pointing(view, boxes)), float(metrics.attention_inside(view, boxes)), inside / marked, share)


def place_of(attribute: str, found: Sequence[Sequence[float]]) -> Place:
    """The means of the `FIGURES` of one attribute's photos."""
    means = [sum(column) / len(found) for column in zip(*found, strict=True)] if found else [None] * len(FIGURES)
    return Place(REGION_OF.get(attribute, ""), len(found), *means)
