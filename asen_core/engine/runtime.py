"""What computes the network for the engine: torch, the reference and the way to a GPU, or OpenVINO on a processor."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from asen_core.checkpoint import RELEASE, Checkpoint, Stored
from asen_core.errors import QueryError
from asen_core.graph import offered
from asen_core.types import Frame, Garment

RUNTIMES = ("auto", "openvino", "torch")
_LENT = "SPACES_ZERO_GPU"
"""Set where a GPU is lent for single calls, each in a process of its own: nothing can be recorded or tried out before."""


@dataclass(frozen=True)
class Looked:
    """What one pass gives for B photos and A attributes, as `models.Output`: float32 arrays.

    embedding (B, A, D) unit norm; attention (B, A, h, w), sums to 1; boxes (B, A, 4) in photo pixels; probabilities: one (B, V)
    per attribute.
    """

    embedding: np.ndarray
    attention: np.ndarray
    boxes: np.ndarray
    probabilities: tuple[np.ndarray, ...]


class Runtime(Protocol):
    """A network on a device. `run` is called by one thread at a time.

    name: one of `RUNTIMES`; dim: numbers of an embedding, the last `value_dim` of them what is read; on_gpu: wants larger
    batches; notice: what a person should know of how it goes, "" where all is well.
    """

    name: str
    dim: int
    value_dim: int
    on_gpu: bool
    notice: str

    def run(
        self, garments: Sequence[Garment], inputs: np.ndarray, frames: Sequence[Frame], wanted: Sequence[int],
        given: np.ndarray | None = None,
    ) -> Looked:  # fmt: skip
        """Look at B photos under the attributes numbered `wanted`.

        inputs (B, S, S, 3) uint8: the photos laid as `frames` say; given (B, A, 4): squares in photo pixels in place of the
        network's own, NaN where it shall choose.
        """
        ...


def runtime_for(checkpoint: Checkpoint | Stored, device: str = "auto", runtime: str = "auto") -> Runtime:
    """The quickest that gives the reference's numbers: torch on a GPU, OpenVINO on a processor, else torch there.

    "auto" goes on to torch where OpenVINO is installed but can't be loaded, or can't compile the network.

    Models of the authors' release keep to torch unless asked otherwise: their regions are promised to the pixel.

    Raises: QueryError for a device or runtime that can't be used here; CheckpointError.
    """
    if runtime not in RUNTIMES:
        raise QueryError(f"Unknown runtime {runtime!r}; give one of {', '.join(RUNTIMES)}.")
    plain = device == "cpu" or (device == "auto" and not _gpu())
    if runtime == "openvino" and device not in ("auto", "cpu"):
        raise QueryError(f"The runtime openvino works on the processor, not on {device!r}; give the device cpu.")
    if runtime == "openvino":
        return _openvino(checkpoint)
    if runtime == "auto" and plain and _quick(checkpoint):
        with suppress(QueryError, ImportError, OSError, RuntimeError):
            return _openvino(checkpoint)
    from asen_core.engine.torch_runtime import TorchRuntime, device_of

    where = device_of("cpu" if plain else device)
    if where.type == "cuda" and _LENT not in os.environ:
        from asen_core.engine.gpu_runtime import GpuRuntime

        return GpuRuntime(checkpoint.model, where, lambda: runtime_for(checkpoint, "cpu"))
    return TorchRuntime(checkpoint.model, where)


def cores() -> int:
    """How many processor cores this process may use; libraries often count the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _openvino(checkpoint: Checkpoint | Stored) -> Runtime:
    from asen_core.engine.openvino_runtime import OpenVinoRuntime

    return OpenVinoRuntime(checkpoint)


def _quick(checkpoint: Checkpoint | Stored) -> bool:
    """Whether OpenVINO is here, and the model one of ours on disk that it knows."""
    ours = isinstance(checkpoint, Stored) and checkpoint.provenance.get("source") != RELEASE
    return ours and offered(checkpoint.config) and find_spec("openvino") is not None


def _gpu() -> bool:
    """Whether torch has a GPU here. It is asked only where a driver is: importing it takes seconds."""
    if "torch" not in sys.modules and not _driver():
        return False
    import torch

    return torch.cuda.is_available()


def _driver() -> bool:
    """Whether a driver of NVIDIA's or AMD's is installed."""
    if Path("/dev/kfd").exists():
        return True
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
