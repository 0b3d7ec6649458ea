"""Where a photo, or an altered copy of one, comes from: a gallery searched by hash and by overall likeness at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asen_core.engine.rerank import stacked
from asen_core.errors import QueryError
from asen_core.gallery import Gallery
from asen_core.review.prints import KINDS, Print, Prints, of_gallery, printed
from asen_core.types import Garment, Item, View

LIMITS: Mapping[str, float] = {"whole": 0.18, "garment": 0.2, "edges": 0.22}
"""Share of different bits up to which a kind of hash is a hit; the widest that gave no wrong one among 1,120 valid photos."""


@dataclass(frozen=True)
class Find:
    """One garment of a gallery for a photo.

    overall: mean cosine over all attributes, of the photo as it is or mirrored, whichever is more; distance: of the hashes by
    their limit, 1 and less is a hit; kind: the hash that is nearest; mirrored: it is nearer to the mirrored photo.
    """

    item: Item
    overall: float
    distance: float
    kind: str
    mirrored: bool

    @property
    def hit(self) -> bool:
        """Whether a hash puts it first. One model in one pose may, too: `relation` looks at the photos themselves."""
        return self.distance <= 1


class Origins:
    """A gallery with the hashes of its pictures; safe to share between threads."""

    def __init__(self, gallery: Gallery, prints: Prints | None = None) -> None:
        """prints: of the gallery's pictures in their order; None reads those that lie beside it, or makes them."""
        self.gallery = gallery
        self.prints = of_gallery(gallery) if prints is None else prints
        if len(self.prints) != len(gallery):
            raise QueryError(f"A print of each of {len(gallery)} items is needed, got {len(self.prints)}; make them anew.")

    def find(
        self, photo: Garment | Print, views: Mapping[str, View], mirrored: Mapping[str, View] | None = None, k: int = 20
    ) -> list[Find]:
        """The k likeliest origins, best first: hash hits by their distance, then the others by overall likeness.

        views, mirrored: of the photo and of its mirror image under all of the gallery's attributes, as `Shot` has them.
        Raises: QueryError for missing views or k under 0.
        """
        if k < 0:
            raise QueryError(f"k must be 0 or more, got {k}.")
        apart = self.prints.distances(printed(photo) if isinstance(photo, Garment) else photo)
        likeness = self._likeness([v for v in (views, mirrored) if v is not None])
        ratios = _by_limit(apart)
        found = []
        for i in joined(likeness, apart)[:k].tolist():
            turned, kind = divmod(int(ratios[i].argmin()), len(KINDS))
            share = min(1.0, max(-1.0, float(likeness[i])))
            found.append(Find(self.gallery.items[i], share, float(ratios[i].min()), KINDS[kind], bool(turned)))
        return found

    def _likeness(self, queries: Sequence[Mapping[str, View]]) -> np.ndarray:
        """(N,) float32: mean cosine with each item, of the nearest query."""
        return np.max([self.gallery.overall(stacked(q, self.gallery.attributes)) for q in queries], axis=0)


def joined(likeness: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """(N,) int64: all items, hash hits by rising distance, then the others by falling likeness; equal ones in their order.

    likeness: (N,) float; apart: (N, 2, 3) as of `Prints.distances`.
    """
    distance = nearest(apart)
    hit = distance <= 1
    return np.lexsort((-likeness, np.where(hit, distance, 0), ~hit))


def nearest(apart: np.ndarray) -> np.ndarray:
    """(N,) float32: the least of the distances (N, 2, 3), each by its limit; 1 and less is a hit."""
    return _by_limit(apart).min(axis=1)


def _by_limit(apart: np.ndarray) -> np.ndarray:
    """(N, 6) float32, mirrored ones last."""
    limits = np.array([LIMITS[kind] for kind in KINDS], np.float32)
    return (apart / limits).reshape(len(apart), 2 * len(KINDS))
