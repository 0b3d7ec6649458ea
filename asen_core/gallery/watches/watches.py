"""Saved searches: asked again after each change of the gallery, they tell what is new and closer than a threshold, once.

A search is kept with its vectors, so that asking again needs neither the photo nor the model. What was found waits until it was
told; a kill in between tells it again rather than never.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image

from asen_core.errors import AsenError, QueryError
from asen_core.gallery.gallery import Gallery
from asen_core.gallery.watches import file as watchfile
from asen_core.gallery.watches import rows as watchrows
from asen_core.gallery.watches.question import Question, Rule, all_close, check, threshold
from asen_core.gallery.watches.rows import Found, Saved
from asen_core.types import Match

__all__ = ["Found", "News", "Saved", "WatchReport", "Watches", "rerun"]

LONGEST_NAME, LONGEST, QUALITY = 120, 384, 80


@dataclass(frozen=True, eq=False)
class News:
    """What a saved search has to tell: all hits that wait, best first. close: how many garments are within the threshold."""

    saved: Saved
    hits: tuple[Match, ...]
    close: int


@dataclass(frozen=True, eq=False)
class WatchReport:
    """All saved searches asked again. news: by name, those without any too; failed: name -> why it could not be asked."""

    gallery: str
    time: str
    news: tuple[News, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def new(self) -> dict[str, int]:
        """Name -> how many hits wait to be told."""
        return {n.saved.name: len(n.hits) for n in self.news}


def rerun(gallery: Gallery, path: Path | str | None = None, *, time: datetime) -> WatchReport:
    """Ask all saved searches of a gallery again. Raises: GalleryError for a bad file."""
    return Watches.open(gallery, path).run(time=time)


def address(gallery: Gallery) -> str:
    """Where a gallery is opened: its directory, or its address on a cluster."""
    return str(getattr(gallery.store, "address", gallery.directory))


class Watches:
    """The saved searches of one gallery. Safe to share between threads: each call has a connection of its own."""

    def __init__(self, gallery: Gallery, path: Path) -> None:
        self.gallery, self.path = gallery, path
        self.address = address(gallery)
        self._of = "" if str(path.parent) == self.address else self.address  # beside the gallery they move with it

    @classmethod
    def open(cls, gallery: Gallery, path: Path | str | None = None) -> Self:
        """Open the file, which is made when something is saved; None: `watchfile.default_path`. Raises: GalleryError."""
        place = Path(path).absolute() if path else watchfile.default_path(address(gallery))
        if place.exists():
            watchfile.prepare(place)
        return cls(gallery, place)

    def save(
        self, name: str, vectors: np.ndarray, pixels: np.ndarray, question: Question, rule: Rule, *, time: datetime
    ) -> Saved:
        """Save a search; what is close already is known and will not be told.

        vectors: (A, D), the query under each of the gallery's attributes; pixels: (H, W, 3) uint8, kept small for reports.

        Raises: QueryError for a name that is taken or empty, or a question that can't be put to this gallery.
        """
        name = _named(name)
        close, content = self._asked(vectors, pixels, question, rule)
        watchfile.prepare(self.path)
        with watchfile.writing(self.path) as db:
            if db.execute("SELECT 1 FROM watches WHERE gallery = ? AND name = ?", (self._of, name)).fetchone():
                raise QueryError(f"There is a saved search {name!r} already; renew or remove it, or choose another name.")
            row = db.execute(
                "INSERT INTO watches VALUES (NULL, ?, ?, ?, '', ?, ?, ?, ?, ?, ?)", (self._of, name, _utc(time), *content)
            )
            watchrows.keep(db, int(row.lastrowid or 0), close, _utc(time), watchrows.KNOWN)
        return self.saved(name)

    def renew(self, name: str, vectors: np.ndarray, pixels: np.ndarray, *, time: datetime) -> Saved:
        """The same question asked with other vectors, say of another checkpoint; the threshold is worked out anew.

        Raises: QueryError as `save`, also where the garment to beat is gone.
        """
        old = self.saved(name)
        close, content = self._asked(vectors, pixels, old.question, old.rule)
        with watchfile.writing(self.path) as db:
            db.execute(
                "UPDATE watches SET created = ?, ran = '', question = ?, threshold = ?, checkpoint = ?, attributes = ?, "
                "vectors = ?, picture = ? WHERE id = ?", (_utc(time), *content, old.id)
            )  # fmt: skip
            db.execute("DELETE FROM hits WHERE watch_id = ?", (old.id,))
            watchrows.keep(db, old.id, close, _utc(time), watchrows.KNOWN)
        return self.saved(name)

    def list(self) -> list[Saved]:
        """All saved searches of the gallery, by name."""
        if not self.path.exists():
            return []
        with watchfile.reading(self.path) as db:
            rows = db.execute("SELECT * FROM watches WHERE gallery = ? ORDER BY name", (self._of,)).fetchall()
            return [watchrows.saved(db, row) for row in rows]

    def saved(self, name: str) -> Saved:
        """Raises: QueryError where there is none of that name."""
        found = {saved.name: saved for saved in self.list()}
        if name.strip() not in found:
            known = ", ".join(list(found)[:8]) or "none yet"
            raise QueryError(f"There is no saved search {name!r}; there are: {known}.")
        return found[name.strip()]

    def remove(self, name: str) -> None:
        """Raises: QueryError where there is none of that name."""
        number = self.saved(name).id
        with watchfile.writing(self.path) as db:
            db.execute("DELETE FROM watches WHERE id = ?", (number,))

    def found(self, name: str) -> list[Found]:
        """All that a search holds, best first. Raises: QueryError where there is none of that name."""
        saved = self.saved(name)
        with watchfile.reading(self.path) as db:
            rows = db.execute("SELECT * FROM hits WHERE watch_id = ? ORDER BY similarity DESC, item", (saved.id,)).fetchall()
            items = [watchrows.item_of(self.gallery, row["item"]) for row in rows]
            return [
                watchrows.found(item, row) for item, row in zip(items, rows, strict=True) if item and item.image == row["image"]
            ]

    def run(self, names: Collection[str] | None = None, *, time: datetime) -> WatchReport:
        """Ask again, all or those of some names, and report what waits to be told. Raises: QueryError for an unknown name."""
        wanted = self.list() if names is None else [self.saved(name) for name in names]
        news, failed = [], {}
        for saved in wanted:
            try:
                news.append(self._ask(saved, _utc(time)))
            except AsenError as reason:
                failed[saved.name] = str(reason)
        return WatchReport(self.address, _utc(time), tuple(news), failed)

    def told(self, report: WatchReport, *, time: datetime) -> None:
        """A report has reached its reader: nothing in it is told again."""
        rows = [(_utc(time), n.saved.id, hit.item.id, hit.item.image) for n in report.news for hit in n.hits]
        if not rows:
            return
        with watchfile.writing(self.path) as db:
            db.executemany("UPDATE hits SET told = ? WHERE watch_id = ? AND item = ? AND image = ? AND told IS NULL", rows)

    def _asked(
        self, vectors: np.ndarray, pixels: np.ndarray, question: Question, rule: Rule
    ) -> tuple[list[Match], tuple[str | bytes, ...]]:
        """What is close now, and the values of a row from `question` on."""
        held = self.gallery.manifest
        given = np.asarray(vectors, "<f4")
        if given.shape != (len(held.attributes), held.dim):
            raise QueryError(f"A saved search needs vectors {(len(held.attributes), held.dim)}, got {given.shape}.")
        limit = threshold(self.gallery, given, question, rule)
        close = all_close(self.gallery, given, question, limit)
        asked = {**question.to_json(), "rule": asdict(rule)}
        texts = (json.dumps(asked), json.dumps(asdict(limit)), held.fingerprint, json.dumps(held.attributes))
        return close, (*texts, given.tobytes(), _small(pixels))

    def _ask(self, saved: Saved, time: str) -> News:
        renew = f'renew it with: python -m asen_core watch renew "{saved.name}" PHOTO'
        check(self.gallery, saved.attributes, saved.fingerprint, renew)
        close = all_close(self.gallery, saved.vectors, saved.question, saved.threshold)
        with watchfile.writing(self.path) as db:
            watchrows.forget(db, saved.id, close, self.gallery)
            watchrows.keep(db, saved.id, close, time, None)
            db.execute("UPDATE watches SET ran = ? WHERE id = ?", (time, saved.id))
            query = "SELECT * FROM hits WHERE watch_id = ? AND told IS NULL ORDER BY similarity DESC, item"
            rows = db.execute(query, (saved.id,)).fetchall()
        now = {match.item.id: match.item for match in close}
        hits = [watchrows.match(now.get(r["item"]) or self.gallery.item(r["item"]), r) for r in rows]
        return News(self.saved(saved.name), tuple(hits), len(close))


def _small(pixels: np.ndarray) -> bytes:
    picture = Image.fromarray(pixels)
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS, reducing_gap=3.0)
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=QUALITY)
    return file.getvalue()


def _named(name: str) -> str:
    if not 0 < len(name.strip()) <= LONGEST_NAME or not name.isprintable():
        raise QueryError(f"A saved search needs a name of 1 to {LONGEST_NAME} characters on one line, got {name[:130]!r}.")
    return name.strip()


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds")
