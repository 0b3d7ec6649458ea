"""Prints, their storage, the search for origins and its benchmark, on drawn garments; slow oracles and golden values."""

from __future__ import annotations

import os
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image
from test_gallery import DIM, NAMES, ROIS, build, vectors
from test_review_copies import drawn

from asen_core.errors import GalleryError, QueryError
from asen_core.gallery import Gallery, GalleryWriter
from asen_core.review import prints
from asen_core.review.origins import LIMITS, Origins, joined, nearest
from asen_core.types import Box, Frame, Garment, View
from benchmarks import alterations, copies, copy_flags


def test_distances_are_the_librarys() -> None:
    pictures = [drawn(i) for i in range(4)]
    made = prints.prints([Garment(p) for p in pictures])
    own = prints.printed(Garment(drawn(0)))
    found = made.distances(own)
    assert (found.shape, found.dtype) == ((4, 2, 3), np.float32)
    for i, p in enumerate(pictures):
        thumbs = [Image.fromarray(x).resize((96, 128), Image.Resampling.BOX) for x in (pictures[0], p)]
        own, other = (imagehash.phash(t, 16) for t in thumbs)
        mirrored = imagehash.phash(thumbs[0].transpose(Image.Transpose.FLIP_LEFT_RIGHT), 16)
        assert found[i, :, 0] == pytest.approx([(own - other) / 256, (mirrored - other) / 256])
    assert found[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("count", [0, 1])
def test_few_prints(count: int) -> None:
    made = prints.prints([Garment(drawn(0))] * count)
    assert made.distances(prints.printed(Garment(drawn(1)))).shape == (count, 2, 3)
    assert nearest(made.distances(prints.printed(Garment(drawn(0))))).tolist() == [0.0] * count


def test_a_mirrored_photo_is_near_as_such() -> None:
    apart = prints.between(prints.printed(Garment(drawn(0))), prints.printed(Garment(np.ascontiguousarray(drawn(0)[:, ::-1]))))
    assert apart[1].max() < 0.05 < apart[0].max()


def gallery(directory: Path, numbers: list[int], rows: np.ndarray | None = None) -> Gallery:
    with GalleryWriter(directory, NAMES, DIM, 4, "f" * 64) as writer:
        for i, row in zip(numbers, vectors(len(numbers)) if rows is None else rows, strict=True):
            writer.add(f"it-{i}", drawn(i), {}, row, ROIS)
    return Gallery.open(directory)


def test_prints_lie_beside_the_gallery(tmp_path: Path) -> None:
    opened, seen = gallery(tmp_path / "g", [0, 1, 2]), []

    def each(paths):
        for path in paths:
            seen.append(path.name)
            yield path

    made = prints.of_gallery(opened, each)
    assert seen == [Path(item.image).name for item in opened.items]
    again = prints.of_gallery(opened, each)
    assert len(seen) == 3
    for name in ("bits", "sha256"):
        assert (getattr(made, name) == getattr(again, name)).all()
    assert gallery(tmp_path / "g", [3, 4]).directory == opened.directory  # a gallery with prints may be replaced


def test_only_new_pictures_are_looked_at(tmp_path: Path) -> None:
    before, after, seen = gallery(tmp_path / "a", [0, 1, 2, 3]), gallery(tmp_path / "b", [5, 3, 1, 4]), []

    def each(paths):
        for path in paths:
            seen.append(path.name)
            yield path

    prints.of_gallery(before)
    (after.directory / prints.FILE).write_bytes((before.directory / prints.FILE).read_bytes())
    made = prints.of_gallery(after, each)
    assert seen == [Path(after.items[i].image).name for i in (0, 3)]
    expected = prints.prints(_opened(after))
    for name in ("bits", "sha256"):
        assert (getattr(made, name) == getattr(expected, name)).all()
        assert (getattr(prints.read(after), name) == getattr(expected, name)).all()
    assert len(prints.of_gallery(gallery(tmp_path / "c", []))) == 0


def _opened(of: Gallery) -> list[Garment]:
    return [Garment(np.array(Image.open(of.picture(item)).convert("RGB"))) for item in of.items]


@pytest.mark.parametrize("change", [{"method": 0}, {"pictures": np.array([b"a"])}, {"sha256": np.zeros((3, 6), np.uint8)}])
def test_prints_that_can_t_be_used_are_not_kept(tmp_path: Path, change: dict[str, object]) -> None:
    opened = gallery(tmp_path / "g", [0, 1, 2])
    made = prints.of_gallery(opened)
    held, at = prints.kept(opened.directory)
    assert sorted(at) == sorted(item.image for item in opened.items)
    assert (held.bits == made.bits).all()
    _again(opened.directory / prints.FILE, made_of="another", **change)
    held, at = prints.kept(opened.directory)
    assert (len(held), at) == (0, {})
    assert (prints.of_gallery(opened).bits == made.bits).all()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: p.unlink(), "can't be read"),
        (lambda p: p.write_bytes(p.read_bytes()[:200]), "can't be read"),
        (lambda p: p.write_bytes(b""), "can't be read"),
        (lambda p: np.savez(p, bits=np.zeros(3)), "can't be read"),
        (lambda p: _again(p, bits=np.zeros((2, 3, 32), np.uint8)), "bits is"),
        (lambda p: _again(p, sha256=np.zeros((3, 6))), "sha256 is"),
        (lambda p: _again(p, made_of="another"), "of other pictures"),
    ],
)
def test_spoiled_prints_are_refused_and_made_anew(tmp_path: Path, spoil, says: str) -> None:
    opened = gallery(tmp_path / "g", [0, 1, 2])
    made = prints.of_gallery(opened)
    spoil(opened.directory / prints.FILE)
    with pytest.raises(GalleryError, match=says):
        prints.read(opened)
    assert (prints.of_gallery(opened).bits == made.bits).all()
    assert (prints.read(opened).bits == made.bits).all()


