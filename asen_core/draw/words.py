"""Text that has to fit: broken into lines, set smaller, and cut as the last resort."""

from __future__ import annotations

from functools import lru_cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

FONT = "DejaVu Sans"
"""Comes with matplotlib, so a figure has the same letters on every machine."""
CM = 2.54
SMALLEST = 4.5
_STEP = 0.25


@lru_cache(maxsize=4096)
def width_of(text: str, points: float, bold: bool = False) -> float:
    """How long one line is in cm."""
    font = FontProperties(family=FONT, size=points, weight="bold" if bold else "normal")
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72 * CM


def set_in(text: str, width: float, points: float, lines: int = 2, bold: bool = False) -> tuple[tuple[str, ...], float]:
    """The text in at most `lines` lines of `width` cm, and the size in points that this took: `points` or less.

    Text that is too long at 4.5 points is cut and ends in an ellipsis.
    """
    size = points
    while True:
        broken = _broken(text, width, size, bold)
        if len(broken) <= lines and all(width_of(line, size, bold) <= width for line in broken):
            return tuple(broken), size
        if size - _STEP < SMALLEST:
            kept = [*broken[: lines - 1], " ".join(broken[lines - 1 :])]
            return tuple(_cut(line, width, size, bold) for line in kept if line), size
        size -= _STEP


def _broken(text: str, width: float, points: float, bold: bool) -> list[str]:
    """Words put into lines one after the other; a non-breaking space holds its words together."""
    lines: list[str] = []
    for word in filter(None, text.split(" ")):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, points, bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _cut(line: str, width: float, points: float, bold: bool) -> str:
    if width_of(line, points, bold) <= width:
        return line
    while line and width_of(f"{line}…", points, bold) > width:
        line = line[:-1]
    return f"{line.rstrip()}…"
