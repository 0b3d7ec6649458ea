"""Intervals, values, free columns and datasets: figures worked by hand on a circle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_engine import VOCABULARY, FakeEngine
from test_evaluation import CANDIDATE, GOLDEN, QUERY, photo, sleeves, text_of

from asen_core.data.labels import Photo
from asen_core.errors import DataError
from asen_core.evaluation import Columns, Datasets, Report, Retrieval, evaluate, run


class Unread(FakeEngine):
    """A baseline without a read-out and with one attribute."""

    vocabulary = {"sleeve": VOCABULARY["sleeve"]}  # noqa: RUF012

    def _view(self, *given):
        view = super()._view(*given)
        object.__setattr__(view, "readings", ())
        return view


def plain(report) -> dict:
    return json.loads(json.dumps(report.to_dict(), allow_nan=False))


def measured(engine: FakeEngine, measure):
    run(engine, [measure])
    return measure.report()


def test_scores_of_values_and_chance_golden(tmp_path):
    score = evaluate(FakeEngine(), sleeves(tmp_path, GOLDEN)).scores["sleeve"]
    long, short = score.values["long"], score.values["short"]
    # Queries at 2 and 12 degrees are long, 38 is short; the fake reads "long" everywhere.
    assert (long.map, long.queries, long.photos, long.accuracy) == (pytest.approx((5 / 6 + 7 / 12) / 2), 2, 4, 1)
    assert (short.map, short.queries, short.photos, short.accuracy) == (pytest.approx(5 / 6), 1, 3, 0)
    assert (long.recalls[1], short.recalls[1]) == (0.5, 1)
    # Two of four are relevant to each query; the six orders have 1, 5/6, 3/4, 7/12, 1/2 and 5/12.
    assert score.chance == pytest.approx((1 + 5 / 6 + 3 / 4 + 7 / 12 + 1 / 2 + 5 / 12) / 6)
    assert sum(v.queries * v.map for v in score.values.values()) / 3 == pytest.approx(score.map)


def test_intervals_hold_the_figure_and_repeat(tmp_path):
    photos = [*sleeves(tmp_path, GOLDEN), photo(tmp_path, CANDIDATE, 100, {"neckline": "v"})]
    report, again = (evaluate(FakeEngine(), photos) for _ in range(2))
    low, high = report.scores["sleeve"].interval
    # Three queries with 5/6, 5/6 and 7/12: the means run from 7/12 to 5/6, each reached in over 2.5 % of the draws.
    assert (low, high) == (pytest.approx(7 / 12), pytest.approx(5 / 6))
    assert report.macro_interval == report.micro_interval == report.scores["sleeve"].interval
    assert report.scores["neckline"].interval is None
    assert plain(report) == plain(again)
    found = plain(report)
    assert found["attributes"]["sleeve"]["interval"] == [low, high]
    assert found["attributes"]["sleeve"]["values"]["short"]["recalls"]["1"] == 1
    assert found["bootstrap"] == {"draws": 1000, "level": 0.95, "seed": 0}


def test_values_are_printed_where_asked_for(tmp_path):
    report = evaluate(FakeEngine(), sleeves(tmp_path, GOLDEN))
    assert "58.3–83.3" in text_of(report.table())
    assert "short" not in text_of(report.table())
    assert "short" in text_of(report.table(values=True))


def test_a_model_that_reads_nothing_has_no_accuracy(tmp_path):
    report = evaluate(Unread(), sleeves(tmp_path, GOLDEN))
    assert report.scores["sleeve"].accuracy is None
    assert plain(report)["attributes"]["sleeve"]["values"]["long"]["accuracy"] is None
    assert "read right" not in text_of(report.table())
    assert "read right" in text_of(evaluate(FakeEngine(), sleeves(tmp_path / "b", GOLDEN)).table())


def crowd(folder: Path) -> list[Photo]:
    rows = [(q, a, {"striped": {"long": "2", "short": "1"}[v]}) for q, a, v in GOLDEN]
    return [photo(folder, *row) for row in rows]


def test_columns_are_searched_in_the_named_space(tmp_path):
    photos = crowd(tmp_path)
    labelled = Photo(photos[0].key, photos[0].path, {"striped": "2", "plain": "1"})
    query = photo(tmp_path, QUERY, 90, {"plain": "1"})
    engine = FakeEngine()
    measure = Columns(engine.vocabulary, [labelled, *photos[1:], query], {"striped": "sleeve", "plain": "neckline"})
    report = measured(engine, measure)
    assert measure.attributes == ("neckline", "sleeve")
    assert report.retrieval.scores["striped"].map == pytest.approx(0.75)
    assert report.retrieval.scores["plain"].map == 1
    assert report.retrieval.macro == pytest.approx(0.875)
    found = plain(report)
    assert found["columns"]["striped"]["space"] == "sleeve"
    assert found["columns"]["striped"]["values"]["1"]["map"] == pytest.approx(5 / 6)
    assert found["macro_map"] == pytest.approx(0.875)
    assert found["columns"]["striped"]["accuracy"] is None
    shown = text_of(report.table())
    assert "striped in sleeve" in shown
    assert "mean of columns" in shown


class Spaces(FakeEngine):
    """Sees everything at 0 degrees but in the space of sleeves."""

    def _view(self, name, width, height, angle, *rest):
        return super()._view(name, width, height, angle if name == "sleeve" else 0, *rest)


def test_each_column_keeps_to_its_space(tmp_path):
    photos = [Photo(p.key, p.path, dict.fromkeys("ab", p.labels["striped"])) for p in crowd(tmp_path)]
    report = measured(Spaces(), Columns(FakeEngine.vocabulary, photos, {"a": "closure", "b": "sleeve"}))
    assert report.retrieval.scores["b"].map == pytest.approx(0.75)
    # All alike keep the candidates' order L S L S: 5/6 for both long queries, 1/2 for the short one.
    assert report.retrieval.scores["a"].map == pytest.approx((5 / 6 + 5 / 6 + 1 / 2) / 3)


@pytest.mark.parametrize(
    ("spaces", "says"),
    [
        ({"striped": "stripes"}, "no space stripes; it has neckline"),
        ({"striped": "sleeve", "plaid": "sleeve"}, "column plaid"),
    ],
)
def test_columns_refuse(tmp_path, spaces, says):
    with pytest.raises(DataError, match=says):
        Columns(FakeEngine.vocabulary, crowd(tmp_path), spaces)


@pytest.mark.parametrize("count", [0, 1])
def test_columns_without_anything_to_search_for(tmp_path, count):
    measure = Columns(FakeEngine.vocabulary, crowd(tmp_path)[:1], {"striped": "sleeve"})
    measure.photos = dict(list(measure.photos.items())[:count])
    with pytest.raises(DataError, match="30 % are queries"):
        measured(FakeEngine(), measure)


def of(source: str, photos: list[Photo]) -> list[Photo]:
    return [Photo(f"{source}/{p.key}", p.path, p.labels, source=source) for p in photos]


def query_names(folder: Path, source: str, rows: list[tuple[bool, int, str]]) -> list[Photo]:
    """As `sleeves`, with the dataset in the key that the protocol's hash sees."""
    photos = []
    for query, angle, value in rows:
        (found,) = of(source, [photo(folder, query, angle, {"sleeve": value}, prefix=f"{source}/")])
        photos.append(found)
    return photos


