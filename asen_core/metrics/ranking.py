"""Ranking whole candidate lists, exactly: average precision, recall, and what chance would reach."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

BLOCK = 16
"""Queries that are sorted at a time: their keys stay in the processor's cache."""


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
    chunk: int = 256,
) -> RetrievalResult:
    """Rank all candidates (C, D) for each query (Q, D) by inner product, in float32; relevant is what has the same value.

    Ties keep the candidates' order, and equal vectors always tie: each is multiplied once, since the same product may round
    differently elsewhere in a matrix. Queries go through in chunks, so memory is chunk x C x 4 bytes beside the vectors.

    Raises: ValueError where shapes don't fit, a vector isn't finite, or k or chunk is under 1.
    """
    queries, candidates = _vectors(query_vectors, query_values), _vectors(candidate_vectors, candidate_values)
    if len(queries) and len(candidates) and queries.shape[1] != candidates.shape[1]:
        raise ValueError(f"Queries have {queries.shape[1]} dimensions, candidates {candidates.shape[1]}; they must agree.")
    if min(ks, default=1) < 1 or chunk < 1:
        raise ValueError(f"ks and chunk must be at least 1, got {tuple(ks)} and {chunk}.")
    codes = {v: i for i, v in enumerate(dict.fromkeys(candidate_values))}
    answerable = np.array([i for i, v in enumerate(query_values) if v in codes], dtype=np.int64)
    wanted = np.array([codes[query_values[i]] for i in answerable], dtype=np.int64)
    given = np.array([codes[v] for v in candidate_values], dtype=np.int64)
    distinct, place = _distinct(candidates)
    precisions, first = np.zeros(len(answerable)), np.zeros(len(answerable), np.int64)
    for start in range(0, len(answerable), chunk):
        products = queries[answerable[start : start + chunk]] @ distinct.T
        for at in range(0, len(products), BLOCK):
            rows = slice(start + at, start + at + len(products[at : at + BLOCK]))
            scores = products[at : at + BLOCK] if place is None else products[at : at + BLOCK, place]
            precisions[rows], first[rows] = _judged(scores, given == wanted[rows, None])
    recalls = {int(k): float((first < k).mean()) if len(first) else float("nan") for k in ks}
    found = chance_precision(np.bincount(given, minlength=len(codes)), len(given))[wanted]
    return RetrievalResult(precisions, recalls, len(queries) - len(answerable), answerable, first, found)


def _judged(scores: np.ndarray, relevant: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average precision and place of the first relevant one per row, from (B, C) float32 scores and (B, C) bool.

    Each row needs a relevant one. Score, place and relevance are packed into one whole number, which sorts several times
    faster than places by score, and never ties.
    """
    bits = (scores + np.float32(0)).view(np.int32)  # + 0: -0 and 0 tie
    falling = ~(bits ^ ((bits >> 31) & 0x7FFFFFFF))  # ordered like the floats (IEEE 754), best first
    keys = falling.astype(np.int64) << 32 | np.arange(scores.shape[1], dtype=np.int64) << 1 | relevant
    keys.sort(axis=1)
    rows, places = np.nonzero(keys & 1)
    counts = np.bincount(rows)
    starts = np.cumsum(counts) - counts
    shares = (np.arange(1, len(places) + 1) - starts[rows]) / (places + 1)
    return np.add.reduceat(shares, starts) / counts, places[starts]


def _distinct(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The vectors without repeats and, where there are any, (N,) int64: which of those each one is."""
    seen: dict[bytes, int] = {}
    place = np.array([seen.setdefault(hashlib.blake2b(v, digest_size=16).digest(), len(seen)) for v in vectors], np.int64)
    if len(seen) == len(vectors):
        return vectors, None
    return vectors[np.unique(place, return_index=True)[1]], place


def chance_precision(relevant: np.ndarray, candidates: int) -> np.ndarray:
    """Mean average precision over all orders of `candidates`, of which `relevant` (...,) are relevant: what chance reaches.

    Place i holds a relevant one with probability R / C, and above it there are (i - 1) (R - 1) / (C - 1) more on average.
    """
    r = np.asarray(relevant, np.float64)
    harmonic = float((1 / np.arange(1, candidates + 1)).sum())
    return np.where(r > 0, (harmonic + (r - 1) * (candidates - harmonic) / max(candidates - 1, 1)) / max(candidates, 1), 0.0)


def _ranked(relevant: np.ndarray) -> np.ndarray:
    r = np.asarray(relevant)
    if r.ndim != 1 or r.dtype != np.bool_:
        raise ValueError(f"A ranked list must be (C,) bool, got {r.shape} {r.dtype}.")
    return r


def _vectors(vectors: np.ndarray, values: Sequence[object] | np.ndarray) -> np.ndarray:
    if vectors.ndim != 2 or len(vectors) != len(values):
        raise ValueError(f"Vectors must be (N, D) with one value each, got {vectors.shape} and {len(values)} values.")
    found = np.ascontiguousarray(vectors, np.float32)
    if not np.isfinite(found).all():
        raise ValueError("Vectors must be finite; at least one number is nan or infinite.")
    return found
