"""The cut of sleeves, and the line an arm follows, in centimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import skia

from asen_core.data.render import styles
from asen_core.data.render.curve import Point, bow, line, path, reverse, smooth
from asen_core.data.render.outline import Torso, Uniform
from asen_core.data.render.spec import Spec

ARM = 57.0


@dataclass(frozen=True)
class Sleeve:
    """One sleeve: outline, its cuff band, turn of the cloth in degrees, and points along its middle line."""

    shape: skia.Path
    cuff: skia.Path
    turn: float
    middle: tuple[Point, ...]
    width: float


def sleeve(spec: Spec, cut: Torso, angle: float, share: float, rng: np.random.Generator) -> Sleeve:
    """The sleeve on the picture's right side.

    `angle` is the arm's, in degrees out from hanging; `share` the sleeve's length in arm lengths.
    """
    u = rng.uniform
    hole = cut.armholes[0]
    top, armpit = hole[0][0], cut.armpit
    bend = angle * u(0.25, 0.6) if angle > 26 else u(0.1, 0.5) * angle
    middle = arm(top, armpit, angle, bend, max(share * ARM - 7.0, 2.5))
    bulk = 1.2 if spec.kind in ("coat", "parka", "jacket") else 0.0
    full = {"slim": 6.2, "regular": 7.0, "boxy": 8.2, "a_line": 6.8}[spec.fit] * (0.88 if spec.worn else 1.0) + bulk
    end = _cuff_width(spec, full, share, u)
    outer, inner = _edges(top, armpit, middle, full, end)
    down = smooth(*outer, tension=0.6)
    if spec.sleeve == "cap":
        shape = path(
            down,
            bow(outer[-1], (armpit[0] - 0.8, armpit[1] - 6), -1.0),
            line((armpit[0] - 0.8, armpit[1] - 6), hole[0][2]),
            reverse(hole),
        )
        return Sleeve(shape, skia.Path(), angle, tuple(middle), end)
    up = smooth(*reversed(inner), armpit, tension=0.6)
    shape = path(down, bow(outer[-1], inner[-1], -0.5), up, reverse(hole))
    band = 5.0 if spec.fabric in styles.KNITS else 4.4 if spec.sleeve == "rolled" else 6.0
    d = np.subtract(middle[-1], middle[-2])
    d = d / max(float(np.hypot(*d)), 1e-6)
    grow = 0.7 if spec.sleeve == "rolled" else 0.0
    n = np.array([d[1], -d[0]])
    far, near = np.array(middle[-1]), np.array(middle[-1]) - d * band
    c = [far + n * (end + grow), far - n * (end + grow), near - n * (end + grow + 0.3), near + n * (end + grow + 0.3)]
    c = [tuple(map(float, p)) for p in c]
    cuff = path(bow(c[0], c[1], -0.5), line(c[1], c[2]), bow(c[2], c[3], 0.4))
    return Sleeve(shape, cuff, angle - bend, tuple(middle), end)


def _edges(top: Point, armpit: Point, middle: list[Point], full: float, end: float) -> tuple[list[Point], list[Point]]:
    """Points along both edges of a sleeve that narrows from half width `full` to `end`; inner ones only past the armpit."""
    outer, inner = [top], []
    count = len(middle)
    for k in range(1, count):
        t = k / (count - 1)
        d = np.subtract(middle[k], middle[k - 1])
        d = d / max(float(np.hypot(*d)), 1e-6)
        w = full * (1 - t) + end * t
        outer.append((middle[k][0] + d[1] * w, middle[k][1] - d[0] * w))
        under = (middle[k][0] - d[1] * w, middle[k][1] + d[0] * w)
        if k == count - 1 or (under[0] - armpit[0]) * d[0] + (under[1] - armpit[1]) * d[1] > 2.5:
            inner.append(under)
    return outer, inner


def _cuff_width(spec: Spec, full: float, share: float, u: Uniform) -> float:
    """Half the width of the sleeve's end."""
    if spec.fabric in styles.KNITS and share > 0.8:
        return 4.6
    end = max(4.6, full * (1.12 - 0.42 * share))
    if spec.neck == "off_shoulder":
        end += 2.0
    if spec.kind in ("top", "dress", "kurta") and share > 0.6:
        end += max(0.0, u(-3, 5))
    return end


def arm(top: Point, armpit: Point, angle: float, bend: float, length: float) -> list[Point]:
    """Points down the middle of an arm from the middle of its armhole; it turns back by `bend` degrees at the elbow."""
    a, b = np.radians(angle), np.radians(angle - bend)
    x, y = (top[0] + armpit[0]) / 2 - (0.8 if angle < 26 else 0.0), (top[1] + armpit[1]) / 2
    out = []
    count = 3 if length < 0.25 * ARM else 7
    half = ARM / 2 - 7
    for k in range(count):
        s = length * k / (count - 1)
        upper, lower = min(s, half), max(0.0, s - half)
        out.append((float(x + upper * np.sin(a) + lower * np.sin(b)), float(y + upper * np.cos(a) + lower * np.cos(b))))
    return out
