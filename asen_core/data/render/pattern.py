"""Prints as repeating vector tiles: stripes, checks, dots, flowers and small motifs (placed prints are in `graphic`)."""

from __future__ import annotations

import numpy as np
import skia

from asen_core.data.render.motifs import Draw, blob, flower, petal_path, scatter, star
from asen_core.data.render.palette import RGB, Palette
from asen_core.data.render.pen import paint


class Print:
    """A print that repeats every `width` x `height` centimetres."""

    def __init__(self, width: float, height: float, draw: Draw) -> None:
        recorder = skia.PictureRecorder()
        tile = skia.Rect.MakeWH(width, height)
        draw(recorder.beginRecording(tile))
        self._picture, self._tile = recorder.finishRecordingAsPicture(), tile

    def shader(self, matrix: skia.Matrix) -> skia.Shader:
        """The print as a shader; `matrix` turns and moves it with the piece of cloth it lies on."""
        return self._picture.makeShader(
            skia.TileMode.kRepeat, skia.TileMode.kRepeat, skia.FilterMode.kLinear, matrix, self._tile
        )


def make(pattern: str, colours: Palette, rng: np.random.Generator) -> Print | None:
    """The repeating print of a pattern, or None where it has none (solid, graphic, colour_block)."""
    maker = MAKERS.get(pattern)
    return maker(colours, rng) if maker else None


def _bands(colours: Palette, rng: np.random.Generator) -> list[tuple[float, float, RGB]]:
    """Stripes of one repeat: (start, end, colour), the last end is the repeat."""
    kind = rng.integers(4)
    a, b, c = colours.accents[0], colours.accents[1], colours.accents[2]
    w = float(rng.uniform(1.0, 4.2))
    if kind == 0:
        return [(0, w, a), (2 * w, 2 * w, a)]
    if kind == 1:
        thin = w * 0.35
        return [(0, thin, a), (w * 1.6, w * 1.6, a)]
    if kind == 2:
        return [(0, w, a), (w * 1.3, w * 1.3 + 0.5, b), (w * 2.6, w * 2.6, a)]
    return [(0, w, a), (w * 1.6, w * 2.2, b), (w * 2.9, w * 3.5, c), (w * 4.4, w * 4.4, a)]


def _horizontal(colours: Palette, rng: np.random.Generator) -> Print:
    bands = _bands(colours, rng)

    def draw(canvas: skia.Canvas) -> None:
        for start, end, rgb in bands:
            canvas.drawRect(skia.Rect(0, start, 4, end), paint(rgb))

    return Print(4, bands[-1][1], draw)


def _vertical(colours: Palette, rng: np.random.Generator) -> Print:
    bands = [(s * 0.6, e * 0.6, c) for s, e, c in _bands(colours, rng)]
    if rng.random() < 0.4:
        gap = float(rng.uniform(1.6, 3.2))
        bands = [(0, 0.32, colours.accents[0]), (gap, gap, colours.accents[0])]

    def draw(canvas: skia.Canvas) -> None:
        for start, end, rgb in bands:
            canvas.drawRect(skia.Rect(start, 0, end, 4), paint(rgb))

    return Print(bands[-1][1], 4, draw)


def _check(colours: Palette, rng: np.random.Generator) -> Print:
    size = float(rng.uniform(2.2, 8.5))
    a, b, c = colours.accents[:3]
    kind = rng.integers(3)

    def gingham(canvas: skia.Canvas) -> None:
        half = size / 2
        canvas.drawRect(skia.Rect(0, 0, half, size), paint(a, 0.5))
        canvas.drawRect(skia.Rect(0, 0, size, half), paint(a, 0.5))

    def tartan(canvas: skia.Canvas) -> None:
        for turned in (False, True):
            for start, width, rgb, alpha in (
                (0.05, 0.3, a, 0.6),
                (0.48, 0.12, b, 0.65),
                (0.72, 0.05, c, 0.8),
                (0.86, 0.05, c, 0.8),
            ):
                lo, hi = start * size, (start + width) * size
                canvas.drawRect(skia.Rect(0, lo, size, hi) if turned else skia.Rect(lo, 0, hi, size), paint(rgb, alpha))

    def windowpane(canvas: skia.Canvas) -> None:
        canvas.drawRect(skia.Rect(0, 0, size * 0.09, size), paint(a, 0.85))
        canvas.drawRect(skia.Rect(0, 0, size, size * 0.09), paint(a, 0.85))
        canvas.drawRect(skia.Rect(size * 0.5, 0, size * 0.54, size), paint(b, 0.7))
        canvas.drawRect(skia.Rect(0, size * 0.5, size, size * 0.54), paint(b, 0.7))

    if kind == 1:
        size = size * 1.5
    return Print(size, size, (gingham, tartan, windowpane)[kind])


