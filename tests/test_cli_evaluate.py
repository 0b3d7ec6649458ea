"""The verb `evaluate`: what each option adds to the JSON and to the tables, and what it refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from fake_engine import FakeEngine, FakeGallery, paint
from PIL import Image
from test_cli import call

from asen_core.data.labels import is_query
from asen_core.types import Item


@pytest.fixture
def opened(monkeypatch):
    """What `Engine.open` was called with; it opens the fake with a gallery of one garment per degree."""
    import asen_core.engine

    items = [(Item(str(i), f"{i}.webp", {"sleeve": "long"}), i) for i in range(120)]
    calls = []

    def open_fake(checkpoint=None, gallery=None, device="auto"):
        calls.append((checkpoint, gallery, device))
        return FakeEngine(FakeGallery(items))

    monkeypatch.setattr(asen_core.engine.Engine, "open", open_fake)
    return calls


def write(path: Path, columns: tuple[str, ...], rows: list[tuple]) -> Path:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


@pytest.fixture
def labelled(tmp_path):
    """A folder with photos, labels.csv and regions.csv; the marked sleeve holds the attention of half of them."""
    rows, marks = [], []
    for i in range(40):
        paint(tmp_path / "photos" / f"{i}.png", 2 * i, row=1, col=0 if i % 2 else 3)
        rows.append((f"photos/{i}.png", "test" if i < 30 else "train", "long" if i < 20 else "short", "extra"))
        marks.append((f"photos/{i}.png", "test" if i < 30 else "train", "sleeve", 0, 0, 0.25, 0.5))
    write(tmp_path / "labels.csv", ("image", "split", "sleeve", "kind"), rows)
    write(tmp_path / "regions.csv", ("image", "split", "region", "x0", "y0", "x1", "y1"), marks)
    return tmp_path


def test_evaluate_all_in_one_run(labelled, opened):
    arguments = ("--labels", labelled / "labels.csv", "--images", labelled, "--regions", labelled / "regions.csv")
    result = call("evaluate", *arguments, "--split", "test", "--against-gallery", "--json")
    found = json.loads(result.stdout)
    sleeve = found["retrieval"]["attributes"]["sleeve"]
    queries = sum(is_query(f"photos/{i}.png") for i in range(30))
    assert sleeve["queries"] + sleeve["unanswerable"] == queries
    assert sleeve["queries"] + sleeve["unanswerable"] + sleeve["candidates"] == 30
    assert found["localisation"]["attributes"]["sleeve"]["photos"] == 30
    assert found["localisation"]["mean"]["pointing"] == 0.5
    assert found["gallery"]["attributes"]["sleeve"]["photos"] == 30
    assert found["checkpoint"] == "fake"
    shown = call("evaluate", *arguments, "--gallery", "elsewhere").stdout
    assert "macro" in shown
    assert "peak inside" in shown
    assert opened[-1][1] == Path("elsewhere")


def test_evaluate_regions_alone(labelled, opened):
    found = json.loads(call("evaluate", "--images", labelled, "--regions", labelled / "regions.csv", "--json").stdout)
    assert "retrieval" not in found
    assert found["localisation"]["attributes"]["sleeve"]["photos"] == 40


def test_evaluate_refuses_missing_photos(labelled, opened):
    (labelled / "photos" / "3.png").unlink()
    result = call("evaluate", "--labels", labelled / "labels.csv", "--images", labelled, "--json", code=1)
    assert "1 of 40 photos are not there" in result.stderr
    assert not result.stdout


def test_evaluate_by_labels_also_tells_intervals_values_and_calibration(labelled, opened):
    arguments = ("--labels", labelled / "labels.csv", "--images", labelled)
    found = json.loads(call("evaluate", *arguments, "--json").stdout)
    sleeve = found["retrieval"]["attributes"]["sleeve"]
    assert sleeve["interval"][0] <= sleeve["map"] <= sleeve["interval"][1]
    assert set(sleeve["values"]) == {"long", "short"}
    # The fake reads "long" with 0.75 everywhere; half of them are.
    assert found["calibration"]["all"]["ece"] == pytest.approx(0.25)
    assert list(found) == ["checkpoint", "split", "retrieval", "calibration"]
    shown = call("evaluate", *arguments).stdout
    assert "ECE" in shown
    assert "  short" not in shown
    assert "  short" in call("evaluate", *arguments, "--values").stdout


@pytest.fixture
def crowd(tmp_path):
    """A crowd's answers: its `sleeve` is no value of the vocabulary, its `stripes` no attribute of it."""
    rows = []
    for i in range(40):
        paint(tmp_path / f"{i}.png", 2 * i)
        rows.append((f"{i}.png", 1 + i // 20, 2 - i % 2, "round" if i < 20 else "v"))
    return write(tmp_path / "labels.csv", ("image", "sleeve", "stripes", "neckline"), rows)


def test_evaluate_columns(crowd, opened):
    arguments = ("evaluate", "--labels", crowd, "--images", crowd.parent, "--column", "sleeve:sleeve")
    found = json.loads(call(*arguments, "--column", "stripes : closure", "--json").stdout)
    assert list(found) == ["checkpoint", "split", "retrieval", "calibration", "columns"]
    assert list(found["retrieval"]["attributes"]) == ["neckline"]
    assert {c: s["space"] for c, s in found["columns"]["columns"].items()} == {"sleeve": "sleeve", "stripes": "closure"}
    assert found["columns"]["columns"]["sleeve"]["map"] > found["columns"]["columns"]["stripes"]["map"]
    shown = call(*arguments, "--column", "neckline:neckline", "--column", "stripes:closure").stdout
    assert "stripes in closure" in shown
    assert "Calibration" not in shown  # nothing is left that the vocabulary knows


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ([], "sleeve='1' (20 photos)"),
        (["sleeve:sleeves"], "no space sleeves"),
        (["sleeve:sleeve", "plaid:closure"], "the column plaid"),
    ],
)
def test_evaluate_refuses_columns(crowd, opened, columns, says):
    given = [part for column in columns for part in ("--column", column)]
    result = call("evaluate", "--labels", crowd, "--images", crowd.parent, *given, code=1)
    assert says in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--labels or --regions"),
        (["--regions", "r.csv", "--against-gallery"], "needs --labels"),
        (["--regions", "r.csv", "--column", "a:sleeve"], "needs --labels"),
        (["--regions", "r.csv", "--figure-reliability", "f.png"], "needs --labels"),
        (["--labels", "l.csv", "--column", "sleeve"], "is not COLUMN:ATTRIBUTE"),
        (["--labels", "l.csv", "--column", ":sleeve"], "is not COLUMN:ATTRIBUTE"),
        (["--labels", "l.csv", "--column", "a:sleeve", "--column", "a:closure"], "given twice"),
        (["--labels", "l.csv", "--robustness-photos", "0"], "--robustness-photos"),
    ],
)
def test_evaluate_wrong_usage_exits_with_2(arguments, says):
    result = call("evaluate", "--images", ".", *arguments, code=2)
    assert says in " ".join(result.stderr.replace("│", " ").split())
    assert not result.stdout


