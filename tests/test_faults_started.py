"""What was killed goes on by the same line, and a page that finds its model or gallery damaged says so and doesn't start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from screened import opened, suspects
from test_faults import flip
from tiny import photo
from typer.testing import CliRunner

from asen_core import checkpoint
from asen_core.checkpoint import released
from asen_core.cli import app
from asen_core.engine import SHIPPED_CHECKPOINT, SHIPPED_GALLERY
from asen_core.errors import AsenError
from asen_core.models import build_model
from asen_core.ui.scratch import Scratch, save_layer, save_photo
from asen_core.vocabularies import PUBLISHED

ROOT = Path(__file__).resolve().parents[1]
GALLERY = ("manifest.json", "vectors-0001.npy", "items-0001.sqlite")


def call(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    return done.exit_code, done.stderr


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the authors' layout, of stage 1."""
    torch.manual_seed(0)
    state = build_model(released.STAGE_1, PUBLISHED["FashionAI"]).state_dict()
    path = tmp_path_factory.mktemp("released") / "model_best.pth.tar"
    named = {released._released_name(name): tensor for name, tensor in state.items()}
    torch.save({"epoch": 1, "model": named, "mAP": 0.5}, path)
    return path


def test_a_conversion_that_was_killed_goes_on_by_the_same_line(file: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", checkpoint.PARTS
    assert call("convert", file, "--out", whole)[0] == 0
    wanted = {path.name: path.read_bytes() for path in whole.iterdir()}
    assert set(wanted) == {checkpoint.WEIGHTS, checkpoint.CONFIG}
    for name, there, waiting in (
        ("before the first", (), (checkpoint.WEIGHTS,)),
        ("between them", (checkpoint.WEIGHTS,), (checkpoint.CONFIG,)),
        ("before it is told", (checkpoint.WEIGHTS, checkpoint.CONFIG), ()),
    ):
        out = tmp_path / name
        (out / parts).mkdir(parents=True)
        (out / parts / ".tmpAB12").write_bytes(b"half")
        for one in (*there, *waiting):
            shutil.copy(whole / one, out / one if one in there else out / parts / one)
        code, said = call("convert", file, "--out", out)
        assert (code, {path.name: path.read_bytes() for path in out.iterdir()} == wanted) == (0, True), said


def test_another_model_is_not_taken_for_a_conversion_that_was_killed(file: Path, tmp_path: Path) -> None:
    opened(tmp_path)
    code, said = call("convert", file, "--out", tmp_path / "checkpoint")
    assert (code, "exists already" in said) == (1, True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    assert call("convert", file, "--out", tmp_path / "mine")[0] == 1


def test_the_same_line_goes_on_with_a_case_that_has_attributes_and_hits_of_its_own(tmp_path: Path) -> None:
    opened(tmp_path)
    line = ["screen", suspects(tmp_path / "s", 2), "--case", "spring", "--store", tmp_path / "cases.sqlite", "--device", "cpu"]
    line += ["--gallery", tmp_path / "gallery", "--checkpoint", tmp_path / "checkpoint"]
    own = ["--attribute", "sleeve", "--hits", "2"]
    assert [call(*line, *own)[0] for _ in range(2)] == [0, 0]
    assert [call(*line, *other)[0] for other in (["--attribute", "neckline"], ["--hits", "3"])] == [2, 2]


def test_a_page_without_room_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = Scratch(tmp_path / "none")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    from PIL import Image

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(Image.Image, "save", lambda picture, out, *a, **k: full() if isinstance(out, Path) else out.write(b"x"))
    monkeypatch.setattr(Path, "mkdir", full)
    for act in (
        scratch.folder,
        lambda: save_photo(Image.fromarray(photo()), tmp_path / "a.jpg"),
        lambda: save_layer(photo(), tmp_path / "a.webp"),
    ):
        with pytest.raises(AsenError, match=r"no room for pictures now \(No space left on device\); try again"):
            act()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [checkpoint.CONFIG, checkpoint.WEIGHTS, "manifest.json", "vectors-0001.npy", "items-0001.sqlite"]
)
def test_a_page_does_not_start_with_a_damaged_file_and_names_it(tmp_path: Path, name: str) -> None:
    of_model = name in (checkpoint.CONFIG, checkpoint.WEIGHTS)
    shutil.copytree(SHIPPED_CHECKPOINT if of_model else SHIPPED_GALLERY, tmp_path / "copy")
    flip(tmp_path / "copy" / name, (tmp_path / "copy" / name).stat().st_size // 2)
    given = {"ASEN_CHECKPOINT" if of_model else "ASEN_GALLERY": str(tmp_path / "copy"), "GRADIO_SERVER_PORT": "1"}
    environment = {**os.environ, **given, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert str(tmp_path / "copy" / name) in done.stderr
