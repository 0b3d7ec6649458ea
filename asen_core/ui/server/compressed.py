"""The page itself compressed on its way: Gradio does so for what has the name of a file, and its page has none."""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from asen_core.ui.server.web import route_of

_LEAST, _LEVEL = 1000, 5


class Compressed:
    """Sends the page, which carries the settings of all its parts, as gzip: a sixth of it travels."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._compressing = app, GZipMiddleware(app, minimum_size=_LEAST, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        page = scope["type"] == "http" and route_of(scope) == "/"
        await (self._compressing if page else self._app)(scope, receive, send)
