"""Overlays for people: heat map over a photo, a framed region, a crop, a contact sheet. uint8 arrays in and out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from PIL import Image

from asen_core.types import Box, Garment, View

_HEAT = np.array(
    [
        (0.290763, 0.045644, 0.418637), (0.354032, 0.066925, 0.430906),
        (0.416331, 0.090203, 0.432943), (0.478558, 0.112764, 0.427475),
        (0.534683, 0.132534, 0.416667), (0.596940, 0.154848, 0.398125),
        (0.658463, 0.178962, 0.372748), (0.718264, 0.206636, 0.340931),
        (0.775059, 0.239667, 0.303526), (0.827372, 0.279517, 0.261750),
        (0.873741, 0.326906, 0.216886), (0.912966, 0.381636, 0.169755),
        (0.944285, 0.442772, 0.120354), (0.967322, 0.509078, 0.068659),
        (0.980824, 0.572209, 0.028508), (0.987622, 0.645320, 0.039886),
    ]
)  # fmt: skip
"""Sixteen colours of "inferno" from 0.22 to 0.8: lightness rises evenly, both ends stay visible on black and on white cloth."""


def strength(view: View, photo: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Attention laid over the photo: (h, w) float32, 0..1 with 1 at the strongest cell.

    photo: (width, height) of the oriented photo that the view was made from. size: (width, height) wanted.
    Letterbox bars are cut off; parts of the photo that the model did not see are 0.
    """
    rows, cols = view.attention.shape
    frame = view.frame
    seen = frame.to_input(Box(0, 0, *photo))
    box = Box(*(v * n / frame.size for v, n in zip(seen, (cols, rows, cols, rows), strict=True)))
    # Zeros around the map where a centre crop left out parts of the photo; a letterboxed photo needs none.
    pad = [max(0, math.ceil(v - 1e-6)) for v in (-box.y0, box.y1 - rows, -box.x0, box.x1 - cols)]
    padded = np.pad(view.attention / max(float(view.attention.max()), 1e-12), (pad[:2], pad[2:]))
    edges = (box.x0 + pad[2], box.y0 + pad[0], box.x1 + pad[2], box.y1 + pad[0])
    limits = (padded.shape[1], padded.shape[0]) * 2
    inside = tuple(min(max(v, 0.0), float(n)) for v, n in zip(edges, limits, strict=True))
    laid = Image.fromarray(padded).resize(size, Image.Resampling.BICUBIC, box=inside)
    return np.clip(np.asarray(laid, dtype=np.float32), 0, 1)


def heat(view: View, photo: tuple[int, int], longest: int = 480) -> np.ndarray:
    """The heat map as a layer of the photo's shape, at most `longest` pixels long: (h, w, 4) uint8, alpha by strength."""
    return _layer(strength(view, photo, fitted(photo, longest)))


def _layer(s: np.ndarray) -> np.ndarray:
    """(h, w, 4) uint8 of a map (h, w) in 0..1."""
    at = s * (len(_HEAT) - 1)
    low = np.minimum(at.astype(np.intp), len(_HEAT) - 2)
    part = (at - low)[..., None]
    colours = _HEAT[low] * (1 - part) + _HEAT[low + 1] * part
    # Soft at both ends: no veil over the photo where there is next to no attention, and no hard rim around the rest.
    t = np.clip((s - 0.03) / 0.57, 0, 1)
    alpha = t * t * (3 - 2 * t)
    return (np.dstack([colours, alpha]) * 255 + 0.5).astype(np.uint8)


def fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """(width, height) scaled down, never up, so that the longer side is at most `longest`; at least 1 pixel each."""
    ratio = min(1.0, longest / max(size))
    return max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))


def shrunk(garment: Garment, views: Mapping[str, View], longest: int) -> tuple[np.ndarray, dict[str, View]]:
    """The photo at most `longest` pixels long, (h, w, 3) uint8, and its views with region and frame in those pixels.

    Overlays on a photo of 60 megapixels would take gigabytes; shown are a few hundred pixels.
    """
    size = fitted((garment.width, garment.height), longest)
    small = np.asarray(Image.fromarray(garment.pixels).resize(size, Image.Resampling.LANCZOS))
    ratio = size[0] / garment.width
    near = {
        name: replace(v, roi=v.roi.scaled(ratio), frame=replace(v.frame, scale=v.frame.scale / ratio))
        for name, v in views.items()
    }
    return small, near


