"""Which attribute explains the match: the one that is alike, and whose own region bears the overall likeness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from asen_core.engine import Engine
from asen_core.errors import QueryError
from asen_core.review.background import Background, Standing
from asen_core.review.design import CATEGORY
from asen_core.review.explain.choice import attention_map
from asen_core.review.explain.saliency import DEFAULT, Settings, explained
from asen_core.types import Garment, View

QUICK = replace(DEFAULT, masks=32, cells=5, trials=0)
"""Each mask is looked at under all attributes here, which takes several times as long as under one."""
AGREEMENT = 0.1
"""Share of the agreement of regions in the score; the rest is how alike."""
_PARTS: Mapping[str, tuple[str, ...]] = {
    "lower": ("bottom_length", "pattern", "colour", CATEGORY),
    "other": ("pattern", "colour", CATEGORY),
}
_LOWER, _OTHER = ("skirt", "trousers", "shorts"), ("shoes", "bag", "hat", "accessory", "underwear")
_ONLY_LOWER = "bottom_length"


@dataclass(frozen=True)
class Reason:
    """How well one attribute explains a match: `score` in 0..1, higher explains better.

    similarity: the cosine in the attribute's space; agreement: in 0..1, of the attribute's own region with what the overall
    likeness rests on; standing: how unusual the similarity is among pairs of different garments, None without a background.
    """

    attribute: str
    score: float
    agreement: float
    similarity: float
    standing: Standing | None


def ranked(
    engine: Engine, first: Garment, second: Garment, background: Background | None = None, settings: Settings = QUICK,
    seed: int = 0, batch_size: int = 8,
) -> tuple[Reason, ...]:  # fmt: skip
    """The attributes that apply to both garments, the one that explains their match best first.

    After "Why do these match?" (Plummer et al., arXiv 1905.10797, section 3.2): the saliency map of the match, here of the
    mean likeness over the attributes, is compared (cosine) with each attribute's own map, its attention; the prior of that
    section, how much an attribute tells, is here how alike the two are in it. background: adds how unusual that is.

    Raises: QueryError where the background knows other attributes; PhotoError.
    """
    views = list(engine.views([first, second], None, 2))
    names = applying(views)
    if background is not None and (missing := [n for n in names if n not in background.attributes]):
        raise QueryError(f"The background has no pairs for {', '.join(missing)}; make it anew: python -m asen_core background")
    maps = explained(engine, first, {name: views[1][name] for name in names}, "masks", settings, seed, batch_size)
    overall = np.maximum(np.mean([maps[name].map for name in names], axis=0), 0)
    found = []
    for name in names:
        likeness = float(np.clip(views[0][name].embedding @ views[1][name].embedding, -1, 1))
        agreement = agreed(overall, attention_map(first, views[0][name], overall.shape))
        standing = background.standing(likeness, {name: 1.0}) if background is not None else None
        found.append(Reason(name, score(likeness, agreement), agreement, likeness, standing))
    return tuple(sorted(found, key=lambda reason: -reason.score))


def score(similarity: float, agreement: float) -> float:
    """0..1: how alike, and how far the attribute's own region is what the likeness rests on, weighed together.

    How unusual the likeness is stands beside it and does not count: with it, the attribute that two drawings share was named
    first less often, as rare and common values are then no longer judged alike.
    """
    return (1 - AGREEMENT) * max(similarity, 0.0) + AGREEMENT * agreement


def agreed(salient: np.ndarray, region: np.ndarray) -> float:
    """Cosine of two maps of one shape, both >= 0: 0 (apart) to 1 (alike up to scale); 0 where either is empty."""
    length = float(np.linalg.norm(salient) * np.linalg.norm(region))
    return float((salient * region).sum() / length) if length > 0 else 0.0


def applying(views: Sequence[Mapping[str, View]]) -> tuple[str, ...]:
    """The attributes that apply to every garment, by the kind that each is read as: trousers have no sleeve to be alike in.

    A model without kinds, or of another vocabulary, has all its attributes taken.
    """
    names = tuple(views[0])
    for seen in views:
        reading = seen[CATEGORY].reading if CATEGORY in seen else None
        kind = reading.value if reading else ""
        if kind in _LOWER + _OTHER:
            names = tuple(n for n in names if n in _PARTS["lower" if kind in _LOWER else "other"])
        elif kind:
            names = tuple(n for n in names if n != _ONLY_LOWER)
    return names
