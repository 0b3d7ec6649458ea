"""The verbs of saved searches: what they print, their JSON and page, and that telling is what makes a hit told."""

from __future__ import annotations

import json
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner
from watched import NAMES, Made, direction, gallery

from asen_core.cli.watch import after_index, watch
from asen_core.types import Frame, View
from asen_core.types import Garment as Photo

START = {"a": Made(20, labels={"category": "dress"}), "b": Made(40, 10, labels={"category": "shirt"}), "c": Made(80)}
MORE = START | {"d": Made(10, labels={"category": "dress", "brand": "<b>Böse & Söhne</b>"}), "e": Made(5)}
MAIN = typer.Typer()
MAIN.add_typer(watch, name="watch")


class LookingEngine:
    """Sees every photo at 0 degrees; its gallery is a real one."""

    def __init__(self, folder: Path) -> None:
        from asen_core.gallery import Gallery

        self.gallery = Gallery.open(folder)

    def look(self, photo: Photo, attributes: list[str]) -> dict[str, View]:
        even = np.full((2, 2), 0.25, np.float32)
        return {a: View(a, direction(0), even, photo.box, Frame(64, 1, 0, 0), 2) for a in attributes}


@pytest.fixture
def shirt(tmp_path, monkeypatch):
    """A photo, with a gallery `g` and an engine that needs no weights; without an engine where `run` must not need it."""
    from PIL import Image

    import asen_core.engine

    monkeypatch.delenv("ASEN_WATCHES", raising=False)
    monkeypatch.setattr(asen_core.engine.Engine, "open", lambda checkpoint, folder, device="auto": LookingEngine(folder))
    gallery(tmp_path / "g", START)
    Image.new("RGB", (60, 90), "navy").save(tmp_path / "shirt.png")
    return tmp_path / "shirt.png"


def call(*arguments: object, code: int = 0):
    result = CliRunner().invoke(MAIN, ["watch", *map(str, arguments)])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


def asked(tmp_path: Path, *arguments: object):
    return json.loads(call(*arguments, "--gallery", tmp_path / "g", "--json").stdout)


@pytest.mark.parametrize("verb", ["add", "run", "list", "show", "renew", "remove"])
def test_help_has_examples_that_name_the_verb(verb):
    shown = call(verb, "--help").stdout
    assert f"python -m asen_core watch {verb}" in shown


def test_from_adding_to_news_that_are_told_once(tmp_path, shirt):
    said = call("add", shirt, "neckline", "--name", "spring blouse", "--gallery", tmp_path / "g")
    assert "spring blouse: neckline; closer than 0.940, a" in said.stdout
    assert "0 garments are that close already" in said.stderr
    assert "Nothing new: spring blouse." in call("run", "--gallery", tmp_path / "g").stdout
    gallery(tmp_path / "g", MORE)
    shown = call("run", "--gallery", tmp_path / "g").stdout
    assert "2 new" in shown
    assert shown.index("0.996") < shown.index("0.985")
    assert "Böse" in shown
    assert "Nothing new" in call("run", "--gallery", tmp_path / "g").stdout


def test_json_counts_and_lists_all(tmp_path, shirt):
    made = asked(tmp_path, "add", shirt, "neckline", "--name", "x", "--least", 0.5, "--where", "category=dress")
    assert (made["known"], made["threshold"]) == (1, {"least": 0.5, "closer_than": None, "beaten": False})
    assert made["question"] == {"weights": {"neckline": 1.0}, "unlike": {}, "where": {"category": ["dress"]}}
    gallery(tmp_path / "g", MORE)
    found = asked(tmp_path, "run", "x", "-k", 1)
    assert (found["total"], found["new"], found["failed"]) == (1, {"x": 1}, {})
    (hit,) = found["watches"][0]["new"]
    assert (hit["id"], hit["labels"]["brand"]) == ("d", "<b>Böse & Söhne</b>")
    assert Path(hit["image"]).is_file()
    assert hit["similarity"] == pytest.approx(np.cos(np.radians(10)), abs=1e-3)
    assert asked(tmp_path, "run")["total"] == 0
    shown = asked(tmp_path, "show", "x")
    assert [(h["id"], h["known"], bool(h["told"])) for h in shown["hits"]] == [("d", False, True), ("a", True, False)]
    (listed,) = asked(tmp_path, "list")["watches"]
    assert (listed["name"], listed["known"], listed["told"], listed["waiting"]) == ("x", 1, 1, 0)
    assert listed["ran"] is not None


def test_more_than_are_shown_are_counted(tmp_path, shirt):
    call("add", shirt, "neckline", "--name", "x", "--gallery", tmp_path / "g")
    gallery(tmp_path / "g", START | {f"n{i}": Made(i / 10) for i in range(30)})
    shown = call("run", "-k", 4, "--gallery", tmp_path / "g").stdout
    assert "30 new" in shown
    assert "… and 26 more" in shown


