"""Screening as a person does it: a case opened, suspects given, each pair decided, the next one shown. No Gradio in here.

`data` is what the browser sent along and is never trusted. All may raise the errors of asen_core.errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asen_core.errors import CaseError
from asen_core.review.case import Case
from asen_core.review.screening import checked
from asen_core.review.triage import DECISIONS, OVERALL, Hit, Queued, Settings
from asen_core.ui.caserooms import CaseRooms, Room
from asen_core.ui.handlers import uploaded

LEASTS = (90.0, 95.0, 99.0, 99.9)
"""Percentiles that the queue can be cut at."""
LONGEST_QUEUE = 300


@dataclass(frozen=True)
class Wanted:
    """What the queue shows. attribute: "" for all."""

    percentile: float = 99.0
    attribute: str = ""
    undecided: bool = False


@dataclass(frozen=True, eq=False)
class Review:
    """What one visitor has open: a room, a case, and in its queue a suspect (0: the first) beside an item ("": the first open).

    said: what was decided last, in words.
    """

    room: Room | None = None
    case: Case | None = None
    wanted: Wanted = Wanted()
    suspect: int = 0
    item: str = ""
    said: str = ""


@dataclass(frozen=True)
class Pairing:
    """A suspect's hits on one protected item, the most unusual first."""

    item: str
    hits: tuple[Hit, ...]

    @property
    def decision(self) -> str:
        """What all its hits were decided to be; empty where they differ or one is open."""
        said = {h.decision.decision if h.decision else "" for h in self.hits}
        return said.pop() if len(said) == 1 else ""

    @property
    def open(self) -> bool:
        """Whether a hit is undecided."""
        return any(h.decision is None for h in self.hits)


Data = Mapping[str, Any]
Step = Callable[[CaseRooms, Review, Data], Review]


def queue(review: Review) -> list[Queued]:
    """The suspects to look at, the most unusual first."""
    wanted = review.wanted
    if review.case is None:
        return []
    return review.case.queue(wanted.percentile, wanted.attribute or None, wanted.undecided, LONGEST_QUEUE)


def pairings(review: Review, suspect: int) -> list[Pairing]:
    """The protected items that a suspect is held against under the filters, in the order of their most unusual hits."""
    assert review.case is not None
    found: dict[str, list[Hit]] = {}
    for hit in review.case.hits(suspect, review.wanted.percentile):
        if review.wanted.attribute in ("", hit.attribute):
            found.setdefault(hit.item, []).append(hit)
    return [Pairing(item, tuple(hits)) for item, hits in found.items()]


def current(review: Review, among: Sequence[Queued]) -> tuple[int, list[Pairing], int]:
    """Number of the shown suspect in the queue, its pairings, and the number of the shown one; by default the first open."""
    at = next((i for i, q in enumerate(among) if q.suspect.id == review.suspect), 0)
    if not among:
        return 0, [], 0
    of = pairings(review, among[at].suspect.id)
    first = next((i for i, p in enumerate(of) if p.open), 0)
    return at, of, next((i for i, p in enumerate(of) if p.item == review.item), first)


def arrived(rooms: CaseRooms, review: Review, data: Data) -> Review:
    """The page was opened or reloaded. data: case, token; the case that was open before, if it is still there."""
    room = review.room or rooms.room(data.get("token"))
    name = data.get("case")
    known = isinstance(name, str) and name in room.cases.list()
    return _opened(rooms, Review(room), str(name)) if known else replace(review, room=room)


def case_opened(rooms: CaseRooms, review: Review, data: Data) -> Review:
    """data: name."""
    return _opened(rooms, _entered(rooms, review), str(data.get("name", "")))


def case_made(rooms: CaseRooms, review: Review, data: Data) -> Review:
    """data: name."""
    here = _entered(rooms, review)
    made = here.room.cases.create(str(data.get("name", "")), rooms.studio.engine.gallery, Settings(), time=datetime.now(UTC))
    return Review(here.room, made)


def case_renamed(rooms: CaseRooms, review: Review, data: Data) -> Review:
    """data: name, the new one."""
    case, room = _case(review), _entered(rooms, review).room
    room.cases.rename(case.name, str(data.get("name", "")))
    return review


def case_closed(rooms: CaseRooms, review: Review, data: Data) -> Review:
    return Review(review.room)


