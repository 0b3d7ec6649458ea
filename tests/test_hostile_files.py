"""Arrays, galleries, databases and weights that a stranger made: what they claim is compared with what they hold."""

import io
import json
import os
import sqlite3
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from test_assembly import made
from test_gallery_hostile import tampered
from tiny import tiny_checkpoint

from asen_core import arrays, checkpoint, files
from asen_core.errors import CaseError, CheckpointError, GalleryError, PhotoError
from asen_core.gallery import Gallery, manifest
from asen_core.gallery.approximate import Approximate, build
from asen_core.gallery.watches import Watches
from asen_core.images import load
from asen_core.review.cases import Cases
from asen_core.review.suspects import Reader, listed
from benchmarks import fuzz_doors, fuzz_seeds


def headed(shape: object, dtype: str = "<f2", behind: bytes = b"") -> bytes:
    """An .npy file with this header."""
    head = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + behind


def stored(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


ODD_ARRAYS = {
    "empty": b"",
    "no array": b"hello, I am an array",
    "2^40 numbers": headed((2**40,)),
    "2^62 x 4 numbers": headed((2**62, 4)),
    "less than none": headed((-4, -1), behind=bytes(8)),
    "half of it": headed((100,), behind=bytes(100)),
    "more than it": headed((2,), behind=bytes(100)),
    "no shape": headed("x"),
    "a call": headed("__import__('os').getpid()"),
    "an unclosed header": b"\x93NUMPY\x01\x00" + struct.pack("<H", 60) + b"{'descr': (".ljust(60),
    "deep": b"\x93NUMPY\x01\x00" + struct.pack("<H", 9000) + (b"(" * 4000).ljust(9000),
    "objects": stored(np.array([{}], object)),
    "a zip": stored(np.zeros(3)).replace(b"\x93NUMPY", b"PK\x03\x04xx"),
    "version 9": headed((1,), behind=bytes(2)).replace(b"NUMPY\x01", b"NUMPY\x09"),
}


@pytest.mark.parametrize("name", ODD_ARRAYS)
@pytest.mark.parametrize("archived", [False, True])
def test_odd_arrays_are_refused_before_they_take_memory(name: str, archived: bool, tmp_path: Path) -> None:
    path = tmp_path / "x"
    if archived:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.npy", ODD_ARRAYS[name])
    else:
        path.write_bytes(ODD_ARRAYS[name])
    with pytest.raises(ValueError, match=r"\w"):
        (arrays.load_archive if archived else arrays.load)(path)


@pytest.mark.parametrize(
    "array",
    [np.zeros((0, 3), np.float16), np.arange(6, dtype=np.int32).reshape(2, 3), np.zeros(9000, np.float16), np.array("text"),
     np.array(["", "ä"]), np.asfortranarray(np.eye(3))],
)  # fmt: skip
def test_arrays_come_back_as_they_were(array: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(stored(array))
    np.savez_compressed(tmp_path / "x.npz", a=array, b=np.array(7))
    np.testing.assert_array_equal(arrays.load(tmp_path / "x.npy"), array)
    found = arrays.load_archive(tmp_path / "x.npz")
    np.testing.assert_array_equal(found["a"], array)
    assert (set(found), int(found["b"])) == ({"a", "b"}, 7)


def test_archives_that_unpack_to_far_more_than_they_weigh(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", a=np.zeros(100_000_000, np.uint8))
    with pytest.raises(ValueError, match="times its size"):
        arrays.load_archive(tmp_path / "x.npz")
    for content in (b"", b"PK\x05\x06", b"PK\x03\x04 and no more"):
        (tmp_path / "y.npz").write_bytes(content)
        with pytest.raises(ValueError, match="no archive"):
            arrays.load_archive(tmp_path / "y.npz")


@pytest.mark.parametrize("role", [manifest.VECTORS, manifest.CODES, manifest.BACKGROUND])
def test_a_gallery_with_a_file_that_claims_too_much(role: str, tmp_path: Path) -> None:
    made(tmp_path / "g", "a", "b")
    path = tmp_path / "g" / manifest.named(role, 1)
    path.write_bytes(headed((2, 2, 2**40)))
    told = json.loads((tmp_path / "g" / "manifest.json").read_text())
    told.pop(files.CHECKSUM, None)
    told["sha256"][role] = files.digest(path)
    (tmp_path / "g" / "manifest.json").write_text(json.dumps(told))
    with pytest.raises(GalleryError, match=f"{role}-0001.npy is no array file"):
        Gallery.open(tmp_path / "g")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("attributes", "neckline"), ("attributes", ["a", "a"]), ("attributes", [1, 2]), ("attributes", None), ("dim", 2**70),
        ("dim", 8.0), ("dim", True), ("dim", -8), ("count", -1), ("count", 1e400), ("count", "2"), ("split", 99),
        ("generation", "../1"), ("fingerprint", 7), ("labels", "colour"), ("labels", [["colour"]]), ("sha256", []),
        ("sha256", {"items": 7}), ("built", {"created": 7}), ("built", "yesterday"), ("neighbours", "exact"),
        ("neighbours", {"kind": "ivf"}), ("format", [2]), ("format", 10**400), ("more", 1),
    ],
)  # fmt: skip
def test_a_manifest_of_other_things_than_it_should_hold(key: str, value: object, tmp_path: Path) -> None:
    made(tmp_path / "g", "a", "b")
    told = json.loads((tmp_path / "g" / "manifest.json").read_text())
    told.pop(files.CHECKSUM, None)
    (tmp_path / "g" / "manifest.json").write_text(json.dumps({**told, key: value}))
    with pytest.raises(GalleryError, match="build it with"):
        Gallery.open(tmp_path / "g")


@pytest.mark.parametrize("text", [b"[" * 50_000, b'{"a":' * 50_000, b"7" * 5_000, b"\xff\xfe{", b"NaN", b'"x"', b""])
def test_a_manifest_that_is_no_object(text: bytes, tmp_path: Path) -> None:
    made(tmp_path / "g", "a")
    (tmp_path / "g" / "manifest.json").write_bytes(text)
    with pytest.raises(GalleryError, match="can't be read"):
        Gallery.open(tmp_path / "g")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE items SET labels = '[1]' WHERE position = 3", "UPDATE items SET labels = '{\"a\": 1}' WHERE position = 3",
        "UPDATE items SET labels = '{' WHERE position = 3", "UPDATE items SET rois = x'00' WHERE position = 3",
        "UPDATE items SET rois = zeroblob(16) WHERE position = 3", "UPDATE items SET image = 7 WHERE position = 3",
        "UPDATE items SET id = x'ff' WHERE position = 3", "DELETE FROM items WHERE position = 3",
        "UPDATE items SET position = 9 WHERE position = 3", "INSERT INTO label_values VALUES (7, 1, 'x')",
        "CREATE VIEW more AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "CREATE TRIGGER more AFTER UPDATE ON items BEGIN DELETE FROM items; END", "DROP TABLE items",
    ],
)  # fmt: skip
def test_items_of_other_things_than_they_should_hold(change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = made(tmp_path / "g", "a", "b", "c", "d")
    gallery.store.close()
    tampered(tmp_path / "g", change)
    monkeypatch.setattr("asen_core.gallery.local.PICTURES_CHECKED", 2)  # as in a large gallery, of which some are looked at
    with pytest.raises(GalleryError, match="items-0001"):
        list(Gallery.open(tmp_path / "g").items)


def test_a_picture_that_is_a_link_to_something_else_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = made(tmp_path / "g", "a", "b", "c", "d")
    path = gallery.picture(gallery.items[3])
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(GalleryError, match="missing or empty"):
        Gallery.open(tmp_path / "g")
    monkeypatch.setattr("asen_core.gallery.local.PICTURES_CHECKED", 2)
    large = Gallery.open(tmp_path / "g")
    assert large.picture(large.items[2]).is_file()
    with pytest.raises(GalleryError, match="is a link"):
        large.picture(large.items[3])
    path.unlink()
    os.mkfifo(tmp_path / "pipe")
    path.symlink_to(tmp_path / "pipe")
    with pytest.raises(GalleryError, match="is a link"):
        large.picture(large.items[3])
    # Caches of downloads keep their files elsewhere and link them.
    path.unlink()
    (tmp_path / "blob").write_bytes(large.picture(large.items[2]).read_bytes())
    path.symlink_to(tmp_path / "blob")
    assert large.picture(Gallery.open(tmp_path / "g").items[3]) == path


def changed(path: Path, content: bytes, change: str) -> Path:
    path.write_bytes(content)
    link = sqlite3.connect(path)
    link.execute("PRAGMA writable_schema = ON")
    link.executescript(change)
    link.commit()
    link.close()
    return path


ENDLESS = "SELECT 1 AS id UNION ALL SELECT id + 1 FROM n) SELECT id FROM n"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE watches SET question = '{'", "UPDATE watches SET question = '{}'", "UPDATE watches SET question = '[[]]'",
        """UPDATE watches SET question = '{"weights": {"sleeve": "x"}, "unlike": {}, "where": {}, "rule": {}}'""",
        """UPDATE watches SET question = '{"weights": {"sleeve": 1}, "unlike": {}, "where": {"colour": [1]}, "rule": {}}'""",
        """UPDATE watches SET question = '{"weights": {}, "unlike": {}, "where": {}, "rule": {"than": 1}}'""",
        """UPDATE watches SET threshold = '{"value": "high"}'""", "UPDATE watches SET threshold = 'null'",
        "UPDATE watches SET attributes = '[]'", "UPDATE watches SET attributes = '[1, 2]'",
        "UPDATE watches SET vectors = x'00'",
        "UPDATE watches SET picture = 'no bytes'", "UPDATE watches SET name = x'ff' WHERE id = 1",
        f"DROP TABLE hits; CREATE VIEW hits AS WITH RECURSIVE n(id) AS ({ENDLESS}",
        "CREATE TRIGGER more AFTER UPDATE ON watches BEGIN DELETE FROM hits; END",
        "ALTER TABLE hits RENAME COLUMN found TO lost",
    ],
)  # fmt: skip
def test_saved_searches_of_other_things_than_they_should_hold(change: str, tmp_path: Path) -> None:
    gallery, (content,) = fuzz_doors.small_gallery(tmp_path), fuzz_seeds.watches(tmp_path)
    path = changed(gallery.directory / "watches.sqlite", content, change)
    with pytest.raises(GalleryError, match="saved searches in"):
        Watches.open(gallery, path).list()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE cases SET settings = '{'", "UPDATE cases SET settings = '{}'", "UPDATE cases SET settings = '[]'",
        "UPDATE cases SET directory = x'00ff'", "DROP TABLE decisions",
        f"DROP VIEW triaged; CREATE VIEW triaged AS WITH RECURSIVE n(id) AS ({ENDLESS}",
        "UPDATE suspects SET name = x'00' WHERE id = 1", "UPDATE hits SET item = x'ff' WHERE id = 1",
        "UPDATE hits SET similarity = 'much' WHERE id = 1", "UPDATE hits SET percent = 'all' WHERE id = 1",
        "UPDATE decisions SET note = x'ff'", "DROP TABLE hits; CREATE TABLE hits (id INTEGER)",
    ],
)  # fmt: skip
def test_cases_of_other_things_than_they_should_hold(change: str, tmp_path: Path) -> None:
    (content,) = fuzz_seeds.cases(tmp_path)
    path = changed(tmp_path / "c.sqlite", content, change)
    with pytest.raises(CaseError, match="cases in"):
        everything(Cases.open(path).case("one"))


