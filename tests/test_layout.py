"""Drawn garments in FashionAI's layout: the authors' files, their proportions, and "Invisible" where nothing can be seen."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asen_core.data.labels import read_regions
from asen_core.data.layout import Sizes, laying, write_layout
from asen_core.data.layout.framing import SEEN, UNSEEN, window
from asen_core.data.layout.garments import SIZE, drawn, order
from asen_core.data.layout.shares import CANDIDATES, QUERIES, apportioned
from asen_core.data.official import read_candidates, read_queries, read_train, require_disjoint, require_photos
from asen_core.data.vocabulary import FASHIONAI, REGION_OF
from asen_core.errors import DataError

SMALL = Sizes(train=60, valid=10, test=30)


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("laid")
    assert sum(write_layout(out, "FashionAI", SMALL, seed=5, workers=2)) == 100
    return out


def test_the_official_counts_come_back_at_the_official_size() -> None:
    assert {a: len(v) for a, v in QUERIES.items()} == {a: len(v) for a, v in FASHIONAI.items()}
    for table, total in ((QUERIES, 3600), (CANDIDATES, 14400)):
        counts = Counter(apportioned(table, total))
        assert [counts[a, v] for a, row in enumerate(table.values()) for v in range(len(row))] == [
            n for row in table.values() for n in row
        ]


@pytest.mark.parametrize("total", [0, 1, 53, 1200, 4800])
def test_smaller_sets_keep_the_proportions(total: int) -> None:
    given = apportioned(CANDIDATES, total)
    assert len(given) == total
    counts = Counter(given)
    for a, row in enumerate(CANDIDATES.values()):
        for v, n in enumerate(row):
            assert abs(counts[a, v] - n * total / 14400) < 1


def test_the_lists_read_as_the_authors_do(laid: Path) -> None:
    train = read_train(laid, "FashionAI")
    assert len(train.rows) == len(train.images) == 60
    for split, sizes in (("valid", (2, 8)), ("test", (6, 24))):
        lists = read_queries(laid, "FashionAI", split), read_candidates(laid, "FashionAI", split)
        assert tuple(len(x.rows) for x in lists) == sizes
        require_disjoint(*lists)
        require_photos(*lists)
        assert all(len(set(x.rows[:, 0])) == len(x.rows) for x in lists)
    require_photos(train)
    for row in train.rows[:10].tolist():
        assert train.images[row[0]].startswith(f"train/Images/{list(FASHIONAI)[row[1]]}_labels/")
    with Image.open(train.path(0)) as photo:
        assert photo.size == SIZE
    names = [name for split in ("train", "valid", "test") for name in (laid / "FashionAI" / f"filenames_{split}.txt").open()]
    assert len(set(names)) == 100


def test_invisible_photos_have_no_region_and_others_have_theirs(laid: Path) -> None:
    regions = read_regions(laid / "FashionAI" / "regions.csv")
    train = read_train(laid, "FashionAI")
    attributes = list(FASHIONAI)
    kinds = set()
    for image, a, v in train.rows.tolist():
        shows = REGION_OF[attributes[a]] in regions.get(train.images[image], {})
        assert shows == (v > 0), (train.images[image], v)
        kinds.add(v > 0)
    assert kinds == {True, False}


def test_any_number_of_workers_and_any_stop_give_the_same(laid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laying, "_CHUNK", 10)
    steps = write_layout(tmp_path, "FashionAI", SMALL, seed=5, workers=1)
    assert next(steps) == 0
    assert next(steps) == 10
    steps.close()
    assert not (tmp_path / "FashionAI" / "regions.csv").exists()
    kept, *more = sorted((tmp_path / "FashionAI" / ".drawn").glob("*.json"))
    assert len(more) < 9  # closing it stops the others
    photo = tmp_path / "FashionAI" / next(iter(json.loads(kept.read_text())["shown"]))
    born = photo.stat().st_mtime_ns
    resumed = list(write_layout(tmp_path, "FashionAI", SMALL, seed=5, workers=2))
    assert 10 <= resumed[0] < 100
    assert photo.stat().st_mtime_ns == born
    files = sorted(p.relative_to(laid) for p in laid.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert all((laid / f).read_bytes() == (tmp_path / f).read_bytes() for f in files)


def test_another_set_is_not_overwritten(laid: Path, tmp_path: Path) -> None:
    assert sum(write_layout(laid, "FashionAI", SMALL, seed=5)) == 100
    with pytest.raises(DataError, match="another seed"):
        next(write_layout(laid, "FashionAI", SMALL, seed=6))
    (tmp_path / "FashionAI").mkdir()
    shutil.copy(laid / "meta.json", tmp_path / "FashionAI" / "mine.json")
    with pytest.raises(DataError, match="not empty"):
        next(write_layout(tmp_path, "FashionAI", SMALL, seed=5))
    with pytest.raises(DataError, match="at least 5"):
        Sizes(4, 10, 10)


@pytest.mark.parametrize(("a", "attribute"), list(enumerate(FASHIONAI)))
def test_every_value_can_be_drawn(a: int, attribute: str) -> None:
    for v, value in enumerate(FASHIONAI[attribute]):
        pixels, regions = drawn(order("test", a, v, (1, 2, 10 * a + v)))
        assert pixels.shape == (SIZE[1], SIZE[0], 3)
        assert (REGION_OF[attribute] in regions) == (value != "Invisible")


def test_windows_show_or_hide() -> None:
    garment, region = np.zeros((120, 90), bool), np.zeros((120, 90), bool)
    garment[10:110, 20:70] = True
    region[10:20, 30:60] = True
    sizes: dict[bool, list[int]] = {True: [], False: []}
    for seed in range(60):
        for visible in (True, False):
            found = window(region, garment, visible, 0.35, np.random.default_rng(seed))
            assert found is not None
            share = found.of(region).sum() / region.sum()
            assert share >= SEEN if visible else share <= UNSEEN
            assert found.of(garment).sum() >= 0.35 * garment.sum()
            sizes[visible].append(found.x1 - found.x0)
    assert min(sizes[True]) < max(sizes[False])  # a crop alone doesn't tell
    assert window(garment, garment, False, 0.35, np.random.default_rng(0)) is None


def test_processes_that_draw_end_with_the_one_that_was_killed(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from asen_core.data.layout import Sizes, write_layout\n"
        f"for step in write_layout(Path({str(tmp_path)!r}), 'DARN', Sizes(900, 50, 50), 1, 1): print(step, flush=True)\n"
    )
    started = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert [started.stdout.readline().strip() for _ in range(2)] == ["0", "50"]
    started.kill()
    # Those that draw hold the other end of this pipe too: it ends when the last of them has gone.
    started.communicate(timeout=30)
    assert not (tmp_path / "DARN" / "regions.csv").exists()
