"""Search that looks at part of the vectors: for galleries too large to compare with every item."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from asen_core import files
from asen_core.gallery import cells as sorting
from asen_core.gallery import manifest as disk
from asen_core.gallery import sums
from asen_core.gallery.cells import Cells, products
from asen_core.gallery.exact import Exact
from asen_core.gallery.finder import Found, ordered
from asen_core.gallery.tuning import FIRST, MOST_CANDIDATES, Tuning, wanted

EXACT_BELOW = 2_000
"""Where a filter keeps fewer, these are compared one by one: that takes no longer than looking for them in the cells."""
TARGET = 0.985
CHECKED_BYTES = 2**30
"""Files up to this size are compared with their checksum when opened."""
_DOING = "search index"
_NEEDED = ("file", "bytes", "sha256", "candidates", "blur", "probes")


def build(
    vectors: np.ndarray, folder: Path, seed: int = 0, target: float = TARGET,
    each: Callable[[str, int, int], None] | None = None, exact_below: int = EXACT_BELOW,
) -> dict[str, Any]:  # fmt: skip
    """Write an index of each attribute's vectors to a folder and measure how to search it; what `Approximate` needs to know.

    vectors: (A, N, D) float16, N at least 1, perhaps mapped from a file. target: recall of the first ten against exact search,
    of items that don't find themselves. each: told (doing, vectors done, all). An attribute that is complete there is kept, so
    that a killed build goes on; equal vectors and seeds give equal files on as many processors.

    Returns JSON-able notes: "kind" "ivf", "count", "dim", "seed", "target", "first", "exact_below", "recall" (the lowest that
    was measured), "seconds", and per attribute in "attributes": "file", "bytes", "sha256", "codes", "cells", "candidates",
    "blur" (as `Tuning.blur`), "seconds", and "probes" as `tuning.Rows`.
    """
    attributes, count, dim = vectors.shape
    if count < 1:
        raise ValueError("An index needs at least one item.")
    folder.mkdir(parents=True, exist_ok=True)
    asked = {"count": count, "dim": dim, "seed": seed, "target": target, "first": FIRST, "exact_below": exact_below}
    told = each or (lambda doing, done, total: None)
    made = []
    for a in range(attributes):
        stamp = {**asked, "of": _digest(vectors[a])}
        notes = _complete(folder, a, stamp)
        if notes is None:
            report = lambda done, a=a: told(_DOING, a * count + done, attributes * count)  # noqa: E731
            notes = _made(vectors[a], folder, a, np.random.default_rng([seed, a]), target, exact_below, report)
            _save(folder / f"{a:02d}.json", {"stamp": stamp, "notes": notes})
        told(_DOING, (a + 1) * count, attributes * count)
        made.append(notes)
    return {
        "kind": "ivf", **asked,
        "recall": min((row["recall"] for notes in made for row in notes["probes"]), default=1.0),
        "seconds": round(sum(notes["seconds"] for notes in made), 1), "attributes": made,
    }  # fmt: skip


class Approximate:
    """A `Finder` over what `build` wrote. Index files and vectors stay on disk and are mapped; 6 bytes an item and attribute
    and the cells' centres are held in memory."""

    def __init__(self, vectors: np.ndarray, folder: Path, notes: Mapping[str, Any]) -> None:
        """vectors: (A, N, D), those that were built from; notes: what `build` returned.

        Raises: GalleryError naming a file that is missing, damaged or of other vectors.
        """
        self.notes, self._vectors, self._exact = notes, np.asarray(vectors), Exact(vectors)
        attributes, self._count, dim = vectors.shape
        try:
            fits = (len(notes["attributes"]), notes["count"], notes["dim"]) == (attributes, self._count, dim)
            self._made = [{name: made[name] for name in _NEEDED} for made in notes["attributes"]]
            self._exact_below = int(notes["exact_below"])
            for made in self._made:
                needed = (made["candidates"], made["bytes"], made["blur"], wanted(made["probes"], 1.0, FIRST, True))
                fits = fits and bool(np.isfinite(needed).all()) and type(made["candidates"]) is int and made["candidates"] > 0
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError):
            fits = False
        if not fits:
            raise disk.damaged(folder.parent, folder.name, "belongs to other vectors")
        self._cells = [_opened(folder, made, self._vectors[a]) for a, made in enumerate(self._made)]

    def search(self, attribute: int, vector: np.ndarray, k: int, keep: np.ndarray | None = None) -> Found:
        """As `Finder.search`; the first ten are the true ones as often as the notes say, and always truly compared."""
        kept = self._count if keep is None else int(np.count_nonzero(keep))
        k, query = min(k, kept), np.asarray(vector, np.float32)
        if k < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        cells, made = self._cells[attribute], self._made[attribute]
        candidates = min(max(k + made["candidates"] - FIRST, 2 * k), kept)
        probes = min(cells.count, int(np.ceil(wanted(made["probes"], kept / self._count, k, keep is not None))))
        few = keep is not None and kept < self._exact_below
        while not few and candidates < kept / 4:
            found = cells.search(query, candidates, probes, keep)
            if len(found[0]) < k and probes < cells.count:
                probes = min(4 * probes, cells.count)
            elif len(found[0]) == candidates and found[1][-1] == found[1][k - 1]:
                candidates *= 4  # more are equal than were compared, and the first of these by position must be found
            else:
                return found[0][:k], found[1][:k]
        positions = np.arange(self._count) if keep is None else np.flatnonzero(keep)
        return ordered(positions, products(self._vectors[attribute], positions, query), k)

    def mixed(
        self, vectors: np.ndarray, weights: np.ndarray, k: int, keep: np.ndarray | None = None,
        most: Mapping[int, float] | None = None,
    ) -> Found:  # fmt: skip
        """As `Finder.mixed`; as with `search`, items may be missed."""
        query, most = np.asarray(vectors, np.float32), most or {}
        kept = self._count if keep is None else int(np.count_nonzero(keep))
        if kept >= max(self._exact_below, 4 * k):
            loose = {a: limit + self._made[a]["blur"] for a, limit in most.items()}
            found = sums.mixed(self._cells, self._vectors, query, weights, k, keep, most, loose)
            if len(found[0]) == k:
                return found
        return self._exact.mixed(query, weights, k, keep, most)

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """As `Finder.vectors`."""
        return self._exact.vectors(positions)


