import threading
from pathlib import Path

import numpy as np
import pytest

from asen_core import files
from asen_core.errors import GalleryError, QueryError
from asen_core.gallery import Gallery, GalleryWriter, manifest
from asen_core.gallery.background import background, percentile
from asen_core.gallery.columns import Column
from asen_core.gallery.exact import Exact
from asen_core.gallery.finder import Finder, unit
from asen_core.types import Box, Range

NAMES, DIM = ("neckline", "sleeve"), 8
ROIS = {a: Box(0.25, 0, 0.75, 0.5) for a in NAMES}


class NumpyFinder:
    """The oracle: everything by hand, sorted by Python."""

    def __init__(self, vectors: np.ndarray) -> None:
        self._all = unit(vectors).transpose(1, 0, 2)

    def search(self, attribute, vector, k, keep=None):
        scored = [(-float(v @ vector), i) for i, v in enumerate(self._all[:, attribute]) if keep is None or keep[i]]
        best = sorted(scored)[:k]
        return np.array([i for _, i in best], np.int64), np.array([-s for s, _ in best], np.float32)

    def mixed(self, vectors, weights, k, keep=None, most=None):
        scored = []
        for i, item in enumerate(self._all):
            products = [float(v @ q) for v, q in zip(item, vectors, strict=True)]
            if (keep is None or keep[i]) and all(products[a] <= limit for a, limit in (most or {}).items()):
                scored.append((-sum(w * p for w, p in zip(weights, products, strict=True)), i))
        best = sorted(scored)[:k]
        return np.array([i for _, i in best], np.int64), np.array([-s for s, _ in best], np.float32)

    def vectors(self, positions):
        return self._all[np.asarray(positions, np.int64)]


FINDERS = [Exact, NumpyFinder]


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


def opened_with(finder: type, directory: Path) -> Gallery:
    gallery = Gallery.open(directory)
    gallery.store.finder = finder(np.load(directory / gallery.manifest.file(manifest.VECTORS)))
    return gallery


@pytest.fixture(params=FINDERS, ids=lambda s: s.__name__)
def make(request: pytest.FixtureRequest, tmp_path: Path):
    def opened(rows: np.ndarray) -> Gallery:
        return opened_with(request.param, build(tmp_path / "g", rows=rows))

    return opened


@pytest.mark.parametrize("k", [0, 1, 5, 12, 100])
@pytest.mark.parametrize(
    "where", [None, {"category": "dress"}, {"category": ["dress", "coat"], "colour": "red"}, {"colour": []}]
)
def test_every_finder_finds_what_the_oracle_finds(make, k: int, where) -> None:
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
    fresh = opened_with(type(gallery.store.finder), gallery.directory)
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
    assert gallery.picture(item).is_file()
    assert gallery.picture(item).is_relative_to(gallery.pictures)
    np.testing.assert_allclose(gallery.vectors("it-2"), rows[2], atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(gallery.vectors("it-2"), axis=1), 1, atol=1e-6)
    assert "it-" not in " ".join(p.name for p in (tmp_path / "g").rglob("*"))
    with pytest.raises(QueryError, match="nothing-such"):
        gallery.vectors("nothing-such")


def test_percentiles_against_a_count() -> None:
    rows = vectors(30)
    table = background(rows.transpose(1, 0, 2), np.random.default_rng(0))
    pairs = [float(rows[i, 0] @ rows[j, 0]) for i in range(30) for j in range(i)]
    for s in (-0.9, -0.2, 0.0, 0.3, 0.8):
        assert percentile(table[0], s) == pytest.approx(100 * np.mean([p < s for p in pairs]), abs=0.5)
    drawn = background(rows.transpose(1, 0, 2), np.random.default_rng(0), pairs=400)
    assert abs(percentile(drawn[0], 0.3) - percentile(table[0], 0.3)) < 8


@pytest.mark.parametrize(("value", "expected"), [(-1, 0), (0, 0), (0.5, 12.5), (1, 25), (1.5, 87.5), (2, 100), (3, 100)])
def test_golden_percentiles(value: float, expected: float) -> None:
    # quantiles at 0, 25, 50, 75, 100 %: what equals 1 is more than a quarter of the pairs, those at 1 are not lower
    assert percentile(np.array([0, 1, 1, 1, 2], np.float32), value) == pytest.approx(expected)


