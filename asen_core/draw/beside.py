"""Places for photos on a map: beside their points, clear of each other and of other points as far as that goes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_MOST, _TRIED, _COUNTED = 28, 160, 4000
_COVERED = 0.004
"""A photo may hide this share of the points at most."""
_ANGLES = np.linspace(0, 2 * np.pi, 20, endpoint=False)
_RINGS = (0.75, 0.95, 1.2, 1.5, 1.9, 2.4, 3.0)


def places(
    points: np.ndarray, numbers: np.ndarray, side: float, bounds: tuple[float, float, float, float], seed: int = 0
) -> list[tuple[int, tuple[float, float]]]:
    """Which points (N, 2) have their photo shown, and the middle of each photo, a square of `side`.

    numbers: (N,) the value of each; every value comes first with the garment in its middle, then others in a seeded order.
    bounds: x0, y0, x1, y1 that photos stay within. Photos never overlap; a point that has no place near it goes without.
    """
    rng = np.random.default_rng(seed)
    counted = points if len(points) <= _COUNTED else points[rng.choice(len(points), _COUNTED, replace=False)]
    chosen: list[tuple[int, tuple[float, float]]] = []
    for i in _in_turn(points, numbers, rng):
        taken = np.array([(*points[j], *middle) for j, middle in chosen]).reshape(-1, 4)
        if len(chosen) == _MOST or (np.abs(taken[:, :2] - points[i]).max(axis=1) < 1.5 * side).any():
            if len(chosen) == _MOST:
                break
            # A near neighbour of one that is shown would show the same again, unless it stands for a value of its own.
            if numbers[i] in numbers[[j for j, _ in chosen]]:
                continue
        middle = _free(points[i], counted, taken[:, 2:], side, bounds)
        if middle is not None:
            chosen.append((i, middle))
    return chosen


def _in_turn(points: np.ndarray, numbers: np.ndarray, rng: np.random.Generator) -> Iterator[int]:
    """Positions, one of each value after the other, the most frequent value first."""
    order = rng.permutation(len(points))
    queues = []
    for value in np.unique(numbers):
        mine = order[numbers[order] == value]
        middle = np.linalg.norm(points[mine] - np.median(points[mine], axis=0), axis=1).argmin()
        queues.append(np.r_[mine[middle], np.delete(mine, middle)])
    turns = max((len(q) for q in queues), default=0)
    tried = 0
    for turn in range(turns):
        for queue in queues:
            if turn < len(queue) and tried < max(_TRIED, len(queues)):
                tried += 1
                yield int(queue[turn])


def _free(
    point: np.ndarray, points: np.ndarray, taken: np.ndarray, side: float, bounds: tuple[float, float, float, float]
) -> tuple[float, float] | None:
    """The middle of the nearest free square that hides the fewest points, None where each hides too many."""
    best, least = None, _COVERED * len(points)
    for ring in _RINGS:
        for middle in point + ring * side * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1):
            low, high = middle - side / 2, middle + side / 2
            if (low < bounds[:2]).any() or (high > bounds[2:]).any() or (np.abs(taken - middle).max(axis=1) < side).any():
                continue
            hidden = int(((points > low) & (points < high)).all(axis=1).sum())
            if hidden < least or (best is None and hidden <= least):
                best, least = (float(middle[0]), float(middle[1])), hidden
        if best is not None and least == 0:
            return best
    return best
