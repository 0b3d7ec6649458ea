"""Colours: for each colour name the dyes that carry it, and companions for prints."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

RGB = tuple[int, int, int]

COLOURS: dict[str, tuple[str, ...]] = {
    "black": ("1b1b1d", "222226", "161618", "26262a"),
    "grey": ("8b8d91", "a7a9ac", "6b6e73", "bdbfc2", "55585d"),
    "white": ("f7f7f5", "f4f4f6", "fbfbfa", "f1f2f2"),
    "beige": ("d9c7a8", "cdb693", "e2d5bd", "c9b79c"),
    "brown": ("6b4630", "7d5436", "54382a", "8d6544"),
    "red": ("c3202b", "d42a2f", "b5182a", "dc3b38"),
    "maroon": ("641a26", "701d2d", "57151f", "7a2233"),
    "orange": ("e5762a", "ee8a35", "d9652a", "f0944d"),
    "yellow": ("efc63a", "f4d75a", "e6b82c", "f2e07a"),
    "olive": ("6c6b3c", "7a7848", "5a5c34", "85804f"),
    "green": ("2f7d4a", "3d9a5c", "256b41", "5aaa6a", "1f5a3c"),
    "teal": ("1f7a7c", "2b8f8f", "16666a", "3aa3a0"),
    "blue": ("2f66b8", "4a84d0", "2458a6", "6fa0dc", "8db8e6"),
    "navy": ("1d2a4a", "232f54", "18233f", "2a3760"),
    "purple": ("66408c", "7a54a3", "573478", "9575ba"),
    "pink": ("e58aa6", "ec6f97", "f0aabf", "d94f86", "f3c2cf"),
    "multi": ("f4f2ec", "2a2c3a", "e9dcc4", "f0d9dd", "d7e4ea"),
}
VIVID = ("c3202b", "e5762a", "efc63a", "2f7d4a", "2b8f8f", "2f66b8", "66408c", "ec6f97", "1d2a4a", "f7f7f5")
PATTERN_COLOURS = ("horizontal_stripe", "vertical_stripe", "check", "dots", "floral", "all_over", "colour_block")
"""The patterns that may carry the colour "multi"."""


@dataclass(frozen=True)
class Palette:
    """The dye of the cloth, companions of its print, the thread, and the metal or horn of its fittings."""

    base: RGB
    accents: tuple[RGB, ...]
    trim: RGB
    fitting: RGB
    thread: RGB


def palette(colour: str, fabric: str, rng: np.random.Generator) -> Palette:
    """Colours for one garment: a dye of the named colour, slightly off in hue and lightness, and what goes with it."""
    base = jitter(parse(str(rng.choice(COLOURS[colour]))), rng)
    if fabric == "denim" and colour in ("blue", "navy"):
        base = jitter(
            parse(str(rng.choice(("3f5f8a", "567aa6", "2f4468", "7b9cc2") if colour == "blue" else ("23304f", "2b3a5c")))), rng
        )
    if colour == "multi":
        accents = tuple(jitter(parse(c), rng) for c in rng.choice(VIVID, 4, replace=False))
    else:
        accents = _companions(base, rng)
    trim = accents[0] if rng.random() < 0.6 else shade(base, 0.7)
    fitting = parse(str(rng.choice(("c9ccd1", "8a6a3f", "2b2b2e", "e9e4d8", "b08d4c"))))
    thread = parse("c58a3c") if fabric == "denim" and rng.random() < 0.7 else shade(base, 1.25 if luma(base) < 110 else 0.8)
    return Palette(base, accents, trim, fitting, thread)


def _companions(base: RGB, rng: np.random.Generator) -> tuple[RGB, ...]:
    """Four colours that stand out from the base while leaving it the garment's colour."""
    light = luma(base) > 135
    neutral = [
        parse(c) for c in (("1d2a4a", "26262a", "6b6e73", "54382a") if light else ("f7f7f5", "e2d5bd", "bdbfc2", "f3e9d2"))
    ]
    tonal = shade(base, 0.62 if light else 1.7)
    vivid = [c for c in (parse(v) for v in VIVID) if distance(c, base) > 110]
    picked = [neutral[int(rng.integers(4))], tonal, vivid[int(rng.integers(len(vivid)))], vivid[int(rng.integers(len(vivid)))]]
    order = rng.permutation(4) if rng.random() < 0.5 else np.arange(4)
    return tuple(jitter(picked[int(i)], rng) for i in order)


def parse(text: str) -> RGB:
    """ "rrggbb" -> (r, g, b) in 0..255."""
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def jitter(rgb: RGB, rng: np.random.Generator) -> RGB:
    """The same colour from another dye bath."""
    h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in rgb))
    h = (h + rng.normal(0, 0.006)) % 1
    s = float(np.clip(s * rng.normal(1, 0.06), 0, 1))
    v = float(np.clip(v * rng.normal(1, 0.03), 0, 1))
    return tuple(round(c * 255) for c in colorsys.hsv_to_rgb(h, s, v))


def shade(rgb: RGB, factor: float) -> RGB:
    """Darker below 1; above 1 towards white, which keeps dark colours from staying black."""
    if factor <= 1:
        return tuple(round(c * factor) for c in rgb)
    share = min(1.0, (factor - 1) * 0.5)
    return tuple(round(c + (255 - c) * share) for c in rgb)


def luma(rgb: RGB) -> float:
    """Brightness in 0..255."""
    return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]


def distance(a: RGB, b: RGB) -> float:
    """Euclidean distance in RGB, 0..441."""
    return float(np.linalg.norm(np.subtract(a, b)))
