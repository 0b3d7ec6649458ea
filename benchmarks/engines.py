"""Engines on the processor by their runtime, for benchmarks that hold the quickest one against the reference."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asen_core.engine import Engine

REFERENCE = "torch"
"""Float32 without any shortcut, which the others must agree with."""


def opened(runtime: str = "auto", checkpoint: Path | None = None) -> Engine:
    """With the shipped gallery. runtime: "auto" for what the app itself takes."""
    from asen_core.engine import Engine

    return Engine.open(checkpoint, device="cpu", runtime=runtime)


def quickest() -> str:
    """The runtime to open for speed, also for a file of the authors' release, where "auto" keeps to the reference."""
    return "openvino" if find_spec("openvino") else "auto"
