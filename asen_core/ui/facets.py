"""Which labels of a gallery become filters, what each offers, and what a visitor's choice of them means. No Gradio in here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asen_core.errors import QueryError
from asen_core.gallery import Gallery
from asen_core.types import Range, Vocabulary, Where
from asen_core.ui import names

MOST_VALUES = 200
"""A label with more different values is no list to choose from."""
NEARLY, FEW = 0.8, 3
"""From this share of different values on a label names the garments one by one, as a title does; so few are a choice yet."""
NUMBERED = 20
"""From so many garments on, whole numbers that all differ are taken for article numbers."""
FIRST = ("category", "colour")
SAID = 4
"""As many values of a filter are named in a sentence."""
LINKS = ("http://", "https://")


@dataclass(frozen=True)
class Facet:
    """A label that can be filtered by: its values, most frequent first, or the range that its numbers lie in.

    known: whether it is an attribute of the model, whose values have names; a column of one's own is shown as it is written.
    """

    label: str
    known: bool
    values: tuple[str, ...] = ()
    span: Range | None = None

    @property
    def name(self) -> str:
        """For people."""
        return names.attribute_name(self.label)

    def shown(self, value: str) -> str:
        """A value for people."""
        return names.value_name(self.label, value) if self.known else value


def facets(gallery: Gallery, vocabulary: Vocabulary) -> tuple[Facet, ...]:
    """The filters of a gallery in the order in which they are offered: kind and colour, its own columns, other attributes."""
    columns = gallery.columns
    wanted = [label for label, c in columns.items() if c.values > 1 and (c.numeric or c.values <= MOST_VALUES)]
    counts = gallery.facets(labels=wanted) if wanted else {}
    found = (_facet(label, counts[label], columns[label].numeric, vocabulary) for label in _ordered(wanted, vocabulary))
    return tuple(f for f in found if f is not None)


def _ordered(labels: Iterable[str], vocabulary: Vocabulary) -> list[str]:
    rank = {label: i for i, label in enumerate(FIRST)}
    return sorted(labels, key=lambda label: (rank.get(label, len(rank)), label in vocabulary))


def _facet(label: str, counts: Mapping[str, int], numeric: bool, vocabulary: Vocabulary) -> Facet | None:
    """None for a label that tells the garments apart one by one."""
    held, different = sum(counts.values()), len(counts)
    if label in vocabulary:
        return Facet(label, True, tuple(counts)) if different <= MOST_VALUES else None
    if numeric:
        numbers = [float(v) for v in counts]
        if different == held >= NUMBERED and all(n.is_integer() for n in numbers):
            return None
        return Facet(label, False, span=Range(min(numbers), max(numbers)))
    if different > max(FEW, NEARLY * held) or all(v.startswith(LINKS) for v in counts):
        return None
    return Facet(label, False, tuple(counts))


def counted(gallery: Gallery, offered: Sequence[Facet], where: Where) -> list[dict[str, Any]]:
    """The filters as the page draws them: each value with its name and how many garments have it, given the other filters."""
    listed = [f.label for f in offered if f.values]
    counts = gallery.facets(where or None, listed) if listed else {}
    return [_drawn(facet, counts.get(facet.label, {})) for facet in offered]


def _drawn(facet: Facet, counts: Mapping[str, int]) -> dict[str, Any]:
    told: dict[str, Any] = {"label": facet.label, "name": facet.name}
    if facet.span is not None:
        return {**told, "least": facet.span.least, "most": facet.span.most}
    return {**told, "values": [[v, facet.shown(v), counts.get(v, 0)] for v in facet.values]}


def where_of(offered: Sequence[Facet], data: object) -> dict[str, list[str] | Range]:
    """What a visitor chose, as a filter; labels that nothing was chosen of are left out.

    data: from the browser, label -> list of values, or {"least": number or None, "most": the same}.
    Raises: QueryError for what no filter of this gallery offers.
    """
    if not isinstance(data, Mapping):
        return {}
    known = {facet.label: facet for facet in offered}
    found: dict[str, list[str] | Range] = {}
    for label, chosen in data.items():
        if not chosen:
            continue
        if label not in known:
            raise QueryError("The page asked for a filter that this gallery does not have; reload the page.")
        wanted = _wanted(known[label], chosen)
        if wanted is not None:
            found[label] = wanted
    return found


def _wanted(facet: Facet, chosen: object) -> list[str] | Range | None:
    if facet.span is None:
        if not isinstance(chosen, list):
            raise QueryError(f"The filter {facet.name} was not understood; choose its values again.")
        return [v for v in facet.values if v in set(map(str, chosen))]
    ends = [chosen.get(k) for k in ("least", "most")] if isinstance(chosen, Mapping) else [None, None]
    if not all(e is None or _finite(e) for e in ends):
        raise QueryError(f"{facet.name} needs numbers, such as {facet.span.least:g} to {facet.span.most:g}.")
    least, most = (None if e is None else float(e) for e in ends)
    if least is None and most is None:
        return None
    if least is not None and most is not None and least > most:
        raise QueryError(f"{facet.name} from {least:g} to {most:g} keeps nothing; the first number must be the smaller one.")
    return Range(least, most)


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def filters_said(offered: Sequence[Facet], where: Where) -> str:
    """A filter in words: "Category Dress or Skirt, Price 10 to 50"; empty where there is none."""
    return ", ".join(f"{f.name} {_said(f, where[f.label])}" for f in offered if where.get(f.label))


def _said(facet: Facet, wanted: object) -> str:
    if isinstance(wanted, Range):
        if wanted.least is None or wanted.most is None:
            return f"up to {wanted.most:g}" if wanted.least is None else f"from {wanted.least:g}"
        return f"{wanted.least:g} to {wanted.most:g}"
    shown = [facet.shown(v) for v in wanted]  # type: ignore[attr-defined]
    last = shown.pop() if len(shown) <= SAID else f"{len(shown) - SAID + 1} more"
    return " or ".join(filter(None, [", ".join(shown[: SAID - 1]), last]))
