"""Lists, tables, recipes and records that a fuzzer or a stranger made: refused in a sentence, or read without what is odd."""

import json
from pathlib import Path

import pytest

from asen_core.data import inshop
from asen_core.data.labels import read_labels
from asen_core.data.official import darn, deepfashion, lines, listing, meta, origin
from asen_core.errors import DataError, GalleryError
from asen_core.gallery.milvus.address import Address
from asen_core.indexing.labels import parsed
from asen_core.review.evidence import checking
from asen_core.training.recipe import load_recipe

DIGITS = "9" * 5_000
DEEP = "[" * 50_000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("image,colour\n,navy\n", "names no photo"),
        ("image,colour\n  ,navy\n", "names no photo"),
        ("image,colour,colour\na.jpg,navy,red\n", "two columns named 'colour'"),
        ("image,image\na.jpg,b.jpg\n", "two columns named 'image'"),
        (f"image,colour\na.jpg,{'x' * 200_000}\n", "field larger"),
        ("image,colour\na.jpg,\0\n", None),
        (",image,,colour\n1,a.jpg,2,navy\n", None),
    ],
)
def test_label_files(text: str, says: str | None, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    if says is None:
        (photo,) = read_labels(tmp_path / "labels.csv", tmp_path)
        assert "" not in photo.labels
        return
    with pytest.raises(DataError, match=says):
        read_labels(tmp_path / "labels.csv", tmp_path)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('[{"image": "a", "": "x", "k": "y"}]', [("a", {"k": "y"})]),
        ('{"a": {"": {"": "x"}, "k": ""}}', [("a", {".": "x"})]),
        ("image,,k\na,x,y\n", [("a", {"k": "y"})]),
    ],
)
def test_labels_without_a_name_are_none(text: str, rows: list) -> None:
    assert parsed(text.encode(), "x") == rows


@pytest.mark.parametrize("text", [DEEP, '{"a":' * 50_000])
def test_label_tables_that_are_nested_too_deep(text: str) -> None:
    with pytest.raises(DataError, match="The labels x"):
        parsed(text.encode(), "x")


def test_long_numbers_stay_as_they_are_written() -> None:
    assert parsed(f'{{"image": "a", "k": {DIGITS}}}'.encode(), "x") == [("a", {"k": DIGITS})]


@pytest.mark.parametrize("name", ["a\0b.jpg", "/a.jpg", "../a.jpg", "a/../../b.jpg", "a\\b.jpg", "C:/a.jpg"])
def test_names_of_photos_that_lead_elsewhere(name: str, tmp_path: Path) -> None:
    path = tmp_path / "filenames_train.txt"
    path.write_text(f"good.jpg\n{name}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 2: .* is no path below"):
        lines.read_filenames(path)
    assert not listing.is_photo(tmp_path / name)
    (tmp_path / "list.txt").write_text(f"1\n{' '.join(inshop.COLUMNS)}\n{name} id query\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"list\.txt"):
        inshop.read_inshop(tmp_path / "list.txt", tmp_path)


def test_numbers_of_thousands_of_digits(tmp_path: Path) -> None:
    (tmp_path / "label_train.txt").write_text(f"0 0 {DIGITS}\n", encoding="utf-8")
    faults = lines.Faults(tmp_path)
    assert list(lines.integers(tmp_path / "label_train.txt", faults)) == []
    assert faults.count == 1
    (tmp_path / "label_train.txt").unlink()
    (tmp_path / "darn_label.txt").write_text(f"1.jpg 0 {DIGITS}\n", encoding="utf-8")
    with pytest.raises(DataError, match="has 1 line that can't be used"):
        darn.read_labels_of(tmp_path)
    for head in (DIGITS, "²", "1_0", "-1"):
        (tmp_path / "list_eval_partition.txt").write_text(f"{head}\nimage\nimg/a.jpg train\n", encoding="utf-8")
        with pytest.raises(DataError, match="announces"):
            deepfashion.read_partition(tmp_path)


@pytest.mark.parametrize(
    "address", ["http://[x/1.jpg", "http://[::1/a.jpg", "http://h/..", "ftp://h/1.jpg", "http://h/a\0.jpg"]
)
def test_addresses_that_are_none(address: str, tmp_path: Path) -> None:
    (tmp_path / "darn_url.txt").write_text(f"{address}\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 1"):
        darn.read_addresses(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        DEEP, '{"split": "x"}', '{"split": "x", "dropped": 1e999}', '{"split": "x", "dropped": "many"}',
        '{"split": "x", "dropped": 0, "listed": 7}', '{"split": "x", "dropped": 0, "listed": {"train": "x"}}',
        '{"split": "x", "dropped": 0, "listed": {"train": Infinity}}', "[]", "7", "",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", [origin.ABOUT, origin.DRAWN])
def test_what_tells_whose_lists_these_are(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text.replace("listed", "sizes") if name == origin.DRAWN else text, encoding="utf-8")
    if name == origin.DRAWN and "sizes" not in text.replace("listed", "sizes") and text.startswith("{"):
        assert origin.read_origin(tmp_path).lists == origin.GARMENTS
        return
    with pytest.raises(DataError, match=name):
        origin.read_origin(tmp_path)


def test_a_vocabulary_that_is_nested_too_deep(tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_text(DEEP, encoding="utf-8")
    with pytest.raises(DataError, match=r"meta\.json"):
        meta.load_meta(tmp_path / "meta.json")


WHOLE = {
    "format": 1, "kind": "pair", "model": {"fingerprint": "ff"}, "background": {"sha256": "cd"}, "weights": {},
    "designs": [{"photos": []}, {"photos": []}], "overall": {}, "features": {},
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "case"}, {"kind": "case", "pairs": 7}, {"kind": "case", "pairs": [7]}, {"kind": ["pair"]}, {"format": [1]},
        {"model": 7}, {"model": None}, {"model": {}}, {"background": []}, {"designs": {}}, {"designs": [7, 7]}, {"designs": 7},
        {"designs": [{"photos": [7]}, {"photos": []}]}, {"features": []}, {"features": {"a": 7}}, {"features": {"a": None}},
        {"overall": 7}, {"weights": []},
    ],
)  # fmt: skip
def test_packs_of_other_things_than_they_should_hold(change: dict, tmp_path: Path) -> None:
    figures = {"similarity": 0.5, "mirrored": 0.5, "any_kind": None, "same_kind": None}
    (tmp_path / "p.json").write_text(json.dumps({**WHOLE, "overall": figures}), encoding="utf-8")
    assert checking.read(tmp_path / "p.json")["kind"] == "pair"
    (tmp_path / "p.json").write_text(json.dumps({**WHOLE, "overall": figures, **change}), encoding="utf-8")
    with pytest.raises(DataError, match=r"p\.json"):
        checking.read(tmp_path / "p.json")


@pytest.mark.parametrize("text", [DEEP, "7", "[]", "", "\ufeff{", f'{{"format": {DIGITS}}}'])
def test_packs_that_are_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"p\.json"):
        checking.read(tmp_path / "p.json")


