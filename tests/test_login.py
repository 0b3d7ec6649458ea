"""The login before the page: who is let through, what the others are told, how wrong tries are slowed, which sites may ask."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse

from asen_core import accounts
from asen_core.accounts import Accounts, put, remove
from asen_core.errors import AccountError
from asen_core.ui.server import guard, login, login_page
from asen_core.ui.server.login import INSIDE, Login, accounts_given
from asen_core.ui.server.sessions import IDLE, LONGEST, Brake, CrowdedError, Sessions, network

ROOT = Path(__file__).resolve().parents[1]
WORD = "correct horse"
PEOPLE = {"accept": "text/html", "user-agent": "Mozilla/5.0"}


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(accounts, "_COST", (2, 1, 1))  # cheap keys
    monkeypatch.setattr(accounts, "_DUMMY", accounts.hashed("nobody's word"))
    for name in ("anna", "ben"):
        put(tmp_path / "users", name, WORD)
    return tmp_path / "users"


@pytest.fixture
def asked(file: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., httpx.Response]:
    """Asks a page whose every address says "private", without a wait; `asked.slept` has the waits that there were."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(login.anyio, "sleep", sleep)
    page = Login(PlainTextResponse("private"), Accounts(file), "inside", "Alike")

    def ask(method: str, path: str, base: str = "http://here", cookie: str = "", **more) -> httpx.Response:
        async def sent() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(page), base_url=base) as client:
                headers = {**more.pop("headers", {}), **({"cookie": cookie} if cookie else {})}
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(sent())

    ask.slept, ask.page = slept, page
    return ask


def enter(asked, name="anna", word=WORD, **more) -> httpx.Response:
    return asked("POST", "/login", data={"username": name, "password": word}, headers=PEOPLE, **more)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize(
    "path",
    [
        "/", "/config", "/gradio_api/info", "/gradio_api/upload", "/gradio_api/mcp/", "/gradio_api/file=/etc/passwd",
        "/assets/x.js", "/theme.css", "/gradio_api/heartbeat/abc", "/gradio_api/queue/data?session_hash=a", "/no-such", "//",
        "/login/../config", "/favicon.ico/x", "/gradio_api/startup-events/x", "/%6cogin/x", "/LOGIN", "/logout/x",
    ],
)  # fmt: skip
def test_nothing_is_answered_before_the_login(asked, method: str, path: str) -> None:
    answer = asked(method, path)
    assert answer.status_code == 401
    assert "private" not in answer.text.replace("galleries here are private", "")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_people_see_a_form_and_log_in_by_it(asked) -> None:
    first = asked("GET", "/", headers=PEOPLE)
    assert (first.status_code, "www-authenticate" in first.headers) == (401, False)
    for part in ('action="login"', 'name="username"', 'name="password" type="password"', 'autocomplete="current-password"'):
        assert part in first.text
    assert "<script" not in first.text
    policy = first.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy
    into = enter(asked)
    assert (into.status_code, into.headers["location"]) == (303, "./")
    cookie = into.headers["set-cookie"]
    assert cookie.startswith("alike=")
    assert "; Path=/; " in cookie
    assert cookie.endswith("HttpOnly; SameSite=lax")
    token = cookie.partition(";")[0]
    assert asked("GET", "/config", cookie=token).text == "private"
    assert asked("GET", "/login", cookie=token).status_code == 303
    out = asked("POST", "/logout", cookie=token)
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert asked("GET", "/config", cookie=token).status_code == 401


