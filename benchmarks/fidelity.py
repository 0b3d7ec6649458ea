"""Is the quick runtime the same model? Embeddings, regions and MAP on real labelled photos against the float32 reference.

python benchmarks/fidelity.py --data DIR [--split valid] [--limit N] [--checkpoint DIR] [--longest 448 1280] [--enlarged 200]
python benchmarks/fidelity.py --again

DIR holds the photos and label files that `train` reads. Every photo of the split is looked at by the torch reference and by the
app's own runtime: least and mean cosine of the embeddings per attribute, how far regions overlap (IoU), and MAP per attribute
by each alone, and with queries by the quick one among candidates by the reference, as when a gallery was built with another.
Then some of the photos, enlarged to the size that cameras make, are decoded smaller (`images.load(..., longest=...)`, which
spares the JPEG decoder most of its work) and held against decoding in full. With --limit only so many photos count and nothing
is written. Else it writes benchmarks/fidelity.json and the table of README.md.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from benchmarks import tables, timing  # noqa: E402

if TYPE_CHECKING:
    from asen_core.data.labels import Photo
    from asen_core.types import Garment

COSINE, POINTS, BATCH, LARGE = 0.999, 0.2, 16, 3200
Row = tuple[np.ndarray, np.ndarray]
"""One photo's vectors (A, D) and regions (A, 4)."""
REFERENCE, QUICK = "reference", "quick"


@dataclass(frozen=True, eq=False)
class Seen:
    """What one way saw on N photos: vectors (N, A, D) float32 and regions (N, A, 4) in fractions of the photo."""

    vectors: np.ndarray
    boxes: np.ndarray


def main() -> None:
    parser = timing.parser(__doc__)
    parser.add_argument("--data", type=Path, help="the folder of photos")
    parser.add_argument("--split", default="valid")
    parser.add_argument("--limit", type=int, help="look at so many photos only, write nothing")
    parser.add_argument("--checkpoint", type=Path, help="another than the shipped one; writes nothing")
    parser.add_argument("--longest", type=int, nargs="*", default=[448, 1280], help="sides that enlarged photos are decoded to")
    parser.add_argument("--enlarged", type=int, default=200, help="how many photos that is tried on")
    asked = parser.parse_args()
    if not asked.again and asked.data is None:
        raise SystemExit("Give --data, the folder of photos and label files, or --again.")
    asked.dry = asked.dry or asked.limit is not None or asked.checkpoint is not None
    timing.run(__file__, asked, measured, markdown)


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """The figures of the quick runtime, and of smaller decoding with it."""
    from asen_core.data.collection import collect
    from asen_core.evaluation.passes import require_files
    from benchmarks import engines

    reference, quick = engines.opened(engines.REFERENCE, asked.checkpoint), engines.opened("auto", asked.checkpoint)
    names = tuple(reference.vocabulary)
    photos = [p for p in collect(asked.data, asked.split) if any(a in names for a in p.labels)][: asked.limit]
    require_files([p.path for p in photos])
    slow, fast = looked((reference, quick), photos)
    found = compared(names, photos, slow, fast)
    some = [photos[i] for i in np.random.default_rng(asked.seed).permutation(len(photos))[: asked.enlarged]]
    return {
        "split": asked.split, "photos": len(photos), "checkpoint": reference.fingerprint,
        "runtimes": {REFERENCE: reference.runtime, QUICK: quick.runtime}, **found,
        "decoding": {"photos": len(some), "longest": LARGE, "to": decoded(quick, some, asked.longest)},
        "verdicts": judged(found),
    }  # fmt: skip


def looked(engines: Sequence[Any], photos: Sequence[Photo]) -> list[Seen]:
    """What each engine saw; all engines see a batch of photos before the next batch."""
    from asen_core.images import load

    found: list[list[Row]] = [[] for _ in engines]
    for start in range(0, len(photos), BATCH):
        garments = [load(p.path) for p in photos[start : start + BATCH]]
        for engine, rows in zip(engines, found, strict=True):
            rows += _batch(engine, garments)
        if sys.stderr.isatty():
            print(f"{start + len(garments):,} of {len(photos):,} photos", end="\r", file=sys.stderr, flush=True)
    return [_seen(rows) for rows in found]


def decoded(engine: Any, photos: Sequence[Photo], sides: Sequence[int]) -> dict[str, Any]:
    """Side -> cosines and overlap of regions of enlarged photos decoded to it, against the same decoded in full."""
    from asen_core.images import load

    ways: dict[int | None, list[Row]] = {side: [] for side in (None, *sides)}
    for photo in photos:
        data = enlarged(load(photo.path).pixels)
        for side, rows in ways.items():
            rows += _batch(engine, [load(data, longest=side)])
    full, told = _seen(ways.pop(None)), {}
    for side, rows in ways.items():
        small = _seen(rows)
        told[str(side)] = _spans(_cosines(full, small), overlap(full.boxes, small.boxes))
    return told


def enlarged(pixels: np.ndarray) -> bytes:
    """A JPEG with a longer side of `LARGE` pixels."""
    photo, data = Image.fromarray(pixels), io.BytesIO()
    scale = LARGE / max(photo.size)
    size = round(photo.width * scale), round(photo.height * scale)
    photo.resize(size, Image.Resampling.LANCZOS).save(data, "JPEG", quality=92)
    return data.getvalue()


