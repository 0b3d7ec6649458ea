import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import CONFIG, VOCABULARY, tiny_model

from asen_core.data.labels import Photo
from asen_core.errors import CheckpointError, DataError
from asen_core.images import plain_background
from asen_core.training import load_recipe, losses
from asen_core.training.augment import Change, augment, box_coverage, mask_coverage
from asen_core.training.calibration import best_factor
from asen_core.training.dataset import GarmentDataset, MixedBatches
from asen_core.training.epoch import rate_factor
from asen_core.training.pretrained import load_mobilenet
from asen_core.training.recipe import Batch, Stage
from asen_core.training.stage import WeightAverage, choose_pairs, jittered, parameter_groups
from asen_core.types import Box, Frame


def _unit(n: int, d: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(n, d, generator=torch.Generator().manual_seed(seed)), dim=-1)


def _slow_triplets(e: torch.Tensor, labels: list[int], margin: float) -> float:
    found = []
    for a, p, n in itertools.permutations(range(len(labels)), 3):
        if -1 not in (labels[a], labels[p], labels[n]) and labels[a] == labels[p] != labels[n]:
            loss = margin - float(e[a] @ e[p]) + float(e[a] @ e[n])
            if loss > 0:
                found.append(loss)
    return sum(found) / max(1, len(found))


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2], [0, 0, 0, 0], [0, 1, 2], [-1, -1, 0, 0, 1], [], [0], [-1]])
def test_triplets_against_a_slow_oracle(labels: list[int]) -> None:
    e = _unit(len(labels))
    fast = losses.batch_all_triplets(e, torch.tensor(labels, dtype=torch.long), 0.2)
    assert float(fast) == pytest.approx(_slow_triplets(e, labels, 0.2), abs=1e-6)


def test_reading_loss_ignores_unknown_labels_and_prefers_the_right_prototype() -> None:
    prototypes = torch.eye(3)
    known = losses.reading_loss(torch.eye(3), prototypes, torch.tensor([0, 1, 2]), 16.0)
    wrong = losses.reading_loss(torch.eye(3), prototypes, torch.tensor([1, 2, 0]), 16.0)
    half = losses.reading_loss(torch.eye(3), prototypes, torch.tensor([0, -1, -1]), 16.0)
    assert known < wrong
    torch.testing.assert_close(half, known)
    assert float(losses.reading_loss(torch.eye(3), prototypes, torch.tensor([-1, -1, -1]), 16.0)) == 0


def test_attention_loss_wants_the_whole_region() -> None:
    target = torch.zeros(1, 1, 4, 4)
    target[0, 0, 0, :2] = 0.5
    spread, one_cell, beside = torch.zeros(3, 1, 1, 4, 4)
    spread[0, 0, 0, :2] = 0.5
    one_cell[0, 0, 0, 0] = 1
    beside[0, 0, 3, 3] = 1
    a, b, c = (float(losses.attention_loss(x, target)) for x in (spread, one_cell, beside))
    assert a == pytest.approx(0, abs=1e-6)
    assert a < b < c
    assert float(losses.attention_loss(beside, torch.zeros(1, 1, 4, 4))) == 0


def test_foreground_loss_by_hand() -> None:
    attention = torch.full((1, 2, 2, 2), 0.25)
    inside = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
    loss = losses.foreground_loss(attention, inside, torch.tensor([[True, False]]))
    assert float(loss) == pytest.approx(math.log(2))


def test_alignment_of_nothing_is_zero() -> None:
    assert float(losses.alignment_loss(torch.zeros(0, 4), torch.zeros(0, 4))) == 0
    assert float(losses.alignment_loss(_unit(3), _unit(3))) == pytest.approx(0, abs=1e-6)


# A photo of 100 x 200 on 4 x 4 cells of an input of 200 px: scale 1, bars of 50 px left and right.
FRAME = Frame(200, 1.0, 50.0, 0.0)
UNCHANGED = Change((0, 0, 100, 200), flip=False, recoloured=False, rotated=False)


@pytest.mark.parametrize(
    ("box", "change", "cells"),
    [
        ((0, 0, 1, 0.25), UNCHANGED, {(0, 1): 1, (0, 2): 1}),
        ((0, 0, 0.5, 0.25), UNCHANGED, {(0, 1): 1}),
        ((0, 0, 0.5, 0.25), Change((0, 0, 100, 200), True, False, False), {(0, 2): 1}),
        ((0, 0, 0.25, 0.125), UNCHANGED, {(0, 1): 0.25}),
        ((0, 0.25, 1, 0.5), Change((0, 50, 100, 200), False, False, False), {(0, 1): 1, (0, 2): 1}),
    ],
)
def test_coverage_by_hand_for_boxes_and_masks(box: tuple, change: Change, cells: dict) -> None:
    expected = np.zeros((4, 4))
    for place, share in cells.items():
        expected[place] = share
    np.testing.assert_allclose(box_coverage([box], (100, 200), change, FRAME, 4), expected, atol=1e-6)
    mask = np.zeros((40, 20), bool)
    mask[round(box[1] * 40) : round(box[3] * 40), round(box[0] * 20) : round(box[2] * 20)] = True
    np.testing.assert_allclose(mask_coverage(mask, (100, 200), change, FRAME, 4), expected, atol=1e-6)


def test_augmented_marks_follow_the_pixels() -> None:
    """A black square is drawn where a box is marked; after any change it must still lie where the coverage says."""
    pixels = np.full((160, 120, 3), 255, np.uint8)
    pixels[40:80, 30:60] = 0
    box = (0.25, 0.25, 0.5, 0.5)
    for seed in range(20):
        out, change = augment(pixels, None, np.random.default_rng(seed), None, upright=True)
        height, width = out.shape[:2]
        frame = Frame(max(height, width), 1.0, 0.0, 0.0)
        coverage = box_coverage([box], (120, 160), change, frame, max(height, width))
        dark = np.zeros_like(coverage)
        dark[:height, :width] = out.max(2) < 128
        assert np.abs(dark - coverage).mean() < 0.01


