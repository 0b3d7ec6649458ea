"""Visitors of the page: what a browser sends and reads, over the same routes, without a browser."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

BUSY = re.compile(r"Busy: (?P<place>you are [\d,]+(?:st|nd|rd|th) in line)?")
QUICK = ("attribute", "tile")
"""What waits in no line."""
_TILE = re.compile(r'<button[^>]*class="tile"[^>]*data-id="([^"]+)"')
_PICTURE = re.compile(r'gradio_api/file=([^"]+)"')
_NOTICE = re.compile(r'class="notice[^"]*"[^>]*><p>(.*?)</p>', re.DOTALL)


class BusyError(Exception):
    """The page said that it is busy; that is an answer, too."""


class FaultError(Exception):
    """Anything that a visitor should never see."""


@dataclass(frozen=True)
class Call:
    """What the page does at one event. inputs, outputs: elem_id of each component ("" for none); given: values to send."""

    index: int
    trigger: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    given: tuple[Any, ...]


@dataclass
class Heard:
    """What all visitors together saw.

    seconds: from click to answer; working: of them, from its turn on; served: (asked, joined, started) of what waits in the
    model's line.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    working: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    served: list[tuple[float, float, float]] = field(default_factory=list)
    refused: int = 0
    places: int = 0
    longest: int = 0
    checked: int = 0
    visits: int = 0
    wrong: list[str] = field(default_factory=list)


class Page:
    """The page's calls, read from what it tells the browser about itself."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._parts = {part["id"]: part for part in config["components"]}
        self._ids = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
        self._deps = config["dependencies"]

    def call(self, name: str, event: str, output: str = "notice") -> Call:
        """What happens at an event of a part of the page (its elem_id). Raises: LookupError."""
        part = self._ids[name]
        for dep in self._deps:
            if [part, event] in [list(t) for t in dep["targets"]] and self._ids[output] in dep["outputs"]:
                given = tuple(self._parts[i]["props"].get("value") for i in dep["inputs"])
                return Call(dep["id"], part, self._named(dep["inputs"]), self._named(dep["outputs"]), given)
        raise LookupError(f"The page does nothing at {event} of #{name}; has it been renamed?")

    def _named(self, ids: Sequence[int]) -> tuple[str, ...]:
        return tuple(self._parts[i]["props"].get("elem_id") or "" for i in ids)


@dataclass(frozen=True)
class Door:
    """What all visitors share. home: the page's address, with a slash at the end."""

    http: httpx.AsyncClient
    home: str
    page: Page
    heard: Heard


class Visitor:
    """One page that is open."""

    def __init__(self, door: Door) -> None:
        self.http, self.home, self.page, self.heard = door.http, door.home, door.page, door.heard
        self.session = secrets.token_hex(6)
        self.tiles: list[str] = []
        self.pictures: list[str] = []
        self._beat: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Visitor:
        self._beat = asyncio.create_task(self._stay())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._beat:
            self._beat.cancel()
            await asyncio.gather(self._beat, return_exceptions=True)

    async def upload(self, photo: Path) -> str:
        """The path under which the photo lies on the server."""
        files = {"files": (photo.name, photo.read_bytes(), "image/jpeg")}
        answer = await self.http.post(self.home + "gradio_api/upload", files=files)
        if answer.status_code != 200:
            raise FaultError(f"upload {answer.status_code}: {answer.text[:200]}")
        return answer.json()[0]

    async def do(self, action: str, call: Call, data: Mapping[str, Any] | None, given: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a click does and wait for the answer: elem_id -> value. given: elem_id -> what its control says.

        Raises: BusyError, FaultError.
        """
        values = [given.get(name, value) for name, value in zip(call.inputs, call.given, strict=True)]
        body = {"data": values, "event_data": data, "fn_index": call.index, "trigger_id": call.trigger}
        asked = time.monotonic()
        joined = await self.http.post(self.home + "gradio_api/queue/join", json={**body, "session_hash": self.session})
        moment = time.monotonic()
        if joined.status_code == 503 and joined.json().get("detail", "").startswith("Busy: "):
            raise BusyError(joined.json()["detail"])
        if joined.status_code != 200:
            raise FaultError(f"join {joined.status_code}: {joined.text[:200]}")
        values, started = await self._answer(joined.json()["event_id"], call)
        if action not in QUICK and started:
            self.heard.served.append((asked, moment, started))
        shown = dict(zip(call.outputs, values, strict=True))
        self._read(shown)
        self.heard.seconds[action].append(time.monotonic() - asked)
        self.heard.working[action].append(time.monotonic() - started)
        return shown

    async def look_at(self, count: int) -> bytes:
        """Fetch the photo's own picture, and some of the pictures of the answer, as they come into view; returns the last."""
        content = b""
        for path in self.pictures[:count]:
            answer = await self.http.get(self.home + "gradio_api/file=" + path)
            if answer.status_code != 200:
                raise FaultError(f"picture {answer.status_code}: {path[-60:]}")
            content = answer.content
        return content

    def _read(self, shown: Mapping[str, Any]) -> None:
        said = _NOTICE.search(str(shown.get("notice") or ""))
        if said and said[1].startswith("Busy: "):
            raise BusyError(said[1])
        if said:
            raise FaultError(f"notice: {said[1][:200]}")
        results = shown.get("results")
        if isinstance(results, str):
            self.tiles = _TILE.findall(results)
            self.pictures = _PICTURE.findall(results)

    async def _answer(self, event: str, call: Call) -> tuple[list[Any], float]:
        started = 0.0
        address = self.home + "gradio_api/queue/data"
        async with self.http.stream("GET", address, params={"session_hash": self.session}) as stream:
            if stream.status_code != 200:
                raise FaultError(f"data {stream.status_code}")
            async for line in stream.aiter_lines():
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                kind = message.get("msg")
                if kind == "unexpected_error":
                    raise FaultError(f"stream: {message.get('message')}")
                if message.get("event_id") != event:
                    continue
                if kind == "estimation":
                    self.heard.longest = max(self.heard.longest, message["queue_size"])
                elif kind == "process_starts":
                    started = time.monotonic()
                elif kind == "process_generating":
                    self.heard.places += bool(BUSY.search(json.dumps(message["output"]["data"])))
                elif kind == "process_completed":
                    if not message["success"]:
                        raise FaultError(f"answer: {str(message['output'].get('error'))[:200]}")
                    return message["output"]["data"], started
        raise FaultError("the stream ended without an answer")

    async def _stay(self) -> None:
        """The connection that a page holds while it is open."""
        async with self.http.stream("GET", self.home + "gradio_api/heartbeat/" + self.session, timeout=None) as stream:
            async for _ in stream.aiter_lines():
                pass


def chosen(random: Random, shares: Mapping[str, float]) -> str:
    """One of the actions, as often as its share says."""
    return random.choices(list(shares), list(shares.values()))[0]
