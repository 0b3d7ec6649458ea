"""Putting an upper-body garment together, back to front."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import skia

from asen_core.data.render import closures, collar_parts, collars, details, folds, graphic, high_necks, mannequin, styles
from asen_core.data.render.curve import bow, flipped, path, union
from asen_core.data.render.outline import Torso, torso
from asen_core.data.render.palette import Palette, parse, shade
from asen_core.data.render.pen import paint
from asen_core.data.render.sleeves import Sleeve, sleeve
from asen_core.data.render.spec import Spec
from asen_core.data.render.stage import Cloth, Stage


@dataclass(frozen=True)
class Upper:
    """All paths of a top: front, sleeves (right, left), arms' angles, and the box of what stands above the neck."""

    torso: Torso
    sleeves: tuple[Sleeve, ...]
    angles: tuple[float, float]
    top: skia.Rect
    hood_up: bool


def cut(spec: Spec, rng: np.random.Generator) -> Upper:
    """Cut a top."""
    front = torso(spec, rng)
    flat = (40, 62) if spec.sleeve in ("short", "elbow", "cap") else (23, 44)
    base = float(rng.uniform(9, 17)) if spec.worn else float(rng.uniform(*flat))
    angles = (base + float(rng.normal(0, 1.5)), base + float(rng.normal(0, 1.5)))
    _, _, low, high = styles.SLEEVES[spec.sleeve]
    parts: tuple[Sleeve, ...] = ()
    if spec.sleeve != "sleeveless":
        share = float(rng.uniform(low, high))
        right = sleeve(spec, front, angles[0], share, rng)
        left = sleeve(spec, front, angles[1], share, rng)
        parts = (
            right,
            replace(
                left,
                shape=flipped(left.shape, front.skew),
                cuff=flipped(left.cuff, front.skew),
                turn=-left.turn,
                middle=tuple((-x * front.skew, y) for x, y in left.middle),
            ),
        )
    up = spec.neck == "hood" and not spec.worn and bool(rng.random() < 0.6)
    above = {"turtle": -12.0, "hood": -27.5 if up else -10.5, "ruffle_high": -9.0, "funnel": -9.0}.get(spec.neck, -5.0)
    return Upper(front, parts, angles, skia.Rect(-12, above, 12, 10), up)


def draw(stage: Stage, spec: Spec, cut: Upper, cloth: Cloth, colours: Palette, rng: np.random.Generator) -> None:
    """Draw a top on its stage and mark all its regions."""
    body = cut.torso
    whole = union(body.front, *(s.shape for s in cut.sleeves))
    if spec.worn:
        mannequin.body(stage, rng, cut.angles, spec.kind != "dress")
        stage.shadow(whole, 1.2, 0.22, 0.2, 0.8)
    elif spec.background != "white" or rng.random() < 0.6:
        stage.shadow(whole, 1.8, 0.34, 0.5, 1.0)
    _inner(stage, spec, cut, cloth, rng)
    blocks, sleeve_dye = (
        graphic.blocks(colours, body.depth + 4, body.hem_y, rng) if spec.pattern == "colour_block" else ([], None)
    )
    stage.piece(body.front, cloth, shift=(float(rng.uniform(-9, 9)), float(rng.uniform(-9, 9))))
    _decorate(stage, spec, body.front, blocks, colours, cut, rng)
    folds.torso(stage, spec, body, cloth, rng)
    stage.mark("garment", body.front)
    _hem(stage, spec, body, cloth, colours)
    details.details(stage, spec, body, cloth, colours, np.random.default_rng([spec.seed, 11]))
    if spec.closure == "open":
        _open(stage, spec, body, cloth, rng)
    _sleeves(stage, spec, cut, cloth if sleeve_dye is None else cloth.dyed(sleeve_dye), colours, rng, blocks)
    _neck_edge(stage, spec, body, cloth, colours, rng)
    closures.closure(stage, spec, body, cloth, colours, rng)
    contrast = {"polo": 0.2, "peter_pan": 0.45, "puritan": 0.45}.get(spec.neck, 0.0)
    collar_cloth = cloth.dyed(colours.trim if rng.random() < 0.6 else (244, 242, 238)) if rng.random() < contrast else cloth
    collars.collar(stage, spec.neck, body, collar_cloth, rng)
    if spec.closure in ("zip", "half_zip") and spec.neck in ("funnel", "rib", "low_turtle"):
        closures.closure(stage, spec, body, cloth, colours, np.random.default_rng([spec.seed, 77]))
    for shape, grow in stage.regions.get("collar", []):
        stage.mark("garment", shape, grow)
    _mark_neck(stage, body)


