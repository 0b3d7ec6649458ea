"""Who is logged in, and how quickly wrong passwords may follow each other: in memory, of bounded size, lost at a restart."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

Clock = Callable[[], float]
IDLE, LONGEST = 12 * 3600.0, 7 * 24 * 3600.0
"""Seconds after which a login ends: unused, and at the latest."""


@dataclass
class Session:
    """One login. kept: of the password it was made with; another one in the file ends it."""

    name: str
    kept: str
    began: float
    used: float


@dataclass
class Sessions:
    """Logins by their tokens, of which only hashes are held. most: then the one that was unused longest ends."""

    most: int = 10_000
    clock: Clock = time.monotonic
    _held: OrderedDict[bytes, Session] = field(default_factory=OrderedDict)

    def begin(self, name: str, kept: str) -> str:
        """The token of a new login."""
        token, now = secrets.token_urlsafe(32), self.clock()
        self._held[_digest(token)] = Session(name, kept, now, now)
        while len(self._held) > self.most:
            self._held.popitem(last=False)
        return token

    def name(self, token: str, users: Mapping[str, str]) -> str | None:
        """Whose token this is; None for none of ours, or where it has ended. users: name -> what is kept, as it is now."""
        held, now = self._held.get(_digest(token)), self.clock()
        if held is None:
            return None
        if users.get(held.name) != held.kept or now - held.used > IDLE or now - held.began > LONGEST:
            self.end(token)
            return None
        held.used = now
        self._held.move_to_end(_digest(token))
        return held.name

    def end(self, token: str) -> None:
        """The login is over."""
        self._held.pop(_digest(token), None)


class CrowdedError(Exception):
    """More tries are waiting than are held at once."""


@dataclass
class Brake:
    """Lets tries wait, the longer the more wrong ones came before: for a name and from an address.

    A try waits, it is not refused, and at most `longest` seconds: nobody can shut another person out by trying their name.
    Nor by waiting: half of the places are for addresses with at most two wrong tries, one place each.
    """

    longest: float = 8.0
    forgotten: float = 900.0
    most: int = 4096
    at_once: int = 64
    from_one: int = 8
    clock: Clock = time.monotonic
    _wrong: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)
    _waiting: dict[str, int] = field(default_factory=dict)

    def delay(self, name: str, address: str) -> float:
        """Seconds that this try has to wait."""
        more = max(self._count(f"name {name}") - 2, self._count(f"from {network(address)}") - 9)
        return min(0.25 * 2 ** min(more, 20), self.longest) if more > 0 else 0.0

    @contextmanager
    def held(self, address: str) -> Iterator[None]:
        """While a try waits and is checked. Raises: CrowdedError."""
        place = network(address)
        doubtful = place in self._waiting or self._count(f"from {place}") > 2
        places = self.at_once // 2 if doubtful else self.at_once
        if self._waiting.get(place, 0) >= self.from_one or sum(self._waiting.values()) >= places:
            raise CrowdedError
        self._waiting[place] = self._waiting.get(place, 0) + 1
        try:
            yield
        finally:
            self._waiting[place] -= 1
            if not self._waiting[place]:
                del self._waiting[place]

    def wrong(self, name: str, address: str) -> None:
        """The try failed."""
        for key in (f"name {name}", f"from {network(address)}"):
            self._wrong[key] = (self._count(key) + 1, self.clock())
            self._wrong.move_to_end(key)
        while len(self._wrong) > self.most:
            self._wrong.popitem(last=False)

    def right(self, name: str) -> None:
        """The try succeeded. The address keeps its count, else one's own name would make up for tries of others."""
        self._wrong.pop(f"name {name}", None)

    def _count(self, key: str) -> int:
        count, last = self._wrong.get(key, (0, 0.0))
        return count if self.clock() - last < self.forgotten else 0


def network(address: str) -> str:
    """What one person commands of addresses: one of IPv4, also as written in IPv6, or 2 ** 64 of IPv6."""
    try:
        whole = ipaddress.ip_address(address)
    except ValueError:
        return "elsewhere"
    whole = getattr(whole, "ipv4_mapped", None) or whole
    return str(ipaddress.ip_network((whole, 64), strict=False)) if whole.version == 6 else str(whole)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
