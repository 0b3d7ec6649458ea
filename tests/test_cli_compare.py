"""The verbs `compare` and `background`, and the background that `index` makes: figures, JSON, words, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_engine import paint
from PIL import Image
from tiny import CONFIG, VOCABULARY, photo, tiny_checkpoint
from typer.testing import CliRunner

from asen_core import checkpoint
from asen_core.cli import app
from asen_core.cli.compare import sentences, weights_of
from asen_core.engine import Engine
from asen_core.gallery import Gallery
from asen_core.gallery.manifest import PAIRS
from asen_core.models import build_model
from asen_core.review.background import Standing, of_gallery, read
from asen_core.review.compare import Comparison, Feature, Likeness
from asen_core.review.design import Design


def call(*arguments: object, code: int = 0):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, photos of several garments, folders of one and a gallery of six with labels."""
    root = tmp_path_factory.mktemp("home")
    tiny_checkpoint(root / "model")
    rows = ["image,category"]
    for i in range(6):
        (root / "photos").mkdir(exist_ok=True)
        Image.fromarray(photo(60 + 5 * i, 50, i)).save(root / "photos" / f"{i}.png")
        rows.append(f"{i}.png,{('dress', 'shirt')[i % 2]}")
    (root / "labels.csv").write_text("\n".join(rows))
    for name, count in (("two", 2), ("seven", 7), ("eight", 8)):
        for i in range(count):
            (root / name).mkdir(exist_ok=True)
            Image.fromarray(photo(60, 50, i)).save(root / name / f"{i}.png")
    (root / "empty").mkdir()
    run = ("--images", root / "photos", "--labels", root / "labels.csv", "--checkpoint", root / "model", "--no-maps")
    call("index", *run, "--out", root / "gallery")
    return root


def compared(home: Path, first: object, second: object, *options: object, gallery: str = "gallery") -> dict:
    at = ("--checkpoint", home / "model", "--gallery", home / gallery, "--device", "cpu", "--json")
    return json.loads(call("compare", first, second, *options, *at).stdout)


def test_two_photos_as_json(home: Path) -> None:
    one, two = home / "photos" / "0.png", home / "photos" / "3.png"
    found = compared(home, one, two, "--weight", "neckline=3")
    engine = Engine.open(home / "model", home / "gallery", "cpu")
    views, background = [engine.look(p) for p in (one, two)], of_gallery(engine.gallery)
    assert list(found["attributes"]) == list(VOCABULARY)
    assert found["weights"] == {"neckline": 0.75, "sleeve": 0.25}
    total = 0.0
    for name, row in found["attributes"].items():
        cosine = float(views[0][name].embedding @ views[1][name].embedding)
        assert row["similarity"] == pytest.approx(cosine, abs=1e-5)
        standing = background.standing(row["similarity"], {name: 1})
        assert row["standing"] == {"percent": standing.percent, "pairs": 15, "category": ""}
        for side, looked in zip(("first", "second"), views, strict=True):
            assert row[side]["roi"] == [float(v) for v in looked[name].roi]
            assert row[side]["value"] == looked[name].reading.value
            assert row[side]["shot"] == 0
        total += row["similarity"] * row["weight"]
    assert found["overall"]["similarity"] == pytest.approx(total)
    assert found["overall"]["within"] is None, "this model reads no category"
    assert found["first"] == {"name": "0", "category": None, "photos": [{"photo": str(one), "width": 50, "height": 60}]}
    assert found["background"] == {"source": "the 6 garments of the gallery", "garments": 6, "pairs": 15}
    assert found["checkpoint"] == found["gallery"]["checkpoint"] == engine.fingerprint
    assert found["gallery"]["folder"] == str(home / "gallery")


def test_a_design_is_a_photo_a_folder_or_an_item(home: Path) -> None:
    found = compared(home, home / "two", home / "seven")
    assert [len(found[side]["photos"]) for side in ("first", "second")] == [2, 7]
    assert found["first"]["name"] == "two"
    same = found["attributes"]["neckline"]
    assert same["similarity"] == pytest.approx(1, abs=1e-5)
    assert same["first"]["shot"] == same["second"]["shot"]
    item = compared(home, home / "photos" / "2.png", "gallery:2.png")
    assert item["second"]["name"] == "2.png"
    assert item["second"]["photos"][0]["photo"].endswith(".webp")
    assert item["overall"]["similarity"] > 0.99
    assert not item["overall"]["flipped"]


