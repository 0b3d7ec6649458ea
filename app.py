"""Starts the page: `python app.py`, or a hosted Space. GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say where.

ASEN_CHECKPOINT and ASEN_GALLERY name the directories of another model and gallery than the shipped ones; a model may also be a
.pth.tar file of the authors' release, a gallery milvus://host:port/name.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Else the client of the page's own tools asks a host of the Hub what kind of program this is.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# Threads that spin while they wait make a small, busy machine several times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Gradio asks matplotlib for its way to draw with each event, which else looks for windows to draw in.
os.environ.setdefault("MPLBACKEND", "agg")

try:
    import spaces  # shared GPUs of hosted Spaces; has to come before anything that touches CUDA
except ImportError:
    spaces = None

from collections.abc import Mapping
from functools import partial

import numpy as np

from asen_core.engine import Engine
from asen_core.errors import AsenError
from asen_core.review.background import Background
from asen_core.review.explain import Reason, Saliency
from asen_core.types import Box, View
from asen_core.ui import why
from asen_core.ui.page import SAMPLES, build, serve
from asen_core.ui.server.memory import share_heaps
from asen_core.ui.warm import warm

share_heaps()  # before any thread has made a heap of its own
try:
    engine = Engine.open(os.environ.get("ASEN_CHECKPOINT"), os.environ.get("ASEN_GALLERY"))
    len(engine.gallery)  # opened at first use: a gallery that doesn't fit shall stop the start, not the first visitor
except AsenError as error:
    raise SystemExit(str(error)) from error


def look(photo: np.ndarray, attributes: list[str] | None = None, boxes: Mapping[str, Box] | None = None) -> dict[str, View]:
    """`Engine.look` as a function that a shared GPU can be lent to."""
    return engine.look(photo, attributes, boxes)


def explain(
    first: np.ndarray, second: np.ndarray, reference: View, background: Background
) -> tuple[Saliency, tuple[Reason, ...]]:
    """`why.explain` as a function that a shared GPU can be lent to."""
    return why.explain(engine, first, second, reference, background)


if spaces is not None:
    look = spaces.GPU(duration=15)(look)
    explain = spaces.GPU(duration=60)(explain)

try:
    demo = build(engine, look, explain=explain)
except AsenError as error:
    raise SystemExit(str(error)) from error

if __name__ == "__main__":
    serve(demo, ready=None if spaces else partial(warm, engine, SAMPLES))
