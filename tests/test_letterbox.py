import numpy as np
import pytest
from PIL import Image

from asen_core.images import centre_crop, lay, letterbox
from asen_core.types import Box


@pytest.mark.parametrize(
    ("shape", "size", "placed"),
    [
        ((20, 10), 20, (5, 0, 15, 20)),
        ((10, 20), 20, (0, 5, 20, 15)),
        ((20, 20), 20, (0, 0, 20, 20)),
        ((40, 20), 20, (5, 0, 15, 20)),
        ((5, 5), 20, (0, 0, 20, 20)),
        ((10, 9), 20, (1, 0, 19, 20)),
        ((800, 5), 20, (9, 0, 10, 20)),  # a side that would vanish keeps one pixel
    ],
)
def test_letterbox_lands_where_the_frame_says(shape, size, placed) -> None:
    square, frame = letterbox(np.zeros((*shape, 3), np.uint8), size, 255)
    rows, cols = np.nonzero(square[..., 0] == 0)
    assert (cols.min(), rows.min(), cols.max() + 1, rows.max() + 1) == placed
    told = frame.to_input(Box(0, 0, shape[1], shape[0]))
    assert max(abs(a - b) for a, b in zip(told, placed, strict=True)) < 0.5
    assert set(np.unique(square)) <= {0, 255}


def test_letterbox_edges_stay_within_a_quarter_pixel() -> None:
    for height in range(5, 400, 7):
        square, frame = letterbox(np.zeros((height, 333, 3), np.uint8), 224, 255)
        rows, cols = np.nonzero(square[..., 0] == 0)
        told = frame.to_input(Box(0, 0, 333, height))
        placed = (cols.min(), rows.min(), cols.max() + 1, rows.max() + 1)
        assert max(abs(a - b) for a, b in zip(told, placed, strict=True)) <= 0.2501


def test_letterbox_is_antialiased() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    square, _ = letterbox(stripes, 64, 0)
    assert np.abs(square.astype(int) - 127).max() < 12


@pytest.mark.parametrize(("shape", "size"), [((0, 5, 3), 8), ((5, 5, 3), 0)])
def test_letterbox_needs_something(shape: tuple[int, ...], size: int) -> None:
    with pytest.raises(ValueError, match="letterbox needs"):
        letterbox(np.zeros(shape, np.uint8), size)


@pytest.mark.parametrize(
    ("shape", "whole", "start"),
    [
        # Shorter side to 224; the longer one is cut off to whole pixels, the offset rounded with halves to even.
        ((224, 224), (224, 224), (0, 0)),
        ((448, 224), (224, 448), (0, 112)),
        ((300, 400), (298, 224), (37, 0)),  # 298.67 -> 298
        ((333, 500), (336, 224), (56, 0)),  # 336.3 -> 336
        ((1000, 250), (224, 896), (0, 336)),
        ((90, 61), (224, 330), (0, 53)),
        ((5, 7), (313, 224), (44, 0)),  # 313.6 -> 313, 44.5 -> 44
        ((6, 400), (14933, 224), (7354, 0)),  # 7354.5 -> 7354
        ((223, 225), (226, 224), (1, 0)),
    ],
)
def test_centre_crop_is_resize_and_crop(shape: tuple[int, int], whole: tuple[int, int], start: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    square, frame = lay(pixels, 224, 255, "released")
    x, y = start
    expected = np.asarray(Image.fromarray(pixels).resize(whole, Image.Resampling.BILINEAR))[y : y + 224, x : x + 224]
    np.testing.assert_array_equal(square, expected)
    for side, resized, offset, shift in zip(shape[::-1], whole, start, (frame.dx, frame.dy), strict=True):
        edges = np.array([0, side / 3, side])
        assert np.abs(edges * resized / side - offset - (edges * frame.scale + shift)).max() <= 0.5001


def test_centre_crop_of_an_extreme_strip() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 2000, 3), dtype=np.uint8)
    square, _ = centre_crop(pixels, 224)
    whole = Image.fromarray(pixels).resize((224 * 400, 224), Image.Resampling.BILINEAR)
    off = np.abs(square.astype(int) - np.asarray(whole)[:, 44688:44912])
    assert (off.max() <= 1, off.mean() < 0.01) == (True, True)


def test_lay_knows_both_geometries() -> None:
    pixels = np.zeros((20, 10, 3), np.uint8)
    np.testing.assert_array_equal(lay(pixels, 20, 255)[0], letterbox(pixels, 20, 255)[0])
    assert lay(pixels, 20, 255, "released")[0].max() == 0, "a centre crop has no bars"
    with pytest.raises(ValueError, match="must be letterbox or released, got 'square'"):
        lay(pixels, 20, 255, "square")


@pytest.mark.parametrize(("shape", "size"), [((0, 5, 3), 8), ((5, 5, 3), 0)])
def test_centre_crop_needs_something(shape: tuple[int, ...], size: int) -> None:
    with pytest.raises(ValueError, match="centre_crop needs"):
        centre_crop(np.zeros(shape, np.uint8), size)
