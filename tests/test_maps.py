"""Maps of a gallery: how they are made, kept and refused, and the verbs that make them."""

import json
import subprocess
import sys
from pathlib import Path

import fake_engine
import numpy as np
import pytest
from test_gallery import NAMES, build, vectors
from typer.testing import CliRunner

from asen_core.cli import app
from asen_core.errors import AsenError, GalleryError, QueryError
from asen_core.gallery import Gallery, GalleryWriter, Maps, maps
from asen_core.gallery.finder import unit
from asen_core.gallery.maps import MAPS, lay_out


def groups(count: int, dim: int, seed: int = 0) -> np.ndarray:
    """Three tight groups of unit vectors, one after the other in turns."""
    rng = np.random.default_rng(seed)
    return unit(np.eye(dim)[np.arange(count) % 3] + rng.normal(0, 0.05, (count, dim)))


@pytest.mark.parametrize("dim", [6, 33])
def test_what_is_alike_lies_together(dim: int) -> None:
    laid = lay_out(groups(60, dim))
    assert laid.shape == (60, 2)
    assert laid.dtype == np.float32
    assert (laid.min(), laid.max()) == (0, 1)
    away = np.linalg.norm(laid[:, None] - laid[None], axis=2)
    np.fill_diagonal(away, np.inf)
    assert (away.argmin(axis=1) % 3 == np.arange(60) % 3).all()


def test_the_same_seed_makes_the_same_map() -> None:
    space = groups(40, 8)
    np.testing.assert_array_equal(lay_out(space, 3), lay_out(space, 3))
    assert not np.array_equal(lay_out(space, 3), lay_out(space, 4))


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5, 9])
def test_tiny_galleries_have_maps_too(count: int) -> None:
    laid = lay_out(groups(count, 5))
    assert laid.shape == (count, 2)
    assert ((laid >= 0) & (laid <= 1)).all()
    assert len(np.unique(laid, axis=0)) == count


def test_one_dimension_and_copies() -> None:
    same = lay_out(np.repeat(groups(1, 4), 12, axis=0))
    np.testing.assert_array_equal(same, np.full((12, 2), 0.5, np.float32))
    pairs = lay_out(np.repeat(groups(20, 6), 2, axis=0))
    assert np.isfinite(pairs).all()
    assert np.isfinite(lay_out(np.ones((7, 1), np.float32))).all()


def test_golden_main_axes() -> None:
    # four points on a cross, twice as wide as high: the wide way fills 0..1, the other is centred
    laid = lay_out(np.array([[2, 0, 0], [-2, 0, 0], [0, 1, 0], [0, -1, 0]], np.float32))
    np.testing.assert_allclose(laid, [[1, 0.5], [0, 0.5], [0.5, 0.75], [0.5, 0.25]], atol=1e-6)


def spread(gallery: Gallery, seed: int = 0) -> Maps:
    rng = np.random.default_rng(7)
    return Maps({a: rng.random((len(gallery), 2), np.float32) for a in gallery.attributes}, seed=seed)


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery.open(build(tmp_path / "g", 6))


def test_maps_are_kept_beside_the_vectors(gallery: Gallery) -> None:
    assert gallery.map("sleeve") is None
    made = spread(gallery, seed=5)
    maps.write(gallery.directory, gallery.manifest, made)
    read = Gallery.open(gallery.directory)
    np.testing.assert_array_equal(read.map("sleeve"), made.points["sleeve"])
    assert (read.maps.seed, read.maps.method) == (5, "t-SNE")
    assert sorted(p.name for p in gallery.directory.glob("maps*")) == [MAPS]
    with pytest.raises(QueryError, match="neckline, sleeve"):
        read.map("hem")


def test_the_space_is_that_of_the_search(tmp_path: Path) -> None:
    rows = vectors(5)
    gallery = Gallery.open(build(tmp_path / "g", rows=rows))
    np.testing.assert_allclose(gallery.space("sleeve"), rows[:, 1], atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(gallery.space("sleeve"), axis=1), 1, atol=1e-6)
    assert Gallery.open(build(tmp_path / "none", 0)).space("sleeve").shape == (0, 8)


def other_vectors(path: Path) -> None:
    other = Gallery.open(build(path.parents[1] / "other", rows=vectors(6, seed=1)))
    maps.write(other.directory, other.manifest, spread(other))
    path.write_bytes((other.directory / MAPS).read_bytes())


