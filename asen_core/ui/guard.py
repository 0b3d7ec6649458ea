"""What the page's server has beside Gradio: limits of requests, and headers by which a browser keeps to the page."""

from __future__ import annotations

import os

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asen_core.ui.limits import RequestLimit

_POLICY = {
    "default-src": "'self'",
    # Gradio's page carries its settings as inline scripts, and makes functions of the scripts of the page's own parts.
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), clipboard-read=(self), microphone=(), geolocation=(), payment=(), usb=()",
}


def middleware() -> list[Middleware]:
    """Security headers around request limits."""
    return [Middleware(SecurityHeaders), Middleware(RequestLimit)]


def headers(hosted: bool = False) -> dict[str, str]:
    """Header -> value. hosted: on a Space, which shows the page in a frame of its own site; else no other site may."""
    policy = {**_POLICY, "frame-ancestors": "'self' https://huggingface.co" if hosted else "'self'"}
    return {**_HEADERS, "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items())}


class SecurityHeaders:
    """Puts the headers on every answer; one that an answer has already stays as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._headers = app, headers(bool(os.environ.get("SPACE_ID")))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                held = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    held.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)