FILES = ("items-0001.sqlite", "vectors-0001.npy", "codes-0001.npy", "background-0001.npy", "picture", "manifest.json")


@pytest.mark.parametrize(
    ("name", "how"),
    [(n, h) for n in FILES for h in ("gone", "empty", "cut") if (n, h) != (FILES[4], "cut")],  # pictures need only be there
)
def test_damage_names_the_file_and_the_way_out(tmp_path: Path, name: str, how: str) -> None:
    path = build(tmp_path / "g", 3) / name
    if name == "picture":
        path = sorted(path.parent.glob("images/*/*"))[0]
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
    path.write_text(files.sealed(files.unsealed(path.read_bytes()) | {"format": 99}))
    with pytest.raises(GalleryError, match="format 99"):
        Gallery.open(tmp_path / "g")


def test_both_finders_are_finders() -> None:
    rows, at = vectors(5).transpose(1, 0, 2), np.array([3, 1])
    finders: list[Finder] = [make(rows) for make in FINDERS]
    np.testing.assert_allclose(finders[0].vectors(at), finders[1].vectors(at), atol=1e-6)
    assert finders[0].vectors(at).shape == (2, len(NAMES), DIM)


@pytest.mark.parametrize("searched", [(), (0,), (0, 1)])
@pytest.mark.parametrize("most", [None, {1: 0.1}, {0: 0.3, 1: 0.0}, {1: -2.0}])
@pytest.mark.parametrize("kept", [None, 7])
def test_mixed_searches_find_what_the_oracle_finds(searched, most, kept) -> None:
    rows = vectors(40).transpose(1, 0, 2)
    keep = None if kept is None else np.arange(40) % kept == 0
    exact, oracle = Exact(rows), NumpyFinder(rows)
    for attribute in searched:  # an index that is there is used, and must not change what is found
        exact.search(attribute, rows[attribute, 0], 1)
    for weights in ([0.7, 0.3], [0.0, 1.0], [0.5, 0.5]):
        found, likeness = exact.mixed(rows[:, 2], np.array(weights), 6, keep, most)
        expected = oracle.mixed(rows[:, 2], np.array(weights), 6, keep, most)
        assert found.tolist() == expected[0].tolist()
        np.testing.assert_allclose(likeness, expected[1], atol=1e-6)


def test_ranges_of_numbers(tmp_path: Path) -> None:
    with GalleryWriter(tmp_path / "g", NAMES, DIM, 4, "f") as w:
        for i, price in enumerate(["10", "9.5", "", "100", "1e2"]):
            w.add(f"it-{i}", np.zeros((9, 9, 3), np.uint8), {"price": price, "name": f"n{i}"}, vectors(5)[i], ROIS)
    gallery = Gallery.open(tmp_path / "g")
    assert gallery.columns["price"] == Column(4, 4, True)
    assert not gallery.columns["name"].numeric
    for least, most, expected in [(9.5, 10, {"it-0", "it-1"}), (None, 10, {"it-0", "it-1"}), (11, None, {"it-3", "it-4"})]:
        found = gallery.search("sleeve", vectors(1)[0, 0], where={"price": Range(least, most)})
        assert {h.item.id for h in found} == expected
        assert found.searched == len(expected)
    with pytest.raises(QueryError, match="words"):
        gallery.search("sleeve", vectors(1)[0, 0], where={"name": Range(1, 2)})


def test_two_writers_are_refused_while_readers_go_on(tmp_path: Path) -> None:
    build(tmp_path / "g", 3)
    with GalleryWriter(tmp_path / "g", NAMES, DIM, 4, "f" * 64) as writer:
        with pytest.raises(GalleryError, match="another run"):
            GalleryWriter(tmp_path / "g", NAMES, DIM, 4, "f" * 64)
        reader = Gallery.open(tmp_path / "g")
        writer.add("new", np.zeros((9, 9, 3), np.uint8), {}, vectors(1)[0], ROIS)
    assert [len(reader), len(Gallery.open(tmp_path / "g"))] == [3, 1]
    assert reader.item("it-2").id == "it-2"
    assert len(reader.search("sleeve", vectors(1)[0, 0])) == 3
