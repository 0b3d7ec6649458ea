"""Open datasets of garments that can be brought by their name, and labels that are told by folders' names."""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from asen_core.errors import DataError
from asen_core.indexing import bringing
from asen_core.indexing.scan import scan

SPLITS = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "valid": "valid", "val": "valid",
    "validation": "valid", "dev": "valid",
}  # fmt: skip
SAY_NOTHING = frozenset(
    {"image", "images", "img", "imgs", "photo", "photos", "picture", "pictures", "data", "jpg", "jpeg", "png"}
)
"""Folders' names that are no kind of garment."""


@dataclass(frozen=True)
class Dataset:
    """An open dataset in a git repository.

    home: its address; licence: as its makers say; about: what it holds; size: of the transfer, roughly; kinds: folder's name ->
    the category as the shipped model calls it, where that differs.
    """

    home: str
    licence: str
    about: str
    size: str
    kinds: Mapping[str, str] = field(default_factory=dict)


KNOWN: Mapping[str, Dataset] = {
    "clothing-dataset-small": Dataset(
        "https://github.com/alexeygrigorev/clothing-dataset-small", "CC0 1.0",
        "some 3,800 photos of single garments, laid out or hung up at home, in 10 kinds", "about 60 MB",
        {"pants": "trousers", "outwear": "outerwear"},
    ),
}  # fmt: skip
"""Name -> dataset. Only such as anybody may use for anything, from their makers' own address; others are given by theirs."""


@dataclass(frozen=True)
class Photos:
    """Photos that can be indexed: their folder, a label file for them if anything is known, notes for the gallery's manifest.

    brought: how they came here; None where the folder was there already.
    """

    folder: Path
    labels: Path | None
    notes: Mapping[str, str]
    brought: bringing.Brought | None = None


@contextmanager
def photos(
    source: str, folder: Path, address: str | None = None, each: Callable[[str, int, int], None] | None = None
) -> Iterator[Photos]:
    """Have a dataset on this machine: fetched into `folder`, or where it lies if `source` is a folder of photos.

    source: a name of `KNOWN`, the address of a git repository, or a folder; address: where to fetch it from in place of that;
    each: as of `bringing.bring`. Labels that are told by folders' names are in a file that goes when the block ends.

    Raises: DataError.
    """
    known = KNOWN.get(source)
    if known is None and address is None and Path(source).is_dir() and not bringing.is_bare(Path(source)):
        brought, place, notes = None, Path(source), {"source": str(Path(source).resolve())}
    else:
        brought = bringing.bring(address or (known.home if known else _fetched(source)), folder, each)
        place, notes = brought.folder, {"source": brought.source, "commit": brought.commit}
    notes |= {"dataset": source, "licence": known.licence} if known else {}
    own = next((place / name for name in bringing.LABEL_FILES if (place / name).is_file()), None)
    with tempfile.TemporaryDirectory() as made:
        if own is None:
            told = told_by_folders([file.name for file in scan(place).files], known.kinds if known else {})
            own = write(Path(made) / "labels.csv", told) if any(told.values()) else None
        yield Photos(place, own, notes, brought)


def told_by_folders(names: Sequence[str], kinds: Mapping[str, str] | None = None) -> dict[str, dict[str, str]]:
    """Photo's name -> labels: `train/dress/xyz.jpg` is of category dress and split train.

    names: paths below the folder of photos. The first folder that is no split and says something is the category, in small
    letters with underscores, or what `kinds` has for it. A label that all photos share says nothing and is left out.
    """
    found: dict[str, dict[str, str]] = {}
    for name in names:
        folders = [part.lower() for part in PurePosixPath(name).parts[:-1]]
        split = next((SPLITS[f] for f in folders if f in SPLITS), "")
        kind = next((f for f in folders if f not in SPLITS and f not in SAY_NOTHING), "")
        category = (kinds or {}).get(kind) or re.sub(r"\W+", "_", kind).strip("_")
        found[name] = {"category": category, "split": split}
    telling = {label for label in ("category", "split") if len({labels[label] for labels in found.values()}) > 1}
    return {name: {k: v for k, v in labels.items() if k in telling and v} for name, labels in found.items()}


def write(path: Path, labels: Mapping[str, Mapping[str, str]]) -> Path:
    """A label file: column image, one column per label; returns its path."""
    columns = sorted({column for row in labels.values() for column in row})
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["image", *columns])
        lines.writerows([name, *(row.get(c, "") for c in columns)] for name, row in labels.items())
    return path


def _fetched(source: str) -> str:
    """An address or a repository's folder; a bare word is neither. Raises: DataError."""
    if re.fullmatch(r"[\w.-]+", source) and not Path(source).exists():
        raise DataError(
            f"There is no dataset {source!r} and no folder of that name; known are {', '.join(KNOWN)}. Others are brought by "
            "the address of their git repository, or by the path of their folder."
        )
    if Path(source).exists() and not Path(source).is_dir():
        raise DataError(f"{source} is a file; give a folder of photos, a git repository, or one of {', '.join(KNOWN)}.")
    return source
