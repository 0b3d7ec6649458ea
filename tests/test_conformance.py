"""One suite for every store: in a folder compared exactly, in a folder through an index, and on a real Milvus server."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conforming import COUNT, DIM, LISTS, NAMES, ODD, STRANGE, Shelf, identity, shelf

from asen_core.errors import QueryError
from asen_core.gallery.columns import Column
from asen_core.types import Range

NEAR = 2e-6
WHERES = [
    None, {}, {"category": "dress"}, {"category": ["dress", "coat"], "colour": "red"}, {"colour": []}, {"colour": ""},
    {"brand": STRANGE}, *({"brand": value} for value in STRANGE), {ODD: {"v1", "v2"}}, {"category": "no such"},
    {"price": Range(20, 30)}, {"price": Range(least=88.5)}, {"price": Range(most=-1)}, {"price": Range(), "category": "coat"},
    {"price": Range(100, 100)}, {"price": Range(10.25, 10.75), "colour": ("red", "navy")}, {"link": "https://example.org/7?a=1&b='2'"},
    {"brand": "\ud83d"}, {"brand": 'x" or "1" == "1'}, {"brand": ["] or 1 == 1", "plain"]},
]  # fmt: skip


@pytest.fixture(scope="module", params=["exact", "approximate", "milvus"])
def shelves(request, tmp_path_factory):
    root, prefix = tmp_path_factory.mktemp("galleries"), f"asen_test_{uuid.uuid4().hex[:12]}"
    addresses = dict.fromkeys(LISTS, "")
    if request.param == "milvus":
        server = request.getfixturevalue("milvus")
        addresses = {name: server.address(f"{prefix}_{name}") for name in LISTS}
    try:
        with ThreadPoolExecutor() as pool:
            made = {n: pool.submit(shelf, request.param, root / n, addresses[n], lists) for n, lists in LISTS.items()}
            found = {name: job.result() for name, job in made.items()}
        yield found
        for one in found.values():
            one.gallery.store.close()
    finally:
        if request.param == "milvus":
            server.drop(prefix)


@pytest.fixture
def many(shelves) -> Shelf:
    return shelves["many"]


def queries(shelf: Shelf, count: int = 3) -> np.ndarray:
    """(n, A, D) float32: items of the gallery, one of them with its likes in it, and one that is none."""
    rng = np.random.default_rng(7)
    own = shelf.oracle.vectors[:: max(1, len(shelf.oracle.vectors) // count)][:count]
    return np.concatenate([own, rng.normal(size=(1, len(NAMES), DIM)).astype(np.float32)])


def agree(found, ranked, k: int, whole: bool = True) -> bool:
    """What a store found against all that pass, ranked: as near at every place, and the same items but where two are equally
    near to the sixth digit. An index may miss some; whether it did is returned."""
    positions, similarities = found
    assert (positions.dtype, similarities.dtype) == (np.int64, np.float32)
    assert len(positions) == len(set(positions.tolist())) == min(k, len(ranked[0]))
    nearness = dict(zip(ranked[0].tolist(), ranked[1].tolist(), strict=True))
    np.testing.assert_allclose(similarities, [nearness[p] for p in positions.tolist()], atol=NEAR)
    assert (np.diff(similarities) <= 0).all()
    same = np.allclose(similarities, ranked[1][:k], rtol=0, atol=NEAR)
    assert same or not whole
    return same


@pytest.mark.parametrize("where", WHERES, ids=repr)
def test_search(many: Shelf, where) -> None:
    same = []
    for q in queries(many):
        for a in range(len(NAMES)):
            for k in (0, 1, 10, COUNT + 50):
                ranked = many.oracle.search(a, q[a], COUNT, where)
                same.append(agree(many.store.search(a, q[a], k, where), ranked, k, many.whole))
    assert np.mean(same) > 0.9
    assert many.store.count(where) == len(many.oracle.passing(where))


@pytest.mark.parametrize("where", [None, {"category": "dress"}, {"price": Range(20, 30)}, {"colour": []}], ids=repr)
@pytest.mark.parametrize("most", [None, {1: 0.3}, {1: -2.0}, {0: 0.9, 2: 0.2}], ids=repr)
@pytest.mark.parametrize("weights", [(1, 0, 0), (0.7, 0.3, 0), (1 / 3, 1 / 3, 1 / 3), (0, 0, 1)])
def test_mixed(many: Shelf, where, most, weights) -> None:
    shares = np.array(weights, np.float32)
    for q in queries(many, 1):
        for k in (0, 10, COUNT + 50):
            ranked = many.oracle.mixed(q, shares, COUNT, where, most)
            same = agree(many.store.mixed(q, shares, k, where, most), ranked, k, many.whole)
            assert same or k == 10


def test_equal_ones_stand_in_the_items_order(many: Shelf) -> None:
    alike = [n for n, record in enumerate(many.oracle.records) if record.seed == 0]
    assert len(alike) == 12
    for k in (1, 5, 11, 12, 13):
        positions, similarities = many.store.search(0, many.oracle.vectors[alike[0], 0], k)
        assert positions[:12].tolist() == alike[:k]
        assert similarities[: min(k, 12)] == pytest.approx(1, abs=NEAR)


def test_items_and_their_positions(many: Shelf) -> None:
    for n, record in enumerate(many.oracle.records):
        item = many.gallery.items[n]
        assert (item.id, dict(item.labels)) == (record.id, record.labels)
        assert set(item.rois) == set(NAMES)
        assert item.rois[NAMES[1]].x1 == pytest.approx(0.5 + 0.01 * (record.seed % 40), abs=1e-3)
    for n in (0, 7, COUNT - 1):
        assert many.store.position(many.oracle.records[n].id) == n
    asked = [5, 2, 2, 400]
    assert [i.id for i in many.store.items(asked)] == [many.oracle.records[n].id for n in asked]
    assert many.store.items([]) == []


@pytest.mark.parametrize("id", ["", "nobody", '" or position > 0 or item == "', "\ud800", "item-0000 "])
def test_no_item_has_an_unknown_id(many: Shelf, id: str) -> None:
    assert many.store.position(id) is None
    with pytest.raises(QueryError, match="no item"):
        many.gallery.item(id)


def test_vectors(many: Shelf) -> None:
    np.testing.assert_array_equal(many.store.vectors(np.arange(COUNT)), many.oracle.vectors)
    np.testing.assert_array_equal(many.store.vectors(np.array([3, 3, 0])), many.oracle.vectors[[3, 3, 0]])
    assert many.store.vectors(np.zeros(0, np.int64)).shape == (0, len(NAMES), DIM)


@pytest.mark.parametrize("where", WHERES, ids=repr)
def test_facets(many: Shelf, where) -> None:
    found = many.store.facets(where)
    assert {label: list(counts.items()) for label, counts in found.items()} == many.oracle.facets(where)
    for some in ([], list(found)[:1], list(found)[1:]):
        assert many.store.facets(where, some) == {label: found[label] for label in some}
    assert tuple(found) == many.gallery.manifest.labels


def test_columns(many: Shelf) -> None:
    found = many.store.columns()
    assert found["price"].numeric
    assert not found["brand"].numeric
    assert found["category"] == Column(3, COUNT, False)
    assert found["brand"] == Column(len(STRANGE) // 2, COUNT // 2, False)
    assert found["link"].values == COUNT


@pytest.mark.parametrize(
    ("where", "says"),
    [({"size": "M"}, "Unknown label 'size'"), ({"category": Range(1, 2)}, "holds words"), ({"size": []}, "Unknown label")],
)
def test_filters_that_make_no_sense_are_refused(many: Shelf, where, says: str) -> None:
    q = queries(many)[0]
    for ask in (
        lambda: many.store.search(0, q[0], 5, where),
        lambda: many.store.mixed(q, np.full(len(NAMES), 1 / 3), 5, where),
        lambda: many.store.count(where),
        lambda: many.store.facets(where),
    ):
        with pytest.raises(QueryError, match=says):
            ask()


def test_many_may_search_at_once(many: Shelf) -> None:
    asked = [(n % len(NAMES), q, where) for n, q in enumerate(queries(many, 12)) for where in WHERES[:4]]
    alone = [many.store.search(a, q[a], 10, where) for a, q, where in asked]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda one: many.store.search(one[0], one[1][one[0]], 10, one[2]), asked))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_a_gallery_of_nothing(shelves) -> None:
    none = shelves["none"]
    q = np.ones((len(NAMES), DIM), np.float32)
    assert len(none.gallery) == none.store.count() == none.store.count({}) == 0
    assert list(none.gallery.items) == []
    for found in (none.store.search(0, q[0], 5), none.store.mixed(q, np.array([0.5, 0.5, 0]), 5)):
        assert [f.tolist() for f in found] == [[], []]
    assert none.store.facets() == none.store.columns() == {}
    assert none.store.position("item-0000") is None
    assert none.store.background().shape == (len(NAMES), 0)
    assert none.store.vectors(np.zeros(0, np.int64)).shape == (0, len(NAMES), DIM)


def test_a_gallery_of_one(shelves) -> None:
    one = shelves["one"]
    q = one.oracle.vectors[0]
    for found in (one.store.search(1, q[1], 5), one.store.mixed(q, np.full(3, 1 / 3, np.float32), 5, {"category": "dress"})):
        assert found[0].tolist() == [0]
        assert found[1] == pytest.approx([1], abs=NEAR)
    assert len(one.store.search(1, q[1], 5, {"category": "coat"})[0]) == 0
    assert one.store.facets({"category": "coat"})["category"] == {"dress": 1}


def test_what_changed_is_found_as_it_is_now(shelves) -> None:
    new = shelves["updated"]
    assert len(new.gallery) == len(new.oracle.records) == new.store.count()
    assert {item.id: dict(item.labels) for item in new.gallery.items} == {r.id: r.labels for r in new.oracle.records}
    np.testing.assert_array_equal(new.store.vectors(np.arange(len(new.gallery))), new.oracle.vectors)
    assert new.store.position(identity(3)) is None  # removed
    assert new.store.position(identity(5)) is None  # renamed
    assert new.store.position("renamed \\ 'five'") is not None
    assert new.store.count({"colour": "violet"}) == 1
    assert {label: list(v.items()) for label, v in new.store.facets().items()} == new.oracle.facets()
    for where in (None, {"colour": "violet"}, {"category": ["dress", "coat"]}, {"price": Range(20, 30)}):
        for q in queries(new, 6):
            for a in range(len(NAMES)):
                agree(new.store.search(a, q[a], 12, where), new.oracle.search(a, q[a], COUNT, where), 12, new.whole)
    everything = new.store.search(0, new.oracle.vectors[0, 0], 10**6)
    assert sorted(everything[0].tolist()) == list(range(len(new.gallery)))


def test_the_gallery_above_the_store(many: Shelf) -> None:
    q = queries(many)[1]
    hits = many.gallery.search("sleeve", q[1], 10, {"category": "dress"})
    expected = many.oracle.search(1, q[1], 10, {"category": "dress"})[0]
    assert hits.searched == len(many.oracle.passing({"category": "dress"}))
    if many.whole:
        assert [h.item.id for h in hits] == [many.oracle.records[n].id for n in expected]
        reranked = many.gallery.rerank("sleeve", q, 50, 10)
        first = many.oracle.mixed(q, np.full(3, 1 / 3), 50)[0].tolist()
        assert {h.item.id for h in reranked} <= {many.oracle.records[n].id for n in first}
    overall = many.gallery.overall(q)
    np.testing.assert_allclose(overall, np.einsum("nad,ad->n", many.oracle.vectors, q) / 3, atol=NEAR)
    assert many.store.background().shape == (len(NAMES), 2001)
    for item in many.gallery.items[:3]:
        path = many.gallery.picture(item)
        assert path.is_file()
        assert path.is_relative_to(many.gallery.pictures)
