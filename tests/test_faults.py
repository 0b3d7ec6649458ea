"""What a kill, a changed byte or a second process may do: nothing that is not noticed, and nothing saved is lost."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from test_assembly import entries, looked, made
from tiny import tiny_checkpoint, tiny_model
from typer.testing import CliRunner

from asen_core import checkpoint, files
from asen_core.cli import app
from asen_core.errors import CheckpointError, DataError, GalleryError
from asen_core.gallery import Gallery, Journal, Maps, assemble, checking, manifest, maps, writing
from asen_core.gallery.checking import check
from asen_core.gallery.journal import encoded
from asen_core.review import background, prints
from asen_core.training import Recipe, load_recipe
from asen_core.training.loop import _alone
from asen_core.training.processes import Processes
from asen_core.training.stage import WeightAverage
from asen_core.training.state import State

WEIGHTS, CONFIG = checkpoint.WEIGHTS, checkpoint.CONFIG


def flip(path: Path, at: int, by: int = 1) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= by
    path.write_bytes(content)


def test_a_file_is_there_whole_or_as_it_was(tmp_path: Path) -> None:
    place = tmp_path / "a"
    files.write(place, b"one")

    def stopped() -> None:
        with files.whole(place) as part:
            part.write_bytes(b"tw")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert (place.read_bytes(), os.listdir(tmp_path)) == (b"one", ["a"])
    files.write(place, b"two")
    assert (place.read_bytes(), os.listdir(tmp_path)) == (b"two", ["a"])
    with pytest.raises(FileNotFoundError):
        files.write(tmp_path / "none" / "a", b"")


def test_any_changed_byte_of_sealed_json_is_noticed() -> None:
    values = {"one": 1.25, "two": ["ü", "0" * 64], "three": {"four": None}}
    text, rng = files.sealed(values).encode(), random.Random(0)
    assert files.unsealed(text) == values
    for at in range(len(text)):
        changed = bytearray(text)
        changed[at] ^= rng.randrange(1, 256)
        with suppress(ValueError):
            assert set(files.unsealed(bytes(changed))) - set(values), "the key of the checksum is an unknown one now"
    assert files.unsealed(json.dumps(values).encode()) == values, "as an earlier version wrote it"
    for wrong in (b"", b"[]", b"{", b'{"checksum": 1}', b'{"checksum": ""}', b'{"checksum": "\\ud800"}', b"[" * 100_000):
        with pytest.raises(ValueError, match=r"."):
            files.unsealed(wrong)


def test_any_changed_byte_of_a_sealed_archive_is_noticed(tmp_path: Path) -> None:
    place, rng = tmp_path / "a.npz", random.Random(0)
    np.savez(place, a=np.arange(3))
    assert not files.check_archive(place), "as an earlier version wrote it"
    files.write_arrays(place, tmp_path / "part", {"a": np.arange(3), "b": "text"})
    assert files.check_archive(place)
    with np.load(place) as held:
        assert (held["a"].tolist(), str(held["b"])) == ([0, 1, 2], "text")
    size = place.stat().st_size
    for at in range(size):
        by = rng.randrange(1, 256)
        flip(place, at, by)
        with pytest.raises(ValueError, match="checksum"):
            files.check_archive(place)
        flip(place, at, by)
    place.write_bytes(place.read_bytes()[: size // 2])
    with pytest.raises(ValueError, match="checksum"):
        files.check_archive(place)


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG])
def test_a_changed_byte_of_a_model_names_its_file(tmp_path: Path, name: str) -> None:
    place = tiny_checkpoint(tmp_path / "c") / name
    rng, size = random.Random(1), place.stat().st_size
    for at in range(0, size, max(1, size // 150)):
        by = rng.randrange(1, 256)
        flip(place, at, by)
        with pytest.raises(CheckpointError, match=name):
            checkpoint.read(tmp_path / "c")
        flip(place, at, by)
    checkpoint.read(tmp_path / "c")


def states(tmp_path: Path) -> dict[str, Path]:
    """Folders as a kill leaves them while model 1 takes the place of model 0, or is the first there."""
    old, new = tiny_checkpoint(tmp_path / "old"), tiny_checkpoint(tmp_path / "new", 1)
    for name in (WEIGHTS, CONFIG):
        shutil.copy(new / name, tmp_path / name)
    found = {"old": old, "new": new}
    for name, before, there, parts in (
        ("before the renames", old, (), (WEIGHTS, CONFIG)),
        ("half a file", old, (), (WEIGHTS,)),
        ("between the renames", old, (WEIGHTS,), (CONFIG,)),
        ("between the first renames", None, (WEIGHTS,), (CONFIG,)),
    ):
        found[name] = tmp_path / name
        shutil.copytree(before, found[name]) if before else found[name].mkdir()
        for file in there:
            shutil.copy(new / file, found[name] / file)
        for file in parts:
            (found[name] / checkpoint.PARTS).mkdir(exist_ok=True)
            shutil.copy(new / file, found[name] / checkpoint.PARTS / file)
    (found["half a file"] / checkpoint.PARTS / WEIGHTS).write_bytes(b"half")
    (found["half a file"] / checkpoint.PARTS / ".tmpXYZ").write_bytes(b"half")
    return found


def test_a_save_that_was_killed_leaves_the_old_model_or_the_new_one(tmp_path: Path) -> None:
    found = states(tmp_path)
    old, new = (checkpoint.read(found[name]).fingerprint for name in ("old", "new"))
    for name, wanted in {
        "before the renames": old, "half a file": old, "between the renames": new, "between the first renames": new,
    }.items():  # fmt: skip
        assert checkpoint.read(found[name]).fingerprint == wanted, name
        checkpoint.load(found[name])


@pytest.mark.parametrize("fails", ["save_file", "settle"])
def test_the_next_save_loses_nothing_of_one_that_was_killed(tmp_path: Path, monkeypatch, fails: str) -> None:
    place = states(tmp_path)["between the renames"]
    new = checkpoint.read(place).fingerprint

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("safetensors.torch.save_file" if fails == "save_file" else "asen_core.files.settle", full)
        with pytest.raises(CheckpointError, match=r"can't be written .*No space left.* make room"):
            tiny_checkpoint(place, 2)
    assert checkpoint.read(place).fingerprint == new
    assert sorted(os.listdir(place)) == [CONFIG, WEIGHTS]
    tiny_checkpoint(place, 2)
    assert checkpoint.read(place).fingerprint not in (new, "")


def test_two_of_a_model_may_not_be_mixed(tmp_path: Path) -> None:
    found = states(tmp_path)
    shutil.copy(found["new"] / WEIGHTS, found["old"] / WEIGHTS)
    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged"):
        checkpoint.read(found["old"])


def gallery(folder: Path) -> Gallery:
    """One with everything that may lie beside its vectors."""
    opened = made(folder, *"abcdef")
    points = {a: np.full((6, 2), 0.5, np.float32) for a in opened.attributes}
    maps.write(folder, opened.manifest, Maps(points))
    background.write(folder / background.FILE, background.measured(opened))
    prints.of_gallery(opened)
    return opened


def test_check_names_every_changed_file(tmp_path: Path) -> None:
    opened = gallery(tmp_path / "g")
    assert (check(tmp_path / "g").damaged, check(tmp_path / "g").without) == ({}, [])
    rng = random.Random(2)
    for path in (p for p in sorted((tmp_path / "g").rglob("*")) if p.is_file() and p.stat().st_size):
        for _ in range(4):
            at, by = rng.randrange(path.stat().st_size), rng.randrange(1, 256)
            flip(path, at, by)
            assert path.relative_to(tmp_path / "g").as_posix() in check(tmp_path / "g").damaged
            flip(path, at, by)
    opened.picture(opened.items[0]).unlink()
    (tmp_path / "g" / opened.manifest.file(manifest.CODES)).unlink()
    assert len(check(tmp_path / "g").damaged) == 2
    (tmp_path / "g" / manifest.MANIFEST).unlink()
    assert list(check(tmp_path / "g").damaged) == [manifest.MANIFEST]


def test_a_gallery_of_an_earlier_version_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    gallery(tmp_path / "g")
    place = tmp_path / "g" / manifest.MANIFEST
    place.write_text(json.dumps(files.unsealed(place.read_bytes()), indent=1))
    for name in (manifest.MAPS, manifest.PAIRS, manifest.PRINTS):
        with np.load(tmp_path / "g" / name) as held:
            arrays = {key: held[key] for key in held.files}
        np.savez(tmp_path / "g" / name, **arrays)
    found = check(tmp_path / "g")
    assert (found.damaged, sorted(found.without)) == ({}, ["manifest.json", "maps.npz", "pairs.npz", "prints.npz"])
    path = tmp_path / "g" / manifest.MAPS
    flip(path, path.read_bytes().index(b"\x93NUMPY") + 140)
    assert list(check(tmp_path / "g").damaged) == [manifest.MAPS]


def test_a_gallery_that_is_written_anew_meanwhile_is_not_called_damaged(tmp_path: Path, monkeypatch) -> None:
    made(tmp_path / "g", "a", "b")
    real, renewed = checking._named, []

    def meanwhile(held: manifest.Manifest) -> object:
        if not renewed:
            renewed.append(assemble(tmp_path / "g", entries("b", "c"), [looked(tmp_path / "g", "c")], {}))
        return real(held)

    monkeypatch.setattr(checking, "_named", meanwhile)
    found = check(tmp_path / "g")
    assert (renewed != [], found.damaged) == (True, {})
    assert found.files > 4
    (tmp_path / "g" / manifest.named(manifest.CODES, 2)).unlink()
    assert len(check(tmp_path / "g").damaged) == 1


def test_pictures_without_a_checksum_are_held_against_their_prints(tmp_path: Path, monkeypatch) -> None:
    real = Journal.add
    monkeypatch.setattr(Journal, "add", lambda *given, **more: _without_sum(real, *given, **more))
    opened = gallery(tmp_path / "g")

    def said() -> dict:
        return json.loads(CliRunner().invoke(app, ["check", str(tmp_path / "g"), "--json"]).stdout)["places"][0]

    assert (said()["damaged"], said()["without_checksum"]) == ({}, [])
    name = opened.items[1].image
    (tmp_path / "g" / name).write_bytes(encoded(np.full((30, 20, 3), 77, np.uint8)))
    assert said()["damaged"] == {name: "shows something else than when it was written"}


def _without_sum(add, journal: Journal, *given, **more) -> None:
    """As an earlier version added a garment."""
    add(journal, *given, **more)
    for row, *_ in journal._waiting:
        row.facts.pop(manifest.PICTURE_SUM, None)


def test_the_verb_check_names_what_is_damaged_and_says_so_by_its_exit_code(tmp_path: Path) -> None:
    gallery(tmp_path / "g")
    places = [str(tiny_checkpoint(tmp_path / "c")), str(tmp_path / "g")]

    def call(*more: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, ["check", *places, *more])
        return result.exit_code, result.stdout, result.stderr

    code, said, _ = call()
    assert (code, said.count("nothing is damaged")) == (0, 2)
    flip(tmp_path / "c" / CONFIG, 300)
    flip(tmp_path / "g" / "vectors-0001.npy", 130)
    code, said, told = call("--json")
    found = json.loads(said)
    assert (code, found["damaged"]) == (1, 2)
    assert [list(one["damaged"]) for one in found["places"]] == [[CONFIG], ["vectors-0001.npy"]]
    assert [one["kind"] for one in found["places"]] == ["model", "gallery"]
    assert told.count("Damaged: ") == 2
    places = [str(tmp_path / "nowhere")]
    code, _, told = call()
    assert (code, "There is nothing at" in told) == (1, True)


def test_the_verb_check_names_one_file_once_and_a_model_without_a_checksum(tmp_path: Path) -> None:
    (tmp_path / "x.pth.tar").write_bytes(b"none")
    result = CliRunner().invoke(app, ["check", str(tmp_path / "x.pth.tar")])
    assert (result.exit_code, f"Damaged: {tmp_path / 'x.pth.tar'}: " in result.stderr) == (1, True)
    place = tiny_checkpoint(tmp_path / "c")
    (place / CONFIG).write_text(json.dumps(files.unsealed((place / CONFIG).read_bytes()), indent=1))
    result = CliRunner().invoke(app, ["check", str(place), "--json"])
    found = json.loads(result.stdout)["places"][0]
    assert (result.exit_code, found["damaged"], found["without_checksum"]) == (0, {}, [CONFIG])


def test_a_second_writer_is_told_who_the_first_one_is(tmp_path: Path) -> None:
    with writing(tmp_path / "g"):
        with pytest.raises(GalleryError, match=rf"by another run \(process {os.getpid()} on "), writing(tmp_path / "g"):
            pass
        (tmp_path / "g" / ".holder").unlink()
        with pytest.raises(GalleryError, match="by another run; wait"), writing(tmp_path / "g"):
            pass
    assert os.listdir(tmp_path / "g") == [".lock"]


def test_who_holds_an_older_gallery_is_not_told_of_the_newer_ones_files(tmp_path: Path) -> None:
    older = gallery(tmp_path / "g")
    assemble(tmp_path / "g", entries("b", "c"), [looked(tmp_path / "g", "c")], {})
    newer = Gallery.open(tmp_path / "g")
    points = {a: np.full((2, 2), 0.5, np.float32) for a in newer.attributes}
    maps.write(tmp_path / "g", newer.manifest, Maps(points))
    background.write(tmp_path / "g" / background.FILE, background.measured(newer))
    prints.of_gallery(newer)
    written = (tmp_path / "g" / manifest.PRINTS).read_bytes()
    assert older.maps is None
    assert background.of_gallery(older).garments == 6
    assert (tmp_path / "g" / manifest.PRINTS).read_bytes() == written
    assert newer.maps is not None


def test_a_damaged_manifest_does_not_make_a_writer_touch_what_readers_hold(tmp_path: Path) -> None:
    reader = made(tmp_path / "g", "a", "b")
    flip(tmp_path / "g" / manifest.MANIFEST, 200)
    assemble(tmp_path / "g", entries("b", "c"), [looked(tmp_path / "g", "b", "c")], {})
    assert Gallery.open(tmp_path / "g").manifest.generation == 2
    assert reader.vectors("a.jpg").shape[1] == reader.manifest.dim


def test_files_of_a_first_run_that_was_killed_are_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / manifest.named(manifest.NEIGHBOURS, 1)).mkdir()
    (tmp_path / "g" / manifest.named(manifest.VECTORS, 1)).write_bytes(b"half")
    assert made(tmp_path / "g", "a", "b").manifest.generation == 1


def saved_state(path: Path) -> tuple[State, Recipe]:
    recipe = load_recipe("compact")
    model = tiny_model()
    state = State(model, WeightAverage(model), epoch=2, step=3, draws=torch.Generator().manual_seed(5).get_state())
    state.save(path, recipe)
    return state, recipe


def test_a_changed_byte_of_a_training_state_is_noticed(tmp_path: Path) -> None:
    state, recipe = saved_state(tmp_path / "state.pt")
    rng, size = random.Random(3), (tmp_path / "state.pt").stat().st_size
    for _ in range(60):
        at, by = rng.randrange(size), rng.randrange(1, 256)
        flip(tmp_path / "state.pt", at, by)
        with pytest.raises(DataError, match=r"state\.pt can't be read .*--fresh"):
            state.load(tmp_path / "state.pt", recipe)
        flip(tmp_path / "state.pt", at, by)
    for content in (b"", b"PK", (tmp_path / "state.pt").read_bytes()[:-70]):
        (tmp_path / "cut.pt").write_bytes(content)
        with pytest.raises(DataError, match=r"cut\.pt can't be read"):
            state.load(tmp_path / "cut.pt", recipe)
    state.epoch = 0
    state.load(tmp_path / "state.pt", recipe)
    assert (state.epoch, state.step) == (2, 3)


def test_a_state_that_cannot_be_written_leaves_the_one_before(tmp_path: Path, monkeypatch) -> None:
    state, recipe = saved_state(tmp_path / "state.pt")

    def full(values: object, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise RuntimeError("[enforce fail at inline_container.cc] . PytorchStreamWriter failed writing file data/3")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(DataError, match=r"state\.pt can't be written .*goes on from what was saved last"):
        state.save(tmp_path / "state.pt", recipe)
    assert os.listdir(tmp_path) == ["state.pt"]
    monkeypatch.undo()
    state.epoch = 0
    state.load(tmp_path / "state.pt", recipe)
    assert state.epoch == 2


def test_two_trainings_may_not_share_a_folder(tmp_path: Path) -> None:
    one = Processes(0, 1, torch.device("cpu"))
    with _alone(tmp_path, one), pytest.raises(DataError, match="Another run trains in"), _alone(tmp_path, one):
        pass
    with _alone(tmp_path, one), _alone(tmp_path, Processes(1, 2, torch.device("cpu"))):
        pass
