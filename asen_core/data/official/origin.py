"""Whose lists a folder holds: the authors', a split of our own, or drawn garments; and of which benchmark they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asen_core.data.official.lines import counted
from asen_core.errors import DataError

ABOUT, DRAWN = "prepared.json", "drawn.json"
AUTHORS, OWN, GARMENTS = "authors", "own", "drawn"


@dataclass(frozen=True)
class Origin:
    """Where lists come from. lists: `AUTHORS` (also where nothing says otherwise), `OWN` or `GARMENTS`.

    text: the same for people, empty where nothing tells. dropped: listed photos that were left out as they can't be had.
    photos: split -> the lines of its filenames list as they were written, where known. dataset: empty where not known.
    seed: of a split of our own or of drawn garments, where known.
    """

    lists: str = AUTHORS
    text: str = ""
    dropped: int = 0
    photos: Mapping[str, int] = field(default_factory=dict)
    dataset: str = ""
    seed: int | None = None

    @property
    def official(self) -> bool:
        """Whether nothing says that these are other lists than the authors', or that photos were dropped."""
        return self.lists == AUTHORS and not self.dropped

    def __str__(self) -> str:
        """For people, with what was dropped; empty where nothing is known."""
        dropped = f"{counted(self.dropped, 'listed photo')} dropped" if self.dropped else ""
        return "; ".join(part for part in (self.text, dropped) if part)


def read_origin(root: Path) -> Origin:
    """What drawn.json and prepared.json in the dataset's folder say.

    Raises: DataError where one of them can't be read, as nothing else tells whose lists these are.
    """
    drawn, prepared = _read(root / DRAWN), _read(root / ABOUT)
    try:
        if drawn is not None:
            seed = drawn.get("seed")
            text = "drawn garments" if seed is None else f"drawn garments, seed {seed}"
            return Origin(GARMENTS, text, 0, _sizes(drawn, "sizes"), str(drawn.get("dataset", "")), seed)
        if prepared is not None:
            text = str(prepared["split"])
            # Folders prepared by the first version tell it by their words only.
            lists = prepared.get("lists") or (AUTHORS if text.startswith("the lists of ") else OWN)
            photos, dataset = _sizes(prepared, "listed"), str(prepared.get("dataset", ""))
            return Origin(str(lists), text, int(prepared["dropped"]), photos, dataset, prepared.get("seed"))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _unreadable(root / (ABOUT if drawn is None else DRAWN), repr(error)) from None
    return Origin()


def about(dataset: str, origin: Origin, photos: int) -> str:
    """The content of prepared.json; photos: how many were placed."""
    known = {"split": origin.text, "photos": photos, "dropped": origin.dropped, "dataset": dataset, "lists": origin.lists}
    return json.dumps(known | {"listed": dict(origin.photos), "seed": origin.seed}, indent=1)


def _sizes(told: Mapping[str, Any], key: str) -> dict[str, int]:
    """How many photos each split has. Raises: TypeError, ValueError, OverflowError for anything else."""
    return {str(split): int(photos) for split, photos in dict(told.get(key, {})).items()}


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from None
    if not isinstance(found, dict):
        raise _unreadable(path, f"it holds a {type(found).__name__}")
    return found


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(
        f"{path} should tell whose lists these are and can't be read ({why}). Prepare or draw the folder again; where the "
        f"lists are the authors', delete it."
    )
