"""A folder into a gallery: what is looked at, what is kept, what becomes of bad files and of what lies beside."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from fake_engine import FakeEngine, paint
from PIL import Image

from asen_core.errors import DataError, GalleryError
from asen_core.gallery import Gallery
from asen_core.indexing import index
from asen_core.indexing.look import BATCH, ON_GPU, steady
from asen_core.indexing.report import Pace
from asen_core.review import background, prints


def folder(path: Path, **angles: int) -> Path:
    """Photos called by letters; `_` in a name is a folder."""
    for name, angle in angles.items():
        paint(path / f"{name.replace('_', '/')}.png", angle)
    return path


def held(gallery: Path) -> dict[str, tuple[bytes, dict]]:
    opened = Gallery.open(gallery, "fake")
    return {item.id: (opened.vectors(item.id).tobytes(), dict(item.labels)) for item in opened.items}


def ids(gallery: Path) -> list[str]:
    return [item.id for item in Gallery.open(gallery).items]


def counts(report) -> dict[str, int]:
    values = {k: getattr(report, k) for k in ("added", "changed", "renamed", "removed", "kept", "looked", "folded")}
    return {k: v for k, v in values.items() if v}


def run(tmp_path: Path, labels: str = "", maps: bool = False, **settings):
    if labels:
        (tmp_path / "labels.csv").write_text(labels)
    return index(
        FakeEngine(), tmp_path / "p", tmp_path / "g", tmp_path / "labels.csv" if labels else None, maps=maps, **settings
    )


def test_only_what_is_new_is_looked_at(tmp_path):
    photos = folder(tmp_path / "p", a=10, b=20, c_d=30, e=40)
    assert counts(run(tmp_path)) == {"added": 4, "looked": 4}
    before = held(tmp_path / "g")
    assert list(before) == ["a.png", "b.png", "c/d.png", "e.png"]
    generation = Gallery.open(tmp_path / "g").manifest.generation
    assert counts(run(tmp_path)) == {"kept": 4}
    assert Gallery.open(tmp_path / "g").manifest.generation == generation

    (photos / "a.png").rename(photos / "moved.png")  # renamed
    paint(photos / "b.png", 50)  # changed
    (photos / "e.png").unlink()  # removed
    shutil.copy(photos / "c" / "d.png", photos / "copy.png")  # added, of known content
    paint(photos / "new.png", 60)
    report = run(tmp_path)
    assert counts(report) == {"added": 2, "changed": 1, "renamed": 1, "removed": 1, "kept": 1, "looked": 2}
    assert report.copies == (("c/d.png", "copy.png"),)
    after = held(tmp_path / "g")
    assert list(after) == ["b.png", "c/d.png", "copy.png", "moved.png", "new.png"]
    assert after["moved.png"] == before["a.png"]
    assert after["copy.png"] == after["c/d.png"] == before["c/d.png"]
    assert after["b.png"] != before["b.png"]


def test_a_touched_file_is_read_but_not_looked_at_and_an_unchanged_one_not_even_opened(tmp_path, monkeypatch):
    photos = folder(tmp_path / "p", a=10, b=20)
    run(tmp_path)
    os.utime(photos / "a.png", (1, 1))
    assert counts(run(tmp_path)) == {"kept": 2}
    # The same size and time, other content: believed unchanged, until asked to read.
    stamp = (photos / "b.png").stat()
    size = stamp.st_size
    paint(photos / "b.png", 70)
    (photos / "b.png").write_bytes((photos / "b.png").read_bytes().ljust(size, b"\0")[:size])
    os.utime(photos / "b.png", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert counts(run(tmp_path)) == {"kept": 2}
    assert counts(run(tmp_path, rehash=True)) == {"kept": 1, "changed": 1, "looked": 1}


def test_changed_labels_need_no_look(tmp_path):
    folder(tmp_path / "p", a=10, b=20)
    report = run(tmp_path, "image,brand,price\na.png,Ada,12\nlost.png,Bo,13\na.png,Cy,14\n")
    assert {k: v[1] for k, v in held(tmp_path / "g").items()} == {"a.png": {"brand": "Ada", "price": "12"}, "b.png": {}}
    assert (report.absent, report.twice) == (("lost.png",), ("a.png",))
    assert counts(run(tmp_path, "image,brand\nb.png,Bo\n")) == {"kept": 2}
    assert {k: v[1] for k, v in held(tmp_path / "g").items()} == {"a.png": {}, "b.png": {"brand": "Bo"}}
    with pytest.raises(DataError, match="list none of the 2 photos"):
        run(tmp_path, "image,brand\nx.png,Bo\n")


def test_bad_files_are_named_and_never_stop_the_run(tmp_path):
    photos = folder(tmp_path / "p", a=10, b=20)
    whole = (photos / "a.png").read_bytes()
    Image.effect_noise((300, 300), 80).save(photos / "noise.jpg")
    bad = {
        "cut.jpg": (photos / "noise.jpg").read_bytes()[:900], "empty.jpg": b"", "text.jpg": b"no photo",
        "zip.png": b"PK\x03\x04" * 9,
        "<b>\n.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "again.jpg": b"no photo", "html.jpg": b"<html><script>1</script>",
    }  # fmt: skip
    for name, content in bad.items():
        (photos / name).write_bytes(content)
    (photos / "wrong ending.jpg").write_bytes(whole)  # content decides
    Image.new("RGB", (40_000, 6)).save(photos / "thin.png")
    os.mkfifo(photos / "pipe.png")
    report = run(tmp_path)
    assert sorted(report.left_out) == sorted([*bad, "pipe.png", "thin.png"])
    assert "too narrow" in report.left_out["thin.png"]
    assert all(reason and "\n" not in reason for reason in report.left_out.values())
    assert report.left_out["again.jpg"] == report.left_out["text.jpg"]
    assert ids(tmp_path / "g") == ["a.png", "b.png", "noise.jpg", "wrong ending.jpg"]
    assert report.copies == (("a.png", "wrong ending.jpg"),)
    assert report.to_json()["left_out"]["empty.jpg"] == report.left_out["empty.jpg"]
    assert counts(run(tmp_path)) == {"kept": 4}


def test_an_engine_that_refuses_a_photo_would_be_heard(tmp_path, monkeypatch):
    folder(tmp_path / "p", a=10)
    monkeypatch.setattr(FakeEngine, "views", lambda self, photos, *_, **__: iter([{}]))
    with pytest.raises(KeyError):
        run(tmp_path)


def test_what_lies_beside_the_gallery_follows_it(tmp_path):
    photos = folder(tmp_path / "p", a=10, b=60, c=90)
    run(tmp_path, maps=True)
    gallery = Gallery.open(tmp_path / "g")
    first = prints.read(gallery)
    assert background.read(gallery.directory / background.FILE, "fake").vectors == gallery.manifest.sha256["vectors"]
    assert set(gallery.maps.points) == set(FakeEngine.vocabulary)
    (photos / "a.png").unlink()
    paint(photos / "0.png", 120)
    for name in ("maps.npz", "pairs.npz"):
        (tmp_path / "g" / name).write_bytes(b"damaged")
    run(tmp_path)
    gallery = Gallery.open(tmp_path / "g")
    after = prints.read(gallery)
    assert (after.bits[1:] == first.bits[1:]).all()
    np.testing.assert_array_equal(after.bits[0], prints.printed(prints_photo(gallery, 0)).bits)
    assert background.of_gallery(gallery).garments == 3
    assert gallery.maps is None
    run(tmp_path, maps=True)
    assert Gallery.open(tmp_path / "g").maps.points


def prints_photo(gallery: Gallery, position: int):
    from asen_core import images

    return images.load(gallery.picture(gallery.items[position]))


def test_the_background_of_other_photos_outlives_the_gallery(tmp_path):
    photos = folder(tmp_path / "p", a=10, b=60)
    run(tmp_path)
    path = tmp_path / "g" / background.FILE
    others = background.sampled(
        np.eye(2, dtype=np.float32)[:, None].repeat(5, 1), ["", ""], tuple(FakeEngine.vocabulary), "x", "fake"
    )
    background.write(path, others)
    paint(photos / "c.png", 30)
    run(tmp_path)
    assert background.read(path, "fake").source == "x"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "holds no photo; looked for .jpg"),
        ({"a.txt": b"x", ".b.png": b"x"}, "holds no photo"),
        ({"a.png": b"text"}, "None of the 1 photos can be read; the first: The photo is a text file"),
    ],
)
def test_a_folder_without_photos_leaves_nothing_behind(tmp_path, files, says):
    (tmp_path / "p").mkdir()
    for name, content in files.items():
        (tmp_path / "p" / name).write_bytes(content)
    with pytest.raises(DataError, match=says):
        run(tmp_path)
    assert not (tmp_path / "g").exists()


def test_what_is_no_gallery_and_the_gallery_of_another_checkpoint_are_spared(tmp_path, monkeypatch):
    folder(tmp_path / "p", a=10)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(GalleryError, match=r"thesis\.txt"):
        index(FakeEngine(), tmp_path / "p", tmp_path / "mine")
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    run(tmp_path)
    monkeypatch.setattr(FakeEngine, "fingerprint", "other")
    with pytest.raises(GalleryError, match="is the gallery of checkpoint fake"):
        run(tmp_path)
    assert counts(run(tmp_path, replace=True)) == {"added": 1, "looked": 1}
    assert Gallery.open(tmp_path / "g").manifest.fingerprint == "other"


def test_a_folder_that_can_not_be_written(tmp_path):
    folder(tmp_path / "p", a=10)
    (tmp_path / "file").write_text("x")
    with pytest.raises(GalleryError, match=r"can't be written|is a file"):
        index(FakeEngine(), tmp_path / "p", tmp_path / "file" / "g")


@pytest.mark.parametrize(("gpu", "size"), [(False, BATCH), (True, ON_GPU)])
@pytest.mark.parametrize("count", [0, 1, BATCH - 1, BATCH, BATCH + 1])
def test_batches_are_always_full(count, gpu, size, tmp_path, monkeypatch):
    monkeypatch.setattr(FakeEngine, "on_gpu", gpu, raising=False)
    sizes = []
    views = FakeEngine.views

    def counted(self, photos, attributes=None, batch_size=32):
        photos = list(photos)
        sizes.append((len(photos), batch_size))
        return views(self, photos, attributes, batch_size)

    monkeypatch.setattr(FakeEngine, "views", counted)
    from asen_core.images import load

    looked = list(steady(FakeEngine(), (load(paint(tmp_path / f"{i}.png", i)) for i in range(count))))
    wanted = [np.cos(np.radians(i)) for i in range(count)]
    assert [float(v["sleeve"].embedding[0]) for v in looked] == pytest.approx(wanted)
    assert sizes == [(size, size)] * -(-count // size)


def test_pace():
    now, told = iter([0.0, 1.0, 2.0, 40.0, 41.0]), []
    pace = Pace("Looking", 100, told.append, lambda: next(now))
    for done, worked in ((50, 0), (52, 2), (54, 4), (80, 30), (81, 31)):
        pace.tell(done, worked)
    assert [p.per_second for p in told[:3]] == [None, 2.0, 2.0]
    assert told[2].seconds_left == 23.0
    # Of the last half minute, reaching back to what was told before it: 27 in 39 s.
    assert told[4].per_second == pytest.approx(27 / 39)
