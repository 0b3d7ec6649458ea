"""Exact search with faiss, one flat index per attribute."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import faiss
import numpy as np

from asen_core.gallery.finder import Found, ordered, selector, unit

CHUNK = 2048
"""Items whose vectors are brought to float32 at once."""


class Exact:
    """A `Finder` that compares the query with every item. An attribute's index is built when it is first searched.

    A mixed search takes the indexes that are there and goes through the other vectors as they lie, a chunk at a time, so that
    nothing of their size is copied.
    """

    notes: Mapping[str, Any] = MappingProxyType({"kind": "exact"})

    def __init__(self, vectors: np.ndarray) -> None:
        """vectors: (A, N, D), any float type, perhaps mapped from a file; rows are brought to unit norm in float32."""
        if vectors.ndim != 3:
            raise ValueError(f"Vectors must be (A, N, D), got {vectors.shape}.")
        self._vectors = vectors
        self._indexes: dict[int, faiss.IndexFlatIP] = {}
        self._lock = threading.Lock()

    def search(self, attribute: int, vector: np.ndarray, k: int, keep: np.ndarray | None = None) -> Found:
        """As `Finder.search`."""
        count = self._vectors.shape[1] if keep is None else int(keep.sum())
        k = min(k, count)
        if k < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        index, row = self._index(attribute), np.ascontiguousarray(vector, np.float32)[None]
        parameters = faiss.SearchParameters(sel=selector(keep)) if keep is not None else None
        wanted = min(k + 1, count)
        while True:
            similarities, positions = index.search(row, wanted, params=parameters)
            # faiss keeps an arbitrary one of equals: ask for more until all that equal the last wanted are seen.
            if wanted == count or similarities[0, -1] < similarities[0, k - 1]:
                break
            wanted = min(2 * wanted, count)
        return ordered(positions[0], similarities[0], k)

    def mixed(
        self, vectors: np.ndarray, weights: np.ndarray, k: int, keep: np.ndarray | None = None,
        most: Mapping[int, float] | None = None,
    ) -> Found:  # fmt: skip
        """As `Finder.mixed`."""
        query, most = np.asarray(vectors, np.float32), most or {}
        rows = np.arange(self._vectors.shape[1]) if keep is None else np.flatnonzero(keep)
        for attribute, limit in most.items():
            rows = rows[self._products(attribute, query[attribute], rows) <= limit]
        total = np.zeros(len(rows), np.float32)
        for attribute in np.flatnonzero(weights):
            total += np.float32(weights[attribute]) * self._products(int(attribute), query[attribute], rows)
        return ordered(rows, total, k)

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """As `Finder.vectors`."""
        return unit(self._vectors[:, np.asarray(positions, np.int64)]).transpose(1, 0, 2)

    def _products(self, attribute: int, query: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """(n,) float32: inner products of some items with a query (D,)."""
        with self._lock:
            index = self._indexes.get(attribute)
        everything = len(rows) == self._vectors.shape[1]
        if index is not None and len(rows):
            stored = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(index.ntotal, index.d)
            return (stored if everything else stored[rows]) @ query
        found = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), CHUNK):
            here = slice(start, start + CHUNK)
            some = self._vectors[attribute, here if everything else rows[here]].astype(np.float32)
            norms = np.sqrt(np.einsum("nd,nd->n", some, some))
            found[here] = some @ query / np.maximum(norms, 1e-12)
        return found

    def _index(self, attribute: int) -> faiss.IndexFlatIP:
        # One thread: a single query has nothing to share out, and the model needs the cores.
        faiss.omp_set_num_threads(1)
        with self._lock:
            if attribute not in self._indexes:
                index = faiss.IndexFlatIP(self._vectors.shape[2])
                for start in range(0, self._vectors.shape[1], CHUNK):
                    index.add(np.ascontiguousarray(unit(self._vectors[attribute, start : start + CHUNK])))
                self._indexes[attribute] = index
            return self._indexes[attribute]
