"""What a case is made of: the protected catalogue, settings, suspects, their hits, and what reviewers decided about them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from asen_core.errors import CaseError
from asen_core.gallery import Gallery
from asen_core.review.background import Standing
from asen_core.review.suspects import Entry

ALIKE, NOT_ALIKE, UNSURE, WHITELISTED = "alike", "not alike", "unsure", "whitelisted"
DECISIONS = (ALIKE, NOT_ALIKE, UNSURE, WHITELISTED)
OVERALL = "overall"
"""Stands where an attribute stands in a hit that was found by the mean similarity over all attributes of the case."""


@dataclass(frozen=True)
class Catalogue:
    """The protected garments: a gallery's directory, the digest of its content, its checkpoint's, and how many they are."""

    directory: Path
    fingerprint: str
    checkpoint: str
    items: int


def catalogue_of(gallery: Gallery) -> Catalogue:
    """What a case remembers of a gallery; the fingerprint changes with any item, vector or region, not with the place."""
    made = {"checkpoint": gallery.manifest.fingerprint, "files": dict(gallery.manifest.sha256)}
    digest = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()
    return Catalogue(gallery.directory, digest, gallery.manifest.fingerprint, len(gallery))


@dataclass(frozen=True)
class Settings:
    """How a case is screened. percentile: hits below are not queued; attributes: () for all; hits: kept per attribute."""

    percentile: float = 99.0
    attributes: tuple[str, ...] = ()
    hits: int = 3

    def __post_init__(self) -> None:
        if not 0 <= self.percentile <= 100:
            raise CaseError(f"The percentile must lie between 0 and 100, got {self.percentile}; 99 is a good first choice.")
        if self.hits < 1:
            raise CaseError(f"At least 1 hit per attribute must be kept, got {self.hits}; give 1 or more.")

    def to_json(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Of what `to_json` wrote."""
        values = json.loads(text)
        return cls(values["percentile"], tuple(values["attributes"]), values["hits"])


@dataclass(frozen=True)
class Suspect:
    """A file that was screened.

    name: for people, within what was given; path: of the file, or of the zip that holds it as `member`; size: bytes; sha256:
    empty where it could not be read whole; category: the kind of garment that it is read as, "" where the model knows none;
    unreadable: why it was not screened, empty where it was.
    """

    id: int
    name: str
    path: Path
    member: str
    sha256: str
    size: int
    category: str = ""
    unreadable: str = ""


@dataclass(frozen=True)
class Decision:
    """What a reviewer said of a hit; time: UTC, ISO 8601; inherited: the pair was whitelisted under another hit."""

    decision: str
    reviewer: str
    time: str
    note: str = ""
    inherited: bool = False


@dataclass(frozen=True)
class Hit:
    """A protected item that is among the closest to a suspect under an attribute (or `OVERALL`); rank from 1.

    picture: of the item, relative to the catalogue's directory; similarity: cosine, of overall hits the mean cosine;
    standing: among pairs of all kinds, within: among pairs of the suspect's kind where the item is of it; each None where there
    are no such pairs. decision: the last, None while undecided.
    """

    id: int
    suspect: int
    attribute: str
    rank: int
    item: str
    picture: str
    similarity: float
    standing: Standing | None
    within: Standing | None
    decision: Decision | None = None

    def in_catalogue(self, items: int) -> float | None:
        """Percent of unrelated garments whose closest among `items` protected ones is less alike (Šidák, cautious)."""
        return None if self.standing is None else 100 * (self.standing.percent / 100) ** items


@dataclass(frozen=True)
class Found:
    """What screening found of one file; its hits get their ids when they are stored."""

    entry: Entry
    sha256: str
    hits: tuple[Hit, ...] = ()
    category: str = ""
    unreadable: str = ""


@dataclass(frozen=True)
class Queued:
    """A suspect in the queue: its most unusual hit (of the undecided ones, if any), how many hits pass, how many are open."""

    suspect: Suspect
    top: Hit
    hits: int
    undecided: int


@dataclass(frozen=True)
class Counts:
    """How far a case is: suspects screened, unreadable files, hits, and of these decided (inherited ones too)."""

    screened: int
    unreadable: int
    hits: int
    decided: int


def utc(time: datetime) -> str:
    """ISO 8601 in UTC, to the second. Raises: CaseError for a time without a zone."""
    if time.tzinfo is None:
        raise CaseError(f"The time {time} has no zone; pass for example datetime.now(UTC).")
    return time.astimezone(UTC).isoformat(timespec="seconds")
