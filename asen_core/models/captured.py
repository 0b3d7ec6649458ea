"""A stage of a network replayed from a recording of its kernels, so that a small batch doesn't wait for their launching."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from asen_core.models.staged import Stage

SIZES = (1, 4, 16, 32, 64, 128)
"""Batch sizes that are recorded, each when it first comes; a batch is filled up to the next of them."""
_WARM_UP = 3

Replay = Callable[[], tuple[Tensor, ...]]
"""Computes a stage on the tensors that it was recorded with, from what they hold now."""


class Captured:
    """A stage with one recording per batch size; where there is none or it disagrees, the stage itself runs.

    record: makes a `Replay` of a stage and its inputs; notes: gets a sentence for each size that was given up. What a call
    returns holds until the next call. Not safe to call from two threads at once.
    """

    def __init__(
        self, stage: Stage, notes: list[str], record: Callable[[Stage, tuple[Tensor, ...]], Replay],
        sizes: Sequence[int] = SIZES,
    ) -> None:  # fmt: skip
        self._stage, self._notes, self._record, self._sizes = stage, notes, record, sorted(sizes)
        self._held: dict[int, tuple[tuple[Tensor, ...], Replay]] = {}
        self._given_up: set[int] = set()

    def __call__(self, *given: Tensor) -> tuple[Tensor, ...]:
        """As the stage. Raises: torch.OutOfMemoryError as the stage does."""
        count = len(given[0])
        size = next((s for s in self._sizes if s >= count), 0)
        if not count or not size or size in self._given_up or (size not in self._held and not self._recorded(size, given)):
            return self._stage(*given)
        inputs, replay = self._held[size]
        for mine, theirs in zip(inputs, given, strict=True):
            mine[:count].copy_(theirs, non_blocking=True)
        return tuple(part[:count] for part in replay())

    def release(self) -> None:
        """Forget all recordings, and with them the memory that they hold; sizes are recorded anew when they come."""
        self._held.clear()

    def _recorded(self, size: int, given: tuple[Tensor, ...]) -> bool:
        # Filled up with photos that are there: of zeros come numbers that aren't finite, which compare with nothing.
        inputs = tuple(torch.cat([t, t[:1].expand(size - len(t), *t.shape[1:])]) for t in given)
        try:
            replay = self._record(self._stage, inputs)
            _change(inputs)  # a recording that doesn't read them would agree with what it was made of
            reason = "" if _alike(replay(), self._stage(*inputs)) else "it disagrees with what it was recorded from"
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
        if reason:
            self._given_up.add(size)
            self._notes.append(f"A recording for {size} photos was given up ({reason}); these run unrecorded.")
            return False
        self._held[size] = (inputs, replay)
        return True


def on_cuda(stage: Stage, inputs: tuple[Tensor, ...]) -> Replay:
    """Record a stage as a CUDA graph. Raises: RuntimeError where something in it can't be recorded."""
    with torch.cuda.device(inputs[0].device):
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UP):
                stage(*inputs)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # Other threads pin memory while they read photos, which a recording of the whole process would forbid.
        # The stream is its own: torch's would be one for all devices, made on the first of them.
        own = torch.cuda.Stream(inputs[0].device)
        with torch.cuda.graph(graph, stream=own, capture_error_mode="thread_local"):
            outputs = stage(*inputs)

    def replay() -> tuple[Tensor, ...]:
        graph.replay()
        return outputs

    return replay


def _change(inputs: Sequence[Tensor]) -> None:
    """Put other numbers of the same kind into tensors: pictures and embeddings turned by half, rows of places made smaller."""
    for t in inputs:
        t.copy_(t.roll(max(1, t.shape[-1] // 2), -1) if t.dim() > 2 else t * 0.75)  # a scale must not become 0


def _alike(replayed: Sequence[Tensor], run: Sequence[Tensor]) -> bool:
    """Equal within a hundredth of the largest number; the same kernels give the same bits, a fault gives anything."""
    for mine, theirs in zip(replayed, run, strict=True):
        if theirs.numel() and not torch.allclose(mine, theirs, rtol=0, atol=0.01 * max(1.0, float(theirs.abs().max()))):
            return False
    return True
