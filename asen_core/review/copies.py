"""Whether two photos show the same picture: saved again, cropped, mirrored, re-coloured or before another background."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from asen_core.review.align import Placement, edges, garment_mask, laid, placed
from asen_core.review.prints import KINDS, between, printed
from asen_core.types import Garment

RESAVED, CROPPED, MIRRORED, RECOLOURED, BACKGROUND = FLAGS = ("resaved", "cropped", "mirrored", "recoloured", "background")
"""`resaved`: whole, not mirrored, in its own colours and before its own background, perhaps packed, resized or darkened."""

AGREE = 0.6
"""Agreement of edges from which two photos are taken for one: valid photos that differ had up to 0.54, copies from 0.69."""
_OTHERWISE = 0.75
"""The same for photos of other colours, of which less speaks for one origin: garments of one cut agree in their outline."""
_COVER = 0.9
"""Share of a photo that the other must cover to count as whole."""
_COLOUR, _BACK = 6.0, 10.0
"""Median distance in Lab (CIE 1976) from which a garment counts as re-coloured, a background as another."""
_BUSY = 0.02
"""Mean squared edge from which a background has edges at all."""
_FAINTLY, _LOCALLY, _NEAR, _ISLAND, _CROWDED = 0.25, 0.6, 13, 0.1, 0.6
"""Where the whole agrees only faintly: agreement in windows of so many pixels, its largest area as a share of the photo, and
how much of both must be no bare backdrop."""
_SPREAD = 0.35
"""Share of the background whose edges must be others."""
_RIM = 2
"""Pixels at the rim of garment, background and photo that are not looked at: one may lie a pixel off the other."""
_TURN = 3.0
_ELSEWHERE = 0.4
"""Agreement of the background's edges under which it is another."""


@dataclass(frozen=True)
class Relation:
    """What one photo is to another.

    flags: those of FLAGS that hold, none for two different photos. agreement: in [-1, 1], of the edges where the second lies on
    the first best. covered: share of the first that the second shows, and of the second that the first shows. turn: degrees.
    colour, background: median distance in Lab of the garment and of what is around it (None: nothing to compare).
    hashes: kind of hash -> share of its bits that differ, in [0, 1], of the nearer of the photo as it is and mirrored;
    identical: every pixel is the same.
    """

    flags: tuple[str, ...]
    agreement: float
    covered: tuple[float, float]
    turn: float
    colour: float | None
    background: float | None
    hashes: Mapping[str, float]
    identical: bool = False

    def __bool__(self) -> bool:
        """Whether the two are one photo, however altered."""
        return bool(self.flags)

    def sentences(self) -> list[str]:
        """What was found, in plain words; one sentence per flag, or one that says there is nothing."""
        if not self.flags:
            return ["The two photos don't look like copies of one photo."]
        if self.identical:
            return ["The two photos are the same, pixel for pixel."]
        first, second = self.covered
        part = "a part of the first one" if first < second else "the first one with something added around it"
        words = {
            RESAVED: "The second photo looks like the first one, saved again.",
            CROPPED: f"The second photo looks like {part}.",
            MIRRORED: "The second photo looks like the first one mirrored.",
            RECOLOURED: "The second photo looks like the first one in other colours.",
            BACKGROUND: "The second photo looks like the first one before another background.",
        }
        turned = [f"The second photo looks turned by about {abs(self.turn):.0f}°."] if abs(self.turn) > _TURN else []
        return [*(words[flag] for flag in self.flags), *turned]


def relation(first: Garment, second: Garment) -> Relation:
    """What the second photo is to the first, by their edges laid on one another; takes about 0.15 s of one core.

    Two photos of one tone each are the same only pixel for pixel.
    """
    prints = printed(first), printed(second)
    apart = between(*prints).min(axis=0)
    hashes = {kind: float(share) for kind, share in zip(KINDS, apart, strict=True)}
    pictures = tuple(Image.fromarray(np.ascontiguousarray(g.pixels)) for g in (first, second))
    if prints[0].sha256 == prints[1].sha256:
        return Relation((RESAVED,), 1.0, (1.0, 1.0), 0.0, 0.0, 0.0, hashes, True)
    if not all(p.bits[0].any() for p in prints):  # of one tone: there is nothing to lay on one another
        return Relation((), 0.0, (0.0, 0.0), 0.0, None, None, hashes)
    at = max(placed(*pictures), key=lambda p: p.score)
    covered = _covered(*pictures, at)
    under, over, both = laid(*pictures, at)
    island = _island(under, over, both) if _FAINTLY <= at.score < AGREE else None
    if at.score < AGREE and island is None:
        return Relation((), at.score, covered, at.turn, None, None, hashes)
    parts = _parts(under, over, both) if island is None else (island, both & ~island)
    colour, background, agreeing = _differences(under, over, *parts)
    if colour is not None and colour > _COLOUR and at.score < _OTHERWISE:
        return Relation((), at.score, covered, at.turn, colour, background, hashes)
    true = {
        MIRRORED: at.mirrored,
        CROPPED: min(covered) < _COVER and abs(at.turn) <= _TURN,
        RECOLOURED: colour is not None and colour > _COLOUR,
    }
    swapped = background is not None and background > _BACK and not true[RECOLOURED]
    true[BACKGROUND] = island is not None or agreeing < _ELSEWHERE or swapped
    flags = tuple(flag for flag in FLAGS if true.get(flag)) or (RESAVED,)
    return Relation(flags, at.score, covered, at.turn, colour, background, hashes)


