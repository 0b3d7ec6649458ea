"""Saved searches on the page: kept from "Find alike", listed and asked again in "Gallery". No Gradio in here.

They are offered on one's own machine only: a hosted page has no place that is still the visitor's after the visit.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np

from asen_core import images
from asen_core.errors import QueryError
from asen_core.gallery import Gallery, manifest
from asen_core.gallery.watches import Saved, Watches, WatchReport
from asen_core.gallery.watches.question import Question, Rule
from asen_core.ui.galleries import around
from asen_core.ui.handlers import Visit
from asen_core.ui.server.web import on_own_machine
from asen_core.ui.studio import Ask, Studio


def offered(studio: Studio) -> bool:
    """Whether searches of this gallery can be saved: here, and not of photos that go when the visitor leaves."""
    return on_own_machine() and not studio.engine.gallery.directory.is_relative_to(studio.scratch.root)


def save(studio: Studio, visit: Visit, ask: Ask, name: str) -> Saved:
    """Save what is asked, to be told of what is closer than the best now, or of what reaches the least similarity that is set.

    Raises: QueryError where there is nothing to save, or the name is taken or empty; GalleryError.
    """
    _check(studio)
    if visit.query is None:
        raise QueryError("There is no search to save yet; give a photo first.")
    if ask.first:
        raise QueryError("A saved search looks at all garments; choose All under Among, then save it.")
    views, known = visit.query.views, studio.engine.gallery.attributes
    vectors = np.stack([views[a].query_vector(ask.beta) for a in known])
    weights = ask.mix.weights if ask.mix else {ask.attribute: 1.0}
    question = Question(dict(weights), dict.fromkeys(ask.mix.unlike if ask.mix else ()), dict(ask.where))
    rule = Rule(least=ask.least) if ask.least > 0 else Rule()
    pixels = images.load(visit.query.preview).pixels
    return Watches.open(present(studio)).save(name, vectors, pixels, question, rule, time=datetime.now(UTC))


def listed(studio: Studio) -> list[Saved]:
    """The saved searches of the gallery, by name; none where they are not offered. Raises: GalleryError."""
    return Watches.open(studio.engine.gallery).list() if offered(studio) else []


def check(studio: Studio) -> WatchReport:
    """Ask all again. What it finds is told by showing it, so the caller calls `told` then. Raises: GalleryError, QueryError."""
    _check(studio)
    return Watches.open(present(studio)).run(time=datetime.now(UTC))


def told(studio: Studio, report: WatchReport) -> None:
    """A report is shown: nothing in it is told again. Raises: GalleryError."""
    Watches.open(studio.engine.gallery).told(report, time=datetime.now(UTC))


def remove(studio: Studio, name: str) -> None:
    """Forget one. Raises: QueryError, GalleryError."""
    _check(studio)
    Watches.open(studio.engine.gallery).remove(name)


def present(studio: Studio) -> Gallery:
    """The gallery as it is now: opened again where it was written since the page opened it. Raises: GalleryError."""
    held = studio.engine.gallery
    if not (held.directory / manifest.MANIFEST).is_file():
        return held
    now = manifest.read(held.directory)
    return held if now == held.manifest else _opened(held.directory, now.generation, now.built.get("created", ""))


def renewed(studio: Studio) -> Studio:
    """The same studio around the gallery as it is now. Raises: GalleryError where that is of another checkpoint."""
    gallery = present(studio)
    return studio if gallery is studio.engine.gallery else around(studio, gallery, studio.name)


@lru_cache(maxsize=1)
def _opened(directory: Path, generation: int, created: str) -> Gallery:
    return Gallery.open(directory)


def _check(studio: Studio) -> None:
    if not offered(studio):
        raise QueryError(
            "Searches can be saved for galleries of your own machine only; photos given to the page go when you leave."
        )
