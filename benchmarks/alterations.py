"""Ten ways in which a photo is altered before it is passed on; those that the evaluator has are taken from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from asen_core.evaluation import changes

_TEXTS = ("SALE", "NEW", "50 % OFF", "sample", "© 2026")


@dataclass(frozen=True)
class Alteration:
    """words: for a table; change: (H, W, 3) uint8 -> the same, altered; None where it can't be made.

    flags: what of `asen_core.review.copies.FLAGS` it makes true.
    """

    words: str
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray | None]
    flags: tuple[str, ...] = ("resaved",)


def altered(name: str, pixels: np.ndarray, number: int) -> np.ndarray:
    """A photo altered in one way, the same for the same number. Raises: ValueError where it can't be."""
    made = ALTERATIONS[name].change(pixels, np.random.default_rng([list(ALTERATIONS).index(name), number]))
    if made is None:
        raise ValueError(f"This photo can't be altered: {name}.")
    return made


def _cropped(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """80 % of its width and of its height, anywhere."""
    size = [round(0.8 * n) for n in pixels.shape[:2]]
    y, x = (int(rng.integers(whole - kept + 1)) for whole, kept in zip(pixels.shape[:2], size, strict=True))
    return np.ascontiguousarray(pixels[y : y + size[0], x : x + size[1]])


def _turned(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By 10 degrees to either side, as large as before; the edges go on outside."""
    margin = int(np.ceil(0.2 * max(pixels.shape[:2])))  # over sin(10 degrees) of the longer side
    wide = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    turned = Image.fromarray(wide).rotate(10 * float(rng.choice((-1, 1))), Image.Resampling.BILINEAR)
    return np.array(turned)[margin:-margin, margin:-margin]


def _blurred(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By a Gaussian of 1 % of the longer side."""
    del rng
    return np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(0.01 * max(pixels.shape))))


def _written_on(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Words across it, half as wide as it, black or white."""
    picture = Image.fromarray(pixels)
    draw, text = ImageDraw.Draw(picture), str(rng.choice(_TEXTS))
    font = ImageFont.load_default(max(8, picture.width // len(text)))
    at = (float(rng.uniform(0.1, 0.4)) * picture.width, float(rng.uniform(0.1, 0.8)) * picture.height)
    draw.text(at, text, fill=(255, 255, 255) if rng.random() < 0.5 else (0, 0, 0), font=font)
    return np.array(picture)


def _framed(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A border of one colour around it, 8 % of the longer side."""
    margin = round(0.08 * max(pixels.shape))
    height, width = pixels.shape[:2]
    wide = np.empty((height + 2 * margin, width + 2 * margin, 3), np.uint8)
    wide[:] = rng.integers(0, 256, 3)
    wide[margin:-margin, margin:-margin] = pixels
    return wide


ALTERATIONS: Mapping[str, Alteration] = {
    "crop": Alteration("cropped to 80 % of width and height", _cropped, ("cropped",)),
    "rotate": Alteration("turned by 10°", _turned),
    "background": Alteration("plain backdrop replaced by a coloured one", changes.on_another_background, ("background",)),
    "border": Alteration("border of 8 % around it", _framed, ("cropped",)),
    "text": Alteration("words written over it", _written_on),
    "recolour": Alteration("hue turned by 60 to 300°", changes.recoloured, ("recoloured",)),
    "blur": Alteration("blurred (1 % of the longer side)", _blurred),
    "darken": Alteration("darkened to 60 %", changes.darkened),
    "jpeg": Alteration("JPEG at quality 30", changes.jpeg),
    "mirror": Alteration("mirrored", changes.mirrored, ("mirrored",)),
}
