"""What a layout is to hold: how many garments, and which photo goes into which list."""

from __future__ import annotations

from dataclasses import dataclass

from asen_core.data.layout.drawing import Drawable
from asen_core.errors import DataError


@dataclass(frozen=True)
class Sizes:
    """How many garments each split has; a fifth of those for valid and test are queries, the others candidates."""

    train: int
    valid: int
    test: int

    def __post_init__(self) -> None:
        if min(self.train, self.valid, self.test) < 5:
            raise DataError(f"Each split needs at least 5 garments, a query and its candidates; got {self}.")

    @property
    def whole(self) -> int:
        return self.train + self.valid + self.test


@dataclass(frozen=True)
class Plan:
    """The photos of a split in the order of their index, and the indices that are queries."""

    orders: tuple[Drawable, ...]
    queries: frozenset[int]
