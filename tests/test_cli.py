"""The command line: every verb with an engine whose answers are known, its JSON, its errors and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_engine import FakeEngine, FakeGallery, paint
from PIL import Image
from typer.testing import CliRunner

from asen_core.cli import app
from asen_core.cli.search import parse_where
from asen_core.data.labels import read_labels, read_regions, regions_of_masks
from asen_core.errors import CheckpointError
from asen_core.gallery import Gallery
from asen_core.types import Item

VERBS = ("look", "search", "index", "map", "train", "evaluate", "render", "figure attention", "data check", "convert", "inshop")


@pytest.fixture
def opened(monkeypatch):
    """What `Engine.open` was called with; it opens the fake."""
    import asen_core.engine

    items = [(Item(str(i), f"{i}.webp", {"sleeve": "long", "category": "dress" if i % 2 else "shirt"}), i) for i in range(5)]
    calls = []

    def open_fake(checkpoint=None, gallery=None, device="auto"):
        calls.append((checkpoint, gallery, device))
        return FakeEngine(FakeGallery(items))

    monkeypatch.setattr(asen_core.engine.Engine, "open", open_fake)
    return calls


def call(*arguments: object, code: int = 0):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_examples_that_name_the_verb(verb):
    shown = call(*verb.split(), "--help").stdout
    assert "Examples" in shown
    assert f"python -m asen_core {verb}" in shown


def test_help_lists_all_verbs():
    shown = call("--help").stdout
    assert all(verb.split()[0] in shown for verb in VERBS)


def test_help_loads_nothing_heavy():
    script = (
        "import sys; from asen_core.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'faiss', 'gradio', 'skia', 'numpy', 'PIL') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lok", "a.jpg"], "Did you mean 'look'"),
        (["look"], "PHOTO"),
        (["search", "a.jpg"], "ATTRIBUTE"),
        (["search", "a.jpg", "sleeve", "-k", "0"], "-k"),
        (["search", "a.jpg", "sleeve", "--beta", "1.5"], "--beta"),
        (["search", "a.jpg", "sleeve", "--where", "blue"], "LABEL=VALUE"),
        (["index", "--images", ".", "--rendered", "3"], "not both"),
        (["index", "--labels", "l.csv"], "give --images too"),
        (["index", "--images", "."], "--out"),
        (["look", "a.jpg", "--device", "abacus"], "'abacus' can't be used here"),
        (["train", "compact", "--out", "x"], "--data"),
        (["render", "--out", "x", "--vocabulary", "french"], "fashionai"),
    ],
)
def test_wrong_usage_exits_with_2(arguments, says):
    result = call(*arguments, code=2)
    # The message stands in a frame that is as wide as the terminal.
    assert says in " ".join(result.stderr.replace("│", " ").split())
    assert not result.stdout


def test_look_prints_a_table_and_json(tmp_path, opened):
    photo = paint(tmp_path / "a.png", 10, row=1, col=3, value=1)
    shown = call("look", photo, "-a", "sleeve").stdout
    assert "short" in shown
    assert "0.75" in shown
    assert "neckline" not in shown
    found = json.loads(call("look", photo, "--json", "--checkpoint", "some/model", "--device", "cpu").stdout)
    assert (found["width"], found["height"]) == (200, 100)
    assert list(found["attributes"]) == list(FakeEngine.vocabulary)
    sleeve = found["attributes"]["sleeve"]
    assert (sleeve["value"], sleeve["probability"]) == ("short", 0.75)
    assert sleeve["roi"] == [0, 0, 100, 100]
    # The strongest cell is the last column's: the neighbours on its left pull the peak to column 2.925, 50 px a cell.
    assert sleeve["peak"] == pytest.approx([171.25, 25])
    assert opened[-1] == (Path("some/model"), None, "cpu")


def test_look_draws_a_sheet_in_the_photos_proportions(tmp_path, opened):
    photo = paint(tmp_path / "a.png", 10, size=(90, 300))
    result = call("look", photo, "-a", "sleeve", "-a", "closure", "--out", tmp_path / "new" / "sheet.png", "--json")
    json.loads(result.stdout)
    assert "sheet.png" in result.stderr
    drawn = np.asarray(Image.open(tmp_path / "new" / "sheet.png"))
    # Two attributes, two cells each, four to a row.
    assert drawn.shape[1] == pytest.approx(4 * drawn.shape[0], rel=0.05)
    assert drawn.std() > 0


def test_look_refuses_an_unknown_picture_format_with_one_line(tmp_path, opened):
    result = call("look", paint(tmp_path / "a.png", 10), "--out", tmp_path / "sheet.docx", code=1)
    assert result.stderr.count("\n") == 1
    assert "sheet.docx" in result.stderr


@pytest.mark.parametrize("content", [None, b"text", b""])
def test_bad_photo_is_one_line_on_stderr(tmp_path, opened, content):
    photo = tmp_path / "a.jpg"
    if content is not None:
        photo.write_bytes(content)
    result = call("look", photo, "--json", code=1)
    assert not result.stdout
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


def test_unknown_attribute_exits_with_1(tmp_path, opened):
    assert "Unknown attribute" in call("search", paint(tmp_path / "a.png", 10), "hat", code=1).stderr


def test_missing_checkpoint_and_ctrl_c(tmp_path, monkeypatch):
    import asen_core.engine

    photo = paint(tmp_path / "a.png", 10)
    for error, code, says in (
        (CheckpointError("No model\nthere."), 1, "Error: No model there."),
        (KeyboardInterrupt(), 130, "Stopped."),
    ):

        def fail(*_, error=error, **__):
            raise error

        monkeypatch.setattr(asen_core.engine.Engine, "open", fail)
        result = call("look", photo, code=code)
        assert result.stderr.strip() == says
        assert not result.stdout


def test_search_json_is_ranked_and_filtered(tmp_path, opened):
    photo = paint(tmp_path / "a.png", 0)
    found = json.loads(call("search", photo, "sleeve", "-k", 2, "--where", "category=shirt", "--gallery", "g", "--json").stdout)
    assert [hit["id"] for hit in found["hits"]] == ["0", "2"]
    assert [hit["rank"] for hit in found["hits"]] == [1, 2]
    assert found["searched"] == 3
    assert found["read"]["value"] == "long"
    assert found["hits"][0]["image"] == "/pictures/0.webp"
    assert found["hits"][0]["similarity"] == pytest.approx(1)
    assert opened[-1] == (None, "g", "auto")


def test_search_prints_hits_or_says_that_nothing_is_close(tmp_path, opened):
    shown = call("search", paint(tmp_path / "a.png", 0), "sleeve").stdout
    assert "sleeve: long (0.75)" in shown
    assert "5 of 5 garments" in shown
    shown = call("search", paint(tmp_path / "b.png", 120), "sleeve", "--least", "0.9").stdout
    assert "Nothing close enough among 5 garments" in shown


@pytest.mark.parametrize(
    ("pairs", "wanted"),
    [
        ([], {}),
        (["colour=blue"], {"colour": ["blue"]}),
        (["colour=blue", " colour = navy", "category=dress"], {"colour": ["blue", "navy"], "category": ["dress"]}),
        (["name=a=b"], {"name": ["a=b"]}),
    ],
)
def test_where(pairs, wanted):
    assert parse_where(pairs) == wanted


@pytest.mark.parametrize("vocabulary", ["default", "fashionai"])
def test_render_writes_what_evaluate_reads(tmp_path, vocabulary):
    call("render", "--out", tmp_path, "--count", 6, "--seed", 3, "--vocabulary", vocabulary)
    photos = read_labels(tmp_path / "labels.csv", tmp_path)
    regions = read_regions(tmp_path / "regions.csv")
    assert len(photos) == 6
    assert all(p.path.is_file() for p in photos)
    assert any(p.labels for p in photos)
    assert set(regions) <= {p.key for p in photos}
    assert any("garment" in r for r in regions.values())
    assert ("neckline" in (tmp_path / "labels.csv").read_text().splitlines()[0].split(",")) == (vocabulary == "default")


def test_render_sheet_is_the_same_for_the_same_seed(tmp_path):
    for name in "ab":
        call("render", "--out", tmp_path / name, "--count", 3, "--seed", 5, "--sheet")
    assert (tmp_path / "a" / "sheet.png").read_bytes() == (tmp_path / "b" / "sheet.png").read_bytes()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["sheet.png"]


def test_train_hands_everything_to_training(tmp_path, monkeypatch):
    import asen_core.training

    calls = []

    def run(*given):
        calls.append(given)
        _, _, out, *_ = given
        return out / "checkpoint"

    monkeypatch.setattr(asen_core.training, "run", run)
    result = call("train", "compact", "--data", tmp_path, "--out", tmp_path / "o", "--device", "cpu")
    call("train", "my.toml", "--data", tmp_path, "--out", tmp_path / "o", "--fresh", "--trunk", tmp_path / "w")
    begin, effort = asen_core.training.Begin, asen_core.training.Effort
    assert calls == [
        ("compact", tmp_path, tmp_path / "o", "cpu", False, begin(), effort()),
        ("my.toml", tmp_path, tmp_path / "o", "auto", True, begin(tmp_path / "w"), effort()),
    ]
    call("train", "csn", "--data", tmp_path, "--out", tmp_path / "o", "--images", 9000, "--seed", 5, "--start", tmp_path / "c")
    plan, *_ = calls[-1]
    assert (plan.name, plan.images, plan.seed, calls[-1][5]) == ("csn", 9000, 5, begin(start=tmp_path / "c"))
    given = ("--dataset", "fashionai", "--rendered", 0, "--precision", "float32", "--micro-batch", 7, "--save-minutes", 2)
    call("train", "asen_pp", "--data", tmp_path, "--out", tmp_path / "o", "--local-trunk", tmp_path / "l", *given)
    plan, *_ = calls[-1]
    assert (plan.dataset, plan.rendered) == ("FashionAI", 0)
    assert calls[-1][5:] == (begin(local_trunk=tmp_path / "l"), effort("float32", 7, 2))
    call("train", "csn", "--data", tmp_path, "--out", tmp_path / "o", "--only", "products", "--only", "clothing_photos")
    assert (calls[-1][0].only, calls[-1][0].seed) == (("clothing_photos", "products"), 7)
    assert str(tmp_path / "o" / "checkpoint") in result.stderr.replace("\n", "")
    said = call("train", "compact", "--data", tmp_path, "--out", tmp_path / "o", "--json").stdout
    assert json.loads(said) == {"checkpoint": str(tmp_path / "o" / "checkpoint")}


def test_render_as_json(tmp_path):
    said = json.loads(call("render", "--out", tmp_path / "d", "--count", 2, "--seed", 3, "--json").stdout)
    assert said == {"out": str(tmp_path / "d"), "garments": 2, "seed": 3, "vocabulary": "default"}
    assert len(list((tmp_path / "d" / "images").iterdir())) == said["garments"]


def test_index_as_json_counts_what_it_left_out(tmp_path, opened):
    paint(tmp_path / "photos" / "a.png", 10)
    (tmp_path / "photos" / "b.png").write_text("no photo")
    said = json.loads(call("index", "--images", tmp_path / "photos", "--out", tmp_path / "g", "--json").stdout)
    assert (said["garments"], list(said["left_out"])) == (1, ["b.png"])


def mask(*rows: str) -> np.ndarray:
    return np.array([[c == "#" for c in row] for row in rows])


@pytest.mark.parametrize(
    ("name", "drawn", "boxes"),
    [
        ("sleeve", mask("#...", "#..#", "...#"), [(0, 0, 0.25, 2 / 3), (0.75, 1 / 3, 1, 1)]),
        ("hem", mask("....", "##.#"), [(0, 0.5, 0.5, 1), (0.75, 0.5, 1, 1)]),
        ("garment", mask("#..#"), [(0, 0, 1, 1)]),
        ("sleeve", mask("####", "#..#"), [(0, 0, 1, 1)]),
        ("neckline", mask("....", "...."), None),
        # One pixel beside sixty is a speck, not a second sleeve.
        ("sleeve", np.hstack([np.eye(10, 2, dtype=bool) * [1, 0] > 0, np.ones((10, 6), bool)]), [(0.25, 0, 1, 1)]),
    ],
)
def test_regions_of_masks(name, drawn, boxes):
    found = regions_of_masks({name: drawn})
    assert [tuple(b) for b in found.get(name, ())] == (boxes or [])


def photo_folder(folder: Path) -> Path:
    paint(folder / "a.png", 10)
    paint(folder / "deep" / "er" / "B.PNG", 20)
    paint(folder / ".cache" / "hidden.png", 30)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    (folder / "notes.txt").write_text("not a photo")
    (folder / "labels.csv").write_text("image,sleeve,brand\na.png,long,Ada\nlost.png,short,\n")
    return folder


def test_index_takes_every_photo_and_names_what_it_left_out(tmp_path, opened):
    folder = photo_folder(tmp_path / "photos")
    result = call("index", "--images", folder, "--labels", folder / "labels.csv", "--out", tmp_path / "g")
    gallery = Gallery.open(tmp_path / "g", "fake")
    assert sorted(item.id for item in gallery.items) == ["a.png", "deep/er/B.PNG"]
    assert dict(gallery.item("a.png").labels) == {"sleeve": "long", "brand": "Ada"}
    assert dict(gallery.item("deep/er/B.PNG").labels) == {}
    assert tuple(gallery.item("a.png").rois["sleeve"]) == (0, 0, 0.5, 1)
    assert gallery.vectors("a.png")[0] == pytest.approx([np.cos(np.radians(10)), np.sin(np.radians(10))], abs=1e-3)
    assert "Left out broken.jpg: " in result.stderr
    assert "notes.txt" not in result.stderr
    assert not result.stdout


def test_index_draws_labelled_garments(tmp_path, opened):
    call("index", "--rendered", 3, "--seed", 4, "--out", tmp_path / "g")
    gallery = Gallery.open(tmp_path / "g", "fake")
    assert [item.id for item in gallery.items] == ["drawn-4-00000", "drawn-4-00001", "drawn-4-00002"]
    assert all({"category", "colour", "pattern"} <= set(item.labels) for item in gallery.items)
    assert Image.open(gallery.picture(gallery.items[0])).size[1] == 384


def test_index_goes_on_where_it_was_stopped(tmp_path, monkeypatch, opened):
    batches = []
    views = FakeEngine.views

    def until(limit):
        def some(self, photos, attributes=None, batch_size=32):
            if len(batches) == limit:
                raise KeyboardInterrupt
            batches.append(batch_size)
            return views(self, photos, attributes, batch_size)

        return some

    monkeypatch.setattr(FakeEngine, "views", until(1))
    arguments = ("index", "--rendered", 6, "--out", tmp_path / "g")
    call(*arguments, code=130)
    assert not (tmp_path / "g" / "manifest.json").exists()
    monkeypatch.setattr(FakeEngine, "views", until(99))
    call(*arguments)
    # Two batches of four would be needed anew, one is for the other two.
    assert batches == [4, 4]
    assert len(Gallery.open(tmp_path / "g")) == 6


def test_index_says_what_it_did(tmp_path, opened):
    folder = photo_folder(tmp_path / "photos")
    (folder / "copy\n.png").write_bytes((folder / "a.png").read_bytes())
    arguments = ("index", folder, "--out", tmp_path / "g", "--no-maps")
    said = call(*arguments).stderr
    assert "These have the same content: a.png, copy\\n.png" in said
    assert "with --fold makes one item" in said
    assert "3 garments in" in said
    assert "(3 added; 2 looked at in" in said
    assert "(nothing changed; 0 looked at in" in call(*arguments).stderr
    found = json.loads(call(*arguments, "--fold", "--json").stdout)
    assert (found["items"], found["folded"], found["copies"]) == (2, 1, [["a.png", "copy\n.png"]])
    assert call("index", folder, "--images", folder, "--out", tmp_path / "g", code=2).stderr
    assert call("index", "--fold", code=2).stderr


@pytest.mark.parametrize(
    ("files", "code", "says"),
    [
        ({}, 1, "holds no photo"),
        ({"a.jpg": b"text"}, 1, "None of the 1 photos can be read"),
        ({"a.jpg": b"text", "labels.csv": b"image,sleeve\nb.jpg,long\n"}, 1, "list none of the 1 photos"),
    ],
)
def test_index_refuses_a_folder_without_readable_photos(tmp_path, opened, files, code, says):
    (tmp_path / "p").mkdir()
    for name, content in files.items():
        (tmp_path / "p" / name).write_bytes(content)
    labels = ("--labels", tmp_path / "p" / "labels.csv") if "labels.csv" in files else ()
    assert says in call("index", "--images", tmp_path / "p", *labels, "--out", tmp_path / "g", code=code).stderr
    assert not (tmp_path / "g").exists()


def test_index_spares_the_gallery_of_another_checkpoint(tmp_path, opened, monkeypatch):
    call("index", "--rendered", 1, "--out", tmp_path / "g")
    monkeypatch.setattr(FakeEngine, "fingerprint", "other")
    refused = call("index", "--rendered", 1, "--out", tmp_path / "g", code=1).stderr
    assert "is the gallery of checkpoint fake" in refused
    assert "another --out, or --replace" in refused
    assert len(Gallery.open(tmp_path / "g", "fake")) == 1
    call("index", "--rendered", 1, "--out", tmp_path / "g", "--replace")
    assert len(Gallery.open(tmp_path / "g", "other")) == 1


def test_train_starts_from_one_thing(tmp_path):
    given = ("train", "compact", "--data", tmp_path, "--out", tmp_path / "o", "--start", tmp_path, "--trunk", tmp_path / "t")
    assert "give --start or --trunk" in " ".join(call(*given, code=2).stderr.replace("│", " ").split())


def test_index_never_overwrites_what_is_no_gallery(tmp_path, opened):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    assert "thesis.txt" in call("index", "--rendered", 1, "--out", tmp_path / "mine", code=1).stderr
    assert (tmp_path / "mine" / "thesis.txt").exists()
