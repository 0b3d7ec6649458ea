"""The cut of upper-body garments: neck opening, shoulders, armholes, sides, hem and sleeves, in centimetres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import skia

from asen_core.data.render import styles
from asen_core.data.render.curve import Point, Segments, bow, cubic, line, mirror, path, reverse, smooth
from asen_core.data.render.spec import Spec

Uniform = Callable[[float, float], float]
"""A generator's `uniform`: a number between two bounds."""


@dataclass(frozen=True)
class Torso:
    """The front of a top.

    `armholes` and `tops` are (right, left) chains; `depth` is the y of the front neck's lowest point; `skew` the width of the
    left half over the right one's.
    """

    front: skia.Path
    opening: skia.Path
    back: skia.Path
    tops: tuple[Segments, Segments]
    armholes: tuple[Segments, Segments]
    sides: tuple[Segments, Segments]
    hem: Segments
    neck_width: float
    depth: float
    shoulder: Point
    armpit: Point
    waist: float
    hem_y: float
    hem_x: float
    skew: float

    def half_width(self, y: float) -> float:
        """Half the garment's width at a height below the armpit."""
        points = np.array([s[0] for s in self.sides[0]] + [self.sides[0][-1][3]])
        return float(np.interp(y, points[:, 1], points[:, 0]))


def front_neck(neck: str, rng: np.random.Generator) -> tuple[Segments, float, float]:
    """Right half of the front neckline from the middle to the shoulder, its half width and its depth."""
    u = rng.uniform
    if neck in ("scoop", "draped"):
        w, d = u(9.8, 12), u(13.5, 18)
        return cubic((0, d), (w * 0.68, d), (w * 0.95, d * 0.6), (w, 0)), w, d
    if neck in ("v", "v_cardigan", "collarless_v"):
        w, d = u(7.5, 9.5), u(15, 20) if neck == "v" else u(20, 28)
        return bow((0, d), (w, 0), u(-0.9, 0.2)), w, d
    if neck == "deep_v":
        w, d = u(8.5, 10.5), u(27, 33)
        return bow((0, d), (w, 0), u(-1.4, 0.2)), w, d
    if neck in ("lapel", "shawl", "wide_shawl"):
        w, d = u(7.5, 8.5), u(25, 36)
        return line((0, d), (w, 0)), w, d
    if neck == "square":
        w, d = u(9.5, 11.5), u(12, 16)
        return line((0, d), (w - 1.2, d)) + bow((w - 1.2, d), (w - 0.9, d - 0.4), -0.1) + line((w - 0.9, d - 0.4), (w, 0)), w, d
    if neck == "sweetheart":
        w, d = u(11, 12.5), u(16, 18)
        return cubic((0, d), (0.8, d - 4.5), (w * 0.72, d - 6.5), (w - 0.8, d - 4.6)) + line((w - 0.8, d - 4.6), (w, 0)), w, d
    if neck == "boat":
        w, d = u(13, 15), u(3.6, 5)
        return cubic((0, d), (w * 0.5, d), (w * 0.85, d * 0.7), (w, 0.9)), w, d
    w, d = u(7.6, 9.2), u(7.2, 10)
    if neck in ("turtle", "low_turtle", "funnel", "rib", "ruffle_high", "mandarin", "shirt", "polo"):
        w, d = u(7, 7.8), u(5, 6.2)
    if neck in ("peter_pan", "puritan"):
        w, d = u(7.6, 8.4), u(6.6, 8)
    if neck == "hood":
        w, d = u(8.5, 9.5), u(8, 10)
    return cubic((0, d), (w * 0.58, d), (w * 0.98, d * 0.62), (w, 0)), w, d


