"""Button plackets, zips, open fronts."""

from __future__ import annotations

import numpy as np
import skia

from asen_core.data.render.curve import cubic, line, path
from asen_core.data.render.outline import Torso
from asen_core.data.render.palette import RGB, Palette, luma, shade
from asen_core.data.render.pen import paint
from asen_core.data.render.spec import Spec
from asen_core.data.render.stage import Cloth, Stage


def closure(stage: Stage, spec: Spec, cut: Torso, cloth: Cloth, colours: Palette, rng: np.random.Generator) -> None:
    """Draw the closure of a spec on its front and mark it."""
    start = cut.depth - (0.5 if spec.neck not in ("funnel", "rib", "low_turtle") else 10.0)
    if spec.closure == "buttons":
        _buttons(stage, spec, cut, cloth, colours, rng, start)
    elif spec.closure == "double_breasted":
        _double(stage, cut, colours, rng, start)
    elif spec.closure == "half_placket":
        _placket(stage, cut, cloth, colours, start, start + float(rng.uniform(12, 19)), float(rng.uniform(4, 6)))
    elif spec.closure in ("zip", "half_zip"):
        top = cut.depth - (
            9.0 if spec.neck == "funnel" else 6.0 if spec.neck == "low_turtle" else 4.0 if spec.neck == "rib" else -2.0
        )
        _zip(
            stage,
            cut,
            cloth,
            colours,
            rng,
            top,
            cut.hem_y + 1.5 if spec.closure == "zip" else cut.depth + float(rng.uniform(14, 20)),
        )
    elif spec.neck == "notch":
        _slit(stage, cut, cloth, start, float(rng.uniform(8, 15)))


def button(stage: Stage, x: float, y: float, radius: float, rgb: RGB) -> None:
    """One button with its shadow, rim and holes."""
    stage.shadow(skia.Path.Circle(x, y, radius), 0.3, 0.5, 0.12, 0.25)
    stage.canvas.drawCircle(x, y, radius, paint(rgb))
    stage.canvas.drawCircle(x, y, radius * 0.82, paint(shade(rgb, 0.8), 0.6, radius * 0.16))
    stage.canvas.drawCircle(x - radius * 0.3, y - radius * 0.35, radius * 0.25, paint((255, 255, 255), 0.35))
    for dx, dy in ((-0.2, -0.2), (0.2, -0.2), (-0.2, 0.2), (0.2, 0.2)):
        stage.canvas.drawCircle(x + dx * radius, y + dy * radius, radius * 0.11, paint(shade(rgb, 0.35)))


def _strip(stage: Stage, cut: Torso, cloth: Cloth, colours: Palette, start: float, end: float, half: float) -> None:
    strip = path(line((-half, start), (half, start), (half, end), (-half, end)))
    stage.shadow(strip, 0.5, 0.3, 0.25, 0.1, inside=cut.front)
    stage.canvas.save()
    stage.canvas.clipPath(cut.front, skia.ClipOp.kIntersect, True)
    stage.piece(strip, cloth, shift=(0.7, 0.3), depth=0.35)
    for x in (-half + 0.4, half - 0.4):
        pen = paint(colours.thread, 0.7, 0.16)
        pen.setPathEffect(skia.DashPathEffect.Make([0.5, 0.3], 0))
        stage.canvas.drawLine(x, start + 0.4, x, end - 0.4, pen)
    stage.canvas.restore()
    stage.mark("closure", strip)


def _button_colour(cloth: Cloth, colours: Palette, rng: np.random.Generator) -> RGB:
    return (
        colours.fitting
        if rng.random() < 0.4
        else ((240, 236, 226) if luma(cloth.dye) > 70 or rng.random() < 0.3 else shade(cloth.dye, 0.6))
    )


def _buttons(
    stage: Stage, spec: Spec, cut: Torso, cloth: Cloth, colours: Palette, rng: np.random.Generator, start: float
) -> None:
    rgb = _button_colour(cloth, colours, rng)
    tailored = spec.neck in ("lapel", "shawl")
    hem = max(y for s in cut.hem for _, y in s)
    radius = (
        float(rng.uniform(1.0, 1.5)) if spec.kind in ("coat", "blazer", "jacket", "sweater") else float(rng.uniform(0.55, 0.75))
    )
    if tailored:
        front_edge(stage, cut, start, hem, float(rng.uniform(1.6, 3.0)), spec.kind == "blazer")
        count = int(rng.integers(1, 4)) if spec.kind == "blazer" else int(rng.integers(2, 5))
        ys = cut.depth + 1.5 + np.arange(count) * float(rng.uniform(8, 10.5))
        stage.mark("closure", path(line((-2, start), (3, start), (3, hem), (-2, hem))))
    else:
        _strip(stage, cut, cloth, colours, start, hem, float(rng.uniform(1.4, 1.9)))
        step = float(rng.uniform(7, 9.5))
        ys = np.arange(start + (1.6 if spec.neck == "mandarin" else 2.4), hem - 3, step)
    for y in ys[ys < hem - 2]:
        button(stage, 0.1, float(y), radius, rgb)


