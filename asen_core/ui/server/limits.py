"""How much a caller may send at once. Gradio limits uploads itself, but reads any other request whole, however long."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asen_core.ui.handlers import UPLOAD_MEGABYTES

MOST = 2 * (UPLOAD_MEGABYTES * 2**20 * 4 // 3 + 2**16)
"""Bytes of a request: two photos in base64."""
_SAID = f"A request may have {MOST // 10**6} MB; save the photos smaller, or upload them first."


class RequestLimit:
    """Refuses longer requests (413) before they are read, and stops reading those that didn't say how long they are."""

    def __init__(self, app: ASGIApp, most: int = MOST) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].rstrip("/").endswith("/gradio_api/upload"):
            await self.app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if not said.isdigit() or int(said) > self.most:
            await PlainTextResponse(_SAID, 413)(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.most:
                raise HTTPException(413, _SAID)
            return message

        await self.app(scope, counted, send)
