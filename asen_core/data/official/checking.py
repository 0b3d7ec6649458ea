"""What is there of a benchmark and what is missing: every list, every photo that it uses, and where each is obtained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

from asen_core.data.official.facts import Facts, Source, facts_of
from asen_core.data.official.lines import read_filenames
from asen_core.data.official.listing import Listing, absent_photos, is_photo
from asen_core.data.official.meta import another_dataset, read_vocabulary
from asen_core.data.official.origin import AUTHORS, GARMENTS, Origin, read_origin
from asen_core.data.official.reading import SPLITS, folder_of, read_candidates, read_queries, read_train
from asen_core.data.official.whole import require_apart, require_whole, unlisted
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
    """A benchmark's state. names: where those of the values come from. made: whose lists these are, `lists` empty where what
    tells it can't be read.

    photos, absent: the photos that the lists use, and those of them that are not there. faults: what is wrong with no single
    list. remarks: what is no fault, but left out. mistaken: whether the folder is another dataset's.
    """

    facts: Facts
    root: Path
    names: str
    lists: tuple[ListState, ...]
    photos: int
    absent: tuple[str, ...]
    made: Origin = field(default_factory=Origin)
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    mistaken: bool = False

    @property
    def origin(self) -> str:
        """How it was prepared, for people; empty where that is not known."""
        return str(self.made)

    @property
    def missing(self) -> list[str]:
        """The files that are absent."""
        return [state.file for state in self.lists if state.fault == "missing"]

    @property
    def complete(self) -> bool:
        """Whether all lists can be used and all their photos are there; of the authors' lists, as many as were published."""
        return not (self.absent or self.faults or self.partial or any(state.fault for state in self.lists))

    @property
    def partial(self) -> bool:
        """Whether lists that should be the authors' have other sizes than the published ones."""
        return self.made.lists == AUTHORS and bool(self.other_sizes)

    @property
    def other_sizes(self) -> list[ListState]:
        """The lists that have another number of lines than the published ones."""
        return [s for s in self.lists if s.lines is not None and s.published not in (None, s.lines)]

    @property
    def spoiled(self) -> list[str]:
        """The lists that are there and have to go before others can take their place: all of a split where one is refused."""
        odd = {s.file for s in self.other_sizes} if self.partial else set()
        bad = {s.file for s in self.lists if self.faults or s.fault not in ("", "missing")} | odd
        splits = {file.removesuffix(".txt").rpartition("_")[2] for file in bad}
        there = [s.file for s in self.lists if s.fault != "missing"]
        return [file for file in there if file.removesuffix(".txt").rpartition("_")[2] in splits]

    @property
    def sources(self) -> list[Source]:
        """Where that which is missing is obtained; what was drawn is obtained nowhere."""
        if self.made.lists == GARMENTS:
            return []
        lists = [self.facts.lists_from] if self.partial or any(state.fault for state in self.lists) else []
        return lists + (list(self.facts.photos_from) if self.absent or not self.photos else [])


def check(data: Path, dataset: str) -> Report:
    """The state of data/<dataset>, or of `data` itself. Raises: DataError only where the dataset is unknown."""
    facts = facts_of(dataset)
    root = folder_of(data, dataset)
    names, faults = _names(facts, root)
    parts = [_part(data, facts, root, split) for split in ("train", *SPLITS)]
    faults += [text for one, other in combinations(parts, 2) if (text := _said(require_apart, one.listings, other.listings))]
    states = tuple(state for part in parts for state in part.states)
    used = {image for part in parts for image in part.used}
    absent = dict.fromkeys(image for part in parts for image in part.absent)
    made, told = Origin(lists=""), tuple(part.remark for part in parts if part.remark)
    mistaken = False
    try:
        made, mistaken = read_origin(root), bool(another_dataset(facts, root))
    except DataError as error:
        faults.append(str(error))
    return Report(facts, root, names, states, len(used), tuple(absent), made, tuple(dict.fromkeys(faults)), told, mistaken)


@dataclass(frozen=True)
class _Part:
    """A split: its lists that can be read, the states of all, the photos used, and those of them that are not there."""

    listings: list[Listing]
    states: list[ListState]
    used: set[str]
    absent: list[str]
    remark: str


def _names(facts: Facts, root: Path) -> tuple[str, list[str]]:
    try:
        known = read_vocabulary(facts, root)
    except DataError as error:
        return "", [str(error)]
    paths = [p for p in (root / "meta.json", root.parent / "meta.json") if p.is_file()]
    if paths and (facts.named or known != facts.vocabulary):
        return f"names from {paths[0]}", []
    return ("names known without meta.json" if facts.named else "no meta.json, so they go by their numbers"), []


def _part(data: Path, facts: Facts, root: Path, split: str) -> _Part:
    images, fault = _filenames(root / f"filenames_{split}.txt")
    if split == "train":
        found = {"label_train": _listing(root / "label_train.txt", lambda: read_train(data, facts.name))}
    else:
        found = {
            f"{kind}_{split}": _listing(root / f"{kind}_{split}.txt", lambda r=read: r(data, facts.name, split))
            for kind, read in _READERS.items()
        }
    listings = [x for x in found.values() if isinstance(x, Listing)]
    states = [_state(facts, name, x) for name, x in found.items()]
    used, told = {x.images[i] for x in listings for i in x.used}, ""
    if len(listings) == len(found):
        if cut := _said(require_whole, *listings):
            # Which of the lists that a refusal names was cut can't be told.
            fault = "" if any(state.file in cut for state in states) else cut
            states = [replace(state, fault=cut) for state in states]
        else:
            told = unlisted(*listings)
    gone = {image for state in states for image in state.absent}
    if not used:
        # Without the lists that use them, all photos of the filenames list are needed.
        used, gone = set(images), {image for image in images if not is_photo(root / image)}
    absent = [image for image in images if image in gone]
    first = ListState(
        f"filenames_{split}.txt", len(images) or None, facts.photos.get(split), len(used) or None, tuple(absent), fault
    )
    return _Part(listings, [first, *states], used, absent, told)


def _state(facts: Facts, name: str, found: Listing | str) -> ListState:
    if isinstance(found, str):
        return ListState(f"{name}.txt", published=facts.rows.get(name), fault=found)
    lines = len(found.used) if name == "label_train" else len(found.rows)
    return ListState(f"{name}.txt", lines, facts.rows.get(name), len(found.used), tuple(absent_photos(found)))


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


def _said(require: Callable[..., None], *given: object) -> str:
    """What is refused; empty where nothing is."""
    try:
        require(*given)
    except DataError as error:
        return str(error)
    return ""
