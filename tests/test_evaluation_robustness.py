"""Robustness: neighbours on a circle that moves with the change, and what each change does to the pixels."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from fake_engine import FakeEngine, FakeGallery, paint
from PIL import Image
from test_evaluation import text_of

from asen_core.data.labels import Photo
from asen_core.errors import DataError
from asen_core.evaluation import Robustness, passes, run
from asen_core.evaluation.changes import CHANGES, SPOILED
from asen_core.images import load
from asen_core.types import Item


def circle(count: int) -> FakeEngine:
    """A gallery with one item per degree."""
    return FakeEngine(FakeGallery([(Item(str(i), f"{i}.webp"), i) for i in range(count)]))


def photos(folder, *angles: int, labels=None) -> list[Photo]:
    return [Photo(f"{a}.png", paint(folder / f"{a}.png", a), labels or {}) for a in angles]


def report_of(engine, *given):
    measure = Robustness(engine, *given)
    run(engine, [measure], batch_size=3)
    return measure.report()


def test_kept_neighbours_golden(tmp_path):
    report = report_of(circle(256), photos(tmp_path, 0, 50, 100))
    # A photo of one colour stays itself when mirrored, turned or cropped.
    for change in ("mirrored", "rotated", "cropped"):
        assert set(report.shares[change].values()) == {1.0}
    # Dark 0 stays 0. 50 becomes 30: its first thirty are 16 to 44 and one of 15 and 45; the first ten of 50 are 46 to 54 and
    # one of 45 and 55. The fake sorts stably, so 15 and 45 are taken in the items' order. 100 becomes 60 and keeps none.
    assert report.shares["darkened"]["sleeve"] == pytest.approx(1 / 3)
    assert report.means["darkened"] == pytest.approx(1 / 3)
    assert (report.photos["mirrored"], report.drawn, report.searched) == (3, 3, 256)


def test_partly_kept_neighbours(tmp_path):
    # 25 becomes 15: its first thirty are 0 to 29; the first ten of 25 are 21 to 29 and one of 20 and 30.
    report = report_of(circle(256), photos(tmp_path, 25))
    assert report.shares["darkened"]["sleeve"] in (0.9, 1.0)
    # 45 becomes 27: 13 to 41 and one of 12 and 42; the first ten of 45 are 41 to 49 and one more: one or two are kept.
    report = report_of(circle(256), photos(tmp_path, 45))
    assert report.shares["darkened"]["sleeve"] in (0.1, 0.2)


def test_photos_without_a_plain_background_are_left_out_of_that_change(tmp_path):
    report = report_of(circle(256), photos(tmp_path, 5))
    assert report.photos["background"] == 0
    assert set(report.shares["background"].values()) == {None}
    found = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert found["changes"]["background"]["mean"] is None
    assert found["changes"]["jpeg"]["photos"] == 1
    assert found["gallery_items"] == 256
    assert "–" in text_of(report.table())


def test_an_attribute_counts_where_labelled_or_never_labelled(tmp_path):
    engine = circle(256)
    given = [*photos(tmp_path, 0, labels={"sleeve": "long"}), *photos(tmp_path, 100, labels={"neckline": "v"})]
    report = report_of(engine, given)
    assert report.shares["darkened"]["sleeve"] == 1  # the photo at 0 only
    assert report.shares["darkened"]["neckline"] == 0  # the photo at 100 only
    assert report.shares["darkened"]["closure"] == 0.5


def test_recolouring_is_no_fault_where_the_colour_is_asked(tmp_path):
    engine = circle(256)
    engine.vocabulary = {"colour": ("red", "blue"), "sleeve": ("long", "short")}
    report = report_of(engine, photos(tmp_path, 5))
    assert list(report.shares["recoloured"]) == ["sleeve"]
    assert list(report.shares["jpeg"]) == ["colour", "sleeve"]
    assert SPOILED.keys() <= CHANGES.keys()


def test_each_photo_is_read_and_looked_at_once_beside_its_copies(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(passes, "load", lambda path: read.append(path.name) or load(path))
    engine = circle(256)
    report_of(engine, photos(tmp_path, 10, 20))
    assert sum(engine.looks.values()) == 2 * (1 + 6)
    assert read == ["10.png", "20.png"]


@pytest.mark.parametrize(
    ("limit", "drawn"), [(1, ["0"]), (3, ["0", "4", "9"]), (10, list("0123456789")), (99, list("0123456789"))]
)
def test_photos_are_drawn_evenly(tmp_path, limit, drawn):
    measure = Robustness(circle(99), photos(tmp_path, *range(9, -1, -1)), limit)
    assert [p.stem for p in measure.photos] == drawn


@pytest.mark.parametrize(
    ("items", "angles", "limit", "says"),
    [(30, (1,), 9, "gallery has 30 garments"), (31, (), 9, "got 0"), (31, (1,), 0, "limit of 0")],
)
def test_refusals(tmp_path, items, angles, limit, says):
    with pytest.raises(DataError, match=says):
        Robustness(circle(items), photos(tmp_path, *angles), limit)


def shirt(height: int = 120, width: int = 90) -> np.ndarray:
    """A garment of two colours, darker on its left half, on white."""
    pixels = np.full((height, width, 3), 250, np.uint8)
    pixels[30:-30, 20:45] = (150, 20, 20)
    pixels[30:-30, 45:70] = (230, 60, 60)
    return pixels


def changed(name: str, pixels: np.ndarray, seed: int = 0) -> np.ndarray | None:
    return CHANGES[name](pixels, np.random.default_rng(seed))


@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_seeded_and_leave_the_photo_alone(name):
    pixels = shirt()
    before = pixels.copy()
    first, again = changed(name, pixels), changed(name, pixels)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert first.shape != pixels.shape or not np.array_equal(first, pixels)
    assert np.array_equal(pixels, before)
    tiny = changed(name, np.full((5, 5, 3), 77, np.uint8))
    assert (tiny is None) == (name == "background")


def test_mirror_and_darkness():
    pixels = shirt()
    assert np.array_equal(changed("mirrored", changed("mirrored", pixels)), pixels)
    assert changed("darkened", pixels)[60, 30].tolist() == [90, 12, 12]


@pytest.mark.parametrize("seed", range(6))
def test_turned_by_eight_to_fifteen_degrees_over_the_whole_photo(seed):
    pixels = shirt(200, 200)
    turned = changed("rotated", pixels, seed)
    assert turned.shape == pixels.shape
    assert turned.min() > 15  # no black corners
    slopes = [np.flatnonzero(row[:, 0].astype(int) - row[:, 1] > 100)[0] for row in turned[80:121:40]]
    lean = np.degrees(np.arctan(abs(slopes[1] - slopes[0]) / 40))
    assert 6 < lean < 17


@pytest.mark.parametrize("seed", range(6))
def test_crop_takes_five_to_eight_percent_from_each_side(seed):
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[:, None, None], (200, 200, 3))
    cut = changed("cropped", ramp, seed)
    assert 10 <= cut[0, 0, 0] <= 16
    assert 183 <= cut[-1, 0, 0] <= 189
    assert 168 <= cut.shape[1] <= 180


@pytest.mark.parametrize("seed", range(6))
def test_recolouring_turns_the_hue_and_keeps_greys(seed):
    new = changed("recoloured", shirt(), seed)
    hues = np.asarray(Image.fromarray(new).convert("HSV"))[..., 0].astype(int)
    assert 40 <= hues[60, 30] <= 216
    assert new[0, 0].tolist() == [250, 250, 250]


@pytest.mark.parametrize("seed", range(6))
def test_only_the_backdrop_is_replaced(seed):
    pixels = shirt()
    new = changed("background", pixels, seed)
    garment = pixels[..., 1] < 200
    assert np.array_equal(new[garment], pixels[garment])
    assert new[~garment].max() <= 240
    assert len({tuple(p) for p in new[0].tolist()}) == 1
    steps = [int(b) - int(a) for a, b in pairwise(new[:, 0, 0])]
    assert max(steps) <= 1 or min(steps) >= -1


def test_no_other_background_without_a_plain_one():
    assert changed("background", np.full((50, 50, 3), 120, np.uint8)) is None
