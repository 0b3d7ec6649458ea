"""Photos with parts hidden: the neutral fill, random masks and sliding windows that a perturbation explains by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from asen_core.draw import fitted
from asen_core.errors import QueryError
from asen_core.types import Garment

FILLS = ("blur", "mean", "edge")
LONGEST = 288
"""Pixels of the masked copies' longer side: the model's input is smaller, and only its zoom would gain a little by more."""
GRID = 28
"""Cells of a map along the photo's longer side."""
_SPREAD = 0.05
"""Standard deviation of the blur, in longer sides."""


@dataclass(frozen=True, eq=False)
class Canvas:
    """A photo, at most `LONGEST` pixels long, and what stands where it is hidden: both (h, w, 3) float32 in 0..255."""

    photo: np.ndarray
    neutral: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w) in pixels."""
        return self.photo.shape[0], self.photo.shape[1]

    @property
    def cells(self) -> tuple[int, int]:
        """(rows, columns) of a map of this photo."""
        width, height = fitted(self.shape[::-1], GRID)
        return height, width

    @property
    def whole(self) -> Garment:
        """The photo with nothing hidden."""
        return Garment(self.photo.astype(np.uint8))

    def shown(self, mask: np.ndarray) -> Garment:
        """The photo where `mask` (h, w) float32 is 1, the neutral fill where it is 0, mixed between."""
        mixed = self.neutral + mask[..., None] * (self.photo - self.neutral)
        return Garment((mixed + 0.5).astype(np.uint8))


def canvas(query: Garment, fill: str) -> Canvas:
    """Make a photo ready to be hidden in parts.

    fill: "blur", the photo blurred until its parts can't be told; "mean", its mean colour; "edge", the median colour of its
    rim, which is the backdrop of a product photo. Raises: QueryError for another fill.
    """
    if fill not in FILLS:
        raise QueryError(f"The fill must be one of {', '.join(FILLS)}, got {fill!r}.")
    small = Image.fromarray(query.pixels)
    size = fitted(small.size, LONGEST)
    if size != small.size:
        small = small.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)
    photo = np.asarray(small, np.float32)
    if fill == "blur":
        neutral = np.asarray(small.filter(ImageFilter.GaussianBlur(_SPREAD * max(size))), np.float32)
    elif fill == "mean":
        neutral = np.broadcast_to(photo.mean((0, 1)), photo.shape)
    else:
        rim = np.concatenate([photo[0], photo[-1], photo[:, 0], photo[:, -1]])
        neutral = np.broadcast_to(np.median(rim, axis=0).astype(np.float32), photo.shape)
    return Canvas(photo, neutral)


def random_masks(
    shape: tuple[int, int], count: int, cells: int, shares: tuple[float, float], rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """RISE's masks (Petsiuk et al., BMVC 2018, section 3.2): (h, w) float32 in 0..1, `count` of them, one at a time.

    A coarse grid with `cells` along the longer side, each cell shown with a probability drawn evenly between the `shares`
    (RISE has one for all), is enlarged bilinearly and shifted by up to one cell. Where the shares lie evenly around one half,
    every second mask is the complement of the one before it: both together show everything equally, and fewer say as much.
    """
    rows, columns = _coarse(shape, cells)
    down, across = -(-shape[0] // rows), -(-shape[1] // columns)
    paired = abs(sum(shares) - 1) < 1e-9
    mask = np.zeros(shape, np.float32)
    for number in range(count):
        if paired and number % 2:
            yield 1 - mask
            continue
        seen = (rng.random((rows + 1, columns + 1)) < rng.uniform(*shares)).astype(np.float32)
        y, x = int(rng.integers(down)), int(rng.integers(across))
        mask = resized(seen, ((rows + 1) * down, (columns + 1) * across), Image.Resampling.BILINEAR)
        mask = np.clip(mask[y : y + shape[0], x : x + shape[1]], 0, 1)
        yield mask


def windows(shape: tuple[int, int], side: float, steps: int) -> Iterator[np.ndarray]:
    """Masks that hide one square each: (h, w) float32, 0 in the square and 1 outside.

    side: of the square, in longer sides of the photo; steps: places along the longer side, from rim to rim, at which the
    middle of the square stands.
    """
    half = side * max(shape) / 2
    rows, columns = _coarse(shape, steps)
    for y in np.linspace(0, shape[0], rows):
        for x in np.linspace(0, shape[1], columns):
            mask = np.ones(shape, np.float32)
            top, left = max(0, round(float(y - half))), max(0, round(float(x - half)))
            mask[top : max(top + 1, round(float(y + half))), left : max(left + 1, round(float(x + half)))] = 0
            yield mask


def resized(layer: np.ndarray, shape: tuple[int, int], way: Image.Resampling = Image.Resampling.BOX) -> np.ndarray:
    """A layer (h, w) float32 at another shape; BOX takes the mean of what falls into a cell."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(layer, np.float32)).resize(shape[::-1], way))


def _coarse(shape: tuple[int, int], cells: int) -> tuple[int, int]:
    longest = max(shape)
    return max(1, round(cells * shape[0] / longest)), max(1, round(cells * shape[1] / longest))
