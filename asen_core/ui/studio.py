"""What all visitors share, and the questions that can be put to it: search, compare, browse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from asen_core.errors import QueryError
from asen_core.review.design import LONGEST
from asen_core.types import Item, Match, Matches, Where
from asen_core.ui import copies
from asen_core.ui.facets import Facet, facets
from asen_core.ui.mixing import Mix
from asen_core.ui.query import Explain, Look, Query
from asen_core.ui.scratch import Scratch

if TYPE_CHECKING:
    from asen_core.engine import Engine

_PICTURES = (".webp", ".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Studio:
    """What all visitors share, never written to: the engine, the way to a look, the scratch folder, the sample garments.

    A visit that searches another gallery has a studio of its own around that. explain: the way to an explanation, None for the
    engine's own; name: of that other gallery.
    """

    engine: Engine
    look: Look
    scratch: Scratch
    samples: tuple[Path, ...] = ()
    explain: Explain | None = None
    name: str = ""

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that can be asked for: those the model knows and the gallery holds."""
        held = set(self.engine.gallery.attributes)
        return tuple(a for a in self.engine.vocabulary if a in held)

    @property
    def longest(self) -> int | None:
        """What photos are read with, as those of a gallery; None: whole, where the authors' numbers are followed."""
        return None if self.engine.config.geometry == "released" else LONGEST

    @cached_property
    def facets(self) -> tuple[Facet, ...]:
        """What the gallery can be filtered by."""
        return facets(self.engine.gallery, self.engine.vocabulary)

    @cached_property
    def copies(self) -> str:
        """What is known of the same picture standing in the gallery more than once, in words."""
        return copies.said(self.engine.gallery)


@dataclass(frozen=True)
class Ask:
    """The controls beside the photo.

    least: smallest similarity; where: filters, none of them empty; first: order only so many, the most alike overall (0: all);
    mix: several attributes in place of the one, which is then only looked at.
    """

    attribute: str
    count: int = 24
    beta: float | None = None
    least: float = 0.0
    where: Where = field(default_factory=dict)
    first: int = 0
    mix: Mix | None = None


@dataclass(frozen=True)
class Answer:
    """The hits, and the best similarity that there was without the lower limit (None: the filter left nothing).

    singles: where attributes were mixed, id of a hit -> attribute -> its similarity there.
    """

    matches: Matches
    best: float | None
    singles: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """A query beside one gallery item: similarity per attribute, and its hit under the asked one (None where it was no hit)."""

    item: Item
    alike: Mapping[str, float]
    match: Match | None


def samples_in(folder: Path) -> tuple[Path, ...]:
    """The sample garments of a folder, by name; none where the folder is missing."""
    if not folder.is_dir():
        return ()
    return tuple(sorted(p.resolve() for p in folder.iterdir() if p.suffix.lower() in _PICTURES))


def search(studio: Studio, query: Query, ask: Ask) -> Answer:
    """Nearest garments under what was asked, without the garment that was asked with."""
    if ask.first and ask.mix is None:
        return _reranked(studio, query, ask)
    extra = 1 if query.item else 0
    matches = _asked(studio, query, ask, ask.count + extra, ask.least)
    hits = tuple(h for h in matches if h.item.id != query.item)[: ask.count]
    best = hits[0].similarity if hits else None
    if best is None:
        rest = _asked(studio, query, ask, 1 + extra, None)
        best = next((h.similarity for h in rest if h.item.id != query.item), None)
    singles = _singles(studio, query, ask, ask.mix, hits) if ask.mix else {}
    return Answer(Matches(matches.condition, hits, matches.searched), best, singles)


def _asked(studio: Studio, query: Query, ask: Ask, k: int, least: float | None) -> Matches:
    where = _filters(ask) or None
    if ask.mix is None:
        return studio.engine.search(query.views[ask.attribute], ask.attribute, k, where, ask.beta, least)
    return studio.engine.mix(query.views, ask.mix.weights, ask.mix.unlike, k, where, ask.beta, least)


def _singles(studio: Studio, query: Query, ask: Ask, mix: Mix, hits: Sequence[Match]) -> dict[str, dict[str, float]]:
    gallery = studio.engine.gallery
    asked = [(a, gallery.attributes.index(a), query.views[a].query_vector(ask.beta)) for a in mix.asked]
    found = {}
    for hit in hits:
        stored = gallery.vectors(hit.item.id)
        found[hit.item.id] = {a: float(vector @ stored[row]) for a, row, vector in asked}
    return found


def _reranked(studio: Studio, query: Query, ask: Ask) -> Answer:
    """`search` among the first garments overall; a garment that was asked with leaves no gap in their ranks."""
    wanted = ask.first + (1 if query.item else 0)
    found = studio.engine.rerank(query.views, ask.attribute, wanted, wanted, _filters(ask) or None, ask.beta)
    own = next((h.before or 0 for h in found if h.item.id == query.item), wanted + 1)
    others = [replace(h, before=(h.before or 0) - ((h.before or 0) > own)) for h in found if h.item.id != query.item]
    first = [h for h in others if (h.before or 0) <= ask.first]
    hits = tuple(h for h in first if h.similarity >= ask.least)[: ask.count]
    return Answer(Matches(found.condition, hits, found.searched, len(first)), first[0].similarity if first else None)


def _filters(ask: Ask) -> Where:
    return {label: wanted for label, wanted in ask.where.items() if wanted}


def compare(studio: Studio, query: Query, item_id: str, answer: Answer | None) -> Pair:
    """One hit under all attributes. Raises: QueryError or GalleryError for an id that the gallery does not hold."""
    item = studio.engine.gallery.item(item_id)
    hits = answer.matches if answer else ()
    return Pair(item, studio.engine.alike(query.views, item), next((h for h in hits if h.item.id == item_id), None))


def sample(studio: Studio, index: object) -> Path:
    """The sample garment with this number. Raises: QueryError."""
    if not isinstance(index, int) or not 0 <= index < len(studio.samples):
        raise QueryError("There is no such sample garment; reload the page and choose one that is shown.")
    return studio.samples[index]


def opening(studio: Studio, count: int) -> list[Item]:
    """Some garments to look at before a photo is given: spread evenly over the gallery."""
    items = studio.engine.gallery.items
    step = max(1, len(items) / max(count, 1))
    return [items[int(i * step)] for i in range(min(count, len(items)))]
