"""Reranking: the first n over all attributes in the order of one; slow oracle, golden values, engine and command line."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from test_cli import call
from test_gallery import DIM, FINDERS, NAMES, build, opened_with, vectors
from tiny import VOCABULARY, photo, tiny_checkpoint

from asen_core.engine import Engine
from asen_core.errors import PhotoError, QueryError
from asen_core.gallery import Gallery, GalleryWriter
from asen_core.gallery.exact import Exact
from asen_core.types import Item, Match, Matches

EVENLY = np.full(len(NAMES), 1 / len(NAMES), np.float32)
WHERE = [None, {"category": "dress"}, {"category": ["dress", "coat"], "colour": "red"}, {"colour": []}]


@pytest.fixture(params=FINDERS, ids=lambda s: s.__name__)
def make(request: pytest.FixtureRequest, tmp_path: Path):
    def opened(rows: np.ndarray) -> Gallery:
        return opened_with(request.param, build(tmp_path / "g", rows=rows))

    return opened


def _passes(item: Item, where: dict | None) -> bool:
    return all(item.labels.get(n) in ([v] if isinstance(v, str) else v) for n, v in (where or {}).items())


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("n", [0, 1, 4, 12, 100])
@pytest.mark.parametrize("k", [0, 1, 3, 100])
def test_every_finder_reranks_as_the_oracle(make, n: int, k: int, where) -> None:
    gallery, query = make(vectors(12)), vectors(1, seed=9)[0]
    stored = np.stack([gallery.vectors(item.id) for item in gallery.items])
    likeness = [sum(float(x @ q) for x, q in zip(row, query, strict=True)) / len(NAMES) for row in stored]
    passing = [i for i, item in enumerate(gallery.items) if _passes(item, where)]
    first = sorted(passing, key=lambda i: -likeness[i])[:n]
    for a, name in enumerate(NAMES):
        expected = sorted(first, key=lambda i: -float(stored[i, a] @ query[a]))[:k]
        found = gallery.rerank(name, query, n, k, where)
        assert [h.item.id for h in found] == [f"it-{i}" for i in expected]
        assert [h.before for h in found] == [first.index(i) + 1 for i in expected]
        np.testing.assert_allclose([h.overall for h in found], [likeness[i] for i in expected], atol=1e-6)
        np.testing.assert_allclose([h.similarity for h in found], [stored[i, a] @ query[a] for i in expected], atol=1e-6)
        assert (found.searched, found.reranked, found.condition) == (len(passing), len(first), name)


def test_golden_values(make) -> None:
    """Overall (0.8 + 0) / 2, (0 + 0.6) / 2 and (0.6 + 0.8) / 2: items 2, 0, 1; in the first space 0, 2, 1."""
    rows = np.zeros((3, 2, DIM), np.float32)
    rows[0, 0, 0] = rows[0, 1, 2] = 1
    rows[1, 0, 2] = rows[1, 1, 0] = 1
    rows[2, 0, 1] = rows[2, 1, 1] = 1
    query = np.zeros((2, DIM), np.float32)
    query[0, :2], query[1, :2] = (0.8, 0.6), (0.6, 0.8)
    gallery = make(rows)
    found = gallery.rerank("neckline", query, n=2)
    assert [(h.item.id, h.before, round(h.overall, 4), round(h.similarity, 4)) for h in found] == [
        ("it-0", 2, 0.4, 0.8),
        ("it-2", 1, 0.7, 0.6),
    ]
    assert [h.item.id for h in gallery.rerank("neckline", query, n=3)] == ["it-0", "it-2", "it-1"]
    assert [h.item.id for h in gallery.rerank("sleeve", query, n=1)] == ["it-2"]
    assert [h.item.id for h in gallery.rerank("neckline", query, n=2, least=0.7)] == ["it-0"]


@pytest.mark.parametrize("n", [1, 7, 40])
def test_equal_items_keep_their_order(make, n: int) -> None:
    rows = vectors(40)
    rows[5:35] = rows[5]
    found = make(rows).rerank("sleeve", rows[5], n, 5)
    assert [h.item.id for h in found] == [f"it-{i}" for i in range(5, 5 + min(n, 5))]
    assert [h.before for h in found] == list(range(1, 1 + min(n, 5)))


@pytest.mark.parametrize("count", [0, 1])
def test_tiny_galleries(make, count: int) -> None:
    found = make(vectors(count)).rerank("neckline", vectors(1)[0], 3)
    assert len(found) == found.searched == found.reranked == count


def test_the_whole_gallery_reranked_is_a_search(make) -> None:
    gallery, query = make(vectors(30)), vectors(1, seed=2)[0]
    alone = gallery.search("sleeve", query[1], 30)
    among = gallery.rerank("sleeve", query, 1000, 30)
    assert [h.item.id for h in among] == [h.item.id for h in alone]
    assert [h.percentile for h in among] == pytest.approx([h.percentile for h in alone], abs=1e-3)
    assert (alone.reranked, alone[0].before, alone[0].overall) == (None, None, None)


@pytest.mark.parametrize(
    ("attribute", "query", "n", "k", "where", "says"),
    [
        ("hem", np.ones((2, DIM)), 1, 1, None, "neckline, sleeve"),
        ("sleeve", np.ones((1, DIM)), 1, 1, None, r"\(2, 8\).*got \(1, 8\)"),
        ("sleeve", np.ones(DIM), 1, 1, None, r"got \(8,\)"),
        ("sleeve", np.full((2, DIM), np.nan), 1, 1, None, "finite"),
        ("sleeve", np.ones((2, DIM)), -1, 1, None, "n must be 0 or more"),
        ("sleeve", np.ones((2, DIM)), 1, -1, None, "k must be 0 or more"),
        ("sleeve", np.ones((2, DIM)), 1, 1, {"size": "m"}, "category, kind, colour"),
    ],
)
def test_bad_questions(make, attribute, query, n, k, where, says) -> None:
    with pytest.raises(QueryError, match=says):
        make(vectors(3)).rerank(attribute, query, n, k, where)


def test_stored_vectors_count_as_of_unit_norm() -> None:
    rows, query = vectors(700, seed=3), vectors(1, seed=4)[0]
    scaled = rows * np.random.default_rng(5).uniform(0.5, 2, (700, 2, 1))
    plain, other = (Exact(v.transpose(1, 0, 2)).mixed(query, EVENLY, 20) for v in (rows, scaled))
    assert plain[0].tolist() == other[0].tolist()
    np.testing.assert_allclose(plain[1], other[1], atol=1e-6)


@pytest.mark.parametrize("keep", [None, np.arange(700) % 3 > 0, np.zeros(700, bool)], ids=("all", "some", "none"))
def test_attributes_that_were_searched_before_change_nothing(keep: np.ndarray | None) -> None:
    stored, query = vectors(700, seed=3).astype(np.float16).transpose(1, 0, 2), vectors(1, seed=4)[0]
    finder = Exact(stored)
    before = finder.mixed(query, EVENLY, 700, keep)
    for searched in range(len(NAMES)):
        finder.search(searched, query[searched], 1)
        after = finder.mixed(query, EVENLY, 700, keep)
        assert after[0].tolist() == before[0].tolist()
        np.testing.assert_allclose(after[1], before[1], atol=1e-6)


def test_a_large_gallery_is_not_copied() -> None:
    stored = np.random.default_rng(0).normal(size=(4, 20_000, 64)).astype(np.float16)  # 10 MB, 20 MB in float32
    finder, query = Exact(stored), np.ones((4, 64), np.float32)
    tracemalloc.start()
    try:
        finder.mixed(query, np.full(4, 0.25), 100)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < stored.nbytes / 2


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    directory = tmp_path_factory.mktemp("engine")
    engine = Engine.open(tiny_checkpoint(directory / "checkpoint"), directory / "gallery", device="cpu")
    header = (tuple(VOCABULARY), engine.dim, engine.config.global_dim, engine.fingerprint)
    with GalleryWriter(directory / "gallery", *header) as writer:
        for i in range(9):
            vectors = engine.embed([photo(seed=i)])[0]
            rois = {a: v.roi.scaled(1 / 60, 1 / 90) for a, v in engine.look(photo(seed=i)).items()}
            writer.add(f"item{i}", photo(seed=i), {"category": "shirt" if i % 2 else "dress"}, vectors, rois)
    return engine


@pytest.mark.parametrize("beta", [None, 0.0, 1.0])
def test_the_engine_reranks_a_photo_and_its_views(engine: Engine, beta: float | None) -> None:
    views = engine.look(photo(seed=20))
    found = engine.rerank(views, "sleeve", 4, beta=beta)
    stored = {item.id: engine.gallery.vectors(item.id) for item in engine.gallery.items}
    query = [views[a].query_vector(beta) for a in VOCABULARY]
    likeness = {id: sum(float(x @ q) for x, q in zip(row, query, strict=True)) / 2 for id, row in stored.items()}
    first = sorted(likeness, key=lambda id: -likeness[id])[:4]
    assert {h.item.id for h in found} == set(first)
    for hit in found:
        assert hit.similarity == pytest.approx(float(stored[hit.item.id][1] @ query[1]), abs=1e-4)  # cut at 1
        assert hit.overall == pytest.approx(likeness[hit.item.id], abs=1e-4)
    again = engine.rerank(photo(seed=20), "sleeve", 4, beta=beta)
    assert [h.item.id for h in again] == [h.item.id for h in found]


def test_filters_come_before_the_first_n(engine: Engine) -> None:
    found = engine.rerank(photo(seed=1), "neckline", 3, where={"category": "dress"})
    assert {h.item.labels["category"] for h in found} == {"dress"}
    assert (len(found), found.searched, found.reranked) == (3, 5, 3)
    assert sorted(h.before for h in found) == [1, 2, 3]


def test_the_engine_refuses_half_a_question(engine: Engine) -> None:
    views = engine.look(photo(seed=1))
    with pytest.raises(QueryError, match="missing: sleeve"):
        engine.rerank({"neckline": views["neckline"]}, "neckline")
    with pytest.raises(QueryError, match="'sleeve' is of 'neckline'"):
        engine.rerank({**views, "sleeve": views["neckline"]}, "neckline")
    with pytest.raises(QueryError, match="Unknown attribute 'hem'"):
        engine.rerank(views, "hem")
    with pytest.raises(PhotoError):
        engine.rerank(b"no picture", "neckline")


def test_matches_stay_as_they_were_without_reranking() -> None:
    match = Match(Item("a", "a.webp"), 0.5, 90.0)
    assert (match.overall, match.before, Matches("sleeve", (match,), 3).reranked) == (None, None, None)


@pytest.fixture
def opened(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(Engine, "open", lambda *_: engine)
    return engine


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    from PIL import Image

    path = tmp_path / "a.png"
    Image.fromarray(photo(seed=20)).save(path)
    return path


def test_search_rerank_prints_json_with_the_rank_before(opened: Engine, picture: Path) -> None:
    found = json.loads(call("search", picture, "sleeve", "--rerank", 4, "-k", 2, "--json").stdout)
    expected = opened.rerank(picture, "sleeve", 4, 2)
    assert (found["searched"], found["reranked"]) == (9, 4)
    assert [(h["rank"], h["before"], h["id"]) for h in found["hits"]] == [
        (i, h.before, h.item.id) for i, h in enumerate(expected, 1)
    ]
    assert [h["overall"] for h in found["hits"]] == pytest.approx([h.overall for h in expected])
    plain = json.loads(call("search", picture, "sleeve", "--json").stdout)
    assert "reranked" not in plain
    assert "before" not in plain["hits"][0]


def test_search_rerank_prints_a_table(opened: Engine, picture: Path) -> None:
    shown = call("search", picture, "sleeve", "--rerank", 4).stdout
    assert "4 of 9 garments: the 4 most alike overall, nearest in sleeve first" in shown
    assert "before" in shown
    assert "overall" in shown
    assert "before" not in call("search", picture, "sleeve").stdout
    nothing = call("search", picture, "sleeve", "--rerank", 4, "--least", 1).stdout
    assert "Nothing close enough among 4 garments" in nothing


@pytest.mark.parametrize(
    ("arguments", "code", "says"), [(["--rerank", 0], 2, "--rerank"), (["--rerank", 3, "--where", "size=m"], 1, "size")]
)
def test_search_rerank_refuses(opened: Engine, picture: Path, arguments, code: int, says: str) -> None:
    assert says in call("search", picture, "sleeve", *arguments, code=code).stderr


def test_search_rerank_refuses_an_unknown_attribute(opened: Engine, picture: Path) -> None:
    assert "Unknown attribute 'hat'" in call("search", picture, "hat", "--rerank", 3, code=1).stderr
