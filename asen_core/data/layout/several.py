"""Which garments the layouts of DARN and DeepFashion hold: an even walk over what can be drawn, several labels a photo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from asen_core.data.labels import Regions, regions_of_masks
from asen_core.data.layout import words
from asen_core.data.layout.drawing import SIZE
from asen_core.data.layout.plan import Plan, Sizes
from asen_core.data.render import Spec, render, sample


@dataclass(frozen=True)
class Shot:
    """A whole garment, at `path` below the dataset's folder, with the attribute and value indices that it has there."""

    path: str
    labels: tuple[tuple[int, int], ...]
    spec: Spec

    def photo(self) -> tuple[np.ndarray, Regions]:
        garment = render(self.spec, *SIZE)
        return garment.pixels, regions_of_masks(garment.masks)


def darn(sizes: Sizes, seed: int) -> dict[str, Plan]:
    """Split -> its photos, pic/000000.jpg and on."""
    return _plans("DARN", sizes, seed, words.darn, lambda spec, number: f"pic/{number:06d}.jpg")


def deepfashion(sizes: Sizes, seed: int) -> dict[str, Plan]:
    """Split -> its photos, numbered within folders that are named after what they show, as shops name their goods."""
    counts: Counter[str] = Counter()

    def path(spec: Spec, number: int) -> str:
        folder = "_".join(part.title() for part in (spec.pattern, spec.fabric, spec.kind))
        counts[folder] += 1
        return f"img/{folder}/img_{counts[folder]:08d}.jpg"

    return _plans("DeepFashion", sizes, seed, words.deepfashion, path)


def _plans(
    dataset: str,
    sizes: Sizes,
    seed: int,
    words_of: Callable[[Spec], dict[str, tuple[str, ...]]],
    path: Callable[[Spec, int], str],
) -> dict[str, Plan]:
    """The garments of one walk: `train` first, so that no two splits share one; every fifth of valid and test asks."""
    plans, start = {}, 0
    for part, count in vars(sizes).items():
        specs = [sample(seed, number) for number in range(start, start + count)]
        shots = [Shot(path(spec, start + i), words.indices(dataset, words_of(spec)), spec) for i, spec in enumerate(specs)]
        asks = np.random.default_rng([seed, start]).permutation(count)[: round(count / 5)]
        plans[part] = Plan(tuple(shots), frozenset() if part == "train" else frozenset(asks.tolist()))
        start += count
    return plans
