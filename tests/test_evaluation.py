"""Evaluation: figures worked by hand on a circle, a slow oracle, and refusals."""

from __future__ import annotations

import io
import json
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from fake_engine import FakeEngine, FakeGallery, paint
from PIL import Image
from rich.console import Console

from asen_core.data.labels import Photo, is_query
from asen_core.errors import DataError, PhotoError
from asen_core.evaluation import (
    AgainstGallery,
    Localisation,
    Retrieval,
    evaluate,
    evaluate_gallery,
    evaluate_regions,
    photos_with_regions,
    run,
)
from asen_core.types import Box, Item

QUERY, CANDIDATE = True, False


def photo(folder: Path, query: bool, angle: int, labels: dict[str, str], prefix: str = "", **painted: int) -> Photo:
    """A painted photo whose name, after the prefix, the protocol's hash makes a query or a candidate."""
    names = (f"{angle}-{i}.png" for i in count())
    key = next(k for k in names if is_query(prefix + k) == query and not (folder / k).exists())
    return Photo(key, paint(folder / key, angle, **painted), labels)


def sleeves(folder: Path, rows: list[tuple[bool, int, str]]) -> list[Photo]:
    return [photo(folder, query, angle, {"sleeve": value}) for query, angle, value in rows]


def text_of(table) -> str:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text()


GOLDEN = [
    (CANDIDATE, 0, "long"),
    (CANDIDATE, 10, "short"),
    (CANDIDATE, 20, "long"),
    (CANDIDATE, 40, "short"),
    (QUERY, 2, "long"),  # sees L S L S: AP (1 + 2/3) / 2 = 5/6
    (QUERY, 38, "short"),  # sees S L S L: AP 5/6
    (QUERY, 12, "long"),  # sees S L L S: AP (1/2 + 2/3) / 2 = 7/12
]


def test_retrieval_golden(tmp_path):
    report = evaluate(FakeEngine(), sleeves(tmp_path, GOLDEN))
    score = report.scores["sleeve"]
    assert score.map == pytest.approx((5 / 6 + 5 / 6 + 7 / 12) / 3)
    assert (score.queries, score.unanswerable, score.candidates) == (3, 0, 4)
    assert score.recalls[1] == pytest.approx(2 / 3)
    assert score.recalls[10] == 1
    # The fake reads value number 0, "long", everywhere; four of seven are.
    assert score.accuracy == pytest.approx(4 / 7)
    assert list(report.scores) == ["sleeve"]
    assert "75.0" in text_of(report.table())
    assert json.loads(json.dumps(report.to_dict()))["attributes"]["sleeve"]["recalls"]["1"] == pytest.approx(2 / 3)


def test_micro_weighs_by_queries_and_macro_does_not(tmp_path):
    photos = sleeves(tmp_path, GOLDEN)
    photos.append(photo(tmp_path, CANDIDATE, 100, {"neckline": "v"}))
    photos.append(photo(tmp_path, QUERY, 101, {"neckline": "v"}))
    report = evaluate(FakeEngine(), photos)
    assert report.scores["neckline"].map == 1
    assert report.macro == pytest.approx((0.75 + 1) / 2)
    assert report.micro == pytest.approx((3 * 0.75 + 1) / 4)


def test_a_query_without_relevant_candidate_is_counted_apart(tmp_path):
    rows = [(CANDIDATE, 0, "long"), (QUERY, 1, "long"), (QUERY, 2, "short")]
    score = evaluate(FakeEngine(), sleeves(tmp_path, rows)).scores["sleeve"]
    assert (score.map, score.queries, score.unanswerable) == (1, 1, 1)


def test_an_attribute_without_query_has_no_figure_and_stays_out_of_the_means(tmp_path):
    photos = [*sleeves(tmp_path, GOLDEN), photo(tmp_path, CANDIDATE, 100, {"neckline": "v"})]
    report = evaluate(FakeEngine(), photos)
    assert report.scores["neckline"].map is None
    assert report.macro == pytest.approx(0.75)
    assert report.to_dict()["attributes"]["neckline"]["map"] is None
    assert "–" in text_of(report.table())


