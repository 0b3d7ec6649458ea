"""Changes to a photo after which its garment is still the same, for measuring whether the model thinks so too."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

from asen_core.images import plain_background

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray | None]
"""(H, W, 3) uint8 -> the same, changed; None where the change can't be made to this photo."""


def mirrored(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Left and right swapped."""
    del rng
    return np.ascontiguousarray(pixels[:, ::-1])


def rotated(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turned by 8 to 15 degrees to either side about the centre, as large as before; the edges go on outside."""
    angle = rng.uniform(8, 15) * rng.choice((-1, 1))
    height, width = pixels.shape[:2]
    margin = int(np.ceil(0.27 * max(height, width)))  # over sin(15 degrees) of the longer side
    wide = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    turned = Image.fromarray(wide).rotate(angle, Image.Resampling.BILINEAR)
    return np.array(turned)[margin : margin + height, margin : margin + width]


def cropped(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """5 to 8 % cut from each side."""
    height, width = pixels.shape[:2]
    left, right, top, bottom = rng.uniform(0.05, 0.08, 4)
    return pixels[round(top * height) : height - round(bottom * height), round(left * width) : width - round(right * width)]


def recoloured(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Hue turned by 60 to 300 degrees, saturation times 0.6 to 1.4; greys stay."""
    hue, saturation, value = Image.fromarray(pixels).convert("HSV").split()
    shift, factor = int(rng.integers(43, 213)), rng.uniform(0.6, 1.4)
    hue, saturation = hue.point(lambda h: (h + shift) % 256), saturation.point(lambda s: min(255, round(s * factor)))
    return np.array(Image.merge("HSV", (hue, saturation, value)).convert("RGB"))


def on_another_background(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """A near-white plain backdrop replaced by a coloured one that darkens or lightens downwards; None where there is none."""
    backdrop = plain_background(pixels)
    if backdrop is None:
        return None
    top, bottom = rng.uniform(60, 200, 3), rng.uniform(-40, 40)
    ramp = top + np.linspace(0, 1, len(pixels))[:, None, None] * bottom  # (H, 1, 3)
    return np.where(backdrop[..., None], ramp.clip(0, 255).astype(np.uint8), pixels)


def jpeg(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Packed as JPEG at quality 30."""
    del rng
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, "JPEG", quality=30)
    return np.array(Image.open(packed))


def darkened(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every value times 0.6."""
    del rng
    return (pixels * 0.6).round().astype(np.uint8)


CHANGES: Mapping[str, Change] = {
    "mirrored": mirrored,
    "rotated": rotated,
    "cropped": cropped,
    "recoloured": recoloured,
    "background": on_another_background,
    "jpeg": jpeg,
    "darkened": darkened,
}
SPOILED: Mapping[str, frozenset[str]] = {"recoloured": frozenset({"colour"})}
"""Change -> attributes that it really changes, where other neighbours would be right."""
