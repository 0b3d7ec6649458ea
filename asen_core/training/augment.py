"""Random changes to a photo that leave its labels true, and where its marked regions end up."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance

from asen_core.types import Frame

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Change:
    """A crop (photo pixels, may leave the photo) and a flip, after which x and y are measured from the crop's corner.

    recoloured: the colour is no longer the garment's own; rotated: places can't be told from crop and flip alone.
    """

    crop: tuple[int, int, int, int]
    flip: bool
    recoloured: bool
    rotated: bool


def augment(
    pixels: np.ndarray, plain: np.ndarray | None, rng: np.random.Generator, backdrop: np.ndarray | None, upright: bool,
    extended: bool = False,
) -> tuple[np.ndarray, Change]:  # fmt: skip
    """A photo (H, W, 3) uint8, randomly cropped or padded, mirrored, turned, jittered and put on another background.

    The crop takes at most 6 % from a side, so that hems and collars stay. `backdrop` (H', W', 3) may replace the light
    background `plain` (H, W) bool; `upright` photos are never turned. What is added around the photo is background, or where
    `extended` more of its own edges: a garment that leaves the photo then still does, and gets no hem where there is none.
    """
    fill = np.full(3, 255.0)
    if plain is not None and rng.random() < 0.5:
        pixels, fill = _on_another_background(pixels, plain, rng, backdrop)
    height, width = pixels.shape[:2]
    out, into = rng.uniform(-0.2, 0.06, 4) * (rng.random(4) < 0.6), (width, height, width, height)
    sides = [round(o * n) for o, n in zip(out, into, strict=True)]
    crop = (sides[0], sides[1], width - sides[2], height - sides[3])
    x0, y0, x1, y1 = max(crop[0], 0), max(crop[1], 0), min(crop[2], width), min(crop[3], height)
    if extended:
        around = ((y0 - crop[1], crop[3] - y1), (x0 - crop[0], crop[2] - x1), (0, 0))
        image = np.pad(pixels[y0:y1, x0:x1], around, mode="edge")
    else:
        image = np.empty((crop[3] - crop[1], crop[2] - crop[0], 3), np.uint8)
        image[:] = fill
        image[y0 - crop[1] : y1 - crop[1], x0 - crop[0] : x1 - crop[0]] = pixels[y0:y1, x0:x1]
    flip = bool(rng.random() < 0.5)
    image = image[:, ::-1] if flip else image
    rotated = not upright and bool(rng.random() < 0.3)
    if rotated:
        colour = tuple(int(v) for v in fill)
        turned = Image.fromarray(np.ascontiguousarray(image))
        image = np.asarray(turned.rotate(rng.uniform(-15, 15), Image.Resampling.BILINEAR, fillcolor=colour))
    image, recoloured = _jitter(image, rng)
    return image, Change(crop, flip, recoloured, rotated)


def _on_another_background(
    pixels: np.ndarray, mask: np.ndarray, rng: np.random.Generator, backdrop: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    height, width = mask.shape
    if backdrop is None or rng.random() < 0.6:
        a, b = (rng.integers(0, 256, 3) * 0.6 + rng.integers(80, 256) * 0.4 for _ in range(2))
        ramp = np.linspace(0, 1, height)[:, None, None]
        new = np.broadcast_to((a + (b - a) * 0.4 * ramp).clip(0, 255).astype(np.uint8), pixels.shape)
    else:
        new = np.asarray(Image.fromarray(backdrop).resize((width, height), Image.Resampling.BILINEAR))
    return np.where(mask[..., None], new, pixels), new[height // 2, 0]


def _jitter(image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
    picture = Image.fromarray(np.ascontiguousarray(image))
    strong = bool(rng.random() < 0.2)
    wide = bool(rng.random() < 0.5)
    low, high = (0.55, 1.35) if wide else (0.9, 1.1)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast):
        picture = enhance(picture).enhance(rng.uniform(low, high))
    if strong:
        hue, saturation, value = picture.convert("HSV").split()
        shift = int(rng.integers(0, 256))
        picture = Image.merge("HSV", (hue.point(lambda h: (h + shift) % 256), saturation, value)).convert("RGB")
        picture = ImageEnhance.Color(picture).enhance(rng.uniform(0.0, 1.6))
    if rng.random() < 0.15:  # a small photo, enlarged
        size = picture.size
        small = rng.uniform(0.45, 0.9)
        picture = picture.resize((max(8, int(size[0] * small)), max(8, int(size[1] * small))), Image.Resampling.BILINEAR)
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    if rng.random() < 0.12:
        packed = io.BytesIO()
        picture.save(packed, "JPEG", quality=int(rng.integers(20, 60)))
        picture = Image.open(packed)
    return np.asarray(picture), strong or wide


def box_coverage(boxes: list[Rectangle], size: tuple[int, int], change: Change, frame: Frame, cells: int) -> np.ndarray:
    """(cells, cells) float32 in [0, 1]: how much of each attention cell the boxes (fractions of the photo) cover."""
    width, height = size
    grid = np.zeros((cells, cells), np.float32)
    for x0, y0, x1, y1 in boxes:
        across = _overlap(_moved_x(np.array([x0, x1]) * width, change), frame.scale, frame.dx, frame.size, cells)
        down = _overlap(np.array([y0, y1]) * height - change.crop[1], frame.scale, frame.dy, frame.size, cells)
        np.maximum(grid, down @ across.T, out=grid)
    return grid


def mask_coverage(mask: np.ndarray, size: tuple[int, int], change: Change, frame: Frame, cells: int) -> np.ndarray:
    """The same for a mask (h, w) of any resolution that spans the photo."""
    (width, height), (h, w) = size, mask.shape
    xs = _moved_x(np.linspace(0, width, w + 1), change)
    ys = np.linspace(0, height, h + 1) - change.crop[1]
    mask = mask[:, ::-1] if change.flip else mask
    across = _overlap(xs, frame.scale, frame.dx, frame.size, cells)
    down = _overlap(ys, frame.scale, frame.dy, frame.size, cells)
    return (down @ mask.astype(np.float32) @ across.T).astype(np.float32)


def kept_share(region: list[Rectangle] | np.ndarray, shape: tuple[int, ...], change: Change) -> float:
    """The share of a region that a crop keeps, 1 for no region.

    region: boxes in fractions of the photo, or a mask (h, w) that spans it; shape: that of the photo, height first.
    """
    (height, width), (x0, y0, x1, y1) = shape[:2], change.crop
    if isinstance(region, np.ndarray):
        h, w = region.shape
        columns, rows = (np.arange(w) + 0.5) * width / w, (np.arange(h) + 0.5) * height / h
        inside = ((rows >= y0) & (rows < y1))[:, None] & ((columns >= x0) & (columns < x1))
        return float((region & inside).sum() / region.sum()) if region.any() else 1.0
    kept = whole = 0.0
    for a, b, c, d in region:
        left, top, right, bottom = a * width, b * height, c * width, d * height
        whole += (right - left) * (bottom - top)
        kept += max(0.0, min(right, x1) - max(left, x0)) * max(0.0, min(bottom, y1) - max(top, y0))
    return kept / whole if whole else 1.0


def _moved_x(x: np.ndarray, change: Change) -> np.ndarray:
    """Photo x to x after crop and flip, still rising."""
    return np.sort(change.crop[2] - x) if change.flip else x - change.crop[0]


def _overlap(edges: np.ndarray, scale: float, offset: float, size: int, cells: int) -> np.ndarray:
    """(cells, len(edges) - 1): the share of each cell that lies between neighbouring edges."""
    edges = edges * scale + offset
    cell = np.arange(cells + 1) * size / cells
    low = np.maximum(cell[:-1, None], edges[None, :-1])
    high = np.minimum(cell[1:, None], edges[None, 1:])
    return np.clip(high - low, 0, None) * cells / size