@pytest.mark.parametrize("seed", range(5))
def test_retrieval_against_slow_oracle(tmp_path, seed):
    rng = np.random.default_rng(seed)
    # Candidates at multiples of 4 degrees, queries at odd ones: no two candidates are equally far from a query.
    angles = [(CANDIDATE, 4 * a) for a in range(45)] + [(QUERY, 2 * int(a) + 1) for a in rng.permutation(90)[:15]]
    rows = [(query, angle, ("long", "short")[rng.integers(2)]) for query, angle in angles]
    score = evaluate(FakeEngine(), sleeves(tmp_path, rows)).scores["sleeve"]
    precisions = []
    for _, angle, value in (r for r in rows if r[0]):
        ranked = sorted((r for r in rows if not r[0]), key=lambda r: -np.cos(np.radians(r[1] - angle)))
        hits, points = 0, []
        for rank, (_, _, other) in enumerate(ranked, 1):
            if other == value:
                hits += 1
                points.append(hits / rank)
        precisions.append(sum(points) / len(points))
    assert score.map == pytest.approx(np.mean(precisions), abs=1e-6)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([{"sleeve": "lnog"}, {"sleeve": "lnog"}, {"sleeve": "long"}], r"sleeve='lnog' \(2 photos\)"),
        ([{"colour": "red"}], "no attribute that this checkpoint knows"),
        ([], "no attribute that this checkpoint knows"),
        ([{"sleeve": "long"}], "30 % are queries"),
    ],
)
def test_refuses_labels(tmp_path, labels, says):
    photos = [photo(tmp_path, CANDIDATE, i, known) for i, known in enumerate(labels)]
    with pytest.raises(DataError, match=says):
        evaluate(FakeEngine(), photos)


def test_refuses_unknown_attribute_and_photo_listed_twice(tmp_path):
    photos = sleeves(tmp_path, GOLDEN)
    with pytest.raises(DataError, match="No label for neckline"):
        evaluate(FakeEngine(), photos, ["neckline"])
    with pytest.raises(DataError, match="listed twice"):
        evaluate(FakeEngine(), [*photos, photos[0]])


def test_missing_photos_are_counted_named_and_refused(tmp_path):
    photos = sleeves(tmp_path, GOLDEN)
    for lost in photos[:4]:
        lost.path.unlink()
    engine = FakeEngine()
    with pytest.raises(DataError, match="4 of 7 photos are not there") as caught:
        evaluate(engine, photos)
    assert photos[2].path.name in str(caught.value)
    assert photos[3].path.name not in str(caught.value)
    assert not engine.looks


def test_damaged_photo_is_refused(tmp_path):
    photos = sleeves(tmp_path, GOLDEN)
    photos[3].path.write_bytes(b"not a picture")
    with pytest.raises(PhotoError):
        evaluate(FakeEngine(), photos)


def test_one_pass_serves_all_measures(tmp_path):
    regions = {"neckline": (Box(0, 0, 1, 1),)}
    photos = [Photo(p.key, p.path, p.labels, regions) for p in sleeves(tmp_path, GOLDEN)]
    engine = FakeEngine(FakeGallery([(Item("a", "a.webp", {"sleeve": "long"}), 0)]))
    measures = [
        Retrieval(engine.vocabulary, photos),
        Localisation(engine.vocabulary, photos, by_label=True),
        AgainstGallery(engine, photos, ("sleeve",)),
    ]
    run(engine, measures)
    assert set(engine.looks.values()) == {1}
    assert len(engine.looks) == len(GOLDEN)
    assert measures[1].report().places["neckline"].photos == len(GOLDEN)
    run(engine, [])


# A 200 x 100 photo lies in the 64 px input at y 16 to 48; a cell is 16 input pixels, 50 of the photo.
# Cell (1, 0) has its centre at x 25, y 25; cell (2, 3) at x 175, y 75. The RoI is x 0 to 100.
PLACES = [
    # row, col, boxes, peak inside, share of boxes in the RoI
    (1, 0, (Box(0, 0, 0.25, 0.5),), 1, 1),
    (2, 3, (Box(0, 0, 0.25, 0.5),), 0, 1),
    (2, 3, (Box(0.75, 0.5, 1, 1),), 1, 0),
    (2, 3, (Box(0, 0, 0.25, 0.5), Box(0.75, 0.5, 1, 1)), 1, 0.5),
    (1, 0, (Box(0.25, 0, 0.75, 1),), 0, 0.5),
]


@pytest.mark.parametrize(("row", "col", "boxes", "pointing", "covered"), PLACES)
def test_localisation_golden(tmp_path, row, col, boxes, pointing, covered):
    path = paint(tmp_path / "a.png", 1, row, col)
    place = evaluate_regions(FakeEngine(), [Photo("a.png", path, regions={"sleeve": boxes})], by_label=False).places["sleeve"]
    assert (place.region, place.photos, place.pointing) == ("sleeve", 1, pointing)
    assert place.covered == pytest.approx(covered)
    assert place.roi == pytest.approx(0.5)


def test_attention_inside_is_the_share_of_cells(tmp_path):
    path = paint(tmp_path / "a.png", 1, 1, 0)
    inside = Photo("a.png", path, regions={"sleeve": (Box(0, 0, 0.25, 0.5),), "neckline": (Box(0, 0, 1, 1),)})
    places = evaluate_regions(FakeEngine(), [inside], by_label=False).places
    # One cell of 0.7 in the box; over the whole photo lie 8 of the 16 cells, seven of 0.02 beside it.
    assert places["sleeve"].attention == pytest.approx(0.7, abs=1e-5)
    assert places["neckline"].attention == pytest.approx(0.84, abs=1e-5)


