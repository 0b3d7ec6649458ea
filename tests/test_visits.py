"""What is kept of visits, for how long, and what goes with them."""

import sys
import time
from types import SimpleNamespace

import gradio as gr
import pytest
from fakes import FakeEngine, FakeGallery

from asen_core.errors import QueryError
from asen_core.ui import busy, handlers
from asen_core.ui.find_alike import FindAlike
from asen_core.ui.handlers import Visit
from asen_core.ui.scratch import Scratch
from asen_core.ui.server import memory, visits
from asen_core.ui.server.uploads import Uploads
from asen_core.ui.server.visits import Visits
from asen_core.ui.studio import Studio


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def kept():
    forgotten = []
    with gr.Blocks(analytics_enabled=False) as page:
        state = gr.State(None, delete_callback=forgotten.append)
    page.state_session_capacity = 3
    clock = Clock()
    made = Visits(away=10, silent=100, clock=clock)
    made.set_blocks(page)
    return SimpleNamespace(visits=made, state=state._id, clock=clock, forgotten=forgotten)


def with_photo(name="photo.jpg"):
    return Visit(query=SimpleNamespace(photo=name))


@pytest.mark.parametrize(
    ("came", "left", "photo", "seconds", "over"),
    [
        (True, False, True, 1000, False),
        (True, True, True, 9, False),
        (True, True, True, 11, True),
        (False, False, True, 99, False),  # a page whose connection doesn't get through
        (False, False, True, 101, True),
        (False, False, False, 9, False),
        (False, False, False, 11, True),  # a program
    ],
)
def test_how_long_a_visit_is_kept(kept, came, left, photo, seconds, over):
    if came:
        kept.visits.arrive("a")
    kept.visits["a"][kept.state] = with_photo() if photo else None
    if left:
        kept.visits.leave("a")
    kept.clock.now += seconds
    assert kept.visits.tidy() == (["a"] if over else [])
    assert ("a" in kept.visits) is not over
    assert len(kept.forgotten) == over
    assert kept.visits.lost("a") is (over and photo)
    assert not kept.visits.lost("a")  # said once


def test_a_gallery_of_ones_own_is_kept_for_longer(kept):
    kept.visits.arrive("a")
    kept.visits["a"][kept.state] = Visit(own=SimpleNamespace(sent=["photo.jpg"]))
    kept.visits.leave("a")
    kept.clock.now += 99
    assert kept.visits.tidy() == []
    kept.clock.now += 2
    assert kept.visits.tidy() == ["a"]


def test_a_visit_that_waits_for_an_answer_is_kept(kept):
    kept.visits["a"][kept.state] = with_photo()
    kept.visits.occupied = lambda session: True
    kept.clock.now += 1e6
    assert kept.visits.tidy() == []


def test_what_is_kept_for_too_long_goes_from_an_open_page_too(kept):
    kept.visits.arrive("a")
    kept.visits["a"][kept.state] = with_photo()
    kept.visits.delete_state("a", expired_only=True)
    assert not kept.visits.lost("a")
    kept.visits.delete_state("a")
    assert len(kept.forgotten) == 1
    assert kept.visits.lost("a")
    assert kept.visits.here("a")


def test_what_ends_a_visit_comes_later_in_order_and_an_error_stops_no_other(kept, monkeypatch, capsys):
    later, gone = [], []

    def forget(visit):
        if visit.query.photo == "a":
            raise RuntimeError("a fault")
        gone.append(visit.query.photo)

    kept.visits.later = later.append
    monkeypatch.setattr(kept.visits.blocks.blocks[kept.state], "delete_callback", forget)
    for name in ("a", "b", "c"):
        kept.visits[name][kept.state] = with_photo(name)
    kept.visits["d"][kept.state] = with_photo("d")
    kept.visits.delete_state("b")
    kept.clock.now += 1000
    assert kept.visits.tidy() == ["b", "c", "d"]
    assert gone == []
    for end in later:
        end()
    assert gone == ["b", "c", "d"]
    assert "a fault" in capsys.readouterr().err


