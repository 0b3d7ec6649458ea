"""One garment of a FashionAI layout: drawn for a value, framed, saved as a photo."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from asen_core.data.labels import Regions, regions_of_masks
from asen_core.data.layout.drawing import SIZE
from asen_core.data.layout.framing import UNSEEN, Window, window
from asen_core.data.render import render
from asen_core.data.render.sample import sample_of
from asen_core.data.vocabulary import FASHIONAI, REGION_OF

_DRAWN = (400, 533)
"""Width and height of the drawing that a photo is a window of."""
_TRIES = 60
_PART, _MOST = 0.35, 0.8
"""The least share of the garment that a photo shows; more where a length is read, which takes the rest to compare with."""


@dataclass(frozen=True)
class Order:
    """A garment to draw: for an attribute's value (indices), at `path` below the dataset's folder; key: of its random draws."""

    path: str
    attribute: int
    value: int
    key: tuple[int, ...]

    @property
    def labels(self) -> tuple[tuple[int, int], ...]:
        return ((self.attribute, self.value),)

    def photo(self) -> tuple[np.ndarray, Regions]:
        return drawn(self)


def order(part: str, attribute: int, value: int, key: tuple[int, ...]) -> Order:
    """The order with its path as FashionAI lays photos out; the name tells nothing."""
    name = hashlib.sha256(repr(("fashionai", *key)).encode()).hexdigest()[:32]
    return Order(f"{part}/Images/{list(FASHIONAI)[attribute]}_labels/{name}.jpg", attribute, value, key)


def drawn(wanted: Order) -> tuple[np.ndarray, Regions]:
    """The photo (H, W, 3) uint8 and the boxes of the parts that it shows, in fractions of it.

    "Invisible" shows a garment that has the attribute, in a window where its region can't be seen.
    """
    attribute = list(FASHIONAI)[wanted.attribute]
    visible = wanted.value > 0
    for turn in range(_TRIES):
        rng = np.random.default_rng([*wanted.key, turn])
        value = wanted.value if visible else 1 + int(rng.integers(len(FASHIONAI[attribute]) - 1))
        garment = render(sample_of(attribute, FASHIONAI[attribute][value], rng), *_DRAWN)
        region = garment.masks.get(REGION_OF[attribute])
        if region is None:
            continue
        least = _MOST if visible and REGION_OF[attribute] == "hem" else _PART
        if (frame := window(region, garment.masks["garment"], visible, least, rng)) is not None:
            photo = Image.fromarray(np.ascontiguousarray(frame.of(garment.pixels))).resize(SIZE, Image.Resampling.LANCZOS)
            return np.asarray(photo), regions_of_masks(_shown(garment.masks, frame))
    raise AssertionError(f"no garment found that shows {attribute}={FASHIONAI[attribute][wanted.value]}")


def _shown(masks: dict[str, np.ndarray], frame: Window) -> dict[str, np.ndarray]:
    parts = {name: frame.of(mask) for name, mask in masks.items()}
    return {name: part for name, part in parts.items() if part.sum() > UNSEEN * masks[name].sum()}
