"""A list of labelled photos of a benchmark, and whether its photos are there."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from asen_core.data.labels import Photo, read_regions
from asen_core.data.official.lines import counted
from asen_core.data.official.origin import Origin, read_origin
from asen_core.errors import DataError
from asen_core.types import Vocabulary


@dataclass(frozen=True, eq=False)
class Listing:
    """Labelled photos: `rows` (N, 3) int32 = image index, attribute index, value index, in the order of the list.

    root: the dataset's folder. images: the paths below it; an image index counts in them, though not every one need be used.
    """

    dataset: str
    split: str
    root: Path
    vocabulary: Vocabulary
    images: tuple[str, ...]
    rows: np.ndarray

    def __post_init__(self) -> None:
        if self.rows.ndim != 2 or self.rows.shape[1] != 3 or self.rows.dtype != np.int32:
            raise ValueError(f"rows must be (N, 3) int32, got {self.rows.shape} {self.rows.dtype}.")
        counts = np.array([len(v) for v in self.vocabulary.values()])
        image, attribute, value = self.rows.T
        inside = (self.rows >= 0).all() and (image < len(self.images)).all() and (attribute < len(counts)).all()
        if not inside or not (value < counts[attribute]).all():
            raise ValueError("rows must lie inside the images and the vocabulary.")

    def path(self, i: int) -> Path:
        """Where image `i` lies."""
        return self.root / self.images[i]

    @cached_property
    def used(self) -> np.ndarray:
        """(M,) int32: the image indices that occur, each once, ascending."""
        return np.unique(self.rows[:, 0])

    @cached_property
    def origin(self) -> Origin:
        """Whose lists these are. Raises: DataError as `read_origin`."""
        return read_origin(self.root)

    @cached_property
    def digest(self) -> str:
        """16 hex digits of everything that is learnt from: rows, paths of the photos, attributes and values by name."""
        names = [[attribute, *values] for attribute, values in self.vocabulary.items()]
        known = json.dumps([self.dataset, self.split, names, self.images], ensure_ascii=False)
        return hashlib.sha256(known.encode() + self.rows.astype("<i4").tobytes()).hexdigest()[:16]


def absent_photos(listing: Listing) -> list[str]:
    """The used photos that are not there or have no byte, as paths below the dataset's folder."""
    return [listing.images[i] for i in listing.used if not is_photo(listing.path(i))]


def require_photos(*listings: Listing) -> None:
    """Raises: DataError where photos that the lists use are not there: counted, the first few named."""
    for listing in listings:
        absent = absent_photos(listing)
        if absent:
            raise DataError(
                f"{len(absent):,} of the {len(listing.used):,} photos that the {listing.split} list of {listing.dataset} uses "
                f"are not in {listing.root}: {first_few(absent)}. Nothing runs on a part of them; "
                f"`python -m asen_core data check {listing.dataset} --data DIR` says where the photos are obtained."
            )


def require_disjoint(queries: Listing, candidates: Listing) -> None:
    """Raises: DataError where a photo is query and candidate of the same attribute, as it would find itself."""
    asked = {(queries.images[i], a) for i, a in queries.rows[:, :2].tolist()}
    both = [candidates.images[i] for i, a in candidates.rows[:, :2].tolist() if (candidates.images[i], a) in asked]
    if both:
        raise DataError(
            f"Among the queries of the same attribute are {counted(len(both), 'candidate')} of {queries.dataset} "
            f"({candidates.split}): {first_few(both)}. A query must not find itself; fetch the lists again."
        )


def photos_of(listing: Listing) -> list[Photo]:
    """The used photos in the order of their index: key = path below the folder, of several values of an attribute the first.

    An optional regions.csv in the dataset's folder gives their marked regions. Raises: DataError as `read_regions`.
    """
    marked = read_regions(listing.root / "regions.csv") if (listing.root / "regions.csv").exists() else {}
    attributes = tuple(listing.vocabulary)
    labels: dict[int, dict[str, str]] = {int(i): {} for i in listing.used}
    for image, a, value in listing.rows.tolist():
        labels[image].setdefault(attributes[a], listing.vocabulary[attributes[a]][value])
    return [
        Photo(listing.images[i], listing.path(i), known, marked.get(listing.images[i], {}), listing.dataset)
        for i, known in labels.items()
    ]


def first_few(names: Sequence[str], count: int = 3) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - count:,} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more


def is_photo(path: Path) -> bool:
    """Whether a file with at least one byte lies there."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # a name with a zero byte can't even be asked for
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size > 0