def test_no_more_lost_visits_are_remembered_than_it_says(kept, monkeypatch):
    monkeypatch.setattr(visits, "REMEMBERED", 2)
    for name in ("a", "b", "c"):
        kept.visits["x" + name][kept.state] = with_photo()
        kept.visits.drop("x" + name)
    assert [kept.visits.lost("x" + name) for name in ("a", "b", "c")] == [False, True, True]


def test_two_pages_of_a_session_and_one_closed(kept):
    kept.visits.arrive("a")
    kept.visits.arrive("a")
    kept.visits.leave("a")
    assert kept.visits.here("a")
    kept.visits.leave("a")
    assert not kept.visits.here("a")


def test_too_many_visits_those_go_first_that_nobody_is_at(kept):
    for name in ("a", "b", "c"):
        kept.visits.arrive(name)
        kept.visits[name][kept.state] = with_photo(name)
    kept.visits.leave("b")
    kept.visits["d"][kept.state] = None
    assert list(kept.visits.session_data) == ["a", "c", "d"]
    assert [v.query.photo for v in kept.forgotten] == ["b"]
    kept.visits.arrive("d")
    kept.visits["a"]  # used again, so "c" has waited longest
    kept.visits["e"]
    assert list(kept.visits.session_data) == ["d", "a", "e"]
    assert kept.visits.lost("c")
    assert not kept.visits.lost("d")


def test_freed_memory_goes_back():
    assert memory.share_heaps() is memory.give_back() is (sys.platform == "linux")


def test_lost_is_said_of_nobody_outside_of_the_page():
    assert not visits.lost()


@pytest.mark.parametrize(
    ("used", "needed", "seconds", "goes"),
    [(False, False, 250, False), (False, False, 350, True), (True, False, 20, False), (True, False, 40, True),
     (True, True, 1e6, False), (False, True, 1e6, False)],
)  # fmt: skip
def test_when_an_upload_goes(tmp_path, used, needed, seconds, goes):
    file = tmp_path / "sent" / "a" / "photo.jpg"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    gone = Uploads(Scratch(tmp_path / "scratch")).tidy(
        [str(file)], [file] if used else [], [file] if needed else [], file.stat().st_ctime + seconds
    )
    assert gone == ([str(file)] if goes else [])
    assert file.parent.exists() is not goes


def test_uploads_of_nobody(tmp_path):
    assert Uploads(Scratch(tmp_path)).tidy([], [], []) == []


def test_what_was_made_for_a_download_goes(tmp_path):
    scratch = Scratch(tmp_path)
    folders = [scratch.folder() for _ in range(3)]
    (folders[0] / "evidence.zip").write_bytes(b"x")
    (folders[1] / "photo.jpg").write_bytes(b"x")
    now = time.time()
    Uploads(scratch).tidy([], [], [], now + 500)
    assert all(f.exists() for f in folders)
    Uploads(scratch).tidy([], [], [], now + 700)
    assert [f.exists() for f in folders] == [False, True, True]


def test_who_comes_back_too_late_is_told(tmp_path, monkeypatch):
    studio = Studio(FakeEngine(FakeGallery(tmp_path / "gallery")), None, Scratch(tmp_path / "scratch"))
    with gr.Blocks():
        find = FindAlike(studio)
    values = ("neckline", 24, 0.5, 0.0, 0, {}, {})
    monkeypatch.setattr(visits, "lost", lambda: True)
    shown, well = find.answered(handlers.asked_anew, None, values, {})
    assert busy.LOST in shown[0]
    assert not well
    monkeypatch.setattr(visits, "lost", lambda: False)
    shown, well = find.answered(handlers.asked_anew, None, values, {})
    assert busy.LOST not in shown[0]
    assert well


def test_a_result_without_a_photo_to_compare_it_with(tmp_path):
    studio = Studio(FakeEngine(FakeGallery(tmp_path / "gallery")), None, Scratch(tmp_path / "scratch"))
    with pytest.raises(QueryError, match="give one first"):
        handlers.tile_compared(studio, Visit(), None, {"id": "garment-001"})
