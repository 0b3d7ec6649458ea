"""What the README tells people to type is run as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", README, re.S)
VERBS = [
    line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines() if line.startswith("python -m asen_core")
]
NOT_HERE = (" train ", " bring ", "runs/paper", "model_best.pth.tar", "milvus://")
"""Lines with these words need photos, trunks, checkpoints or a cluster that don't come with the repository."""
DATA_LESS = [v for v in VERBS if not any(word in v for word in NOT_HERE)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    (folder / "assets").symlink_to(ROOT / "assets")
    return folder


def _run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ASEN_CASES": str(folder / "cases.sqlite")}
    return subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def test_the_commands_run_in_their_order(folder: Path) -> None:
    verbs = {"look", "search", "index", "train", "evaluate", "render", "map", "figure", "data", "convert"}
    verbs |= {"compare", "explain", "screen", "cases", "evidence", "watch", "bring", "shard", "push"}
    assert {v.split()[3] for v in VERBS} == verbs
    for line in DATA_LESS:
        done = _run([sys.executable, *line.split()[1:]], folder)
        assert done.returncode == 0, f"{line}\n{done.stderr}"


def test_the_python_example_runs(folder: Path) -> None:
    (code,) = [block for kind, block in BLOCKS if kind == "python" and "gradio_client" not in block]  # that one: test_api.py
    done = _run([sys.executable, "-c", code], folder)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 6


def test_the_two_lines_name_files_that_exist() -> None:
    start, test = (block.strip() for kind, block in BLOCKS[:2])
    assert start.endswith("python app.py")
    for name in ("requirements.txt", "app.py", "tests/run.sh"):
        assert (ROOT / name).is_file()
        assert name in start + test
    assert "tests/run.sh" in (ROOT / ".ci" / "run").read_text()


def test_front_matter_is_what_a_space_needs() -> None:
    front = dict(line.split(": ", 1) for line in README.split("---")[1].strip().splitlines())
    assert (front["sdk"], front["app_file"]) == ("gradio", "app.py")
    assert len(front["short_description"]) <= 60


def test_linked_files_exist() -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
