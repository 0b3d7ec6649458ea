"""What a mixed search asks with: one photo under the attributes that are named, nothing under the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from asen_core.engine.rerank import stacked
from asen_core.errors import QueryError
from asen_core.types import View


def mixed(
    views: Mapping[str, View], named: Collection[str], attributes: Sequence[str], beta: float | None = None
) -> np.ndarray:  # fmt: skip
    """(A, D) float32: query vectors in the order of `attributes`, 0 for those not named.

    Raises: QueryError where a named attribute has no view, or a view of another one.
    """
    if missing := [a for a in named if a not in views]:
        raise QueryError(f"The photo was not looked at under {', '.join(missing)}; look at it under all that is asked.")
    asked = [a for a in attributes if a in named]
    if not asked:
        raise QueryError("No attribute is named; say in what the garments shall be alike.")
    rows = stacked(views, asked, beta)
    vectors = np.zeros((len(attributes), rows.shape[1]), np.float32)
    vectors[[attributes.index(a) for a in asked]] = rows
    return vectors
