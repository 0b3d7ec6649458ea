"""Mixed search over stores that only search one attribute at a time: candidates of each, compared by the whole sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from asen_core.gallery.finder import Found, ordered

CANDIDATES = 1000
"""How many nearest items each attribute gives, and how many of all must be allowed by the limits, at the least."""


def mixed_by_candidates(
    search: Callable[[int, np.ndarray, int], Found],
    vectors_of: Callable[[np.ndarray], np.ndarray],
    vectors: np.ndarray,
    weights: np.ndarray,
    k: int,
    most: Mapping[int, float] | None = None,
    candidates: int = CANDIDATES,
) -> Found:
    """The k nearest by the weighted sum of inner products with vectors (A, D), among the nearest of single attributes.

    search: (attribute, vector, n) -> its nearest under whatever filter, n of them unless there are fewer. vectors_of: positions
    (n,) -> (n, A, D) float32, unit norm. weights: (A,), at least one above 0; only those above 0 give candidates, all count.
    most: attribute -> the largest inner product allowed there. Where it rejects many, more candidates are taken, until enough
    are allowed or all were seen.

    Raises: ValueError where no weight is above 0.
    """
    sources, counted, most = [int(a) for a in np.flatnonzero(weights > 0)], np.flatnonzero(weights), most or {}
    if not sources:
        raise ValueError(f"At least one weight must be above 0, got {weights}.")
    if k < 1:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    n = max(candidates, 4 * k)
    enough = k if len(counted) == 1 else n
    seen, scores, allowed = np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, bool)
    while True:
        found = [search(a, vectors[a], n) for a in sources]
        fresh = np.setdiff1d(np.concatenate([positions for positions, _ in found]), seen)
        total, passed = _scored(vectors_of(fresh), vectors, weights, most)
        seen, scores, allowed = np.append(seen, fresh), np.append(scores, total), np.append(allowed, passed)
        if any(len(positions) < n for positions, _ in found) or allowed.sum() >= enough:
            return ordered(seen[allowed], scores[allowed], k)
        n *= 4


def _scored(
    rows: np.ndarray, vectors: np.ndarray, weights: np.ndarray, most: Mapping[int, float]
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) float32 weighted sums and (n,) bool whether the limits allow them, for items' vectors (n, A, D)."""
    total, passed = np.zeros(len(rows), np.float32), np.ones(len(rows), bool)
    for attribute in {*np.flatnonzero(weights).tolist(), *most}:
        products = np.einsum("nd,d->n", rows[:, attribute], np.asarray(vectors[attribute], np.float32))
        total += np.float32(weights[attribute]) * products
        passed &= products <= most.get(attribute, np.inf)
    return total, passed
