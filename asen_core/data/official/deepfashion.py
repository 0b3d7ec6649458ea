"""DeepFashion's download (category and attribute prediction): list_attr_cloth, list_attr_img and list_eval_partition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType

from asen_core.data.official.download import Labelled, Place, Track, safe_name
from asen_core.data.official.facts import DATASETS
from asen_core.data.official.lines import Faults
from asen_core.data.official.listing import first_few
from asen_core.data.official.meta import distinct
from asen_core.errors import DataError
from asen_core.types import Vocabulary

_PARTS = {"train": "train", "val": "valid", "test": "test"}


def read_attributes(raw: Path) -> tuple[Vocabulary, list[tuple[int, int]]]:
    """The names of list_attr_cloth.txt by type, and per column of list_attr_img.txt its (attribute, value) indices.

    A value's index is its position within its type. Raises: DataError where a line or the numbers per type are wrong.
    """
    facts = DATASETS["DeepFashion"]
    path = _list(raw, "list_attr_cloth.txt")
    names: list[list[str]] = [[] for _ in facts.vocabulary]
    columns, faults = [], Faults(path)
    for number, line in _rows(path):
        *words, kind = line.split() or [""]
        if not words or kind not in tuple("12345"):
            faults.add(number, f"{line.strip()!r} is not a name and a type from 1 to 5")
            continue
        attribute = int(kind) - 1
        columns.append((attribute, len(names[attribute])))
        names[attribute].append(" ".join(words))
    faults.refuse()
    for (attribute, expected), got in zip(facts.values.items(), names, strict=True):
        if len(got) != expected:
            raise DataError(f"{path} has {len(got)} names of {attribute}; published are {expected}. Fetch it again.")
    return MappingProxyType({a: distinct(n) for a, n in zip(facts.vocabulary, names, strict=True)}), columns


def read_partition(raw: Path) -> dict[str, str]:
    """Photo (`img/...`) -> train, valid or test, from list_eval_partition.txt. Raises: DataError where a line is wrong."""
    path = _list(raw, "list_eval_partition.txt")
    faults, parts = Faults(path), {}
    for number, line in _rows(path):
        fields = line.split()
        if len(fields) != 2 or fields[1] not in _PARTS or not safe_name(fields[0]):
            faults.add(number, f"{line.strip()!r} is not a photo and train, val or test")
        elif fields[0] in parts:
            faults.add(number, f"{fields[0]} stands in an earlier line already")
        else:
            parts[fields[0]] = _PARTS[fields[1]]
    faults.refuse()
    return parts


def read_deepfashion(
    raw: Path, columns: list[tuple[int, int]], find: Callable[[str], Place | None], track: Track
) -> tuple[list[Labelled], int]:
    """The photos with at least one attribute, in the order of list_attr_img.txt, and how many have none.

    Raises: DataError where a line can't be used, the partition names other photos, or a photo is absent.
    """
    path, parts = _list(raw, "list_attr_img.txt"), read_partition(raw)
    faults, photos, absent, seen, bare = Faults(path), [], [], set(), 0
    for number, line in track(_rows(path), len(parts), "Reading labels"):
        name, *marks = line.split() or [""]
        wrong = _fault(name, marks, columns, parts, seen)
        if wrong:
            faults.add(number, wrong)
            continue
        seen.add(name)
        labels = _labels(marks, columns)
        if not labels:
            bare += 1
        elif (place := find(name)) is None:
            absent.append(name)
        else:
            photos.append(Labelled(name, place, labels, parts[name]))
    faults.refuse()
    if unlabelled := [name for name in parts if name not in seen]:
        raise DataError(f"{path} lacks {len(unlabelled):,} photos of the partition: {first_few(unlabelled)}. Fetch it again.")
    if absent:
        raise DataError(
            f"{len(absent):,} of the {len(seen) - bare:,} labelled photos are neither in {raw} nor in the dataset's folder: "
            f"{first_few(absent)}. Fetch img.zip and give the folder that holds it, or img/."
        )
    return photos, bare


def _fault(name: str, marks: list[str], columns: list, parts: dict[str, str], seen: set[str]) -> str:
    if len(marks) != len(columns):
        return f"{len(marks)} marks for {len(columns)} attributes"
    if marks.count("1") + marks.count("-1") + marks.count("0") != len(marks):
        return "a mark that is none of 1, 0 and -1"
    if name not in parts:
        return f"{name} is not in list_eval_partition.txt"
    return f"{name} stands in an earlier line already" if name in seen else ""


def _labels(marks: list[str], columns: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    labels, at = [], -1
    for _ in range(marks.count("1")):
        at = marks.index("1", at + 1)
        labels.append(columns[at])
    return tuple(labels)


def _rows(path: Path) -> Iterator[tuple[int, str]]:
    """Line number and line of a list that begins with its number of rows and a heading; checks the number at its end."""
    with open(path, encoding="utf-8", errors="replace") as file:
        head = file.readline().strip()
        file.readline()
        number, blank = 2, 0
        for number, line in enumerate(file, 3):
            if line.strip():
                yield number, line
            else:
                blank += 1
    if head != str(number - 2 - blank):
        raise DataError(f"{path} announces {head!r} rows and has {number - 2 - blank:,}; fetch it again.")


def _list(raw: Path, name: str) -> Path:
    """The list in `raw` or in one of the folders that the download puts it in."""
    for folder in ("", "Anno", "Anno_coarse", "Anno/Anno_coarse", "Eval"):
        if (raw / folder / name).is_file():
            return raw / folder / name
    raise DataError(f"{raw} holds no {name}, also not in Anno/, Anno_coarse/ or Eval/; give the folder with the download.")
