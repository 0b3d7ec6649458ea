"""A tiny model with a gallery of four garments, and a page's galleries around them, for tests of the tab "Gallery"."""

import pytest
from PIL import Image
from tiny import photo, tiny_checkpoint

from asen_core.engine import Engine
from asen_core.gallery.writer import GalleryWriter
from asen_core.types import Garment
from asen_core.ui import galleries as known
from asen_core.ui.galleries import Galleries
from asen_core.ui.handlers import Visit
from asen_core.ui.scratch import Scratch
from asen_core.ui.studio import Studio


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """A tiny model, and a shared gallery of four garments."""
    root = tmp_path_factory.mktemp("tiny")
    made = Engine.open(tiny_checkpoint(root / "model"), root / "gallery", "cpu")
    filled(root / "gallery", made, 4)
    return made


def writer_of(folder, engine):
    return GalleryWriter(
        folder, tuple(engine.vocabulary), engine.dim, engine.config.global_dim, engine.fingerprint, {"from": "a test"}
    )


def filled(folder, engine, count, seeds=None):
    with writer_of(folder, engine) as writer:
        for i, seed in enumerate(seeds or range(count)):
            garment = Garment(photo(160, 120, seed), f"item-{i}", {"maker": "ab"[i % 2]})
            writer.add_views(garment.id, garment, engine.look(garment))
    return folder


@pytest.fixture
def own_machine(monkeypatch, tmp_path):
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    monkeypatch.setenv("ASEN_GALLERIES", str(tmp_path / "galleries"))


@pytest.fixture
def here(engine, tmp_path, own_machine):
    scratch = Scratch(tmp_path / "scratch")
    scratch.root.mkdir()
    published = []
    galleries = Galleries(Studio(engine, engine.look, scratch), True, published.append)
    galleries.published = published
    yield galleries
    galleries.close()


def uploads(tmp_path, count=5, seed=50):
    """Photos and a label file as they arrive."""
    folder = tmp_path / "uploads"
    sent = []
    for i in range(count):
        path = folder / f"h{i}" / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(seed=seed + i)).save(path)
        sent.append(path)
    table = folder / "t" / "labels.csv"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text("image,brand\n" + "".join(f"{i}.png,{'xy'[i % 2]}\n" for i in range(count)), encoding="utf-8")
    broken = folder / "b" / "broken.png"
    broken.parent.mkdir(exist_ok=True)
    broken.write_bytes(b"no photo")
    return folder, [*sent, table, broken]


def sent(galleries, tmp_path, visit=None, **more):
    folder, files = uploads(tmp_path, **more)
    after = known.photos_given(galleries, visit or Visit(), {"paths": [str(f) for f in files], "folder": str(folder)})
    after.own.wait(60)
    return after, files
