"""Whether two photos are one picture, saved again or slightly cropped, for many pairs at once.

Small copies of both are laid on one another by the inverse compositional method (Baker and Matthews, IJCV 2004), which finds
how much the second was scaled and shifted, each way by itself; then colours must agree wherever one of them shows something,
and so must its fine detail: a shop's shoes look alike from afar. `copies.relation` tells more of a single pair and takes a
hundred times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from asen_core.types import Garment

SIDE = 80
"""Pixels of the small copies, whatever the photo's shape: another shape is another scale. Colours are compared at half that."""
MEAN, TOP = 2.5, 14.0
"""Levels of 255 by which pixels of one picture differ, in the mean and at the 95th percentile of what is no bare backdrop."""
SPOT = 20.0
"""The same for the mean of any nine pixels together: a logo or a print that only one of them has is more, an edge is not."""
TINT = 5.5
"""The same for what is left of a colour without its brightness, in the mean of 25 pixels: valid photos saved again or cut have
up to 5.8, 98 in 100 whose hue was turned 6.8 and more, and the others have hardly a colour."""
ROUGH = 13.0
"""The same for sixteenths of the photos as they are: all valid photos cut by 5 % are under it, of pairs of others 4 in 10."""
DETAIL = 0.84
"""Correlation of what is left without the surroundings' mean, whether strong or faint: valid photos saved again have 0.87 and
more with few exceptions, different products of the same make taken alike up to 0.80."""
COVER = 0.75
"""How much of the first must lie within the second."""
_STEPS, _AT_ONCE, _NEAR = 6, 256, 5
_SCALES, _SHIFT, _FARTHEST = (0.85, 1.18), 0.2, 0.06
_BARE, _SHOWN, _FAINT = 20, 40, 3.0
"""Levels from the colour of the rim up to which a pixel is bare backdrop; pixels that must be none for that to matter; levels
of detail that are hardly more than what packing leaves."""
_BLUR = (1 / 9, 2 / 9, 3 / 9, 2 / 9, 1 / 9)


def small(garment: Garment) -> np.ndarray:
    """(80, 80, 3) uint8: what is compared of a photo."""
    whole = Image.fromarray(np.ascontiguousarray(garment.pixels))
    return np.asarray(whole.resize((SIDE, SIDE), Image.Resampling.BOX))


