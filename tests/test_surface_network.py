"""No request to another host: not from the server, whatever visitors and programs do with it, and not from the command line.

The browser's side of this is in test_surface_browser.py.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from callers import as_tool, called
from clicks import Visitor
from served import ROOT, served
from spied import elsewhere, events, spying

SAMPLES = sorted((ROOT / "assets" / "samples").glob("*.webp"))


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for sample in SAMPLES[:3]:
            archive.write(sample, sample.name)
    return file.getvalue()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What happened in the server from its start to its end, while visitors and programs used all of it."""
    root = tmp_path_factory.mktemp("spied")
    given, told = spying(root)
    (root / "server").mkdir()
    given |= {
        "ASEN_CASES": str(root / "cases.sqlite"),
        "ASEN_WATCHES": str(root / "watches"),
        "ASEN_GALLERIES": str(root / "g"),
    }
    with served(root / "server", **given) as url:
        visitor = Visitor(url)
        path = visitor.upload("shirt.webp", SAMPLES[0].read_bytes())
        answers = [
            visitor.click("stage", "photo_sent", {"path": path}),
            visitor.click("stage", "box_drawn", {"x0": 0.2, "y0": 0.2, "x1": 0.7, "y1": 0.8}),
            visitor.click("stage", "sample_chosen", {"index": 1}),
            visitor.click("gallery", "arrived", {}),
            visitor.click("gallery", "photos_given", {"paths": [visitor.upload("photos.zip", zipped())]}),
        ]
        assert all("process_completed" in a and "gradio_api/file" in a for a in answers[:3])
        assert "event: complete" in called(
            url, "search", {"photo": "gallery:" + first_of(url), "attribute": "neckline", "k": 3}
        )
        assert as_tool(url, "compare", {"first": "gallery:" + first_of(url), "second": "gallery:" + first_of(url)})[0]
        for _ in range(60):
            if "There is no gallery of your photos yet" not in visitor.click("gallery", "used", {"gallery": "/own"}):
                break
            time.sleep(0.5)
    return events(told)


def first_of(url: str) -> str:
    text = called(url, "search", {"photo": "gallery:nothing", "attribute": "neckline"})
    assert "event: error" in text
    with (ROOT / "assets" / "samples" / SAMPLES[0].name).open("rb") as file:
        data = "data:image/webp;base64," + base64.b64encode(file.read()).decode()
    found = called(url, "search", {"photo": data, "attribute": "neckline", "k": 1})
    return json.loads(found.split("data: ", 1)[1])[0]["hits"][0]["id"]


def test_the_server_asks_no_other_host(told: list[list[str]]) -> None:
    """Also where Gradio is told that it may send figures: the page itself switches them off."""
    assert any(e[0] == "socket.connect" for e in told), "the spy saw nothing, not even the server's own tools"
    assert elsewhere(told) == []


def test_the_server_unpickles_nothing_and_starts_no_program(told: list[list[str]]) -> None:
    assert [e for e in told if e[0] == "pickle.find_class"] == []
    assert [e for e in told if e[0] in ("subprocess.Popen", "os.system") and "uname" not in e[1]] == []


def test_the_command_line_asks_no_other_host(tmp_path: Path) -> None:
    given, told = spying(tmp_path)
    photos = tmp_path / "photos"
    photos.mkdir()
    for sample in SAMPLES[:2]:
        (photos / sample.name).write_bytes(sample.read_bytes())
    for words in (["look", SAMPLES[0]], ["index", "--images", photos, "--out", tmp_path / "g"],
                  ["search", SAMPLES[0], "neckline", "--gallery", tmp_path / "g"]):  # fmt: skip
        line = [sys.executable, "-m", "asen_core", *map(str, words)]
        done = subprocess.run(line, cwd=ROOT, env={**os.environ, **given}, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stderr
    found = events(told)
    assert elsewhere(found) == []
    assert [e for e in found if e[0] == "pickle.find_class"] == []


def test_the_spy_sees_what_it_must(tmp_path: Path) -> None:
    """A connection, a look-up and a pickle; the address is one that leads nowhere."""
    given, told = spying(tmp_path)
    code = (
        "import socket, pickle, decimal\n"
        "pickle.loads(pickle.dumps(decimal.Decimal(1)))\n"
        "s = socket.socket(); s.settimeout(0.01)\n"
        "try: s.connect(('192.0.2.1', 80))\nexcept OSError: pass\n"
        "try: socket.getaddrinfo('nowhere.invalid', 80)\nexcept OSError: pass\n"
        "import threading\n"
        "s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())\n"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **given}, check=True, timeout=60)
    found = events(told)
    assert [e[0] for e in elsewhere(found)] == ["socket.connect", "socket.getaddrinfo"]
    assert any(e[0] == "pickle.find_class" for e in found)


@pytest.mark.skipif(not list((Path(sys.prefix) / "lib").glob("python*/site-packages/openvino")), reason="without OpenVINO")
def test_the_runtime_of_networks_sends_no_figures(tmp_path: Path) -> None:
    """It does so when its converter is loaded, as `import openvino` does; nobody but `asen_core.graph.layers` may import it."""
    given, told = spying(tmp_path)
    code = (
        "import sys, numpy as np\n"
        "from asen_core.graph.layers import ops, runtime\n"
        "op, ov = ops(), runtime()\n"
        "x = op.parameter([1, 3], np.float32)\n"
        "net = ov.Core().compile_model(ov.Model([op.relu(x)], [x]), 'CPU')\n"
        "assert net(np.ones((1, 3), np.float32))\n"
        "print(sorted(m for m in sys.modules if 'telemetry' in m.lower() or m.startswith('openvino.tools')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **given, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert elsewhere(events(told)) == []
    assert not [p for p in tmp_path.rglob("*") if "intel" in p.name.lower() or "openvino" in p.name.lower()]
