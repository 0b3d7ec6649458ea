"""Nearest vectors in one attribute's space or over all of them. Another engine is one more class with these three methods."""

from __future__ import annotations

import threading
from typing import Protocol

import faiss
import numpy as np

CHUNK = 512
"""Items whose vectors are brought to float32 at once."""


class GalleryStore(Protocol):
    """N items with A vectors each, D numbers long and of unit norm. Safe to search from several threads."""

    def search(
        self, attribute: int, vector: np.ndarray, k: int, keep: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest: positions (n,) int64 and inner products (n,) float32, best first, equal ones by position.

        vector: (D,) float32, of any norm; keep: (N,) bool, the items that may be found, None for all. n is the smaller of k
        and the count of these.
        """
        ...

    def overall(self, vectors: np.ndarray, n: int, keep: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The n nearest over all attributes, as `search`: the mean of the A inner products with vectors (A, D) float32."""
        ...

    def vectors(self, position: int) -> np.ndarray:
        """(A, D) float32 of one item, unit norm."""
        ...


class FaissStore:
    """Exact search with faiss, one flat index per attribute, built when the attribute is first searched.

    Over all attributes it takes the indexes that are there and goes through the other vectors as they lie, a chunk at a time,
    so that nothing of their size is copied.
    """

    def __init__(self, vectors: np.ndarray) -> None:
        """vectors: (N, A, D), any float type; rows are brought to unit norm in float32."""
        if vectors.ndim != 3:
            raise ValueError(f"Vectors must be (N, A, D), got {vectors.shape}.")
        self._vectors = vectors
        self._indexes: dict[int, faiss.IndexFlatIP] = {}
        self._made: np.ndarray | None = None
        self._lock = threading.Lock()

    def search(
        self, attribute: int, vector: np.ndarray, k: int, keep: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `GalleryStore.search`."""
        count = len(self._vectors) if keep is None else int(keep.sum())
        k = min(k, count)
        if k < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        index, row = self._index(attribute), np.ascontiguousarray(vector, np.float32)[None]
        parameters = faiss.SearchParameters(sel=_selector(keep)) if keep is not None else None
        wanted = min(k + 1, count)
        while True:
            similarities, positions = index.search(row, wanted, params=parameters)
            # faiss keeps an arbitrary one of equals: ask for more until all that equal the last wanted are seen.
            if wanted == count or similarities[0, -1] < similarities[0, k - 1]:
                break
            wanted = min(2 * wanted, count)
        order = np.lexsort((positions[0], -similarities[0]))[:k]
        return positions[0][order], similarities[0][order]

    def overall(self, vectors: np.ndarray, n: int, keep: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """As `GalleryStore.overall`."""
        query = np.asarray(vectors, np.float32)
        with self._lock:
            ready = dict(self._indexes)
        total = self._unindexed(query, [a for a in range(len(query)) if a not in ready], keep)
        for a, index in ready.items():
            stored = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(index.ntotal, index.d)
            products = stored @ query[a]
            total += products if keep is None else products[keep]
        total /= max(len(query), 1)
        order = np.argsort(-total, kind="stable")[: max(n, 0)]
        return (order if keep is None else np.flatnonzero(keep)[order]), total[order]

    def vectors(self, position: int) -> np.ndarray:
        """As `GalleryStore.vectors`."""
        return unit(self._vectors[position])

    def _unindexed(self, query: np.ndarray, attributes: list[int], keep: np.ndarray | None) -> np.ndarray:
        """(n,) float32: per kept item the sum of its inner products under some attributes."""
        rows = None if keep is None else np.flatnonzero(keep)
        total = np.zeros(len(self._vectors) if rows is None else len(rows), np.float32)
        if not attributes:
            return total
        scales = self._scales()
        for start in range(0, len(total), CHUNK):
            here = slice(start, start + CHUNK)
            some = here if rows is None else rows[here]
            for a in attributes:
                total[here] += (self._vectors[some, a].astype(np.float32) @ query[a]) * scales[some, a]
        return total

    def _scales(self) -> np.ndarray:
        """(N, A) float32: what brings each stored vector to unit norm; made when first needed."""
        with self._lock:
            if self._made is None:
                made = np.empty(self._vectors.shape[:2], np.float32)
                for start in range(0, len(made), CHUNK):
                    norms = np.linalg.norm(self._vectors[start : start + CHUNK].astype(np.float32), axis=-1)
                    made[start : start + CHUNK] = 1 / np.maximum(norms, 1e-12)
                self._made = made
            return self._made

    def _index(self, attribute: int) -> faiss.IndexFlatIP:
        # One thread: a single query has nothing to share out, and the model needs the cores.
        faiss.omp_set_num_threads(1)
        with self._lock:
            if attribute not in self._indexes:
                index = faiss.IndexFlatIP(self._vectors.shape[2])
                index.add(np.ascontiguousarray(unit(self._vectors[:, attribute])))
                self._indexes[attribute] = index
            return self._indexes[attribute]


def unit(vectors: np.ndarray) -> np.ndarray:
    """float32 of unit norm along the last axis."""
    v = vectors.astype(np.float32)
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)


def _selector(keep: np.ndarray) -> faiss.IDSelector:
    return faiss.IDSelectorBitmap(np.packbits(keep, bitorder="little"))
