"""Several attributes in one query: shares of what shall be alike, limits to what shall differ."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from asen_core.errors import QueryError
from asen_core.gallery.background import percentile
from asen_core.gallery.store import GalleryStore
from asen_core.types import Match, Matches, Where

Unlike = Mapping[str, float] | Collection[str]
"""Attribute -> the largest cosine that a garment may have there; names alone leave that to the gallery (`limit`)."""

PENALTY = 0.3
"""What a cosine takes away where garments shall differ, beside the limit: so what is surely different comes first.

Chosen on valid photos; 0.2 to 0.5 do equally well. Cosines of different attributes are spread alike, so none is scaled.
"""
WIDEST = 0.5
"""No cosine above this counts as different: in a gallery whose garments have all one value, none is."""
SAMPLE = 512
"""Garments whose pairs tell how unusual a mixed similarity is."""
_REMEMBERED = 16


@dataclass(frozen=True)
class Mix:
    """weights: attribute -> share, above 0, in sum 1; unlike: attribute -> the largest cosine that a garment may have there."""

    weights: Mapping[str, float]
    unlike: Mapping[str, float]

    @property
    def alone(self) -> str | None:
        """The attribute, where it is a plain search in one."""
        return next(iter(self.weights)) if len(self.weights) == 1 and not self.unlike else None

    def signed(self, attributes: Sequence[str]) -> np.ndarray:
        """(A,) float32: the shares, and -0.3 for what shall differ."""
        return np.array([-PENALTY if a in self.unlike else self.weights.get(a, 0.0) for a in attributes], np.float32)

    def most(self, attributes: Sequence[str]) -> dict[int, float]:
        """Attribute number -> limit, as a store takes it."""
        return {attributes.index(name): limit for name, limit in self.unlike.items()}

    def __str__(self) -> str:
        """For people: "neckline 0.7 + sleeve 0.3, unlike pattern"; one attribute without its share."""
        shares = [name if len(self.weights) == 1 else f"{name} {round(s, 2):g}" for name, s in self.weights.items()]
        return " + ".join(shares) + (f", unlike {' and '.join(self.unlike)}" if self.unlike else "")


def mix_of(
    attributes: Sequence[str], background: np.ndarray, weights: Mapping[str, float], unlike: Unlike = ()
) -> Mix:  # fmt: skip
    """A question as it is searched. background: (A, Q), of which limits are taken that are not given.

    weights: none negative, not all 0; an attribute of weight 0 is left out.
    Raises: QueryError for unknown attributes, such weights, limits outside -1..1, or an attribute both wanted and unlike.
    """
    if not isinstance(weights, Mapping) or isinstance(unlike, str):
        raise QueryError('Give weights as {"neckline": 0.7, "sleeve": 0.3} and what shall differ as ["pattern"].')
    if unknown := [a for a in (*weights, *unlike) if a not in attributes]:
        raise QueryError(f"Unknown attribute {', '.join(map(repr, unknown))}; this gallery knows {', '.join(attributes)}.")
    if wrong := [a for a, w in weights.items() if not (math.isfinite(w) and w >= 0)]:
        raise QueryError(f"The weight of {wrong[0]} must be a number of 0 or more, got {weights[wrong[0]]}.")
    shares = {a: float(w) for a, w in weights.items() if w > 0}
    if not shares:
        raise QueryError("No attribute has a weight above 0; say in what the garments shall be alike.")
    if both := [a for a in unlike if a in shares]:
        raise QueryError(f"{both[0]} is wanted alike and different at once; leave it out on one side.")
    limits = {a: unlike[a] if isinstance(unlike, Mapping) else limit(background[attributes.index(a)]) for a in unlike}
    if wrong := [a for a, most in limits.items() if not -1 <= most <= 1]:
        raise QueryError(f"The largest similarity in {wrong[0]} must lie in -1..1, got {limits[wrong[0]]}.")
    total = math.fsum(shares.values())
    return Mix({a: w / total for a, w in shares.items()}, {a: float(most) for a, most in limits.items()})


def limit(quantiles: np.ndarray) -> float:
    """The largest cosine that counts as different: where the gallery's pairs, (Q,) rising, fall best into two heaps.

    It is the threshold of Otsu (IEEE Trans. SMC 1979), at most 0.5, and 0.5 without pairs.
    """
    q = np.asarray(quantiles, np.float64)
    if len(q) < 2:
        return WIDEST
    lower = np.arange(1, len(q))
    between = (np.cumsum(q)[:-1] - lower * q.mean()) ** 2 / (lower * (len(q) - lower))
    at = int(between.argmax())
    return min(WIDEST, float(q[at] + q[at + 1]) / 2)


class Mixer:
    """A store asked for mixtures, with what is needed to say how unusual their similarities are. Safe to share."""

    def __init__(self, store: GalleryStore, background: np.ndarray) -> None:
        """background: (A, Q), the store's."""
        self._store, self._background = store, background
        self._attributes = store.manifest.attributes
        self._sorted: dict[bytes, np.ndarray] = {}

    def search(
        self, vectors: np.ndarray, weights: Mapping[str, float], unlike: Unlike = (), k: int = 20, where: Where | None = None,
        least: float | None = None,
    ) -> Matches:  # fmt: skip
        """As `Gallery.mix`, for vectors (A, D) and k that were looked at already."""
        mix = mix_of(self._attributes, self._background, weights, unlike)
        if mix.alone:
            number = self._attributes.index(mix.alone)
            positions, similarities = self._store.search(number, vectors[number], k, where)
        else:
            signed, most = mix.signed(self._attributes), mix.most(self._attributes)
            positions, similarities = self._store.mixed(vectors, signed, k, where, most)
        if least is not None:
            positions, similarities = positions[similarities >= least], similarities[similarities >= least]
        hits = self._hits(mix, positions, similarities)
        return Matches(str(mix), tuple(hits), self._store.count(where))

    def _hits(self, mix: Mix, positions: np.ndarray, similarities: np.ndarray) -> Iterator[Match]:
        if not len(positions):
            return
        pairs = self._pairs(mix)
        for item, similarity in zip(self._store.items(positions.tolist()), similarities.tolist(), strict=True):
            yield Match(item, min(1.0, max(-1.0, similarity)), percentile(pairs, similarity))

    def _pairs(self, mix: Mix) -> np.ndarray:
        """Rising similarities of the gallery's own pairs under the same weights."""
        if mix.alone:
            return self._background[self._attributes.index(mix.alone)]
        signed = mix.signed(self._attributes)
        pairs = self._sorted.get(asked := signed.tobytes())
        if pairs is None:
            if len(self._sorted) >= _REMEMBERED:
                self._sorted.clear()
            self._sorted[asked] = pairs = np.sort(signed @ self._sampled)
        return pairs

    @cached_property
    def _sampled(self) -> np.ndarray:
        """(A, P) float32: cosines of the pairs of 512 random items, or of all where there are fewer."""
        count = self._store.manifest.count
        rows = np.sort(np.random.default_rng(0).choice(count, min(SAMPLE, count), replace=False))
        space = self._store.vectors(rows).transpose(1, 0, 2)  # (A, n, D)
        first, second = np.triu_indices(len(rows), 1)
        return np.stack([(s @ s.T)[first, second] for s in space]) if len(space) else np.zeros((0, len(first)), np.float32)
