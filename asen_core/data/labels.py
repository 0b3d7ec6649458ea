"""Labels and marked regions of photos, read from CSV files."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from asen_core import files
from asen_core.errors import DataError
from asen_core.types import Box

REGIONS = ("neckline", "collar", "sleeve", "closure", "hem", "garment")
Regions = Mapping[str, tuple[Box, ...]]
"""Region name -> its boxes, in fractions of the photo's width and height."""


@dataclass(frozen=True)
class Photo:
    """A photo on disk with what is known about it; `key` names it within its collection.

    answers: coarse answers about it, question -> answer (`data.crowd`).
    """

    key: str
    path: Path
    labels: Mapping[str, str] = field(default_factory=dict)
    regions: Regions = field(default_factory=dict)
    source: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)


def read_labels(
    csv_path: Path, images: Path, attributes: Collection[str] | None = None, split: str | None = None
) -> list[Photo]:
    """Photos of a label file: column `image`, one column per attribute (empty = unknown); `dataset` and `split` are optional.

    A photo lies at images/image, or at images/dataset/image where there is a `dataset` column.
    `attributes` limits the columns that are read; None reads them all.

    Raises: DataError where the file, a column or the split is missing, a photo is listed twice, or a row names none.
    """
    rows = _rows(csv_path, {"image"})
    columns = set(rows[0]) - {"", "image", "dataset", "split"} if rows else set()
    if attributes is not None:
        columns &= set(attributes)
        if rows and not columns:
            raise DataError(f"{csv_path} has no column named after an attribute ({', '.join(attributes)}).")
    if split is not None:
        rows = _of_split(rows, split, csv_path)
    photos: dict[str, Photo] = {}
    for row in rows:
        key = photo_key(row)
        if not row["image"]:
            raise DataError(f"{csv_path} has a row that names no photo in the column image; name it, or take the row out.")
        if key in photos:
            raise DataError(f"{csv_path} lists {key} twice; keep one row per photo.")
        labels = {c: row[c] for c in sorted(columns) if row[c]}
        photos[key] = Photo(key, images / key, labels, source=row.get("dataset", ""))
    return list(photos.values())


def splits_of(csv_path: Path) -> list[str]:
    """The parts that a label file's column `split` names, sorted. Raises: DataError as `read_labels`."""
    return _splits(_rows(csv_path, {"image"}))


def read_regions(csv_path: Path, split: str | None = None) -> dict[str, Regions]:
    """Marked regions per photo key, from columns image, region, x0, y0, x1, y1 (fractions of the photo); one row per box.

    Raises: DataError where a column is missing, a region is unknown or a box is not inside the photo.
    """
    rows = _rows(csv_path, {"image", "region", "x0", "y0", "x1", "y1"})
    if split is not None:
        rows = _of_split(rows, split, csv_path)
    found: dict[str, dict[str, tuple[Box, ...]]] = {}
    for number, row in enumerate(rows, 2):
        if row["region"] not in REGIONS:
            raise DataError(f"{csv_path} row {number}: unknown region {row['region']!r}; known: {', '.join(REGIONS)}.")
        try:
            box = Box(*(float(row[c]) for c in ("x0", "y0", "x1", "y1")))
        except ValueError as error:
            raise DataError(f"{csv_path} row {number}: not a box in fractions of the photo ({error})") from None
        if min(box) < -0.001 or max(box) > 1.001:
            raise DataError(f"{csv_path} row {number}: {box} leaves the photo; give fractions between 0 and 1.")
        regions = found.setdefault(photo_key(row), {})
        regions[row["region"]] = (*regions.get(row["region"], ()), box)
    return dict(found)


def write_labels(csv_path: Path, images: Iterable[tuple[str, Mapping[str, str]]], attributes: Sequence[str]) -> None:
    """Write what `read_labels` reads: per photo its path and labels, one column per attribute, empty where unknown."""
    _write(csv_path, ("image", *attributes), ((image, *(labels.get(a, "") for a in attributes)) for image, labels in images))


def write_regions(csv_path: Path, images: Iterable[tuple[str, Regions]]) -> None:
    """Write what `read_regions` reads: per photo its path and marked regions."""
    rows = ((image, name, *(f"{v:.4f}" for v in box)) for image, marked in images for name in marked for box in marked[name])
    _write(csv_path, ("image", "region", "x0", "y0", "x1", "y1"), rows)


def regions_of_masks(masks: Mapping[str, np.ndarray]) -> dict[str, tuple[Box, ...]]:
    """The boxes around masks (H, W) bool, as people mark them: one box, but one per side for sleeves and hems lying apart."""
    found = {name: _boxes_of_mask(mask, apart=name in ("sleeve", "hem")) for name, mask in masks.items()}
    return {name: boxes for name, boxes in found.items() if boxes}


def photo_key(row: Mapping[str, str]) -> str:
    """dataset/image, or image where there is no dataset."""
    return f"{row['dataset']}/{row['image']}" if row.get("dataset") else row["image"]


def is_query(key: str, share: float = 0.3) -> bool:
    """Whether a photo is a query of the retrieval protocol: decided by a fixed hash of its key, the same on every machine."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") < share * 2**64


def _boxes_of_mask(mask: np.ndarray, apart: bool) -> tuple[Box, ...]:
    columns = np.flatnonzero(mask.any(axis=0))
    runs = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1) if apart else [columns]
    # A speck (a stitch drawn beside the part) is no region of its own.
    least = 0.02 * np.count_nonzero(mask)
    height, width = mask.shape
    boxes = []
    for run in runs:
        if len(run) and np.count_nonzero(part := mask[:, run[0] : run[-1] + 1]) > least:
            rows = np.flatnonzero(part.any(axis=1))
            pixels = Box(int(run[0]), int(rows[0]), int(run[-1]) + 1, int(rows[-1]) + 1)
            boxes.append(pixels.scaled(1 / width, 1 / height))
    return tuple(boxes)


def _write(csv_path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    try:
        with files.whole(csv_path) as part, open(part, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([columns, *rows])
    except OSError as error:
        raise DataError(f"{csv_path} can't be written: {error}. Give a folder you may write to.") from None


def _rows(csv_path: Path, needed: set[str]) -> list[dict[str, str]]:
    try:
        with open(csv_path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = needed - set(reader.fieldnames or ())
            if missing:
                raise DataError(f"{csv_path} lacks the column {', '.join(sorted(missing))}; it has {reader.fieldnames}.")
            named = [name for name in reader.fieldnames or () if name]
            if double := next((name for name, count in Counter(named).items() if count > 1), None):
                raise DataError(f"{csv_path} has two columns named {double!r}; rename one.")
            rows = [{k: (v or "").strip() for k, v in row.items() if k is not None} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{csv_path} can't be read as a CSV file in UTF-8: {error}.") from None
    return rows


def _of_split(rows: list[dict[str, str]], split: str, csv_path: Path) -> list[dict[str, str]]:
    known = _splits(rows)
    if split not in known:
        raise DataError(f"{csv_path} has no split {split!r}; it has {', '.join(known) or 'no column named split'}.")
    return [r for r in rows if r["split"] == split]


def _splits(rows: list[dict[str, str]]) -> list[str]:
    return sorted({r.get("split", "") for r in rows} - {""})
