"""Where a product picture is bare backdrop."""

from __future__ import annotations

import numpy as np


def plain_background(pixels: np.ndarray, threshold: int = 236) -> np.ndarray | None:
    """(H, W) bool: near-white pixels reached from a side in a straight line; None where the photo has no such backdrop."""
    light = np.minimum(np.minimum(pixels[..., 0], pixels[..., 1]), pixels[..., 2]) >= threshold
    border = np.concatenate([light[0], light[:, 0], light[:, -1]])
    if border.mean() < 0.75:
        return None
    reach = np.logical_and.accumulate
    mask = reach(light, 1) | reach(light[:, ::-1], 1)[:, ::-1] | reach(light, 0) | reach(light[::-1], 0)[::-1]
    return mask if 0.1 < mask.mean() < 0.9 else None
