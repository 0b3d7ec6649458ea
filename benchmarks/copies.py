"""Whether a photo is found again after it was altered, and whether what was done to it is said.

python benchmarks/copies.py --data DIR [--photos 200] [--others 1000] [--split test] [--keep FOLDER] [--again]

DIR holds products, street_outfits, clothing_photos and clothing_attributes, each with labels.csv (columns image and split) and
images. Photos of the split are altered in ten ways; each altered one is a query among the originals and other photos, in order
of overall likeness, of hash distance, and of both. Prints JSON, keeps it in benchmarks/copies.json and writes the table
between the markers of README.md (<!-- copies: search -->). --keep: where vectors lie, so that a stopped run goes on; --again:
write the table of the last measurement again. With another split than test it writes nothing.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from asen_core.images import load, plain_background  # noqa: E402
from asen_core.review import prints  # noqa: E402
from asen_core.review.origins import joined, nearest  # noqa: E402
from asen_core.types import Garment  # noqa: E402
from benchmarks import markers, tables  # noqa: E402
from benchmarks.alterations import ALTERATIONS, altered  # noqa: E402

FOUND, PAGE = ROOT / "benchmarks" / "copies.json", ROOT / "README.md"
FOLDERS = ("products", "street_outfits", "clothing_photos", "clothing_attributes")
WAYS = ("overall", "hash", "joined")
_BATCH = 40


def main() -> None:
    asked = _arguments()
    if not asked.again:
        with tempfile.TemporaryDirectory() as scratch:
            found = measured(asked.data, asked.keep or Path(scratch), asked.split, asked.photos, asked.others)
        text = json.dumps(found, indent=1)
        print(text)
        if asked.split != "test":
            return
        markers.write(FOUND, text + "\n")
    markers.fill(PAGE, {"search": searches(json.loads(FOUND.read_text(encoding="utf-8")))}, "copies")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--photos", type=int, default=200, help="how many are altered")
    parser.add_argument("--others", type=int, default=1000, help="photos among which they are searched")
    parser.add_argument("--split", default="test")
    parser.add_argument("--keep", type=Path, help="folder for vectors")
    parser.add_argument("--again", action="store_true", help="write the tables again, measure nothing")
    return parser.parse_args()


def chosen(data: Path, split: str, photos: int, others: int, seed: int = 0) -> tuple[list[Path], list[Path]]:
    """Photos to be altered, whose backdrop is plain enough to be replaced, and others; none twice, at random."""
    paths = []
    for folder in FOLDERS:
        with (data / folder / "labels.csv").open(encoding="utf-8", newline="") as file:
            rows = [r for r in csv.DictReader(file) if r["split"] == split]
        paths += [data / folder / r["image"] for r in rows if r.get("masterCategory", "Apparel") == "Apparel"]
    order = np.random.default_rng(seed).permutation(len(paths))
    plain: list[Path] = []
    for i in order:
        if len(plain) < photos and plain_background(load(paths[i]).pixels) is not None:
            plain.append(paths[i])
    rest = [paths[i] for i in order if paths[i] not in set(plain)][:others]
    if len(plain) < photos or len(rest) < others:
        there = f"there are {len(plain)} and {len(rest)}"
        raise SystemExit(f"{photos} photos with a plain backdrop and {others} others are needed, {there}; ask for fewer.")
    return plain, rest


def measured(data: Path, keep: Path, split: str, photos: int, others: int) -> dict[str, Any]:
    """How often the original comes first, per alteration and way."""
    from asen_core.engine import Engine

    engine = Engine.open()
    plain, rest = chosen(data, split, photos, others)
    keep.mkdir(parents=True, exist_ok=True)
    gallery, base = _seen(engine, [*plain, *rest], None, keep / f"{split}-gallery")
    found, began = {}, time.perf_counter()
    for name in ALTERATIONS:
        vectors, own = _seen(engine, plain, name, keep / f"{split}-{name}")
        ranks = _ranks(gallery, base, vectors, own)
        found[name] = {way: float((ranks[way] == 0).mean()) for way in WAYS}
        print(name, found[name], flush=True)
    return {
        "split": split, "photos": photos, "gallery": photos + others, "searches": photos * len(found),
        "checkpoint": engine.fingerprint, "alterations": found,
        "all": {way: float(np.mean([f[way] for f in found.values()])) for way in WAYS},
        "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def _ranks(
    gallery: np.ndarray, base: prints.Prints, vectors: np.ndarray, queries: Sequence[prints.Print]
) -> dict[str, np.ndarray]:
    """Per way (Q,) int: how many of the gallery stand before query i's original, which is the gallery's i."""
    places: dict[str, list[int]] = {way: [] for way in WAYS}
    for i, own in enumerate(queries):
        likeness = np.einsum("nad,ad->n", gallery, vectors[i], dtype=np.float32) / gallery.shape[1]
        distance = base.distances(own)
        orders = {
            "overall": np.argsort(-likeness, kind="stable"),
            "hash": np.argsort(nearest(distance), kind="stable"),
            "joined": joined(likeness, distance),
        }
        for way, order in orders.items():
            places[way].append(int(np.flatnonzero(order == i)[0]))
    return {way: np.array(p) for way, p in places.items()}


def _seen(engine: Any, paths: Sequence[Path], way: str | None, stem: Path) -> tuple[np.ndarray, Any]:
    """Vectors (N, A, D) float32 and prints of photos, altered in a way or not; kept in parts."""
    vectors = []
    for start in range(0, len(paths), _BATCH):
        part = stem.with_name(f"{stem.name}-{start:05d}.npy")
        if not part.exists():
            garments = (_opened(p, way, start + i) for i, p in enumerate(paths[start : start + _BATCH]))
            made = engine.embed(garments, batch_size=20)
            with (scratch := part.with_suffix(".part")).open("wb") as file:
                np.save(file, made)
            scratch.replace(part)
        vectors.append(np.load(part))
    garments = (_opened(p, way, i) for i, p in enumerate(paths))
    hashed = prints.prints(garments) if way is None else [prints.printed(g) for g in garments]
    return np.concatenate(vectors), hashed


def _opened(path: Path, way: str | None, number: int) -> Garment:
    garment = load(path)
    return garment if way is None else Garment(altered(way, garment.pixels, number), garment.id)


def searches(found: Mapping[str, Any]) -> str:
    """How often the original comes first, as Markdown, in percent."""
    heads = ("what was done to the photo", "by overall likeness", "by hash", "by both")
    rows = [(ALTERATIONS[n].words, *(tables.percent(f[w]) for w in WAYS)) for n, f in found["alterations"].items()]
    rows.append(("**all**", *(f"**{tables.percent(found['all'][w])}**" for w in WAYS)))
    note = (
        f"{found['photos']} photos, each altered in {len(found['alterations'])} ways: in how many of the "
        f"{found['searches']:,} searches among {found['gallery']:,} photos the original comes first, in percent."
    )
    return f"{tables.table(heads, rows)}\n\n{note}"


if __name__ == "__main__":
    main()
