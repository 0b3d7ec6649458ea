"""What a search asks, as it is written on the command line: weights of attributes, filters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from asen_core.types import Range


def parse_weights(asked: str) -> dict[str, float]:
    """ "neckline" as {"neckline": 1.0}, "neckline=0.7,sleeve=0.3" as both. Raises: typer.BadParameter."""
    weights: dict[str, float] = {}
    for part in asked.split(","):
        name, equals, number = (text.strip() for text in part.partition("="))
        try:
            weight = float(number) if equals else 1.0
        except ValueError:
            weight = math.nan
        if not (math.isfinite(weight) and weight > 0):
            raise _wrong(f"{number!r} is no weight above 0; write for example neckline=0.7,sleeve=0.3.", "ATTRIBUTE")
        if not name or name in weights:
            raise _wrong(f"{asked!r} names {'no attribute' if not name else f'{name} twice'}; name each once.", "ATTRIBUTE")
        weights[name] = weight
    return weights


def parse_where(pairs: list[str]) -> dict[str, list[str] | Range]:
    """["colour=navy", "colour=blue", "price=10..50"] as {"colour": ["navy", "blue"], "price": Range(10, 50)}.

    One end of a range may be left out. Raises: typer.BadParameter where there is no "=", or a range beside another value.
    """
    wanted: dict[str, list[str] | Range] = {}
    for pair in pairs:
        label, equals, value = (part.strip() for part in pair.partition("="))
        if not (label and equals and value):
            raise _wrong(f"{pair!r} is not LABEL=VALUE; write for example --where colour=blue.", "--where")
        numbers, known = _range(value), wanted.get(label)
        if known is None:
            wanted[label] = numbers or [value]
        elif numbers is None and isinstance(known, list):
            known.append(value)
        else:
            raise _wrong(f"{label} has a range and something else; give one range of numbers, or values.", "--where")
    return wanted


def _range(value: str) -> Range | None:
    """10..50, 10.. or ..50; None where it is no range of numbers. Raises: typer.BadParameter where it is empty."""
    from asen_core.types import Range  # brings numpy, which --help does without

    ends = [end.strip() for end in value.split("..")]
    if len(ends) != 2 or not any(ends):
        return None
    try:
        least, most = (float(end) if end else None for end in ends)
    except ValueError:
        return None
    try:
        return Range(least, most)
    except ValueError:
        raise _wrong(f"{value!r} is no range; write the smaller number first, as in --where price=10..50.", "--where") from None


def _wrong(what: str, where: str) -> typer.BadParameter:
    return typer.BadParameter(what, param_hint=where)
