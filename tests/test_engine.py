import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import CONFIG, VOCABULARY, photo, tiny_checkpoint, tiny_model

from asen_core import checkpoint
from asen_core.engine import Engine
from asen_core.errors import CheckpointError, GalleryError, PhotoError, QueryError
from asen_core.gallery import GalleryWriter
from asen_core.types import Box, View


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    directory = tmp_path_factory.mktemp("engine")
    engine = Engine.open(tiny_checkpoint(directory / "checkpoint"), directory / "gallery", device="cpu")
    photos = [photo(seed=i) for i in range(8)]
    with GalleryWriter(
        directory / "gallery", tuple(VOCABULARY), engine.dim, engine.config.global_dim, engine.fingerprint
    ) as writer:
        for i, (pixels, views) in enumerate(zip(photos, engine.views(photos), strict=True)):
            vectors = np.stack([views[a].embedding for a in VOCABULARY])
            h, w = pixels.shape[:2]
            rois = {a: views[a].roi.scaled(1 / w, 1 / h) for a in VOCABULARY}
            writer.add(f"item{i}", pixels, {"category": "shirt" if i % 2 else "dress"}, vectors, rois)
    return engine


def _ways(path: Path) -> dict[str, object]:
    image = Image.open(path)
    return {"path": path, "string": str(path), "bytes": path.read_bytes(), "image": image, "array": np.asarray(image)}


def test_every_way_to_give_a_photo_gives_the_same_views(engine: Engine, tmp_path: Path) -> None:
    Image.fromarray(photo()).save(tmp_path / "p.png")
    looked = {name: engine.look(way) for name, way in _ways(tmp_path / "p.png").items()}
    for views in looked.values():
        assert tuple(views) == tuple(VOCABULARY)
        for name, view in views.items():
            np.testing.assert_array_equal(view.embedding, looked["path"][name].embedding)
            assert view.roi == looked["path"][name].roi


def test_views_are_what_they_promise(engine: Engine) -> None:
    for shape in ((90, 60), (60, 90), (5, 5), (5, 300), (700, 40)):
        for name, view in engine.look(photo(*shape)).items():
            assert view.embedding.shape == (32,)
            assert Box(0, 0, shape[1], shape[0]).intersection(view.roi) == view.roi
            assert [r.value for r in view.readings] != []
            assert sum(r.probability for r in view.readings) == pytest.approx(1, abs=1e-5)
            assert {r.value for r in view.readings} == set(VOCABULARY[name])


def test_embed_is_look_for_many_and_reads_lazily(engine: Engine) -> None:
    asked: list[int] = []

    def photos() -> Iterator[np.ndarray]:
        for i in range(5):
            asked.append(i)
            yield photo(seed=i)

    rows = engine.views(photos(), batch_size=2)
    next(rows)
    assert asked == [0, 1, 2, 3], "the next batch is read while one is looked at, and no more"
    vectors = engine.embed((photo(seed=i) for i in range(5)), ["sleeve"], batch_size=2)
    assert (vectors.shape, vectors.dtype) == ((5, 1, 32), np.float32)
    for i in range(5):
        np.testing.assert_allclose(vectors[i, 0], engine.look(photo(seed=i))["sleeve"].embedding, atol=1e-5)
    assert engine.embed([], ["sleeve"]).shape == (0, 1, 32)
    assert engine.embed([photo()], []).shape == (1, 0, 32)
    assert engine.embed(np.stack([photo(), photo()])).shape == (2, 2, 32)


def test_a_photo_finds_itself_first(engine: Engine) -> None:
    for i in range(8):
        matches = engine.search(photo(seed=i), "neckline", k=3)
        assert matches[0].item.id == f"item{i}"
        assert matches[0].similarity == pytest.approx(1, abs=2e-3)
        assert matches.searched == 8


def test_filter_and_least(engine: Engine) -> None:
    hits = engine.search(photo(seed=0), "neckline", k=8, where={"category": "shirt"})
    assert (len(hits), hits.searched) == (4, 4)
    assert all(h.item.labels["category"] == "shirt" for h in hits)
    assert len(engine.search(photo(seed=99), "neckline", least=1.01)) == 0


@pytest.mark.parametrize("beta", [0.0, 0.3, 0.6, 1.0])
def test_beta_weighs_the_branches(engine: Engine, beta: float) -> None:
    view = engine.look(photo(seed=3))["sleeve"]
    hit = engine.search(view, "sleeve", k=8, beta=beta)[5]
    other = engine.gallery.vectors(hit.item.id)[1]
    g, l = (float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) for a, b in _halves(view, other))
    assert hit.similarity == pytest.approx(beta * g + (1 - beta) * l, abs=2e-3)