def torso(spec: Spec, rng: np.random.Generator) -> Torso:
    """Cut the front of a top."""
    u = rng.uniform
    inner, width, depth = front_neck(spec.neck, rng)
    ax, wx, hip = _girth(spec, rng)
    armpit = (ax, u(21, 23.5) + (2 if spec.fit == "boxy" else 0) - (2.2 if spec.worn else 0))
    shoulder = (u(18.2, 20.2) + (1.2 if spec.fit == "boxy" else 0), u(4.2, 5.6))
    if spec.sleeve == "sleeveless":
        shoulder = (max(width + 3.2, u(14.5, 17)), u(3.2, 4.2))
        if spec.kind == "tank_top" or spec.neck == "strap":
            shoulder = (width + u(2.2, 4.5), 1.4)
    right, left, shoulder, depth = _tops(spec.neck, inner, width, depth, shoulder, armpit, u)
    y1 = float(u(*styles.TOP_LENGTHS[spec.length][3:]))
    side, hem = _side(spec, armpit, wx, hip, y1, u)
    hem_x = side[-1][3][0]
    skew = u(0.985, 1.015)
    holes = (_armhole(right[-1][3], armpit), _armhole(left[-1][3], armpit))
    r = [right, holes[0], side, hem]
    l = [left, holes[1], side, hem]
    front = path(*r, *[mirror(c, skew) for c in reversed(l)])
    opening, back = _opening(spec.neck, right, left, width, depth, u)
    mirrored = mirror(left, skew), mirror(holes[1], skew), mirror(side, skew)
    return Torso(
        front, opening, back, (right, mirrored[0]), (holes[0], mirrored[1]), (side, mirrored[2]), hem + mirror(hem, skew),
        width, depth, shoulder, armpit, wx, y1, hem_x, skew,
    )  # fmt: skip


def _girth(spec: Spec, rng: np.random.Generator) -> tuple[float, float, float]:
    """Half widths at armpit, waist and hip."""
    u = rng.uniform
    ax = {"slim": u(21, 23), "regular": u(23, 25), "boxy": u(26, 29), "a_line": u(21.5, 24)}[spec.fit]
    heavy = 2.0 if spec.kind in ("coat", "parka", "jacket", "blazer") else 0.0
    if spec.kind == "dress" and spec.fit == "regular":
        ax -= 1
    wx = ax * {"slim": u(0.82, 0.9), "regular": u(0.92, 0.98), "boxy": u(0.98, 1.02), "a_line": u(0.84, 0.95)}[spec.fit]
    hip = ax * {"slim": u(0.93, 1.0), "regular": u(0.98, 1.04), "boxy": u(0.98, 1.05), "a_line": u(1.15, 1.35)}[spec.fit]
    snug = 0.86 if spec.worn else 1.0
    return (ax + heavy) * snug, (wx + heavy) * snug, (hip + heavy) * (snug + 0.06 if spec.worn else 1.0)


def _tops(
    neck: str, inner: Segments, width: float, depth: float, shoulder: Point, armpit: Point, u: Uniform
) -> tuple[Segments, Segments, Point, float]:
    """Chains from the front's middle to the top of the armhole on both sides."""
    if neck == "strapless":
        depth, x = u(14, 16), armpit[0] - 3
        chain = cubic((0, depth), (6, depth - u(0, 2)), (x - 3, depth - 1.6), (x, depth - 0.6))
        return chain, chain, (x, depth - 0.6), depth
    if neck == "off_shoulder":
        depth, x = u(9.5, 11.5), 20.5
        chain = cubic((0, depth), (8, depth), (15, depth - 1.5), (x, depth - 2.2))
        return chain, chain, (x, depth - 2.2), depth
    if neck == "one_shoulder":
        depth, x = u(10, 12), armpit[0] - 3
        right = cubic((0, depth), (4, depth - 3), (7, 5), (8.5, 0)) + line((8.5, 0), (shoulder[0], shoulder[1]))
        left = cubic((0, depth), (-4 + 8, depth + 2.6), (x - 6, 16.5), (x, 17.5))
        return right, left, shoulder, depth
    if neck == "strap":
        depth, x, thin = u(13, 16), u(10, 13), u(0.9, 2.6)
        rise = u(0.3, 2.2)
        top = cubic((0, depth), (4, depth), (x - 3, depth - rise * 0.6), (x, depth - rise)) + line(
            (x, depth - rise), (x - 0.4, 0), (x - 0.4 + thin, 0.2)
        )
        chain = top + line((x - 0.4 + thin, 0.2), (x + thin + 0.7, depth - rise - 0.5))
        return chain, chain, (x + thin, 0.2), depth
    chain = inner + bow(inner[-1][3], shoulder, 0.35)
    return chain, chain, shoulder, depth


