"""Pictures of garments as light as the page needs them, made of the gallery's own when a browser asks for them: `?small`.

What may be read at all is decided by those who serve the file; this only makes less of what they answer.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from pathlib import Path
from urllib.parse import quote

import anyio
from PIL import Image
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEAVIEST, LADDER = 6_500, ((320, 60), (288, 40), (224, 40))
"""Bytes, so that a whole answer with 24 of them stays under 300 KB; pixels and quality of what would need more, tried in turn.

A tile is up to 235 pixels high, and its region is cut out of the same picture, which is why most stay as they are stored."""
_MOST, _LARGEST = 2**18, 2048
"""Bytes and pixels of a picture that something is made of: those of a gallery have at most 384 pixels, samples more."""
_KEPT = 16 * 2**20
_METHOD = 2
_ENTRY = 300
"""Bytes that keeping a picture takes beside its own."""


def address(path: Path) -> str:
    """Where the browser finds a file that the page serves; relative, so that it also works behind a proxy."""
    return "gradio_api/file=" + quote(path.as_posix())


def small(path: Path) -> str:
    """The address of a garment's picture as a tile shows it."""
    return f"{address(path)}?small"


class Made:
    """Pictures that were made, by the bytes of the whole; those that were not asked for the longest go first."""

    def __init__(self, most: int = _KEPT) -> None:
        """most: bytes that are kept."""
        self._most, self._held, self._lock = most, 0, threading.Lock()
        self._made: OrderedDict[bytes, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._made)

    def lighter(self, whole: bytes) -> bytes:
        """As the function of that name, made once."""
        if len(whole) <= HEAVIEST:
            return whole
        key = hashlib.blake2b(whole, digest_size=16).digest()
        with self._lock:
            if (known := self._made.get(key)) is not None:
                self._made.move_to_end(key)
                return known
        made = lighter(whole)
        with self._lock:
            if made is not whole and key not in self._made:
                self._made[key] = made
                self._held += len(made) + _ENTRY
            while self._held > self._most:
                self._held -= len(self._made.popitem(last=False)[1]) + _ENTRY
        return made


MADE = Made()
"""Of this process: the same bytes always make the same picture, whoever asks."""


class Sizes:
    """Answers with the smaller picture where one was asked for; what can't be made smaller passes as it is."""

    def __init__(self, app: ASGIApp, made: Made = MADE) -> None:
        self._app, self._made = app, made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"] != b"small":
            await self._app(scope, receive, send)
            return
        whole = {**scope, "headers": [(k, v) for k, v in scope["headers"] if k not in (b"range", b"if-range")]}
        start: Message = {}
        parts: list[bytes] = []

        async def kept(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_picture(message):
                start.update(message)
            elif not start or message["type"] != "http.response.body":
                await send(message)
            else:
                parts.append(message.get("body", b""))

        await self._app(whole, receive, kept)
        if not start:
            return
        held = MutableHeaders(raw=list(start["headers"]))
        body = b"".join(parts)
        if len(body) > HEAVIEST:
            body = await anyio.to_thread.run_sync(self._made.lighter, body)
        held["content-length"], held["etag"] = str(len(body)), f'"{held.get("etag", "").strip(chr(34))}-small"'
        await send({**start, "headers": held.raw})
        await send({"type": "http.response.body", "body": body})


def lighter(whole: bytes) -> bytes:
    """A WebP picture of at most `HEAVIEST` bytes, or little more; as it is where it has no more, or is none, or huge."""
    if not HEAVIEST < len(whole) <= _MOST:
        return whole
    try:
        with Image.open(io.BytesIO(whole), formats=("WEBP",)) as stored:
            if max(stored.size) > _LARGEST:
                return whole
            picture = stored.convert("RGB")
    except Exception:  # a damaged file may raise anything in a decoder
        return whole
    for pixels, quality in LADDER:
        picture.thumbnail((pixels, pixels), Image.Resampling.BILINEAR)
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=quality, method=_METHOD)
        if out.tell() <= HEAVIEST:
            break
    return out.getvalue()


def _is_picture(start: Message) -> bool:
    return start["status"] == 200 and MutableHeaders(raw=list(start["headers"])).get("content-type") == "image/webp"
