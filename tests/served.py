"""`python app.py` as a process of its own, with the shipped checkpoint and gallery."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def served(kept: Path, **settings: str) -> Iterator[str]:
    """The address of the page while it runs. kept: its folder for temporary files, which it has to leave empty."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    env = {
        **os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1", "TMPDIR": str(kept), **settings,
    }  # fmt: skip
    env.pop("GRADIO_TEMP_DIR", None)
    server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=env)
    try:
        for _ in range(240):
            assert server.poll() is None, "app.py ended by itself"
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except urllib.error.HTTPError:  # it asks for a login, so it is there
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=60)
    assert [f for f in kept.rglob("*") if f.is_file()] == [], "the server left temporary files behind"
