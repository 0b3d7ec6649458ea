"""Strict readers of the authors' layout: filenames_*, label_train, query_* and candidate_*."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from asen_core.data.official.facts import Facts, facts_of
from asen_core.data.official.lines import Faults, integers, read_filenames
from asen_core.data.official.listing import Listing, require_disjoint
from asen_core.data.official.meta import read_vocabulary
from asen_core.errors import DataError

SPLITS = ("valid", "test")


def folder_of(data: Path, dataset: str) -> Path:
    """The dataset's folder: data/<dataset>, or `data` itself where the lists lie in it.

    Raises: DataError where the dataset is unknown.
    """
    name, data = facts_of(dataset).name, Path(data)
    below = data / name
    here = data.name == name or any(data.glob("filenames_*.txt"))
    return data if here and not below.is_dir() else below


def read_train(data: Path, dataset: str) -> Listing:
    """The labelled training photos: filenames_train.txt and label_train.txt (`image a1 v1 [a2 v2 ...]` a line).

    Raises: DataError where a list is absent or empty, or has lines that can't be used: counted, the first few named.
    """
    return _read(data, dataset, "train", "label_train")


def digest(data: Path, dataset: str) -> str:
    """16 hex digits that change with the training list: its rows, photos, attributes and values. Raises: as `read_train`."""
    return read_train(data, dataset).digest


def used_photos(data: Path, dataset: str, split: str) -> list[Listing]:
    """The lists of "train", "valid" or "test" that are there, none without any. Raises: DataError as their readers."""
    root = folder_of(data, dataset)
    readers = {"label_train": read_train} if split == "train" else {
        f"query_{split}": lambda d, n: read_queries(d, n, split),
        f"candidate_{split}": lambda d, n: read_candidates(d, n, split),
    }  # fmt: skip
    return [read(data, dataset) for name, read in readers.items() if (root / f"{name}.txt").is_file()]


def read_queries(data: Path, dataset: str, split: str) -> Listing:
    """The queries of "valid" or "test": filenames_<split>.txt and query_<split>.txt (`image attribute value` a line).

    Raises: DataError as `read_train`, and where the split is neither.
    """
    return _read(data, dataset, _known(split), f"query_{split}")


def read_candidates(data: Path, dataset: str, split: str) -> Listing:
    """The candidates of "valid" or "test", as `read_queries`.

    Raises: DataError as `read_queries`, and where one of them is a query of the same attribute.
    """
    found = _read(data, dataset, _known(split), f"candidate_{split}")
    if (found.root / f"query_{split}.txt").is_file():
        require_disjoint(read_queries(data, dataset, split), found)
    return found


def _known(split: str) -> str:
    if split not in SPLITS:
        raise DataError(f"There is no split {split!r} with queries and candidates; there are {', '.join(SPLITS)}.")
    return split


def _read(data: Path, dataset: str, split: str, name: str) -> Listing:
    facts = facts_of(dataset)
    root = folder_of(Path(data), dataset)
    vocabulary = read_vocabulary(facts, root)
    images = read_filenames(root / f"filenames_{split}.txt")
    path = root / f"{name}.txt"
    faults = Faults(path)
    checked = _Rows(facts, images, faults)
    for line, numbers in integers(path, faults):
        checked.take(line, numbers, several=split == "train")
    faults.refuse()
    if not checked.kept:
        raise DataError(f"{path} is empty; it should hold one labelled photo a line. Fetch it again.")
    return Listing(facts.name, split, root, vocabulary, images, np.array(checked.kept, np.int32).reshape(-1, 3))


class _Rows:
    """Collects the rows of a list that can be used; the others become faults."""

    def __init__(self, facts: Facts, images: tuple[str, ...], faults: Faults) -> None:
        self._facts, self._images, self._faults = facts, images, faults
        self._attributes = tuple(facts.values.items())
        self._first: dict[tuple[int, ...], int] = {}
        self.kept: list[tuple[int, int, int]] = []

    def take(self, line: int, numbers: tuple[int, ...], several: bool) -> None:
        """Check and keep the rows of one line: `image a v`, with `several` more pairs of a and v."""
        if len(numbers) != 3 and not (several and len(numbers) > 3 and len(numbers) % 2):
            expected = "image attribute value" + (" [attribute value ...]" if several else "")
            self._faults.add(line, f"{len(numbers)} fields where `{expected}` is expected")
            return
        image = numbers[0]
        if not 0 <= image < len(self._images):
            self._faults.add(line, f"image {image} is none of 0 to {len(self._images) - 1}, the lines of the filenames list")
            return
        rows = [(image, attribute, value) for attribute, value in zip(numbers[1::2], numbers[2::2], strict=True)]
        wrong = next(self._faults_of(rows), None)
        if wrong:
            self._faults.add(line, wrong)
            return
        for row in rows:
            self._first[row if not self._facts.one_label else row[:1]] = line
        self.kept += rows

    def _faults_of(self, rows: list[tuple[int, int, int]]) -> Iterator[str]:
        for position, (image, attribute, value) in enumerate(rows):
            if not 0 <= attribute < len(self._attributes):
                yield f"attribute {attribute} is none of 0 to {len(self._attributes) - 1}"
                continue
            name, values = self._attributes[attribute]
            if not 0 <= value < values:
                yield f"value {value} of {name} is none of 0 to {values - 1}"
            key = (image, attribute, value) if not self._facts.one_label else (image,)
            if key in self._first:
                what = f"image {image} with {name} {value}" if not self._facts.one_label else f"image {image}"
                yield f"{what} stands on line {self._first[key]} already"
            if (image, attribute, value) in rows[:position] or (self._facts.one_label and position):
                yield f"{name} {value} after another label of the same photo"
            folder = self._images[image].split("/")[-2:-1]
            if self._facts.one_label and folder and folder[0].endswith("_labels") and folder[0] != f"{name}_labels":
                yield f"attribute {name} for a photo of {folder[0]}"
