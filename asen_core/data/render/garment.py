"""From a spec to a picture: frame, background, body, garment, marks."""

from __future__ import annotations

import numpy as np
import skia

from asen_core.data.render import bottoms, lower, styles, upper
from asen_core.data.render.background import background
from asen_core.data.render.palette import palette
from asen_core.data.render.pattern import make
from asen_core.data.render.spec import Rendered, Spec
from asen_core.data.render.stage import Cloth, Stage


def draw(spec: Spec, width: int, height: int) -> Rendered:
    """Draw one garment on (height, width) pixels."""
    colours = palette(spec.colour, spec.fabric, _chance(spec, 1))
    cloth = Cloth(colours.base, spec.fabric, make(spec.pattern, colours, _chance(spec, 2)))
    if spec.kind in styles.BOTTOMS:
        cut = bottoms.cut(spec, _chance(spec, 3))
        box = _union(*(leg.getBounds() for leg in cut.legs))
        if spec.worn:
            box = skia.Rect(
                min(box.left(), -22), 24, max(box.right(), 22), min(148, box.bottom() + float(_chance(spec, 9).uniform(7, 26)))
            )
    else:
        cut = upper.cut(spec, _chance(spec, 3))
        box = _union(cut.torso.front.getBounds(), cut.top, *(s.shape.getBounds() for s in cut.sleeves))
        if spec.worn:
            low = cut.torso.hem_y + float(_chance(spec, 9).uniform(12, 30))
            cropped = float(_chance(spec, 10).choice((-33.0, -33.0, -20.0, -12.0, -9.0)))
            box = skia.Rect(min(box.left(), -24), cropped, max(box.right(), 24), min(low, 148))
    stage = Stage(width, height, _frame(spec, box, width, height))
    background(stage.canvas, spec.background, width, height, _chance(spec, 4))
    stage.canvas.concat(stage.matrix)
    if spec.kind in styles.BOTTOMS:
        lower.draw(stage, spec, cut, cloth, colours, _chance(spec, 5))
    else:
        upper.draw(stage, spec, cut, cloth, colours, _chance(spec, 5))
    return Rendered(stage.pixels(), spec.labels, spec.fashionai, _clean(stage.masks()), spec)


def _chance(spec: Spec, theme: int) -> np.random.Generator:
    """A generator per theme, so that one theme's dice don't move another's."""
    return np.random.default_rng([spec.seed, theme])


def _union(*boxes: skia.Rect) -> skia.Rect:
    b = boxes[0]
    out = skia.Rect(b.left(), b.top(), b.right(), b.bottom())
    for box in boxes[1:]:
        out.join(box)
    return out


def _frame(spec: Spec, box: skia.Rect, width: int, height: int) -> skia.Matrix:
    """Centimetres to pixels: the box fitted with a margin, a little off centre, turned where it lies flat."""
    rng = _chance(spec, 6)
    margin = float(rng.uniform(0.03, 0.1))
    scale = min(width * (1 - 2 * margin) / box.width(), height * (1 - 2 * margin) / box.height())
    spare_x, spare_y = width - box.width() * scale, height - box.height() * scale
    out = skia.Matrix()
    out.postTranslate(-box.centerX(), -box.centerY())
    out.postScale(scale, scale)
    if not spec.worn:
        out.postRotate(float(rng.normal(0, 1.6 if spec.background in ("white", "off_white") else 3.0)))
    shift = rng.uniform(-0.22, 0.22, 2)
    out.postTranslate(width / 2 + float(shift[0]) * spare_x, height / 2 + float(shift[1]) * spare_y)
    return out


def _clean(masks: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Sleeves, hems and collars belong to the garment; its mask holds them all."""
    worn = masks["garment"]
    if "hem" in masks and "sleeve" in masks:
        masks["hem"] = masks["hem"] & ~masks["sleeve"]
    for region in ("sleeve", "hem", "collar", "closure"):
        if region in masks:
            kept = masks[region] & worn
            if kept.any():
                masks[region] = kept
            else:
                del masks[region]
    return masks
