"""Which colour each garment has on a map, in the app and in figures: one per value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

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
    """One line of a legend.

    value: as labelled, "" for no label; count: of its garments; values: how many it stands for; hue: the number of its colour
    among the hues, None for a grey or a colour of cloth.
    """

    value: str
    colour: str
    count: int
    values: int = 1
    hue: int | None = None


@dataclass(frozen=True, eq=False)
class Legend:
    """numbers: (N,) uint8, the entry of each item; the grey ones are last."""

    entries: tuple[Entry, ...]
    numbers: np.ndarray


def legend(labels: Sequence[str], hues: Sequence[str] = HUES, order: Sequence[str] = ()) -> Legend:
    """Colours of garments by their labels of one attribute, "" where there is none; values beyond the hues share the grey.

    order: the attribute's values. Where there are hues for all of them, each keeps its own, whichever values occur and however
    often, and the entries are in this order; else the most frequent value comes first.
    """
    counts = sorted(Counter(filter(None, labels)).items(), key=lambda pair: (-pair[1], pair[0]))
    cloth = all(value in _CLOTH for value, _ in counts)
    own = counts if cloth or len(counts) <= len(hues) else counts[: len(hues) - 1]
    place = {v: i for i, (v, _) in enumerate(own)}
    if len(order) <= len(hues) and place.keys() <= set(order) and not cloth:
        place = {v: order.index(v) for v in order if v in place}
    number = {v: i for i, v in enumerate(place)}
    count = dict(counts)
    entries = [Entry(v, _CLOTH[v], count[v]) if cloth else Entry(v, hues[i], count[v], hue=i) for v, i in place.items()]
    if rest := counts[len(own) :]:
        number |= dict.fromkeys([v for v, _ in rest], len(entries))
        entries.append(Entry("other", GREY, sum(n for _, n in rest), len(rest)))
    if bare := len(labels) - sum(n for _, n in counts):
        number[""] = len(entries)
        entries.append(Entry("", GREY, bare))
    return Legend(tuple(entries), np.array([number[v] for v in labels], np.uint8))
