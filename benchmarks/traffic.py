"""What a page's browser receives, told by Chromium itself (DevTools protocol)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

QUIET = 0.3
"""Seconds without anything received after which an answer counts as complete."""


class Traffic:
    """Bytes that came over the network, by kind of request; what lay in the browser's cache is none.

    A stream of events is counted as it comes in, all else as it was sent, compressed and with its headers.
    """

    def __init__(self, host: str, clock: Callable[[], float] = time.monotonic) -> None:
        """host: name and port of the page; a request to any other is noted in `elsewhere`."""
        self._host, self._clock = host, clock
        self._kinds: dict[str, str] = {}
        self._last = clock()
        self.received = {"stream": 0, "pictures": 0, "else": 0}
        self.elsewhere: list[str] = []

    def listen(self, session: Any) -> None:
        """Count what a DevTools session of Playwright tells of."""
        for event in ("requestWillBeSent", "dataReceived", "loadingFinished"):
            session.on(f"Network.{event}", getattr(self, _method(event)))
        session.send("Network.enable")

    def request_will_be_sent(self, told: Mapping[str, Any]) -> None:
        """A request begins."""
        address = urlsplit(told["request"]["url"])
        self._last = self._clock()
        if address.scheme in ("http", "https", "ws", "wss") and address.netloc != self._host:
            self.elsewhere.append(told["request"]["url"])
        kind = "stream" if "/queue/data" in address.path else "pictures" if told.get("type") == "Image" else "else"
        self._kinds[told["requestId"]] = kind

    def data_received(self, told: Mapping[str, Any]) -> None:
        """A part of an answer came; its length over the network is only told for streams at their end, so theirs is as read."""
        self._last = self._clock()
        if self._kinds.get(told["requestId"]) == "stream":
            self.received["stream"] += told["dataLength"]

    def loading_finished(self, told: Mapping[str, Any]) -> None:
        """An answer is complete; from the cache it has no length."""
        self._last = self._clock()
        kind = self._kinds.get(told["requestId"], "else")
        if kind != "stream":
            self.received[kind] += round(told["encodedDataLength"])

    @property
    def quiet(self) -> bool:
        """Whether nothing has moved for a moment."""
        return self._clock() - self._last > QUIET

    def taken(self) -> dict[str, int]:
        """Bytes by kind since the last time, and their sum as "all"."""
        found = {**self.received, "all": sum(self.received.values())}
        self.received = dict.fromkeys(self.received, 0)
        return found


def _method(event: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in event)
