"""Which garments FashionAI's layout holds: one label a photo, values in the proportions of the official split."""

from __future__ import annotations

import numpy as np

from asen_core.data.layout.garments import order
from asen_core.data.layout.plan import Plan, Sizes
from asen_core.data.layout.shares import CANDIDATES, QUERIES, apportioned


def plan(sizes: Sizes, seed: int) -> dict[str, Plan]:
    """Split -> its photos. The same seed orders the same photos."""
    return {part: _plan(part, count, seed) for part, count in vars(sizes).items()}


def _plan(part: str, count: int, seed: int) -> Plan:
    number = ("train", "valid", "test").index(part)
    asked = round(count / 5)
    rows = [(pair, True) for pair in apportioned(QUERIES, asked)]
    rows += [(pair, False) for pair in apportioned(CANDIDATES, count - asked)]
    mixed = np.random.default_rng([seed, number]).permutation(len(rows)).tolist()
    orders = tuple(order(part, *rows[place][0], (seed, number, i)) for i, place in enumerate(mixed))
    return Plan(orders, frozenset(i for i, place in enumerate(mixed) if rows[place][1]))
