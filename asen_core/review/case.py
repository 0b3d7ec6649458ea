"""One named case: its suspects, their hits in a ranked queue, what was decided about them, and what is exported."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path

from asen_core.errors import CaseError
from asen_core.review import exports, ledger, rows
from asen_core.review.suspects import Reader
from asen_core.review.triage import (
    DECISIONS,
    WHITELISTED,
    Catalogue,
    Counts,
    Decision,
    Found,
    Hit,
    Queued,
    Settings,
    Suspect,
    utc,
)


class Case:
    """One case; get it from `Cases.create` or `Cases.case`. Every change is on the disk when its call returns."""

    def __init__(self, path: Path, id: int) -> None:
        self.path, self.id = path, id

    @property
    def name(self) -> str:
        """As it is now."""
        return self._row["name"]

    @cached_property
    def created(self) -> str:
        """UTC, ISO 8601."""
        return self._row["created"]

    @cached_property
    def catalogue(self) -> Catalogue:
        """The protected garments, as they were when the case was made."""
        row = self._row
        with ledger.understood(self.path):
            return Catalogue(Path(row["directory"]), row["catalogue"], row["checkpoint"], row["items"])

    @cached_property
    def settings(self) -> Settings:
        """How it is screened and, unless a queue asks otherwise, what is queued."""
        row = self._row
        with ledger.understood(self.path):
            return Settings.from_json(row["settings"])

    @property
    def sources(self) -> list[Path]:
        """The folders, zips and files that it was given, in their order."""
        with ledger.reading(self.path) as db:
            found = db.execute("SELECT path FROM sources WHERE case_id = ? ORDER BY rowid", (self.id,))
            return [Path(row["path"]) for row in found]

    def counts(self) -> Counts:
        """How far it is."""
        with ledger.reading(self.path) as db:
            bad, all_ = db.execute(
                "SELECT coalesce(sum(unreadable <> ''), 0), count(*) FROM suspects WHERE case_id = ?", (self.id,)
            ).fetchone()
            decided, hits = db.execute("SELECT count(decision), count(*) FROM triaged WHERE case_id = ?", (self.id,)).fetchone()
        return Counts(all_ - bad, bad, hits, decided)

    def suspects(self, unreadable: bool | None = None) -> list[Suspect]:
        """In the order in which they were screened. unreadable: only those that could not be read, or only the others."""
        which = "" if unreadable is None else f" AND (unreadable <> '') = {int(unreadable)}"
        with ledger.reading(self.path) as db:
            found = db.execute(f"SELECT * FROM suspects WHERE case_id = ?{which} ORDER BY id", (self.id,))
            return [rows.suspect(row) for row in found]

    def suspect(self, id: int) -> Suspect:
        """Raises: CaseError where the case has no such suspect."""
        with ledger.reading(self.path) as db:
            row = db.execute("SELECT * FROM suspects WHERE case_id = ? AND id = ?", (self.id, id)).fetchone()
        if row is None:
            raise CaseError(f"The case has no suspect {id}; take one from its queue.")
        return rows.suspect(row)

    def photo(self, suspect: Suspect) -> bytes:
        """The file of a suspect as it was screened. Raises: PhotoError where it is gone, CaseError where it has changed."""
        with Reader() as reader:
            return exports.verified(reader, suspect)

    def picture(self, hit: Hit) -> Path:
        """Where the picture of a hit's protected item lies."""
        return self.catalogue.directory / hit.picture

    def queue(
        self, percentile: float | None = None, attribute: str | None = None, undecided_only: bool = False,
        limit: int = -1, offset: int = 0,
    ) -> list[Queued]:  # fmt: skip
        """Suspects that have a hit at or above the percentile (None: the setting), those with undecided hits first.

        Then by the most unusual hit (the undecided ones count, as long as there are any): percentile, then similarity. A hit
        without a standing passes and comes last. attribute: only hits under it (or `OVERALL`); limit: -1 for all.
        """
        least = self.settings.percentile if percentile is None else percentile
        with ledger.reading(self.path) as db:
            asked = {"case": self.id, "least": least, "attribute": attribute, "only": undecided_only}
            found = db.execute(rows.QUEUE, {**asked, "limit": limit, "offset": offset}).fetchall()
            return [Queued(rows.suspect(row, "s_"), rows.hit(row), row["passing"], row["open"]) for row in found]

    def hits(self, suspect: Suspect | int | None = None, percentile: float = 0.0) -> list[Hit]:
        """The hits of a suspect (None: of all) at or above a percentile, the most unusual first."""
        number = suspect.id if isinstance(suspect, Suspect) else suspect
        with ledger.reading(self.path) as db:
            found = db.execute(rows.HITS, {"case": self.id, "suspect": number, "hit": None, "least": percentile})
            return [rows.hit(row) for row in found]

    def hit(self, id: int) -> Hit:
        """Raises: CaseError where the case has no such hit."""
        with ledger.reading(self.path) as db:
            row = db.execute(rows.HITS, {"case": self.id, "suspect": None, "hit": id, "least": 0.0}).fetchone()
        if row is None:
            raise CaseError(f"The case {self.name} has no hit {id}; `cases show` lists their numbers.")
        return rows.hit(row)

    def decide(
        self, hits: Hit | int | Iterable[Hit | int], decision: str, reviewer: str, time: datetime, note: str = ""
    ) -> None:
        """Say what a hit, or several at once, are; what was said before stays in `decisions`, the last counts.

        A whitelisted hit whitelists its pair of item and suspect file, under all attributes and in all cases of the same
        catalogue, until no hit of the pair is whitelisted any more; a hit's own decision counts more than that.

        Raises: CaseError for an unknown decision, an empty reviewer, a time without a zone or a hit of another case.
        """
        if decision not in DECISIONS:
            raise CaseError(f"The decision must be one of {', '.join(DECISIONS)}; got {decision!r}.")
        if not reviewer.strip():
            raise CaseError("A decision needs the reviewer's name, so that others know whom to ask; give one.")
        numbers = [hits] if isinstance(hits, Hit | int) else list(hits)
        said = (decision, reviewer.strip(), utc(time), note.strip())
        with ledger.writing(self.path) as db:
            for number in (h.id if isinstance(h, Hit) else h for h in numbers):
                rows.decide(db, self.id, number, said, WHITELISTED)

    def decisions(self, hit: Hit | int | None = None) -> list[tuple[int, Decision]]:
        """(hit, decision) of everything that was said in this case, or of one hit, the oldest first."""
        number = hit.id if isinstance(hit, Hit) else hit
        with ledger.reading(self.path) as db:
            found = db.execute(rows.HISTORY, {"case": self.id, "hit": number})
            return [(row["hit_id"], Decision(row["decision"], row["reviewer"], row["time"], row["note"])) for row in found]

    def export_csv(self, path: Path | str, percentile: float = 0.0) -> int:
        """Write one row per hit at or above a percentile, as `exports.write_hits` says; returns how many."""
        return exports.write_hits(self, Path(path), percentile)

    def export_training(self, folder: Path | str) -> exports.Training:
        """Write the decided pairs for training and for the evaluator, as `exports.write_training` says."""
        return exports.write_training(self, Path(folder))

    def screened(self) -> set[tuple[str, str, str]]:
        """(path, member, stamp) of every file that was looked at; those that could not be read are not among them."""
        with ledger.reading(self.path) as db:
            found = db.execute("SELECT path, member, stamp FROM suspects WHERE case_id = ? AND unreadable = ''", (self.id,))
            return {(row["path"], row["member"], row["stamp"]) for row in found}

    def add_sources(self, paths: Sequence[Path]) -> None:
        """Remember what the case was given."""
        with ledger.writing(self.path) as db:
            known = [(self.id, rows.text(p)) for p in paths]
            db.executemany("INSERT OR IGNORE INTO sources (case_id, path) VALUES (?, ?)", known)

    def add(self, found: Sequence[Found]) -> None:
        """Store what screening found, all of it at once; a file that is there already with the same content stays as it is."""
        with ledger.writing(self.path) as db:
            for one in found:
                rows.add(db, self.id, one.entry, (one.sha256, one.category, one.unreadable), one.hits)

    @property
    def _row(self) -> sqlite3.Row:
        with ledger.reading(self.path) as db:
            row = db.execute("SELECT * FROM cases WHERE id = ?", (self.id,)).fetchone()
        if row is None:
            raise CaseError("This case was deleted; choose another one.")
        return row
