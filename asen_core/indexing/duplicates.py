"""Photos of one picture among many: those whose hashes are near are compared with one another, and only then grouped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import faiss
import numpy as np

from asen_core import images
from asen_core.errors import GalleryError, PhotoError
from asen_core.review.prints import BITS, KINDS, Prints
from asen_core.review.same import same, small

NEAR: Mapping[str, int] = {"whole": 44, "garment": 52, "edges": 60}
"""Bits of 256 up to which two hashes are near enough to compare the photos.

Of valid photos cut by 2 % all are, by 5 % two in three; and 2 in 10,000 pairs of different photos.
"""
NEAREST = 8
"""Of each kind of hash, as many of the nearest others are compared: a shop that takes all photos alike has thousands."""
_QUERIES, _PAIRS, _KEPT = 1024, 1024, 20_000

Groups = tuple[tuple[int, ...], ...]


def near(prints: Prints, pictures: Sequence[Path]) -> Groups:
    """Groups of photos that are one picture: the same, saved again, resized or slightly cropped. Positions, rising.

    prints, pictures: of N photos in one order. Mirrored ones, other colours and added text are other pictures. Every photo of a
    group agrees with one of them, its middle, so that no chain of small steps joins what differs. Near pairs, of which a photo
    has a dozen at most or so, take about a millisecond each; for 200,000 photos the hashes take one core two minutes.

    Raises: GalleryError where a picture can't be read, ValueError where the numbers differ.
    """
    if len(prints) != len(pictures):
        raise ValueError(f"There must be a picture for each of {len(prints)} prints, got {len(pictures)}.")
    copies = _identical(prints)
    first = np.array(sorted(copies), np.int64)
    looks = _Looks(pictures)
    pairs = first[candidates(prints.bits[first])]
    agreeing: dict[int, set[int]] = {}
    for i, j in pairs[looks.agree(pairs)].tolist():
        agreeing.setdefault(i, set()).add(j)
        agreeing.setdefault(j, set()).add(i)
    stars = [star for some in _connected(agreeing) for star in _stars(some, agreeing, looks)]
    alone = set(copies).difference(*stars)
    groups = [sorted(p for i in star for p in copies[i]) for star in [*stars, *([i] for i in alone)]]
    return tuple(sorted(tuple(group) for group in groups if len(group) > 1))


def candidates(bits: np.ndarray) -> np.ndarray:
    """(P, 2) int64, each with the lower first and none twice: pairs of photos with a hash that is near. bits: (N, 3, 32) uint8.

    Per photo and kind of hash the 8 nearest; a picture of one tone has no hash and is in no pair.
    """
    found = [np.zeros((0, 2), np.int64)]
    for kind, name in enumerate(KINDS):
        hashed = np.flatnonzero(bits[:, kind].any(axis=1))
        hashes = np.ascontiguousarray(bits[hashed, kind])
        index = faiss.IndexBinaryFlat(BITS)
        index.add(hashes)
        for start in range(0, len(hashes), _QUERIES):
            ends, distances, others = index.range_search(hashes[start : start + _QUERIES], NEAR[name] + 1)
            own = np.repeat(np.arange(len(ends) - 1), np.diff(ends.astype(np.int64)))
            kept = np.lexsort((others, distances, own != others - start, own))  # itself first
            place = np.arange(len(own)) - ends.astype(np.int64)[own]
            kept = kept[(place > 0) & (place <= NEAREST)]
            found.append(hashed[np.stack([own[kept] + start, others[kept]], axis=1)])
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _identical(prints: Prints) -> dict[int, list[int]]:
    """Position of the first photo -> all with the same pixels, itself included."""
    at: dict[bytes, int] = {}
    copies: dict[int, list[int]] = {}
    for position, digest in enumerate(prints.sha256):
        copies.setdefault(at.setdefault(digest.tobytes(), position), []).append(position)
    return copies


def _connected(agreeing: Mapping[int, set[int]]) -> Iterator[list[int]]:
    """Photos that are linked, directly or through others."""
    seen: set[int] = set()
    for start in sorted(agreeing):
        if start in seen:
            continue
        found, waiting = {start}, [start]
        while waiting:
            new = agreeing[waiting.pop()] - found
            found |= new
            waiting += new
        seen |= found
        yield sorted(found)


def _stars(linked: list[int], agreeing: Mapping[int, set[int]], looks: _Looks) -> Iterator[list[int]]:
    """Linked photos as groups in which all agree with one; the one with the most that agree takes its group first."""
    left = set(linked)
    while left:
        middle = max(left, key=lambda i: (len(agreeing[i] & left), -i))
        group = {middle} | (agreeing[middle] & left)
        others = sorted(left - group)
        pairs = np.array([(middle, i) for i in others], np.int64).reshape(-1, 2)
        group |= {i for i, agree in zip(others, looks.agree(pairs), strict=True) if agree}
        yield sorted(group)
        left -= group


class _Looks:
    """Small copies of pictures, read when they are needed; some are kept."""

    def __init__(self, pictures: Sequence[Path]) -> None:
        self._pictures = pictures
        self._read: dict[int, np.ndarray] = {}

    def agree(self, pairs: np.ndarray) -> np.ndarray:
        """(P,) bool: which pairs of positions (P, 2) show one picture."""
        found = [np.zeros(0, bool)]
        for start in range(0, len(pairs), _PAIRS):
            sides = [np.stack([self._small(i) for i in side]) for side in pairs[start : start + _PAIRS].T.tolist()]
            found.append(same(*sides))
            if len(self._read) > _KEPT:
                self._read.clear()
        return np.concatenate(found)

    def _small(self, position: int) -> np.ndarray:
        if position not in self._read:
            path = self._pictures[position]
            try:
                self._read[position] = small(images.load(path))
            except PhotoError as reason:
                raise GalleryError(f"The picture {path} of the gallery can't be read: {reason}") from reason
        return self._read[position]
