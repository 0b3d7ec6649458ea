"""Galleries that were tampered with, written anew under a reader, or cut off where it is least expected."""

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from test_assembly import HEADER, entries, key, looked, made
from test_gallery import DIM, NAMES, ROIS, build, vectors

from asen_core import files
from asen_core.errors import GalleryError
from asen_core.gallery import Gallery, GalleryWriter, Journal, assemble, manifest
from asen_core.gallery import local as room
from asen_core.gallery.approximate import Approximate
from asen_core.gallery.approximate import build as build_index
from asen_core.gallery.exact import Exact
from asen_core.gallery.manifest import digest


def tampered(directory: Path, change: str) -> None:
    """Items changed as somebody would who can write the manifest too."""
    held = manifest.read(directory)
    path = directory / held.file(manifest.ITEMS)
    link = sqlite3.connect(path)
    link.execute(change)
    link.commit()
    link.close()
    told = files.unsealed((directory / "manifest.json").read_bytes())
    told["sha256"]["items"] = digest(path)
    (directory / "manifest.json").write_text(files.sealed(told))


def test_a_picture_outside_of_the_gallery_is_never_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path / "g", "a", "b", "c", "d")
    tampered(tmp_path / "g", "UPDATE items SET image = '../secret.webp' WHERE position = 3")
    monkeypatch.setattr(room, "PICTURES_CHECKED", 2)  # as in a large gallery, of which some pictures are looked at
    gallery = Gallery.open(tmp_path / "g")
    assert gallery.picture(gallery.items[0]).is_file()
    with pytest.raises(GalleryError, match=r"damaged.*secret"):
        gallery.picture(gallery.items[3])


def test_a_picture_outside_of_the_gallery_is_never_removed(tmp_path: Path) -> None:
    made(tmp_path / "g", "a", "b")
    (tmp_path / "secret.webp").write_bytes(b"mine")
    tampered(tmp_path / "g", "UPDATE items SET image = '../secret.webp' WHERE position = 1")
    assemble(tmp_path / "g", entries("a", "c"), [looked(tmp_path / "g", "a", "c")], {})
    assert (tmp_path / "secret.webp").read_bytes() == b"mine"
    assert len(Gallery.open(tmp_path / "g")) == 2


def test_one_that_is_switched_while_it_is_opened_opens_as_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path / "g", "a", "b")
    real, before = room.LocalStore._verify, []

    def slow(store: room.LocalStore, role: str) -> None:
        if not before:
            before.append(store.manifest.generation)
            assemble(tmp_path / "g", entries("b", "c"), [looked(tmp_path / "g", "c")], {})
        real(store, role)

    monkeypatch.setattr(room.LocalStore, "_verify", slow)
    gallery = Gallery.open(tmp_path / "g")
    assert (before, gallery.manifest.generation, [item.id for item in gallery.items]) == ([1], 2, ["b.jpg", "c.jpg"])


def test_another_picture_of_the_same_id_replaces_the_first(tmp_path: Path) -> None:
    seen = []
    for grey in (10, 200):
        with GalleryWriter(tmp_path / "g", NAMES, DIM, 4, "f" * 64) as w:
            assert w.add("one", np.full((30, 20, 3), grey, np.uint8), {}, vectors(1)[0], ROIS)
            assert not w.add("one", np.zeros((30, 20, 3), np.uint8), {}, vectors(1)[0], ROIS)
            assert "one" in w
        gallery = Gallery.open(tmp_path / "g")
        seen.append(gallery.picture(gallery.item("one")).read_bytes())
    assert seen[0] != seen[1]
    assert len(list((tmp_path / "g" / "images").glob("*/*"))) == 1


def test_garments_whose_picture_is_gone_are_looked_at_again(tmp_path: Path) -> None:
    """A kill after pictures were removed and before the journal was, or power that failed before they were on disk."""
    journal = looked(tmp_path / "g", "a", "b", "c")
    journal.flush()
    (tmp_path / "g" / journal.rows()[1].image).write_bytes(b"")
    again = Journal(tmp_path / "g" / "journal", HEADER)
    assert (key("a") in again, key("b") in again, len(again)) == (True, False, 1)
    looked(tmp_path / "g", "b", "c").flush()
    assert all((tmp_path / "g" / row.image).stat().st_size for row in Journal(tmp_path / "g" / "journal", HEADER).rows())