def _dots(colours: Palette, rng: np.random.Generator) -> Print:
    step = float(rng.uniform(2.2, 6.0))
    radius = step * float(rng.uniform(0.16, 0.27))
    two = rng.random() < 0.25

    def draw(canvas: skia.Canvas) -> None:
        for x, y in ((0, 0), (1, 0), (0, 1), (1, 1), (0.5, 0.5)):
            rgb = colours.accents[1 if two and x == 0.5 else 0]
            canvas.drawCircle(x * step, y * step, radius, paint(rgb))

    return Print(step, step, draw)


def _strewn(size: float, count: int, rng: np.random.Generator, stamps: list[Draw], upright: bool = False) -> Print:
    places = scatter(size, count, rng)
    which = rng.integers(len(stamps), size=count)
    scales = rng.uniform(0.75, 1.15, count)

    def draw(canvas: skia.Canvas) -> None:
        for (x, y, angle), k, scale in zip(places, which, scales, strict=True):
            for ox in (-size, 0, size):
                for oy in (-size, 0, size):
                    if -7 < x + ox < size + 7 and -7 < y + oy < size + 7:
                        canvas.save()
                        canvas.translate(x + ox, y + oy)
                        canvas.rotate(0 if upright else angle)
                        canvas.scale(scale, scale)
                        stamps[k](canvas)
                        canvas.restore()

    return Print(size, size, draw)


def _floral(colours: Palette, rng: np.random.Generator) -> Print:
    radius = float(rng.uniform(1.4, 4.4))
    a, b, c, d = colours.accents[:4]
    petals = int(rng.integers(5, 8))
    stamps = [flower(petals, radius, a, b, c), flower(5, radius * 0.7, d, a, c), flower(6, radius * 0.5, b, a, c)]
    return _strewn(radius * 8, 13, rng, stamps)


def _all_over(colours: Palette, rng: np.random.Generator) -> Print:
    a, b, c, d = colours.accents[:4]
    kind = int(rng.integers(5))
    s = float(rng.uniform(0.9, 2.4))
    if kind == 0:
        return _strewn(s * 9, 22, rng, [blob(s * k, rgb, rng) for k, rgb in ((1.6, a), (1.2, b), (1.4, c))])
    if kind == 1:
        return _strewn(
            s * 7,
            16,
            rng,
            [
                lambda canvas: canvas.drawPath(petal_path(s * 1.6, s * 0.5), paint(a)),
                lambda canvas: canvas.drawPath(petal_path(s * 1.3, s * 0.4), paint(b)),
            ],
        )
    if kind == 2:
        return _strewn(s * 6, 12, rng, [star(s, a), star(s * 0.6, b)], upright=True)
    if kind == 3:
        return Print(s * 4, s * 4, lambda canvas: _ogee(canvas, s, a, b))
    return _strewn(
        s * 8,
        34,
        rng,
        [
            lambda canvas: canvas.drawLine(-s * 0.5, 0, s * 0.5, 0, paint(a, stroke=s * 0.3)),
            lambda canvas: canvas.drawLine(-s * 0.4, 0, s * 0.4, 0, paint(d, stroke=s * 0.3)),
        ],
    )


def _ogee(canvas: skia.Canvas, s: float, a: RGB, b: RGB) -> None:
    for x, y in ((0, 0), (4, 0), (0, 4), (4, 4), (2, 2)):
        diamond = skia.Path()
        diamond.addPoly([skia.Point((x + u) * s, (y + v) * s) for u, v in ((0, -1.7), (1.7, 0), (0, 1.7), (-1.7, 0))], True)
        canvas.drawPath(diamond, paint(a, stroke=s * 0.28))
        canvas.drawCircle(x * s, y * s, s * 0.5, paint(b))


MAKERS = {
    "horizontal_stripe": _horizontal,
    "vertical_stripe": _vertical,
    "check": _check,
    "dots": _dots,
    "floral": _floral,
    "all_over": _all_over,
}
