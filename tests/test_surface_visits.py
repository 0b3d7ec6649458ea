"""What one visitor can learn of another, and of the machine: two sessions with a page that has a tiny model."""

from __future__ import annotations

import asyncio
import io
import os
import re
import select
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from callers import as_tool, file_at
from clicks import Visitor
from owned import engine  # noqa: F401
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route
from tiny import photo

from asen_core.ui import page
from asen_core.ui.server import arrivals, gate, limits
from asen_core.ui.server.gate import BELOW, ROUTES, allowed


@pytest.fixture(scope="module")
def built(engine, tmp_path_factory):  # noqa: F811
    root = tmp_path_factory.mktemp("here")
    given = pytest.MonkeyPatch()
    given.setenv("ASEN_GALLERIES", str(root / "galleries"))
    given.setenv("ASEN_CASES", str(root / "cases.sqlite"))
    given.setenv("ASEN_WATCHES", str(root / "watches.sqlite"))
    for name in ("GRADIO_TEMP_DIR", "SPACE_ID", "GRADIO_SERVER_NAME", "ASEN_USERS", "ASEN_HOSTS"):
        given.delenv(name, raising=False)
    given.chdir(root)
    (root / ".env").write_text("TOKEN=hush-hush")
    (root / "app.py").write_text("print('the source: hush-hush')")
    samples = root / "samples"
    samples.mkdir()
    Image.fromarray(photo(seed=7)).save(samples / "1-red.webp")
    made = page.build(engine, samples=samples)
    made.root = root
    page.serve(made, wait=False)
    yield made
    made.close(verbose=False)
    given.undo()


@pytest.fixture(scope="module")
def url(built) -> str:
    return built.local_url


def picture(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(photo(seed=seed)).save(file, "PNG")
    return file.getvalue()


def paths_in(told: str) -> set[str]:
    return {unquote(found).partition("?")[0] for found in re.findall(r"gradio_api/file=([^\\\"' &)]+)", told)}


@pytest.fixture(scope="module")
def first(url: str) -> Visitor:
    """Has sent a photo and searched with it."""
    visitor = Visitor(url)
    visitor.sent = visitor.upload("design.png", picture(1))
    visitor.told = visitor.click("stage", "photo_sent", {"path": visitor.sent})
    visitor.pictures = {p for p in paths_in(visitor.told) if "asen-page-" in p}
    assert visitor.pictures, visitor.told[:2000]
    return visitor


@pytest.fixture(scope="module")
def other(url: str, first: Visitor) -> Visitor:
    return Visitor(url)


def all_routes(built) -> list[tuple[str, str]]:
    """(path, method) of the whole app, also of what Gradio included and mounted."""

    def walk(routes: list[BaseRoute], before: str) -> list[tuple[str, str]]:
        found = []
        for route in routes:
            inner = getattr(route, "original_router", None)
            below = inner.routes if inner is not None else getattr(route, "routes", None)
            path = before + getattr(route, "path", "")
            if below:
                found += walk(below, path)
            else:
                found += [(path, method) for method in (getattr(route, "methods", None) or ["GET", "POST"])]
        return found

    return walk(built.app.routes, "")


def test_the_walk_finds_what_gradio_has(built) -> None:
    paths = {path for path, _ in all_routes(built)}
    assert len(paths) > 60
    assert {"/", "/gradio_api/upload", "/gradio_api/file={path_or_url:path}", "/gradio_api/vibe-code", "/openapi.json"} <= paths


def test_every_route_that_the_page_needs_is_there_and_no_other_answers(built, url: str) -> None:
    """A route of a newer Gradio is refused until it is put on the list."""
    open_, shut = set(), set()
    for path, method in all_routes(built):
        route = re.sub(r"\{[^}]*\}", "x", path).rstrip("/") or "/"
        if route.startswith(gate.FILES):
            open_.add(gate.FILES)
            continue
        if allowed(route, method):
            open_.add(next(k for k in (*ROUTES, *BELOW) if route == k or (k in BELOW and route.startswith(k))))
            continue
        shut.add(path)
        answer = httpx.request(method, url.rstrip("/") + route)
        assert (answer.status_code, answer.text) in ((404, "Not found"), (404, "")), (method, route)
    assert open_ | {"/gradio_api/mcp/http"} == {*ROUTES, *BELOW}
    assert {
        "/gradio_api/proxy={url_path:path}", "/gradio_api/component_server", "/gradio_api/deep_link",
        "/gradio_api/process_recording",
        "/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}", "/monitoring/{key}", "/gradio_api/dev/reload",
        "/gradio_api/vibe-edit", "/gradio_api/vibe-code", "/gradio_api/run/{api_name}", "/gradio_api/stream/{event_id}",
        "/gradio_api/token", "/openapi.json", "/login", "/gradio_api/file/{path:path}",
    } <= shut  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "status", "kept"),
    [
        ([("other", ("a.png", b"x" * 100))], 200, 0),
        ([("other", ("a.png", b"x" * 100)), ("files", ("b.png", b"y"))], 200, 1),
        ([("files", (None, b"text"))], 400, 0),
        ([("files", ("b.png", b"y")), ("files", (None, b"text"))], 400, 0),
        ([("files", (".", b"y")), ("files", ("..", b"y")), ("files", ("/", b"y")), ("files", ("#", b"y"))], 200, 4),
    ],
)
def test_nothing_stays_of_parts_that_nobody_would_tidy(built, first: Visitor, parts: list, status: int, kept: int) -> None:
    folder = Path(first.sent).parents[1]
    before = set(folder.rglob("*"))
    answer = first.line.post("gradio_api/upload", files=parts)
    assert (answer.status_code, "is not a file" in answer.text) == (status, status == 400)
    new = {str(file) for file in set(folder.rglob("*")) - before if file.is_file()}
    assert len(new) == kept
    assert new == set(answer.json() if status == 200 else ())
    assert new <= built.upload_file_set