def overlaid(pixels: np.ndarray, view: View, opacity: float = 0.75) -> np.ndarray:
    """The photo under its heat map: (H, W, 3) uint8. opacity: 0 shows the photo alone, 1 the heat map at full strength."""
    height, width = pixels.shape[:2]
    return _under(pixels, heat(view, (width, height), longest=max(width, height)), opacity)


def tinted(pixels: np.ndarray, weights: np.ndarray, opacity: float = 0.75) -> np.ndarray:
    """The photo under a map of any shape that lies over the whole of it, in the colours of the heat map: (H, W, 3) uint8.

    weights: (h, w) float32 in 0..1. Raises: ValueError for other weights or an opacity outside 0..1.
    """
    if weights.ndim != 2 or not weights.size or not (weights.min() >= 0 and weights.max() <= 1):
        raise ValueError(f"weights must be (h, w) in 0..1 and not empty, got {weights.shape}.")
    laid = Image.fromarray(np.ascontiguousarray(weights, np.float32)).resize(pixels.shape[1::-1], Image.Resampling.BICUBIC)
    return _under(pixels, _layer(np.clip(np.asarray(laid), 0, 1)), opacity)


def _under(pixels: np.ndarray, layer: np.ndarray, opacity: float) -> np.ndarray:
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must lie in 0..1, got {opacity}.")
    alpha = layer[..., 3:].astype(np.float32) / 255 * opacity
    return (pixels * (1 - alpha) + layer[..., :3] * alpha + 0.5).astype(np.uint8)


def framed(pixels: np.ndarray, box: Box, colour: tuple[int, int, int] = (37, 99, 235), width: int | None = None) -> np.ndarray:
    """A copy of the photo with `box` (pixels) framed, lines drawn inwards; width None: 1/150 of the longer side, at least 2."""
    height, length = pixels.shape[:2]
    line = max(2, round(max(height, length) / 150)) if width is None else width
    x0, y0 = max(0, round(box.x0)), max(0, round(box.y0))
    x1, y1 = min(length, round(box.x1)), min(height, round(box.y1))
    out = pixels.copy()
    for rows, cols in (
        (slice(y0, y0 + line), slice(x0, x1)),
        (slice(max(y0, y1 - line), y1), slice(x0, x1)),
        (slice(y0, y1), slice(x0, x0 + line)),
        (slice(y0, y1), slice(max(x0, x1 - line), x1)),
    ):
        out[rows, cols] = colour
    return out


def crop(pixels: np.ndarray, box: Box, fill: int = 255) -> np.ndarray:
    """The pixels inside `box`, rounded to whole pixels and at least one; `fill` where it leaves the photo: (h, w, 3) uint8."""
    height, width = pixels.shape[:2]
    x0, y0 = round(box.x0), round(box.y0)
    x1, y1 = max(x0 + 1, round(box.x1)), max(y0 + 1, round(box.y1))
    out = np.full((y1 - y0, x1 - x0, 3), fill, np.uint8)
    seen = Box(0, 0, width, height).intersection(Box(x0, y0, x1, y1))
    if seen is not None:
        left, top, right, bottom = (int(v) for v in seen)
        out[top - y0 : bottom - y0, left - x0 : right - x0] = pixels[top:bottom, left:right]
    return out


def contact_sheet(images: Iterable[np.ndarray], columns: int = 6, cell: int = 256, gap: int = 8) -> np.ndarray:
    """Pictures in rows on white, each fitted whole into a square of `cell` pixels: (H, W, 3) uint8; of none: an empty cell."""
    if columns < 1 or cell < 1:
        raise ValueError(f"A contact sheet needs at least one column and one pixel, got columns={columns}, cell={cell}.")
    tiles = [_tile(image, cell) for image in images] or [np.full((cell, cell, 3), 255, np.uint8)]
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    step = cell + gap
    sheet = np.full((rows * step + gap, columns * step + gap, 3), 255, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = (i // columns) * step + gap, (i % columns) * step + gap
        sheet[top : top + cell, left : left + cell] = tile
    return sheet


def _tile(image: np.ndarray, cell: int) -> np.ndarray:
    height, width = image.shape[:2]
    ratio = cell / max(height, width)
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    tile = np.full((cell, cell, 3), 255, np.uint8)
    top, left = (cell - size[1]) // 2, (cell - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    return tile
