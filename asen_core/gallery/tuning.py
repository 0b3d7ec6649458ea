"""How many cells a search must look into: measured against exact search, with the gallery's own items as queries."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from asen_core.gallery.cells import CHUNK, Cells, all_threads
from asen_core.gallery.finder import unit

FIRST = 10
"""Recall is that of the first ten."""
QUERIES, REGIONS, PAIRED = 400, 4, 2_000
SHARES = (0.5, 0.1, 0.01, 0.001)
FEWEST = 200
"""Items that a filter must keep for recall under it to be measured."""
CANDIDATES = (20, 40, 80, 160, 320)
MOST_CANDIDATES = 2000

Rows = Sequence[Mapping[str, Any]]
"""What was measured: "kept" is all, scattered (items drawn one by one) or together (those most like one item, as those of one
label value may be); the "share" that is kept; the "probes" that this takes; the "recall" that they reach."""


@dataclass(frozen=True, eq=False)
class Trial:
    """Queries under one filter. asked: which of them; keep: (N,) bool, None for all; truth: (n, k) the nearest, -1 for none."""

    kept: str
    share: float
    asked: np.ndarray
    keep: np.ndarray | None
    truth: np.ndarray


class Tuning:
    """One attribute's queries with the exact answers, made once."""

    def __init__(self, cells: Cells, vectors: np.ndarray, rng: np.random.Generator, together: int) -> None:
        """vectors: (N, D); together: the fewest items of a region that recall is measured for."""
        count = len(vectors)
        self._vectors, self._rng = vectors, rng
        self._own = np.sort(rng.choice(count, min(QUERIES, count), replace=False))
        self._queries = unit(vectors[self._own])
        everyone, drawn = np.arange(len(self._own)), rng.random(count)
        asked = [("all", 1.0, everyone, None)]
        asked += [("scattered", s, everyone, drawn < s) for s in SHARES if s * count >= FEWEST]
        shares = [s for s in SHARES if s * count >= max(FEWEST, together)]
        likeness = _likeness(vectors, rng.integers(count, size=REGIONS * len(shares)), rng)
        for n, line in enumerate(likeness):
            share, region = shares[n // REGIONS], n % REGIONS
            asked.append(("together", share, everyone[region::REGIONS], line > np.quantile(line, 1 - share)))
        self._trials = [Trial(*a, t) for a, t in zip(asked, self._exact(asked), strict=True)]

    def candidates(self, cells: Cells, most_lost: float) -> int | None:
        """How many of the best by code must be compared by their vectors, so that the codes lose no more; None: too many."""
        trial, probes = self._trials[0], min(cells.count, max(64, cells.count // 16))
        best = self._recall(cells, trial, probes, MOST_CANDIDATES)
        return next((c for c in CANDIDATES if self._recall(cells, trial, probes, c) >= best - most_lost), None)

    def probes(self, cells: Cells, candidates: int, target: float) -> list[dict[str, Any]]:
        """As `Rows`: for each kind of filter the fewest probes that reach the target; all cells where none does."""
        rows = []
        for kept, share in dict.fromkeys((t.kept, t.share) for t in self._trials):
            trials = [t for t in self._trials if (t.kept, t.share) == (kept, share)]
            weights = [len(t.asked) for t in trials]

            def reached(probes: int, trials: Sequence[Trial] = trials, weights: Sequence[int] = weights) -> float:
                return float(np.average([self._recall(cells, t, probes, candidates) for t in trials], weights=weights))

            probes, recall = _fewest(_ladder(cells.count), reached, target)
            rows.append({"kept": kept, "share": share, "probes": probes, "recall": round(recall, 4), "queries": sum(weights)})
        return rows

    def blur(self, cells: Cells) -> float:
        """How far an item's inner product with a query lies under that of its cell's centre, but for one in two hundred."""
        some = self._rng.choice(len(self._vectors), min(PAIRED, len(self._vectors)), replace=False)
        dim = self._queries.shape[1]
        under = (cells.centres[cells.cell_of[some], :dim] - unit(self._vectors[some])) @ self._queries.T
        return round(float(np.quantile(under, 0.995)), 4)

    def _recall(self, cells: Cells, trial: Trial, probes: int, candidates: int) -> float:
        """The share of the true first ten that is found; an item never finds itself."""
        hits = []
        for query, truth in zip(trial.asked, trial.truth, strict=True):
            positions, _ = cells.search(self._queries[query], candidates + 1, probes, trial.keep)
            found = positions[positions != self._own[query]][:FIRST]
            hits.append(np.isin(truth[truth >= 0], found).mean() if truth[0] >= 0 else 1.0)
        return float(np.mean(hits))

    def _exact(self, asked: Sequence[tuple[str, float, np.ndarray, np.ndarray | None]]) -> list[np.ndarray]:
        """As `Trial.truth`, going through the vectors once for all filters."""
        all_threads()
        best = [(np.full((len(a), FIRST + 1), -np.inf, np.float32), np.full((len(a), FIRST + 1), -1)) for _, _, a, _ in asked]
        for start in range(0, len(self._vectors), CHUNK):
            block = unit(self._vectors[start : start + CHUNK])
            for n, (_, _, queries, keep) in enumerate(asked):
                rows = np.arange(len(block)) if keep is None else np.flatnonzero(keep[start : start + CHUNK])
                if len(rows):
                    some = block if keep is None else block[rows]
                    near, at = faiss.knn(self._queries[queries], some, min(FIRST + 1, len(rows)), faiss.METRIC_INNER_PRODUCT)
                    best[n] = _merged(best[n], near, start + rows[at])
        return [_without(p, self._own[queries]) for (_, p), (_, _, queries, _) in zip(best, asked, strict=True)]


def wanted(rows: Rows, share: float, k: int, filtered: bool) -> float:
    """How many cells to look into for the first k where a filter keeps this share.

    The first k of a share lie about as far away as the first ten of share * 10 / k, which is what was measured. Between
    measured shares it is interpolated, both in logarithms; below them it grows as between the last two.
    """
    apart = [(r["share"], r["probes"]) for r in rows if r["kept"] != "together"]
    needed = _along(apart, share * FIRST / max(k, FIRST), beyond=True)
    near = [(r["share"], r["probes"]) for r in rows if r["kept"] == "together"]
    return max(needed, _along(near, share, beyond=False)) if filtered and near else needed


def _along(points: list[tuple[float, int]], share: float, beyond: bool) -> float:
    x, y = np.log(sorted(points)).T
    at = np.log(share)
    if beyond and at < x[0]:
        slope = (y[1] - y[0]) / (x[1] - x[0]) if len(x) > 1 else -0.5
        return float(np.exp(y[0] + min(slope, -0.5) * (at - x[0])))
    return float(np.exp(np.interp(at, x, y)))


def _likeness(vectors: np.ndarray, places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(P, N) float32: how like some items all are; every second one blurred by as much as these differ, as labels are."""
    found, pivots = np.empty((len(places), len(vectors)), np.float32), unit(vectors[places])
    for start in range(0, len(vectors) if len(places) else 0, CHUNK):
        found[:, start : start + CHUNK] = pivots @ unit(vectors[start : start + CHUNK]).T
    for line in found[1::2]:
        line += line.std() * rng.standard_normal(len(line), dtype=np.float32)
    return found


def _ladder(most: int) -> list[int]:
    """1, 2, 3, 4, 6, 8, 12 and so on, up to all."""
    steps = [round(s) for n in range(40) for s in (2**n, 1.5 * 2**n)]
    return [*sorted({s for s in steps if s < most}), most]


def _fewest(steps: Sequence[int], reached: Callable[[int], float], target: float) -> tuple[int, float]:
    """The first of rising steps that reaches the target, by halving, and what it reaches; the last where none does."""
    known: dict[int, float] = {}

    def recall(step: int) -> float:
        return known[step] if step in known else known.setdefault(step, reached(step))

    step = steps[min(bisect_left(steps, target, key=recall), len(steps) - 1)]
    return step, recall(step)


def _merged(best: tuple[np.ndarray, np.ndarray], near: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best of two lists of each query's hits, as long as the first; equal ones by position."""
    scores, places = np.concatenate([best[0], near], axis=1), np.concatenate([best[1], positions], axis=1)
    order = np.lexsort((places, -scores), axis=1)[:, : best[0].shape[1]]
    return np.take_along_axis(scores, order, 1), np.take_along_axis(places, order, 1)


def _without(positions: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Each query's own item taken out of its hits (n, k + 1), or the last where it isn't among them."""
    order = np.argsort(positions == own[:, None], axis=1, kind="stable")
    return np.take_along_axis(positions, order, 1)[:, :-1]
