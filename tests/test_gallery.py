import json
import threading
from pathlib import Path

import numpy as np
import pytest

from asen_core.errors import GalleryError, QueryError
from asen_core.gallery import FaissStore, Gallery, GalleryStore, GalleryWriter
from asen_core.gallery.background import background, percentile
from asen_core.gallery.store import unit
from asen_core.types import Box

NAMES, DIM = ("neckline", "sleeve"), 8
ROIS = {a: Box(0.25, 0, 0.75, 0.5) for a in NAMES}


class NumpyStore:
    """The oracle: everything by hand, sorted by Python."""

    def __init__(self, vectors: np.ndarray) -> None:
        self._all = unit(vectors)

    def search(self, attribute, vector, k, keep=None):
        scored = [(-float(v @ vector), i) for i, v in enumerate(self._all[:, attribute]) if keep is None or keep[i]]
        best = sorted(scored)[:k]
        return np.array([i for _, i in best], np.int64), np.array([-s for s, _ in best], np.float32)

    def vectors(self, position):
        return self._all[position]


STORES = [FaissStore, NumpyStore]


def vectors(count: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, len(NAMES), DIM)))


def labels(i: int) -> dict[str, str]:
    return {"category": ("dress", "shirt", "coat")[i % 3], "colour": "red" if i % 2 else "", "kind": "x"}


def build(directory: Path, count: int = 12, rows: np.ndarray | None = None, fingerprint: str = "f" * 64) -> Path:
    rows = vectors(count) if rows is None else rows
    with GalleryWriter(directory, NAMES, DIM, 4, fingerprint) as w:
        for i, row in enumerate(rows):
            w.add(f"it-{i}", np.full((20, 10 + i, 3), i, np.uint8), labels(i), row, ROIS)
    return directory


@pytest.fixture(params=STORES, ids=lambda s: s.__name__)
def make(request: pytest.FixtureRequest, tmp_path: Path):
    def opened(rows: np.ndarray) -> Gallery:
        return Gallery.open(build(tmp_path / "g", rows=rows), store=request.param)

    return opened


@pytest.mark.parametrize("k", [0, 1, 5, 12, 100])
@pytest.mark.parametrize(
    "where", [None, {"category": "dress"}, {"category": ["dress", "coat"], "colour": "red"}, {"colour": []}]
)
def test_every_store_finds_what_the_oracle_finds(make, k: int, where) -> None:
    gallery = make(vectors(12))
    query = np.random.default_rng(9).normal(size=DIM).astype(np.float32)
    stored = np.stack([gallery.vectors(i.id) for i in gallery.items])
    for a, name in enumerate(NAMES):
        passing = [
            i for i, item in enumerate(gallery.items)
            if all(item.labels.get(n) in ([v] if isinstance(v, str) else v) for n, v in (where or {}).items())
        ]  # fmt: skip
        expected = sorted(passing, key=lambda i: -float(stored[i, a] @ query))[:k]
        found = gallery.search(name, query / np.linalg.norm(query), k, where)
        assert [h.item.id for h in found] == [f"it-{i}" for i in expected]
        assert found.searched == len(passing)
        np.testing.assert_allclose(
            [h.similarity for h in found], [stored[i, a] @ query / np.linalg.norm(query) for i in expected], atol=1e-6
        )


@pytest.mark.parametrize("k", [1, 3, 5, 9])
def test_equal_items_keep_their_order(make, k: int) -> None:
    rows = vectors(40)
    rows[5:35] = rows[5]
    found = make(rows).search("sleeve", rows[5, 1], k)
    assert [h.item.id for h in found] == [f"it-{i}" for i in range(5, 5 + k)]


@pytest.mark.parametrize("count", [0, 1])
def test_tiny_galleries(make, count: int) -> None:
    gallery = make(vectors(count))
    found = gallery.search("neckline", vectors(1)[0, 0], 3)
    assert len(found) == found.searched == len(gallery) == count
    assert [h.percentile for h in found] == [0.0] * count


def test_least_and_golden_values(make) -> None:
    rows = np.zeros((3, 2, DIM), np.float32)
    rows[0, :, 0] = rows[1, :, 1] = rows[2, :, 2] = 1
    query = np.array([0.8, 0.6, 0, 0, 0, 0, 0, 0], np.float32)
    gallery = make(rows)
    assert [h.item.id for h in gallery.search("neckline", query, least=0.5)] == ["it-0", "it-1"]
    assert [round(h.similarity, 4) for h in gallery.search("neckline", query)] == [0.8, 0.6, 0.0]
    assert len(gallery.search("neckline", query, least=0.9)) == 0
    assert [h.percentile for h in gallery.search("neckline", query)] == [100, 100, 0]  # every pair has cosine 0


