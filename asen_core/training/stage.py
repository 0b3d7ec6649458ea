"""One epoch of one stage: forward, loss, step, running average of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from asen_core.models import AsenPP
from asen_core.training import losses
from asen_core.training.dataset import Examples
from asen_core.training.recipe import Loss, Stage


def parameter_groups(model: AsenPP, stage: Stage) -> list[dict[str, object]]:
    """Parameters that the stage trains, each group with its own top learning rate; the others stop taking gradients."""
    for p in model.parameters():
        p.requires_grad_(False)
    g, l = model.global_branch, model.local_branch
    groups = (
        (stage.head_rate, [*_head(g), model.attribute_vectors, model.global_prototypes]),
        (stage.trunk_rate, list(g.trunk.layers[stage.frozen :].parameters())),
        (stage.local_head_rate, [*_head(l), model.local_prototypes]),
        (stage.local_rate, list(l.trunk.layers[stage.local_frozen :].parameters())),
    )
    kept = [{"params": p, "lr": rate, "peak": rate} for rate, p in groups if rate > 0]
    for group in kept:
        for p in group["params"]:  # type: ignore[attr-defined]
            p.requires_grad_(True)
    return kept


def _head(branch: nn.Module) -> list[nn.Parameter]:
    return [p for n, p in branch.named_parameters() if not n.startswith("trunk.")]


def step_loss(model: AsenPP, batch: Examples, stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
    """Weighted loss terms of one batch; their sum is what is minimised."""
    weights, device = stage.loss, batch.images.device
    with torch.autocast(device.type, torch.bfloat16):
        embedding, attention = model.look(batch.images)
    terms = {
        "global": _space_loss(model, embedding, batch.labels, model.global_prototypes, weights),
        "attention": weights.attention * losses.attention_loss(attention, batch.target),
        "foreground": weights.foreground * losses.foreground_loss(attention, batch.inside, _unmarked(batch)),
    }
    if stage.pairs_per_photo:
        pairs = choose_pairs(batch.labels.cpu(), stage.pairs_per_photo, generator)
        boxes = jittered(model.rois(attention, batch.sources, batch.frames), generator)
        with torch.autocast(device.type, torch.bfloat16):
            local = model.zoom(batch.sources, boxes, pairs)
        terms |= _local_terms(model, embedding, local, pairs, batch.labels, weights)
    return terms


def _unmarked(batch: Examples) -> Tensor:
    return (batch.labels >= 0) & (batch.target.sum((2, 3)) == 0)


def _space_loss(model: AsenPP, embedding: Tensor, labels: Tensor, prototypes: Tensor, weights: Loss) -> Tensor:
    """Mean over attributes of triplet and read-out loss in one branch: embedding (B, A, D), labels (B, A)."""
    prototypes = normalize(prototypes, dim=-1)
    total = embedding.sum() * 0
    for i, rows in enumerate(model.value_slices):
        total = total + _one_space(embedding[:, i], labels[:, i], prototypes[rows], weights, model.config.reading_scale)
    return total / len(model.value_slices)


def _one_space(embedding: Tensor, labels: Tensor, prototypes: Tensor, weights: Loss, scale: float) -> Tensor:
    triplet = losses.batch_all_triplets(embedding, labels, weights.margin)
    return weights.triplet * triplet + weights.reading * losses.reading_loss(embedding, prototypes, labels, scale)


def _local_terms(
    model: AsenPP, embedding: Tensor, local: Tensor, pairs: Tensor, labels: Tensor, weights: Loss
) -> dict[str, Tensor]:
    """Losses of the local branch and of the joined embedding over pairs (P, 2) of photo and attribute."""
    global_part = embedding[pairs[:, 0], pairs[:, 1]]
    joined = model.joined(global_part, local)
    wanted = labels[pairs[:, 0], pairs[:, 1]]
    all_prototypes, own = model.prototypes(), normalize(model.local_prototypes, dim=-1)
    local_sum, joined_sum = local.sum() * 0, joined.sum() * 0
    for i, rows in enumerate(model.value_slices):
        mine = pairs[:, 1] == i
        scale = model.config.reading_scale
        local_sum = local_sum + _one_space(local[mine], wanted[mine], own[rows], weights, scale)
        joined_sum = joined_sum + _one_space(joined[mine], wanted[mine], all_prototypes[rows], weights, scale)
    n = len(model.value_slices)
    return {
        "local": weights.local * local_sum / n,
        "joined": weights.joined * joined_sum / n,
        "alignment": weights.alignment * losses.alignment_loss(global_part, local),
    }


def choose_pairs(labels: Tensor, per_photo: int, generator: torch.Generator) -> Tensor:
    """Up to `per_photo` labelled attributes of each photo, at random: labels (B, A) -> (P, 2) of photo and attribute."""
    order = torch.rand(labels.shape, generator=generator) + (labels < 0) * 2.0
    chosen = order.argsort(1)[:, :per_photo]
    photos = torch.arange(len(labels))[:, None].expand_as(chosen)
    pairs = torch.stack([photos.reshape(-1), chosen.reshape(-1)], 1)
    return pairs[labels[pairs[:, 0], pairs[:, 1]] >= 0]


def jittered(boxes: Tensor, generator: torch.Generator) -> Tensor:
    """Boxes (B, A, 4) moved by up to 8 % of their side and resized by up to 15 %."""
    b, a = boxes.shape[:2]
    draw = (torch.rand(b, a, 3, generator=generator) * 2 - 1).to(boxes.device)
    side = boxes[..., 2:] - boxes[..., :2]
    centre = (boxes[..., 2:] + boxes[..., :2]) / 2 + side * 0.08 * draw[..., :2]
    half = side / 2 * (1 + 0.15 * draw[..., 2:])
    return torch.cat([centre - half, centre + half], -1)


class WeightAverage:
    """Exponential moving average of the trained parameters (Polyak averaging); what is evaluated and exported."""

    def __init__(self, model: AsenPP) -> None:
        self.shadow = {n: p.detach().clone() for n, p in model.named_parameters()}

    @torch.no_grad()
    def update(self, model: AsenPP, decay: float, step: int) -> None:
        """Move towards the current weights; `step` of the stage, from 0, shortens the memory while it is young."""
        decay = min(decay, (1 + step) / (10 + step))
        for name, p in model.named_parameters():
            if p.requires_grad:
                self.shadow[name].lerp_(p.detach(), 1 - decay)

    @contextmanager
    def applied(self, model: AsenPP) -> Iterator[None]:
        """Within this context the model holds the averaged weights."""
        trained = {n: p.detach().clone() for n, p in model.named_parameters()}
        _assign(model, self.shadow)
        try:
            yield
        finally:
            _assign(model, trained)


@torch.no_grad()
def _assign(model: AsenPP, values: dict[str, Tensor]) -> None:
    for name, p in model.named_parameters():
        p.copy_(values[name])
