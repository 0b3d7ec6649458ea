"""The browser's own log while a person uses every tab: whom it asks, what it is kept from; and the login, in that browser."""

from __future__ import annotations

import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AuthenticationError
from playwright import sync_api
from served import ROOT, served

from asen_core.accounts import put
from asen_core.ui.server.gate import allowed

pytestmark = pytest.mark.browser

expect = sync_api.expect
SHOTS = ROOT / "tests" / "shots"
SAMPLES = sorted((ROOT / "assets" / "samples").glob("*.webp"))
WORD, PATIENCE = "correct horse", 30_000


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory):
    """A private page: what holds for it holds for an open one, but for the login."""
    root = tmp_path_factory.mktemp("private")
    (root / "server").mkdir()
    put(root / "users", "anna", WORD)
    given = {"ASEN_USERS": str(root / "users"), "ASEN_CASES": str(root / "cases.sqlite"), "ASEN_GALLERIES": str(root / "own")}
    with served(root / "server", **given) as address:
        yield address


class Log:
    """All that a browser asks, in all its pages."""

    def __init__(self, context) -> None:
        self.asked: list[tuple[str, str]] = []
        self.faults: list[str] = []
        context.on("request", lambda r: self.asked.append((r.method, r.url)))
        context.on("weberror", lambda e: self.faults.append(str(e.error)))
        context.on("console", lambda m: self.faults.append(m.text) if "Content Security Policy" in m.text else None)
        context.on("page", lambda p: p.on("websocket", lambda w: self.asked.append(("WEBSOCKET", w.url))))

    def hosts(self) -> set[str]:
        return {urlsplit(url).netloc or urlsplit(url).scheme for _, url in self.asked}


@pytest.fixture
def visit(browser, url):
    contexts = []

    def opened(width: int, height: int, **more):
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        log = Log(context)
        page = context.new_page()
        page.goto(url, wait_until="domcontentloaded")
        return page, log

    yield opened
    for context in contexts:
        context.close()