def test_evaluate_by_dataset(tmp_path, opened):
    rows = []
    for i in range(60):
        source = ("shop", "street")[i % 2]
        paint(tmp_path / source / f"{i}.png", i)
        rows.append((source, f"{i}.png", "long" if i < 30 else "short"))
    labels = write(tmp_path / "labels.csv", ("dataset", "image", "sleeve"), rows)
    found = json.loads(call("evaluate", "--labels", labels, "--images", tmp_path, "--json").stdout)["datasets"]
    assert found["photos"] == {"shop": 30, "street": 30}
    assert found["shift"]["shop"]["street"]["macro_map"] > found["shift"]["shop"]["street"]["chance"]
    assert found["own"]["street"]["macro_map"] == found["shift"]["street"]["street"]["macro_map"]
    assert "among street" in call("evaluate", "--labels", labels, "--images", tmp_path).stdout


@pytest.mark.parametrize("given", ["--labels", "--regions"])
def test_evaluate_robustness(labelled, opened, given):
    arguments = ("evaluate", given, labelled / f"{given[2:]}.csv", "--images", labelled, "--robustness")
    found = json.loads(call(*arguments, "--robustness-photos", 4, "--json").stdout)["robustness"]
    assert (found["photos"], found["gallery_items"]) == (4, 120)
    assert found["changes"]["mirrored"]["attributes"]["sleeve"] == 1
    assert found["changes"]["darkened"]["mean"] < 1
    assert "darkened" in call(*arguments, "--gallery", "g").stdout
    assert opened[-1][1] == Path("g")


def test_evaluate_draws_the_reliability_curve_where_something_is_read(labelled, opened, monkeypatch):
    arguments = ("evaluate", "--labels", labelled / "labels.csv", "--images", labelled, "--json")
    result = call(*arguments, "--figure-reliability", labelled / "new" / "curve.png")
    json.loads(result.stdout)
    assert np.asarray(Image.open(labelled / "new" / "curve.png")).shape[2] == 3
    views = FakeEngine._view

    def unread(*given):
        view = views(*given)
        object.__setattr__(view, "readings", ())
        return view

    monkeypatch.setattr(FakeEngine, "_view", unread)
    result = call(*arguments, "--figure-reliability", labelled / "none.png")
    assert "calibration" not in json.loads(result.stdout)
    assert "nothing was read" in result.stderr
    assert not (labelled / "none.png").exists()


def test_evaluate_a_folder_as_train_reads_it(tmp_path, opened):
    rows = []
    for i in range(30):
        paint(tmp_path / "clothing_attributes" / f"{i}.png", 2 * i)
        rows.append((f"{i}.png", "test" if i < 28 else "train", 2 + i // 14, 1, 1))
    folder = tmp_path / "clothing_attributes"
    write(folder / "labels.csv", ("image", "split", "sleevelength", "collar", "neckline"), rows)
    found = json.loads(call("evaluate", "--labels", tmp_path, "--images", tmp_path, "--split", "test", "--json").stdout)
    assert set(found["retrieval"]["attributes"]) == {"neckline", "sleeve"}
    assert found["retrieval"]["attributes"]["sleeve"]["queries"] > 0
    assert "--split test" in call("evaluate", "--labels", tmp_path, "--images", tmp_path, code=1).stderr


def test_rendered_garments_are_measured_by_their_masks(tmp_path, opened):
    call("render", "--out", tmp_path, "--count", 8, "--seed", 3)
    arguments = ("--labels", tmp_path / "labels.csv", "--regions", tmp_path / "regions.csv", "--images", tmp_path)
    # The renderer knows values that the fake doesn't: its columns are read as free ones.
    columns = [part for a in FakeEngine.vocabulary for part in ("--column", f"{a}:{a}")]
    found = json.loads(call("evaluate", *arguments, *columns, "--json").stdout)["localisation"]
    marked = {name: place for name, place in found["attributes"].items() if place["photos"]}
    assert {"sleeve", "neckline"} <= set(marked)
    for place in marked.values():
        assert 0 < place["attention"] < 1
        assert 0 < place["covered"] <= 1
