"""The garment renderer: even walk over the values, honest labels, masks where they belong, same spec same bytes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import chain, islice

import numpy as np
import pytest

from asen_core import vocabularies
from asen_core.data.render import FASHIONAI, Rendered, Spec, catalogue, render, sample, styles, targets
from asen_core.data.render.sample import NOT_DRAWN
from asen_core.data.vocabulary import DEFAULT
from asen_core.errors import AsenError, QueryError

SHIRT = Spec("shirt", "shirt", "long", "buttons", "hip", "check", "blue", "oxford", "regular", seed=5)
COAT = Spec("coat", "lapel", "long", "double_breasted", "knee", "solid", "beige", "wool", "regular", worn=True, seed=6)
HOODIE = Spec("sweatshirt", "hood", "long", "zip", "hip", "solid", "green", "fleece", "boxy", seed=7)
TANK = Spec("tank_top", "strap", "sleeveless", "none", "hip", "solid", "red", "rib", "slim", worn=True, seed=8)
DRESS = Spec("dress", "strapless", "sleeveless", "none", "midi", "floral", "pink", "silk", "a_line", seed=9)
TROUSERS = Spec("trousers", length="full", pattern="solid", colour="navy", fabric="denim", fit="slim", seed=10)
SKIRT = Spec("skirt", length="knee", pattern="dots", colour="black", fabric="silk", fit="pleated", worn=True, seed=11)
TOPS = [SHIRT, COAT, HOODIE, TANK, DRESS]
BOTTOMS = [TROUSERS, SKIRT]


@pytest.fixture(scope="module")
def specs() -> list[Spec]:
    return [sample(0, i) for i in range(1300)]


@pytest.fixture(scope="module")
def drawn() -> dict[Spec, Rendered]:
    return {spec: render(spec, 192, 256) for spec in TOPS + BOTTOMS}


def centre(mask: np.ndarray) -> tuple[float, float]:
    ys, xs = np.nonzero(mask)
    return float(xs.mean()), float(ys.mean())


def test_every_value_occurs_several_times_in_a_catalogue(specs: list[Spec]) -> None:
    count = Counter(chain.from_iterable((s.labels | s.fashionai).items() for s in specs))
    rare = {target: count[target] for target in targets() if count[target] < 5}
    assert not rare


def test_the_walk_covers_both_vocabularies() -> None:
    default = {(a, v) for a, values in DEFAULT.items() for v in values if v not in NOT_DRAWN}
    official = {(a, v) for a, values in FASHIONAI.items() for v in values}
    assert set(targets()) == default | official
    assert set(targets("fashionai")) == official


def test_one_round_of_the_walk_meets_each_target() -> None:
    for vocabulary in ("default", "fashionai"):
        wanted = targets(vocabulary)
        seen = set(
            chain.from_iterable(
                (s.labels | s.fashionai).items() for s in (sample(3, i, vocabulary) for i in range(len(wanted)))
            )
        )
        assert set(wanted) <= seen


def test_labels_stay_inside_the_vocabularies(specs: list[Spec]) -> None:
    for spec in specs:
        assert all(value in DEFAULT[attribute] for attribute, value in spec.labels.items()), spec
        assert all(value in FASHIONAI[attribute] for attribute, value in spec.fashionai.items()), spec
        assert spec.closure in ("", *styles.NECKS[spec.neck].closures) if spec.neck else not spec.closure


@pytest.mark.parametrize(
    ("spec", "labels", "fashionai"),
    [
        (SHIRT, {"neckline": "collared", "collar": "shirt", "closure": "buttons", "sleeve": "long", "top_length": "hip"},
         {"collar_design": "Shirt Collar", "sleeve_length": "Long Sleeves"}),
        (COAT, {"neckline": "collared", "collar": "lapel", "closure": "double_breasted", "category": "outerwear"},
         {"lapel_design": "Notched", "sleeve_length": "Long Sleeves", "coat_length": "Knee Length"}),
        (DRESS, {"neckline": "strapless", "collar": "none", "sleeve": "sleeveless", "top_length": "calf"},
         {"neckline_design": "Strapless Neck", "sleeve_length": "Sleeveless", "skirt_length": "Midi Length"}),
        (TROUSERS, {"bottom_length": "full", "pattern": "solid", "colour": "navy", "category": "trousers"},
         {"pant_length": "Full Length"}),
        (SKIRT, {"bottom_length": "knee", "category": "skirt"}, {"skirt_length": "Knee Length"}),
    ],
)  # fmt: skip
def test_labels_of_known_specs(spec: Spec, labels: dict[str, str], fashionai: dict[str, str]) -> None:
    assert labels.items() <= spec.labels.items()
    assert spec.fashionai == fashionai


@pytest.mark.parametrize("spec", BOTTOMS)
def test_bottoms_have_no_labels_of_tops(spec: Spec) -> None:
    assert set(spec.labels) == {"pattern", "colour", "category", "bottom_length"}


@pytest.mark.parametrize("index", [0, 7, 1299])
def test_sampling_repeats_and_seeds_differ(index: int) -> None:
    assert sample(0, index) == sample(0, index)
    assert sample(0, index) != sample(1, index)


@pytest.mark.parametrize(("vocabulary", "digest"), [("default", "c62911a63a9134a4"), ("fashionai", "540ef72ea3d80a6d")])
def test_the_walk_is_the_one_that_the_shipped_gallery_was_drawn_with(vocabulary: str, digest: str) -> None:
    walk = [sample(seed, i, vocabulary) for seed in (0, 7) for i in range(400)]
    assert hashlib.sha256(repr(walk).encode()).hexdigest()[:16] == digest


def test_the_walk_leaves_out_what_is_no_garment() -> None:
    assert {a: ("Invisible", *v) for a, v in FASHIONAI.items()} == dict(vocabularies.FASHIONAI)
    assert sum(map(len, FASHIONAI.values())) == 46


@pytest.mark.parametrize(("index", "vocabulary", "says"), [(-1, "default", "0 or more"), (0, "darn", "fashionai")])
def test_sampling_refuses(index: int, vocabulary: str, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        sample(0, index, vocabulary)


@pytest.mark.parametrize("spec", [HOODIE, TROUSERS])
def test_same_spec_same_bytes_other_seed_other_picture(spec: Spec, drawn: dict[Spec, Rendered]) -> None:
    again = render(spec, 192, 256)
    assert again.pixels.tobytes() == drawn[spec].pixels.tobytes()
    assert all(np.array_equal(again.masks[k], drawn[spec].masks[k]) for k in drawn[spec].masks)
    assert not np.array_equal(render(replace(spec, seed=99), 192, 256).pixels, again.pixels)


def test_form_of_a_drawing(drawn: dict[Spec, Rendered]) -> None:
    for spec, picture in drawn.items():
        assert picture.pixels.shape == (256, 192, 3)
        assert picture.pixels.dtype == np.uint8
        assert picture.labels == spec.labels
        for region, mask in picture.masks.items():
            assert mask.shape == (256, 192), region
            assert mask.dtype == bool
            assert mask.any()


@pytest.mark.parametrize("spec", TOPS)
def test_masks_of_tops_lie_where_they_should(spec: Spec, drawn: dict[Spec, Rendered]) -> None:
    masks = drawn[spec].masks
    assert {"neckline", "sleeve", "hem", "garment"} <= set(masks)
    x, y = centre(masks["garment"])
    rows = np.nonzero(masks["garment"].any(axis=1))[0]
    assert centre(masks["neckline"])[1] < y
    assert abs(centre(masks["neckline"])[0] - x) < 12
    assert centre(masks["hem"])[1] > rows[0] + 0.8 * (rows[-1] - rows[0])
    xs = np.nonzero(masks["sleeve"])[1]
    assert (xs < x).any()
    assert (xs > x).any()
    for region in ("hem", "sleeve", "collar", "closure"):
        if region in masks:
            assert not (masks[region] & ~masks["garment"]).any(), region


@pytest.mark.parametrize(
    ("spec", "collar", "closure"),
    [(SHIRT, True, True), (COAT, True, True), (HOODIE, True, True), (TANK, False, False), (DRESS, False, False)],
)
def test_masks_exist_where_the_part_does(spec: Spec, collar: bool, closure: bool, drawn: dict[Spec, Rendered]) -> None:
    assert ("collar" in drawn[spec].masks) == collar
    assert ("closure" in drawn[spec].masks) == closure


@pytest.mark.parametrize("spec", BOTTOMS)
def test_masks_of_bottoms(spec: Spec, drawn: dict[Spec, Rendered]) -> None:
    masks = drawn[spec].masks
    assert set(masks) == {"garment", "hem"}
    assert centre(masks["hem"])[1] > centre(masks["garment"])[1]


def test_trousers_have_a_hem_on_each_leg(drawn: dict[Spec, Rendered]) -> None:
    row = drawn[TROUSERS].masks["hem"][int(centre(drawn[TROUSERS].masks["hem"])[1])].astype(int)
    assert (np.diff(np.pad(row, 1)) == 1).sum() == 2


@pytest.mark.parametrize("value", ["red", "green", "blue", "white", "black"])
def test_the_colour_is_the_label(value: str) -> None:
    spec = Spec("t_shirt", "crew", "short", "none", "hip", "solid", value, seed=4)
    picture = render(spec, 96, 128)
    r, g, b = np.median(picture.pixels[picture.masks["garment"]], axis=0)
    order = {"red": r > max(g, b) + 40, "green": g > max(r, b) + 15, "blue": b > r + 30}
    assert order.get(value, min(r, g, b) > 190 if value == "white" else max(r, g, b) < 70)


@pytest.mark.parametrize(("shorter", "longer"), [("short", "three_quarter"), ("three_quarter", "long"), ("cap", "short")])
def test_longer_sleeves_cover_more(shorter: str, longer: str) -> None:
    a, b = (
        render(Spec("top", "scoop", s, "none", "hip", worn=True, seed=3), 96, 128).masks["sleeve"].sum()
        for s in (shorter, longer)
    )
    assert b > 1.15 * a


@pytest.mark.parametrize("neck", list(styles.NECKS))
def test_every_neck_draws(neck: str) -> None:
    sleeve = "sleeveless" if neck in styles.NO_SLEEVE_NECKS else "long"
    kind = next(k for k, family in styles.KINDS.items() if neck in family.necks)
    picture = render(Spec(kind, neck, sleeve, styles.NECKS[neck].closures[-1], seed=2), 96, 128)
    assert picture.masks["neckline"].sum() > 30
    assert ("collar" in picture.masks) == (styles.NECKS[neck].collar != "none")


def test_both_sleeves_meet_their_armholes() -> None:
    picture = render(Spec("t_shirt", "crew", "short", "none", "hip", seed=12), 192, 256)
    row = picture.masks["garment"][int(centre(picture.masks["sleeve"])[1])].astype(int)
    assert (np.diff(np.pad(row, 1)) == 1).sum() == 1, "a gap between a sleeve and the body"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_catalogue_is_lazy_and_counts(count: int) -> None:
    pictures = list(catalogue(count, seed=1, width=48, height=64))
    assert [p.spec for p in pictures] == [sample(1, i) for i in range(count)]
    assert len(list(islice(catalogue(10**9, width=48, height=64), 1))) == 1


def test_a_tiny_drawing_is_refused() -> None:
    with pytest.raises(AsenError, match="at least 16"):
        render(SHIRT, 8, 512)


def test_importing_and_sampling_leave_skia_out_and_its_absence_is_explained() -> None:
    code = (
        "import sys; sys.modules['skia'] = None\n"
        "from asen_core.data.render import render, sample\n"
        "from asen_core.errors import AsenError\n"
        "spec = sample(0, 0)\n"
        "try: render(spec)\n"
        "except AsenError as e: assert 'pip install skia-python' in str(e) and 'libgl1' in str(e); print('explained')\n"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "explained"
    )
