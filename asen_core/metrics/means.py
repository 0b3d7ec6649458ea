"""Means over attributes and queries, and how far they would move with other queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_AT_ONCE = 100
"""Draws of the bootstrap that are in memory together."""


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
    return bootstrap_sums(np.where(known, p, 0.0), known.astype(np.float64), rng, draws, level)


def bootstrap_sums(
    sums: np.ndarray, counts: np.ndarray, rng: np.random.Generator, draws: int = 1000, level: float = 0.95
) -> Intervals:
    """The same where a photo may be several queries of an attribute: (Q, A) float64 sums of their precisions, and how many.

    Raises: ValueError as `bootstrap`.
    """
    if sums.ndim != 2 or sums.shape != counts.shape or not sums.size or not (counts.any(0).all() and counts.any(1).all()):
        raise ValueError(f"precisions must be (Q, A) with a number in each row and column, got {sums.shape}.")
    if draws < 1 or not 0 < level < 1:
        raise ValueError(f"draws must be at least 1 and level between 0 and 1, got {draws} and {level}.")
    chances, drawn = np.full(len(sums), 1 / len(sums)), ([], [])
    for start in range(0, draws, _AT_ONCE):
        times = rng.multinomial(len(sums), chances, min(_AT_ONCE, draws - start)).astype(np.float64)  # (draws, Q)
        drawn[0].append(times @ sums)
        drawn[1].append(times @ counts)
    totals, numbers = map(np.concatenate, drawn)  # (draws, A)
    means = np.where(numbers > 0, totals / np.maximum(numbers, 1), np.nan)
    ends = 50 * (1 - level), 50 * (1 + level)
    micro, macro = totals.sum(1) / numbers.sum(1), np.nansum(means, 1) / (numbers > 0).sum(1)
    return Intervals(np.nanpercentile(means, ends, axis=0).T, np.percentile(micro, ends), np.percentile(macro, ends))
