"""The attributes and values of a benchmark, from the authors' meta.json or from what is known without it."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from asen_core.data.official.facts import DATASETS, Facts
from asen_core.data.official.origin import ABOUT, DRAWN, read_origin
from asen_core.errors import DataError
from asen_core.types import Vocabulary
from asen_core.vocabularies import FASHIONAI

_LOOKED_AT = 100
"""Photos whose paths tell the benchmark."""
_FORMS = {
    "FashionAI": re.compile(f".*/Images/({'|'.join(FASHIONAI)})_labels/"),
    "DARN": re.compile("pic/"),
    "DeepFashion": re.compile("img/"),
}
"""How each lays its photos out."""


def read_vocabulary(facts: Facts, root: Path) -> Vocabulary:
    """Attributes and values, named by meta.json in the dataset's folder or above it; without one as the facts know them.

    meta.json holds the dataset's part under its name, or directly.

    Raises: DataError where meta.json can't be read, its attributes or numbers of values aren't the published ones, or the
    folder is another dataset's.
    """
    if wrong := another_dataset(facts, root):
        raise DataError(wrong)
    for path in (root / "meta.json", root.parent / "meta.json"):
        if path.is_file():
            part = _part(load_meta(path), facts.name)
            # A folder of several datasets may hold the part of another one.
            if part is None or (path.parent != root and not _is_of(part, facts)):
                continue
            return _vocabulary(part, facts, path)
    return facts.vocabulary


def another_dataset(facts: Facts, root: Path) -> str:
    """What is wrong where the folder is another dataset's, by its name, what made it, or a meta.json that names others only.

    Empty where nothing says so. Raises: DataError as `read_origin`, and where meta.json can't be read.
    """
    others = [name for name in DATASETS if name != facts.name]
    folder = os.path.basename(os.path.abspath(root)).lower()
    by_name = next((name for name in others if folder == name.lower()), "")
    if by_name:
        return _of_another(facts, root, by_name, "it is named so")
    if (made := read_origin(root).dataset) in others:
        return _of_another(facts, root, made, f"{DRAWN if (root / DRAWN).is_file() else ABOUT} says so")
    # One above a folder of the dataset's own name may have been written before its part was there.
    places = (root,) if folder == facts.name.lower() else (root, root.parent)
    for path in (place / "meta.json" for place in places):
        known = load_meta(path) if path.is_file() else {}
        named = [name for name in others if name in known]
        if named and facts.name not in known and "ATTRIBUTES" not in known:
            return _of_another(facts, root, " and ".join(named), f"{path} names nothing else")
    laid = _laid_out_as(root)
    return _of_another(facts, root, laid, "its photos are named as those are") if laid in others else ""


def _laid_out_as(root: Path) -> str:
    """Whose paths the first photos of a filenames list all have; empty where they tell nothing."""
    for path in sorted(p for p in root.glob("filenames_*.txt") if p.is_file()):
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            photos = [line.strip() for line in islice(file, _LOOKED_AT)]
        return next((name for name, form in _FORMS.items() if photos and all(map(form.match, photos))), "")
    return ""


def _of_another(facts: Facts, root: Path, other: str, why: str) -> str:
    return f"{root} holds {other}, not {facts.name}: {why}. Give the folder that holds {facts.name}, or ask for {other}."


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """The names, those that occur more than once with their position: a value is looked up by its name."""
    counts = Counter(names)
    return tuple(f"{name} ({i})" if counts[name] > 1 else name for i, name in enumerate(names))


def load_meta(path: Path) -> dict[str, Any]:
    """Raises: DataError where the file holds no JSON object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} can't be read as JSON: {error}. Fetch it again.") from None
    if not isinstance(found, dict):
        raise DataError(f"{path} should hold an object with ATTRIBUTES, not {type(found).__name__}. Fetch it again.")
    return found


def _part(meta: dict[str, Any], dataset: str) -> dict[str, Any] | None:
    part = meta if "ATTRIBUTES" in meta else meta.get(dataset)
    return part if isinstance(part, dict) else None


def _is_of(part: dict[str, Any], facts: Facts) -> bool:
    return isinstance(part.get("ATTRIBUTES"), list) and len(part["ATTRIBUTES"]) == len(facts.vocabulary)


def _vocabulary(part: dict[str, Any], facts: Facts, path: Path) -> Vocabulary:
    attributes, values = part.get("ATTRIBUTES"), part.get("ATTRIBUTES_VALUES", {})
    numbers = part.get("ATTRIBUTES_NUM", {})
    if not isinstance(attributes, list) or not isinstance(values, dict) or not isinstance(numbers, dict):
        raise DataError(
            f"{path} should have a list ATTRIBUTES and objects ATTRIBUTES_NUM and ATTRIBUTES_VALUES; fetch it again."
        )
    if [_plain(a) for a in attributes] != [_plain(a) for a in facts.vocabulary]:
        raise DataError(
            f"{path} names the attributes of {facts.name} {', '.join(map(str, attributes))}; published are, in this order, "
            f"{', '.join(facts.vocabulary)}. Fetch it again."
        )
    found = {}
    for theirs, ours in zip(attributes, facts.vocabulary, strict=True):
        names, expected = values.get(theirs), facts.values[ours]
        for got in (numbers.get(theirs), len(names) if isinstance(names, list) else None):
            if got is not None and got != expected:
                raise DataError(f"{path} gives {ours} of {facts.name} {got} values; published are {expected}. Fetch it again.")
        found[ours] = distinct([str(n) for n in names]) if isinstance(names, list) else facts.vocabulary[ours]
        if facts.named and found[ours] != facts.vocabulary[ours]:
            raise DataError(
                f"{path} names the values of {ours} {', '.join(found[ours])}; published are "
                f"{', '.join(facts.vocabulary[ours])}. Fetch it again."
            )
    return MappingProxyType(found)


def _plain(name: object) -> str:
    return str(name).lower().replace("_", " ").replace("-", " ").strip()
