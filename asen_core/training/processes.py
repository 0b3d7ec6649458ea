"""One training run on several processes, as `torchrun` starts them: each takes its share of a step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed

from asen_core.errors import DataError

_PATIENCE = timedelta(hours=4)
"""How long processes wait for the first one, which alone validates."""


@dataclass(frozen=True)
class Processes:
    """Which of `count` processes this one is, from 0, and its device."""

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process prints, validates and writes."""
        return self.rank == 0

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self.count > 1:
            distributed.barrier()

    def summed(self, value: Tensor) -> Tensor:
        """The sum over all processes, the same on each."""
        if self.count > 1:
            distributed.all_reduce(value)
        return value

    def share(self, module: torch.nn.Module) -> None:
        """Give the first process's weights and statistics to the others."""
        if self.count > 1:
            for tensor in module.state_dict().values():
                distributed.broadcast(tensor, 0)


@contextmanager
def processes(device: str) -> Iterator[Processes]:
    """The processes of this run: those that `torchrun` started, each on a GPU of its own where it can be, or just this one.

    device: "auto" (a GPU where there is one), "cpu", "cuda" or "cuda:1".

    Raises: DataError where there are more processes than GPUs.
    """
    kind = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(0, 1, torch.device(kind))
        return
    own = torch.device(kind)
    if own.type == "cuda":
        number, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if number >= there:
            raise DataError(f"Process {number + 1} of this machine has no GPU of its own, there are {there}; start fewer.")
        own = torch.device("cuda", number)
        torch.cuda.set_device(own)
    given = own if own.type == "cuda" else None
    distributed.init_process_group("nccl" if given else "gloo", timeout=_PATIENCE, device_id=given)
    try:
        yield Processes(distributed.get_rank(), count, own)
    finally:
        distributed.destroy_process_group()