SHOP = [(CANDIDATE, 0, "long"), (CANDIDATE, 10, "short"), (QUERY, 1, "long")]  # L S: AP 1
STREET = [(CANDIDATE, 20, "short"), (CANDIDATE, 60, "long"), (QUERY, 59, "long"), (QUERY, 61, "short")]  # L S: AP 1 and 1/2


def test_datasets_golden(tmp_path):
    photos = query_names(tmp_path, "shop", SHOP) + query_names(tmp_path, "street", STREET)
    report = measured(FakeEngine(), Datasets(FakeEngine.vocabulary, photos))
    assert dict(report.photos) == {"shop": 3, "street": 4}
    assert report.macro("shop", "shop") == 1
    assert report.macro("street", "street") == pytest.approx(0.75)
    # From 1 degree the street's are S L: AP 1/2; from 59 and 61 the shop's are S L: 1/2 and 1.
    assert report.macro("shop", "street") == 0.5
    assert report.macro("street", "shop") == pytest.approx(0.75)
    assert report.chance("street", "shop") == pytest.approx(0.75)
    assert report.own["street"].macro == pytest.approx(0.75)
    found = plain(report)
    assert found["shift"]["shop"]["street"]["macro_map"] == 0.5
    assert found["own"]["shop"]["attributes"]["sleeve"]["queries"] == 1
    assert found["compared_attributes"] == ["sleeve"]
    shown = text_of(report.table())
    assert "among street" in shown
    assert "photos" in shown


