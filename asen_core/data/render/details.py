"""What makes a front look finished: pockets, yokes, belts, borders, waist seams."""

from __future__ import annotations

import numpy as np
import skia

from asen_core.data.render.curve import Segments, bow, cubic, line, path, reverse
from asen_core.data.render.outline import Torso
from asen_core.data.render.palette import Palette, parse, shade
from asen_core.data.render.pen import paint
from asen_core.data.render.spec import Spec
from asen_core.data.render.stage import Cloth, Stage


def details(stage: Stage, spec: Spec, cut: Torso, cloth: Cloth, colours: Palette, rng: np.random.Generator) -> None:
    """Whatever a front of this kind usually carries; drawn before the sleeves."""
    if spec.kind in ("coat", "blazer", "parka") or (spec.kind == "jacket" and spec.fabric in ("wool", "quilt")):
        _flaps(stage, cut, cloth, rng)
    elif spec.kind == "jacket":
        _jacket(stage, spec, cut, cloth, colours, rng)
    elif spec.neck == "hood" and spec.closure == "none":
        _kangaroo(stage, cut, cloth)
    elif spec.kind == "shirt" and rng.random() < 0.6:
        _chest_pocket(stage, cut, cloth, colours, 9.5, float(rng.uniform(22, 25)), False)
    elif spec.kind == "kurta" and spec.pattern != "colour_block" and rng.random() < 0.6:
        _border(stage, cut, colours, rng)
    elif spec.kind == "dress" and rng.random() < 0.5:
        w = cut.half_width(40.0)
        waist = path(cubic((-w, 40), (-w * 0.5, 41), (w * 0.5, 41), (w, 40)), closed=False)
        stage.seam(waist, colours.thread, False, inside=cut.front)
    if spec.kind in ("coat", "dress", "parka") and cut.hem_y > 76 and spec.closure != "open" and rng.random() < 0.3:
        _belt(stage, spec, cut, cloth, colours, rng)


def _on_front(stage: Stage, cut: Torso, shape: skia.Path, cloth: Cloth, depth: float = 0.5) -> None:
    """A piece sewn on: its shadow, then the piece, both only on the front."""
    stage.shadow(shape, 0.6, 0.32, 0, 0.45, inside=cut.front)
    stage.canvas.save()
    stage.canvas.clipPath(cut.front, skia.ClipOp.kIntersect, True)
    stage.piece(shape, cloth, shift=(0.4, 0.7), depth=depth)
    stage.canvas.restore()


