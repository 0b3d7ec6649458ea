"""The steps of a stage: forward, losses, gradients from all pieces and processes, then one step of the optimiser."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from asen_core.errors import DataError
from asen_core.models import Model, reads
from asen_core.training.dataset import Examples, GarmentDataset, MixedBatches, collate
from asen_core.training.parts import PartBatches, Parts
from asen_core.training.processes import Processes
from asen_core.training.stage import parameter_groups, step_loss
from asen_core.training.stages import Stage
from asen_core.training.state import State
from asen_core.training.triplets import TripletBatches, known_triplets, triplet_terms
from asen_core.training.triplets import parameter_groups as groups_by_name

Terms = dict[str, Tensor]
_OPTIMIZERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}


@dataclass(frozen=True)
class Effort:
    """How a run uses its machine; it changes the outcome by the noise of the arithmetic alone, but for batch norms that are
    trained: those take the statistics of a piece (all processes together on GPUs, each alone on CPUs), not of the whole step.
    The norm of CSN's embeddings, too, is taken of a piece.

    precision: "bf16", "fp16" (GPU only) or "float32" for convolutions and products. micro_batch: triplets that a process
    takes at once, 0 for its whole share of a step. save_minutes: how often the state is written within an epoch. workers:
    processes that read photos, None for two, or on a GPU for up to eight of its share of the cores.
    """

    precision: str = "bf16"
    micro_batch: int = 0
    save_minutes: float = 10.0
    workers: int | None = None

    def readers(self, team: Processes) -> int:
        """Processes that read photos for one of the team."""
        if self.workers is not None:
            return self.workers
        return 2 if team.device.type == "cpu" else max(2, min(8, (os.cpu_count() or 2) // team.count))


class _TripletLoss(nn.Module):
    """The terms of a piece as a module's pass, which is what processes share gradients of."""

    def __init__(self, model: Model, stage: Stage, precision: torch.dtype) -> None:
        super().__init__()
        self.model = model
        self._weights, self._precision = stage.loss, precision

    def forward(self, batch: Examples, attributes: Tensor, counted: Tensor) -> Terms:
        """As of `triplet_terms`."""
        return triplet_terms(self.model, batch, attributes, self._weights, self._precision, counted)


