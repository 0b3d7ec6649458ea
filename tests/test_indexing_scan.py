"""Which files are taken: any nesting, hostile names, links, pipes; and what their labels say."""

import os
import unicodedata
from pathlib import Path

import pytest

from asen_core.errors import DataError
from asen_core.indexing import labels
from asen_core.indexing.scan import is_photo, scan


def put(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(folder: Path, but: Path | None = None) -> list[str]:
    return [file.name for file in scan(folder, but).files]


def test_every_photo_at_any_depth_in_the_order_of_names(tmp_path):
    for name in (
        "b.JPG",
        "a/z.png",
        "a/deep/er/still/x.heic",
        "a.webp",
        ".hidden.jpg",
        ".git/y.jpg",
        "notes.txt",
        "labels.csv",
    ):
        put(tmp_path / name)
    put(tmp_path / "__MACOSX" / "._b.jpg")
    found = scan(tmp_path)
    assert [file.name for file in found.files] == ["a.webp", "a/deep/er/still/x.heic", "a/z.png", "b.JPG"]
    assert found.left_out == {}
    assert [(f.size, f.path.stat().st_mtime_ns == f.mtime_ns) for f in found.files] == [(1, True)] * 4
    assert is_photo(tmp_path / "b.JPG", tmp_path)
    assert not any(is_photo(tmp_path / name, tmp_path) for name in ("notes.txt", ".git/y.jpg", "a"))


def test_the_gallery_inside_its_own_folder_of_photos_is_left_aside(tmp_path):
    put(tmp_path / "a.jpg")
    put(tmp_path / "mine" / "images" / "00" / "b.webp")
    assert names(tmp_path, tmp_path / "mine") == ["a.jpg"]
    assert names(tmp_path) == ["a.jpg", "mine/images/00/b.webp"]


def test_very_deep_folders(tmp_path):
    # Longer than a path may be in one call: made step by step.
    here = os.getcwd()
    try:
        os.chdir(tmp_path)
        for _ in range(30):
            os.mkdir("d" * 100)
            os.chdir("d" * 100)
        Path("a.jpg").write_bytes(b"x")
    finally:
        os.chdir(here)
    assert len(names(tmp_path)[0]) == 30 * 101 + 5


@pytest.mark.parametrize(
    "name",
    ["two\nlines.jpg", "<img src=x onerror=alert(1)>.jpg", "ä ö 服装 👗.jpg", "x" * 240 + ".jpg", "a\\b.jpg", "'\"; DROP.jpg"],
)
def test_hostile_names_stay_as_they_are(tmp_path, name):
    put(tmp_path / name)
    assert names(tmp_path) == [name]


def test_names_that_are_no_text_are_spelled_and_told_apart(tmp_path):
    for raw in (b"\xff.jpg", b"\\xff.jpg", b"ok.jpg"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + raw)).write_bytes(raw)
    found = {file.name: file.path.read_bytes() for file in scan(tmp_path).files}
    assert found == {"\\xff.jpg": b"\\xff.jpg", "\\xff.jpg (2)": b"\xff.jpg", "ok.jpg": b"ok.jpg"}
    for name in found:
        name.encode()


def test_links_are_followed_only_to_files_inside(tmp_path):
    outside, folder = put(tmp_path / "out" / "secret.jpg"), tmp_path / "in"
    inside = put(folder / "a" / "real.jpg")
    for name, target in {
        "same.jpg": inside, "secret.jpg": outside, "nothing.jpg": folder / "gone.jpg", "loop": folder, "far": outside.parent,
        "again": folder / "a", "passwd.txt": "/etc/passwd", "up.jpg": "../out/secret.jpg",
    }.items():  # fmt: skip
        (folder / name).symlink_to(target)
    found = scan(folder)
    assert [(f.name, f.path) for f in found.files] == [("a/real.jpg", inside), ("same.jpg", inside)]
    assert sorted(found.left_out) == ["far", "nothing.jpg", "secret.jpg", "up.jpg"]
    assert "folder outside" in found.left_out["far"]
    assert "file outside" in found.left_out["secret.jpg"]
    assert "No such file" in found.left_out["nothing.jpg"]


