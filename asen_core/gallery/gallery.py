"""A gallery opened for searching."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from asen_core.errors import QueryError
from asen_core.gallery import maps as laid_out
from asen_core.gallery.background import percentile
from asen_core.gallery.manifest import Contents, Manifest, read
from asen_core.gallery.store import FaissStore, GalleryStore
from asen_core.types import Item, Match, Matches

Where = Mapping[str, str | Collection[str]]
"""Label -> the value or values to keep; an empty collection keeps nothing."""


class Gallery:
    """Items with their vectors, searchable per attribute. Open one with `Gallery.open`; safe to share between threads.

    directory: absolute path; items: in the order of the vectors; manifest: what was built, how and with which checkpoint.
    """

    def __init__(self, directory: Path, contents: Contents, store: GalleryStore) -> None:
        self.directory, self._store, self._background = directory, store, contents.background
        self.manifest: Manifest = contents.manifest
        self.items: tuple[Item, ...] = contents.items
        self._positions = {item.id: i for i, item in enumerate(self.items)}
        self._columns = {
            label: np.array([item.labels.get(label, "") for item in self.items], dtype=str) for label in self.manifest.labels
        }

    @classmethod
    def open(
        cls,
        directory: Path | str,
        fingerprint: str | None = None,
        store: Callable[[np.ndarray], GalleryStore] = FaissStore,
    ) -> Gallery:
        """Read and verify a gallery directory.

        fingerprint: of the checkpoint in use, None to take whichever. store: makes a store of vectors (N, A, D) float16.
        Raises: GalleryError where it is missing, damaged or was built with another checkpoint.
        """
        directory = Path(directory).absolute()
        contents = read(directory, fingerprint)
        return cls(directory, contents, store(contents.vectors))

    def __len__(self) -> int:
        return len(self.items)

    @property
    def attributes(self) -> tuple[str, ...]:
        """In the order of the vectors."""
        return self.manifest.attributes

    def item(self, id: str) -> Item:
        """Raises: QueryError where the gallery has no such item."""
        return self.items[self._position(id)]

    def vectors(self, id: str) -> np.ndarray:
        """(A, D) float32, unit norm. Raises: QueryError where the gallery has no such item."""
        return self._store.vectors(self._position(id))

    def space(self, attribute: str) -> np.ndarray:
        """(N, D) float32, unit norm: all items in one attribute's space. Raises: QueryError for an unknown attribute."""
        number = self._number(attribute)
        rows = [self._store.vectors(i)[number] for i in range(len(self))]
        return np.stack(rows) if rows else np.zeros((0, self.manifest.dim), np.float32)

    @cached_property
    def maps(self) -> laid_out.Maps | None:
        """The maps that lie beside the vectors, read when first asked for. Raises: GalleryError where they don't fit."""
        return laid_out.read(self.directory, self.manifest)

    def map(self, attribute: str) -> np.ndarray | None:
        """(N, 2) float32 in 0..1, None where it was not made. Raises: QueryError, GalleryError as `maps`."""
        self._number(attribute)
        return self.maps.points.get(attribute) if self.maps else None

    def picture(self, item: Item) -> Path:
        """The absolute path of an item's picture."""
        return self.directory / item.image

    def search(
        self, attribute: str, vector: np.ndarray, k: int = 20, where: Where | None = None, least: float | None = None
    ) -> Matches:
        """The k items nearest to a vector (D,) in an attribute's space, best first, equal ones in the items' order.

        where: label -> the value or values to keep; least: smallest similarity to report.

        Raises: QueryError for an unknown attribute or label, a vector of another length, or k under 0.
        """
        number = self._number(attribute)
        vector = np.asarray(vector, np.float32)
        if vector.shape != (self.manifest.dim,) or not np.isfinite(vector).all():
            raise QueryError(
                f"A query must be ({self.manifest.dim},) finite numbers, got {vector.shape}; "
                "embed it with the gallery's checkpoint."
            )
        if k < 0:
            raise QueryError(f"k must be 0 or more, got {k}.")
        keep = self._kept(where) if where else None
        found = self._store.search(number, vector, k, keep)
        hits = []
        for position, similarity in zip(*(f.tolist() for f in found), strict=True):
            if least is None or similarity >= least:
                unusual = percentile(self._background[number], similarity)
                hits.append(Match(self.items[position], min(1.0, max(-1.0, similarity)), unusual))
        return Matches(attribute, tuple(hits), len(self) if keep is None else int(keep.sum()))

    def facets(self, where: Where | None = None) -> dict[str, dict[str, int]]:
        """Label -> value -> how many items have it and pass the filters on the *other* labels; most frequent first.

        Values that no item is left with are absent. Raises: QueryError for an unknown label.
        """
        where, counts = where or {}, {}
        masks = {label: self._kept({label: values}) for label, values in where.items()}
        for label, column in self._columns.items():
            keep = np.logical_and.reduce([np.ones(len(self), bool), *(m for name, m in masks.items() if name != label)])
            found = Counter(v for v in column[keep].tolist() if v)
            counts[label] = dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
        return counts

    def _number(self, attribute: str) -> int:
        if attribute not in self.attributes:
            raise QueryError(f"Unknown attribute {attribute!r}; this gallery knows {', '.join(self.attributes)}.")
        return self.attributes.index(attribute)

    def _position(self, id: str) -> int:
        if id not in self._positions:
            raise QueryError(f"The gallery has no item {id!r}; take the id of one of its {len(self)} items.")
        return self._positions[id]

    def _kept(self, where: Where) -> np.ndarray:
        """(N,) bool: the items that pass all filters."""
        keep = np.ones(len(self), bool)
        for label, values in where.items():
            if label not in self._columns:
                raise QueryError(
                    f"Unknown label {label!r} in the filter; this gallery has {', '.join(self._columns) or 'none'}."
                )
            wanted = {values} if isinstance(values, str) else set(values)
            keep &= np.isin(self._columns[label], np.array(sorted(wanted - {""}), dtype=str))
        return keep
