"""draw.py: overlays lie where the attention is, crops keep their size, sheets their order."""

import numpy as np
import pytest

from asen_core import draw
from asen_core.draw import overlay
from asen_core.types import Box, Frame, View


def view_of(attention: np.ndarray, frame: Frame) -> View:
    embedding = np.zeros(4, np.float32)
    embedding[0] = 1
    return View("neckline", embedding, (attention / attention.sum()).astype(np.float32), Box(0, 0, 1, 1), frame, 2)


def one_cell(rows: int, cols: int, row: int, col: int) -> np.ndarray:
    attention = np.zeros((rows, cols), np.float32)
    attention[row, col] = 1
    return attention


@pytest.mark.parametrize(
    ("frame", "photo"),
    [
        (Frame(224, 224 / 400, 0, 0), (400, 400)),
        (Frame(224, 224 / 400, 56, 0), (200, 400)),  # tall photo, bars left and right
        (Frame(224, 224 / 400, 0, 56), (400, 200)),  # wide photo, bars above and below
        (Frame(224, 224 / 200, 0, -112), (200, 400)),  # centre crop
    ],
)
@pytest.mark.parametrize(("row", "col"), [(6, 6), (7, 5), (4, 8)])
def test_the_overlay_peaks_where_the_view_says(frame, photo, row, col):
    view = view_of(one_cell(14, 14, row, col), frame)
    s = draw.strength(view, photo, photo)
    y, x = np.unravel_index(int(s.argmax()), s.shape)
    cell = frame.size / 14 / frame.scale
    assert abs(x + 0.5 - view.peak[0]) <= cell / 2
    assert abs(y + 0.5 - view.peak[1]) <= cell / 2
    assert s.max() == pytest.approx(1, abs=0.02)


def test_attention_of_the_letterbox_bars_is_cut_off():
    view = view_of(one_cell(14, 14, 7, 0), Frame(224, 224 / 400, 56, 0))  # column 0 lies in the left bar
    assert draw.strength(view, (200, 400), (200, 400)).max() < 0.2


def test_what_a_centre_crop_left_out_is_transparent():
    view = view_of(np.ones((14, 14), np.float32), Frame(224, 224 / 200, 0, -112))
    alpha = draw.heat(view, (200, 400))[..., 3]
    assert alpha[:90].max() == 0
    assert alpha[150:250].min() > 200


def test_strength_agrees_with_slow_bilinear_sampling_between_cell_centres():
    rng = np.random.default_rng(5)
    attention = np.outer(np.linspace(1, 3, 14), np.linspace(2, 5, 14)).astype(np.float32)  # bilinear, so any kernel must agree
    frame = Frame(224, 0.5, 12, 0)
    view = view_of(attention, frame)
    fast = draw.strength(view, (400, 448), (200, 224))
    peak = view.attention.max()
    for _ in range(50):
        px, py = int(rng.integers(40, 160)), int(rng.integers(40, 180))
        ax = ((px + 0.5) * 2 * 0.5 + 12) / 16 - 0.5
        ay = ((py + 0.5) * 2 * 0.5) / 16 - 0.5
        r, c = int(ay), int(ax)
        u, v = ay - r, ax - c
        a = view.attention
        want = (a[r, c] * (1 - v) + a[r, c + 1] * v) * (1 - u) + (a[r + 1, c] * (1 - v) + a[r + 1, c + 1] * v) * u
        assert fast[py, px] == pytest.approx(want / peak, abs=0.01)


@pytest.mark.parametrize(
    ("size", "longest", "want"),
    [((4000, 3000), 400, (400, 300)), ((30, 40), 400, (30, 40)), ((8000, 5), 400, (400, 1)), ((1, 1), 10, (1, 1))],
)
def test_fitted(size, longest, want):
    assert draw.fitted(size, longest) == want
    view = view_of(np.ones((7, 7), np.float32), Frame(224, 1.0, 0, 0))
    layer = draw.heat(view, size, longest)
    assert layer.shape == (want[1], want[0], 4)
    assert layer.dtype == np.uint8


def test_overlaid_changes_nothing_at_opacity_zero_and_only_the_hot_part_at_one():
    photo = np.full((112, 112, 3), 200, np.uint8)
    view = view_of(one_cell(14, 14, 3, 3), Frame(224, 2.0, 0, 0))
    assert (draw.overlaid(photo, view, 0) == photo).all()
    full = draw.overlaid(photo, view, 1)
    assert (full[80:, 80:] == 200).all()
    assert np.abs(full[28, 28].astype(int) - 200).max() > 40
    with pytest.raises(ValueError, match=r"0\.\.1"):
        draw.overlaid(photo, view, 1.5)


def test_framed_draws_inside_the_box_and_leaves_the_photo_alone():
    photo = np.zeros((20, 30, 3), np.uint8)
    out = draw.framed(photo, Box(5, 4, 15, 12), (255, 0, 0), width=1)
    hot = out[..., 0] == 255
    assert not photo.any()
    assert hot[4, 5:15].all()
    assert hot[11, 5:15].all()
    assert hot[4:12, 5].all()
    assert hot[4:12, 14].all()
    assert hot.sum() == 2 * 10 + 2 * 8 - 4


def test_framed_survives_a_box_that_leaves_the_photo():
    out = draw.framed(np.zeros((20, 30, 3), np.uint8), Box(-5, -5, 50, 50), width=2)
    assert out.shape == (20, 30, 3)
    assert out[0, 0].any()
    assert not out[10, 15].any()


@pytest.mark.parametrize(
    ("box", "shape", "white"),
    [
        (Box(2, 3, 6, 8), (5, 4, 3), 0),
        (Box(-2, 0, 4, 5), (5, 6, 3), 10),
        (Box(100, 100, 103, 104), (4, 3, 3), 12),
        (Box(2.2, 2.2, 2.4, 2.4), (1, 1, 3), 0),
    ],
)
def test_crop_is_white_outside(box, shape, white):
    photo = np.zeros((20, 30, 3), np.uint8)
    out = draw.crop(photo, box)
    assert out.shape == shape
    assert int((out[..., 0] == 255).sum()) == white


def test_crop_copies_the_right_pixels():
    photo = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    assert (draw.crop(photo, Box(1, 2, 4, 4)) == photo[2:4, 1:4]).all()


@pytest.mark.parametrize(("count", "columns", "shape"), [(0, 3, (14, 14, 3)), (1, 3, (14, 14, 3)), (4, 3, (26, 38, 3))])
def test_contact_sheet_sizes(count, columns, shape):
    sheet = draw.contact_sheet([np.zeros((20, 10, 3), np.uint8)] * count, columns, cell=10, gap=2)
    assert sheet.shape == shape


def test_contact_sheet_keeps_order_and_shape():
    red = np.zeros((10, 20, 3), np.uint8)
    red[..., 0] = 255
    sheet = draw.contact_sheet([red, np.zeros((20, 20, 3), np.uint8)], 2, cell=20, gap=0)
    assert sheet[10, 10].tolist() == [255, 0, 0]
    assert sheet[1, 10].tolist() == [255, 255, 255]  # the wide picture is centred, not stretched
    assert sheet[10, 30].tolist() == [0, 0, 0]


def test_contact_sheet_refuses_no_columns():
    with pytest.raises(ValueError, match="at least one column"):
        draw.contact_sheet([], 0)


def test_the_heat_maps_colours_are_the_middle_of_inferno():
    colormaps = pytest.importorskip("matplotlib").colormaps
    assert np.array_equal(overlay._HEAT, colormaps["inferno"](np.linspace(0.22, 0.8, 16))[:, :3])
