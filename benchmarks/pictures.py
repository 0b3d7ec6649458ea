"""The photos that speed is measured with: a folder's, or drawn garments written as JPEG."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from asen_core.data.render import render, sample

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def photos(folder: Path | None, count: int, scratch: Path, size: tuple[int, int], seed: int) -> list[Path]:
    """`count` photos: the first of a folder by a shuffle of the seed, or drawn into `scratch` at (width, height).

    Raises: SystemExit where the folder holds fewer.
    """
    if folder is None:
        return drawn(count, scratch, size, seed)
    there = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if len(there) < count:
        raise SystemExit(f"{folder} holds {len(there)} photos, {count} are needed; give another folder or a smaller --count.")
    return [there[i] for i in np.random.default_rng(seed).permutation(len(there))[:count]]


def drawn(count: int, scratch: Path, size: tuple[int, int], seed: int, quality: int = 90) -> list[Path]:
    """Garments drawn at (width, height) with a camera's noise, which a JPEG of smooth areas would be too quick without."""
    width, height = size
    paths = []
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        pixels = Image.fromarray(render(sample(seed, index)).pixels).resize(size, Image.Resampling.BICUBIC)
        noise = rng.normal(0, 4, (height, width, 1)).astype(np.float32)
        noisy = np.clip(np.asarray(pixels, np.float32) + noise, 0, 255).astype(np.uint8)
        path = scratch / f"{seed}-{width}x{height}-{index:04d}.jpg"
        Image.fromarray(noisy).save(path, quality=quality)
        paths.append(path)
    return paths


def told(folder: Path | None, size: tuple[int, int]) -> str:
    """Which photos these are, for a report: never their names."""
    return "photos of a folder" if folder else f"drawn garments, JPEG of {size[0]} x {size[1]}"


def batches(paths: list[Path], size: int) -> list[list[Path]]:
    """The paths in lists of `size`, the last one may be shorter."""
    waiting = iter(paths)
    return list(iter(lambda: list(islice(waiting, size)), []))
