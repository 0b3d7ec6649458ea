"""The list of the In-shop Clothes Retrieval benchmark (Liu et al., DeepFashion, CVPR 2016): which photo shows which item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from asen_core.data.labels import Photo
from asen_core.data.official.lines import Faults, lines_of
from asen_core.errors import DataError

COLUMNS = ("image_name", "item_id", "evaluation_status")
STATUSES = ("train", "query", "gallery")


@dataclass(frozen=True)
class InShop:
    """Photos to search with and photos to search among. items: photo key -> item; train: how many photos are for training."""

    queries: tuple[Photo, ...]
    gallery: tuple[Photo, ...]
    items: Mapping[str, str]
    train: int = 0


def read_inshop(path: Path, images: Path) -> InShop:
    """Read list_eval_partition.txt: the count of photos, the line of the columns, then one photo a line.

    images: the folder that the column image_name starts from (in the benchmark the one that holds img/).

    Raises: DataError where the file is absent, no photo is a query or none is gallery, the count is wrong, or lines can't be
    used: counted, the first few named. Whether the photos are there is seen when they are looked at.
    """
    lines = _lines(path)
    faults = Faults(path)
    rows = _rows(lines[2:], faults)
    faults.refuse()
    if lines[0].strip() != str(len(rows)):
        raise DataError(
            f"{path} has {len(rows):,} photos where its first line says {lines[0].strip()!r}; it is cut short or put together "
            "from parts. Fetch it again."
        )
    parts: dict[str, list[Photo]] = {status: [] for status in STATUSES}
    for image, (_, status) in rows.items():
        parts[status].append(Photo(image, images / image, source="inshop"))
    if not parts["query"] or not parts["gallery"]:
        found = ", ".join(f"{len(photos):,} {status}" for status, photos in parts.items())
        raise DataError(f"{path} must have photos of the status query and of gallery, it has {found}.")
    searched = (*parts["query"], *parts["gallery"])
    items = {p.key: rows[p.key][0] for p in searched}
    return InShop(tuple(parts["query"]), tuple(parts["gallery"]), items, len(parts["train"]))


def with_labels(listed: InShop, labelled: Iterable[Photo]) -> InShop:
    """The same with the labels of photos that have the same key; photos that the list doesn't search are left aside.

    Raises: DataError where no label belongs to a photo of the list.
    """
    known = {p.key: p.labels for p in labelled}
    if not known.keys() & listed.items.keys():
        raise DataError(
            f"None of the {len(known):,} labelled photos is a query or gallery photo of the list; the column image must say "
            f"what image_name says there, such as {listed.queries[0].key}."
        )

    def labelled_part(photos: tuple[Photo, ...]) -> tuple[Photo, ...]:
        return tuple(replace(p, labels=known.get(p.key, {})) for p in photos)

    return replace(listed, queries=labelled_part(listed.queries), gallery=labelled_part(listed.gallery))


def write_inshop(path: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    """Write what `read_inshop` reads: image, item and status of each photo. Raises: DataError where it can't be written."""
    listed = [" ".join(row) for row in rows]
    try:
        path.write_text("\n".join([str(len(listed)), " ".join(COLUMNS), *listed, ""]), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} can't be written: {error}. Give a folder you may write to.") from None


def _lines(path: Path) -> list[str]:
    try:
        lines = lines_of(path.read_bytes(), path)
    except OSError as error:
        raise DataError(
            f"{path} can't be read ({error.strerror or error}); give the list_eval_partition.txt that comes with the In-shop "
            "Clothes Retrieval benchmark of DeepFashion."
        ) from None
    if len(lines) < 2 or not lines[0].strip().isdecimal() or tuple(lines[1].split()) != COLUMNS:
        begins = " / ".join(line.strip()[:60] for line in lines[:2])
        raise DataError(
            f"{path} must begin with the count of photos and a line `{' '.join(COLUMNS)}`, it begins with {begins!r}. "
            "Give the benchmark's list_eval_partition.txt."
        )
    return lines


def _rows(lines: list[str], faults: Faults) -> dict[str, tuple[str, str]]:
    """image -> (item, status) of the lines that can be used; the first of them is the file's third."""
    rows: dict[str, tuple[str, str]] = {}
    first: dict[str, int] = {}
    training: dict[str, bool] = {}
    for number, line in enumerate(lines, 3):
        fields = line.split()
        if len(fields) != 3:
            faults.add(number, f"{len(fields)} fields where {', '.join(COLUMNS)} are expected")
            continue
        image, item, status = fields
        if status not in STATUSES:
            faults.add(number, f"the status {status!r} is none of {', '.join(STATUSES)}")
        elif image.startswith("/") or ".." in image.split("/") or "\\" in image or "\0" in image:
            faults.add(number, f"{image!r} is no path below the folder of the photos")
        elif image in first:
            faults.add(number, f"{image} stands on line {first[image]} already")
        elif training.setdefault(item, status == "train") != (status == "train"):
            faults.add(number, f"{item} is an item of training and of the test")
        else:
            rows[image], first[image] = (item, status), number
    return rows
