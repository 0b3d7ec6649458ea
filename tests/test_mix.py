"""Several attributes in one query: against a slow oracle, golden values, the engine and the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from test_cli import call
from test_gallery import DIM, FINDERS, NAMES, build, opened_with, vectors
from tiny import VOCABULARY, photo, tiny_checkpoint

from asen_core.cli.asked import parse_where
from asen_core.engine import Engine
from asen_core.errors import PhotoError, QueryError
from asen_core.gallery import Gallery, GalleryWriter
from asen_core.gallery import mix as module
from asen_core.gallery.finder import unit
from asen_core.gallery.mix import PENALTY, WIDEST, limit, mix_of
from asen_core.types import Range

FLAT = np.zeros((2, 0), np.float32)
WHERE = [None, {"category": "dress"}, {"category": ["dress", "coat"], "colour": "red"}, {"colour": []}]


@pytest.fixture(params=FINDERS, ids=lambda s: s.__name__)
def make(request: pytest.FixtureRequest, tmp_path: Path):
    def opened(rows: np.ndarray) -> Gallery:
        return opened_with(request.param, build(tmp_path / "g", rows=rows))

    return opened


def _cosines(gallery: Gallery, query: np.ndarray) -> list[list[float]]:
    return [[float(x @ q) for x, q in zip(gallery.vectors(item.id), query, strict=True)] for item in gallery.items]


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("weights", [{"neckline": 0.7, "sleeve": 0.3}, {"sleeve": 2, "neckline": 6}, {"sleeve": 5}])
@pytest.mark.parametrize("k", [0, 1, 4, 100])
def test_weights_are_as_the_oracle_adds_them(make, weights: dict[str, float], k: int, where) -> None:
    gallery, query = make(vectors(30)), vectors(1, seed=9)[0]
    total = sum(weights.values())
    scores = [sum(weights.get(a, 0) / total * c for a, c in zip(NAMES, row, strict=True)) for row in _cosines(gallery, query)]
    passing = [
        i for i, item in enumerate(gallery.items)
        if all(item.labels.get(n) in ([v] if isinstance(v, str) else v) for n, v in (where or {}).items())
    ]  # fmt: skip
    expected = sorted(passing, key=lambda i: -scores[i])[:k]
    found = gallery.mix(query, weights, k=k, where=where)
    assert [h.item.id for h in found] == [f"it-{i}" for i in expected]
    np.testing.assert_allclose([h.similarity for h in found], [scores[i] for i in expected], atol=1e-6)
    assert (found.searched, found.reranked) == (len(passing), None)


@pytest.mark.parametrize("most", [-0.5, 0.0, 0.2, 1.0])
def test_what_shall_differ_is_within_the_limit_and_counts_against(make, most: float) -> None:
    gallery, query = make(vectors(30)), vectors(1, seed=9)[0]
    rows = _cosines(gallery, query)
    scores = {i: a - PENALTY * b for i, (a, b) in enumerate(rows) if b <= most}
    found = gallery.mix(query, {"neckline": 3}, {"sleeve": most}, k=30)
    assert [h.item.id for h in found] == [f"it-{i}" for i in sorted(scores, key=lambda i: -scores[i])]
    np.testing.assert_allclose([h.similarity for h in found], sorted(scores.values(), reverse=True), atol=1e-6)
    assert (found.searched, found.condition) == (30, "neckline, unlike sleeve")


def test_golden_values(make) -> None:
    """Cosines (1, 1), (1, 0), (0.6, 0) and (0, 1) with a query along the first axis of both spaces."""
    rows = np.zeros((4, 2, DIM), np.float32)
    rows[[0, 1], 0, 0] = rows[3, 0, 1] = rows[[0, 3], 1, 0] = rows[[1, 2], 1, 1] = 1
    rows[2, 0, :2] = 0.6, 0.8
    query = np.zeros((2, DIM), np.float32)
    query[:, 0] = 1

    def found(*asked, **how) -> list[tuple[str, float]]:
        return [(h.item.id, round(h.similarity, 3)) for h in gallery.mix(query, *asked, **how)]

    gallery = make(rows)
    half = {"neckline": 1, "sleeve": 1}
    assert found(half) == [("it-0", 1.0), ("it-1", 0.5), ("it-3", 0.5), ("it-2", 0.3)]
    assert found({"neckline": 0.25, "sleeve": 0.75}) == [("it-0", 1.0), ("it-3", 0.75), ("it-1", 0.25), ("it-2", 0.15)]
    assert found({"neckline": 1}, ["sleeve"]) == [("it-1", 1.0), ("it-2", 0.6)]
    assert found({"sleeve": 1}, ["neckline"]) == [("it-3", 1.0)]
    assert found({"neckline": 1}, {"sleeve": 1.0}) == [("it-1", 1.0), ("it-0", 0.7), ("it-2", 0.6), ("it-3", -0.3)]
    assert found({"neckline": 1}, ["sleeve"], least=0.7) == [("it-1", 1.0)]
    assert found({"neckline": 1, "sleeve": 0}, least=0.9) == [("it-0", 1.0), ("it-1", 1.0)]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_tiny_galleries(make, count: int) -> None:
    found = make(vectors(count)).mix(vectors(1)[0], {"neckline": 1, "sleeve": 1})
    assert len(found) == found.searched == count
    assert all(0 <= h.percentile <= 100 for h in found)


def test_one_attribute_alone_is_a_search(make) -> None:
    gallery, query = make(vectors(40)), vectors(1, seed=3)[0]
    alone, mixed = gallery.search("sleeve", query[1], 40), gallery.mix(query, {"sleeve": 0.2, "neckline": 0}, k=40)
    assert alone == mixed


@pytest.mark.parametrize("unlike", [{}, {"sleeve": 0.4}])
def test_percentiles_against_a_count(make, unlike: dict[str, float]) -> None:
    gallery, query = make(vectors(60)), vectors(1, seed=3)[0]
    weights = {"neckline": 0.7} if unlike else {"neckline": 0.7, "sleeve": 0.3}
    own = np.array([1.0, -PENALTY]) if unlike else np.array([0.7, 0.3])
    rows = np.stack([gallery.vectors(item.id) for item in gallery.items])
    pairs = [float(own @ np.einsum("ad,ad->a", rows[i], rows[j])) for i in range(60) for j in range(i)]
    for hit in gallery.mix(query, weights, unlike, k=60):
        assert hit.percentile == pytest.approx(100 * np.mean([p < hit.similarity for p in pairs]), abs=0.1)


def test_percentiles_of_a_large_gallery_are_of_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAMPLE", 120)
    rows = vectors(250)
    gallery = opened_with(FINDERS[0], build(tmp_path / "g", rows=rows))
    hits = gallery.mix(rows[0], {"neckline": 1, "sleeve": 1}, k=len(rows)).hits
    assert gallery._mixer._sampled.shape == (2, 120 * 119 // 2)
    cosines = np.einsum("iad,jad->ij", rows, rows)[np.triu_indices(len(rows), 1)] / 2
    for hit in hits[::20]:
        assert hit.percentile == pytest.approx(100 * (cosines < hit.similarity).mean(), abs=3)


def test_pairs_are_remembered_for_some_weights(make) -> None:
    gallery, query = make(vectors(20)), vectors(1)[0]
    shares = [{"neckline": i, "sleeve": 20 - i} for i in range(1, 20)]
    for _ in range(2):
        for weights in shares:
            found = gallery.mix(query, weights)
            assert [h.percentile for h in found] == sorted((h.percentile for h in found), reverse=True)
    assert 0 < len(gallery._mixer._sorted) <= 16


@pytest.mark.parametrize(
    ("weights", "unlike", "says"),
    [
        ({"hem": 1}, (), "Unknown attribute 'hem'; this gallery knows neckline, sleeve"),
        ({"sleeve": 1}, ["hem"], "Unknown attribute 'hem'"),
        ({"sleeve": -0.1, "neckline": 1}, (), r"weight of sleeve must be a number of 0 or more, got -0\.1"),
        ({"sleeve": float("nan")}, (), "weight of sleeve"),
        ({"sleeve": float("inf")}, (), "weight of sleeve"),
        ({"sleeve": 0, "neckline": 0}, (), "No attribute has a weight above 0"),
        ({}, ["sleeve"], "No attribute has a weight above 0"),
        ({"sleeve": 1}, ["sleeve"], "sleeve is wanted alike and different at once"),
        ({"sleeve": 1}, {"neckline": 1.5}, r"similarity in neckline must lie in -1\.\.1, got 1\.5"),
        ({"sleeve": 1}, {"neckline": float("nan")}, "must lie in"),
        ({"sleeve": 1}, "neckline", r'as \["pattern"\]'),
        (["sleeve"], (), "Give weights as"),
    ],
)
def test_bad_mixes(make, weights, unlike, says) -> None:
    with pytest.raises(QueryError, match=says):
        make(vectors(3)).mix(vectors(1)[0], weights, unlike)


@pytest.mark.parametrize(
    ("query", "how", "says"),
    [
        (np.ones((1, DIM)), {}, r"\(2, 8\).*got \(1, 8\)"),
        (np.full((2, DIM), np.nan), {}, "finite"),
        (np.ones((2, DIM)), {"k": -1}, "k must be 0 or more"),
        (np.ones((2, DIM)), {"where": {"size": "m"}}, "category, kind, colour"),
    ],
)
@pytest.mark.parametrize("weights", [{"sleeve": 1}, {"sleeve": 1, "neckline": 1}])
def test_bad_questions(make, query, weights, how, says) -> None:
    with pytest.raises(QueryError, match=says):
        make(vectors(3)).mix(query, weights, **how)


@pytest.mark.parametrize(
    ("weights", "unlike", "said"),
    [
        ({"neckline": 7, "sleeve": 3}, (), "neckline 0.7 + sleeve 0.3"),
        ({"neckline": 1, "sleeve": 2}, (), "neckline 0.33 + sleeve 0.67"),
        ({"sleeve": 4}, (), "sleeve"),
        ({"sleeve": 4}, ("neckline",), "sleeve, unlike neckline"),
    ],
)
def test_a_mix_in_words(weights, unlike, said: str) -> None:
    assert str(mix_of(NAMES, FLAT, weights, unlike)) == said


def test_a_mix_as_a_store_takes_it() -> None:
    names, empty = ("a", "b", "c", "d"), np.zeros((4, 0), np.float32)
    mix = mix_of(names, empty, {"d": 1, "a": 3}, {"c": 0.2, "b": -0.1})
    np.testing.assert_allclose(mix.signed(names), [0.75, -PENALTY, -PENALTY, 0.25])
    assert mix.signed(names).dtype == np.float32
    assert mix.most(names) == {2: 0.2, 1: -0.1}
    assert mix_of(names, empty, {"d": 1}, ["b"]).unlike == {"b": WIDEST}


def _slow_limit(values: list[float]) -> float:
    """Otsu straight from its definition: the cut with the least variance within the two heaps."""
    within = {i: i * np.var(values[:i]) + (len(values) - i) * np.var(values[i:]) for i in range(1, len(values))}
    at = min(within, key=lambda i: within[i])
    return min(WIDEST, (values[at - 1] + values[at]) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_the_limit_lies_between_the_heaps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    heaps = np.sort(np.concatenate([rng.normal(0, 0.1, 70 + 10 * seed), rng.normal(0.9, 0.05, 40)]))
    assert limit(heaps) == pytest.approx(_slow_limit(heaps.tolist()))
    assert 0.2 < limit(heaps) <= WIDEST


@pytest.mark.parametrize(("quantiles", "expected"), [([], WIDEST), ([0.9], WIDEST), ([0, 0.6], 0.3), ([0.9, 1.0], WIDEST)])
def test_limits_of_little(quantiles: list[float], expected: float) -> None:
    assert limit(np.array(quantiles, np.float32)) == pytest.approx(expected)


def test_nothing_differs_where_all_garments_have_one_value(make) -> None:
    rows = vectors(20)
    rows[:, 1] = vectors(1)[0, 1] + 0.05 * rows[:, 1]
    assert len(make(unit(rows)).mix(rows[0], {"neckline": 1}, ["sleeve"])) == 0


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    directory = tmp_path_factory.mktemp("engine")
    engine = Engine.open(tiny_checkpoint(directory / "checkpoint"), directory / "gallery", device="cpu")
    header = (tuple(VOCABULARY), engine.dim, engine.config.global_dim, engine.fingerprint)
    with GalleryWriter(directory / "gallery", *header) as writer:
        for i in range(9):
            looked = engine.look(photo(seed=i))
            rois = {a: v.roi.scaled(1 / 60, 1 / 90) for a, v in looked.items()}
            rows = np.stack([v.embedding for v in looked.values()])
            writer.add(f"item{i}", photo(seed=i), {"category": "shirt" if i % 2 else "dress"}, rows, rois)
    return engine


@pytest.mark.parametrize(
    ("pairs", "wanted"),
    [
        (["price=10..50"], {"price": Range(10, 50)}),
        (["price=10.."], {"price": Range(10, None)}),
        (["price=..9.5"], {"price": Range(None, 9.5)}),
        (["price= -1 .. 1e3 "], {"price": Range(-1, 1000)}),
        (["size=a..b"], {"size": ["a..b"]}),
        (["size=.."], {"size": [".."]}),
        (["size=1..2..3"], {"size": ["1..2..3"]}),
        (["colour=blue", "price=1..2", "colour=red"], {"colour": ["blue", "red"], "price": Range(1, 2)}),
    ],
)
def test_ranges_are_read(pairs: list[str], wanted: dict[str, object]) -> None:
    assert parse_where(pairs) == wanted


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        (["price=50..10"], "smaller number first"),
        (["price=nan..10"], "no range"),
        (["price=1..2", "price=5"], "a range and something else"),
        (["price=5", "price=1..2"], "a range and something else"),
        (["price=1..2", "price=3..4"], "a range and something else"),
        (["=1..2"], "LABEL=VALUE"),
    ],
)
def test_wrong_ranges_are_refused(pairs: list[str], says: str) -> None:
    with pytest.raises(typer.BadParameter, match=says):
        parse_where(pairs)


WEIGHTS = {"neckline": 0.7, "sleeve": 0.3}


@pytest.mark.parametrize("beta", [None, 0.0, 1.0])
def test_the_engine_mixes_a_photo_and_its_views(engine: Engine, beta: float | None) -> None:
    views = engine.look(photo(seed=20))
    found = engine.mix(views, WEIGHTS, k=5, beta=beta)
    stored = {item.id: engine.gallery.vectors(item.id) for item in engine.gallery.items}
    query = {a: views[a].query_vector(beta) for a in VOCABULARY}
    scores = {
        id: sum(WEIGHTS[a] * float(v @ query[a]) for a, v in zip(VOCABULARY, row, strict=True)) for id, row in stored.items()
    }
    best = sorted(scores.values(), reverse=True)[:5]  # those of the tiny model lie too close for an order
    assert [h.similarity for h in found] == pytest.approx(best, abs=1e-4)
    for hit in found:
        assert hit.similarity == pytest.approx(min(1, scores[hit.item.id]), abs=1e-4)
    again = engine.mix(photo(seed=20), WEIGHTS, k=5, beta=beta)
    assert [h.item.id for h in again] == [h.item.id for h in found]


def test_only_named_attributes_need_views(engine: Engine) -> None:
    views = engine.look(photo(seed=1), ["sleeve"])
    assert [h.item.id for h in engine.mix(views, {"sleeve": 1})] == [
        h.item.id for h in engine.search(views["sleeve"], "sleeve")
    ]
    with pytest.raises(QueryError, match="not looked at under neckline"):
        engine.mix(views, WEIGHTS)
    with pytest.raises(QueryError, match="not looked at under neckline"):
        engine.mix(views, {"sleeve": 1}, ["neckline"])


def test_the_engine_refuses(engine: Engine) -> None:
    views = engine.look(photo(seed=1))
    with pytest.raises(QueryError, match="Unknown attribute 'hem'"):
        engine.mix(views, {"hem": 1})
    with pytest.raises(QueryError, match="No attribute is named"):
        engine.mix(views, {})
    with pytest.raises(QueryError, match="'sleeve' is of 'neckline'"):
        engine.mix({**views, "sleeve": views["neckline"]}, {"sleeve": 1})
    with pytest.raises(PhotoError):
        engine.mix(b"no picture", WEIGHTS)


@pytest.fixture
def opened(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(Engine, "open", lambda *_: engine)
    return engine


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(photo(seed=20)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_search_mixed_prints_json(opened: Engine, picture: Path) -> None:
    found = json.loads(
        call("search", picture, "neckline=0.7,sleeve=0.3", "-k", 3, "--where", "category=shirt", "--json").stdout
    )
    expected = opened.mix(picture, WEIGHTS, k=3, where={"category": "shirt"})
    assert (found["weights"], found["unlike"], found["searched"], set(found["read"])) == (WEIGHTS, [], 4, set(WEIGHTS))
    assert [(h["rank"], h["id"]) for h in found["hits"]] == [(i, h.item.id) for i, h in enumerate(expected, 1)]
    for hit in found["hits"]:
        assert set(hit["alike"]) == set(WEIGHTS)
        assert hit["similarity"] == pytest.approx(sum(WEIGHTS[a] * c for a, c in hit["alike"].items()), abs=1e-4)
    assert "alike" not in json.loads(call("search", picture, "sleeve=2", "--json").stdout)["hits"][0]


def test_search_unlike_prints_json_and_a_table(opened: Engine, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened.gallery._mixer, "_background", np.full((2, 1), 0.5))  # any cosine up to 0.5 is different
    found = json.loads(call("search", picture, "neckline", "--unlike", "sleeve", "--json").stdout)
    assert (found["weights"], found["unlike"]) == ({"neckline": 1.0}, ["sleeve"])
    assert all(h["alike"]["sleeve"] <= 0.5 for h in found["hits"])
    shown = " ".join(call("search", picture, "neckline", "--unlike", "sleeve").stdout.split())
    if found["hits"]:
        assert f"{len(found['hits'])} of 9 garments: neckline, unlike sleeve" in shown
    else:
        assert "neckline, unlike sleeve: Nothing close enough among 9 garments: lower --least, drop" in shown
    shown = call("search", picture, "neckline=1,sleeve=1").stdout
    assert "9 of 9 garments: neckline 0.5 + sleeve 0.5" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["neckline=0.7,sleeve=0.3", "--rerank", 3], 2, "leave it out, or name one"),
        (["neckline", "--unlike", "sleeve", "--rerank", 3], 2, "leave it out, or name one"),
        (["neckline=much"], 2, "'much' is no weight above 0"),
        (["neckline=-1,sleeve=1"], 2, "'-1' is no weight above 0"),
        (["neckline=0"], 2, "'0' is no weight above 0"),
        (["neckline=nan"], 2, "no weight above 0"),
        (["neckline,neckline"], 2, "names neckline twice"),
        (["neckline,"], 2, "names no attribute"),
        (["neckline", "--unlike", "neckline"], 1, "alike and different at once"),
        (["neckline", "--unlike", "hat"], 1, "Unknown attribute 'hat'"),
        (["hat=1,sleeve=2"], 1, "Unknown attribute 'hat'"),
    ],
)
def test_search_mixed_refuses(opened: Engine, picture: Path, arguments, code: int, says: str) -> None:
    shown = call("search", picture, *arguments, code=code).stderr
    assert says in " ".join(shown.replace("│", " ").split())
