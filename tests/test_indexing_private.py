"""A visitor's own gallery: what of uploaded photos and zips is taken, and what a hostile zip is refused."""

import io
import stat
import struct
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from fake_engine import FakeEngine, paint
from PIL import Image

from asen_core.errors import DataError
from asen_core.gallery import Gallery
from asen_core.indexing import archives
from asen_core.indexing.private import Limits, make


def png(angle: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (60, 40), (angle, 0, 0)).save(data, "PNG")
    return data.getvalue()


def packed(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes], way: int = zipfile.ZIP_DEFLATED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", way) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def made(tmp_path: Path, *files: Path, **settings):
    gallery, report = make(FakeEngine(), files, tmp_path / "mine", **settings)
    return {item.id: dict(item.labels) for item in gallery.items}, report


def test_photos_and_zips_become_one_gallery_with_their_labels(tmp_path):
    first = packed(
        tmp_path / "up" / "summer.zip",
        ("a.png", png(10)), ("deep/b.PNG", png(20)), ("readme.txt", b"hello"), ("__MACOSX/._a.png", b"x"), (".DS_Store", b"x"),
        ("deep/labels.csv", b"image;brand\nb.PNG;Ada\nlost.png;Bo\n"),
    )  # fmt: skip
    second = packed(tmp_path / "up" / "b" / "summer.zip", ("a.png", png(30)), ("labels.json", b'{"a.png": {"brand": "Cy"}}'))
    photo = paint(tmp_path / "up" / "single <b>.png", 40)
    table = tmp_path / "up" / "more.csv"
    table.write_bytes(b"file,brand\nsingle <b>.png,Di\n")
    found, report = made(tmp_path, first, second, photo, table)
    assert found == {
        "single <b>.png": {"brand": "Di"}, "summer/a.png": {}, "summer/deep/b.PNG": {"brand": "Ada"},
        "summer.zip (2)/a.png": {"brand": "Cy"},
    }  # fmt: skip
    assert (report.items, dict(report.left_out), report.absent) == (4, {}, ("lost.png",))
    # On disk no name of a visitor's is left.
    assert not [p for p in (tmp_path / "mine").rglob("*") if "single" in p.name or "a.png" in p.name or "summer" in p.name]
    again, report = made(tmp_path, first, second, photo, table)
    assert (again, report.looked, report.kept) == (found, 0, 4)


def test_a_single_zip_shows_its_own_paths(tmp_path):
    found, _ = made(tmp_path, packed(tmp_path / "x.zip", ("a/b.png", png(1)), ("c.jpg", png(2))))
    assert list(found) == ["a/b.png", "c.jpg"]


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../slip.png", "leads out"), ("a/../../slip.png", "leads out"), ("/etc/slip.png", "leads out"),
        ("..\\slip.png", "leads out"), ("\\\\host\\slip.png", "leads out"), ("C:\\slip.png", "leads out"),
        ("C:slip.png", "leads out"),
        (link("slip.png"), "is a link"), ("inner.zip", "archive in an archive"), ("inner.tar.gz", "archive in an archive"),
        ("bad.png", None),
    ],
)  # fmt: skip
def test_members_that_are_refused_don_t_stop_the_others(tmp_path, name, says):
    shown = name if isinstance(name, str) else name.filename
    content = png(10) if says else b"no photo"
    found, report = made(tmp_path, packed(tmp_path / "x.zip", ("good.png", png(20)), (name, content)))
    assert list(found) == ["good.png"]
    assert list(report.left_out) == [shown]
    assert (says or "is a text file") in report.left_out[shown]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine", "x.zip"]


