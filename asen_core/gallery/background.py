"""How unusual a similarity is: the similarities of random pairs of the gallery's own items, kept as quantiles."""

from __future__ import annotations

import numpy as np

from asen_core.gallery.finder import unit

PAIRS = 200_000
QUANTILES = 2001


def background(vectors: np.ndarray, rng: np.random.Generator, pairs: int = PAIRS) -> np.ndarray:
    """(A, 2001) float32, rising: quantiles of the cosines of pairs of different items; (A, 0) where there is no pair.

    vectors: (A, N, D). All pairs are taken where there are at most `pairs` of them, else that many random ones.
    """
    attributes, count = vectors.shape[:2]
    if count < 2:
        return np.zeros((attributes, 0), np.float32)
    if count * (count - 1) // 2 <= pairs:
        first, second = np.triu_indices(count, 1)
    else:
        first = rng.integers(count, size=pairs)
        second = (first + rng.integers(1, count, size=pairs)) % count
    rows = []
    for a in range(attributes):
        space = vectors[a]
        parts = (slice(i, i + 8192) for i in range(0, len(first), 8192))
        cosines = np.concatenate([np.einsum("nd,nd->n", unit(space[first[p]]), unit(space[second[p]])) for p in parts])
        rows.append(np.quantile(cosines, np.linspace(0, 1, QUANTILES)))
    return np.asarray(rows, np.float32)


def percentile(quantiles: np.ndarray, similarity: float) -> float:
    """Percent (0..100) of the pairs behind rising quantiles (Q,) that are less alike, linear in between; 0 without pairs."""
    if len(quantiles) == 0:
        return 0.0
    value, last = np.float32(similarity), len(quantiles) - 1
    at = int(np.searchsorted(quantiles, value, side="left"))
    if at > last:
        return 100.0
    if at == 0:
        return 0.0
    if quantiles[at] == value:
        return 100.0 * at / last
    low, high = float(quantiles[at - 1]), float(quantiles[at])
    return 100.0 * (at - 1 + (float(value) - low) / (high - low)) / last