def everything(case) -> None:
    case.settings, case.catalogue, case.counts(), case.queue(), case.hits(), case.decisions()
    assert all(isinstance(s.name, str) for s in case.suspects())


def weights(directory: Path, content: bytes) -> None:
    (directory / "model.safetensors").write_bytes(content)
    told = json.loads((directory / "config.json").read_text())
    told.pop(files.CHECKSUM, None)
    told["weights_sha256"] = files.digest(directory / "model.safetensors")
    (directory / "config.json").write_text(json.dumps(told))


def tensors(head: object, behind: bytes = b"") -> bytes:
    """A safetensors file with this header."""
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + behind


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("<Q", 2**60), struct.pack("<Q", 2**63) + b"{}", struct.pack("<Q", 90_000_000) + b"{", b"", b"{}",
        tensors({"a": {"dtype": "F16", "shape": [2**60], "data_offsets": [0, 2**61]}}),
        tensors({"a": {"dtype": "F16", "shape": [2**33, 2**33], "data_offsets": [0, 4]}}, bytes(4)),
        tensors({"a": {"dtype": "F16", "shape": [2], "data_offsets": [4, 0]}}, bytes(4)),
        tensors({"a": {"dtype": "F99", "shape": [2], "data_offsets": [0, 4]}}, bytes(4)),
        tensors({"a": {"dtype": "F16", "shape": [-2], "data_offsets": [0, 4]}}, bytes(4)),
        tensors(b"[" * 100_000), tensors(b"\xff" * 9), tensors({"a": 7}), tensors({}),
        tensors({"a": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}}, bytes(4)),
    ],
)  # fmt: skip
def test_weights_that_claim_more_than_they_hold(content: bytes, tmp_path: Path) -> None:
    directory = tiny_checkpoint(tmp_path / "c")
    weights(directory, content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        checkpoint.load(directory)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.bfloat16, torch.float64])
