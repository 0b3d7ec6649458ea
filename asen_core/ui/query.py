"""What a visitor asks with: one photo, looked at once under all attributes, and the small pictures shown of it."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from asen_core import draw, images
from asen_core.errors import QueryError
from asen_core.review.background import Background
from asen_core.review.explain import Reason, Saliency
from asen_core.types import Box, Garment, View
from asen_core.ui.scratch import Scratch, save_layer, save_photo

Look = Callable[[np.ndarray, list[str] | None, Mapping[str, Box] | None], dict[str, View]]
"""`Engine.look`, perhaps sent to a shared GPU: takes pixels, so that what travels there can be pickled."""
Explain = Callable[[np.ndarray, np.ndarray, View, Background], tuple[Saliency, tuple[Reason, ...]]]
"""`why.explain` of an engine, likewise: the pixels of two photos, the second's view under an attribute, what pairs are like."""

PREVIEW, CROP, HEAT = 1100, 560, 280
SMALLEST_BOX = 0.02


@dataclass(frozen=True, eq=False)
class Query:
    """One visitor's photo. Lives in that visitor's session and nowhere else.

    size: (width, height) of the oriented photo; views: what is searched with; seen: what the model chose by itself;
    folder: holds preview, heat maps and crops; item: id of the gallery garment it was taken from, or "".
    """

    photo: Path
    size: tuple[int, int]
    views: Mapping[str, View]
    seen: Mapping[str, View]
    folder: Path
    preview: Path
    heats: Mapping[str, Path]
    crops: Mapping[str, Path]
    item: str = ""

    def own_box(self, attribute: str) -> bool:
        """Whether the person drew the box that this attribute is searched with."""
        return self.views[attribute] is not self.seen[attribute]

    def fractions(self, attribute: str) -> Box:
        """The region of interest in fractions of the photo."""
        return self.views[attribute].roi.scaled(1 / self.size[0], 1 / self.size[1])


def ask_with(photo: Path, look: Look, scratch: Scratch, item: str = "") -> Query:
    """Look at a photo once and write what the page shows of it. Raises: PhotoError."""
    return ask_about(images.load(photo), photo, look, scratch, item)


def ask_about(garment: Garment, photo: Path, look: Look, scratch: Scratch, item: str = "") -> Query:
    """The same for a photo that was read already; `photo` is where it lies."""
    views = look(garment.pixels, None, None)
    size = (garment.width, garment.height)
    folder = scratch.folder()
    try:
        whole = Image.fromarray(garment.pixels)
        return Query(
            photo=photo,
            size=size,
            views=views,
            seen=views,
            folder=folder,
            preview=save_photo(_cut(whole, garment.box, PREVIEW), folder / "photo.jpg"),
            heats={a: save_layer(draw.heat(v, size, HEAT), folder / f"heat-{a}.webp") for a, v in views.items()},
            crops={a: _save_crop(whole, v.roi, folder, a) for a, v in views.items()},
            item=item,
        )
    except BaseException:
        scratch.forget(folder)
        raise


def with_box(query: Query, look: Look, attribute: str, corners: Mapping[str, float]) -> Query:
    """The query with a box of the person's own, given in fractions of the photo (x0, y0, x1, y1).

    Raises: QueryError where the box is too small or not a box; PhotoError where the photo is no longer kept.
    """
    width, height = query.size
    box = _box_of(corners)
    garment = images.load(query.photo)
    roi = Box(*(round(v) for v in box.scaled(width, height)))
    view = look(garment.pixels, [attribute], {attribute: roi})[attribute]
    return replace(
        query,
        views={**query.views, attribute: view},
        crops={**query.crops, attribute: _save_crop(Image.fromarray(garment.pixels), view.roi, query.folder, attribute)},
    )


def with_model_box(query: Query, attribute: str) -> Query:
    """The query as the model chose it for this attribute; nothing is computed again."""
    crop = query.folder / f"crop-{attribute}.jpg"
    return replace(
        query,
        views={**query.views, attribute: query.seen[attribute]},
        crops={**query.crops, attribute: crop},
    )


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


def _save_crop(whole: Image.Image, roi: Box, folder: Path, attribute: str) -> Path:
    """Cut from the full-resolution photo. The model's own crop has a fixed name; a drawn one never repeats a name."""
    path = folder / f"crop-{attribute}.jpg"
    return save_photo(_cut(whole, roi, CROP), path.with_stem(f"{path.stem}-{secrets.token_hex(4)}") if path.exists() else path)


def _cut(whole: Image.Image, box: Box, longest: int) -> Image.Image:
    """A part of the photo, scaled down to at most `longest` pixels; without a detour over a copy of the part."""
    size = draw.fitted((round(box.width), round(box.height)), longest)
    return whole.resize(size, Image.Resampling.LANCZOS, tuple(box), reducing_gap=1.1)