def _flaps(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    y = min(cut.hem_y - 12, float(rng.uniform(50, 56)))
    if cut.hem_y <= 54:
        return
    x, slant = float(rng.uniform(10, 11.5)), float(rng.uniform(-0.2, 1.2))
    for side in (-1, 1):
        a, b = side * (x - 5.4), side * (x + 5.0)
        _on_front(stage, cut, path(line((a, y), (b, y - slant), (b, y + 4 - slant), (a, y + 4.2))), cloth)


def _jacket(stage: Stage, spec: Spec, cut: Torso, cloth: Cloth, colours: Palette, rng: np.random.Generator) -> None:
    """Yoke and chest pockets on denim, slanted zip pockets on the others."""
    if spec.fabric == "denim" or spec.neck == "shirt":
        yoke = path(bow((-cut.armpit[0], 14), (cut.armpit[0], 14), 1.0), closed=False)
        stage.seam(yoke, colours.thread, True, inside=cut.front)
        for side in (-1, 1):
            _chest_pocket(stage, cut, cloth, colours, side * 9.8, 16.5, True)
            seam = path(line((side * 6.5, 27), (side * 5, cut.hem_y)), closed=False)
            stage.seam(seam, colours.thread, True, inside=cut.front)
        return
    low = min(cut.hem_y - 16, float(rng.uniform(40, 46)))
    metal = colours.fitting if rng.random() < 0.6 else shade(cloth.dye, 0.4)
    for side in (-1, 1):
        slit = path(line((side * 9, low), (side * 12.5, low + 11)), closed=False)
        stage.strokes(cut.front, [slit], 1.6, 0.7, (14, 10, 18), 0.45)
        stage.canvas.drawPath(slit, paint(metal, 1.0, 0.6))


def _kangaroo(stage: Stage, cut: Torso, cloth: Cloth) -> None:
    if cut.hem_y <= 56:
        return
    corner, mouth = (14.0, 54.0), (9.0, 44.0)
    left = [(-corner[0], 58.0), (-corner[0], corner[1])]
    pocket = path(
        line((-mouth[0], mouth[1]), mouth),
        bow(mouth, corner, -1),
        line(corner, (corner[0], 58), *left),
        bow(left[1], (-mouth[0], mouth[1]), -1),
    )
    _on_front(stage, cut, pocket, cloth)


def _chest_pocket(stage: Stage, cut: Torso, cloth: Cloth, colours: Palette, x: float, y: float, flap: bool) -> None:
    pocket = path(line((x - 4.6, y), (x + 4.6, y), (x + 4.6, y + 9), (x, y + 11), (x - 4.6, y + 9)))
    _on_front(stage, cut, pocket, cloth, 0.4)
    if flap:
        _on_front(
            stage,
            cut,
            path(line((x - 4.9, y - 0.4), (x + 4.9, y - 0.4), (x + 4.9, y + 2.6), (x, y + 4.2), (x - 4.9, y + 2.6))),
            cloth,
        )
        stage.canvas.drawCircle(x, y + 2.6, 0.55, paint(colours.fitting))
    else:
        stage.seam(path(line((x - 4.6, y + 1.2), (x + 4.6, y + 1.2)), closed=False), colours.thread)


def lifted(chain: Segments, rise: float) -> Segments:
    """A hem's curve, higher up."""
    return [tuple((x * 1.02, y - rise) for x, y in s) for s in chain]


def _border(stage: Stage, cut: Torso, colours: Palette, rng: np.random.Generator) -> None:
    """A woven border along the hem and, on some, an embroidered yoke around the neck."""
    tall = float(rng.uniform(3, 7))
    band = path(cut.hem, reverse(lifted(cut.hem, tall)))
    _on_front(stage, cut, band, Cloth(colours.accents[0], "weave"), 0.4)
    for rise in (0.25 * tall, 0.75 * tall):
        pen = paint(colours.accents[1], 0.9, tall * 0.12)
        pen.setPathEffect(skia.DashPathEffect.Make([0.9, 0.6], 0))
        stage.canvas.save()
        stage.canvas.clipPath(cut.front, skia.ClipOp.kIntersect, True)
        stage.canvas.drawPath(path(lifted(cut.hem, rise), closed=False), pen)
        stage.canvas.restore()
    if rng.random() < 0.6:
        stage.canvas.save()
        stage.canvas.clipPath(cut.front, skia.ClipOp.kIntersect, True)
        for width, rgb, dash in ((9.0, colours.accents[0], (0.5, 1.3)), (6.0, colours.accents[1], (1.2, 0.8))):
            pen = paint(rgb, 0.85, 0.8)
            pen.setPathEffect(skia.DashPathEffect.Make(list(dash), 0))
            ring = skia.Path()
            skia.Paint(Style=skia.Paint.kStroke_Style, StrokeWidth=width, StrokeJoin=skia.Paint.kRound_Join).getFillPath(
                cut.opening, ring
            )
            stage.canvas.drawPath(ring, pen)
        stage.canvas.restore()


def _belt(stage: Stage, spec: Spec, cut: Torso, cloth: Cloth, colours: Palette, rng: np.random.Generator) -> None:
    w, y, tall = cut.half_width(40) + 1, 38.5, float(rng.uniform(2.2, 4.2))
    top = cubic((-w, y), (-w * 0.5, y + 1), (w * 0.5, y + 1), (w, y))
    low = cubic((w, y + tall), (w * 0.5, y + tall + 1), (-w * 0.5, y + tall + 1), (-w, y + tall))
    strap = (
        cloth
        if spec.kind != "dress" or rng.random() < 0.4
        else Cloth(parse(str(rng.choice(("2a211e", "6b4630", "c9b08a")))), "leather")
    )
    _on_front(stage, cut, path(top, low), strap, 0.6)
    middle = y + 0.8 + tall / 2
    if rng.random() < 0.6:
        frame = skia.Rect(-tall * 0.62, middle - tall * 0.72, tall * 0.62, middle + tall * 0.72)
        stage.canvas.drawRoundRect(frame, 0.5, 0.5, paint(colours.fitting, 1.0, 0.55))
    else:
        for dx, drop in ((-2.4, 11.0), (2.0, 13.0)):
            _on_front(
                stage,
                cut,
                path(
                    bow((0, middle), (dx - 1, middle + drop), 0.5),
                    line((dx - 1, middle + drop), (dx + 1.2, middle + drop)),
                    bow((dx + 1.2, middle + drop), (0.8, middle), 0.5),
                ),
                strap,
            )
        _on_front(stage, cut, skia.Path.RRect(skia.Rect(-1.4, middle - tall * 0.6, 1.4, middle + tall * 0.6), 0.8, 0.8), strap)
