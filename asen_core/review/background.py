"""How alike two different garments are by chance: a stored sample of pairs, by which any weighing has a percentile."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from asen_core import arrays, files
from asen_core.errors import GalleryError, QueryError
from asen_core.gallery import Gallery
from asen_core.gallery.manifest import PAIRS as FILE
from asen_core.gallery.manifest import UNFINISHED, VECTORS, superseded
from asen_core.types import Item

PAIRS, GARMENTS = 40_000, 5_000
"""How many pairs are kept, and of how many garments at most they are drawn."""
CATEGORY = "category"
"""The attribute, and the label, that says what kind of garment it is."""
_CHUNK, _FEW = 4096, 9


@dataclass(frozen=True)
class Standing:
    """How unusual a similarity is: `percent` of `pairs` pairs of different garments are less alike.

    The pair itself is counted among them, so it is never 100 and few pairs never make a high one (Phipson and Smyth 2010,
    "Permutation p-values should never be zero"). category: the kind of garment that both of each pair are; empty where pairs
    of all kinds were taken.
    """

    percent: float
    pairs: int
    category: str = ""


@dataclass(frozen=True, eq=False)
class Background:
    """Cosines of pairs of different garments.

    any: (P, A) float32, pairs of all kinds; same: category -> (Q, A) float32, pairs in which both are of that kind;
    attributes: of the A columns; source: what garments these were, for people; garments: how many; fingerprint: checkpoint;
    vectors: digest of the gallery's vectors that they are pairs of, empty where they are pairs of other photos.
    """

    attributes: tuple[str, ...]
    any: np.ndarray
    same: Mapping[str, np.ndarray]
    source: str
    garments: int
    fingerprint: str
    vectors: str = ""

    def standing(
        self, similarity: float, weights: Mapping[str, float], category: str = "", chances: int = 1
    ) -> Standing | None:
        """Where a weighted mean of cosines stands among the pairs; None where there are none of that category.

        weights: attribute -> weight >= 0; a single attribute's own similarity has {attribute: 1}. chances: how many pairs of
        photos this similarity is the highest of, each attribute's for itself: the share is then that of garments whose best
        of as many is less alike (Šidák; of several attributes by drawing as many pairs). That is cautious, as photos of one
        garment resemble each other. Raises: QueryError for weights that can't be used or chances under 1.
        """
        found = self.percents(np.array([similarity]), weights, category, chances)
        table = self.same.get(category) if category else self.any
        return None if found is None or table is None else Standing(float(found[0]), len(table), category)

    def percents(
        self, similarities: np.ndarray, weights: Mapping[str, float], category: str = "", chances: int = 1
    ) -> np.ndarray | None:
        """`standing` of many at once: (N,) float64 percent of (N,) similarities. Raises: QueryError as `standing`."""
        shares = self._shares(weights)
        if chances < 1:
            raise QueryError(f"A similarity is the highest of at least 1 pair of photos, got {chances}.")
        table = self.same.get(category) if category else self.any
        if table is None or not len(table):
            return None
        columns = np.flatnonzero(shares)
        found = table[:, columns]
        if len(columns) > 1 and chances > 1:
            found, chances = _best_of(found, chances), 1
        means, values = found @ shares[columns], np.asarray(similarities, np.float32)
        less = np.searchsorted(np.sort(means), values) if len(values) > _FEW else (means < values[:, None]).sum(axis=1)
        return 100 * (less / (len(table) + 1)) ** chances

    def _shares(self, weights: Mapping[str, float]) -> np.ndarray:
        """(A,) float32, sums to 1."""
        if unknown := sorted(set(weights) - set(self.attributes)):
            raise QueryError(f"The background knows no {', '.join(unknown)}; it has {', '.join(self.attributes)}.")
        shares = np.array([weights.get(a, 0.0) for a in self.attributes], np.float64)
        total = float(shares.sum())
        if not (math.isfinite(total) and total > 0 and (shares >= 0).all()):
            raise QueryError(f"Weights must be numbers of 0 or more and one of them over 0, got {dict(weights)}.")
        return (shares / total).astype(np.float32)


def sampled(
    vectors: np.ndarray, categories: Sequence[str], attributes: Sequence[str], source: str, fingerprint: str, seed: int = 0,
    shares: np.ndarray | None = None,
) -> Background:  # fmt: skip
    """The background of garments with vectors (N, A, D), unit norm: 40,000 random pairs of any kind, about as many of one.

    categories: of each garment, "" where unknown; those of one kind are taken by how many pairs each kind has.
    shares: (N,) how often each garment is taken, where some stand for more garments than others; None takes all alike.
    """
    rng = np.random.default_rng(seed)
    kinds = {kind: np.flatnonzero(np.array(categories, dtype=str) == kind) for kind in sorted(set(categories) - {""})}
    possible = {kind: len(at) * (len(at) - 1) // 2 for kind, at in kinds.items()}
    room = PAIRS / max(sum(possible.values()), 1)
    same = {
        kind: _cosines(vectors, _drawn(at, min(possible[kind], max(round(possible[kind] * room), 500)), rng, shares))
        for kind, at in kinds.items()
        if possible[kind]
    }
    every = _cosines(vectors, _drawn(np.arange(len(vectors)), PAIRS, rng, shares))
    return Background(tuple(attributes), every, same, source, len(vectors), fingerprint)


def of_gallery(gallery: Gallery) -> Background:
    """The background that lies with a gallery; where none does, that of the gallery's own garments, computed anew.

    So it is too where the one that lies there belongs to a newer gallery, which took the place of this one.

    Raises: GalleryError where the stored one is damaged, or belongs to another checkpoint or other vectors.
    """
    path, manifest = gallery.directory / FILE, gallery.manifest
    if not path.exists():
        return measured(gallery)
    found, mend = read(path, manifest.fingerprint), _mend(path)
    if found.vectors not in ("", manifest.sha256[VECTORS]):
        if superseded(gallery.directory, manifest):
            return measured(gallery)
        raise GalleryError(f"The background {path} belongs to other vectors than the gallery's; {mend}.")
    if found.attributes != gallery.attributes:
        names = (", ".join(known) for known in (found.attributes, gallery.attributes))
        raise GalleryError("The background {} is of {}, the gallery of {}; {}.".format(path, *names, mend))
    return found


def measured(gallery: Gallery, kinds: Mapping[str, str] | None = None, seed: int = 0) -> Background:
    """The background of a gallery's own garments, of at most 5,000 random ones.

    kinds: id -> category of the items that have no label `category`.
    """
    among = chosen(gallery, seed)
    shape = (len(among), len(gallery.attributes), gallery.manifest.dim)
    spaces = np.array([gallery.vectors(item.id) for item in among], np.float32).reshape(shape)
    read_as = [item.labels.get(CATEGORY) or (kinds or {}).get(item.id, "") for item in among]
    part = "" if len(among) == len(gallery) else f"{len(among):,} of "
    source = f"{part}the {len(gallery):,} garments of the gallery"
    found = sampled(spaces, read_as, gallery.attributes, source, gallery.manifest.fingerprint, seed)
    return replace(found, vectors=gallery.manifest.sha256[VECTORS])


def chosen(gallery: Gallery, seed: int = 0) -> list[Item]:
    """The items of a gallery that `measured` takes, in their order."""
    if len(gallery) <= GARMENTS:
        return list(gallery.items)
    numbers = np.random.default_rng(seed).choice(len(gallery), GARMENTS, replace=False)
    return [gallery.items[i] for i in sorted(numbers.tolist())]


def write(path: Path, background: Background) -> None:
    """Store a background, at once. Cosines are rounded to 1/32,767. Raises: GalleryError where it can't be written."""
    plain = {name: getattr(background, name) for name in ("source", "garments", "fingerprint", "vectors")}
    names = {"attributes": np.array(background.attributes, dtype=str), "kinds": np.array(list(background.same), dtype=str)}
    tables = {f"same{i}": _packed(table) for i, table in enumerate(background.same.values())}
    try:
        part = path.with_name(path.name + UNFINISHED)
        files.write_arrays(path, part, {**names, "any": _packed(background.any), **plain, **tables}, compressed=True)
    except OSError as reason:
        raise GalleryError(f"The background can't be written to {path} ({reason}); give a folder you may write to.") from reason