def log_in(page, name: str = "anna", word: str = WORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(word)
    page.get_by_role("button", name="Log in").click()


def tab(page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def test_all_tabs_are_used_without_asking_another_host(visit, url: str, tmp_path: Path) -> None:
    page, log = visit(1280, 900)
    log_in(page)
    expect(page.locator("#stage .drop")).to_be_visible(timeout=PATIENCE)
    page.locator("#stage input[type=file]").set_input_files(SAMPLES[0])
    expect(page.locator("#results .found")).to_contain_text("most alike in", timeout=PATIENCE)
    page.locator('#attribute label:has(span:text-is("Pattern"))').click()
    expect(page.locator("#stage .read h2")).to_have_text("Pattern", timeout=PATIENCE)
    page.locator("#results .tile").nth(1).click()
    page.locator("#dock [data-do=detail]").click()
    expect(page.locator("#compare .verdict")).to_contain_text("%", timeout=PATIENCE)
    tab(page, "Screen")
    page.locator("#screen [name=name]").fill("Spring")
    page.get_by_role("button", name="Start case").click()
    expect(page.locator("#screen .casehead")).to_be_visible(timeout=PATIENCE)
    page.locator("#screen input[type=file]").set_input_files(SAMPLES[1])
    expect(page.locator("#screen .pairing")).to_be_visible(timeout=2 * PATIENCE)
    tab(page, "Map")
    page.locator("#atlas canvas[data-drawn]").wait_for(timeout=PATIENCE)
    tab(page, "Gallery")
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for sample in SAMPLES[:3]:
            made.write(sample, sample.name)
    page.locator("#gallery .own .file").set_input_files(archive)
    expect(page.locator("#gallery .own .made")).to_contain_text("can be searched", timeout=2 * PATIENCE)
    page.locator("#gallery .own [data-do=use]").click()
    expect(page.locator("#results .found")).to_contain_text("3", timeout=PATIENCE)
    page.screenshot(path=SHOTS / "private-all.png")
    assert len(log.asked) > 60
    assert log.hosts() <= {urlsplit(url).netloc, "data", "blob"}
    assert log.faults == []
    own = [(method, urlsplit(asked).path) for method, asked in log.asked if asked.startswith(url)]
    assert [a for a in own if a[1] not in ("/login", "/logout") and not refusable(*a)] == [], "asked for what the gate refuses"


def refusable(method: str, path: str) -> bool:
    """Pictures of a visit may have gone meanwhile."""
    return "/gradio_api/file=" in path or allowed(path.rstrip("/") or "/", method)


class Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs) -> None:
        given = dict(attrs)
        if given.get("rel") in ("preconnect", "dns-prefetch"):
            self.found.append((tag, str(given)))
        self.found += [(tag, given[k]) for k in ("src", "href", "action", "srcset", "data", "poster") if given.get(k)]


def test_the_pages_name_no_file_of_another_host(url: str) -> None:
    for text in (httpx.get(url + "login").text, httpx.get(url, auth=("anna", WORD)).text):
        assert len(text) > 1000
        links = Links(text).found
        assert links
        assert [link for link in links if re.match(r"(\w+:)?//", link[1]) and not link[1].startswith(url)] == []
    styles = httpx.get(url + "theme.css", auth=("anna", WORD)).text
    assert not re.search(r"url\(['\"]?(https?:)?//|@import", styles)


def test_programs_and_tools_give_their_password(url: str) -> None:
    """As the README says: Gradio's client by its `auth`, everything else by HTTP Basic with each call."""
    client = Client(url, auth=("anna", WORD), verbose=False)
    assert client.predict(api_name="/attributes")["attributes"]
    assert client.predict(handle_file(SAMPLES[0]), ["neckline"], api_name="/look")["seen"]
    with pytest.raises(AuthenticationError):
        Client(url, auth=("anna", "wrong horse"), verbose=False)
    for name, given, said in (("look", {"photo": "gallery:x"}, "has no item"), ("attributes", {}, "neckline")):
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": given}}
        headers = {"accept": "application/json, text/event-stream"}
        assert httpx.post(url + "gradio_api/mcp/", json=call, headers=headers).status_code == 401
        answer = httpx.post(url + "gradio_api/mcp/", json=call, headers=headers, auth=("anna", WORD), timeout=60)
        assert answer.status_code == 200
        assert said in answer.text
    assert httpx.post(url + "gradio_api/upload", files={"files": b"x"}).status_code == 401
    assert httpx.get(url + "gradio_api/file=" + quote(str(SAMPLES[0]))).status_code == 401
    assert httpx.get(url + "gradio_api/file=" + quote(str(SAMPLES[0])), auth=("anna", WORD)).status_code == 200


@pytest.mark.parametrize(("width", "height", "scheme"), [(390, 844, "light"), (1280, 800, "dark")])
def test_logging_in_and_out(visit, url: str, width: int, height: int, scheme: str) -> None:
    SHOTS.mkdir(exist_ok=True)
    page, log = visit(width, height, color_scheme=scheme)
    expect(page.get_by_label("Name")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.screenshot(path=SHOTS / f"login-{width}.png")
    log_in(page, word="wrong horse")
    expect(page.get_by_role("alert")).to_contain_text("do not go together")
    expect(page.get_by_label("Name")).to_have_value("anna")
    expect(page.get_by_label("Password")).to_be_focused()
    page.screenshot(path=SHOTS / f"login-wrong-{width}.png")
    page.get_by_label("Password").fill(WORD)
    page.keyboard.press("Enter")
    expect(page.locator("#stage .drop")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#results .tile").first).to_be_visible(timeout=PATIENCE)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert page.evaluate("document.cookie") == ""
    picture = page.locator("#results img").first.evaluate("i => i.src")
    box = page.get_by_role("button", name="Log out").bounding_box()
    assert box["x"] + box["width"] <= width
    assert box["height"] < 40, "broken over two lines"
    page.screenshot(path=SHOTS / f"login-in-{width}.png")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert page.goto(picture).status == 401
    assert log.faults == []
    assert log.hosts() == {urlsplit(url).netloc} | ({"data"} & log.hosts())


def test_another_site_can_not_use_the_login(browser, visit, url: str) -> None:
    """A page of another origin, in the browser of somebody who is logged in: no call, no upload, no picture, no frame."""
    page, _ = visit(800, 600)
    log_in(page)
    expect(page.locator("#stage .drop")).to_be_visible(timeout=PATIENCE)
    other = page.context.new_page()
    there = url.replace("127.0.0.1", "localhost")  # the same server by a name that makes it another site
    other.goto(there + "login")
    found = other.evaluate(
        """async (url) => {
            const form = new FormData();
            form.append('files', new Blob(['x']), 'x.png');
            const ask = async (path, given) => {
                try { const a = await fetch(url + path, {credentials: 'include', ...given}); return a.type + a.status; }
                catch (e) { return 'refused'; }
            };
            return Promise.all([ask('config'), ask('gradio_api/info'), ask('gradio_api/upload', {method: 'POST', body: form}),
                ask('gradio_api/upload', {method: 'POST', body: form, mode: 'no-cors'})]);
        }""",
        url,
    )
    assert set(found) <= {"refused", "cors403", "opaque0", "cors401"}, found
    refused = httpx.post(url + "gradio_api/upload", files={"files": b"x"}, auth=("anna", WORD), headers={"origin": there[:-1]})
    assert refused.status_code == 403
