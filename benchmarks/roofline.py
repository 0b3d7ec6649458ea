"""What a network must do, and what this machine can do at most: multiply-adds, bytes, and the seconds that follow from them.

Williams, Waterman and Patterson, "Roofline", CACM 2009: a piece of work takes at least the longer of its operations over the
machine's peak and its bytes over the machine's bandwidth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn

BLOCKS_MB = (1, 4, 16, 64, 256)
"""Bandwidth is measured for pieces of so many megabytes: what fits a cache goes several times as fast as what doesn't."""
SIDES = (768, 1536)


@dataclass(frozen=True)
class Work:
    """macs: multiply-adds in float32; bytes: that must be read or written once."""

    macs: float
    bytes: float


@dataclass(frozen=True)
class Peaks:
    """What was measured: gflops (10^9 float32 operations a second), gb: megabytes of a piece -> 10^9 bytes a second."""

    gflops: float
    gb: Mapping[int, float]

    def seconds(self, pieces: Sequence[Work]) -> float:
        """The least time for pieces of work that follow each other."""
        return sum(max(2 * p.macs / (self.gflops * 1e9), p.bytes / (self._gb(p.bytes) * 1e9)) for p in pieces)

    def _gb(self, count: float) -> float:
        return self.gb[next((mb for mb in sorted(self.gb) if count <= mb * 1e6), max(self.gb))]


def peaks(rounds: int = 15) -> Peaks:
    """This machine's, with as many threads as the process has: the best of some rounds of numpy's and torch's own routines."""
    return Peaks(round(_gflops(rounds), 1), {mb: round(_gb(mb, rounds), 1) for mb in BLOCKS_MB})


def _gflops(rounds: int) -> float:
    import torch

    found = []
    for side in SIDES:
        a = np.random.default_rng(0).random((side, side), np.float32)
        out, t = np.empty_like(a), torch.from_numpy(a)
        into = torch.empty_like(t)
        ways: list[Callable[[], Any]] = [partial(np.matmul, a, a, out=out), partial(torch.mm, t, t, out=into)]
        found += [2 * side**3 / _best(way, rounds) for way in ways]
    return max(found) / 1e9


def _gb(megabytes: int, rounds: int) -> float:
    """Reading half of a piece and writing the other half, by all threads."""
    import torch

    source = torch.zeros(max(1, megabytes * 1_000_000 // 8), dtype=torch.float32)
    target, times = torch.empty_like(source), max(1, 64 // megabytes)

    def copied() -> None:
        for _ in range(times):
            target.copy_(source)

    return 2 * 4 * source.numel() * times / _best(copied, rounds) / 1e9


def _best(way: Callable[[], Any], rounds: int) -> float:
    way()
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        way()
        took.append(time.perf_counter() - began)
    return min(took)


@contextmanager
def counted(module: nn.Module) -> Iterator[list[Work]]:
    """The convolutions and linear layers that run inside `module` meanwhile, each as a piece of work in float32."""
    from torch import nn

    pieces: list[Work] = []

    def hook(layer: nn.Module, given: tuple[Any, ...], out: Any) -> None:
        kernel = layer.weight
        each = kernel[0].numel()  # multiply-adds for one number of the output
        moved = given[0].numel() + out.numel() + sum(p.numel() for p in layer.parameters())
        pieces.append(Work(out.numel() * each, 4 * moved))

    layers = [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    handles = [layer.register_forward_hook(hook) for layer in layers]
    try:
        yield pieces
    finally:
        for handle in handles:
            handle.remove()


def added(pieces: Sequence[Work]) -> Work:
    """All of them as one."""
    return Work(sum(p.macs for p in pieces), sum(p.bytes for p in pieces))
