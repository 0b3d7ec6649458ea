"""Bytes flipped in every file of a model and of a gallery: is each one noticed, and is the file named?"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from asen_core import checkpoint
from asen_core.errors import AsenError
from asen_core.gallery import Entry, Gallery, Journal, Maps, assemble, manifest, maps
from asen_core.gallery.checking import check
from asen_core.gallery.manifest import JOURNAL
from asen_core.review import background, prints
from asen_core.types import Box
from benchmarks.fault_jobs import key_of, vectors_of

ITEMS, DIM, ATTRIBUTES = 60, 16, ("neckline", "sleeve")
NAMED, OTHER, SILENT = "named", "without its name", "silent"
Look = Callable[[Path], str]
"""What is told of a folder: all that went wrong in one text, "" where nothing did."""


def gallery(out: Path, seed: int) -> Path:
    """A gallery that has every kind of file: an index of cells, maps, pairs and prints, too."""
    header = {"attributes": list(ATTRIBUTES), "dim": DIM, "split": DIM // 2, "fingerprint": "0" * 16}
    journal, rng = Journal(out / JOURNAL, header), np.random.default_rng(seed)
    entries = []
    for i in range(ITEMS):
        pixels = rng.integers(0, 256, (40, 30, 3), np.uint8)
        box = Box(0.25, 0.25, 0.75, 0.75)
        journal.add(key_of(i), pixels, vectors_of(i, len(ATTRIBUTES), DIM), dict.fromkeys(ATTRIBUTES, box))
        entries.append(Entry(f"item-{i}", key_of(i), {"maker": "ab"[i % 2]}))
    assemble(out, entries, [journal], {"made of": "chance"}, exact_up_to=ITEMS // 2)
    opened = Gallery.open(out)
    points = {a: rng.random((ITEMS, 2), np.float32) for a in ATTRIBUTES}
    maps.write(out, opened.manifest, Maps(points, seed=seed))
    background.write(out / background.FILE, background.measured(opened))
    prints.of_gallery(opened)
    return out


def of_model(folder: Path) -> str:
    """What loading says."""
    try:
        checkpoint.load(folder)
    except AsenError as reason:
        return str(reason)
    return ""


def of_gallery(folder: Path) -> str:
    """What `check` says."""
    return " ".join(f"{folder / name} {what}" for name, what in check(folder).damaged.items())


def at_opening(folder: Path) -> str:
    """What opening a gallery and asking for what lies beside its vectors says."""
    try:
        opened = Gallery.open(folder)
        _ = opened.maps
        background.of_gallery(opened)
        prints.read(opened)
    except AsenError as reason:
        return str(reason)
    return ""


def flipped(folder: Path, look: Look, each: int, rng: random.Random) -> Iterator[tuple[str, str]]:
    """(file, what became of it) for `each` random bytes of every file, one at a time, put right again afterwards."""
    if said := look(folder):
        raise SystemExit(f"{folder} is damaged before anything was done to it: {said}")
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size):
        whole = path.read_bytes()
        for _ in range(each):
            changed = bytearray(whole)
            changed[rng.randrange(len(whole))] ^= rng.randrange(1, 256)
            path.write_bytes(changed)
            said = look(folder)
            name = path.relative_to(folder).as_posix()
            yield name, NAMED if name in said else OTHER if said else SILENT
        path.write_bytes(whole)


def tally(found: Iterator[tuple[str, str]], kind: Callable[[str], str]) -> dict[str, dict[str, int]]:
    """Kind of file -> what became of its flips -> how often."""
    counts: dict[str, dict[str, int]] = {}
    for name, outcome in found:
        row = counts.setdefault(kind(name), dict.fromkeys((NAMED, OTHER, SILENT), 0))
        row[outcome] += 1
    return counts


def kind_of(name: str) -> str:
    """A file of a gallery by what it is, without its generation or place."""
    if name.startswith(manifest.IMAGES):
        return "pictures"
    return manifest.NEIGHBOURS if name.startswith(manifest.NEIGHBOURS) else name.replace("-0001", "")


def measured(home: Path, model: Path, each: int, seed: int) -> dict[str, Any]:
    """All of it. model: a checkpoint, of which a copy is damaged."""
    rng = random.Random(seed)
    shutil.copytree(model, home / "flipped model")
    made = gallery(home / "flipped gallery", seed)
    return {
        "each": each,
        "model": tally(flipped(home / "flipped model", of_model, each, rng), str),
        "gallery": tally(flipped(made, of_gallery, each, rng), kind_of),
        "opening": tally(flipped(made, at_opening, each, rng), kind_of),
    }