RECIPE = '[model]\npreset = "compact"\n[[stage]]\nname = "all"\nepochs = 2\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{RECIPE}steps = 0\n", "at least 1"), (RECIPE.replace("2", "0"), "at least 1"),
        (RECIPE.replace("2", "-2"), "at least 1"),
        (RECIPE.replace("2", '"two"'), "epochs must be a whole number"), (RECIPE.replace("2", "2.5"), "epochs must be a whole"),
        (RECIPE.replace('"all"', "7"), "name must be a text"), (f"{RECIPE}head_rate = nan\n", "head_rate must be a number"),
        (f"{RECIPE}best = 1\n", "best must be true or false"),
        (f"{RECIPE}[stage.batch]\nlabelled = true\n", "labelled must be"),
        (f"{RECIPE}[stage.batch]\nlabelled = 'x'\n", "labelled must be"), (f"{RECIPE}loss = 7\n", "can't be read"),
        ("model = 7", "can't be read"), ("[model]\npreset = ['compact']", "can't be read"), ("stage = 7", "can't be read"),
        (f"a = {DEEP}", "can't be read"), ("\ufffe", "can't be read"), (f"a = {DIGITS}", "can't be read"),
        (f"extends = '../../../../etc/passwd'\n{RECIPE}", "extends"), ("extends = 7", "extends"),
        (RECIPE.replace("compact", "compact\"\nglobal_dim = 1000000000000 #"), "widths in"),
    ],
)  # fmt: skip
def test_recipes_of_other_things_than_they_should_hold(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE, encoding="utf-8")
    assert load_recipe(str(tmp_path / "r.toml"), images=1_000).stages
    (tmp_path / "r.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=says):
        load_recipe(str(tmp_path / "r.toml"), images=1_000)


@pytest.mark.parametrize(
    "host", ["user*secret;host", "us er", "<b>", "a\\b", "ho'st", "%0d%0aX", "h" * 254, "[fe80::1%25$(id)]", "[::1", "a:99999"]
)
def test_hosts_that_are_none_and_their_passwords_are_not_repeated(host: str) -> None:
    with pytest.raises(GalleryError) as told:
        Address.parse(f"milvus://{host}:19530/name")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("host", ["localhost", "milvus-1.example.org", "10.0.0.1", "[::1]", "[2001:db8::2]", "under_score"])
def test_hosts(host: str) -> None:
    assert str(Address.parse(f"milvus://{host}:19530/name")) == f"milvus://{host}:19530/name"