def test_for_people_there_is_a_table_and_a_sentence(home: Path) -> None:
    at = ("--checkpoint", home / "model", "--gallery", home / "gallery", "--device", "cpu")
    shown = call("compare", home / "photos" / "0.png", home / "two", *at).stdout
    for text in (
        "0 and two",
        "Neckline",
        "Sleeve length",
        "overall",
        "similarity",
        "mirrored",
        "15 pairs of different garments",
    ):
        assert text in shown
    assert "The pairs are of the 6 garments of the gallery." in shown


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("eight", "two"), 1, "A design has 1 to 7 photos, got 8"),
        (("empty", "two"), 1, "holds no photo"),
        (("absent.png", "two"), 1, "no photo at"),
        (("two", "labels.csv"), 1, "labels.csv"),
        (("two", "gallery:9.png"), 1, "no item '9.png'"),
        (("two", "two", "--weight", "hem=1"), 1, "Unknown attribute 'hem' among the weights"),
        (("two", "two", "--weight", "neckline=0", "--weight", "sleeve=0"), 1, "All weights are 0"),
        (("two", "two", "--weight", "others=0"), 1, "All weights are 0"),
        (("two", "two", "--weight", "neckline"), 2, "is not ATTRIBUTE=NUMBER"),
        (("two", "two", "--weight", "neckline=-1"), 2, "is not ATTRIBUTE=NUMBER"),
        (("two", "two", "--weight", "neckline=nan"), 2, "is not ATTRIBUTE=NUMBER"),
        (("two", "two", "--weight", "=2"), 2, "is not ATTRIBUTE=NUMBER"),
        (("two", "two", "--gallery", "empty"), 1, "no gallery"),
        (("two",), 2, "SECOND"),
    ],
)
def test_what_can_not_be_compared_is_said(home: Path, monkeypatch, arguments, code: int, says: str) -> None:
    monkeypatch.chdir(home)
    at = () if "--gallery" in arguments else ("--gallery", "gallery")
    result = call("compare", *arguments, *at, "--checkpoint", "model", "--device", "cpu", code=code)
    assert says in " ".join(result.stderr.replace("│", " ").split())
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("given", "weights"),
    [
        ([], None),
        (["neckline=2"], {"neckline": 2}),
        ([" others = 0 ", "sleeve=.5"], {"others": 0, "sleeve": 0.5}),
        (["sleeve=1", "sleeve=3"], {"sleeve": 3}),
    ],
)
def test_weights_are_read(given, weights) -> None:
    assert weights_of(given) == weights


def told(*percents: float | None, overall: tuple[float, float] = (0.5, 0.6), applies: bool = True) -> list[str]:
    """The sentences on a comparison whose attributes stand so."""
    names = ("neckline", "sleeve", "top_length")
    features = {
        n: Feature(0.5, 0.5, None if p is None else Standing(p, 40_000), None, n, (0, 0), applies or n != "neckline")
        for n, p in zip(names, percents, strict=False)
    }
    likeness = Likeness(*overall, Standing(97.25, 40_000), Standing(80.0, 1500, "t_shirt"))
    empty = Design("a", ())
    return sentences(Comparison(empty, empty, features, likeness, dict.fromkeys(features, 1.0), "the garments", 9))


@pytest.mark.parametrize(
    ("percents", "says"),
    [
        ((99.68, 5.0), "Alike in neckline, closer than 99.6 % of 40,000 pairs of different garments."),
        ((99.68, 99.0, 10.0), "Alike in neckline (99.6 %) and sleeve length (99.0 %): closer than so many of 40,000 pairs of"),
        ((99.1, 99.3, 99.9975), "Alike in top length (99.9 %), sleeve length (99.3 %) and neckline (99.1 %): closer"),
        ((98.99, 5.0), "Unusually alike in nothing: most so in neckline, closer than 98.9 % of 40,000 pairs of different"),
        ((None, None), "There are no pairs of different garments to say how unusual this is."),
    ],
)
def test_golden_sentences(percents, says: str) -> None:
    assert told(*percents)[0].startswith(says)


def test_what_both_lack_is_not_called_alike() -> None:
    assert told(99.9, 50.0, applies=False)[0].startswith("Unusually alike in nothing: most so in sleeve length")


def test_mirrored_is_said_either_way() -> None:
    assert "Mirrored, the first is clearly more alike: 0.950 instead of 0.800 overall." in told(50, overall=(0.8, 0.95))
    assert any(s.startswith("Mirroring the first does not make it clearly more alike") for s in told(50, overall=(0.8, 0.81)))


def test_index_makes_the_background_and_keeps_that_of_other_photos(home: Path, tmp_path: Path) -> None:
    run = ("--checkpoint", home / "model", "--device", "cpu")
    out, folder = tmp_path / "g", tmp_path / "photos"
    for angle in range(0, 100, 20):
        paint(folder / f"{angle}.png", angle)
    index = ("index", "--images", folder, "--out", out, "--no-maps", *run)
    call(*index)
    gallery = Gallery.open(out)
    own = read(out / PAIRS, gallery.manifest.fingerprint)
    assert (own.garments, len(own.any), own.same) == (5, 10, {})
    (folder / "0.png").unlink()
    call(*index)
    assert of_gallery(Gallery.open(out)).garments == 4, "a new gallery has a new one"
    said = ("background", "--images", home / "photos", "--labels", home / "labels.csv", "--source", "six old coats", *run)
    found = json.loads(call(*said, "--out", out / PAIRS, "--json").stdout)
    assert (found["garments"], found["pairs"], found["kinds"]) == (6, 15, {"dress": 3, "shirt": 3})
    (folder / "20.png").unlink()
    call(*index)
    kept = of_gallery(Gallery.open(out))
    assert (kept.source, kept.garments) == ("six old coats", 6)
    made = call("background", "--gallery", out, *run)
    assert "3 pairs of the 3 garments of the gallery" in made.stderr
    assert "Only 3 garments" in made.stderr
    assert of_gallery(Gallery.open(out)).garments == 3


