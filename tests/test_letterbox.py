import numpy as np
import pytest

from asen_core.images import letterbox
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