def _again(path: Path, **changed: object) -> None:
    with np.load(path) as stored:
        content = dict(stored)
    np.savez(path, **{**content, **changed})


def test_prints_of_other_pictures_are_stale(tmp_path: Path) -> None:
    first, second = gallery(tmp_path / "a", [0, 1]), gallery(tmp_path / "b", [0, 1], vectors(2, seed=5))
    prints.of_gallery(first)
    (second.directory / prints.FILE).write_bytes((first.directory / prints.FILE).read_bytes())
    with pytest.raises(GalleryError, match="of other pictures"):
        prints.read(second)


def test_a_gallery_that_cant_be_written_to_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise OSError("read-only")

    opened = gallery(tmp_path / "g", [0])
    monkeypatch.setattr(os, "fsync", refuse)
    assert len(prints.of_gallery(opened)) == 1
    assert not (opened.directory / prints.FILE).exists()


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    opened = gallery(tmp_path / "g", [0, 1])
    opened.picture(opened.items[1]).write_bytes(b"RIFF")
    with pytest.raises(GalleryError, match=Path(opened.items[1].image).name):
        prints.of_gallery(opened)


def test_hits_stand_before_likeness() -> None:
    """Limits make 0.09 and 0.045 of the whole photo 0.5 and 0.25; 0.25 of edges is more than 1."""
    assert (LIMITS["whole"], LIMITS["edges"]) == (0.18, 0.22)
    apart = np.full((5, 2, 3), 0.5, np.float32)
    apart[1, 0, 0], apart[2, 1, 0], apart[3, 0, 2] = 0.09, 0.045, 0.25
    assert joined(np.array([0.3, 0.1, 0.0, 0.9, 0.3]), apart).tolist() == [2, 1, 3, 0, 4]
    assert nearest(apart)[:3].tolist() == pytest.approx([0.5 / 0.22, 0.5, 0.25])
    assert joined(np.zeros(0), apart[:0]).tolist() == []


def views(row: np.ndarray) -> dict[str, View]:
    flat = np.full((2, 2), 0.25, np.float32)
    made = [View(n, v.astype(np.float32), flat, Box(0, 0, 1, 1), Frame(2, 1, 0, 0), 4) for n, v in zip(NAMES, row, strict=True)]
    return {v.condition: v for v in made}


