"""What lies behind the garment: studio white, greys, painted walls, boards, a cloth; and the mannequin's colours."""

from __future__ import annotations

import numpy as np
import skia

from asen_core.data.render.fabric import relief
from asen_core.data.render.palette import RGB, parse, shade
from asen_core.data.render.pen import paint

WALLS = ("d8c6b4", "b9c7c4", "c9b3a6", "9fb0bf", "cfc9bd", "a8a29a", "e3c9c4", "8f9a86", "3f4a56", "c4c4c8", "8a3a34", "56606a")
WOODS = ("b98f63", "8c6443", "d3b088", "6e5442", "a6a09a")


def background(canvas: skia.Canvas, kind: str, width: int, height: int, rng: np.random.Generator) -> None:
    """Fill the canvas (in pixels)."""
    if kind == "white":
        canvas.clear(skia.ColorWHITE)
    elif kind == "off_white":
        canvas.clear(skia.Color(*parse(str(rng.choice(("f6f5f2", "f3f3f4", "faf8f5", "eeeeec"))))))
    elif kind == "grey":
        low = int(rng.integers(190, 226))
        _gradient(canvas, width, height, (low + 24,) * 3, (low,) * 3)
    elif kind == "wall":
        base = parse(str(rng.choice(WALLS)))
        _gradient(canvas, width, height, shade(base, 1.15), shade(base, 0.85))
        _grain(canvas, "canvas", 6.0)
    elif kind == "wood":
        _boards(canvas, width, height, rng)
    else:
        base = parse(str(rng.choice(WALLS)))
        _gradient(canvas, width, height, shade(base, 1.1), shade(base, 0.9))
        _grain(canvas, "silk", 14.0)
        _grain(canvas, "weave", 5.0)


def _gradient(canvas: skia.Canvas, width: int, height: int, inner: RGB, outer: RGB) -> None:
    shader = skia.GradientShader.MakeRadial(
        skia.Point(width * 0.5, height * 0.42), 0.75 * height, [skia.Color(*inner), skia.Color(*outer)]
    )
    canvas.drawPaint(skia.Paint(Shader=shader, Dither=True))


def _grain(canvas: skia.Canvas, fabric: str, scale: float) -> None:
    matrix = skia.Matrix().setScale(scale, scale)
    canvas.drawPaint(skia.Paint(Shader=relief(fabric, matrix), BlendMode=skia.BlendMode.kSoftLight))


def _boards(canvas: skia.Canvas, width: int, height: int, rng: np.random.Generator) -> None:
    base = parse(str(rng.choice(WOODS)))
    count = int(rng.integers(4, 9))
    upright = rng.random() < 0.5
    span = (width if upright else height) / count
    for k in range(count):
        rect = skia.Rect.MakeXYWH(k * span, 0, span, height) if upright else skia.Rect.MakeXYWH(0, k * span, width, span)
        canvas.drawRect(rect, paint(shade(base, float(rng.uniform(0.86, 1.12)))))
        grain = skia.Matrix().setRotate(0 if upright else 90)
        grain.preTranslate(float(rng.uniform(0, 400)), float(rng.uniform(0, 400)))
        grain.preScale(4, 40)
        canvas.drawRect(rect, skia.Paint(Shader=relief("wool", grain), BlendMode=skia.BlendMode.kSoftLight))
        canvas.drawRect(rect, paint((30, 20, 15), 0.55, max(1.0, width / 300)))