def read(path: Path, fingerprint: str) -> Background:
    """A stored background. Raises: GalleryError where it is missing, damaged or of another checkpoint."""
    mend = _mend(path)
    try:
        files.check_archive(path)
        stored = arrays.load_archive(path)
        kinds = [str(k) for k in stored["kinds"]]
        found = Background(
            tuple(str(a) for a in stored["attributes"]), _unpacked(stored["any"]),
            {k: _unpacked(stored[f"same{i}"]) for i, k in enumerate(kinds)},
            str(stored["source"]), int(stored["garments"]), str(stored["fingerprint"]), str(stored["vectors"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as reason:
        raise GalleryError(f"The background {path} can't be read ({str(reason)[:120]}); {mend}.") from reason
    if found.fingerprint != fingerprint:
        raise GalleryError(
            f"The background {path} was made with checkpoint {found.fingerprint[:12]}, {fingerprint[:12]} is in use; {mend}."
        )
    if any(t.ndim != 2 or t.shape[1] != len(found.attributes) for t in (found.any, *found.same.values())):
        raise GalleryError(f"The background {path} is damaged: its tables don't fit its attributes; {mend}.")
    return found


def _mend(path: Path) -> str:
    return f"make it anew with: python -m asen_core background --gallery {path.parent}"


def _best_of(table: np.ndarray, chances: int) -> np.ndarray:
    """(P, A): each attribute's highest of `chances` random rows, the same rows for all of them; always the same draws."""
    rng = np.random.default_rng(0)
    best = table.copy()
    for _ in range(chances - 1):
        np.maximum(best, table[rng.permutation(len(table))], out=best)
    return best


def _drawn(among: np.ndarray, count: int, rng: np.random.Generator, shares: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Positions of pairs of different ones: all pairs where `count` reaches for them, else (or by shares) random ones."""
    n = len(among)
    if shares is None and n * (n - 1) // 2 > count:
        first = rng.integers(n, size=count)
        return among[first], among[(first + rng.integers(1, n, size=count)) % n]
    first, second = np.triu_indices(n, 1)
    if shares is not None:
        chance = shares[among][first] * shares[among][second]
        at = rng.choice(len(first), count, p=chance / chance.sum()) if chance.any() else np.zeros(0, np.int64)
        first, second = first[at], second[at]
    return among[first], among[second]


def _cosines(vectors: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    first, second = pairs
    parts = [slice(i, i + _CHUNK) for i in range(0, len(first), _CHUNK)]
    rows = [np.einsum("pad,pad->pa", vectors[first[p]], vectors[second[p]], dtype=np.float32) for p in parts]
    return np.concatenate(rows) if rows else np.zeros((0, vectors.shape[1]), np.float32)


def _packed(cosines: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(cosines, -1, 1) * 32767).astype(np.int16)


def _unpacked(stored: np.ndarray) -> np.ndarray:
    if stored.dtype != np.int16:
        raise ValueError(f"cosines as {stored.dtype}, expected int16")
    return stored.astype(np.float32) / 32767
