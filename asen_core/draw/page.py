"""A page for print: pictures, text and marks placed in centimetres; written as PDF, PNG or WebP, the same bytes each time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from PIL import Image

from asen_core.draw.words import CM, FONT
from asen_core.errors import AsenError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".pdf", ".png", ".webp")
INK, SOFT = "#1d1c1a", "#605b54"
LINE = 1.25
"""Distance of lines of text, as a multiple of their size."""
_MOST_PIXELS, _LONGEST_SIDE, _TALLEST = 60_000_000, 65_000, 1.5


@dataclass(frozen=True)
class Paper:
    """width: of a page in cm; height: at most, None for one page as tall as it needs; dpi: of the pictures on it."""

    width: float = 18.0
    height: float | None = 24.0
    dpi: int = 200


class Page:
    """One page under construction: x to the right and y down from the top left corner, in cm."""

    def __init__(self, paper: Paper, height: float) -> None:
        """Raises: AsenError where the page would have more than 60 million pixels."""
        from matplotlib.figure import Figure

        dpi = paper.dpi
        across, down = (max(1, round(v / CM * dpi)) for v in (paper.width, height))
        if across * down > _MOST_PIXELS or max(across, down) > _LONGEST_SIDE:
            raise AsenError(
                f"The figure would be one picture of {across} x {down} pixels, which is too large. Give a name that ends "
                f"in .pdf (several pages), fewer photos, or a --dpi under {dpi}."
            )
        self.dpi = dpi
        self.figure: Figure = Figure(figsize=(across / dpi, down / dpi), facecolor="white")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, across / dpi * CM), ylim=(down / dpi * CM, 0))
        self.axes.axis("off")

    def picture(self, pixels: np.ndarray, x: float, y: float, width: float, height: float, order: int = 1) -> None:
        """(H, W, 3) uint8 pixels filling a place, resampled once and laid exactly on the page's pixels."""
        unit = self.dpi / CM
        left, top = round(x * unit), round(y * unit)
        across, down = max(1, round(width * unit)), max(1, round(height * unit))
        exact = np.asarray(Image.fromarray(pixels).resize((across, down), Image.Resampling.LANCZOS))
        extent = (left / unit, (left + across) / unit, (top + down) / unit, top / unit)
        self.axes.imshow(exact, extent=extent, aspect="auto", interpolation="none", zorder=order)

    def frame(self, x: float, y: float, width: float, height: float, colour: str, points: float, order: float = 2) -> None:
        """The outline of a rectangle, drawn inside it; `points` is its line's width."""
        from matplotlib.patches import Rectangle

        inset = min(points / 72 * CM, width, height) / 2
        x, y, width, height = x + inset, y + inset, width - 2 * inset, height - 2 * inset
        self.axes.add_patch(Rectangle((x, y), width, height, fill=False, ec=colour, lw=points, joinstyle="miter", zorder=order))

    def text(
        self, words: str, x: float, y: float, points: float,
        align: str = "center", colour: str = INK, bold: bool = False,
    ) -> None:  # fmt: skip
        """One line whose capitals are centred on `y`; `align`: which of its ends or its centre lies at `x`."""
        self.axes.text(
            x, y + points / 72 * CM * 0.36, words, fontsize=points, fontfamily=FONT, color=colour, ha=align, va="baseline",
            fontweight="bold" if bold else "normal", parse_math=False, usetex=False, zorder=5,
        )  # fmt: skip

    def lines(self, words: Sequence[str], x: float, y: float, points: float, align: str = "center") -> None:
        """Lines one below the other, the first one's upper edge at `y`."""
        step = line(points)
        for i, one in enumerate(words):
            self.text(one, x, y + (i + 0.5) * step, points, align)


def line(points: float) -> float:
    """The height of a line of text in cm."""
    return points / 72 * CM * LINE


def size_in(photo: np.ndarray, width: float) -> tuple[float, float]:
    """(width, height) in cm of a photo in a cell `width` cm wide: as wide as it, or 1.5 times as tall."""
    ratio = photo.shape[0] / photo.shape[1]
    tall = max(min(ratio, _TALLEST) * width, 0.05)
    return min(width, tall / ratio), tall


def split(heights: Sequence[float], room: float | None) -> list[range]:
    """Which rows go on which page: in their order, as many as fit into `room` cm and at least one; None: all on one."""
    pages: list[range] = []
    start, used = 0, 0.0
    for i, height in enumerate(heights):
        if room is not None and i > start and used + height > room + 1e-9:
            pages.append(range(start, i))
            start, used = i, 0.0
        used += height
    return [*pages, range(start, len(heights))] if heights else []


def check_name(path: Path) -> None:
    """Raises: AsenError where the name doesn't end in a format that can be written."""
    if path.suffix.lower() not in FORMATS:
        raise AsenError(f"{path} has no ending that a figure can be written as; let it end in {', '.join(FORMATS)}.")


def write(pages: Sequence[Page], path: Path) -> None:
    """Write a figure: a PDF has all pages, with its fonts embedded; PNG and WebP have one.

    It appears under its name when it is whole. Raises: AsenError where the ending is unknown or the place can't be written.
    """
    check_name(path)
    if not pages or (len(pages) > 1 and path.suffix.lower() != ".pdf"):
        raise ValueError(f"{path.suffix} takes one page (a PDF one or more), got {len(pages)}.")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    # Fonts of type 42 can be searched and edited, and publishers refuse the other kind; images stay apart, not resampled.
    settings = {"pdf.fonttype": 42, "pdf.compression": 6, "image.composite_image": False, "savefig.bbox": None}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(settings):
            _save(pages, partial, path.suffix.lower())
        partial.replace(path)
    except OSError as reason:
        raise AsenError(f"{path} can't be written ({reason}). Give a place that you may write to.") from None
    finally:
        partial.unlink(missing_ok=True)


def _save(pages: Sequence[Page], path: Path, kind: str) -> None:
    if kind == ".pdf":
        from matplotlib.backends.backend_pdf import PdfPages

        with path.open("wb") as file, PdfPages(file, metadata={"CreationDate": None}) as pdf:
            for page in pages:
                pdf.savefig(page.figure, dpi=page.dpi)
        return
    (page,) = pages
    more = {"pil_kwargs": {"quality": 88, "method": 6}} if kind == ".webp" else {}
    page.figure.savefig(path, format=kind[1:], dpi=page.dpi, **more)
