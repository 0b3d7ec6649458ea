"""Galleries whose similarities can be worked by hand: an item stands at an angle to the query under each attribute."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from asen_core.gallery import Gallery
from asen_core.gallery.assembly import Entry, assemble
from asen_core.gallery.journal import Journal
from asen_core.gallery.lock import writing
from asen_core.gallery.watches import WatchReport
from asen_core.types import Box

NAMES, DIM, PRINT = ("neckline", "sleeve"), 4, "f" * 64
PIXELS = np.full((40, 30, 3), 200, np.uint8)


@dataclass(frozen=True)
class Made:
    """degrees: away from the query under each attribute; photo: stands for the content of its file."""

    neckline: float
    sleeve: float = 90.0
    photo: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def noon(minute: int = 0) -> datetime:
    return datetime(2026, 3, 1, 12, minute, tzinfo=UTC)


def direction(degrees: float) -> np.ndarray:
    """(D,) float32, unit norm, so many degrees away from the query."""
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0, 0], np.float32)


QUERY = np.stack([direction(0), direction(0)])


def gallery(folder: Path, items: Mapping[str, Made], fingerprint: str = PRINT) -> Gallery:
    """Write these items as the gallery's next generation and open it."""
    header = {"attributes": list(NAMES), "dim": DIM, "split": 2, "fingerprint": fingerprint}
    rois = {a: Box(0.25, 0.25, 0.75, 0.75) for a in NAMES}
    with writing(folder):
        journal = Journal(folder / "journal", header)
        entries = []
        for id, made in sorted(items.items()):
            key = hashlib.sha256((made.photo or id).encode()).hexdigest()
            shade = np.full((8, 6, 3), int(key[:2], 16), np.uint8)
            journal.add(key, shade, np.stack([direction(made.neckline), direction(made.sleeve)]), rois)
            entries.append(Entry(id, key, made.labels))
        assemble(folder, entries, [journal], {}, reuse=False)
    return Gallery.open(folder)


def told(report: WatchReport) -> dict[str, list[str]]:
    """Name -> ids of what a report tells, in its order."""
    return {news.saved.name: [hit.item.id for hit in news.hits] for news in report.news}