def test_an_upload_that_was_cut_off_leaves_nothing(url: str, first: Visitor) -> None:
    before = set(Path(first.sent).parents[1].rglob("*"))
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nhalf of it'
    httpx.post(url + "gradio_api/upload", content=body, headers={"content-type": "multipart/form-data; boundary=x"})
    assert set(Path(first.sent).parents[1].rglob("*")) == before


def test_a_long_upload_is_refused_before_it_is_read(url: str) -> None:
    place = httpx.URL(url)
    with socket.create_connection((place.host, place.port), timeout=20) as line:
        line.sendall(
            f"POST /gradio_api/upload HTTP/1.1\r\nHost: {place.host}:{place.port}\r\nConnection: close\r\n"
            f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {limits.UPLOADED + 1}\r\n\r\n".encode()
        )
        assert b" 413 " in line.recv(200).partition(b"\r\n")[0]


def test_an_upload_of_unknown_length_is_read_up_to_the_limit(tmp_path: Path) -> None:
    async def taken(request: Request) -> PlainTextResponse:
        parts = arrivals.Upload(request.headers, request.stream(), upload_dir=tmp_path, max_file_size=10**9)
        return PlainTextResponse(str(len(await parts.parse())))

    async def sent(files: int) -> AsyncIterator[bytes]:
        for _ in range(files):
            yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n' + b"z" * 1000 + b"\r\n"
        yield b"--x--\r\n"

    async def asked(files: int) -> httpx.Response:
        limit = Middleware(limits.RequestLimit, uploaded=3000)
        app = Starlette(routes=[Route("/gradio_api/upload", taken, methods=["POST"])], middleware=[limit])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            kind = {"content-type": "multipart/form-data; boundary=x"}
            return await client.post("/gradio_api/upload", content=sent(files), headers=kind)

    answers = [asyncio.run(asked(files)) for files in (5, 2)]
    assert [(a.status_code, a.text[:12]) for a in answers] == [(413, "An upload ma"), (200, "1")]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"])
def test_other_methods_do_nothing(built, url: str, method: str) -> None:
    for path in (
        "",
        "config",
        "gradio_api/upload",
        "gradio_api/queue/join",
        f"gradio_api/file={built.root}/samples/1-red.webp",
    ):
        assert httpx.request(method, url + path).status_code == 404


def secrets_of(built) -> list[str]:
    root, gallery = built.root, built.engine_gallery
    return [
        "/etc/passwd", "/proc/self/environ", str(root / ".env"), str(root / "app.py"), str(gallery / "manifest.json"),
        *(str(p) for p in gallery.glob("items*.sqlite")), str(root / "cases.sqlite"), str(Path(page.__file__)),
        str(Path.home() / ".ssh" / "id_ed25519"),
    ]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def placed(built, engine):  # noqa: F811
    built.engine_gallery = engine.gallery.directory
    (built.root / "cases.sqlite").touch()


def test_no_route_gives_a_file_away_whatever_is_put_into_it(built, url: str, first: Visitor) -> None:
    """Each parameter of each route, and each body, with each file; by bytes, not by status alone."""
    files = [f for f in [*secrets_of(built), first.sent] if Path(f).is_file()]
    assert len(files) >= 7
    line = httpx.Client(timeout=30)
    tried = 0
    for path, method in sorted(set(all_routes(built))):
        if "{" not in path or "heartbeat" in path or "/call/" in path:  # these wait for events
            continue
        for file in files:
            content = Path(file).read_bytes()[:4000]
            for way in (file, file.lstrip("/"), "..%2f" * 12 + file, "x/../../../../.." + file, file + "%00.webp", "./" + file):
                answer = line.request(method, url.rstrip("/") + re.sub(r"\{[^}]*\}", lambda _, w=way: w, path))
                assert content[-60:] not in answer.content or not content, (method, path, way)
                assert answer.status_code in (200, 301, 303, 307, 400, 403, 404, 405, 422), (method, path, way)
                assert answer.status_code != 200 or answer.headers["content-type"].startswith(("text/html", "image/png"))
                tried += 1
    assert tried > 500


