"""A gallery opened for searching."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np

from asen_core.errors import GalleryError, QueryError
from asen_core.gallery import maps as laid_out
from asen_core.gallery.background import percentile
from asen_core.gallery.columns import Column
from asen_core.gallery.finder import Found
from asen_core.gallery.local import LocalStore
from asen_core.gallery.manifest import Manifest, check_fingerprint, read
from asen_core.gallery.mix import Mixer, Unlike
from asen_core.gallery.store import GalleryStore
from asen_core.types import Item, Match, Matches, Where

MILVUS, AT_ONCE = "milvus://", 512


class Gallery:
    """Items with their vectors, searchable per attribute. Open one with `Gallery.open`; safe to share between threads.

    directory: absolute path; pictures: the folder below which all pictures lie; items: in the order of the vectors, read when
    asked for; manifest: what was built, how and with which checkpoint.
    """

    def __init__(self, store: GalleryStore) -> None:
        self.store = store
        self.directory: Path = store.directory
        self.pictures: Path = store.pictures
        self.manifest: Manifest = store.manifest
        self.items: Sequence[Item] = Items(store)
        self._background = store.background()
        self._mixer = Mixer(store, self._background)

    @classmethod
    def open(cls, place: Path | str, fingerprint: str | None = None) -> Gallery:
        """Open a gallery: a directory, which is verified, or the address of one on a cluster, `milvus://host:port/name`.

        fingerprint: of the checkpoint in use, None to take whichever.
        Raises: GalleryError where it is missing, damaged, out of reach or was built with another checkpoint.
        """
        if not str(place).startswith(MILVUS):
            return cls(_local(Path(place).absolute(), fingerprint))
        from asen_core.gallery.milvus import open_store

        store = open_store(str(place))
        check_fingerprint(store.manifest.built.get("name", "on the cluster"), store.manifest, fingerprint)
        return cls(store)

    def __len__(self) -> int:
        return self.manifest.count

    @property
    def attributes(self) -> tuple[str, ...]:
        """In the order of the vectors."""
        return self.manifest.attributes

    @property
    def columns(self) -> dict[str, Column]:
        """Label -> what its values are like."""
        return self.store.columns()

    def item(self, id: str) -> Item:
        """Raises: QueryError where the gallery has no such item."""
        return self.store.items([self._position(id)])[0]

    def vectors(self, id: str) -> np.ndarray:
        """(A, D) float32, unit norm. Raises: QueryError where the gallery has no such item."""
        return self.store.vectors(np.array([self._position(id)]))[0]

    def space(self, attribute: str) -> np.ndarray:
        """(N, D) float32, unit norm: all items in one attribute's space. Raises: QueryError for an unknown attribute."""
        number, count = self._number(attribute), len(self)
        parts = [np.arange(i, min(i + AT_ONCE, count)) for i in range(0, count, AT_ONCE)]
        rows = [self.store.vectors(part)[:, number] for part in parts]
        return np.concatenate(rows) if rows else np.zeros((0, self.manifest.dim), np.float32)

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
        return self.store.picture(item)

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
        hits = self._hits(number, self.store.search(number, vector, k, where), least)
        return Matches(attribute, tuple(hits), self.store.count(where))

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
        first, overall = self.store.mixed(vectors, self._evenly, n, where)
        alike = self.store.vectors(first)[:, number] @ vectors[number]
        order = np.lexsort((first, -alike))[: max(k, 0)]
        hits = []
        for at, hit in zip(order, self._hits(number, (first[order], alike[order]), least), strict=False):
            hits.append(replace(hit, overall=min(1.0, max(-1.0, float(overall[at]))), before=int(at) + 1))
        return Matches(attribute, tuple(hits), self.store.count(where), len(first))

    def mix(
        self, vectors: np.ndarray, weights: Mapping[str, float], unlike: Unlike = (), k: int = 20, where: Where | None = None,
        least: float | None = None,
    ) -> Matches:  # fmt: skip
        """The k items most alike in several attributes at once and different in others, best first.

        vectors: (A, D), the query; rows of attributes that are not named are not looked at. weights: attribute -> weight,
        brought to a sum of 1. unlike: what shall differ, by name or with the largest cosine allowed there (else `mix.limit`).
        A hit's similarity is the weighted sum of its cosines, of which 0.3 of each cosine in `unlike` is taken away; its
        percentile is among pairs of up to 512 items under the same weights. `condition` says it all in words.

        Raises: QueryError as `search`, for weights that are negative or all 0, or an attribute both wanted and unlike.
        """
        vectors = self._query(vectors, (len(self.attributes), self.manifest.dim))
        _not_negative("k", k)
        return self._mixer.search(vectors, weights, unlike, k, where, least)

    def overall(self, vectors: np.ndarray) -> np.ndarray:
        """(N,) float32: the mean cosine of each item with a query (A, D), over all attributes. Raises: QueryError."""
        vectors = self._query(vectors, (len(self.attributes), self.manifest.dim))
        positions, likeness = self.store.mixed(vectors, self._evenly, len(self))
        found = np.empty(len(self), np.float32)
        found[positions] = likeness
        return found

    def facets(self, where: Where | None = None, labels: Collection[str] | None = None) -> dict[str, dict[str, int]]:
        """Label -> value -> how many items have it and pass the filters on the *other* labels; most frequent first.

        Values that no item is left with are absent. labels: those that are counted, None for all; one with nearly as many
        values as items takes long. Raises: QueryError for an unknown label in the filter.
        """
        return self.store.facets(where, labels)

    @property
    def _evenly(self) -> np.ndarray:
        """(A,) float32: the weights of overall likeness."""
        return np.full(len(self.attributes), 1 / max(len(self.attributes), 1), np.float32)

    def _query(self, vectors: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        given = np.asarray(vectors, np.float32)
        if given.shape != shape or not np.isfinite(given).all():
            raise QueryError(
                f"A query must be {shape} finite numbers, got {given.shape}; embed it with the gallery's checkpoint."
            )
        return given

    def _hits(self, number: int, found: Found, least: float | None) -> Iterator[Match]:
        """Positions and similarities of a store, best first, as matches; none after the first that is under `least`."""
        positions, similarities = (f.tolist() for f in found)
        close = len(similarities) if least is None else sum(s >= least for s in similarities)
        for item, similarity in zip(self.store.items(positions[:close]), similarities[:close], strict=True):
            yield Match(item, min(1.0, max(-1.0, similarity)), percentile(self._background[number], similarity))

    def _number(self, attribute: str) -> int:
        if attribute not in self.attributes:
            raise QueryError(f"Unknown attribute {attribute!r}; this gallery knows {', '.join(self.attributes)}.")
        return self.attributes.index(attribute)

    def _position(self, id: str) -> int:
        position = self.store.position(id)
        if position is None:
            raise QueryError(f"The gallery has no item {id!r}; take the id of one of its {len(self)} items.")
        return position


def _local(directory: Path, fingerprint: str | None) -> LocalStore:
    """A folder's gallery; the new one where that was switched to while the one before was being read."""
    while True:
        generation = read(directory).generation
        try:
            return LocalStore(directory, fingerprint)
        except GalleryError:
            if read(directory).generation == generation:
                raise


class Items(Sequence[Item]):
    """The items of a store as a sequence that reads what is asked for."""

    def __init__(self, store: GalleryStore) -> None:
        self._store = store

    def __len__(self) -> int:
        return self._store.manifest.count

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        at = range(len(self))[index]
        return self._store.items([at])[0] if isinstance(at, int) else self._store.items(at)

    def __iter__(self) -> Iterator[Item]:
        for start in range(0, len(self), AT_ONCE):
            yield from self[start : start + AT_ONCE]


def _not_negative(name: str, value: int) -> None:
    if value < 0:
        raise QueryError(f"{name} must be 0 or more, got {value}.")
