"""Two designs compared: figures worked by hand, every photo with every other as the oracle, mirrored, weighed, refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import VOCABULARY, photo, tiny_checkpoint

from asen_core.engine import Engine
from asen_core.errors import PhotoError, QueryError
from asen_core.review.background import Background
from asen_core.review.compare import Likeness, compare, shared_out
from asen_core.review.design import MOST, Design, Shot, mirror, seen
from asen_core.types import Box, Frame, Garment, Reading, View

NAMES = ("neckline", "sleeve")
TABLE = np.array([[0.0, 0.8], [0.2, 0.6], [0.4, 0.4], [0.6, 0.2]], np.float32)
BACKGROUND = Background(NAMES, TABLE, {"dress": TABLE[:1], "skirt": TABLE[:2]}, "4 pairs made by a test", 5, "f" * 64)
PIXELS = np.zeros((4, 6, 3), np.uint8)


def view(name: str, angle: float, value: str = "") -> View:
    """A point on the circle, in degrees."""
    point = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))], np.float32)
    readings = (Reading(value, 0.8), Reading("other", 0.2)) if value else ()
    return View(name, point, np.ones((1, 1), np.float32), Box(0, 0, 3, 4), Frame(4, 1, 0, 0), 1, readings)


def shot(neckline: float, sleeve: float, mirrored: tuple[float, float] | None = None, kind: str = "dress") -> Shot:
    looks = []
    for angles in ((neckline, sleeve), mirrored or (neckline, sleeve)):
        views = {n: view(n, a) for n, a in zip(NAMES, angles, strict=True)}
        looks.append(views | {"category": view("category", 0, kind)} if kind else views)
    return Shot(Garment(PIXELS), *looks)


def design(*shots: Shot, name: str = "a design") -> Design:
    return Design(name, shots)


def cosine(degrees: float) -> float:
    return float(np.cos(np.radians(degrees)))


def test_golden_one_photo_each() -> None:
    """Cosines of 60 and 90 degrees: 0.5 has three of four pairs below it, 0 has none; their mean 0.25 has none below it."""
    found = compare(design(shot(0, 0, (20, 10))), design(shot(60, 90)), BACKGROUND)
    neckline, sleeve = found.features["neckline"], found.features["sleeve"]
    assert (neckline.similarity, neckline.mirrored) == pytest.approx((0.5, cosine(40)), abs=1e-6)
    assert (sleeve.similarity, sleeve.mirrored) == pytest.approx((0, cosine(80)), abs=1e-6)
    assert (neckline.standing.percent, neckline.standing.pairs, neckline.standing.category) == (pytest.approx(60), 4, "")
    assert (neckline.within.percent, neckline.within.pairs, neckline.within.category) == (pytest.approx(50), 1, "dress")
    assert sleeve.standing.percent == 0
    assert (found.overall.similarity, found.overall.mirrored) == pytest.approx((0.25, (cosine(40) + cosine(80)) / 2), abs=1e-6)
    assert found.overall.standing.percent == 0, "every pair has the mean 0.4"
    assert found.weights == {"neckline": 0.5, "sleeve": 0.5}
    assert (found.category, found.source, found.garments) == ("dress", "4 pairs made by a test", 5)
    assert [v.roi for v in found.views("neckline")] == [Box(0, 0, 3, 4)] * 2


@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 7), (2, 3), (7, 7)])
def test_of_several_photos_the_closest_pair_counts(m: int, n: int) -> None:
    rng = np.random.default_rng(m * 10 + n)
    one, two = (design(*(shot(*rng.uniform(0, 180, 2), tuple(rng.uniform(0, 180, 2))) for _ in range(k))) for k in (m, n))
    found = compare(one, two, BACKGROUND, {"neckline": 3, "sleeve": 1})
    best = {}
    for name in NAMES:
        direct, turned = (
            {
                (i, j): float(getattr(a, side)[name].embedding @ b.views[name].embedding)
                for i, a in enumerate(one.shots)
                for j, b in enumerate(two.shots)
            }
            for side in ("views", "mirrored")
        )
        feature = found.features[name]
        best[name] = max(direct.values())
        assert feature.similarity == pytest.approx(best[name], abs=1e-6)
        assert feature.mirrored == pytest.approx(max(turned.values()), abs=1e-6)
        assert direct[feature.shots] == pytest.approx(best[name], abs=1e-6)
        assert found.views(name) == (one.shots[feature.shots[0]].views[name], two.shots[feature.shots[1]].views[name])
        below = (TABLE[:, NAMES.index(name)] < feature.similarity).sum() / 5
        assert feature.standing.percent == pytest.approx(100 * below ** (m * n))
    assert found.overall.similarity == pytest.approx((3 * best["neckline"] + best["sleeve"]) / 4, abs=1e-6)
    expected = BACKGROUND.standing(found.overall.similarity, {"neckline": 3, "sleeve": 1}, chances=m * n)
    assert found.overall.standing == expected


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        (None, (0.5, 0.5)),
        ({"neckline": 2, "sleeve": 2}, (0.5, 0.5)),
        ({"neckline": 3, "sleeve": 1}, (0.75, 0.25)),
        ({"sleeve": 0.1}, (0, 1)),
        ({"neckline": 0, "sleeve": 5}, (0, 1)),
    ],
)
def test_weights_are_shared_out(weights, shares: tuple[float, float]) -> None:
    assert tuple(shared_out(weights, NAMES).values()) == pytest.approx(shares)
    found = compare(design(shot(0, 0)), design(shot(60, 90)), BACKGROUND, weights)
    assert found.overall.similarity == pytest.approx(0.5 * shares[0], abs=1e-6)
    assert sum(found.weights.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ({}, "All weights are 0"),
        ({"neckline": 0, "sleeve": 0}, "All weights are 0"),
        ({"neckline": -1}, "weight of neckline must be a number of 0 or more, got -1"),
        ({"sleeve": float("nan")}, "weight of sleeve"),
        ({"sleeve": float("inf")}, "weight of sleeve"),
        ({"hem": 1}, "Unknown attribute 'hem' among the weights; known: neckline, sleeve"),
    ],
)
def test_weights_that_make_no_sense_are_refused(weights, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        compare(design(shot(0, 0)), design(shot(0, 0)), BACKGROUND, weights)


@pytest.mark.parametrize(
    ("kinds", "category", "pairs"),
    [
        (("dress", "dress"), "dress", 1),
        (("dress", "skirt"), "", None),
        (("hat", "hat"), "hat", None),
        (("", ""), "", None),
        (("dress", ""), "", None),
    ],
)
def test_the_kind_is_that_of_both(kinds: tuple[str, str], category: str, pairs: int | None) -> None:
    found = compare(*(design(shot(0, 0, kind=k)) for k in kinds), BACKGROUND)
    assert found.category == category
    for likeness in (found.overall, *found.features.values()):
        assert (likeness.within.pairs if likeness.within else None) == pairs
        assert likeness.standing.pairs == 4


def test_the_kind_is_what_most_photos_are_surely_read_as() -> None:
    shots = [shot(0, 0, kind=k) for k in ("dress", "skirt", "skirt")]
    assert design(*shots).category == "skirt"
    sure = replace(shots[0].views["category"], readings=(Reading("dress", 0.99),))
    unsure = replace(shots[1].views["category"], readings=(Reading("skirt", 0.4), Reading("dress", 0.2)))
    both = [replace(s, views=s.views | {"category": v}) for s, v in zip(shots, (sure, unsure), strict=False)]
    assert design(*both).category == "dress"


def test_without_pairs_there_is_no_standing() -> None:
    background = replace(BACKGROUND, any=TABLE[:0], same={})
    found = compare(design(shot(0, 0)), design(shot(60, 0)), background)
    for likeness in (found.overall, *found.features.values()):
        assert (likeness.standing, likeness.within) == (None, None)
    assert found.features["neckline"].similarity == pytest.approx(0.5, abs=1e-6)


def test_what_such_a_garment_lacks_is_marked() -> None:
    for kinds, neckline in ((("dress", "dress"), True), (("dress", "skirt"), False), (("skirt", "skirt"), False)):
        found = compare(*(design(shot(0, 0, kind=k)) for k in kinds), BACKGROUND)
        assert [found.features[n].applies for n in NAMES] == [neckline] * 2
    background = replace(BACKGROUND, attributes=("bottom_length", "sleeve"))
    shirts = [design(Shot(s.garment, *({"bottom_length": s.views["neckline"], **s.views},) * 2)) for s in
              (shot(0, 0, kind="shirt"), shot(5, 5, kind="shirt"))]  # fmt: skip
    assert [f.applies for f in compare(*shirts, background).features.values()] == [False, True]


@pytest.mark.parametrize(
    ("similarity", "mirrored", "flipped"),
    [
        (0.8, 0.9, True),
        (0.8, 0.87, True),
        (0.8, 0.85, False),
        (0.98, 1.0, True),
        (1.0, 1.0, False),
        (0.9995, 1, False),
        (0.9, 0.8, False),
        (-0.5, 0.3, True),
    ],
)
def test_clearly_more_alike_when_mirrored(similarity: float, mirrored: float, flipped: bool) -> None:
    assert Likeness(similarity, mirrored + 1e-9, None, None).flipped == flipped


def test_a_design_must_have_been_looked_at_under_every_attribute() -> None:
    short = design(
        Shot(Garment(PIXELS), {"neckline": view("neckline", 0)}, {"neckline": view("neckline", 0)}), name="the short"
    )
    for pair in ((short, design(shot(0, 0))), (design(shot(0, 0)), short)):
        with pytest.raises(QueryError, match="the short was not looked at under sleeve"):
            compare(*pair, BACKGROUND)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine.open(tiny_checkpoint(tmp_path_factory.mktemp("model")), device="cpu")


def test_both_sides_are_looked_at(engine: Engine) -> None:
    pictures = [photo(90, 60, 1), photo(50, 80, 2), photo(64, 64, 3)]
    found = seen(engine, pictures, "three")
    assert (found.name, len(found.shots), found.category) == ("three", 3, "")
    for picture, shown in zip(pictures, found.shots, strict=True):
        np.testing.assert_array_equal(shown.garment.pixels, picture)
        for views, pixels in ((shown.views, picture), (shown.mirrored, picture[:, ::-1])):
            slow = engine.look(np.ascontiguousarray(pixels))
            for name in VOCABULARY:
                np.testing.assert_allclose(views[name].embedding, slow[name].embedding, atol=1e-5)
                assert views[name].roi == slow[name].roi
    twice = mirror(mirror(found.shots[0].garment))
    np.testing.assert_array_equal(twice.pixels, pictures[0])


@pytest.mark.parametrize("shape", [(4001, 3003), (1300, 2999)])
def test_large_photos_are_looked_at_smaller_but_places_are_theirs(engine: Engine, shape: tuple[int, int]) -> None:
    picture = np.kron(photo(40, 30, 4), np.ones((101, 101, 1), np.uint8))[: shape[0], : shape[1]]
    picture = np.pad(picture, ((0, max(0, shape[0] - len(picture))), (0, 0), (0, 0)))
    found = seen(engine, picture).shots[0]
    assert found.garment.pixels.shape == picture.shape
    for views, pixels in ((found.views, picture), (found.mirrored, picture[:, ::-1])):
        for name, slow in engine.look(np.ascontiguousarray(pixels)).items():
            assert float(views[name].embedding @ slow.embedding) > 0.999
            np.testing.assert_allclose(tuple(views[name].roi), tuple(slow.roi), atol=0.02 * max(shape))
            np.testing.assert_allclose(views[name].point(0, 3), slow.point(0, 3), atol=4)
            assert views[name].roi.intersection(found.garment.box) == views[name].roi


@pytest.mark.parametrize("count", [1, MOST])
def test_up_to_seven_photos(engine: Engine, count: int) -> None:
    assert len(seen(engine, [photo(40, 40, i) for i in range(count)]).shots) == count


@pytest.mark.parametrize("count", [0, MOST + 1])
def test_none_or_more_are_refused_before_anything_is_read(engine: Engine, count: int) -> None:
    with pytest.raises(QueryError, match=f"1 to 7 photos, got {count}"):
        seen(engine, ["absent.jpg"] * count)


def test_a_single_photo_names_its_design(engine: Engine, tmp_path: Path) -> None:
    Image.fromarray(photo()).save(tmp_path / "shirt.png")
    assert seen(engine, tmp_path / "shirt.png").name == "shirt"
    assert seen(engine, photo()).name == "design"
    with pytest.raises(PhotoError, match="absent"):
        seen(engine, [photo(), tmp_path / "absent.png"])


def test_a_mirrored_photo_is_found_out(engine: Engine) -> None:
    picture = photo(90, 60, 5)
    picture[:, :20] = (200, 30, 30)
    one, two = seen(engine, picture), seen(engine, np.ascontiguousarray(picture[:, ::-1]))
    background = replace(BACKGROUND, attributes=tuple(VOCABULARY))
    found = compare(one, two, background)
    assert found.overall.mirrored == pytest.approx(1, abs=1e-5)
    assert found.overall.similarity < found.overall.mirrored
    same = compare(one, one, background).overall
    assert same.similarity == pytest.approx(1, abs=1e-5) != pytest.approx(same.mirrored, abs=1e-5)