def test_one_number_that_is_not_finite_spoils_the_weights(value: float, dtype: torch.dtype, tmp_path: Path) -> None:
    directory = tiny_checkpoint(tmp_path / "c")
    held = {k: v.to(dtype) if v.is_floating_point() else v for k, v in load_file(directory / "model.safetensors").items()}
    held["attribute_vectors"].view(-1)[-1] = value
    save_file(held, tmp_path / "x")
    weights(directory, (tmp_path / "x").read_bytes())
    with pytest.raises(CheckpointError, match=r"attribute_vectors"):
        checkpoint.load(directory)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model", {"global_dim": 10**12}), ("model", {"global_dim": 10**400}), ("model", {"attribute_dim": -1}),
        ("model", {"input_size": 0}), ("model", {"input_size": 1e308}), ("model", {"mean": "x"}), ("model", {"beta": "half"}),
        ("model", {"global_trunk": "../../trunk"}), ("model", {"global_trunk": ["tiny"]}), ("model", {"roi_threshold": None}),
        ("model", []), ("model", None), ("vocabulary", []), ("vocabulary", {"neckline": 7}), ("vocabulary", {"neckline": []}),
        ("vocabulary", {}), ("vocabulary", {"neckline": {"v": 1}}), ("vocabulary", 7), ("provenance", 7), ("figures", "good"),
        ("weights_sha256", 7), ("weights_sha256", None), ("format", "1"), ("format", [1]),
    ],
)  # fmt: skip
def test_settings_of_other_things_than_they_should_hold(key: str, value: object, tmp_path: Path) -> None:
    directory = tiny_checkpoint(tmp_path / "c")
    told = json.loads((directory / "config.json").read_text())
    told.pop(files.CHECKSUM, None)
    told[key] = {**told[key], **value} if key == "model" and isinstance(value, dict) else value
    (directory / "config.json").write_text(json.dumps(told))
    with pytest.raises(CheckpointError, match=r"config\.json|checkpoint|safetensors"):
        checkpoint.load(directory)


