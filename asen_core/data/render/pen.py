"""The one way to make a flat paint."""

from __future__ import annotations

import skia

from asen_core.data.render.palette import RGB


def paint(rgb: RGB, alpha: float = 1.0, stroke: float = 0.0) -> skia.Paint:
    """A flat paint; `stroke` > 0 draws lines of that width in centimetres."""
    out = skia.Paint(AntiAlias=True, Color=skia.Color(*rgb, round(255 * alpha)))
    if stroke:
        out.setStyle(skia.Paint.kStroke_Style)
        out.setStrokeWidth(stroke)
        out.setStrokeCap(skia.Paint.kRound_Cap)
        out.setStrokeJoin(skia.Paint.kRound_Join)
    return out
