"""Rendered garments for training, drawn once per run and kept beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import Progress, TaskID

from asen_core.data.labels import REGIONS, Photo
from asen_core.data.render import Rendered, catalogue
from asen_core.errors import DataError

_REDUCE = 4


def rendered_photos(
    directory: Path, count: int, seed: int, progress: Progress, dataset: str = ""
) -> tuple[list[Photo], dict[str, np.ndarray]]:
    """`count` garments as JPEG files with labels, and their region masks (regions, h, w) bool at a quarter of the size.

    dataset: "FashionAI" for labels of its vocabulary, "" for the default one. Drawn anew unless a complete earlier set with
    the same count and seed lies in the dataset's folder below `directory`.

    Raises: DataError where the renderer doesn't know the dataset's values.
    """
    if dataset not in ("", "FashionAI"):
        raise DataError(
            f"Garments can't be drawn with labels of {dataset}; give --rendered 0, or set rendered = 0 in the recipe."
        )
    directory = directory / (dataset or "default")
    index = directory / f"labels-{count}-{seed}.json"
    if not index.exists():
        task = progress.add_task("drawing garments", total=count)
        _draw(directory, index, seed, _garments(count, seed, dataset), task, progress)
    entries = json.loads(index.read_text(encoding="utf-8"))
    packed = np.load(directory / f"masks-{count}-{seed}.npz")
    masks = np.unpackbits(packed["bits"], axis=-1, count=int(packed["width"])).astype(bool)
    photos = [Photo(f"rendered/{e['image']}", directory / e["image"], e["labels"], source="rendered") for e in entries]
    return photos, {p.key: m for p, m in zip(photos, masks, strict=True)}


Drawing = tuple[Rendered, Mapping[str, str]]


def _garments(count: int, seed: int, dataset: str) -> Iterator[Drawing]:
    """The drawings with their labels in the dataset's vocabulary."""
    for garment in catalogue(count, seed, 288, 384, "fashionai" if dataset else "default"):
        yield garment, garment.fashionai if dataset else garment.labels


def _draw(
    directory: Path, index: Path, seed: int, garments: Iterator[Drawing], task: TaskID, progress: Progress
) -> None:  # fmt: skip
    directory.mkdir(parents=True, exist_ok=True)
    entries, masks = [], []
    for i, (garment, labels) in enumerate(garments):
        name = f"{seed}-{i:05d}.jpg"
        Image.fromarray(garment.pixels).save(directory / name, quality=92)
        entries.append({"image": name, "labels": dict(labels)})
        masks.append(np.stack([_reduced(garment.masks.get(r), garment.pixels.shape[:2]) for r in REGIONS]))
        progress.advance(task)
    bits = np.stack(masks)
    np.savez_compressed(directory / f"masks-{len(bits)}-{seed}.npz", bits=np.packbits(bits, axis=-1), width=bits.shape[-1])
    part = index.with_suffix(".part")
    part.write_text(json.dumps(entries), encoding="utf-8")
    os.replace(part, index)


def _reduced(mask: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    return np.zeros(shape, bool)[::_REDUCE, ::_REDUCE] if mask is None else mask[::_REDUCE, ::_REDUCE]