def _batch(engine: Any, garments: Sequence[Garment]) -> Iterator[Row]:
    for garment, views in zip(garments, engine.views(garments, batch_size=BATCH), strict=True):
        boxes = [tuple(v.roi.scaled(1 / garment.width, 1 / garment.height)) for v in views.values()]
        yield np.stack([v.embedding for v in views.values()]).astype(np.float32), np.array(boxes, np.float32)


def _seen(rows: Sequence[Row]) -> Seen:
    return Seen(*(np.stack(part) for part in zip(*rows, strict=True)))


def _cosines(one: Seen, other: Seen) -> np.ndarray:
    """(N, A)."""
    return np.einsum("nad,nad->na", one.vectors, other.vectors, dtype=np.float64)


def compared(names: Sequence[str], photos: Sequence[Photo], slow: Seen, fast: Seen) -> dict[str, Any]:
    """Per attribute, and over all of them: cosines, overlap of regions, and MAP in percent by both ways."""
    cosines, overlaps = _cosines(slow, fast), overlap(slow.boxes, fast.boxes)
    attributes = {}
    for i, name in enumerate(names):
        maps = _maps(name, photos, slow.vectors[:, i], fast.vectors[:, i])
        attributes[name] = _spans(cosines[:, i], overlaps[:, i]) | {"map": maps}
    known = [row["map"] for row in attributes.values() if row["map"]]
    mean = {way: round(float(np.mean([m[way] for m in known])), 4) for way in known[0]} if known else None
    return {"attributes": attributes, "all": _spans(cosines, overlaps) | {"map": mean}}


def _spans(cosines: np.ndarray, overlaps: np.ndarray) -> dict[str, Any]:
    return {
        "cosine": {"least": round(float(cosines.min()), 6), "mean": round(float(cosines.mean()), 6)},
        "under": int((cosines < COSINE).sum()),
        "iou": {"least": round(float(overlaps.min()), 4), "mean": round(float(overlaps.mean()), 5)},
    }  # fmt: skip


def _maps(name: str, photos: Sequence[Photo], slow: np.ndarray, fast: np.ndarray) -> dict[str, float] | None:
    """MAP in percent of an attribute; None where no photo can be searched for."""
    from asen_core import metrics
    from asen_core.data.labels import is_query

    rows = [i for i, p in enumerate(photos) if p.labels.get(name)]
    asks = np.array([is_query(photos[i].key) for i in rows], bool)
    if not asks.any() or asks.all():
        return None
    values, some = np.array([photos[i].labels[name] for i in rows]), np.array(rows)
    ways = {REFERENCE: (slow, slow), QUICK: (fast, fast), "mixed": (fast, slow)}
    found = {
        way: metrics.retrieval(queries[some[asks]], values[asks], candidates[some[~asks]], values[~asks])
        for way, (queries, candidates) in ways.items()
    }
    if not found[REFERENCE].queries:
        return None
    return {way: round(100 * result.map, 4) for way, result in found.items()}


def overlap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (..., 4), x0, y0, x1, y1."""
    low, high = np.maximum(one[..., :2], other[..., :2]), np.minimum(one[..., 2:], other[..., 2:])
    both = np.prod((high - low).clip(0), axis=-1)
    areas = [np.prod(b[..., 2:] - b[..., :2], axis=-1) for b in (one, other)]
    return both / (areas[0] + areas[1] - both)


def judged(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was asked of the quick runtime."""
    maps = [row["map"] for row in [*found["attributes"].values(), found["all"]] if row["map"]]
    asked = [timing.verdict("least cosine to the float32 reference", found["all"]["cosine"]["least"], least=COSINE)]
    for way, said in ((QUICK, "queries and candidates by the quick runtime"), ("mixed", "queries alone by it")):
        most = max(abs(m[way] - m[REFERENCE]) for m in maps)
        asked.append(timing.verdict(f"largest change of MAP of an attribute in points, {said}", most, most=POINTS))
    return asked


def markdown(found: Mapping[str, Any]) -> str:
    """The quick runtime per attribute, what was asked, then smaller decoding."""
    spans = ("least cosine", "mean cosine", "regions' IoU, mean (least)")
    heads = ("attribute", *spans, "MAP by the reference", "by the quick one", "queries by the quick one")
    rows = [(name, *_row(row)) for name, row in found["attributes"].items()] + [("**all**", *_row(found["all"]))]
    decoding, runtimes = found["decoding"], found["runtimes"]
    smaller = [(f"{side} px", *_row({**told, "map": None})[:3], f"{told['under']:,}") for side, told in decoding["to"].items()]
    small = tables.table(("decoded to at least", *spans, f"embeddings under {COSINE}"), smaller)
    said = f"{decoding['photos']:,} of the photos, enlarged to {decoding['longest']:,} px, against decoding in full:"
    note = (
        f"{found['photos']:,} photos of `{found['split']}`; the reference is {runtimes[REFERENCE]}, the quick runtime "
        f"{runtimes[QUICK]}, both in float32. {timing.ran_on(found)}"
    )
    return "\n\n".join((tables.table(heads, rows), timing.verdicts(found["verdicts"]), said, small, note))


def _row(told: Mapping[str, Any]) -> tuple[str, ...]:
    cosine, iou, maps = told["cosine"], told["iou"], told["map"]
    figures = (f"{maps[way]:.2f}" for way in (REFERENCE, QUICK, "mixed")) if maps else ("–",) * 3
    return f"{cosine['least']:.6f}", f"{cosine['mean']:.6f}", f"{iou['mean']:.4f} ({iou['least']:.3f})", *figures


if __name__ == "__main__":
    main()
