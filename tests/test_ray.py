"""Ray's actors find what one process finds, to the last byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sharded import VERB, contents, fill, run
from tiny import tiny_checkpoint

from asen_core.indexing import shard_state
from asen_core.indexing.shards import Shard

ONLY = Shard(1, 1)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("many"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.mark.slow
def test_a_pool_of_actors_writes_the_same_journal(many: Path, tiny: Path, tmp_path: Path) -> None:
    asked = [*VERB, "shard", many, "--checkpoint", tiny, "--json", "--out"]
    done = run(*asked, tmp_path / "ray", "--ray", "--actors", "2")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["shard"], found["of"], found["photos"], found["looked"], found["done"]) == (1, 1, 72, 70, True)
    plain = json.loads(run(*asked, tmp_path / "plain", "--shard", "1/1").stdout)
    assert found["left_out"] == plain["left_out"]
    assert found["left_out"].keys() == {"broken.jpg"}
    folders = [tmp_path / name / ONLY.folder for name in ("ray", "plain")]
    assert contents(folders[0]) == contents(folders[1])
    assert shard_state.done(folders[0]) == shard_state.done(folders[1])
    again = json.loads(run(*asked, tmp_path / "ray", "--ray").stdout)
    assert (again["before"], again["looked"]) == (True, 0)


@pytest.mark.slow
def test_actors_look_only_at_what_is_new(many: Path, tiny: Path, tmp_path: Path) -> None:
    asked = [*VERB, "shard", tmp_path / "photos", "--out", tmp_path / "mine", "--checkpoint", tiny, "--json"]
    (tmp_path / "photos").mkdir()
    for i in range(20):
        (tmp_path / "photos" / f"{i:02d}.png").write_bytes((many / f"{i:02d}.png").read_bytes())
        if i == 15:
            assert run(*asked, "--shard", "2/2").returncode == 0
    new = sum(Shard(2, 2).holds(f"{i:02d}.png") for i in range(16, 20))
    done = run(*asked, "--shard", "2/2", "--ray", "--actors", "1")
    assert json.loads(done.stdout)["looked"] == new > 0, done.stderr


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_told(many: Path, tiny: Path, tmp_path: Path) -> None:
    asked = [*VERB, "shard", many, "--out", tmp_path / "mine", "--checkpoint", tiny, "--ray", "--address", "127.0.0.1:9"]
    done = run(*asked)
    assert done.returncode == 1
    assert "can't be joined" in done.stderr
    assert "--address" in done.stderr
