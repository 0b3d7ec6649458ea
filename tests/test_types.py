import dataclasses
import math

import numpy as np
import pytest

from asen_core.config import COMPACT, PAPER, ModelConfig
from asen_core.types import Box, Frame, Garment, Item, Match, Matches, Reading, View


@pytest.mark.parametrize("box", [(0, 0, 0, 1), (2, 0, 1, 1), (0, 1, 1, 1), (0, 0, math.inf, 1), (math.nan, 0, 1, 1)])
def test_boxes_that_are_none(box: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="Box must"):
        Box(*box)


def test_box() -> None:
    box = Box(1, 2, 4, 8)
    assert (box.width, box.height, box.area, tuple(box)) == (3, 6, 18, (1, 2, 4, 8))
    assert box.scaled(2) == Box(2, 4, 8, 16)
    assert box.scaled(2, 0.5) == Box(2, 1, 8, 4)
    assert box.intersection(Box(3, 0, 9, 3)) == Box(3, 2, 4, 3)
    assert box.intersection(Box(4, 2, 9, 9)) is None  # they only touch
    assert [box.contains(1, 2), box.contains(4, 3), box.contains(3.9, 8), box.contains(3.9, 7.9)] == [True, False, False, True]


def test_frame_goes_there_and_back() -> None:
    frame = Frame(224, 0.5, 10, -4)
    assert frame.to_input(Box(0, 8, 20, 40)) == Box(10, 0, 20, 16)
    assert frame.to_photo(Box(10, 0, 20, 16)) == Box(0, 8, 20, 40)
    for size, scale in ((0, 1), (1, 0), (1, -1), (1, math.nan)):
        with pytest.raises(ValueError, match="Frame needs"):
            Frame(size, scale, 0, 0)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (0, 4, 3), (4, 0, 3)])
def test_garments_that_are_none(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must be \(H, W, 3\)"):
        Garment(np.zeros(shape, np.uint8))


def test_garment() -> None:
    garment = Garment(np.zeros((2, 5, 3), np.uint8), "a", {"colour": "red"})
    assert (garment.width, garment.height, garment.box) == (5, 2, Box(0, 0, 5, 2))
    with pytest.raises(ValueError, match="uint8"):
        Garment(np.zeros((2, 5, 3), np.float32))
    with pytest.raises(TypeError):
        garment.labels["colour"] = "blue"
    with pytest.raises(dataclasses.FrozenInstanceError):
        garment.id = "b"


def view(**changes) -> View:
    values = {
        "condition": "neckline",
        "embedding": np.array([0.6, 0, 0, 0.8], np.float32),
        "attention": np.array([[0.1, 0.2], [0.3, 0.4]], np.float32),
        "roi": Box(0, 0, 4, 4),
        "frame": Frame(8, 0.5, 0, 2),
        "split": 2,
    }
    return View(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"embedding": np.ones(4, np.float32)}, "unit norm"),
        ({"embedding": np.array([1.0, 0, 0, 0])}, "float32"),
        ({"embedding": np.ones((1, 1), np.float32)}, r"\(D,\)"),
        ({"embedding": np.array([np.nan, 1], np.float32)}, "unit norm"),
        ({"attention": np.ones((2, 2), np.float32)}, "sum to 1"),
        ({"attention": np.array([[1.5, -0.5]], np.float32)}, ">= 0"),
        ({"attention": np.ones(1, np.float32)}, r"\(h, w\)"),
        ({"attention": np.array([[1.0]])}, "float32"),
        ({"attention": np.array([[np.nan]], np.float32)}, "sum to 1"),
        ({"split": 5}, "split"),
        ({"split": 3, "values": 2}, "split"),
        ({"values": -1}, "values"),
    ],
)
def test_views_that_are_none(changes: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        view(**changes)


def test_peak_looks_at_the_strongest_cell_and_its_neighbours_alone() -> None:
    attention = np.zeros((4, 4), np.float32)
    attention[1, 1], attention[1, 2], attention[3, 3] = 0.4, 0.2, 0.4
    # Row 1, column 1 + 1/3; the far cell has no say. Cells are 2 px: input (3.667, 3), photo (7.333, 2).
    assert view(attention=attention).peak == pytest.approx((22 / 3, 2))


def test_view_points_into_the_photo() -> None:
    seen = view(readings=(Reading("v", 0.9), Reading("round", 0.1)))
    assert seen.point(0, 0) == (4, 0)  # input (2, 2); 0 = (2 - dy) / 0.5
    assert seen.peak == pytest.approx((8.8, 5.6))  # row 0.7, column 0.6: input (4.4, 4.8)
    assert seen.reading == Reading("v", 0.9)
    assert view().reading is None


@pytest.mark.parametrize("beta", [0, 0.25, 1])
def test_a_query_vector_weighs_the_two_cosines(beta: float) -> None:
    other = np.array([0.36, 0.48, 0.64, 0.48], np.float32)  # parts of norm 0.6 and 0.8; cosines 0.6 and 0.6
    other[2:] = (0.8, 0.0)  # local cosine 0
    # as stored: global cosine x 0.6 x 0.6; query parts are divided by their squared norm, 0.36 and 0.64
    assert float(view().query_vector(beta) @ other) == pytest.approx(beta * 0.6, abs=1e-6)
    np.testing.assert_array_equal(view().query_vector(), view().embedding)
    with pytest.raises(ValueError, match="beta"):
        view().query_vector(1.5)


def test_a_value_part_keeps_its_share_when_the_branches_are_reweighted() -> None:
    mine = view(embedding=np.array([0.36, 0.48, 0.64, 0.48], np.float32), split=1, values=2)  # looks of norm 0.6
    other = np.array([-0.36, 0.48, 0.64, 0.48], np.float32)  # the same value part; global cosine -1, local cosine 1
    for beta in (0.0, 0.3, 1.0):
        assert float(mine.query_vector(beta) @ other) == pytest.approx(0.64 + 0.36 * (1 - 2 * beta), abs=1e-6)


def test_matches_are_sorted() -> None:
    hits = tuple(Match(Item(str(i), ""), s, 50) for i, s in enumerate((0.9, 0.5, 0.5)))
    found = Matches("neckline", hits, 3)
    assert (len(found), found[0].item.id, [h.similarity for h in found]) == (3, "0", [0.9, 0.5, 0.5])
    assert len(Matches("neckline", (), 0)) == 0
    with pytest.raises(ValueError, match="sorted"):
        Matches("neckline", hits[::-1], 3)


@pytest.mark.parametrize("config", [COMPACT, PAPER])
def test_settings_survive_json(config: ModelConfig) -> None:
    values = {k: list(v) if isinstance(v, tuple) else v for k, v in config.to_dict().items()}
    assert ModelConfig.from_dict(values) == config


@pytest.mark.parametrize(
    ("values", "says"),
    [({"betta": 0.5}, "no setting betta"), ({"beta": 1.0}, "beta"), ({"input_size": 225}, "multiples of 16")],
)
def test_bad_settings(values: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ModelConfig.from_dict(values)
