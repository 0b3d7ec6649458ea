"""How programs and language models ask the service: as curl does, and over MCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx


def called(server: str, call: str, arguments: dict, headers: dict | None = None) -> str:
    """A call as curl makes it: the event that comes at the end."""
    answer = httpx.post(f"{server}gradio_api/call/v2/{call}", json=arguments, headers=headers)
    return httpx.get(f"{server}gradio_api/call/v2/{call}/{answer.json()['event_id']}", timeout=60).text


def file_at(path: object) -> dict:
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}}


@asynccontextmanager
async def tools_of(server: str) -> AsyncIterator[Any]:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with (
        streamable_http_client(server + "gradio_api/mcp/") as (reading, writing, _),
        ClientSession(reading, writing) as session,
    ):
        await session.initialize()
        yield session


def as_tool(server: str, name: str, arguments: dict) -> tuple[bool, str]:
    async def asked() -> tuple[bool, str]:
        async with tools_of(server) as session:
            answer = await session.call_tool(name, arguments)
            return not answer.isError, answer.content[0].text

    return asyncio.run(asked())
