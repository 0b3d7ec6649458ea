"""Every verb that writes, into a folder that may not be written to and onto a disk that is full: one sentence, exit code 1."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner
from unprivileged import read_only, small_disk

from asen_core.cli import app
from benchmarks import fault_jobs

PHOTO, OTHER = "photos/0000.png", "photos/0001.png"
Line = Callable[[Path, Path], list[object]]
MODEL = ("--device", "cpu", "--checkpoint")
VERBS: dict[str, Line] = {
    "look": lambda h, p: ["look", h / PHOTO, "--out", p / "a.png", *MODEL, h / "model"],
    "explain": lambda h, p: [
        "explain", h / PHOTO, h / OTHER, "pattern", "--out", p / "a.png", "--gallery", h / "gallery", *MODEL, h / "model",
    ],
    "evidence": lambda h, p: [
        "evidence", h / PHOTO, h / OTHER, "--out", p / "a.pdf", "--gallery", h / "gallery", *MODEL, h / "model",
    ],
    "figure": lambda h, p: ["figure", "attention", h / PHOTO, "--out", p / "a.png", *MODEL, h / "model"],
    "index": lambda h, p: ["index", h / "suspects", "--out", p / "new", *MODEL, h / "model"],
    "index drawn": lambda h, p: ["index", "--rendered", "40", "--out", p / "new", *MODEL, h / "model"],
    "shard": lambda h, p: ["shard", h / "suspects", "--out", p / "new", "--shard", "1/2", *MODEL, h / "model"],
    "bring": lambda h, p: ["bring", h / "suspects", "--out", p / "new", *MODEL, h / "model"],
    "train": lambda h, p: [
        "train", h / "training/recipe.toml", "--data", h / "training", "--out", p / "run", "--device", "cpu",
    ],
    "convert": lambda h, p: ["convert", h / "model_best.pth.tar", "--out", p / "new"],
    "render": lambda h, p: ["render", "--out", p / "new", "--count", "6"],
    "render sheet": lambda h, p: ["render", "--out", p / "new", "--count", "6", "--sheet"],
    "render layout": lambda h, p: ["render", "--out", p / "new", "--count", "6", "--layout", "FashionAI", "--workers", "1"],
    "screen": lambda h, p: [
        "screen", h / "suspects", "--case", "c", "--store", p / "cases.sqlite", "--gallery", h / "gallery", *MODEL, h / "model",
    ],
    "cases": lambda h, p: ["cases", "export", "c", "--csv", p / "a.csv", "--store", h / "cases.sqlite"],
    "cases training": lambda h, p: ["cases", "export", "c", "--training", p / "new", "--store", h / "cases.sqlite"],
    "map": lambda h, p: ["map", "--gallery", p / "gallery", "--again"],
    "background": lambda h, p: ["background", "--gallery", p / "gallery", *MODEL, h / "model"],
    "background of photos": lambda h, p: [
        "background", "--images", h / "protected", "--out", p / "pairs.npz", "--gallery", h / "gallery", *MODEL, h / "model",
    ],
    "watch": lambda h, p: [
        "watch", "add", h / PHOTO, "pattern", "--name", "n", "--watches", p / "watches.sqlite", "--gallery", h / "gallery",
        *MODEL, h / "model",
    ],
    "watch page": lambda h, p: [
        "watch", "run", "--watches", h / "watches.sqlite", "--gallery", h / "gallery", "--out", p / "a.html",
    ],
}  # fmt: skip

LITTLE = {"map", "background", "background of photos", "cases", "watch page"}
"""They write less than two pages of 4 KB."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    fault_jobs.prepare(folder, 0)
    for path in sorted((folder / "suspects").iterdir())[6:]:
        path.unlink()
    for line in (VERBS["screen"](folder, folder), VERBS["watch"](folder, folder)):
        done = CliRunner().invoke(app, [str(a) for a in line])
        assert done.exit_code == 0, (done.stdout, done.stderr)
    assert CliRunner().invoke(app, ["cases", "decide", "c", "1", "--as", "alike", "--by", "Ada", "--store",
                                    str(folder / "cases.sqlite")]).exit_code == 0  # fmt: skip
    return folder


def refused(line: list[object]) -> str:
    """The one sentence that a verb ends with."""
    done = CliRunner().invoke(app, [str(a) for a in line])
    said = [text for text in done.stderr.splitlines() if text.startswith("Error: ")]
    assert (done.exit_code, isinstance(done.exception, SystemExit)) == (1, True), (
        line,
        done.exception,
        done.stdout,
        done.stderr,
    )
    assert len(said) == 1, done.stderr
    return said[0]


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_a_folder_that_may_not_be_written_to_is_one_sentence(home: Path, tmp_path: Path, verb: str) -> None:
    (tmp_path / "locked").mkdir()
    shutil.copytree(home / "gallery", tmp_path / "locked" / "gallery")
    before = sorted(p.name for p in (tmp_path / "locked").rglob("*"))
    with read_only(tmp_path / "locked") as place:
        said = refused(VERBS[verb](home, place))
    assert str(tmp_path / "locked") in said
    assert sorted(p.name for p in (tmp_path / "locked").rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(home: Path, tmp_path: Path, verb: str) -> None:
    files = list((home / "gallery").rglob("*"))
    pages = sum(-(-p.stat().st_size // 4096) if p.is_file() else 1 for p in files) + 4
    left = 0 if verb in LITTLE else 2
    with small_disk(tmp_path / "disk", 4 * pages) as place:
        shutil.copytree(home / "gallery", place / "gallery")
        before = {p: p.read_bytes() for p in place.rglob("*") if p.is_file()}
        (place / "filler").write_bytes(b"x" * 4096 * max(0, _left(place) // 4096 - left))
        line = VERBS[verb](home, place)
        said = refused(line)
        assert "room" in said or "space" in said, said
        assert {p: p.read_bytes() for p in before} == before
        done = [p.name for p in place.iterdir() if p.is_file()]
        assert {name.removesuffix("-wal").removesuffix("-shm") for name in done} <= {"filler", "cases.sqlite", "watches.sqlite"}


def _left(folder: Path) -> int:
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize
