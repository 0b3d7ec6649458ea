"""What benchmarks/stores.py counts as the same first ten, what it makes, and the table of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from asen_core.gallery import Gallery
from benchmarks.stores import FOUND, Enlarged, agrees, filters, table

SHIPPED = Path(__file__).resolve().parents[1] / "gallery_index"


def found(*pairs: tuple[int, float]):
    return np.array([p for p, _ in pairs], np.int64), np.array([s for _, s in pairs], np.float32)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (found((1, 0.9), (2, 0.8)), found((1, 0.9), (2, 0.8)), True),
        (found((1, 0.9), (2, 0.8)), found((2, 0.9), (1, 0.8)), False),
        (found((1, 0.9), (3, 0.7)), found((1, 0.9), (2, 0.8)), False),
        (found((1, 0.9)), found((1, 0.9), (2, 0.8)), False),
        (found((2, 0.9), (1, 0.9)), found((1, 0.9), (2, 0.9)), True),
        (found((1, 0.9), (3, 0.8)), found((1, 0.9), (2, 0.8)), True),  # the tenth and the eleventh are equal
        (found(), found(), True),
    ],
)
def test_the_same_first_ten(one, other, same: bool) -> None:
    assert agrees(one, other) == same


def test_what_is_searched_is_made_of_the_real_one() -> None:
    real = Gallery.open(SHIPPED)
    made = Enlarged(real, 50, 1)
    assert made.vectors(np.arange(50)).shape == (50, len(real.attributes), real.manifest.dim)
    np.testing.assert_allclose(np.linalg.norm(made.vectors(np.arange(50)), axis=-1), 1, atol=1e-5)
    assert [item.id for item in made.items([3, 0])] == ["made-000003", "made-000000"]
    known = {tuple(sorted(item.labels.items())) for item in real.items}
    assert {tuple(sorted(item.labels.items())) for item in made.items(range(50))} <= known
    kinds = filters(made)
    assert len(kinds) == 5
    assert kinds["none"] is None
    again = Enlarged(real, 50, 1)
    np.testing.assert_array_equal(made.vectors(np.arange(50)), again.vectors(np.arange(50)))
    near = np.einsum("qad,ad->qa", made.queries(9, np.random.default_rng(5)), made.vectors(np.array([0]))[0])
    assert near.max() < 0.9999


def test_the_table_says_what_was_measured() -> None:
    line = {"queries": 400, "same": 398, "p50_ms": 5.04, "p99_ms": 21.0}
    numbers = {
        "items": 20_000, "attributes": 9, "dim": 274, "how": "between two", "server": "v2.3.5", "processors": 2,
        "rows_per_second": 4321, "index_seconds": 61.2, "memory_mb": 900, "memory_before_mb": 200, "disk_mb": 1500,
        "vectors_mb": 188, "facets_ms": 80.0,
    }  # fmt: skip
    shown = table({**numbers, "searches": [{"filter": "none", **line}], "mixed": [{"kind": "two attributes", **line}]})
    for text in ("99.5 % of 400", "| 5.0 ms | 21.0 ms |", "20,000 items x 9", "180,000 rows", "4,321 a second", "v2.3.5"):
        assert text in shown


def test_the_figures_that_the_page_quotes_are_of_a_whole_run() -> None:
    kept = json.loads(FOUND.read_text(encoding="utf-8"))
    assert (kept["items"], kept["attributes"]) == (20_000, 9)
    same, queries = (sum(line[name] for line in kept["searches"]) for name in ("same", "queries"))
    assert queries >= 500
    assert same / queries >= 0.99
    assert all(line["same"] >= 0.98 * line["queries"] for line in kept["searches"])
