"""Necks that stand up or fall: turtlenecks, funnels, bands, frills, cowls and hoods."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import skia

from asen_core.data.render.collar_parts import pair, put
from asen_core.data.render.curve import Segments, bow, cubic, dome, line, mirror, path, union
from asen_core.data.render.outline import Torso
from asen_core.data.render.palette import shade
from asen_core.data.render.pen import paint
from asen_core.data.render.stage import Cloth, Stage


def _tube(stage: Stage, cut: Torso, cloth: Cloth, height: float, fold: float, flare: float = 0.0) -> None:
    w, d = cut.neck_width, cut.depth
    t = w * 0.86 + flare
    lip = cubic((-t, -height), (-t * 0.5, -height + 2.0), (t * 0.5, -height + 2.0), (t, -height))
    rim = path(lip, cubic((t, -height), (t * 0.5, -height - 1.6), (-t * 0.5, -height - 1.6), (-t, -height)))
    stage.piece(rim, cloth.dyed(shade(cloth.dye, 0.5)), depth=1.4)
    stage.mark("collar", rim)
    side = cubic((t, -height), (t + 0.4, -height * 0.5), (w * 0.95, -0.8), (w + 0.8, 0.8))
    tube = path(
        lip,
        side,
        cubic((w + 0.8, 0.8), (w * 0.8, d * 0.9), (w * 0.4, d + 0.5), (0, d + 0.5)),
        cubic((0, d + 0.5), (-w * 0.4, d + 0.5), (-w * 0.8, d * 0.9), (-w - 0.8, 0.8)),
        mirror(side),
    )
    put(stage, tube, cloth)
    stage.mark("neckline", rim)
    if fold:
        y = -height + (height + d) * fold
        edge = path(cubic((-w * 1.05, y - 2), (-w * 0.5, y + 1.4), (w * 0.5, y + 1.4), (w * 1.05, y - 2)), closed=False)
        stage.strokes(tube, [edge], 1.2, 0.6, (15, 12, 18), 0.45)


def turtle(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """A tall tube folded over."""
    _tube(stage, cut, Cloth(cloth.dye, "rib"), float(rng.uniform(8, 10.5)), float(rng.uniform(0.62, 0.8)))


def low_turtle(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """A low tube."""
    _tube(stage, cut, Cloth(cloth.dye, "rib"), float(rng.uniform(3.6, 5)), 0.0)


def funnel(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """A stand-up collar of the shell's own cloth."""
    _tube(stage, cut, cloth, float(rng.uniform(4.5, 7)), 0.0, float(rng.uniform(0, 1.2)))


