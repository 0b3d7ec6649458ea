"""Which colour each garment has on a map: one per value, the same in the app and in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asen_core.types import Item

GREY = "#8d8a86"
HUES = (
    "#3f74d8", "#e4702d", "#2f9a5d", "#cf3a55", "#8f59c7", "#dfa520", "#2aa5b8", "#e07bbb", "#96653f", "#86b53a",
    "#5a4fb3", "#f0a386", "#14706a", "#a52a7a", "#7ea6e6", "#b59b62",
)  # fmt: skip
"""Told apart on paper and on ink, neighbours in the row most of all; more values than these share the grey."""
_CLOTH: Mapping[str, str] = {
    "black": "#2a292d", "white": "#fbfaf6", "grey": "#96979c", "red": "#cc2f33", "orange": "#ec7d2a", "yellow": "#f0c733",
    "green": "#3c9450", "blue": "#3a70cf", "navy": "#26355f", "purple": "#8350b5", "pink": "#ee95b9", "brown": "#85573a",
    "beige": "#dcc7a0", "olive": "#77772f", "maroon": "#7a1f2e", "teal": "#188a8d", "multi": "#b9e33f",
}  # fmt: skip
"""A map of colours is read at once where the points have the colours that they stand for."""


@dataclass(frozen=True)
class Entry:
    """One line of a legend. value: as labelled, "" for no label; count: of its garments; values: how many it stands for."""

    value: str
    colour: str
    count: int
    values: int = 1


@dataclass(frozen=True, eq=False)
class Legend:
    """numbers: (N,) uint8, the entry of each item. The most frequent value is the first entry, the grey ones are last."""

    entries: tuple[Entry, ...]
    numbers: np.ndarray


def legend(items: Sequence[Item], attribute: str) -> Legend:
    """Colours of a gallery's items by their label of an attribute."""
    labels = [item.labels.get(attribute, "") for item in items]
    counts = sorted(Counter(filter(None, labels)).items(), key=lambda pair: (-pair[1], pair[0]))
    cloth = all(value in _CLOTH for value, _ in counts)
    own = counts if cloth or len(counts) <= len(HUES) else counts[: len(HUES) - 1]
    entries = [Entry(v, _CLOTH[v] if cloth else HUES[i], n) for i, (v, n) in enumerate(own)]
    number = {entry.value: i for i, entry in enumerate(entries)}
    if rest := counts[len(own) :]:
        number |= dict.fromkeys([v for v, _ in rest], len(entries))
        entries.append(Entry("other", GREY, sum(n for _, n in rest), len(rest)))
    if bare := labels.count(""):
        number[""] = len(entries)
        entries.append(Entry("", GREY, bare))
    return Legend(tuple(entries), np.array([number[v] for v in labels], np.uint8))
