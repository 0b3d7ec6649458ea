"""How many held-back pairs pass a stated percentile, how sure that is, and garments weighted to a known make-up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from asen_core.review.background import Background

STATED, FEWEST = 99.0, 500
"""The percentile that is tested; pairs of a category that its background needs to be tested."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """All pairs of some garments. cosines: (P, C), one column per attribute and the plain mean last; first, second: (P,)."""

    cosines: np.ndarray
    first: np.ndarray
    second: np.ndarray
    kinds: np.ndarray
    """(P,) the category of both, empty where they differ."""

    @classmethod
    def of(cls, vectors: np.ndarray, categories: Sequence[str]) -> Self:
        """vectors: (N, A, D), unit norm."""
        first, second = np.triu_indices(len(vectors), 1)
        columns = [(vectors[:, a] @ vectors[:, a].T)[first, second] for a in range(vectors.shape[1])]
        kinds = np.array(categories, dtype=str)
        same = np.where(kinds[first] == kinds[second], kinds[first], "")
        return cls(np.stack([*columns, np.mean(columns, axis=0)], axis=1), first, second, same)

    def only(self, chosen: np.ndarray) -> Pairs:
        """chosen: (P,) bool."""
        return Pairs(self.cosines[chosen], self.first[chosen], self.second[chosen], self.kinds[chosen])

    def within(self) -> dict[str, Pairs]:
        """Category -> the pairs of which both are of it."""
        return {str(k): self.only(self.kinds == k) for k in np.unique(self.kinds) if k}

    @cached_property
    def order(self) -> np.ndarray:
        """(P, C) rows by rising cosine."""
        return self.cosines.argsort(axis=0)

    def weights(self, garments: np.ndarray) -> np.ndarray:
        """(P,) from how often each garment is taken."""
        return garments[self.first] * garments[self.second]


def stated_above(background: Background, held: Pairs) -> tuple[list[float], int]:
    """Per column the share of held-back pairs that the background puts above the percentile, and how many pairs there are."""
    hits = [(p > STATED).mean() for p in _percents(background, held, "")]
    return [float(h) for h in hits], len(held.cosines)


def stated_above_within(background: Background, held: Pairs) -> tuple[list[float], int]:
    """The same among pairs of one category, each held against its category's own pairs, where there are enough of these.

    No shares where there is no such category.
    """
    tested = {k: p for k, p in held.within().items() if len(background.same.get(k, ())) >= FEWEST}
    count = sum(len(p.cosines) for p in tested.values())
    hits = [[(p > STATED).sum() for p in _percents(background, pairs, k)] for k, pairs in tested.items()]
    return [float(h) / count for h in np.sum(hits, axis=0)] if count else [], count


def _percents(background: Background, held: Pairs, kind: str) -> list[np.ndarray]:
    weights = [*({a: 1.0} for a in background.attributes), dict.fromkeys(background.attributes, 1.0)]
    found = [background.percents(held.cosines[:, c], w, kind) for c, w in enumerate(weights)]
    return [f for f in found if f is not None]


def intervals(
    own: Pairs, shares: np.ndarray, held: Pairs, among: Sequence[str], draws: int = 300, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """(C, 2) twice, over pairs of all kinds and of one: where 95 % of the shares lie with other garments on both sides; the
    second empty where `among` is.

    Efron's percentile bootstrap. shares: (N,) how often each of the background's garments is taken; among: the categories.
    """
    rng = np.random.default_rng(seed)
    split = [(own.within()[k], held.within()[k]) for k in among]
    every, within, garments = [], [], int(held.second.max()) + 1
    for _ in range(draws):
        one = np.bincount(rng.integers(len(shares), size=len(shares)), minlength=len(shares)) * shares
        two = np.bincount(rng.integers(garments, size=garments), minlength=garments).astype(float)
        every.append(np.divide(*_passing(own, one, held, two)))
        parts = [_passing(o, one, h, two) for o, h in split]
        if parts:
            within.append(sum(hits for hits, _ in parts) / sum(total for _, total in parts))
    ends = [np.percentile(rows, [2.5, 97.5], axis=0).T if rows else np.zeros((0, 2)) for rows in (every, within)]
    return ends[0], ends[1]


def _passing(own: Pairs, one: np.ndarray, held: Pairs, two: np.ndarray) -> tuple[np.ndarray, float]:
    """The weight of the held-back pairs above the percentile, per column, and that of all of them."""
    mine, theirs = own.weights(one), held.weights(two)
    total = float(theirs.sum())
    hits = np.zeros(own.cosines.shape[1])
    for c in range(len(hits)):
        rows = own.order[:, c]
        below = np.cumsum(mine[rows])
        if below[-1] > 0 and total > 0:
            at = min(int(np.searchsorted(below, STATED / 100 * below[-1])), len(rows) - 1)
            hits[c] = theirs[held.cosines[:, c] > own.cosines[rows[at], c]].sum()
    return hits, total


def raked(garments: Sequence[Mapping[str, str]], wanted: Sequence[Mapping[str, str]], columns: Sequence[str]) -> np.ndarray:
    """(N,) weights, summing to N, with which garments have the same make-up as wanted ones, column by column.

    Iterative proportional fitting (Deming and Stephan 1940). A value that only the wanted ones have is left out; one that
    none of them has gets no weight.
    """
    weights = np.ones(len(garments))
    aims = {c: Counter(row[c] for row in wanted) for c in columns}
    masks = {c: {v: np.array([row[c] == v for row in garments]) for v in {row[c] for row in garments}} for c in columns}
    for _ in range(100):
        for column, values in masks.items():
            reached = sum(aims[column][v] for v in values)
            for value, mask in values.items():
                held = weights[mask].sum()
                weights[mask] *= aims[column][value] / reached * len(garments) / held if held > 0 else 0.0
    return weights
