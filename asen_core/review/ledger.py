"""The file that cases live in: SQLite with a write-ahead log; what was committed survives a kill."""

from __future__ import annotations

import os
from pathlib import Path

from asen_core.errors import CaseError
from asen_core.gallery.database import Kind

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
_KIND = Kind("cases", 0x616C6B65, 1, _SCHEMA, CaseError, ahead=True)
prepare, reading, writing, understood = _KIND.prepare, _KIND.reading, _KIND.writing, _KIND.understood
"""Of a file's path: make it, look into it, change it, understand what was read of it. Raise: CaseError."""


def default_path() -> Path:
    """Where cases live: ASEN_CASES, else alike/cases.sqlite in the user's data folder (XDG_DATA_HOME or ~/.local/share)."""
    if given := os.environ.get("ASEN_CASES"):
        return Path(given)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "alike" / "cases.sqlite"
