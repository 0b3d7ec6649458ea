"""The file of saved searches: SQLite with a rollback journal; what was committed survives a kill."""

from __future__ import annotations

import os
from pathlib import Path

from asen_core.errors import GalleryError
from asen_core.gallery.database import Kind

NAME = "watches.sqlite"
FILES = (NAME, f"{NAME}-journal")
"""What may lie in a gallery's directory for saved searches; the journal of a killed run mends the file, so it stays, too."""
COMES_ALONG = Path(__file__).resolve().parents[3] / "gallery_index"
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
_KIND = Kind("saved searches", 0x616C6B77, 1, _SCHEMA, GalleryError)
prepare, reading, writing = _KIND.prepare, _KIND.reading, _KIND.writing
"""Of a file's path: make it, look into it, change it. Raise: GalleryError."""


def default_path(gallery: Path | str) -> Path:
    """Where the saved searches of a gallery live: ASEN_WATCHES, else beside its vectors.

    A gallery that is no directory of one's own, as it is elsewhere, can't be written to or came with the program, has them in
    alike/watches.sqlite in the user's data folder (XDG_DATA_HOME or ~/.local/share).
    """
    if given := os.environ.get("ASEN_WATCHES"):
        return Path(given).absolute()
    place = Path(gallery)
    if place.is_dir() and os.access(place, os.W_OK) and place.resolve() != COMES_ALONG:
        return place.absolute() / NAME
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share").absolute() / "alike" / NAME
