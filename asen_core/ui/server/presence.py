"""Which pages are open: each holds one connection for as long as it is."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from asen_core.ui.server.visits import Visits

_PATH = "/gradio_api/heartbeat/"


class Presence:
    """Tells the visits when a page is opened and closed."""

    def __init__(self, app: ASGIApp, visits: Visits) -> None:
        self.app, self.visits = app, visits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, found, session = scope.get("path", "").partition(_PATH)
        if scope["type"] != "http" or not found or not session:
            await self.app(scope, receive, send)
            return
        self.visits.arrive(session)
        try:
            await self.app(scope, receive, send)
        finally:
            self.visits.leave(session)
