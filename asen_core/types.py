"""The nouns of the flow: photo -> Garment -> View -> Matches. Frozen, numpy only, checked when built."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

import numpy as np

Vocabulary = Mapping[str, tuple[str, ...]]
"""Attribute name -> its value names, both in the order of the checkpoint's weights."""


@dataclass(frozen=True)
class Range:
    """The numbers of a label that a filter keeps: both ends included, None leaves one open."""

    least: float | None = None
    most: float | None = None

    def __post_init__(self) -> None:
        if not all(v is None or np.isfinite(v) for v in (self.least, self.most)):
            raise ValueError(f"Range needs finite ends, got {self}.")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"Range must have least <= most, got {self}.")

    def __contains__(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


Where = Mapping[str, str | Collection[str] | Range]
"""A filter: label -> the value, the values or the range of numbers to keep; an empty collection keeps nothing."""


@dataclass(frozen=True)
class Box:
    """Upright rectangle, x to the right and y down; x1 and y1 lie outside. Pixels unless a name says otherwise."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not all(np.isfinite((self.x0, self.y0, self.x1, self.y1))):
            raise ValueError(f"Box must be finite, got {self}.")
        if self.x1 <= self.x0 or self.y1 <= self.y0:
            raise ValueError(f"Box must have x0 < x1 and y0 < y1, got {self}.")

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        return self.width * self.height

    def __iter__(self) -> Iterator[float]:
        return iter((self.x0, self.y0, self.x1, self.y1))

    def contains(self, x: float, y: float) -> bool:
        return self.x0 <= x < self.x1 and self.y0 <= y < self.y1

    def intersection(self, other: Box) -> Box | None:
        """The common rectangle, or None where the two don't overlap."""
        x0, y0 = max(self.x0, other.x0), max(self.y0, other.y0)
        x1, y1 = min(self.x1, other.x1), min(self.y1, other.y1)
        return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    def scaled(self, x: float, y: float | None = None) -> Box:
        """Every x multiplied by `x`, every y by `y` (or by `x` too)."""
        y = x if y is None else y
        return Box(self.x0 * x, self.y0 * y, self.x1 * x, self.y1 * y)


@dataclass(frozen=True)
class Frame:
    """How a photo lies in the model's square input: input = photo * scale + (dx, dy), both in pixels.

    A letterboxed photo has dx or dy >= 0 (bars); a centre crop has them <= 0 (cut).
    """

    size: int
    scale: float
    dx: float
    dy: float

    def __post_init__(self) -> None:
        if self.size < 1 or not self.scale > 0:
            raise ValueError(f"Frame needs size >= 1 and scale > 0, got {self}.")

    def to_photo(self, box: Box) -> Box:
        """A box in input pixels, moved to pixels of the photo."""
        return Box(
            (box.x0 - self.dx) / self.scale,
            (box.y0 - self.dy) / self.scale,
            (box.x1 - self.dx) / self.scale,
            (box.y1 - self.dy) / self.scale,
        )

    def to_input(self, box: Box) -> Box:
        """A box in pixels of the photo, moved to input pixels."""
        s = self.scale
        return Box(box.x0 * s + self.dx, box.y0 * s + self.dy, box.x1 * s + self.dx, box.y1 * s + self.dy)


@dataclass(frozen=True, eq=False)
class Garment:
    """A photo ready for the model: (H, W, 3) uint8 RGB, EXIF-oriented, with what is known about it."""

    pixels: np.ndarray
    id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        p = self.pixels
        if p.dtype != np.uint8 or p.ndim != 3 or p.shape[2] != 3 or 0 in p.shape:
            raise ValueError(f"Garment.pixels must be (H, W, 3) uint8 and not empty, got {p.shape} {p.dtype}.")
        object.__setattr__(self, "labels", MappingProxyType(dict(self.labels)))

    @property
    def width(self) -> int:
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        return self.pixels.shape[0]

    @property
    def box(self) -> Box:
        """The whole photo."""
        return Box(0, 0, self.width, self.height)


@dataclass(frozen=True)
class Reading:
    """The value that the model reads for an attribute, and its probability in [0, 1]."""

    value: str
    probability: float


@dataclass(frozen=True, eq=False)
class View:
    """One garment seen under one condition (an attribute name today).

    embedding: (D,) float32, unit norm; the first `split` numbers come from the global branch, the last `values` from the value
    read-out, those between from the local branch.
    attention: (h, w) float32, >= 0, sums to 1; a cell is `frame.size / w` input pixels wide.
    roi: the region of interest in pixels of the oriented photo, inside it.
    readings: values of the attribute, most probable first; empty where the condition has no values.
    """

    condition: str
    embedding: np.ndarray
    attention: np.ndarray
    roi: Box
    frame: Frame
    split: int
    readings: tuple[Reading, ...] = ()
    values: int = 0

    def __post_init__(self) -> None:
        e, a = self.embedding, self.attention
        if e.ndim != 1 or e.dtype != np.float32:
            raise ValueError(f"View.embedding must be (D,) float32, got {e.shape} {e.dtype}.")
        if not abs(float(np.linalg.norm(e)) - 1) <= 1e-3:  # written so that nan fails
            raise ValueError(f"View.embedding must have unit norm, got {float(np.linalg.norm(e)):.4f}.")
        if a.ndim != 2 or a.dtype != np.float32 or a.min() < 0 or not abs(float(a.sum()) - 1) <= 1e-3:
            raise ValueError(f"View.attention must be (h, w) float32, >= 0 and sum to 1, got {a.shape} {a.dtype}.")
        if not 0 <= self.split <= len(e) - self.values or self.values < 0:
            raise ValueError(f"View.split and View.values must cut {len(e)} numbers, got {self.split} and {self.values}.")

    @property
    def reading(self) -> Reading | None:
        """The most probable value, or None where the condition has none."""
        return self.readings[0] if self.readings else None

    def point(self, row: float, col: float) -> tuple[float, float]:
        """(x, y) in pixels of the oriented photo: the centre of an attention cell."""
        h, w = self.attention.shape
        x, y = (col + 0.5) * self.frame.size / w, (row + 0.5) * self.frame.size / h
        return (x - self.frame.dx) / self.frame.scale, (y - self.frame.dy) / self.frame.scale

    @property
    def peak(self) -> tuple[float, float]:
        """(x, y) in pixels of the oriented photo: where attention is strongest, between cells where its neighbours say so.

        It is the centre of attention within the strongest cell and the eight around it.
        """
        row, col = np.unravel_index(int(self.attention.argmax()), self.attention.shape)
        rows, cols = (np.arange(max(0, i - 1), min(n, i + 2)) for i, n in zip((row, col), self.attention.shape, strict=True))
        near = self.attention[np.ix_(rows, cols)]
        return self.point(float(near.sum(1) @ rows / near.sum()), float(near.sum(0) @ cols / near.sum()))

    def query_vector(self, beta: float | None = None) -> np.ndarray:
        """(D,) float32 whose inner product with a gallery embedding weighs the branches beta cos_global + (1 - beta) cos_local.

        The gallery stays as it is: only the query is reweighted, and a value part keeps its share. None keeps the balance that
        the model was trained with; an embedding without a local part has nothing to weigh.
        """
        if beta is not None and not 0 <= beta <= 1:
            raise ValueError(f"beta must lie in 0..1, got {beta}.")
        if beta is None or self.split == len(self.embedding) - self.values:
            return self.embedding
        out = self.embedding.copy()
        looks = out[: len(out) - self.values]
        whole = float(looks @ looks)
        for part, share in ((looks[: self.split], beta), (looks[self.split :], 1 - beta)):
            part *= share * whole / max(float(part @ part), 1e-12)
        return out


@dataclass(frozen=True)
class Item:
    """A garment of a gallery: id, known labels, path of its picture, and its RoI per attribute in fractions of that picture."""

    id: str
    image: str
    labels: Mapping[str, str] = field(default_factory=dict)
    rois: Mapping[str, Box] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """One hit: cosine similarity in [-1, 1], and the share (percent) of the gallery's own pairs that are less alike.

    Where the hits were reranked, `before` is the rank that it had, from 1, and `overall` the likeness behind that rank: the
    mean of the cosines over all attributes. Else both are None.
    """

    item: Item
    similarity: float
    percentile: float
    overall: float | None = None
    before: int | None = None


@dataclass(frozen=True)
class Matches:
    """The hits of one search, best first, out of `searched` items that passed the filter.

    reranked: how many of these, the most alike overall, were put in this order; None where all were.
    """

    condition: str
    hits: tuple[Match, ...]
    searched: int
    reranked: int | None = None

    def __post_init__(self) -> None:
        s = [h.similarity for h in self.hits]
        if any(a < b for a, b in pairwise(s)):
            raise ValueError("Matches.hits must be sorted by falling similarity.")

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Match]:
        return iter(self.hits)

    def __getitem__(self, i: int) -> Match:
        return self.hits[i]
