"""Placed decoration: chest prints (words, shapes, emblems) and blocks of colour."""

from __future__ import annotations

import numpy as np
import skia

from asen_core.data.render.motifs import blob, flower, star
from asen_core.data.render.palette import RGB, Palette
from asen_core.data.render.pen import paint

STROKES = {
    "A": "0,6 2,0 4,6|.8,4 3.2,4", "E": "4,0 0,0 0,6 4,6|0,3 3,3", "H": "0,0 0,6|4,0 4,6|0,3 4,3", "I": "2,0 2,6",
    "K": "0,0 0,6|4,0 0,3 4,6", "L": "0,0 0,6 4,6", "M": "0,6 0,0 2,3 4,0 4,6", "N": "0,6 0,0 4,6 4,0",
    "O": "1,0 3,0 4,1 4,5 3,6 1,6 0,5 0,1 1,0",
    "R": "0,6 0,0 3,0 4,1 4,2 3,3 0,3|2,3 4,6", "S": "4,1 3,0 1,0 0,1 0,2 1,3 3,3 4,4 4,5 3,6 1,6 0,5", "T": "0,0 4,0|2,0 2,6",
    "U": "0,0 0,5 1,6 3,6 4,5 4,0", "V": "0,0 2,6 4,0", "Y": "0,0 2,3 4,0|2,3 2,6",
    "8": "1,0 3,0 4,1 4,2 3,3 1,3 0,4 0,5 1,6 3,6 4,5 4,4 3,3|1,3 0,2 0,1 1,0", "7": "0,0 4,0 1.6,6",
}  # fmt: skip
WORDS = (
    "NORTH",
    "SUN",
    "TIMES",
    "HARLEY",
    "ROVER",
    "TEAM 78",
    "MIRA",
    "LINEN",
    "SHORE",
    "YES",
    "TOKYO",
    "ASH",
    "RUST",
    "MOON",
    "SILVER",
    "VAST",
)


def chest(canvas: skia.Canvas, colours: Palette, y: float, half: float, rng: np.random.Generator) -> None:
    """A print on the chest; `y` its centre, `half` half the width it may take."""
    a, b, c = colours.accents[:3]
    kind = int(rng.integers(8))
    canvas.save()
    canvas.translate(float(rng.normal(0, 0.3)), y)
    if kind == 0:
        _word(canvas, str(rng.choice(WORDS)), half * 1.7, float(rng.uniform(0.9, 1.5)), a)
    elif kind == 1:
        canvas.translate(0, -6)
        for k, word in enumerate(rng.choice(WORDS, 3, replace=False)):
            canvas.translate(0, 7.0 if k else 0)
            _word(canvas, str(word), half * 1.5, 1.1, (a, b, a)[k], 5.0)
    elif kind == 2:
        canvas.drawCircle(0, 0, half * 0.72, paint(a))
        canvas.drawCircle(0, 0, half * 0.6, paint(b, 1.0, 0.5))
        star(half * 0.4, b)(canvas)
        canvas.translate(0, half * 0.95)
        _word(canvas, str(rng.choice(WORDS)), half * 1.1, 0.7, a, 3.0)
    elif kind == 3:
        _scene(canvas, half, (a, b, c), rng)
    elif kind == 4:
        for k in range(7):
            canvas.save()
            canvas.translate(*map(float, rng.normal(0, half * 0.3, 2)))
            (blob(half * 0.35, (a, b, c)[k % 3], rng) if rng.random() < 0.5 else flower(6, half * 0.3, (a, b, c)[k % 3], b, c))(
                canvas
            )
            canvas.restore()
        canvas.translate(0, half * 0.85)
        _word(canvas, str(rng.choice(WORDS)), half * 1.4, 0.9, a, 4.0)
    elif kind == 5:
        _stripes_badge(canvas, half, a, b, rng)
    elif kind == 6:
        canvas.translate(0, half * 0.2)
        _word(canvas, str(rng.choice(("7", "8", "78", "87", "77", "88"))), half * 1.2, 1.7, a, 15.0)
    else:
        _heart(canvas, half * 0.75, a, b if rng.random() < 0.5 else a)
    canvas.restore()


