"""What is there of a benchmark and what is missing: every list, every photo that it uses, and where each is obtained."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from asen_core.data.official.facts import Facts, Source, facts_of
from asen_core.data.official.lines import counted, read_filenames
from asen_core.data.official.listing import Listing, absent_photos, is_photo
from asen_core.data.official.meta import read_vocabulary
from asen_core.data.official.placing import ABOUT
from asen_core.data.official.reading import SPLITS, folder_of, read_candidates, read_queries, read_train
from asen_core.errors import DataError

_READERS = {"query": read_queries, "candidate": read_candidates}


@dataclass(frozen=True)
class ListState:
    """One list: its lines and those published (None where not known), photos used and absent, and what is wrong with it.

    fault: empty where it can be used, "missing" where the file is absent, else why it is refused.
    """

    file: str
    lines: int | None = None
    published: int | None = None
    photos: int | None = None
    absent: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class Report:
    """A benchmark's state. names: where those of the values come from. origin: how it was prepared, where that is known.

    photos, absent: the photos that the lists use, and those of them that are not there.
    """

    facts: Facts
    root: Path
    names: str
    lists: tuple[ListState, ...]
    photos: int
    absent: tuple[str, ...]
    origin: str = ""
    faults: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The files that are absent."""
        return [state.file for state in self.lists if state.fault == "missing"]

    @property
    def complete(self) -> bool:
        """Whether all lists can be used and all their photos are there."""
        return not self.absent and not self.faults and not any(state.fault for state in self.lists)

    @property
    def sources(self) -> list[Source]:
        """Where that which is missing is obtained."""
        lists = [self.facts.lists_from] if any(state.fault for state in self.lists) else []
        return lists + (list(self.facts.photos_from) if self.absent or not self.photos else [])


def check(data: Path, dataset: str) -> Report:
    """The state of data/<dataset>, or of `data` itself. Raises: DataError only where the dataset is unknown."""
    facts = facts_of(dataset)
    root = folder_of(data, dataset)
    names, faults = _names(facts, root)
    states, used, absent = [], set(), {}
    for split in ("train", *SPLITS):
        found, photos, gone = _part(data, facts, root, split)
        states += found
        used |= photos
        absent |= dict.fromkeys(gone)
    return Report(facts, root, names, tuple(states), len(used), tuple(absent), _origin(root), tuple(faults))


def _names(facts: Facts, root: Path) -> tuple[str, list[str]]:
    try:
        known = read_vocabulary(facts, root)
    except DataError as error:
        return "", [str(error)]
    paths = [p for p in (root / "meta.json", root.parent / "meta.json") if p.is_file()]
    if paths and (facts.named or known != facts.vocabulary):
        return f"names from {paths[0]}", []
    return ("names known without meta.json" if facts.named else "no meta.json, so they go by their numbers"), []


def _part(data: Path, facts: Facts, root: Path, split: str) -> tuple[list[ListState], set[str], list[str]]:
    """The states of a split's lists, the photos they use, and those of them that are not there."""
    images, fault = _filenames(root / f"filenames_{split}.txt")
    if split == "train":
        listings = {"label_train": _listing(root / "label_train.txt", lambda: read_train(data, facts.name))}
    else:
        listings = {
            f"{kind}_{split}": _listing(root / f"{kind}_{split}.txt", lambda r=read: r(data, facts.name, split))
            for kind, read in _READERS.items()
        }
    states, used, gone = [], set(), {}
    for name, found in listings.items():
        if isinstance(found, Listing):
            absent = tuple(absent_photos(found))
            used |= {found.images[i] for i in found.used}
            gone |= dict.fromkeys(absent)
            lines = len(found.used) if split == "train" else len(found.rows)
            states.append(ListState(f"{name}.txt", lines, facts.rows.get(name), len(found.used), absent))
        else:
            states.append(ListState(f"{name}.txt", published=facts.rows.get(name), fault=found))
    # Without the lists that use them, all photos of the filenames list are needed.
    if not used and images:
        used = set(images)
        gone = dict.fromkeys(i for i in images if not is_photo(root / i))
    absent = tuple(gone)
    first = ListState(f"filenames_{split}.txt", len(images) or None, facts.photos.get(split), len(used) or None, absent, fault)
    return [first, *states], used, list(absent)


def _filenames(path: Path) -> tuple[tuple[str, ...], str]:
    if not path.is_file():
        return (), "missing"
    try:
        return read_filenames(path), ""
    except DataError as error:
        return (), str(error)


def _listing(path: Path, read: Callable[[], Listing]) -> Listing | str:
    if not path.is_file():
        return "missing"
    try:
        return read()
    except DataError as error:
        return str(error)


def _origin(root: Path) -> str:
    try:
        about = json.loads((root / ABOUT).read_text(encoding="utf-8"))
        dropped = f"; {counted(about['dropped'], 'listed photo')} dropped" if about["dropped"] else ""
        return f"{about['split']}{dropped}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
