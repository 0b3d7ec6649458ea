"""Which photos a process embeds: the same ones on every machine, however it was started."""

from __future__ import annotations

import unicodedata

import pytest

from asen_core.errors import DataError
from asen_core.indexing.shards import Shard, device, number, of_environment

PATHS = [f"brand {b}/{i:04d}.jpg" for b in range(5) for i in range(80)]


def test_every_photo_belongs_to_one_shard_whatever_the_order() -> None:
    shards = [Shard(n, 8) for n in range(1, 9)]
    shares = [{p for p in PATHS if s.holds(p)} for s in shards]
    assert sum(map(len, shares)) == len(PATHS)
    assert set.union(*shares) == set(PATHS)
    assert min(map(len, shares)) > 25, "about 50 each"
    assert all(Shard(1, 1).holds(p) for p in PATHS)


def test_numbers_never_change() -> None:
    """Worked from sha256 by hand: another number would throw half embedded collections away."""
    assert [number(p, 8) for p in ("a.jpg", "b/c.png", "kläder/ö.webp")] == [3, 8, 5]


def test_a_name_is_the_same_on_a_mac() -> None:
    names = ["robe d'été/œillet é.jpg", "Ångström.png", "가디건.jpg"]
    assert [number(unicodedata.normalize("NFD", n), 97) for n in names] == [number(n, 97) for n in names]
    assert 1 <= number("not utf-8 \udcff.jpg", 97) <= 97


@pytest.mark.parametrize("text", ["3/8", " 3/8 ", "1/1", "08/10"])
def test_shards_are_read(text: str) -> None:
    shard = Shard.written(text)
    assert Shard.named(shard.folder) == shard
    assert Shard(3, 8).folder == "journal-00003-of-00008"


@pytest.mark.parametrize("text", ["0/8", "9/8", "3", "3/", "a/b", "-1/8", "3/8/2", "", "1/100000"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="shard"):
        Shard.written(text)


@pytest.mark.parametrize(
    "folder", ["journal", "journal-0003-of-0008", "journal-00009-of-00008", "journal-00000-of-00008", "images"]
)
def test_other_folders_are_no_shards(folder: str) -> None:
    assert Shard.named(folder) is None


ARRAY = {"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "5"}
TASKS = {"SLURM_PROCID": "2", "SLURM_NTASKS": "3"}


@pytest.mark.parametrize(
    ("environment", "count", "expected"),
    [
        ({}, None, None),
        ({}, 8, None),
        ({"RANK": "2"}, None, None),
        ({"RANK": "", "WORLD_SIZE": ""}, None, None),
        ({"RANK": "2", "WORLD_SIZE": "8", "LOCAL_RANK": "0"}, None, (3, 8)),
        ({"RANK": "2", "WORLD_SIZE": "8"}, 8, (3, 8)),
        ({"RANK": "2", "WORLD_SIZE": "8", **TASKS}, None, (3, 8)),
        (TASKS, None, (3, 3)),
        (ARRAY, None, (3, 4)),
        ({**ARRAY, "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_STEP": "2"}, None, (4, 4)),
        ({**ARRAY, **TASKS}, None, (9, 12)),
        ({**ARRAY, "SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, 4, (3, 4)),
        ({"JOB_COMPLETION_INDEX": "0"}, 8, (1, 8)),
        ({"JOB_COMPLETION_INDEX": "7"}, 8, (8, 8)),
    ],
)
def test_whoever_starts_many_says_which_one_this_is(environment: dict, count: int | None, expected: tuple | None) -> None:
    found = of_environment(environment, count)
    assert (found and (found[0].number, found[0].count)) == expected


@pytest.mark.parametrize(
    ("environment", "count", "says"),
    [
        ({"JOB_COMPLETION_INDEX": "0"}, None, "give --shards"),
        ({"JOB_COMPLETION_INDEX": "8"}, 8, "no shard 9 of 8"),
        ({"RANK": "2", "WORLD_SIZE": "4"}, 8, "8 shards are asked for, but RANK is one of 4"),
        ({"RANK": "two", "WORLD_SIZE": "4"}, None, "RANK must be a whole number, it is 'two'"),
        ({"RANK": "4", "WORLD_SIZE": "4"}, None, "no shard 5 of 4"),
        ({**ARRAY, "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_TASK_MIN": "3"}, None, "no place among 2 tasks"),
        ({**ARRAY, "SLURM_ARRAY_TASK_COUNT": "1", "SLURM_ARRAY_TASK_MIN": "7"}, 8, "name the shard itself: --shard NUMBER/8"),
    ],
)
def test_a_place_that_makes_no_sense_is_refused(environment: dict, count: int | None, says: str) -> None:
    with pytest.raises(DataError, match=says):
        of_environment(environment, count)


@pytest.mark.parametrize(
    ("asked", "gpus", "environment", "expected"),
    [
        ("auto", 0, {"LOCAL_RANK": "1"}, "auto"),
        ("auto", 4, {}, "auto"),
        ("auto", 4, {"LOCAL_RANK": "3"}, "cuda:3"),
        ("auto", 1, {"SLURM_LOCALID": "3"}, "cuda:0"),
        ("auto", 4, {"LOCAL_RANK": "1", "SLURM_LOCALID": "3"}, "cuda:1"),
        ("cpu", 4, {"LOCAL_RANK": "3"}, "cpu"),
    ],
)
def test_each_process_has_a_gpu_of_its_own(asked: str, gpus: int, environment: dict, expected: str) -> None:
    assert device(asked, gpus, environment) == expected
