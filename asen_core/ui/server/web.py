"""Who can reach the page, and what a request says of where it was sent to, and by whom."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

HOSTS = "ASEN_HOSTS"
"""Names the hosts, with commas between, under which others reach the page through a proxy on this machine."""


def on_own_machine() -> bool:
    """Whether only people at this machine can open the page, so that it may name folders here."""
    if os.environ.get(HOSTS):  # a proxy lets others in
        return False
    return not os.environ.get("SPACE_ID") and os.environ.get("GRADIO_SERVER_NAME", "") in ("", "127.0.0.1", "localhost", "::1")


def route_of(scope: Scope) -> str:
    """The path within the page, without that of a proxy before it and without a slash at its end ("/" for the page)."""
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    if root and (path == root or path.startswith(root + "/")):
        path = path[len(root) :]
    return path.rstrip("/") or "/"


def is_https(scope: Scope) -> bool:
    """Whether the caller came by https, here or to a proxy."""
    said = Headers(scope=scope).get("x-forwarded-proto", "").split(",")[0].strip()
    return "https" in (said.lower(), scope.get("scheme"))


def host_of(address: str) -> str:
    """The name of a host, lower case and without its port, of "name:port" or of a whole address; "" where there is none."""
    try:
        return (urlsplit(address if "//" in address else "//" + address).hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_elsewhere(headers: Headers) -> bool:
    """Whether a page of another site sent the request by a browser. Programs and addresses typed by people are not it.

    A site is a scheme and a host with its port; of the scheme a proxy may have made another one.
    """
    fetched = headers.get("sec-fetch-site")
    if fetched is not None and headers.get("sec-fetch-mode") != "navigate":
        return fetched not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    asked = {_place(headers.get(name, "").split(",")[0].strip()) for name in ("host", "x-forwarded-host")}
    return not origin.startswith(("http://", "https://")) or _place(origin.partition("//")[2]) not in asked


def _place(host: str) -> str:
    """Host and port, the usual port left out."""
    return host.lower().removesuffix(":80").removesuffix(":443")


async def answered(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> bool:
    """Whether this is no request: what starts and ends the server goes on to `app`, other connections are closed."""
    if scope["type"] == "lifespan":
        await app(scope, receive, send)
    elif scope["type"] != "http":
        await send({"type": "websocket.close", "code": 1008})
    return scope["type"] != "http"
