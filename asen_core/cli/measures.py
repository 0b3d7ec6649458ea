"""What the verb `evaluate` measures, from what it was asked for. Imported only when it runs: it loads all of evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from asen_core.data.collection import collect
from asen_core.data.labels import Photo, read_labels, read_regions
from asen_core.errors import DataError
from asen_core.evaluation import (
    AgainstGallery,
    Calibration,
    Columns,
    Datasets,
    Localisation,
    Reporting,
    Retrieval,
    Robustness,
    photos_with_regions,
    sources,
)
from asen_core.evaluation.cross import ATTRIBUTES

if TYPE_CHECKING:
    from asen_core.engine import Engine


@dataclass(frozen=True)
class Asked:
    """The options of one run; columns: label column -> attribute; robustness: at most so many photos, 0 for none."""

    images: Path
    labels: Path | None = None
    split: str | None = None
    regions: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    against_gallery: bool = False
    robustness: int = 0


def measures(engine: Engine, asked: Asked) -> dict[str, Reporting]:
    """The measures by their names in the JSON, in the order in which they are printed.

    Raises: DataError, GalleryError for what the files or the gallery lack.
    """
    found: dict[str, Reporting] = {}
    read = _labelled(engine, asked, asked.split)
    photos = _without(read, asked.columns)
    speaking = any(a in p.labels for p in photos for a in engine.vocabulary)
    if speaking or (asked.labels and not asked.columns):
        found |= _by_labels(engine, photos)
    if asked.columns:
        found["columns"] = Columns(engine.vocabulary, read, asked.columns)
    if asked.regions:
        known = _without(_labelled(engine, asked, None), asked.columns)
        marked = photos_with_regions(read_regions(asked.regions, asked.split), asked.images, known)
        found["localisation"] = Localisation(engine.vocabulary, marked, by_label=any(p.labels for p in known))
        photos = photos or marked
    if asked.against_gallery:
        labelled = [a for a in ATTRIBUTES if any(a in p.labels for p in photos)]
        found["gallery"] = AgainstGallery(engine, photos, labelled or ATTRIBUTES)
    if asked.robustness:
        found["robustness"] = Robustness(engine, photos, asked.robustness)
    return found


def _labelled(engine: Engine, asked: Asked, split: str | None) -> list[Photo]:
    if asked.labels is None:
        return []
    if asked.labels.is_dir():
        if asked.split is None:
            raise DataError(f"{asked.labels} is a folder of collections, which are split; say which part with --split test.")
        return collect(asked.labels, asked.split)
    return read_labels(asked.labels, asked.images, (*engine.vocabulary, *asked.columns), split)


def _without(photos: list[Photo], columns: Mapping[str, str]) -> list[Photo]:
    """What a column of crowd answers calls `collar` is no value of the vocabulary's collar."""
    return [replace(p, labels={a: v for a, v in p.labels.items() if a not in columns}) for p in photos]


def _by_labels(engine: Engine, photos: list[Photo]) -> dict[str, Reporting]:
    found: dict[str, Reporting] = {
        "retrieval": Retrieval(engine.vocabulary, photos),
        "calibration": Calibration(engine.vocabulary, photos),
    }
    if len(sources([p for p in photos if p.labels])) > 1:
        found["datasets"] = Datasets(engine.vocabulary, photos)
    return found
