"""Pillow's antialiased bilinear resize of 8-bit pictures, in tensors and to the bit: the release cuts its crops with it."""

from __future__ import annotations

import torch
from torch import Tensor

_BITS = 22
_AT_ONCE = 1 << 22


def resized_bytes(patch: Tensor, size: int) -> Tensor:
    """(C, H, W) uint8 -> (C, size, size) uint8, first along x, then along y, each rounded to 8 bits.

    torch's own `interpolate` differs by a level in places, which a deep network doesn't forgive on small crops.
    """
    channels, height, width = patch.shape
    across = _squeezed(patch.permute(2, 0, 1).reshape(width, channels * height), size)
    across = across.reshape(size, channels, height).permute(2, 1, 0).reshape(height, channels * size)
    return _squeezed(across, size).reshape(size, channels, size).permute(1, 0, 2)


def _squeezed(rows: Tensor, size: int) -> Tensor:
    """Rows (n, m) uint8 -> (size, m) uint8."""
    at, weights = (t.to(rows.device) for t in _taps(len(rows), size))
    half = 1 << (_BITS - 1)
    if at.numel() * rows.shape[1] <= _AT_ONCE:
        total = (rows[at] * weights[..., None]).sum(1, dtype=torch.int32) + half
    else:
        total = torch.full((size, rows.shape[1]), half, dtype=torch.int32, device=rows.device)
        for k in range(at.shape[1]):
            total += rows[at[:, k]] * weights[:, k, None]
    return (total >> _BITS).clamp(0, 255).to(torch.uint8)


def _taps(count: int, size: int) -> tuple[Tensor, Tensor]:
    """For each of `size` outputs the inputs that it is made of and their weights in 1 / 2^22, both (size, K)."""
    scale = count / size
    reach = max(scale, 1.0)
    centres = (torch.arange(size, dtype=torch.float64) + 0.5) * scale
    first = (centres - reach + 0.5).floor().clamp(min=0)
    last = (centres + reach + 0.5).floor().clamp(max=count)
    at = first[:, None] + torch.arange(int((last - first).max()), dtype=torch.float64)
    weights = (1 - ((at - centres[:, None] + 0.5) / reach).abs()).clamp(min=0)
    weights = torch.where(at < last[:, None], weights, 0.0)
    weights = weights / weights.sum(1, keepdim=True)
    return at.clamp(max=count - 1).long(), (weights * (1 << _BITS) + 0.5).floor().int()
