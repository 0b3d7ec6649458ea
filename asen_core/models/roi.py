"""From attention to a region of interest, and from there to a crop of the full-resolution photo."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from asen_core.config import ModelConfig
from asen_core.models.resize import resized_bytes
from asen_core.types import Frame


def roi_boxes(attention: Tensor, placed: Tensor, config: ModelConfig) -> Tensor:
    """Square regions of interest: attention (B, A, h, w) and `placed` (B, 4) -> boxes (B, A, 4) in input pixels.

    The map is upsampled bilinearly to the input size, min-max scaled and cut at `roi_threshold`; the bounding box is
    widened by `roi_margin`, squared to its longer side (at least `roi_min_size` of the input) and shifted inside
    `placed`, the photo's own rectangle within the input (TIP 2021, section III-C). Flat attention gives the whole photo.
    """
    b, a = attention.shape[:2]
    if b * a == 0:
        return attention.new_zeros(b, a, 4)
    size = config.input_size
    maps, low, high = _upsampled(attention, size)
    mask = maps - low >= config.roi_threshold * (high - low)  # flat attention: everything
    x0, x1 = _extent(mask.any(2))
    y0, y1 = _extent(mask.any(3))
    side = torch.maximum(x1 - x0, y1 - y0) * (1 + 2 * config.roi_margin)
    side = side.clamp(min=config.roi_min_size * size, max=size)
    centre = torch.stack([(x0 + x1) / 2, (y0 + y1) / 2], -1)  # (B, A, 2)
    centre = _shifted_inside(centre, side[..., None], placed[:, None])
    return torch.cat([centre - side[..., None] / 2, centre + side[..., None] / 2], -1)


def released_boxes(attention: Tensor, sources: Sequence[Tensor], config: ModelConfig) -> Tensor:
    """Square regions of interest as by the authors' release: attention (B, A, h, w) -> boxes (B, A, 4), whole photo pixels.

    sources: B photos (3, H, W). The map is upsampled bilinearly (half-pixel centres), min-max scaled, quantised to 8 bits and
    kept above `roi_threshold`; the bounding box becomes a square on its longer side about its centre in integer halves, pushed
    back inside the input, and is scaled to the photo by truncation, with the offset of the centre crop added on the photo's
    longer side. As in the release, a square of odd side may reach one input pixel over the right or lower edge. Where the
    release would fail, flat attention gives the whole centre square, and a photo of few pixels at least one of them.
    """
    b, a = attention.shape[:2]
    if b * a == 0:
        return attention.new_zeros(b, a, 4)
    size = config.input_size
    maps, low, high = _upsampled(attention, size)
    grey = (255 * ((maps - low) / (high - low))).floor()
    # Flatness is asked of the cells: upsampling a constant leaves rounding noise, which would be taken for a map.
    flat = attention.amin((2, 3), keepdim=True) == attention.amax((2, 3), keepdim=True)
    mask = (grey > int(255 * config.roi_threshold)) | flat
    x0, x1 = _extent(mask.any(2))
    y0, y1 = _extent(mask.any(3))
    first, extent = torch.stack([x0, y0], -1), torch.stack([x1 - x0, y1 - y0], -1)  # (B, A, 2)
    side = extent.amax(-1, keepdim=True)
    half, centre = side.div(2).floor(), first + extent.div(2).floor()
    corner = torch.where(centre + half > size, size - side, (centre - half).clamp(min=0))
    photo = torch.tensor([s.shape[:0:-1] for s in sources], dtype=torch.float64, device=maps.device)[:, None]  # (B, 1, 2): w, h
    short = photo.amin(-1, keepdim=True)
    # In double precision and in this order, so that truncation falls on the same side as in the release.
    corner = (corner.double() / size * short).floor() + ((photo - short) / 2).floor()
    side = (side.double() / size * short).floor().clamp(min=1)
    return torch.cat([corner, corner + side], -1).float()


def _upsampled(attention: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """The maps (B, A, size, size), bilinearly with half-pixel centres, and the least and greatest of each (B, A, 1, 1)."""
    maps = interpolate(attention.float(), size=(size, size), mode="bilinear", align_corners=False)
    return maps, maps.amin((2, 3), keepdim=True), maps.amax((2, 3), keepdim=True)


def _extent(hits: Tensor) -> tuple[Tensor, Tensor]:
    """First index and one past the last index of True along the last axis; every row has one."""
    hits = hits.float()
    n = hits.shape[-1]
    return hits.argmax(-1).float(), n - hits.flip(-1).argmax(-1).float()


def _shifted_inside(centre: Tensor, side: Tensor, placed: Tensor) -> Tensor:
    """Centres moved so that the square lies inside the photo; an axis where it is longer than the photo is centred."""
    low, high = placed[..., :2] + side / 2, placed[..., 2:] - side / 2
    middle = (placed[..., :2] + placed[..., 2:]) / 2
    return torch.where(low <= high, torch.minimum(torch.maximum(centre, low), high), middle)


def placed_in_input(sources: Sequence[Tensor], frames: Sequence[Frame]) -> Tensor:
    """(B, 4) float32: each photo's own rectangle within the model's input, x0, y0, x1, y1."""
    rows = []
    for source, f in zip(sources, frames, strict=True):
        h, w = source.shape[1:]
        box = (f.dx, f.dy, f.dx + w * f.scale, f.dy + h * f.scale)
        rows.append([min(max(v, 0.0), float(f.size)) for v in box])
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


def to_photo(boxes: Tensor, frames: Sequence[Frame]) -> Tensor:
    """Boxes (B, A, 4) from input pixels to photo pixels."""
    offset = torch.tensor([[f.dx, f.dy, f.dx, f.dy] for f in frames], device=boxes.device).reshape(-1, 1, 4)
    scale = torch.tensor([f.scale for f in frames], device=boxes.device).reshape(-1, 1, 1)
    return (boxes - offset) / scale


def cut(source: Tensor, box: Sequence[float], size: int, fill: int) -> Tensor:
    """A crop of a photo (3, H, W) uint8, resized with antialiasing to (3, size, size) float32 in 0..255.

    `box` is x0, y0, x1, y1 in photo pixels, rounded to whole ones; what lies outside the photo is `fill`.
    """
    height, width = source.shape[1:]
    x0, y0 = round(box[0]), round(box[1])
    x1, y1 = max(round(box[2]), x0 + 1), max(round(box[3]), y0 + 1)
    cx0, cy0, cx1, cy1 = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    if (cx0, cy0, cx1, cy1) == (x0, y0, x1, y1):
        return _resized(source[:, y0:y1, x0:x1], size, size)
    out = source.new_full((3, size, size), fill, dtype=torch.float32)
    if cx0 < cx1 and cy0 < cy1:
        left, right = (round((v - x0) * size / (x1 - x0)) for v in (cx0, cx1))
        top, bottom = (round((v - y0) * size / (y1 - y0)) for v in (cy0, cy1))
        if right > left and bottom > top:
            out[:, top:bottom, left:right] = _resized(source[:, cy0:cy1, cx0:cx1], bottom - top, right - left)
    return out


def cut_released(source: Tensor, box: Sequence[float], size: int, fill: int) -> Tensor:
    """As `cut`, to the numbers of Pillow's crop and resize on 8 bits: (3, size, size) float32, whole numbers in 0..255.

    A strip outside the photo, which only the release's own regions have, is resized together with what lies inside.
    """
    height, width = source.shape[1:]
    x0, y0, x1, y1 = (round(v) for v in box)
    outside = max(-x0, 0), max(x1 - width, 0), max(-y0, 0), max(y1 - height, 0)
    if x1 <= x0 or y1 <= y0 or max(outside) > max(x1 - x0, y1 - y0) // 16:  # a person's box: padding it could fill the memory
        return cut(source, box, size, fill).round()
    patch = pad(source[:, max(y0, 0) : y1, max(x0, 0) : x1], outside, value=fill)
    return resized_bytes(patch, size).float()


def _resized(patch: Tensor, height: int, width: int) -> Tensor:
    return interpolate(patch[None].float(), size=(height, width), mode="bilinear", antialias=True, align_corners=False)[0]
