"""Retrieval and pointing in plain numpy; every figure is a share in [0, 1]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from asen_core.types import Box, View


@dataclass(frozen=True, eq=False)
class RetrievalResult:
    """One search per query over the whole candidate list.

    precisions: (Q,) float64, the average precision of each query that has a relevant candidate, in the queries' order.
    recalls: k -> share of those queries with at least one relevant candidate among the first k (the field's R@k).
    unanswerable: queries without any relevant candidate; they are left out of all figures.
    rows: (Q,) int64, which of the given queries these are; first: (Q,) int64, the place of the first relevant, from 0.
    chances: (Q,) float64, the average precision that a random order would have on average.
    """

    precisions: np.ndarray
    recalls: Mapping[int, float]
    unanswerable: int
    rows: np.ndarray
    first: np.ndarray
    chances: np.ndarray

    def __post_init__(self) -> None:
        p = self.precisions
        if p.ndim != 1 or (len(p) and not (p.min() > 0 and p.max() <= 1)):
            raise ValueError(f"precisions must be (Q,) and lie in (0, 1], got {p.shape}.")
        object.__setattr__(self, "recalls", MappingProxyType(dict(self.recalls)))

    @property
    def queries(self) -> int:
        """How many queries count."""
        return len(self.precisions)

    @property
    def map(self) -> float:
        """Mean average precision; nan where no query counts."""
        return float(self.precisions.mean()) if self.queries else float("nan")


def average_precision(relevant: np.ndarray) -> float:
    """Mean, over the relevant places of a ranked list (C,) bool, of the precision up to there; 0 where none is relevant."""
    places = np.flatnonzero(_ranked(relevant))
    return float((np.arange(1, len(places) + 1) / (places + 1)).mean()) if len(places) else 0.0


def precision_at_k(relevant: np.ndarray, k: int) -> float:
    """Share of the first k of a ranked list (C,) bool that is relevant; a shorter list counts as filled up with wrong ones."""
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    return float(_ranked(relevant)[:k].sum() / k)


def recall_at_k(relevant: np.ndarray, k: int) -> float:
    """1 where a relevant one is among the first k of a ranked list (C,) bool, else 0 (R@k of a single query)."""
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    return float(_ranked(relevant)[:k].any())


def retrieval(
    query_vectors: np.ndarray,
    query_values: Sequence[object] | np.ndarray,
    candidate_vectors: np.ndarray,
    candidate_values: Sequence[object] | np.ndarray,
    ks: Sequence[int] = (1, 10, 100),
    chunk: int = 1024,
) -> RetrievalResult:
    """Rank all candidates (C, D) for each query (Q, D) by inner product; relevant is what has the same value.

    Ties keep the candidates' order. Queries go through in chunks, so memory is chunk x C; figures don't depend on it.

    Raises: ValueError where shapes don't fit, a vector isn't finite, or k or chunk is under 1.
    """
    queries, candidates = _vectors(query_vectors, query_values), _vectors(candidate_vectors, candidate_values)
    if len(queries) and len(candidates) and queries.shape[1] != candidates.shape[1]:
        raise ValueError(f"Queries have {queries.shape[1]} dimensions, candidates {candidates.shape[1]}; they must agree.")
    if min(ks, default=1) < 1 or chunk < 1:
        raise ValueError(f"ks and chunk must be at least 1, got {tuple(ks)} and {chunk}.")
    present = set(candidate_values)
    answerable = np.flatnonzero([v in present for v in query_values])
    codes = {v: i for i, v in enumerate(present)}
    wanted = np.array([codes[query_values[i]] for i in answerable], dtype=np.int64)
    given = np.array([codes[v] for v in candidate_values], dtype=np.int64)
    precisions, first = np.zeros(len(answerable)), np.zeros(len(answerable), np.int64)
    for start in range(0, len(answerable), chunk):
        rows = slice(start, start + chunk)
        order = np.argsort(-(queries[answerable[rows]] @ candidates.T), axis=1, kind="stable")
        relevant = given[order] == wanted[rows, None]  # (chunk, C)
        precisions[rows] = [average_precision(r) for r in relevant]
        first[rows] = relevant.argmax(1)
    recalls = {int(k): float((first < k).mean()) if len(first) else float("nan") for k in ks}
    found = chance_precision(np.bincount(given, minlength=len(codes)), len(given))[wanted]
    return RetrievalResult(precisions, recalls, len(queries) - len(answerable), answerable, first, found)


def chance_precision(relevant: np.ndarray, candidates: int) -> np.ndarray:
    """Mean average precision over all orders of `candidates`, of which `relevant` (...,) are relevant: what chance reaches.

    Place i holds a relevant one with probability R / C, and above it there are (i - 1) (R - 1) / (C - 1) more on average.
    """
    r = np.asarray(relevant, np.float64)
    harmonic = float((1 / np.arange(1, candidates + 1)).sum())
    return np.where(r > 0, (harmonic + (r - 1) * (candidates - harmonic) / max(candidates - 1, 1)) / max(candidates, 1), 0.0)


def micro_macro(values: Sequence[float], weights: Sequence[float]) -> tuple[float, float]:
    """(mean weighted by `weights`, plain mean) of one value per attribute; weights are query counts in the papers' "total MAP".

    Raises: ValueError where there is no value, lengths differ, or the weights aren't >= 0 with a sum over 0.
    """
    v, w = np.asarray(values, np.float64), np.asarray(weights, np.float64)
    if v.ndim != 1 or v.shape != w.shape or not len(v):
        raise ValueError(f"micro_macro needs as many values as weights, at least one, got {v.shape} and {w.shape}.")
    if w.min() < 0 or not w.sum() > 0:
        raise ValueError(f"Weights must be >= 0 and sum to more than 0, got {w.tolist()}.")
    return float((v * w).sum() / w.sum()), float(v.mean())


@dataclass(frozen=True, eq=False)
class Intervals:
    """Percentile intervals of MAP, low and high: (A, 2) per attribute, (2,) for the micro and for the macro mean."""

    attributes: np.ndarray
    micro: np.ndarray
    macro: np.ndarray


def bootstrap(precisions: np.ndarray, rng: np.random.Generator, draws: int = 1000, level: float = 0.95) -> Intervals:
    """How far MAP would move with other queries (Efron's percentile bootstrap).

    precisions: (Q, A) float64, a photo's average precision per attribute, nan where it is no query. Photos are drawn with
    replacement, each with all its attributes, since these share their luck.

    Raises: ValueError where a row or column has no number, or `draws` or `level` make no sense.
    """
    p = np.asarray(precisions, np.float64)
    known = ~np.isnan(p)
    if p.ndim != 2 or not p.size or not (known.any(0).all() and known.any(1).all()):
        raise ValueError(f"precisions must be (Q, A) with a number in each row and column, got {p.shape}.")
    if draws < 1 or not 0 < level < 1:
        raise ValueError(f"draws must be at least 1 and level between 0 and 1, got {draws} and {level}.")
    times = rng.multinomial(len(p), np.full(len(p), 1 / len(p)), draws).astype(np.float64)  # (draws, Q)
    sums, counts = times @ np.where(known, p, 0.0), times @ known.astype(np.float64)  # (draws, A)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    ends = 50 * (1 - level), 50 * (1 + level)
    micro, macro = sums.sum(1) / counts.sum(1), np.nansum(means, 1) / (counts > 0).sum(1)
    return Intervals(np.nanpercentile(means, ends, axis=0).T, np.percentile(micro, ends), np.percentile(macro, ends))


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability curve over equal-width bins of confidence: (B,) float64 means, nan in empty bins, and (B,) int64 counts."""

    confidence: np.ndarray
    accuracy: np.ndarray
    counts: np.ndarray

    @property
    def ece(self) -> float:
        """Expected calibration error: |accuracy - confidence| weighted by counts (Guo et al., ICML 2017); nan without any."""
        n = int(self.counts.sum())
        return float(np.nansum(self.counts * np.abs(self.accuracy - self.confidence)) / n) if n else float("nan")


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> Reliability:
    """Bin readings by their confidence (N,) in [0, 1] and see how many are `right` (N,) bool; bin b is (b / B, (b + 1) / B].

    Raises: ValueError where shapes differ, a confidence leaves [0, 1] or there is no bin.
    """
    c, r = np.asarray(confidence, np.float64), np.asarray(right, bool)
    if c.ndim != 1 or c.shape != r.shape or bins < 1:
        raise ValueError(f"confidence and right must be (N,) alike and bins at least 1, got {c.shape}, {r.shape} and {bins}.")
    if not ((c >= 0) & (c <= 1)).all():
        raise ValueError("Confidences must lie in [0, 1].")
    places = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], c, side="left")
    counts = np.bincount(places, minlength=bins)
    filled = np.where(counts, counts, np.nan)
    means = (np.bincount(places, weights=w, minlength=bins) / filled for w in (c, r.astype(np.float64)))
    return Reliability(*means, counts)