@pytest.mark.parametrize("text", [b"[" * 50_000, b'{"model":' * 50_000, b"\xff", b"7", b""])
def test_settings_that_are_no_object(text: bytes, tmp_path: Path) -> None:
    directory = tiny_checkpoint(tmp_path / "c")
    (directory / "config.json").write_bytes(text)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        checkpoint.load(directory)


def test_links_in_a_folder_of_suspects_tell_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    links = {"loop": folder, "up": "..", "passwd.png": "/etc/passwd", "gone.png": "nowhere", "self.png": "self.png"}
    for name, target in links.items():
        (folder / name).symlink_to(target)
    (folder / "a.txt").write_text("x")
    found = listed([folder])
    assert sorted(entry.name for entry in found) == ["a.txt", "gone.png", "passwd.png", "self.png"]
    with Reader() as reader:
        for entry in found:
            with pytest.raises(PhotoError) as told:
                load(reader.read(entry.path, entry.member))
            assert "root:" not in str(told.value)


def test_an_index_whose_bytes_say_other_things(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((1, 300, 8)).astype(np.float16)
    notes = build(rows, tmp_path / "n")
    path = tmp_path / "n" / "00.faiss"
    content = path.read_bytes()
    refused = 0
    for at in [*range(0, 400, 7), *range(len(content) - 3_000, len(content) - 8, 211)]:
        for value in (2**40, 2**63 - 1, 2**31, 7 * 2**32 + 3):
            path.write_bytes(content[:at] + struct.pack("<Q", value) + content[at + 8 :])
            made = {**notes["attributes"][0], "sha256": files.digest(path)}
            try:
                index = Approximate(rows, tmp_path / "n", {**notes, "attributes": [made]})
                found, near = index.search(0, np.ones(8, np.float32), 5)
            except GalleryError:
                refused += 1
            else:
                assert len(found) == len(near) == 5
                assert 0 <= found.min() <= found.max() < 300
    assert refused > 30


@pytest.mark.parametrize("key", ["candidates", "probes", "bytes", "file"])
@pytest.mark.parametrize("value", [None, "x", -1, [], [[]], {"share": 0}, float("nan")])
def test_notes_on_an_index_that_are_none(key: str, value: object, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((1, 300, 8)).astype(np.float16)
    notes = build(rows, tmp_path / "n")
    made = {**notes["attributes"][0], key: value}
    with pytest.raises(GalleryError, match="damaged"):
        Approximate(rows, tmp_path / "n", {**notes, "attributes": [made]})
