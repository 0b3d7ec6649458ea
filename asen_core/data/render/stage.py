"""The canvas: pieces of cloth with dye, print, relief and shadow; region outlines; rasterising both."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import skia

from asen_core.data.render.fabric import relief
from asen_core.data.render.palette import RGB, luma, shade
from asen_core.data.render.pattern import Print
from asen_core.data.render.pen import paint


@dataclass(frozen=True)
class Cloth:
    """What a piece is cut from."""

    dye: RGB
    fabric: str
    print: Print | None = None

    def dyed(self, rgb: RGB) -> Cloth:
        """Plain cloth of the same weave in another colour."""
        return Cloth(rgb, self.fabric)


@dataclass
class Stage:
    """A picture under way. All paths are in centimetres; `matrix` lays them into (height, width) pixels."""

    width: int
    height: int
    matrix: skia.Matrix
    surface: skia.Surface = field(init=False)
    canvas: skia.Canvas = field(init=False)
    regions: dict[str, list[tuple[skia.Path, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.surface = skia.Surface(self.width, self.height)
        self.canvas = self.surface.getCanvas()

    def mark(self, region: str, shape: skia.Path, grow: float = 0.0) -> None:
        """Add a shape (widened by `grow` cm all round) to a region."""
        self.regions.setdefault(region, []).append((shape, grow))

    def piece(
        self, shape: skia.Path, cloth: Cloth, turn: float = 0.0, shift: tuple[float, float] = (0, 0), depth: float = 1.0
    ) -> None:
        """Lay down cloth: dye, print, relief, darker edges; `turn` degrees the grain, `depth` scales the edge shadow."""
        canvas = self.canvas
        grain = skia.Matrix().setRotate(turn)
        grain.postTranslate(*shift)
        canvas.save()
        canvas.clipPath(shape, skia.ClipOp.kIntersect, True)
        bounds = shape.getBounds()
        canvas.drawRect(bounds, paint(cloth.dye))
        if cloth.print is not None:
            canvas.drawRect(bounds, skia.Paint(AntiAlias=True, Shader=cloth.print.shader(grain)))
        canvas.drawRect(bounds, skia.Paint(Shader=relief(cloth.fabric, grain), BlendMode=skia.BlendMode.kSoftLight))
        self._rim(shape, depth)
        canvas.restore()
        canvas.drawPath(shape, paint(shade(cloth.dye, 0.45), 0.42, 0.18))
        if luma(cloth.dye) < 48:
            canvas.drawPath(shape, paint(shade(cloth.dye, 1.5), 0.3, 0.16))

    def _rim(self, shape: skia.Path, depth: float) -> None:
        for width, blur, alpha in ((7.0, 2.6, 0.16), (1.6, 0.7, 0.2)):
            dark = paint((20, 16, 24), alpha * depth, width)
            dark.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
            self.canvas.drawPath(shape, dark)

    def shadow(
        self, shape: skia.Path, blur: float, alpha: float, dx: float = 0.0, dy: float = 0.0, inside: skia.Path | None = None
    ) -> None:
        """A soft dark copy of a shape, perhaps only `inside` another."""
        self.canvas.save()
        if inside is not None:
            self.canvas.clipPath(inside, skia.ClipOp.kIntersect, True)
        self.canvas.translate(dx, dy)
        dark = paint((18, 14, 22), alpha)
        dark.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
        self.canvas.drawPath(shape, dark)
        self.canvas.restore()

    def strokes(self, inside: skia.Path, lines: list[skia.Path], width: float, blur: float, rgb: RGB, alpha: float) -> None:
        """Blurred lines inside a piece: folds and their lit edges."""
        pen = paint(rgb, alpha, width)
        pen.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
        self.canvas.save()
        self.canvas.clipPath(inside, skia.ClipOp.kIntersect, True)
        for shape in lines:
            self.canvas.drawPath(shape, pen)
        self.canvas.restore()

    def fills(self, inside: skia.Path, shapes: list[skia.Path], blur: float, rgb: RGB, alpha: float) -> None:
        """Blurred shapes inside a piece."""
        pen = paint(rgb, alpha)
        pen.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
        self.canvas.save()
        self.canvas.clipPath(inside, skia.ClipOp.kIntersect, True)
        for shape in shapes:
            self.canvas.drawPath(shape, pen)
        self.canvas.restore()

    def seam(self, shape: skia.Path, rgb: RGB, stitched: bool = True, inside: skia.Path | None = None) -> None:
        """A seam line, with a row of stitches where `stitched`."""
        self.canvas.save()
        if inside is not None:
            self.canvas.clipPath(inside, skia.ClipOp.kIntersect, True)
        self.canvas.drawPath(shape, paint((20, 16, 24), 0.35, 0.18))
        if stitched:
            pen = paint(rgb, 0.75, 0.2)
            pen.setPathEffect(skia.DashPathEffect.Make([0.55, 0.35], 0))
            self.canvas.translate(0.0, 0.55)
            self.canvas.drawPath(shape, pen)
        self.canvas.restore()

    def pixels(self) -> np.ndarray:
        """(H, W, 3) uint8 RGB."""
        image = self.surface.makeImageSnapshot().toarray(colorType=skia.kRGBA_8888_ColorType)
        return np.ascontiguousarray(image[..., :3])

    def masks(self) -> dict[str, np.ndarray]:
        """Region -> (H, W) bool, from the very paths that were drawn; empty ones are left out."""
        out = {}
        for region, shapes in self.regions.items():
            surface = skia.Surface.MakeRaster(skia.ImageInfo.MakeA8(self.width, self.height))
            canvas = surface.getCanvas()
            canvas.concat(self.matrix)
            for shape, grow in shapes:
                pen = skia.Paint(AntiAlias=False)
                if grow:
                    pen.setStyle(skia.Paint.kStrokeAndFill_Style)
                    pen.setStrokeWidth(2 * grow)
                    pen.setStrokeJoin(skia.Paint.kRound_Join)
                canvas.drawPath(shape, pen)
            mask = surface.makeImageSnapshot().toarray(colorType=skia.kAlpha_8_ColorType).reshape(self.height, self.width) > 127
            if mask.any():
                out[region] = mask
        return out
