"""Where one photo lies in another: shifted, scaled, turned a little or mirrored, told by the directions of their edges.

Orientation correlation (Fitch, Kadyrov, Christmas and Kittler, BMVC 2002) over a mask (Padfield, CVPR 2010), on small pictures.
An edge counts by its direction and not by which of its sides is lighter, so that other colours change little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image
from scipy import fft, ndimage

COARSE, FINE = 56, 96
"""Longer side of the larger picture, in pixels: where everything is tried, and where the best is looked at closely."""
_STEP, _STEPS, _FINELY = 1.07, 9, 1.012
_TURNS = (-10.0, -5.0, 0.0, 5.0, 10.0)
_LEAST = 0.7
"""How much of the smaller one must lie in the other."""
_FAINT = 6.0
"""Grey levels from pixel to pixel under which a surface is bare, and a direction means little."""
_WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Placement:
    """The second photo laid on the first.

    score: in [-1, 1], agreement of the edges where both lie. scale: longer side of the second by the first's; turn: degrees
    that it was turned; x, y: its upper left corner, in longer sides of the first; mirrored: it was mirrored before all that.
    """

    score: float
    scale: float
    turn: float
    x: float
    y: float
    mirrored: bool


def placed(first: Image.Image, second: Image.Image) -> tuple[Placement, Placement]:
    """How the second of two RGB pictures lies best on the first: as it is, and mirrored."""
    found = []
    flipped = second.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    scales = [_STEP**k for k in range(1 - _STEPS, _STEPS)]
    for mirrored, other in ((False, second), (True, flipped)):
        tried = sorted(_tried(first, other, scales, _TURNS, COARSE), key=lambda p: -p.score)
        starts = dict.fromkeys((tried[0], next(p for p in tried if not p.turn)))
        near = [_closely(first, other, start) for start in starts]
        found.append(replace(max(near, key=lambda p: p.score), mirrored=mirrored))
    return found[0], found[1]


def _closely(first: Image.Image, second: Image.Image, start: Placement) -> Placement:
    """The best place near one that was found on smaller pictures."""
    scales = [start.scale * _FINELY**k for k in range(-4, 5)]
    turns = (start.turn - 2, start.turn, start.turn + 2) if start.turn else (0.0,)
    return max(_tried(first, second, scales, turns, FINE), key=lambda p: p.score)


def laid(first: Image.Image, second: Image.Image, at: Placement) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both in the first one's frame, its longer side FINE pixels.

    (h, w, 3) uint8 twice, and where the second lies, (h, w) bool.
    """
    under = sized(first, FINE)
    other = second.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if at.mirrored else second
    over, cover = _turned(sized(other, FINE * at.scale), at.turn)
    corner = (round(at.x * FINE), round(at.y * FINE))
    sheet, mask = Image.new("RGB", under.size), Image.new("L", under.size)
    sheet.paste(over, corner)
    mask.paste(Image.fromarray(cover.astype(np.uint8) * 255), corner)
    return np.array(under), np.array(sheet), np.array(mask) > 0


def garment_mask(pixels: np.ndarray) -> np.ndarray:
    """(H, W) bool of a small picture: what is no bare backdrop, of whatever colour; all where there is no such backdrop.

    Backdrop is what an even surface reaches from a side in a straight line.
    """
    return _garment(_gradients(pixels)[1])


def edges(pixels: np.ndarray) -> np.ndarray:
    """(H, W) complex64 of (H, W, 3) uint8: per pixel twice the direction of its edge, as long as it stands out around it, <= 1.

    Its direction is that of the colour gradient (Di Zenzo, 1986), whose two ways are one here.
    """
    doubled, strength = _gradients(pixels)
    return doubled / (np.maximum(ndimage.uniform_filter(strength, 7), strength / 3) + _FAINT)


