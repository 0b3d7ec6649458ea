"""Insertion and deletion by hand, and how the map is chosen by them."""

from __future__ import annotations

import numpy as np
import pytest
from rectangle_engine import RectangleEngine, garment, inside

from asen_core.review.explain import DEFAULT, Curves, Settings, curves, saliency
from asen_core.review.explain.choice import _falling, chosen, mixtures, revealed, softened, worth
from asen_core.review.explain.masks import GRID, canvas


def test_curves_of_the_right_order_are_better_than_of_the_wrong_one() -> None:
    engine, query = RectangleEngine(), garment()
    reference = engine.look(query, ["sleeve"])["sleeve"]
    right = inside(np.zeros((GRID, 21)), RectangleEngine.boxes["sleeve"]).astype(np.float32)
    good, bad = (curves(engine, query, reference, order, "edge", 8) for order in (right, -right))
    for found in (good, bad):
        assert found.insertion[-1] == found.deletion[0] == pytest.approx(1, abs=1e-5)
        assert found.insertion[0] == found.deletion[-1] == pytest.approx(0, abs=1e-5)
        assert len(found.insertion) == len(found.deletion) == 9
    # The rectangle fills a sixteenth of the photo: the first eighth holds it all, or the last one does.
    np.testing.assert_allclose(good.areas, (7.5 / 8, 0.5 / 8), atol=0.02)
    np.testing.assert_allclose(bad.areas, (0.5 / 8, 7.5 / 8), atol=0.02)


@pytest.mark.parametrize("order", [np.zeros(4), np.full((2, 2), np.nan), np.zeros((2, 2, 2))])
def test_an_order_that_is_no_map_is_refused(order: np.ndarray) -> None:
    engine, query = RectangleEngine(), garment()
    with pytest.raises(ValueError, match="finite numbers"):
        curves(engine, query, engine.look(query, ["sleeve"])["sleeve"], order)


def test_areas_by_hand() -> None:
    found = Curves(np.array([0.0, 0.6, 0.8], np.float32), np.array([0.8, 0.4, 0.0], np.float32))
    np.testing.assert_allclose(found.areas, (0.5 / 0.8, 0.4 / 0.8), atol=1e-6)
    with pytest.raises(ValueError, match="not alike"):
        _ = Curves(np.zeros(3, np.float32), np.zeros(3, np.float32)).areas


def test_default_settings_look_at_few_enough_photos() -> None:
    engine, query = RectangleEngine(), garment()
    reference = engine.look(query, ["sleeve"])["sleeve"]
    engine.looked = 0
    saliency(engine, query, reference)
    assert engine.looked <= 400
    assert Settings() == DEFAULT


def test_cells_are_revealed_greatest_first() -> None:
    laid = canvas(garment(), "edge")
    order = np.arange(GRID * 21, dtype=np.float32).reshape(GRID, 21)
    masks = list(revealed(laid, order, 4))
    np.testing.assert_allclose([m.mean() for m in masks], [0, 0.25, 0.5, 0.75, 1], atol=0.01)
    assert masks[1][84:].all()
    assert not masks[1][:84].any()


def test_softening_keeps_a_flat_map_and_spreads_a_point() -> None:
    np.testing.assert_allclose(softened(np.full((3, 6), 2.0)), 2)
    point = np.zeros((7, 7))
    point[3, 3] = 256
    np.testing.assert_allclose(softened(point)[3, 1:6], [6, 24, 36, 24, 6])


def test_every_mixture_holds_the_masks_mean() -> None:
    rng = np.random.default_rng(0)
    attention, one, other = rng.random((3, 6, 5))
    for a, b in zip(mixtures(one, attention), mixtures(other, attention), strict=True):
        assert a.shape == (6, 5)
        assert np.isfinite(a).all()
        assert not np.allclose(a, b)
    assert all(np.isfinite(m).all() for m in mixtures(np.zeros((2, 2)), np.ones((2, 2))))


def test_attention_that_looks_elsewhere_is_not_trusted() -> None:
    engine, query = RectangleEngine({"sleeve": "neckline"}), garment()
    reference = engine.look(query, ["sleeve"])["sleeve"]
    laid = canvas(query, "edge")
    right = inside(np.zeros(laid.cells), RectangleEngine.boxes["sleeve"]).astype(np.float32) * 0.7
    best = chosen(engine, laid, reference, right, 8, 16)
    assert inside(best, RectangleEngine.boxes["sleeve"]).flat[best.argmax()]
    assert best.max() == pytest.approx(1, abs=0.02)


def test_a_place_is_worth_what_its_step_changed() -> None:
    order = np.array([[4.0, 3.0], [2.0, 1.0]])
    found = worth(order, np.array([0.0, 0.6, 0.8]), np.array([0.8, 0.4, 0.0]))
    # Steps of 0.5 and 0.3; the places in between lie on the line through the middles of the steps.
    np.testing.assert_allclose(found, [[0.5, 0.4667], [0.3333, 0.3]], atol=0.003)
    assert (np.diff(found.ravel()) < 0).all()
    flat = worth(order, np.zeros(3), np.zeros(3))
    assert (np.diff(flat.ravel()) < 0).all()
    assert np.abs(flat).max() < 1e-6


@pytest.mark.parametrize(
    ("values", "wanted"),
    [([3, 2, 1], [3, 2, 1]), ([1, 2, 3], [2, 2, 2]), ([5, 1, 3, 0], [5, 2, 2, 0]), ([0, 4, 1, 3], [2, 2, 2, 2]), ([7], [7])],
)
def test_out_of_order_neighbours_are_pooled(values: list[float], wanted: list[float]) -> None:
    np.testing.assert_allclose(_falling(np.array(values, float)), wanted)
