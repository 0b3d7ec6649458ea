"""In-shop clothes retrieval: top-k accuracy and MAP over items, before and after reranking by an attribute.

Protocol of Liu et al., DeepFashion, CVPR 2016: each query photo is searched among all gallery photos, and found at k where a
photo of the same item is among the first k. Reranking as in Dong et al., TIP 2021: the first n by the general likeness are put
in the order of an attribute's space, the others stay behind them as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asen_core import metrics
from asen_core.data.inshop import InShop
from asen_core.data.labels import Photo
from asen_core.errors import DataError
from asen_core.evaluation.inshop_report import AT, Found, InShopReport, ValuePrecision
from asen_core.evaluation.passes import Size, by_path
from asen_core.types import View, Vocabulary

KS = (1, 5, 10, 20, 30, 50)
FIRST, CHUNK = 100, 64


class InShopRetrieval:
    """The measure, for a pass that it may share with others. attributes: those to rerank by and to rank alone, None for all.

    Raises: DataError where an attribute is unknown or a label has a value that the vocabulary lacks.
    """

    def __init__(
        self, vocabulary: Vocabulary, listed: InShop, attributes: Sequence[str] | None = None, first: int = FIRST
    ) -> None:
        self.attributes = tuple(vocabulary)
        self.photos: dict[Path, Photo] = by_path((*listed.queries, *listed.gallery))
        chosen = self.attributes if attributes is None else tuple(dict.fromkeys(attributes))
        if unknown := [a for a in chosen if a not in vocabulary]:
            raise DataError(f"Unknown attribute {', '.join(unknown)}; this checkpoint knows {', '.join(vocabulary)}.")
        labels = {(a, p.labels[a]) for p in self.photos.values() for a in chosen if a in p.labels}
        if wrong := sorted(f"{a}={v!r}" for a, v in labels if v not in vocabulary[a]):
            raise DataError(f"Labels that this checkpoint has no value for: {', '.join(wrong)}. Correct or empty these cells.")
        self._listed, self._chosen, self._first = listed, chosen, first
        self._rows: dict[str, np.ndarray] = {}

    def add(self, photo: Photo, size: Size, views: Mapping[str, View]) -> None:
        """Keep a photo's vectors of all attributes."""
        del size
        self._rows[photo.key] = np.stack([views[a].embedding for a in self.attributes])

    def report(self) -> InShopReport:
        """The figures of the photos added. Raises: DataError where no query's item is in the gallery."""
        parts = [_part(photos, self._listed.items, self._rows) for photos in (self._listed.queries, self._listed.gallery)]
        numbers = {a: self.attributes.index(a) for a in self._chosen}
        return inshop_figures(*parts, numbers, self._first)


@dataclass(frozen=True, eq=False)
class Part:
    """Queries or gallery: vectors (N, A, D) float32, items (N,) and labels by photo."""

    vectors: np.ndarray
    items: np.ndarray
    labels: Sequence[Mapping[str, str]]


def inshop_figures(
    queries: Part, gallery: Part, attributes: Mapping[str, int], first: int = FIRST, ks: Sequence[int] = KS, chunk: int = CHUNK
) -> InShopReport:
    """All figures, exactly; attributes: name -> its place in the vectors. Equal ones keep the gallery's order.

    Queries go through in chunks, so beyond the vectors memory is about chunk x (G + first x D); figures don't depend on it.

    Raises: DataError where no query's item is in the gallery; ValueError where first, a k or chunk is under 1.
    """
    if min((first, chunk, *ks)) < 1:
        raise ValueError(f"first, ks and chunk must be at least 1, got {first}, {tuple(ks)} and {chunk}.")
    answerable = np.isin(queries.items, gallery.items)
    if not answerable.any():
        raise DataError("No query shows an item that is in the gallery; there is nothing to find.")
    tallies = {way: {a: _Tally(queries, gallery, a, ks) for a in attributes} for way in ("overall", "alone", "reranked")}
    whole = _Tally(queries, gallery, "", ks)
    for rows, order in _orders(_joined(queries.vectors), _joined(gallery.vectors), chunk):
        whole.add(rows, order)
        for name, a in attributes.items():
            tallies["overall"][name].add(rows, order, values_only=True)
            tallies["reranked"][name].add(rows, _reordered(order, first, queries.vectors[rows, a], gallery.vectors[:, a]))
    for name, a in attributes.items():
        for rows, order in _orders(queries.vectors[:, a], gallery.vectors[:, a], chunk):
            tallies["alone"][name].add(rows, order)
    values = {}
    for name in attributes:
        if reachable := _reachable(queries, gallery, name):
            ways = (tallies[way][name].shared() for way in ("overall", "reranked", "alone"))
            values[name] = ValuePrecision(*ways, float(np.mean(reachable)), len(reachable))
    found = [{a: t.found() for a, t in tallies[way].items()} for way in ("alone", "reranked")]
    counts = (int(answerable.sum()), int((~answerable).sum()), len(gallery.items), len(np.unique(gallery.items)))
    return InShopReport(*counts, first, whole.found(), *found, values)


