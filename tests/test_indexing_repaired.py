"""What an index run makes of damage, of folders within one another, and of steps that another thread takes first."""

import os
import threading
from pathlib import Path

import pytest
from fake_engine import FakeEngine, paint
from test_indexing import counts, folder, held, ids, run
from test_indexing_folded import textured

from asen_core.errors import GalleryError
from asen_core.gallery import Gallery, manifest
from asen_core.indexing import beside, fold, index, labels
from asen_core.indexing import run as runs
from asen_core.indexing.look import Reader
from asen_core.indexing.private import Limits, make
from asen_core.indexing.scan import scan
from asen_core.review import background


@pytest.mark.parametrize("role", [*manifest.ENDINGS, "manifest.json", "picture"])
def test_the_same_line_mends_a_damaged_gallery(tmp_path: Path, role: str) -> None:
    folder(tmp_path / "p", a=10, b=20)
    run(tmp_path)
    before, place = held(tmp_path / "g"), tmp_path / "g"
    if role == "picture":
        gallery = Gallery.open(place)
        gallery.picture(gallery.items[0]).unlink()
    else:
        path = place / (role if "." in role else manifest.named(role, 1))
        path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(GalleryError, match="damaged"):
        Gallery.open(place)
    assert run(tmp_path).items == 2
    assert held(place) == before
    assert counts(run(tmp_path)) == {"kept": 2}


@pytest.mark.parametrize("step", ["tidy", "renew"])
def test_a_kill_after_the_switch_leaves_nothing_of_other_vectors(tmp_path: Path, monkeypatch, step: str) -> None:
    folder(tmp_path / "p", a=10, b=20)
    run(tmp_path, maps=True)
    paint(tmp_path / "p" / "c.png", 30)

    def killed(*args: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("asen_core.gallery.assembly.tidy" if step == "tidy" else "asen_core.indexing.beside.renew", killed)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, maps=True)
    assert counts(run(tmp_path, maps=True)) == {"kept": 3}
    gallery = Gallery.open(tmp_path / "g", "fake")
    assert len(gallery.map("neckline")) == 3
    assert background.of_gallery(gallery).vectors == gallery.manifest.sha256["vectors"]
    assert [p.name for p in (tmp_path / "g").glob("vectors-*")] == ["vectors-0002.npy"]


def test_photos_must_not_lie_in_the_folder_of_the_gallery(tmp_path: Path) -> None:
    """`shop/images` looks like a gallery's folder of pictures, which would be put among the photos and indexed next time."""
    folder(tmp_path / "shop" / "images", a=10)
    (tmp_path / "link").symlink_to(tmp_path / "shop" / "images")
    for photos in (tmp_path / "shop" / "images", tmp_path / "link"):
        with pytest.raises(GalleryError, match="--out"):
            index(FakeEngine(), photos, tmp_path / "shop", maps=False)
    assert [p.name for p in (tmp_path / "shop").rglob("*")] == ["images", "a.png"]
    run_in = index(FakeEngine(), tmp_path / "shop" / "images", tmp_path / "shop" / "images" / "gallery", maps=False)
    assert run_in.items == index(FakeEngine(), tmp_path / "shop" / "images", run_in.out, maps=False).items == 1
    with pytest.raises(GalleryError, match="--out"):
        index(FakeEngine(), run_in.out, run_in.out, maps=False)


def test_the_gallery_is_passed_over_however_its_name_is_written(tmp_path: Path, monkeypatch) -> None:
    """Where case makes no difference the folder is listed by another name than it was given by."""
    folder(tmp_path / "p", a=10, Gallery_x=20)
    (tmp_path / "gallery").symlink_to(tmp_path / "p" / "Gallery")
    monkeypatch.setattr(os.path, "realpath", str)  # it doesn't tell the name on disk there
    assert [f.name for f in scan(tmp_path / "p", tmp_path / "gallery").files] == ["a.png"]