def test_events_read_no_file_but_what_was_sent(built, other: Visitor) -> None:
    for file in secrets_of(built):
        for part, event, data in (
            ("stage", "photo_sent", {"path": file}),
            ("stage", "photo_sent", file_at(file)),
            ("stage", "photo_sent", {"path": file + "\0.png"}),
            ("stage", "photo_sent", {"path": "http://127.0.0.1/" + file}),
            ("gallery", "photos_given", {"paths": [file]}),
            ("screen", "suspects_sent", {"paths": [file]}),
        ):  # fmt: skip
            told = other.click(part, event, data)
            assert "process_completed" in told
            assert not [p for p in paths_in(told) if "asen-page-" in p], (file, event)
            assert "hush-hush" not in told
            assert "root:x:" not in told


def test_tools_and_calls_read_no_file_but_what_was_sent(built, url: str) -> None:
    for file in secrets_of(built):
        for given in (file, file_at(file), "gallery:../../../.." + file, f"{url}gradio_api/file={file}"):
            good, said = as_tool(url, "look", {"photo": given})
            assert not good
            assert "hush-hush" not in said


def test_nothing_lists_what_others_sent_or_see(url: str, first: Visitor, other: Visitor) -> None:
    folders = {Path(p).parent.name for p in (*first.pictures, first.sent)}
    assert all(len(name) >= 22 for name in folders), "names that might be guessed"
    lists = (
        "", "config", "gradio_api/info", "gradio_api/openapi.json", "gradio_api/queue/status", "gradio_api/app_id",
        "gradio_api/startup-events", "manifest.json", "theme.css", "gradio_api/info?all_endpoints=true",
        "gradio_api/mcp/schema",
    )  # fmt: skip
    for path in lists:
        text = other.line.get(path).text
        assert not [name for name in (*folders, first.session, "design.png") if name in text], path
    told = other.click("gallery", "arrived", {}) + other.click("stage", "sample_chosen", {"index": 0})
    assert "process_completed" in told
    assert not [name for name in (*folders, first.session) if name in told]
    assert not [p for p in paths_in(told) if p in first.pictures]


