"""Regions and crops as the release takes them, against the slow derivation and against Pillow."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from released_oracle import slow_box
from tiny import CONFIG, tiny_batch, tiny_model

from asen_core.config import PAPER
from asen_core.models.resize import resized_bytes
from asen_core.models.roi import cut, cut_released, released_boxes

RELEASED = replace(CONFIG, geometry="released", roi_margin=0.0, roi_min_size=0.0, roi_threshold=0.1, local_keys=4)


def _photo(width: int, height: int) -> torch.Tensor:
    return torch.zeros(3, height, width, dtype=torch.uint8)


def _spot(row: int, col: int) -> torch.Tensor:
    attention = torch.zeros(1, 1, 14, 14)
    attention[0, 0, row, col] = 1.0
    return attention


@pytest.mark.parametrize(
    ("attention", "size", "box"),
    [
        # A peak at 104 falls to 0 over 16 px; at least 26/255 of its largest pixel, 31/32, is left up to 13.5 px away: 28 px.
        (_spot(6, 6), (224, 224), (90, 90, 118, 118)),
        (_spot(6, 6), (448, 448), (180, 180, 236, 236)),
        (_spot(6, 6), (224, 448), (90, 202, 118, 230)),  # (448 - 224) / 2 further down
        (_spot(6, 6), (501, 224), (228, 90, 256, 118)),  # 277 // 2 further right
        (_spot(6, 6), (100, 100), (40, 40, 52, 52)),  # 90 and 28 x 100 / 224 = 40.2 and 12.5
        # The corner cell is 1 up to 8 px, then falls: 22 px are kept, and their square stays in the corner.
        (_spot(0, 0), (224, 224), (0, 0, 22, 22)),
        (_spot(13, 13), (224, 224), (202, 202, 224, 224)),
        (_spot(0, 6), (224, 224), (90, 0, 118, 28)),  # 28 x 22: centre (104, 11), 14 px above it there is no room
        (_spot(13, 6), (224, 224), (90, 196, 118, 224)),  # centre (104, 213): pushed back inside
        (_spot(0, 0), (5, 9), (0, 2, 1, 3)),  # 22 x 5 / 224 is less than a pixel: one
        (torch.full((1, 1, 14, 14), 1 / 196), (200, 300), (0, 50, 200, 250)),  # flat: the whole centre square
    ],
)
def test_golden_boxes(attention: torch.Tensor, size: tuple[int, int], box: tuple[int, ...]) -> None:
    assert released_boxes(attention, [_photo(*size)], PAPER)[0, 0].tolist() == list(box)
    if attention.std() > 0:
        assert slow_box(attention[0, 0].double().numpy(), size) == box


def test_boxes_of_many_maps_equal_the_slow_ones() -> None:
    rng = np.random.default_rng(0)
    maps = rng.gamma(0.05, size=(150, 8, 14, 14))
    sizes = [(int(w), int(h)) for w, h in rng.integers(5, 900, (150, 2))]
    boxes = released_boxes(torch.from_numpy(maps).float(), [_photo(*s) for s in sizes], PAPER)
    over = ((boxes[..., 2:] - torch.tensor(sizes)[:, None]).amax(-1) > 0).numpy()
    assert over.any(), "no square reaches over the edge: the case is not shown"
    for b, a in {(b, b % 8) for b in range(150)} | set(zip(*np.nonzero(over), strict=True)):
        single = maps[b, a].astype(np.float32).astype(np.float64)
        assert np.abs(boxes[b, a].numpy() - slow_box(single, sizes[b])).max() <= 1, (b, a)


@pytest.mark.parametrize("shape", [(0, 3), (1, 0), (1, 1), (2, 3)])
def test_boxes_keep_both_axes(shape: tuple[int, int]) -> None:
    maps = torch.rand(*shape, 14, 14)
    assert released_boxes(maps, [_photo(30, 20)] * shape[0], PAPER).shape == (*shape, 4)


@pytest.mark.parametrize("side", [1, 2, 5, 13, 56, 111, 112, 113, 224, 301, 1000, 2500])
def test_resize_is_pillows_to_the_bit(side: int) -> None:
    pixels = np.random.default_rng(side).integers(0, 256, (side, side + 1, 3), dtype=np.uint8)
    ours = resized_bytes(torch.from_numpy(pixels).permute(2, 0, 1), 112).permute(1, 2, 0)
    np.testing.assert_array_equal(ours, Image.fromarray(pixels).resize((112, 112), Image.Resampling.BILINEAR))


@pytest.mark.parametrize(
    "box", [(20, 30, 200, 210), (0, 0, 300, 300), (120, 221, 301, 402), (3, 4, 4, 5), (239, 339, 301, 401)]
)
def test_crops_are_pillows_to_the_bit_even_over_the_edge(box: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (400, 300, 3), dtype=np.uint8)
    ours = cut_released(torch.from_numpy(pixels).permute(2, 0, 1), [float(v) for v in box], 112, 0)
    theirs = Image.fromarray(pixels).crop(box).resize((112, 112), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(ours.permute(1, 2, 0), theirs)


@pytest.mark.parametrize("box", [(-40, 10, 20, 70), (90, 90, 120, 120), (3.2, 3.2, 3.3, 3.3), (-1000, 0, 2000, 3000)])
def test_a_persons_box_may_leave_the_photo(box: tuple[float, ...]) -> None:
    source = torch.full((3, 100, 60), 100, dtype=torch.uint8)
    torch.testing.assert_close(cut_released(source, box, 16, 255), cut(source, box, 16, 255).round())


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_whole_pass_in_released_geometry(count: int) -> None:
    model = tiny_model(config=RELEASED)
    images, sources, frames = tiny_batch(count)
    with torch.inference_mode():
        out = model(images, sources, frames)
        assert (out.embedding.shape, out.boxes.shape) == ((count, 2, 32), (count, 2, 4))
        for i in range(count):
            alone = model(images[i : i + 1], sources[i : i + 1], frames[i : i + 1])
            torch.testing.assert_close(alone.boxes[0], out.boxes[i])
            torch.testing.assert_close(alone.embedding[0], out.embedding[i], atol=1e-5, rtol=1e-4)
    assert torch.equal(out.boxes, out.boxes.round())


def test_a_given_box_replaces_its_own_attribute_alone() -> None:
    model, (images, sources, frames) = tiny_model(config=RELEASED), tiny_batch(1)
    boxes = torch.full((1, 2, 4), float("nan"))
    boxes[0, 1] = torch.tensor([5.0, 5.0, 25.0, 25.0])
    with torch.inference_mode():
        own, given = model(images, sources, frames), model(images, sources, frames, boxes)
    torch.testing.assert_close(own.embedding[0, 0], given.embedding[0, 0])
    assert given.boxes[0, 1].tolist() == [5, 5, 25, 25]
    assert not torch.allclose(own.embedding[0, 1], given.embedding[0, 1])


@pytest.mark.parametrize(("keys", "width"), [(0, 8), (4, 4)])
def test_width_of_keys(keys: int, width: int) -> None:
    model = tiny_model(config=replace(CONFIG, global_keys=keys, local_keys=keys))
    for branch in (model.global_branch, model.local_branch):
        assert branch.spatial_query.weight.shape == (width, 8)
        assert branch.spatial_conv.weight.shape[0] == width


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"geometry": "stretched"}, "geometry must be one of letterbox, released, got 'stretched'"),
        ({"geometry": "released"}, "roi_margin and roi_min_size must be 0, got 0.15 and 0.2"),
        ({"local_keys": -1}, "widths in 0..16384, got local_keys -1"),
    ],
)
def test_bad_settings(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(CONFIG, **settings)
