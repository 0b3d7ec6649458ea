"""The verbs `screen` and `cases` on a tiny model: what they print, keep and refuse."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from screened import opened, suspects
from typer.testing import CliRunner

from asen_core.cli import app
from asen_core.review.cases import Cases


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    opened(folder)
    return folder


@pytest.fixture
def store(tmp_path) -> Path:
    return tmp_path / "cases.sqlite"


def call(*arguments: object, code: int = 0, given: str | None = None):
    result = CliRunner().invoke(app, [str(a) for a in arguments], input=given)
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


def screened(home: Path, store: Path, *arguments: object, code: int = 0):
    given = ("--store", store, "--gallery", home / "gallery", "--checkpoint", home / "checkpoint", "--device", "cpu")
    return call("screen", *arguments, "--case", "spring", *given, code=code)


@pytest.mark.parametrize("verb", ["screen", *(f"cases {v}" for v in ("list", "show", "decide", "export", "rename", "delete"))])
def test_help_has_examples_that_name_the_verb(verb):
    shown = call(*verb.split(), "--help").stdout
    assert f"python -m asen_core {verb}" in shown.split("Examples")[1]


def test_a_case_from_its_suspects_to_its_exports(home, store, tmp_path):
    folder = suspects(tmp_path / "s", 3)
    (folder / "x.txt").write_text("no photo")
    first = screened(home, store, folder, "--percentile", 0, "--hits", 2, "--json")
    found = json.loads(first.stdout)
    assert (found["case"], found["screened"], found["unreadable"], found["hits"], found["items"]) == ("spring", 3, 1, 18, 12)
    assert found["files_left_out"][0]["name"] == "x.txt"
    assert [q["undecided"] for q in found["queue"]] == [6, 6, 6]
    top = found["queue"][0]["top"]
    assert (top["pairs"], 0 <= top["percentile"] <= 100, Path(top["picture"]).is_file()) == (66, True, True)

    said = json.loads(
        call("cases", "decide", "spring", top["hit"], "--as", "alike", "--by", "Ada", "--store", store, "--json").stdout
    )
    assert (said["hits"][0]["decision"]["decision"], said["hits"][0]["decision"]["reviewer"]) == ("alike", "Ada")

    keep = ("--store", store, "--json")
    again = screened(home, store)
    assert "Not screened: x.txt" in again.stderr
    assert "3 suspects in the case spring" in again.stderr
    assert "most unusual first" in again.stdout
    hits = call("cases", "show", "spring", "--suspect", found["queue"][0]["suspect"], "--store", store).stdout
    assert "alike (Ada)" in hits
    assert len(json.loads(call("cases", "show", "spring", "--undecided", *keep).stdout)["queue"]) == 3

    out = call(
        "cases", "export", "spring", "--csv", tmp_path / "h.csv", "--training", tmp_path / "t", "--store", store, "--json"
    )
    told = json.loads(out.stdout)
    assert (told["csv"]["hits"], told["training"]["pairs"]) == (18, 1)
    with (tmp_path / "h.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 19
    assert (tmp_path / "t" / "pairs.csv").is_file()


def test_the_listing_renaming_and_deleting(home, store, tmp_path):
    assert "No cases" in call("cases", "list", "--store", store).stdout
    screened(home, store, suspects(tmp_path / "s", 1))
    assert "spring" in call("cases", "list", "--store", store).stdout
    assert "spring is now called autumn" in call("cases", "rename", "spring", "autumn", "--store", store).stderr
    assert [c["case"] for c in json.loads(call("cases", "list", "--store", store, "--json").stdout)["cases"]] == ["autumn"]
    call("cases", "delete", "autumn", "--store", store, given="n\n", code=1)
    assert Cases.open(store).list() == ["autumn"]
    call("cases", "delete", "autumn", "--yes", "--store", store)
    assert Cases.open(store).list() == []


def test_a_high_threshold_says_that_nothing_passes(home, store, tmp_path):
    shown = screened(home, store, suspects(tmp_path / "s", 1), "--percentile", 100).stdout
    hits = Cases.open(store).case("spring").hits()
    assert ("lower --percentile" in shown) == (not any(h.standing.percent == 100 for h in hits))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "A new case needs suspects"),
        (["nowhere"], 1, "nothing at"),
        (["s", "-a", "colour"], 1, "Unknown attribute colour"),
        (["s", "--hits", "0"], 2, "--hits"),
        (["s", "--percentile", "101"], 2, "--percentile"),
    ],
)
def test_screening_that_is_refused_leaves_no_case(home, store, tmp_path, monkeypatch, arguments, code, says):
    monkeypatch.chdir(tmp_path)
    suspects(tmp_path / "s", 1)
    assert says in screened(home, store, *arguments, code=code).stderr
    assert Cases.open(store).list() == []


def test_a_case_keeps_its_settings_and_catalogue(home, store, tmp_path):
    folder = suspects(tmp_path / "s", 1)
    screened(home, store, folder)
    assert "The case has its attributes" in screened(home, store, "--hits", 5, code=2).stderr
    other = tmp_path / "other"
    opened(other, items=3)
    assert "another catalogue" in screened(other, store, code=1).stderr


def test_only_files_that_are_no_photos_end_with_an_error(home, store, tmp_path):
    (tmp_path / "x.txt").write_text("no photo")
    assert "None of the 1 files" in screened(home, store, tmp_path / "x.txt", code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["show", "autumn"], 1, "no case 'autumn'"),
        (["show", "spring", "--suspect", "99"], 1, "no suspect 99"),
        (["decide", "spring", "1", "--as", "copied", "--by", "Ada"], 1, "one of alike"),
        (["decide", "spring", "1", "--as", "alike"], 2, "--by"),
        (["decide", "spring", "999", "--as", "alike", "--by", "Ada"], 1, "no hit 999"),
        (["export", "spring"], 2, "--csv FILE or --training DIR"),
        (["export", "spring", "--training", "t"], 1, "no hit is decided"),
        (["rename", "spring", " "], 1, "needs a name"),
    ],
)
def test_wrong_usage_is_explained(home, store, tmp_path, monkeypatch, arguments, code, says):
    monkeypatch.chdir(tmp_path)
    screened(home, store, suspects(tmp_path / "s", 1))
    assert says in " ".join(call("cases", *arguments, "--store", store, code=code).stderr.split())
