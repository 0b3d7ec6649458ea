"""Who is here: what the server keeps of each visit, for how long, and what goes with it."""

from __future__ import annotations

import os
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradio.components import State
from gradio.context import LocalContext
from gradio.state_holder import SessionState, StateHolder

from asen_core.ui.handlers import Visit
from asen_core.ui.server.uploads import files_of

if TYPE_CHECKING:
    from gradio.blocks import Blocks

AWAY, SILENT = float(os.environ.get("ASEN_AWAY_SECONDS", 120)), 1800.0
"""Seconds for which a visit is kept after its page was closed, and without a word from a page that never said it was open, or
whose visitor has made a gallery."""
REMEMBERED = 5000
"""Visits that are known to have ended, so that one who comes back is told."""


class Session(SessionState):
    """A visit's values alone. Gradio keeps all of the page beside them: 90 KB, and each answer once more.

    used: where the photos are noted that its values needed at any time.
    """

    def __init__(self, blocks: Blocks, used: set[Path]) -> None:
        self.used = used
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 3600

    def __setitem__(self, key: int, value: Any) -> None:
        block = self.blocks_config.blocks.get(key)
        if isinstance(block, State):
            self._state_ttl[key] = (block.time_to_live, datetime.now())
            self.state_data[key] = value
            self.used.update(files_of(value))
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        """Nothing to bring up to date."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Nothing to bring up to date."""

    @property
    def gallery(self) -> bool:
        """Whether it has a gallery of the visitor's own photos, which may have taken long to make, or still takes."""
        return any(isinstance(value, Visit) and value.own is not None for value in list(self.state_data.values()))

    @property
    def files(self) -> list[Path]:
        """The photos that are kept for the visitor."""
        return [file for value in list(self.state_data.values()) for file in files_of(value)]


class Visits(StateHolder):
    """Visits by their session. A page that is open is here; one that was closed goes after a while, with all its files.

    away, silent: as AWAY and SILENT. occupied: whether a session has questions open, which keeps it. later: runs what ends a
    visit, which may wait for pictures that are being made; at once, unless it is set.
    """

    def __init__(self, away: float = AWAY, silent: float = SILENT, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.away, self.silent = away, silent
        self.occupied: Callable[[str], bool] = lambda session: False
        self.dropped: Callable[[str], None] = lambda session: None
        self.later: Callable[[Callable[[], None]], object] = lambda end: end()
        self.used: set[Path] = set()
        self._clock = clock
        self._pages: dict[str, int] = {}
        self._left: dict[str, float] = {}
        self._used: dict[str, float] = {}
        self._lost: OrderedDict[str, None] = OrderedDict()

    def __getitem__(self, session_id: str) -> Session:
        if session_id not in self.session_data:
            self.session_data[session_id] = Session(self.blocks, self.used)
        self._used[session_id] = self._clock()
        self.update(session_id)
        return self.session_data[session_id]

    def update(self, session_id: str) -> None:
        """Where there are too many, the visit that was not used for longest goes; those whose page is closed go first."""
        with self.lock:
            if session_id in self.session_data:
                self.session_data.move_to_end(session_id)
            gone = self._surplus(session_id) if len(self.session_data) > self.capacity else None
        if gone is not None:
            self.drop(gone)

    def arrive(self, session: str) -> None:
        """A page was opened."""
        self._pages[session] = self._pages.get(session, 0) + 1
        self._left.pop(session, None)

    def leave(self, session: str) -> None:
        """A page was closed, or its connection broke."""
        self._pages[session] -= 1
        if not self._pages[session]:
            del self._pages[session]
            self._left[session] = self._clock()

    def here(self, session: str | None) -> bool:
        """Whether a page of this session is open."""
        return session in self._pages

    def files(self) -> list[Path]:
        """The photos that visits need."""
        return [file for visit in list(self.session_data.values()) for file in visit.files]

    def tidy(self) -> list[str]:
        """Drop the visits that are over; returns their sessions."""
        over = [s for s in list(self.session_data) if self._over(s)]
        for session in over:
            self.drop(session)
        for session in [s for s in self._left if s not in self.session_data]:
            del self._left[session]
            self.dropped(session)
        return over

    def drop(self, session: str) -> None:
        """End a visit: what was kept goes, through the callbacks of its values."""
        visit = self.session_data.pop(session, None)
        self._used.pop(session, None)
        self._left.pop(session, None)
        self.dropped(session)
        if visit is None:
            return
        if visit.files:
            self._note(session)
        for component, value, _ in visit.state_components:
            self._end(component, value)

    def delete_state(self, session_id: str, expired_only: bool = False) -> None:
        """What was kept for too long goes, also from a page that is still open."""
        visit = self.session_data.get(session_id)
        if visit is None:
            return
        had = bool(visit.files)
        for component, value, expired in list(visit.state_components):
            if expired or not expired_only:
                del visit.state_data[component._id]
                self._end(component, value)
        if had and not visit.files:
            self._note(session_id)

    def lost(self, session: str) -> bool:
        """Whether this visitor's things went; said once."""
        return self._lost.pop(session, self) is None

    def _end(self, component: State, value: Any) -> None:
        def end() -> None:
            try:
                component.delete_callback(value)
            except Exception:  # whatever it was, the other visits shall end
                traceback.print_exc()

        self.later(end)

    def _note(self, session: str) -> None:
        self._lost[session] = None
        if len(self._lost) > REMEMBERED:
            self._lost.popitem(last=False)

    def _over(self, session: str) -> bool:
        if self.here(session) or self.occupied(session):
            return False
        visit, used = self.session_data[session], self._used.get(session, 0.0)
        short = (session in self._left or not visit.files) and not visit.gallery
        return self._clock() - max(used, self._left.get(session, 0.0)) > (self.away if short else self.silent)

    def _surplus(self, newest: str) -> str | None:
        others = [s for s in self.session_data if s != newest and not self.occupied(s)]
        return next((s for s in others if not self.here(s)), others[0] if others else None)


def lost() -> bool:
    """Whether what the visitor who is just being answered had on the table went since; False outside of the page."""
    blocks, request = LocalContext.blocks.get(None), LocalContext.request.get(None)
    holder = getattr(blocks, "state_holder", None)
    session = getattr(request, "session_hash", None)
    return isinstance(holder, Visits) and bool(session) and holder.lost(session)
