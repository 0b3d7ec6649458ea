from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import CONFIG, VOCABULARY, tiny_batch, tiny_model

from asen_core.config import COMPACT, PAPER, PRESETS
from asen_core.models import AsenPP
from asen_core.models.attention import smoothed
from asen_core.models.roi import cut, placed_in_input, roi_boxes, to_photo
from asen_core.models.trunks import build_trunk
from asen_core.types import Frame


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_shapes_and_norms_at_every_batch_size(count: int) -> None:
    with torch.inference_mode():
        out = tiny_model()(*tiny_batch(count))
    assert out.embedding.shape == (count, 2, 32)
    assert out.attention.shape == (count, 2, 4, 4)
    assert out.boxes.shape == (count, 2, 4)
    assert [tuple(p.shape) for p in out.probabilities] == [(count, 3), (count, 2)]
    torch.testing.assert_close(out.embedding.norm(dim=-1), torch.ones(count, 2))
    torch.testing.assert_close(out.attention.sum((2, 3)), torch.ones(count, 2))
    for p in out.probabilities:
        torch.testing.assert_close(p.sum(-1), torch.ones(count))


def test_a_photo_alone_gives_what_it_gives_in_a_batch() -> None:
    model, (images, sources, frames) = tiny_model(), tiny_batch(4)
    with torch.inference_mode():
        together = model(images, sources, frames)
        for i in range(4):
            alone = model(images[i : i + 1], sources[i : i + 1], frames[i : i + 1])
            torch.testing.assert_close(alone.embedding[0], together.embedding[i], atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(alone.boxes[0], together.boxes[i])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_fine_attention_halves_the_cells(count: int) -> None:
    model = tiny_model(config=replace(CONFIG, attention_stride=8))
    with torch.inference_mode():
        out = model(*tiny_batch(count))
    assert out.attention.shape == (count, 2, 8, 8)
    torch.testing.assert_close(out.attention.sum((2, 3)), torch.ones(count, 2))


def test_smoothing_keeps_the_sum_and_spreads_a_cell_by_1_2_1() -> None:
    spot = torch.zeros(1, 2, 5, 5)
    spot[0, 0, 2, 2] = spot[0, 1, 0, 0] = 1
    out = smoothed(spot)
    torch.testing.assert_close(out.sum((2, 3)), torch.ones(1, 2))
    kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    torch.testing.assert_close(out[0, 0, 1:4, 1:4], kernel)
    # In a corner the edge repeats itself: 3/4 and 1/4 along each side.
    torch.testing.assert_close(out[0, 1, :2, :2], torch.tensor([[9.0, 3], [3, 1]]) / 16)


def test_fine_attention_pools_deep_cells_four_times() -> None:
    """The oracle: upsample the features by repetition and sum them under the fine attention."""
    branch = tiny_model(config=replace(CONFIG, attention_stride=8)).global_branch
    x, queries = torch.randn(2, 3, 64, 64), torch.randn(3, 8)
    with torch.inference_mode():
        embedding, attention = branch(x, queries)
        features = branch.trunk(x)[0].repeat_interleave(2, 2).repeat_interleave(2, 3)
        pooled = (attention[:, :, None] * features[:, None]).sum((3, 4))
        torch.testing.assert_close(embedding, branch.embed(pooled, queries.expand(2, -1, -1)), atol=1e-5, rtol=1e-4)


def test_one_pass_equals_one_attribute_at_a_time() -> None:
    """The oracle: the released method's way, a pass per attribute and a crop per photo."""
    model, (images, sources, frames) = tiny_model(), tiny_batch(3)
    with torch.inference_mode():
        fast = model(images, sources, frames)
        for a in range(2):
            vector = model.attribute_vectors[a : a + 1]
            part, attention = model.global_branch(model.normalised(images), vector)
            for b in range(3):
                box = model.rois(attention[b : b + 1], sources[b : b + 1], frames[b : b + 1])[0, 0]
                crop = cut(sources[b], box.tolist(), CONFIG.roi_size, CONFIG.fill)
                local = model.local_branch.forward_pairs(model.normalised(crop[None]), vector)
                joined = model.joined(part[b, 0], local[0])
                torch.testing.assert_close(joined, fast.embedding[b, a], atol=1e-5, rtol=1e-4)


def test_inner_product_is_the_weighted_cosine() -> None:
    model = tiny_model()
    g, l = torch.nn.functional.normalize(torch.randn(2, 16), dim=-1), torch.nn.functional.normalize(torch.randn(2, 16), dim=-1)
    x, y = model.joined(g, l)
    torch.testing.assert_close(x @ y, 0.6 * g[0] @ g[1] + 0.4 * l[0] @ l[1])


def test_given_boxes_replace_only_their_own_attribute() -> None:
    model, (images, sources, frames) = tiny_model(), tiny_batch(1)
    boxes = torch.full((1, 2, 4), float("nan"))
    boxes[0, 1] = torch.tensor([5.0, 5.0, 25.0, 25.0])
    with torch.inference_mode():
        own, given = model(images, sources, frames), model(images, sources, frames, boxes)
    torch.testing.assert_close(own.embedding[0, 0], given.embedding[0, 0])
    torch.testing.assert_close(given.boxes[0, 1], boxes[0, 1])
    assert not torch.allclose(own.embedding[0, 1], given.embedding[0, 1])


def test_no_gradient_flows_from_the_local_branch_into_the_attention() -> None:
    model, (images, sources, frames) = tiny_model(), tiny_batch(2)
    _, attention = model.look(images)
    local = model.zoom(sources, model.rois(attention, sources, frames), torch.tensor([[0, 0], [1, 1]]))
    local.sum().backward()
    assert model.global_branch.spatial_conv.weight.grad is None
    assert model.local_branch.spatial_conv.weight.grad is not None


def _spot(*cells: tuple[int, int], n: int = 14) -> torch.Tensor:
    attention = torch.full((1, 1, n, n), 1e-6)
    for row, col in cells:
        attention[0, 0, row, col] = 1.0
    return attention / attention.sum()


WHOLE = torch.tensor([[0.0, 0.0, 224.0, 224.0]])
PLAIN = replace(COMPACT, roi_threshold=0.5, roi_margin=0.0, roi_min_size=0.0)


@pytest.mark.parametrize(
    ("attention", "config", "placed", "box"),
    [
        # One cell of 16 px at rows and columns 96..112; bilinear at half height reaches half a cell further on each side.
        (_spot((6, 6)), PLAIN, WHOLE, (96, 96, 112, 112)),
        # Two cells side by side: 32 px wide, 16 high, squared to 32 about their middle.
        (_spot((6, 6), (6, 7)), PLAIN, WHOLE, (96, 88, 128, 120)),
        # A minimum of half the input around (104, 104).
        (_spot((6, 6)), replace(PLAIN, roi_min_size=0.5), WHOLE, (48, 48, 160, 160)),
        # In the corner it is shifted inside.
        (_spot((0, 0)), replace(PLAIN, roi_min_size=0.5), WHOLE, (0, 0, 112, 112)),
        # A narrow photo (112 px wide, bars of 56): shifted inside it, not inside the bars.
        (_spot((6, 3)), replace(PLAIN, roi_min_size=0.25), torch.tensor([[56.0, 0.0, 168.0, 224.0]]), (56, 76, 112, 132)),
        # Wider than the photo: centred on it.
        (_spot((6, 3)), replace(PLAIN, roi_min_size=0.75), torch.tensor([[56.0, 0.0, 168.0, 224.0]]), (28, 20, 196, 188)),
        # Flat attention: everything.
        (torch.full((1, 1, 14, 14), 1 / 196), PLAIN, WHOLE, (0, 0, 224, 224)),
        # A margin of a quarter of the side on each side.
        (_spot((6, 6)), replace(PLAIN, roi_margin=0.25), WHOLE, (92, 92, 116, 116)),
    ],
)
def test_golden_boxes(attention: torch.Tensor, config: object, placed: torch.Tensor, box: tuple[float, ...]) -> None:
    torch.testing.assert_close(
        roi_boxes(attention, placed, config)[0, 0], torch.tensor(box, dtype=torch.float32), atol=1, rtol=0
    )


def test_boxes_return_to_photo_pixels() -> None:
    frame = Frame(224, 0.5, 56.0, 0.0)
    source = torch.zeros(3, 448, 224, dtype=torch.uint8)
    assert placed_in_input([source], [frame]).tolist() == [[56.0, 0.0, 168.0, 224.0]]
    assert to_photo(torch.tensor([[[56.0, 0.0, 168.0, 112.0]]]), [frame]).tolist() == [[[0.0, 0.0, 224.0, 224.0]]]


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((2, 2, 6, 6), 100.0),  # inside
        ((-4, 0, 4, 8), None),  # half of it left of the photo
        ((100, 100, 120, 120), 255.0),  # altogether outside: fill
        ((3.2, 3.2, 3.3, 3.3), 100.0),  # less than a pixel: one pixel
    ],
)
def test_cut(box: tuple[float, ...], expected: float | None) -> None:
    source = torch.full((3, 10, 10), 100, dtype=torch.uint8)
    crop = cut(source, box, 8, 255)
    assert crop.shape == (3, 8, 8)
    if expected is None:
        assert crop[:, :, :4].eq(255).all()
        assert crop[:, :, 4:].eq(100).all()
    else:
        assert crop.eq(expected).all()


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_run_and_end_at_stride_16(name: str) -> None:
    config = PRESETS[name]
    model = AsenPP(config, VOCABULARY).eval()
    source = torch.zeros(3, 50, 40, dtype=torch.uint8)
    with torch.inference_mode():
        images = torch.zeros(1, 3, config.input_size, config.input_size, dtype=torch.uint8)
        out = model(images, [source], [Frame(config.input_size, config.input_size / 50, 22.4, 0.0)])
    assert out.embedding.shape == (1, 2, model.dim)
    assert out.attention.shape == (1, 2, config.cells, config.cells)