def suspects_sent(rooms: CaseRooms, review: Review, data: Data) -> Review:
    """Photos or zips were sent. data: paths, and `folder`, where uploads arrive (set by the page)."""
    case, paths = _case(review), data.get("paths")
    if not isinstance(paths, list) or not paths:
        raise CaseError("No file arrived; choose the suspects' photos, or a zip of them, once more.")
    if (run := rooms.run(case)) and not run.over:
        raise CaseError("This case is being screened; wait until it is through, or stop it first.")
    files = rooms.keep(review.room or rooms.room(), case, [uploaded(p, Path(data["folder"])) for p in paths])
    rooms.start(case, files)
    return review


def continued(rooms: CaseRooms, review: Review, data: Data) -> Review:
    """What was given, but not looked at, is screened."""
    rooms.start(_case(review))
    return review


def stopped(rooms: CaseRooms, review: Review, data: Data) -> Review:
    """The screening ends after the batch in hand."""
    if run := rooms.run(_case(review)):
        run.halted.set()
    return review


def filtered(rooms: CaseRooms, review: Review, data: Data) -> Review:
    """data: percentile, attribute, undecided."""
    least, attribute = data.get("percentile"), data.get("attribute")
    if not isinstance(least, int | float) or not math.isfinite(least) or not 0 <= least <= 100:
        raise CaseError(f"The percentile must lie between 0 and 100, got {str(least)[:20]}; 99 is a good first choice.")
    if attribute not in ("", OVERALL, *rooms.studio.attributes):
        raise CaseError("The page asked for an attribute that there is not; reload it.")
    return replace(review, wanted=Wanted(float(least), str(attribute), bool(data.get("undecided"))), suspect=0, item="")


def moved(rooms: CaseRooms, review: Review, data: Data) -> Review:
    """By the arrow keys. data: suspects and items, how many further (negative: back)."""
    among = queue(review)
    at, of, number = current(review, among)
    if not among:
        return review
    if step := _number(data.get("suspects")):
        return replace(review, suspect=among[min(max(at + step, 0), len(among) - 1)].suspect.id, item="", said="")
    number = min(max(number + _number(data.get("items")), 0), max(len(of) - 1, 0))
    return replace(review, suspect=among[at].suspect.id, item=of[number].item if of else "", said="")


def shown(rooms: CaseRooms, review: Review, data: Data) -> Review:
    """A suspect of the queue or one of its items was clicked. data: suspect, item."""
    suspect, item = _number(data.get("suspect")), data.get("item")
    same = suspect in (0, review.suspect)
    return replace(review, suspect=review.suspect if same else suspect, item=str(item or ""), said="")


def decided(rooms: CaseRooms, review: Review, data: Data) -> Review:
    """The pair that is shown was decided, and the next open one is shown.

    data: decision, a number from 1; reviewer; suspect and item, those on the screen: a late key decides nothing else.
    """
    case, among = _case(review), queue(review)
    at, of, number = current(review, among)
    which = _number(data.get("decision"))
    if not among or not of or not 1 <= which <= len(DECISIONS):
        raise CaseError("There is nothing here to decide; choose a suspect of the queue.")
    if (data.get("suspect"), data.get("item")) != (among[at].suspect.id, of[number].item):
        raise CaseError("The page showed another pair when you decided; nothing was changed. Look again, then decide.")
    verdict = DECISIONS[which - 1]
    case.decide(list(of[number].hits), verdict, str(data.get("reviewer", "")), datetime.now(UTC))
    said = f"{among[at].suspect.name} beside {of[number].item}: {verdict}."
    further = next((p.item for p in [*of[number + 1 :], *of[:number]] if p.open), "")
    if further:
        return replace(review, suspect=among[at].suspect.id, item=further, said=said)
    following = next((q for q in among[at + 1 :] if q.undecided), next((q for q in among[:at] if q.undecided), among[at]))
    return replace(review, suspect=following.suspect.id, item="", said=said)


def _entered(rooms: CaseRooms, review: Review) -> Any:
    return review if review.room else replace(review, room=rooms.room())


def _opened(rooms: CaseRooms, review: Review, name: str) -> Review:
    assert review.room is not None
    case = review.room.cases.case(name)
    checked(rooms.studio.engine, case)
    return Review(review.room, case, Wanted(case.settings.percentile))


def _case(review: Review) -> Case:
    if review.case is None:
        raise CaseError("No case is open; choose one or make a new one first.")
    return review.case


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
