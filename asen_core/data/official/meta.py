"""The attributes and values of a benchmark, from the authors' meta.json or from what is known without it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from asen_core.data.official.facts import Facts
from asen_core.errors import DataError
from asen_core.types import Vocabulary


def read_vocabulary(facts: Facts, root: Path) -> Vocabulary:
    """Attributes and values, named by meta.json in the dataset's folder or above it; without one as the facts know them.

    meta.json holds the dataset's part under its name, or directly.

    Raises: DataError where meta.json can't be read or its attributes or numbers of values aren't the published ones.
    """
    for path in (root / "meta.json", root.parent / "meta.json"):
        if path.is_file():
            part = _part(load_meta(path), facts.name)
            # A folder of several datasets may hold the part of another one.
            if part is None or (path.parent != root and not _is_of(part, facts)):
                continue
            return _vocabulary(part, facts, path)
    return facts.vocabulary


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """The names, those that occur more than once with their position: a value is looked up by its name."""
    counts = Counter(names)
    return tuple(f"{name} ({i})" if counts[name] > 1 else name for i, name in enumerate(names))


def load_meta(path: Path) -> dict[str, Any]:
    """Raises: DataError where the file holds no JSON object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
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
