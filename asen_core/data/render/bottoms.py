"""The cut of skirts, trousers and shorts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import skia

from asen_core.data.render import styles
from asen_core.data.render.curve import Segments, bow, cubic, flipped, line, mirror, path, smooth
from asen_core.data.render.outline import Uniform
from asen_core.data.render.spec import Spec

TOP = 40.0


@dataclass(frozen=True)
class Bottom:
    """Legs (one shape for a skirt, two for trousers), waistband, the seen inner back above it, folds' x range and the hem."""

    legs: tuple[skia.Path, ...]
    band: skia.Path
    back: skia.Path
    hem_y: float
    crotch: float
    waist: float
    hip: float
    edge: tuple[Segments, ...]


def cut(spec: Spec, rng: np.random.Generator) -> Bottom:
    """Cut a skirt or trousers."""
    u = rng.uniform
    waist, hip = u(17, 19.5), u(22, 24.5)
    table = styles.SKIRT_LENGTHS if spec.kind == "skirt" else styles.PANT_LENGTHS
    y1 = float(u(*table[spec.length][2:]))
    dip = u(0.8, 2.0)
    band = path(
        cubic((-waist, TOP), (-waist * 0.5, TOP + dip), (waist * 0.5, TOP + dip), (waist, TOP)),
        line((waist, TOP), (waist + 0.7, TOP + 4)),
        cubic((waist + 0.7, TOP + 4), (waist * 0.5, TOP + 4 + dip), (-waist * 0.5, TOP + 4 + dip), (-waist - 0.7, TOP + 4)),
    )
    back = path(
        cubic((-waist, TOP), (-waist * 0.5, TOP + dip), (waist * 0.5, TOP + dip), (waist, TOP)),
        cubic((waist, TOP), (waist * 0.5, TOP - dip * 0.6), (-waist * 0.5, TOP - dip * 0.6), (-waist, TOP)),
    )
    if spec.kind == "skirt":
        leg, edge = _skirt(spec, waist, hip, y1, dip, u)
        return Bottom((leg,), band, back, y1, TOP + 30, waist, hip, (edge,))
    right, edge, crotch = _leg(spec, waist, hip, y1, dip, u)
    return Bottom((right, flipped(right)), band, back, y1, crotch, waist, hip, (edge, mirror(edge)))


def _skirt(spec: Spec, waist: float, hip: float, y1: float, dip: float, u: Uniform) -> tuple[skia.Path, Segments]:
    drop = y1 - TOP
    flare = {"slim": -0.02, "a_line": u(0.16, 0.28), "flared": u(0.35, 0.55), "pleated": u(0.22, 0.4)}[spec.fit]
    end = hip + flare * max(drop - 18, 10)
    points = (
        [(waist, TOP), (hip, TOP + 17), (end, y1)]
        if flare < 0.3
        else [(waist, TOP), (waist + (end - waist) * 0.45, TOP + drop * 0.42), (end, y1)]
    )
    side = smooth(*points)
    sag = u(0.8, 1.6) + 0.06 * end * (flare > 0.1)
    if flare > 0.3 or spec.fit == "pleated":
        xs = np.linspace(end, -end, int(u(8, 13)) * 2 + 1)
        wave = [
            (float(x), float(y1 + sag * (1 - (x / end) ** 2) + (0.9 if k % 2 else -0.5) * (0 < k < len(xs) - 1)))
            for k, x in enumerate(xs)
        ]
        edge = smooth(*wave)
    else:
        edge = cubic((end, y1), (end * 0.5, y1 + sag * 1.3), (-end * 0.5, y1 + sag * 1.3), (-end, y1))
    top = cubic((-waist, TOP), (-waist * 0.5, TOP + dip), (waist * 0.5, TOP + dip), (waist, TOP))
    return path(top, side, edge, mirror(side)), edge


def _leg(spec: Spec, waist: float, hip: float, y1: float, dip: float, u: Uniform) -> tuple[skia.Path, Segments, float]:
    knee, crotch = 97.0, TOP + u(29, 32)
    wide = {"slim": (8.2, 5.6), "regular": (10, 8.6), "boxy": (12, 11.5), "flared": (9.2, 13.5)}[spec.fit]
    stance = u(-3.0, -2.2) if spec.worn else u(1.5, 4.5)
    share = np.clip((y1 - crotch) / (140 - crotch), 0, 1)
    middle = 11.0 + stance * share
    loose = 2.0 if spec.kind == "shorts" else 0.0
    if y1 < knee:
        half = 12.2 - (12.2 - wide[0]) * (y1 - crotch) / (knee - crotch) * 0.6 + loose
    else:
        half = wide[0] + (wide[1] - wide[0]) * (y1 - knee) / (140 - knee)
    outer = [(waist, TOP), (hip, TOP + 17)]
    inner = []
    if y1 > knee + 4:
        outer.append((11.0 + stance * 0.45 + wide[0], knee))
        inner.append((11.0 + stance * 0.45 - wide[0], knee))
    outer.append((middle + half, y1))
    left = max(middle - half, 0.7)
    tilt = u(-0.6, 0.6)
    edge = bow((middle + half, y1), (left, y1 + tilt), -0.7)
    side = smooth(*outer)
    inside = smooth((left, y1 + tilt), *reversed(inner), (1.2, crotch + 8), (0.0, crotch))
    top = cubic((0, TOP + dip * 0.75), (waist * 0.3, TOP + dip * 0.75), (waist * 0.6, TOP + dip * 0.6), (waist, TOP))
    return path(top, side, edge, inside), edge, crotch
