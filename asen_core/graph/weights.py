"""A checkpoint's tensors, handed out by name: each of the shape that is asked for, and none left over."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

_UNREAD = "num_batches_tracked"
"""Counters of batch norm, which nothing reads."""


class Weights:
    """Tensors by their names in the checkpoint. `under` gives a view of those that begin with a prefix."""

    def __init__(self, tensors: Mapping[str, np.ndarray], prefix: str = "", taken: set[str] | None = None) -> None:
        self._tensors, self._prefix = tensors, prefix
        self._taken: set[str] = set() if taken is None else taken

    def under(self, prefix: str) -> Weights:
        """The same, names beginning after `prefix`; what is taken there counts as taken here."""
        return Weights(self._tensors, self._prefix + prefix, self._taken)

    def take(self, name: str, *shape: int) -> np.ndarray:
        """The tensor called `name` as float32. Raises: ValueError where it is missing or of another shape."""
        whole = self._prefix + name
        if whole not in self._tensors:
            raise ValueError(f"{whole} is missing.")
        tensor = self._tensors[whole]
        if tensor.shape != shape:
            raise ValueError(f"{whole} has shape {tensor.shape}, expected {shape}.")
        self._taken.add(whole)
        return np.ascontiguousarray(tensor, np.float32)

    def finish(self) -> None:
        """Raises: ValueError where a tensor was not taken: it belongs to another network."""
        if left := sorted(n for n in set(self._tensors) - self._taken if not n.endswith(_UNREAD)):
            raise ValueError(f"{', '.join(left[:5])}{', ...' if len(left) > 5 else ''} unexpected.")
