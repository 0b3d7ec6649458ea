"""What goes into an evidence pack: the comparison, its files, what was found and decided, and how the pack was made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from asen_core import __version__
from asen_core.errors import QueryError
from asen_core.gallery import Gallery
from asen_core.gallery.manifest import MANIFEST, digest
from asen_core.review.background import Background
from asen_core.review.compare import Comparison
from asen_core.review.evidence.facts import File

Maps = Mapping[str, tuple[np.ndarray | None, np.ndarray | None]]
"""Attribute -> explanation maps of the two photos that its views are of: (h, w) in 0..1 over the whole upright photo."""


@dataclass(frozen=True)
class Decision:
    """Who decided what about a pair, and when (ISO 8601). verdict: in words, such as "alike"; about: an attribute or empty."""

    verdict: str
    by: str
    at: str
    about: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two designs compared, with the files that they were seen on, in the order of the designs' photos.

    relations: plain sentences on copies found by other means than the model, None where nobody looked.

    Raises: QueryError where the files are not as many as the photos, or a map is none.
    """

    comparison: Comparison
    first: tuple[File, ...]
    second: tuple[File, ...]
    background: Background
    maps: Maps = field(default_factory=dict)
    relations: tuple[str, ...] | None = None
    decisions: tuple[Decision, ...] = ()

    def __post_init__(self) -> None:
        for design, files in ((self.comparison.first, self.first), (self.comparison.second, self.second)):
            if len(design.shots) != len(files):
                raise QueryError(f"{design.name} has {len(design.shots)} photos but {len(files)} files; give one file each.")
        for name, maps in self.maps.items():
            for m in maps:
                if m is not None and (m.ndim != 2 or not m.size or not (m.min() >= 0 and m.max() <= 1)):
                    raise QueryError(f"The explanation map of {name} must be (h, w) in 0..1, got {m.shape}.")


@dataclass(frozen=True)
class Making:
    """Who made a pack when and with what; all of it is printed.

    made_at: ISO 8601 with its zone, kept in UTC; model: the checkpoint's fingerprint; gallery: SHA-256 of the gallery's
    manifest, which holds those of its files; garments: how many the gallery has. Raises: QueryError for the date.
    """

    made_at: str
    model: str
    gallery: str
    garments: int
    title: str = ""
    reviewer: str = ""
    version: str = __version__

    def __post_init__(self) -> None:
        object.__setattr__(self, "made_at", instant(self.made_at).strftime("%Y-%m-%dT%H:%M:%SZ"))


def making(gallery: Gallery, made_at: str, title: str = "", reviewer: str = "") -> Making:
    """The making with a gallery and the checkpoint that it was built with. Raises: QueryError for the date."""
    fingerprint = digest(gallery.directory / MANIFEST)
    return Making(made_at, gallery.manifest.fingerprint, fingerprint, len(gallery), title, reviewer)


def instant(text: str) -> datetime:
    """A moment in UTC. Raises: QueryError where the text is no ISO 8601 date and time with a zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise QueryError(f"{text!r} is no date and time with its zone; write it like 2026-01-31T10:00:00Z.")
    return found.astimezone(UTC)


def of_pairs(background: Background) -> str:
    """SHA-256 of a background's cosines, to 1/32,767: the same however it is stored."""
    done = hashlib.sha256(repr((background.attributes, tuple(background.same))).encode())
    for table in (background.any, *background.same.values()):
        done.update(np.rint(np.clip(table, -1, 1) * 32767).astype("<i2").tobytes())
    return done.hexdigest()
