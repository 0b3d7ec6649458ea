"""Outlines as chains of cubic Bezier segments in centimetres: x to the picture's right, y down from the neck."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import skia

Point = tuple[float, float]
Segments = list[tuple[Point, Point, Point, Point]]


def line(*points: Point) -> Segments:
    """Straight pieces through the points."""
    return [(p, p, q, q) for p, q in pairwise(points)]


def bow(p: Point, q: Point, bulge: float) -> Segments:
    """One curve from p to q that leaves the chord by about `bulge` to its left (seen along p -> q, y down)."""
    dx, dy = q[0] - p[0], q[1] - p[1]
    length = max(float(np.hypot(dx, dy)), 1e-6)
    nx, ny = dy / length * bulge * 1.33, -dx / length * bulge * 1.33
    return [(p, (p[0] + dx / 3 + nx, p[1] + dy / 3 + ny), (p[0] + 2 * dx / 3 + nx, p[1] + 2 * dy / 3 + ny), q)]


def cubic(p: Point, a: Point, b: Point, q: Point) -> Segments:
    """One Bezier segment with its two handles."""
    return [(p, a, b, q)]


def smooth(*points: Point, tension: float = 0.5) -> Segments:
    """A smooth curve through the points (Catmull-Rom, handles limited by the chord)."""
    p = np.array([points[0], *points, points[-1]], float)
    out: Segments = []
    for i in range(1, len(p) - 2):
        a = p[i] + (p[i + 1] - p[i - 1]) * tension / 3
        b = p[i + 1] - (p[i + 2] - p[i]) * tension / 3
        out.append((tuple(p[i]), tuple(a), tuple(b), tuple(p[i + 1])))
    return out


def dome(*points: Point) -> Segments:
    """A smooth curve through points on the right and their mirror images; the last point lies on the middle line, its top."""
    return smooth(*points, *((-x, y) for x, y in reversed(points[:-1])))


def reverse(segments: Segments) -> Segments:
    """The same curve walked from its other end."""
    return [(s[3], s[2], s[1], s[0]) for s in reversed(segments)]


def mirror(segments: Segments, skew: float = 1.0) -> Segments:
    """The curve on the other side of the body, walked the other way round; `skew` breaks perfect symmetry."""
    return [tuple((-x * skew, y) for x, y in s) for s in reverse(segments)]


def path(*chains: Segments, closed: bool = True) -> skia.Path:
    """Chains joined one after another (gaps become straight lines)."""
    out = skia.Path()
    started = False
    for chain in chains:
        for p, a, b, q in chain:
            if not started:
                out.moveTo(*p)
                started = True
            elif _apart(out, p):
                out.lineTo(*p)
            if p == a and b == q:
                out.lineTo(*q)
            else:
                out.cubicTo(*a, *b, *q)
    if closed:
        out.close()
    return out


def _apart(path: skia.Path, p: Point) -> bool:
    last = path.getPoint(path.countPoints() - 1)
    return abs(last.x() - p[0]) + abs(last.y() - p[1]) > 1e-4


def flipped(shape: skia.Path, skew: float = 1.0) -> skia.Path:
    """The shape mirrored at the body's middle line, scaled sideways by `skew`."""
    out = skia.Path(shape)
    out.transform(skia.Matrix().setScale(-skew, 1))
    return out


def union(*shapes: skia.Path) -> skia.Path:
    """All shapes in one path (drawn together; overlaps stay filled)."""
    out = skia.Path()
    for shape in shapes:
        out.addPath(shape)
    return out
