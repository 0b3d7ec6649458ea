"""How the service is described and guarded: a note beside every field, nothing read that was not sent, JSON for tools."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints, is_typeddict

import gradio as gr
from gradio.context import get_blocks_context
from gradio.utils import get_function_description
from gradio_client.utils import is_file_obj, is_http_url_like, python_type_to_json_schema, traverse

ELSEWHERE = "Files are not fetched from elsewhere; upload it, or send it as a data URL (data:image/jpeg;base64,...)."


def describe(endpoint: Mapping[str, Any], call: Callable[..., Any]) -> None:
    """Put what a call's docstring and types say into the schema of its endpoint (of `gr.api`), in an open `gr.Blocks`."""
    blocks, hints = get_blocks_context().blocks, get_type_hints(call, include_extras=True)
    _, said, _ = get_function_description(call)
    given = {name: hint for name, hint in hints.items() if name != "return" and hint is not gr.Request}
    for number, (name, hint) in zip(endpoint["inputs"], given.items(), strict=True):
        blocks[number]._api_info = {**noted(python_type_to_json_schema(hint), hint), "description": said[name]}
    (number,) = endpoint["outputs"]
    blocks[number]._api_info = noted(python_type_to_json_schema(hints["return"]), hints["return"])


def noted(schema: dict[str, Any], hint: Any) -> dict[str, Any]:
    """A JSON schema of a type with the notes (`Annotated`) of its fields, at any depth."""
    if get_origin(hint) is Annotated:
        kind, note = get_args(hint)[:2]
        return {**noted(schema, kind), "description": note}
    if is_typeddict(hint):
        fields = get_type_hints(hint, include_extras=True)
        known = {name: noted(schema["properties"][name], kind) for name, kind in fields.items()}
        return {**schema, "properties": known, "propertyNames": {"enum": list(known)}}
    parts = get_args(hint)
    if get_origin(hint) is list:
        return {**schema, "items": noted(schema["items"], parts[0])}
    if get_origin(hint) is dict:
        return {**schema, "additionalProperties": noted(schema["additionalProperties"], parts[1])}
    for word in ("oneOf", "anyOf"):  # `X | None`, and any other choice
        if word in schema:
            order = sorted(parts, key=lambda part: part is not type(None)) if word == "oneOf" else parts
            return {**schema, word: [noted(s, part) for s, part in zip(schema[word], order, strict=True)]}
    return schema


def fetch_nothing(page: gr.Blocks) -> None:
    """Let the page read files only that were sent to it: Gradio would fetch those given as a public web address."""
    for block in page.blocks.values():
        block.async_move_resource_to_block_cache = _from_here(block.async_move_resource_to_block_cache)


def _from_here(keep: Callable[[Any], Awaitable[str | None]]) -> Callable[[Any], Awaitable[str | None]]:
    async def kept(path: Any) -> str | None:
        if is_http_url_like(str(path)):
            raise gr.Error(ELSEWHERE, print_exception=False)
        return await keep(path)

    return kept


def has_tools() -> bool:
    """Whether the package behind `gradio[mcp]` is there."""
    return importlib.util.find_spec("mcp") is not None


def mend_tools(page: gr.Blocks) -> None:
    """Two things that Gradio's tools do otherwise: reading files of the server, and answering in Python's spelling.

    They are called through a client within the server, to which the path of any of its files is a file to send.
    """
    server = page.mcp_server_obj
    if server is None:
        if page.mcp_error:
            print(f"Without tools for language models: {page.mcp_error}", file=sys.stderr)
        return
    plain, convert = server.postprocess_output_data, server.convert_strings_to_filedata

    def spelled(data: list[Any], root: str) -> list[Any]:
        return plain([json.dumps(part, ensure_ascii=False) for part in data], root)

    def refused(value: Any, places: Any) -> Any:
        traverse(value, _no_file, is_file_obj)
        return convert(value, places)

    server.postprocess_output_data, server.convert_strings_to_filedata = spelled, refused


def _no_file(given: Any) -> Any:
    raise ValueError(ELSEWHERE)