def _inner(stage: Stage, spec: Spec, cut: Upper, cloth: Cloth, rng: np.random.Generator) -> None:
    """What is seen through the neck: hood bag, inner collar, inner back, label; nothing of the back where a neck fills it."""
    body = cut.torso
    dark = cloth.dyed(shade(cloth.dye, 0.6))
    if spec.neck == "hood":
        high_necks.hood_back(stage, body, cloth, rng, cut.hood_up)
    elif spec.neck in collars.STANDING:
        collar_parts.inside(stage, body, cloth, 3.4, body.depth)
    if spec.worn:
        if spec.neck in ("lapel", "shawl", "wide_shawl") or (spec.closure == "open" and spec.neck.startswith("collarless")):
            stage.piece(
                body.opening, Cloth(parse(str(rng.choice(("f4f4f2", "2a2b30", "c9d3df", "8f2f35")))), "jersey"), depth=1.5
            )
            skin = path(bow((-6.5, 0), (6.5, 0), 0.0), bow((6.5, 0), (-6.5, 0), -8.0))
        else:
            skin = None
        if spec.neck == "hood" or spec.neck in collars.STANDING or skin is not None:
            mannequin.throat(stage, spec.seed, body.opening if skin is None else skin, np.random.default_rng([spec.seed, 5]))
        return
    stage.piece(body.back, dark, depth=1.8)
    if spec.neck in ("lapel", "shawl", "wide_shawl"):
        stage.piece(body.opening, cloth.dyed(shade(cloth.dye, 0.5)), depth=1.8)
    if spec.neck not in ("strapless", "strap", "off_shoulder", "one_shoulder") and rng.random() < 0.7:
        y = body.back.getBounds().top() + 2.2
        label = skia.Rect(-1.7, y + 0.3, 1.7, y + 2.2)
        stage.canvas.save()
        stage.canvas.clipPath(union(body.back), skia.ClipOp.kIntersect, True)
        stage.canvas.drawRect(label, paint((236, 234, 228) if rng.random() < 0.7 else (30, 30, 34)))
        stage.canvas.restore()


def _decorate(
    stage: Stage, spec: Spec, shape: skia.Path, blocks: list, colours: Palette, cut: Upper, rng: np.random.Generator
) -> None:
    body = cut.torso
    stage.canvas.save()
    stage.canvas.clipPath(shape, skia.ClipOp.kIntersect, True)
    for area, rgb in blocks:
        stage.piece(area, Cloth(rgb, spec.fabric), depth=0.3)
    if spec.pattern == "graphic":
        low = min(body.hem_y, 62)
        y = body.depth + (low - body.depth) * float(rng.uniform(0.3, 0.42))
        graphic.chest(stage.canvas, colours, y, float(rng.uniform(8.5, 14)), rng)
    stage.canvas.restore()
    if blocks:
        stage.strokes(shape, [shape], 5.0, 2.2, (20, 16, 24), 0.16)


def _sleeves(
    stage: Stage, spec: Spec, cut: Upper, cloth: Cloth, colours: Palette, rng: np.random.Generator, blocks: list
) -> None:
    body = cut.torso
    if not cut.sleeves:
        for hole in body.armholes:
            rim = path(hole, closed=False)
            stage.strokes(body.front, [rim], 1.5, 0.1, shade(cloth.dye, 0.8), 0.55)
            stage.seam(rim, colours.thread, False)
            for shape in _hole(hole):
                stage.mark("sleeve", shape)
    shift = (float(rng.uniform(-9, 9)), float(rng.uniform(-9, 9)))
    for k, part in enumerate(cut.sleeves):
        stage.shadow(part.shape, 1.4, 0.3, 0, 0.6, inside=body.front)
        stage.piece(part.shape, cloth, -part.turn, shift)
        if blocks and cloth.print is None and cloth.dye == colours.base:
            _decorate_sleeve(stage, part.shape, blocks, spec)
        folds.sleeve(stage, spec, part, cloth, rng)
        stage.seam(path(body.armholes[k], closed=False), colours.thread, spec.fabric in ("denim", "canvas", "leather"))
        folds.cuff(stage, spec, part, cloth, colours)
        stage.mark("sleeve", part.shape)
        stage.mark("garment", part.shape)


