"""What the page's server has beside Gradio: limits, a login, and headers by which a browser keeps to the page."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Mapping
from functools import cache

import gradio as gr
from gradio_client import Client
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asen_core.accounts import Accounts
from asen_core.ui.server.gate import Gate
from asen_core.ui.server.limits import RequestLimit
from asen_core.ui.server.login import INSIDE, Login
from asen_core.ui.server.web import HOSTS, host_of, is_elsewhere, is_https, on_own_machine, route_of

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
    # Told to nobody else; the page itself has to see from where its forms come.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(self), clipboard-read=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "x-permitted-cross-domain-policies": "none",
}
_ALONE = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "SAMEORIGIN",  # of browsers that don't know frame-ancestors
}
_HTTPS = ("strict-transport-security", "max-age=31536000")
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_LOG = logging.getLogger(__name__)
_NOT_UNDERSTOOD = "This request could not be answered; /gradio_api/info says which calls there are and what they take."
_INSIDE = secrets.token_urlsafe(32)
_OTHER_NAME = (
    "This page answers to localhost only, since it may read folders of this machine. Where others shall reach it, "
    f"start it with {HOSTS} set to the names of its address, such as alike.example.org."
)
_UNKNOWN_NAME = f"This page has another address; those who run it name all that it has in {HOSTS}."
_ELSEWHERE = "A page of another site sent this request; open this page by its own address."


def middleware(name: str, accounts: Accounts | None = None) -> list[Middleware]:
    """Security headers around limits, the login, and what is to be had at all. name: of the product, for the login."""
    hosted = bool(os.environ.get("SPACE_ID"))
    asked = [Middleware(Login, accounts=accounts, inside=_INSIDE, name=name, hosted=hosted)] if accounts else []
    # A Space without a login has nothing that other sites' programs may not use, too.
    sites = [] if hosted and not accounts else [Middleware(Sites, hosts=hosts())]
    return [Middleware(SecurityHeaders, hosted=hosted), Middleware(RequestLimit), *sites, *asked, Middleware(Gate)]


def hosts() -> frozenset[str]:
    """The names under which the page may be asked for; empty for any."""
    named = {host_of(name.strip()) for name in os.environ.get(HOSTS, "").split(",")} - {""}
    if not named and not on_own_machine():
        return frozenset()
    return _HERE | named | {host_of(os.environ.get("GRADIO_SERVER_NAME", "localhost"))}


def headers(hosted: bool = False, https: bool = False) -> dict[str, str]:
    """Header -> value. hosted: on a Space, which shows the page in a frame of its own site; else no other site may."""
    policy = {**_POLICY, "frame-ancestors": "'self' https://huggingface.co" if hosted else "'self'"}
    said = {**_HEADERS, "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items())}
    return said | ({} if hosted else _ALONE) | (dict([_HTTPS]) if https and not hosted else {})


class SecurityHeaders:
    """Puts the headers on every answer; one that an answer has already stays as it is."""

    def __init__(self, app: ASGIApp, hosted: bool = False) -> None:
        self._app = app
        self._headers: Mapping[bool, Mapping[str, str]] = {https: headers(hosted, https) for https in (False, True)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun, held = True, MutableHeaders(scope=message)
                for name, value in self._headers[is_https(scope)].items():
                    held.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, guarded if scope["type"] == "http" else send)
        except HTTPException:
            raise
        except Exception:
            # Gradio lets calls that there are not, and arguments that they do not take, end so.
            if begun or scope["type"] != "http":
                raise
            route = route_of(scope)
            ours = not route.startswith("/gradio_api/call/")
            _LOG.warning("%s %r could not be answered", scope["method"], route[:200], exc_info=ours)
            await PlainTextResponse(_NOT_UNDERSTOOD, 500)(scope, receive, guarded)


class Sites:
    """Refuses requests that another site's page makes through a visitor's browser.

    Either openly, or under a name that leads here only since that site says so. hosts: the names that do; empty for any.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] in ("http", "websocket") and (refused := self._refused(Headers(scope=scope))):
            await refused(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refused(self, given: Headers) -> PlainTextResponse | None:
        names = [given.get("host", ""), *given.get("x-forwarded-host", "").split(",")]
        if self._hosts and any(host_of(name.strip()) not in self._hosts for name in names if name.strip()):
            return PlainTextResponse(_UNKNOWN_NAME if self._hosts > _HERE else _OTHER_NAME, 421)
        return PlainTextResponse(_ELSEWHERE, 403) if is_elsewhere(given) else None


def let_tools_in(page: gr.Blocks) -> None:
    """Let the page's tools call it: they do so as any caller, at the address that it has on this machine."""
    server = page.mcp_server_obj
    if server is not None:
        given = {"x-gradio-user": "mcp", INSIDE: _INSIDE}
        server._get_or_create_client = cache(
            lambda: Client(
                page.local_url, download_files=False, verbose=False, analytics_enabled=False, ssl_verify=False, headers=given
            )
        )
