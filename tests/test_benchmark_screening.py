"""What benchmarks/screening.py says of two runs, and the table it makes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from screened import NOW, opened, suspects

from asen_core.review.cases import Cases
from asen_core.review.screening import screen
from benchmarks.screening import queued, same, table


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return opened(tmp_path_factory.mktemp("engine"))


def test_runs_are_the_same_or_not(engine, tmp_path):
    cases, folder = Cases.open(tmp_path / "cases.sqlite"), suspects(tmp_path / "s", 3)
    first, second, less = (cases.create(name, engine.gallery, time=NOW) for name in ("first", "second", "less"))
    for case in (first, second):
        screen(engine, case, [folder])
    assert same(first, second) == {"hits": 27, "items": True, "similarity_apart": 0.0}
    screen(engine, less, [folder / "00.png"])
    assert not same(first, less)["items"]

    class Moved:
        """The second case with its similarities a little off."""

        def suspects(self):
            return second.suspects()

        def hits(self):
            return [replace(h, similarity=h.similarity - 0.25) for h in second.hits()]

    assert same(first, Moved())["similarity_apart"] == pytest.approx(0.25)


def test_altered_protected_photos_are_counted_where_they_stand(engine, tmp_path):
    case = Cases.open(tmp_path / "cases.sqlite").create("c", engine.gallery, time=NOW)
    made = suspects(tmp_path / "s" / "altered", 1, seed=4)  # what item-4 shows
    (made / "00.png").rename(made / "item-4.png")
    suspects(tmp_path / "s" / "others", 2)
    screen(engine, case, [tmp_path / "s"])
    found = queued(case)
    assert (found["altered"], found["altered_first_overall"]) == (1, 1)
    assert 1 <= found["median_place"] <= 3


def test_the_table_says_what_was_measured():
    killed = {
        "screened_before": 256, "decided_before": 40, "decisions_lost": 0, "seconds_resumed": 50.0,
        "same_as_uninterrupted": {"hits": 15000, "items": True, "similarity_apart": 0.0},
    }  # fmt: skip
    numbers = {"items": 5000, "suspects": 500, "threads": 2, "seconds": 90.0, "longest_wait": 2.5, "peak_mb": 1500}
    shown = table({**numbers, "killed": killed, "queue": {"altered": 50, "altered_first_overall": 49}})
    for text in ("500 among 5,000", "1.5 minutes on 2 cores", "2.5 s", "1.5 GB", "0 of 40", "all of 15,000", "49 of 50"):
        assert text in shown


def test_the_figures_that_the_page_quotes_are_of_a_whole_run():
    path = Path(__file__).resolve().parents[1] / "benchmarks" / "screening.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    assert (found["suspects"], found["items"], found["threads"]) == (500, 5000, 2)
    assert 0 < found["killed"]["screened_before"] < 500