def same(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n,) bool: which pairs show one picture. first, second: (n, 80, 80, 3) uint8, as of `small`."""
    found = np.zeros(len(first), bool)
    parts = [slice(i, i + _AT_ONCE) for i in range(0, len(first), _AT_ONCE)]
    left = np.flatnonzero(np.concatenate([found[:0], *(_roughly(first[part], second[part]) for part in parts)]))
    for start in range(0, len(left), _AT_ONCE):
        some = left[start : start + _AT_ONCE]
        a, b = (p[some].astype(np.float32) for p in (first, second))
        agree = _agree(a, b)
        agree[~agree] = _agree(b[~agree], a[~agree])  # a part is laid on the whole more surely than the whole on a part
        found[some] = agree
    return found


@dataclass
class _Warp:
    """Where each of n pictures is looked at: x * scale + shift along both axes, in -1..1; scale, shift: (n, 2), y first."""

    scale: np.ndarray
    shift: np.ndarray

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """(n, s, s) of (n, s, s), bilinear."""
        side = pictures.shape[1]
        places = ((self._at(axis, side) + 1) * ((side - 1) / 2) for axis in (0, 1))
        down, across = (np.maximum(0, 1 - np.abs(p[:, :, None] - np.arange(side, dtype=np.float32))) for p in places)
        return down @ pictures @ across.transpose(0, 2, 1)

    def __getitem__(self, rows: np.ndarray) -> _Warp:
        return _Warp(self.scale[rows], self.shift[rows])

    def inside(self, side: int) -> np.ndarray:
        """(n, side, side) bool: what lies on the pictures."""
        down, across = (np.abs(self._at(axis, side)) <= 1.001 for axis in (0, 1))
        return down[:, :, None] & across[:, None, :]

    def coloured(self, pictures: np.ndarray) -> np.ndarray:
        """(n, s, s, 3) of (n, s, s, 3)."""
        return np.stack([self(pictures[..., c]) for c in range(3)], axis=-1)

    def _at(self, axis: int, side: int) -> np.ndarray:
        return self.scale[:, axis, None] * _grid(side) + self.shift[:, axis, None]


def _roughly(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n,) bool: what is worth a closer look."""
    parts = [_fewer(p, SIDE // 4) for p in (first, second)]
    return np.abs(parts[0] - parts[1]).max(axis=3).mean(axis=(1, 2)) <= ROUGH


def _agree(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    a, b = _fewer(first, 2), _fewer(second, 2)
    grey = a.mean(axis=3), b.mean(axis=3)
    warp = _Warp(*(np.full((len(a), 2), value, np.float32) for value in (1, 0)))
    for some in (tuple(_filtered(p, _BLUR) for p in grey), grey):
        warp = _closer(warp, *some)
    over, inside = warp.coloured(b), warp.inside(SIDE // 2)
    shown = _shown(a, over, inside)
    apart = np.maximum(_beyond(a, over), _beyond(over, a)) * inside
    agree = (inside.mean(axis=(1, 2)) >= COVER) & (_filtered(apart, (1 / 3, 1 / 3, 1 / 3)).max(axis=(1, 2)) <= SPOT)
    agree &= _tint(a - over, inside) <= TINT
    for i in np.flatnonzero(agree):
        seen = apart[i][shown[i]]
        agree[i] = seen.mean() <= MEAN and np.quantile(seen, 0.95) <= TOP
    rows = np.flatnonzero(agree)
    agree[rows] = _detail(first[rows], second[rows], warp[rows]) >= DETAIL
    return agree


def _tint(apart: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(n,): the most by which colours (n, s, s, 3), without their brightness, are apart around a pixel."""
    tints = (apart - apart.mean(axis=3, keepdims=True)) * inside[..., None]
    window = [1 / _NEAR] * _NEAR
    return np.max([np.abs(_filtered(tints[..., c], window)).max(axis=(1, 2)) for c in range(3)], axis=0)


def _detail(first: np.ndarray, second: np.ndarray, warp: _Warp) -> np.ndarray:
    """(n,) in [-1, 1]: the correlation of fine detail, each pixel's by how much there is around it."""
    warp = _closer(warp, first.mean(axis=3), second.mean(axis=3))
    over = warp.coloured(second)
    shown = _shown(first, over, warp.inside(SIDE))
    window = [1 / _NEAR] * _NEAR
    rest = [grey - _filtered(grey, window) for grey in (first.mean(axis=3), over.mean(axis=3))]
    power = np.maximum(*(_filtered(r**2, window) for r in rest))
    a, b = (r / (np.sqrt(power) + _FAINT) * shown for r in rest)
    norms = (a**2).sum(axis=(1, 2)) * (b**2).sum(axis=(1, 2))
    return (a * b).sum(axis=(1, 2)) / np.sqrt(np.maximum(norms, 1e-6))


def _closer(warp: _Warp, first: np.ndarray, second: np.ndarray) -> _Warp:
    """The warp, a little moved so that the second grey pictures (n, s, s) look more like the first."""
    side = first.shape[1]
    down, across = np.gradient(first, 2 / (side - 1), axis=(1, 2))
    grid = _grid(side)
    slopes = np.stack([down * grid[:, None], down, across * grid, across], -1).reshape(-1, side**2, 4)
    hessian = slopes.transpose(0, 2, 1) @ slopes
    damping = 1e-3 * np.maximum(1, hessian.trace(axis1=1, axis2=2) / 4)
    inverse = np.linalg.inv(hessian + damping[:, None, None] * np.eye(4, dtype=np.float32))
    for _ in range(_STEPS):
        rest = ((warp(second) - first) * warp.inside(side)).reshape(-1, 1, side**2)
        step = np.clip((inverse @ (rest @ slopes).transpose(0, 2, 1))[..., 0], -_FARTHEST, _FARTHEST)
        scale = 1 + step[:, 0::2]
        shift = warp.shift - warp.scale * step[:, 1::2] / scale
        warp = _Warp(np.clip(warp.scale / scale, *_SCALES), np.clip(shift, -_SHIFT, _SHIFT))
    return warp


def _grid(side: int) -> np.ndarray:
    return np.linspace(-1, 1, side, dtype=np.float32)


def _fewer(pictures: np.ndarray, by: int) -> np.ndarray:
    """(n, 80 / by, 80 / by, 3) float32: means of squares of pixels."""
    return pictures.reshape(-1, SIDE // by, by, SIDE // by, by, 3).mean(axis=(2, 4), dtype=np.float32)


def _filtered(pictures: np.ndarray, weights: Sequence[float]) -> np.ndarray:
    """(n, s, s), the pixels' neighbours along both axes added by weights."""
    side, margin = pictures.shape[1], len(weights) // 2
    for axis in (1, 2):
        wide = np.pad(pictures, [(margin, margin) if i == axis else (0, 0) for i in range(3)], mode="edge")
        pictures = np.add.reduce([np.float32(w) * np.take(wide, np.arange(i, i + side), axis) for i, w in enumerate(weights)])
    return pictures


def _shown(pictures: np.ndarray, others: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(n, s, s) bool: where either differs from the median colour of the first one's rim; all inside where that is little."""
    rim = np.concatenate([pictures[:, 0], pictures[:, -1], pictures[:, :, 0], pictures[:, :, -1]], axis=1)
    bare = np.median(rim, axis=1)[:, None, None]
    shown = (np.maximum(np.abs(pictures - bare), np.abs(others - bare)).max(axis=3) > _BARE) & inside
    return np.where((shown.sum(axis=(1, 2)) < _SHOWN)[:, None, None], inside, shown)


def _beyond(pictures: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(n, s, s): how far colours lie outside those of the nine nearest pixels of the others: one may lie a pixel off."""
    side = pictures.shape[1]
    wide = np.pad(others, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    near = [wide[:, i : i + side, j : j + side] for i in range(3) for j in range(3)]
    return np.maximum(pictures - np.maximum.reduce(near), np.minimum.reduce(near) - pictures).max(axis=3).clip(0)
