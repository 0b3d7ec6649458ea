"""Whether a garment keeps its neighbours when its photo is mirrored, turned, cropped, recoloured, repacked or darkened."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from asen_core.data.labels import Photo
from asen_core.errors import DataError
from asen_core.evaluation.changes import CHANGES, SPOILED
from asen_core.evaluation.passes import Size, by_path
from asen_core.evaluation.tables import mean, percent
from asen_core.types import Garment, View

if TYPE_CHECKING:
    from asen_core.engine import Engine

FIRST, AMONG = 10, 30
PHOTOS, SEED = 200, 0


@dataclass(frozen=True)
class RobustnessReport:
    """shares: change -> attribute -> share of the first 10 that are among the first 30 of the changed photo.

    A mean over photos, None without any; `photos` counts them per change, out of `drawn`; `searched`: garments of the gallery.
    """

    shares: Mapping[str, Mapping[str, float | None]]
    photos: Mapping[str, int]
    drawn: int
    searched: int

    @property
    def means(self) -> dict[str, float | None]:
        """Per change the mean over its attributes."""
        return {change: mean(list(shares.values())) for change, shares in self.shares.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        changes = {
            c: {"mean": self.means[c], "photos": self.photos[c], "attributes": dict(shares)}
            for c, shares in self.shares.items()
        }
        settings = {"first": FIRST, "among": AMONG, "seed": SEED}
        return {"changes": changes, "photos": self.drawn, "gallery_items": self.searched, **settings}

    def table(self) -> Table:
        """For people; in percent."""
        title = f"Of the first {FIRST} neighbours, how many stay among the first {AMONG}, in percent"
        caption = f"{self.drawn} photos, {self.searched} garments searched; background: only photos with a plain light one."
        table = Table(title=title, title_justify="left", caption=caption)
        table.add_column("photo")
        attributes = list(dict.fromkeys(a for shares in self.shares.values() for a in shares))
        for name in (*attributes, "mean", "photos"):
            table.add_column(name, justify="right")
        for change, shares in self.shares.items():
            figures = (percent(shares.get(a)) for a in attributes)
            table.add_row(change, *figures, percent(self.means[change]), str(self.photos[change]))
        return table


class Robustness:
    """Neighbours in the engine's gallery before and after each of `CHANGES`, for a pass shared with other measures.

    `limit` photos are drawn evenly from the list sorted by key. An attribute that some of the photos have a label for counts
    on those only (trousers have no neckline); one that the labels don't speak of counts on all.

    Raises: DataError where there is no photo, or too small a gallery to lose neighbours in; GalleryError where there is none.
    """

    def __init__(self, engine: Engine, photos: Collection[Photo], limit: int = PHOTOS) -> None:
        # Opened here, so that a missing gallery is told before an hour of embedding.
        self._items = len(engine.gallery.items)
        if self._items <= AMONG:
            raise DataError(
                f"The gallery has {self._items} garments, and all of them would be among the first {AMONG}; "
                "open one of some hundreds with --gallery."
            )
        if not photos or limit < 1:
            raise DataError(f"Robustness needs photos to change, got {len(photos)} and a limit of {limit}; give at least one.")
        self.attributes = tuple(engine.vocabulary)
        self.photos: dict[Path, Photo] = by_path(_evenly(photos, limit))
        self._always = frozenset(self.attributes) - {a for p in photos for a in p.labels}
        self._engine = engine
        self._before: dict[str, dict[str, set[str]]] = {}
        self._found: dict[str, dict[str, list[float]]] = {
            c: {a: [] for a in self.attributes if a not in SPOILED.get(c, ())} for c in CHANGES
        }
        self._counts = dict.fromkeys(CHANGES, 0)

    def copies(self, photo: Photo, garment: Garment) -> Iterator[tuple[str, Garment]]:
        """The changed photos, one at a time; the same for a photo in whatever order and company."""
        for number, (name, change) in enumerate(CHANGES.items()):
            pixels = change(garment.pixels, np.random.default_rng([SEED, number, zlib.crc32(photo.key.encode())]))
            if pixels is not None:
                yield name, Garment(pixels)

    def add(self, photo: Photo, size: Size, views: Mapping[str, View]) -> None:
        """Keep the photo's own neighbours."""
        del size
        self._before[photo.key] = {a: self._nearest(views[a], FIRST) for a in self._counting(photo)}

    def add_copy(self, photo: Photo, name: str, views: Mapping[str, View]) -> None:
        """Count which neighbours the changed photo kept."""
        self._counts[name] += 1
        for attribute, before in self._before[photo.key].items():
            if attribute in self._found[name]:
                kept = before & self._nearest(views[attribute], AMONG)
                self._found[name][attribute].append(len(kept) / len(before))

    def report(self) -> RobustnessReport:
        """The figures of the photos added."""
        shares = {c: {a: mean(list(found)) for a, found in by.items()} for c, by in self._found.items()}
        return RobustnessReport(shares, dict(self._counts), len(self.photos), self._items)

    def _counting(self, photo: Photo) -> list[str]:
        return [a for a in self.attributes if a in self._always or a in photo.labels]

    def _nearest(self, view: View, k: int) -> set[str]:
        return {hit.item.id for hit in self._engine.search(view, view.condition, k=k)}


def _evenly(photos: Collection[Photo], limit: int) -> list[Photo]:
    ordered = sorted(photos, key=lambda p: p.key)
    places = np.linspace(0, len(ordered) - 1, min(limit, len(ordered))).round().astype(int)
    return [ordered[i] for i in places]
