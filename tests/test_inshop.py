"""In-shop retrieval: a strict list, figures by hand and against a slow oracle, the verb, drawn products."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from fake_engine import FakeEngine, paint
from test_cli import call
from tiny import tiny_checkpoint

from asen_core.data.inshop import InShop, read_inshop, with_labels, write_inshop
from asen_core.data.labels import Photo, read_labels
from asen_core.errors import DataError
from asen_core.evaluation import InShopRetrieval, inshop, inshop_figures, run
from asen_core.evaluation.inshop import Part

HEAD = "image_name item_id evaluation_status"
GOOD = ["img/a.jpg id_1 train", "img/b.jpg  id_2   query", "img/c.jpg id_2 gallery", "img/d.jpg id_3 gallery"]


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_list_is_read_as_the_benchmark_writes_it(tmp_path: Path) -> None:
    found = read_inshop(written(tmp_path / "list.txt", "4", HEAD.replace(" ", "      "), *GOOD), tmp_path / "photos")
    assert [p.key for p in found.queries] == ["img/b.jpg"]
    assert [p.key for p in found.gallery] == ["img/c.jpg", "img/d.jpg"]
    assert found.queries[0].path == tmp_path / "photos" / "img" / "b.jpg"
    assert dict(found.items) == {"img/b.jpg": "id_2", "img/c.jpg": "id_2", "img/d.jpg": "id_3"}
    assert found.train == 1


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    rows = [tuple(line.split()) for line in GOOD]
    write_inshop(tmp_path / "list.txt", rows)
    assert read_inshop(tmp_path / "list.txt", tmp_path).items == {r[0]: r[1] for r in rows if r[2] != "train"}
    with pytest.raises(DataError, match="can't be written"):
        write_inshop(tmp_path / "no" / "list.txt", rows)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "must begin with the count"),
        (["4"], "must begin with the count"),
        ([HEAD, "4", *GOOD], "must begin with the count"),
        (["four", HEAD, *GOOD], "must begin with the count"),
        (["4", "image item status", *GOOD], "must begin with the count"),
        (["5", HEAD, *GOOD], "4 photos where its first line says '5'"),
        (["0", HEAD], "0 train, 0 query, 0 gallery"),
        (["1", HEAD, GOOD[1]], "0 train, 1 query, 0 gallery"),
        (["2", HEAD, *GOOD[2:]], "0 query, 2 gallery"),
        (["4", HEAD, *GOOD[:3], "img/d.jpg id_3"], "line 6: 2 fields"),
        (["5", HEAD, *GOOD[:2], "", *GOOD[2:]], "line 5: 0 fields"),
        (["5", HEAD, *GOOD, "img/e.jpg id 4 gallery"], "line 7: 4 fields"),
        (["5", HEAD, *GOOD, "img/e.jpg id_4 test"], "line 7: the status 'test' is none of train, query, gallery"),
        (["5", HEAD, *GOOD, "img/c.jpg id_4 gallery"], "line 7: img/c.jpg stands on line 5 already"),
        (["5", HEAD, *GOOD, "../e.jpg id_4 gallery"], "line 7: '../e.jpg' is no path below"),
        (["5", HEAD, *GOOD, "/etc/e.jpg id_4 gallery"], "line 7: '/etc/e.jpg' is no path below"),
        (["5", HEAD, *GOOD, "img/e.jpg id_1 gallery"], "line 7: id_1 is an item of training and of the test"),
        (["9", HEAD, *["img/a.jpg"] * 9], "9 lines that can't be used.*and 6 more"),
    ],
)
def test_lists_that_are_refused(tmp_path: Path, lines: list[str], says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_inshop(written(tmp_path / "list.txt", *lines), tmp_path)


def test_files_that_are_no_list(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"can't be read.*list_eval_partition"):
        read_inshop(tmp_path / "none.txt", tmp_path)
    (tmp_path / "list.txt").write_bytes(b"4\n\xff\xfe\x00")
    with pytest.raises(DataError, match="UTF-8"):
        read_inshop(tmp_path / "list.txt", tmp_path)


def unit(*cosines: float) -> list[list[float]]:
    """One vector per attribute, with this cosine to (1, 0)."""
    return [[c, (1 - c * c) ** 0.5] for c in cosines]


QUERY = Part(np.array([unit(1, 1)], np.float32), np.array(["A"]), [{"sleeve": "long"}])
GALLERY = Part(
    np.array([unit(0.6, 0), unit(0, 0.8), unit(0.8, 0.6), unit(0.28, 0.96)], np.float32),
    np.array(["A", "B", "C", "A"]),
    [{"sleeve": "long"}, {}, {"sleeve": "short"}, {"sleeve": "long"}],
)
# Overall 0.3, 0.4, 0.7, 0.62: C A B A. Its first two by `sleeve`: A C B A. By it alone: A B C A. By neckline alone: C A A B.


def test_golden_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inshop, "AT", 3)
    report = inshop_figures(QUERY, GALLERY, {"neckline": 0, "sleeve": 1}, first=2, ks=(1, 2, 50))
    assert (report.queries, report.unanswerable, report.gallery, report.items, report.first) == (1, 0, 4, 3, 2)
    assert report.overall.map == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert dict(report.overall.accuracies) == {1: 0, 2: 1, 50: 1}
    assert report.reranked["sleeve"].map == pytest.approx((1 + 2 / 4) / 2)
    assert dict(report.reranked["sleeve"].accuracies) == {1: 1, 2: 1, 50: 1}
    assert report.reranked["neckline"].map == pytest.approx(1 / 2)
    assert report.alone["sleeve"].map == pytest.approx((1 + 2 / 4) / 2)
    assert report.alone["neckline"].map == pytest.approx((1 / 2 + 2 / 3) / 2)
    sleeve = report.values["sleeve"]
    # B has no label: the first three are C A A, A C A and A C A.
    shares = (sleeve.overall, sleeve.reranked, sleeve.alone, sleeve.reachable)
    assert shares == pytest.approx((2 / 3, 2 / 3, 2 / 3, 2 / 3))
    assert sleeve.queries == 1
    assert list(report.values) == ["sleeve"]
    monkeypatch.setattr(inshop, "AT", 1)
    first = inshop_figures(QUERY, GALLERY, {"sleeve": 1}, first=2).values["sleeve"]
    assert (first.overall, first.reranked, first.alone, first.reachable) == (0, 1, 1, 1)


def random_part(count: int, rng: np.random.Generator) -> Part:
    vectors = rng.normal(size=(count, 3, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    labels = [{"b": str(rng.integers(3))} if rng.random() < 0.8 else {} for _ in range(count)]
    return Part(vectors, np.array([f"id_{i}" for i in rng.integers(12, size=count)]), labels)


def slow_orders(queries: Part, gallery: Part, first: int) -> list[dict[str, list[int]]]:
    """Per query the gallery's photos by each way to rank, from sorted lists of float64 sums."""
    orders = []
    for query in queries.vectors.astype(np.float64):
        own = [[sum(x * q for x, q in zip(row[a], query[a], strict=True)) for row in gallery.vectors] for a in range(3)]
        overall = sorted(range(len(gallery.items)), key=lambda i: -sum(own[a][i] for a in range(3)) / 3)
        found = {"overall": overall, "alone": sorted(overall, key=lambda i: -own[1][i])}
        found["reranked"] = sorted(overall[:first], key=lambda i: -own[1][i]) + overall[first:]
        orders.append(found)
    return orders