@pytest.mark.parametrize("seconds", [-(10**9), 15 * 10**9])
def test_times_of_other_centuries(tmp_path: Path, seconds: int) -> None:
    photos = folder(tmp_path / "p", a=10)
    os.utime(photos / "a.png", (seconds, seconds))
    assert counts(run(tmp_path)) == {"added": 1, "looked": 1}
    assert counts(run(tmp_path)) == {"kept": 1}


def test_near_ones_of_now_and_before_are_one_group() -> None:
    contents = {"K": ("a.png",), "B": ("b.png",), "C": ("c.png",), "D": ("d.png",)}
    assert fold.joined([("B", "D")], {"C": "B", "K": "B"}, contents) == [("K", "B", "C", "D")]


def test_a_folded_photo_renamed_to_be_the_first_and_a_new_one_like_it(tmp_path: Path) -> None:
    for name, quality in (("b.jpg", 90), ("c.jpg", 80), ("z.jpg", 70)):
        textured(tmp_path / "p" / name, 2, quality=quality)
    textured(tmp_path / "p" / "x.jpg", 3)
    assert run(tmp_path, fold=True).items == 2
    (tmp_path / "p" / "z.jpg").rename(tmp_path / "p" / "a.jpg")
    textured(tmp_path / "p" / "d.jpg", 2, quality=60)
    report = run(tmp_path, fold=True)
    assert (ids(tmp_path / "g"), report.folded) == (["b.jpg", "x.jpg"], 3)
    assert report.near == (("a.jpg", "b.jpg", "c.jpg", "d.jpg"),)


@pytest.mark.parametrize("private", [False, True])
def test_a_stop_between_two_copies_of_which_the_second_was_read_first(tmp_path: Path, monkeypatch, private: bool) -> None:
    first, copy, other = paint(tmp_path / "p" / "b.png", 10), tmp_path / "p" / "c.png", paint(tmp_path / "p" / "a.png", 90)
    copy.write_bytes(first.read_bytes())
    came, real = threading.Event(), Reader.read

    def slow(reader: Reader, path: Path, member: str = "") -> bytes:
        if path == first:
            came.wait(10)
            import time

            time.sleep(0.2)  # until the copy's content is known
        data = real(reader, path, member)
        if path == copy:
            came.set()
        return data

    monkeypatch.setattr(Reader, "read", slow)
    ended = []

    def told(progress) -> None:
        ended.append(progress.done)

    def stop() -> bool:
        return came.is_set() and max(ended, default=0) >= 1 and len(ended) > 2

    if private:
        gallery, report = make(FakeEngine(), [other, first, copy], tmp_path / "mine", each=told, stop=stop)
        assert gallery.items[0].id == "a.png"
        assert len(gallery) + len(report.left_out) == 3
    else:
        keys = runs.look(
            FakeEngine(), scan(tmp_path / "p").files,
            runs.Journal(tmp_path / "g" / "journal", runs.header(FakeEngine())), (), 0, told, stop,
        )  # fmt: skip
        looked = {row.key for row in runs.Journal(tmp_path / "g" / "journal", runs.header(FakeEngine())).rows()}
        assert set(keys.of.values()) <= looked
        assert len(keys.of) + len(keys.waiting) == 3


def test_not_a_number_is_no_label(tmp_path: Path) -> None:
    assert labels.parsed(b'[{"image": "a.jpg", "price": NaN, "size": Infinity}]', "x") == [("a.jpg", {"size": "Infinity"})]


def test_uploaded_labels_have_a_limit(tmp_path: Path, monkeypatch) -> None:
    from asen_core.indexing import archives

    monkeypatch.setattr(archives, "LABEL_BYTES", 100)
    photo = paint(tmp_path / "a.png", 10)
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    small.write_bytes(b"image,brand\na.png,Ada\n".ljust(70))
    large.write_bytes(b"image,size\na.png,40\n".ljust(70))
    gallery, report = make(FakeEngine(), [photo, small, large], tmp_path / "mine", Limits())
    assert dict(gallery.items[0].labels) == {"brand": "Ada"}
    assert "labels" in report.left_out["large.csv"]


def test_prints_of_a_gallery_that_is_gone(tmp_path: Path) -> None:
    assert len(beside.printed(tmp_path, [], lambda _: None, lambda: False)) == 0
