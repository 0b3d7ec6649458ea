"""The floor table: a room imports only from floors below it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "asen_core"

FLOORS = {
    "types": 0, "errors": 0, "config": 0, "names": 0, "vocabularies": 0, "files": 0, "sheets": 0,
    "images": 1, "draw": 1, "metrics": 1, "arrays": 1, "accounts": 1,
    "models": 2, "graph": 2, "data": 2, "gallery": 2,
    "checkpoint": 3, "engine": 4,
    "review": 5, "evaluation": 5, "training": 6, "indexing": 6,
    "ui": 7, "cli": 7, "__main__": 8,
}  # fmt: skip
FORBIDDEN = {
    "types": {"torch", "PIL"}, "errors": {"torch", "PIL"}, "config": {"torch", "PIL"},
    **{name: {"torch", "gradio", "faiss"} for name in ("images", "draw", "metrics")},
    "models": {"PIL"}, "graph": {"torch", "PIL"}, "data": {"torch"}, "gallery": {"torch"},
    "engine": {"gradio"}, "review": {"gradio"}, "evaluation": {"gradio"}, "training": {"gradio"}, "indexing": {"gradio"},
    "ui": {"torch", "faiss"},
}  # fmt: skip
MUST_NOT_MEET = {
    "models": {"data", "gallery"}, "graph": {"models", "data", "gallery"}, "data": {"models"},
    "gallery": {"models", "data"}, "checkpoint": {"data", "gallery"},
    "engine": {"data", "training", "ui"}, "review": {"training"}, "evaluation": {"training"}, "training": {"ui", "gallery"},
    "ui": {"models", "data"},
}  # fmt: skip
NEIGHBOURS = {"errors": {"types"}, "config": {"types"}, "types": {"errors", "config"}, "vocabularies": {"types"}}
"""The nouns of floor 0 may know each other; rooms on any other floor may not."""


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imported(source: str, module: str, is_package: bool) -> set[str]:
    """Absolute names of everything that a module imports, at any depth and under TYPE_CHECKING too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".") if is_package else module.split(".")[:-1]
            start = ".".join(base[: len(base) - node.level + 1]) if node.level else ""
            target = ".".join(filter(None, (start, node.module or "")))
            names |= {f"{target}.{alias.name}" if target == "asen_core" else target for alias in node.names}
    return names


def faults(source: str, module: str, is_package: bool = False) -> list[str]:
    own, found = room(module), []
    if own and own not in FLOORS:
        return [f"{module}: room {own} is not in the floor table"]
    for name in sorted(imported(source, module, is_package)):
        if name.split(".")[0] != "asen_core":
            if name.split(".")[0] in FORBIDDEN.get(own, set()) or (not own and name.split(".")[0] in ("torch", "gradio")):
                found.append(f"{module} imports {name}")
            continue
        other = room(name)
        if other in ("", "__version__", own):
            continue
        if other not in FLOORS:
            found.append(f"{module} imports {name}, whose room is not in the floor table")
        elif not own or other in MUST_NOT_MEET.get(own, set()):
            found.append(f"{module} imports {name}")
        elif FLOORS[other] >= FLOORS[own] and other not in NEIGHBOURS.get(own, set()):
            found.append(f"{module} (floor {FLOORS[own]}) imports {name} (floor {FLOORS[other]})")
    return found


def modules() -> list[tuple[str, Path]]:
    paths = list(PACKAGE.rglob("*.py"))
    return [(".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), p) for p in sorted(paths)]


@pytest.mark.parametrize(("module", "path"), modules(), ids=lambda v: v if isinstance(v, str) else "")
def test_imports_go_down(module: str, path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8"), module, path.name == "__init__.py") == []


@pytest.mark.parametrize(
    ("module", "source", "is_package", "wrong"),
    [
        ("asen_core.images.load", "import numpy\nfrom asen_core.types import Box", False, False),
        ("asen_core.images.load", "from asen_core import draw", False, True),
        ("asen_core.images.load", "from ..draw import heat", False, True),
        ("asen_core.images.load", "from .modes import to_rgb", False, False),
        ("asen_core.images", "from .load import load", True, False),
        ("asen_core.images", "from ..metrics import pointing", True, True),
        ("asen_core.images.load", "from .. import draw", False, True),
        ("asen_core.metrics", "def f():\n    import torch.nn", False, True),
        ("asen_core.gallery.store", "def f():\n    from asen_core.models import AsenPP", False, True),
        ("asen_core.gallery.store", "import faiss", False, False),
        ("asen_core.ui.page", "import faiss", False, True),
        ("asen_core.ui.page", "from asen_core.data import vocabulary", False, True),
        ("asen_core.ui.page", "from asen_core.cli import app", False, True),
        ("asen_core.evaluation.x", "from asen_core.training import run", False, True),
        ("asen_core.engine.x", "from asen_core.checkpoint import load", False, False),
        ("asen_core.attic", "", False, True),
        ("asen_core.engine.x", "from asen_core.attic import old", False, True),
        ("asen_core", "from asen_core.types import Box", True, True),
        ("asen_core", "import torch", True, True),
    ],
)
def test_the_walk_sees_what_it_must(module: str, source: str, is_package: bool, wrong: bool) -> None:
    assert bool(faults(source, module, is_package)) == wrong


def test_light_rooms_leave_torch_and_gradio_out() -> None:
    code = (
        "import sys, asen_core, asen_core.types, asen_core.metrics, asen_core.data, asen_core.gallery, asen_core.images\n"
        "import asen_core.engine, asen_core.review, asen_core.graph\n"
        "print(sorted({'torch', 'gradio'} & {m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
