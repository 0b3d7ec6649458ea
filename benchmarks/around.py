"""The stages of a query around the network: before it the photo, after it search, overlay and transfer, each with its time."""

from __future__ import annotations

import http.client
import re
import socket
import threading
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

import numpy as np

from asen_core import images
from asen_core.types import Frame, Garment
from asen_core.ui.page import SAMPLES
from asen_core.ui.pictures import Pictures
from benchmarks.parts import Timed, timed
from benchmarks.visitor import Visitor, uploaded

_SOURCE = re.compile(r'src="(?:gradio_api/file=)?(/?[^"]+)"')


class Around:
    """What the app does before and after the network, by the app's own functions. A context: it serves while it is open.

    engine: whose network is timed, and its way of laying photos; search, overlay and transfer are those of the shipped one.
    """

    def __init__(self, engine: Any, scratch: Path, neighbours: int) -> None:
        from benchmarks.engines import opened

        self._engine, self._neighbours = engine, neighbours
        self._shipped = opened()
        self._visitor = Visitor(self._shipped, scratch / "page", neighbours)
        self._names = tuple(self._shipped.vocabulary)
        self.seen: dict[str, Any] = {"garments": len(self._shipped.gallery), "length": self._shipped.dim}

    def __enter__(self) -> Self:
        self._server = _Server()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        self._visitor.leaves()

    def before(self, path: Path) -> tuple[Timed, Garment, np.ndarray, Frame]:
        """Seconds of decode and resize, the photo, what goes into the network (1, S, S, 3) uint8, and how it lies there."""
        data, config = path.read_bytes(), self._engine.config
        longest = None if config.geometry == "released" else self._visitor.studio.longest
        garment, decode = timed(lambda: images.load(data, longest=longest))
        size = (config.input_size, config.fill, config.geometry)
        (laid, frame), resize = timed(lambda: images.lay(garment.pixels, *size))
        self.seen["file"] = len(data)
        return {"decode": decode, "resize": resize}, garment, laid[None], frame

    def after(self, path: Path, garment: Garment) -> Timed:
        """Seconds of search, overlay and transfer for the same photo."""
        name = self._names[0]
        views = self._shipped.look(garment)
        _, search = timed(lambda: self._shipped.search(views[name], name, self._neighbours))
        scratch = self._visitor.studio.scratch
        folder = scratch.folder()
        written, overlay = timed(lambda: _drawn(Pictures(garment, views, path, folder, None), name))
        self.seen["written"] = sum(p.stat().st_size for p in written)
        scratch.forget(folder)
        with uploaded([path]) as (file,):
            self._visitor.sends(file)
            self._visitor.waits()
            html, pictures = "".join(map(str, self._visitor.page)).encode(), named(self._visitor.page)
            self._server.offers([lambda: html, *(p.read_bytes for p in pictures)])
            sent, transfer = timed(self._server.fetched)
        self.seen |= {"sent": sent, "parts": 1 + len(pictures)}
        return {"search": search, "overlay": overlay, "transfer": transfer}


def _drawn(pictures: Pictures, attribute: str) -> list[Path]:
    """What an answer shows of the photo itself."""
    return [pictures.preview, pictures.heats[attribute], pictures.crops[attribute]]


def named(page: tuple[str, ...]) -> list[Path]:
    """The pictures that the parts of an answer name, each once; not the samples, which a browser has already."""
    found = (Path(unquote(unescape(m[1]).split("?")[0])) for part in page for m in _SOURCE.finditer(str(part)))
    return [p for p in dict.fromkeys(found) if p.is_file() and p.parent != SAMPLES]


class _Server:
    """Sends what is offered over one connection on loopback; reading files counts, as it does in the app."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._parts: list[Callable[[], bytes]] = []
        threading.Thread(target=self._serve, daemon=True).start()
        self._link = http.client.HTTPConnection(*self._listening.getsockname())
        self._link.connect()
        self._link.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def offers(self, parts: list[Callable[[], bytes]]) -> None:
        self._parts = parts

    def fetched(self) -> int:
        """Ask for all parts one after the other; their bytes."""
        total = 0
        for number in range(len(self._parts)):
            self._link.request("GET", f"/{number}")
            total += len(self._link.getresponse().read())
        return total

    def close(self) -> None:
        self._link.close()
        self._listening.close()

    def _serve(self) -> None:
        link, _ = self._listening.accept()
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with link, link.makefile("rb") as asked:
            while line := asked.readline():
                while asked.readline() not in (b"\r\n", b""):
                    pass
                body = self._parts[int(line.split()[1][1:])]()
                link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
