"""Photos looked at by a pool of Ray's actors, on this machine or on a cluster: the same vectors as in one process."""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from asen_core.errors import DataError
from asen_core.gallery.journal import Journal, Looked, encoded
from asen_core.indexing.look import Keys, look
from asen_core.indexing.report import Pace, Progress, never, silent
from asen_core.indexing.scan import File
from asen_core.types import Box

if TYPE_CHECKING:
    from asen_core.indexing.sharded import Looking

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 32
"""Photos that an actor is handed at a time."""
MOST_BLOCKS = 10_000
"""Pieces of work that Ray is given: what a kill costs is a few for each actor."""
STORE = 1_000_000_000
"""Bytes of memory for what actors of this machine have found and nobody has written yet; a cluster has its own setting."""


@dataclass
class Pool:
    """A pool of actors. address: of a cluster ("auto": the one this machine is part of), None for this machine alone.

    actors: how many, each with one core; None for one per core, or per GPU where there are any. checkpoint: a path that every
    machine has, None for the shipped one.
    """

    address: str | None = None
    actors: int | None = None
    checkpoint: Path | None = None

    def looking(self) -> Looking:
        """What looks at a shard's photos through this pool."""
        return self._look

    def _look(
        self, files: Sequence[File], journal: Journal, known: Collection[str], each: Callable[[Progress], None],
        stop: Callable[[], bool],
    ) -> Keys:  # fmt: skip
        found, pace = Keys(), Pace("Looking at photos", len(files), each)
        names = {file.name for file in files}
        with _ray(self.address, self.actors) as ray:
            try:
                for row in _rows(ray, self, files, {*known, *(r.key for r in journal.rows())}, journal):
                    if stop():
                        break
                    names.discard(row["name"])
                    _take(row, journal, found)
                    pace.tell(len(files) - len(names), found.looked, len(journal) - journal.waiting)
            except (ray.exceptions.RayError, ray.data.exceptions.SystemException) as reason:
                said = (str(reason).strip() or type(reason).__name__).splitlines()[-1]
                raise DataError(
                    f"Ray's actors can't go on ({said}); what they found is kept: start the same line again."
                ) from reason
            finally:
                journal.flush()
        found.waiting = tuple(sorted(names))
        return found


def _take(row: Mapping[str, Any], journal: Journal, found: Keys) -> None:
    """Keep what an actor says of one photo."""
    if row["reason"]:
        found.left_out[row["name"]] = row["reason"]
        return
    found.of[row["name"]] = row["key"]
    if row["picture"] and row["key"] not in journal:
        vectors = np.frombuffer(row["vectors"], np.float32).reshape(len(journal.attributes), journal.dim)
        corners = np.frombuffer(row["rois"], np.float64).reshape(-1, 4).tolist()
        rois = {a: Box(*c) for a, c in zip(journal.attributes, corners, strict=True)}
        journal.add(row["key"], row["picture"], vectors, rois, json.loads(row["facts"]))
        found.looked += 1


