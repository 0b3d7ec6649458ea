"""Training as the papers do it: triplets of photos drawn for one attribute each, and losses on them alone.

The product's own recipe mines all triplets of a batch (`dataset.MixedBatches`, `stage.step_loss`); the baselines don't.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler

from asen_core.errors import DataError
from asen_core.models import AsenPP, Model
from asen_core.models.csn import Csn
from asen_core.training.dataset import Examples, GarmentDataset, Ticket
from asen_core.training.losses import alignment_loss
from asen_core.training.precision import mixed
from asen_core.training.stages import Loss, Stage

_TRUNK_LAYER = re.compile(r"(?:^|\.)trunk\.layers\.(\d+)\.")


class TripletBatches(Sampler[list[Ticket]]):
    """Batches of triplets: anchor, positive and negative stand in three rows one after the other.

    An attribute is drawn evenly, then two of its values, then photos: two of the first, one of the second (as in the
    authors' code of TIP 2021); a photo with several values may stand on both sides. `attributes` (steps, triplets) int64
    says for which one; all draws depend on the seed alone.

    Raises: DataError where no attribute has two values, one of them on two photos.
    """

    def __init__(self, dataset: GarmentDataset, triplets: int, steps: int, seed: tuple[int, ...]) -> None:
        tables = {i: dataset.by_value(i) for i in range(len(dataset.vocabulary))}
        usable = [i for i, t in tables.items() if len(t) > 1 and any(len(photos) > 1 for photos in t)]
        if not usable:
            raise DataError("No attribute has photos of two values, two of one of them; triplets need that. Label more photos.")
        rng = np.random.default_rng(seed)
        drawn = rng.choice(usable, (steps, triplets))
        self.attributes = torch.from_numpy(drawn.astype(np.int64))
        self._batches = [[t for a in row for t in _tickets(_triplet(tables[a], rng), rng)] for row in drawn.tolist()]

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[Ticket]]:
        return iter(self._batches)


def _triplet(table: list[np.ndarray], rng: np.random.Generator) -> tuple[int, int, int]:
    """Photo indices: two different photos of one value, and one of another."""
    anchors = [i for i, photos in enumerate(table) if len(photos) > 1]
    first = anchors[int(rng.integers(len(anchors)))]
    second = (first + 1 + int(rng.integers(len(table) - 1))) % len(table)
    anchor = int(rng.integers(len(table[first])))
    positive = (anchor + 1 + int(rng.integers(len(table[first]) - 1))) % len(table[first])
    return int(table[first][anchor]), int(table[first][positive]), int(rng.choice(table[second]))


def _tickets(photos: tuple[int, int, int], rng: np.random.Generator) -> list[Ticket]:
    return [(i, int(rng.integers(2**62))) for i in photos]


def parameter_groups(model: Model, stage: Stage) -> list[dict[str, object]]:
    """Parameters that the stage trains, in groups with the stage's rates; the others stop taking gradients.

    Trunk layers are told by their names, so this holds for every network; the first `frozen` ones stay as they are.
    """
    groups: dict[float, list[torch.nn.Parameter]] = {}
    for name, p in model.named_parameters():
        local, layer = name.startswith("local_branch."), _TRUNK_LAYER.search(name)
        if layer:
            rate, first = (stage.local_rate, stage.local_frozen) if local else (stage.trunk_rate, stage.frozen)
            rate = rate if int(layer[1]) >= first else 0.0
        else:
            rate = stage.local_head_rate if local else stage.head_rate
        p.requires_grad_(rate > 0)
        if rate > 0:
            groups.setdefault(rate, []).append(p)
    return [{"params": p, "lr": rate, "peak": rate} for rate, p in groups.items()]


def triplet_terms(
    model: Model, batch: Examples, attributes: Tensor, weights: Loss, precision: torch.dtype = torch.bfloat16,
    counted: Tensor | None = None,
) -> dict[str, Tensor]:  # fmt: skip
    """Weighted loss terms of a batch of T triplets (3 T rows) for attributes (T,) int64; their sum is what is minimised.

    A triplet one of whose labels the augmentation made untrue does not count. counted: by how many triplets the losses are
    divided, where not by those of this batch that count: their mean over the parts of a step, so that no part weighs more.
    """
    device = batch.images.device
    rows = torch.arange(len(batch.images))
    pairs = torch.stack([rows, attributes.repeat_interleave(3)], 1)
    own = tuple(pairs.to(device).T)
    known = known_triplets(batch, attributes)
    counted = known.sum().clamp(min=1) if counted is None else counted.to(device)
    with mixed(device, precision):
        embedding, attention, terms = _looked(model, batch.images, attributes, weights)
    terms["global"] = weights.triplet * cosine_triplets(embedding[own], known, weights.margin, counted)
    if weights.local and isinstance(model, AsenPP):
        boxes = model.rois(attention[own][:, None], batch.sources, batch.frames).expand(-1, len(model.attributes), -1)
        with mixed(device, precision):
            local = model.zoom(batch.sources, boxes, pairs)
        terms["local"] = weights.local * cosine_triplets(local, known, weights.margin, counted)
        terms["alignment"] = weights.alignment * alignment_loss(embedding[own], local)
    return terms


def known_triplets(batch: Examples, attributes: Tensor) -> Tensor:
    """(T,) bool, on the batch's device: all three photos of the triplet still have their label."""
    device = batch.labels.device
    rows = torch.arange(len(batch.labels), device=device)
    return (batch.labels[rows, attributes.to(device).repeat_interleave(3)].reshape(-1, 3) >= 0).all(1)


def _looked(model: Model, images: Tensor, attributes: Tensor, weights: Loss) -> tuple[Tensor, Tensor | None, dict[str, Tensor]]:
    """Embeddings (B, A, D) and attention of a batch, with the terms that only some networks have.

    Those of CSN (CVPR 2017), as in the authors' code: the L2 norm of the shared embeddings, the L1 norm of the masks in use.
    """
    if not isinstance(model, Csn):
        return *model.look(images), {}
    general = model.general(images)
    norms = {
        "embedding_norm": weights.embedding_norm * general.square().sum(1).mean().sqrt(),
        "mask_norm": weights.mask_norm * model.weights()[attributes.to(images.device)].sum(1).mean(),
    }
    return model.masked(general), None, norms


def cosine_triplets(embedding: Tensor, known: Tensor, margin: float, counted: Tensor | None = None) -> Tensor:
    """Mean of max(0, margin - cos(anchor, positive) + cos(anchor, negative)) over known triplets (TIP 2021, equation 10).

    embedding (3 T, D), unit norm, in the order of `TripletBatches`; known (T,) bool. 0 where none is known.
    counted: the number that the sum is divided by, where not by that of the known ones.
    """
    anchor, positive, negative = embedding.float().reshape(-1, 3, embedding.shape[-1]).unbind(1)
    losses = (margin - (anchor * positive).sum(-1) + (anchor * negative).sum(-1)).relu()
    return (losses * known).sum() / (known.sum().clamp(min=1) if counted is None else counted)
