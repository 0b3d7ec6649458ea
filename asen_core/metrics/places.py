"""Where attention lies, against regions of the photo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from asen_core.types import Box, View


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
