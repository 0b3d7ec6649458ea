"""Pushing to a real Milvus server: only what changed, after kills, and never over what belongs to others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conforming import build, records

from asen_core.errors import GalleryError
from asen_core.gallery import Gallery
from asen_core.gallery.milvus import open_store
from asen_core.gallery.milvus.address import Address
from asen_core.gallery.milvus.push import push

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def place(milvus):
    """Makes addresses nobody has; what stands there goes in the end."""
    prefix = f"asen_test_{uuid.uuid4().hex[:12]}"
    yield lambda name="gallery": milvus.address(f"{prefix}_{name}")
    milvus.drop(prefix)


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Gallery:
    return build(tmp_path_factory.mktemp("local") / "g", records(60))


def same(one: Gallery, other: Gallery) -> bool:
    found = {item.id: (dict(item.labels), dict(item.rois), item.image) for item in one.items}
    return found == {item.id: (dict(item.labels), dict(item.rois), item.image) for item in other.items} and all(
        np.array_equal(one.vectors(id), other.vectors(id)) for id in found
    )


def test_only_what_changed_is_pushed(place, local, tmp_path) -> None:
    told: list[tuple[str, int, int]] = []
    address = place()
    first = push(local.store, address, each=lambda *now: told.append(now))
    assert (first.items, first.written, first.kept, first.removed) == (60, 60, 0, 0)
    assert ("Pushing", 60, 60) in told
    assert first.rows > 0
    again = push(local.store, address)
    assert (again.written, again.kept, again.removed) == (0, 60, 0)
    opened = Gallery.open(address)
    assert same(opened, local)
    assert [i.id for i in opened.items] == [i.id for i in local.items]
    assert opened.directory == local.directory
    assert opened.manifest.sha256 == local.manifest.sha256
    assert opened.manifest.built["name"] == str(Address.parse(address))
    changed = [r for r in records(60) if r.id != records(60)[20].id]
    changed[0] = replace(changed[0], labels={"category": "hat"})
    newer = build(tmp_path / "newer", [*changed, *records(3, first=900)])
    update = push(newer.store, address)
    assert (update.items, update.written, update.kept, update.removed) == (62, 4, 58, 1)
    opened = Gallery.open(address)
    assert same(opened, newer)
    assert opened.manifest.sha256 != newer.manifest.sha256  # maps of the folder are in another order
    assert opened.directory != newer.directory
    assert opened.pictures == newer.pictures
    fewer = build(tmp_path / "fewer", records(7))
    assert push(fewer.store, address).items == 7
    assert same(Gallery.open(address), fewer)


KILLED = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from asen_core.gallery import Gallery
from asen_core.gallery.milvus import push as milvus_push
milvus_push.LARGEST_BATCH = 4
milvus_push.push(Gallery.open({folder!r}).store, {address!r}, each=lambda *now: print(*now, flush=True))
"""


@pytest.mark.parametrize("after", [pytest.param(1, marks=pytest.mark.slow), 6])
def test_a_killed_push_goes_on(place, local, after: int) -> None:
    address = place()
    code = KILLED.format(root=str(ROOT), tests=str(ROOT / "tests"), folder=str(local.directory), address=address)
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    for _ in range(after):
        assert run.stdout.readline().startswith("Pushing")
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run.stdout.close()
    with pytest.raises(GalleryError, match="no gallery at"):
        Gallery.open(address)
    done = push(local.store, address)
    assert done.kept >= 4 * after - 4
    assert done.kept + done.written == 60
    assert same(Gallery.open(address), local)


def test_rows_without_their_first_are_written_again(place, local) -> None:
    address = Address.parse(place())
    push(local.store, str(address))
    client = open_store(str(address))._client
    client.delete(address.name, ids=[0, 3])  # the first attribute of two items
    client.delete(address.name, ids=[7])  # and another attribute of a third
    with pytest.raises(GalleryError, match="holds 59 rows"):
        push(local.store, str(address))
    assert push(local.store, str(address), anew=True).written == 60
    assert same(Gallery.open(str(address)), local)


def test_galleries_of_another_checkpoint_stay(place, local, tmp_path, monkeypatch) -> None:
    address = place()
    push(local.store, address)
    monkeypatch.setattr("conforming.FINGERPRINT", "d" * 16)
    other = build(tmp_path / "other", records(5))
    with pytest.raises(GalleryError, match=r"another checkpoint.*--replace"):
        push(other.store, address)
    assert len(Gallery.open(address)) == 60
    with pytest.raises(GalleryError, match="built with checkpoint"):
        Gallery.open(address, fingerprint="d" * 16)
    push(other.store, address, anew=True)
    assert same(Gallery.open(address, fingerprint="d" * 16), other)


def test_collections_of_others_stay(place, milvus, local) -> None:
    from pymilvus import MilvusClient

    address = Address.parse(place("foreign"))
    client = MilvusClient(milvus.uri)
    client.create_collection(address.name, dimension=4)
    for anew in (False, True):
        with pytest.raises(GalleryError, match="something else"):
            push(local.store, str(address), anew=anew)
    with pytest.raises(GalleryError, match="no gallery at"):
        open_store(str(address))
    assert client.has_collection(address.name)
    client.close()


def test_a_server_out_of_reach_is_named_without_the_password(local) -> None:
    began = time.monotonic()
    for act in (lambda a: Gallery.open(a), lambda a: push(local.store, a)):
        with pytest.raises(GalleryError, match=r"milvus://127\.0\.0\.1:9/mine can't be reached") as raised:
            act("milvus://me:s3cret@127.0.0.1:9/mine")
        assert "s3cret" not in str(raised.value)
    assert time.monotonic() - began < 60
