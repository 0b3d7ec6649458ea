"""Photos that are the same, or look the same: reported, folded into one item, and taken apart again."""

import shutil
from pathlib import Path

import numpy as np
from fake_engine import FakeEngine
from PIL import Image
from test_indexing import counts, folder, held, ids, run

from asen_core.gallery import Gallery
from asen_core.gallery.assembly import stored
from asen_core.indexing.look import header


def test_copies_are_folded(tmp_path):
    photos = folder(tmp_path / "p", b=10, z=30)
    for name in ("a.png", "c/d.png"):
        (photos / name).parent.mkdir(exist_ok=True)
        shutil.copy(photos / "b.png", photos / name)
    labels = "image,brand,size\na.png,,40\nb.png,Ada,41\nc/d.png,Bo,\n"
    report = run(tmp_path, labels, fold=True)
    assert (report.items, report.folded, report.copies) == (2, 2, (("a.png", "b.png", "c/d.png"),))
    assert held(tmp_path / "g")["a.png"][1] == {"brand": "Ada", "size": "40"}
    (row, _) = stored(tmp_path / "g", header(FakeEngine()))
    assert row.copies == ("b.png", "c/d.png")
    generation = Gallery.open(tmp_path / "g").manifest.generation
    assert counts(run(tmp_path, labels, fold=True)) == {"kept": 4, "folded": 2}
    assert Gallery.open(tmp_path / "g").manifest.generation == generation
    (photos / "a.png").unlink()
    assert counts(run(tmp_path, fold=True)) == {"kept": 3, "removed": 1, "folded": 1}
    assert ids(tmp_path / "g") == ["b.png", "z.png"]
    assert counts(run(tmp_path)) == {"kept": 3}


def textured(path: Path, seed: int, **saved) -> Path:
    """A picture with something on it: a painted one is of one tone, which has no print."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = np.random.default_rng(seed).integers(0, 256, (12, 9, 3), np.uint8)
    Image.fromarray(cells).resize((270, 360), Image.Resampling.BICUBIC).save(path, **saved)
    return path


def test_near_duplicates_are_reported_and_folded(tmp_path):
    for seed in range(4):
        textured(tmp_path / "p" / f"{seed}.png", seed)
    textured(tmp_path / "p" / "again.jpg", 2, quality=60)
    shutil.copy(tmp_path / "p" / "2.png", tmp_path / "p" / "z.png")
    report = run(tmp_path)
    assert (report.items, report.near, report.copies) == (6, (("2.png", "again.jpg"),), (("2.png", "z.png"),))
    report = run(tmp_path, fold=True)
    assert (report.items, report.folded, report.looked) == (4, 2, 0)
    copies = {row.id: row.copies for row in stored(tmp_path / "g", header(FakeEngine()))}
    assert copies == {"0.png": (), "1.png": (), "2.png": ("again.jpg", "z.png"), "3.png": ()}
    assert counts(run(tmp_path, fold=True)) == {"kept": 6, "folded": 2}
    # Renamed so that the photo that was folded comes first: the one that was looked at still is the item.
    (tmp_path / "p" / "2.png").unlink()
    report = run(tmp_path, fold=True)
    assert counts(report) == {"kept": 5, "removed": 1, "folded": 1}
    assert (ids(tmp_path / "g")[-1], report.near) == ("z.png", (("again.jpg", "z.png"),))
    # The one that it was folded into is gone: it has to be looked at now.
    (tmp_path / "p" / "z.png").unlink()
    assert counts(run(tmp_path, fold=True)) == {"kept": 4, "removed": 1, "looked": 1}
    assert ids(tmp_path / "g") == ["0.png", "1.png", "3.png", "again.jpg"]


def test_folded_photos_are_taken_apart_again(tmp_path):
    for name, seed in (("a", 1), ("b", 2)):
        textured(tmp_path / "p" / f"{name}.png", seed)
        textured(tmp_path / "p" / f"{name}2.jpg", seed, quality=60)
    run(tmp_path, fold=True)
    # The folded photos' own vectors were not kept, so they are looked at.
    assert counts(run(tmp_path)) == {"kept": 4, "looked": 2}
    assert ids(tmp_path / "g") == ["a.png", "a2.jpg", "b.png", "b2.jpg"]
    assert all("like" not in row.facts for row in stored(tmp_path / "g", header(FakeEngine())))