def test_pipes_and_folders_called_like_photos(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    put(tmp_path / "folder.jpg" / "a.jpg")
    found = scan(tmp_path)
    assert [file.name for file in found.files] == ["folder.jpg/a.jpg"]
    assert "not a plain file" in found.left_out["pipe.jpg"]


def test_folders_that_can_not_be_listed_are_named(tmp_path, monkeypatch):
    put(tmp_path / "a.jpg")
    put(tmp_path / "locked" / "b.jpg")
    listed = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = scan(tmp_path)
    assert [file.name for file in found.files] == ["a.jpg"]
    assert "Permission denied" in found.left_out["locked"]


def test_what_is_no_folder(tmp_path):
    with pytest.raises(DataError, match="is not a folder"):
        scan(put(tmp_path / "a.jpg"))


ROWS = [("a.jpg", {"brand": "Ada", "price": "12.50"}), ("b/c.jpg", {"brand": "Bo"})]


@pytest.mark.parametrize(
    "content",
    [
        b"image,brand,price\na.jpg,Ada,12.50\nb/c.jpg,Bo,\n",
        b"\xef\xbb\xbfImage;brand;price\r\na.jpg;Ada;12.50\r\n\r\nb/c.jpg;Bo;\r\n",
        "brand\tprice\tfilename\nAda\t12.50\ta.jpg\nBo\t\tb/c.jpg\n".encode("utf-16"),
        b'path,brand,price,\n"a.jpg","Ada",12.50,\nb/c.jpg,Bo\n',
        b'[{"image": "a.jpg", "brand": "Ada", "price": 12.50}, {"image": "b/c.jpg", "brand": "Bo", "price": null}]',
        b'{"a.jpg": {"brand": "Ada", "price": 12.50}, "b/c.jpg": {"brand": "Bo", "price": ""}}',
        b'{"file": "a.jpg", "brand": "Ada", "price": "12.50"}\n\n{"file": "b/c.jpg", "brand": " Bo "}\n',
    ],
)
def test_labels_of_every_form_are_the_same(tmp_path, content):
    assert labels.read(put(tmp_path / "labels", content)) == ROWS


def test_nested_values_become_columns_or_lists():
    data = b'{"photo": "a.jpg", "size": {"eu": 40, "us": {"w": 8}}, "tags": ["new", 3, null], "sale": true, "id": 007}'
    with pytest.raises(DataError, match="no whole JSON"):
        labels.parsed(data, "x")  # 007 is no number in JSON
    (row,) = labels.parsed(data.replace(b"007", b"7.00"), "x")
    assert row == ("a.jpg", {"size.eu": "40", "size.us.w": "8", "tags": "new, 3", "sale": "true", "id": "7.00"})


def test_half_characters_of_json_are_spelled_out():
    ((photo, known),) = labels.parsed(rb'{"image": "\ud800.jpg", "k\udfff": "\ud83d"}', "x")
    assert (photo, known) == ("\\ud800.jpg", {"k\\udfff": "\\ud83d"})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"brand,price\nAda,1\n", "no column that names the photo"),
        (b"", "no column that names the photo"),
        (b"image,brand,brand\na.jpg,Ada,Bo\n", "two columns named 'brand'"),
        (b"image,brand\na.jpg,\xff\xfe\n", "not in UTF-8"),
        (b'[{"image": "a.jpg"', "no whole JSON"),
        (b'["a.jpg"]', "an object for each photo"),
        (b'[{"image": "a.jpg", "tags": [["x"]]}]', "'tags'"),
        (b'[{"brand": "Ada"}]', "no column that names the photo"),
        (b"image," + b",".join(b"c%d" % i for i in range(400)) + b"\na.jpg" + b",1" * 400, "400 columns"),
        (b"[" * 100_000, "can't be read"),
    ],
)
def test_labels_that_can_not_be_used(tmp_path, content, says):
    with pytest.raises(DataError, match=says):
        labels.read(put(tmp_path / "labels.x", content))
    with pytest.raises(DataError, match="can't be read"):
        labels.read(tmp_path / "absent.csv")


PHOTOS = ("a.jpg", "b/c.jpg", "b/d.png", "e/c.jpg", "Café.jpg", "f/dress.tif")


@pytest.mark.parametrize(
    ("written", "photo"),
    [
        ("a.jpg", "a.jpg"), ("./b/c.jpg", "b/c.jpg"), ("b\\d.png", "b/d.png"), ("/all/photos/b/c.jpg", "b/c.jpg"),
        ("photos/b/d.png", "b/d.png"), ("d.png", "b/d.png"), ("dress", "f/dress.tif"),
        (unicodedata.normalize("NFD", "Café.jpg"), "Café.jpg"),
        ("c.jpg", None), ("c", None), ("x/a.jpg", None), ("A.JPG", None), ("", None), ("../a.jpg", None),
    ],
)  # fmt: skip
def test_how_a_row_names_its_photo(written, photo):
    rows = [("e/c.jpg", {"k": "sure"}), (written, {"k": "v"})]
    found = labels.fitted(rows, PHOTOS, "labels.csv", "/all/photos")
    assert found.labels == {"e/c.jpg": {"k": "sure"}, **({photo: {"k": "v"}} if photo else {})}
    assert found.absent == (() if photo else (written or "(no photo named)",))


def test_rows_of_a_dataset_of_a_folder_and_rows_twice():
    rows = [("c.jpg", {"dataset": "b"}), ("c.jpg", {"dataset": "e", "n": "1"}), ("e/c.jpg", {"n": "2"})]
    found = labels.fitted(rows, PHOTOS, "labels.csv")
    assert found.labels == {"b/c.jpg": {"dataset": "b"}, "e/c.jpg": {"dataset": "e", "n": "1"}}
    assert found.twice == ("e/c.jpg",)
    beside = labels.fitted([("c.jpg", {"n": "3"})], PHOTOS, "labels.csv", beside="e")
    assert beside.labels == {"e/c.jpg": {"n": "3"}}


def test_labels_of_which_nothing_fits_are_an_error():
    with pytest.raises(DataError, match=r"list none of the 6 photos; the first row names 'x\.jpg'"):
        labels.fitted([("x.jpg", {})], PHOTOS, "labels.csv")
    assert labels.fitted([], PHOTOS, "labels.csv") == labels.Fitted({})