def test_a_copy_is_found_by_hash_and_the_rest_by_likeness(tmp_path: Path) -> None:
    rows = vectors(3)
    origins = Origins(gallery(tmp_path / "g", [0, 1, 2], rows))
    copy = Garment(np.ascontiguousarray(drawn(1)[:, ::-1]))
    found = origins.find(copy, views(rows[2]))
    assert [f.item.id for f in found[:2]] == ["it-1", "it-2"]
    assert [f.hit for f in found] == [True, False, False]
    assert found[0].mirrored
    assert (found[1].overall, found[0].overall) == pytest.approx((1, (rows[1] * rows[2]).sum() / 2), abs=1e-3)
    both = origins.find(copy, views(rows[2]), views(rows[0]))
    assert sorted(f.overall for f in both if not f.hit) == pytest.approx([1, 1], abs=1e-3)
    assert [len(origins.find(copy, views(rows[2]), k=k)) for k in (0, 1, 9)] == [0, 1, 3]


def test_overall_is_the_mean_of_cosines(tmp_path: Path) -> None:
    rows = vectors(12)
    opened = Gallery.open(build(tmp_path / "g", rows=rows))
    expected = [np.mean([float(a @ b) for a, b in zip(row, rows[4], strict=True)]) for row in rows]
    np.testing.assert_allclose(opened.overall(rows[4]), expected, atol=1e-3)
    with pytest.raises(QueryError, match="finite"):
        opened.overall(rows[4][:1])


def test_bad_questions(tmp_path: Path) -> None:
    opened = gallery(tmp_path / "g", [0, 1])
    origins = Origins(opened)
    with pytest.raises(QueryError, match="k must be 0 or more"):
        origins.find(Garment(drawn(0)), views(vectors(1)[0]), k=-1)
    with pytest.raises(QueryError, match="missing: sleeve"):
        origins.find(Garment(drawn(0)), {"neckline": views(vectors(1)[0])["neckline"]})
    with pytest.raises(QueryError, match="each of 2 items"):
        Origins(opened, prints.prints([Garment(drawn(0))]))


def test_tables() -> None:
    part = {"overall": 0.5, "hash": 0.25, "joined": 1.0}
    search = {"photos": 200, "searches": 2000, "gallery": 1200, "alterations": {"crop": part}, "all": part}
    page = copies.searches(search)
    assert "| cropped to 80 % of width and height | 50.0 | 25.0 | 100.0 |" in page
    assert "2,000 searches among 1,200 photos" in page
    counts = {"true": 4, "said": 5, "right": 3, "unrelated": 1}
    other = {"pairs": 600, "flagged": 1}
    flags = {"flags": {"mirrored": counts}, "unrelated": other, "hashes": {"pairs": 719_400, "hits": 2}}
    page = copy_flags.table({**flags, "photos": 60, "alterations": {}, "median_seconds": 0.14})
    assert "| mirrored | 60.0 | 75.0 | 4 | 1 |" in page
    assert "2 of 719,400 pairs" in page


def data(folder: Path, count: int) -> Path:
    """Photos as the benchmarks take them: drawn garments on white, every other one of the asked split, and shoes."""
    for name in copies.FOLDERS:
        (folder / name / "images").mkdir(parents=True)
        rows = ["image,split,masterCategory", "images/shoe.jpg,test,Footwear"]
        for i in range(count):
            Image.fromarray(drawn(i)).save(folder / name / f"images/{i}.jpg")
            rows.append(f"images/{i}.jpg,{('test', 'valid')[i % 2]},Apparel")
        (folder / name / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_which_photos_are_altered(tmp_path: Path) -> None:
    plain, rest = copies.chosen(data(tmp_path, 4), "test", 3, 5)
    assert (len(plain), len(rest)) == (3, 5)
    assert not set(plain) & set(rest)
    assert {p.stem for p in (*plain, *rest)} == {"0", "2"}
    assert copies.chosen(tmp_path, "test", 3, 5) == (plain, rest)
    with pytest.raises(SystemExit, match="3 photos with a plain backdrop and 6 others are needed"):
        copies.chosen(tmp_path, "test", 3, 6)


@pytest.mark.parametrize("name", alterations.ALTERATIONS)
def test_alterations_are_the_same_for_the_same_number(name: str) -> None:
    first, again, other = (alterations.altered(name, drawn(0), i) for i in (4, 4, 5))
    assert first.dtype == np.uint8
    assert (first == again).all()
    assert not np.array_equal(first, drawn(0))
    height, width = {"crop": (256, 192), "border": (372, 292)}.get(name, (320, 240))
    assert first.shape == other.shape == (height, width, 3)


def test_an_alteration_that_cant_be_made() -> None:
    busy = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match="background"):
        alterations.altered("background", busy, 0)
