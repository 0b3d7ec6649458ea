"""Explanation maps of a comparison, both ways: what of each photo its likeness to the other rests on."""

from __future__ import annotations

import numpy as np

from asen_core.engine import Engine
from asen_core.review.compare import Comparison
from asen_core.review.evidence.pair import Maps
from asen_core.review.explain.saliency import DEFAULT, METHODS, Settings, explained

_BATCH = 16


def maps_of(engine: Engine, found: Comparison, settings: Settings = DEFAULT, seed: int = 0) -> Maps:
    """Per attribute a map (h, w) float32 in 0..1 of the photo shown of either design, made by random masks.

    All attributes of one photo are explained by the same masks. Raises: QueryError for settings that can't be used.
    """
    maps: dict[str, list[np.ndarray | None]] = {name: [None, None] for name in found.features}
    for side, design in enumerate((found.first, found.second)):
        for number, shot in enumerate(design.shots):
            names = [n for n, f in found.features.items() if f.shots[side] == number]
            others = {name: found.views(name)[1 - side] for name in names}
            for name, one in explained(engine, shot.garment, others, METHODS[0], settings, seed, _BATCH).items():
                maps[name][side] = one.strength
    return {name: (first, second) for name, (first, second) in maps.items()}
