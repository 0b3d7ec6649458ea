"""A design as a reviewer has it: one to seven photos of one garment, each looked at as it is and mirrored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from asen_core import images
from asen_core.engine import Engine
from asen_core.engine.engine import Photo
from asen_core.errors import QueryError
from asen_core.review.background import CATEGORY
from asen_core.types import Box, Frame, Garment, View

MOST = 7
"""Photos of one design."""
LONGEST = 1280
"""Photos are looked at at least this long (or as long as they are), as those of a gallery: sharper than any zoom needs."""
_AT_ONCE = 4


@dataclass(frozen=True, eq=False)
class Shot:
    """One photo of a design: attribute -> View of it as it is, and of its mirror image (whose places are mirrored too)."""

    garment: Garment
    views: Mapping[str, View]
    mirrored: Mapping[str, View]


@dataclass(frozen=True, eq=False)
class Design:
    """One garment under a name, seen on 1 to 7 photos."""

    name: str
    shots: tuple[Shot, ...]

    @property
    def category(self) -> str:
        """The kind of garment that its photos are read as, by the sum of their certainty; empty where the model knows none."""
        scores: dict[str, float] = {}
        for shot in self.shots:
            for reading in shot.views[CATEGORY].readings if CATEGORY in shot.views else ():
                scores[reading.value] = scores.get(reading.value, 0.0) + reading.probability
        return max(scores, key=lambda value: scores[value]) if scores else ""


def seen(engine: Engine, photos: Photo | Sequence[Photo], name: str = "") -> Design:
    """Look at the photos of one garment, as they are and mirrored, in one pass.

    photos: one to seven (a single one may be given as it is). name: "" takes the first photo's.

    Raises: PhotoError; QueryError for none or more than seven.
    """
    given = list(photos) if isinstance(photos, list | tuple) else [photos]
    if not 1 <= len(given) <= MOST:
        raise QueryError(f"A design has 1 to {MOST} photos, got {len(given)}; choose those that show it best.")
    garments = [images.load(photo) for photo in given]
    whole = engine.config.geometry == "released"  # the authors' numbers are of the photo as it is
    factors = [1 if whole else max(1, max(g.width, g.height) // LONGEST) for g in garments]
    small = (_reduced(g, factor) for g, factor in zip(garments, factors, strict=True))
    looked = iter(engine.views((g for garment in small for g in (garment, mirror(garment))), batch_size=_AT_ONCE))
    shots = []
    for garment, factor, views in zip(garments, factors, looked, strict=False):
        shots.append(
            Shot(garment, *({a: _enlarged(v, factor, garment.box) for a, v in s.items()} for s in (views, next(looked))))
        )
    return Design(name or garments[0].id or "design", tuple(shots))


def _reduced(garment: Garment, factor: int) -> Garment:
    if factor == 1:
        return garment
    return Garment(np.array(Image.fromarray(garment.pixels).reduce(factor)), garment.id, garment.labels)


def _enlarged(view: View, factor: int, photo: Box) -> View:
    """A view of a reduced photo in pixels of the photo itself."""
    roi, frame = view.roi.scaled(factor).intersection(photo), view.frame
    if factor == 1 or roi is None:
        return view
    return replace(view, roi=roi, frame=Frame(frame.size, frame.scale / factor, frame.dx, frame.dy))


def mirror(garment: Garment) -> Garment:
    """Left and right exchanged."""
    return Garment(np.ascontiguousarray(garment.pixels[:, ::-1]), garment.id, garment.labels)
