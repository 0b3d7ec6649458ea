"""One attribute's vectors in cells: each lies with the centre it is nearest to, and a search looks into the nearest cells."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np

from asen_core import files
from asen_core.gallery.finder import Found, ordered, selector, unit

CODES = {"sq8": faiss.ScalarQuantizer.QT_8bit, "fp16": faiss.ScalarQuantizer.QT_fp16}
"""How a vector's difference to its centre is kept, the smallest first."""
LANES = 16
"""faiss compares codes with vector instructions only where the length is a multiple of this: zeros are put behind."""
CHUNK, ROUNDS, PER_CELL = 16_384, 10, 64
RARE = 0.03
"""Where a filter keeps less, it is quicker to see which cells all of these are in than to look into the nearest cells."""


def cells_for(count: int) -> int:
    """How many cells so many items are put into."""
    return max(1, min(count, round(4 * count**0.5)))


def all_threads() -> None:
    """Let faiss take all processors, or as many as OMP_NUM_THREADS says, for what this thread does until its next search."""
    faiss.omp_set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "").split(",")[0] or os.cpu_count() or 1))


def write(
    vectors: np.ndarray, path: Path, codes: str, rng: np.random.Generator, each: Callable[[int], None] = lambda done: None
) -> None:
    """Sort vectors (N, D) into cells and write them to a file, under a temporary name first.

    The centres are found by spherical k-means on a sample of 64 vectors a cell. each: told how many items are in place.
    """
    all_threads()
    count, dim = vectors.shape
    cells = cells_for(count)
    padded = -(-dim // LANES) * LANES
    index = faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(padded), padded, cells, CODES[codes], faiss.METRIC_INNER_PRODUCT)
    index.cp.niter, index.cp.spherical, index.cp.seed = ROUNDS, True, int(rng.integers(2**31))
    index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 1, PER_CELL
    sample = np.sort(rng.choice(count, min(count, PER_CELL * cells), replace=False))
    index.train(_padded(vectors[sample], padded))
    for start in range(0, count, CHUNK):
        index.add(_padded(vectors[start : start + CHUNK], padded))
        each(index.ntotal)
    with files.whole(path, path.with_name(path.name + ".part")) as part:
        faiss.write_index(index, str(part))


