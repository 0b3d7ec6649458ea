"""Shards on disk: one journal each beside the gallery that they will make, when it is done, and who holds it."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from asen_core.config import FromDict
from asen_core.errors import GalleryError
from asen_core.gallery.journal import HEADER, Journal
from asen_core.gallery.manifest import UNFINISHED
from asen_core.indexing.shards import Shard

DONE, LEFT_OUT, FILES, LOCK = "done.json", "left_out.json", "files.jsonl", ".lock"
Unchanged = Mapping[tuple[str, int, int], str]
"""(Path, size, time in ns) of a file -> digest of its content."""


@dataclass(frozen=True)
class Done(FromDict):
    """What a finished shard says of itself.

    listing: digest of the names, sizes and times of its photos; photos: how many they were; looked: how many contents its
    journal holds; left_out: how many of the photos could not be read.
    """

    listing: str
    photos: int
    looked: int
    left_out: int


@dataclass(frozen=True)
class Gathered:
    """The journals of all shards of a gallery, and what is to be said about them; `seen`: files that need not be read again."""

    journals: tuple[Journal, ...] = ()
    notes: tuple[str, ...] = ()
    seen: Unchanged = field(default_factory=dict)

    def check(self, keys: Collection[str]) -> None:
        """Whether the journals are of these contents at all: once used, they are thrown away. Raises: GalleryError."""
        held = {row.key for journal in self.journals for row in journal.rows()}
        if held and held.isdisjoint(keys):
            raise GalleryError(
                f"None of the {len(held):,} photos that the shards in {self.journals[0].folder.parent} looked at is in this "
                "folder; give the folder that they were started with, or remove the folders journal-*-of-*."
            )


def listing(photos: Iterable[tuple[str, int, int]]) -> str:
    """Digest of (path, size, mtime in ns) of photos, in any order."""
    lines = sorted(f"{path}\0{size}\0{time}\n".encode("utf-8", "surrogateescape") for path, size, time in photos)
    return hashlib.sha256(b"".join(lines)).hexdigest()


@contextmanager
def held(out: Path, shard: Shard) -> Iterator[None]:
    """Hold one shard for writing; it is free again when the process ends, however it ends. Raises: GalleryError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / (shard.folder + LOCK), timeout=0):
            yield
    except Timeout:
        raise GalleryError(f"Another process is at {shard} in {out}; wait until it has ended, or stop it.") from None
    except (PermissionError, FileExistsError, NotADirectoryError) as reason:
        raise GalleryError(f"{out} can't be written to ({reason.strerror}); give a folder that you may write to.") from reason


def check(out: Path, shard: Shard, header: Mapping[str, Any]) -> None:
    """Whether a shard can be embedded into a folder. Raises: GalleryError for shards of another count or checkpoint."""
    _check_counts(out, {s.count for s in _shards(out)} | {shard.count})
    _check_header(out / shard.folder, header)


def done(folder: Path) -> Done | None:
    """What a shard said when it was finished; None where it is not."""
    try:
        return Done.from_dict(json.loads((folder / DONE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def left_out(folder: Path) -> dict[str, str]:
    """What a finished shard could not read: photo -> why."""
    try:
        return dict(json.loads((folder / LEFT_OUT).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def finish(folder: Path, said: Done, reasons: Mapping[str, str], seen: Unchanged) -> None:
    """Mark a shard as done, with the reasons for what was left out, and what each file holds. Raises: OSError."""
    lines = "".join(json.dumps([*file, key]) + "\n" for file, key in seen.items())
    for name, text in (
        (FILES, lines),
        (LEFT_OUT, json.dumps(dict(reasons), indent=1)),
        (DONE, json.dumps(vars(said), indent=1)),
    ):
        part = folder / (name + UNFINISHED)
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / name)


def _seen(folder: Path, journal: Journal) -> dict[tuple[str, int, int], str]:
    """Files of a finished shard whose content its journal holds."""
    if done(folder) is None:
        return {}
    rows = map(json.loads, (folder / FILES).read_text(encoding="utf-8").splitlines())
    return {(path, size, time): key for path, size, time, key in rows if key in journal}


@contextmanager
def gathered(out: Path, header: Mapping[str, Any], paths: Collection[str]) -> Iterator[Gathered]:
    """The journals of a gallery's shards, held as long as the context lasts; what they don't hold is embedded by whoever asks.

    header: of the journals; paths: of all photos that shall be indexed. Nothing where there are no shards.

    Raises: GalleryError for shards of different counts or of another checkpoint, or one that a process is still at.
    """
    shards = sorted(_shards(out))
    _check_counts(out, {s.count for s in shards})
    for shard in shards:
        _check_header(out / shard.folder, header)
    with ExitStack() as stack:
        for shard in shards:
            stack.enter_context(held(out, shard))
        journals = {shard: Journal(out / shard.folder, header) for shard in shards}
        seen = {file: key for shard, journal in journals.items() for file, key in _seen(out / shard.folder, journal).items()}
        yield Gathered(tuple(journals.values()), tuple(_missing(out, journals, paths)), seen)
    for shard in shards:
        if not (out / shard.folder).exists():
            (out / (shard.folder + LOCK)).unlink(missing_ok=True)


def _missing(out: Path, journals: Mapping[Shard, Journal], paths: Collection[str]) -> Iterator[str]:
    """A sentence for each shard that is not done."""
    if not journals:
        return
    count = next(iter(journals)).count
    unfinished = [
        s for s in (Shard(n, count) for n in range(1, count + 1)) if s not in journals or done(out / s.folder) is None
    ]
    photos = Counter(s.number for path in paths for s in unfinished if s.holds(path)) if unfinished else Counter()
    for shard in unfinished:
        total, there = photos[shard.number], len(journals[shard]) if shard in journals else 0
        what = f"{there:,} of its {total:,} photos are there, the others" if there else f"its {total:,} photos"
        yield f"{str(shard).capitalize()} isn't finished: {what} are embedded here."


def _shards(out: Path) -> list[Shard]:
    """Those that a gallery's folder holds journals of."""
    if not out.is_dir():
        return []
    return [shard for path in out.iterdir() if (shard := Shard.named(path.name)) and (path / HEADER).exists()]


def _check_counts(out: Path, counts: Collection[int]) -> None:
    if len(counts) > 1:
        few, *_, many = sorted(counts)
        raise GalleryError(
            f"Shards of {few} and shards of {many} don't mix, and {out} would hold both; go on with the count that is there, "
            f"or remove the folders journal-*-of-{few:05d} or journal-*-of-{many:05d} first."
        )


def _check_header(folder: Path, header: Mapping[str, Any]) -> None:
    """Raises: GalleryError where a journal is of another make: opening it would throw it away."""
    try:
        found = json.loads((folder / HEADER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as reason:
        raise GalleryError(
            f"{folder / HEADER} can't be read ({reason}); remove the folder and start its shard again."
        ) from None
    if found != json.loads(json.dumps(header)):
        mine, its = (str(h.get("fingerprint", "?"))[:12] for h in (header, found))
        raise GalleryError(
            f"{folder} was made with checkpoint {its}, but {mine} is in use; give that one with --checkpoint, another --out, "
            "or remove the folder."
        )
