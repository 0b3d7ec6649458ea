"""Which part of a collection a process embeds: a path belongs to the same shard on every machine and in every run."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from asen_core.errors import DataError

MOST = 99_999
_WRITTEN, _FOLDER = re.compile(r"(\d{1,5})/(\d{1,5})"), re.compile(r"journal-(\d{5})-of-(\d{5})")


@dataclass(frozen=True, order=True)
class Shard:
    """Part `number` of `count`, from 1."""

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count <= MOST:
            raise DataError(
                f"There is no shard {self.number} of {self.count}; shards are numbered 1 to their count, at most {MOST:,}."
            )

    def __str__(self) -> str:
        return f"shard {self.number} of {self.count}"

    @property
    def folder(self) -> str:
        """Name of its journal beside the others."""
        return f"journal-{self.number:05d}-of-{self.count:05d}"

    def holds(self, path: str) -> bool:
        """Whether a photo is its to embed. path: below the folder of photos, with forward slashes."""
        return number(path, self.count) == self.number

    @classmethod
    def written(cls, text: str) -> Self:
        """The shard that "3/8" names. Raises: DataError."""
        if (found := _WRITTEN.fullmatch(text.strip())) is None:
            raise DataError(f"A shard is written 3/8 (the third of eight), got {text!r}.")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def named(cls, folder: str) -> Self | None:
        """The shard that a journal's folder is of, None for another folder."""
        found = _FOLDER.fullmatch(folder)
        return cls(int(found[1]), int(found[2])) if found and 1 <= int(found[1]) <= int(found[2]) else None


def number(path: str, count: int) -> int:
    """The shard, from 1, that a path belongs to: by a hash of its name alone.

    Names are composed (NFC) first, since a Mac lists "é" as two characters and Linux as one.
    """
    name = unicodedata.normalize("NFC", path).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") % count + 1


def of_environment(environment: Mapping[str, str], count: int | None = None) -> tuple[Shard, str] | None:
    """The shard that whoever started this process wants from it, and the variable that says so; None where none does.

    torchrun (RANK, WORLD_SIZE) goes before SLURM, which goes before an indexed Job of Kubernetes, whose pods don't know how
    many they are. count: of the shards, where it is given; another one in the environment is refused. Raises: DataError.
    """
    for name, found in (("RANK", _torchrun), ("SLURM_ARRAY_TASK_ID or SLURM_PROCID", _slurm)):
        if (shard := found(environment)) is not None:
            if count is not None and shard.count != count:
                raise DataError(
                    f"{count} shards are asked for, but {name} is one of {shard.count}; start {count} processes, or name the "
                    f"shard itself: --shard NUMBER/{count}."
                )
            return shard, name
    if (index := _number(environment, "JOB_COMPLETION_INDEX")) is None:
        return None
    if count is None:
        raise DataError(
            "JOB_COMPLETION_INDEX says which shard this is, but not of how many; give --shards, the Job's completions."
        )
    return Shard(index + 1, count), "JOB_COMPLETION_INDEX"


def device(asked: str, gpus: int, environment: Mapping[str, str]) -> str:
    """A GPU of its own for each process of a machine, as far as they go; what was asked for where it is not left open."""
    local = _number(environment, "LOCAL_RANK")
    local = local if local is not None else _number(environment, "SLURM_LOCALID")
    return f"cuda:{local % gpus}" if asked == "auto" and gpus and local is not None else asked


def _torchrun(environment: Mapping[str, str]) -> Shard | None:
    rank, world = (_number(environment, name) for name in ("RANK", "WORLD_SIZE"))
    return Shard(rank + 1, world) if rank is not None and world is not None else None


def _slurm(environment: Mapping[str, str]) -> Shard | None:
    """A task of a step, a task of an array, or a task of a step of each task of an array."""
    names = ("PROCID", "NTASKS", "ARRAY_TASK_ID", "ARRAY_TASK_COUNT", "ARRAY_TASK_MIN", "ARRAY_TASK_STEP")
    task, tasks, id, ids, least, step = (_number(environment, f"SLURM_{name}") for name in names)
    shard = Shard(task + 1, tasks) if task is not None and tasks is not None else None
    if id is None or ids is None:
        return shard
    index, rest = divmod(id - (least or 0), step or 1)
    if rest or not 0 <= index < ids:
        raise DataError(
            f"SLURM_ARRAY_TASK_ID {id} has no place among {ids} tasks in even steps; name the shard itself, as in "
            "--shard $SLURM_ARRAY_TASK_ID/8."
        )
    inner = shard or Shard(1, 1)
    return Shard(index * inner.count + inner.number, ids * inner.count)


def _number(environment: Mapping[str, str], name: str) -> int | None:
    value = environment.get(name, "")
    if not value:
        return None
    if not value.isdecimal():
        raise DataError(f"The variable {name} must be a whole number, it is {value!r}.")
    return int(value)
