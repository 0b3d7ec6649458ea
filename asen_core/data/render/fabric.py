"""Cloth: grey relief tiles (128 is flat) that are laid over the dye, and how shiny a cloth is."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import skia

SIZE = 256
CM = {
    "jersey": 14.0, "weave": 10.0, "oxford": 11.0, "linen": 16.0, "silk": 30.0, "denim": 15.0, "canvas": 12.0, "wool": 22.0,
    "knit": 15.0, "cable": 26.0, "rib": 15.0, "fleece": 20.0, "nylon": 30.0, "leather": 26.0, "quilt": 30.0,
}  # fmt: skip
"""Width of a tile in centimetres."""
RELIEF = {
    "jersey": 0.3, "weave": 0.32, "oxford": 0.5, "linen": 0.38, "silk": 0.18, "denim": 0.75, "canvas": 0.45, "wool": 0.6,
    "knit": 0.75, "cable": 0.95, "rib": 0.75, "fleece": 0.55, "nylon": 0.35, "leather": 0.7, "quilt": 0.9,
}  # fmt: skip
GLOSS = {"silk": 0.5, "leather": 0.55, "nylon": 0.4, "quilt": 0.35}


def relief(fabric: str, matrix: skia.Matrix) -> skia.Shader:
    """A shader that repeats the cloth's relief; `matrix` lays its centimetres into the drawing."""
    local = skia.Matrix.Concat(matrix, skia.Matrix.Scale(CM[fabric] / SIZE, CM[fabric] / SIZE))
    sampling = skia.SamplingOptions(skia.FilterMode.kLinear, skia.MipmapMode.kLinear)
    return _tile(fabric).makeShader(skia.TileMode.kRepeat, skia.TileMode.kRepeat, sampling, local)


@lru_cache(maxsize=32)
def _tile(fabric: str) -> skia.Image:
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:SIZE, 0:SIZE] * (2 * np.pi / SIZE)
    height = TILES[fabric](x, y, rng)
    grey = np.clip(128 + RELIEF[fabric] * 62 * height, 0, 255).astype(np.uint8)
    rgba = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    return skia.Image.fromarray(np.ascontiguousarray(rgba), skia.kRGBA_8888_ColorType).withDefaultMipmaps()


def noise(rng: np.random.Generator, low: float, high: float, stretch: float = 1.0) -> np.ndarray:
    """(SIZE, SIZE) seamless noise of standard deviation 1 between two frequencies (cycles per tile).

    `stretch` > 1 draws it out sideways, < 1 downwards.
    """
    f = np.fft.fftfreq(SIZE) * SIZE
    r = np.hypot(f[None, :], f[:, None] * stretch)
    band = np.exp(-((r / high) ** 2)) * (1 - np.exp(-((r / max(low, 1e-6)) ** 2)))
    out = np.fft.ifft2(np.fft.fft2(rng.normal(size=(SIZE, SIZE))) * band).real
    return out / out.std()


def _jersey(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 0.35 * np.sin(64 * x) * np.sin(48 * y) + 0.3 * noise(rng, 6, 70) + 0.1 * noise(rng, 1, 6)


def _weave(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 0.5 * np.sign(np.sin(40 * x) * np.sin(40 * y)) * np.abs(np.sin(40 * x)) + 0.35 * noise(rng, 8, 70)


def _linen(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 0.5 * noise(rng, 6, 80, 0.06) + 0.5 * noise(rng, 6, 80, 16) + 0.08 * noise(rng, 1, 5)


def _denim(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 0.55 * np.sin(44 * (x + y)) + 0.5 * noise(rng, 8, 90, 0.15) + 0.07 * noise(rng, 1, 5)


def _wool(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 0.5 * noise(rng, 20, 90) + 0.3 * np.sin(44 * (x - y)) + 0.1 * noise(rng, 2, 8)


def _knit(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    column = 26 * x
    vee = np.sin(34 * y + 2.2 * np.abs(np.mod(column / np.pi, 2) - 1))
    return 0.55 * vee + 0.45 * np.abs(np.sin(column / 2)) - 0.25 + 0.25 * noise(rng, 2, 40)


def _cable(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    lane = np.mod(4 * x / (2 * np.pi), 1.0)
    twist = 0.5 + 0.2 * np.sin(5 * y)
    strand = np.exp(-(((lane - twist) / 0.11) ** 2)) + np.exp(-(((lane - 1 + twist) / 0.11) ** 2))
    ridge = np.exp(-(((lane - 0.04) / 0.03) ** 2)) + np.exp(-(((lane - 0.96) / 0.03) ** 2))
    return 1.1 * strand - 0.6 + 0.5 * ridge + 0.35 * np.sin(60 * y + 3 * np.sin(30 * x)) + 0.15 * noise(rng, 4, 50)


def _rib(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 0.8 * np.tanh(2 * np.sin(22 * x)) + 0.2 * np.sin(60 * y) + 0.15 * noise(rng, 2, 40)


def _fleece(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 0.45 * noise(rng, 24, 100) + 0.1 * noise(rng, 1, 8)


def _nylon(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 0.5 * noise(rng, 2, 7) + 0.25 * noise(rng, 6, 24)


def _leather(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    grain = -np.abs(noise(rng, 10, 34))
    return 0.5 * (grain + 0.8) + 0.1 * noise(rng, 1, 6)


def _quilt(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    puff = np.sqrt(np.abs(np.sin(2 * y)))
    return 1.5 * (puff - 0.7) - 0.5 * np.cos(4 * y) * (puff > 0.3) + 0.35 * noise(rng, 3, 14, 0.4)


def _silk(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 0.3 * noise(rng, 1, 4, 0.6) + 0.12 * noise(rng, 20, 90)


TILES = {
    "jersey": _jersey, "weave": _weave, "oxford": _weave, "linen": _linen, "silk": _silk, "denim": _denim, "canvas": _weave,
    "wool": _wool, "knit": _knit, "cable": _cable, "rib": _rib, "fleece": _fleece, "nylon": _nylon, "leather": _leather,
    "quilt": _quilt,
}  # fmt: skip
