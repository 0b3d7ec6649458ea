"""What benchmarks/own_catalogue.py makes and compares: every kind of file, kills that are real, and galleries that differ."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from fake_engine import FakeEngine, paint
from PIL import Image
from tiny import tiny_checkpoint

from asen_core.indexing import index
from benchmarks import mixed_files, own_catalogue, own_galleries


def data(folder: Path, count: int) -> list[Path]:
    """Photos as JPEG, which the odd files are made of."""
    (folder / "shop" / "images").mkdir(parents=True)
    for i in range(count):
        pixels = np.random.default_rng(i).integers(0, 256, (6, 4, 3), np.uint8)
        Image.fromarray(pixels).resize((80, 120)).save(folder / "shop" / "images" / f"{i:03d}.jpg")
    return sorted((folder / "shop" / "images").iterdir())


def test_every_kind_of_file_becomes_what_it_should(tmp_path):
    photos, odd = data(tmp_path / "data", 70), 2 * len(mixed_files.KINDS)
    wanted = mixed_files.make(tmp_path / "photos", photos * 2, odd + 10, odd, 0)
    report = index(FakeEngine(), tmp_path / "photos", tmp_path / "g", tmp_path / "labels.csv", maps=False)
    said = report.to_json()
    own_catalogue.outcome(said, tmp_path / "g", wanted)
    assert set(wanted.values()) == {"item", "left out", "ignored"}
    assert (len(said["absent"]), len(said["twice"])) == (20, 5)
    with pytest.raises(SystemExit, match="not what they should be"):
        own_catalogue.outcome({"left_out": {}}, tmp_path / "g", wanted)


def test_galleries_are_the_same_or_not(tmp_path):
    for i in range(5):
        paint(tmp_path / "p" / f"{i}.png", 10 * i)
    for name in ("a", "b", "c"):
        if name == "c":
            paint(tmp_path / "p" / "0.png", 99)
        index(FakeEngine(), tmp_path / "p", tmp_path / name, maps=False)
    assert all(own_galleries.same(tmp_path / "a", tmp_path / "b").values())
    apart = own_galleries.same(tmp_path / "a", tmp_path / "c")
    assert {k for k, v in apart.items() if not v} >= {"items", "vectors", "pictures"}
    assert apart["rois"]
    assert len(set(own_galleries.digests(tmp_path / "a").items()) & set(own_galleries.digests(tmp_path / "c").items())) == 4


@pytest.mark.slow
def test_a_whole_measurement(tmp_path, monkeypatch):
    data(tmp_path / "data", 60)
    tiny_checkpoint(tmp_path / "tiny")
    given = (
        "--data",
        tmp_path / "data",
        "--out",
        tmp_path / "out",
        "--files",
        60,
        "--kills",
        2,
        "--checkpoint",
        tmp_path / "tiny",
    )
    asked = own_catalogue._arguments([*map(str, given), "--threads", "1"])
    found = own_catalogue.measured(asked)
    assert (found["lost"], len(found["kills"]), set(found["same"].values())) == (0, 2, {True})
    assert {k: found["update"][k] for k in ("renamed", "removed", "changed", "added")} == dict.fromkeys(
        ("renamed", "removed", "changed", "added"), 1
    )
    assert "0 of" in own_catalogue.table(found)
    again = own_catalogue.measured(asked)  # goes on where it was: nothing but the update is run
    assert {k: v for k, v in again.items() if k != "update"} == {k: v for k, v in found.items() if k != "update"}
    shutil.rmtree(tmp_path / "out" / "whole")
    with pytest.raises(Exception, match="no gallery"):
        own_catalogue.measured(asked)


KILL = {"doing": "Looking at photos", "done": 1200, "saved": 1152, "there": 1160}
FOUND = {
    "files": 10_000, "items": 9700, "left_out": 250, "looked": 9600, "seconds": 600.0, "per_second": 20.25, "peak_mb": 1500,
    "kills": [KILL, {**KILL, "doing": "Writing vectors"}], "lost": 0, "same": {"vectors": True}, "threads": 2,
    "update": {"renamed": 100, "removed": 100, "changed": 100, "added": 100, "looked": 200, "seconds": 31.0},
}  # fmt: skip


def test_the_table_says_what_was_measured():
    shown = own_catalogue.table(FOUND)
    for text in (
        "10,000",
        "9,700 and 250",
        "10.0 minutes on 2 cores",
        "20.2",
        "1.5 GB",
        "1,200, while writing",
        "0 of 1,152",
        "200 looked at",
    ):
        assert text in shown
    assert "not all" in own_catalogue.table({**FOUND, "same": {"vectors": True, "items": False}})


def test_the_figures_that_the_page_quotes_are_of_a_whole_run():
    found = json.loads(own_catalogue.FOUND.read_text(encoding="utf-8"))
    assert (found["files"], len(found["kills"]), found["lost"]) == (10_000, 5, 0)
    assert all(found["same"].values())
