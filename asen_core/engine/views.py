"""From the model's tensors to Views."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from asen_core.engine.runtime import Looked
from asen_core.types import Box, Frame, Garment, Reading, View


def views_of(
    out: Looked, garments: Sequence[Garment], frames: Sequence[Frame], names: Sequence[str], values: Sequence[Sequence[str]],
    dims: tuple[int, int],
) -> list[dict[str, View]]:  # fmt: skip
    """One dict attribute -> View per garment; `names` are the attributes of the output, in its order, `values` their values.

    dims: how many numbers of an embedding are the global branch's, and how many what was read.
    """
    embedding, attention, boxes, probabilities = out.embedding, out.attention, out.boxes, out.probabilities
    looked: list[dict[str, View]] = []
    for row, (garment, frame) in enumerate(zip(garments, frames, strict=True)):
        views = {}
        for i, name in enumerate(names):
            views[name] = View(
                condition=name,
                embedding=_unit(embedding[row, i]),
                attention=attention[row, i] / attention[row, i].sum(),
                roi=_inside(boxes[row, i], garment),
                frame=frame,
                split=dims[0],
                values=dims[1],
                readings=_readings(values[i], probabilities[i][row]),
            )
        looked.append(views)
    return looked


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _inside(corners: np.ndarray, garment: Garment) -> Box:
    """The part of a region that lies on the photo, rounded to whole pixels, at least one of them."""
    x0, y0, x1, y1 = (int(v) for v in np.rint(corners))
    x0, y0 = min(max(x0, 0), garment.width - 1), min(max(y0, 0), garment.height - 1)
    return Box(x0, y0, max(min(x1, garment.width), x0 + 1), max(min(y1, garment.height), y0 + 1))


def _readings(values: Sequence[str], probabilities: np.ndarray) -> tuple[Reading, ...]:
    order = np.argsort(-probabilities, kind="stable")
    return tuple(Reading(values[i], float(probabilities[i])) for i in order)
