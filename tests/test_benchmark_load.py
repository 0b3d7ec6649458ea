"""What a load run adds up to, worked by hand."""

import random
from pathlib import Path

import pytest
from PIL import Image

from benchmarks import load_figures, load_server
from benchmarks.load_visit import mistaken, photos_of
from benchmarks.load_visitor import BUSY, Heard, Page, chosen


@pytest.mark.parametrize(
    ("values", "share", "found"), [([], 0.5, 0), ([7], 0.99, 7), ([3, 1, 2], 0.5, 2), (range(1, 101), 0.99, 99)]
)
def test_percentiles(values, share, found):
    assert load_figures.percentile(values, share) == found


def test_waits_are_in_milliseconds_and_without_what_never_happened():
    assert load_figures.waits({"tile": [0.1, 0.3, 0.2], "upload": []}, {"tile": [0.05, 0.01, 0.02]}) == {
        "tile": {"answers": 3, "median": 200, "p99": 300, "work": 20}
    }


@pytest.mark.parametrize(
    ("served", "most"),
    [
        ([], 0),
        ([(0, 1, 9)], 0),
        ([(0, 1, 2), (2, 3, 4)], 0),
        ([(0, 1, 9), (2, 3, 4)], 1),
        ([(0, 1, 9), (2, 3, 4), (5, 6, 7)], 2),
        ([(0, 3, 9), (2, 4, 5)], 0),  # asked while the other was still joining: nobody knows who was first
        ([(0, 1, 9), (2, 3, 8.95)], 0),  # within what a client's clock may be off
        ([(0, 1, 9), (2, 3, 20), (3, 4, 5), (5, 6, 7)], 2),
    ],
)
def test_overtaking(served, most):
    assert load_figures.overtaking(served) == most
    assert load_figures.overtaking(served) == slowly(served)


def slowly(served, margin=load_figures.MARGIN):
    return max((sum(a > j and s < b - margin for a, _, s in served) for _, j, b in served), default=0)


def test_overtaking_as_the_plain_count():
    drawn = random.Random(4)
    served = []
    for _ in range(200):
        asked = drawn.uniform(0, 50)
        joined = asked + drawn.random()
        served.append((asked, joined, joined + drawn.expovariate(0.5)))
    assert load_figures.overtaking(served) == slowly(served) > 0


@pytest.mark.parametrize(
    ("served", "seconds"),
    [([], 0), ([(0, 1, 2)], 0), ([(0, 1, 2), (0, 1, 5), (6, 7, 7.5)], 3), ([(0, 1, 2), (50, 51, 52)], 1)],
)
def test_the_longest_turn(served, seconds):
    assert load_figures.longest_turn(served) == seconds


@pytest.mark.parametrize(
    ("memory", "found"),
    [
        ([(0, 100)], (100, 100)),
        ([(t, 100 if t < 80 else 106) for t in range(0, 105, 5)], (100, 106)),
        ([(t, 50 if t < 20 else 100) for t in range(0, 105, 5)], (100, 100)),  # warming up
    ],
)
def test_memory_after_warming_up(memory, found):
    assert load_figures.settled(memory) == found


def test_what_visitors_heard_is_summed():
    heard = Heard(seconds={"tile": [1.0]}, working={"tile": [0.5]}, longest=3, wrong=["x"], visits=2)
    heard.served.append((0, 1, 2))
    found = load_figures.summed(heard, [(t, 100 + t / 10) for t in range(0, 105, 5)])
    assert (found["answers"], found["longest_line"], found["wrong"], found["served"]) == (1, 3, 1, 1)
    assert (found["memory"], found["growth"]) == ([103, 109], 5.83)


GOOD = {
    "errors": {}, "errors_in_all": 0, "wrong": 0, "wrong_ones": [], "checked": 9, "longest_line": 32, "overtaken": 0,
    "growth": 4.9, "files_left": 0, "left": [], "waits": {"tile": {"answers": 1, "median": 2, "p99": 3, "work": 1}},
    "visitors": 100, "minutes": 10.0, "visits": 300, "answers": 8000, "refused": 1, "places": 2, "memory": [900, 910],
    "most_files": 5,
    "cleared": 30.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"errors": {"join 500": 2}}, "2 errors"),
        ({"wrong": 1}, "1 wrong"),
        ({"checked": 0}, "no answer was checked"),
        ({"longest_line": 33}, "33 waited"),
        ({"overtaken": 4}, "overtaken by 4"),
        ({"growth": 5.0}, "memory grew by 5.0 %"),
        ({"files_left": 1}, "1 temporary files"),
    ],
)
def test_rules(change, said):
    found = load_figures.broken({**GOOD, **change})
    assert len(found) == bool(said)
    assert said in "".join(found)


def test_the_table_says_what_was_measured():
    shown = load_figures.table(GOOD)
    assert "100 visitors at a time (300 in all) for 10 minutes" in shown
    assert "| Result compared with | 1 | 2 ms | 3 ms | 1 ms |" in shown


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ([], "0 results, expected 1 to 3"),
        (list("abcd"), "4 results, expected 1 to 3"),
        (["a", "b"], ""),
        (["a", "c"], ""),  # as alike as the one expected
        (["b", "a"], "place 1 has b, expected a"),
        (["a", "x"], "place 2 has x, expected b"),
    ],
)
def test_wrong_answers(shown, said):
    assert mistaken(shown, [("a", 0.9), ("b", 0.8), ("c", 0.7999)]) == said


def test_photos_without_a_folder_are_made_of_the_samples(tmp_path):
    made = photos_of(None, tmp_path / "made", 0)
    assert len(made) == 4 * len(list((Path(__file__).parents[1] / "assets" / "samples").glob("*.webp")))
    assert len({path.read_bytes() for path in made}) == len(made)


def test_a_folder_without_photos(tmp_path):
    with pytest.raises(SystemExit, match="holds no photos"):
        photos_of(tmp_path, tmp_path / "made", 0)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    assert [p.name for p in photos_of(tmp_path, tmp_path / "made", 0)] == ["a.png"]


def test_the_calls_are_read_from_the_page():
    parts = [
        {"id": 1, "props": {"elem_id": "stage", "value": "x"}},
        {"id": 2, "props": {"elem_id": "notice"}},
        {"id": 3, "props": {}},
    ]
    page = Page({"components": parts, "dependencies": [{"id": 7, "targets": [[1, "sent"]], "inputs": [3, 1], "outputs": [2]}]})
    call = page.call("stage", "sent")
    assert (call.index, call.trigger, call.inputs, call.outputs, call.given) == (7, 1, ("", "stage"), ("notice",), (None, "x"))
    with pytest.raises(LookupError, match="has it been renamed"):
        page.call("stage", "gone")


@pytest.mark.parametrize(
    ("text", "place"),
    [("Busy: you are 12th in line, about 3 s.", True), ("Busy: 32 others are waiting", False), ("Idle", None)],
)
def test_what_counts_as_busy(text, place):
    found = BUSY.search(text)
    assert (bool(found["place"]) if found else None) is place


def test_actions_come_as_often_as_asked():
    drawn = random.Random(1)
    assert {chosen(drawn, {"a": 1, "b": 0}) for _ in range(50)} == {"a"}


def test_files_and_memory_are_seen(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.jpg").touch()
    assert load_server.files(tmp_path) == ["a/b.jpg"]
    assert load_server.files(tmp_path / "none") == []
    assert load_server.emptied(tmp_path / "none", 1)[1] == []
    assert load_server.resident(2**30) == 0
