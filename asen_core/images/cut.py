"""Parts of a photo at the size that the network's local branch looks at."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image

_GAP = 3
"""Large parts are shrunk by whole factors first, but never below so many times the size."""
_BAND = 8
"""Outputs that are computed at once."""


def cut(pixels: np.ndarray, box: Sequence[float], size: int, fill: int, released: bool = False) -> np.ndarray:
    """A part of a photo (H, W, 3) uint8, resized with antialiasing: (size, size, 3) float32 in 0..255.

    box: x0, y0, x1, y1 in the photo's pixels, rounded to whole ones; what lies outside of the photo is `fill`. released: to the
    number as the authors' release cuts, on 8 bits. The twin of `models.roi.cut` and `cut_released`, which work on a device.
    """
    height, width = pixels.shape[:2]
    x0, y0 = round(box[0]), round(box[1])
    x1, y1 = max(round(box[2]), x0 + 1), max(round(box[3]), y0 + 1)
    cx0, cy0, cx1, cy1 = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    inside = pixels[cy0:cy1, cx0:cx1]
    if (cx0, cy0, cx1, cy1) == (x0, y0, x1, y1):
        return _by_pillow(inside, size) if released else _shrunk(inside, size, size)
    pads = ((cy0 - y0, y1 - cy1), (cx0 - x0, x1 - cx1), (0, 0))
    if released and max(max(p) for p in pads) <= max(x1 - x0, y1 - y0) // 16:
        # A strip outside, which only the release's own regions have, is resized together with what lies inside.
        return _by_pillow(np.pad(inside, pads, constant_values=fill), size)
    out = np.full((size, size, 3), fill, np.float32)
    left, right = (round((v - x0) * size / (x1 - x0)) for v in (cx0, cx1))
    top, bottom = (round((v - y0) * size / (y1 - y0)) for v in (cy0, cy1))
    if cx0 < cx1 and cy0 < cy1 and right > left and bottom > top:
        out[top:bottom, left:right] = _shrunk(inside, right - left, bottom - top)
    return out.round() if released else out


def _by_pillow(part: np.ndarray, size: int) -> np.ndarray:
    photo = Image.fromarray(np.ascontiguousarray(part))
    return np.asarray(photo.resize((size, size), Image.Resampling.BILINEAR), np.float32)


def _shrunk(part: np.ndarray, width: int, height: int) -> np.ndarray:
    """Two matrix products, in bands; rounded to 8 bits, an embedding would be off by up to 0.002 in cosine."""
    factors = max(1, part.shape[1] // (_GAP * width)), max(1, part.shape[0] // (_GAP * height))
    if factors != (1, 1):
        part = np.asarray(Image.fromarray(np.ascontiguousarray(part)).reduce(factors))
    rows, columns = part.shape[:2]
    down = _along(part.reshape(rows, columns * 3).astype(np.float32), height)
    across = np.ascontiguousarray(down.reshape(height, columns, 3).transpose(1, 0, 2)).reshape(columns, height * 3)
    return _along(across, width).reshape(width, height, 3).transpose(1, 0, 2)


def _along(rows: np.ndarray, size: int) -> np.ndarray:
    """(n, m) float32 -> (size, m) float32."""
    out = np.empty((size, rows.shape[1]), np.float32)
    for to, of, taps in _bands(len(rows), size):
        np.matmul(taps, rows[of], out=out[to])
    return out


@lru_cache(maxsize=512)
def _bands(count: int, size: int) -> list[tuple[slice, slice, np.ndarray]]:
    """Outputs, the inputs that they are made of, and the shares of these (outputs, inputs): most of all shares are 0."""
    taps, bands = _taps(count, size), []
    for first in range(0, size, _BAND):
        to = slice(first, min(first + _BAND, size))
        reached = np.flatnonzero(taps[to].any(0))
        of = slice(int(reached[0]), int(reached[-1]) + 1)
        bands.append((to, of, np.ascontiguousarray(taps[to, of])))
    return bands


def _taps(count: int, size: int) -> np.ndarray:
    """(size, count) float32: the shares of the inputs in each output, a triangle as wide as two steps."""
    scale = count / size
    centres = (np.arange(size) + 0.5)[:, None] * scale
    shares = (1 - np.abs(np.arange(count) + 0.5 - centres) / max(scale, 1.0)).clip(0)
    return (shares / shares.sum(1, keepdims=True)).astype(np.float32)
