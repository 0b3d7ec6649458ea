"""What a reranking asks with: one photo under all attributes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from asen_core.errors import QueryError
from asen_core.types import View


def stacked(views: Mapping[str, View], attributes: Sequence[str], beta: float | None = None) -> np.ndarray:
    """(A, D) float32: the query vectors of one photo's views, in the order of `attributes`.

    Raises: QueryError where an attribute has no view or a view is of another one.
    """
    if missing := [a for a in attributes if a not in views]:
        raise QueryError(
            f"Overall likeness needs the photo under all {len(attributes)} attributes; missing: {', '.join(missing)}. "
            "Look at it without naming attributes, or give the photo itself."
        )
    if other := [a for a in attributes if views[a].condition != a]:
        raise QueryError(
            f"The view given as {other[0]!r} is of {views[other[0]].condition!r}; give the views that `look` made."
        )
    return np.stack([views[a].query_vector(beta) for a in attributes])
