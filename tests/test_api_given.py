"""What callers of the service give, checked; and the parts of the service that need no server."""

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from fakes import FakeEngine, FakeGallery
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from asen_core.errors import PhotoError, QueryError
from asen_core.types import Box, Range
from asen_core.ui import given, page, schema
from asen_core.ui.api import Api, told
from asen_core.ui.api_types import Found
from asen_core.ui.server import limits


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        (None, None),
        ({}, None),
        ({"colour": "navy"}, {"colour": "navy"}),
        ({"colour": []}, {"colour": []}),
        ({"price": {"least": 10}}, {"price": Range(10)}),
        ({"price": {"least": 10, "most": 10.5}}, {"price": Range(10, 10.5)}),
    ],
)
def test_filters_are_understood(where: object, kept: object) -> None:
    assert given.where(where) == kept


@pytest.mark.parametrize(
    "where",
    [3, ["colour"], {"colour": [1]}, {"colour": ["a"] * 101}, {"price": {}}, {"price": {"least": "10"}},
     {"price": {"most": True}}, {"price": {"least": 2, "most": 1}}, {"price": {"least": 1, "above": 2}},
     {"price": {"least": math.nan}}],
)  # fmt: skip
def test_other_filters_are_refused(where: object) -> None:
    with pytest.raises(QueryError):
        given.where(where)


@pytest.mark.parametrize(
    ("region", "box"),
    [(None, None), ({"x0": 1, "y0": 2, "x1": 3.5, "y1": 4}, Box(1, 2, 3.5, 4)), ([1, 2, 3, 4], QueryError),
     ({"x0": 3, "y0": 2, "x1": 1, "y1": 4}, QueryError), ({"x0": "1", "y0": 2, "x1": 3, "y1": 4}, QueryError),
     ({"x0": math.inf, "y0": 2, "x1": 3, "y1": 4}, QueryError), ({"x0": 1}, QueryError)],
)  # fmt: skip
def test_regions(region: object, box: object) -> None:
    if box is QueryError:
        with pytest.raises(QueryError):
            given.region(region)
    else:
        assert given.region(region) == box


@pytest.mark.parametrize("value", [0, 101, 1.5, True, "3", None, math.nan, math.inf])
def test_numbers_out_of_range_are_refused(value: object) -> None:
    with pytest.raises(QueryError):
        given.whole("k", value, 1, 100)


def test_a_photo_too_large_is_not_decoded(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="larger than 20 MB"):
        given.photo("data:image/png;base64," + "A" * (28 * 2**20), tmp_path, FakeGallery(tmp_path / "gallery", 1))


def test_errors_reach_the_caller_and_faults_do_not(tmp_path: Path) -> None:
    def wrong() -> None:
        raise QueryError("This was wrong; do that.")

    with pytest.raises(gr.Error, match="do that") as caught:
        told(wrong)()
    assert not caught.value.print_exception


def test_notes_reach_every_depth() -> None:
    noted = schema.noted(schema.python_type_to_json_schema(Found), Found)
    hit = noted["properties"]["hits"]["items"]
    assert hit["properties"]["region"]["oneOf"][1]["properties"]["x0"]["description"] == "left edge"
    assert "percent" in hit["properties"]["percentile"]["description"]
    assert hit["propertyNames"] == {"enum": list(hit["properties"])}


def test_tools_read_no_file_of_the_server_and_answer_in_json() -> None:
    server = SimpleNamespace(
        postprocess_output_data=lambda data, root: data, convert_strings_to_filedata=lambda value, places: value
    )
    schema.mend_tools(SimpleNamespace(mcp_server_obj=server))
    assert server.convert_strings_to_filedata({"where": {"colour": ["path"]}}, []) == {"where": {"colour": ["path"]}}
    for value in (
        {"path": "/etc/passwd"},
        {"where": {"colour": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}]}},
    ):
        with pytest.raises(ValueError, match="not fetched"):
            server.convert_strings_to_filedata(value, [])
    assert server.postprocess_output_data([{"a": None, "b": "é"}], "") == ['{"a": null, "b": "é"}']


@pytest.mark.parametrize(
    ("parts", "path", "status"),
    [
        ([b"12345", b"12345"], "/gradio_api/call/v2/look", 200),
        ([b"12345", b"123456"], "/gradio_api/call/v2/look", 413),
        ([b"12345", b"123456"], "/gradio_api/upload", 200),
        ([b"12345", b"12345678"], "/gradio_api/upload", 413),
        ([], "/gradio_api/call/v2/look", 200),
    ],
)
def test_requests_of_unknown_length_are_read_up_to_the_limit(parts: list[bytes], path: str, status: int) -> None:
    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse((await request.body()).decode())

    async def sent() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    async def asked() -> httpx.Response:
        limit = Middleware(limits.RequestLimit, most=10, uploaded=12)
        app = Starlette(routes=[Route(path, answer, methods=["POST"])], middleware=[limit])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await client.post(path, content=sent())

    answered = asyncio.run(asked())
    assert answered.status_code == status
    assert status == 413 or answered.content == b"".join(parts)


def test_the_page_opens_without_the_package_for_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "has_tools", lambda: False)
    built = page.build(FakeEngine(FakeGallery(tmp_path / "gallery")), samples=tmp_path)
    try:
        address = page.serve(built, wait=False)
        assert httpx.get(address).status_code == 200
        assert httpx.get(address + "gradio_api/mcp/").status_code == 404
    finally:
        built.close(verbose=False)


def test_what_runs_the_model_waits_in_one_line_with_the_page() -> None:
    with gr.Blocks() as built:
        Api(SimpleNamespace(), lambda: None).offer()
    lines = {f.api_name: (f.concurrency_id, f.concurrency_limit) for f in built.fns.values() if f.api_visibility == "public"}
    assert {name for name, line in lines.items() if line == ("model", 1)} == {"look", "search", "mix", "compare"}
    assert {name for name, line in lines.items() if line[1] is None} == {"attributes", "gallery"}
