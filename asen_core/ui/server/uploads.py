"""Files that visitors sent: which are still in use, and when the others go."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from asen_core.ui.desk import Desk
from asen_core.ui.handlers import Visit
from asen_core.ui.scratch import Scratch

UNSENT, USED, EXPORTED = 300.0, 30.0, 600.0
"""Seconds for which a file stays that no visit uses: one that none used yet, perhaps as its visitor waits in line, or as a
program sends it with several calls; one that was used; one that was made to be downloaded."""
_MADE = (".zip", ".csv")


def files_of(value: object) -> Iterator[Path]:
    """The photos that a visit's value needs."""
    if isinstance(value, Visit):
        if value.query is not None:
            yield value.query.photo
        if value.own is not None:
            yield from value.own.sent
    elif isinstance(value, Desk):
        yield from (sheet.query.photo for side in value.sides for sheet in side)


class Uploads:
    """Clears up after visitors. Knows only files that came to this process, and what it made for downloads."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch

    def tidy(
        self, sent: Collection[str], used: Collection[Path], needed: Collection[Path], now: float | None = None
    ) -> list[str]:
        """Remove what nobody needs any more; returns the files of `sent` that have gone.

        sent: files that came; used: those that visits needed at any time; needed: those that they need now; now: the time, in
        seconds since 1970.
        """
        now, gone = now or time.time(), []
        for name in sent:
            file = Path(name).resolve()
            if file not in needed and _age(file, now) > (USED if file in used else UNSENT):
                file.unlink(missing_ok=True)
                with suppress(OSError):  # it may hold more that came along
                    file.parent.rmdir()
                gone.append(name)
        self._exports(now)
        return gone

    def _exports(self, now: float) -> None:
        """Tables and packs lie alone in a folder and belong to no visit."""
        for folder in self.scratch.root.glob("*"):
            files = list(folder.glob("*"))
            if len(files) == 1 and files[0].suffix in _MADE and _age(files[0], now) > EXPORTED:
                self.scratch.forget(folder)


def _age(file: Path, now: float) -> float:
    """Seconds since a file came to its place; endless where it has gone."""
    try:
        return now - file.stat().st_ctime
    except OSError:
        return float("inf")
