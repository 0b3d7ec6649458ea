"""A whole gallery wherever it lives: in a folder of this machine, or on a cluster."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from asen_core.gallery.columns import Column
from asen_core.gallery.finder import Found
from asen_core.gallery.manifest import Manifest
from asen_core.types import Item, Where


class GalleryStore(Protocol):
    """N items at positions 0 to N - 1, each with A vectors, D numbers long and of unit norm. Safe to use from several threads.

    directory: where files that belong to the gallery lie, such as its maps; pictures: the folder below which its pictures lie,
    perhaps in folders of it. All methods raise QueryError for a filter with an
    unknown label, and GalleryError where the store can't be reached.
    """

    manifest: Manifest
    directory: Path
    pictures: Path

    def search(self, attribute: int, vector: np.ndarray, k: int, where: Where | None = None) -> Found:
        """The nearest in one attribute's space, by inner product with a vector (D,) float32 of any norm."""
        ...

    def mixed(
        self, vectors: np.ndarray, weights: np.ndarray, k: int, where: Where | None = None,
        most: Mapping[int, float] | None = None,
    ) -> Found:  # fmt: skip
        """The nearest by the weighted sum of the inner products with vectors (A, D) float32.

        weights: (A,), none negative but those of attributes in `most`, which may take something away.
        most: attribute number -> the largest inner product that an item may have there.
        """
        ...

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """(n, A, D) float32, unit norm, of the items at positions (n,)."""
        ...

    def items(self, positions: Sequence[int]) -> list[Item]:
        """The items at these positions, in this order."""
        ...

    def position(self, id: str) -> int | None:
        """Where an item stands; None where there is none of this id."""
        ...

    def count(self, where: Where | None = None) -> int:
        """How many items pass all filters."""
        ...

    def facets(self, where: Where | None = None, labels: Collection[str] | None = None) -> dict[str, dict[str, int]]:
        """Label -> value -> how many items have it and pass the filters on the *other* labels; most frequent first.

        Values that no item is left with are absent. labels: those that are counted, None for all.
        """
        ...

    def columns(self) -> dict[str, Column]:
        """Label -> what its values are like, in the manifest's order."""
        ...

    def background(self) -> np.ndarray:
        """(A, Q) float32, rising: quantiles of the cosines of the gallery's own pairs."""
        ...

    def picture(self, item: Item) -> Path:
        """The absolute path of an item's picture."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
