"""Drawn garments as product pictures, with labels and exact region masks. skia is imported with the first drawing only."""

from __future__ import annotations

from collections.abc import Iterator

from asen_core.data.render.sample import sample, targets
from asen_core.data.render.spec import Rendered, Spec
from asen_core.data.render.styles import FASHIONAI
from asen_core.errors import AsenError

__all__ = ["FASHIONAI", "Rendered", "Spec", "catalogue", "render", "sample", "targets"]

MISSING = (
    "Drawing garments needs skia-python, which could not be loaded ({reason}); install it with `pip install skia-python`, "
    "and on a bare Debian or Ubuntu also `apt-get install libegl1 libgl1 libexpat1`."
)


def render(spec: Spec, width: int = 384, height: int = 512) -> Rendered:
    """Draw one garment on (height, width) pixels; the same spec gives the same bytes.

    Raises AsenError for fewer than 16 x 16 pixels and where skia is missing.
    """
    if min(width, height) < 16:
        raise AsenError(f"A drawing needs at least 16 x 16 pixels, got {width} x {height}; ask for more.")
    try:
        from asen_core.data.render.garment import draw
    except ImportError as error:
        raise AsenError(MISSING.format(reason=error)) from error
    return draw(spec, width, height)


def catalogue(
    count: int, seed: int = 0, width: int = 384, height: int = 512, vocabulary: str = "default", start: int = 0
) -> Iterator[Rendered]:
    """Draw the garments `start`, `start` + 1, ... of the seed's walk, `count` of them, one at a time."""
    for index in range(start, start + count):
        yield render(sample(seed, index, vocabulary), width, height)
