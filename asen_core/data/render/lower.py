"""Putting a skirt, trousers or shorts together, back to front."""

from __future__ import annotations

import numpy as np
import skia

from asen_core.data.render import graphic, mannequin
from asen_core.data.render.bottoms import TOP, Bottom
from asen_core.data.render.closures import button
from asen_core.data.render.curve import Segments, bow, cubic, line, path, union
from asen_core.data.render.folds import crease, volume
from asen_core.data.render.palette import Palette, shade
from asen_core.data.render.pen import paint
from asen_core.data.render.spec import Spec
from asen_core.data.render.stage import Cloth, Stage


def draw(stage: Stage, spec: Spec, cut: Bottom, cloth: Cloth, colours: Palette, rng: np.random.Generator) -> None:
    """Draw a skirt, trousers or shorts and mark garment and hem."""
    u = rng.uniform
    whole = union(*cut.legs)
    if spec.worn:
        mannequin.wearer(stage, rng, TOP + 7)
        stage.shadow(whole, 1.2, 0.25, 0.2, 0.8)
    else:
        stage.shadow(whole, 1.8, 0.34, 0.5, 1.0)
        stage.piece(cut.back, cloth.dyed(shade(cloth.dye, 0.55)), depth=1.6)
    blocks, _ = graphic.blocks(colours, TOP + 5, cut.hem_y, rng) if spec.pattern == "colour_block" else ([], None)
    for k, leg in enumerate(cut.legs):
        stage.piece(leg, cloth, shift=(float(u(-5, 5)), 0))
        _blocks(stage, spec, leg, blocks)
        volume(stage, leg, cloth, 0.9)
        crease(stage, leg, _hanging(spec, cut, k, rng), cloth, u(1.2, 2.6), 1.0)
        stage.mark("garment", leg)
        top = cut.hem_y - 0.15 * (cut.hem_y - TOP)
        stage.mark("hem", skia.Op(leg, skia.Path.Rect(skia.Rect(-95, top, 95, cut.hem_y + 30)), skia.PathOp.kIntersect_PathOp))
        for lift in (1.6, 2.1):
            edge = path([tuple((x, y - lift) for x, y in s) for s in cut.edge[min(k, len(cut.edge) - 1)]], closed=False)
            stage.strokes(leg, [edge], 0.16, 0.01, colours.thread if spec.fabric == "denim" else shade(cloth.dye, 0.6), 0.8)
    if spec.pattern == "graphic":
        graphic.chest(stage.canvas, colours, (TOP + cut.hem_y) / 2, 9.0, rng)
    _waist(stage, spec, cut, cloth, colours, rng, whole)


def _blocks(stage: Stage, spec: Spec, leg: skia.Path, blocks: list) -> None:
    stage.canvas.save()
    stage.canvas.clipPath(leg, skia.ClipOp.kIntersect, True)
    for area, rgb in blocks:
        stage.piece(area, Cloth(rgb, spec.fabric), depth=0.3)
    stage.canvas.restore()


def _hanging(spec: Spec, cut: Bottom, k: int, rng: np.random.Generator) -> list[Segments]:
    u = rng.uniform
    out = []
    if spec.kind == "skirt":
        half = cut.legs[0].getBounds().right()
        count = {"pleated": 13, "flared": 9, "a_line": 5, "slim": 2}[spec.fit]
        for share in np.linspace(-0.9, 0.9, count) if spec.fit == "pleated" else u(-0.9, 0.9, count):
            start = TOP + 4 if spec.fit == "pleated" else u(TOP + 6, TOP + 18)
            out.append(
                cubic(
                    (share * cut.waist, start),
                    (share * cut.hip, TOP + 20),
                    (share * half * 0.9, cut.hem_y - 12),
                    (share * half, cut.hem_y + 2),
                )
            )
        return out
    side = -1 if k else 1
    for _ in range(3):
        y = cut.crotch + u(-3, 10)
        out.append(bow((side * u(0.5, 2), y), (side * u(8, 16), y + u(-9, 4)), u(-1.5, 1.5)))
    if cut.hem_y > 100:
        for _ in range(3):
            y = u(92, min(cut.hem_y, 138))
            out.append(bow((side * u(3, 6), y), (side * u(12, 19), y + u(-5, 5)), u(-1.5, 1.5)))
    return out


def _waist(
    stage: Stage, spec: Spec, cut: Bottom, cloth: Cloth, colours: Palette, rng: np.random.Generator, whole: skia.Path
) -> None:
    """Waistband, fly, loops, pockets."""
    stage.piece(cut.band, cloth, 90 if spec.pattern == "vertical_stripe" else 0, depth=0.7)
    stage.mark("garment", cut.band)
    if spec.kind == "skirt" and spec.fabric != "denim":
        return
    sport = spec.fabric == "jersey"
    fly = path(line((0, TOP + 5), (0, cut.crotch)), closed=False)
    stage.seam(fly, colours.thread, not sport, inside=whole)
    if sport:
        cord = paint((240, 238, 232), 1.0, 0.5)
        for x in (-1, 1):
            stage.canvas.drawPath(
                path(cubic((x * 0.6, TOP + 3), (x * 3, TOP + 6), (x * 1.4, TOP + 9), (x * 2.2, TOP + 13)), closed=False), cord
            )
        return
    stage.seam(
        path(cubic((3.2, TOP + 5), (3.4, TOP + 14), (3, TOP + 18), (0, TOP + 20)), closed=False),
        colours.thread,
        True,
        inside=whole,
    )
    for side in (-1, 1):
        stage.seam(
            path(bow((side * 8, TOP + 5.2), (side * (cut.hip - 1.0), TOP + 14), side * 2.6), closed=False),
            colours.thread,
            True,
            inside=whole,
        )
        x = side * cut.waist * 0.55
        stage.piece(
            path(line((x - 0.7, TOP + 0.6), (x + 0.7, TOP + 0.6), (x + 0.7, TOP + 6), (x - 0.7, TOP + 6))), cloth, depth=0.4
        )
    button(stage, 0, TOP + 3.2, 0.9, colours.fitting)