def front_edge(stage: Stage, cut: Torso, start: float, end: float, x: float, rounded: bool) -> None:
    """The edge of the upper front, from the V point to the hem."""
    away = 7.0 if rounded else 0.4
    edge = path(
        cubic((0.2, start + 0.5), (x, start + 4), (x, end - 16), (x - away * 0.1, end - 9))
        + cubic((x - away * 0.1, end - 9), (x - away * 0.2, end - 3), (x - away * 0.7, end - 0.5), (x - away, end + 1)),
        closed=False,
    )
    stage.strokes(cut.front, [edge], 1.4, 0.7, (12, 10, 14), 0.4)
    stage.strokes(cut.front, [edge], 0.3, 0.02, (15, 12, 18), 0.6)


def _double(stage: Stage, cut: Torso, colours: Palette, rng: np.random.Generator, start: float) -> None:
    x, rgb = float(rng.uniform(5.5, 8)), colours.fitting
    hem = cut.hem_y + 0.6
    front_edge(stage, cut, start, hem, x + 2.6, False)
    rows, gap = int(rng.integers(2, 4)), float(rng.uniform(8.5, 11))
    radius = float(rng.uniform(1.1, 1.5))
    last = start
    for k in range(rows):
        y = cut.depth + 2.0 + k * gap
        if y < hem - 4:
            last = y
            for side in (-1, 1):
                button(stage, side * x * (1.12 if k == 0 and rows == 3 else 1.0), y, radius, rgb)
    stage.mark("closure", path(line((-x - 2.5, start + 1), (x + 2.8, start + 1), (x + 2.8, last + 4), (-x - 2.5, last + 4))))


def _placket(stage: Stage, cut: Torso, cloth: Cloth, colours: Palette, start: float, end: float, step: float) -> None:
    half = 1.6
    _strip(stage, cut, cloth, colours, start, end, half)
    box = path(line((-half + 0.4, end - 3), (half - 0.4, end - 3)), closed=False)
    stage.canvas.drawPath(box, paint(colours.thread, 0.6, 0.16))
    rgb = (240, 236, 226) if luma(cloth.dye) > 60 else shade(cloth.dye, 1.5)
    for y in np.arange(start + 1.6, end - 2.0, step):
        button(stage, 0.1, float(y), 0.62, rgb)


def _slit(stage: Stage, cut: Torso, cloth: Cloth, start: float, length: float) -> None:
    gap = path(line((-1.9, start), (1.9, start), (0.15, start + length), (-0.15, start + length)))
    stage.piece(gap, cloth.dyed(shade(cloth.dye, 0.4)), depth=1.0)
    for x in (-1, 1):
        edge = path(line((x * 2.3, start), (x * 0.5, start + length + 0.6)), closed=False)
        stage.canvas.drawPath(edge, paint(shade(cloth.dye, 0.6), 0.9, 0.25))
    stage.mark("neckline", gap, 0.8)


def _zip(stage: Stage, cut: Torso, cloth: Cloth, colours: Palette, rng: np.random.Generator, start: float, end: float) -> None:
    canvas = stage.canvas
    half = float(rng.uniform(0.9, 1.3))
    tape = path(line((-half, start), (half, start), (half, end), (-half, end)))
    tint = shade(cloth.dye, 0.45) if rng.random() < 0.7 else colours.accents[0]
    stage.shadow(tape, 0.9, 0.4)
    canvas.drawPath(tape, paint(tint))
    metal = colours.fitting if rng.random() < 0.7 else shade(tint, 0.7)
    canvas.drawLine(0, start, 0, end, paint((20, 20, 22), 0.9, 0.75))
    pen = paint(metal, 1.0, 0.62)
    pen.setStrokeCap(skia.Paint.kButt_Cap)
    pen.setPathEffect(skia.DashPathEffect.Make([0.32, 0.26], 0))
    canvas.drawLine(0, start, 0, end, pen)
    y = start + float(rng.uniform(0.5, 5))
    stage.shadow(skia.Path.RRect(skia.Rect(-0.6, y, 0.6, y + 4), 0.5, 0.5), 0.4, 0.5, 0.2, 0.3)
    canvas.drawRoundRect(skia.Rect(-0.75, y, 0.75, y + 1.5), 0.4, 0.4, paint(metal))
    canvas.drawRoundRect(skia.Rect(-0.42, y + 1.2, 0.42, y + 4), 0.4, 0.4, paint(shade(metal, 0.85)))
    stage.mark("closure", tape, 0.8)


def gap(cut: Torso, rng: np.random.Generator) -> skia.Path:
    """The space between the fronts of an open garment, from the neck's lowest point to the hem."""
    top, low = float(rng.uniform(0.5, 2.5)), float(rng.uniform(3.5, 8))
    d, end = cut.depth - 0.2, cut.hem_y + 9
    return path(
        cubic((top, d), (top + 1.6, d + 12), (low, end - 26), (low + 1, end)),
        line((low + 1, end), (-low - 1.6, end)),
        cubic((-low - 1.6, end), (-low, end - 26), (-top - 1.2, d + 12), (-top, d)),
    )