def slow_precision(items: list[str], wanted: str) -> float:
    hits, points = 0, []
    for place, item in enumerate(items, 1):
        if item == wanted:
            hits += 1
            points.append(hits / place)
    return sum(points) / len(points)


@pytest.mark.parametrize(("first", "chunk"), [(1, 64), (7, 1), (20, 5), (40, 64), (500, 7)])
def test_figures_against_a_slow_oracle(first: int, chunk: int) -> None:
    rng = np.random.default_rng(first)
    queries, gallery = random_part(25, rng), random_part(40, rng)
    report = inshop_figures(queries, gallery, {"a": 0, "b": 1}, first, (1, 3, 10), chunk)
    orders = slow_orders(queries, gallery, first)
    counted = [i for i, item in enumerate(queries.items) if item in set(gallery.items)]
    assert (report.queries, report.unanswerable) == (len(counted), 25 - len(counted))
    labelled = [i for i, labels in enumerate(queries.labels) if labels]
    for way, found in (("overall", report.overall), ("alone", report.alone["b"]), ("reranked", report.reranked["b"])):
        ranked = {i: [gallery.items[g] for g in orders[i][way]] for i in range(25)}
        assert found.map == pytest.approx(np.mean([slow_precision(ranked[i], queries.items[i]) for i in counted]))
        for k in (1, 3, 10):
            assert found.accuracies[k] == pytest.approx(np.mean([queries.items[i] in ranked[i][:k] for i in counted]))
        same = []
        for i in labelled:
            values = [gallery.labels[g]["b"] for g in orders[i][way] if "b" in gallery.labels[g]]
            same.append(sum(value == queries.labels[i]["b"] for value in values[:10]) / 10)
        assert getattr(report.values["b"], way) == pytest.approx(np.mean(same))
    assert report.values["b"].queries == len(labelled)


