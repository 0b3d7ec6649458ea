"""A folder of photos into a gallery that can be searched: what is new is looked at, what is gone disappears."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asen_core.errors import DataError, GalleryError
from asen_core.gallery import Gallery, Journal, assemble, writing
from asen_core.gallery.assembly import check_target, stored
from asen_core.gallery.manifest import JOURNAL
from asen_core.gallery.manifest import read as manifest_of
from asen_core.gallery.rows import Row
from asen_core.gallery.tidying import tidy
from asen_core.indexing import beside, fold
from asen_core.indexing import labels as known
from asen_core.indexing.duplicates import near
from asen_core.indexing.look import Keys, header, look
from asen_core.indexing.report import Progress, Report, StoppedError, never, silent
from asen_core.indexing.scan import File, Files, photos
from asen_core.indexing.shard_state import Unchanged, gathered
from asen_core.indexing.target import apart, clear, spare

if TYPE_CHECKING:
    from asen_core.engine import Engine
    from asen_core.gallery import Entry


@dataclass(frozen=True)
class Given:
    """What goes into a gallery.

    files: photos to be read; labels: what is known about them; built: notes for the manifest; partial: why photos were not
    come to, where a run that was stopped shall make a gallery of those that were; None where it shall make none.
    """

    files: Files
    labels: known.Fitted
    built: Mapping[str, str]
    partial: Callable[[], str] | None = None


@dataclass(frozen=True)
class How:
    """fold: copies become one item; rehash: read every file, also those that look unchanged; maps: make maps, of few items."""

    fold: bool = False
    rehash: bool = False
    maps: bool = True


def index(
    engine: Engine, images: Path, out: Path, labels: Path | None = None, *, fold: bool = False, rehash: bool = False,
    replace: bool = False, maps: bool = True, each: Callable[[Progress], None] = silent, stop: Callable[[], bool] = never,
    notes: Mapping[str, str] | None = None,
) -> Report:  # fmt: skip
    """Make the gallery `out` of all photos below a folder, or bring it up to date.

    Only content that the gallery lacks is looked at: a file of the same path, size and time is not even opened, any other is
    told by its digest. What was looked at is kept from the first minute on, so that a run that was stopped or killed goes on.
    Readers of the gallery are not disturbed; it is switched at once.

    labels: CSV or JSON, as of `labels.read`; fold: photos that are the same or look so become one item; rehash: read every
    file; replace: also where `out` is a gallery of another checkpoint; maps: make them for at most 5,000 items; notes: more to
    be written down in the manifest, say a licence.

    Raises: DataError for a folder without readable photos or labels that fit none of them; GalleryError where `out` holds
    something else, is being written, or can't be written; StoppedError where `stop` said so.
    """
    out = Path(out).absolute()
    apart(Path(images), out)
    files = photos(Path(images), out)
    names = [file.name for file in files.files]
    whole = str(Path(images).resolve())
    fitted = known.fitted(known.read(labels), names, str(labels), whole) if labels else known.Fitted({})
    spare(out, engine, replace)
    check_target(out)
    built = {"from": "photos", "folder": Path(images).resolve().name, **(notes or {})}
    return run(engine, Given(files, fitted, built), out, How(fold, rehash, maps), each, stop)


def run(
    engine: Engine, given: Given, out: Path, how: How, each: Callable[[Progress], None], stop: Callable[[], bool]
) -> Report:
    """`index` for files that were chosen already. Raises: as that."""
    began = not out.exists()
    try:
        with writing(out):
            try:
                return _Run(engine, given, out, how, each, stop).report()
            except DataError:
                if began:
                    clear(out)
                raise
    except (OSError, sqlite3.Error) as reason:
        why = getattr(reason, "strerror", None) or reason
        raise GalleryError(
            f"The gallery {out} can't be written ({why}); what was looked at so far is kept: make room, or make the folder "
            "writable, and start the same line again."
        ) from reason


class _Run:
    """One run on a folder that it holds."""

    def __init__(
        self, engine: Engine, given: Given, out: Path, how: How, each: Callable[[Progress], None], stop: Callable[[], bool]
    ) -> None:
        self._engine, self._given, self._out, self._how, self._each, self._stop = engine, given, out, how, each, stop
        self._since, self._header = time.perf_counter(), header(engine)
        self._before: Sequence[Row] = stored(out, self._header)
        self._likes = {key: row.key for row in self._before for key in fold.like(row)} if how.fold else {}

    def report(self) -> Report:
        """Look, compare, write; returns what was done."""
        paths = [file.name for file in self._given.files.files]
        with gathered(self._out, self._header, paths) as shards:
            journals = [Journal(self._out / JOURNAL, self._header), *shards.journals]
            keys = self._keys(journals, shards.seen)
            shards.check(keys.of.values())
            pictures, kinds = self._seen(journals)
            contents = fold.by_content(keys.of)
            order = [key for key in contents if key in pictures]
            shown = [pictures[key] for key in order]
            printed = beside.printed(self._out, shown, self._each, self._halted)
            if self._halted():
                raise self._stopped(0)
            self._each(Progress("Looking for near duplicates", 0, len(order)))
            found = [[order[i] for i in group] for group in near(printed, [self._out / image for image in shown])]
            self._each(Progress("Looking for near duplicates", len(order), len(order)))
            likes = {key: self._likes[key] for key in contents if key not in pictures}
            alike = fold.joined(found, likes, contents)
            files, labels = self._given.files.files, self._given.labels.labels
            entries = fold.entries(files, keys.of, labels, alike, self._how.fold, likes)
            changed = self._write(entries, journals)
        gallery = Gallery.open(self._out, self._engine.fingerprint)
        at = {key: i for i, key in enumerate(order)}
        rows = [at[entry.key] for entry in entries]
        read = {entry.id: kinds[entry.key] for entry in entries if entry.key in kinds}
        own = type(printed)(printed.bits[rows], printed.sha256[rows])
        beside.renew(self._engine, gallery, own, read, changed, self._how.maps, self._each)
        looks_alike = tuple(tuple(contents[key][0] for key in group) for group in alike)
        return self._told(keys, entries, contents, looks_alike, shards.notes)

    def _keys(self, journals: Sequence[Journal], seen: Unchanged) -> Keys:
        """The content of every photo that can be read, looked at where it is new."""
        before = {(row.path, row.size, row.mtime_ns): row.key for row in self._before}
        unchanged = {} if self._how.rehash else {**seen, **before}
        same: dict[str, str] = {}
        todo: list[File] = []
        for file in self._given.files.files:
            key = unchanged.get((file.written or file.name, file.size, file.mtime_ns))
            if key is None:
                todo.append(file)
            else:
                same[file.name] = key
        held = {row.key for row in self._before}.union(*({row.key for row in j.rows()} for j in journals))
        keys = self._looked(todo, journals[0], held | self._likes.keys(), len(same))
        keys.of.update(same)
        self._look_at_left_alone(keys, journals[0], held)
        keys.left_out.update(self._given.files.left_out)
        if not keys.of:
            reason = next(iter(keys.left_out.values()))
            raise DataError(f"None of the {len(keys.left_out)} photos can be read; the first: {reason}")
        return keys

    def _looked(self, todo: Sequence[File], journal: Journal, held: Collection[str], done: int) -> Keys:
        keys = look(self._engine, todo, journal, held, done, self._each, self._stop)
        if keys.waiting:
            if self._given.partial is None:
                raise self._stopped(len(keys.waiting))
            keys.left_out.update(dict.fromkeys(keys.waiting, self._given.partial()))
        return keys

    def _look_at_left_alone(self, keys: Keys, journal: Journal, held: Collection[str]) -> None:
        """Photos that were folded into one that is gone now have to stand for themselves."""
        there = set(keys.of.values())
        alone = {k for k, leader in self._likes.items() if k in there and k not in held and leader not in there}
        todo = [file for file in self._given.files.files if keys.of.get(file.name) in alone]
        if todo:
            more = self._looked(todo, journal, held, len(self._given.files.files) - len(todo))
            for file in todo:
                del keys.of[file.name]
            keys.of.update(more.of)
            keys.left_out.update(more.left_out)
            keys.looked += more.looked

    def _halted(self) -> bool:
        """Whether it is to stop and to come to nothing."""
        return self._given.partial is None and self._stop()

    def _stopped(self, waiting: int) -> StoppedError:
        total = len(self._given.files.files)
        return StoppedError(
            f"Stopped after {total - waiting:,} of {total:,} photos; they are kept, and the same line goes on there."
        )

    def _seen(self, journals: Sequence[Journal]) -> tuple[dict[str, str], dict[str, str]]:
        """Content -> its picture, and the category that was read on it."""
        rows = [*self._before, *(row for journal in journals for row in journal.rows())]
        return {r.key: r.image for r in rows}, {r.key: r.facts["read"] for r in rows if "read" in r.facts}

    def _write(self, entries: Sequence[Entry], journals: Sequence[Journal]) -> bool:
        """A new generation, if anything is different from the present one."""
        if self._before and list(entries) == [fold.entry_of(row) for row in self._before]:
            tidy(self._out, manifest_of(self._out), {row.image for journal in journals for row in journal.rows()})
            for journal in journals:
                journal.remove()
            return False

        def told(doing: str, done: int, total: int) -> None:
            self._each(Progress(doing, done, total))

        assemble(self._out, entries, journals, self._given.built, reuse=bool(self._before), each=told)
        return True

    def _told(
        self, keys: Keys, entries: Sequence[Entry], contents: Mapping[str, tuple[str, ...]],
        alike: tuple[tuple[str, ...], ...], notes: tuple[str, ...],
    ) -> Report:  # fmt: skip
        return Report(
            self._out, len(entries), **fold.changes(self._before, entries, keys.of),
            left_out=dict(sorted(keys.left_out.items())),
            copies=tuple(names for names in contents.values() if len(names) > 1), near=alike,
            folded=sum(len(entry.copies) for entry in entries), seconds=time.perf_counter() - self._since, looked=keys.looked,
            absent=self._given.labels.absent, twice=self._given.labels.twice, notes=notes,
        )  # fmt: skip