def _gradients(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    colours = pixels.astype(np.float32)
    down = ndimage.correlate1d(colours, (-0.5, 0, 0.5), 0, mode="nearest")
    across = ndimage.correlate1d(colours, (-0.5, 0, 0.5), 1, mode="nearest")
    xx, yy, xy = ((a * b).sum(2) for a, b in ((across, across), (down, down), (across, down)))
    strength = np.sqrt(xx + yy)
    return ((xx - yy + 2j * xy) / np.maximum(strength, 1e-6)).astype(np.complex64), strength


def _garment(strength: np.ndarray) -> np.ndarray:
    even, reach = strength < _FAINT, np.logical_and.accumulate
    bare = reach(even, 1) | reach(even[:, ::-1], 1)[:, ::-1] | reach(even, 0) | reach(even[::-1], 0)[::-1]
    return ~bare if 0.1 < bare.mean() < 0.95 else np.ones_like(bare)


def _tried(
    first: Image.Image, second: Image.Image, scales: Sequence[float], turns: Sequence[float], longest: int
) -> list[Placement]:
    """The best place for each scale and turn; the larger picture is `longest` pixels."""
    side = fft.next_fast_len(2 * longest + 2)
    own = {s: _spectra(sized(first, longest / max(s, 1)), 0.0, side) for s in {max(s, 1.0) for s in scales}}
    found = []
    for turn in turns:
        other = {s: _spectra(sized(second, longest * min(s, 1)), turn, side) for s in {min(s, 1.0) for s in scales}}
        for scale in scales:
            score, row, column = _best(own[max(scale, 1.0)], other[min(scale, 1.0)])
            size = longest / max(scale, 1)
            found.append(Placement(score, scale, turn, column / size, row / size, False))
    return found


@dataclass(frozen=True, eq=False)
class _Spectra:
    """Fourier transforms of a picture's edges, of their squared length and of where it is; area: in pixels."""

    edges: np.ndarray
    power: np.ndarray
    cover: np.ndarray
    area: float


def _spectra(picture: Image.Image, turn: float, side: int) -> _Spectra:
    turned, cover = _turned(picture, turn)
    pixels = np.asarray(turned)
    cover = ndimage.binary_erosion(cover, border_value=1) if turn else cover
    cover = (cover & garment_mask(pixels)).astype(np.float32)
    z = edges(pixels) * cover
    shape = (side, side)
    power = fft.rfft2((z.real**2 + z.imag**2).astype(np.float32), shape)
    return _Spectra(fft.fft2(z, shape), power, fft.rfft2(cover, shape), float(cover.sum()))


def _best(first: _Spectra, second: _Spectra) -> tuple[float, int, int]:
    """Score, row and column of the second one's upper left corner on the first."""
    side = first.edges.shape[0]
    together = fft.ifft2(first.edges * second.edges.conj()).real
    shape = (side, side)
    cover = fft.irfft2(first.cover * second.cover.conj(), shape)
    energy = fft.irfft2(first.power * second.cover.conj(), shape) * fft.irfft2(first.cover * second.power.conj(), shape)
    fits = (cover >= _LEAST * min(first.area, second.area)) & (energy > 1)
    scores = np.where(fits, together / np.sqrt(np.maximum(energy, 1)), -1)
    at = int(scores.argmax())
    row, column = divmod(at, side)
    return float(scores.flat[at]), *(v - side if v > side // 2 else v for v in (row, column))


def sized(picture: Image.Image, longest: float) -> Image.Image:
    ratio = longest / max(picture.size)
    size = tuple(max(1, round(v * ratio)) for v in picture.size)
    return picture.resize(size, Image.Resampling.BOX if ratio < 0.5 else Image.Resampling.BILINEAR, reducing_gap=3.0)


def _turned(picture: Image.Image, turn: float) -> tuple[Image.Image, np.ndarray]:
    """The picture turned within its frame, and where it then is."""
    whole = np.ones(picture.size[::-1], bool)
    if not turn:
        return picture, whole
    there = Image.fromarray(whole.astype(np.uint8) * 255).rotate(turn, Image.Resampling.NEAREST)
    return picture.rotate(turn, Image.Resampling.BILINEAR, fillcolor=_WHITE), np.array(there) > 0
