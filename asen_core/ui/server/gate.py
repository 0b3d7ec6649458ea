"""What the server answers to at all: the routes and the files that the page, its calls and its tools use, and nothing else.

Gradio has more: a proxy that fetches from elsewhere, an editor of the program, recordings, state saved to disk by any caller.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from gradio.data_classes import _StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asen_core.ui.server.web import answered, route_of

FILES = "/gradio_api/file="
_READ = frozenset({"GET", "HEAD"})
_TOOLS = frozenset({"GET", "HEAD", "POST", "DELETE"})
ROUTES = {
    "/": _READ, "/config": _READ, "/theme.css": _READ, "/favicon.ico": _READ, "/manifest.json": _READ, "/robots.txt": _READ,
    "/pwa_icon": _READ,
    **{f"/gradio_api/{name}": _READ for name in (
        "info", "openapi.json", "app_id", "theme.css", "startup-events", "upload_progress", "queue/data", "queue/status",
    )},
    **{f"/gradio_api/{name}": frozenset({"POST"}) for name in ("upload", "queue/join", "cancel", "reset")},
    **{f"/gradio_api/mcp{name}": _TOOLS for name in ("", "/http", "/schema")},
}  # fmt: skip
"""Route -> methods."""
BELOW = {
    "/assets/": _READ, "/static/": _READ, "/svelte/": _READ, "/pwa_icon/": _READ, "/gradio_api/heartbeat/": _READ,
    "/gradio_api/call/": _READ | {"POST"}, FILES: _READ,
}  # fmt: skip
"""Likewise for all that begins so."""
PICTURES = frozenset(
    (".webp", ".jpg", ".jpeg", ".png", ".gif", ".bmp", ".avif", ".heic", ".heif", ".tif", ".tiff", ".jfif", ".jp2", ".mpo")
)
DOWNLOADS = frozenset({".csv", ".zip"})
"""What visitors take away: tables and evidence packs. A gallery has such files, too, but not where visitors' files lie."""
_SHORT, _NOT_KEPT = "private, max-age=3600", "private, no-store"


def allowed(route: str, method: str) -> bool:
    """Whether a request is answered. route: as `route_of` gives it."""
    named = ROUTES.get(route)
    methods = named or next((m for begin, m in BELOW.items() if route.startswith(begin)), frozenset())
    return method in methods and (not route.startswith(FILES) or served(route.removeprefix(FILES)) is not None)


def served(path: str) -> Path | None:
    """The file where the page shows it: a picture in a folder of pictures, or what was made for a visitor to take away."""
    try:
        file = Path(path).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
    kind = file.suffix.lower()
    kinds = PICTURES | DOWNLOADS if _is_visitors(file) else PICTURES
    below = any(file.is_relative_to(folder) for folder in map(Path.resolve, map(Path, _StaticFiles.all_paths)))
    return file if below and kind in kinds and file.is_file() else None


def _is_visitors(file: Path) -> bool:
    """What was made for the time of a visit lies among the temporary files."""
    return file.is_relative_to(Path(tempfile.gettempdir()).resolve())


class Gate:
    """Answers 404 to everything else, whatever it is, and says how long what it lets through may be kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if await answered(self._app, scope, receive, send):
            return
        route = route_of(scope)
        if not allowed(route, scope["method"]):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
            return
        kept = _kept(route)

        async def said(message: Message) -> None:
            if kept and message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("cache-control", kept)
            await send(message)

        await self._app(scope, receive, said)


def _kept(route: str) -> str:
    """What a browser is told of keeping an answer: visitors' photos not at all, the gallery's for itself alone."""
    if route.startswith(FILES):
        return _NOT_KEPT if _is_visitors(Path(route.removeprefix(FILES)).resolve()) else _SHORT
    return _NOT_KEPT if route in ("/", "/config") or route.startswith("/gradio_api/") else ""
