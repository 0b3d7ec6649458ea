"""A GPU whose memory runs out: smaller batches, then the processor for a while, and a sentence for whoever waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from asen_core.engine.runtime import Looked, Runtime
from asen_core.types import Frame, Garment

NOTICE = "The graphics card's memory is full; photos are looked at on the processor, which takes longer."
REST = 60.0
"""Seconds after which a size that didn't fit is tried again: whoever had the memory may have gone."""
_FULL = ("out of memory", "ALLOC_FAILED")


@dataclass(frozen=True)
class Asked:
    """What `Runtime.run` is given."""

    garments: Sequence[Garment]
    inputs: np.ndarray
    frames: Sequence[Frame]
    wanted: Sequence[int]
    given: np.ndarray | None = None

    def part(self, start: int, stop: int) -> Asked:
        """Some of the photos."""
        given = None if self.given is None else self.given[start:stop]
        return Asked(self.garments[start:stop], self.inputs[start:stop], self.frames[start:stop], self.wanted, given)

    def by(self, runtime: Runtime) -> Looked:
        """As `Runtime.run`."""
        return runtime.run(self.garments, self.inputs, self.frames, self.wanted, self.given)


class Fitting:
    """Runs batches in parts that fit a GPU's memory. Called by one thread at a time; `notice` may be read by any.

    run: looks at a batch on the GPU; release: frees what can be made again; fallback: gives the runtime on the processor, and
    is called only when that is needed; clock: seconds.
    """

    def __init__(
        self, run: Callable[[Asked], Looked], release: Callable[[], None], fallback: Callable[[], Runtime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._run, self._release, self._fallback, self._clock = run, release, fallback, clock
        self._processor: Runtime | None = None
        self._most: int | None = None  # photos that fit at once; 0: none; None: no limit is known
        self._since = 0.0
        self.notice = ""

    def __call__(self, asked: Asked) -> Looked:
        """All of the photos, in their order. Raises: what `run` and the fallback raise, but not for the GPU's memory."""
        if self._most is not None and self._clock() - self._since >= REST:
            self._most = None
        rest, done = asked, []
        while rest.garments or not done:
            size = len(rest.garments) if self._most is None else self._most
            looked = self._tried(rest.part(0, size)) if size or self._most is None else self._on_processor(rest)
            if looked is not None:
                done.append(looked)
                rest = rest.part(len(looked.embedding), len(rest.garments))
        return joined(done)

    def _tried(self, some: Asked) -> Looked | None:
        """None where it didn't fit; less is tried then."""
        try:
            looked = self._run(some)
        except RuntimeError as error:
            if not full(error):
                raise
        else:
            self.notice = ""
            return looked
        # Out here the error is gone, and with it what its frames held on the GPU.
        self._most, self._since = len(some.garments) // 2, self._clock()
        self._release()
        return None

    def _on_processor(self, some: Asked) -> Looked:
        if self._processor is None:
            self._processor = self._fallback()
        self.notice = NOTICE
        return some.by(self._processor)


def full(error: BaseException) -> bool:
    """Whether a GPU's memory ran out: torch, cuDNN, cuBLAS and the driver each say it in their own way."""
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in _FULL)


def joined(parts: Sequence[Looked]) -> Looked:
    """Parts of a batch as one; at least one part."""
    if len(parts) == 1:
        return parts[0]
    arrays = (np.concatenate([getattr(p, name) for p in parts]) for name in ("embedding", "attention", "boxes"))
    return Looked(*arrays, tuple(np.concatenate(some) for some in zip(*(p.probabilities for p in parts), strict=True)))
