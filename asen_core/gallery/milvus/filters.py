"""Filters of a search as boolean expressions of Milvus, over the JSON that every row has of its item's labels.

`labels` holds label -> value, `numbers` label -> number where a value is one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from asen_core.errors import QueryError
from asen_core.gallery.columns import Column
from asen_core.types import Range, Where

Asked = tuple[tuple[str, "Range | tuple[str, ...]"], ...]
"""A filter in one form: labels sorted, values sorted, without empty ones."""


def asked(where: Where | None, columns: Mapping[str, Column]) -> Asked:
    """A filter in its one form. Raises: QueryError for a label that there is not, or a range of words."""
    found: list[tuple[str, Range | tuple[str, ...]]] = []
    for label, wanted in sorted((where or {}).items()):
        if label not in columns:
            known = ", ".join(columns) or "none"
            raise QueryError(f"Unknown label {label!r} in the filter; this gallery has {known}.")
        if isinstance(wanted, Range):
            if not columns[label].numeric:
                raise QueryError(f"The label {label!r} holds words, so no range of it can be kept; name the values.")
            found.append((label, wanted))
        else:
            found.append((label, tuple(sorted(set(_values(wanted)) - {""}))))
    return tuple(found)


def expression(attribute: str, filters: Asked = ()) -> str | None:
    """The rows of one attribute whose items pass all filters; None where none can."""
    conditions = [f"attribute == {literal(attribute)}"]
    for label, wanted in filters:
        if isinstance(wanted, Range):
            conditions += _between(f"numbers[{literal(label)}]", wanted)
        elif kept := [v for v in wanted if _is_text(v)]:
            conditions.append(f"labels[{literal(label)}] in [{', '.join(map(literal, kept))}]")
        else:
            return None
    return " and ".join(conditions)


def passes(filters: Asked, labels: Mapping[str, str], numbers: Mapping[str, float]) -> bool:
    """What `expression` asks of a row, asked here."""
    return all(
        (label in numbers and numbers[label] in wanted) if isinstance(wanted, Range) else labels.get(label) in wanted
        for label, wanted in filters
    )


def literal(text: str) -> str:
    """A string as the server reads it: JSON's escapes, everything beyond ASCII as it is."""
    return json.dumps(text, ensure_ascii=False)


def number(value: str) -> float | None:
    """What a value counts as in ranges; None for a word."""
    try:
        found = float(value)
    except ValueError:
        return None
    return found if abs(found) <= 1.7976931348623157e308 else None


def _between(field: str, wanted: Range) -> list[str]:
    ends = [(">=", wanted.least), ("<=", wanted.most)]
    return [f"{field} {sign} {float(end)!r}" for sign, end in ends if end is not None] or [f"exists {field}"]


def _values(wanted: str | Collection[str]) -> Collection[str]:
    return (wanted,) if isinstance(wanted, str) else wanted


def _is_text(value: str) -> bool:
    """Half a character, as pages and file names may give it, is no label's value."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
