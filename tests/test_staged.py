"""The staged pass, made for a GPU, held against `AsenPP` on the processor."""

from dataclasses import replace

import pytest
import torch
from tiny import CONFIG, tiny_batch, tiny_model

from asen_core.config import COMPACT
from asen_core.models import AsenPP, Output, build_model
from asen_core.models.staged import Numbers, Staged, places

CPU = torch.device("cpu")
EXACT = Numbers(local=torch.float32)


def _both(model: AsenPP, count: int, numbers: Numbers = EXACT, **given: object) -> tuple[Output, Output]:
    images, sources, frames = tiny_batch(count)
    with torch.inference_mode():
        plain = model(images, sources, frames, **given)
        return plain, Staged(model, CPU, numbers)(images, sources, places(sources, frames, CPU), **given)


def _agree(plain: Output, staged: Output, within: float = 1e-4) -> None:
    torch.testing.assert_close(staged.boxes, plain.boxes)
    torch.testing.assert_close(staged.attention, plain.attention)
    torch.testing.assert_close(staged.embedding, plain.embedding, atol=within, rtol=0)
    assert len(staged.probabilities) == len(plain.probabilities)
    for mine, theirs in zip(staged.probabilities, plain.probabilities, strict=True):
        torch.testing.assert_close(mine, theirs, atol=within, rtol=0)


@pytest.mark.parametrize("share", [0.0, 0.7])
@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("wanted", [None, [0, 1], [1], [1, 0]], ids=str)
def test_the_same_numbers_as_the_plain_pass(count: int, wanted: list[int] | None, share: float) -> None:
    _agree(*_both(tiny_model(config=replace(CONFIG, value_share=share)), count, wanted=wanted))


def test_a_given_box_replaces_only_its_own_attribute() -> None:
    boxes = torch.full((1, 2, 4), float("nan"))
    boxes[0, 1] = torch.tensor([5.0, 5.0, 25.0, 25.0])
    _agree(*_both(tiny_model(), 1, boxes=boxes))


def test_a_model_that_reads_nothing() -> None:
    torch.manual_seed(0)
    model = build_model(replace(CONFIG, reading_scale=0.0), {"neckline": ("round", "v"), "sleeve": ("short", "long")}).eval()
    plain, staged = _both(model, 2)
    _agree(plain, staged)
    assert [tuple(p.shape) for p in staged.probabilities] == [(2, 0), (2, 0)]


@pytest.mark.parametrize("numbers", [Numbers(), Numbers(torch.bfloat16), Numbers(channels_last=False)], ids=str)
def test_fewer_bits_in_the_local_branch_change_neither_attention_nor_boxes(numbers: Numbers) -> None:
    plain, staged = _both(tiny_model(), 3, numbers)
    torch.testing.assert_close(staged.boxes, plain.boxes)
    torch.testing.assert_close(staged.attention, plain.attention)
    cosines = (staged.embedding * plain.embedding).sum(-1)
    assert cosines.min() > 0.999
    assert staged.embedding.dtype == torch.float32
    if numbers.local != torch.float32:
        assert (staged.embedding != plain.embedding).any()


def test_the_model_given_stays_as_it_is() -> None:
    model = tiny_model()
    staged = Staged(model, CPU)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert {p.dtype for p in staged.model.local_branch.trunk.parameters()} == {torch.float16}
    assert staged.model.local_branch.project.weight.dtype == torch.float32


def test_the_authors_geometry_is_not_staged() -> None:
    config = replace(CONFIG, geometry="released", roi_margin=0.0, roi_min_size=0.0)
    with pytest.raises(ValueError, match="to the number"):
        Staged(tiny_model(config=config), CPU)


def test_fine_attention_is_staged_too() -> None:
    config = replace(CONFIG, attention_stride=8, attention_kernel=COMPACT.attention_kernel)
    _agree(*_both(tiny_model(config=config), 2))


def test_stages_may_be_replaced() -> None:
    images, sources, frames = tiny_batch(2)
    staged, seen = Staged(tiny_model(), CPU, EXACT), []
    look, zoom = staged.looking, staged.zooming
    staged.looking = lambda *given: seen.append([len(t) for t in given]) or look(*given)
    staged.zooming = lambda *given: seen.append([len(t) for t in given]) or zoom(*given)
    with torch.inference_mode():
        staged(images, sources, places(sources, frames, CPU))
    assert seen == [[2, 2], [2, 2]]
