"""What a visitor asks with: one photo, looked at once under all attributes."""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from asen_core import images
from asen_core.errors import QueryError
from asen_core.review.background import Background
from asen_core.review.explain import Reason, Saliency
from asen_core.types import Box, Garment, View
from asen_core.ui.pictures import Pictures
from asen_core.ui.scratch import Scratch

Look = Callable[[np.ndarray, list[str] | None, Mapping[str, Box] | None], dict[str, View]]
"""`Engine.look`, perhaps sent to a shared GPU: takes pixels, so that what travels there can be pickled."""
Explain = Callable[[np.ndarray, np.ndarray, View, Background], tuple[Saliency, tuple[Reason, ...]]]
"""`why.explain` of an engine, likewise: the pixels of two photos, the second's view under an attribute, what pairs are like."""

SMALLEST_BOX = 0.02


@dataclass(frozen=True, eq=False)
class Query:
    """One visitor's photo. Lives in that visitor's session and nowhere else.

    size: (width, height) of the oriented photo as it was looked at; views: what is searched with; seen: what the model chose by
    itself; pictures: what the page shows of it; drawn: crops of the person's own boxes; item: id of the gallery garment it was
    taken from, or "".
    """

    photo: Path
    size: tuple[int, int]
    views: Mapping[str, View]
    seen: Mapping[str, View]
    pictures: Pictures
    drawn: Mapping[str, Path] = field(default_factory=dict)
    item: str = ""

    @property
    def folder(self) -> Path:
        """Where the pictures lie."""
        return self.pictures.folder

    @property
    def preview(self) -> Path:
        """The whole photo, as large as the page shows it."""
        return self.pictures.preview

    @property
    def heats(self) -> Mapping[str, Path]:
        """Heat maps, made when they are taken out."""
        return self.pictures.heats

    @property
    def crops(self) -> Mapping[str, Path]:
        """The regions that are searched with, made when they are taken out."""
        return ChainMap(dict(self.drawn), self.pictures.crops)  # type: ignore[arg-type]  # read, never written

    def own_box(self, attribute: str) -> bool:
        """Whether the person drew the box that this attribute is searched with."""
        return self.views[attribute] is not self.seen[attribute]

    def fractions(self, attribute: str) -> Box:
        """The region of interest in fractions of the photo."""
        return self.views[attribute].roi.scaled(1 / self.size[0], 1 / self.size[1])

    def forget(self, scratch: Scratch) -> None:
        """Its pictures go, also those that are being made."""
        self.pictures.close()
        scratch.forget(self.folder)


def ask_with(photo: Path, look: Look, scratch: Scratch, item: str = "", longest: int | None = None) -> Query:
    """Look at a photo once; the pictures of it that the page shows are made when they are asked for, or soon after.

    longest: as of `images.load`; the photo may then be looked at smaller than it is. Raises: PhotoError.
    """
    query = _asked(images.load(photo, longest=longest), photo, look, scratch, item, longest)
    query.pictures.finish_later()
    return query


def ask_about(garment: Garment, photo: Path, look: Look, scratch: Scratch, item: str = "") -> Query:
    """The same for a photo that was read already, with all its pictures at once; `photo` is where it lies."""
    query = _asked(garment, photo, look, scratch, item, None)
    try:
        query.pictures.finish()
    except BaseException:
        query.forget(scratch)
        raise
    return query


def _asked(garment: Garment, photo: Path, look: Look, scratch: Scratch, item: str, longest: int | None) -> Query:
    views = look(garment.pixels, None, None)
    folder = scratch.folder()
    try:
        pictures = Pictures(garment, views, photo, folder, longest)
    except BaseException:
        scratch.forget(folder)
        raise
    return Query(photo, (garment.width, garment.height), views, views, pictures, item=item)


def with_box(query: Query, look: Look, attribute: str, corners: Mapping[str, float]) -> Query:
    """The query with a box of the person's own, given in fractions of the photo (x0, y0, x1, y1).

    Raises: QueryError where the box is too small or not a box; PhotoError where the photo is no longer kept.
    """
    width, height = query.size
    box = _box_of(corners)
    garment = query.pictures.garment()
    roi = Box(*(round(v) for v in box.scaled(width, height)))
    view = look(garment.pixels, [attribute], {attribute: roi})[attribute]
    drawn = query.pictures.cut(garment, view.roi, attribute)
    return replace(query, views={**query.views, attribute: view}, drawn={**query.drawn, attribute: drawn})


def with_model_box(query: Query, attribute: str) -> Query:
    """The query as the model chose it for this attribute; nothing is computed again."""
    drawn = {a: path for a, path in query.drawn.items() if a != attribute}
    return replace(query, views={**query.views, attribute: query.seen[attribute]}, drawn=drawn)


def _box_of(corners: Mapping[str, float]) -> Box:
    try:
        given = [float(corners[k]) for k in ("x0", "y0", "x1", "y1")]
        if not all(map(math.isfinite, given)):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise QueryError("The box was not understood; draw it again or type four numbers from 0 to 100.") from None
    x0, y0, x1, y1 = (min(1.0, max(0.0, v)) for v in given)
    if not (x1 - x0 >= SMALLEST_BOX and y1 - y0 >= SMALLEST_BOX):
        raise QueryError("That box is too small to see anything in; draw one of at least 2 % of the photo each way.")
    return Box(x0, y0, x1, y1)