def _armhole(top: Point, armpit: Point) -> Segments:
    ax, ay = armpit
    deep = max(0.0, ax - top[0])
    return cubic(top, (top[0] - 1.0 + 0.12 * deep, top[1] + (ay - top[1]) * 0.5), (ax - 3.6 - 0.2 * deep, ay - 1.2), armpit)


def _side(spec: Spec, armpit: Point, wx: float, hip: float, y1: float, u: Uniform) -> tuple[Segments, Segments]:
    """Side seam from armpit to hem corner, and the hem from there to the middle."""
    ax = armpit[0]
    points = [armpit]
    if y1 > 46:
        points.append((wx, 39.5))
    if y1 > 70:
        points.append(((hip + wx) / 2 if spec.fit == "a_line" else hip, 58))
    if spec.fit == "a_line":
        end = hip + max(0.0, y1 - 60) * u(0.18, 0.34)
    else:
        end = hip + max(0.0, y1 - 66) * {"slim": -0.03, "regular": 0.05, "boxy": 0.06}[spec.fit]
    if y1 <= 46:
        end = (ax + wx) / 2
    if spec.fabric in ("knit", "cable", "fleece") and y1 < 70:
        end *= 0.94
    points.append((end, y1))
    side = smooth(*points)
    x, y = side[-1][3]
    sag = u(0.4, 1.4) + (0.05 * x if y1 > 90 else 0)
    if spec.kind == "shirt" and u(0, 1) < 0.7:
        return side, cubic((x, y), (x - 4, y + 5), (x * 0.55, y + 7), (0, y + 6.5))
    return side, cubic((x, y), (x * 0.7, y + sag), (x * 0.35, y + sag * 1.1), (0, y + sag * 1.1))


def _opening(neck: str, right: Segments, left: Segments, width: float, depth: float, u: Uniform) -> tuple[skia.Path, skia.Path]:
    """The hole that the neck goes through, and the inner back that is seen in it."""
    if neck in ("strapless", "off_shoulder", "one_shoulder"):
        whole = [right, reverse(right)] if neck == "off_shoulder" else None
        rise = 3.0
        raised = [tuple((x, y - rise) for x, y in s) for s in right]
        other = [tuple((x, y - rise) for x, y in s) for s in left]
        shape = path(mirror(left), right, reverse(raised), reverse(mirror(other)))
        top = [tuple((x, y - 1.3) for x, y in s) for s in right]
        inside = path(mirror(right), right, reverse(top), reverse(mirror(top))) if whole or neck == "strapless" else skia.Path()
        return shape, inside
    if neck == "strap":
        x = right[0][3][0]
        top = cubic((x, right[0][3][1]), (x - 3, depth - 3), (4, depth - 3), (0, depth - 3))
        hole = path(mirror(right[:2]), right[:2], line(right[1][3], (-right[1][3][0], right[1][3][1])))
        return hole, path(mirror(right[:1]), right[:1], top, mirror(top))
    front = right[: len(right) - 1]
    rise = u(1.2, 2.4) if neck != "boat" else depth * 0.55
    end = front[-1][3]
    back = cubic(end, (end[0] * 0.8, end[1] + rise), (width * 0.4, end[1] + rise), (0, end[1] + rise))
    shape = path(front, back, mirror(back), mirror(front))
    return shape, shape