def test_where_there_is_https_the_cookie_goes_nowhere_else(asked) -> None:
    for base, headers in (("https://here", {}), ("http://here", {"x-forwarded-proto": "https"})):
        form = {"username": "anna", "password": WORD}
        into = asked("POST", "/login", base, data=form, headers={**PEOPLE, **headers})
        assert into.headers["set-cookie"].startswith("__Host-alike=")
        assert into.headers["set-cookie"].endswith("Secure")
    asked.page._hosted = True  # a Space, in a frame of another site
    assert enter(asked, base="https://here").headers["set-cookie"].endswith("SameSite=none; Partitioned; Secure")
    assert "frame-ancestors https://huggingface.co" in asked("GET", "/login").headers["content-security-policy"]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("anna", WORD + "!"),
        ("anna", ""),
        ("", ""),
        ("nobody", WORD),
        ("Anna", WORD),
        ("anna", WORD.upper()),
        ("anna", "x" * 3000),
    ],
)
def test_wrong_tries_are_refused_in_the_same_words(asked, name: str, word: str) -> None:
    people = enter(asked, name, word)
    assert (people.status_code, "set-cookie" in people.headers) == (401, False)
    assert login._WRONG in people.text
    program = asked("POST", "/login", data={"username": name, "password": word})
    assert (program.status_code, program.json()) == (401, {"error": login._WRONG})
    assert asked("GET", "/config", auth=(name, word)).status_code == 401


def test_what_was_typed_does_not_become_part_of_the_page(asked) -> None:
    text = enter(asked, '"><script>alert(1)</script>', "x").text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "<b>" not in login_page.page("<b>", "<b>", "<b>")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"), (b"\xff" * 100, "text/plain"), (b"a=1&" * 3000, "text/plain"),
        (b"username=anna&password=" + b"x" * 10**6, "application/x-www-form-urlencoded"), (b"&" * 4000, "x"),
        (b"username=anna&username=ben&password=%00", "x"), (b'{"username": "anna"}', "application/json"),
    ],
)  # fmt: skip
def test_forms_that_are_none_are_wrong_tries(asked, body: bytes, kind: str) -> None:
    assert asked("POST", "/login", content=body, headers={"content-type": kind}).status_code == 401


@pytest.mark.parametrize("cookie", ["alike=", "alike=x", "alike=" + "x" * 5000, "alike=\x7f\xff", '"', ";;;=", "alike"])
def test_cookies_that_are_none_let_nobody_in(asked, cookie: str) -> None:
    enter(asked)
    assert asked("GET", "/config", cookie=cookie.encode("latin-1")).status_code == 401


def test_programs_send_name_and_password_with_each_call(asked) -> None:
    assert asked("GET", "/config", auth=("anna", WORD)).text == "private"
    for said in ("Basic", "Basic !", "Basic " + "QQ==", "Basic " + "A" * 5000, "Bearer x", "Basic /w=="):
        assert asked("GET", "/config", headers={"authorization": said}).status_code == 401
    assert asked("GET", "/config", headers={INSIDE: "inside"}).text == "private"
    assert asked("GET", "/config", headers={INSIDE: ""}).status_code == 401


def test_a_password_that_was_checked_is_remembered_until_it_changes(asked, file: Path, monkeypatch) -> None:
    checked = []
    real = asked.page._accounts.check
    monkeypatch.setattr(asked.page._accounts, "check", lambda *given: checked.append(given) or real(*given))
    for _ in range(3):
        assert asked("GET", "/", auth=("anna", WORD)).status_code == 200
    assert len(checked) == 1
    put(file, "anna", "another password")
    assert asked("GET", "/", auth=("anna", WORD)).status_code == 401
    assert all(WORD.encode() not in key for key in asked.page._checked)


def test_other_passwords_and_removed_users_end_what_is_open(asked, file: Path) -> None:
    tokens = {name: enter(asked, name).headers["set-cookie"].partition(";")[0] for name in ("anna", "ben")}
    put(file, "anna", "another password")
    assert asked("GET", "/", cookie=tokens["anna"]).status_code == 401
    assert asked("GET", "/", cookie=tokens["ben"]).status_code == 200
    remove(file, "ben")
    assert asked("GET", "/", cookie=tokens["ben"]).status_code == 401
    file.unlink()
    assert asked("GET", "/", auth=("anna", WORD)).status_code == 503
    assert asked("GET", "/").status_code == 503


