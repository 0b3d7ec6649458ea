"""What part of a drawing the photo shows: a window that holds an attribute's region, or one in which it can't be seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SEEN, UNSEEN = 0.98, 0.02
"""The least share of a region's pixels that shows a value, and the most that "Invisible" leaves."""
_WINDOWS = 300
_SMALLEST = 0.42
_WHOLE = 0.3
"""The share of drawings that are shown whole, where nothing has to be hidden."""


@dataclass(frozen=True)
class Window:
    """Pixels of the drawing that the photo shows; x1 and y1 lie outside."""

    x0: int
    y0: int
    x1: int
    y1: int

    def of(self, pixels: np.ndarray) -> np.ndarray:
        """That part of (H, W, ...) pixels."""
        return pixels[self.y0 : self.y1, self.x0 : self.x1]


def window(region: np.ndarray, garment: np.ndarray, visible: bool, least: float, rng: np.random.Generator) -> Window | None:
    """A random window of the drawing's shape in which a region (H, W) bool is seen, or isn't; None where there is none.

    It holds at least the share `least` of the garment (H, W) bool. Windows of both kinds are drawn from the same sizes, so that
    being cropped doesn't mean "Invisible"; those that hide a region are smaller on the whole, as photos that do are nearer.
    """
    height, width = region.shape
    if visible and rng.random() < _WHOLE:
        return Window(0, 0, width, height)
    sizes = rng.uniform(_SMALLEST, 1, _WINDOWS)
    w, h = (np.rint(sizes * side).astype(int) for side in (width, height))
    x0, y0 = ((rng.random(_WINDOWS) * (side - s + 1)).astype(int) for side, s in ((width, w), (height, h)))
    boxes = np.stack([x0, y0, x0 + w, y0 + h], 1)
    seen, kept = _share(region, boxes), _share(garment, boxes)
    fits = (kept >= least) & ((seen >= SEEN) if visible else (seen <= UNSEEN))
    return Window(*boxes[fits.argmax()].tolist()) if fits.any() else None


def _share(mask: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The share of a mask's pixels in each of the boxes (N, 4); 0 where the mask is empty."""
    sums = np.pad(mask.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    x0, y0, x1, y1 = boxes.T
    inside = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
    return inside / max(int(sums[-1, -1]), 1)