class _Tally:
    """Adds up one way to rank. attribute: whose labelled values are counted, "" for none."""

    def __init__(self, queries: Part, gallery: Part, attribute: str, ks: Sequence[int]) -> None:
        self._items, self._ks = _coded(queries.items, gallery.items), tuple(ks)
        self._values = _coded(*(np.array([found.get(attribute, "") for found in p.labels]) for p in (queries, gallery)))
        self._known = [np.array([attribute in found for found in p.labels]) for p in (queries, gallery)]
        self._places: list[int] = []
        self._precisions: list[float] = []
        self._shared: list[float] = []

    def add(self, rows: slice, order: np.ndarray, values_only: bool = False) -> None:
        """order: (chunk, G), the gallery's positions."""
        (asked, values), (wanted, items), (known, labelled) = self._values, self._items, self._known
        first = order[labelled[order]].reshape(len(order), -1)[:, :AT]  # each row has all of the labelled
        same = values[first] == asked[rows, None]
        self._shared += [metrics.precision_at_k(s, AT) for s in same[known[rows]]]
        if values_only:
            return
        relevant = items[order] == wanted[rows, None]  # (chunk, G)
        relevant = relevant[relevant.any(1)]
        self._places += relevant.argmax(1).tolist()
        self._precisions += [metrics.average_precision(r) for r in relevant]

    def shared(self) -> float:
        return float(np.mean(self._shared))

    def found(self) -> Found:
        places = np.array(self._places)
        return Found({int(k): float((places < k).mean()) for k in self._ks}, float(np.mean(self._precisions)))


def _coded(queries: np.ndarray, gallery: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Names as whole numbers, the same for both: these compare much faster."""
    codes = np.unique(np.concatenate([queries, gallery]), return_inverse=True)[1]
    return codes[: len(queries)], codes[len(queries) :]


def _reachable(queries: Part, gallery: Part, attribute: str) -> list[float]:
    """For each query with a label the share of the first places that the gallery's photos of its value could fill."""
    held = Counter(labels.get(attribute) for labels in gallery.labels)
    asked = [labels[attribute] for labels in queries.labels if attribute in labels]
    return [min(held[value], AT) / AT for value in asked]


def _orders(queries: np.ndarray, gallery: np.ndarray, chunk: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows of queries (Q, D) and, for these, the gallery's (G, D) positions by falling inner product: (chunk, G)."""
    columns = np.ascontiguousarray(gallery).T
    for start in range(0, len(queries), chunk):
        rows = slice(start, min(start + chunk, len(queries)))
        yield rows, np.argsort(-(queries[rows] @ columns), axis=1, kind="stable")


def _reordered(order: np.ndarray, first: int, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """order (chunk, G) with its first columns sorted by the inner products of queries (chunk, D) and gallery (G, D)."""
    head = np.sort(order[:, :first], axis=1)  # by position, so that equal ones keep the gallery's order
    likeness = np.matmul(gallery[head], queries[:, :, None])[:, :, 0]  # (chunk, first)
    by_attribute = np.argsort(-likeness, axis=1, kind="stable")
    return np.concatenate([np.take_along_axis(head, by_attribute, axis=1), order[:, first:]], axis=1)


def _joined(vectors: np.ndarray) -> np.ndarray:
    """(N, A, D) as (N, A D): its inner products are A times the mean cosine."""
    return vectors.reshape(len(vectors), -1)


def _part(photos: Sequence[Photo], items: Mapping[str, str], rows: Mapping[str, np.ndarray]) -> Part:
    return Part(np.stack([rows[p.key] for p in photos]), np.array([items[p.key] for p in photos]), [p.labels for p in photos])