def _hole(hole: list) -> list[skia.Path]:
    """A band along an armhole, one closed shape."""
    out = skia.Path()
    pen = skia.Paint(Style=skia.Paint.kStroke_Style, StrokeWidth=6.0)
    pen.getFillPath(path(hole, closed=False), out)
    return [out]


def _decorate_sleeve(stage: Stage, shape: skia.Path, blocks: list, spec: Spec) -> None:
    stage.canvas.save()
    stage.canvas.clipPath(shape, skia.ClipOp.kIntersect, True)
    for area, rgb in blocks:
        stage.piece(area, Cloth(rgb, spec.fabric), depth=0.3)
    stage.canvas.restore()


def _hem(stage: Stage, spec: Spec, body: Torso, cloth: Cloth, colours: Palette) -> None:
    """Ribbed band or turned edge, and the hem's mark: the lowest 15 % of the garment."""
    if folds.ribbed(spec) and body.hem_y < 72:
        folds.ribbed_hem(stage, body, cloth)
    else:
        for lift in (2.2, 1.7):
            edge = path([tuple((x, y - lift) for x, y in s) for s in body.hem], closed=False)
            stage.strokes(body.front, [edge], 0.14, 0.01, shade(cloth.dye, 0.6), 0.8)
    top = body.hem_y - 0.15 * (body.hem_y + 4)
    band = skia.Op(body.front, skia.Path.Rect(skia.Rect(-95, top, 95, body.hem_y + 30)), skia.PathOp.kIntersect_PathOp)
    stage.mark("hem", band)


def _open(stage: Stage, spec: Spec, body: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    gap = skia.Op(closures.gap(body, rng), body.front, skia.PathOp.kIntersect_PathOp)
    under = (
        Cloth(parse(str(rng.choice(("f4f4f2", "2a2b30", "c9d3df", "b9bbbf")))), "jersey")
        if spec.worn
        else cloth.dyed(shade(cloth.dye, 0.5))
    )
    stage.piece(gap, under, depth=2.4)
    stage.mark("closure", gap, 1.2)


def _neck_edge(stage: Stage, spec: Spec, body: Torso, cloth: Cloth, colours: Palette, rng: np.random.Generator) -> None:
    """The band or binding of a collarless neck."""
    if styles.NECKS[spec.neck].collar not in ("none",):
        return
    chains = [c if spec.neck in ("strap", "strapless", "off_shoulder") else c[:-1] for c in body.tops]
    if spec.neck not in ("strap", "strapless", "off_shoulder"):
        chains[1] = body.tops[1][1:]
    rim = union(*(path(c, closed=False) for c in chains))
    ribbed = spec.fabric in styles.KNITS or spec.kind in ("t_shirt", "tank_top")
    width = float(rng.uniform(3.6, 5.2)) if ribbed else float(rng.uniform(1.0, 2.0))
    rgb = colours.trim if ribbed and rng.random() < 0.2 else cloth.dye
    stage.canvas.save()
    stage.canvas.clipPath(body.front, skia.ClipOp.kIntersect, True)
    stage.canvas.drawPath(rim, paint(shade(rgb, 0.5), 0.8, width + 0.35))
    stage.canvas.drawPath(rim, paint(rgb, 1.0, width))
    dark = paint(shade(rgb, 0.6), 0.5, width)
    if ribbed:
        dark.setPathEffect(skia.DashPathEffect.Make([0.22, 0.4], 0))
        dark.setStrokeCap(skia.Paint.kButt_Cap)
        stage.canvas.drawPath(rim, dark)
    stage.canvas.restore()
    stage.strokes(body.front, [rim], 0.5, 0.2, (15, 12, 18), 0.4)


def _mark_neck(stage: Stage, body: Torso) -> None:
    stage.mark("neckline", body.opening, 2.2)