def rib(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """A knitted band around the neck, as on bomber jackets."""
    band = Cloth(shade(cloth.dye, float(rng.choice((0.6, 1.0)))), "rib")
    _tube(stage, cut, band, float(rng.uniform(1.6, 2.4)), 0.0)


def ruffle_high(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """A band with a frill on top."""
    _tube(stage, cut, cloth, 3.0, 0.0)
    w = cut.neck_width
    count = int(rng.integers(6, 9))
    xs = np.linspace(-w * 1.15, w * 1.15, count + 1)
    sag = 2.2 * (1 - (xs / (w * 1.15)) ** 2)
    tips = [(float(x), float(-6.8 + s + rng.normal(0, 0.25))) for x, s in zip(xs, sag, strict=True)]
    crest = [piece for p, q in pairwise(tips) for piece in bow(p, q, float(rng.uniform(0.7, 1.5)))]
    foot = cubic((w * 0.92, -2.6), (w * 0.5, -0.6), (-w * 0.5, -0.6), (-w * 0.92, -2.6))
    frill = path(crest, line(tips[-1], (w * 0.92, -2.6)), foot)
    put(stage, frill, cloth)
    pleats = [path(bow((float(x * 0.82), -1.4), (x, y), float(x * 0.06)), closed=False) for x, y in tips]
    stage.strokes(frill, pleats, 0.8, 0.45, (15, 12, 18), 0.5)


def draped(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """A cowl: cloth that falls in arcs from the shoulders."""
    w, d = cut.neck_width, cut.depth
    inner: Segments = cubic((-w - 0.4, 0), (-w * 0.7, d * 0.9), (w * 0.7, d * 0.9), (w + 0.4, 0))
    outer = cubic((w + 4.5, 1.5), (w * 0.9, d * 1.75), (-w * 0.9, d * 1.75), (-w - 4.5, 1.5))
    shape = path(inner, line((w + 0.4, 0), (w + 4.5, 1.5)), outer)
    put(stage, shape, cloth, shadow=0.5)
    arcs = []
    for k in range(1, int(rng.integers(3, 5)) + 1):
        t = k / 5.0
        x, low = w + 0.4 + 4 * t, d * (0.9 + 0.85 * t)
        arcs.append(path(cubic((-x, t), (-w * 0.75, low), (w * 0.75, low), (x, t)), closed=False))
    stage.strokes(shape, arcs, 1.6, 0.8, (15, 12, 18), 0.5)
    stage.strokes(shape, [_lowered(a) for a in arcs], 0.7, 0.5, (255, 255, 255), 0.12)


def _lowered(shape: skia.Path) -> skia.Path:
    out = skia.Path(shape)
    out.offset(0, 1.3)
    return out


def hood(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """The front of a hood: two edges that cross under the chin, drawstrings on some. Its back is drawn by `hood_back`."""
    w, d = cut.neck_width, cut.depth
    b = float(rng.uniform(3.6, 5))
    half = path(
        cubic((w + b * 0.4, -5.5), (w + b * 1.2, -3), (w + b * 1.1, 3), (w + b * 0.3, 6)),
        cubic((w + b * 0.3, 6), (w * 0.7, d + 3), (2.5, d + 3.6), (-0.8, d + 4.4)),
        cubic((-0.8, d + 4.4), (0.2, d + 1), (w * 0.72, d * 0.6), (w - 1.2, -5)),
        line((w - 1.2, -5), (w + b * 0.4, -5.5)),
    )
    pair(stage, half, cloth, 18.0)
    if rng.random() < 0.7:
        cord = shade(cloth.dye, 0.4) if rng.random() < 0.5 else (238, 236, 230)
        for x in (-2.4, 2.2):
            end = d + float(rng.uniform(13, 20))
            string = path(cubic((x, d + 2), (x * 1.4, d + 7), (x * 0.9, end - 5), (x * 1.2, end)), closed=False)
            stage.canvas.drawPath(string, paint((10, 8, 12), 0.3, 1.0))
            stage.canvas.drawPath(string, paint(cord, 1.0, 0.6))


def hood_back(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator, up: bool) -> skia.Path:
    """The bag of a hood behind the neck: laid flat upwards (`up`) or fallen on the shoulders. Returns its outline."""
    w = cut.neck_width
    if up:
        h = float(rng.uniform(23, 27))
        side = dome((w + 3.6, 2), (w + 4.4, -8), (w + 3.4, -h * 0.75), (w * 0.45, -h), (0, -h - 0.4))
        face = dome((w - 1, 4), (w + 0.2, -8), (w - 1.2, -h * 0.66), (0, -h * 0.86))
    else:
        side = dome((w + 5, 3), (w + 5.6, -3), (w + 1, -8), (0, -9.4))
        face = dome((w - 0.6, 5), (w + 0.6, -2), (w * 0.5, -5.4), (0, -6.2))
    bag, hole = path(side), path(face)
    stage.piece(bag, cloth, depth=1.3)
    stage.piece(hole, cloth.dyed(shade(cloth.dye, 0.55)), depth=2.2)
    stage.mark("collar", bag)
    stage.mark("neckline", hole)
    return union(bag)
