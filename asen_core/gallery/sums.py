"""Mixed search through cells: the sum of every item by the centres of its cells, then of the best by their vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from asen_core.gallery.cells import Cells, products
from asen_core.gallery.finder import Found, ordered

SHARE, LEAST = 10, 4_000
"""One item in so many is compared by its vectors, and at least so many."""


def mixed(
    cells: Sequence[Cells], vectors: np.ndarray, query: np.ndarray, weights: np.ndarray, k: int, keep: np.ndarray | None,
    most: Mapping[int, float], loose: Mapping[int, float],
) -> Found:  # fmt: skip
    """As `Finder.mixed`, but items may be missed, and with `most` fewer than k found though there are more.

    cells: of each attribute; vectors: (A, N, D); loose: as most, for the centres of the cells instead of the items.

    An item may be near by the sum though it is among the nearest in no single attribute, so all are ranked by the centres
    first; then the vectors are read one attribute after the other, heaviest first, and half of those left fall out each time.
    """
    toward = {a: cells[a].toward(query[a]) for a in {*np.flatnonzero(weights).tolist(), *most}}
    rows = np.arange(vectors.shape[1]) if keep is None else np.flatnonzero(keep)
    for a, limit in loose.items():
        rows = rows[toward[a][cells[a].cell_of[rows]] <= limit]
    heaviest = sorted(np.flatnonzero(weights).tolist(), key=lambda a: (-abs(weights[a]), a))
    rest = np.zeros(len(rows), np.float32)
    for a in heaviest:
        rest += np.float32(weights[a]) * toward[a][cells[a].cell_of[rows]]
    looked = max(vectors.shape[1] // SHARE, LEAST, 8 * k)
    while True:
        chosen = _best(rest, looked)
        allowed = _allowed(vectors, query, rows[chosen], most)
        if allowed.sum() >= max(LEAST // 2, 4 * k) or looked >= len(rows):
            break
        looked *= 4
    rows, rest = rows[chosen[allowed]], rest[chosen[allowed]]
    total = np.zeros(len(rows), np.float32)
    for a in heaviest:
        total += np.float32(weights[a]) * products(vectors[a], rows, query[a])
        rest -= np.float32(weights[a]) * toward[a][cells[a].cell_of[rows]]
        left = np.sort(_best(total + rest, max(len(rows) // 2, LEAST // 4, 4 * k)))
        rows, total, rest = rows[left], total[left], rest[left]
    return ordered(rows, total, k)


def _best(scores: np.ndarray, n: int) -> np.ndarray:
    """Where the n largest are, in no order; all where there are no more."""
    return np.argpartition(-scores, n)[:n] if n < len(scores) else np.arange(len(scores))


def _allowed(vectors: np.ndarray, query: np.ndarray, rows: np.ndarray, most: Mapping[int, float]) -> np.ndarray:
    """(n,) bool: which items are under all limits."""
    passed = np.ones(len(rows), bool)
    for a, limit in most.items():
        left = np.flatnonzero(passed)
        passed[left] = products(vectors[a], rows[left], query[a]) <= limit
    return passed
