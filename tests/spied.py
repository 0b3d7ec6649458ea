"""Python that writes down whom it talks to, what it unpickles and which programs it starts, by the interpreter's own hooks."""

from __future__ import annotations

import json
from pathlib import Path

_SPY = """
import json, os, sys

WANTED = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "pickle.find_class",
          "subprocess.Popen", "os.system", "urllib.Request")

def spy(event, given):
    if event in WANTED:
        told = [repr(g)[:300] for g in given] if event not in ("socket.connect", "socket.sendto") else [repr(given[1])]
        line = json.dumps([event, *told]) + "\\n"
        file = os.open(os.environ["ASEN_SPY"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, line.encode())
        os.close(file)

sys.addaudithook(spy)
"""


def spying(folder: Path) -> tuple[dict[str, str], Path]:
    """The environment in which each Python tells, and the file that it tells."""
    (folder / "hooks").mkdir()
    (folder / "hooks" / "sitecustomize.py").write_text(_SPY)
    told = folder / "told.jsonl"
    return {"PYTHONPATH": str(folder / "hooks"), "ASEN_SPY": str(told)}, told


def events(told: Path) -> list[list[str]]:
    """[event, what was given, ...] of all that happened."""
    return [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []


def elsewhere(told: list[list[str]]) -> list[list[str]]:
    """Those by which something would leave this machine: a connection or a look-up that is not of it."""
    here = (
        "'127.0.0.1'",
        "'localhost'",
        "'::1'",
        "None",
        "('127.0.0.1',",
        "('localhost',",
        "('::1',",
        "'/",
        "b'/",
        "b'127.0.0.1'",
        "b'localhost'",
    )
    asked = [e for e in told if e[0].startswith(("socket.", "urllib."))]
    return [e for e in asked if not e[1].startswith(here)]