def changed(**parts: np.ndarray):
    def change(path: Path) -> None:
        with np.load(path) as stored:
            content = {**stored, **parts}
        np.savez(path, **content)

    return change


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda p: p.write_bytes(b""), "can't be read"),
        (lambda p: p.write_bytes(p.read_bytes()[:-40]), "can't be read"),
        (lambda p: p.write_bytes(b"text" * 99), "can't be read"),
        (changed(points=np.zeros((2, 5, 2), np.float32)), r"\(2, 5, 2\).*expected \(2, 6, 2\)"),
        (changed(points=np.zeros((2, 6, 2))), "float64"),
        (changed(points=np.full((2, 6, 2), 1.5, np.float32)), r"outside of 0\.\.1"),
        (changed(points=np.full((2, 6, 2), np.nan, np.float32)), r"outside of 0\.\.1"),
        (changed(attributes=np.array(["neckline", "hem"])), "other vectors"),
        (other_vectors, "other vectors"),
    ],
)
def test_maps_that_do_not_fit_are_refused_but_the_gallery_opens(gallery: Gallery, damage, says: str) -> None:
    maps.write(gallery.directory, gallery.manifest, spread(gallery))
    damage(gallery.directory / MAPS)
    opened = Gallery.open(gallery.directory)
    assert len(opened) == 6
    with pytest.raises(GalleryError, match=says) as told:
        opened.map("sleeve")
    assert "python -m asen_core map --gallery" in str(told.value)


def test_a_gallery_with_maps_can_be_built_anew(gallery: Gallery) -> None:
    maps.write(gallery.directory, gallery.manifest, spread(gallery))
    (gallery.directory / maps.UNFINISHED).write_bytes(b"killed")
    build(gallery.directory, 3)
    assert Gallery.open(gallery.directory).map("sleeve") is None
    GalleryWriter(gallery.directory, NAMES, 8, 4, "f" * 64)


def call(*arguments: object, code: int = 0):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


def test_the_verb_makes_what_is_missing(gallery: Gallery) -> None:
    run = ("map", "--gallery", gallery.directory, "--json")
    assert json.loads(call(*run).stdout)["made"] == list(NAMES)
    assert json.loads(call(*run).stdout)["made"] == []
    before = Gallery.open(gallery.directory).maps
    part = Maps({"sleeve": before.points["sleeve"]})
    maps.write(gallery.directory, gallery.manifest, part)
    assert json.loads(call("map", "--gallery", gallery.directory, "--json").stdout)["made"] == ["neckline"]
    np.testing.assert_array_equal(Gallery.open(gallery.directory).map("neckline"), before.points["neckline"])
    (gallery.directory / MAPS).write_bytes(b"")
    assert "--again" in call("map", "--gallery", gallery.directory, code=1).stderr
    assert json.loads(call("map", "--gallery", gallery.directory, "--again", "--json").stdout)["made"] == list(NAMES)


def test_the_verb_refuses_what_it_can_not_do(gallery: Gallery, tmp_path: Path) -> None:
    assert "no gallery" in call("map", "--gallery", tmp_path / "none", code=1).stderr
    assert not (gallery.directory / MAPS).exists()
    assert "python -m asen_core map" in call("map", "--help").stdout


@pytest.mark.parametrize(("options", "there"), [((), True), (("--no-maps",), False)])
def test_index_makes_maps_unless_told_not_to(tmp_path: Path, monkeypatch, options: tuple[str, ...], there: bool) -> None:
    import asen_core.engine

    monkeypatch.setattr(asen_core.engine.Engine, "open", lambda *_, **__: fake_engine.FakeEngine())
    for angle in range(0, 120, 20):
        fake_engine.paint(tmp_path / "photos" / f"{angle}.png", angle)
    out = tmp_path / "g"
    call("index", "--images", tmp_path / "photos", "--out", out, *options)
    gallery = Gallery.open(out)
    assert all((gallery.map(a) is not None) == there for a in gallery.attributes)


def test_a_missing_library_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(AsenError, match="pip install scikit-learn"):
        lay_out(groups(9, 4))


def test_the_page_starts_without_what_makes_maps() -> None:
    code = "import sys, asen_core.gallery, asen_core.ui.page; print('sklearn' in sys.modules)"
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.strip() == "False"
