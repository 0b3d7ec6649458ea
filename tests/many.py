"""Vectors around a few places, filters on them and the slow obvious search, for tests of the approximate finder."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asen_core.gallery import sums, tuning
from asen_core.gallery.approximate import Approximate, build

ATTRIBUTES, COUNT, DIM, FEW, ASKED = 2, 6_000, 20, 300, 100
Made = tuple[np.ndarray, Path, dict[str, Any]]
"""Vectors (A, N, D) float16, the folder of their index and its notes."""


def clustered(count: int, seed: int, attributes: int = ATTRIBUTES) -> np.ndarray:
    """(A, N, D) float16 of unit norm, around 40 places."""
    rng = np.random.default_rng(0)
    places = rng.standard_normal((attributes, 40, DIM))
    rng = np.random.default_rng(seed)
    made = places[:, rng.integers(40, size=count)] + 0.5 * rng.standard_normal((attributes, count, DIM))
    return (made / np.linalg.norm(made, axis=2, keepdims=True)).astype(np.float16)


def oracle(vectors: np.ndarray, query: np.ndarray, k: int, keep: np.ndarray | None = None) -> tuple[list[int], list[float]]:
    """The slow obvious way, for vectors (N, D)."""
    rows = vectors.astype(np.float64)
    cosines = rows @ query.astype(np.float64) / np.linalg.norm(rows, axis=1)
    order = [i for i in np.argsort(-cosines, kind="stable").tolist() if keep is None or keep[i]][:k]
    return order, cosines[order].tolist()


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning, "QUERIES", ASKED)
        patch.setattr(sums, "LEAST", 400)  # so that a tenth is looked at here too
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("approximate") / "neighbours-0001"
    vectors = clustered(COUNT, 1)
    vectors[:, 4000:4030] = vectors[:, :1]  # thirty copies of the first
    np.save(folder.parent / "vectors.npy", vectors)
    vectors = np.load(folder.parent / "vectors.npy", mmap_mode="r")
    notes = build(vectors, folder, seed=3, exact_below=FEW)
    return vectors, folder, json.loads(json.dumps(notes))


@pytest.fixture(scope="module")
def finder(made: Made) -> Approximate:
    return Approximate(*made)


def drawn(count: int) -> np.ndarray:
    """Queries (Q, A, D) float32 of unit norm that are no items."""
    return clustered(count, 2).astype(np.float32).transpose(1, 0, 2)


def masks() -> dict[str, np.ndarray | None]:
    rng = np.random.default_rng(4)
    near = clustered(COUNT, 1)[0].astype(np.float32) @ clustered(1, 7)[0, 0].astype(np.float32)
    return {
        "all": None, "half": rng.random(COUNT) < 0.5, "tenth": rng.random(COUNT) < 0.1, "few": rng.random(COUNT) < 0.02,
        "one place": near > np.quantile(near, 0.9), "far away": near < np.quantile(near, 0.1),
        "eleven": np.arange(COUNT) % 600 == 5, "none": np.zeros(COUNT, bool),
    }  # fmt: skip
