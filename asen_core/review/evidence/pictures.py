"""Pictures of an evidence pack, made so that a grey print shows where: outlines in black and white, never colour alone."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from contourpy import contour_generator
from PIL import Image
from reportlab.lib.colors import black, white
from reportlab.pdfbase.pdfutils import readJPEGInfo
from reportlab.pdfgen.canvas import Canvas

from asen_core import draw
from asen_core.review.evidence.facts import File
from asen_core.types import Box, Garment, View

PIXELS = 420
"""The longer side of a small picture."""
_SHOWN, _QUALITY = 1400, 88
MOST_BYTES = 20_000_000
"""A JPEG up to this lies in the pack as it is; a larger file, or one of another format, as a smaller copy."""
_HALF, _FINE, _LONG = 0.5, 72, 2.2
_TURN = {2: (-1, 1, 0), 3: (1, 1, 180), 4: (1, -1, 0), 5: (-1, 1, -90), 6: (1, 1, -90), 7: (-1, 1, 90), 8: (1, 1, 90)}
"""EXIF orientation -> factors of x and y, then degrees against the clock, that turn the stored picture upright."""


class Jpeg:
    """JPEG bytes for reportlab, which writes them as they are: it only decodes what it doesn't know to be JPEG."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def jpeg_fh(self) -> io.BytesIO:
        return io.BytesIO(self._data)

    def __str__(self) -> str:
        return hashlib.sha256(self._data).hexdigest()


@dataclass(frozen=True, eq=False)
class Picture:
    """What is drawn: a JPEG of an upright picture `width` x `height`; lines and frame in fractions of it.

    lines: (n, 2) each, drawn solid; frame: drawn dashed; orientation: EXIF's, for bytes that are stored unturned.
    """

    jpeg: Jpeg
    width: int
    height: int
    lines: tuple[np.ndarray, ...] = ()
    frame: Box | None = None
    orientation: int = 1

    def fitted(self, width: float, height: float) -> tuple[float, float]:
        """As large as it can be inside a place."""
        ratio = min(width / self.width, height / self.height)
        return self.width * ratio, self.height * ratio

    def put(self, canvas: Canvas, x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
        """Draw it in the middle of a place whose lower left corner is (x, y); returns the place that it took."""
        w, h = self.fitted(width, height)
        x, y = x + (width - w) / 2, y + (height - h) / 2
        self._image(canvas, x, y, w, h)
        canvas.saveState()
        outer = canvas.beginPath()
        outer.rect(x, y, w, h)
        canvas.clipPath(outer, stroke=0, fill=0)
        for colour, points in ((white, 2.2), (black, 0.9)):
            canvas.setStrokeColor(colour)
            canvas.setLineWidth(points)
            canvas.setDash([])
            for line in self.lines:
                path = canvas.beginPath()
                for i, (px, py) in enumerate(line):
                    (path.lineTo if i else path.moveTo)(x + px * w, y + (1 - py) * h)
                canvas.drawPath(path)
            if self.frame is not None:
                canvas.setDash([] if colour is white else [3, 2])
                f = self.frame
                canvas.rect(x + f.x0 * w, y + (1 - f.y1) * h, f.width * w, f.height * h)
        canvas.restoreState()
        canvas.setStrokeColor(black)
        canvas.setLineWidth(0.3)
        canvas.rect(x, y, w, h)
        return x, y, w, h

    def _image(self, canvas: Canvas, x: float, y: float, w: float, h: float) -> None:
        sx, sy, degrees = _TURN.get(self.orientation, (1, 1, 0))
        across, down = (h, w) if self.orientation >= 5 else (w, h)
        canvas.saveState()
        canvas.translate(x + w / 2, y + h / 2)
        canvas.scale(sx, sy)
        canvas.rotate(degrees)
        canvas.drawImage(self.jpeg, -across / 2, -down / 2, across, down)
        canvas.restoreState()


def original(file: File) -> Picture:
    """The photo as the file has it, byte for byte, where that is a JPEG of reasonable size; else a copy."""
    if is_original(file):
        return Picture(Jpeg(file.data), file.facts.width, file.facts.height, orientation=file.facts.orientation)
    return small(file.garment.pixels, _SHOWN)


def is_original(file: File) -> bool:
    """Whether a pack holds the file itself. reportlab has to understand its header: else it would show another picture."""
    if not file.plain or len(file.data) > MOST_BYTES:
        return False
    facts = file.facts
    size = (facts.height, facts.width) if facts.orientation >= 5 else (facts.width, facts.height)
    try:
        return tuple(readJPEGInfo(io.BytesIO(file.data))[:2]) == size
    except Exception:  # whatever its parser stumbles over
        return False


def small(pixels: np.ndarray, longest: int = PIXELS) -> Picture:
    """(h, w, 3) uint8 pixels as a JPEG of at most `longest` pixels."""
    size = draw.fitted((pixels.shape[1], pixels.shape[0]), longest)
    picture = Image.fromarray(pixels)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY)
    return Picture(Jpeg(out.getvalue()), *size)