def _covered(first: Image.Image, second: Image.Image, at: Placement) -> tuple[float, float]:
    """Share of the first photo that the second shows, and the other way round; neither is turned for that."""
    sizes = np.array([np.array(p.size) / max(p.size) for p in (first, second)]) * [[1], [at.scale]]
    low, high = np.maximum((at.x, at.y), 0), np.minimum(np.add((at.x, at.y), sizes[1]), sizes[0])
    common = float(np.prod(np.maximum(high - low, 0)))
    return min(1.0, common / float(np.prod(sizes[0]))), min(1.0, common / float(np.prod(sizes[1])))


def _island(under: np.ndarray, over: np.ndarray, both: np.ndarray) -> np.ndarray | None:
    """(h, w) bool: the largest area in which the edges agree, where it is as large as no chance makes it.

    Only where neither photo has much of a bare backdrop: else the edges of the garment alone were compared already.
    """
    if not both.any() or min(garment_mask(p)[both].mean() for p in (under, over)) < _CROWDED:
        return None
    a, b = (edges(p) * both for p in (under, over))
    near = [ndimage.uniform_filter(v, _NEAR) for v in (np.abs(a) ** 2, np.abs(b) ** 2, (a * b.conj()).real)]
    agreeing = (near[2] > _LOCALLY * np.sqrt(near[0] * near[1])) & (np.minimum(near[0], near[1]) > _BUSY)
    areas, count = ndimage.label(agreeing)
    if not count:
        return None
    sizes = np.bincount(areas.ravel())[1:]
    return areas == 1 + int(sizes.argmax()) if sizes.max() >= _ISLAND * both.size else None


def _parts(under: np.ndarray, over: np.ndarray, both: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Garment and background, (h, w) bool each."""
    garment = garment_mask(under) & garment_mask(over)
    around = ~garment & both
    return (garment & both, around) if around.mean() >= 0.05 else _middle(both)


def _differences(
    under: np.ndarray, over: np.ndarray, garment: np.ndarray, around: np.ndarray
) -> tuple[float | None, float | None, float]:
    """How far garment and background are apart in Lab, and how well the background's edges agree."""
    both = garment | around
    garment, around = (ndimage.binary_erosion(m, iterations=_RIM) for m in (garment, around))
    found = []
    for factor in (_factor(under, over, both), 1.0):
        apart = _apart(under, np.clip(over * factor, 0, 255))
        found = [float(np.median(apart[m])) if m.sum() >= 16 else None for m in (garment, around)]
        if max(f or 0 for f in found) < min(_COLOUR, _BACK):
            break  # one factor for all explains it: the photo is darker or lighter, nothing else
    return found[0], found[1], _agreeing(under, over, around)


def _middle(both: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Garment and background where neither photo has a bare backdrop: an ellipse, and what lies well outside of it."""
    rows, columns = (np.linspace(-1, 1, n) for n in both.shape)
    radius = np.hypot(rows[:, None] / 0.8, columns / 0.55)
    return both & (radius < 1), both & (radius > 1.3)


def _factor(under: np.ndarray, over: np.ndarray, where: np.ndarray) -> float:
    """By which the second picture is as bright as the first."""
    a, b = (p[where].astype(np.float64).reshape(-1) for p in (under, over))
    return float(a @ b / max(b @ b, 1))


def _apart(under: np.ndarray, over: np.ndarray) -> np.ndarray:
    """(h, w): distance in Lab of two pictures without their fine detail, which may lie a pixel off."""
    a, b = (ndimage.uniform_filter(_lab(p), (5, 5, 1), mode="nearest") for p in (under, over))
    return np.linalg.norm(a - b, axis=2)


def _agreeing(under: np.ndarray, over: np.ndarray, around: np.ndarray) -> float:
    """Agreement in [-1, 1] of the background's edges at the best of nine shifts.

    1 where it has none, or others in a small part only: words, a thing that was put there.
    """
    a, b = (edges(p) * around for p in (under, over))
    powers = [float((np.abs(z) ** 2).sum()) / max(int(around.sum()), 1) for z in (a, b)]
    if max(powers) < _BUSY:
        return 1.0
    whole = around.sum() * np.prod([max(p, _BUSY / 4) for p in powers]) ** 0.5  # a photo without edges there doesn't agree
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    moved = max((np.roll(b, shift, (0, 1)) for shift in shifts), key=lambda z: float((a * z.conj()).real.sum()))
    other = ndimage.uniform_filter(np.abs(a - moved) ** 2, 9)[around] > _BUSY
    if other.mean() < _SPREAD:
        return 1.0
    return float((a * moved.conj()).real.sum()) / whole


def _lab(pixels: np.ndarray) -> np.ndarray:
    """(h, w, 3) float64: CIE Lab (1976) of sRGB under D65."""
    share = pixels / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ (matrix / matrix.sum(axis=1, keepdims=True)).T
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=2)
