"""Many vectors made of few real ones, for measurements at a size that no collection at hand has; and exact answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from asen_core.gallery import Gallery
from asen_core.gallery.finder import unit

NOISE, FARTHEST = 0.05, 0.5
HOW = (
    "each made of two random real garments, the same two in every space: up to half of the way from the first to the second, "
    "with noise in all directions of 5 % of its length"
)
CHUNK = 32_768


@dataclass(frozen=True, eq=False)
class Real:
    """spaces: (A, G, D) float32, unit norm; labels: of each garment."""

    names: tuple[str, ...]
    spaces: np.ndarray
    labels: Sequence[Mapping[str, str]]


def real(gallery: Path, attributes: int) -> Real:
    """The vectors of a gallery in its first attributes' spaces."""
    opened = Gallery.open(gallery)
    names = opened.attributes[:attributes]
    return Real(names, np.stack([opened.space(n) for n in names]), [dict(item.labels) for item in opened.items])


def drawn(source: Real, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(A, n, D) float32, unit norm, as HOW says; and (n,) which garment each began with."""
    attributes, garments, dim = source.spaces.shape
    first, second = rng.integers(garments, size=(2, count))
    way = rng.uniform(0, FARTHEST, (count, 1)).astype(np.float32)
    rows = np.empty((attributes, count, dim), np.float32)
    for a, space in enumerate(source.spaces):
        between = unit((1 - way) * space[first] + way * space[second])
        rows[a] = unit(between + NOISE / dim**0.5 * rng.standard_normal((count, dim), dtype=np.float32))
    return rows, first


def make(source: Real, items: int, seed: int, work: Path) -> None:
    """Write vectors.npy (A, N, D) float16 and first.npy (N,) into a folder, a chunk at a time; what lies there is kept."""
    made = {"items": items, "seed": seed, "attributes": list(source.names), "how": HOW, "garments": len(source.labels)}
    note = work / "vectors.json"
    if note.exists() and json.loads(note.read_text(encoding="utf-8")) == made:
        return
    work.mkdir(parents=True, exist_ok=True)
    shape = (len(source.names), items, source.spaces.shape[2])
    vectors = np.lib.format.open_memmap(work / "vectors.npy", "w+", np.float16, shape)
    first = np.empty(items, np.int32)
    for chunk, start in enumerate(range(0, items, CHUNK)):
        here = slice(start, min(start + CHUNK, items))
        vectors[:, here], first[here] = drawn(source, here.stop - start, np.random.default_rng([seed, chunk]))
    vectors.flush()
    np.save(work / "first.npy", first)
    note.write_text(json.dumps(made), encoding="utf-8")


def rare_label(source: Real, share: float) -> tuple[str, str, np.ndarray]:
    """The label and value that nearest to this share of the garments have; and (G,) bool, which have it."""
    names = {name for labels in source.labels for name in labels}
    values = {(name, labels[name]) for labels in source.labels for name in names & labels.keys()}
    members = {pair: np.array([labels.get(pair[0]) == pair[1] for labels in source.labels]) for pair in values}
    name, value = min(sorted(values), key=lambda pair: abs(members[pair].mean() - share))
    return name, value, members[name, value]


def nearest(vectors: np.ndarray, queries: np.ndarray, k: int, keep: np.ndarray | None = None) -> np.ndarray:
    """(Q, k) int64: the exact answers among vectors (N, D), best first; -1 where there are fewer."""
    scores = np.full((len(queries), k), -np.inf, np.float32)
    places = np.full((len(queries), k), -1, np.int64)
    for start in range(0, len(vectors), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(vectors)))
        rows = rows if keep is None else rows[keep[rows]]
        if len(rows):
            near, at = faiss.knn(queries, unit(vectors[rows]), min(k, len(rows)), faiss.METRIC_INNER_PRODUCT)
            scores, places = np.concatenate([scores, near], 1), np.concatenate([places, rows[at]], 1)
            order = np.lexsort((places, -scores), axis=1)[:, :k]
            scores, places = np.take_along_axis(scores, order, 1), np.take_along_axis(places, order, 1)
    return places