def test_names_twice_hide_each_other(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = packed(tmp_path / "x.zip", ("a.png", png(1)), ("a.png", png(2)), ("b.png", png(3)))
    found, report = made(tmp_path, path)
    assert list(found) == ["b.png"]
    assert "Several files of the zip have this name" in report.left_out["a.png"]


def test_bombs(tmp_path):
    zeros = bytes(30_000_000)
    found, report = made(tmp_path, packed(tmp_path / "x.zip", ("bomb.png", zeros), ("huge.png", zeros * 2), ("a.png", png(1))))
    assert list(found) == ["a.png"]
    assert "times its size" in report.left_out["bomb.png"]
    assert "60 MB unpacked, at most 50 MB" in report.left_out["huge.png"]


def test_a_listing_that_lies_about_a_size_is_read_no_further(tmp_path):
    """The local and the central header say 100 bytes; the photo is longer."""
    path = packed(tmp_path / "x.zip", ("a.png", png(1)), ("lie.png", bytes(2_000_000)), way=zipfile.ZIP_STORED)
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<I", 2_000_000), struct.pack("<I", 100)))
    found, report = made(tmp_path, path)
    assert list(found) == ["a.png"]
    assert "lie.png" in report.left_out


def test_a_password_and_a_broken_zip(tmp_path):
    locked = packed(tmp_path / "locked.zip", ("a.png", png(1)))
    data = bytearray(locked.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    locked.write_bytes(data)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 and no more")
    text = tmp_path / "notes.zip"
    text.write_bytes(b"hello")
    found, report = made(tmp_path, locked, broken, text, paint(tmp_path / "b.png", 5))
    assert list(found) == ["b.png"]
    assert "password" in report.left_out["locked/a.png"]
    assert all("can't be opened" in report.left_out[name] for name in ("broken.zip", "notes.zip"))


def test_too_many_entries_are_refused_before_they_are_listed(tmp_path, monkeypatch):
    path = packed(tmp_path / "x.zip", *((f"{i}.txt", b"") for i in range(30)))
    monkeypatch.setattr(archives, "MOST", 20)
    _, report = made(tmp_path, path, paint(tmp_path / "b.png", 5))
    assert "30 entries, at most 20" in report.left_out["x.zip"]
    monkeypatch.setattr(archives, "DIRECTORY_BYTES", 100)
    monkeypatch.setattr(archives, "zipfile", SimpleNamespace(ZipFile=None))
    _, report = made(tmp_path, path, paint(tmp_path / "c.png", 5))
    assert "its listing alone" in report.left_out["x.zip"]


def test_limits_of_photos_and_bytes(tmp_path):
    path = packed(tmp_path / "x.zip", *((f"{i}.png", png(i)) for i in range(6)))
    found, report = made(tmp_path, path, limits=Limits(photos=4))
    assert list(found) == ["0.png", "1.png", "2.png", "3.png"]
    assert all("more photos than the limit" in reason for reason in report.left_out.values())
    found, report = made(tmp_path / "b", path, limits=Limits(bytes=len(png(0)) + len(png(1)) + 5))
    assert len(found) == 2
    assert all("limit of bytes" in reason for reason in report.left_out.values())


def test_time_and_stop_leave_a_gallery_of_what_was_done(tmp_path):
    path = packed(tmp_path / "x.zip", *((f"{i:02d}.png", png(i)) for i in range(40)))
    told = []
    found, report = made(tmp_path, path, each=told.append, stop=lambda: bool(told) and told[-1].done >= 10)
    assert 10 <= len(found) < 40
    assert len(found) + len(report.left_out) == 40
    assert set(report.left_out.values()) == {"It was stopped before it."}
    with pytest.raises(DataError, match="limit of 0 seconds"):
        made(tmp_path / "b", path, limits=Limits(seconds=0))


@pytest.mark.parametrize(
    ("member", "says"),
    [
        (("a.txt", b"x"), "no photo in x.zip;"),
        (("../a.png", b"x"), "leads out"),
        (("a.png", b"x"), "None of the 1 photos"),
    ],
)
def test_nothing_left(tmp_path, member, says):
    with pytest.raises(DataError, match=says):
        made(tmp_path, packed(tmp_path / "x.zip", member))
    assert not (tmp_path / "mine").exists()


def test_labels_that_can_not_be_used_are_left_out(tmp_path):
    path = packed(
        tmp_path / "x.zip", ("a.png", png(1)), ("labels.csv", b"brand\nAda\n"), ("b/labels.csv", b"image,k\nzz.png,1\n")
    )
    found, report = made(tmp_path, path)
    assert found == {"a.png": {}}
    assert "no column that names the photo" in report.left_out["labels.csv"]
    assert "list none of the 1 photos" in report.left_out["b/labels.csv"]


def test_private_galleries_open_like_others(tmp_path):
    made(tmp_path, paint(tmp_path / "b.png", 5))
    assert Gallery.open(tmp_path / "mine", "fake").manifest.built["folder"] == "uploaded"