@dataclass
class Steps:
    """A stage's optimiser and the steps that it takes, resumed from where `state` stands; `parts` is this process's share."""

    state: State
    stage: Stage
    team: Processes
    precision: torch.dtype
    parts: Parts
    optimizer: torch.optim.Optimizer = field(init=False)
    scaler: torch.amp.GradScaler = field(init=False)

    def __post_init__(self) -> None:
        model, stage = self.state.model, self.stage
        groups = (groups_by_name if stage.sampling == "triplets" else parameter_groups)(model, stage)
        self.optimizer = _OPTIMIZERS[stage.optimizer](groups, weight_decay=stage.weight_decay)
        self.scaler = torch.amp.GradScaler(self.team.device.type, enabled=self.precision == torch.float16)
        if self.state.optimizer is not None:
            self.optimizer.load_state_dict(self.state.optimizer)
        if self.state.scaler:
            self.scaler.load_state_dict(self.state.scaler)
        self._trained = [p for g in self.optimizer.param_groups for p in g["params"]]
        self._loss: nn.Module = _TripletLoss(model, stage, self.precision)
        if self.team.count > 1:
            # On GPUs batch norms take their statistics over all processes (`loop`); on CPUs each over its own share, and the
            # first process's running ones are everybody's.
            unused = reads(model.config)
            self._loss = DistributedDataParallel(self._loss, find_unused_parameters=unused, gradient_as_bucket_view=True)

    def epoch(self, dataset: GarmentDataset, seed: tuple[int, ...], effort: Effort, done: Callable[[], None]) -> None:
        """The steps that are left of the epoch; `done` is called after each, when the state may be saved.

        All draws depend on `seed` = (run, stage, epoch), so a resumed run sees what an undisturbed one would have.
        """
        state, stage = self.state, self.stage
        state.model.train(stage.batch_norms)
        generator = torch.Generator().manual_seed(hash(seed) % 2**62)
        if state.step and state.draws is not None:
            generator.set_state(state.draws)
        batches = _batches(dataset, stage, seed)
        workers = effort.readers(self.team)
        loader = DataLoader(
            dataset, batch_sampler=PartBatches(batches, self.parts, state.step), collate_fn=collate, num_workers=workers,
            prefetch_factor=3 if workers else None,
        )  # fmt: skip
        pieces = iter(loader)
        for i in range(state.step, stage.steps):
            step = seed[-1] * stage.steps + i
            for group in self.optimizer.param_groups:
                group["lr"] = group["peak"] * rate_factor(step, stage)
            terms = self._step(pieces, batches, i, generator)
            if stage.average:
                state.average.update(state.model, stage.average, step)
            for name, value in terms.items():
                state.sums[name] = state.sums.get(name, 0.0) + float(value)
            state.step, state.draws = i + 1, generator.get_state()
            done()

    def keep(self) -> None:
        """Bring the state up to the optimiser and the weights, so that it can be saved or looked at."""
        self.state.optimizer, self.state.scaler = self.optimizer.state_dict(), self.scaler.state_dict()
        if not self.stage.average:
            self.state.average.follow(self.state.model)

    def _step(
        self, pieces: Iterator[Examples], batches: MixedBatches | TripletBatches, i: int, generator: torch.Generator
    ) -> Terms:  # fmt: skip
        """One step; the mean of its loss terms over this process's pieces."""
        self.optimizer.zero_grad(set_to_none=True)
        mine = [moved(_read(pieces), self.team.device) for _ in range(self.parts.pieces)]
        if isinstance(batches, TripletBatches):
            sums = self._triplets(mine, self.parts.attributes(batches.attributes[i]))
        else:
            sums = step_loss(self.state.model, mine[0], self.stage, generator, self.precision)
            self._backward(sums)
        if self.stage.clip:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self._trained, self.stage.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return {name: value.detach() for name, value in sums.items()}

    def _triplets(self, mine: list[Examples], attributes: list[Tensor]) -> Terms:
        known = torch.stack([known_triplets(b, a).sum() for b, a in zip(mine, attributes, strict=True)]).sum()
        counted = self.team.summed(known).clamp(min=1) / (self.parts.count * self.parts.pieces)
        sums: Terms = {}
        for i, (batch, asked) in enumerate(zip(mine, attributes, strict=True), 1):
            waits = isinstance(self._loss, DistributedDataParallel) and i < len(mine)
            with self._loss.no_sync() if waits else nullcontext():
                terms = {n: v / len(mine) for n, v in self._loss(batch, asked, counted).items()}
                self._backward(terms)
            sums = {n: sums.get(n, 0) + v.detach() for n, v in terms.items()}
        return sums

    def _backward(self, terms: Terms) -> None:
        self.scaler.scale(torch.stack(list(terms.values())).sum()).backward()


def _read(pieces: Iterator[Examples]) -> Examples:
    """The next piece. Raises: DataError; from another process it comes with that one's traceback as its text."""
    try:
        return next(pieces)
    except DataError as error:
        raise DataError(str(error).rpartition(f"{DataError.__name__}: ")[2].strip()) from None


def _batches(dataset: GarmentDataset, stage: Stage, seed: tuple[int, ...]) -> MixedBatches | TripletBatches:
    if stage.sampling == "triplets":
        return TripletBatches(dataset, stage.triplets, stage.steps, seed)
    return MixedBatches(dataset, stage.batch, stage.steps, seed)


def rate_factor(step: int, stage: Stage) -> float:
    """Learning-rate factor in (0, 1] at a step of the stage, from 0.

    Linear warm-up, then a cosine down to the floor, or a decay after every so many epochs.
    """
    if step < stage.warmup:
        return (step + 1) / stage.warmup
    if stage.decay_every:
        return stage.decay ** int(step / (stage.decay_every * stage.steps))
    done = (step - stage.warmup) / max(1, stage.epochs * stage.steps - stage.warmup)
    return stage.floor + (1 - stage.floor) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def moved(batch: Examples, device: torch.device) -> Examples:
    """The batch on a device; on the CPU it is returned as it is."""
    if device.type == "cpu":
        return batch
    sources = [s.to(device) for s in batch.sources]
    tensors = (batch.labels, batch.target, batch.inside, batch.answers)
    return Examples(batch.images.to(device), sources, batch.frames, *(t.to(device) for t in tensors))