def test_paper_preset_follows_the_paper() -> None:
    model = AsenPP(PAPER, VOCABULARY)
    assert (model.global_branch.trunk.channels, model.local_branch.trunk.channels) == (1024, 256)
    assert (model.dim, PAPER.attribute_dim, PAPER.roi_threshold, PAPER.beta) == (2048, 512, 0.1, 0.6)


def test_same_padding_equals_an_explicit_pad() -> None:
    conv = next(
        m for m in build_trunk("local", "mobilenet_v2").modules() if isinstance(m, torch.nn.Conv2d) and m.stride == (2, 2)
    )
    x = torch.randn(1, 3, 32, 32)
    slow = torch.nn.functional.conv2d(torch.nn.functional.pad(x, (0, 1, 0, 1)), conv.weight, conv.bias, 2)
    torch.testing.assert_close(conv(x), slow)


def test_unknown_trunk_is_named() -> None:
    with pytest.raises(ValueError, match="no global trunk 'vgg'"):
        build_trunk("global", "vgg")


def test_same_seed_same_model() -> None:
    a, b = tiny_model(3).state_dict(), tiny_model(3).state_dict()
    assert all(np.array_equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_the_value_part_ranks_by_the_probability_of_the_same_value(share: float) -> None:
    model = tiny_model(config=replace(CONFIG, value_share=share))
    looks = torch.nn.functional.normalize(torch.randn(2, 2, 32, generator=torch.Generator().manual_seed(0)), dim=-1)
    read = (torch.tensor([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7]]), torch.tensor([[1.0, 0.0], [0.25, 0.75]]))
    out = model.with_values(looks, read)
    assert out.shape == (2, 2, model.dim) == (2, 2, 35)
    torch.testing.assert_close(out.norm(dim=-1), torch.ones(2, 2))
    # First attribute: 0.5 x 0.1 + 0.5 x 0.2 = 0.15 for the same value; |p|^2 = 0.5 and 0.54.
    rest = ((1 - share * 0.5) * (1 - share * 0.54)) ** 0.5 * float(looks[0, 0] @ looks[1, 0])
    assert float(out[0, 0] @ out[1, 0]) == pytest.approx(share * 0.15 + rest, abs=1e-5)
    assert out[0, 1, 34] == 0, "the second attribute has two values; what is left over stays empty"


def test_without_a_value_part_the_embedding_is_the_looks() -> None:
    model = tiny_model()
    looks = torch.randn(1, 2, 32)
    assert model.with_values(looks, ()) is looks
    assert model.dim == 32


@pytest.mark.parametrize("wanted", [[1], [1, 0], []])
def test_some_attributes_are_looked_at_as_among_all(wanted: list[int]) -> None:
    model = tiny_model(config=replace(CONFIG, value_share=0.5))
    images, sources, frames = tiny_batch(2)
    with torch.inference_mode():
        whole, some = model(images, sources, frames), model(images, sources, frames, wanted=wanted)
    for part, of_all in ((some.embedding, whole.embedding), (some.attention, whole.attention), (some.boxes, whole.boxes)):
        torch.testing.assert_close(part, of_all[:, wanted])
    assert len(some.probabilities) == len(wanted)
    for i, a in enumerate(wanted):
        torch.testing.assert_close(some.probabilities[i], whole.probabilities[a])
