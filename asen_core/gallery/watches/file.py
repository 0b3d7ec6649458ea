"""The file of saved searches: SQLite with a rollback journal; what was committed survives a kill."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from asen_core.errors import GalleryError

NAME = "watches.sqlite"
FILES = (NAME, f"{NAME}-journal")
"""What may lie in a gallery's directory for saved searches; the journal of a killed run mends the file, so it stays, too."""
VERSION = 1
_APPLICATION = 0x616C6B77
_WAIT = 30.0
_COMES_ALONG = Path(__file__).resolve().parents[2] / "gallery_index"
_SCHEMA = """
CREATE TABLE watches (
    id INTEGER PRIMARY KEY, gallery TEXT NOT NULL, name TEXT NOT NULL, created TEXT NOT NULL, ran TEXT NOT NULL,
    question TEXT NOT NULL, threshold TEXT NOT NULL, checkpoint TEXT NOT NULL, attributes TEXT NOT NULL, vectors BLOB NOT NULL,
    picture BLOB NOT NULL, UNIQUE (gallery, name)
);
CREATE TABLE hits (
    watch_id INTEGER NOT NULL REFERENCES watches ON DELETE CASCADE, item TEXT NOT NULL, image TEXT NOT NULL,
    similarity REAL NOT NULL, percentile REAL NOT NULL, found TEXT NOT NULL, told TEXT, PRIMARY KEY (watch_id, item)
) WITHOUT ROWID;
CREATE INDEX waiting ON hits (watch_id) WHERE told IS NULL;
"""


def default_path(gallery: Path | str) -> Path:
    """Where the saved searches of a gallery live: ASEN_WATCHES, else beside its vectors.

    A gallery that is no directory of one's own, as it is elsewhere, can't be written to or came with the program, has them in
    alike/watches.sqlite in the user's data folder (XDG_DATA_HOME or ~/.local/share).
    """
    if given := os.environ.get("ASEN_WATCHES"):
        return Path(given).absolute()
    place = Path(gallery)
    if place.is_dir() and os.access(place, os.W_OK) and place.resolve() != _COMES_ALONG:
        return place.absolute() / NAME
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share").absolute() / "alike" / NAME


def prepare(path: Path) -> None:
    """Make the file, or see that it is one of ours. Raises: GalleryError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise GalleryError(f"The folder {path.parent} can't be made ({reason.strerror}); choose another place.") from reason
    with _connected(path) as db:
        if _version(db, path) == VERSION:
            return
        db.execute("BEGIN IMMEDIATE")
        if _version(db, path) == 0:  # another process may have been quicker
            for statement in _SCHEMA.split(";\n"):
                db.execute(statement)
            db.execute(f"PRAGMA application_id={_APPLICATION}")
            db.execute(f"PRAGMA user_version={VERSION}")
        db.execute("COMMIT")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of its own that sees one state of the file. Raises: GalleryError where it can't be read."""
    with _connected(path) as db:
        db.execute("BEGIN")
        yield db
        db.execute("COMMIT")


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A transaction: on the disk when the block ends, undone where it raises. Raises: GalleryError where that fails."""
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
        told = f"The saved searches in {path} can't be used ({reason})"
        raise GalleryError(f"{told}; check the file and the free space, or give another.") from reason


def _version(db: sqlite3.Connection, path: Path) -> int:
    """0 for an empty file. Raises: GalleryError for a file of somebody else or of a newer version."""
    found, owner = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id"))
    filled = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if filled and owner != _APPLICATION:
        raise GalleryError(f"{path} is a database of another program; give a new file for the saved searches.")
    if found > VERSION:
        raise GalleryError(f"{path} has version {found}, this program reads up to {VERSION}; update the program.")
    return found
