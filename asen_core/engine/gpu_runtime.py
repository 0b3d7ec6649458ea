"""The network on a GPU: recorded, in fewer bits where that holds, and given up for something slower where it doesn't."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable, Sequence

import numpy as np
import torch

from asen_core import images
from asen_core.engine.fitting import Asked, Fitting, full
from asen_core.engine.runtime import Looked, Runtime
from asen_core.engine.staged_runtime import StagedRuntime
from asen_core.engine.torch_runtime import TorchRuntime
from asen_core.models import AsenPP, Model
from asen_core.models.staged import QUICK, Numbers
from asen_core.types import Frame, Garment

LEAST = 0.999
"""Cosine to the plain pass in float32 that every view of the probe must reach."""
LADDER = (QUICK, Numbers(local=torch.float32))
"""What is tried, the quickest first; after the last comes the plain pass."""
_PROBE = ((300, 200), (180, 260), (220, 220))


class GpuRuntime:
    """A `Runtime` for a CUDA device. Out of memory it takes smaller batches, then the processor, and says so in `notice`.

    notes: a sentence for each way that was given up, in the order of trying. Models of the authors' release, and methods that
    look once, take the plain pass.
    """

    name, on_gpu = "torch", True

    def __init__(
        self, model: Model, device: torch.device, fallback: Callable[[], Runtime],
        quick: Callable[[AsenPP, torch.device, list[str], Numbers], Runtime] = StagedRuntime,
    ) -> None:  # fmt: skip
        """fallback: gives the runtime on the processor. The model given stays where it is."""
        self.dim, self.value_dim = model.dim, model.value_dim
        self.notes: list[str] = []
        self._model, self._device, self._make = model, device, quick
        self._plain: TorchRuntime | None = None
        self._quick: Runtime | None = None
        self._fitting = Fitting(self._run, self._release, fallback)
        try:
            self._prepare()
        except RuntimeError as error:
            if not full(error):  # else it is tried again with the first photos
                raise
        if self._plain is None:
            self._release()

    @property
    def notice(self) -> str:
        return self._fitting.notice

    def run(
        self, garments: Sequence[Garment], inputs: np.ndarray, frames: Sequence[Frame], wanted: Sequence[int],
        given: np.ndarray | None = None,
    ) -> Looked:  # fmt: skip
        """As `Runtime.run`."""
        return self._fitting(Asked(garments, inputs, frames, wanted, given))

    def _run(self, asked: Asked) -> Looked:
        if self._plain is None:
            self._prepare()
        some = len(asked.garments) * len(asked.wanted) > 0
        return asked.by(self._quick if self._quick is not None and some else self._plain)

    def _release(self) -> None:
        if isinstance(self._quick, StagedRuntime):
            self._quick.release()
        gc.collect()  # a way that was being made when the memory ran out is in a cycle
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _prepare(self) -> None:
        """Both ways or, where memory runs out, none."""
        plain, quick = TorchRuntime(copy.deepcopy(self._model), self._device), None
        self.notes.clear()
        if isinstance(self._model, AsenPP) and self._model.config.geometry != "released":
            quick = next(filter(None, (self._held(numbers, plain) for numbers in LADDER)), None)
        self._plain, self._quick = plain, quick

    def _held(self, numbers: Numbers, plain: Runtime) -> Runtime | None:
        """The quick way in these numbers, where it works and agrees with the plain one."""
        quick = None
        try:
            quick = self._make(self._model, self._device, self.notes, numbers)
            reason = self._disagreement(quick, plain)
        except RuntimeError as error:
            if full(error):
                raise
            reason = (str(error) or type(error).__name__).splitlines()[0]
        if not reason:
            return quick
        self.notes.append(f"The quick pass with {str(numbers.local).removeprefix('torch.')} was given up: {reason}.")
        if isinstance(quick, StagedRuntime):
            quick.release()
        quick = None
        gc.collect()  # a stage and its recording hold each other, and with that memory of the device
        return None

    def _disagreement(self, quick: Runtime, plain: Runtime) -> str:
        """Why the quick way can't be trusted, "" where it can: looks at a few drawn shapes, alone and together, both ways.

        Then at others: a recording that doesn't read its inputs would agree on those that it was made of.
        """
        every = range(len(self._model.attributes))
        whole, other = _probe(self._model, every), _probe(self._model, every, len(_PROBE))
        for asked in (whole, whole.part(0, 1), other, other.part(0, 1), _probe(self._model, [0])):
            mine, theirs = asked.by(quick).embedding, asked.by(plain).embedding
            least = float((mine * theirs).sum(-1).min())
            if not least >= LEAST:
                return f"its cosine to float32 is {least:.4f}, at least {LEAST} was expected"
        return ""


def _probe(model: Model, wanted: Sequence[int], first: int = 0) -> Asked:
    """Dark striped shapes on white, of a few sizes; first: number of the first one, others look different."""
    garments = []
    for turn, (height, width) in enumerate(_PROBE, first):
        y, x = np.mgrid[:height, :width]
        across, down = abs(x / width - 0.5), abs(y / height - 0.5)
        shape = (across < 0.2 + 0.1 * turn * down) & (down < 0.4)
        colour = np.roll([1.0, 0.6, -0.4], first > 0)
        stripes = 90 + 60 * np.sin((x + turn * y) / 7)[..., None] * colour
        garments.append(Garment(np.where(shape[..., None], stripes, 250).astype(np.uint8)))
    config = model.config
    laid = [images.lay(g.pixels, config.input_size, config.fill, config.geometry) for g in garments]
    return Asked(garments, np.stack([array for array, _ in laid]), [frame for _, frame in laid], list(wanted))
