"""Shards as torchrun, SLURM and Kubernetes start them, as a kill leaves them, and as Ray's actors look at them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from sharded import VERB, contents, environment, files, fill, run
from tiny import tiny_checkpoint

from asen_core.data.render import catalogue
from asen_core.indexing import shard_state
from asen_core.indexing.shards import Shard


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    for i, garment in enumerate(catalogue(10, 31)):
        Image.fromarray(garment.pixels).save(folder / f"{i:02d}.jpg", quality=90)
    return folder


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("many"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.mark.slow
def test_torchrun_shares_a_folder(drawn: Path, tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "asen_core"]
    done = run(*torchrun, "shard", drawn, "--out", tmp_path / "mine")
    assert done.returncode == 0, done.stderr
    marks = [shard_state.done(tmp_path / "mine" / Shard(n, 2).folder) for n in (1, 2)]
    assert [m and m.photos for m in marks] == [sum(Shard(n, 2).holds(p.name) for p in drawn.iterdir()) for n in (1, 2)]
    for name in ("mine", "local"):
        done = run(*VERB, "index", drawn, "--out", tmp_path / name, "--no-maps", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["looked"] == (0 if name == "mine" else 10)
    assert files(tmp_path / "mine") == files(tmp_path / "local")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "arguments", "expected"),
    [
        ({"SLURM_PROCID": "1", "SLURM_NTASKS": "2", "SLURM_LOCALID": "1"}, (), (2, 2)),
        ({"SLURM_ARRAY_TASK_ID": "4", "SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_COUNT": "2"}, (), (2, 2)),
        ({"JOB_COMPLETION_INDEX": "1"}, ("--shards", "2"), (2, 2)),
        ({"JOB_COMPLETION_INDEX": "0"}, ("--shard", "2/2"), (2, 2)),
    ],
)
def test_whoever_starts_it_gets_the_same_shard(
    variables: dict, arguments: tuple, expected: tuple, many: Path, tiny: Path, tmp_path: Path
) -> None:
    done = run(*VERB, "shard", many, "--out", tmp_path, "--checkpoint", tiny, "--json", *arguments, **variables)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["shard"], found["of"], found["done"]) == (*expected, True)
    assert found["photos"] == sum(Shard(*expected).holds(p.name) for p in many.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 2, "Which part"),
        (("--shard", "3"), 1, "written 3/8"),
        (("--shard", "1/2", "--shards", "2"), 2, "says of how many already"),
        (("--shard", "1/2", "--actors", "2"), 2, "belong to --ray"),
    ],
)
def test_what_is_asked_wrongly_is_explained(arguments: tuple, code: int, says: str, many: Path, tmp_path: Path) -> None:
    done = run(*VERB, "shard", many, "--out", tmp_path / "mine", *arguments)
    assert (done.returncode, says in " ".join(done.stderr.split())) == (code, True), done.stderr
    assert not (tmp_path / "mine").exists()


@pytest.mark.slow
def test_a_killed_shard_goes_on(drawn: Path, tmp_path: Path) -> None:
    asked = [*VERB, "shard", str(drawn), "--out", str(tmp_path / "mine"), "--shard", "1/1", "--json"]
    process = subprocess.Popen(asked, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not list((tmp_path / "mine").glob("images/*/*.webp")) and time.monotonic() < until:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert shard_state.done(tmp_path / "mine" / Shard(1, 1).folder) is None
    done = run(*asked)
    assert (done.returncode, json.loads(done.stdout)["done"]) == (0, True), done.stderr
    again = run(*VERB, "shard", drawn, "--out", tmp_path / "other", "--shard", "1/1")
    assert again.returncode == 0
    assert contents(tmp_path / "mine" / Shard(1, 1).folder) == contents(tmp_path / "other" / Shard(1, 1).folder)
