"""A step's photos in parts: one for each process, and of each as many as fit into memory at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from torch import Tensor
from torch.utils.data import Sampler

from asen_core.errors import DataError
from asen_core.training.dataset import MixedBatches, Ticket
from asen_core.training.stages import Stage
from asen_core.training.triplets import TripletBatches


@dataclass(frozen=True)
class Parts:
    """How a step of a stage is shared: by `count` processes, of which this one is number `rank`, in `pieces` each."""

    rank: int = 0
    count: int = 1
    pieces: int = 1

    @classmethod
    def of(cls, stage: Stage, rank: int, count: int, micro_batch: int) -> Parts:
        """Equal parts of at most `micro_batch` triplets, 0 for all at once.

        Raises: DataError where the stage's step can't be shared so.
        """
        if stage.sampling == "mixed":
            if count > 1 or micro_batch:
                raise DataError(
                    f"Stage {stage.name} compares all photos of a step with each other, so a step can't be shared; train it in "
                    "one process without --micro-batch, or take a recipe of triplets."
                )
            return cls()
        triplets = stage.triplets
        if triplets % count:
            raise DataError(
                f"{triplets} triplets a step can't be shared evenly by {count} processes; start {_divisors(triplets)}."
            )
        share = triplets // count
        size = min(micro_batch or share, share)
        if share % size:
            raise DataError(
                f"{share} triplets a step and process can't be cut into pieces of {size}; give --micro-batch "
                f"{_divisors(share)}."
            )
        return cls(rank, count, share // size)

    def tickets(self, step: list[Ticket]) -> list[list[Ticket]]:
        """This process's pieces of a step's tickets."""
        size = len(step) // (self.count * self.pieces)
        first = self.rank * self.pieces
        return [step[size * i : size * (i + 1)] for i in range(first, first + self.pieces)]

    def attributes(self, step: Tensor) -> list[Tensor]:
        """The same of a step's attributes (triplets,)."""
        return list(step.reshape(self.count, self.pieces, -1)[self.rank])


class PartBatches(Sampler[list[Ticket]]):
    """This process's pieces of the steps from number `start` on, one after the other."""

    def __init__(self, batches: MixedBatches | TripletBatches, parts: Parts, start: int) -> None:
        self._batches, self._parts, self._start = batches, parts, start

    def __len__(self) -> int:
        return (len(self._batches) - self._start) * self._parts.pieces

    def __iter__(self) -> Iterator[list[Ticket]]:
        for step in islice(self._batches, self._start, None):
            yield from self._parts.tickets(step)


def _divisors(n: int) -> str:
    *most, last = [str(i) for i in range(1, n + 1) if n % i == 0]
    return f"{', '.join(most)} or {last}" if most else last