def zoom(garment: Garment, view: View) -> Picture:
    """What the model zoomed into."""
    return small(draw.crop(garment.pixels, view.roi))


def heat(garment: Garment, view: View) -> Picture:
    """The heat map over the photo, the strongest part outlined and the region framed."""
    part = window(garment, view.roi)
    cut, seen = _part(garment, part), _within(view, part)
    shrunk, near = draw.shrunk(cut, {view.condition: seen}, PIXELS)
    strength = draw.strength(seen, (cut.width, cut.height), draw.fitted((cut.width, cut.height), _FINE))
    frame = seen.roi.scaled(1 / cut.width, 1 / cut.height)
    return replace(small(draw.overlaid(shrunk, near[view.condition])), lines=outlines(strength), frame=frame)


def explained(garment: Garment, roi: Box, weights: np.ndarray) -> Picture:
    """The photo with what doesn't matter faded to white, and what matters most outlined.

    weights: (h, w) in 0..1 over the whole photo. Of a long photo, the part around the region is shown.
    """
    part = window(garment, roi)
    cut = _part(garment, part)
    shrunk, _ = draw.shrunk(cut, {}, PIXELS)
    top = max(float(weights.max()), 1e-12)
    laid = Image.fromarray(np.asarray(weights / top, np.float32))
    cells = tuple(part.scaled(weights.shape[1] / garment.width, weights.shape[0] / garment.height))

    def at(size: tuple[int, int]) -> np.ndarray:
        return np.clip(np.asarray(laid.resize(size, Image.Resampling.BICUBIC, box=cells)), 0, 1)

    clear = at((shrunk.shape[1], shrunk.shape[0]))[..., None]
    strength = at(draw.fitted((cut.width, cut.height), _FINE))
    faded = 255 - (255 - shrunk.astype(np.float32)) * (0.18 + 0.82 * clear)
    return replace(small((faded + 0.5).astype(np.uint8)), lines=outlines(strength))


def is_long(garment: Garment) -> bool:
    """Whether a photo is so long that a map of all of it would be too small to be read."""
    return max(garment.width, garment.height) > _LONG * min(garment.width, garment.height)


def window(garment: Garment, roi: Box) -> Box:
    """What is shown of a photo: all of it; of a long one the part around a region, in whole pixels."""
    if not is_long(garment):
        return garment.box
    ends = []
    side = min(garment.width, garment.height)
    for low, high, length in ((roi.x0, roi.x1, garment.width), (roi.y0, roi.y1, garment.height)):
        span = min(length, max(side, round(1.2 * (high - low))))
        start = min(max(0, round((low + high - span) / 2)), length - span)
        ends.append((start, start + span))
    return Box(ends[0][0], ends[1][0], ends[0][1], ends[1][1])


def _part(garment: Garment, part: Box) -> Garment:
    return Garment(draw.crop(garment.pixels, part), garment.id)


def _within(view: View, part: Box) -> View:
    """The view in pixels of a part of its photo."""
    r, f = view.roi, view.frame
    roi = Box(r.x0 - part.x0, r.y0 - part.y0, r.x1 - part.x0, r.y1 - part.y0)
    return replace(view, roi=roi, frame=replace(f, dx=f.dx + part.x0 * f.scale, dy=f.dy + part.y0 * f.scale))


def outlines(strength: np.ndarray, level: float = _HALF) -> tuple[np.ndarray, ...]:
    """Closed lines around what reaches `level` in a map (h, w) in 0..1: (n, 2) x and y in fractions of the map."""
    return tuple(_lines(strength, level))


def _lines(strength: np.ndarray, level: float) -> Iterator[np.ndarray]:
    h, w = strength.shape
    # Steps of 1/255: two machines that differ in the last digits draw the same line.
    padded = np.pad(np.rint(np.asarray(strength, np.float64) * 255) / 255, 1)
    for line in contour_generator(z=padded).lines(level):
        yield np.clip((line - 0.5) / (w, h), 0, 1)
