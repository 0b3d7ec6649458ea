"""The login of a private page: nothing of it is answered before, neither page nor pictures, calls, uploads or tools.

People log in by a form and are known by a cookie; programs send their name and password with each call (HTTP Basic), or log
in as Gradio's clients do (`Client(address, auth=(name, password))`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs

import anyio
from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from asen_core.accounts import MOST, VARIABLE, Accounts
from asen_core.errors import AccountError
from asen_core.ui.server import login_page
from asen_core.ui.server.sessions import LONGEST, Brake, CrowdedError, Sessions
from asen_core.ui.server.web import answered, is_https, route_of

INSIDE = "x-alike-inside"
"""The header by which the server's own calls, those of its tools, are known to it."""
_OPEN = ("/gradio_api/startup-events", "/favicon.ico")
"""Of the program's own start and of its health check; says nothing."""
_FIRST = "Log in first: with your name and password by HTTP Basic, or at /login."
_WRONG = "That name and password do not go together; check both, then try again."
_CROWDED = "Too many tries are waiting; try again in a minute."
_FORM, _REMEMBERED, _FRESH = 4096, 256, 300.0


def accounts_given() -> Accounts | None:
    """Who may use the page, where ASEN_USERS names a file of users. Raises: AccountError where it can't be read or is empty."""
    given = os.environ.get(VARIABLE)
    return Accounts(Path(given).expanduser()) if given else None


