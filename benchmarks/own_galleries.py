"""What benchmarks/own_catalogue.py reads of galleries, finished and not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from asen_core.gallery import Journal, manifest
from asen_core.gallery.rows import Row, Rows


def same(first: Path, second: Path) -> dict[str, bool]:
    """Which parts of two galleries are equal, to the bit."""
    sums = [manifest.read(path).sha256 for path in (first, second)]
    items = [rows(path) for path in (first, second)]
    rois = [np.array([row.rois for row in some]) for some in items]
    others = [[{k: v for k, v in vars(row).items() if k != "rois"} for row in some] for some in items]
    alike = {name: sums[0][name] == sums[1][name] for name in ("vectors", "codes", "background")}
    for name in ("prints.npz", "pairs.npz"):
        with np.load(first / name) as a, np.load(second / name) as b:
            alike[name] = all((a[k] == b[k]).all() for k in a.files if k != "made_of")
    pictures = [{p.name: p.read_bytes() for p in (path / "images").rglob("*.webp")} for path in (first, second)]
    return {
        "items": others[0] == others[1],
        "rois": bool((rois[0] == rois[1]).all()),
        "pictures": pictures[0] == pictures[1],
        **alike,
    }


def rows(gallery: Path) -> list[Row]:
    """The items of a finished gallery."""
    found = manifest.read(gallery)
    return list(Rows(gallery / found.file(manifest.ITEMS), found.attributes, found.count).rows())


def kept(gallery: Path) -> dict[str, str]:
    """Content -> digest of its vectors, of a journal that a killed run left."""
    folder = gallery / "journal"
    journal = Journal(folder, json.loads((folder / "header.json").read_text(encoding="utf-8")))
    vectors, _ = journal.arrays()
    return {row.key: hashlib.sha256(vectors[i].tobytes()).hexdigest() for i, row in enumerate(journal.rows())}


def digests(gallery: Path) -> dict[str, str]:
    """The same of a finished gallery."""
    vectors = np.load(gallery / manifest.read(gallery).file(manifest.VECTORS), mmap_mode="r")
    return {row.key: hashlib.sha256(vectors[:, i].tobytes()).hexdigest() for i, row in enumerate(rows(gallery))}
