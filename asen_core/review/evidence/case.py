"""The pack of a screened case: everything that was decided, and the pairs worth showing side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from asen_core.engine import Engine
from asen_core.errors import GalleryError, QueryError
from asen_core.review.background import Background, of_gallery
from asen_core.review.case import Case
from asen_core.review.compare import compare
from asen_core.review.design import seen
from asen_core.review.evidence.facts import of_bytes, read
from asen_core.review.evidence.maps import maps_of
from asen_core.review.evidence.packs import Line, Pack, case_pack
from asen_core.review.evidence.pair import Decision, Making, Pair
from asen_core.review.relations import relations_of
from asen_core.review.triage import ALIKE, OVERALL, UNSURE, Hit, Suspect, catalogue_of

SHOWN = (ALIKE, UNSURE)
"""Pairs with one of these decisions are shown in full."""


def of_case(
    engine: Engine, case: Case, making: Making, most: int = 50, explain: bool = True, json_name: str = "pack.json"
) -> Pack:
    """The pack of a case, from the suspects' files and the catalogue's pictures as they are now.

    most: pairs that are shown in full, the most unusual first; the table names all decided hits.

    Raises: GalleryError where the engine's gallery is not the case's catalogue; QueryError where nothing was decided;
    PhotoError or CaseError where a suspect's file is gone or has changed.
    """
    if catalogue_of(engine.gallery).fingerprint != case.catalogue.fingerprint:
        raise GalleryError(
            f"The case {case.name} was screened against another catalogue than {engine.gallery.directory}; "
            f"open the one at {case.catalogue.directory}."
        )
    suspects = {s.id: s for s in case.suspects()}
    decided = [h for h in case.hits() if h.decision is not None]
    if not decided:
        raise QueryError(f"Nothing was decided in the case {case.name}, so there is nothing to write down; triage some hits.")
    worth = list(dict.fromkeys((h.suspect, h.item) for h in decided if h.decision and h.decision.decision in SHOWN))
    background = of_gallery(engine.gallery)
    pairs = [
        _pair(engine, case, suspects[s], [h for h in decided if (h.suspect, h.item) == (s, item)], background, explain)
        for s, item in worth[:most]
    ]
    lines = [_line(suspects[h.suspect], h) for h in decided]
    return case_pack(case.name, lines, pairs, making, background, json_name, left_out=len(worth) - len(pairs))


def _pair(engine: Engine, case: Case, suspect: Suspect, hits: Sequence[Hit], background: Background, explain: bool) -> Pair:
    first = of_bytes(case.photo(suspect), Path(suspect.name).name)
    second = read(case.picture(hits[0]))
    both = seen(engine, [first.garment], suspect.name), seen(engine, [second.garment], hits[0].item)
    found = compare(*both, background)
    maps = maps_of(engine, found) if explain else {}
    return Pair(found, (first,), (second,), background, maps, relations_of(found), tuple(_decisions(hits)))


def _decisions(hits: Sequence[Hit]) -> Iterator[Decision]:
    for hit in hits:
        if d := hit.decision:
            yield Decision(d.decision, d.reviewer, d.time, "" if hit.attribute == OVERALL else hit.attribute, d.note)


def _line(suspect: Suspect, hit: Hit) -> Line:
    assert hit.decision is not None
    return Line(
        suspect.name, hit.item, "" if hit.attribute == OVERALL else hit.attribute, round(hit.similarity, 4),
        None if hit.standing is None else round(hit.standing.percent, 4),
        hit.decision.decision, hit.decision.reviewer, hit.decision.time,
    )  # fmt: skip
