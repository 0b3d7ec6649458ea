"""Screening: each suspect's closest protected items per attribute and overall, stored batch by batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asen_core import images
from asen_core.errors import CaseError, PhotoError
from asen_core.gallery import Gallery
from asen_core.review.background import Background, of_gallery
from asen_core.review.case import Case
from asen_core.review.design import CATEGORY
from asen_core.review.rows import text
from asen_core.review.suspects import Entry, Reader, listed
from asen_core.review.triage import OVERALL, Found, Hit, catalogue_of
from asen_core.types import Garment, Match, View

if TYPE_CHECKING:
    from asen_core.engine import Engine

LONGEST = 1280
"""Photos are read at least this long, or as long as they are, as `index` reads those of the catalogue."""
BATCH = 16


@dataclass(frozen=True)
class Progress:
    """After a batch: how many of all files were dealt with (in this run or before), and how many of this run's were refused."""

    done: int
    total: int
    unreadable: int


def screen(
    engine: Engine, case: Case, suspects: Sequence[Path | str] | None = None, batch_size: int = BATCH,
    progress: Callable[[Progress], None] | None = None, stop: Callable[[], bool] | None = None,
) -> Progress:  # fmt: skip
    """Look at every suspect that the case doesn't know yet and store its hits, a batch at a time.

    suspects: folders, zips and files (`suspects.listed`), which the case remembers; None: those that it has. progress: called
    before the first batch and after each, which is then on the disk; stop: asked before each batch. Killed or stopped, the same
    call goes on after the last batch. A file that is no photo is kept as an unreadable suspect with the reason, and tried again
    by the next call; one that has changed is screened again, beside what was found before.

    Raises: CaseError where there is nothing to screen or the engine's gallery is not the case's catalogue; GalleryError.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}.")
    gallery = checked(engine, case)
    given = [Path(p).absolute() for p in suspects] if suspects else case.sources
    if not given:
        raise CaseError(f"The case {case.name} has no suspects yet; give a folder, a zip or files.")
    entries = listed(given)
    case.add_sources(given)
    seen = case.screened()
    todo = [e for e in entries if (text(e.path), text(e.member), e.stamp) not in seen]
    done, refused, tell = len(entries) - len(todo), 0, progress or (lambda _: None)
    tell(Progress(done, len(entries), refused))
    if not todo:
        return Progress(done, len(entries), refused)
    look = _Look(engine, gallery, of_gallery(gallery), case)
    waiting = iter(todo)
    with Reader() as reader:
        while (stop is None or not stop()) and (batch := list(islice(waiting, batch_size))):
            found = look.at(reader, batch)
            case.add(found)
            done, refused = done + len(batch), refused + sum(bool(f.unreadable) for f in found)
            tell(Progress(done, len(entries), refused))
    return Progress(done, len(entries), refused)


def checked(engine: Engine, case: Case) -> Gallery:
    """The engine's gallery, if it is what the case protects. Raises: CaseError, GalleryError."""
    gallery, wanted = engine.gallery, case.catalogue
    if catalogue_of(gallery).fingerprint != wanted.fingerprint:
        raise CaseError(
            f"The case {case.name} protects the {wanted.items:,} items of {wanted.directory} as they were on {case.created}, "
            f"but {gallery.directory} is another catalogue or was built anew; open that one, or make a new case."
        )
    return gallery


class _Look:
    """Photos in, hits out."""

    def __init__(self, engine: Engine, gallery: Gallery, background: Background, case: Case) -> None:
        self._engine, self._gallery, self._background = engine, gallery, background
        self._names = tuple(a for a in gallery.attributes if a in (case.settings.attributes or gallery.attributes))
        self._k, self._longest = case.settings.hits, None if engine.config.geometry == "released" else LONGEST

    def at(self, reader: Reader, batch: Sequence[Entry]) -> list[Found]:
        """One `Found` per entry, in their order."""
        read = [(e, *self._read(reader, e)) for e in batch]
        garments = [photo for _, _, photo in read if isinstance(photo, Garment)]
        kind = [CATEGORY] if CATEGORY in self._engine.vocabulary and CATEGORY not in self._names else []
        looked: Iterator[Mapping[str, View]] = iter(())
        if garments:
            looked = iter(self._engine.views(garments, [*self._names, *kind], batch_size=len(garments)))
        return [
            self._found(entry, sha256, next(looked)) if isinstance(photo, Garment) else Found(entry, sha256, unreadable=photo)
            for entry, sha256, photo in read
        ]

    def _read(self, reader: Reader, entry: Entry) -> tuple[str, Garment | str]:
        """The file's SHA-256 ("" where it can't be read whole) and its picture, or why there is none."""
        sha256 = ""
        try:
            data = reader.read(entry.path, entry.member)
            sha256 = hashlib.sha256(data).hexdigest() if len(data) <= images.LIMITS.bytes else ""
            return sha256, images.load(data, longest=self._longest)
        except PhotoError as reason:
            return sha256, str(reason)

    def _found(self, entry: Entry, sha256: str, views: Mapping[str, View]) -> Found:
        category = views[CATEGORY].reading.value if CATEGORY in views and views[CATEGORY].reading else ""
        hits = []
        for name in self._names:
            matches = self._gallery.search(name, views[name].embedding, self._k)
            hits += [self._hit(name, rank, m, m.similarity, category) for rank, m in enumerate(matches, 1)]
        if len(self._names) > 1:
            hits += [self._hit(OVERALL, rank, m, mean, category) for rank, (m, mean) in enumerate(self._overall(views), 1)]
        return Found(entry, sha256, tuple(hits), category)

    def _overall(self, views: Mapping[str, View]) -> list[tuple[Match, float]]:
        """The items with the highest mean cosine over the case's attributes, and that mean."""
        every = self._gallery.attributes
        # Attributes that the case leaves out add nothing to the sum, which is then shared by fewer.
        vectors = [views[a].embedding if a in self._names else np.zeros(self._gallery.manifest.dim, np.float32) for a in every]
        nearest = self._gallery.rerank(every[0], np.stack(vectors), n=self._k, k=self._k)
        order = sorted(nearest, key=lambda m: m.before or 0)
        return [(m, min(1.0, (m.overall or 0.0) * len(every) / len(self._names))) for m in order]

    def _hit(self, name: str, rank: int, match: Match, similarity: float, category: str) -> Hit:
        weights = dict.fromkeys(self._names, 1.0) if name == OVERALL else {name: 1.0}
        same = category if category and match.item.labels.get(CATEGORY) == category else ""
        standing = self._background.standing(similarity, weights)
        within = self._background.standing(similarity, weights, same) if same else None
        return Hit(0, 0, name, rank, match.item.id, match.item.image, similarity, standing, within)
