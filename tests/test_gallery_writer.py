from pathlib import Path

import numpy as np
import pytest
from test_gallery import DIM, NAMES, ROIS, build, labels, vectors

from asen_core.errors import GalleryError
from asen_core.gallery import Gallery, GalleryWriter, manifest
from asen_core.types import Box, Frame, Garment, View


def killed(directory: Path, count: int, fingerprint: str = "f" * 64) -> None:
    """A run that ends without any chance to flush."""
    w = GalleryWriter(directory, NAMES, DIM, 4, fingerprint)
    for i in range(count):
        w.add(f"it-{i}", np.zeros((9, 9, 3), np.uint8), labels(i), vectors(count)[i], ROIS)


@pytest.mark.parametrize(("count", "kept"), [(10, 0), (64, 64), (100, 64)])
def test_a_killed_run_loses_at_most_what_was_not_flushed(tmp_path: Path, count: int, kept: int) -> None:
    killed(tmp_path / "g", count)
    with pytest.raises(GalleryError, match="no gallery"):
        Gallery.open(tmp_path / "g")
    with (tmp_path / "g" / "journal" / "rows.jsonl").open("ab") as file:
        file.write(b'["half')
    with (tmp_path / "g" / "journal" / "vectors.f16").open("ab") as file:
        file.write(b"123")
    with GalleryWriter(tmp_path / "g", NAMES, DIM, 4, "f" * 64) as w:
        assert len(w) == kept
        rows = vectors(count)
        added = [w.add(f"it-{i}", np.zeros((9, 9, 3), np.uint8), labels(i), rows[i], ROIS) for i in range(count)]
    assert added == [i >= kept for i in range(count)]
    gallery = Gallery.open(tmp_path / "g")
    assert [i.id for i in gallery.items] == [f"it-{i}" for i in range(count)]
    for i in (0, count - 1):
        np.testing.assert_allclose(gallery.vectors(f"it-{i}"), rows[i], atol=1e-3)
    assert not (tmp_path / "g" / "journal").exists()
    assert len(list((tmp_path / "g" / "images").glob("*/*"))) == count


def test_an_error_keeps_the_work_and_the_old_gallery(tmp_path: Path) -> None:
    build(tmp_path / "g", 3)

    def stopped() -> None:
        with GalleryWriter(tmp_path / "g", NAMES, DIM, 4, "e" * 64) as w:
            w.add("new", np.zeros((9, 9, 3), np.uint8), {}, vectors(1)[0], ROIS)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert len(Gallery.open(tmp_path / "g", "f" * 64)) == 3
    with GalleryWriter(tmp_path / "g", NAMES, DIM, 4, "e" * 64) as w:
        assert "new" in w
    assert [i.id for i in Gallery.open(tmp_path / "g", "e" * 64).items] == ["new"]


def test_another_checkpoint_starts_anew(tmp_path: Path) -> None:
    killed(tmp_path / "g", 64)
    assert len(GalleryWriter(tmp_path / "g", NAMES, DIM, 4, "e" * 64)) == 0


def test_the_old_gallery_is_there_until_the_switch_and_then_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path / "g", 3)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("asen_core.gallery.manifest.write", full)
        with pytest.raises(OSError, match="No space"):
            build(tmp_path / "g", 5)
    assert len(Gallery.open(tmp_path / "g")) == 3
    build(tmp_path / "g", 5)  # the names of the first try are taken again
    assert len(Gallery.open(tmp_path / "g")) == 5
    files = {f"{role}-0002.{ending}" for role, ending in manifest.ENDINGS.items()}
    assert {p.name for p in (tmp_path / "g").iterdir()} == {*files, "images", "manifest.json", ".lock"}
    assert len(list((tmp_path / "g" / "images").glob("*/*"))) == 5


def test_a_folder_that_is_no_gallery_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(GalleryError, match=r"thesis\.txt"):
        GalleryWriter(tmp_path / "mine", NAMES, DIM, 4, "f")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years"


@pytest.mark.parametrize(
    ("rows", "rois", "says"),
    [
        (np.ones((2, DIM), np.float32), ROIS, "unit norm"),
        (np.zeros((1, DIM), np.float32), ROIS, "unit norm"),
        (vectors(1)[0], {"neckline": ROIS["neckline"]}, "sleeve"),
        (vectors(1)[0], dict.fromkeys(NAMES, Box(2, 2, 3, 3)), "fractions"),
    ],
)
def test_bad_rows_are_refused(tmp_path: Path, rows, rois, says) -> None:
    writer = GalleryWriter(tmp_path / "g", NAMES, DIM, 4, "f")
    with pytest.raises(ValueError, match=says):
        writer.add("a", np.zeros((9, 9, 3), np.uint8), {}, rows, rois)
    assert "a" not in writer


def test_adding_views(tmp_path: Path) -> None:
    attention = np.full((2, 2), 0.25, np.float32)
    views = {a: View(a, vectors(1)[0, i], attention, Box(10, 0, 30, 20), Frame(8, 0.2, 0, 0), 4) for i, a in enumerate(NAMES)}
    with GalleryWriter(tmp_path / "g", NAMES, DIM, 4, "f") as w:
        w.add_views("one", Garment(np.zeros((40, 40, 3), np.uint8), labels={"category": "hat"}), views)
    (item,) = Gallery.open(tmp_path / "g").items
    assert tuple(item.rois["neckline"]) == (0.25, 0, 0.75, 0.5)
    assert dict(item.labels) == {"category": "hat"}