def _rows(ray: ModuleType, pool: Pool, files: Sequence[File], known: set[str], journal: Journal) -> Iterator[dict[str, Any]]:
    """What the actors say, photo by photo, in the order in which they come to it."""
    if not files:
        return
    data, there = ray.data, ray.cluster_resources()
    gpus, cpus = int(there.get("GPU", 0)), int(there.get("CPU", 1))
    actors = pool.actors or max(1, gpus or cpus)
    data.DataContext.get_current().enable_progress_bars = False
    listed = [
        {"name": f.name, "path": os.fsencode(f.path), "size": f.size, "mtime_ns": f.mtime_ns, "member": f.member} for f in files
    ]
    blocks = max(min(actors, len(files)), min(-(-len(files) // AT_ONCE), MOST_BLOCKS))
    asked = {"checkpoint": pool.checkpoint and str(pool.checkpoint), "known": known, "attributes": journal.attributes}
    looked = data.from_items(listed, override_num_blocks=blocks).map_batches(
        Looker, batch_size=AT_ONCE, batch_format="numpy", fn_constructor_kwargs=asked,
        compute=data.ActorPoolStrategy(min_size=max(1, min(actors, cpus)), max_size=actors), num_cpus=1,
        num_gpus=min(1.0, gpus / actors) if gpus else None,
    )  # fmt: skip
    yield from looked.iter_rows()


class Looker:
    """An actor: loads the model once, then looks at some photos at a time."""

    def __init__(self, checkpoint: str | None, known: Collection[str], attributes: tuple[str, ...]) -> None:
        import torch

        from asen_core.engine import Engine

        torch.set_num_threads(1)
        self._engine, self._known, self._attributes = Engine.open(checkpoint), set(known), attributes

    def __call__(self, some: Mapping[str, np.ndarray]) -> dict[str, list[Any]]:
        """some: columns of files; one row for each comes back, with a picture where its content was looked at."""
        files = [_file(dict(zip(some, values, strict=True))) for values in zip(*some.values(), strict=True)]
        kept = _Kept(self._attributes)
        keys = look(self._engine, files, kept, self._known, 0, silent, never)  # type: ignore[arg-type]
        rows = []
        for file in files:
            key = keys.of.get(file.name, "")
            content = kept.contents.pop(key, _NOTHING)
            rows.append({"name": file.name, "key": key, "reason": keys.left_out.get(file.name, ""), **content})
        return {name: [row[name] for row in rows] for name in ("name", "key", "reason", *_NOTHING)}


def _file(row: Mapping[str, Any]) -> File:
    return File(str(row["name"]), Path(os.fsdecode(row["path"])), int(row["size"]), int(row["mtime_ns"]), str(row["member"]))


_NOTHING = {"picture": b"", "vectors": b"", "rois": b"", "facts": ""}


@dataclass
class _Kept:
    """Takes what `look` finds, as a journal does, and keeps it for the way home."""

    attributes: tuple[str, ...]
    contents: dict[str, dict[str, Any]] = field(default_factory=dict)
    waiting: int = 0

    def __len__(self) -> int:
        return len(self.contents)

    def rows(self) -> list[Looked]:
        return [Looked(key, "", {}) for key in self.contents]

    def flush(self) -> None:
        """Nothing waits."""

    def add(
        self, key: str, pixels: np.ndarray, vectors: np.ndarray, rois: Mapping[str, Box], facts: Mapping[str, Any] | None = None
    ) -> None:
        boxes = np.array([tuple(rois[a]) for a in self.attributes], np.float64)
        found = {"picture": encoded(pixels), "vectors": vectors.astype(np.float32).tobytes(), "rois": boxes.tobytes()}
        self.contents[key] = {**found, "facts": json.dumps(facts or {})}


@contextmanager
def _ray(address: str | None, actors: int | None) -> Iterator[ModuleType]:
    """Ray, joined to a cluster or begun here: without figures sent home, without a dashboard, and with a token of its own.

    Ray runs what anybody who reaches its ports sends; only who knows the token may. Raises: DataError.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address is None and not os.environ.keys() & {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}:
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    try:
        import ray
        import ray.data.exceptions
    except ImportError:
        raise DataError('Ray is not installed here; run: pip install "ray[data]>=2.52,<3"') from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    cores = max(_cores(), actors or 1)
    alone = {} if address else {"include_dashboard": False, "object_store_memory": STORE, "num_cpus": cores}
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    variables = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": paths}
    try:
        if address and ":" in address:  # Ray itself would try for minutes
            host, _, port = address.removeprefix("ray://").rpartition(":")
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address or "local", log_to_driver=False, logging_level="ERROR", runtime_env={"env_vars": variables}, **alone)
    except (OSError, ValueError, RuntimeError) as reason:
        said = (str(reason).strip() or type(reason).__name__).splitlines()[0]
        raise DataError(
            f"The Ray cluster {address or 'on this machine'} can't be joined ({said}); check --address, and RAY_AUTH_TOKEN."
        ) from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
