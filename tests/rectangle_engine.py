"""An engine that sees one rectangle of a photo per attribute, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from asen_core.types import Box, Frame, Garment, Reading, View

INPUT, CELLS = 64, 8
SIDE = (112, 84)
"""Height and width of the photos: four pixels to a cell of a map."""


def garment(box: tuple[int, int, int, int] = (72, 8, 96, 32), colour: int = 255) -> Garment:
    """A black photo with one bright rectangle (top, left, bottom, right)."""
    pixels = np.zeros((*SIDE, 3), np.uint8)
    pixels[box[0] : box[2], box[1] : box[3]] = colour
    return Garment(pixels)


class RectangleEngine:
    """What it sees of an attribute is how bright the photo is within the attribute's own rectangle, and nothing else.

    Its attention lies on the rectangle that `attends` names: the right one, or another one.
    """

    boxes: ClassVar = {"neckline": (4, 28, 20, 56), "sleeve": (72, 8, 96, 32)}

    def __init__(self, attends: dict[str, str] | None = None) -> None:
        self.attends = attends or {name: name for name in self.boxes}
        self.sizes: list[int] = []
        self.looked = 0

    def views(self, photos, attributes=None, batch_size=32) -> Iterator[dict[str, View]]:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}.")
        self.sizes.append(batch_size)
        for photo in photos:
            self.looked += 1
            yield {name: self._view(name, photo) for name in attributes or self.boxes}

    def look(self, photo, attributes=None) -> dict[str, View]:
        return next(self.views([photo], attributes, 1))

    def _view(self, name: str, photo: Garment) -> View:
        top, left, bottom, right = self.boxes[name]
        light = float(photo.pixels[top:bottom, left:right].mean()) / 255
        angle = np.pi / 2 * (1 - light)
        attention = np.full((CELLS, CELLS), 1e-3, np.float32)
        scale = INPUT / max(SIDE)
        frame = Frame(INPUT, scale, (INPUT - SIDE[1] * scale) / 2, 0)
        at = self.boxes[self.attends[name]]
        box = frame.to_input(Box(at[1], at[0], at[3], at[2])).scaled(CELLS / INPUT)
        attention[round(box.y0) : round(box.y1), round(box.x0) : round(box.x1)] = 1
        embedding = np.array([np.cos(angle), np.sin(angle)], np.float32)
        values = (Reading("bright", light), Reading("dark", 1 - light))
        return View(name, embedding, attention / attention.sum(), Box(left, top, right, bottom), frame, 1, values)


def inside(values: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """(h, w) bool: the cells of a map whose middle lies in a rectangle of the photo."""
    rows = (np.arange(values.shape[0]) + 0.5) * SIDE[0] / values.shape[0]
    columns = (np.arange(values.shape[1]) + 0.5) * SIDE[1] / values.shape[1]
    return ((rows >= box[0]) & (rows < box[2]))[:, None] & ((columns >= box[1]) & (columns < box[3]))[None]
