"""Rendered garments for training, drawn once per run and kept beside it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.progress import Progress, TaskID

from asen_core import files
from asen_core.data.labels import REGIONS, Photo
from asen_core.data.render import Rendered, catalogue
from asen_core.errors import DataError

_REDUCE = 4


def rendered_photos(
    directory: Path, count: int, seed: int, progress: Progress, dataset: str = ""
) -> tuple[list[Photo], dict[str, np.ndarray]]:
    """`count` garments as JPEG files with labels, and their region masks (regions, h, w) bool at a quarter of the size.

    dataset: "FashionAI" for labels of its vocabulary, "" for the default one. Drawn anew unless a complete earlier set with
    the same count and seed lies undamaged in the dataset's folder below `directory`.

    Raises: DataError where the renderer doesn't know the dataset's values.
    """
    if dataset not in ("", "FashionAI"):
        raise DataError(
            f"Garments can't be drawn with labels of {dataset}; give --rendered 0, or set rendered = 0 in the recipe."
        )
    directory = directory / (dataset or "default")
    places = directory / f"labels-{count}-{seed}.json", directory / f"masks-{count}-{seed}.npz"
    try:
        entries, masks = _read(*places)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        task = progress.add_task("drawing garments", total=count)
        _draw(places, seed, _garments(count, seed, dataset), task, progress)
        entries, masks = _read(*places)
    photos = [Photo(f"rendered/{e['image']}", directory / e["image"], e["labels"], source="rendered") for e in entries]
    return photos, {p.key: m for p, m in zip(photos, masks, strict=True)}


Drawing = tuple[Rendered, Mapping[str, str]]


def _garments(count: int, seed: int, dataset: str) -> Iterator[Drawing]:
    """The drawings with their labels in the dataset's vocabulary."""
    for garment in catalogue(count, seed, 288, 384, "fashionai" if dataset else "default"):
        yield garment, garment.fashionai if dataset else garment.labels


def _read(index: Path, packed: Path) -> tuple[list[dict[str, Any]], np.ndarray]:
    """What `_draw` wrote last. Raises: OSError, ValueError, KeyError, BadZipFile where it did not end or is damaged."""
    entries = files.unsealed(index.read_bytes())["drawn"]
    files.check_archive(packed)
    with np.load(packed) as held:
        return entries, np.unpackbits(held["bits"], axis=-1, count=int(held["width"])).astype(bool)


def _draw(
    places: tuple[Path, Path], seed: int, garments: Iterator[Drawing], task: TaskID, progress: Progress
) -> None:  # fmt: skip
    directory = places[0].parent
    directory.mkdir(parents=True, exist_ok=True)
    entries, masks = [], []
    for i, (garment, labels) in enumerate(garments):
        name = f"{seed}-{i:05d}.jpg"
        Image.fromarray(garment.pixels).save(directory / name, quality=92)
        entries.append({"image": name, "labels": dict(labels)})
        masks.append(np.stack([_reduced(garment.masks.get(r), garment.pixels.shape[:2]) for r in REGIONS]))
        progress.advance(task)
    bits = np.stack(masks)
    arrays = {"bits": np.packbits(bits, axis=-1), "width": bits.shape[-1]}
    files.write_arrays(places[1], places[1].with_suffix(".part"), arrays, compressed=True)
    files.write(places[0], files.sealed({"drawn": entries}).encode())


def _reduced(mask: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    return np.zeros(shape, bool)[::_REDUCE, ::_REDUCE] if mask is None else mask[::_REDUCE, ::_REDUCE]
