"""Triplets: drawn and counted as in the papers, and which weights a stage of them trains."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from test_baselines import LABELS, examples, network
from tiny import CONFIG, VOCABULARY
from torch.nn.functional import normalize

from asen_core.config import METHODS
from asen_core.data.labels import Photo
from asen_core.errors import DataError
from asen_core.training.dataset import GarmentDataset
from asen_core.training.epoch import rate_factor
from asen_core.training.recipe import Loss, Stage
from asen_core.training.triplets import TripletBatches, cosine_triplets, parameter_groups, triplet_terms


def _dataset(values: list[tuple[str, str]]) -> GarmentDataset:
    photos = [
        Photo(f"p{i}", Path(f"p{i}.jpg"), {k: v for k, v in (("neckline", n), ("sleeve", s)) if v})
        for i, (n, s) in enumerate(values)
    ]
    return GarmentDataset(photos, {}, VOCABULARY, CONFIG)


COMMON = [("round", "short")] * 50 + [("v", "long")] * 3 + [("square", "")] + [("", "long")] * 6


def test_triplets_hold_an_anchor_a_positive_and_a_negative() -> None:
    dataset = _dataset(COMMON)
    batches = TripletBatches(dataset, 5, 300, (1, 2))
    assert len(batches) == len(list(batches)) == 300
    firsts = Counter()
    for tickets, attributes in zip(batches, batches.attributes.tolist(), strict=True):
        assert len(tickets) == 15
        for t, attribute in enumerate(attributes):
            (anchor, _), (positive, _), (negative, _) = tickets[3 * t : 3 * t + 3]
            a, p, n = dataset.labels[[anchor, positive, negative], attribute]
            assert a == p != n
            assert -1 not in (a, n)
            assert anchor != positive
            firsts[attribute, int(a)] += 1
    shares = {k: v / 1500 for k, v in firsts.items()}
    assert set(shares) == {(0, 0), (0, 1), (1, 0), (1, 1)}, "square stands on one photo: never an anchor"
    assert all(abs(s - 0.25) < 0.05 for s in shares.values()), "attributes and values are drawn evenly, however rare"


def test_triplets_repeat_from_their_seed_alone() -> None:
    dataset = _dataset(COMMON)
    first, again, other = (TripletBatches(dataset, 4, 6, s) for s in ((1, 2), (1, 2), (1, 3)))
    assert list(first) == list(again) == list(first)
    assert torch.equal(first.attributes, again.attributes)
    assert list(first) != list(other)


@pytest.mark.parametrize("values", [[], [("round", "")] * 4, [("round", "short"), ("v", "long")]])
def test_photos_without_triplets_are_refused(values: list[tuple[str, str]]) -> None:
    with pytest.raises(DataError, match="triplets need that"):
        TripletBatches(_dataset(values), 2, 1, (0,))


def test_triplet_loss_by_hand() -> None:
    rows = [(1, 0), (0.6, 0.8), (0, 1), (1, 0), (1, 0), (0, 1), (1, 0), (0, 1), (1, 0)]
    embedding = torch.tensor(rows)
    # 0.2 - 0.6 + 0 is met; 0.2 - 1 + 0 is met; 0.2 - 0 + 1 is not.
    assert float(cosine_triplets(embedding, torch.tensor([True, True, True]), 0.2)) == pytest.approx(0.4)
    assert float(cosine_triplets(embedding, torch.tensor([True, False, True]), 0.7)) == pytest.approx((0.1 + 1.7) / 2)
    assert float(cosine_triplets(embedding, torch.tensor([False, False, False]), 0.2)) == 0
    assert float(cosine_triplets(embedding[:0], torch.zeros(0, dtype=torch.bool), 0.2)) == 0


@pytest.mark.parametrize("method", [m for m in METHODS if m != "pooled"])
def test_terms_use_each_triplet_under_its_own_attribute(method: str) -> None:
    model, batch = network(method), examples(LABELS)
    weights = Loss(margin=2.0, local=0.5, alignment=0.25, embedding_norm=0.1, mask_norm=0.01)
    terms = triplet_terms(model, batch, torch.tensor([0, 1]), weights)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        e = model.look(batch.images)[0].float()
        zoomed = model(batch.images, batch.sources, batch.frames).embedding if method == "asen_pp" else None
    wanted = [2 - float(e[3 * t, a] @ e[3 * t + 1, a]) + float(e[3 * t, a] @ e[3 * t + 2, a]) for t, a in enumerate((0, 1))]
    assert float(terms["global"].detach()) == pytest.approx(np.mean(wanted), abs=1e-2)
    assert set(terms) - {"global"} == {"asen_pp": {"local", "alignment"}, "csn": {"embedding_norm", "mask_norm"}}.get(
        method, set()
    )
    if method == "csn":
        norms = model.masks.detach().clamp(min=0).sum(1)
        assert float(terms["mask_norm"].detach()) == pytest.approx(0.01 * float(norms.mean()))
    if zoomed is not None:
        local = normalize(zoomed[..., 16:].float(), dim=-1)
        rows = [(i, (0, 1)[i // 3]) for i in range(6)]
        apart = [1 - float(e[i, a] @ local[i, a]) for i, a in rows]
        assert float(terms["alignment"].detach()) == pytest.approx(0.25 * np.mean(apart), abs=1e-2)


def test_a_triplet_whose_label_became_untrue_does_not_count() -> None:
    model, weights = network("general"), Loss(margin=2.0)
    both = triplet_terms(model, examples(LABELS), torch.tensor([0, 1]), weights)["global"].detach()
    first = triplet_terms(model, examples(LABELS[:3]), torch.tensor([0]), weights)["global"].detach()
    lost = [*LABELS[:4], [1, -1], LABELS[5]]
    half = triplet_terms(model, examples(lost), torch.tensor([0, 1]), weights)["global"].detach()
    assert float(half) == pytest.approx(float(first), abs=1e-4)
    assert abs(float(half) - float(both)) > 0.02


@pytest.mark.parametrize(
    ("method", "stage", "trained", "still"),
    [
        ("general", Stage("s", 1, frozen=0), {"trunk.layers.0.0.weight", "project.weight"}, set()),
        ("csn", Stage("s", 1, frozen=2), {"masks", "trunk.layers.2.0.weight"}, {"trunk.layers.1.0.weight"}),
        ("asen", Stage("s", 1, head_rate=0.0, frozen=0), {"global_branch.trunk.layers.0.0.weight"}, {"attribute_vectors"}),
        ("asen_pp", Stage("s", 1), {"attribute_vectors"}, {"local_branch.project.weight"}),
        (
            "asen_pp", Stage("s", 1, local_rate=1e-4, local_frozen=1),
            {"local_branch.trunk.layers.1.0.weight"}, {"local_branch.trunk.layers.0.0.weight", "local_branch.project.weight"},
        ),
    ],
)  # fmt: skip
def test_a_stage_trains_what_it_has_a_rate_for(method: str, stage: Stage, trained: set, still: set) -> None:
    model = network(method)
    groups = parameter_groups(model, stage)
    wants = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trained <= wants
    assert not still & wants
    assert sum(len(g["params"]) for g in groups) == len(wants)
    assert all(g["lr"] == g["peak"] > 0 for g in groups)


def test_rates_fall_in_equal_steps() -> None:
    stage = Stage("s", epochs=2, steps=10, warmup=0, decay_every=0.5, decay=0.5)
    factors = [rate_factor(i, stage) for i in range(20)]
    assert factors == [1.0] * 5 + [0.5] * 5 + [0.25] * 5 + [0.125] * 5
