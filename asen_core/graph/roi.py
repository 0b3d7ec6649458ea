"""From attention to regions of interest in numpy: the twin of `models.roi`, which works on a device."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from asen_core.config import ModelConfig
from asen_core.types import Frame


def regions(
    attention: np.ndarray, sizes: Sequence[tuple[int, int]], frames: Sequence[Frame], config: ModelConfig
) -> np.ndarray:  # fmt: skip
    """Square regions (B, A, 4) float32 in photo pixels of attention (B, A, h, w); sizes: width and height of each photo.

    As `models.roi.roi_boxes`, or `released_boxes` under geometry "released".
    """
    if 0 in attention.shape[:2]:
        return np.zeros((*attention.shape[:2], 4), np.float32)
    if config.geometry == "released":
        return _released(attention, sizes, config)
    boxes = _inside(attention, _placed(sizes, frames), config)
    offset = np.array([(f.dx, f.dy, f.dx, f.dy) for f in frames], np.float32)[:, None]
    return (boxes - offset) / np.array([f.scale for f in frames], np.float32)[:, None, None]


def _inside(attention: np.ndarray, placed: np.ndarray, config: ModelConfig) -> np.ndarray:
    """Boxes (B, A, 4) in input pixels; placed (B, 4): each photo's rectangle there."""
    size = config.input_size
    maps, low, high = _upsampled(attention, size)
    mask = maps - low >= config.roi_threshold * (high - low)  # flat attention: everything
    (x0, x1), (y0, y1) = _extent(mask.any(2)), _extent(mask.any(3))
    side = np.maximum(x1 - x0, y1 - y0) * np.float32(1 + 2 * config.roi_margin)
    side = side.clip(config.roi_min_size * size, size)[..., None]
    centre = np.stack([(x0 + x1) / 2, (y0 + y1) / 2], -1)  # (B, A, 2)
    first, last = placed[:, None, :2], placed[:, None, 2:]
    least, most = first + side / 2, last - side / 2
    centre = np.where(least <= most, centre.clip(least, np.maximum(least, most)), (first + last) / 2)
    return np.concatenate([centre - side / 2, centre + side / 2], -1)


def _released(attention: np.ndarray, sizes: Sequence[tuple[int, int]], config: ModelConfig) -> np.ndarray:
    size = config.input_size
    maps, low, high = _upsampled(attention, size)
    flat = attention.min((2, 3), keepdims=True) == attention.max((2, 3), keepdims=True)
    span = np.where(flat, 1, high - low)
    mask = (np.floor(255 * ((maps - low) / span)) > int(255 * config.roi_threshold)) | flat
    (x0, x1), (y0, y1) = _extent(mask.any(2)), _extent(mask.any(3))
    first, extent = np.stack([x0, y0], -1), np.stack([x1 - x0, y1 - y0], -1)  # (B, A, 2)
    side = extent.max(-1, keepdims=True)
    half, centre = side // 2, first + extent // 2
    corner = np.where(centre + half > size, size - side, (centre - half).clip(0))
    photo = np.array(sizes, np.float64)[:, None]  # (B, 1, 2)
    short = photo.min(-1, keepdims=True)
    corner = np.floor(corner.astype(np.float64) / size * short) + np.floor((photo - short) / 2)
    side = np.floor(side.astype(np.float64) / size * short).clip(1)
    return np.concatenate([corner, corner + side], -1).astype(np.float32)


def _upsampled(attention: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Maps (B, A, size, size), bilinearly with half-pixel centres, and the least and greatest of each (B, A, 1, 1)."""
    down, across = (_taps(cells, size) for cells in attention.shape[2:])
    maps = down @ attention.astype(np.float32) @ across.T
    return maps, maps.min((2, 3), keepdims=True), maps.max((2, 3), keepdims=True)


@lru_cache(maxsize=8)
def _taps(cells: int, size: int) -> np.ndarray:
    """(size, cells) float32: weights of the cells in each row of the upsampled map."""
    at = ((np.arange(size) + 0.5) * cells / size - 0.5).clip(0)
    low = np.minimum(at.astype(np.intp), cells - 1)
    part = at - low
    taps = np.zeros((size, cells), np.float32)
    taps[np.arange(size), low] += 1 - part
    taps[np.arange(size), np.minimum(low + 1, cells - 1)] += part
    return taps


def _extent(hits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First index and one past the last of True along the last axis, float32; every row has one."""
    return hits.argmax(-1).astype(np.float32), (hits.shape[-1] - hits[..., ::-1].argmax(-1)).astype(np.float32)


def _placed(sizes: Sequence[tuple[int, int]], frames: Sequence[Frame]) -> np.ndarray:
    """(B, 4) float32: each photo's own rectangle within the model's input, x0, y0, x1, y1."""
    rows = [(f.dx, f.dy, f.dx + w * f.scale, f.dy + h * f.scale) for (w, h), f in zip(sizes, frames, strict=True)]
    return np.array(rows).clip(0, [[float(f.size)] for f in frames]).astype(np.float32)
