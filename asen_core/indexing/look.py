"""Photos read ahead in threads, looked at in equal batches, and kept in a journal as they come."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from asen_core import images
from asen_core.errors import PhotoError
from asen_core.gallery import Journal
from asen_core.indexing.report import Pace, Progress
from asen_core.indexing.scan import File
from asen_core.review.background import CATEGORY
from asen_core.review.suspects import Reader, spelled
from asen_core.types import Garment, View

if TYPE_CHECKING:
    from asen_core.engine import Engine

LONGEST = 1280
"""Photos are read at least this long (or as long as they are): sharper than any zoom needs, quicker than 40 megapixels."""
BATCH, ON_GPU = 4, 32
"""Photos per pass through the network, always as many: a vector is then the same to the bit whichever photos came with it."""
NARROWEST = 64
"""Length by width up to which the small picture that a gallery keeps still is a picture."""
_NARROW = f"The photo is over {NARROWEST} times as long as wide, too narrow to show a garment; cut it out anew."
READERS, AHEAD, FLUSH_SECONDS = 2, 3, 10.0
"""Threads that read photos (where a GPU looks at them: one for each processor), and photos that each of them is ahead."""


@dataclass
class Keys:
    """of: file's name -> digest of its content, of all that were looked at now or before; left_out: name -> reason.

    looked: how many photos were looked at now; waiting: names of those that were not come to.
    """

    of: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    looked: int = 0
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Read:
    """A file that was read: digest of its content, its picture where nobody has seen that yet, or why there is none."""

    file: File
    key: str = ""
    garment: Garment | None = None
    reason: str = ""


def header(engine: Engine) -> dict[str, object]:
    """What a journal of this engine begins with."""
    return {
        "attributes": list(engine.vocabulary), "dim": engine.dim, "split": engine.config.global_dim,
        "fingerprint": engine.fingerprint,
    }  # fmt: skip


def look(
    engine: Engine, files: Sequence[File], journal: Journal, known: Collection[str], done: int,
    each: Callable[[Progress], None], stop: Callable[[], bool],
) -> Keys:  # fmt: skip
    """Look at every content that neither the journal nor `known` (digests) has, and keep it in the journal.

    done: how many photos more were known without reading them, for the progress. What can't be read is left out. Where `stop`
    says so it ends early, with the rest `waiting`. Raises: OSError where the journal can't be written.
    """
    found = Keys()
    pace, since = Pace("Looking at photos", done + len(files), each), time.monotonic()
    pace.tell(done, 0, len(journal))
    held, ahead = _Held({*known, *(row.key for row in journal.rows())}), _Ahead(engine, files)
    reasons: dict[str, str] = {}
    fresh: list[_Read] = []
    ended, size = 0, batch(engine)
    try:
        for read in ahead.read(held, stop):
            ended += 1
            _note(read, found, reasons)
            if read.garment is not None:
                fresh.append(read)
            if len(fresh) == size:
                _keep(engine, journal, fresh)
                found.looked, fresh = found.looked + len(fresh), []
            if time.monotonic() - since > FLUSH_SECONDS:
                journal.flush()
                since = time.monotonic()
            pace.tell(done + ended - len(fresh), ended - len(fresh), len(journal) - journal.waiting)
        _keep(engine, journal, fresh)
        found.looked += len(fresh)
    finally:
        journal.flush()
    pace.tell(done + ended, ended, len(journal))
    for name, key in list(found.of.items()):
        if key in reasons:  # a copy of a photo that can't be read
            found.left_out[name] = reasons[key]
            del found.of[name]
    there = {*known, *(row.key for row in journal.rows())}
    early = [name for name, key in found.of.items() if key not in there]  # copies of what a stop left no time for
    for name in early:
        del found.of[name]
    found.waiting = (*early, *(file.name for file in files[ended:]))
    return found


def steady(engine: Engine, photos: Iterable[Garment]) -> Iterator[Mapping[str, View]]:
    """Views of many photos, in their order, always as many at a time: the last batch is filled up with its first photo.

    Kernels are chosen by the batch's size, so that another size changes the last bits of a vector; who else is in the batch
    doesn't. A run that was stopped and went on then has the vectors of one that was not.
    """
    size = batch(engine)
    for some in _batches(photos, size):
        full = [*some, *[some[0]] * (size - len(some))]
        yield from list(engine.views(full, batch_size=size))[: len(some)]


def batch(engine: Engine) -> int:
    """How many photos the network always sees at once."""
    return ON_GPU if getattr(engine, "on_gpu", False) else BATCH


def _note(read: _Read, found: Keys, reasons: dict[str, str]) -> None:
    if read.reason:
        found.left_out[read.file.name] = read.reason
        if read.key:
            reasons[read.key] = read.reason
    else:
        found.of[read.file.name] = read.key


def _keep(engine: Engine, journal: Journal, fresh: Sequence[_Read]) -> None:
    garments = [r.garment for r in fresh if r.garment is not None]
    for read, garment, views in zip(fresh, garments, steady(engine, garments), strict=True):
        vectors = np.stack([views[a].embedding for a in journal.attributes])
        rois = {a: views[a].roi.scaled(1 / garment.width, 1 / garment.height) for a in journal.attributes}
        reading = views[CATEGORY].reading if CATEGORY in views else None
        journal.add(read.key, garment.pixels, vectors, rois, {"read": reading.value} if reading else {})


class _Held:
    """Contents that need no look: seen before, or being read by a thread now."""

    def __init__(self, keys: set[str]) -> None:
        self._keys, self._lock = keys, threading.Lock()

    def claimed(self, key: str) -> bool:
        """Whether the caller is the first to come with this content."""
        with self._lock:
            first = key not in self._keys
            self._keys.add(key)
            return first


class _Ahead:
    """Reads files a little ahead of the network, in threads."""

    def __init__(self, engine: Engine, files: Sequence[File]) -> None:
        self._files, self._own = files, threading.local()
        self._readers = min(os.cpu_count() or READERS, 16) if batch(engine) == ON_GPU else READERS
        self._longest = None if engine.config.geometry == "released" else LONGEST  # the authors' numbers are of the whole photo

    def read(self, held: _Held, stop: Callable[[], bool]) -> Iterator[_Read]:
        """The files in their order, until `stop`."""
        waiting = deque()
        with ThreadPoolExecutor(self._readers) as pool:
            try:
                for file in self._files:
                    if stop():
                        return
                    waiting.append(pool.submit(self._read, file, held))
                    if len(waiting) > AHEAD * self._readers:
                        yield waiting.popleft().result()
                while waiting and not stop():
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _read(self, file: File, held: _Held) -> _Read:
        key = ""
        try:
            data = self._reader().read(file.path, file.member)
            if len(data) <= images.LIMITS.bytes:
                key = hashlib.sha256(data).hexdigest()
                if not held.claimed(key):
                    return _Read(file, key)
            garment = images.load(data, longest=self._longest)
            sides = sorted((garment.width, garment.height))
            if sides[1] > NARROWEST * sides[0]:
                return _Read(file, key, reason=_NARROW)
            return _Read(file, key, garment)
        except PhotoError as reason:
            return _Read(file, key, reason=spelled(str(reason)))
        except MemoryError:
            return _Read(file, key, reason="There is too little memory to read this photo; save it smaller.")

    def _reader(self) -> Reader:
        """One for each thread: it keeps a zip open."""
        if not hasattr(self._own, "reader"):
            self._own.reader = Reader()
        return self._own.reader


def _batches(values: Iterable, size: int) -> Iterator[list]:
    waiting = iter(values)
    while some := list(islice(waiting, size)):
        yield some
