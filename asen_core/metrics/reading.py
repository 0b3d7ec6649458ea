"""Whether a read-out is as sure as it is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