def test_list_and_show_in_words(tmp_path, shirt):
    assert "watch add PHOTO" in call("list", "--gallery", tmp_path / "g").stdout
    assert "watch add PHOTO" in call("run", "--gallery", tmp_path / "g").stdout
    call("add", shirt, "sleeve", "--name", "[b]x[/b]", "--than", "b", "--gallery", tmp_path / "g")
    assert "[b]x[/b]" in call("list", "--gallery", tmp_path / "g").stdout
    assert "Nothing is that close yet" in call("show", "[b]x[/b]", "--gallery", tmp_path / "g").stdout
    gallery(tmp_path / "g", START | {"n": Made(90, 5)})
    call("run", "--gallery", tmp_path / "g")
    shown = call("show", "[b]x[/b]", "--gallery", tmp_path / "g").stdout
    assert "[b]x[/b]: sleeve; closer than 0.985, b" in shown
    assert "0.996" in shown


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [v for k, v in attrs if k in ("src", "href")]

    def handle_data(self, data):
        self.text += data


def test_the_page_holds_all_and_trusts_nothing(tmp_path, shirt):
    evil = '<script>alert(1)</script>"&'
    call("add", shirt, "neckline", "--name", evil, "--gallery", tmp_path / "g")
    call("add", shirt, "sleeve", "--name", "quiet", "--gallery", tmp_path / "g")
    gallery(tmp_path / "g", MORE)
    said = call("run", "--out", tmp_path / "new" / "report.html", "--gallery", tmp_path / "g")
    assert "report.html" in said.stderr
    page = Reader()
    page.feed((tmp_path / "new" / "report.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert "b" in page.tags  # the similarity; the label's own tags are text
    assert evil in unescape(page.text)
    assert "<b>Böse & Söhne</b>" in page.text
    assert "2 new" in page.text
    assert "nothing new" in page.text
    assert page.text.index("2 new") < page.text.index("quiet")
    assert len(page.sources) == 4  # two searches, two hits
    assert all(s.startswith("data:image/webp;base64,") for s in page.sources)


def test_a_page_of_many_hits_stays_small(tmp_path, shirt, monkeypatch):
    monkeypatch.setattr("asen_core.cli.watch_page.PICTURED", 5)
    monkeypatch.setattr("asen_core.cli.watch_page.LISTED", 7)
    call("add", shirt, "neckline", "--name", "x", "--gallery", tmp_path / "g")
    gallery(tmp_path / "g", START | {f"n{i:02d}": Made(i / 10) for i in range(30)})
    call("run", "--out", tmp_path / "report.html", "--gallery", tmp_path / "g")
    page = Reader()
    page.feed((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert (page.tags.count("figure"), page.tags.count("tr")) == (5, 8)
    assert "And 18 more" in page.text


def test_a_page_that_can_not_be_written_tells_nothing(tmp_path, shirt):
    call("add", shirt, "neckline", "--name", "x", "--gallery", tmp_path / "g")
    gallery(tmp_path / "g", MORE)
    (tmp_path / "file").write_text("")
    assert "can't be written" in str(
        call("run", "--out", tmp_path / "file" / "r.html", "--gallery", tmp_path / "g", code=1).exception
    )
    assert asked(tmp_path, "run")["total"] == 2


def test_renew_and_remove(tmp_path, shirt):
    call("add", shirt, "neckline", "--name", "x", "--gallery", tmp_path / "g")
    gallery(tmp_path / "g", MORE, "e" * 64)
    said = call("run", "--gallery", tmp_path / "g")
    assert "x was not asked: It was saved with checkpoint ffffffffffff" in said.stderr
    assert asked(tmp_path, "renew", "x", shirt)["threshold"]["closer_than"] == "e"
    assert asked(tmp_path, "run")["failed"] == {}
    assert "is removed" in call("remove", "x", "--gallery", tmp_path / "g").stderr
    assert asked(tmp_path, "list")["watches"] == []
    assert "no saved search 'x'" in str(call("remove", "x", "--gallery", tmp_path / "g", code=1).exception)


def test_after_an_index_what_is_new_is_announced_and_waits(tmp_path, shirt, capsys):
    gallery(tmp_path / "g", START)
    assert after_index(tmp_path / "g") == {}
    call("add", shirt, "neckline", "--name", "x", "--gallery", tmp_path / "g")
    gallery(tmp_path / "g", MORE)
    assert after_index(tmp_path / "g") == {"x": 2}
    assert "Saved search x: 2 new; see them with: python -m asen_core watch run --gallery" in capsys.readouterr().err
    assert asked(tmp_path, "run")["total"] == 2
    (tmp_path / "g" / "watches.sqlite").write_text("spoiled" * 100)
    assert after_index(tmp_path / "g") == {}
    assert "The saved searches were not asked: The saved searches in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["neckline", "--name", "x", "--than", "a", "--least", "0.5"], "not both"),
        (["neckline=much", "--name", "x"], "neckline=0.7"),
        (["neckline", "--name", "x", "--where", "blue"], "LABEL=VALUE"),
        (["neckline"], "--name"),
    ],
)
def test_wrong_usage_exits_with_2(shirt, arguments, says):
    assert says in " ".join(call("add", shirt, *arguments, code=2).stderr.replace("│", " ").split())


def test_watching_needs_no_model(tmp_path):
    """In a fresh interpreter: asking again loads neither torch nor a checkpoint."""
    import subprocess
    import sys

    gallery(tmp_path / "g", START)
    script = (
        "import sys; from asen_core.cli.watch import watch\n"
        f"try: watch(['run', '--gallery', {str(tmp_path / 'g')!r}])\n"
        "except SystemExit: pass\n"
        "print('torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr.strip() == "False"
    assert NAMES
