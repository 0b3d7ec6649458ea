"""Small things that prints are made of. A motif draws itself around the origin, in centimetres."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import skia

from asen_core.data.render.palette import RGB
from asen_core.data.render.pen import paint

Draw = Callable[[skia.Canvas], None]


def scatter(size: float, count: int, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """(x, y, angle) spread over a repeating square by best candidate, so that none crowd."""
    points = [(size / 2, size / 2)]
    while len(points) < count:
        tries = rng.uniform(0, size, (12, 2))
        gaps = np.abs(tries[:, None] - np.array(points)[None])
        gaps = np.minimum(gaps, size - gaps)
        points.append(tuple(tries[np.hypot(gaps[..., 0], gaps[..., 1]).min(axis=1).argmax()]))
    return [(float(x), float(y), float(rng.uniform(0, 360))) for x, y in points]


def flower(petals: int, radius: float, petal: RGB, heart: RGB, leaf: RGB) -> Draw:
    """A blossom with two leaves, seen from above."""
    inner = tuple(round(c * 0.82) for c in petal)

    def draw(canvas: skia.Canvas) -> None:
        for angle in (20, 200):
            canvas.save()
            canvas.rotate(angle)
            canvas.drawPath(petal_path(radius * 1.75, radius * 0.36), paint(leaf))
            canvas.restore()
        for k in range(petals):
            canvas.save()
            canvas.rotate(k * 360 / petals)
            canvas.drawPath(petal_path(radius, radius * 2.0 / petals + 0.25), paint(petal))
            canvas.drawPath(petal_path(radius * 0.6, radius * 0.7 / petals), paint(inner))
            canvas.restore()
        canvas.drawCircle(0, 0, radius * 0.24, paint(heart))

    return draw


def petal_path(length: float, width: float) -> skia.Path:
    """One petal that grows from the origin upwards."""
    out = skia.Path()
    out.moveTo(0, 0)
    out.cubicTo(width * 1.1, -length * 0.3, width, -length, 0, -length)
    out.cubicTo(-width, -length, -width * 1.1, -length * 0.3, 0, 0)
    return out


def blob(size: float, rgb: RGB, rng: np.random.Generator) -> Draw:
    """A round-cornered patch, as in camouflage."""
    angles = np.linspace(0, 2 * np.pi, 9)[:-1]
    radii = size * rng.uniform(0.5, 1.1, 8)
    out = skia.Path()
    pts = [(float(r * np.cos(t)), float(r * np.sin(t))) for r, t in zip(radii, angles, strict=True)]
    mids = [((p[0] + q[0]) / 2, (p[1] + q[1]) / 2) for p, q in zip(pts, pts[1:] + pts[:1], strict=True)]
    out.moveTo(*mids[-1])
    for p, m in zip(pts, mids, strict=True):
        out.quadTo(*p, *m)
    return lambda canvas: canvas.drawPath(out, paint(rgb))


def star(size: float, rgb: RGB) -> Draw:
    """A five-pointed star."""
    out = skia.Path()
    for k in range(10):
        r = size if k % 2 == 0 else size * 0.42
        x, y = r * np.sin(k * np.pi / 5), -r * np.cos(k * np.pi / 5)
        out.moveTo(x, y) if k == 0 else out.lineTo(x, y)
    out.close()
    return lambda canvas: canvas.drawPath(out, paint(rgb))
