"""Rows of the cases' file, to and from what they stand for."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from asen_core.errors import CaseError
from asen_core.review.background import Standing
from asen_core.review.suspects import Entry
from asen_core.review.triage import Decision, Hit, Suspect

_PASSES = "(t.percent IS NULL OR t.percent >= :least)"
_UNUSUAL = "coalesce(t.percent, -1) DESC, t.similarity DESC, t.id"
_S = ", ".join(
    f"s.{c} AS s_{c}" for c in ("id", "name", "path", "member", "sha256", "size", "category", "unreadable")
)  # fmt: skip
HITS = f"""
SELECT t.* FROM triaged t WHERE t.case_id = :case AND (:suspect IS NULL OR t.suspect_id = :suspect)
    AND (:hit IS NULL OR t.id = :hit) AND {_PASSES} ORDER BY {_UNUSUAL}
"""
QUEUE = f"""
WITH placed AS (
    SELECT t.*, count(*) OVER of_suspect AS passing, sum(t.decision IS NULL) OVER of_suspect AS open,
        row_number() OVER (PARTITION BY t.suspect_id ORDER BY t.decision IS NOT NULL, {_UNUSUAL}) AS place
    FROM triaged t WHERE t.case_id = :case AND {_PASSES} AND (:attribute IS NULL OR t.attribute = :attribute)
    WINDOW of_suspect AS (PARTITION BY t.suspect_id)
)
SELECT t.*, {_S} FROM placed t JOIN suspects s ON s.id = t.suspect_id
WHERE t.place = 1 AND (t.open > 0 OR NOT :only) ORDER BY t.open = 0, {_UNUSUAL} LIMIT :limit OFFSET :offset
"""
HISTORY = """
SELECT d.* FROM decisions d JOIN hits h ON h.id = d.hit_id JOIN suspects s ON s.id = h.suspect_id
WHERE s.case_id = :case AND (:hit IS NULL OR h.id = :hit) ORDER BY d.id
"""
_PAIR = """
SELECT h.item, s.sha256, c.catalogue FROM hits h JOIN suspects s ON s.id = h.suspect_id JOIN cases c ON c.id = s.case_id
WHERE c.id = ? AND h.id = ?
"""
_STILL = """
SELECT 1 FROM hits h JOIN suspects s ON s.id = h.suspect_id JOIN cases c ON c.id = s.case_id JOIN decisions d ON d.id = h.last
WHERE h.item = ? AND s.sha256 = ? AND c.catalogue = ? AND d.decision = ?
"""


def suspect(row: sqlite3.Row, before: str = "") -> Suspect:
    """before: of the columns' names."""
    values = {c: row[before + c] for c in ("id", "name", "member", "sha256", "size", "category", "unreadable")}
    _check([values[c] for c in ("name", "member", "sha256", "category", "unreadable")], [values["size"]])
    return Suspect(path=Path(row[before + "path"]), **values)


def hit(row: sqlite3.Row) -> Hit:
    """Of a row of the view `triaged`."""
    every = None if row["percent"] is None else Standing(row["percent"], row["pairs"])
    within = None if row["within"] is None else Standing(row["within"], row["within_pairs"], row["category"])
    said = None
    if row["decision"] is not None:
        said = Decision(row["decision"], row["reviewer"], row["time"], row["note"], bool(row["inherited"]))
        _check([said.decision, said.reviewer, said.time, said.note], [])
    named = (row["id"], row["suspect_id"], row["attribute"], row["rank"], row["item"], row["picture"], row["similarity"])
    _check([row["attribute"], row["item"], row["picture"]], [row["similarity"], row["percent"] or 0, row["within"] or 0])
    return Hit(*named, standing=every, within=within, decision=said)


def _check(texts: Sequence[object], numbers: Sequence[object]) -> None:
    """A column of a stranger's file may hold anything. Raises: ValueError."""
    wrong = [t for t in texts if not isinstance(t, str)] + [n for n in numbers if not isinstance(n, int | float)]
    if wrong:
        raise ValueError(f"{str(wrong[0])[:40]!r} stands where it can't")


def decide(db: sqlite3.Connection, case: int, hit: int, said: tuple[str, str, str, str], whitelisted: str) -> None:
    """Note a decision (decision, reviewer, time, note) and keep the whitelist of the catalogue. Raises: CaseError."""
    pair = db.execute(_PAIR, (case, hit)).fetchone()
    if pair is None:
        raise CaseError(f"The case has no hit {hit}; take one from its queue. Nothing was decided.")
    noted = db.execute("INSERT INTO decisions (hit_id, decision, reviewer, time, note) VALUES (?,?,?,?,?)", (hit, *said))
    before = db.execute("SELECT d.decision FROM hits h JOIN decisions d ON d.id = h.last WHERE h.id = ?", (hit,)).fetchone()
    db.execute("UPDATE hits SET last = ? WHERE id = ?", (noted.lastrowid, hit))
    item, sha256, catalogue = pair
    if said[0] == whitelisted:
        db.execute("INSERT OR REPLACE INTO whitelist VALUES (?,?,?,?,?,?)", (catalogue, item, sha256, *said[1:]))
    elif before and before[0] == whitelisted and not db.execute(_STILL, (item, sha256, catalogue, whitelisted)).fetchone():
        db.execute("DELETE FROM whitelist WHERE catalogue = ? AND item = ? AND sha256 = ?", (catalogue, item, sha256))


def add(db: sqlite3.Connection, case: int, entry: Entry, read: tuple[str, str, str], hits: Sequence[Hit]) -> None:
    """Store a suspect with its hits. read: sha256, category, why it is unreadable."""
    sha256, category, unreadable = read
    place = (case, text(entry.path), text(entry.member))
    # What was unreadable at this place before is tried again each time, and this is how it went now.
    gone = "unreadable <> '' AND (sha256 <> ? OR ? = '')"
    db.execute(f"DELETE FROM suspects WHERE case_id = ? AND path = ? AND member = ? AND {gone}", (*place, sha256, unreadable))
    values = (*place, sha256, text(entry.name), entry.stamp, entry.size, category, unreadable)
    known = db.execute(
        "SELECT id FROM suspects WHERE case_id = ? AND path = ? AND member = ? AND sha256 = ?", (*place, sha256)
    ).fetchone()
    if known:
        db.execute("UPDATE suspects SET stamp = ?, unreadable = ? WHERE id = ?", (entry.stamp, unreadable, known["id"]))
        return
    columns = "case_id, path, member, sha256, name, stamp, size, category, unreadable"
    made = db.execute(f"INSERT INTO suspects ({columns}) VALUES (?,?,?,?,?,?,?,?,?)", values)
    db.executemany(
        "INSERT INTO hits (suspect_id, attribute, rank, item, picture, similarity, percent, pairs, within, within_pairs)"
        " VALUES (?,?,?,?,?,?,?,?,?,?)",
        [(made.lastrowid, *_values(h)) for h in hits],
    )


def text(value: Path | str) -> str:
    """A path as SQLite can hold it: bytes that are not UTF-8 are spelled out."""
    return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _values(h: Hit) -> tuple[str | int | float | None, ...]:
    figures = [v for s in (h.standing, h.within) for v in ((s.percent, s.pairs) if s else (None, None))]
    return (h.attribute, h.rank, h.item, h.picture, h.similarity, *figures)