@pytest.mark.parametrize(
    ("attribute", "vector", "k", "where", "says"),
    [
        ("hem", np.ones(DIM), 1, None, "neckline, sleeve"),
        ("sleeve", np.ones(DIM - 1), 1, None, r"\(8,\).*got \(7,\)"),
        ("sleeve", np.full(DIM, np.nan), 1, None, "finite"),
        ("sleeve", np.ones(DIM), -1, None, "0 or more"),
        ("sleeve", np.ones(DIM), 1, {"size": "m"}, "category, kind, colour"),
    ],
)
def test_bad_questions(make, attribute, vector, k, where, says) -> None:
    with pytest.raises(QueryError, match=says):
        make(vectors(3)).search(attribute, vector, k, where)


def test_threads_search_at_once(make) -> None:
    gallery, queries = make(vectors(50)), vectors(20, seed=4)
    expected = [[h.item.id for h in gallery.search("neckline", q[0], 7)] for q in queries]
    fresh = Gallery.open(gallery.picture(gallery.items[0]).parents[1], store=type(gallery._store))
    seen: list[bool] = []

    def ask() -> None:
        seen.extend([h.item.id for h in fresh.search("neckline", q[0], 7)] == e for q, e in zip(queries, expected, strict=True))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(seen) == 120
    assert all(seen)


def test_facets_count_under_the_other_filters(tmp_path: Path) -> None:
    gallery = Gallery.open(build(tmp_path / "g", 6))  # dress shirt coat dress shirt coat; red at 1, 3, 5
    assert gallery.facets() == {"category": {"coat": 2, "dress": 2, "shirt": 2}, "kind": {"x": 6}, "colour": {"red": 3}}
    assert gallery.facets({"category": "dress"}) == {
        "category": {"coat": 2, "dress": 2, "shirt": 2}, "kind": {"x": 2}, "colour": {"red": 1}
    }  # fmt: skip
    with pytest.raises(QueryError, match="size"):
        gallery.facets({"size": "m"})


def test_what_is_stored(tmp_path: Path) -> None:
    rows = vectors(4)
    gallery = Gallery.open(build(tmp_path / "g", rows=rows), "f" * 64)
    assert gallery.attributes == NAMES
    item = gallery.item("it-2")
    assert dict(item.labels) == {"category": "coat", "kind": "x"}
    assert tuple(item.rois["sleeve"]) == (0.25, 0, 0.75, 0.5)
    assert gallery.picture(item).is_absolute()
    assert gallery.picture(item).name == "000002.webp"
    np.testing.assert_allclose(gallery.vectors("it-2"), rows[2], atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(gallery.vectors("it-2"), axis=1), 1, atol=1e-6)
    assert "it-" not in " ".join(p.name for p in (tmp_path / "g").rglob("*"))
    with pytest.raises(QueryError, match="nothing-such"):
        gallery.vectors("nothing-such")


def test_percentiles_against_a_count() -> None:
    rows = vectors(30)
    table = background(rows, np.random.default_rng(0))
    pairs = [float(rows[i, 0] @ rows[j, 0]) for i in range(30) for j in range(i)]
    for s in (-0.9, -0.2, 0.0, 0.3, 0.8):
        assert percentile(table[0], s) == pytest.approx(100 * np.mean([p < s for p in pairs]), abs=0.5)
    drawn = background(rows, np.random.default_rng(0), pairs=400)
    assert abs(percentile(drawn[0], 0.3) - percentile(table[0], 0.3)) < 8


@pytest.mark.parametrize(("value", "expected"), [(-1, 0), (0, 0), (0.5, 12.5), (1, 25), (1.5, 87.5), (2, 100), (3, 100)])
def test_golden_percentiles(value: float, expected: float) -> None:
    # quantiles at 0, 25, 50, 75, 100 %: what equals 1 is more than a quarter of the pairs, those at 1 are not lower
    assert percentile(np.array([0, 1, 1, 1, 2], np.float32), value) == pytest.approx(expected)


FILES = ("items.jsonl", "vectors.npy", "rois.npy", "background.npy", "images/000001.webp", "manifest.json")


@pytest.mark.parametrize(
    ("name", "how"),
    [(n, h) for n in FILES for h in ("gone", "empty", "cut") if (n, h) != (FILES[4], "cut")],  # pictures need only be there
)
def test_damage_names_the_file_and_the_way_out(tmp_path: Path, name: str, how: str) -> None:
    path = build(tmp_path / "g", 3) / name
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(b"" if how == "empty" else path.read_bytes()[:-9])
    with pytest.raises(GalleryError, match=r"python -m asen_core index") as told:
        Gallery.open(tmp_path / "g")
    assert path.name in str(told.value)


def test_foreign_galleries_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match=r"no gallery.*python -m asen_core index"):
        Gallery.open(tmp_path / "none")
    build(tmp_path / "g", 2)
    with pytest.raises(GalleryError, match=r"ffffffffffff.*eeee.*python -m asen_core index"):
        Gallery.open(tmp_path / "g", "e" * 64)
    path = tmp_path / "g" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(GalleryError, match="format 99"):
        Gallery.open(tmp_path / "g")


def test_both_stores_are_stores() -> None:
    stores: list[GalleryStore] = [make(vectors(2)) for make in STORES]
    np.testing.assert_allclose(stores[0].vectors(1), stores[1].vectors(1))
