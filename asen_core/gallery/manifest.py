"""A gallery on disk: manifest.json, items.jsonl, vectors.npy, rois.npy, background.npy and images/."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from asen_core.config import FromDict
from asen_core.errors import GalleryError
from asen_core.types import Box, Item

FORMAT = 1
MANIFEST, ITEMS, VECTORS, ROIS, BACKGROUND, IMAGES = (
    "manifest.json", "items.jsonl", "vectors.npy", "rois.npy", "background.npy", "images"
)  # fmt: skip
PAIRS, PRINTS, UNFINISHED = "pairs.npz", "prints.npz", ".part"
"""Likeness of pairs of different garments by chance, and hashes of the pictures, both made by the review room; a file being
written has an ending of its own."""
CHECKED = (ITEMS, VECTORS, ROIS, BACKGROUND)
_PICTURE = re.compile(r"images/[0-9]+\.webp")


def rebuild(directory: Path) -> str:
    """What to do about a gallery that can't be used."""
    return f"build it with: python -m asen_core index --out {directory} (and the --images and --checkpoint that belong to it)"


@dataclass(frozen=True)
class Manifest(FromDict):
    """What a gallery holds and how it was built.

    dim: length D of a vector, of which the first `split` numbers come from the global branch. fingerprint: of the checkpoint.
    labels: names that some item has a value for. sha256: file name -> digest. built: free notes.
    """

    attributes: tuple[str, ...]
    dim: int
    split: int
    count: int
    fingerprint: str
    labels: tuple[str, ...]
    sha256: Mapping[str, str]
    built: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT


@dataclass(frozen=True, eq=False)
class Contents:
    """A gallery read into memory: vectors (N, A, D) float16, background (A, Q) float32."""

    manifest: Manifest
    items: tuple[Item, ...]
    vectors: np.ndarray
    background: np.ndarray


def read(directory: Path, fingerprint: str | None) -> Contents:
    """Read and verify a gallery directory. Raises: GalleryError naming the file and how to rebuild."""
    manifest = _manifest(directory)
    if fingerprint is not None and manifest.fingerprint != fingerprint:
        raise GalleryError(
            f"The gallery {directory} was built with checkpoint {manifest.fingerprint[:12]}, but {fingerprint[:12]} is in use; "
            "open that one, or make a gallery of its own for the other: python -m asen_core index --checkpoint CHECKPOINT "
            "--images PHOTOS --out my_gallery, then give my_gallery with --gallery, or to the page as ASEN_GALLERY."
        )
    for name in CHECKED:
        _verify(directory, name, manifest.sha256)
    shape = (manifest.count, len(manifest.attributes))
    vectors = _array(directory, VECTORS, (*shape, manifest.dim), np.float16)
    rois = _array(directory, ROIS, (*shape, 4), np.float16)
    background = _array(directory, BACKGROUND, None, np.float32)
    if background.ndim != 2 or len(background) != shape[1]:
        raise damaged(directory, BACKGROUND, f"has the shape {background.shape}")
    items = _items(directory, manifest, rois)
    _check_pictures(directory, items)
    return Contents(manifest, items, vectors, background)


def damaged(directory: Path, name: str, what: str) -> GalleryError:
    """The error for a file of a gallery that is not as it was written."""
    return GalleryError(f"The gallery is damaged: {directory / name} {what}; {rebuild(directory)}.")


def digest(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(directory: Path) -> Manifest:
    path = directory / MANIFEST
    if not path.is_file():
        raise GalleryError(f"There is no gallery at {directory} ({MANIFEST} is missing); {rebuild(directory)}.")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        found = values.get("format")
        if found != FORMAT:
            raise GalleryError(f"{path} has format {found!r}, this version reads format {FORMAT}; {rebuild(directory)}.")
        manifest = Manifest.from_dict(values)
        if not (0 <= manifest.split <= manifest.dim and manifest.count >= 0 and isinstance(manifest.fingerprint, str)):
            raise ValueError("numbers out of range")
    except (OSError, ValueError, TypeError, AttributeError) as reason:
        raise damaged(directory, MANIFEST, f"can't be read ({str(reason)[:120]})") from reason
    return manifest


def _verify(directory: Path, name: str, expected: Mapping[str, str]) -> None:
    try:
        same = digest(directory / name) == expected.get(name)
    except OSError as reason:
        raise damaged(directory, name, "is missing or can't be read") from reason
    if not same:
        raise damaged(directory, name, f"differs from the checksum in {MANIFEST}")


def _array(directory: Path, name: str, shape: tuple[int, ...] | None, dtype: type) -> np.ndarray:
    try:
        array = np.load(directory / name, allow_pickle=False)
    except (OSError, ValueError, EOFError) as reason:
        raise damaged(directory, name, "is no array file") from reason
    if array.dtype != dtype or (shape is not None and array.shape != shape) or not np.isfinite(array).all():
        raise damaged(directory, name, f"holds {array.shape} {array.dtype}, expected finite {shape} {np.dtype(dtype)}")
    return array


def _items(directory: Path, manifest: Manifest, rois: np.ndarray) -> tuple[Item, ...]:
    try:
        lines = (directory / ITEMS).read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        if len(rows) != manifest.count or len({r["id"] for r in rows}) != len(rows):
            raise ValueError(f"{len(rows)} items, expected {manifest.count} different ones")
        items = []
        for row, boxes in zip(rows, rois.tolist(), strict=True):
            if not _PICTURE.fullmatch(row["image"]):
                raise ValueError(f"picture {row['image']!r}")
            named = {a: Box(*b) for a, b in zip(manifest.attributes, boxes, strict=True)}
            items.append(Item(row["id"], row["image"], row["labels"], named))
    except (OSError, ValueError, KeyError, TypeError) as reason:
        raise damaged(directory, ITEMS, f"can't be read ({str(reason)[:120]})") from reason
    return tuple(items)


def _check_pictures(directory: Path, items: tuple[Item, ...]) -> None:
    folder = directory / IMAGES
    present = {f"{IMAGES}/{p.name}" for p in folder.iterdir() if p.stat().st_size} if folder.is_dir() else set()
    if missing := [i.image for i in items if i.image not in present]:
        raise damaged(directory, missing[0], f"is missing or empty ({len(missing)} of {len(items)} pictures)")
