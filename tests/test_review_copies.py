"""Copies: placing and flags, on drawn garments; slow oracles and values worked by hand."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from PIL import Image

from asen_core.data.render import render, sample
from asen_core.review import prints
from asen_core.review.align import edges, garment_mask, placed
from asen_core.review.copies import FLAGS, Relation, relation
from asen_core.types import Garment
from benchmarks import alterations


@cache
def drawn(number: int, background: str = "white") -> np.ndarray:
    picture = Image.fromarray(render(replace(sample(11, number), background=background, worn=False)).pixels)
    return np.array(picture.resize((240, 320), Image.Resampling.LANCZOS))


def turned_hue(pixels: np.ndarray) -> np.ndarray:
    hue, *rest = Image.fromarray(pixels).convert("HSV").split()
    return np.array(Image.merge("HSV", (hue.point(lambda h: (h + 100) % 256), *rest)).convert("RGB"))


def test_every_flag_is_made_by_an_alteration() -> None:
    assert {f for a in alterations.ALTERATIONS.values() for f in a.flags} == set(FLAGS)


@pytest.mark.parametrize("number", [0, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", alterations.ALTERATIONS)
def test_what_was_done_is_said(name: str, number: int) -> None:
    first = drawn(number)
    found = relation(Garment(first), Garment(alterations.altered(name, first, number)))
    assert found.flags == alterations.ALTERATIONS[name].flags
    assert found
    assert not found.identical
    assert abs(found.turn) == (pytest.approx(10, abs=2.1) if name == "rotate" else 0)


@pytest.mark.parametrize("name", ["crop", "mirror", "recolour"])
def test_either_may_be_the_copy(name: str) -> None:
    first = Garment(drawn(0))
    second = Garment(alterations.altered(name, first.pixels, 0))
    assert relation(second, first).flags == relation(first, second).flags


def test_several_hold_at_once() -> None:
    first = drawn(0)
    both = np.ascontiguousarray(turned_hue(first)[20:290, 220:20:-1])
    assert relation(Garment(first), Garment(both)).flags == ("cropped", "mirrored", "recoloured")


def test_a_background_swapped_where_no_backdrop_is_bare() -> None:
    """The garment stays before noise, and before other noise."""
    garment = garment_mask(drawn(0))[..., None]
    noise = np.random.default_rng(0).integers(0, 256, (2, 40, 30, 3), dtype=np.uint8)
    behind = [np.array(Image.fromarray(n).resize((240, 320), Image.Resampling.NEAREST)) for n in noise]
    first, second = (Garment(np.where(garment, drawn(0), b)) for b in behind)
    assert "background" in relation(first, second).flags


@pytest.mark.parametrize(("one", "other"), [(1, 0), (2, 0), (2, 1), (3, 1), (5, 0), (5, 2)])
def test_different_garments_have_no_flag(one: int, other: int) -> None:
    found = relation(Garment(drawn(one)), Garment(drawn(other)))
    assert not found
    assert found.flags == ()
    assert found.sentences() == ["The two photos don't look like copies of one photo."]


def test_the_same_pixels() -> None:
    found = relation(Garment(drawn(1)), Garment(drawn(1).copy()))
    assert (found.flags, found.identical, found.agreement) == (("resaved",), True, 1.0)
    assert found.sentences() == ["The two photos are the same, pixel for pixel."]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 5), (5, 900), (900, 5), (64, 64)])
@pytest.mark.parametrize("grey", [0, 128, 255])
def test_photos_that_show_nothing(shape: tuple[int, int], grey: int) -> None:
    plain = Garment(np.full((*shape, 3), grey, np.uint8))
    assert relation(plain, Garment(plain.pixels.copy())).identical
    for other in (Garment(np.full((*shape, 3), 90, np.uint8)), Garment(drawn(0)), Garment(np.full((9, 9, 3), grey, np.uint8))):
        assert relation(plain, other).flags == relation(other, plain).flags == ()
    assert prints.between(prints.printed(plain), prints.printed(Garment(drawn(0)))).min() == 1


def test_a_monochrome_photo() -> None:
    grey = np.repeat(drawn(2).mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    assert relation(Garment(grey), Garment(np.ascontiguousarray(grey[:, ::-1]))).flags == ("mirrored",)
    assert relation(Garment(drawn(2)), Garment(grey)).flags in (("recoloured",), ("resaved",))


@pytest.mark.parametrize(
    ("box", "scale"),
    [((0, 0, 240, 320), 1.0), ((24, 32, 216, 288), 0.8), ((48, 64, 240, 320), 0.8), ((0, 0, 168, 224), 0.7)],
)
def test_where_a_part_lies(box: tuple[int, int, int, int], scale: float) -> None:
    """In longer sides of the first photo, 320 pixels here; the part is also shown at another size."""
    first = Image.fromarray(drawn(3))
    direct, mirrored = placed(first, first.crop(box).resize((180, 240)))
    assert direct.score > max(0.7, mirrored.score)
    assert (direct.scale, direct.turn) == (pytest.approx(scale, abs=0.02), 0)
    assert (direct.x, direct.y) == pytest.approx((box[0] / 320, box[1] / 320), abs=0.02)


def test_edges_have_a_direction_and_no_sides() -> None:
    """An upright edge has twice the angle 0, a level one twice 90 degrees; other colours leave them alone."""
    pixels = np.zeros((9, 9, 3), np.uint8)
    pixels[:, 5:] = 200
    upright, level = edges(pixels)[4, 4], edges(np.ascontiguousarray(pixels.swapaxes(0, 1)))[4, 4]
    assert upright.real > 0.9
    assert level.real < -0.9
    np.testing.assert_allclose(edges(255 - pixels), edges(pixels), atol=1e-6)
    assert np.abs(edges(np.full((9, 9, 3), 77, np.uint8))).max() == 0


@pytest.mark.parametrize("backdrop", [(255, 255, 255), (30, 90, 140)])
def test_the_backdrop_may_have_any_colour(backdrop: tuple[int, int, int]) -> None:
    pixels = np.full((60, 60, 3), backdrop, np.uint8)
    pixels[20:40, 20:40] = 120
    mask = garment_mask(pixels)
    assert mask[20:40, 20:40].all()
    assert not mask[:18].any()
    assert garment_mask(np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)).all()


def test_sentences() -> None:
    found = Relation(("cropped", "mirrored", "recoloured"), 0.9, (0.64, 1.0), 0, 20.0, None, {})
    assert found.sentences() == [
        "The second photo looks like a part of the first one.",
        "The second photo looks like the first one mirrored.",
        "The second photo looks like the first one in other colours.",
    ]
    wider = replace(found, flags=("cropped",), covered=(1.0, 0.7), turn=-8.0)
    assert wider.sentences() == [
        "The second photo looks like the first one with something added around it.",
        "The second photo looks turned by about 8°.",
    ]
