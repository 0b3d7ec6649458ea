"""What the benchmarks of speed share: ratios within a run, percentiles, verdicts, and what they were made with."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import machine, markers, timing

ROOT = Path(__file__).resolve().parents[1]
MADE = {"processor": "Some CPU", "cores": 2, "commit": "abc", "torch": "2.15", "load": 0.5, "seed": 7}


def test_ways_take_turns_and_each_begins_as_often() -> None:
    called: list[str] = []
    seconds = timing.interleaved({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, 3)
    assert "".join(called) == "ab" + "ab" + "ba" + "ab", "the first pair warms up"
    assert {name: len(took) for name, took in seconds.items()} == {"a": 3, "b": 3}
    assert timing.interleaved({}, 2) == {}


def test_ratios_are_taken_within_rounds() -> None:
    assert timing.ratio([4.0, 8.0, 9.0], [2.0, 2.0, 3.0]) == {"median": 3.0, "least": 2.0, "most": 4.0, "rounds": 3}
    with pytest.raises(ValueError, match="shorter"):
        timing.ratio([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("seconds", "median", "p99", "most"),
    [([0.002], 2.0, 2.0, 2.0), ([0.001 * n for n in range(1, 102)], 51.0, 100.0, 101.0), ([0.001, 0.003], 2.0, 2.98, 3.0)],
)
def test_percentiles_by_hand(seconds: list[float], median: float, p99: float, most: float) -> None:
    assert timing.spread(seconds) == {"median_ms": median, "p99_ms": p99, "most_ms": most, "count": len(seconds)}


def test_no_times_are_refused() -> None:
    with pytest.raises(ValueError, match="measure at least once"):
        timing.spread([])


@pytest.mark.parametrize(
    ("reached", "bound", "holds"),
    [(3.0, {"least": 3.0}, True), (2.99, {"least": 3.0}, False), (60.0, {"most": 60.0}, True), (60.1, {"most": 60.0}, False)],
)
def test_verdicts(reached: float, bound: dict[str, float], holds: bool) -> None:
    found = timing.verdict("it", reached, **bound)
    assert found["holds"] is holds
    assert found["asked"].startswith("at least" if "least" in bound else "at most")
    assert ("| yes |" if holds else "| **no** |") in timing.verdicts([found])


@pytest.mark.parametrize("bound", [{}, {"least": 1.0, "most": 2.0}])
def test_a_verdict_needs_one_bound(bound: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="either least or most"):
        timing.verdict("it", 1.0, **bound)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (12345.6, "12,346"), (45.67, "45.7"), (4.567, "4.57"), (0.0123449, "0.01234"), (1.0, "1.00")]
)
def test_figures_for_people(value: float, text: str) -> None:
    assert timing.figure(value) == text


def asked(**given: bool | int) -> argparse.Namespace:
    return argparse.Namespace(**{"cores": 1, "seed": 7, "again": False, "dry": False, **given})


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    page = tmp_path / "README.md"
    page.write_text("<!-- speed: one -->\n<!-- /speed: one -->\n<!-- speed: other -->\nstays\n<!-- /speed: other -->\n")
    monkeypatch.setattr(timing, "PAGE", page)
    monkeypatch.setattr(machine, "keep_to", lambda cores: None)
    return page


def test_a_run_keeps_its_figures_and_fills_its_own_table_alone(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = str(page.with_name("one.py"))
    timing.run(script, asked(), lambda a: {"figure": a.seed}, lambda found: f"| {found['figure']} |")
    kept = json.loads(page.with_name("one.json").read_text())
    assert (kept["figure"], kept["made_with"]["seed"]) == (7, 7)
    assert json.loads(capsys.readouterr().out) == kept
    assert page.read_text() == (
        "<!-- speed: one -->\n| 7 |\n<!-- /speed: one -->\n<!-- speed: other -->\nstays\n<!-- /speed: other -->\n"
    )
    before = page.read_text()
    timing.run(script, asked(again=True), lambda a: pytest.fail("measured again"), lambda found: f"| {found['figure']} |")
    assert page.read_text() == before


def test_a_dry_run_writes_nothing_and_a_missing_place_is_said(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = page.read_text()
    timing.run(str(page.with_name("one.py")), asked(dry=True), lambda a: {}, lambda found: "")
    assert (page.read_text(), page.with_name("one.json").exists()) == (before, False)
    timing.run(str(page.with_name("third.py")), asked(), lambda a: {}, lambda found: "| 3 |")
    assert "no place <!-- speed: third -->" in capsys.readouterr().err
    assert page.read_text() == before


def test_other_tables_of_a_family_stay(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = (
        "<!-- f: a -->\nold\n<!-- /f: a -->\n<!-- f: b -->\nkept\n\nand this\n<!-- /f: b -->\n<!-- f: c -->\n<!-- /f: c -->\n"
    )
    page.write_text(text)
    markers.fill(page, {"a": "new"}, "f")
    assert page.read_text() == text.replace("old", "new")
    markers.fill(page, {"c": "3", "b": "2"}, "f")
    assert page.read_text() == text.replace("old", "new").replace("kept\n\nand this", "2").replace("c -->\n<", "c -->\n3\n<")


def test_a_sentence_says_what_it_ran_on() -> None:
    assert timing.ran_on({"made_with": MADE}) == "Some CPU, 2 cores, load before 0.5; commit abc, torch 2.15; seed 7."


def test_facts_name_what_anyone_would_ask_for() -> None:
    found = machine.facts(3)
    assert {"commit", "processor", "processors", "cores", "machine", "running_threads", "load", "python", "torch"} <= set(found)
    assert found["seed"] == 3
    assert "seed" not in machine.facts()
    assert json.loads(json.dumps(found)) == found
    assert 1 <= found["cores"] <= found["processors"]


def test_facts_and_peak_load_nothing_heavy() -> None:
    code = "import sys; from benchmarks import machine; machine.facts(); machine.peak_mb(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_the_peak_is_of_this_process_not_of_the_one_that_started_it() -> None:
    held = bytearray(os.urandom(1 << 20) * 300)
    code = "from benchmarks import machine; print(machine.peak_mb())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    assert machine.peak_mb() > len(held) / 1e6
    assert 5 < float(done.stdout) < 150


def test_more_cores_than_there_are_is_refused() -> None:
    code = f"from benchmarks import machine; machine.keep_to({machine.cores() + 1})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "give --cores" in done.stderr


@pytest.mark.parametrize("name", ["paths", "stages", "answer", "fidelity", "bulk"])
def test_the_page_tells_what_was_measured(name: str) -> None:
    script, text = importlib.import_module(f"benchmarks.{name}"), timing.PAGE.read_text(encoding="utf-8")
    kept = ROOT / "benchmarks" / f"{name}.json"
    assert kept.exists() == (name in markers.names(text, timing.FAMILY)), f"{name}: figures and their place go together"
    if kept.exists():
        found = json.loads(kept.read_text(encoding="utf-8"))
        assert f"<!-- speed: {name} -->\n{script.markdown(found)}\n<!-- /speed: {name} -->" in text
        assert [v["what"] for v in found.get("verdicts", ()) if not v["holds"]] == []
        assert {"commit", "processor", "cores", "running_threads", "seed"} <= set(found["made_with"])
