"""Is a map right? Insertion and deletion: the similarity as a photo is revealed or removed in the map's order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asen_core.engine import Engine
from asen_core.review.explain.choice import area, revealed, similarities
from asen_core.review.explain.masks import canvas
from asen_core.types import Garment, View

STEPS = 16


@dataclass(frozen=True, eq=False)
class Curves:
    """The similarity to the reference as cells are revealed on the neutral fill, and as they are removed down to it.

    insertion, deletion: (steps + 1,) float32 cosines, the first with no cell changed, the last with all.
    """

    insertion: np.ndarray
    deletion: np.ndarray

    @property
    def hidden(self) -> float:
        """The cosine of the fill alone."""
        return float(self.insertion[0])

    @property
    def whole(self) -> float:
        """The cosine of the whole photo."""
        return float(self.deletion[0])

    @property
    def areas(self) -> tuple[float, float]:
        """Areas under insertion and deletion, in shares of the whole photo's similarity: 1 where it is reached at once.

        Raises: ValueError where the photo is not alike to the reference at all (cosine of 0 or less).
        """
        if not self.whole > 0:
            raise ValueError(f"The photo and the reference are not alike (cosine {self.whole:.3f}); there is nothing to share.")
        return float(area(self.insertion)) / self.whole, float(area(self.deletion)) / self.whole


def curves(
    engine: Engine, query: Garment, reference: View, order: np.ndarray, fill: str = "blur", steps: int = STEPS,
    batch_size: int = 16,
) -> Curves:  # fmt: skip
    """Insertion and deletion (Petsiuk et al., BMVC 2018, section 4.2) of a map in the space of the reference's attribute.

    order: (h, w), any shape and scale, over the whole oriented photo: its greatest cells first. fill: one of `masks.FILLS`.
    Raises: ValueError where `order` is not a map of finite numbers or `steps` is under 1.
    """
    if order.ndim != 2 or not np.isfinite(order).all() or steps < 1:
        raise ValueError(f"Curves need a map (h, w) of finite numbers and steps >= 1, got {order.shape} and {steps}.")
    laid = canvas(query, fill)
    both = (mask for first in revealed(laid, order, steps) for mask in (first, 1 - first))
    scores = np.array([s[0] for s in similarities(engine, laid, both, {reference.condition: reference}, batch_size)])
    return Curves(scores[::2].astype(np.float32), scores[1::2].astype(np.float32))
