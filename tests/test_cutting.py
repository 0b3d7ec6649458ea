"""All crops of a batch at once, held against `cut`, which takes one box of one photo."""

import pytest
import torch

from asen_core.models import cutting
from asen_core.models.cutting import cut_all
from asen_core.models.roi import cut

SIZE, FILL = 32, 200
WITHIN = {torch.float32: 0.01, torch.float16: 0.5, torch.bfloat16: 2.0}
"""Levels of 255 by which a crop may differ, as `cut_all` says."""


def _photos(*shapes: tuple[int, int], seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(0, 256, (h, w, 3), generator=generator, dtype=torch.uint8).permute(2, 0, 1) for h, w in shapes]


def _slowly(photos: list[torch.Tensor], boxes: torch.Tensor) -> torch.Tensor:
    crops = [cut(photo, box, SIZE, FILL) for photo, some in zip(photos, boxes.tolist(), strict=True) for box in some]
    return torch.stack(crops).reshape(*boxes.shape[:2], 3, SIZE, SIZE)


BOXES = [
    ("whole photo", (0, 0, 90, 70)),
    ("inside, smaller than the crop", (12, 9, 31, 28)),
    ("inside, larger than the crop", (3, 2, 68, 67)),
    ("as large as the crop", (5, 6, 37, 38)),
    ("halves are rounded to even", (2.5, 3.5, 40.5, 41.5)),
    ("over the left and upper edge", (-20, -7, 30, 43)),
    ("over the right and lower edge", (60, 40, 110, 90)),
    ("over all edges", (-15, -15, 105, 105)),
    ("beside the photo", (200, 5, 240, 45)),
    ("above the photo", (5, -60, 45, -20)),
    ("one pixel", (7, 7, 8, 8)),
    ("less than a pixel", (7.1, 7.1, 7.3, 7.3)),
    ("turned round", (30, 30, 20, 20)),
    ("a sliver of the photo, under half a pixel of the crop", (89.6, 0, 5000, 4910)),
    ("not square", (10, 20, 80, 33)),
]


@pytest.mark.parametrize("numbers", list(WITHIN), ids=str)
@pytest.mark.parametrize(("name", "box"), BOXES, ids=[name for name, _ in BOXES])
def test_a_box_is_cut_as_alone(name: str, box: tuple[float, ...], numbers: torch.dtype) -> None:
    photos, boxes = _photos((70, 90)), torch.tensor([[box]])
    quick = cut_all(photos, boxes, SIZE, FILL, numbers)
    assert quick.dtype == numbers
    assert (quick.float() - _slowly(photos, boxes)).abs().max() < WITHIN[numbers]


def _random_boxes(photos: list[torch.Tensor], attributes: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for photo in photos:
        longer = max(photo.shape[1:])
        centre, half = torch.rand(attributes, 2, generator=generator), torch.rand(attributes, 1, generator=generator) * 0.6
        rows.append(torch.cat([centre - half, centre + half], 1) * longer)
    return torch.stack(rows)


@pytest.mark.parametrize(
    "shapes",
    [
        [],
        [(70, 90)],
        [(70, 90)] * 3,
        [(90, 70), (400, 33), (70, 90), (12, 9), (1, 1), (128, 128)],
    ],
    ids=["none", "one", "alike", "all sizes"],
)
@pytest.mark.parametrize("at_once", [1, cutting.AT_ONCE], ids=["one at a time", "together"])
def test_a_batch_is_cut_as_its_photos(shapes: list[tuple[int, int]], at_once: int) -> None:
    photos = _photos(*shapes)
    boxes = _random_boxes(photos, 4) if photos else torch.zeros(0, 4, 4)
    quick = cut_all(photos, boxes, SIZE, FILL, at_once=at_once)
    assert quick.shape == (len(photos), 4, 3, SIZE, SIZE)
    if photos:
        assert (quick - _slowly(photos, boxes)).abs().max() < WITHIN[torch.float32]


def test_no_attribute_no_crop() -> None:
    assert cut_all(_photos((20, 30)), torch.zeros(1, 0, 4), SIZE, FILL).shape == (1, 0, 3, SIZE, SIZE)


def test_a_photo_too_long_for_a_matrix_is_cut_box_by_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "LONGEST", 100)
    photos = _photos((70, 90), (5, 130), (80, 60))
    boxes = _random_boxes(photos, 3, seed=2)
    quick = cut_all(photos, boxes, SIZE, FILL)
    torch.testing.assert_close(quick[1], _slowly(photos, boxes)[1], atol=0, rtol=0)
    assert (quick - _slowly(photos, boxes)).abs().max() < WITHIN[torch.float32]


def test_a_photo_beside_a_large_one_is_not_padded_to_it() -> None:
    shapes = [(1000, 1000), (40, 40), (41, 40), (1000, 990)]
    assert list(cutting._groups(shapes, 2, SIZE, 4, cutting.AT_ONCE)) == [[1, 2], [3, 0]]


def test_groups_keep_within_their_bytes() -> None:
    shapes = [(100, 100)] * 10
    groups = list(cutting._groups(shapes, 2, SIZE, 4, 1 << 20))
    assert [i for group in groups for i in group] == list(range(10))
    assert 1 < len(groups) < 10


def test_far_down_a_long_photo_nothing_is_lost_to_rounding() -> None:
    photos = _photos((8000, 60), seed=3)
    boxes = torch.tensor([[[3.0, 7901.0, 48.0, 7946.0], [0.0, 7000.0, 60.0, 7980.0]]])
    assert (cut_all(photos, boxes, SIZE, FILL) - _slowly(photos, boxes)).abs().max() < WITHIN[torch.float32]


def test_a_strip_one_pixel_wide_is_resized_along_its_length() -> None:
    """By hand, because torch's own resizing of such a strip repeats its first row (2.15)."""
    photo = torch.arange(64, dtype=torch.uint8)[None, :, None].expand(3, 64, 20)
    crop = cut_all([photo], torch.tensor([[[19.0, 0.0, 51.0, 32.0]]]), SIZE, FILL)[0, 0]
    torch.testing.assert_close(crop[:, :, 0], torch.arange(32.0).expand(3, 32))
    assert (crop[:, :, 1:] == FILL).all()
