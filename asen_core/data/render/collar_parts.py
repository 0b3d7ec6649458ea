"""What all collars share: laying a piece down with its shadow and marks, in pairs, and the inner back behind it."""

from __future__ import annotations

import skia

from asen_core.data.render.curve import cubic, flipped, path
from asen_core.data.render.outline import Torso
from asen_core.data.render.palette import luma, shade
from asen_core.data.render.pen import paint
from asen_core.data.render.stage import Cloth, Stage


def put(stage: Stage, shape: skia.Path, cloth: Cloth, turn: float = 0.0, shadow: float = 0.4) -> None:
    """Lay a collar's piece over its own shadow and mark it as `collar` and `neckline`."""
    if shadow:
        stage.shadow(shape, 0.9, shadow, 0.15, 0.9)
    stage.piece(shape, cloth, turn)
    stage.mark("collar", shape)
    stage.mark("neckline", shape)


def pair(stage: Stage, shape: skia.Path, cloth: Cloth, turn: float, stitched: bool = True) -> None:
    """Both halves of a collar, left over right as it is worn."""
    for k, half in enumerate((flipped(shape), shape)):
        put(stage, half, cloth, turn if k else -turn)
        if stitched:
            inner = skia.Path(half)
            stage.canvas.save()
            stage.canvas.clipPath(half, skia.ClipOp.kIntersect, True)
            seam = shade(cloth.dye, 0.55) if luma(cloth.dye) > 55 else shade(cloth.dye, 1.5)
            stage.canvas.drawPath(inner, paint(seam, 0.35, 1.1))
            stage.canvas.drawPath(inner, paint(cloth.dye, 0.8, 0.8))
            stage.canvas.restore()


def inside(stage: Stage, cut: Torso, cloth: Cloth, height: float, low: float) -> None:
    """The inner back of a standing collar, seen through its opening."""
    w = cut.neck_width
    shape = path(
        cubic((-w * 0.8, -height), (-w * 0.4, -height - 1.4), (w * 0.4, -height - 1.4), (w * 0.8, -height)),
        cubic((w * 0.8, -height), (w * 0.7, low * 0.4), (w * 0.2, low), (0, low)),
        cubic((0, low), (-w * 0.2, low), (-w * 0.7, low * 0.4), (-w * 0.8, -height)),
    )
    stage.piece(shape, cloth.dyed(shade(cloth.dye, 0.62)), depth=1.6)
    stage.mark("collar", shape)
    stage.mark("neckline", shape)