def _halves(view: View, other: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    s = view.split
    return [(view.embedding[:s], other[:s]), (view.embedding[s:], other[s:])]


def test_own_box_changes_its_attribute_and_is_shown_as_drawn(engine: Engine) -> None:
    own = engine.look(photo())
    given = engine.look(photo(), boxes={"neckline": Box(10, 10, 30, 20)})
    assert given["neckline"].roi == Box(10, 10, 30, 20)
    assert not np.allclose(own["neckline"].embedding, given["neckline"].embedding)
    np.testing.assert_allclose(own["sleeve"].embedding, given["sleeve"].embedding, atol=1e-6)


def test_alike_compares_each_attribute(engine: Engine) -> None:
    views = engine.look(photo(seed=2))
    assert engine.alike(views, engine.gallery.item("item2")) == pytest.approx({"neckline": 1, "sleeve": 1}, abs=2e-3)


@pytest.mark.parametrize(
    ("ask", "error", "says"),
    [
        (lambda e: e.look(photo(), ["hat"]), QueryError, "Unknown attribute 'hat'.*neckline, sleeve"),
        (lambda e: e.look(b"no photo"), PhotoError, "photo"),
        (lambda e: e.look(photo(), boxes={"hat": Box(0, 0, 1, 1)}), QueryError, "Unknown attribute"),
        (lambda e: e.look(photo(), boxes={"sleeve": Box(500, 500, 600, 600)}), QueryError, "outside the photo"),
        (lambda e: e.search(e.look(photo())["sleeve"], "neckline"), QueryError, "view is of 'sleeve'"),
        (lambda e: e.search(photo(), "hat"), QueryError, "Unknown attribute"),
        (lambda e: e.look(photo(), "neckline"), QueryError, "must be a list of names"),
        (lambda e: e.look(photo(), boxes={"sleeve": (0, 0, 9, 9)}), QueryError, "must be a Box"),
        (lambda e: e.embed("shirt.jpg"), PhotoError, "into a list"),
        (lambda e: e.embed(photo()), PhotoError, "into a list"),
        (lambda e: e.embed(Image.fromarray(photo())), PhotoError, "into a list"),
        (lambda e: list(e.views([photo()], batch_size=0)), ValueError, "at least 1"),
    ],
)
def test_bad_questions(engine: Engine, ask: Callable[[Engine], object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        ask(engine)


def test_another_models_gallery_is_refused(engine: Engine, tmp_path: Path) -> None:
    other = Engine.open(tiny_checkpoint(tmp_path / "other", seed=5), engine._gallery_place, device="cpu")
    with pytest.raises(GalleryError, match="index"):
        other.search(photo(), "neckline")


def test_missing_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        Engine.open(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["banana", "cuda:99"])
def test_unusable_device(tmp_path: Path, name: str) -> None:
    with pytest.raises(QueryError, match=f"device '{name}' can't be used here.*give auto, cpu or cuda"):
        Engine.open(tiny_checkpoint(tmp_path / "c"), device=name)


@pytest.mark.parametrize("geometry", ["released", "letterbox"])
def test_the_reference_runs_in_full_float32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, geometry: str) -> None:
    """A rounding in the attention moves a region now and then, which shows in the embedding."""
    config = replace(CONFIG, geometry=geometry, roi_margin=0.0, roi_min_size=0.0)
    checkpoint.save(tmp_path / "c", tiny_model(config=config), {}, {})
    engine = Engine.open(tmp_path / "c", device="cpu", runtime="torch")
    seen: list[bool] = []
    model = engine.checkpoint.model
    whole = model.forward
    monkeypatch.setattr(model, "forward", lambda *given: (seen.append(torch.backends.cudnn.allow_tf32), whole(*given))[1])
    before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.enabled
    engine.look(photo())
    assert seen == [False]
    assert before[0], "else this shows nothing"
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cudnn.enabled) == before


def test_threads_get_their_own_answers(engine: Engine) -> None:
    expected = [engine.look(photo(seed=i))["sleeve"].embedding for i in range(6)]
    got: dict[int, np.ndarray] = {}

    def ask(i: int) -> None:
        got[i] = engine.look(photo(seed=i))["sleeve"].embedding

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for i in range(6):
        np.testing.assert_allclose(got[i], expected[i], atol=1e-6)
