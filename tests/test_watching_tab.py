"""Saved searches on the page: what is saved of a search, when they are offered, and what is shown and thereby told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from watched import NAMES, Made, direction, gallery, noon, told

from asen_core.errors import QueryError
from asen_core.gallery.watches import Watches
from asen_core.gallery.watches.question import Question, Threshold
from asen_core.types import Box, Frame, Range, View
from asen_core.ui import present, watching, watching_view
from asen_core.ui.handlers import Visit
from asen_core.ui.mixing import Mix
from asen_core.ui.scratch import Scratch
from asen_core.ui.studio import Ask

START = {"a": Made(20, labels={"category": "dress"}), "b": Made(40, 10, labels={"category": "t_shirt"})}


@pytest.fixture(autouse=True)
def _own_machine(monkeypatch, tmp_path):
    for name in ("SPACE_ID", "GRADIO_SERVER_NAME", "ASEN_WATCHES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@dataclass
class Given:
    """A studio around a real gallery, and a visit whose photo stands at 0 degrees."""

    studio: SimpleNamespace
    visit: Visit


@pytest.fixture
def given(tmp_path) -> Given:
    Image.new("RGB", (30, 40), "teal").save(tmp_path / "photo.jpg")
    even = np.full((2, 2), 0.25, np.float32)
    views = {a: View(a, direction(0), even, Box(0, 0, 30, 40), Frame(64, 1, 0, 0), 2) for a in NAMES}
    (tmp_path / "scratch").mkdir()
    engine = SimpleNamespace(gallery=gallery(tmp_path / "g", START))
    studio = SimpleNamespace(engine=engine, scratch=Scratch(tmp_path / "scratch"))
    return Given(studio, Visit(SimpleNamespace(views=views, preview=tmp_path / "photo.jpg", item="")))


@pytest.mark.parametrize(
    ("ask", "question", "threshold"),
    [
        (Ask("neckline"), Question({"neckline": 1.0}), "closer than 0.940, a"),
        (Ask("sleeve", least=0.9), Question({"sleeve": 1.0}), "at least 0.900"),
        (
            Ask("neckline", where={"category": ["t_shirt"]}),
            Question({"neckline": 1.0}, where={"category": ["t_shirt"]}),
            "closer than 0.766, b",
        ),
        (
            Ask("neckline", mix=Mix({"neckline": 1.0}, ("sleeve",))),
            Question({"neckline": 1.0}, {"sleeve": None}),
            "closer than 0.940, a",
        ),
    ],
)
def test_what_is_saved_of_a_search(given, ask, question, threshold):
    saved = watching.save(given.studio, given.visit, ask, " mine ")
    assert (saved.name, saved.question, str(saved.threshold)) == ("mine", question, threshold)
    assert saved.attributes == NAMES
    assert watching.listed(given.studio)[0].picture == saved.picture


@pytest.mark.parametrize(
    ("visit", "ask", "name", "says"),
    [
        (Visit(), Ask("neckline"), "x", "no search to save yet"),
        (None, Ask("neckline", first=50), "x", "choose All under Among"),
        (None, Ask("neckline"), " ", "1 to 120"),
        (None, Ask("neckline"), "taken", "already"),
    ],
)
def test_what_can_not_be_saved_is_said(given, visit, ask, name, says):
    watching.save(given.studio, given.visit, Ask("neckline"), "taken")
    with pytest.raises(QueryError, match=says):
        watching.save(given.studio, visit or given.visit, ask, name)


@pytest.mark.parametrize(
    ("name", "value", "offered"),
    [("SPACE_ID", "me/space", False), ("GRADIO_SERVER_NAME", "0.0.0.0", False), ("GRADIO_SERVER_NAME", "127.0.0.1", True)],
)
def test_they_are_offered_on_ones_own_machine_only(given, monkeypatch, name, value, offered):
    monkeypatch.setenv(name, value)
    assert watching.offered(given.studio) == offered
    if not offered:
        for step in (
            lambda: watching.save(given.studio, given.visit, Ask("neckline"), "x"),
            lambda: watching.check(given.studio),
        ):
            with pytest.raises(QueryError, match="own machine only"):
                step()
        assert watching.listed(given.studio) == []
        assert not list(given.studio.engine.gallery.directory.glob("watches*"))


def test_photos_that_go_when_the_visitor_leaves_have_none(given):
    given.studio.engine.gallery = gallery(given.studio.scratch.folder() / "own", START)
    assert not watching.offered(given.studio)


def test_a_check_sees_what_was_indexed_since_and_tells_it_once(given, tmp_path):
    watching.save(given.studio, given.visit, Ask("neckline"), "x")
    gallery(tmp_path / "g", START | {"new": Made(5)})
    report = watching.check(given.studio)
    assert told(report) == {"x": ["new"]}
    assert watching.listed(given.studio)[0].waiting == 1
    watching.told(given.studio, report)
    assert watching.listed(given.studio)[0].waiting == 0
    assert told(watching.check(given.studio)) == {"x": []}
    watching.remove(given.studio, "x")
    assert watching.listed(given.studio) == []


def test_the_list_and_what_is_new_as_html(given, tmp_path):
    evil = "<i>x</i>"
    watching.save(given.studio, given.visit, Ask("neckline", where={"category": ["dress"]}), evil)
    found = gallery(tmp_path / "g", START | {f'n"{i:02d}': Made(i / 10, labels={"category": "dress"}) for i in range(30)})
    Watches.open(found).run(time=noon())
    before = watching_view.panel(watching.listed(given.studio), None, found.picture)
    assert "30 new" in before
    assert "tile" not in before
    report = watching.check(given.studio)
    shown = watching_view.panel(watching.listed(given.studio), report, found.picture)
    assert "<i>" not in shown
    assert "&lt;i&gt;x&lt;/i&gt;" in shown
    assert "alike in neckline, category dress; what is closer than 0.94" in shown
    assert shown.count('class="tile"') == watching_view.SHOWN
    assert "and 6 more" in shown
    assert 'data-id="n&quot;00"' in shown
    watching.told(given.studio, report)
    assert "nothing new" in watching_view.panel(watching.listed(given.studio), watching.check(given.studio), found.picture)


def test_another_checkpoint_is_said_in_the_list(given, tmp_path):
    watching.save(given.studio, given.visit, Ask("neckline"), "x")
    gallery(tmp_path / "g", START, "e" * 64)
    shown = watching_view.panel(watching.listed(given.studio), watching.check(given.studio), Path)
    assert "watch renew &quot;x&quot; PHOTO" in shown


def test_without_any_it_is_said_how_to_begin():
    assert "Save this search" in watching_view.panel([], None, Path)
    assert "<h2>Saved searches in &lt;b&gt;</h2>" in watching_view.panel([], None, Path, "<b>")


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (Question({"top_length": 1.0}), "alike in top length"),
        (Question({"neckline": 3.0, "sleeve": 1.0}), "alike in neckline (75 %) and sleeve length (25 %)"),
        (Question({"neckline": 1.0}, {"sleeve": None}), "alike in neckline, different in sleeve length"),
        (Question({"neckline": 1.0}, where={"price": Range(10, None)}), "alike in neckline, price from 10"),
        (Question({"neckline": 1.0}, where={"price": Range(None, 9.5)}), "alike in neckline, price up to 9.5"),
        (Question({"neckline": 1.0}, where={"price": Range(1, 2)}), "alike in neckline, price 1 to 2"),
    ],
)
def test_questions_in_words(question, text):
    assert watching_view.asked(question) == text


@pytest.mark.parametrize(
    ("threshold", "text"),
    [
        (Threshold(0.9), "what is at least 0.90 alike"),
        (Threshold(0.999), "what is at least 0.9990 alike"),
        (Threshold(0.9, "a", True), "what is closer than 0.90"),
        (Threshold(-1.0, "", True), "whatever passes the filter"),
    ],
)
def test_closeness_in_words(threshold, text):
    assert watching_view.closeness(threshold) == text


@pytest.mark.parametrize(("count", "text"), [(1, "1 new"), (99, "99 new"), (100, "99+ new")])
def test_badges(count, text):
    assert watching_view.badge(count) == text


def test_a_good_message_looks_different():
    assert 'class="notice good"' in present.notice("Saved.", good=True)
    assert 'class="notice"' in present.notice("Failed.")
