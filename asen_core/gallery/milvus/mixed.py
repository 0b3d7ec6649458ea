"""Search by several attributes at once on Milvus, which compares one at a time: candidates of each, scored by the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from asen_core.gallery.candidates import mixed_by_candidates
from asen_core.gallery.finder import Found
from asen_core.gallery.milvus.reader import Reader

CANDIDATES = 400
"""How many nearest items each attribute gives at the least; 400 searched in one go cost about as much as 100."""
AT_ONCE = 8


def mixed(
    search: Callable[[int, np.ndarray, int], Found], reader: Reader, names: Sequence[str], vectors: np.ndarray,
    weights: np.ndarray, k: int, most: Mapping[int, float],
) -> Found:  # fmt: skip
    """As `GalleryStore.mixed`, by `mixed_by_candidates`, but that no vector leaves the server: it gives inner products.

    search: (attribute, vector, n) -> its nearest under the filter; names: of the attributes.
    """
    used = sorted({*np.flatnonzero(weights).tolist(), *most})
    queries = np.asarray(vectors, np.float32)
    known: dict[int, dict[int, float]] = {a: {} for a in used}

    def nearest(number: int, _: np.ndarray, n: int) -> Found:
        attribute = used[number]
        found = search(attribute, queries[attribute], n)
        known[attribute].update(zip(found[0].tolist(), found[1].tolist(), strict=True))
        return found

    def one(attribute: int, positions: list[int]) -> list[float]:
        held = known[attribute]
        if missing := [p for p in positions if p not in held]:
            there = np.array(missing, np.int64)
            products = reader.products(names[attribute], attribute, there, queries[attribute])
            held.update(zip(missing, products.tolist(), strict=True))
        return [held[p] for p in positions]

    def products(positions: np.ndarray) -> np.ndarray:
        """(n, U, 1) float32: in place of vectors, whose product with a query of one 1 is itself."""
        there = positions.tolist()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            rows = list(pool.map(lambda attribute: one(attribute, there), used))
        return np.array(rows, np.float32).reshape(len(used), len(there)).T[:, :, None]

    limits = {used.index(a): limit for a, limit in most.items()}
    shares, ones = np.asarray(weights)[used], np.ones((len(used), 1), np.float32)
    return mixed_by_candidates(nearest, products, ones, shares, k, limits, CANDIDATES)
