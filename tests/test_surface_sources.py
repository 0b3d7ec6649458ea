"""No pickle, and nothing else in the sources by which data becomes program: read off the syntax trees of all of them.

Python's own processes speak pickle to each other: those that draw data sets and Ray's actors, both of which this program
starts itself. Nothing that was pickled is read from a file, a request or another host. Files of `torch.save` (weights of the
authors' release, ImageNet's weights, the state of a training run) are read with `weights_only=True`, which makes tensors and
plain containers and calls nothing by name.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([ROOT / "app.py", *(ROOT / "asen_core").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")])
_MODULES = (
    "pickle _pickle cPickle dill cloudpickle joblib shelve marshal jsonpickle yaml pty code codeop torch.package torch.hub "
    "numpy.lib.npyio xmlrpc telnetlib ftplib"
)
MODULES = frozenset(_MODULES.split())
PROCESSES = {
    "ray": {"asen_core/indexing/ray_data.py"},
    "multiprocessing": {"asen_core/data/layout/drawing.py", "asen_core/data/layout/laying.py", "benchmarks/"},
    "concurrent.futures.ProcessPoolExecutor": {"asen_core/data/layout/laying.py", "benchmarks/"},
}
"""What speaks pickle between own processes -> where it may be used."""
REPORTERS = {"openvino": {"asen_core/graph/layers.py"}}
"""What tells its makers that it is used, unless it is imported as it is there."""
_CALLS = (
    "eval exec compile __import__ os.system os.popen tempfile.mktemp torch.jit.load torch.package.PackageImporter "
    "torch.hub.load pandas.read_pickle runpy.run_path runpy.run_module torch.serialization.add_safe_globals "
    "urllib.request.urlretrieve"
)
CALLS = frozenset(_CALLS.split())
ERRORS = frozenset({"UnpicklingError", "PicklingError"})


def names(tree: ast.AST) -> dict[str, str]:
    """Name in the file -> what it stands for."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {
                a.asname or a.name.partition(".")[0]: a.name if a.asname else a.name.partition(".")[0] for a in node.names
            }
        elif isinstance(node, ast.ImportFrom) and node.module:
            known |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return known


def dotted(node: ast.AST, known: dict[str, str]) -> str:
    """numpy.load for np.load."""
    if isinstance(node, ast.Attribute):
        return f"{before}.{node.attr}" if (before := dotted(node.value, known)) else f".{node.attr}"
    return known.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def given(call: ast.Call, name: str) -> object:
    """The constant of an argument; the source of anything else; None where it is not there."""
    found = next((k.value for k in call.keywords if k.arg == name), None)
    return found.value if isinstance(found, ast.Constant) else found and ast.unparse(found)


def faults(source: str, place: str = "asen_core/x.py") -> Iterator[str]:
    tree = ast.parse(source)
    known = names(tree)
    for name in known.values():
        _, _, last = name.rpartition(".")
        if any(name == m or name.startswith(m + ".") for m in MODULES) and last not in ERRORS and name != "pickle":
            yield f"imports {name}"
    for name, allowed in (PROCESSES | REPORTERS).items():
        if any(n == name or n.startswith(name + ".") for n in known.values()) and not place.startswith(tuple(allowed)):
            yield f"uses {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (what := dotted(node, known)).startswith("pickle.") and node.attr not in ERRORS:
            yield f"uses {what}"
        if isinstance(node, ast.Call):
            yield from wrong_call(node, dotted(node.func, known))


def wrong_call(call: ast.Call, what: str) -> Iterator[str]:
    if what in CALLS or what.removeprefix("builtins.") in CALLS:
        yield f"calls {what}"
    if what == "torch.load" and given(call, "weights_only") is not True:
        yield "calls torch.load without weights_only=True"
    if what in ("numpy.load", "numpy.savez", "numpy.save") and given(call, "allow_pickle") not in (None, False):
        yield f"calls {what} with allow_pickle"
    if given(call, "shell") not in (None, False):
        yield f"calls {what} with a shell"
    if what.endswith(".read_pickle") or (what.endswith(".enable_load_extension")):
        yield f"calls {what}"
    if what == "gradio.load":
        yield "calls gradio.load, which runs what another host says"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_data_does_not_become_program(path: Path) -> None:
    assert list(faults(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())) == []


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("import pickle\ntry: f()\nexcept pickle.UnpicklingError: pass", False),
        ("from pickle import UnpicklingError", False),
        ("import pickle\npickle.loads(x)", True),
        ("import pickle as p\np.load(x)", True),
        ("from pickle import loads", True),
        ("from pickle import load as read", True),
        ("import pickle\nread = pickle.load", True),
        ("import _pickle", True),
        ("def f():\n    import cloudpickle", True),
        ("import shelve", True),
        ("from yaml import safe_load", True),
        ("import joblib.externals", True),
        ("import torch\ntorch.load(p)", True),
        ("import torch\ntorch.load(p, weights_only=False)", True),
        ("import torch\ntorch.load(p, weights_only=w)", True),
        ("from torch import load\nload(p)", True),
        ("import torch\ntorch.load(p, weights_only=True)", False),
        ("import numpy as np\nnp.load(p)", False),
        ("import numpy as np\nnp.load(p, allow_pickle=False)", False),
        ("import numpy as np\nnp.load(p, allow_pickle=True)", True),
        ("import numpy\nnumpy.load(p, allow_pickle=x)", True),
        ("eval('1')", True),
        ("model.eval()", False),
        ("import re\nre.compile('x')", False),
        ("compile('x', '', 'exec')", True),
        ("import subprocess\nsubprocess.run('x', shell=True)", True),
        ("import subprocess\nsubprocess.run(['x'], shell=False)", False),
        ("import os\nos.system('x')", True),
        ("from os import popen\npopen('x')", True),
        ("import tempfile\ntempfile.mktemp()", True),
        ("import tempfile\ntempfile.mkdtemp()", False),
        ("import ray", True),
        ("import openvino as ov", True),
        ("from openvino import opset13", True),
        ("from concurrent.futures import ProcessPoolExecutor", True),
        ("from concurrent.futures import ThreadPoolExecutor", False),
        ("db.enable_load_extension(True)", True),
        ("import gradio as gr\ngr.load('x/y')", True),
    ],
)
def test_the_reading_sees_what_it_must(source: str, wrong: bool) -> None:
    assert bool(list(faults(source))) is wrong


def test_no_pickled_file_is_in_the_repository() -> None:
    """By what is in the files, not by their names: a pickle of protocol 2 and later begins so, and ends with a point."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    assert len(listed) > 100
    for name in filter(None, listed):
        path = ROOT / name
        assert path.suffix not in (".pkl", ".pickle", ".pt", ".pth", ".joblib", ".ckpt", ".bin"), name
        if path.is_file():
            content = path.read_bytes()
            assert not (content[:1] == b"\x80" and content[1:2] in b"\x02\x03\x04\x05" and content[-1:] == b"."), name
