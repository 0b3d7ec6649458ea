"""Which photo goes into which list: the authors' split followed exactly, or a seeded one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from asen_core.data.official.download import Labelled, Place, grouped
from asen_core.data.official.facts import Facts
from asen_core.data.official.lines import counted
from asen_core.data.official.listing import Listing, first_few
from asen_core.data.official.origin import AUTHORS, OWN, Origin
from asen_core.data.official.reading import SPLITS, folder_of, read_candidates, read_queries, read_train
from asen_core.data.official.whole import require_apart, require_whole
from asen_core.errors import DataError
from asen_core.types import Vocabulary

PARTS = ("train", *SPLITS)


@dataclass(frozen=True)
class Plan:
    """What a prepared folder will hold. images: part -> its photos, paths below the folder; places: where they lie now.

    lines: list (label_train, query_valid, ...) -> its lines of numbers. origin: whose split it is.
    dropped: listed photos that are left out because they can't be had.
    """

    facts: Facts
    vocabulary: Vocabulary
    images: Mapping[str, tuple[str, ...]]
    places: Mapping[str, Place]
    lines: Mapping[str, Sequence[tuple[int, ...]]]
    origin: Origin
    dropped: tuple[str, ...] = ()


def seeded_plan(facts: Facts, vocabulary: Vocabulary, photos: Sequence[Labelled], seed: int) -> Plan:
    """Train, valid and test 8 : 1 : 1 (where the download doesn't say), and 1 query to 4 candidates, by a fixed seed.

    With one label per photo both hold for each value; otherwise for photos, all labels of a photo staying together.
    """
    rng = np.random.default_rng(seed)
    parts = {p.name: p.part for p in photos if p.part}
    for group in _groups(facts, [p for p in photos if not p.part]):
        for name, part in zip(_shuffled(group, rng), _dealt(len(group)), strict=True):
            parts[name] = part
    images, places, lines = {}, {}, {}
    for part in PARTS:
        members = [p for p in photos if parts[p.name] == part]
        images[part] = tuple(facts.path.format(part=part, name=p.name) for p in members)
        places |= dict(zip(images[part], (p.place for p in members), strict=True))
        rows = [(i, a, v) for i, p in enumerate(members) for a, v in p.labels]
        if part == "train":
            lines["label_train"] = list(grouped(rows))
            continue
        asked = {
            n
            for group in _groups(facts, members)
            for n in _shuffled(group, rng)[: round(len(group) / 5) or int(len(group) > 1)]
        }
        lines[f"query_{part}"] = [r for r in rows if members[r[0]].name in asked]
        lines[f"candidate_{part}"] = [r for r in rows if members[r[0]].name not in asked]
    origin = Origin(OWN, f"made here with seed {seed}; not the authors'", seed=seed)
    return Plan(facts, vocabulary, images, places, lines, origin)


def split_plan(facts: Facts, split: Path, photos: Sequence[Labelled], find: Callable[[str], Place | None]) -> Plan:
    """The authors' lists in `split`, followed exactly; where they lack the train lists, train is what they don't name.

    find: the place of a listed photo, None where it can't be had: its rows are dropped. photos: the labelled photos of the
    download, with which the labels must agree; empty where the download has no labels of its own.

    Raises: DataError where a list can't be read, is not whole, shares photos with another split's, or a label differs: counted,
    the first few named.
    """
    root = folder_of(split, facts.name)
    listings: dict[str, Listing] = {}
    if (root / "label_train.txt").exists() or (root / "filenames_train.txt").exists() or not photos:
        listings["label_train"] = read_train(split, facts.name)
    listings |= {f"{kind}_{part}": read(split, facts.name, part) for part in SPLITS for kind, read in _READERS.items()}
    _require_lists(listings)
    _agree(listings.values(), photos)
    used = dict.fromkeys(listing.images[i] for listing in listings.values() for i in listing.used)
    places = {image: place for image in used if (place := find(image)) is not None}
    _require_once(root, places)
    images = {listing.split: listing.images for listing in listings.values()}
    lines: dict[str, Sequence[tuple[int, ...]]] = {
        name: [(i, a, v) for i, a, v in listing.rows.tolist() if listing.images[i] in places]
        for name, listing in listings.items()
    }
    if "train" in images:
        lines["label_train"] = list(grouped(lines["label_train"]))
    else:
        named = {_name(image) for part in SPLITS for image in images[part]}
        rest = [p for p in photos if p.name not in named]
        images["train"] = tuple(facts.path.format(part="train", name=p.name) for p in rest)
        places |= dict(zip(images["train"], (p.place for p in rest), strict=True))
        lines["label_train"] = list(grouped((i, a, v) for i, p in enumerate(rest) for a, v in p.labels))
    dropped = tuple(image for image in used if image not in places)
    asked = listings["query_test"]
    return Plan(facts, asked.vocabulary, images, places, lines, _followed(asked.origin, root), dropped)


_READERS = {"query": read_queries, "candidate": read_candidates}


def _require_lists(listings: Mapping[str, Listing]) -> None:
    parts = {part: [x for x in listings.values() if x.split == part] for part in PARTS}
    for some in parts.values():
        if some:
            require_whole(*some)
    for one, other in combinations(parts.values(), 2):
        require_apart(one, other)


def _require_once(root: Path, places: Mapping[str, Place]) -> None:
    first: dict[Place, str] = {}
    twice = [image for image, place in places.items() if first.setdefault(place, image) != image]
    if twice:
        raise DataError(
            f"{counted(len(twice), 'photo')} in the lists of {root} under two paths: {first_few(twice)}. "
            f"A photo belongs to one split; fetch the lists again."
        )


def _followed(origin: Origin, root: Path) -> Origin:
    """The origin of lists that follow those of `root`: a split of our own stays one, also when it is handed on."""
    if origin.lists == AUTHORS:
        return Origin(AUTHORS, f"the lists of {root}", origin.dropped)
    return replace(origin, text=f"the lists of {root}: {origin.text}")


def _name(image: str) -> str:
    return "/".join(image.split("/")[-2:])


def _agree(listings: Iterable[Listing], photos: Sequence[Labelled]) -> None:
    known = {p.name: p.labels for p in photos}
    for listing in listings:
        wrong = [
            listing.images[i]
            for i, a, v in listing.rows.tolist()
            if (labels := known.get(_name(listing.images[i]))) is not None and (a, v) not in labels
        ]
        if wrong:
            raise DataError(
                f"{counted(len(wrong), 'label')} in the {listing.split} lists of {listing.root} can't be found in the "
                f"download: {first_few(wrong)}. Fetch the lists again; they don't belong to this download."
            )


def _groups(facts: Facts, photos: Iterable[Labelled]) -> list[list[str]]:
    groups: dict[object, list[str]] = {}
    for photo in photos:
        groups.setdefault(photo.labels if facts.one_label else None, []).append(photo.name)
    return [groups[key] for key in sorted(groups, key=str)]


def _shuffled(names: Sequence[str], rng: np.random.Generator) -> list[str]:
    return [names[i] for i in rng.permutation(len(names))]


def _dealt(count: int) -> list[str]:
    tenth = round(count / 10) or int(count >= 4)
    return ["valid"] * tenth + ["test"] * tenth + ["train"] * (count - 2 * tenth)
