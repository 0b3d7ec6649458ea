"""The service as programs and language models call it: a server with the shipped model, from the files of the image."""

import asyncio
import base64
import json
import math
import re
import select
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from callers import as_tool, called, file_at, tools_of
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from image import ROOT, lay_out, started
from PIL import Image

from asen_core.ui import schema

CALLS = ["attributes", "gallery", "look", "search", "mix", "compare"]
SHIRT = ROOT / "assets" / "samples" / "2-solid-shirt.webp"
DATA = "data:image/webp;base64," + base64.b64encode(SHIRT.read_bytes()).decode()
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image") / "alike"
    folder.mkdir()
    return lay_out(folder)


@pytest.fixture(scope="module")
def server(folder: Path):
    with started(folder) as address:
        yield address


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return Client(server, verbose=False)


def test_only_the_calls_are_offered_and_each_says_what_it_is(server: str) -> None:
    info = httpx.get(server + "gradio_api/info").json()
    assert list(info["named_endpoints"]) == ["/" + call for call in CALLS]
    assert info["unnamed_endpoints"] == {}
    for call in info["named_endpoints"].values():
        assert len(call["description"]) > 30
        assert all(len(p["type"]["description"]) > 10 for p in call["parameters"])
        (result,) = call["returns"]
        assert result["type"]["required"] == list(result["type"]["properties"])
    paths = httpx.get(server + "gradio_api/openapi.json").json()["paths"]
    assert [p for p in paths if "event_id" not in p] == ["/gradio_api/upload", *(f"/gradio_api/call/v2/{c}" for c in CALLS)]


def test_a_photo_is_looked_at(client: Client) -> None:
    looked = client.predict(handle_file(SHIRT), ["neckline"], True, api_name="/look")
    with Image.open(SHIRT) as photo:
        assert [looked["width"], looked["height"]] == list(photo.size)
    (seen,) = looked["seen"]
    assert seen["readings"][0]["value"] == "collared"
    assert sum(r["probability"] for r in seen["readings"]) == pytest.approx(1, abs=0.01)
    rows, (x, y), region = seen["attention"]["rows"], seen["peak"], seen["region"]
    assert math.fsum(map(math.fsum, rows)) == pytest.approx(1, abs=1e-3)
    assert region["x0"] <= x < region["x1"]
    assert region["y0"] <= y < region["y1"]
    span = seen["attention"]["region"]
    best = max((v, i, j) for i, row in enumerate(rows) for j, v in enumerate(row))
    cell = (span["x1"] - span["x0"]) / len(rows[0])
    assert abs(span["x0"] + (best[2] + 0.5) * cell - x) <= 1.5 * cell
    assert client.predict(DATA, ["neckline"], api_name="/look")["seen"][0]["attention"] is None


def test_own_regions_are_looked_at(client: Client) -> None:
    region = {"x0": 10, "y0": 20, "x1": 200, "y1": 220}
    looked = client.predict(DATA, ["neckline"], regions={"neckline": region}, api_name="/look")
    assert looked["seen"][0]["region"] == region
    asked = client.predict(DATA, "neckline", k=1, region=region, api_name="/search")["asked"]
    assert asked[0]["region"] == region


def test_a_search_says_what_was_found_and_where_to_see_it(client: Client) -> None:
    found = client.predict(handle_file(SHIRT), "neckline", k=5, where={"colour": ["navy", "blue"]}, api_name="/search")
    hits = found["hits"]
    assert [h["rank"] for h in hits] == [1, 2, 3, 4, 5]
    assert {h["labels"]["colour"] for h in hits} <= {"navy", "blue"}
    assert hits == sorted(hits, key=lambda h: -h["similarity"])
    assert 0 < hits[-1]["percentile"] <= 100
    picture = httpx.get(hits[0]["picture"])
    assert picture.headers["content-type"] == "image/webp"
    assert found == client.predict(DATA, "neckline", k=5, where={"colour": ["navy", "blue"]}, api_name="/search")
    assert found["searched"] == client.predict({"colour": ["navy", "blue"]}, api_name="/gallery")["passing"]


