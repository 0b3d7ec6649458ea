"""Every byte of a gallery held against the checksums that were written with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from asen_core import files, images
from asen_core.errors import GalleryError, PhotoError
from asen_core.gallery import manifest as disk
from asen_core.gallery.local import LocalStore
from asen_core.gallery.manifest import Manifest
from asen_core.gallery.rows import Rows
from asen_core.gallery.watches.file import NAME as WATCHES

_TRIES = 5


@dataclass
class Checked:
    """What was found in a folder.

    files, bytes: how much was read; damaged: name of a file below the folder -> what is wrong with it; without: names of files
    that an earlier version wrote without a checksum, which could only be read, not compared.
    """

    files: int = 0
    bytes: int = 0
    damaged: dict[str, str] = field(default_factory=dict)
    without: list[str] = field(default_factory=list)


def check(directory: Path, each: Callable[[int, int], None] = lambda done, total: None) -> Checked:
    """Read all of a gallery; what is wrong is noted, not raised. each: told (pictures done, all).

    Where another run writes a new generation meanwhile, and removes files of the one before, it starts over.
    """
    for _ in range(_TRIES):
        found, held = _checked(directory, each)
        if not found.damaged or held is None or not disk.superseded(directory, held):
            break
    return found


def _checked(directory: Path, each: Callable[[int, int], None]) -> tuple[Checked, Manifest | None]:
    """What was found, and the manifest that it was held against; None where that can't be read."""
    found = Checked()
    try:
        held = disk.read(directory)
        sealed = files.CHECKSUM.encode() in (directory / disk.MANIFEST).read_bytes()[:99]
    except GalleryError as reason:
        found.damaged[disk.MANIFEST] = str(reason.__cause__ or reason)
        return found, None
    _note(found, directory, disk.MANIFEST, "" if sealed else None)
    for name, digest in _named(held):
        _note(found, directory, name, _compared(directory / name, digest))
    if not found.damaged:  # what is compared with checksums fits together where the manifest has one, too
        try:
            LocalStore(directory, pictures=False).close()
        except GalleryError as reason:
            found.damaged[disk.MANIFEST] = str(reason)
    for name in (disk.MAPS, disk.PAIRS, disk.PRINTS):
        if (directory / name).exists():
            _note(found, directory, name, _archive(directory / name))
    if (directory / WATCHES).exists():
        _note(found, directory, WATCHES, _database(directory / WATCHES))
    if held.file(disk.ITEMS) not in found.damaged:
        try:
            _pictures(found, directory, held, each)
        except (GalleryError, OSError, ValueError, sqlite3.Error) as reason:  # removed since it was compared
            found.damaged[held.file(disk.ITEMS)] = f"can't be read ({str(reason)[:120]})"
    return found, held


def _named(held: Manifest) -> Iterator[tuple[str, str]]:
    """Files that the manifest has checksums of."""
    for role in disk.ENDINGS:
        yield held.file(role), str(held.sha256.get(role))
    for made in held.neighbours.get("attributes", ()):
        yield f"{held.file(disk.NEIGHBOURS)}/{Path(str(made['file'])).name}", str(made["sha256"])


def _note(found: Checked, directory: Path, name: str, fault: str | None) -> None:
    """fault: what is wrong, "" for nothing, None where there is no checksum."""
    found.files += 1
    with suppress(OSError):
        found.bytes += (directory / name).stat().st_size
    if fault:
        found.damaged[name] = fault
    elif fault is None:
        found.without.append(name)


def _compared(path: Path, digest: str) -> str:
    try:
        return "" if files.digest(path) == digest else f"differs from its checksum in {disk.MANIFEST}"
    except OSError as reason:
        return f"can't be read ({reason.strerror})"


def _archive(path: Path) -> str | None:
    try:
        if files.check_archive(path):
            return ""
        with np.load(path, allow_pickle=False) as held:  # which compares the checksums that any zip has
            for name in held.files:
                held[name]
        return None
    except Exception as reason:  # a damaged archive may raise anything while it is decoded
        return f"can't be read ({str(reason)[:120]})"


def _database(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as link:
            told = str(link.execute("PRAGMA integrity_check").fetchone()[0])
        return None if told == "ok" else told.splitlines()[0][:120]
    except sqlite3.Error as reason:
        return f"can't be read ({reason})"


def _pictures(found: Checked, directory: Path, held: Manifest, each: Callable[[int, int], None]) -> None:
    with closing(Rows(directory / held.file(disk.ITEMS), held.attributes, held.count)) as rows:
        for done, row in enumerate(rows.rows(), 1):
            if disk.PICTURE.fullmatch(row.image):
                _note(found, directory, row.image, _picture(directory / row.image, row.facts))
            else:
                found.damaged[row.image[:80]] = "is no name of a picture of a gallery"
            each(done, held.count)


def _picture(path: Path, facts: Mapping[str, object]) -> str | None:
    try:
        if disk.PICTURE_SUM in facts:
            return "" if files.digest(path) == facts[disk.PICTURE_SUM] else "differs from its checksum among the items"
        images.load(path)
        return None
    except (OSError, PhotoError) as reason:
        return f"can't be read ({str(reason)[:120]})"
