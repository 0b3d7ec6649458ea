"""Two designs side by side: per attribute how alike they are, and how unusual that is among different garments."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asen_core.errors import QueryError
from asen_core.review.background import Background, Standing
from asen_core.review.design import Design
from asen_core.types import View

FLIPPED, GAIN = 0.7, 0.001
"""A mirrored photo is clearly more alike where it leaves at most this share of the distance, 1 - cosine, and gains as much."""
_TOP = ("neckline", "collar", "sleeve", "closure", "top_length")
_LACKS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("skirt", "trousers", "shorts"), _TOP),
    **dict.fromkeys(("t_shirt", "shirt", "top", "tank_top", "sweater", "sweatshirt", "outerwear"), ("bottom_length",)),
    **dict.fromkeys(("underwear", "shoes", "bag", "hat", "accessory"), (*_TOP, "bottom_length")),
}
_Likeness = tuple[float, float, Standing | None, Standing | None]


@dataclass(frozen=True)
class Likeness:
    """A cosine in [-1, 1] and where it stands among pairs of different garments.

    mirrored: the same with the first design's photos mirrored. standing: among pairs of all kinds (None: there are none);
    within: among pairs of the kind that both designs are read as; None where they differ or there is no such pair.
    """

    similarity: float
    mirrored: float
    standing: Standing | None
    within: Standing | None

    @property
    def flipped(self) -> bool:
        """Whether the mirrored photos are clearly more alike: they leave at most 70 % of the distance.

        So it is with 1 of 3,000 pairs of different garments, with nearly all mirrored photos, and less than half of those
        that were cropped too.
        """
        return self.mirrored - self.similarity >= GAIN and 1 - self.mirrored <= FLIPPED * (1 - self.similarity)


@dataclass(frozen=True)
class Feature(Likeness):
    """One attribute's likeness.

    shots: which photo of each design is the closest, and what is shown. applies: whether garments as both are read have this
    attribute; the necklines of two trousers are alike, but say nothing.
    """

    attribute: str
    shots: tuple[int, int]
    applies: bool = True


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two designs compared. overall: the weighted mean of the features; weights: attribute -> share, they sum to 1.

    source: what garments the standings come from, for people; garments: how many these were.
    """

    first: Design
    second: Design
    features: Mapping[str, Feature]
    overall: Likeness
    weights: Mapping[str, float]
    source: str
    garments: int = 0

    def views(self, attribute: str) -> tuple[View, View]:
        """What is shown of an attribute: the closest photos of both."""
        i, j = self.features[attribute].shots
        return self.first.shots[i].views[attribute], self.second.shots[j].views[attribute]

    @property
    def category(self) -> str:
        """The kind that both are read as; empty where they differ."""
        return self.first.category if self.first.category == self.second.category else ""


def compare(first: Design, second: Design, background: Background, weights: Mapping[str, float] | None = None) -> Comparison:
    """Compare two designs under every attribute of the background.

    Of several photos the closest pair counts, per attribute. weights: attribute -> weight >= 0 for the overall likeness; those
    not named weigh 0, None weighs all alike. Raises: QueryError for unknown attributes or weights that can't be used.
    """
    names = background.attributes
    shares = shared_out(weights, names)
    category = first.category if first.category == second.category else ""
    direct = _table(first, second, names)
    turned = _table(first, second, names, mirrored=True)
    chances = direct[0].size

    def likeness(value: float, mirrored: float, by: Mapping[str, float]) -> _Likeness:
        every = background.standing(value, by, "", chances)
        return value, mirrored, every, background.standing(value, by, category, chances) if category else None

    features = {}
    for a, name in enumerate(names):
        i, j = np.unravel_index(int(direct[a].argmax()), direct[a].shape)
        found = likeness(float(direct[a, i, j]), float(turned[a].max()), {name: 1.0})
        had = not any(name in _LACKS.get(design.category, ()) for design in (first, second))
        features[name] = Feature(*found, attribute=name, shots=(int(i), int(j)), applies=had)
    mean, mirrored = (sum(s * float(t[a].max()) for a, s in enumerate(shares.values())) for t in (direct, turned))
    whole = Likeness(*likeness(mean, mirrored, shares))
    return Comparison(first, second, features, whole, shares, background.source, background.garments)


def shared_out(weights: Mapping[str, float] | None, names: Sequence[str]) -> dict[str, float]:
    """Attribute -> share of the overall likeness, summing to 1. Raises: QueryError."""
    given = dict.fromkeys(names, 1.0) if weights is None else dict(weights)
    if unknown := [a for a in given if a not in names]:
        raise QueryError(f"Unknown attribute {', '.join(map(repr, unknown))} among the weights; known: {', '.join(names)}.")
    if wrong := [a for a, w in given.items() if not (math.isfinite(w) and w >= 0)]:
        raise QueryError(f"The weight of {wrong[0]} must be a number of 0 or more, got {given[wrong[0]]}.")
    total = sum(given.values())
    if not total > 0:
        raise QueryError("All weights are 0; give at least one attribute some weight.")
    return {a: given.get(a, 0.0) / total for a in names}


def _table(first: Design, second: Design, names: Sequence[str], mirrored: bool = False) -> np.ndarray:
    """(A, m, n): the cosine of each photo of the first design with each of the second, under each attribute."""
    a, b = _stacked(first, names, mirrored), _stacked(second, names, False)
    return np.clip(np.einsum("mad,nad->amn", a, b), -1, 1)


def _stacked(design: Design, names: Sequence[str], mirrored: bool) -> np.ndarray:
    """(m, A, D) embeddings."""
    looked = [shot.mirrored if mirrored else shot.views for shot in design.shots]
    if missing := [n for n in names if any(n not in views for views in looked)]:
        raise QueryError(f"{design.name} was not looked at under {', '.join(missing)}; look at it under every attribute.")
    return np.stack([np.stack([views[n].embedding for n in names]) for views in looked])