def _word(canvas: skia.Canvas, word: str, width: float, weight: float, rgb: RGB, tallest: float = 9.0) -> None:
    scale = min(width / (len(word) * 5.4), tallest / 6)
    pen = paint(rgb, 1.0, weight)
    pen.setStrokeJoin(skia.Paint.kMiter_Join)
    pen.setStrokeCap(skia.Paint.kSquare_Cap)
    canvas.save()
    canvas.scale(scale, scale)
    canvas.translate(-(len(word) * 5.4 - 1.4) / 2, -3)
    for letter in word:
        for stroke in STROKES.get(letter, "").split("|"):
            if stroke:
                points = [skia.Point(*map(float, p.split(","))) for p in stroke.split()]
                shape = skia.Path()
                shape.addPoly(points, False)
                canvas.drawPath(shape, pen)
        canvas.translate(5.4, 0)
    canvas.restore()


def _scene(canvas: skia.Canvas, half: float, rgb: tuple[RGB, RGB, RGB], rng: np.random.Generator) -> None:
    """A framed picture: sun, hills, lines."""
    frame = skia.Rect(-half * 0.8, -half * 0.9, half * 0.8, half * 0.9)
    canvas.save()
    canvas.clipRect(frame, skia.ClipOp.kIntersect, True)
    canvas.drawRect(frame, paint(rgb[0]))
    canvas.drawCircle(float(rng.uniform(-0.3, 0.3)) * half, -half * 0.25, half * 0.36, paint(rgb[2]))
    for k, low in enumerate((0.1, 0.35, 0.6)):
        hill = skia.Path()
        hill.moveTo(-half, half)
        hill.lineTo(-half, half * low)
        x = float(rng.uniform(-0.4, 0.4)) * half
        hill.cubicTo(x - half * 0.5, half * (low - 0.7), x + half * 0.3, half * (low + 0.2), half, half * (low - 0.25))
        hill.lineTo(half, half)
        canvas.drawPath(hill, paint(rgb[1], 0.45 + 0.25 * k))
    canvas.restore()


def _stripes_badge(canvas: skia.Canvas, half: float, a: RGB, b: RGB, rng: np.random.Generator) -> None:
    """Slanted bars over a word."""
    count, lean = int(rng.integers(2, 6)), float(rng.uniform(-3, 4))
    rising = float(rng.choice((0.0, 0.25, -0.2)))
    step = half * 1.3 / count
    for k in range(count):
        x, top = (k - (count - 1) / 2) * step, -half * (0.35 + rising * (k - count / 2))
        bar = skia.Path()
        corners = (
            (x - step * 0.35, 0.4 * half),
            (x - step * 0.35 + lean, top),
            (x + step * 0.35 + lean, top),
            (x + step * 0.35, 0.4 * half),
        )
        bar.addPoly([skia.Point(*p) for p in corners], True)
        canvas.drawPath(bar, paint(a if k % 2 == 0 or count < 4 else b))
    canvas.translate(0, half * 0.75)
    _word(canvas, str(rng.choice(WORDS)), half * 1.3, 1.1, a, 4.5)


def _heart(canvas: skia.Canvas, size: float, fill: RGB, edge: RGB) -> None:
    shape = skia.Path()
    shape.moveTo(0, size)
    shape.cubicTo(-size * 1.7, -size * 0.1, -size * 0.8, -size * 1.2, 0, -size * 0.35)
    shape.cubicTo(size * 0.8, -size * 1.2, size * 1.7, -size * 0.1, 0, size)
    canvas.drawPath(shape, paint(fill))
    canvas.drawPath(shape, paint(edge, 1.0, size * 0.12))


def blocks(
    colours: Palette, top: float, bottom: float, rng: np.random.Generator
) -> tuple[list[tuple[skia.Path, RGB]], RGB | None]:
    """Areas of other colours between two heights, and the sleeves' colour (None: as the body)."""
    a, b = colours.accents[0], colours.accents[1]
    span = bottom - top
    kind = int(rng.integers(5))

    def rect(x0: float, y0: float, x1: float, y1: float) -> skia.Path:
        return skia.Path.Rect(skia.Rect(x0, y0, x1, y1))

    if kind == 0:
        return [(rect(-90, top - 30, 90, top + span * 0.36), a)], a
    if kind == 1:
        return [
            (rect(-90, top + span * 0.33, 90, top + span * 0.66), a),
            (rect(-90, top + span * 0.66, 90, bottom + 30), b),
        ], None
    if kind == 2:
        return [(rect(0, top - 30, 90, bottom + 30), a)], None
    if kind == 3:
        return [(rect(-90, top - 30, -13, bottom + 30), a), (rect(13, top - 30, 90, bottom + 30), a)], a
    slant = skia.Path()
    slant.addPoly(
        [skia.Point(-90, top - 30), skia.Point(90, top - 30), skia.Point(90, top), skia.Point(-90, top + span * 0.75)], True
    )
    return [(slant, a)], None
