"""How many items of a gallery on Milvus pass which filters, and how many of these have which value."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from asen_core.gallery.milvus.about import About
from asen_core.gallery.milvus.filters import Asked, expression
from asen_core.gallery.milvus.reader import Reader
from asen_core.gallery.milvus.rows import WINDOW

REMEMBERED, FEW_VALUES, AT_ONCE = 256, 200, 8
MANY_VALUES = 1_000
"""A label with more values than this has no counts beside the gallery."""
Tally = dict[str, int]
T = TypeVar("T")


class Counts:
    """The server can't group. Where up to 16,384 items pass the filters, their labels are fetched in one request; above, the
    items of each value are counted, one request per value, and for labels of more than 200 values all labels are gone through.
    Without filters the counts stand beside the gallery. Each filter's counts are remembered. Safe to share between threads.
    """

    def __init__(self, reader: Reader, about: About) -> None:
        self._reader, self._about = reader, about
        self._first = about.manifest.attributes[0] if about.manifest.attributes else ""
        self._known: OrderedDict[object, object] = OrderedDict()
        self._lock = threading.Lock()

    def passing(self, filters: Asked) -> int:
        """How many items pass. Raises: GalleryError."""
        rows = expression(self._first, filters)
        if not filters or rows is None:
            return 0 if rows is None else self._about.manifest.count
        return self._once(("count", filters), lambda: self._reader.count(rows))

    def facets(self, filters: Asked, wanted: Collection[str] | None = None) -> dict[str, Tally]:
        """As `GalleryStore.facets`. Raises: GalleryError."""
        filtered, labels = dict(filters), [n for n in self._about.columns if wanted is None or n in wanted]
        found = self._values(filters, [label for label in labels if label not in filtered])
        for label in filtered.keys() & set(labels):
            found |= self._values(tuple(f for f in filters if f[0] != label), [label])
        return {label: found[label] for label in labels}

    def _values(self, filters: Asked, labels: list[str]) -> dict[str, Tally]:
        """Value -> count of some labels, among the items that pass, most frequent first."""
        if expression(self._first, filters) is None or not labels:
            return {label: {} for label in labels}
        beside = {} if filters else {label: Counter(v) for label, v in self._about.facets.items() if label in labels}
        others = tuple(label for label in labels if label not in beside)
        counted = self._once((filters, others), lambda: self._counted(filters, others)) if others else {}
        return {label: _sorted((beside | counted)[label]) for label in labels}

    def _counted(self, filters: Asked, labels: tuple[str, ...]) -> dict[str, Counter[str]]:
        by_value = [] if self.passing(filters) <= WINDOW else [n for n in labels if self._few(n)]
        found = {label: self._asked(filters, label) for label in by_value}
        if others := [label for label in labels if label not in found]:
            found |= self._read(filters, others)
        return found

    def _few(self, label: str) -> bool:
        return self._about.columns[label].values <= FEW_VALUES and label in self._about.facets

    def _asked(self, filters: Asked, label: str) -> Counter[str]:
        """One request per value that the label has anywhere."""
        values = list(self._about.facets[label])
        with ThreadPoolExecutor(AT_ONCE) as pool:
            counts = pool.map(lambda value: self.passing(tuple(sorted((*filters, (label, (value,)))))), values)
            return Counter(dict(zip(values, counts, strict=True)))

    def _read(self, filters: Asked, labels: list[str]) -> dict[str, Counter[str]]:
        """The labels of all items that pass, fetched."""
        rows, found = expression(self._first, filters) or "", {label: Counter[str]() for label in labels}
        few = self.passing(filters) <= WINDOW
        windows = (
            [self._reader.rows(rows, ["labels"], limit=WINDOW)]
            if few
            else self._reader.through(rows, ["labels"], self._about.manifest.count)
        )
        for some in windows:
            for row in some:
                for label in labels:
                    if value := row["labels"].get(label):
                        found[label][value] += 1
        return found

    def _once(self, asked: object, ask: Callable[[], T]) -> T:
        with self._lock:
            if asked in self._known:
                self._known.move_to_end(asked)
                return self._known[asked]  # type: ignore[return-value]
        found = ask()
        with self._lock:
            self._known[asked] = found
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found


def _sorted(counts: Mapping[str, int]) -> Tally:
    return dict(sorted(((v, n) for v, n in counts.items() if n), key=lambda pair: (-pair[1], pair[0])))
