"""A gallery opened for searching."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
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
        vector = self._query(vector, (self.manifest.dim,))
        _not_negative("k", k)
        keep = self._kept(where) if where else None
        hits = self._hits(number, self._store.search(number, vector, k, keep), least)
        return Matches(attribute, tuple(hits), len(self) if keep is None else int(keep.sum()))

    def rerank(
        self, attribute: str, vectors: np.ndarray, n: int = 100, k: int = 20, where: Where | None = None,
        least: float | None = None,
    ) -> Matches:  # fmt: skip
        """The n items most alike over all attributes, put in the order of one attribute's space; its first k.

        vectors: (A, D), the query under each of the gallery's attributes. where: before the first n are taken; least: of the
        attribute's own similarity. Equal ones stand in the items' order.

        Raises: QueryError as `search`, and for n under 0.
        """
        number = self._number(attribute)
        vectors = self._query(vectors, (len(self.attributes), self.manifest.dim))
        _not_negative("n", n)
        _not_negative("k", k)
        keep = self._kept(where) if where else None
        first, overall = self._store.overall(vectors, n, keep)
        among = np.zeros(len(self), bool)
        among[first] = True
        before = {position: (rank, likeness) for rank, (position, likeness) in enumerate(zip(first, overall, strict=True), 1)}
        found = self._store.search(number, vectors[number], k, among)
        hits = []
        for position, hit in zip(found[0], self._hits(number, found, least), strict=False):
            rank, likeness = before[position]
            hits.append(replace(hit, overall=min(1.0, max(-1.0, float(likeness))), before=rank))
        return Matches(attribute, tuple(hits), len(self) if keep is None else int(keep.sum()), len(first))

    def overall(self, vectors: np.ndarray) -> np.ndarray:
        """(N,) float32: the mean cosine of each item with a query (A, D), over all attributes. Raises: QueryError."""
        vectors = self._query(vectors, (len(self.attributes), self.manifest.dim))
        positions, likeness = self._store.overall(vectors, len(self))
        found = np.empty(len(self), np.float32)
        found[positions] = likeness
        return found

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

    def _query(self, vectors: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        given = np.asarray(vectors, np.float32)
        if given.shape != shape or not np.isfinite(given).all():
            raise QueryError(
                f"A query must be {shape} finite numbers, got {given.shape}; embed it with the gallery's checkpoint."
            )
        return given

    def _hits(self, number: int, found: tuple[np.ndarray, np.ndarray], least: float | None) -> Iterator[Match]:
        """Positions and similarities of a store, best first, as matches; none after the first that is under `least`."""
        for position, similarity in zip(*(f.tolist() for f in found), strict=True):
            if least is not None and similarity < least:
                return
            unusual = percentile(self._background[number], similarity)
            yield Match(self.items[position], min(1.0, max(-1.0, similarity)), unusual)

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


def _not_negative(name: str, value: int) -> None:
    if value < 0:
        raise QueryError(f"{name} must be 0 or more, got {value}.")
