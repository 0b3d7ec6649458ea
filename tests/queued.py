"""A small page with a line of its own, and visitors of it that speak its protocol."""

import asyncio
import json
import threading
import time
from contextlib import asynccontextmanager

import gradio as gr
import httpx

from asen_core.ui.find_alike import notice_board
from asen_core.ui.scratch import Scratch
from asen_core.ui.server.line import Line
from asen_core.ui.server.uploads import Uploads
from asen_core.ui.server.visits import Visits


class Desk:
    """A page of one slow answer (it waits to be let go), a quick one, and the same as a call for programs."""

    def __init__(self, folder):
        self.gate, self.began = threading.Semaphore(0), []
        scratch = Scratch(folder)
        with gr.Blocks(analytics_enabled=False) as self.page:
            notice = notice_board()
            kept, name, shown = gr.State(None), gr.Textbox(elem_id="name"), gr.HTML(elem_id="shown")
            shared = {"concurrency_limit": 1, "concurrency_id": "model"}
            name.submit(self.slow, [kept, name], [notice, shown, kept], api_visibility="private", **shared)
            name.blur(self.quick, [kept, name], [notice, shown, kept], api_visibility="private", concurrency_limit=None)
            gr.api(self.called, api_name="look", **shared)
        self.page.queue(api_open=False)
        self.line = self.page._queue = Line(self.page, notice, Visits(away=0.2, silent=60), Uploads(scratch))

    def slow(self, kept, name):
        self.began.append(name)
        self.gate.acquire(timeout=20)
        return "<div></div>", f"slow {name}", (kept or 0) + 1

    def quick(self, kept, name):
        return "<div></div>", f"quick {name} {kept}", kept

    def called(self, name: str) -> str:
        return self.slow(0, name)[1]

    def let(self, count):
        for _ in range(count):
            self.gate.release()


class Caller:
    """A visitor: an open page, and the events of one session."""

    def __init__(self, http, desk, session):
        self.http, self.desk, self.session = http, desk, session

    async def join(self, name, event="submit"):
        index = next(i for i, fn in self.desk.page.fns.items() if fn.targets and fn.targets[0][1] == event)
        body = {"data": [None, name], "fn_index": index, "session_hash": self.session}
        return await self.http.post("gradio_api/queue/join", json=body)

    async def messages(self):
        """All until the stream closes."""
        async with self.http.stream("GET", "gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            return [json.loads(row[5:]) async for row in stream.aiter_lines() if row.startswith("data:")]


@asynccontextmanager
async def client(desk):
    async with httpx.AsyncClient(base_url=desk.page.local_url, timeout=30) as http:
        yield http


@asynccontextmanager
async def visitor(http, desk, session):
    """With its page open."""

    async def stay():
        async with http.stream("GET", f"gradio_api/heartbeat/{session}") as stream:
            async for _ in stream.aiter_lines():
                pass

    beat = asyncio.create_task(stay())
    await until(lambda: desk.line.visits.here(session))
    yield Caller(http, desk, session)
    beat.cancel()
    await asyncio.gather(beat, return_exceptions=True)


async def until(holds, seconds=10):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.02)


def completed(messages):
    return [m["output"]["data"] for m in messages if m["msg"] == "process_completed"]
