"""A whole training run: stages, epochs, state on disk after each epoch, checkpoint at the end."""

from __future__ import annotations

import json
import math
import os
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.data import DataLoader

from asen_core import __version__, checkpoint
from asen_core.data.collection import collect
from asen_core.data.vocabulary import DEFAULT
from asen_core.errors import DataError
from asen_core.models import Model, build_model
from asen_core.training.dataset import Examples, GarmentDataset, MixedBatches, collate
from asen_core.training.pretrained import load_mobilenet
from asen_core.training.pseudo import pseudo_labels
from asen_core.training.recipe import Recipe, Stage, load_recipe
from asen_core.training.rendered import rendered_photos
from asen_core.training.stage import WeightAverage, parameter_groups, step_loss
from asen_core.training.start import keep, start_from
from asen_core.training.triplets import TripletBatches, triplet_terms
from asen_core.training.triplets import parameter_groups as groups_by_name
from asen_core.training.validation import Validation

STATE = "state.pt"


@dataclass
class _State:
    """Where a run stands; everything that the next epoch depends on."""

    model: Model
    average: WeightAverage
    stage: int = 0
    epoch: int = 0
    optimizer: dict[str, Any] | None = None
    seconds: float = 0.0
    images: int = 0
    started_from: str = ""
    begun: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)

    def save(self, path: Path, recipe: Recipe) -> None:
        values = {
            "recipe": recipe.text, "model": self.model.state_dict(), "average": self.average.shadow, "stage": self.stage,
            "epoch": self.epoch, "optimizer": self.optimizer, "seconds": self.seconds, "images": self.images,
            "started_from": self.started_from, "begun": self.begun, "history": self.history,
        }  # fmt: skip
        part = path.with_suffix(".part")
        torch.save(values, part)
        os.replace(part, path)

    def load(self, path: Path, recipe: Recipe) -> None:
        values = torch.load(path, weights_only=True)
        if values["recipe"] != recipe.text:
            raise DataError(f"{path.parent} holds a run of another recipe; give another --out, or --fresh to start over.")
        self.model.load_state_dict(values["model"])
        self.average.shadow = values["average"]
        for name in ("stage", "epoch", "optimizer", "seconds", "images", "started_from", "begun", "history"):
            setattr(self, name, values[name])


def run(
    recipe: str | Recipe, data: Path, out: Path, device: str = "auto", fresh: bool = False, trunk: Path | None = None,
    start: Path | None = None,
) -> Path:  # fmt: skip
    """Train as a recipe says and return the checkpoint directory `out`/checkpoint.

    A run that was stopped goes on after its last complete epoch; `fresh` starts over. trunk: the file of pretrained weights
    to start from, None for the place that the recipe names below `data`; start: a checkpoint to go on from instead.

    Raises: DataError, CheckpointError.
    """
    plan = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    chosen = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    out.mkdir(parents=True, exist_ok=True)
    state = _start(plan, trunk or data / plan.trunk_weights, out, chosen, fresh, start)
    console = Console(stderr=True)
    with _progress(console) as progress:
        photos = collect(data, "train", plan.only)
        drawn, masks = rendered_photos(out / "rendered", plan.rendered, plan.seed, progress) if plan.rendered else ([], {})
        dataset = GarmentDataset(photos + drawn, masks, DEFAULT, plan.model)
        validation = Validation.of(data, chosen)
        for index in range(state.stage, len(plan.stages)):
            if plan.stages[index].pseudo:
                dataset = _with_pseudo_labels(state, plan.stages[index], dataset, validation, out)
            _run_stage(state, plan, index, dataset, validation, out, progress, chosen)
    with state.average.applied(state.model):
        if plan.keep_start:
            keep(state.model, state.begun, plan.keep_start)
        return _export(state, plan, dataset, validation, out)


def _with_pseudo_labels(
    state: _State, stage: Stage, dataset: GarmentDataset, validation: Validation, out: Path
) -> GarmentDataset:  # fmt: skip
    """The dataset with what the model reads surely now; the readings are kept beside the run for when it is resumed."""
    kept, resumed = out / f"pseudo-{stage.name}.json", state.epoch > 0
    with state.average.applied(state.model):
        if not resumed:
            validation.calibrate(state.model)
        found = pseudo_labels(validation.engine(state.model), dataset.photos, stage.pseudo, kept, resumed)
    return GarmentDataset(dataset.photos, dataset.masks, dataset.vocabulary, dataset.config, found)


def _start(plan: Recipe, trunk: Path, out: Path, device: torch.device, fresh: bool, start: Path | None) -> _State:
    torch.manual_seed(plan.seed)
    model = build_model(plan.model, DEFAULT).eval()
    path = out / STATE
    resumed = path.exists() and not fresh
    started_from = start_from(model, start) if start and not resumed else ""
    if plan.keep_start and not (started_from or resumed):
        raise DataError(f"The recipe {plan.name} goes on from a trained model; give its checkpoint with --start.")
    if plan.trunk_weights and not (started_from or resumed):
        load_mobilenet(model, trunk)
    model = model.to(device, memory_format=torch.channels_last)
    state = _State(model, WeightAverage(model), started_from=started_from)
    if plan.keep_start:
        state.begun = {n: p.detach().clone() for n, p in model.named_parameters()}
    if resumed:
        state.load(path, plan)
    return state


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)


