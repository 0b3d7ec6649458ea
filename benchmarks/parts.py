"""The network's stages within one pass of the engine's own runtime: its calls are watched, not made anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from asen_core.types import Frame, Garment

Timed = dict[str, float]
"""Stage -> seconds."""
NETWORK = ("trunk", "attention", "region", "local")


class Parts(Protocol):
    """The network of one runtime, opened up."""

    def times(self, garment: Garment, inputs: np.ndarray, frame: Frame) -> tuple[Timed, np.ndarray]:
        """Seconds of the stages `NETWORK` for one photo under all attributes, and its regions (A, 4) in photo pixels.

        inputs: (1, S, S, 3) uint8. What joins and reads the embeddings in the end counts as the local branch.
        """
        ...


class TorchParts:
    """The reference: its trunks tell when they begin and end."""

    def __init__(self, engine: Any) -> None:
        self._runtime, self._count, model = engine._runtime, len(engine.vocabulary), engine.checkpoint.model
        self._at: dict[str, float] = {}
        watch(model, "look", self._at)
        trunk = model.global_branch.trunk
        trunk.register_forward_hook(lambda *_: self._at.update({"trunk_ended": time.perf_counter()}))
        model.local_branch.trunk.register_forward_pre_hook(lambda *_: self._at.update({"cut": time.perf_counter()}))

    def times(self, garment: Garment, inputs: np.ndarray, frame: Frame) -> tuple[Timed, np.ndarray]:
        """As `Parts.times`."""
        out = self._runtime.run([garment], inputs, [frame], range(self._count))
        ended, at = time.perf_counter(), self._at
        trunk, heads = at["trunk_ended"] - at["look_began"], at["look_ended"] - at["trunk_ended"]
        return _stages(trunk, heads, at["cut"] - at["look_ended"], ended - at["cut"]), out.boxes[0]


class GraphParts:
    """OpenVINO's graphs. Attention is what the global branch takes over its trunk, which is also run alone."""

    def __init__(self, engine: Any) -> None:
        self._runtime, self._count = engine._runtime, len(engine.vocabulary)
        self._at: dict[str, float] = {}
        for name in ("look", "zoom"):
            watch(self._runtime._network, name, self._at)
        self._trunk = _trunk_alone(engine)

    def times(self, garment: Garment, inputs: np.ndarray, frame: Frame) -> tuple[Timed, np.ndarray]:
        """As `Parts.times`."""
        _, trunk = timed(lambda: self._trunk(inputs))
        out = self._runtime.run([garment], inputs, [frame], range(self._count))
        ended, at = time.perf_counter(), self._at
        heads = at["look_ended"] - at["look_began"] - trunk
        return _stages(trunk, heads, at["zoom_began"] - at["look_ended"], ended - at["zoom_began"]), out.boxes[0]


def parts_of(engine: Any) -> Parts:
    """The stages of an engine, by its runtime."""
    return {"torch": TorchParts, "openvino": GraphParts}[engine.runtime](engine)


def watch(owner: object, name: str, at: dict[str, float]) -> None:
    """Have a method note in `at` when it was last called and when it had ended, as NAME_began and NAME_ended."""
    method = getattr(owner, name)

    def watched(*given: Any) -> Any:
        at[f"{name}_began"] = time.perf_counter()
        found = method(*given)
        at[f"{name}_ended"] = time.perf_counter()
        return found

    setattr(owner, name, watched)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What a call gives, and its seconds."""
    began = time.perf_counter()
    found = work()
    return found, time.perf_counter() - began


def medians(rows: Sequence[Timed]) -> Timed:
    """Stage -> median seconds over photos; 0 where a difference of two times came out below."""
    return {name: max(0.0, float(np.median([row[name] for row in rows]))) for name in rows[0]}


def _stages(*seconds: float) -> Timed:
    return dict(zip(NETWORK, seconds, strict=True))


def _trunk_alone(engine: Any) -> Any:
    """The global trunk without its heads, compiled as `graph.Network` compiles the whole branch."""
    from asen_core.engine.openvino_runtime import _tensors
    from asen_core.engine.runtime import cores
    from asen_core.graph.layers import ops, runtime
    from asen_core.graph.network import _normalised
    from asen_core.graph.trunks import TRUNKS
    from asen_core.graph.weights import Weights

    config, weights = engine.config, Weights(_tensors(engine.checkpoint))
    photos = ops().parameter([-1, config.input_size, config.input_size, 3], np.uint8, "photos")
    build = TRUNKS["global", config.global_trunk]
    found = build(_normalised(photos, config), weights.under("global_branch.trunk.layers."))
    model = runtime().Model([found.deep, found.fine], [photos], "trunk")
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": cores()}
    return runtime().Core().compile_model(model, "CPU", settings)
