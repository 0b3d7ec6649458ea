"""What the server answers to those who try more than the page does: security headers, files that are not to be had."""

from __future__ import annotations

import http.client
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from served import ROOT, served

from asen_core.ui.server.guard import headers


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory):
    with served(tmp_path_factory.mktemp("server")) as address:
        yield address


def ask(url: str, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Sends the path as it stands: other clients tidy it first."""
    place = urlsplit(url)
    link = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    try:
        link.putrequest(method, path)
        link.endheaders()
        answer = link.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        link.close()


def test_the_page_comes_with_headers_that_keep_a_browser_to_it(url: str) -> None:
    status, found, _ = ask(url, "/")
    assert status == 200
    for name, value in headers().items():
        assert found[name] == value
    assert "http" not in found["content-security-policy"]
    assert ask(url, "/no-such-page")[1]["x-content-type-options"] == "nosniff"


def test_only_a_space_is_shown_in_the_frame_of_its_site() -> None:
    assert "frame-ancestors 'self';" in headers()["content-security-policy"] + ";"
    assert "frame-ancestors 'self' https://huggingface.co" in headers(hosted=True)["content-security-policy"]


def test_the_headers_are_those_of_the_place() -> None:
    here, space, safe = headers(), headers(hosted=True), headers(https=True)
    assert here["x-frame-options"] == "SAMEORIGIN"
    assert here["cross-origin-resource-policy"] == here["cross-origin-opener-policy"] == "same-origin"
    assert {"x-frame-options", "cross-origin-opener-policy", "cross-origin-resource-policy"} & space.keys() == set()
    assert set(safe) - set(here) == {"strict-transport-security"}
    assert "strict-transport-security" not in headers(hosted=True, https=True)
    for part in ("object-src 'none'", "base-uri 'self'", "form-action 'self'", "connect-src 'self'", "default-src 'self'"):
        assert part in here["content-security-policy"]


def test_nothing_that_may_be_anothers_stays_in_a_cache(url: str) -> None:
    for path in ("/", "/config", "/gradio_api/info", "/gradio_api/queue/status"):
        assert ask(url, path)[1]["cache-control"] == "private, no-store"
    picture = next((ROOT / "gallery_index" / "images").glob("*/*.webp"))
    assert ask(url, f"/gradio_api/file={quote(str(picture))}")[1]["cache-control"].startswith("private, max-age")


SECRETS = (
    Path("/etc/passwd"),
    ROOT / "app.py",
    ROOT / "asen_core" / "ui" / "page.py",
    ROOT / "gallery_index" / "manifest.json",
    ROOT / "gallery_index" / "items-0001.sqlite",
    ROOT / "requirements.txt",
    ROOT / ".git" / "config",
)
ROUTES = (
    "/gradio_api/file={}",
    "/file={}",
    "/static/{}",
    "/assets/{}",
    "/gradio_api/static{}",
    "/gradio_api/proxy={}",
    "/theme.css/{}",
    "/gradio_api/file=gallery_index/images/../..{}",
    "/gradio_api/file=assets/samples/../../..{}",
    "/gradio_api/stream/{}",
    "/svelte/{}",
    "/custom_component/x/client/component/{}",
    "/gradio_api/download/{}",
)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("secret", SECRETS, ids=lambda p: p.name)
@pytest.mark.parametrize(
    "way",
    [str, quote, lambda p: quote(p, safe=""), lambda p: "..%2f..%2f..%2f.." + p, lambda p: p + "%00.webp"],
    ids=("plain", "quoted", "slashes", "climbing", "null"),
)
def test_no_route_gives_a_file_that_is_not_a_picture(url: str, route: str, secret: Path, way) -> None:
    if not secret.is_file():
        pytest.skip("not here")
    status, _, body = ask(url, route.format(way(str(secret))))
    assert status in (200, 307, 400, 403, 404, 405, 422, 500)
    content = secret.read_bytes()
    assert content[:200] not in body
    assert content[-200:] not in body


def test_pictures_of_the_gallery_are_served_and_its_folders_are_not_listed(url: str) -> None:
    picture = next((ROOT / "gallery_index" / "images").glob("*/*.webp"))
    status, found, body = ask(url, f"/gradio_api/file={quote(str(picture))}")
    assert (status, found["content-type"], body) == (200, "image/webp", picture.read_bytes())
    for folder in (picture.parent, picture.parents[1], ROOT):
        assert ask(url, f"/gradio_api/file={quote(str(folder))}")[0] in (403, 404)


@pytest.mark.parametrize(
    "path", ["/monitoring", "/gradio_api/monitoring", "/login", "/gradio_api/user", "/gradio_api/deep_link"]
)
def test_what_the_page_does_not_need_tells_nothing(url: str, path: str) -> None:
    _, _, body = ask(url, path)
    assert str(ROOT).encode() not in body
    assert b"Traceback" not in body
