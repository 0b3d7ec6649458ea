"""A collection looked at in parts gives the gallery that one process makes of it, byte for byte."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from sharded import files
from tiny import photo, tiny_checkpoint

from asen_core.engine import Engine
from asen_core.errors import DataError, GalleryError
from asen_core.gallery import manifest as disk
from asen_core.indexing import index, shard_state
from asen_core.indexing.look import header
from asen_core.indexing.ray_data import Pool
from asen_core.indexing.sharded import embed
from asen_core.indexing.shards import Shard
from asen_core.review import suspects

THREE = [Shard(n, 3) for n in (1, 2, 3)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine.open(tiny_checkpoint(tmp_path_factory.mktemp("tiny")), device="cpu")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """14 photos in two folders, two of them the same, and two broken files."""
    folder = tmp_path / "photos"
    for i in range(14):
        path = folder / ("robes d'été" if i % 3 else "b") / f"{i:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(70 + min(i, 12), 60, seed=min(i, 12))).save(path)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff and then nothing")
    (folder / "b" / "note.png").write_text("no picture")
    return folder


@pytest.fixture
def whole(engine: Engine, photos: Path, tmp_path: Path) -> dict[str, bytes]:
    index(engine, photos, tmp_path / "whole", maps=False)
    return files(tmp_path / "whole")


def test_the_gallery_of_all_shards_is_that_of_one_run(
    engine: Engine, photos: Path, tmp_path: Path, whole: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "mine"
    done = [embed(engine, photos, out, shard) for shard in (THREE[2], THREE[0], THREE[1])]
    assert sum(d.photos for d in done) == 16
    assert [d.done for d in done] == [True] * 3
    reasons = {name: why for d in done for name, why in d.left_out.items()}
    assert reasons.keys() == {"broken.jpg", "b/note.png"}
    written = [shard_state.left_out(out / shard.folder) for shard in THREE]
    assert {name: why for some in written for name, why in some.items()} == reasons
    read: list[str] = []
    reading = suspects.Reader.read
    monkeypatch.setattr(suspects.Reader, "read", lambda self, path, *rest: read.append(path.name) or reading(self, path, *rest))
    report = index(engine, photos, out, maps=False)
    assert (report.items, report.looked, report.notes) == (14, 0, ())
    assert report.left_out == reasons
    assert sorted(read) == ["broken.jpg", "note.png"], "what a shard has read is not read again"
    assert files(out) == whole
    assert not list(out.glob("journal*")), "what is in the gallery needs no journal"
    again = [embed(engine, photos, out, shard) for shard in THREE]
    assert sum(d.looked for d in again) == 0, "the gallery has them all"


def test_a_finished_shard_looks_only_at_what_is_new(engine: Engine, photos: Path, tmp_path: Path) -> None:
    out, only = tmp_path / "mine", Shard(1, 1)
    first, second = (embed(engine, photos, out, only) for _ in range(2))
    assert (first.looked, first.before) == (13, False)
    assert (second.looked, second.before, second.left_out) == (0, True, first.left_out)
    Image.fromarray(photo(seed=50)).save(photos / "new.png")
    Image.fromarray(photo(seed=51)).save(photos / "b" / "00.png")
    (photos / "b" / "03.png").unlink()
    third = embed(engine, photos, out, only)
    assert (third.photos, third.looked, third.before) == (16, 2, False)
    assert index(engine, photos, out, maps=False).looked == 0
    index(engine, photos, tmp_path / "whole", maps=False)
    assert files(out) == files(tmp_path / "whole")


def test_a_stopped_shard_goes_on(engine: Engine, photos: Path, tmp_path: Path, whole: dict) -> None:
    out, only = tmp_path / "mine", Shard(1, 1)
    asked: Iterator[int] = iter(range(1000))
    stopped = embed(engine, photos, out, only, stop=lambda: next(asked) >= 12)
    assert not stopped.done
    assert 0 < stopped.looked < 13
    assert shard_state.done(out / only.folder) is None
    with (out / only.folder / "vectors.f16").open("ab") as file:
        file.write(b"what a kill left half written")
    ended = embed(engine, photos, out, only)
    assert (ended.done, ended.looked) == (True, 13 - stopped.looked)
    index(engine, photos, out, maps=False)
    assert files(out) == whole


def test_what_is_missing_is_told_and_looked_at(engine: Engine, photos: Path, tmp_path: Path, whole: dict) -> None:
    out = tmp_path / "mine"
    done = embed(engine, photos, out, THREE[0])
    asked: Iterator[int] = iter(range(1000))
    half = embed(engine, photos, out, THREE[1], stop=lambda: next(asked) >= 8)
    assert not half.done
    report = index(engine, photos, out, maps=False)
    names = [p.relative_to(photos).as_posix() for p in photos.rglob("*.*")]
    last = sum(THREE[2].holds(name) for name in names)
    assert report.notes == (
        f"Shard 2 of 3 isn't finished: {half.looked} of its {half.photos} photos are there, the others are embedded here.",
        f"Shard 3 of 3 isn't finished: its {last} photos are embedded here.",
    )
    assert report.looked == 13 - done.looked - half.looked
    assert files(out) == whole


def test_shards_of_another_count_or_checkpoint_are_refused(engine: Engine, photos: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "mine", Engine.open(tiny_checkpoint(tmp_path / "other", seed=1), device="cpu")
    embed(engine, photos, out, THREE[0])
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    with pytest.raises(GalleryError, match="Shards of 3 and shards of 4 don't mix"):
        embed(engine, photos, out, Shard(1, 4))
    with pytest.raises(GalleryError, match=f"made with checkpoint {engine.fingerprint[:12]}, but {other.fingerprint[:12]}"):
        embed(other, photos, out, THREE[0])
    with pytest.raises(GalleryError, match=f"made with checkpoint {engine.fingerprint[:12]}"):
        index(other, photos, out, maps=False)
    after = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert {p: after[p] for p in before} == before, "nothing is thrown away"
    (out / Shard(2, 4).folder).mkdir()
    (out / Shard(2, 4).folder / "header.json").write_text(json.dumps(header(engine)))
    with pytest.raises(GalleryError, match=r"remove the folders journal-\*-of-00003 or journal-\*-of-00004"):
        index(engine, photos, out, maps=False)


def test_a_shard_that_somebody_is_at_is_left_alone(engine: Engine, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    embed(engine, photos, out, THREE[0])
    with shard_state.held(out, THREE[0]):
        with pytest.raises(GalleryError, match="Another process is at shard 1 of 3"):
            embed(engine, photos, out, THREE[0])
        with pytest.raises(GalleryError, match="Another process is at shard 1 of 3"):
            index(engine, photos, out, maps=False)
        embed(engine, photos, out, THREE[1])
    assert index(engine, photos, out, maps=False).items == 14


def test_shards_of_another_folder_are_not_thrown_away(engine: Engine, photos: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "mine", tmp_path / "other"
    other.mkdir()
    Image.fromarray(photo(seed=77)).save(other / "else.png")
    embed(engine, photos, out, THREE[0])
    with pytest.raises(GalleryError, match=r"None of the . photos that the shards in .* looked at is in this folder"):
        index(engine, other, out, maps=False)
    assert shard_state.done(out / THREE[0].folder) is not None
    assert index(engine, photos, out, maps=False).items == 14


def test_a_shard_without_photos_is_done(engine: Engine, tmp_path: Path) -> None:
    folder, out = tmp_path / "photos", tmp_path / "mine"
    folder.mkdir()
    Image.fromarray(photo()).save(folder / "a.png")
    done = [embed(engine, folder, out, Shard(n, 8)) for n in range(1, 9)]
    assert sorted(d.looked for d in done) == [0] * 7 + [1]
    assert all(d.done for d in done)
    report = index(engine, folder, out, maps=False)
    assert (report.items, report.looked, report.notes) == (1, 0, ())


def test_a_folder_that_is_no_gallerys_is_refused(engine: Engine, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    with pytest.raises(GalleryError, match=r"letter\.txt"):
        embed(engine, photos, tmp_path / "mine", THREE[0])
    with pytest.raises(DataError, match="is not a folder"):
        embed(engine, tmp_path / "nowhere", tmp_path / "new", THREE[0])


def test_ray_says_how_to_get_it(engine: Engine, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DataError, match=r'pip install "ray\[data\]'):
        embed(engine, photos, tmp_path / "mine", THREE[0], looking=Pool().looking())
    assert shard_state.done(tmp_path / "mine" / THREE[0].folder) is None


def test_the_manifest_is_that_of_one_run(engine: Engine, photos: Path, tmp_path: Path, whole: dict) -> None:
    embed(engine, photos, tmp_path / "mine", Shard(1, 1))
    index(engine, photos, tmp_path / "mine", maps=False)
    found = [vars(disk.read(tmp_path / name)) for name in ("whole", "mine")]
    for manifest in found:
        manifest["built"].pop("created")
    assert found[0] == found[1]
