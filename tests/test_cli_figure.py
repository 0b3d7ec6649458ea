"""`figure attention`, `figure rois` and `figure tsne`: photos from everywhere, what is drawn of them, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_engine import paint
from PIL import Image
from test_gallery import build
from tiny import CONFIG, VOCABULARY, tiny_checkpoint
from typer.testing import CliRunner

from asen_core import checkpoint
from asen_core.cli import app
from asen_core.cli.figure_photos import sample
from asen_core.data.vocabulary import FASHIONAI
from asen_core.gallery import Gallery, Maps, maps
from asen_core.models import build_model

SMALL = ("--width", 8, "--dpi", 60, "--device", "cpu")


def call(*arguments: object, code: int = 0):
    result = CliRunner().invoke(app, ["figure", *map(str, arguments)])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("model"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(5):
        paint(tmp_path / "photos" / "deep" / f"{number}.png", 40 * number, size=(60, 80 + number))
    return tmp_path / "photos"


def method(directory: Path, name: str) -> Path:
    torch.manual_seed(0)
    network = build_model(replace(CONFIG, method=name, reading_scale=0.0), VOCABULARY).eval()
    checkpoint.save(directory, network, {"made": "by a test"}, {})
    return directory


@pytest.fixture
def drawn(monkeypatch) -> list:
    """The pages of every figure that is written."""
    from asen_core.draw import page

    kept, write = [], page.write
    monkeypatch.setattr(page, "write", lambda pages, path: (kept.append(list(pages)), write(pages, path)))
    return kept


def texts(page) -> list[str]:
    return [t.get_text() for t in page.axes.texts]


@pytest.mark.parametrize("ending", ["pdf", "png", "webp"])
@pytest.mark.parametrize("verb", ["attention", "rois"])
def test_photos_come_as_a_file(verb: str, ending: str, photos: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / f"a.{ending}"
    for _ in "ab":
        said = json.loads(call(verb, photos, "--out", out, "--checkpoint", model, *SMALL, "--json").stdout)
        assert said == {"figure": str(out), "pages": 1, "photos": 5, "attributes": list(VOCABULARY)}
        first = out.read_bytes()
    assert out.read_bytes() == first
    if ending != "pdf":
        assert Image.open(out).size[0] == round(8 / 2.54 * 60)


def test_attention_draws_photos_in_order_and_attributes_as_asked(photos, model, tmp_path, drawn) -> None:
    two = [photos / "deep" / "3.png", photos / "deep" / "1.png"]
    run = ("--out", tmp_path / "a.png", "--checkpoint", model, *SMALL)
    call("attention", *two, two[0], "--attributes", "sleeve,neckline", "--rois", *run)
    (page,) = drawn.pop()
    assert len(page.axes.images) == 2 * 3
    assert texts(page)[:2] == ["Sleeve length", "Neckline"]
    assert sum("%" in t for t in texts(page)) == 4
    assert len(page.axes.patches) == 2 * 2 * 2
    heights = [abs(e[3] - e[2]) for e in (i.get_extent() for i in page.axes.images)]
    assert heights[0] > heights[3]  # 60 x 83 first, then 60 x 81
    call("attention", *two, "--attributes", "sleeve", "--attributes", "sleeve", *run)
    assert [len(p.axes.images) for p in drawn.pop()] == [4]


def test_a_pdf_has_pages_where_one_is_full(photos, model, tmp_path, drawn) -> None:
    run = ("attention", photos, "--out", tmp_path / "a.pdf", "--checkpoint", model, *SMALL, "--height", 9)
    assert "(3 pages)" in call(*run).stderr
    assert [len(p.axes.images) // 3 for p in drawn.pop()] == [2, 2, 1]


def test_rois_puts_photos_side_by_side(photos, model, tmp_path, drawn) -> None:
    call("rois", photos, "--columns", 3, "--out", tmp_path / "a.png", "--checkpoint", model, *SMALL)
    (page,) = drawn.pop()
    assert len(page.axes.images) == 5 * 3
    assert " ".join(texts(page)) == "Neckline Sleeve length Neckline Sleeve length"


def test_networks_that_read_nothing_or_see_no_place(photos, tmp_path, drawn) -> None:
    run = ("--out", tmp_path / "a.png", *SMALL, "--checkpoint")
    call("attention", photos, *run, method(tmp_path / "unread", "asen_pp"))
    assert texts(drawn.pop()[0]) == ["Neckline", "Sleeve length"]
    asen, general = method(tmp_path / "asen", "asen"), method(tmp_path / "general", "general")
    call("attention", photos, *run, asen)
    assert "asen has no region" in call("attention", photos, "--rois", *run, asen, code=1).stderr
    assert "asen has no region" in call("rois", photos, *run, asen, code=1).stderr
    assert "general has no attention" in call("attention", photos, *run, general, code=1).stderr


def test_the_same_seed_draws_the_same_sample() -> None:
    assert sample(5, None, 0) == sample(5, 5, 1) == sample(5, 99, 2) == [0, 1, 2, 3, 4]
    assert sample(100, 7, 3) == sample(100, 7, 3) != sample(100, 7, 4)
    assert len(set(sample(100, 7, 3))) == 7
    assert sample(0, 3, 0) == []


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["attention", "P", "--out", "a.docx"], 1, "no ending that a figure can be written as"),
        (["attention", "--out", "a.png"], 2, "Give PHOTOS"),
        (["attention", "P", "--dataset", "DARN", "--data", ".", "--out", "a.png"], 2, "Give PHOTOS"),
        (["attention", "--dataset", "DARN", "--out", "a.png"], 2, "give both"),
        (["rois", "none.jpg", "--out", "a.png"], 1, "no photo at"),
        (["rois", "E", "--out", "a.png"], 1, "holds no photo"),
        (["rois", "P", "--attributes", "hem", "--out", "a.png"], 1, "'hem'"),
        (["rois", "P", "--out", "a.png", "--width", "4", "--columns", "5"], 1, "--columns or a larger --width"),
        (["attention", "B", "--out", "a.png"], 1, "broken.jpg"),
        (["attention", "--dataset", "Fashion", "--data", ".", "--out", "a.png"], 1, "no dataset 'Fashion'"),
        (["tsne", "--gallery", "g", "--labels", "l.csv", "--out", "a.png"], 2, "Give one of"),
        (["tsne", "--labels", "l.csv", "--out", "a.png"], 2, "give both"),
        (["tsne", "--data", ".", "--out", "a.png"], 2, "give both"),
        (["tsne", "--gallery", "none", "--out", "a.png"], 1, "no gallery"),
        (["tsne", "--gallery", "none", "--out", "a"], 1, "no ending"),
        (["tsne", "--gallery", "none", "--out", "a.png", "--checkpoint", "c"], 2, "keeps its own vectors"),
        (["tsne", "--split", "test", "--out", "a.png"], 2, "keeps its own vectors"),
        (["attention", "P", "--split", "test", "--out", "a.png"], 2, "Photos have no split"),
    ],
)
def test_what_can_not_be_drawn_is_said_and_nothing_written(
    arguments, code: int, says: str, photos: Path, model: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "E").mkdir()
    (tmp_path / "P").symlink_to(photos)
    (tmp_path / "B").mkdir()
    (tmp_path / "B" / "broken.jpg").write_bytes(b"no photo")
    before = sorted(tmp_path.iterdir())
    own = () if arguments[0] == "tsne" else ("--checkpoint", model)
    result = call(*arguments, *own, "--device", "cpu", code=code)
    assert says in " ".join(result.stderr.replace("│", " ").split())
    assert sorted(tmp_path.iterdir()) == before


def test_too_many_photos_are_refused_before_they_are_looked_at(tmp_path, model, monkeypatch) -> None:
    from asen_core.cli import figure_photos

    monkeypatch.setattr(figure_photos, "MOST", 3)
    for number in range(4):
        paint(tmp_path / "p" / f"{number}.png", number)
    run = ("attention", tmp_path / "p", "--out", tmp_path / "a.png", "--checkpoint", model, *SMALL)
    assert "4 photos are too many" in call(*run, code=1).stderr
    call(*run, "--count", 3)


def test_a_gallery_is_drawn_with_its_own_maps(tmp_path: Path, drawn) -> None:
    gallery = Gallery.open(build(tmp_path / "g", 6))
    points = {a: np.random.default_rng(7).random((6, 2)).astype(np.float32) for a in gallery.attributes}
    maps.write(gallery.directory, gallery.manifest, Maps(points, seed=4))
    run = ("tsne", "--gallery", gallery.directory, "--out", tmp_path / "a.png", *SMALL)
    first = {p.name: p.read_bytes() for p in gallery.directory.iterdir() if p.is_file()}
    said = json.loads(call(*run, "--json", "--seed", 4, "--attributes", "sleeve").stdout)
    assert said["garments"] == {"sleeve": 6}
    (page,) = drawn.pop()
    at = np.concatenate([c.get_offsets() for c in page.axes.collections if len(c.get_offsets()) > 1])
    spread = np.ptp(at[:, 0]) / np.ptp(at[:, 1])
    assert spread == pytest.approx(np.ptp(points["sleeve"][:, 0]) / np.ptp(points["sleeve"][:, 1]), rel=1e-3)
    call(*run)  # another seed: laid out anew, and nothing of it is kept
    assert {p.name: p.read_bytes() for p in gallery.directory.iterdir() if p.is_file()} == first
    assert "'hem'" in call(*run, "--attributes", "hem", code=1).stderr
    empty = build(tmp_path / "empty", 0)
    assert "nothing to draw" in call("tsne", "--gallery", empty, "--out", tmp_path / "b.png", code=1).stderr


def labelled(folder: Path, count: int = 12) -> Path:
    rows = ["image,split,neckline,sleeve"]
    for i in range(count):
        paint(folder / f"{i}.png", 20 * i, value=i, size=(40, 50))
        rows.append(f"{i}.png,{'test' if i < 8 else 'train'},{('round', 'v')[i % 2]},{'long' if i % 3 == 0 else ''}")
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder / "labels.csv"


@pytest.mark.parametrize(
    ("options", "garments"),
    [
        ((), {"neckline": 12, "sleeve": 4}),
        (("--split", "test"), {"neckline": 8, "sleeve": 3}),
        (("--count", 3, "--seed", 1), {"neckline": 3, "sleeve": 3}),
        (("--attributes", "sleeve", "--pictures"), {"sleeve": 4}),
    ],
)
def test_labelled_photos_are_drawn_where_they_have_a_label(options, garments, tmp_path, model, drawn) -> None:
    table = labelled(tmp_path / "p")
    run = ("tsne", "--labels", table, "--images", tmp_path / "p", "--checkpoint", model, *options, *SMALL, "--json")
    said = call(*run, "--out", tmp_path / "a.pdf")
    assert json.loads(said.stdout)["garments"] == garments
    first = drawn.pop()
    told = [t for page in first for t in texts(page) if "garments" in t]
    assert told == [f"{n} garments" for n in garments.values()]
    assert ("3 of 12 photos, drawn with seed 1" in said.stderr) == ("--count" in options)
    assert bool(first[0].axes.images) == ("--pictures" in options)
    call(*run, "--out", tmp_path / "b.pdf")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_absent_photos_and_labels_are_counted_and_refused(tmp_path, model) -> None:
    table = labelled(tmp_path / "p")
    run = ("tsne", "--labels", table, "--images", tmp_path / "p", "--checkpoint", model, "--out", tmp_path / "a.png", *SMALL)
    for lost in ("3.png", "5.png"):
        (tmp_path / "p" / lost).unlink()
    assert "2 of the 12 photos" in call(*run, code=1).stderr
    table.write_text("image,brand\n1.png,Ada\n")
    assert "has no column named after an attribute" in call(*run, code=1).stderr
    table.write_text("image,sleeve,neckline\n1.png,,v\n")
    assert "label of sleeve; they have neckline" in call(*run, "--attributes", "sleeve", code=1).stderr


def official(data: Path) -> Path:
    """A FashionAI test split: 6 queries and 6 candidates of two attributes, each photo with one label."""
    root = data / "FashionAI"
    folders = ["skirt_length", "sleeve_length"]
    files = [f"train/Images/{folders[i % 2]}_labels/{i:02}.png" for i in range(12)]
    for i, name in enumerate(files):
        paint(root / name, 20 * i, value=i, size=(40, 50))
    rows = [f"{i} {i % 2} {1 + i % 3}" for i in range(12)]
    (root / "filenames_test.txt").write_text("\n".join(files))
    (root / "query_test.txt").write_text("\n".join(rows[:6]))
    (root / "candidate_test.txt").write_text("\n".join(rows[6:]))
    return data


def test_published_datasets_are_drawn_and_never_in_part(tmp_path, monkeypatch, drawn) -> None:
    torch.manual_seed(0)
    checkpoint.save(tmp_path / "m", build_model(CONFIG, FASHIONAI).eval(), {"made": "by a test"}, {})
    data = official(tmp_path / "data")
    run = ("--dataset", "FashionAI", "--data", data, "--checkpoint", tmp_path / "m", "--out", tmp_path / "a.png", *SMALL)
    said = json.loads(call("tsne", *run, "--json").stdout)
    assert said["garments"] == {"skirt_length": 6, "sleeve_length": 6}
    (page,) = drawn.pop()
    assert {"Skirt length", "Sleeve length", "Short Length", "Cup Sleeves"} <= set(texts(page))
    few = ("--attributes", "skirt_length,sleeve_length", "--json")
    assert json.loads(call("attention", *run, *few).stdout)["photos"] == 6
    assert json.loads(call("rois", *run, *few, "--count", 2).stdout)["photos"] == 2
    assert (
        "None of the 12 photos has a label of coat_length" in call("tsne", *run, "--attributes", "coat_length", code=1).stderr
    )
    (data / "FashionAI" / "train/Images/sleeve_length_labels/11.png").unlink()
    for verb in ("tsne", "attention", "rois"):
        assert "1 of the 6 photos" in call(verb, *run, "--count", 1, code=1).stderr


@pytest.mark.parametrize("verb", ["", "attention", "rois", "tsne"])
def test_help_has_examples(verb: str) -> None:
    shown = call(*filter(None, [verb]), "--help").stdout
    assert "Examples" in shown
    assert f"python -m asen_core figure {verb}".strip() in shown