@pytest.mark.parametrize("role", ["items", "vectors"])
def test_a_damaged_gallery_can_be_written_anew(tmp_path: Path, role: str) -> None:
    made(tmp_path / "g", "a", "b")
    (tmp_path / "g" / manifest.named(role, 1)).write_bytes(b"")
    build(tmp_path / "g", 3)
    assert len(Gallery.open(tmp_path / "g")) == 3


def test_files_of_the_system_are_nobodys(tmp_path: Path) -> None:
    made(tmp_path / "g", "a")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "lost+found"):
        (tmp_path / "g" / name).write_bytes(b"")
    build(tmp_path / "g", 2)
    (tmp_path / "g" / "journal of my travels").mkdir()
    with pytest.raises(GalleryError, match="travels"):
        build(tmp_path / "g", 2)


def test_a_file_that_cannot_be_removed_does_not_fail_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path / "g", "a", "b")
    real = Path.unlink

    def held(path: Path, missing_ok: bool = False) -> None:
        if "-0001" in path.name or path.suffix == ".webp":
            raise PermissionError(13, "in use")  # as Windows says of a file that a reader has open
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", held)
    assemble(tmp_path / "g", entries("b", "c"), [looked(tmp_path / "g", "c")], {})
    assert [item.id for item in Gallery.open(tmp_path / "g").items] == ["b.jpg", "c.jpg"]
    assert not (tmp_path / "g" / "journal").exists()


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("keep", [False, True])
def test_equal_garments_stand_in_their_order_in_a_mixed_search(warm: bool, keep: bool) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((2, 1, 200)).astype(np.float16)
    finder = Exact(np.repeat(rows, 2500, axis=1))
    query = rng.standard_normal((2, 200)).astype(np.float32)
    mask = rng.random(2500) < 0.7 if keep else np.ones(2500, bool)
    if warm:
        for attribute in (0, 1):
            found, _ = finder.search(attribute, query[attribute], 50, mask)
            assert found.tolist() == np.flatnonzero(mask)[:50].tolist()
    found, _ = finder.mixed(query, np.array([0.7, 0.3], np.float32), 50, mask if keep else None)
    assert found.tolist() == np.flatnonzero(mask)[:50].tolist()


def test_odd_names_of_folders(tmp_path: Path) -> None:
    place = tmp_path / "100 % müde? #1 ?mode=rw"
    made(place, "a")
    assert [item.id for item in Gallery.open(place).items] == ["a.jpg"]


def test_many_threads_read_while_another_generation_comes(tmp_path: Path) -> None:
    gallery, wrong = made(tmp_path / "g", *"abcdef"), []

    def read() -> None:
        for n in range(200):
            hits = gallery.search("neckline", gallery.vectors("c.jpg")[0], 3).hits
            if hits[0].item.id != "c.jpg" or gallery.items[n % 6].id != f"{'abcdef'[n % 6]}.jpg":
                wrong.append(n)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    assemble(tmp_path / "g", entries("f", "g"), [looked(tmp_path / "g", "g")], {})
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_index_of_other_vectors_is_not_gone_on_with_though_one_alone_differs(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((1, 2100, 8)).astype(np.float16)
    first = build_index(rows, tmp_path / "n")
    assert build_index(rows, tmp_path / "n") == first
    rows[0, 1234] *= -1
    assert build_index(rows, tmp_path / "n")["attributes"][0]["sha256"] != first["attributes"][0]["sha256"]


def test_an_index_is_read_from_the_folder_of_the_gallery_alone(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((1, 300, 8)).astype(np.float16)
    notes = build_index(rows, tmp_path / "g" / "neighbours-0001")
    (tmp_path / "g" / "neighbours-0001" / "00.faiss").rename(tmp_path / "00.faiss")
    notes["attributes"][0]["file"] = "../../00.faiss"
    with pytest.raises(GalleryError, match="elsewhere"):
        Approximate(rows, tmp_path / "g" / "neighbours-0001", notes)
