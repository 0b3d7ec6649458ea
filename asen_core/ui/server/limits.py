"""How much a caller may send at once. Gradio limits each file of an upload, not how many there are, and reads others whole."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asen_core.ui.handlers import ARCHIVE_MEGABYTES, UPLOAD_MEGABYTES

MOST = 2 * (UPLOAD_MEGABYTES * 2**20 * 4 // 3 + 2**16)
"""Bytes of a request: two photos in base64."""
UPLOADED = ARCHIVE_MEGABYTES * 2**20 + 2**16
"""Bytes of an upload: the largest file that the page sends, each by a request of its own, and what is around it."""
_SAID = f"A request may have {MOST // 10**6} MB; save the photos smaller, or upload them first."
_SENT = f"An upload may have {ARCHIVE_MEGABYTES} MB; send each file by itself, and photos in several zips."


class RequestLimit:
    """Refuses longer requests (413) before they are read, and stops reading those that didn't say how long they are."""

    def __init__(self, app: ASGIApp, most: int = MOST, uploaded: int = UPLOADED) -> None:
        self.app, self.most, self.uploaded = app, most, uploaded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        upload = scope["path"].rstrip("/").endswith("/gradio_api/upload")
        most, text = (self.uploaded, _SENT) if upload else (self.most, _SAID)
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if not said.isdigit() or int(said) > most:
            await PlainTextResponse(text, 413)(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(413, text)
            return message

        await self.app(scope, counted, send)