def test_equal_photos_keep_the_gallerys_order() -> None:
    same = np.repeat(np.array([unit(0.5, 0.5)], np.float32), 6, axis=0)
    gallery = Part(same, np.array(["B", "C", "A", "D", "E", "F"]), [{}] * 6)
    report = inshop_figures(QUERY, gallery, {"sleeve": 1}, first=3, ks=(2, 3))
    for found in (report.overall, report.alone["sleeve"], report.reranked["sleeve"]):
        assert (found.map, dict(found.accuracies)) == (pytest.approx(1 / 3), {2: 0, 3: 1})


@pytest.mark.parametrize("bad", [{"first": 0}, {"ks": (0, 1)}, {"chunk": 0}])
def test_counts_under_one_are_refused(bad: dict) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        inshop_figures(QUERY, GALLERY, {"sleeve": 1}, **bad)


def test_a_gallery_without_any_of_the_items_is_refused() -> None:
    with pytest.raises(DataError, match="No query shows an item"):
        inshop_figures(QUERY, Part(GALLERY.vectors, np.array(["B", "C", "D", "E"]), GALLERY.labels), {"sleeve": 1})


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Three items, photographed at angles: 0 and 4, 10 and 12, 30 and 60. Queries are 0 and 12, and 61 of an item unseen."""
    rows = [(0, "a", "query"), (4, "a", "gallery"), (10, "b", "gallery"), (12, "b", "query"), (30, "c", "gallery"),
            (61, "d", "query"), (60, "c", "gallery")]  # fmt: skip
    for angle, _, _ in rows:
        paint(tmp_path / "img" / f"{angle}.png", angle)
    write_inshop(tmp_path / "list.txt", [(f"img/{a}.png", item, status) for a, item, status in rows])
    with open(tmp_path / "labels.csv", "w", newline="") as file:
        csv.writer(file).writerows([("image", "sleeve"), *((f"img/{a}.png", "long" if a < 30 else "") for a, _, _ in rows)])
    return tmp_path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> None:
    import asen_core.engine

    monkeypatch.setattr(asen_core.engine.Engine, "open", lambda *_, **__: FakeEngine())


def test_the_verb_prints_json(shop: Path, opened: None) -> None:
    result = call("inshop", shop / "list.txt", "--images", shop, "--labels", shop / "labels.csv", "--first", 2, "--json")
    found = json.loads(result.stdout)
    assert (found["queries"], found["unanswerable"], found["gallery"], found["items"]) == (2, 1, 4, 3)
    assert (found["overall"]["top"]["1"], found["overall"]["map"]) == (1, 1)
    assert list(found["reranked"]) == list(found["alone"]) == list(FakeEngine.vocabulary)
    assert found["values"]["attributes"]["sleeve"]["queries"] == 2
    assert found["values"]["attributes"]["sleeve"]["overall"] == pytest.approx(0.2)
    assert found["checkpoint"] == "fake"


def test_the_verb_prints_tables(shop: Path, opened: None) -> None:
    arguments = ("inshop", shop / "list.txt", "--images", shop, "--rerank", "sleeve", "--first", 2)
    shown = call(*arguments).stdout
    for text in ("2 queries among 4 photos of 3 items", "top-50", "first 2 overall, then sleeve", "1 queries show an item"):
        assert text in shown
    assert "neckline" not in shown
    assert "share the query's value" not in shown
    assert "share the query's value" in call(*arguments, "--labels", shop / "labels.csv").stdout


def test_the_verb_explains_itself_with_examples() -> None:
    shown = call("inshop", "--help").stdout
    assert "python -m asen_core inshop" in shown


def test_missing_photos_are_counted_and_refused(shop: Path, opened: None) -> None:
    (shop / "img" / "4.png").unlink()
    result = call("inshop", shop / "list.txt", "--images", shop, "--json", code=1)
    assert "1 of 7 photos are not there" in result.stderr
    assert not result.stdout


@pytest.mark.parametrize(
    ("change", "arguments", "says"),
    [
        (None, ["--rerank", "hat"], "Unknown attribute hat"),
        ("image,sleeve\nimg/0.png,lnog\n", [], "sleeve='lnog'"),
        ("image,sleeve\nelse.png,long\n", [], "None of the 1 labelled photos"),
    ],
)
def test_the_verb_refuses(shop: Path, opened: None, change: str | None, arguments: list[str], says: str) -> None:
    if change:
        (shop / "labels.csv").write_text(change)
    given = ("--images", shop, "--labels", shop / "labels.csv", *arguments)
    assert says in call("inshop", shop / "list.txt", *given, code=1).stderr


def test_labels_of_other_photos_are_left_aside() -> None:
    listed = InShop((Photo("a", Path("a")),), (Photo("b", Path("b")),), {"a": "1", "b": "1"})
    found = with_labels(listed, [Photo("a", Path("a"), {"sleeve": "long"}), Photo("z", Path("z"), {"sleeve": "short"})])
    assert (dict(found.queries[0].labels), dict(found.gallery[0].labels)) == ({"sleeve": "long"}, {})


def test_drawn_products_through_a_real_engine(tmp_path: Path) -> None:
    from asen_core.engine import Engine
    from benchmarks.rerank import LABELS, LIST, draw

    draw(tmp_path, items=3, photos=3, seed=5)
    listed = read_inshop(tmp_path / LIST, tmp_path)
    assert (len(listed.queries), len(listed.gallery), len(set(listed.items.values()))) == (3, 6, 3)
    labels = read_labels(tmp_path / LABELS, tmp_path, ("category",))
    by_item = {p.key.split("/")[1]: set() for p in labels}
    for p in labels:
        by_item[p.key.split("/")[1]].add(p.labels["category"])
    assert all(len(values) == 1 for values in by_item.values())
    engine = Engine.open(tiny_checkpoint(tmp_path / "checkpoint"), device="cpu")
    measure = InShopRetrieval(engine.vocabulary, listed, first=4)
    run(engine, [measure])
    report = measure.report()
    assert report.queries == 3
    assert report.values == {}
    assert 0 < report.overall.map <= 1
    assert report.overall.accuracies[10] == 1


def test_the_benchmarks_table_by_hand() -> None:
    from benchmarks.rerank import table

    def ways(share: float) -> dict:
        return {"top": {"1": 0.1, "10": share}, "map": 0.3}

    value = {"overall": 0.5, "reranked": 0.8, "alone": 0.9, "reachable": 1.0, "queries": 4}
    lines = table(
        {
            "queries": 300, "gallery": 1300, "items": 150, "first": 50, "overall": {"top": {"1": 0.9, "10": 1.0}, "map": 0.95},
            "reranked": {"sleeve": ways(0.7), "colour": ways(0.5)}, "alone": {"sleeve": ways(0.6), "colour": ways(0.2)},
            "values": {"among": 10, "attributes": {"sleeve": value, "colour": {**value, "overall": 0.1}}},
        }
    ).splitlines()  # fmt: skip
    assert lines[2:5] == [
        "| sleeve | 50.0 | 80.0 | 90.0 | 100.0 | 70.0 | 60.0 |",
        "| colour | 10.0 | 80.0 | 90.0 | 100.0 | 50.0 | 20.0 |",
        "| **mean** | **30.0** | **80.0** | **90.0** | **100.0** | **60.0** | **40.0** |",
    ]
    assert lines[6].startswith("300 queries among 1,300 photos of 150 products.")
    assert "90.0 % of them" in lines[6]