def _made(
    vectors: np.ndarray, folder: Path, attribute: int, rng: np.random.Generator, target: float, exact_below: int,
    report: Callable[[int], None],
) -> dict[str, Any]:  # fmt: skip
    """Write one attribute's index and measure it; with larger codes where the smallest lose too much."""
    started, path = time.monotonic(), folder / f"{attribute:02d}.faiss"
    state = rng.bit_generator.state
    for codes in sorting.CODES:
        rng.bit_generator.state = state
        sorting.write(vectors, path, codes, rng, report)
        cells = Cells(path, vectors)
        tuning = Tuning(cells, vectors, rng, exact_below)
        candidates = tuning.candidates(cells, (1 - target) / 2)
        if candidates is not None:
            break
    candidates = candidates or MOST_CANDIDATES
    return {
        "file": path.name, "bytes": path.stat().st_size, "sha256": disk.digest(path), "codes": codes, "cells": cells.count,
        "candidates": candidates, "blur": tuning.blur(cells), "probes": tuning.probes(cells, candidates, target),
        "seconds": round(time.monotonic() - started, 1),
    }  # fmt: skip


def _complete(folder: Path, attribute: int, stamp: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an earlier build noted of an attribute, where it was of the same vectors and its file is as it was written."""
    try:
        found = json.loads((folder / f"{attribute:02d}.json").read_text(encoding="utf-8"))
        path = folder / found["notes"]["file"]
        if found["stamp"] == stamp and disk.digest(path) == found["notes"]["sha256"]:
            return found["notes"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _opened(folder: Path, made: Mapping[str, Any], vectors: np.ndarray) -> Cells:
    """Raises: GalleryError naming the file."""
    name, path = f"{folder.name}/{made['file']}", folder / str(made["file"])
    try:
        if path.name != made["file"]:
            raise ValueError("its name leads elsewhere")
        size = path.stat().st_size
        if size != made["bytes"] or (size <= CHECKED_BYTES and disk.digest(path) != made["sha256"]):
            raise disk.damaged(folder.parent, name, "differs from what was written")
        return Cells(path, vectors)
    except OSError as reason:
        raise disk.damaged(folder.parent, name, "is missing or can't be read") from reason
    except (ValueError, RuntimeError, MemoryError) as reason:
        raise disk.damaged(folder.parent, name, f"can't be used ({str(reason)[:120]})") from reason


def _digest(vectors: np.ndarray) -> str:
    """sha256 of all vectors: one that changed since a build was killed would lie in another's cell."""
    found = hashlib.sha256()
    for start in range(0, len(vectors), sorting.CHUNK):
        found.update(np.ascontiguousarray(vectors[start : start + sorting.CHUNK]))
    return found.hexdigest()


def _save(path: Path, content: Mapping[str, Any]) -> None:
    with files.whole(path, path.with_name(path.name + disk.UNFINISHED)) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
