"""Pairs to explain: drawn garments that share exactly one attribute, and real photos with their nearest of the same value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asen_core.data.labels import Photo
from asen_core.data.render import Spec, sample

ATTRIBUTES = ("neckline", "collar", "sleeve", "closure", "pattern", "top_length", "bottom_length")
"""Of the real pairs: what the labels of the photos name."""
LEAST = 0.5
"""Cosine from which on two real photos match."""
_POOL = 6_000


@dataclass(frozen=True)
class Shared:
    """Two drawings that differ in every labelled attribute but this one."""

    attribute: str
    first: Spec
    second: Spec


def shared_pairs(count: int, seed: int, attributes: Sequence[str], pool: int = _POOL) -> list[Shared]:
    """`count` pairs, spread evenly over the attributes, of garments to which the same attributes apply.

    Raises: ValueError where the pool has no such pair for an attribute.
    """
    specs = [sample(seed, index) for index in range(pool)]
    labels = [dict(spec.labels) for spec in specs]
    rng = np.random.default_rng([seed, 1])
    found: list[Shared] = []
    for number in range(count):
        attribute = attributes[number % len(attributes)]
        among = rng.permutation([i for i, known in enumerate(labels) if attribute in known])
        found.append(_shared(attribute, specs, labels, among, rng))
    return found


def _shared(
    attribute: str, specs: Sequence[Spec], labels: Sequence[Mapping[str, str]], among: np.ndarray, rng: np.random.Generator
) -> Shared:
    for i in among:
        for j in rng.permutation(among)[:400]:
            a, b = labels[i], labels[j]
            if i != j and a.keys() == b.keys() and [name for name in a if a[name] == b[name]] == [attribute]:
                return Shared(attribute, specs[i], specs[j])
    raise ValueError(f"No two of {len(specs)} drawings share the {attribute} and nothing else; draw a larger pool.")


def nearest(photos: Sequence[Photo], vectors: np.ndarray, attribute: str, column: int, count: int) -> list[tuple[Photo, Photo]]:
    """`count` pairs of a photo and its nearest other one with the same value, in an attribute's space; values take turns.

    A photo whose nearest is less alike than `LEAST` has no match to explain and is passed over. vectors: (N, A, D) float32,
    unit norm, of the photos; column: the attribute's. Raises: ValueError where there are too few.
    """
    of_value: dict[str, list[int]] = {}
    for i, photo in enumerate(photos):
        if attribute in photo.labels:
            of_value.setdefault(photo.labels[attribute], []).append(i)
    queues = []
    for _, at in sorted(of_value.items()):
        alike = vectors[at, column] @ vectors[at, column].T
        np.fill_diagonal(alike, -2)
        queues.append([(at[i], at[int(row.argmax())]) for i, row in enumerate(alike) if row.max() >= LEAST])
    turns = range(max(map(len, queues), default=0))
    pairs = [(photos[queue[turn][0]], photos[queue[turn][1]]) for turn in turns for queue in queues if turn < len(queue)]
    if len(pairs) < count:
        raise ValueError(f"Only {len(pairs)} photos have one alike with the same {attribute}, {count} are needed.")
    return pairs[:count]
