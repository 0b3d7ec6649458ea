"""What a run says while it goes on, and when it has ended."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from asen_core.errors import AsenError

WINDOW = 30.0
"""Seconds that the pace is taken over."""


class StoppedError(AsenError):
    """A run that was asked to stop; what it had looked at is kept for the next one."""


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    doing: in words; done of total; per_second: over the last half minute, None in the beginning; seconds_left: of this step;
    saved: photos looked at by this and stopped runs that a kill would not lose.
    """

    doing: str
    done: int
    total: int
    per_second: float | None = None
    seconds_left: float | None = None
    saved: int = 0


@dataclass(frozen=True)
class Report:
    """What a run did, counted in photos by their paths.

    out: the gallery; items: that it has now; added: photos of new content; changed: of other content under the same path;
    renamed: of content that stood under a path that is gone; removed: gone with their content; kept: as they were; left_out:
    path -> reason. copies: groups of paths with the same content; near: groups that look the same, one path for each content;
    folded: photos that stand in another one's item. absent: photos that the labels name and the folder lacks; twice: those
    that they name more than once. looked: contents that the model looked at in this run. notes: what else is to be said.
    """

    out: Path
    items: int
    added: int = 0
    changed: int = 0
    renamed: int = 0
    removed: int = 0
    kept: int = 0
    left_out: Mapping[str, str] = field(default_factory=dict)
    copies: tuple[tuple[str, ...], ...] = ()
    near: tuple[tuple[str, ...], ...] = ()
    folded: int = 0
    seconds: float = 0.0
    looked: int = 0
    absent: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "out": str(self.out), "left_out": dict(self.left_out), "seconds": round(self.seconds, 2)}


class Pace:
    """Makes `Progress` of one step: its speed of late, and how long it will go on at that."""

    def __init__(
        self, doing: str, total: int, each: Callable[[Progress], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._doing, self._total, self._each, self._clock = doing, total, each, clock
        self._past: deque[tuple[float, int]] = deque()

    def tell(self, done: int, worked: int | None = None, saved: int = 0) -> None:
        """done: of the total; worked: what took time among it, None for all of it."""
        now, count = self._clock(), done if worked is None else worked
        self._past.append((now, count))
        while len(self._past) > 2 and now - self._past[1][0] >= WINDOW:
            self._past.popleft()
        (since, before) = self._past[0]
        pace = (count - before) / (now - since) if now > since and count > before else None
        left = (self._total - done) / pace if pace else None
        self._each(Progress(self._doing, done, self._total, pace, left, saved))


def silent(_: Progress) -> None:
    """Tells nobody."""


def never() -> bool:
    """Goes on."""
    return False
