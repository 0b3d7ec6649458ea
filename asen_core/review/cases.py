"""Named cases in one file: opened, continued, triaged and exported, from several threads and programs at once."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Self

from asen_core.errors import CaseError
from asen_core.gallery import Gallery
from asen_core.review import ledger
from asen_core.review.case import Case
from asen_core.review.triage import Settings, catalogue_of, utc

__all__ = ["Case", "Cases"]

LONGEST_NAME = 120


class Cases:
    """All cases of one file. Safe to share between threads: each call has a connection of its own.

    Cases.open() opens the file, `create` makes a case, `case` opens one by its name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: Path | str | None = None) -> Self:
        """Open the file of the cases, or make it; None: `ledger.default_path()`. Raises: CaseError."""
        place = Path(path).absolute() if path else ledger.default_path().absolute()
        ledger.prepare(place)
        return cls(place)

    def create(self, name: str, gallery: Gallery, settings: Settings | None = None, *, time: datetime) -> Case:
        """A new case against a protected catalogue. time: with a zone. Raises: CaseError for a name that is taken or empty."""
        name, settings, catalogue = _named(name), settings or Settings(), catalogue_of(gallery)
        if unknown := [a for a in settings.attributes if a not in gallery.attributes]:
            raise CaseError(f"Unknown attribute {', '.join(unknown)}; this catalogue knows {', '.join(gallery.attributes)}.")
        values = (name, utc(time), settings.to_json(), str(catalogue.directory), catalogue.fingerprint, catalogue.checkpoint)
        with ledger.writing(self.path) as db:
            _check_free(db, name)
            row = db.execute(
                "INSERT INTO cases (name, created, settings, directory, catalogue, checkpoint, items) VALUES (?,?,?,?,?,?,?)",
                (*values, catalogue.items),
            )
            return Case(self.path, int(row.lastrowid or 0))

    def case(self, name: str) -> Case:
        """Reopen a case. Raises: CaseError where there is none of that name."""
        with ledger.reading(self.path) as db:
            return Case(self.path, _id(db, name))

    def list(self) -> list[str]:
        """The names of all cases, the newest first."""
        with ledger.reading(self.path) as db:
            return [row["name"] for row in db.execute("SELECT name FROM cases ORDER BY id DESC")]

    def rename(self, name: str, new: str) -> None:
        """Give a case another name. Raises: CaseError where there is none, or the new name is taken or empty."""
        new = _named(new)
        with ledger.writing(self.path) as db:
            number = _id(db, name)
            if new != name:
                _check_free(db, new)
            db.execute("UPDATE cases SET name = ? WHERE id = ?", (new, number))

    def delete(self, name: str) -> None:
        """Remove a case with its hits and decisions; what it whitelisted stays so for its catalogue. Raises: CaseError."""
        with ledger.writing(self.path) as db:
            db.execute("DELETE FROM cases WHERE id = ?", (_id(db, name),))


def _named(name: str) -> str:
    if not 0 < len(name.strip()) <= LONGEST_NAME or not name.isprintable():
        raise CaseError(f"A case needs a name of 1 to {LONGEST_NAME} characters on one line, got {name[:130]!r}.")
    return name.strip()


def _id(db: sqlite3.Connection, name: str) -> int:
    row = db.execute("SELECT id FROM cases WHERE name = ?", (name.strip(),)).fetchone()
    if row is None:
        known = [r["name"] for r in db.execute("SELECT name FROM cases ORDER BY id DESC LIMIT 8")]
        raise CaseError(f"There is no case {name!r}; there are: {', '.join(known) or 'none yet'}.")
    return int(row["id"])


def _check_free(db: sqlite3.Connection, name: str) -> None:
    if db.execute("SELECT 1 FROM cases WHERE name = ?", (name,)).fetchone():
        raise CaseError(f"There is a case {name!r} already; continue it or choose another name.")
