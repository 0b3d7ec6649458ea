"""Rendered garments for training, drawn once per run and kept beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import Progress

from asen_core.data.labels import REGIONS, Photo
from asen_core.data.render import catalogue

_REDUCE = 4


def rendered_photos(directory: Path, count: int, seed: int, progress: Progress) -> tuple[list[Photo], dict[str, np.ndarray]]:
    """`count` garments as JPEG files with labels, and their region masks (regions, h, w) bool at a quarter of the size.

    Drawn anew unless a complete earlier set with the same count and seed lies in `directory`.
    """
    index = directory / f"labels-{count}-{seed}.json"
    if not index.exists():
        _draw(directory, index, count, seed, progress)
    entries = json.loads(index.read_text(encoding="utf-8"))
    packed = np.load(directory / f"masks-{count}-{seed}.npz")
    masks = np.unpackbits(packed["bits"], axis=-1, count=int(packed["width"])).astype(bool)
    photos = [Photo(f"rendered/{e['image']}", directory / e["image"], e["labels"], source="rendered") for e in entries]
    return photos, {p.key: m for p, m in zip(photos, masks, strict=True)}


def _draw(directory: Path, index: Path, count: int, seed: int, progress: Progress) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    task = progress.add_task("drawing garments", total=count)
    entries, masks = [], []
    for i, garment in enumerate(catalogue(count, seed, width=288, height=384)):
        name = f"{seed}-{i:05d}.jpg"
        Image.fromarray(garment.pixels).save(directory / name, quality=92)
        entries.append({"image": name, "labels": dict(garment.labels)})
        masks.append(np.stack([_reduced(garment.masks.get(r), garment.pixels.shape[:2]) for r in REGIONS]))
        progress.advance(task)
    bits = np.stack(masks)
    np.savez_compressed(directory / f"masks-{count}-{seed}.npz", bits=np.packbits(bits, axis=-1), width=bits.shape[-1])
    part = index.with_suffix(".part")
    part.write_text(json.dumps(entries), encoding="utf-8")
    os.replace(part, index)


def _reduced(mask: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    return np.zeros(shape, bool)[::_REDUCE, ::_REDUCE] if mask is None else mask[::_REDUCE, ::_REDUCE]
