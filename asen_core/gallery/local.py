"""A gallery in a folder of this machine: items in SQLite, vectors mapped from their file."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from asen_core import arrays
from asen_core.gallery import manifest as disk
from asen_core.gallery.columns import Coded, Column, Columns
from asen_core.gallery.exact import Exact
from asen_core.gallery.finder import Finder, Found
from asen_core.gallery.rows import Rows
from asen_core.types import Item, Where

CHECKED_BYTES = 2**30
"""Files up to this size are compared with their checksum when a gallery is opened."""
PICTURES_CHECKED = 2_000


class LocalStore:
    """A `GalleryStore` over one generation of a folder; it goes on with that one while a newer is written."""

    def __init__(self, directory: Path, fingerprint: str | None = None, pictures: bool = True) -> None:
        """Read and verify, with `pictures` also these. Raises: GalleryError naming the file and how to rebuild."""
        self.directory, self.manifest = directory, disk.read(directory)
        self.pictures = directory / disk.IMAGES
        disk.check_fingerprint(directory, self.manifest, fingerprint)
        for role in disk.ENDINGS:
            self._verify(role)
        shape = (len(self.manifest.attributes), self.manifest.count, self.manifest.dim)
        self._vectors = self._array(disk.VECTORS, shape, np.float16)
        codes = self._array(disk.CODES, (len(self.manifest.labels), self.manifest.count), np.int32)
        self._background = np.array(self._array(disk.BACKGROUND, None, np.float32))
        if self._background.ndim != 2 or len(self._background) != shape[0]:
            raise self._damaged(disk.BACKGROUND, f"has the shape {self._background.shape}")
        try:
            self.rows = Rows(directory / self.manifest.file(disk.ITEMS), self.manifest.attributes, self.manifest.count)
            values = self.rows.values(len(self.manifest.labels))
            if any(
                len(known) < line.max(initial=0) or line.min(initial=0) < 0 for known, line in zip(values, codes, strict=True)
            ):
                raise ValueError("it has fewer label values than there are codes")
            if pictures:
                self._check_pictures()
        except (sqlite3.Error, ValueError, TypeError, KeyError, MemoryError) as reason:
            raise self._damaged(disk.ITEMS, f"can't be read ({str(reason)[:120]})") from reason
        self._columns = Columns(Coded(self.manifest.labels, codes, values))
        self.finder = self._finder()

    def search(self, attribute: int, vector: np.ndarray, k: int, where: Where | None = None) -> Found:
        """As `GalleryStore.search`."""
        return self.finder.search(attribute, vector, k, self._columns.mask(where))

    def mixed(
        self, vectors: np.ndarray, weights: np.ndarray, k: int, where: Where | None = None,
        most: Mapping[int, float] | None = None,
    ) -> Found:  # fmt: skip
        """As `GalleryStore.mixed`."""
        return self.finder.mixed(vectors, weights, k, self._columns.mask(where), most)

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """As `GalleryStore.vectors`."""
        return self.finder.vectors(positions)

    def items(self, positions: Sequence[int]) -> list[Item]:
        """As `GalleryStore.items`."""
        return self.rows.at(positions)

    def position(self, id: str) -> int | None:
        """As `GalleryStore.position`."""
        return self.rows.position(id)

    def count(self, where: Where | None = None) -> int:
        """As `GalleryStore.count`."""
        return self._columns.count(where)

    def facets(self, where: Where | None = None, labels: Collection[str] | None = None) -> dict[str, dict[str, int]]:
        """As `GalleryStore.facets`."""
        return self._columns.facets(where, labels)

    def columns(self) -> dict[str, Column]:
        """As `GalleryStore.columns`."""
        return self._columns.described

    def background(self) -> np.ndarray:
        """As `GalleryStore.background`."""
        return self._background

    def picture(self, item: Item) -> Path:
        """As `GalleryStore.picture`. Raises: GalleryError for a link to something else: of many not all are checked before."""
        path = self.directory / item.image
        if path.is_symlink() and not disk.has_picture(self.directory, item.image):
            raise disk.damaged(self.directory, item.image, "is a link to something that is no picture")
        return path

    def close(self) -> None:
        """As `GalleryStore.close`."""
        self.rows.close()

    def _finder(self) -> Finder:
        if self.manifest.neighbours.get("kind") == "exact":
            return Exact(self._vectors)
        from asen_core.gallery.approximate import Approximate

        return Approximate(self._vectors, self.directory / self.manifest.file(disk.NEIGHBOURS), self.manifest.neighbours)

    def _verify(self, role: str) -> None:
        path = self.directory / self.manifest.file(role)
        try:
            same = path.stat().st_size > CHECKED_BYTES or disk.digest(path) == self.manifest.sha256.get(role)
        except OSError as reason:
            raise self._damaged(role, "is missing or can't be read") from reason
        if not same:
            raise self._damaged(role, f"differs from the checksum in {disk.MANIFEST}")

    def _array(self, role: str, shape: tuple[int, ...] | None, dtype: type) -> np.ndarray:
        path = self.directory / self.manifest.file(role)
        try:
            array = arrays.load(path)
        except (OSError, ValueError) as reason:
            raise self._damaged(role, f"is no array file ({str(reason)[:120]})") from reason
        small = array.nbytes <= CHECKED_BYTES
        if array.dtype != dtype or (shape is not None and array.shape != shape) or (small and not np.isfinite(array).all()):
            raise self._damaged(role, f"holds {array.shape} {array.dtype}, expected finite {shape} {np.dtype(dtype)}")
        return array

    def _check_pictures(self) -> None:
        """All of them in a small gallery, some in a large one. Raises: GalleryError."""
        step = max(1, self.manifest.count // PICTURES_CHECKED)
        missing = []
        for item in self.rows.at(range(0, self.manifest.count, step)):
            if not disk.has_picture(self.directory, item.image):
                missing.append(item.image)
        if missing:
            raise disk.damaged(self.directory, missing[0], f"is missing or empty ({len(missing)} pictures are)")

    def _damaged(self, role: str, what: str) -> Exception:
        return disk.damaged(self.directory, self.manifest.file(role), what)
