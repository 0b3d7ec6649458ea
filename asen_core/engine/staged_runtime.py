"""Batches to a GPU and back: one transfer each way, from and to pinned memory, the next one sent while one is computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from asen_core.engine.fitting import Asked, joined
from asen_core.engine.runtime import Looked
from asen_core.models import AsenPP, Output
from asen_core.models.captured import SIZES, Captured, Replay, on_cuda
from asen_core.models.staged import QUICK, Numbers, Stage, Staged, places
from asen_core.types import Frame, Garment

AT_ONCE = SIZES[-1]
"""Photos per pass: a larger batch goes in parts, of which the next is packed and sent while one is computed."""


class StagedRuntime:
    """A `Runtime` around `models.staged`, for at least one photo and one attribute; made for CUDA, it runs on any device.

    notes: gets a sentence for each recording that was given up; record: makes recordings, None: for CUDA only.
    """

    name, notice = "torch", ""

    def __init__(
        self, model: AsenPP, device: torch.device, notes: list[str], numbers: Numbers = QUICK,
        record: Callable[[Stage, tuple[Tensor, ...]], Replay] | None = None,
    ) -> None:  # fmt: skip
        self.dim, self.value_dim, self.on_gpu = model.dim, model.value_dim, device.type == "cuda"
        self._device, self._staged = device, Staged(model, device, numbers)
        self._sending = torch.cuda.Stream(device) if self.on_gpu else None
        self._recorded: list[Captured] = []
        record = record or (on_cuda if self.on_gpu else None)
        if record is not None:
            self._recorded = [Captured(stage, notes, record) for stage in (self._staged.look, self._staged.zoom)]
            self._staged.looking, self._staged.zooming = self._recorded

    def run(
        self, garments: Sequence[Garment], inputs: np.ndarray, frames: Sequence[Frame], wanted: Sequence[int],
        given: np.ndarray | None = None,
    ) -> Looked:  # fmt: skip
        """As `Runtime.run`."""
        asked, waiting, done = Asked(garments, inputs, frames, wanted, given), deque(), []
        for at in range(0, len(garments), AT_ONCE):
            waiting.append(self._started(asked.part(at, at + AT_ONCE)))
            if len(waiting) > 1:
                done.append(waiting.popleft()())
        return joined([*done, *(finish() for finish in waiting)])

    def release(self) -> None:
        """Free the recordings' memory."""
        for recorded in self._recorded:
            recorded.release()

    @torch.inference_mode()
    def _started(self, asked: Asked) -> Callable[[], Looked]:
        """Send and compute without waiting; what comes back waits for the numbers."""
        pixels = [g.pixels for g in asked.garments]
        laid, *photos = self._sent([asked.inputs, *pixels])
        sources = [photo.permute(2, 0, 1) for photo in photos]
        where = places(sources, asked.frames, self._device)
        given = None if asked.given is None else torch.from_numpy(asked.given).to(self._device)
        out = self._staged(laid.permute(0, 3, 1, 2), sources, where, given, asked.wanted)
        return self._fetched(out)

    def _sent(self, arrays: Sequence[np.ndarray]) -> list[Tensor]:
        """uint8 arrays as tensors on the device, by one transfer beside whatever is being computed there."""
        ends = np.cumsum([a.size for a in arrays])
        packed = torch.empty(int(ends[-1]), dtype=torch.uint8, pin_memory=self.on_gpu)
        into = packed.numpy()
        for array, end in zip(arrays, ends, strict=True):
            into[end - array.size : end].reshape(array.shape)[...] = array
        if self._sending is not None:
            with torch.cuda.stream(self._sending):
                packed = packed.to(self._device, non_blocking=True)
            computing = torch.cuda.current_stream(self._device)
            computing.wait_stream(self._sending)
            packed.record_stream(computing)
        parts = packed.split([a.size for a in arrays])
        return [part.view(array.shape) for part, array in zip(parts, arrays, strict=True)]

    def _fetched(self, out: Output) -> Callable[[], Looked]:
        """Ask for the numbers by one transfer; calling what comes back waits for it."""
        tensors = (out.embedding, out.attention, out.boxes, *out.probabilities)
        flat = torch.cat([t.flatten(1) for t in tensors], 1)
        shapes = [tuple(t.shape) for t in tensors]
        arrived = None
        if self.on_gpu:
            host = torch.empty(flat.shape, pin_memory=True)
            flat = host.copy_(flat, non_blocking=True)
            arrived = torch.cuda.Event()
            arrived.record(torch.cuda.current_stream(self._device))

        def finish() -> Looked:
            if arrived is not None:
                arrived.synchronize()
            widths = [int(np.prod(shape[1:])) for shape in shapes]
            parts = np.split(flat.numpy().copy(), np.cumsum(widths)[:-1], axis=1)
            embedding, attention, boxes, *read = (p.reshape(s) for p, s in zip(parts, shapes, strict=True))
            return Looked(embedding, attention, boxes, tuple(read))

        return finish
