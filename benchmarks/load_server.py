"""The server under load: started with a folder of its own, its memory and temporary files watched from outside."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
EVERY, FILES_EVERY = 1.0, 5
"""Seconds between two readings of memory; at which of them files are counted."""


@contextmanager
def server(kept: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`python app.py` with its temporary files in `kept`: the page's address, and the process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port), "TMPDIR": str(kept)}
    own["GRADIO_TEMP_DIR"] = str(kept / "uploads")
    home, process = (
        f"http://127.0.0.1:{port}/",
        subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env={**os.environ, **own}),
    )
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise SystemExit("app.py ended by itself; see above.")
            try:
                httpx.get(home, timeout=10)
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield home, process
    finally:
        process.terminate()
        process.wait(timeout=60)


def resident(pid: int) -> float:
    """MB that a process and its children hold in memory; 0 for those that have gone."""
    total, todo = 0.0, [pid]
    while todo:
        process = Path("/proc") / str(todo.pop())
        try:
            status = (process / "status").read_text(encoding="ascii", errors="replace")
            todo += [int(child) for task in (process / "task").iterdir() for child in (task / "children").read_text().split()]
        except OSError:
            continue
        held = next((line for line in status.splitlines() if line.startswith("VmRSS:")), "VmRSS: 0")
        total += int(held.split()[1]) / 1024
    return total


def files(folder: Path) -> list[str]:
    """The files below a folder, also while others remove some."""
    return sorted(str(Path(at, name).relative_to(folder)) for at, _, names in os.walk(folder) for name in names)


async def watched(pid: int, kept: Path, end: float) -> list[tuple[float, float, int]]:
    """(second, MB, temporary files) every few seconds until the end."""
    found, start, count = [], time.monotonic(), 0
    while time.monotonic() < end:
        if len(found) % FILES_EVERY == 0:
            count = len(await asyncio.to_thread(files, kept))
        found.append((time.monotonic() - start, resident(pid), count))
        await asyncio.sleep(EVERY)
    return found


def emptied(kept: Path, most: float) -> tuple[float, list[str]]:
    """Seconds until no temporary file was left, at most so many, and those that were."""
    start = time.monotonic()
    while (left := files(kept)) and time.monotonic() - start < most:
        time.sleep(1)
    return time.monotonic() - start, left
