"""The per-attribute path of the release is what it says, the model it runs behaves, and ratios become the table as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from released_oracle import picture

from asen_core.engine import Engine
from benchmarks import paper_weights, paths
from benchmarks.pictures import batches, drawn, photos
from benchmarks.released_way import ReleasedWay

RATIO = {"median": 4.5, "least": 4.0, "most": 5.25, "rounds": 7}
FOUND = {
    "photos": "drawn garments, JPEG of 512 x 512", "count": 32, "batch": 16, "weights": "random",
    "attributes": {"released": 8, "torch": 8, "fast": 8, "compact": 9},
    "photos_per_second": {"released": 2.6, "torch": 11.7, "fast": 30.0, "compact": 101.2},
    "times_as_fast": {"torch": RATIO, "fast": {**RATIO, "median": 7.9}, "compact": {**RATIO, "median": 38.9}},
    "cosine": {"torch": {"least": 0.9999999, "mean": 1.0}, "fast": {"least": 0.99899, "mean": 0.99999}},
    "single": {"ms": dict.fromkeys(paths.WAYS, 12.34), "times_as_fast": {"torch": RATIO, "fast": RATIO, "compact": RATIO}},
    "made_with": {"processor": "Some CPU", "cores": 2, "commit": "abc", "torch": "2.15", "load": 0.5, "seed": 7},
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, found = tmp_path_factory.mktemp("photos"), []
    for number, size in enumerate([(300, 240), (240, 320), (256, 256)]):
        found.append(folder / f"{number}.png")
        Image.fromarray(picture(*size, seed=number)).save(found[-1])
    return found


@pytest.fixture(scope="module")
def paper(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paper_weights.write(tmp_path_factory.mktemp("weights") / "paper", files, seed=3)


def test_the_released_way_gives_the_engines_own_embeddings(files: list[Path], paper: Path) -> None:
    engine = Engine.open(paper, device="cpu", runtime="torch")
    way = ReleasedWay(engine.checkpoint.model)
    one_pass = engine.embed(files)
    slow = np.stack([way.embed_one(files, a, batch=2) for a in (0, 5)], 1)
    assert slow.shape == (3, 2, engine.dim)
    assert paths.cosines(slow, one_pass[:, [0, 5]])["least"] > 0.99999
    alone = way.embed_one(files[:1], 5, 1)
    assert paths.cosines(alone[:, None], slow[:1, 1:])["least"] > 0.99999
    attention = np.stack([v.attention for v in engine.look(files[0]).values()])
    assert len(np.unique(attention.reshape(8, -1).argmax(1))) > 1, "attributes look at places of their own"
    assert attention.max() > 3 * attention.mean()


def test_random_weights_come_from_the_seed_alone(files: list[Path]) -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = paper_weights.paper(files[:1], seed=3).attribute_vectors
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(paper_weights.paper(files[:1], seed=3).attribute_vectors, first)
    assert not torch.equal(paper_weights.paper(files[:1], seed=4).attribute_vectors, first)


def test_cosines_by_hand() -> None:
    slow = np.array([[[1.0, 0.0]], [[0.0, 2.0]]])
    fast = np.array([[[1.0, 0.0]], [[3.0, 4.0]]])
    assert paths.cosines(slow, fast) == {"least": 0.8, "mean": 0.9}


def test_what_was_asked_is_judged_by_medians_and_least_cosines() -> None:
    assert [v["holds"] for v in paths.judged(FOUND)] == [True, False, True, True, False]


def test_the_table_by_hand() -> None:
    lines = paths.markdown({**FOUND, "verdicts": paths.judged(FOUND)}).splitlines()
    assert lines[2].endswith(" pass per attribute (torch, float32) | 8 | 2.6 | 1 | – | 12.3 | 1 |")
    assert lines[4].split(" | ")[1:5] == ["8", "30.0", "7.90 (4.00–5.25)", "0.998990"]
    assert "| **no** |" in lines[10]


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, [1]), (2, [2]), (5, [2, 2, 1])])
def test_batches(count: int, expected: list[int]) -> None:
    assert [len(b) for b in batches([Path(str(i)) for i in range(count)], 2)] == expected


def test_photos_of_a_folder_or_drawn(files: list[Path], tmp_path: Path) -> None:
    assert set(photos(files[0].parent, 3, tmp_path, (8, 8), seed=0)) == set(files)
    with pytest.raises(SystemExit, match="holds 3 photos, 4 are needed"):
        photos(files[0].parent, 4, tmp_path, (8, 8), seed=0)
    first, second = drawn(2, tmp_path, (48, 64), seed=5)
    assert Image.open(first).size == (48, 64)
    bytes_ = first.read_bytes()
    assert bytes_ != second.read_bytes()
    assert drawn(1, tmp_path, (48, 64), seed=5)[0].read_bytes() == bytes_
