"""A map as a figure for print or a web page: points coloured by value, beside each value one garment that has it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from asen_core.errors import AsenError
from asen_core.gallery.legend import legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from asen_core.gallery import Gallery
    from asen_core.gallery.legend import Legend

INK, SOFT, RIM = "#211f1c", "#68635b", "#00000059"
_WIDTH, _HEIGHT, _DOTS = 10.4, 6.2, 110
_PICTURE = 150


def write_figure(gallery: Gallery, attribute: str, path: Path) -> Path:
    """Draw the map of one attribute in the format that the file name asks for; returns `path`.

    Raises: GalleryError where the gallery has no such map, AsenError where the place can't be written.
    """
    from matplotlib.figure import Figure

    points = gallery.map(attribute)
    if points is None:
        raise AsenError(f"The gallery has no map of {attribute}; make it with: python -m asen_core map.")
    shown = legend(gallery.items, attribute)
    figure = Figure(figsize=(_WIDTH, _HEIGHT), facecolor="white")
    side = _HEIGHT / _WIDTH
    _draw_points(figure.add_axes((0.01, 0.01, side * 0.98, 0.93)), points, shown)
    _draw_legend(figure.add_axes((side + 0.01, 0.01, 0.98 - side, 0.93)), gallery, points, shown)
    title = f"{len(points):,} garments by {_readable(attribute)}"
    figure.text(0.012, 0.955, title, color=INK, fontsize=13, fontweight="bold", va="bottom")
    figure.text(0.985, 0.957, "near = alike; colour = label", color=SOFT, fontsize=10, va="bottom", ha="right")
    more = {"pil_kwargs": {"quality": 86, "method": 6}} if path.suffix == ".webp" else {}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=_DOTS, **more)
    except OSError as reason:
        raise AsenError(f"{path} can't be written ({reason}). Give a folder that you may write to.") from None
    return path


def _draw_points(axes: Axes, points: np.ndarray, shown: Legend) -> None:
    colours = np.array([entry.colour for entry in shown.entries])
    size = float(np.clip(26_000 / max(len(points), 1), 3, 34))
    # In a drawn order by value the last one would hide the others wherever they mix.
    order = np.random.default_rng(0).permutation(len(points))
    axes.scatter(*points[order].T, s=size, c=colours[shown.numbers[order]].tolist(), edgecolors=RIM, linewidths=0.4)
    axes.set(xlim=(-0.02, 1.02), ylim=(1.02, -0.02), aspect="equal")
    axes.axis("off")


def _draw_legend(axes: Axes, gallery: Gallery, points: np.ndarray, shown: Legend) -> None:
    """Values from the top, most frequent first, in two columns where one would be crowded."""
    columns = 1 if len(shown.entries) <= 7 else 2
    rows = max(-(-len(shown.entries) // columns), 5)
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    axes.axis("off")
    box = axes.get_position()
    for i, entry in enumerate(shown.entries):
        column, row = divmod(i, rows)
        mine = np.flatnonzero(shown.numbers == i)
        height = box.height / rows
        width = 0.26 * box.width / columns
        left = box.x0 + column * box.width / columns
        inset = axes.figure.add_axes((left + 0.012, box.y1 - (row + 0.94) * height, width, 0.88 * height))
        inset.imshow(_picture(gallery, points, mine))
        inset.axis("off")
        at = column + (width + 0.014) * columns / box.width
        axes.plot(at + 0.02 * columns, row + 0.4, "o", ms=8, mfc=entry.colour, mec=RIM, mew=0.6, clip_on=False)
        name = f"{entry.values} other values" if entry.values > 1 else _readable(entry.value) or "not labelled"
        axes.text(at + 0.06 * columns, row + 0.42, name, color=INK, fontsize=9.5, va="center", clip_on=False)
        axes.text(at + 0.06 * columns, row + 0.68, f"{entry.count:,}", color=SOFT, fontsize=8.5, va="center", clip_on=False)


def _picture(gallery: Gallery, points: np.ndarray, mine: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8: the garment in the middle of those of one value, so that it is no stray one."""
    middle = np.median(points[mine], axis=0)
    item = gallery.items[mine[np.linalg.norm(points[mine] - middle, axis=1).argmin()]]
    with Image.open(gallery.picture(item)) as picture:
        picture.thumbnail((_PICTURE, _PICTURE), Image.Resampling.LANCZOS)
        return np.asarray(picture.convert("RGB"))


def _readable(name: str) -> str:
    return name.replace("_", " ")
