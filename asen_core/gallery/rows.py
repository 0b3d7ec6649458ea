"""The items of a gallery in SQLite: written once, then only read, a few at a time."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from asen_core.gallery.columns import Coded
from asen_core.gallery.manifest import PICTURE, damaged
from asen_core.types import Box, Item

REMEMBERED, AT_ONCE = 20_000, 500
_TABLES = """
CREATE TABLE items (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL, image TEXT NOT NULL, labels TEXT NOT NULL,
    rois BLOB NOT NULL, facts TEXT NOT NULL, path BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    copies TEXT NOT NULL
);
CREATE TABLE label_values (label INTEGER NOT NULL, code INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (label, code))
    WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Row:
    """An item as it is stored.

    key: digest of the photo's content; rois: (A, 4) float16 in fractions of the picture; facts: what else was found when it was
    looked at; path, size, mtime_ns: of the file, by which it is known unchanged; copies: paths folded into this item.
    """

    id: str
    key: str
    image: str
    labels: dict[str, str]
    rois: np.ndarray
    facts: dict[str, Any]
    path: str = ""
    size: int = 0
    mtime_ns: int = 0
    copies: tuple[str, ...] = ()


def write(path: Path, rows: Iterable[Row], labels: Coded) -> None:
    """Write all items into a new file, on disk when this returns. Raises: OSError, sqlite3.Error."""
    path.unlink(missing_ok=True)
    link = sqlite3.connect(path, isolation_level=None)
    try:
        link.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _TABLES)
        link.execute("BEGIN")
        link.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_stored, range(2**62), rows))
        values = ((label, code, v) for label, known in enumerate(labels.values) for code, v in enumerate(known, 1))
        link.executemany("INSERT INTO label_values VALUES (?, ?, ?)", values)
        link.execute("COMMIT")
    finally:
        link.close()
    with path.open("rb+") as file:
        os.fsync(file.fileno())


class Rows:
    """The items in their order, read when asked for; the latest ones are remembered. Safe to share between threads."""

    def __init__(self, path: Path, attributes: tuple[str, ...], count: int) -> None:
        """Raises: sqlite3.Error, ValueError where the file does not hold `count` items."""
        self._path, self._attributes, self._count, self._lock = path, attributes, count, threading.Lock()
        self._seen: dict[int, Item] = {}
        self._link = sqlite3.connect(path.absolute().as_uri() + "?mode=ro&immutable=1", uri=True, check_same_thread=False)
        if self._link.execute("SELECT COUNT(*) FROM sqlite_master WHERE type IN ('view', 'trigger')").fetchone()[0]:
            raise ValueError("it holds more than tables")  # a view can count without end
        held, last = self._link.execute("SELECT COUNT(*), MAX(position) FROM items").fetchone()
        if held != count or (last if last is not None else -1) != count - 1:
            raise ValueError(f"{held} items, expected {count}")

    def at(self, positions: Sequence[int]) -> list[Item]:
        """Items by position, in the order asked for.

        Raises: GalleryError where one is not as it is written here, or its picture's path could lead elsewhere.
        """
        wanted = [int(p) for p in positions]
        with self._lock, self._mistrusted():
            if len(self._seen) > REMEMBERED:
                self._seen.clear()
            missing = [p for p in dict.fromkeys(wanted) if p not in self._seen]
            for start in range(0, len(missing), AT_ONCE):
                some = missing[start : start + AT_ONCE]
                marks = ",".join("?" * len(some))
                query = f"SELECT position, id, image, labels, rois FROM items WHERE position IN ({marks})"
                for position, *stored in self._link.execute(query, some):
                    self._seen[position] = self._item(*stored)
            return [self._seen[p] for p in wanted]

    def _item(self, id: str, image: str, labels: str, rois: bytes) -> Item:
        known = _texts(labels)
        if not isinstance(id, str) or not PICTURE.fullmatch(image):
            raise ValueError(f"it names the picture {image[:80]!r}")
        boxes = np.frombuffer(rois, np.float16).reshape(-1, 4).tolist()
        named = {a: Box(*box) for a, box in zip(self._attributes, boxes, strict=True)}
        return Item(id, image, MappingProxyType(known), named)

    @contextmanager
    def _mistrusted(self) -> Iterator[None]:
        """Errors of what is stored as ours. Raises: GalleryError."""
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError, KeyError, RecursionError, MemoryError) as reason:
            raise damaged(self._path.parent, self._path.name, f"can't be read ({str(reason)[:120]})") from reason

    def position(self, id: str) -> int | None:
        """Where an item stands; None where there is none of this id."""
        try:
            id.encode()
        except UnicodeEncodeError:  # half a character from a file name or a page: no id has that
            return None
        with self._lock, self._mistrusted():
            found = self._link.execute("SELECT position FROM items WHERE id = ?", (id,)).fetchone()
        return found[0] if found else None

    def rows(self) -> Iterator[Row]:
        """All that is stored of every item, in their order. Raises: GalleryError as `at`."""
        query = (
            "SELECT id, key, image, labels, rois, facts, path, size, mtime_ns, copies FROM items WHERE position BETWEEN ? AND ?"
        )
        for start in range(0, self._count, AT_ONCE):
            with self._lock, self._mistrusted():
                some = self._link.execute(query + " ORDER BY position", (start, start + AT_ONCE - 1)).fetchall()
                found = [_row(*stored) for stored in some]
            yield from found

    def images(self) -> set[str]:
        """The pictures of all items."""
        with self._lock, self._mistrusted():
            return {image for (image,) in self._link.execute("SELECT image FROM items")}

    def values(self, labels: int) -> tuple[tuple[str, ...], ...]:
        """Per label its values, code 1 first. Raises: ValueError where codes are missing."""
        found: list[list[str]] = [[] for _ in range(labels)]
        with self._lock:
            stored = self._link.execute("SELECT label, code, value FROM label_values ORDER BY label, code").fetchall()
        for label, code, value in stored:
            if not 0 <= label < labels or code != len(found[label]) + 1 or not isinstance(value, str):
                raise ValueError(f"value {code} of label {label} is out of order")
            found[label].append(value)
        return tuple(tuple(values) for values in found)

    def close(self) -> None:
        """Let go of the file."""
        self._link.close()


def _row(
    id: str, key: str, image: str, labels: str, rois: bytes, facts: str, path: bytes, size: int, mtime_ns: int, copies: str
) -> Row:
    boxes = np.frombuffer(rois, np.float16).reshape(-1, 4)
    return Row(
        id, key, image, _texts(labels), boxes, dict(json.loads(facts)), os.fsdecode(path), size, mtime_ns,
        tuple(json.loads(copies)),
    )  # fmt: skip


def _texts(labels: str) -> dict[str, str]:
    """Labels as they are stored. Raises: ValueError, TypeError."""
    known = json.loads(labels)
    if not isinstance(known, dict) or not all(isinstance(value, str) for value in known.values()):
        raise ValueError("labels that are no texts")
    return known


def _stored(position: int, row: Row) -> tuple[Any, ...]:
    texts = (json.dumps(row.labels, ensure_ascii=False), row.rois.astype(np.float16).tobytes(), json.dumps(row.facts))
    file = (os.fsencode(row.path), row.size, row.mtime_ns, json.dumps(row.copies))
    return (position, row.id, row.key, row.image, *texts, *file)