class Login:
    """Lets those through who are logged in. inside: the secret of the server's own calls; hosted: in a Space's frame."""

    def __init__(self, app: ASGIApp, accounts: Accounts, inside: str, name: str, hosted: bool = False) -> None:
        self._app, self._accounts, self._inside, self._name, self._hosted = app, accounts, inside, name, hosted
        self._sessions, self._brake = Sessions(), Brake()
        self._checked: OrderedDict[bytes, tuple[str, str, float]] = OrderedDict()
        self._secret = secrets.token_bytes(32)
        self._few = CapacityLimiter(2)  # each check takes 32 MB

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if await answered(self._app, scope, receive, send):
            return
        try:
            answer = await self._answer(scope, receive)
        except AccountError:
            answer = _plain("The page can't check at the moment who may use it; tell those who run it.", 503)
        except CrowdedError:
            answer = _plain(_CROWDED, 429, {"retry-after": "60"})
        await (answer or self._app)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        """None: let it through."""
        headers, path, method = Headers(scope=scope), route_of(scope), scope["method"]
        if path == "/login" and method == "POST":
            return await self._log_in(scope, receive, headers)
        if path == "/logout":
            return self._log_out(scope, headers) if method == "POST" else _plain("Send it as a form.", 405)
        if path in _OPEN and method == "GET":
            return None
        known = await self._known(scope, headers)
        if path == "/login" and method in ("GET", "HEAD"):
            return _to_page() if known else self._form(200)
        if known:
            return None
        if path == "/" and method in ("GET", "HEAD") and "text/html" in headers.get("accept", ""):
            return self._form(401)
        asked = {} if "mozilla" in headers.get("user-agent", "").lower() else {"www-authenticate": 'Basic realm="page"'}
        return _plain(_FIRST, 401, asked)

    async def _known(self, scope: Scope, headers: Headers) -> str | None:
        """Whose request this is."""
        users = self._accounts.now()
        if hmac.compare_digest(headers.get(INSIDE, "").encode(), self._inside.encode()):
            return "the server"
        if (token := self._token(headers)) and (name := self._sessions.name(token, users)):
            return name
        given = _basic(headers.get("authorization", ""))
        return await self._remembered(*given, scope, users) if given else None

    async def _remembered(self, name: str, password: str, scope: Scope, users: Mapping[str, str]) -> str | None:
        """A program sends its password with each call; the costly check is made every few minutes."""
        key = hmac.digest(self._secret, f"{name}\0{password}".encode("utf-8", "surrogatepass"), hashlib.sha256)
        held = self._checked.get(key)
        if held and users.get(name) == held[1] and time.monotonic() - held[2] < _FRESH:
            return name
        if not (kept := await self._tried(name, password, scope)):
            return None
        self._checked[key] = (name, kept, time.monotonic())
        while len(self._checked) > _REMEMBERED:
            self._checked.popitem(last=False)
        return name

    async def _tried(self, name: str, password: str, scope: Scope) -> str | None:
        """What is kept of the password where it is right. Raises: CrowdedError, AccountError."""
        address = (scope.get("client") or ("", 0))[0]
        with self._brake.held(address):
            await anyio.sleep(self._brake.delay(name, address))
            kept = await to_thread.run_sync(self._accounts.check, name, password[: MOST + 1], limiter=self._few)
            if kept:
                self._brake.right(name)
            else:
                self._brake.wrong(name, address)
        return kept

    async def _log_in(self, scope: Scope, receive: Receive, headers: Headers) -> Response:
        people = "text/html" in headers.get("accept", "")
        form = await _form(receive)
        name, password = (form.get(k, [""])[0] for k in ("username", "password"))
        try:
            kept = await self._tried(name.strip(), password, scope)
        except CrowdedError:
            if not people:
                raise
            return self._form(429, _CROWDED, name)
        if not kept:
            return self._form(401, _WRONG, name) if people else _plain(_WRONG, 401)
        answer = _to_page() if people else JSONResponse({"success": True})
        self._set(answer, scope, self._sessions.begin(name.strip(), kept), int(LONGEST))
        return answer

    def _log_out(self, scope: Scope, headers: Headers) -> Response:
        self._sessions.end(self._token(headers))
        answer = _to_page()
        answer.headers["clear-site-data"] = '"cache"'
        self._set(answer, scope, "", 0)
        return answer

    def _set(self, answer: Response, scope: Scope, token: str, seconds: int) -> None:
        """The cookie: no script reads it, no other site's request carries it, and where there is https, none without."""
        safe = is_https(scope)
        framed = self._hosted and safe  # in a frame of another site only such a cookie comes back
        kind = "none; Partitioned" if framed else "lax"
        name = "__Host-alike" if safe else "alike"
        secure = "; Secure" if safe else ""
        answer.headers.append("set-cookie", f"{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={kind}{secure}")

    def _token(self, headers: Headers) -> str:
        try:
            held = SimpleCookie("; ".join(headers.getlist("cookie")))
        except CookieError:
            return ""
        return next((held[name].value for name in ("__Host-alike", "alike") if name in held), "")

    def _form(self, status: int, said: str = "", typed: str = "") -> Response:
        # Without a referrer, browsers do not say either from where a form comes.
        kept = {"cache-control": "no-store", "referrer-policy": "same-origin"}
        framed = "https://huggingface.co" if self._hosted else "'none'"
        policy = f"{login_page.POLICY}; frame-ancestors {framed}"
        page = login_page.page(self._name, said, typed[:64])
        return HTMLResponse(page, status, {**kept, "content-security-policy": policy})


async def _form(receive: Receive) -> dict[str, list[str]]:
    """The fields of a form; none where it is longer than a name and a password are."""
    body = b""
    while len(body) <= _FORM:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            with suppress(ValueError):  # more fields than the form has
                return parse_qs(body.decode("utf-8", "replace"), max_num_fields=8)
            break
    return {}


def _basic(header: str) -> tuple[str, str] | None:
    """Name and password of HTTP Basic."""
    kind, _, rest = header.partition(" ")
    if kind.lower() != "basic" or len(rest) > _FORM:
        return None
    try:
        name, colon, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return (name, password) if colon else None


def _plain(said: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": said}, status, {"cache-control": "no-store", **(headers or {})})


def _to_page() -> RedirectResponse:
    return RedirectResponse("./", 303, {"cache-control": "no-store"})
