"""What `index` can build a gallery from: photos in a folder, or drawn garments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from asen_core.data.labels import read_labels
from asen_core.data.render import catalogue
from asen_core.errors import DataError, PhotoError
from asen_core.images import load
from asen_core.types import Garment

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".heic", ".heif", ".bmp", ".gif", ".tif", ".tiff"
)  # fmt: skip
LONGEST = 1280
"""Photos are read at least this long (or as long as they are): sharper than any zoom needs, quicker than 40 megapixels."""


@dataclass(frozen=True)
class Source:
    """A garment to be indexed: its id in the gallery, and how to get its picture and labels."""

    id: str
    open: Callable[[], Garment]


@dataclass(frozen=True)
class Collection:
    """All that goes into one gallery; only a run with equal notes may go on where another was stopped."""

    sources: tuple[Source, ...]
    notes: Mapping[str, str]


def drawn(count: int, seed: int) -> Collection:
    """The first `count` garments of the renderer's walk for a seed, with all their labels."""
    sources = tuple(Source(f"drawn-{seed}-{i:05d}", _Drawing(seed, i)) for i in range(count))
    return Collection(sources, {"from": "drawn garments", "seed": str(seed), "drawn": str(count)})


def photos(folder: Path, labels: Path | None, longest: int | None = LONGEST) -> Collection:
    """All photos below a folder, by their path in it, with the labels of a CSV where it lists them.

    longest: as of `images.load`; None reads every pixel. Raises: DataError where the folder has no photo, or the CSV lists
    none of them.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give one that holds photos, in subfolders if you like.")
    known = {p.path: dict(p.labels) for p in read_labels(labels, folder)} if labels is not None else {}
    paths = sorted(p for p in folder.rglob("*") if is_photo(p, folder))
    if not paths:
        raise DataError(f"{folder} holds no photo; looked for {', '.join(SUFFIXES)} in all its subfolders.")
    if known and not known.keys() & set(paths):
        raise DataError(f"{labels} lists none of the {len(paths)} photos in {folder}; its column image must start from there.")
    sources = tuple(Source(p.relative_to(folder).as_posix(), _Photo(p, known.get(p, {}), longest)) for p in paths)
    listing = json.dumps([(s.id, known.get(p, {})) for s, p in zip(sources, paths, strict=True)], sort_keys=True)
    digest = hashlib.sha256(listing.encode()).hexdigest()[:16]
    return Collection(sources, {"from": "photos", "folder": folder.resolve().name, "listing": digest})


def opened(sources: Sequence[Source], refused: dict[str, str]) -> Iterator[tuple[Source, Garment]]:
    """Each source with its garment; those that can't be read are left out, with the reason in `refused`."""
    for source in sources:
        try:
            yield source, source.open()
        except PhotoError as error:
            refused[source.id] = str(error)


@dataclass(frozen=True)
class _Photo:
    path: Path
    labels: Mapping[str, str]
    longest: int | None

    def __call__(self) -> Garment:
        return replace(load(self.path, longest=self.longest), labels=self.labels)


@dataclass(frozen=True)
class _Drawing:
    seed: int
    number: int

    def __call__(self) -> Garment:
        (garment,) = catalogue(1, self.seed, start=self.number)
        return Garment(garment.pixels, labels=garment.labels)


def is_photo(path: Path, folder: Path) -> bool:
    """Whether a file below a folder has the ending of a photo and no hidden part in its path."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.suffix.lower() in SUFFIXES and not hidden and path.is_file()
