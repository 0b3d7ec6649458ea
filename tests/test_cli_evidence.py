"""The verb `evidence`: a pack written, checked, of folders and of a case, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from screened import NOW, opened, suspects
from tiny import photo
from typer.testing import CliRunner

from asen_core.cli import app
from asen_core.review.cases import Cases
from asen_core.review.screening import screen
from asen_core.review.triage import Settings

AT = ("--date", "2026-01-31T10:00:00Z", "--device", "cpu", "--no-explain")


def call(*arguments: object, code: int = 0):
    result = CliRunner().invoke(app, ["evidence", *(str(a) for a in arguments)])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("home")
    opened(home)
    for folder, count in (("one", 1), ("seven", 7), ("eight", 8), ("none", 0)):
        (home / folder).mkdir()
        for i in range(count):
            Image.fromarray(photo(90, 60, count + i)).save(home / folder / f"{i}.jpg")
    return home


@pytest.fixture(scope="module")
def engine(home):
    return opened(home)


@pytest.fixture(scope="module")
def given(home, engine) -> tuple[object, ...]:
    return ("--checkpoint", home / "checkpoint", "--gallery", engine.gallery.directory, *AT)


def test_a_pack_is_written_and_checked(home, given, tmp_path):
    first, second = home / "one" / "0.jpg", home / "seven"
    said = call(first, second, "--out", tmp_path / "p.pdf", "--reviewer", "A. Smith", "--title", "T", *given)
    assert "p.pdf" in said.stderr
    assert (tmp_path / "p.pdf").read_bytes().startswith(b"%PDF")
    found = json.loads((tmp_path / "p.json").read_bytes())
    assert (found["reviewer"], found["title"], found["made_at"]) == ("A. Smith", "T", "2026-01-31T10:00:00Z")
    assert [d["name"] for d in found["designs"]] == ["0", "seven"]
    assert found["designs"][0]["photos"][0]["dated"] == ""
    shown = call("--check", tmp_path / "p.json", first, second, *given).stdout
    assert "All 12 figures agree." in shown
    assert shown.count("byte for byte") == 8
    found = json.loads(call("--check", tmp_path / "p.json", first, second, *given, "--json").stdout)
    assert found["agrees"] is True
    assert all(f["agrees"] for f in found["figures"])
    shown = call("--check", tmp_path / "p.json", second, second, *given, code=1).stdout
    assert "NOT a file of this pack" in shown
    assert "not computed anew" in shown


def test_a_forged_figure_ends_with_1(home, given, tmp_path):
    photos = home / "one", home / "seven" / "3.jpg"
    call(*photos, "--out", tmp_path / "p.pdf", "--json-out", tmp_path / "q.json", *given)
    stated = json.loads((tmp_path / "q.json").read_bytes())
    stated["features"]["sleeve"]["similarity"] -= 0.1
    (tmp_path / "q.json").write_text(json.dumps(stated))
    shown = call("--check", tmp_path / "q.json", *photos, *given, code=1).stdout
    assert "1 of 12 figures do NOT agree." in shown


def test_written_again_it_is_the_same(home, given, tmp_path):
    for name in ("a", "b"):
        call(home / "one", home / "seven" / "1.jpg", "--out", tmp_path / name / "p.pdf", *given)
    for kind in ("pdf", "json"):
        assert (tmp_path / "a" / f"p.{kind}").read_bytes() == (tmp_path / "b" / f"p.{kind}").read_bytes()


def test_file_dates_only_where_asked(home, given, tmp_path):
    call(home / "one", home / "one", "--out", tmp_path / "p.pdf", "--file-dates", *given)
    found = json.loads((tmp_path / "p.json").read_bytes())
    assert found["designs"][0]["photos"][0]["dated"].endswith("Z")


def test_a_case(home, engine, given, tmp_path):
    cases = Cases.open(tmp_path / "cases.sqlite")
    case = cases.create("Spring", engine.gallery, Settings(hits=1), time=NOW)
    screen(engine, case, [suspects(tmp_path / "s", 2)])
    case.decide(case.hits()[0], "alike", "A. Smith", NOW)
    options = ("--case", "Spring", "--cases", tmp_path / "cases.sqlite", "--checkpoint", home / "checkpoint", *AT)
    call("--out", tmp_path / "c.pdf", *options)
    found = json.loads((tmp_path / "c.json").read_bytes())
    assert (found["kind"], len(found["pairs"])) == ("case", 1)
    said = call("--out", tmp_path / "d.pdf", *options[:1], "Autumn", *options[2:], code=1).stderr
    assert "There is no case 'Autumn'" in said


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["a.jpg", "b.jpg"], 2, "--out"),
        (["a.jpg", "b.jpg", "--out", "p.txt"], 2, ".pdf"),
        (["a.jpg", "--out", "p.pdf"], 2, "FIRST and SECOND"),
        (["a.jpg", "b.jpg", "--out", "p.pdf", "--case", "c"], 2, "brings its own photos"),
        (["a.jpg", "b.jpg", "--out", "p.pdf", "--check", "p.json"], 2, "--check"),
        (["none", "one", "--out", "p.pdf"], 1, "0 photos, expected 1 to 7"),
        (["eight", "one", "--out", "p.pdf"], 1, "8 photos, expected 1 to 7"),
        (["absent.jpg", "one", "--out", "p.pdf"], 1, "There is no photo"),
        (["one", "one", "--out", "p.pdf", "--date", "yesterday"], 1, "2026-01-31T10:00:00Z"),
        (["one", "one", "--check", "one/0.jpg"], 1, "evidence pack"),
    ],
)
def test_what_is_refused(home, given, tmp_path, monkeypatch, arguments, code, says):
    monkeypatch.chdir(home)
    before = set(home.rglob("*"))
    options = [o for o in given if o not in AT[:2]] if "--date" in arguments else given
    result = call(*arguments, *options, code=code)
    assert says in " ".join(result.stderr.replace("│", " ").split())
    assert set(home.rglob("*")) == before


def test_pixels_decide_not_names(home, given, tmp_path):
    """A PNG under the name of a JPEG is named by what it is."""
    Image.fromarray(np.full((40, 30, 3), 200, np.uint8)).save(tmp_path / "x.jpg", "PNG")
    call(tmp_path / "x.jpg", home / "one", "--out", tmp_path / "p.pdf", *given)
    assert json.loads((tmp_path / "p.json").read_bytes())["designs"][0]["photos"][0]["format"] == "PNG"