def test_localisation_means_and_absent_regions(tmp_path):
    photos = [
        Photo("a", paint(tmp_path / "a.png", 1, 1, 0), regions={"sleeve": (Box(0, 0, 0.25, 0.5),)}),
        Photo("b", paint(tmp_path / "b.png", 2, 2, 3), regions={"sleeve": (Box(0, 0, 0.25, 0.5),)}),
        Photo("c", paint(tmp_path / "c.png", 3, 1, 0), regions={"closure": (Box(0, 0, 0.25, 0.5),)}),
    ]
    report = evaluate_regions(FakeEngine(), photos, by_label=False)
    assert report.places["sleeve"].pointing == 0.5
    assert report.places["neckline"].pointing is None
    assert report.pointing == pytest.approx((0.5 + 1) / 2)
    assert json.loads(json.dumps(report.to_dict()))["mean"]["pointing"] == pytest.approx(0.75)
    assert "75.0" in text_of(report.table())


@pytest.mark.parametrize(("by_label", "tops", "bottoms"), [(True, 1, 0), (False, 2, 2)])
def test_hem_counts_for_the_labelled_length(tmp_path, by_label, tops, bottoms):
    hem = {"hem": (Box(0, 0.5, 1, 1),)}
    for name in "ab":
        paint(tmp_path / f"{name}.png", 1)
    labelled = [Photo("a.png", tmp_path / "a.png", {"top_length": "hip"})]
    photos = photos_with_regions({"a.png": hem, "b.png": hem}, tmp_path, labelled)
    report = evaluate_regions(FakeEngine(), photos, by_label)
    assert (report.places["top_length"].photos, report.places["bottom_length"].photos) == (tops, bottoms)
    assert ("both lengths" in report.note) != by_label


@pytest.mark.parametrize("regions", [{}, {"garment": (Box(0, 0, 1, 1),)}])
def test_localisation_refuses_photos_without_a_fitting_region(tmp_path, regions):
    with pytest.raises(DataError, match="No photo has a marked region"):
        evaluate_regions(FakeEngine(), [Photo("a", paint(tmp_path / "a.png", 1), regions=regions)], by_label=False)


def gallery_of(values: str) -> FakeGallery:
    """One item per degree; L long, S short, - unlabelled."""
    names = {"L": {"sleeve": "long"}, "S": {"sleeve": "short"}, "-": {}}
    return FakeGallery([(Item(str(i), f"{i}.webp", names[v]), i) for i, v in enumerate(values)])


def test_precision_against_gallery_golden(tmp_path):
    engine = FakeEngine(gallery_of("LLS-LSSS"))
    photos = sleeves(tmp_path, [(QUERY, 0, "long"), (CANDIDATE, 7, "short"), (QUERY, 90, "short")])
    report = evaluate_gallery(engine, photos, ("sleeve",), k=4)
    row = report.attributes["sleeve"]
    # From 0: L L S - has 2 of 4 long; from 7 and from 90: S S S L has 3 of 4 short.
    assert row.values["long"].precision == 0.5
    assert row.values["short"].precision == 0.75
    assert (row.precision, row.photos) == (pytest.approx(2 / 3), 3)
    assert row.values["long"].chance == pytest.approx(3 / 8)
    assert row.chance == pytest.approx((3 / 8 + 4 / 8 + 4 / 8) / 3)
    assert report.mean == pytest.approx(2 / 3)
    assert "66.7" in text_of(report.table())
    assert json.loads(json.dumps(report.to_dict()))["k"] == 4


def test_a_gallery_smaller_than_k_can_not_reach_full_precision(tmp_path):
    engine = FakeEngine(gallery_of("LL"))
    report = evaluate_gallery(engine, sleeves(tmp_path, [(QUERY, 0, "long")]), ("sleeve",), k=4)
    assert report.mean == 0.5


def test_gallery_refuses_unlabelled_attribute(tmp_path):
    with pytest.raises(DataError, match="No label for neckline"):
        evaluate_gallery(FakeEngine(gallery_of("L")), sleeves(tmp_path, GOLDEN), ("sleeve", "neckline"))


def test_one_photo_with_alpha_is_measured(tmp_path):
    Image.new("RGBA", (20, 20), (1, 0, 0, 255)).save(tmp_path / "a.png")
    report = evaluate_regions(FakeEngine(), [Photo("a", tmp_path / "a.png", regions={"sleeve": (Box(0, 0, 1, 1),)})], False)
    assert report.places["sleeve"].photos == 1
