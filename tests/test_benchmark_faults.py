"""benchmarks/faults.py: what it calls a fault, its table, and a small run of all of it with real kills."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import tiny_checkpoint

from asen_core.gallery.checking import check
from benchmarks import fault_flips, faults

ROOT = Path(__file__).resolve().parents[1]
NAMED = {"named": 4, "without its name": 0, "silent": 0}
FOUND = {
    "rounds": 20,
    "kills": {
        name: {"kills": 20, "lost": 0, "wrong": 0, "saved_before": 12}
        for name in ("indexing", "training", "screening", "converting")
    },
    "flips": {
        "model": {"config.json": NAMED},
        "gallery": {"vectors.npy": NAMED, "pictures": NAMED},
        "opening": {"vectors.npy": NAMED, "pictures": {**NAMED, "named": 0, "silent": 4}},
    },
    "beside a writer": {
        "readers": 2, "generations": 9, "searches": 1000, "errors": 0, "wrong": 0,
        "second_writer": {"tried": 7, "refused": 7, "named": 7},
    },
}  # fmt: skip


def test_nothing_is_said_where_nothing_is_wrong() -> None:
    assert faults.faults(FOUND) == ""


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (("kills", "indexing", "lost"), 1, "indexing: 1 lost, 0 wrong"),
        (("kills", "training", "wrong"), 2, "training: 0 lost, 2 wrong"),
        (("kills", "screening", "kills"), 19, "screening: 19 kills"),
        (("flips", "model", "config.json", "silent"), 3, "config.json: 3 flips unnoticed, 0 without its name"),
        (("flips", "gallery", "pictures", "without its name"), 1, "pictures: 0 flips unnoticed, 1 without its name"),
        (("beside a writer", "errors"), 1, "beside a writer: 1000 searches, 1 errors, 0 wrong"),
        (("beside a writer", "searches"), 0, "beside a writer: 0 searches, 0 errors, 0 wrong"),
        (("beside a writer", "second_writer", "named"), 6, "a second writer: 6 of 7 times refused by name"),
    ],
)
def test_each_fault_is_said(where: tuple[str, ...], value: int, said: str) -> None:
    found = json.loads(json.dumps(FOUND))
    place = found
    for name in where[:-1]:
        place = place[name]
    place[where[-1]] = value
    assert faults.faults(found) == said


def test_the_table_says_how_often_and_what_came_of_it() -> None:
    lines = faults.table(FOUND).splitlines()
    assert len(lines) == 2 + 4 + 3 + 2
    assert "| 20 | 0 of what 12 runs had reported saved is lost, 0 end differently |" in lines[2]
    assert "| 8 | 8 noticed, file named by `check` |" in lines[7]
    assert "| 4 | 4 noticed, file named |" in lines[8]
    assert "| 1,000 | 0 errors, 0 wrong answers |" in lines[9]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("images/ab/0123.webp", "pictures"),
        ("neighbours-0001/00.faiss", "neighbours"),
        ("vectors-0001.npy", "vectors.npy"),
        ("manifest.json", "manifest.json"),
    ],
)
def test_files_by_what_they_are(name: str, kind: str) -> None:
    assert fault_flips.kind_of(name) == kind


def test_flips_are_put_right_again_and_counted(tmp_path: Path) -> None:
    place = tiny_checkpoint(tmp_path / "c")
    before = {p.name: p.read_bytes() for p in place.iterdir()}
    found = fault_flips.tally(fault_flips.flipped(place, fault_flips.of_model, 5, random.Random(0)), str)
    assert found == {name: {"named": 5, "without its name": 0, "silent": 0} for name in before}
    assert {p.name: p.read_bytes() for p in place.iterdir()} == before
    blind = fault_flips.tally(fault_flips.flipped(place, lambda folder: "", 2, random.Random(0)), str)
    assert blind["config.json"]["silent"] == 2
    with pytest.raises(SystemExit, match="before anything was done"):
        list(fault_flips.flipped(place, lambda folder: "no", 1, random.Random(0)))


def test_the_gallery_that_is_damaged_has_every_kind_of_file(tmp_path: Path) -> None:
    made = fault_flips.gallery(tmp_path / "g", 0)
    assert (check(made).damaged, check(made).without, fault_flips.at_opening(made)) == ({}, [], "")
    kinds = {fault_flips.kind_of(p.relative_to(made).as_posix()) for p in made.rglob("*") if p.is_file()}
    wanted = {"vectors.npy", "codes.npy", "background.npy", "items.sqlite", "manifest.json", "neighbours", "pictures"}
    assert kinds == wanted | {"maps.npz", "pairs.npz", "prints.npz"}


@pytest.mark.slow
def test_a_small_run_loses_nothing_and_is_never_wrong(tmp_path: Path) -> None:
    script = (
        "import json, sys; from pathlib import Path; from benchmarks import faults\n"
        "asked = faults._arguments(['--rounds', '2', '--flips', '2', '--seconds', '4', '--seed', '5'])\n"
        "print(json.dumps(faults.measured(asked, Path(sys.argv[1]))))"
    )
    line = [sys.executable, "-c", script, str(tmp_path / "out")]
    done = subprocess.run(
        line, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert faults.faults(found) == ""
    assert [k["kills"] for k in found["kills"].values()] == [2] * 4
    assert found["flips"]["opening"]["pictures"]["silent"] > 0, "opening leaves pictures out, as it says"