def _run_stage(
    state: _State, plan: Recipe, index: int, dataset: GarmentDataset, validation: Validation, out: Path,
    progress: Progress, device: torch.device,
) -> None:  # fmt: skip
    stage = plan.stages[index]
    groups = (groups_by_name if stage.sampling == "triplets" else parameter_groups)(state.model, stage)
    optimizer = torch.optim.AdamW(groups, weight_decay=stage.weight_decay)
    if state.optimizer is not None:
        optimizer.load_state_dict(state.optimizer)
    task = progress.add_task(f"stage {stage.name}", total=stage.epochs * stage.steps, completed=state.epoch * stage.steps)
    for epoch in range(state.epoch, stage.epochs):
        batches = _batches(dataset, stage, (plan.seed, index, epoch))
        loader = DataLoader(dataset, batch_sampler=batches, collate_fn=collate, num_workers=2, prefetch_factor=3)
        began = time.monotonic()
        entry = _train_epoch(state, stage, epoch, loader, optimizer, progress, task, (plan.seed, index, epoch), device)
        seconds = time.monotonic() - began
        state.seconds += seconds
        state.images += stage.steps * stage.photos
        state.epoch, state.optimizer = epoch + 1, optimizer.state_dict()
        entry |= {
            "stage": stage.name,
            "epoch": epoch + 1,
            "photos_per_second": round(stage.steps * stage.photos / seconds, 1),
        }
        if (epoch + 1) % 5 == 0 or epoch + 1 == stage.epochs:
            with state.average.applied(state.model):
                entry |= validation.figures(state.model)
        state.history.append(entry)
        progress.console.print(json.dumps(entry), soft_wrap=True, highlight=False)
        state.save(out / STATE, plan)
    state.stage, state.epoch, state.optimizer = index + 1, 0, None
    state.save(out / STATE, plan)


def _batches(dataset: GarmentDataset, stage: Stage, seed: tuple[int, ...]) -> MixedBatches | TripletBatches:
    if stage.sampling == "triplets":
        return TripletBatches(dataset, stage.triplets, stage.steps, seed)
    return MixedBatches(dataset, stage.batch, stage.steps, seed)


def _train_epoch(
    state: _State, stage: Stage, epoch: int, loader: DataLoader[Examples], optimizer: torch.optim.Optimizer,
    progress: Progress, task: Any, seed: tuple[int, ...], device: torch.device,
) -> dict[str, Any]:  # fmt: skip
    generator = torch.Generator().manual_seed(hash(seed) % 2**62)
    sums: dict[str, float] = {}
    trained = [p for g in optimizer.param_groups for p in g["params"]]
    for i, batch in enumerate(loader):
        step = epoch * stage.steps + i
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * rate_factor(step, stage)
        batch = moved(batch, device)
        if isinstance(loader.batch_sampler, TripletBatches):
            terms = triplet_terms(state.model, batch, loader.batch_sampler.attributes[i], stage.loss)
        else:
            terms = step_loss(state.model, batch, stage, generator)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(trained, 5.0)
        optimizer.step()
        state.average.update(state.model, stage.average, step)
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach())
        progress.advance(task)
    return {name: round(value / stage.steps, 4) for name, value in sums.items()}


def rate_factor(step: int, stage: Stage) -> float:
    """Learning-rate factor in (0, 1]: linear warm-up, then a cosine down to the floor, or the stage's equal decays."""
    if step < stage.warmup:
        return (step + 1) / stage.warmup
    done = (step - stage.warmup) / max(1, stage.epochs * stage.steps - stage.warmup)
    if stage.decays:
        return stage.decay ** min(stage.decays, int((stage.decays + 1) * done))
    return stage.floor + (1 - stage.floor) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def moved(batch: Examples, device: torch.device) -> Examples:
    """The batch on a device; on the CPU it is returned as it is."""
    if device.type == "cpu":
        return batch
    sources = [s.to(device) for s in batch.sources]
    tensors = (batch.labels, batch.target, batch.inside, batch.answers)
    return Examples(batch.images.to(device), sources, batch.frames, *(t.to(device) for t in tensors))


def _export(state: _State, plan: Recipe, dataset: GarmentDataset, validation: Validation, out: Path) -> Path:
    temperatures = validation.calibrate(state.model)
    figures = validation.figures(state.model)
    provenance = {
        "recipe": plan.name, "started_from": state.started_from, "recipe_text": plan.text, "seed": plan.seed,
        "version": __version__,
        "photos": len(dataset.photos) - len(dataset.masks), "rendered": len(dataset.masks),
        "images_seen": state.images, "images_asked": plan.images, "only": list(plan.only),
        "train_minutes": round(state.seconds / 60, 1),
        "reading_factors": temperatures, "torch": torch.__version__, "machine": platform.machine(),
    }  # fmt: skip
    checkpoint.save(out / "checkpoint", state.model, provenance, {"valid": figures})
    return out / "checkpoint"
