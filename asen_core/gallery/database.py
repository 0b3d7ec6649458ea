"""SQLite files for what people write down: what was committed survives a kill, and nobody else's file is touched."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from asen_core.errors import AsenError

_WAIT = 30.0


@dataclass(frozen=True)
class Kind:
    """What a file holds, for people; the numbers by which it is known; its tables; the error that its methods raise.

    ahead: with a write-ahead log, so that readers need not wait, at the price of two more files beside it.
    """

    holds: str
    application: int
    version: int
    schema: str
    error: type[AsenError]
    ahead: bool = False

    def prepare(self, path: Path) -> None:
        """Make the file, or see that it is one of this kind. Raises: the kind's error."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as reason:
            raise self.error(f"The folder {path.parent} can't be made ({reason.strerror}); choose another place.") from reason
        with self._connected(path) as db:
            if self._version(db, path) == self.version:
                return self._check_tables(db, path)
            if self.ahead:
                db.execute("PRAGMA journal_mode=WAL")
            db.execute("BEGIN IMMEDIATE")
            if self._version(db, path) == 0:  # another process may have been quicker
                for statement in self._statements:
                    db.execute(statement)
                db.execute(f"PRAGMA application_id={self.application}")
                db.execute(f"PRAGMA user_version={self.version}")
            db.execute("COMMIT")

    @contextmanager
    def reading(self, path: Path) -> Iterator[sqlite3.Connection]:
        """A connection of its own that sees one state of the file.

        Raises: the kind's error where it can't be read, also where what the block finds in it can't be understood.
        """
        with self._connected(path) as db:
            db.execute("BEGIN")
            with self.understood(path):
                yield db
            db.execute("COMMIT")

    @contextmanager
    def understood(self, path: Path) -> Iterator[None]:
        """For reading what is stored as text: it is not ours where that fails. Raises: the kind's error."""
        try:
            yield
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as reason:
            raise self._unusable(path, reason) from reason

    @contextmanager
    def writing(self, path: Path) -> Iterator[sqlite3.Connection]:
        """A transaction: on the disk when the block ends, undone where it raises. Raises: the kind's error where that fails."""
        with self._connected(path) as db:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")

    @contextmanager
    def _connected(self, path: Path) -> Iterator[sqlite3.Connection]:
        try:
            # Closing undoes what was not committed; a connection per call needs no lock between threads.
            with closing(sqlite3.connect(path, timeout=_WAIT, isolation_level=None)) as db:
                db.row_factory = sqlite3.Row
                db.execute("PRAGMA foreign_keys=ON")
                db.execute("PRAGMA synchronous=FULL")
                yield db
        except sqlite3.ProgrammingError:
            raise  # ours, not the file's
        except (sqlite3.DatabaseError, UnicodeDecodeError, MemoryError) as reason:  # sqlite may ask for what a bad page claims
            raise self._unusable(path, reason) from reason

    def _unusable(self, path: Path, reason: Exception) -> AsenError:
        told = f"The {self.holds} in {path} can't be used ({str(reason)[:200]})"
        return self.error(f"{told}; check the file and the free space, or give another.")

    @property
    def _statements(self) -> list[str]:
        return [statement.strip() for statement in self.schema.split(";\n") if statement.strip()]

    def _check_tables(self, db: sqlite3.Connection, path: Path) -> None:
        """Other tables, and more of them, would be a stranger's: a view can count without end. Raises: the kind's error."""
        made = [str(sql) for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql <> ''")]
        if sorted(made) != sorted(self._statements):
            raise self._unusable(path, ValueError("its tables are not those that this program makes"))

    def _version(self, db: sqlite3.Connection, path: Path) -> int:
        """0 for an empty file. Raises: the kind's error for a file of somebody else or of a newer version."""
        found, owner = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id"))
        filled = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if filled and owner != self.application:
            raise self.error(f"{path} is a database of another program; give a new file for the {self.holds}.")
        if found > self.version:
            raise self.error(f"{path} has version {found}, this program reads up to {self.version}; update the program.")
        return found
