"""The line in which visitors and programs wait for an answer: bounded, first come first served, and it says one's place."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import gradio as gr
from gradio import route_utils
from gradio.queueing import Event, EventQueue, Queue
from gradio.server_messages import EventMessage, ProcessCompletedMessage, ProcessGeneratingMessage, ProcessStartsMessage
from gradio.utils import run_coro_in_background

from asen_core.ui import busy, present
from asen_core.ui.server import memory
from asen_core.ui.server.uploads import Uploads
from asen_core.ui.server.visits import Visits

if TYPE_CHECKING:
    from fastapi import Request
    from gradio.block_function import BlockFunction
    from gradio.data_classes import PredictBodyInternal
    from gradio.routes import App

MOST, ALL, EACH, OPEN, PROGRAMS, UNREAD = 32, 96, 3, 8, 16, 40
"""Waiting in one line; in all; of one visitor in one line; waiting or under way of one visitor in all; of programs in one line;
messages that one visitor has not fetched."""
PATIENCE, AGAIN = 0.8, 5.0
"""Seconds of waiting after which the place is said, and after which an unchanged one is said again."""
TIDY = 10.0
"""Seconds between two rounds of clearing up."""
_SAME = {"__type__": "update"}
"""What leaves a part of the page as it is."""
Pushed = tuple[bool, str | list[dict[str, Any]], Literal["success", "error", "queue_full", "validator_error"]]


class Line(Queue):
    """Gradio's queue, with a line of its own for what runs the model (one at a time), so that quick answers pass it by.

    Gradio counts all that waits together, refuses with an error of its own, lets one caller take every place, and shows a
    place only over a veiled page. notice: where messages of the page stand, by which a visitor is told.
    """

    def __init__(self, page: gr.Blocks, notice: gr.HTML, visits: Visits, uploads: Uploads) -> None:
        super().__init__(False, page.max_threads, 1, None, page, 1)
        self.notice, self.visits, self.uploads = notice, visits, uploads
        visits.occupied, visits.dropped = (lambda session: self.open_of(session) > 0), self._forget
        self._ending = ThreadPoolExecutor(1)
        visits.later = self._ending.submit
        self._idle: set[str] = set()
        self.ANALYTICS_MAX_EVENTS = 0  # a table of all events, made anew at each of them, that nothing here shows
        self._told: WeakKeyDictionary[Event, tuple[str, float]] = WeakKeyDictionary()

    def set_server_app(self, app: App) -> None:
        """The server is there: visits are kept by our rules from now on."""
        super().set_server_app(app)
        self.visits.set_blocks(self.blocks)
        app.state_holder = self.visits

    def start(self) -> None:
        """Serve, and clear up beside it."""
        super().start()
        run_coro_in_background(self._tidy)

    async def push(self, body: PredictBodyInternal, request: Request, username: str | None) -> Pushed:
        """Take an event into its line, or say why not: to a program as a refusal (503), to the page in its notice."""
        if body.fn_index is None or body.fn_index not in self.blocks.fns:
            return False, "There is no such call here; reload the page.", "error"
        unread = self.pending_messages_per_session.get(body.session_hash)
        if unread is not None and unread.qsize() > UNREAD:
            return False, busy.UNREAD, "queue_full"
        fn = route_utils.get_fn(self.blocks, None, body)
        refused = self._refusal(fn, body.session_hash)
        if not refused:
            return await super().push(body, request, username)
        if not self._of_page(fn) or body.session_hash is None:
            return False, refused, "queue_full"
        return True, await self._answer(Event(body.session_hash, fn, request, username), refused), "success"

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """What is served next: of those at the head of their lines the one that waits for longest.

        What a visitor's events write they also read, so they go one after another; others pass by those that have to wait.
        """
        under_way = [e for job in self.active_jobs if job for e in job]
        lines = [q for q in self.event_queue_per_concurrency_id.values() if q.queue]
        free = [q for q in lines if q.concurrency_limit is None or q.current_concurrency < q.concurrency_limit]
        heads = [(head, q) for q in free if (head := _head(q.queue, under_way)) is not None]
        if not heads:
            return None
        head, line = min(heads, key=lambda found: found[0].enqueue_time)
        line.queue.remove(head)
        return [head], head.fn.batch, line.concurrency_id

    def broadcast_estimations(self, concurrency_id: str, after: int | None = None) -> None:
        """Tell those who wait; called when one joins (after: its rank) and every second."""
        super().broadcast_estimations(concurrency_id, after)
        if after is None:
            self._say_places(self.event_queue_per_concurrency_id[concurrency_id])

    def send_message(self, event: Event, event_message: EventMessage) -> None:
        """One that was told its place is told that it has come to an end, too. Nothing where nobody listens any more."""
        if event.session_hash not in self.pending_messages_per_session:
            return
        super().send_message(event, event_message)
        if isinstance(event_message, ProcessStartsMessage) and event in self._told:
            self._say(event, busy.TURN)

    def open_of(self, session: str) -> int:
        """Events of a visitor that wait or are under way."""
        return sum(e.session_hash == session for e in self._open())

    def seconds(self, events: list[Event]) -> float | None:
        """How long it takes to serve them one after another; None where that isn't known yet."""
        if any(e.fn not in self.process_time_per_fn for e in events):
            return None
        return sum(self.process_time_per_fn[e.fn].avg_time for e in events)

    def _refusal(self, fn: BlockFunction, session: str | None) -> str:
        """Why an event can't join, or "". A visitor's oldest makes room for the newest; a program is told to wait."""
        line = self.event_queue_per_concurrency_id.get(fn.concurrency_id)
        queue = line.queue if line else []
        mine = [e for e in queue if e.session_hash == session]
        if len(mine) >= EACH:
            if not self._of_page(fn):
                return busy.held(len(mine))
            self._make_room(queue, mine[0])
        elif session is not None and self.open_of(session) >= OPEN:
            return busy.held(OPEN)
        others = [e for e in queue if not self.visits.here(e.session_hash)] if not self.visits.here(session) else []
        if len(queue) >= MOST or len(self) >= ALL or len(others) >= PROGRAMS:
            return busy.full(len(queue) if len(queue) >= MOST else len(self), self.seconds(queue))
        return ""

    def _make_room(self, queue: list[Event], oldest: Event) -> None:
        queue.remove(oldest)
        self.event_ids_to_events.pop(oldest._id, None)
        said = busy.replaced(EACH)
        self.send_message(oldest, ProcessCompletedMessage(output=self._output(oldest.fn, present.notice(said)), success=True))

    async def _answer(self, event: Event, text: str) -> str:
        """Answer at once: the notice says the text, everything else stays as it is. Returns the event's id."""
        session = event.session_hash
        async with self.pending_message_lock:
            if session not in self.pending_messages_per_session:
                self.pending_messages_per_session[session] = asyncio.Queue()
            self.pending_event_ids_session.setdefault(session, set()).add(event._id)
        named = event.fn.targets[0][1] if event.fn.targets else ""
        output = self._output(event.fn, busy.refused(text, named))
        self.send_message(event, ProcessCompletedMessage(output=output, success=True))
        return event._id

    def _forget(self, session: str) -> None:
        """Nothing is sent to a visitor who has gone."""
        self.pending_messages_per_session.pop(session, None)
        self.pending_event_ids_session.pop(session, None)

    def _open(self) -> Iterator[Event]:
        yield from (e for line in self.event_queue_per_concurrency_id.values() for e in line.queue)
        yield from (e for job in self.active_jobs if job for e in job)

    def _forget_idle(self) -> None:
        """Those who cancelled all that they waited for left no visit: they go once nothing was open in two rounds."""
        known = {*self.pending_messages_per_session, *self.pending_event_ids_session}
        known -= {e.session_hash for e in self._open()}
        idle = {s for s in known if s not in self.visits and not self.visits.here(s)}
        for session in idle & self._idle:
            self._forget(session)
        self._idle = idle

    async def _tidy(self) -> None:
        while not self.stopped:
            await asyncio.sleep(TIDY)
            try:
                self.visits.tidy()
                self._forget_idle()
                await asyncio.wrap_future(self._ending.submit(lambda: None))  # those that ended have gone
                sent, kept = self.blocks.upload_file_set, self.visits
                gone = await asyncio.to_thread(self.uploads.tidy, list(sent), set(kept.used), set(kept.files()))
                sent.difference_update(gone)
                await asyncio.to_thread(memory.give_back)
                kept.used.intersection_update([Path(name).resolve() for name in sent])
            except Exception:  # whatever it was, the next round shall come
                traceback.print_exc()

    def _of_page(self, fn: BlockFunction) -> bool:
        return fn.api_visibility != "public"

    def _output(self, fn: BlockFunction, html: str) -> dict[str, Any]:
        return {"data": [html if part is self.notice else _SAME for part in fn.outputs], "is_generating": False}

    def _say_places(self, line: EventQueue) -> None:
        now = time.monotonic()
        for rank, event in enumerate(line.queue):
            if now - event.enqueue_time < PATIENCE or not self._of_page(event.fn) or self.notice not in event.fn.outputs:
                continue
            text, before = busy.place(rank + 1, self.seconds(line.queue[:rank])), self._told.get(event)
            if before is None or before[0] != text or now - before[1] > AGAIN:
                self._say(event, text)

    def _say(self, event: Event, text: str) -> None:
        """Put a text in the notice of one who waits. What follows the first message travels as changes to it."""
        if event.session_hash not in self.pending_messages_per_session:
            return
        html, first = busy.waiting(text), event not in self._told
        self._told[event] = (text, time.monotonic())
        output = self._output(event.fn, html)
        if not first:
            output["data"] = [[["replace", [], html]] if part is self.notice else [] for part in event.fn.outputs]
        super().send_message(event, ProcessGeneratingMessage(output=output, success=True))


def _head(queue: list[Event], under_way: list[Event]) -> Event | None:
    """The first that may be served now: no other event of its visitor that writes the same is under way."""
    writing = {(e.session_hash, part._id) for e in under_way for part in _states(e)}
    held: set[str] = set()
    for event in queue:
        if event.session_hash not in held and not any((event.session_hash, part._id) in writing for part in _states(event)):
            return event
        held.add(event.session_hash)  # each visitor's own order stays
    return None


def _states(event: Event) -> Iterator[gr.State]:
    return (part for part in event.fn.outputs if isinstance(part, gr.State))
