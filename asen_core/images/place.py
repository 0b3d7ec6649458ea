"""How a photo is laid into the model's square input: whole between bars, or cut at its centre."""

from __future__ import annotations

import numpy as np
from PIL import Image

from asen_core.types import Frame

_STRIP = 256
"""Beyond this ratio only what is kept is resized, at most a level off: 5 x 1,000,000 pixels would become 10 billion."""


def lay(pixels: np.ndarray, size: int, fill: int = 255, geometry: str = "letterbox") -> tuple[np.ndarray, Frame]:
    """A photo (H, W, 3) uint8 in a square as `ModelConfig.geometry` says: (size, size, 3) uint8, Frame.

    "letterbox": as of `letterbox`; "released": as of `centre_crop`, where `fill` means nothing. Raises: ValueError.
    """
    if geometry == "letterbox":
        return letterbox(pixels, size, fill)
    if geometry == "released":
        return centre_crop(pixels, size)
    raise ValueError(f"geometry must be letterbox or released, got {geometry!r}.")


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


def centre_crop(pixels: np.ndarray, size: int) -> tuple[np.ndarray, Frame]:
    """A photo (H, W, 3) uint8 with its shorter side scaled to `size`, cut at its centre: (size, size, 3) uint8, Frame.

    As in the authors' release (Dong et al., TIP 2021, section IV): antialiased bilinear on 8 bits, the longer side cut off to
    whole pixels. The frame has one scale for both axes and agrees with the pixels at the crop's centre; nowhere is it off by
    more than half an input pixel.
    """
    height, width = pixels.shape[:2]
    if size < 1 or 0 in pixels.shape:
        raise ValueError(f"centre_crop needs pixels and a size of at least 1, got {pixels.shape} and {size}.")
    scale = size / min(width, height)
    photo = Image.fromarray(np.ascontiguousarray(pixels))
    whole = int(size * width / min(width, height)), int(size * height / min(width, height))
    start = tuple(round((side - size) / 2) for side in whole)
    ends = [(a * n / side, min((a + size) * n / side, n)) for a, side, n in zip(start, whole, photo.size, strict=True)]
    if max(whole) > _STRIP * size:
        photo = photo.resize((size, size), Image.Resampling.BILINEAR, box=[x[i] for i in (0, 1) for x in ends])
    else:
        photo = photo.resize(whole, Image.Resampling.BILINEAR).crop((*start, *(a + size for a in start)))
    dx, dy = ((size - (a + b) * scale) / 2 for a, b in ends)
    return np.array(photo), Frame(size, scale, dx, dy)