def test_plain_background() -> None:
    pixels = np.full((50, 40, 3), 250, np.uint8)
    pixels[10:40, 10:30] = 30
    pixels[20:25, 15:20] = 255  # a white logo is not background
    mask = plain_background(pixels)
    assert mask is not None
    assert mask[0].all()
    assert not mask[10:40, 10:30].any()
    assert plain_background(np.full((50, 40, 3), 90, np.uint8)) is None


def _photos() -> list[Photo]:
    values = ["round"] * 20 + ["v"] * 2
    return [Photo(f"p{i}", Path(f"p{i}.jpg"), {"neckline": v}) for i, v in enumerate(values)] + [
        Photo(f"m{i}", Path(f"m{i}.jpg"), {}, {"neckline": (Box(0, 0, 1, 1),)}) for i in range(3)
    ]


def test_batches_hold_what_was_asked_and_repeat_from_a_seed() -> None:
    dataset = GarmentDataset(_photos(), {}, VOCABULARY, CONFIG)
    batches = MixedBatches(dataset, Batch(labelled=8, marked=2, rendered=4, crowd=4, others=0), 50, (1, 2))
    first, again = list(batches), list(batches)
    assert first == again
    assert first != list(MixedBatches(dataset, Batch(8, 2, 4, 4, 0, 0), 50, (1, 3)))
    assert all(len(b) == 10 for b in first), "no rendered garments and no answers here, so their shares are empty"
    drawn = [i for b in first for i, _ in b]
    assert sum(i >= 22 for i in drawn) == 100
    rare = sum(i in (20, 21) for i in drawn) / 400
    assert rare > 0.2, "half of the labelled draws are even over values"


def test_unreadable_recipes_are_explained(tmp_path: Path) -> None:
    table = {
        "[model]\npreset = 'compact'\n[[stage]]\nname='g'\nepochs=1\nspeed=3": "no setting speed",
        "[model]\npreset = 'huge'\n[[stage]]": "huge",
        "seed = ": "can't be read",
        "[model]\npreset = 'compact'\n[[stage]]\nname='g'\nepochs=1\n[stage.loss]\nmargins=3": "no setting margins",
    }
    for i, (text, says) in enumerate(table.items()):
        path = tmp_path / f"{i}.toml"
        path.write_text(text)
        with pytest.raises(DataError, match=says):
            load_recipe(str(path))
    with pytest.raises(DataError, match=r"shipped: .*compact"):
        load_recipe("nothing")


def test_shipped_recipes_can_be_read() -> None:
    recipe = load_recipe("compact")
    assert [s.name for s in recipe.stages][-1] == "joint"
    assert recipe.stages[-1].loss.local > 0


def test_rate_warms_up_and_falls() -> None:
    stage = Stage("s", epochs=2, steps=100, warmup=10)
    factors = [rate_factor(i, stage) for i in range(200)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == pytest.approx(1.0)
    assert factors[-1] == pytest.approx(0.02, abs=1e-3)
    assert factors[10:] == sorted(factors[10:], reverse=True)


def test_only_the_chosen_parts_are_trained() -> None:
    model = tiny_model()
    parameter_groups(model, Stage("g", 1, frozen=2, local_rate=0.0, local_head_rate=0.0))
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert "attribute_vectors" in trained
    assert "global_branch.trunk.layers.3.0.weight" in trained
    assert "global_branch.trunk.layers.1.0.weight" not in trained
    assert not any(n.startswith("local") for n in trained)


def test_pairs_are_labelled_and_bounded() -> None:
    known = torch.tensor([[True, True, False], [False, False, False], [True, True, True]])
    pairs = choose_pairs(known, 2, torch.Generator().manual_seed(0))
    assert sorted(pairs[:, 0].tolist()) == [0, 0, 2, 2]
    assert all(known[b, a] for b, a in pairs.tolist())
    assert len(choose_pairs(torch.zeros(2, 3, dtype=torch.bool), 2, torch.Generator())) == 0


def test_jitter_stays_near() -> None:
    boxes = torch.tensor([[[10.0, 10.0, 30.0, 30.0]]])
    moved = jittered(boxes, torch.Generator().manual_seed(0))
    assert (moved - boxes).abs().max() <= 20 * (0.08 + 0.075)


def test_average_holds_only_within_its_context() -> None:
    model = tiny_model()
    average = WeightAverage(model)
    before = model.attribute_vectors.detach().clone()
    with torch.no_grad():
        model.attribute_vectors.add_(1)
    average.update(model, 0.9, step=10_000)
    with average.applied(model):
        torch.testing.assert_close(model.attribute_vectors.detach(), before + 0.1)
    torch.testing.assert_close(model.attribute_vectors.detach(), before + 1)


def test_temperature_is_found_again() -> None:
    """Labels drawn from softmax(logits); the read-out says softmax(k logits): the factor that mends it is 1 / k."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 5)) * 2
    right = np.array([rng.choice(5, p=p) for p in np.exp(logits) / np.exp(logits).sum(1, keepdims=True)])
    for k in (0.5, 1.0, 2.0):
        said = k * logits - np.log(np.exp(k * logits).sum(1, keepdims=True))
        assert best_factor(said, right) == pytest.approx(1 / k, rel=0.1)


def test_missing_trunk_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="can't be read"):
        load_mobilenet(tiny_model(), tmp_path / "none.safetensors")
