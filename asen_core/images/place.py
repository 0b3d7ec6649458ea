"""How a photo is laid into the model's square input."""

from __future__ import annotations

import numpy as np
from PIL import Image

from asen_core.types import Frame


def letterbox(pixels: np.ndarray, size: int, fill: int = 255) -> tuple[np.ndarray, Frame]:
    """A photo (H, W, 3) uint8 scaled whole into a square, centred between bars of grey `fill`: (size, size, 3) uint8, Frame.

    The longer side fills the square; the shorter one is rounded to whole pixels (at least one) and starts at a whole pixel. The
    frame has one scale for both axes and agrees with the pixels at the photo's centre; at its edges it is off by at
    most a quarter of an input pixel, and by less than half of one where the shorter side would have had no pixel.
    """
    height, width = pixels.shape[:2]
    if size < 1 or 0 in pixels.shape:
        raise ValueError(f"letterbox needs pixels and a size of at least 1, got {pixels.shape} and {size}.")
    scale = size / max(width, height)
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (size - across) // 2, (size - down) // 2
    photo = Image.fromarray(np.ascontiguousarray(pixels))
    if (across, down) != photo.size:
        # The gap of 3 lets Pillow halve huge photos by whole factors first; the outcome is the same to the eye.
        photo = photo.resize((across, down), Image.Resampling.BILINEAR, reducing_gap=3.0)
    square = np.full((size, size, 3), fill, np.uint8)
    square[top : top + down, left : left + across] = np.asarray(photo)
    return square, Frame(size, scale, left + (across - width * scale) / 2, top + (down - height * scale) / 2)