class Cells:
    """Cells opened from their file, which stays on disk and is mapped. Safe to search from several threads.

    count: of cells; centres: (L, D + zeros) float32, unit norm; members: per cell its items; cell_of: (N,), the cell of each.
    The last two take 6 bytes an item in memory.
    """

    def __init__(self, path: Path, vectors: np.ndarray) -> None:
        """vectors: (N, D), those that were put in. Raises: ValueError or RuntimeError where the file doesn't fit them."""
        self._index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
        count, dim = vectors.shape
        if not isinstance(self._index, faiss.IndexIVFScalarQuantizer) or not 0 <= self._index.d - dim < LANES:
            raise ValueError(f"it is no index of vectors {dim} numbers long")
        self._vectors = np.asarray(vectors)
        self.count = self._index.nlist
        self.centres = self._index.quantizer.reconstruct_n(0, self.count)
        lists = self._index.invlists
        sizes = [lists.list_size(cell) for cell in range(self.count)]
        held = (faiss.rev_swig_ptr(lists.get_ids(c), n) for c, n in enumerate(sizes) if n)
        ids = [np.where((some >= 0) & (some < count), some, -1).astype(np.int32) for some in held]
        placed = np.concatenate(ids) if ids else np.zeros(0, np.int32)
        if len(placed) != count or not np.array_equal(np.bincount(placed[placed >= 0], minlength=count), np.ones(count, int)):
            raise ValueError(f"it doesn't hold each of {count:,} items once")
        self.members = np.split(placed, np.cumsum(sizes)[:-1])
        self.cell_of = np.empty(count, np.uint16 if self.count <= 2**16 else np.int32)
        self.cell_of[placed] = np.repeat(np.arange(self.count), sizes)

    def search(self, query: np.ndarray, candidates: int, probes: int, keep: np.ndarray | None = None) -> Found:
        """The best so many by code, or as many as there are, in the order of their vectors themselves.

        query: (D,) float32; probes: how many cells are looked into, of those that hold an item that may be found.
        """
        near, toward = self._lengthened(query), self.toward(query)
        cells = self._nearest(toward, probes, keep)
        found = self._coded(near, cells, toward[cells], candidates, keep)
        return ordered(found, products(self._vectors, found, query), len(found))

    def toward(self, query: np.ndarray) -> np.ndarray:
        """(L,) float32: the centres' inner products with a query (D,)."""
        found, near = np.empty(self.count, np.float32), self._lengthened(query)
        # A matrix product would wake more threads than one query is worth.
        faiss.fvec_inner_products_ny(*map(faiss.swig_ptr, (found, near, self.centres)), self._index.d, self.count)
        return found

    def _lengthened(self, query: np.ndarray) -> np.ndarray:
        near = np.zeros(self._index.d, np.float32)
        near[: len(query)] = query
        return near

    def _nearest(self, toward: np.ndarray, probes: int, keep: np.ndarray | None) -> np.ndarray:
        """(n,) int64: the cells to look into; with a filter those where it keeps nothing are passed over."""
        if keep is None:
            return np.argpartition(-toward, min(probes, self.count) - 1)[:probes].astype(np.int64)
        order = np.argsort(-toward)
        if np.count_nonzero(keep) < len(keep) * RARE:
            held = np.zeros(self.count, bool)
            held[self.cell_of[keep]] = True
            return order[held[order]][:probes].astype(np.int64)
        chosen, start, step = [], 0, 2 * probes
        while start < self.count and sum(map(len, chosen)) < probes:
            some = order[start : start + step]
            chosen.append(some[[bool(keep[self.members[cell]].any()) for cell in some]])
            start, step = start + step, 2 * step
        return np.concatenate(chosen)[:probes].astype(np.int64)

    def _coded(
        self, query: np.ndarray, cells: np.ndarray, toward: np.ndarray, candidates: int, keep: np.ndarray | None
    ) -> np.ndarray:
        """(n,) int64: the best items of some cells by their codes, in no order."""
        if not len(cells):
            return np.zeros(0, np.int64)
        # One thread: a single query has nothing to share out, and the model needs the cores. It holds for this thread alone.
        faiss.omp_set_num_threads(1)
        kept = selector(keep) if keep is not None else None
        parameters = faiss.SearchParametersIVF(nprobe=len(cells), **({"sel": kept} if kept else {}))
        toward = np.ascontiguousarray(toward, np.float32)
        scores, positions = np.empty(candidates, np.float32), np.empty(candidates, np.int64)
        # faiss's own search would choose the cells; the Python form of this one takes no parameters.
        self._index.search_preassigned_c(
            1, faiss.swig_ptr(query), candidates, *map(faiss.swig_ptr, (cells, toward, scores, positions)),
            False, parameters,
        )  # fmt: skip
        return positions[positions >= 0]


def products(vectors: np.ndarray, positions: np.ndarray, query: np.ndarray) -> np.ndarray:
    """(n,) float32: inner products of a query (D,) with vectors (N, D) at positions (n,), brought to unit norm.

    Equal vectors get equal ones wherever they stand, which a matrix product doesn't promise.
    """
    found = np.empty(len(positions), np.float32)
    for start in range(0, len(positions), 512):
        here = slice(start, start + 512)
        some = vectors[positions[here]].astype(np.float32)
        norms = np.sqrt(np.einsum("nd,nd->n", some, some))
        found[here] = np.einsum("nd,d->n", some, query) / np.maximum(norms, 1e-12)
    return found


def _padded(vectors: np.ndarray, length: int) -> np.ndarray:
    rows = np.zeros((len(vectors), length), np.float32)
    rows[:, : vectors.shape[1]] = unit(vectors)
    return rows