def test_a_garment_of_the_gallery_is_asked_with_and_not_found_again(client: Client) -> None:
    first = client.predict(DATA, "neckline", k=3, api_name="/search")["hits"][0]["id"]
    for among in (0, 20):
        hits = client.predict("gallery:" + first, "neckline", k=20, among=among, api_name="/search")["hits"]
        assert len(hits) == 20
        assert first not in [h["id"] for h in hits]
    assert sorted(h["before"] for h in hits) == list(range(1, 21))


def test_a_mix_is_alike_in_some_and_different_in_another(client: Client) -> None:
    found = client.predict(DATA, {"neckline": 0.7, "sleeve": 0.3}, ["colour"], k=10, api_name="/mix")
    assert [s["attribute"] for s in found["asked"]] == ["neckline", "sleeve", "colour"]
    for hit in found["hits"]:
        assert set(hit["alike"]) == {"neckline", "sleeve", "colour"}
        assert hit["alike"]["colour"] < hit["alike"]["neckline"]


def test_two_photos_are_compared(client: Client) -> None:
    hit = client.predict(DATA, "neckline", k=1, api_name="/search")["hits"][0]
    found = client.predict(DATA, "gallery:" + hit["id"], api_name="/compare")
    neckline = next(a for a in found["attributes"] if a["attribute"] == "neckline")
    assert (neckline["first"], neckline["applies"]) == ("collared", True)
    assert neckline["similarity"] == pytest.approx(hit["similarity"], abs=0.02)
    same = client.predict(DATA, DATA, api_name="/compare")
    assert same["similarity"] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("call", "wrong", "said"),
    [
        ("look", {"photo": ""}, "no photo"),
        ("look", {"photo": "data:image/png;base64,AAAA"}, "expected a photo"),
        ("look", {"photo": "data:image/png,abc"}, "without base64"),
        ("look", {"photo": "gallery:nobody"}, "no item 'nobody'"),
        ("look", {"attributes": "neckline"}, "list of names"),
        ("look", {"attributes": ["price"]}, "Unknown attribute 'price'"),
        ("look", {"regions": {"neckline": {"x0": 1}}}, "region must be"),
        ("search", {"attribute": ["neckline"]}, "single name"),
        ("search", {"k": 101}, "from 1 to 100"),
        ("search", {"k": 0}, "from 1 to 100"),
        ("search", {"where": {"size": ["L"]}}, "Unknown label 'size'"),
        ("search", {"where": {"colour": 3}}, "filter on 'colour'"),
        ("search", {"least": 2}, "from -1 to 1"),
        ("search", {"balance": -0.1}, "from 0 to 1"),
        ("search", {"region": {"x0": 9000, "y0": 0, "x1": 9100, "y1": 10}}, "outside the photo"),
        ("mix", {"weights": {}}, "how much each attribute counts"),
        ("mix", {"weights": {"neckline": -1}}, "weight of 'neckline'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence(client: Client, call: str, wrong: dict, said: str) -> None:
    needed = {"look": {}, "search": {"attribute": "neckline"}, "mix": {"weights": {"neckline": 1}}}[call]
    with pytest.raises(AppError, match=re.escape(said)):
        client.predict(**({"photo": DATA} | needed | wrong), api_name="/" + call)


def test_no_file_of_the_server_is_read(server: str, folder: Path) -> None:
    """A real photo lies on the server, outside of the uploads; whoever names it must not get a word about it."""
    secret = shutil.copy(SHIRT, folder.parent / "secret.webp")
    uploads = folder.parent / "uploads"
    for photo in (
        str(secret),
        "/etc/passwd",
        f"{uploads}/../secret.webp",
        f"{server}gradio_api/file={secret}",
        file_at(secret),
    ):
        assert "event: error" in called(server, "look", {"photo": photo}), photo
        good, text = as_tool(server, "look", {"photo": photo})
        assert not good, text
    for where in (file_at(secret), {"colour": file_at(secret)}):
        assert "event: error" in called(server, "gallery", {"where": where})
        assert not as_tool(server, "gallery", {"where": where})[0]
    assert not [p for p in uploads.rglob("*") if p.name == "secret.webp"]


def test_nothing_is_fetched(server: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/a.png"
        for photo in (address, file_at(address), {**file_at("x.png"), "url": address}):
            assert "event: error" in called(server, "look", {"photo": photo})
            assert not as_tool(server, "look", {"photo": photo})[0]
        assert not select.select([listener], [], [], 0.2)[0]
    outside = called(server, "look", {"photo": file_at("http://example.com/a.png")})
    assert schema.ELSEWHERE in outside


def test_endless_requests_are_not_read(server: str) -> None:
    address = httpx.URL(server)
    for path in ("call/v2/look", "mcp/"):
        with socket.create_connection((address.host, address.port), timeout=20) as line:
            line.sendall(f"POST /gradio_api/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {10**10}\r\n\r\n".encode())
            assert b" 413 " in line.recv(200)


def test_an_upload_is_read_by_its_path_and_by_its_address(server: str) -> None:
    with SHIRT.open("rb") as file:
        (path,) = httpx.post(server + "gradio_api/upload", files={"files": file}).json()
    found = {called(server, "search", {"photo": p, "attribute": "neckline"}) for p in
             (path, f"{server}gradio_api/file={path}", file_at(path), DATA)}  # fmt: skip
    assert len(found) == 1
    assert found.pop().startswith("event: complete")
    proxied = {"x-forwarded-host": "alike.example", "x-forwarded-proto": "https"}
    said = called(server, "search", {"photo": DATA, "attribute": "sleeve"}, proxied)
    assert '"https://alike.example/gradio_api/file=' in said


def test_the_line_of_waiting_calls_can_not_be_jumped(server: str) -> None:
    assert httpx.post(server + "gradio_api/run/look", json={"data": [DATA]}).status_code == 404


def test_tools_say_what_they_take_and_answer_in_json(server: str) -> None:
    async def asked() -> tuple[list, list]:
        async with tools_of(server) as session:
            tools = (await session.list_tools()).tools
            answers = [await session.call_tool("attributes", {}), await session.call_tool("search", query)]
            return tools, [json.loads(a.content[0].text) for a in answers]

    query = {"photo": DATA, "attribute": "neckline", "k": 3, "where": {"colour": ["navy"]}}
    tools, (known, found) = asyncio.run(asked())
    assert [t.name for t in tools] == CALLS
    takes = {t.name: t.inputSchema for t in tools}
    assert takes["search"]["required"] == ["photo", "attribute"]
    assert takes["search"]["properties"]["photo"]["type"] == "string"
    assert all(p["description"] for t in takes.values() for p in t["properties"].values())
    assert {"neckline", "sleeve", "pattern"} <= {a["name"] for a in known["attributes"] if a["searchable"]}
    assert "collared" in known["attributes"][0]["values"]
    assert [h["labels"]["colour"] for h in found["hits"]] == ["navy"] * 3
    assert httpx.get(found["hits"][0]["picture"]).status_code == 200
    assert as_tool(server, "search", {**query, "k": 1000})[1].endswith("got 1000.")


def test_the_readme_example_runs(server: str) -> None:
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", README, re.S) if "gradio_client" in block]
    code = code.replace("http://127.0.0.1:7860/", server)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "neckline collared" in done.stdout


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_the_readme_line_for_the_shell_runs(server: str) -> None:
    (code,) = [block for block in re.findall(r"```sh\n(.*?)```", README, re.S) if "curl" in block]
    code = code.replace("http://127.0.0.1:7860/", server)
    done = subprocess.run(["bash", "-ec", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert "event: complete" in done.stdout, done.stdout + done.stderr
