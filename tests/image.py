"""What a container of the Dockerfile would hold, as a folder: the tests of the service start the app from it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
STEPS = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))


def steps(word: str) -> list[str]:
    """What follows an instruction, each time it stands there."""
    return re.findall(rf"^{word}\s+(.*)$", STEPS, re.M)


def sent() -> list[str]:
    """The paths that .dockerignore lets through to the builder."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [line[1:] for line in lines if line.startswith("!")]


def lay_out(folder: Path) -> Path:
    """The files that the image is given, where its COPY lines put them; nothing else."""
    for line in steps("COPY"):
        *sources, target = line.split()
        for source in sources:
            if source not in sent():
                continue
            into = folder / target / (source if target in (".", "./") else "")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, into, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            else:
                shutil.copy(ROOT / source, into)
    return folder


@contextmanager
def started(folder: Path) -> Iterator[str]:
    """`python app.py` in a folder, as the image runs it; yields its address and ends it in good order."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ASEN_", "GRADIO_", "PYTHONPATH"))}
    uploads = folder.parent / "uploads"
    given = {
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(uploads),
        "ASEN_HOSTS": "alike.example",
        "OMP_NUM_THREADS": "1",
        "HOME": str(folder.parent),
    }
    app = subprocess.Popen(
        [sys.executable, "app.py"], cwd=folder, env=kept | given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        lines = []
        while "is open at" not in (lines or [""])[-1]:
            line = app.stdout.readline()
            assert line, "".join(lines)
            lines.append(line)
        address = f"http://127.0.0.1:{port}/"
        assert httpx.get(address, timeout=30).status_code == 200
        yield address
    finally:
        app.terminate()
        app.communicate(timeout=30)
