"""The background of pairs of different garments: golden percentiles, slow oracles, what is stored, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from test_gallery import DIM, NAMES, ROIS, build, vectors

from asen_core.errors import GalleryError, QueryError
from asen_core.gallery import Gallery, GalleryWriter
from asen_core.gallery.finder import unit
from asen_core.gallery.manifest import VECTORS
from asen_core.review import background as room
from asen_core.review.background import FILE, Background, Standing, measured, of_gallery, read, sampled, write

TABLE = np.array([[0.0, 0.8], [0.2, 0.6], [0.4, 0.4], [0.6, 0.2]], np.float32)
EMPTY = np.zeros((0, 2), np.float32)
PRINT = "f" * 64


def made(every: np.ndarray = TABLE, **same: np.ndarray) -> Background:
    return Background(NAMES, every, same, "4 pairs made by a test", 5, PRINT)


@pytest.mark.parametrize(
    ("similarity", "weights", "chances", "percent"),
    [
        (0.5, {"neckline": 1}, 1, 60),  # 0, 0.2 and 0.4 lie below, of four pairs and this one
        (0.5, {"neckline": 7.5}, 1, 60),
        (0.5, {"sleeve": 1, "neckline": 0}, 1, 40),
        (0.4, {"neckline": 1}, 1, 40),  # an equal one is not less alike
        (-1, {"neckline": 1}, 1, 0),
        (1, {"neckline": 1}, 1, 80),
        (0.41, {"neckline": 1, "sleeve": 1}, 1, 80),  # all means are 0.4
        (0.55, {"neckline": 3, "sleeve": 1}, 1, 80),  # 0.2, 0.3, 0.4, 0.5
        (0.35, {"neckline": 3, "sleeve": 1}, 1, 40),
        (0.5, {"neckline": 1}, 2, 36),  # Šidák: 0.6 squared
        (0.5, {"neckline": 1}, 49, 100 * 0.6**49),
    ],
)
def test_golden_standings(similarity: float, weights: dict[str, float], chances: int, percent: float) -> None:
    standing = made().standing(similarity, weights, chances=chances)
    assert standing == Standing(pytest.approx(percent), 4)


def test_a_kind_has_pairs_of_its_own() -> None:
    background = made(dress=TABLE[:1], coat=EMPTY)
    assert background.standing(0.5, {"neckline": 1}, "dress") == Standing(pytest.approx(50), 1, "dress")
    assert background.standing(0.5, {"neckline": 1}, "coat") is None
    assert background.standing(0.5, {"neckline": 1}, "hat") is None
    assert made(EMPTY).standing(0.5, {"neckline": 1}) is None
    assert made(EMPTY).percents(np.zeros(3), {"neckline": 1}) is None


def test_a_few_pairs_never_make_a_high_percentile() -> None:
    for pairs in (1, 10, 98):
        background = made(np.zeros((pairs, 2), np.float32))
        assert background.standing(1, {"neckline": 1}).percent < 99
    assert made(np.zeros((100, 2), np.float32)).standing(1, {"neckline": 1}).percent > 99


@pytest.mark.parametrize(
    "weights",
    [{}, {"neckline": 0}, {"neckline": -1, "sleeve": 3}, {"neckline": float("nan")}, {"neckline": float("inf")}, {"hem": 1}],
)
def test_weights_that_can_not_be_used_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(QueryError, match=r"Weights must be numbers of 0 or more|knows no hem"):
        made().standing(0.5, weights)


@pytest.mark.parametrize("chances", [0, -1])
def test_no_chance_is_refused(chances: int) -> None:
    with pytest.raises(QueryError, match="at least 1 pair of photos, got"):
        made().standing(0.5, {"neckline": 1}, chances=chances)


@pytest.mark.parametrize("count", [0, 1, 50])
def test_many_at_once_are_as_one_by_one(count: int) -> None:
    rng = np.random.default_rng(1)
    background = made(rng.uniform(-1, 1, (300, 2)).astype(np.float32))
    values = rng.uniform(-1, 1, count)
    weights = {"neckline": 2.0, "sleeve": 1.0}
    slow = [100 * sum((2 * n + s) / 3 < v for n, s in background.any) / 301 for v in values]
    np.testing.assert_allclose(background.percents(values, weights), slow, atol=0.4)
    assert background.percents(values, weights).shape == (count,)


@pytest.mark.parametrize("chances", [2, 3])
def test_the_best_of_several_pairs_is_judged_by_the_best_of_as_many(chances: int) -> None:
    """The oracle takes every choice of rows; the mean of the columns' maxima is higher than any row's own mean."""
    rows = np.random.default_rng(0).uniform(-1, 1, (40, 2)).astype(np.float32)
    background = made(np.repeat(rows, 100, axis=0))
    best = np.array([np.max(chosen, axis=0).mean() for chosen in product(rows, repeat=chances)])
    for value in np.quantile(best, (0.1, 0.5, 0.9, 0.99)):
        found = background.standing(float(value), {"neckline": 1, "sleeve": 1}, chances=chances).percent
        assert found == pytest.approx(100 * (best < value).mean(), abs=2.5)
        assert found <= background.standing(float(value), {"neckline": 1, "sleeve": 1}).percent
        assert found == background.standing(float(value), {"neckline": 1, "sleeve": 1}, chances=chances).percent


def test_all_pairs_are_taken_where_there_are_few() -> None:
    rows, kinds = vectors(6), ["dress", "coat", "dress", "", "dress", ""]
    background = sampled(rows, kinds, NAMES, "six", PRINT)
    slow = [[float(rows[i, a] @ rows[j, a]) for a in range(2)] for i, j in combinations(range(6), 2)]
    np.testing.assert_allclose(background.any, slow, atol=1e-6)
    dresses = [[float(rows[i, a] @ rows[j, a]) for a in range(2)] for i, j in ((0, 2), (0, 4), (2, 4))]
    assert list(background.same) == ["dress"], "one coat makes no pair, and garments of no kind none either"
    np.testing.assert_allclose(background.same["dress"], dresses, atol=1e-6)
    assert (background.garments, background.source, background.vectors) == (6, "six", "")


@pytest.mark.parametrize("shares", [None, np.ones(300)])
def test_no_garment_is_paired_with_itself(shares, monkeypatch) -> None:
    monkeypatch.setattr(room, "PAIRS", 5000)
    rows = np.repeat(np.eye(300, dtype=np.float32)[:, None], 2, axis=1)
    background = sampled(rows, ["dress"] * 300, NAMES, "", PRINT, shares=shares)
    assert background.any.shape == background.same["dress"].shape == (5000, 2)
    assert not background.any.any()
    assert not background.same["dress"].any()


def test_garments_that_stand_for_more_are_taken_more_often() -> None:
    """The pairs 01, 02, 12 have the cosines 0.8, 0, 0.6 and, with shares 2, 1, 0, the chances 1, 0, 0."""
    flat = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    rows = np.repeat(flat[:, None], 2, axis=1)
    assert sampled(rows, [""] * 3, NAMES, "", PRINT, shares=np.array([2, 1, 0])).any == pytest.approx(0.8)
    assert sampled(rows, ["x"] * 3, NAMES, "", PRINT, shares=np.array([2, 0, 0])).same["x"].shape == (0, 2)
    found = sampled(rows, [""] * 3, NAMES, "", PRINT, shares=np.array([2, 1, 1])).any[:, 0]
    counts = [np.isclose(found, cosine, atol=1e-6).mean() for cosine in (0.8, 0, 0.6)]
    assert counts == pytest.approx([0.4, 0.4, 0.2], abs=0.02)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_garments_make_no_pair(count: int) -> None:
    background = sampled(vectors(count), ["dress"] * count, NAMES, "", PRINT)
    assert background.any.shape == (0, 2)
    assert background.same == {}
    assert background.standing(0.9, {"sleeve": 1}) is None


@pytest.mark.parametrize("seed", range(3))
def test_percentiles_are_true_for_other_garments_of_the_same_sort(seed: int) -> None:
    own, held = (sampled(vectors(400, s), ["x"] * 400, NAMES, "", PRINT) for s in (2 * seed, 2 * seed + 1))
    for a, name in enumerate(NAMES):
        assert 0.005 <= (own.percents(held.any[:, a], {name: 1}) > 99).mean() <= 0.015
        assert 0.005 <= (own.percents(held.same["x"][:, a], {name: 1}, "x") > 99).mean() <= 0.015
    mean = held.any.mean(axis=1)
    assert 0.005 <= (own.percents(mean, dict.fromkeys(NAMES, 1)) > 99).mean() <= 0.015


def test_it_is_stored_and_read_again(tmp_path: Path) -> None:
    background = replace(made(dress=TABLE[:2], Überwurf=EMPTY), vectors="abc")
    for name in ("a.npz", "b.npz"):
        write(tmp_path / name, background)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    found = read(tmp_path / "a.npz", PRINT)
    np.testing.assert_allclose(found.any, TABLE, atol=1 / 32767)
    np.testing.assert_allclose(found.same["dress"], TABLE[:2], atol=1 / 32767)
    assert found.same["Überwurf"].shape == (0, 2)
    told = [(b.attributes, b.source, b.garments, b.fingerprint, b.vectors) for b in (found, background)]
    assert told[0] == told[1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz"]
    with pytest.raises(GalleryError, match="can't be written"):
        write(tmp_path / "none" / "c.npz", background)


def changed(**parts: np.ndarray | None):
    def change(path: Path) -> None:
        with np.load(path) as stored:
            content = {**stored, **parts}
        np.savez(path, **{k: v for k, v in content.items() if v is not None})

    return change


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = data.index(b"any.npy") + 30
    data[at : at + 8] = bytes(255 - b for b in data[at : at + 8])
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda p: p.unlink(), "can't be read"),
        (lambda p: p.write_bytes(b""), "can't be read"),
        (lambda p: p.write_bytes(p.read_bytes()[:-40]), "can't be read"),
        (lambda p: p.write_bytes(b"text" * 99), "can't be read"),
        (flipped, "can't be read"),
        (changed(any=None), "can't be read"),
        (changed(vectors=None), "can't be read"),
        (changed(same0=TABLE), "float32, expected int16"),
        (changed(any=np.array(["x"], dtype=object)), "can't be read"),
        (changed(any=np.zeros((4, 3), np.int16)), "don't fit"),
        (changed(any=np.zeros(4, np.int16)), "don't fit"),
        (changed(attributes=np.array(["neckline"])), "don't fit"),
        (changed(fingerprint=np.array("0" * 64)), "was made with checkpoint 000000000000, ffffffffffff is in use"),
    ],
)
def test_a_damaged_one_is_refused(tmp_path: Path, damage, says: str) -> None:
    write(tmp_path / FILE, made(dress=TABLE))
    damage(tmp_path / FILE)
    with pytest.raises(GalleryError, match=says) as told:
        read(tmp_path / FILE, PRINT)
    assert f"python -m asen_core background --gallery {tmp_path}" in str(told.value)


def test_a_gallery_has_that_of_its_own_garments(tmp_path: Path) -> None:
    gallery = Gallery.open(build(tmp_path / "g", 12))
    found = of_gallery(gallery)
    assert (len(found.any), {k: len(t) for k, t in found.same.items()}) == (66, {"coat": 6, "dress": 6, "shirt": 6})
    assert (found.source, found.vectors) == ("the 12 garments of the gallery", gallery.manifest.sha256[VECTORS])
    np.testing.assert_allclose(found.any[0], [vectors(12)[0, a] @ vectors(12)[1, a] for a in range(2)], atol=1e-3)
    write(gallery.directory / FILE, replace(found, source="the stored one"))
    assert of_gallery(gallery).source == "the stored one"
    empty = of_gallery(Gallery.open(build(tmp_path / "none", 0)))
    assert empty.any.shape == (0, 2)


def test_of_a_large_gallery_some_garments_are_enough(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(room, "GARMENTS", 5)
    gallery = Gallery.open(build(tmp_path / "g", 12))
    found = measured(gallery, seed=3)
    assert (found.garments, len(found.any), found.source) == (5, 10, "5 of the 12 garments of the gallery")
    np.testing.assert_array_equal(found.any, measured(gallery, seed=3).any)


def test_kinds_that_no_label_tells_are_given(tmp_path: Path) -> None:
    with GalleryWriter(tmp_path / "g", NAMES, DIM, 4, PRINT) as writer:
        for i, row in enumerate(vectors(4)):
            writer.add(f"{i}", np.full((20, 20, 3), i, np.uint8), {"category": "dress"} if i == 0 else {}, row, ROIS)
    gallery = Gallery.open(tmp_path / "g")
    assert measured(gallery).same == {}
    found = measured(gallery, {"0": "coat", "1": "dress", "2": "coat"})
    assert {k: len(t) for k, t in found.same.items()} == {"dress": 1}, "a label goes before a reading"


def test_one_of_other_vectors_is_noticed_but_not_one_of_other_photos(tmp_path: Path) -> None:
    gallery = Gallery.open(build(tmp_path / "g", rows=vectors(6)))
    other = Gallery.open(build(tmp_path / "other", rows=vectors(6, seed=1)))
    write(gallery.directory / FILE, measured(other))
    with pytest.raises(GalleryError, match=r"belongs to other vectors.*background --gallery"):
        of_gallery(gallery)
    write(gallery.directory / FILE, replace(measured(other), vectors="", source="60 photos"))
    assert of_gallery(gallery).source == "60 photos"
    write(gallery.directory / FILE, replace(made(), attributes=("neckline", "hem")))
    with pytest.raises(GalleryError, match="is of neckline, hem, the gallery of neckline, sleeve"):
        of_gallery(gallery)


def test_a_gallery_with_one_can_be_built_anew(tmp_path: Path) -> None:
    gallery = Gallery.open(build(tmp_path / "g", 6))
    write(gallery.directory / FILE, measured(gallery))
    (gallery.directory / f"{FILE}.part").write_bytes(b"killed")
    build(gallery.directory, rows=unit(np.ones((3, 2, DIM))))
    assert not (gallery.directory / FILE).exists()
    assert of_gallery(Gallery.open(gallery.directory)).garments == 3
