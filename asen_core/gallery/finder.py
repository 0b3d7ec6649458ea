"""What finds the nearest of one machine's vectors: exactly, or through an index that looks at part of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import faiss
import numpy as np

Found = tuple[np.ndarray, np.ndarray]
"""Positions (n,) int64 and similarities (n,) float32, best first, equal ones by position."""


class Finder(Protocol):
    """N items with A vectors each, D numbers long and of unit norm. Safe to search from several threads.

    notes: how it searches, for the manifest and the page; its "kind" is "exact" or the name of an index.
    """

    notes: Mapping[str, Any]

    def search(self, attribute: int, vector: np.ndarray, k: int, keep: np.ndarray | None = None) -> Found:
        """The nearest in one attribute's space, by inner product with a vector (D,) float32 of any norm.

        keep: (N,) bool, the items that may be found, None for all. As many as there are of these, at most k.
        """
        ...

    def mixed(
        self, vectors: np.ndarray, weights: np.ndarray, k: int, keep: np.ndarray | None = None,
        most: Mapping[int, float] | None = None,
    ) -> Found:  # fmt: skip
        """The nearest by the weighted sum of the inner products with vectors (A, D) float32.

        weights: (A,), none negative but those of attributes in `most`, which may take something away.
        most: attribute number -> the largest inner product that an item may have there, for "different in".
        """
        ...

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """(n, A, D) float32, unit norm, of the items at positions (n,)."""
        ...


def unit(vectors: np.ndarray) -> np.ndarray:
    """float32 of unit norm along the last axis."""
    v = vectors.astype(np.float32)
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)


def selector(keep: np.ndarray) -> faiss.IDSelector:
    """faiss's form of a mask (N,) bool."""
    return faiss.IDSelectorBitmap(np.packbits(keep, bitorder="little"))


def ordered(positions: np.ndarray, similarities: np.ndarray, k: int) -> Found:
    """The k best of unordered hits, best first, equal ones by position."""
    order = np.lexsort((positions, -similarities))[: max(k, 0)]
    return positions[order].astype(np.int64), similarities[order].astype(np.float32)
