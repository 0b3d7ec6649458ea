"""What benchmarks/fidelity.py calls the same: cosines, regions and MAP, by hand; and that a changed model is found out."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import photo, tiny_checkpoint

from asen_core.data.labels import Photo, is_query
from asen_core.engine import Engine
from benchmarks import fidelity
from benchmarks.fidelity import QUICK, REFERENCE, Seen


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1.0),
        ((0, 0, 2, 2), (1, 0, 3, 2), 1 / 3),
        ((0, 0, 1, 1), (1, 1, 2, 2), 0.0),
        ((0, 0, 4, 4), (1, 1, 3, 3), 0.25),
    ],
)
def test_overlap_by_hand(one: tuple[int, ...], other: tuple[int, ...], share: float) -> None:
    assert fidelity.overlap(np.array(one, np.float32), np.array(other, np.float32)) == pytest.approx(share)


def made(count: int = 40) -> tuple[list[Photo], Seen]:
    """Photos of two values, whose vectors lie on two sides."""
    rng = np.random.default_rng(0)
    photos = [Photo(f"p{i}.jpg", Path(f"p{i}.jpg"), {"neckline": ("round", "v")[i % 2]}) for i in range(count)]
    vectors = rng.normal(0, 0.3, (count, 2, 4)).astype(np.float32)
    vectors[:, :, 0] += np.where(np.arange(count) % 2, 1, -1)[:, None]
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    boxes = np.tile(np.array([0.1, 0.1, 0.5, 0.5], np.float32), (count, 2, 1))
    assert 0 < sum(is_query(p.key) for p in photos) < count
    return photos, Seen(vectors, boxes)


def test_the_same_is_the_same() -> None:
    photos, seen = made()
    found = fidelity.compared(("neckline", "sleeve"), photos, seen, seen)
    assert found["all"]["cosine"] == {"least": 1.0, "mean": 1.0}
    assert found["all"]["iou"] == {"least": 1.0, "mean": 1.0}
    maps = found["attributes"]["neckline"]["map"]
    assert maps[REFERENCE] == maps[QUICK] == maps["mixed"] > 50
    assert found["attributes"]["sleeve"]["map"] is None, "nobody labelled it"
    assert all(v["holds"] for v in fidelity.judged(found))


def test_another_model_is_found_out() -> None:
    photos, seen = made()
    turned = Seen(seen.vectors[:, :, ::-1], seen.boxes + np.array([0, 0, 0.1, 0], np.float32))
    found = fidelity.compared(("neckline", "sleeve"), photos, seen, turned)
    assert found["all"]["cosine"]["least"] < 0.9
    assert found["all"]["under"] > 70
    assert found["all"]["iou"]["least"] == pytest.approx(0.8)
    held = [v["holds"] for v in fidelity.judged(found)]
    assert held == [False, True, False], "its own space is as good, but it is another one"


def test_engines_see_each_photo_alike(tmp_path: Path) -> None:
    engine = Engine.open(tiny_checkpoint(tmp_path / "model"), device="cpu", runtime="torch")
    photos = []
    for i in range(3):
        Image.fromarray(photo(90 + i, 60, seed=i)).save(tmp_path / f"{i}.png")
        photos.append(Photo(f"{i}.png", tmp_path / f"{i}.png", {}))
    slow, fast = fidelity.looked((engine, engine), photos)
    assert slow.vectors.shape == (3, 2, engine.dim)
    np.testing.assert_array_equal(slow.vectors, fast.vectors)
    assert ((slow.boxes >= 0) & (slow.boxes <= 1)).all()
    told = fidelity.decoded(engine, photos[:1], [4000])
    assert told["4000"]["cosine"]["least"] == 1.0, "nothing is decoded smaller than it is"


def test_enlarged_photos_are_as_large_as_cameras_make_them() -> None:
    assert Image.open(io.BytesIO(fidelity.enlarged(photo(90, 60)))).size == (round(60 * 3200 / 90), 3200)


def test_the_table_by_hand() -> None:
    photos, seen = made()
    found = fidelity.compared(("neckline", "sleeve"), photos, seen, seen)
    made_with = {"processor": "Some CPU", "cores": 2, "commit": "abc", "load": 0.5}
    decoding = {"photos": 5, "longest": 3200, "to": {"448": {**found["all"], "under": 3}}}
    runtimes = {REFERENCE: "torch", QUICK: "openvino"}
    whole = {**found, "decoding": decoding, "runtimes": runtimes, "photos": 40, "split": "valid", "made_with": made_with}
    lines = fidelity.markdown({**whole, "verdicts": fidelity.judged(found)}).splitlines()
    figure = f"{found['all']['map'][REFERENCE]:.2f}"
    assert lines[2] == f"| neckline | 1.000000 | 1.000000 | 1.0000 (1.000) | {figure} | {figure} | {figure} |"
    assert lines[3] == "| sleeve | 1.000000 | 1.000000 | 1.0000 (1.000) | – | – | – |"
    assert "| 448 px | 1.000000 | 1.000000 | 1.0000 (1.000) | 3 |" in lines