def test_websockets_are_closed(asked) -> None:
    sent = []

    async def send(message) -> None:
        sent.append(message)

    asyncio.run(asked.page({"type": "websocket", "path": "/", "headers": []}, None, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_wrong_tries_have_to_wait_longer_and_longer_whoever_is_right_starts_anew(asked) -> None:
    for _ in range(9):
        enter(asked, "anna", "wrong word")
    assert asked.slept == [0, 0, 0, 0.5, 1, 2, 4, 8, 8]
    asked.slept.clear()
    assert enter(asked).status_code == 303
    assert asked.slept == [8]
    enter(asked, "anna", "wrong word")
    assert asked.slept == [8, 0]


def test_tries_of_many_names_from_one_address_are_slowed_too() -> None:
    time = Time()
    brake = Brake(clock=time, most=40)
    for i in range(12):
        brake.wrong(f"user{i}", "10.0.0.1")
        brake.right(f"user{i}")
    assert [brake.delay("anna", a) for a in ("10.0.0.1", "10.0.0.2")] == [2.0, 0.0]
    time.now += 899
    assert brake.delay("anna", "10.0.0.1") == 2.0
    time.now += 2
    assert brake.delay("anna", "10.0.0.1") == 0.0
    for i in range(500):
        brake.wrong(f"user{i}", f"10.0.{i % 250}.1")
    assert len(brake._wrong) == 40


def test_only_so_many_tries_wait_at_once() -> None:
    brake = Brake(from_one=1, at_once=2)
    with brake.held("10.0.0.1"):
        with pytest.raises(CrowdedError), brake.held("10.0.0.1"):
            pass
        with brake.held("10.0.0.2"), pytest.raises(CrowdedError), brake.held("10.0.0.3"):
            pass
    with brake.held("10.0.0.1"):
        pass
    assert brake._waiting == {}


def test_who_waits_for_wrong_tries_leaves_places_for_others() -> None:
    brake = Brake()
    crowd = [f"10.0.0.{i}" for i in range(8)]
    for address in crowd * 8:
        brake.wrong("anna", address)
    with ExitStack() as waiting:
        for address in crowd * 4:
            waiting.enter_context(brake.held(address))
        for address in crowd:
            with pytest.raises(CrowdedError):
                waiting.enter_context(brake.held(address))
        for i in range(32):
            waiting.enter_context(brake.held(f"10.0.1.{i}"))
            with pytest.raises(CrowdedError):  # a second one at once
                waiting.enter_context(brake.held(f"10.0.1.{i}"))
        with pytest.raises(CrowdedError):
            waiting.enter_context(brake.held("10.0.2.1"))
    brake.wrong("ben", "10.0.2.1")  # mistyped
    with ExitStack() as waiting:
        for address in crowd * 4:
            waiting.enter_context(brake.held(address))
        waiting.enter_context(brake.held("10.0.2.1"))
    assert brake._waiting == {}


def test_a_crowd_of_tries_is_told_so(asked) -> None:
    asked.page._brake.from_one = 0
    assert (enter(asked).status_code, login._CROWDED in enter(asked).text) == (429, True)
    program = asked("GET", "/", auth=("anna", WORD))
    assert (program.status_code, program.headers["retry-after"]) == (429, "60")


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("10.1.2.3", "10.1.2.3"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2:9::", "2001:db8:1:2::/64"),
        ("", "elsewhere"), ("testclient", "elsewhere"), ("::ffff:1.2.3.4", "1.2.3.4"), ("::ffff:1.2.3.5", "1.2.3.5"),
    ],
)  # fmt: skip
def test_addresses_of_one_person_count_together(address: str, whose: str) -> None:
    assert network(address) == whose


def test_logins_end_unused_and_at_the_latest_and_are_of_bounded_number() -> None:
    time = Time()
    sessions = Sessions(most=3, clock=time)
    users = {"anna": "key"}
    token = sessions.begin("anna", "key")
    for _ in range(int(LONGEST / (IDLE - 1))):
        time.now += IDLE - 1
        assert sessions.name(token, users) == "anna"
    time.now += IDLE - 1
    assert sessions.name(token, users) is None
    token = sessions.begin("anna", "key")
    time.now += IDLE + 1
    assert sessions.name(token, users) is None
    tokens = [sessions.begin("anna", "key") for _ in range(3)]
    sessions.name(tokens[0], users)
    tokens.append(sessions.begin("anna", "key"))
    assert [sessions.name(t, users) for t in tokens] == ["anna", None, "anna", "anna"]
    assert not any(t.encode() in key for t in tokens for key in sessions._held)


def test_the_setting_names_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASEN_USERS", raising=False)
    assert accounts_given() is None
    monkeypatch.setenv("ASEN_USERS", str(file))
    assert set(accounts_given().now()) == {"anna", "ben"}
    monkeypatch.setenv("ASEN_USERS", str(file) + "x")
    with pytest.raises(AccountError):
        accounts_given()


@pytest.mark.slow
def test_a_page_that_shall_be_private_does_not_start_without_its_users(tmp_path: Path) -> None:
    given = {**os.environ, "ASEN_USERS": str(tmp_path / "users"), "GRADIO_SERVER_PORT": "0"}
    done = subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=given, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(f"The users in {tmp_path / 'users'} can't be read")
    assert "Traceback" not in done.stderr


def site(hosts: frozenset[str], method: str, base: str, headers: dict[str, str]) -> int:
    async def sent() -> int:
        page = guard.Sites(PlainTextResponse("page"), hosts)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(page), base_url=base) as client:
            return (await client.request(method, "/", headers=headers)).status_code

    return asyncio.run(sent())


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 200),
        ("POST", {}, 200),  # a program
        ("POST", {"origin": "http://here:7860"}, 200),
        ("POST", {"origin": "https://here:7860"}, 200),  # a proxy made http of https
        ("POST", {"origin": "https://alike.example", "x-forwarded-host": "alike.example"}, 200),
        ("GET", {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, 200),
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 200),  # a link
        ("GET", {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, 200),
        ("POST", {"origin": "https://evil.example"}, 403),
        ("GET", {"origin": "https://evil.example"}, 403),
        ("POST", {"origin": "null"}, 403),
        ("POST", {"origin": "http://here"}, 403),  # another port is another site
        ("POST", {"origin": "http://here:7860.evil.example"}, 403),
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ("GET", {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
        ("POST", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "origin": "https://evil.example"}, 403),
    ],
)
def test_pages_of_other_sites_may_not_ask(method: str, headers: dict[str, str], status: int) -> None:
    assert site(frozenset(), method, "http://here:7860", headers) == status


