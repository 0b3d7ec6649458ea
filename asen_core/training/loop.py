"""A whole training run: stages, epochs, state on disk while it runs, checkpoint at the end."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from rich.console import Console
from torch import nn

from asen_core import __version__, checkpoint
from asen_core.errors import DataError
from asen_core.models import Model, build_model
from asen_core.training.dataset import GarmentDataset
from asen_core.training.epoch import Effort, Steps
from asen_core.training.parts import Parts
from asen_core.training.precision import precision_of
from asen_core.training.pretrained import Begin, load_trunks
from asen_core.training.processes import Processes, processes
from asen_core.training.pseudo import pseudo_labels
from asen_core.training.recipe import Recipe, load_recipe
from asen_core.training.rendered import rendered_photos
from asen_core.training.report import Report
from asen_core.training.source import Source, open_source, vocabulary_of
from asen_core.training.stage import WeightAverage
from asen_core.training.stages import Stage
from asen_core.training.start import keep, start_from
from asen_core.training.state import STATE, State


@dataclass
class _Run:
    """What every part of a run needs."""

    plan: Recipe
    data: Path
    out: Path
    team: Processes
    effort: Effort
    precision: torch.dtype
    parts: tuple[Parts, ...]
    report: Report
    state: State

    def save(self) -> None:
        if self.team.first:
            self.state.save(self.out / STATE, self.plan)


def run(
    recipe: str | Recipe, data: Path, out: Path, device: str = "auto", fresh: bool = False, begin: Begin | None = None,
    effort: Effort | None = None,
) -> Path:  # fmt: skip
    """Train as a recipe says and return the checkpoint directory `out`/checkpoint.

    A run that was stopped goes on where its state was last written; `fresh` starts over. begin: the weights to start from;
    effort: how the machine is used. Where `torchrun` started several processes, they train together.

    Raises: DataError, CheckpointError.
    """
    plan = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    begin, effort = begin or Begin(), effort or Effort()
    with processes(device) as team, Report(Console(stderr=True, quiet=not team.first), plan) as report, ExitStack() as held:
        parts = tuple(Parts.of(s, team.rank, team.count, effort.micro_batch) for s in plan.stages)
        precision = precision_of(effort.precision, team.device)
        source = open_source(plan, data, team.device)
        held.enter_context(_alone(out, team))
        state = _start(plan, data, out, team, fresh, begin)
        job = _Run(plan, data, out, team, effort, precision, parts, report, state)
        _keep_to(state, source, out)
        for remark in source.remarks:
            report.line(remark)
        dataset = _dataset(job, source)
        for index in range(state.stage, len(plan.stages)):
            if plan.stages[index].pseudo:
                dataset = _with_pseudo_labels(job, plan.stages[index], dataset, source)
            _run_stage(job, index, dataset, source)
        if team.first:
            with state.average.applied(state.model):
                if plan.keep_start:
                    keep(state.model, state.begun, plan.keep_start)
                _export(job, dataset, source)
        team.wait()
    return out / "checkpoint"


@contextmanager
def _alone(out: Path, team: Processes) -> Iterator[None]:
    """Hold the folder of a run; it is free again when the process ends. Raises: DataError where another run holds it."""
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", timeout=0) if team.first else nullcontext():
            yield
    except Timeout:
        raise DataError(f"Another run trains in {out}; wait until it has ended, or give another --out.") from None


def _start(plan: Recipe, data: Path, out: Path, team: Processes, fresh: bool, begin: Begin) -> State:
    torch.manual_seed(plan.seed)
    model = build_model(plan.model, vocabulary_of(plan, data)).eval()
    path = out / STATE
    resumed = path.exists() and not fresh
    started_from = start_from(model, begin.start) if begin.start and not resumed else ""
    if plan.keep_start and not (started_from or resumed):
        raise DataError(f"The recipe {plan.name} goes on from a trained model; give its checkpoint with --start.")
    if (plan.trunk_weights or begin.trunk or begin.local_trunk) and not (started_from or resumed):
        load_trunks(model, plan.trunk_weights, data, begin)
    model = _together(model, team).to(team.device, memory_format=torch.channels_last)
    state = State(model, WeightAverage(model), started_from=started_from)
    if plan.keep_start:
        state.begun = {n: p.detach().clone() for n, p in model.named_parameters()}
    if resumed:
        state.load(path, plan)
    team.wait()  # a process that is late must not find a state that another has written since
    return state


def _keep_to(state: State, source: Source, out: Path) -> None:
    """Note which photos a run learns from. Raises: DataError where it has begun with others."""
    if state.data and state.data != source.digest:
        raise DataError(
            f"{out} holds a run on another training list ({state.data}, now {source.digest}); give the --data that it began "
            "with, another --out, or --fresh to start over."
        )
    state.data = source.digest


def _together(model: Model, team: Processes) -> Model:
    """The model with batch norms that take their statistics over all processes, where there are several with a GPU each."""
    several = team.count > 1 and team.device.type == "cuda"
    return nn.SyncBatchNorm.convert_sync_batchnorm(model) if several else model


def _dataset(job: _Run, source: Source) -> GarmentDataset:
    plan, drawn, masks = job.plan, [], {}
    if plan.rendered:
        for mine in (True, False):  # the first process draws, the others read what it drew
            if job.team.first is mine:
                drawn, masks = rendered_photos(job.out / "rendered", plan.rendered, plan.seed, job.report.bar, plan.dataset)
            job.team.wait()
    photos = source.photos + drawn
    return GarmentDataset(photos, masks, source.vocabulary, plan.model, changed=plan.augment, also=source.also)


def _with_pseudo_labels(job: _Run, stage: Stage, dataset: GarmentDataset, source: Source) -> GarmentDataset:
    """The dataset with what the model reads surely now; the readings are kept beside the run for when it is resumed."""
    state, validation = job.state, source.validation
    kept, resumed = job.out / f"pseudo-{stage.name}.json", state.epoch > 0 or state.step > 0
    with state.average.applied(state.model):
        if not resumed:
            validation.calibrate(state.model)
        found = pseudo_labels(validation.engine(state.model), dataset.photos, stage.pseudo, kept, resumed)
    return dataset.with_pseudo(found)


def _run_stage(job: _Run, index: int, dataset: GarmentDataset, source: Source) -> None:
    state, stage = job.state, job.plan.stages[index]
    steps = Steps(state, stage, job.team, job.precision, job.parts[index])
    job.report.stage(index, state)
    for epoch in range(state.epoch, stage.epochs):
        entry = _train_epoch(job, steps, dataset, (job.plan.seed, index, epoch))
        if (epoch + 1) % stage.validate == 0 or epoch + 1 == stage.epochs:
            job.save()  # before minutes of looking at photos
            entry |= _validate(job, source, epoch)
        state.history.append(entry)
        state.seconds += state.epoch_seconds
        state.images += stage.steps * stage.photos
        state.epoch, state.step, state.sums, state.draws, state.epoch_seconds = epoch + 1, 0, {}, None, 0.0
        job.save()
        job.report.line(json.dumps(entry))  # what was told is kept
    if state.best:
        state.model.load_state_dict(state.best["model"])
    if stage.best:
        job.team.share(state.model)
        state.average.follow(state.model)
    state.stage, state.epoch, state.optimizer, state.scaler, state.best = index + 1, 0, None, {}, {}
    job.save()


def _train_epoch(job: _Run, steps: Steps, dataset: GarmentDataset, seed: tuple[int, ...]) -> dict[str, Any]:
    """Train what is left of an epoch, writing the state now and then; its entry in the log."""
    state, stage, epoch = job.state, steps.stage, seed[-1]
    began, saved = time.monotonic(), time.monotonic()
    before = state.epoch_seconds

    def done() -> None:
        nonlocal saved
        now = time.monotonic()
        state.epoch_seconds = before + now - began
        job.report.step(state, stage)
        if now - saved >= 60 * job.effort.save_minutes and state.step < stage.steps:
            steps.keep()
            job.save()
            saved = time.monotonic()

    if state.step < stage.steps:
        steps.epoch(dataset, seed, job.effort, done)
        steps.keep()
    means = {name: round(value / stage.steps, 4) for name, value in _over_processes(job.team, state.sums).items()}
    speed = stage.steps * stage.photos / state.epoch_seconds
    return {**means, "stage": stage.name, "epoch": epoch + 1, "photos_per_second": round(speed, 1)}


def _over_processes(team: Processes, sums: dict[str, float]) -> dict[str, float]:
    values = team.summed(torch.tensor(list(sums.values()), dtype=torch.float64, device=team.device)) / team.count
    return dict(zip(sums, values.tolist(), strict=True))


def _validate(job: _Run, source: Source, epoch: int) -> dict[str, Any]:
    """Figures on the valid split, taken by the first process while the others wait; the stage's best epoch so far is kept."""
    state, stage, found = job.state, job.plan.stages[job.state.stage], {}
    if job.team.first:
        with state.average.applied(state.model):
            found = dict(source.validation.figures(state.model, stage.local))
            score = found[source.validation.best_by]
            if stage.best and score > state.best.get("score", -1.0):
                weights = {k: v.detach().cpu().clone() for k, v in state.model.state_dict().items()}
                state.best = {"score": score, "epoch": epoch + 1, "model": weights}
    job.team.wait()
    return found


def _export(job: _Run, dataset: GarmentDataset, source: Source) -> None:
    state, plan, effort = job.state, job.plan, job.effort
    temperatures = source.validation.calibrate(state.model)
    figures = source.validation.figures(state.model)
    provenance = {
        "recipe": plan.name, "started_from": state.started_from, "recipe_text": plan.text, "seed": plan.seed,
        "version": __version__, "dataset": plan.dataset, "lists": source.origin, "lists_digest": source.digest,
        "photos": len(dataset.photos) - len(dataset.masks), "rendered": len(dataset.masks),
        "images_seen": state.images, "images_asked": plan.images, "only": list(plan.only),
        "train_minutes": round(state.seconds / 60, 1), "processes": job.team.count, "precision": effort.precision,
        "reading_factors": temperatures, "torch": torch.__version__, "machine": platform.machine(),
    }  # fmt: skip
    checkpoint.save(job.out / "checkpoint", state.model, provenance, {"valid": figures})
