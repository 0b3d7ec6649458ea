"""Labels of N items as columns of codes: filters and counts without reading the items."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asen_core.errors import QueryError
from asen_core.types import Range, Where

REMEMBERED = 64
"""Filters whose masks are kept."""


@dataclass(frozen=True)
class Column:
    """What a label is like in a gallery: how many different values it has, how many items have one, all of them numbers?"""

    values: int
    labelled: int
    numeric: bool


@dataclass(frozen=True, eq=False)
class Coded:
    """Labels of N items. codes: (L, N) int32, 0 where the item has no value; values: per label its values, code 1 first."""

    labels: tuple[str, ...]
    codes: np.ndarray
    values: tuple[tuple[str, ...], ...]


def coded(rows: Sequence[Mapping[str, str]]) -> Coded:
    """The labels of items as codes: labels in the order in which they first appear, values sorted."""
    names = tuple(dict.fromkeys(name for row in rows for name, value in row.items() if value))
    values = tuple(tuple(sorted({row[name] for row in rows if row.get(name)})) for name in names)
    codes = np.zeros((len(names), len(rows)), np.int32)
    for line, name, known in zip(codes, names, values, strict=True):
        numbers = {value: i for i, value in enumerate(known, 1)}
        line[:] = [numbers.get(row.get(name, ""), 0) for row in rows]
    return Coded(names, codes, values)


class Columns:
    """Filters and counts over coded labels. Safe to share between threads."""

    def __init__(self, labels: Coded) -> None:
        self._labels, self._lock = labels, threading.Lock()
        self._numbers = [_numbers(values) for values in labels.values]
        self._masks: OrderedDict[tuple[str, object], np.ndarray] = OrderedDict()

    @property
    def described(self) -> dict[str, Column]:
        """Label -> what it is like, in the labels' order."""
        held = self._labels
        return {
            name: Column(len(values), int(np.count_nonzero(codes)), numbers is not None)
            for name, values, codes, numbers in zip(held.labels, held.values, held.codes, self._numbers, strict=True)
        }

    def mask(self, where: Where | None) -> np.ndarray | None:
        """(N,) bool: the items that pass all filters; None where there is no filter. Raises: QueryError."""
        masks = [self._mask(label, wanted) for label, wanted in (where or {}).items()]
        return np.logical_and.reduce(masks) if masks else None

    def count(self, where: Where | None) -> int:
        """How many items pass all filters. Raises: QueryError."""
        keep = self.mask(where)
        return self._labels.codes.shape[1] if keep is None else int(np.count_nonzero(keep))

    def facets(self, where: Where | None, wanted: Collection[str] | None = None) -> dict[str, dict[str, int]]:
        """As `GalleryStore.facets`. Raises: QueryError."""
        where, counts = where or {}, {}
        masks = {label: self._mask(label, wanted) for label, wanted in where.items()}
        for label, values, codes in zip(self._labels.labels, self._labels.values, self._labels.codes, strict=True):
            if wanted is not None and label not in wanted:
                continue
            others = [m for name, m in masks.items() if name != label]
            kept = codes[np.logical_and.reduce(others)] if others else codes
            found = np.bincount(kept, minlength=len(values) + 1)[1:].tolist()
            counted = [(value, count) for value, count in zip(values, found, strict=True) if count]
            counts[label] = dict(sorted(counted, key=lambda pair: (-pair[1], pair[0])))
        return counts

    def _mask(self, label: str, wanted: object) -> np.ndarray:
        if label not in self._labels.labels:
            known = ", ".join(self._labels.labels) or "none"
            raise QueryError(f"Unknown label {label!r} in the filter; this gallery has {known}.")
        if not isinstance(wanted, Range):
            wanted = frozenset([wanted] if isinstance(wanted, str) else wanted) - {""}  # type: ignore[call-overload]
        asked = (label, wanted)
        with self._lock:
            if asked in self._masks:
                self._masks.move_to_end(asked)
                return self._masks[asked]
        number = self._labels.labels.index(label)
        made = self._passing(number, wanted)[self._labels.codes[number]]
        with self._lock:
            self._masks[asked] = made
            while len(self._masks) > REMEMBERED:
                self._masks.popitem(last=False)
        return made

    def _passing(self, number: int, wanted: Range | frozenset[str]) -> np.ndarray:
        """(values + 1,) bool: which codes of a label pass."""
        values, numbers = self._labels.values[number], self._numbers[number]
        passing = np.zeros(len(values) + 1, bool)
        if isinstance(wanted, Range):
            if numbers is None:
                label = self._labels.labels[number]
                raise QueryError(f"The label {label!r} holds words, so no range of it can be kept; name the values.")
            passing[1:] = [n in wanted for n in numbers]
        else:
            passing[1:] = [value in wanted for value in values]
        return passing


def _numbers(values: Sequence[str]) -> list[float] | None:
    """The values as numbers; None where one is not, or there is none."""
    try:
        found = [float(value) for value in values]
    except ValueError:
        return None
    return found if found and np.isfinite(found).all() else None
