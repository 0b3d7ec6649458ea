"""Every PIL mode to RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageCms


def to_rgb(image: Image.Image) -> Image.Image:
    """RGB of a decoded picture of any mode; transparency is laid on white.

    Deep pictures are scaled, not clipped: 16-bit grey by 255/65535. Modes without a fixed range (I, F) count as 0..1 (F only),
    0..255 or 0..65535, the smallest of these that holds their values, and else are stretched from their least to their
    greatest value.
    """
    if image.mode.startswith("I;16"):
        return _sixteen_bit(image)
    if image.mode in ("I", "F"):
        return _of_values(np.asarray(image, dtype=np.float64), image.mode == "F")
    if image.mode == "LAB":
        return _lab(image)
    if image.mode in ("La", "RGBa"):  # premultiplied: Pillow goes one step at a time
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    if image.has_transparency_data:
        return _on_white(image.convert("RGBA"))
    return image if image.mode == "RGB" else image.convert("RGB")


def _on_white(rgba: Image.Image) -> Image.Image:
    white = Image.new("RGB", rgba.size, "white")
    white.paste(rgba, mask=rgba.getchannel("A"))
    return white


def _sixteen_bit(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.uint32)
    grey = ((values + 128) // 257).astype(np.uint8)
    key = image.info.get("transparency")
    if isinstance(key, int):
        grey[values == key] = 255
    return Image.fromarray(grey).convert("RGB")


def _of_values(values: np.ndarray, fractions: bool) -> Image.Image:
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    ranges = ((0.0, 1.0),) if fractions else ()
    for start, end in (*ranges, (0.0, 255.0), (0.0, 65535.0)):
        if start <= low and high <= end:
            low, high = start, end
            break
    grey = (values - low) * (255 / (high - low)) if high > low else np.full_like(values, 128)
    return Image.fromarray((grey + 0.5).astype(np.uint8)).convert("RGB")


def _lab(image: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
