"""Reading from a real Milvus server at its limits: beside the scenarios that all stores share."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import typer
from conforming import NAMES, STRANGE, build, records

from asen_core.cli.push import push as push_verb
from asen_core.errors import GalleryError, QueryError
from asen_core.gallery import Gallery
from asen_core.gallery.milvus import about as milvus_about
from asen_core.gallery.milvus import counts as milvus_counts
from asen_core.gallery.milvus import open_store
from asen_core.gallery.milvus import reader as milvus_reader
from asen_core.gallery.milvus.address import Address
from asen_core.gallery.milvus.push import push
from asen_core.types import Range


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Gallery:
    return build(tmp_path_factory.mktemp("local") / "g", records(60))


@pytest.fixture(scope="module")
def shared(milvus, local):
    """The address of a gallery for tests that change no item."""
    address = milvus.address(f"asen_test_{uuid.uuid4().hex[:12]}")
    push(local.store, address)
    yield address
    milvus.drop(Address.parse(address).name)


def test_half_of_a_newer_record_does_not_count(shared) -> None:
    address = Address.parse(shared)
    store = open_store(shared)
    about = milvus_about.read(store._client, address)
    row = {"id": "9-0", "version": 9, "piece": 0, "pieces": 2, "digest": "x", "text": "{", "nothing": [0.0, 0.0]}
    store._client.insert(milvus_about.collection(address), [row])
    assert milvus_about.read(store._client, address).version == about.version
    long = replace(about, pictures="ü" * 200_000, version=10)
    milvus_about.write(store._client, address, long)
    assert milvus_about.read(store._client, address).pictures == long.pictures
    milvus_about.write(store._client, address, replace(about, version=11))
    assert len(Gallery.open(shared)) == 60


def test_counts_by_value_equal_those_of_fetched_labels(shared, local, monkeypatch) -> None:
    wheres = [{"category": "dress"}, {"colour": ["red", "navy"], "price": Range(3, 60)}, {"brand": STRANGE[1]}]
    for module in (milvus_counts, milvus_reader):
        monkeypatch.setattr(module, "WINDOW", 7)
    opened = Gallery.open(shared)
    for where in wheres:
        assert opened.facets(where) == local.facets(where)
    assert opened.store.count(wheres[1]) == local.store.count(wheres[1])


def test_more_hits_than_the_server_gives_at_once(shared, local, monkeypatch) -> None:
    query = local.store.vectors(np.array([4]))[0]
    expected = local.store.search(1, query[1], 60, {"category": ["dress", "coat"]})
    monkeypatch.setattr("asen_core.gallery.milvus.store.WINDOW", 10)
    monkeypatch.setattr(milvus_reader, "WINDOW", 10)
    found = open_store(shared).search(1, query[1], 60, {"category": ["dress", "coat"]})
    assert found[0].tolist() == expected[0].tolist()
    np.testing.assert_allclose(found[1], expected[1], atol=2e-6)


def test_what_the_graph_leaves_out_is_compared(shared, local, monkeypatch) -> None:
    """The server's graph may give fewer hits than it was asked for."""
    for name in ("nearest", "sifted"):
        monkeypatch.setattr(milvus_reader.Reader, name, _thinned(getattr(milvus_reader.Reader, name)))
    store, query = open_store(shared), local.store.vectors(np.array([4]))[0]
    for where in (None, {"category": "dress"}):
        for k in (5, 60):
            expected, found = (s.search(1, query[1], k, where) for s in (local.store, store))
            assert found[0].tolist() == expected[0].tolist()
            np.testing.assert_allclose(found[1], expected[1], atol=2e-6)
        weights = np.array([0.5, 0.5, 0], np.float32)
        expected, found = (s.mixed(query, weights, 60, where) for s in (local.store, store))
        np.testing.assert_allclose(found[1], expected[1], atol=2e-6)


def test_pictures_from_another_place(shared, local, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    address = shared
    push(local.store, address, pictures="/nowhere")
    opened = Gallery.open(address)
    item = opened.items[3]
    assert opened.picture(item) == Path("/nowhere") / item.image
    assert opened.directory.is_dir()
    opened = Gallery.open(f"{address}?pictures={local.directory}")
    assert opened.picture(item) == local.picture(item)
    assert opened.directory == local.directory
    served = ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: _Quiet(*a, directory=str(local.directory)))
    threading.Thread(target=served.serve_forever, daemon=True).start()
    try:
        opened = Gallery.open(f"{address}?pictures=http://127.0.0.1:{served.server_port}")
        path = opened.picture(item)
        assert path.read_bytes() == local.picture(item).read_bytes()
        assert path.is_relative_to(opened.pictures)
        assert path.is_relative_to(tmp_path / "cache")
        for image in ("images/00/" + "0" * 24 + ".webp", "../secret"):
            with pytest.raises(GalleryError, match=r"fetched|no file of a gallery"):
                opened.picture(replace(item, image=image))
    finally:
        served.shutdown()
        served.server_close()


def _thinned(whole):
    return lambda *asked: tuple(part[::3] for part in whole(*asked))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format, *args) -> None:
        pass


def test_the_verb_pushes_and_says_what_it_did(shared, local) -> None:
    from typer.testing import CliRunner

    app = typer.Typer()
    app.command()(push_verb)
    address, run = shared, CliRunner()
    done = run.invoke(app, [address, "--gallery", str(local.directory), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["items"], told["written"], told["removed"]) == (60, 0, 0)
    assert told["address"] == str(Address.parse(address))
    done = run.invoke(app, [address, "--gallery", str(local.directory)])
    assert "60 garments are at milvus://" in done.stdout
    assert "none had changed, 60 kept" in done.stdout
    assert isinstance(run.invoke(app, ["milvus://host", "--gallery", str(local.directory)]).exception, GalleryError)


def test_a_gallery_that_goes_away_is_an_error_that_says_so(shared, milvus) -> None:
    opened = Gallery.open(shared)
    milvus.drop(Address.parse(shared).name)
    with pytest.raises(GalleryError, match="can't be"):
        opened.search(NAMES[0], np.ones(16, np.float32), 5)
    with pytest.raises(QueryError, match="Unknown attribute"):
        opened.search("hem", np.ones(16, np.float32), 5)