@pytest.mark.parametrize(
    ("name", "server", "base", "status"),
    [
        ("", "", "http://127.0.0.1:7860", 200),
        ("", "", "http://localhost:7860", 200),
        ("", "", "http://[::1]:7860", 200),
        ("", "127.0.0.1", "http://evil.example:7860", 421),  # a name that evil.example lets lead here
        ("", "", "http://127.0.0.1.evil.example", 421),
        ("", "0.0.0.0", "http://any.example", 200),
        ("alike.example", "0.0.0.0", "http://alike.example:8443", 200),
        ("alike.example, other.example:443", "", "http://OTHER.example.", 200),
        ("alike.example", "", "http://127.0.0.1:7860", 200),
        ("alike.example", "0.0.0.0", "http://evil.example", 421),
        ("alike.example", "lan.example", "http://lan.example", 200),
    ],
)
def test_the_page_answers_to_its_own_names(monkeypatch, name: str, server: str, base: str, status: int) -> None:
    monkeypatch.setenv("ASEN_HOSTS", name)
    monkeypatch.setenv("GRADIO_SERVER_NAME", server)
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert site(guard.hosts(), "GET", base, {}) == status
    assert site(guard.hosts(), "GET", base, {"x-forwarded-host": "evil.example"}) == (200 if not guard.hosts() else 421)


def test_a_name_for_others_takes_the_folders_of_this_machine_away(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPACE_ID", "GRADIO_SERVER_NAME", "ASEN_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    assert guard.on_own_machine()
    monkeypatch.setenv("ASEN_HOSTS", "alike.example")
    assert not guard.on_own_machine()
