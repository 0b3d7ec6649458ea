"""A gallery's generations: what is kept, what goes, and that a stop at any step leaves one that can be opened."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from test_gallery import DIM, NAMES, ROIS, vectors

from asen_core.errors import GalleryError
from asen_core.gallery import Entry, Gallery, Journal, assemble, manifest
from asen_core.gallery.assembly import stored
from asen_core.gallery.manifest import digest

HEADER = {"attributes": list(NAMES), "dim": DIM, "split": 4, "fingerprint": "f" * 64}


def key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def looked(directory: Path, *names: str, header: dict = HEADER) -> Journal:
    journal = Journal(directory / "journal", header)
    for name in names:
        vector = vectors(1, seed=int(key(name)[:4], 16))[0]
        journal.add(key(name), np.full((30, 20, 3), int(key(name)[:2], 16), np.uint8), vector, ROIS, {"read": name})
    return journal


def entries(*names: str, **labels: str) -> list[Entry]:
    return [Entry(f"{name}.jpg", key(name), labels, f"/photos/{name}.jpg", 10, 20) for name in names]


def made(directory: Path, *names: str) -> Gallery:
    assemble(directory, entries(*names), [looked(directory, *names)], {})
    return Gallery.open(directory)


def held(gallery: Gallery) -> dict[str, bytes]:
    return {item.id: gallery.vectors(item.id).tobytes() for item in gallery.items}


def test_what_is_new_joins_what_is_kept_and_the_rest_goes(tmp_path: Path) -> None:
    before = made(tmp_path / "g", "a", "b", "c")
    kept, gone = held(before), before.picture(before.item("b.jpg"))
    wanted = [*entries("a", colour="red"), Entry("moved/c.jpg", key("c"), {}, copies=("c2.jpg",)), *entries("d")]
    assemble(tmp_path / "g", wanted, [looked(tmp_path / "g", "d")], {"from": "photos"})
    after = Gallery.open(tmp_path / "g")
    assert [item.id for item in after.items] == ["a.jpg", "moved/c.jpg", "d.jpg"]
    assert held(after)["a.jpg"] == kept["a.jpg"]
    assert held(after)["moved/c.jpg"] == kept["c.jpg"]
    assert dict(after.item("a.jpg").labels) == {"colour": "red"}
    assert not gone.exists()
    assert all(after.picture(item).is_file() for item in after.items)
    rows = stored(tmp_path / "g", HEADER)
    picture = digest(tmp_path / "g" / rows[1].image)
    facts = {"read": "c", "picture_sha256": picture}
    assert [(row.id, row.facts, row.copies) for row in rows][1] == ("moved/c.jpg", facts, ("c2.jpg",))
    assert (rows[0].path, rows[0].size, rows[0].mtime_ns) == ("/photos/a.jpg", 10, 20)
    assert (after.manifest.generation, after.manifest.built["from"]) == (2, "photos")


def test_two_items_of_one_content_share_its_picture(tmp_path: Path) -> None:
    twice = [Entry("one.jpg", key("a")), Entry("two.jpg", key("a"))]
    assemble(tmp_path / "g", twice, [looked(tmp_path / "g", "a")], {})
    gallery = Gallery.open(tmp_path / "g")
    assert gallery.item("one.jpg").image == gallery.item("two.jpg").image
    assemble(tmp_path / "g", twice[:1], [looked(tmp_path / "g")], {})
    gallery = Gallery.open(tmp_path / "g")
    assert gallery.picture(gallery.item("one.jpg")).is_file()


def test_the_same_entries_give_the_same_files(tmp_path: Path) -> None:
    whole = made(tmp_path / "whole", "a", "b", "c")
    made(tmp_path / "parts", "a", "c")
    assemble(tmp_path / "parts", entries("a", "b", "c"), [looked(tmp_path / "parts", "b")], {})
    assert Gallery.open(tmp_path / "parts").manifest.sha256 == whole.manifest.sha256


def test_another_checkpoint_shares_nothing(tmp_path: Path) -> None:
    made(tmp_path / "g", "a", "b")
    other = {**HEADER, "fingerprint": "e" * 64}
    assert stored(tmp_path / "g", other) == []
    with pytest.raises(GalleryError, match=r"a\.jpg.*not looked at"):
        assemble(tmp_path / "g", entries("a"), [looked(tmp_path / "g", header=other)], {})
    assert len(Gallery.open(tmp_path / "g", "f" * 64)) == 2
    assemble(tmp_path / "g", entries("a"), [looked(tmp_path / "g", "a", header=other)], {})
    assert len(Gallery.open(tmp_path / "g", "e" * 64)) == 1


ROOM = "asen_core.gallery"
STEPS = (
    f"{ROOM}.assembly._save", f"{ROOM}.rows.write", f"{ROOM}.assembly.background", f"{ROOM}.manifest.write",
    f"{ROOM}.assembly.tidy", f"{ROOM}.journal.Journal.remove",
)  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_a_stop_at_any_step_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, after: bool) -> None:
    """`after`: the step is done and the run stops just then, as a kill would stop it."""
    made(tmp_path / "g", "a", "b")
    module, name = step.rsplit(".", 1)
    real = getattr(pytest.importorskip(module) if "Journal" not in module else Journal, name)

    def stopped(*args: object) -> object:
        if after:
            real(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(step, stopped)
        with pytest.raises(KeyboardInterrupt):
            assemble(tmp_path / "g", entries("b", "c"), [looked(tmp_path / "g", "c")], {})
    between = Gallery.open(tmp_path / "g")
    assert [item.id for item in between.items] in (["a.jpg", "b.jpg"], ["b.jpg", "c.jpg"])
    journal = Journal(tmp_path / "g" / "journal", HEADER)
    assemble(tmp_path / "g", entries("b", "c"), [journal], {})
    gallery = Gallery.open(tmp_path / "g")
    assert [item.id for item in gallery.items] == ["b.jpg", "c.jpg"]
    assert all(gallery.picture(item).is_file() for item in gallery.items)
    left = {p.name for p in (tmp_path / "g").iterdir()}
    assert left == {gallery.manifest.file(role) for role in manifest.ENDINGS} | {"manifest.json", "images"}


def test_a_stale_file_of_an_unfinished_generation_is_replaced(tmp_path: Path) -> None:
    made(tmp_path / "g", "a")
    (tmp_path / "g" / "vectors-0002.npy").write_bytes(b"half")
    (tmp_path / "g" / "items-0002.sqlite").write_bytes(b"SQLite format 3\0 half")
    (tmp_path / "g" / "items-0002.sqlite-journal").write_bytes(b"half")
    assemble(tmp_path / "g", entries("a", "b"), [looked(tmp_path / "g", "b")], {})
    assert len(Gallery.open(tmp_path / "g")) == 2


@pytest.mark.parametrize("name", ["rows.jsonl", "vectors.f16", "rois.f16", "header.json"])
@pytest.mark.parametrize("cut", [1, 7, 10**6])
def test_a_journal_cut_anywhere_keeps_whole_rows(tmp_path: Path, name: str, cut: int) -> None:
    journal = looked(tmp_path / "g", *"abcdefgh")
    journal.flush()
    path = journal.folder / name
    path.write_bytes(path.read_bytes()[:-cut])
    again = Journal(tmp_path / "g" / "journal", HEADER)
    assert len(again) == (0 if name == "header.json" or cut == 10**6 else 7)
    rows, rois = again.arrays()
    for row, vector, roi in zip(again.rows(), rows, rois, strict=True):
        np.testing.assert_allclose(vector, vectors(1, seed=int(row.key[:4], 16))[0], atol=1e-3)
        assert roi.tolist() == [[0.25, 0, 0.75, 0.5]] * 2