def test_visitors_pictures_are_shown_to_who_has_their_address_and_kept_by_no_cache(first: Visitor, other: Visitor) -> None:
    for path in first.pictures:
        answer = first.read(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-store"
        for beside in (Path(path).parent, Path(path).parents[1]):
            assert other.read(str(beside)).status_code == 404
            assert other.read(str(beside) + "/").status_code == 404
    sample = next(p for p in paths_in(first.line.get("config").text) if p.endswith("1-red.webp"))
    assert first.read(sample).headers["cache-control"].startswith("private")


def test_uploads_themselves_are_served_to_nobody(first: Visitor, other: Visitor) -> None:
    name = other.upload("mine.png", picture(2))
    for visitor in (first, other):
        for path in (first.sent, name):
            if Path(path).exists():  # else it was read and removed
                assert visitor.read(path).status_code == 404


def test_the_same_photo_of_two_visitors_is_two_files(first: Visitor, other: Visitor) -> None:
    """Else who has a photo could learn whether it was sent, read it in place of the sender, or have it moved away."""
    mine, again, theirs = (v.upload("design.png", picture(1)) for v in (first, first, other))
    assert len({mine, again, theirs, first.sent}) == 4
    assert {Path(p).name for p in (mine, again, theirs)} == {"design.png"}
    assert all(len(Path(p).parent.name) == 64 for p in (mine, again, theirs))


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_uploads_arrive_where_no_other_user_of_the_machine_looks(first: Visitor) -> None:
    folder = Path(first.sent).parents[1]
    assert folder.stat().st_mode & 0o077 == 0
    assert folder.stat().st_uid == os.getuid()
    assert arrivals.Scratch.open().root.stat().st_mode & 0o077 == 0


def said_first(visitor: Visitor, path: str, **asked: str) -> str:
    text = ""
    with (
        suppress(httpx.RemoteProtocolError),  # it is cut off
        visitor.line.stream("GET", path, params=asked, timeout=20) as stream,
    ):
        for row in stream.iter_lines():
            text += row
            if text:
                break
    return text


def test_a_session_that_is_not_ones_own_tells_nothing(first: Visitor, other: Visitor) -> None:
    """Sessions are told apart by names that browsers draw; those that nobody has tell nothing."""
    for session in ("", "0", "abc", "../" + first.session, first.session[:-1], first.session.upper()):
        text = said_first(other, "gradio_api/queue/data", session_hash=session)
        assert '"session_not_found":true' in text
        assert not paths_in(text)
    for event in ("abc", first.session[:-1], "0"):
        assert not paths_in(said_first(other, f"gradio_api/call/look/{event}"))


def test_the_private_gallery_of_a_visit_is_its_own(url: str, other: Visitor) -> None:
    owner = Visitor(url)
    sent = [owner.upload(f"{i}.png", picture(60 + i)) for i in range(3)]
    assert "process_completed" in owner.click("gallery", "photos_given", {"paths": sent})
    for _ in range(100):
        used = owner.click("gallery", "used", {"gallery": "/own"})
        if "There is no gallery of your photos yet" not in used:
            break
        time.sleep(0.2)
    pictures = {p for p in paths_in(used) if "asen-page-" in p}
    assert pictures, used[:3000]
    folder = next(f for p in pictures for f in Path(p).parents if (f / "manifest.json").is_file())
    for name in ("manifest.json", *(p.name for p in folder.glob("*.sqlite")), *(p.name for p in folder.glob("*.npy"))):
        assert (folder / name).is_file()
        assert owner.read(str(folder / name)).status_code == 404
    seen = other.click("gallery", "arrived", {}) + other.click("gallery", "used", {"gallery": "/own"})
    for name in ("/own", folder.name, str(folder), "../" + folder.name):
        seen += other.click("gallery", "used", {"gallery": name})
    assert folder.name not in seen
    assert "There is no gallery of your photos yet" in seen
    assert not paths_in(seen) & pictures


def test_the_server_fetches_nothing_that_callers_name(url: str, other: Visitor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        there = f"127.0.0.1:{listener.getsockname()[1]}"
        for path in (f"gradio_api/file=http://{there}/a.png", f"gradio_api/proxy=http://{there}/a.png",
                     f"gradio_api/file=//{there}/a.png", f"gradio_api/file/http://{there}/a.png"):  # fmt: skip
            assert other.line.get(path).status_code == 404
        other.click("stage", "photo_sent", {"path": f"http://{there}/a.png", "url": f"http://{there}/a.png"})
        asked = {"photo": "gallery:item-1"}
        for headers in ({"host": there}, {"x-forwarded-host": there}, {"origin": f"http://{there}"}):
            call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "look", "arguments": asked}}
            accept = {"accept": "application/json, text/event-stream"}
            assert other.line.post("gradio_api/mcp/", json=call, headers={**accept, **headers}).status_code in (200, 403, 421)
        assert as_tool(url, "look", asked)[0]
        assert not select.select([listener], [], [], 0.3)[0]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("gradio_api/queue/join", b"{"), ("gradio_api/queue/join", b"[]"), ("gradio_api/queue/join", b'{"data": 3}'),
        ("gradio_api/queue/join", b'{"data": [], "fn_index": 99999, "session_hash": "abcdef"}'),
        ("gradio_api/queue/join", b'{"data": [], "fn_index": 0, "session_hash": "abcdef"}'),
        ("gradio_api/queue/join", b'{"data": [], "fn_index": 0}'),
        ("gradio_api/cancel", b"{}"), ("gradio_api/reset", b"{}"), ("gradio_api/upload", b"x"), ("gradio_api/mcp/", b"{"),
        ("gradio_api/call/look", b"{"), ("gradio_api/call/no-such", b'{"data": []}'), ("gradio_api/call/v2/no-such", b"{}"),
        ("gradio_api/call/v2/look", b'{"nothing": 1}'), ("gradio_api/call/look/x", b"{}"),
    ],
)  # fmt: skip
def test_answers_to_bad_requests_show_nothing_of_the_program(url: str, path: str, body: bytes) -> None:
    kind = {"content-type": "multipart/form-data" if path.endswith("upload") else "application/json"}
    answer = httpx.post(url + path, content=body, headers=kind, timeout=20)
    for part in ("Traceback", 'File "', str(Path(page.__file__).parents[2]), "site-packages"):
        assert part not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff" or answer.status_code >= 500
    assert re.fullmatch(r"[a-z]+", answer.headers.get("server", "none")), "a version in the header"


def test_no_address_becomes_a_web_socket(url: str) -> None:
    place = httpx.URL(url)
    for path in ("/", "/gradio_api/queue/join", "/gradio_api/queue/data"):
        with socket.create_connection((place.host, place.port), timeout=20) as line:
            line.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {place.host}:{place.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            assert b" 101 " not in line.recv(200).partition(b"\r\n")[0]
