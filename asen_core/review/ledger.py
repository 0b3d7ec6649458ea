"""The file that cases live in: SQLite with a write-ahead log; what was committed survives a kill."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from asen_core.errors import CaseError

VERSION = 1
_APPLICATION = 0x616C6B65
_WAIT = 30.0
_SCHEMA = """
CREATE TABLE cases (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created TEXT NOT NULL, settings TEXT NOT NULL,
    directory TEXT NOT NULL, catalogue TEXT NOT NULL, checkpoint TEXT NOT NULL, items INTEGER NOT NULL
);
CREATE TABLE sources (
    case_id INTEGER NOT NULL REFERENCES cases ON DELETE CASCADE, path TEXT NOT NULL, PRIMARY KEY (case_id, path)
);
CREATE TABLE suspects (
    id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases ON DELETE CASCADE, name TEXT NOT NULL,
    path TEXT NOT NULL, member TEXT NOT NULL, stamp TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
    category TEXT NOT NULL, unreadable TEXT NOT NULL, UNIQUE (case_id, path, member, sha256)
);
CREATE TABLE hits (
    id INTEGER PRIMARY KEY, suspect_id INTEGER NOT NULL REFERENCES suspects ON DELETE CASCADE, attribute TEXT NOT NULL,
    rank INTEGER NOT NULL, item TEXT NOT NULL, picture TEXT NOT NULL, similarity REAL NOT NULL,
    percent REAL, pairs INTEGER, within REAL, within_pairs INTEGER, last INTEGER, UNIQUE (suspect_id, attribute, rank)
);
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY, hit_id INTEGER NOT NULL REFERENCES hits ON DELETE CASCADE, decision TEXT NOT NULL,
    reviewer TEXT NOT NULL, time TEXT NOT NULL, note TEXT NOT NULL
);
CREATE INDEX decisions_of_hit ON decisions (hit_id);
CREATE TABLE whitelist (
    catalogue TEXT NOT NULL, item TEXT NOT NULL, sha256 TEXT NOT NULL, reviewer TEXT NOT NULL, time TEXT NOT NULL,
    note TEXT NOT NULL, PRIMARY KEY (catalogue, item, sha256)
);
CREATE VIEW triaged AS
SELECT h.*, s.case_id AS case_id, s.sha256 AS sha256, s.category AS category, d.id IS NULL AND w.item IS NOT NULL AS inherited,
    coalesce(d.decision, CASE WHEN w.item IS NOT NULL THEN 'whitelisted' END) AS decision,
    coalesce(d.reviewer, w.reviewer) AS reviewer, coalesce(d.time, w.time) AS time, coalesce(d.note, w.note) AS note
FROM hits h JOIN suspects s ON s.id = h.suspect_id JOIN cases c ON c.id = s.case_id LEFT JOIN decisions d ON d.id = h.last
    LEFT JOIN whitelist w ON w.catalogue = c.catalogue AND w.item = h.item AND w.sha256 = s.sha256 AND s.sha256 <> '';
"""


def default_path() -> Path:
    """Where cases live: ASEN_CASES, else alike/cases.sqlite in the user's data folder (XDG_DATA_HOME or ~/.local/share)."""
    if given := os.environ.get("ASEN_CASES"):
        return Path(given)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "alike" / "cases.sqlite"


def prepare(path: Path) -> None:
    """Make the file, or see that it is one of ours. Raises: CaseError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise CaseError(f"The folder {path.parent} can't be made ({reason.strerror}); choose another place.") from reason
    with _connected(path) as db:
        found = _version(db, path)
        if found == VERSION:
            return
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("BEGIN IMMEDIATE")
        if _version(db, path) == 0:  # another process may have been quicker
            for statement in _SCHEMA.split(";\n"):
                db.execute(statement)
            db.execute(f"PRAGMA application_id={_APPLICATION}")
            db.execute(f"PRAGMA user_version={VERSION}")
        db.execute("COMMIT")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of its own that sees one state of the file. Raises: CaseError where it can't be read."""
    with _connected(path) as db:
        db.execute("BEGIN")
        yield db
        db.execute("COMMIT")


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A transaction: on the disk when the block ends, undone where it raises. Raises: CaseError where it can't be written."""
    with _connected(path) as db:
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        # Closing undoes what was not committed; a connection per call needs no lock between threads.
        with closing(sqlite3.connect(path, timeout=_WAIT, isolation_level=None)) as db:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA foreign_keys=ON")
            db.execute("PRAGMA synchronous=FULL")
            yield db
    except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
        raise  # ours, not the file's
    except sqlite3.DatabaseError as reason:
        told = f"The cases in {path} can't be used ({reason})"
        raise CaseError(f"{told}; check the file and the free space, or give another.") from reason


def _version(db: sqlite3.Connection, path: Path) -> int:
    """0 for an empty file. Raises: CaseError for a file of somebody else or of a newer version."""
    found, owner = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id"))
    filled = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if filled and owner != _APPLICATION:
        raise CaseError(f"{path} is a database of another program; give a new file for the cases.")
    if found > VERSION:
        raise CaseError(f"{path} has version {found}, this program reads up to {VERSION}; update the program.")
    return found
