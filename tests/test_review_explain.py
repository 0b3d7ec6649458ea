"""Explaining a match: the map finds the only place that counts, the areas by hand, and the attribute that is named first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from rectangle_engine import SIDE, RectangleEngine, garment, inside

from asen_core.draw import tinted
from asen_core.errors import QueryError
from asen_core.review.background import Background, Standing
from asen_core.review.explain import DEFAULT, attention_map, ranked, saliency
from asen_core.review.explain import attributes as explaining
from asen_core.review.explain.masks import FILLS, GRID, LONGEST, canvas, random_masks, resized, windows
from asen_core.review.explain.saliency import Saliency, dropped, levelled, weighted
from asen_core.types import Garment, Reading


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("method", ["masks", "occlusion"])
@pytest.mark.parametrize("attends", ["sleeve", "neckline"])
def test_the_map_finds_the_only_place_that_counts(method: str, fill: str, attends: str) -> None:
    engine, query = RectangleEngine({"sleeve": attends}), garment()
    reference = engine.look(query, ["sleeve"])["sleeve"]
    found = saliency(engine, query, reference, method, replace(DEFAULT, fill=fill))
    assert found.map.dtype == np.float32
    assert found.map.shape == (GRID, round(GRID * SIDE[1] / SIDE[0]))
    assert found.similarity == pytest.approx(1, abs=1e-5)
    there = inside(found.map, RectangleEngine.boxes["sleeve"])
    assert there.flat[found.map.argmax()]
    assert found.map[there].mean() > 4 * np.abs(found.map[~there].mean())


def test_seeds_are_kept_and_batches_change_nothing() -> None:
    engine, query = RectangleEngine(), garment()
    reference = engine.look(query, ["sleeve"])["sleeve"]
    settings = replace(DEFAULT, masks=20)
    first, again, one = (saliency(engine, query, reference, "masks", settings, 3, size) for size in (16, 16, 1))
    other = saliency(engine, query, reference, "masks", settings, 4)
    assert first.map.tobytes() == again.map.tobytes()
    np.testing.assert_allclose(first.map, one.map, atol=1e-6)
    assert not np.allclose(first.map, other.map)
    assert 1 in engine.sizes
    with pytest.raises(ValueError, match="batch_size"):
        saliency(engine, query, reference, "masks", settings, 0, 0)


def test_the_weighted_mean_is_that_of_rise() -> None:
    """Equation 6 of the paper, each cell by itself: what is left of the likeness where it is shown, and where not."""
    rng = np.random.default_rng(0)
    masks, scores = rng.random((7, 3, 4)).astype(np.float32), rng.random((7, 2)).astype(np.float32)
    found = weighted(zip(masks, scores, strict=True), 2)
    for a in range(2):
        for row in range(3):
            for column in range(4):
                m, s = masks[:, row, column], scores[:, a]
                wanted = sum(m * s) / sum(m) - sum((1 - m) * s) / sum(1 - m)
                assert found[a, row, column] == pytest.approx(wanted, abs=1e-5)
    with pytest.raises(ValueError, match="at least one mask"):
        weighted([], 1)


def test_the_weighted_mean_by_hand() -> None:
    left, right = np.array([[1.0, 0.0]], np.float32), np.array([[0.0, 1.0]], np.float32)
    found = weighted([(left, np.array([0.9])), (right, np.array([0.2]))], 1)
    np.testing.assert_allclose(found, [[[0.7, -0.7]]], atol=1e-6)


def test_the_fall_by_hand() -> None:
    hidden_left, hidden_both = np.array([[0.0, 1.0]], np.float32), np.array([[0.0, 0.0]], np.float32)
    found = dropped([(hidden_left, np.array([0.3])), (hidden_both, np.array([0.1]))], np.array([0.9]))
    np.testing.assert_allclose(found, [[[0.7, 0.8]]], atol=1e-6)
    with pytest.raises(ValueError, match="at least one window"):
        dropped([], np.array([0.9]))


@pytest.mark.parametrize("shape", [(96, 72), (40, 288), (1, 1), (7, 5)])
@pytest.mark.parametrize(("shares", "mean"), [((0.5, 0.5), 0.5), ((0.1, 0.9), 0.5), ((0.3, 0.3), 0.3)])
def test_random_masks_show_their_share(shape: tuple[int, int], shares: tuple[float, float], mean: float) -> None:
    masks = list(random_masks(shape, 400, 6, shares, np.random.default_rng(1)))
    assert len(masks) == 400
    assert all(m.shape == shape and m.dtype == np.float32 and 0 <= m.min() <= m.max() <= 1 for m in masks)
    assert abs(np.mean(masks) - mean) < 0.05
    if mean == 0.5:
        np.testing.assert_allclose(masks[0] + masks[1], 1, atol=1e-6)


@pytest.mark.parametrize(("shape", "steps"), [((96, 72), 8), ((10, 40), 3), ((1, 1), 1)])
def test_windows_hide_every_place(shape: tuple[int, int], steps: int) -> None:
    masks = np.stack(list(windows(shape, 0.5, steps)))
    assert set(np.unique(masks)) <= {0, 1}
    assert (masks == 0).any(0).all()


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("shape", [(5, 7), (900, 500)])
def test_a_canvas_shows_the_photo_or_the_fill(fill: str, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    laid = canvas(Garment(pixels), fill)
    assert max(laid.shape) == min(LONGEST, max(shape))
    np.testing.assert_array_equal(laid.shown(np.ones(laid.shape, np.float32)).pixels, laid.photo)
    np.testing.assert_allclose(laid.shown(np.zeros(laid.shape, np.float32)).pixels, laid.neutral, atol=0.51)


def test_the_edge_is_the_backdrop() -> None:
    laid = canvas(garment(), "edge")
    assert laid.neutral.max() == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"fill": "stars"}, "one of blur, mean, edge"), ({"masks": 1}, "at least 2 masks"), ({"cells": 0}, "1 cell"),
        ({"shares": (0.5, 1.0)}, "between 0 and 1"), ({"shares": (0.6, 0.4)}, "between 0 and 1"),
        ({"side": 0.0}, "between 0 and 1"), ({"stops": 0}, "1 stop"),
    ],
)  # fmt: skip
def test_settings_that_explain_nothing_are_refused(change: dict, says: str) -> None:
    engine, query = RectangleEngine(), garment()
    with pytest.raises(QueryError, match=says):
        saliency(engine, query, engine.look(query, ["sleeve"])["sleeve"], settings=replace(DEFAULT, **change))


def test_an_unknown_method_is_refused() -> None:
    engine, query = RectangleEngine(), garment()
    with pytest.raises(QueryError, match="masks, occlusion"):
        saliency(engine, query, engine.look(query, ["sleeve"])["sleeve"], "gradients")


def test_attention_is_laid_over_the_photo() -> None:
    engine = RectangleEngine()
    laid = attention_map(garment(), engine.look(garment(), ["sleeve"])["sleeve"], (28, 21))
    assert laid.shape == (28, 21)
    assert inside(laid, RectangleEngine.boxes["sleeve"]).flat[laid.argmax()]


def background(names: tuple[str, ...] = ("neckline", "sleeve")) -> Background:
    return Background(names, np.linspace(0, 1, 101, dtype=np.float32)[:, None].repeat(len(names), 1), {}, "drawn", 5, "fake")


def test_the_shared_attribute_is_named_first() -> None:
    """Both photos are bright at the sleeve; the neckline is bright on one only."""
    engine = RectangleEngine()
    first, pixels = garment(), garment().pixels.copy()
    pixels[4:20, 28:56] = 255
    found = ranked(engine, first, Garment(pixels), background())
    assert [reason.attribute for reason in found] == ["sleeve", "neckline"]
    assert found[0].similarity == pytest.approx(1, abs=1e-5)
    assert found[0].agreement > found[1].agreement
    assert found[0].score > found[1].score
    assert isinstance(found[0].standing, Standing)
    assert found[0].standing.pairs == 101
    assert ranked(engine, first, Garment(pixels))[0].standing is None


def test_a_background_of_other_attributes_is_refused() -> None:
    with pytest.raises(QueryError, match="no pairs for sleeve"):
        ranked(RectangleEngine(), garment(), garment(), background(("neckline",)))


@pytest.mark.parametrize(
    ("kinds", "kept"),
    [
        (("dress", "dress"), ("neckline", "colour", "category")),
        (("skirt", "skirt"), ("bottom_length", "colour", "category")),
        (("skirt", "dress"), ("colour", "category")),
        (("bag", "bag"), ("colour", "category")),
    ],
)
def test_attributes_that_do_not_apply_are_left_out(kinds: tuple[str, str], kept: tuple[str, ...]) -> None:
    names = ("neckline", "bottom_length", "colour", "category")
    plain = RectangleEngine().look(garment(), ["sleeve"])["sleeve"]
    views = [{n: replace(plain, condition=n, readings=(Reading(kind, 1.0),)) for n in names} for kind in kinds]
    assert explaining.applying(views) == kept
    assert explaining.applying([{"lapel_design": plain}] * 2) == ("lapel_design",)


def test_agreement_by_hand() -> None:
    a, b, none = np.array([[3.0, 4.0]]), np.array([[4.0, 3.0]]), np.zeros((1, 2))
    assert explaining.agreed(a, 2 * a) == pytest.approx(1)
    assert explaining.agreed(a, b) == pytest.approx(24 / 25)
    assert explaining.agreed(a, none) == 0


def test_strength_is_what_speaks_for_the_likeness() -> None:
    found = Saliency("sleeve", np.array([[-1.0, 0.5, 2.0]], np.float32), 0.9, "masks")
    np.testing.assert_allclose(found.strength, [[0, 0.25, 1]])
    assert not Saliency("sleeve", np.full((1, 2), -1, np.float32), 0.9, "masks").strength.any()


def test_tinted_colours_where_the_map_is_high_only() -> None:
    weights = np.zeros((4, 4), np.float32)
    weights[:2] = 1
    pixels = np.full((80, 40, 3), 90, np.uint8)
    seen = tinted(pixels, weights)
    assert (seen[60:] == 90).all()
    assert (seen[:20] != 90).any(-1).all()
    assert (tinted(pixels, weights, 0) == pixels).all()
    for wrong in (weights * 2, weights[0], weights[:0], weights * np.nan):
        with pytest.raises(ValueError, match=r"0\.\.1"):
            tinted(pixels, wrong)


def test_resized_keeps_the_mean() -> None:
    layer = np.random.default_rng(0).random((64, 48)).astype(np.float32)
    assert resized(layer, (8, 6)).mean() == pytest.approx(layer.mean(), abs=1e-5)
    assert resized(layer, (128, 96), Image.Resampling.NEAREST).shape == (128, 96)


def test_the_level_of_the_shares_is_taken_out() -> None:
    shown = np.linspace(0.1, 0.9, 20)
    scores = np.stack([3 + 2 * shown - shown**2, np.sin(40 * shown)], 1)
    found = levelled(scores, shown)
    np.testing.assert_allclose(found[:, 0], 0, atol=1e-9)
    assert np.abs(found[:, 1]).mean() > 0.5
    few = levelled(scores[:3], shown[:3])
    np.testing.assert_allclose(few, scores[:3] - scores[:3].mean(0))
    np.testing.assert_allclose(levelled(scores, np.full(20, 0.5)), scores - scores.mean(0), atol=1e-9)