def test_what_no_label_tells_is_read(tmp_path: Path) -> None:
    torch.manual_seed(3)
    words = {"neckline": ("round", "v"), "category": ("dress", "shirt", "hat")}
    checkpoint.save(tmp_path / "model", build_model(CONFIG, words).eval(), {"made": "by a test"}, {})
    rows = ["image,category"]
    for i in range(9):
        paint(tmp_path / "photos" / f"{i}.png", 25 * i, value=9 * i, size=(60, 50 + 9 * i))
        rows.append(f"{i}.png,{'kilt' if i < 3 else ''}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    run = ("--images", tmp_path / "photos", "--labels", tmp_path / "labels.csv", "--checkpoint", tmp_path / "model")
    call("index", *run, "--out", tmp_path / "g", "--no-maps")
    engine = Engine.open(tmp_path / "model", tmp_path / "g", "cpu")
    looks = engine.views([tmp_path / "photos" / f"{i}.png" for i in range(9)])
    kinds = ["kilt"] * 3 + [v["category"].reading.value for v in list(looks)[3:]]
    pairs = {k: kinds.count(k) * (kinds.count(k) - 1) // 2 for k in sorted(set(kinds)) if kinds.count(k) > 1}
    assert {k: len(t) for k, t in of_gallery(engine.gallery).same.items()} == pairs
    again = ("background", "--gallery", tmp_path / "g", "--checkpoint", tmp_path / "model", "--json")
    assert json.loads(call(*again).stdout)["kinds"] == pairs
    assert json.loads(call("background", *run, "--out", tmp_path / "b.npz", "--json").stdout)["kinds"] == pairs
    both = compared(tmp_path, tmp_path / "photos" / "4.png", tmp_path / "photos" / "4.png", gallery="g")
    assert both["category"] == kinds[4]
    assert both["overall"]["within"]["pairs"] == pairs[kinds[4]]


def test_a_background_of_photos_is_that_of_their_embeddings(home: Path, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    for i in range(3):
        Image.fromarray(photo(60, 50, i)).save(tmp_path / "p" / f"{i}.png")
    (tmp_path / "p" / "broken.jpg").write_bytes(b"no photo")
    run = ("background", "--images", tmp_path / "p", "--out", tmp_path / "b.npz", "--checkpoint", home / "model", "--json")
    said = call(*run)
    assert list(json.loads(said.stdout)["left_out"]) == ["broken.jpg"]
    assert "Left out broken.jpg" in said.stderr
    rows = Engine.open(home / "model", device="cpu").embed([tmp_path / "p" / f"{i}.png" for i in range(3)])
    slow = [[rows[i, a] @ rows[j, a] for a in range(2)] for i, j in ((0, 1), (0, 2), (1, 2))]
    found = read(tmp_path / "b.npz", json.loads(said.stdout)["checkpoint"])
    np.testing.assert_allclose(found.any, slow, atol=1e-4)
    assert found.source == "3 photos in p"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--labels", "labels.csv"), 2, "give --images too"),
        (("--images", "photos"), 2, "Give the file to write"),
        (("--images", "empty", "--out", "b.npz"), 1, "holds no photo"),
        (("--images", "one", "--out", "b.npz"), 1, "has 1 photos that can be read; give at least 2"),
        (("--images", "photos", "--out", "absent/b.npz"), 1, "can't be written"),
        (("--gallery", "empty"), 1, "no gallery"),
    ],
)
def test_no_background_is_made_of_what_has_no_pairs(home: Path, monkeypatch, arguments, code: int, says: str) -> None:
    monkeypatch.chdir(home)
    (home / "one").mkdir(exist_ok=True)
    Image.fromarray(photo()).save(home / "one" / "1.png")
    result = call("background", *arguments, "--checkpoint", "model", "--device", "cpu", code=code)
    assert says in " ".join(result.stderr.replace("│", " ").split())
    assert not (home / "b.npz").exists()


@pytest.mark.parametrize("verb", ["compare", "background"])
def test_help_has_examples(verb: str) -> None:
    shown = call(verb, "--help").stdout
    assert "Examples" in shown
    assert f"python -m asen_core {verb}" in shown