def pointing(view: View, boxes: Sequence[Box]) -> bool:
    """Whether the attention's peak, the centre of its strongest cell, lies in at least one box (pixels of the photo)."""
    return any(box.contains(*view.peak) for box in boxes)


def attention_inside(view: View, boxes: Sequence[Box]) -> float:
    """Share of all attention inside the union of boxes (pixels of the photo).

    A cell's attention counts as spread evenly over the cell, and cells cut by a box count with exactly the part inside.
    """
    h, w = view.attention.shape
    laid = [view.frame.to_input(b) for b in boxes]
    # Cell edges and box edges together cut the input into rectangles that lie wholly in or out of every box and cell.
    xs = _edges(view.frame.size, w, [e for b in laid for e in (b.x0, b.x1)])
    ys = _edges(view.frame.size, h, [e for b in laid for e in (b.y0, b.y1)])
    mx, my = (xs[:-1] + xs[1:]) / 2, (ys[:-1] + ys[1:]) / 2
    inside = np.zeros((len(my), len(mx)), bool)
    for b in laid:
        inside |= ((my >= b.y0) & (my < b.y1))[:, None] & ((mx >= b.x0) & (mx < b.x1))
    cell = view.frame.size**2 / (h * w)
    rows, cols = (my * h / view.frame.size).astype(int), (mx * w / view.frame.size).astype(int)
    shares = view.attention[np.ix_(rows, cols)].astype(np.float64) * np.outer(np.diff(ys), np.diff(xs)) / cell
    return float(min(1.0, shares[inside].sum() / float(view.attention.sum(dtype=np.float64))))


def _edges(size: int, cells: int, more: Sequence[float]) -> np.ndarray:
    return np.unique(np.clip(np.concatenate([np.linspace(0, size, cells + 1), np.asarray(more, np.float64)]), 0, size))


def _ranked(relevant: np.ndarray) -> np.ndarray:
    r = np.asarray(relevant)
    if r.ndim != 1 or r.dtype != np.bool_:
        raise ValueError(f"A ranked list must be (C,) bool, got {r.shape} {r.dtype}.")
    return r


def _vectors(vectors: np.ndarray, values: Sequence[object] | np.ndarray) -> np.ndarray:
    if vectors.ndim != 2 or len(vectors) != len(values):
        raise ValueError(f"Vectors must be (N, D) with one value each, got {vectors.shape} and {len(values)} values.")
    if not np.isfinite(vectors).all():
        raise ValueError("Vectors must be finite; at least one number is nan or infinite.")
    return vectors