def test_only_attributes_of_all_cells_are_compared(tmp_path):
    photos = query_names(tmp_path, "shop", SHOP) + query_names(tmp_path, "street", STREET)
    rows = ((QUERY, 70, "v"), (CANDIDATE, 71, "v"), (CANDIDATE, 80, "round"))
    necks = [photo(tmp_path, q, a, {"neckline": v}, prefix="shop/") for q, a, v in rows]
    report = measured(FakeEngine(), Datasets(FakeEngine.vocabulary, photos + of("shop", necks)))
    assert report.attributes == ("sleeve",)
    assert report.macro("shop", "shop") == 1
    assert report.own["shop"].scores["neckline"].map == 1
    assert "neckline" not in report.own["street"].scores
    assert report.cells["street", "shop"]["neckline"].map is None


def test_an_attribute_of_one_value_in_a_dataset_says_nothing_there(tmp_path):
    photos = query_names(tmp_path, "shop", SHOP) + query_names(tmp_path, "street", STREET)
    for source, values in (("shop", ("v", "v")), ("street", ("v", "round"))):
        rows = ((QUERY, 70, "v"), *((CANDIDATE, 71 + 9 * i, v) for i, v in enumerate(values)))
        folder = tmp_path / source
        photos += of(source, [photo(folder, q, a, {"neckline": v}, prefix=f"{source}/") for q, a, v in rows])
    report = measured(FakeEngine(), Datasets(FakeEngine.vocabulary, photos))
    assert list(report.own["shop"].scores) == ["sleeve"]
    assert list(report.own["street"].scores) == ["neckline", "sleeve"]
    assert report.cells["street", "shop"]["neckline"].map == 1
    assert report.attributes == ("sleeve",)
    assert "100.0" in text_of(report.table())


def test_a_dataset_without_queries_has_no_figure(tmp_path):
    photos = query_names(tmp_path, "shop", SHOP) + query_names(tmp_path, "street", STREET[:1])
    report = measured(FakeEngine(), Datasets(FakeEngine.vocabulary, photos))
    assert report.own["street"] is None
    assert report.attributes == ()
    assert report.macro("shop", "shop") is None
    assert report.own["shop"].macro == 1
    assert plain(report)["own"]["street"] is None
    assert "–" in text_of(report.table())


def test_datasets_refuse_a_single_one(tmp_path):
    with pytest.raises(DataError, match="there must be two"):
        Datasets(FakeEngine.vocabulary, query_names(tmp_path, "shop", SHOP))


def test_reports_share_a_pass(tmp_path):
    photos = query_names(tmp_path, "shop", SHOP) + query_names(tmp_path, "street", STREET)
    engine = FakeEngine()
    measures = [Retrieval(engine.vocabulary, photos), Datasets(engine.vocabulary, photos)]
    run(engine, measures)
    assert set(engine.looks.values()) == {1}
    assert isinstance(measures[0].report(), Report)
