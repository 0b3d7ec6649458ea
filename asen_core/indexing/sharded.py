"""One shard of a collection embedded: by this process, or by others that look at photos for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asen_core.gallery.assembly import check_target, stored
from asen_core.gallery.journal import Journal
from asen_core.indexing import shard_state
from asen_core.indexing.look import Keys, header, look
from asen_core.indexing.report import Progress, never, silent
from asen_core.indexing.scan import File, scan
from asen_core.indexing.shards import Shard
from asen_core.indexing.target import apart

if TYPE_CHECKING:
    from asen_core.engine import Engine

Looking = Callable[[Sequence[File], Journal, Collection[str], Callable[[Progress], None], Callable[[], bool]], Keys]
"""Looks at files that neither a journal nor known digests have, and keeps what it found in the journal."""


@dataclass(frozen=True)
class Outcome:
    """What a run did for its shard.

    journal: where its vectors lie; photos: how many are the shard's; looked: how many of them this run looked at; done: whether
    the shard is finished; before: whether it was when the run began; left_out: photo -> why it can't be used.
    """

    shard: Shard
    journal: Path
    photos: int
    looked: int = 0
    done: bool = True
    before: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        plain = {"shard": self.shard.number, "of": self.shard.count, "journal": str(self.journal), "photos": self.photos}
        plain |= {"looked": self.looked, "done": self.done, "before": self.before, "left_out": dict(self.left_out)}
        return {**plain, "seconds": round(self.seconds, 2)}


def embed(
    engine: Engine, folder: Path, out: Path, shard: Shard, each: Callable[[Progress], None] = silent,
    stop: Callable[[], bool] = never, looking: Looking | None = None,
) -> Outcome:  # fmt: skip
    """Look at the photos below a folder that belong to a shard, into a journal of its own in the gallery's folder `out`.

    A finished shard is skipped, unless photos came or changed: then only what is new is looked at, as after a kill. `index`
    makes the gallery once all shards are there. looking: what looks instead of this process's engine.

    Raises: DataError, GalleryError for shards of another count or checkpoint in `out` or another process at this one, OSError.
    """
    began = time.monotonic()
    apart(folder, out)
    check_target(out)
    kind = header(engine)
    shard_state.check(out, shard, kind)
    journal_folder = out / shard.folder
    with shard_state.held(out, shard):
        found = scan(folder, out)
        files = [file for file in found.files if shard.holds(file.name)]
        left_out = {name: reason for name, reason in found.left_out.items() if shard.holds(name)}
        listing = shard_state.listing((f.name, f.size, f.mtime_ns) for f in files)
        before = shard_state.done(journal_folder)
        if before is not None and before.listing == listing:
            return Outcome(shard, journal_folder, len(files), before=True, left_out=shard_state.left_out(journal_folder))
        (journal_folder / shard_state.DONE).unlink(missing_ok=True)
        journal = Journal(journal_folder, kind)
        known = {row.key for row in stored(out, kind)}
        keys = (looking or _here(engine))(files, journal, known, each, stop)
        left_out |= keys.left_out
        if not keys.waiting:
            said = shard_state.Done(listing, len(files), len(journal), len(left_out))
            seen = {(f.written or f.name, f.size, f.mtime_ns): keys.of[f.name] for f in files if f.name in keys.of}
            shard_state.finish(journal_folder, said, left_out, seen)
        seconds = time.monotonic() - began
        return Outcome(shard, journal_folder, len(files), keys.looked, not keys.waiting, False, left_out, seconds)


def _here(engine: Engine) -> Looking:
    def looking(
        files: Sequence[File], journal: Journal, known: Collection[str], each: Callable[[Progress], None],
        stop: Callable[[], bool],
    ) -> Keys:  # fmt: skip
        return look(engine, files, journal, known, 0, each, stop)

    return looking
