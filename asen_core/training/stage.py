"""What a step on a mixed batch trains: parameter groups, losses, and the running average of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from asen_core.data.crowd import QUESTIONS, allowed_values
from asen_core.models import AsenPP
from asen_core.training import losses
from asen_core.training.dataset import Examples
from asen_core.training.precision import mixed
from asen_core.training.stages import Loss, Stage


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


def step_loss(
    model: AsenPP, batch: Examples, stage: Stage, generator: torch.Generator, precision: torch.dtype = torch.bfloat16
) -> dict[str, Tensor]:
    """Weighted loss terms of one batch; their sum is what is minimised."""
    weights, device = stage.loss, batch.images.device
    with mixed(device, precision):
        embedding, attention = model.look(batch.images)
    terms = {
        "global": _global_term(model, embedding, batch, weights),
        "attention": weights.attention * losses.attention_loss(attention, batch.target),
        "foreground": weights.foreground * losses.foreground_loss(attention, batch.inside, _unmarked(batch)),
    }
    if stage.pairs_per_photo:
        pairs = choose_pairs(_known(model, batch).cpu(), stage.pairs_per_photo, generator)
        boxes = jittered(_boxes_of(model, attention, pairs, batch), generator)
        with mixed(device, precision):
            local = model.zoom(batch.sources, boxes, pairs)
        terms |= _local_terms(model, embedding, local, pairs, batch, weights)
    return terms


def _boxes_of(model: AsenPP, attention: Tensor, pairs: Tensor, batch: Examples) -> Tensor:
    """Regions (B, A, 4) of the chosen pairs (P, 2) alone, zeros elsewhere: upsampling all maps costs a tenth of a step."""
    photos, attributes = pairs.unbind(1)
    chosen = attention.detach()[photos, attributes][:, None]
    sources, frames = ([column[i] for i in photos.tolist()] for column in (batch.sources, batch.frames))
    boxes = attention.new_zeros(*attention.shape[:2], 4)
    boxes[photos, attributes] = model.rois(chosen, sources, frames)[:, 0]
    return boxes


def _unmarked(batch: Examples) -> Tensor:
    return (batch.labels >= 0) & (batch.target.sum((2, 3)) == 0)


@dataclass(frozen=True)
class _Asked:
    """A question of `data.crowd` about an attribute: its column among the answers, and which values each answer allows."""

    column: int
    allowed: Tensor


@cache
def _asked(vocabulary: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[tuple[_Asked, ...], ...]:
    """The questions about each attribute of a vocabulary."""
    values = dict(vocabulary)
    known = [(i, name, q) for i, (name, q) in enumerate(QUESTIONS.items()) if q.attribute in values]
    tables = {i: torch.from_numpy(allowed_values(name, values)) for i, name, _ in known}
    return tuple(tuple(_Asked(i, tables[i]) for i, _, q in known if q.attribute == a) for a in values)


def _questions(model: AsenPP) -> tuple[tuple[_Asked, ...], ...]:
    return _asked(tuple(model.vocabulary.items()))


def _known(model: AsenPP, batch: Examples) -> Tensor:
    """(B, A) bool: something is known of the photo under the attribute, a value or an answer."""
    known = batch.labels >= 0
    for i, asked in enumerate(_questions(model)):
        for question in asked:
            known[:, i] |= batch.answers[:, question.column] >= 0
    return known


def _global_term(model: AsenPP, embedding: Tensor, batch: Examples, weights: Loss) -> Tensor:
    """Mean over attributes of the losses of one space in the global branch: embedding (B, A, D)."""
    prototypes = normalize(model.global_prototypes, dim=-1)
    total = embedding.sum() * 0
    for i, rows in enumerate(model.value_slices):
        known = (batch.labels[:, i], batch.answers)
        total = total + _share(model, i, weights) * _one_space(model, i, embedding[:, i], prototypes[rows], *known, weights)
    return total / len(model.value_slices)


def _share(model: AsenPP, attribute: int, weights: Loss) -> float:
    return weights.attributes.get(model.attributes[attribute], 1.0)


def _one_space(
    model: AsenPP, attribute: int, embedding: Tensor, prototypes: Tensor, labels: Tensor, answers: Tensor, weights: Loss
) -> Tensor:
    """Triplets and read-out of one attribute: embedding (N, D), prototypes (V, D), labels (N,), answers (N, Q)."""
    scale = model.config.reading_scale
    total = weights.triplet * losses.batch_all_triplets(embedding, labels, weights.margin)
    total = total + weights.reading * losses.reading_loss(embedding, prototypes, labels, scale)
    if not weights.answers:
        return total
    asked = _questions(model)[attribute]
    for question in asked:
        answer, allowed = answers[:, question.column], question.allowed.to(embedding.device)
        one = losses.batch_all_triplets(embedding, answer, weights.margin)
        one = one + 0.5 * losses.allowed_loss(embedding, prototypes, allowed, answer, scale)
        total = total + weights.answers / len(asked) * one
    return total


def _local_terms(
    model: AsenPP, embedding: Tensor, local: Tensor, pairs: Tensor, batch: Examples, weights: Loss
) -> dict[str, Tensor]:
    """Losses of the local branch and of the joined embedding over pairs (P, 2) of photo and attribute."""
    global_part = embedding[pairs[:, 0], pairs[:, 1]]
    joined = model.joined(global_part, local)
    all_prototypes, own = model.prototypes(), normalize(model.local_prototypes, dim=-1)
    local_sum, joined_sum = local.sum() * 0, joined.sum() * 0
    for i, rows in enumerate(model.value_slices):
        mine = pairs[:, 1] == i
        photos = pairs[mine, 0]
        known = (batch.labels[photos, i], batch.answers[photos])
        share = _share(model, i, weights)
        local_sum = local_sum + share * _one_space(model, i, local[mine], own[rows], *known, weights)
        joined_sum = joined_sum + share * _one_space(model, i, joined[mine], all_prototypes[rows], *known, weights)
    n = len(model.value_slices)
    return {
        "local": weights.local * local_sum / n,
        "joined": weights.joined * joined_sum / n,
        "alignment": weights.alignment * losses.alignment_loss(global_part, local),
    }


def choose_pairs(known: Tensor, per_photo: int, generator: torch.Generator) -> Tensor:
    """Up to `per_photo` known attributes of each photo, at random: known (B, A) bool -> (P, 2) of photo and attribute."""
    order = torch.rand(known.shape, generator=generator) + ~known * 2.0
    chosen = order.argsort(1)[:, :per_photo]
    photos = torch.arange(len(known))[:, None].expand_as(chosen)
    pairs = torch.stack([photos.reshape(-1), chosen.reshape(-1)], 1)
    return pairs[known[pairs[:, 0], pairs[:, 1]]]


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
        decay = min(decay, (1 + step) / (4 + step))
        for name, p in model.named_parameters():
            if p.requires_grad:
                self.shadow[name].lerp_(p.detach(), 1 - decay)

    @torch.no_grad()
    def follow(self, model: AsenPP) -> None:
        """Take the weights as they are: what a stage without averaging has for an average."""
        for name, p in model.named_parameters():
            self.shadow[name].copy_(p)

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
