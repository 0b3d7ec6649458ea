"""Are stated percentiles true? The share of held-back pairs of different garments above the stated 99th.

python benchmarks/percentiles.py --data DIR [--drawn 200] [--seed 2028]
python benchmarks/percentiles.py --timing
python benchmarks/percentiles.py --again

DIR is the folder that training takes. The background that is stored, as gallery_index/pairs.npz and in figures only, is made of
all catalogue photos of clothes of the split `valid`, none of which the model was trained on, weighted (raking) so that kinds,
colours, seasons and years come up as often as in the split `train`, whose photos are not looked at. Judged by it are pairs of
`test` photos: those that people labelled for this project, and all of clothes. Street photos are judged by it too, and by a
background of their own; newly drawn garments by the gallery's own pairs. `--timing` takes only the time of a comparison again,
`--again` only writes the table (README.md, <!-- percentiles: shares -->).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from asen_core.data.labels import Photo, read_labels  # noqa: E402
from asen_core.data.render import catalogue  # noqa: E402
from asen_core.engine import Engine  # noqa: E402
from asen_core.errors import DataError  # noqa: E402
from asen_core.names import attribute_name  # noqa: E402
from asen_core.review import background as room  # noqa: E402
from asen_core.review.compare import compare  # noqa: E402
from asen_core.review.design import seen  # noqa: E402
from benchmarks import machine, markers, pair_shares, tables  # noqa: E402

FOUND, PAGE = ROOT / "benchmarks" / "percentiles.json", ROOT / "README.md"
CLOTHES = ("Topwear", "Bottomwear", "Dress")
MAKE_UP = ("articleType and gender", "baseColour", "season", "year")
SAMPLES = ROOT / "assets" / "samples"
PHONE = (3000, 4000)
OVERALL = "overall"


def main() -> None:
    asked = _arguments()
    if asked.again or asked.timing:
        found = json.loads(FOUND.read_text(encoding="utf-8"))
        if asked.timing:
            found["seconds"] = timed(Engine.open(device="cpu"))
    elif asked.data is None:
        raise SystemExit("Give --data, the folder of photos, or --timing or --again.")
    else:
        engine = Engine.open(device="cpu")
        found = photos(engine, asked.data) | {"drawn": drawn(engine, asked.drawn, asked.seed), "seconds": timed(engine)}
        found |= {"checkpoint": engine.fingerprint, **machine.facts()}
    print(json.dumps(found, indent=1))
    markers.write(FOUND, json.dumps(found, indent=1) + "\n")
    markers.fill(PAGE, {"shares": table(found)}, "percentiles")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of photos")
    parser.add_argument("--drawn", type=int, default=200, help="garments that are newly drawn")
    parser.add_argument("--seed", type=int, default=2028, help="of these; neither training nor the gallery draws with it")
    parser.add_argument("--timing", action="store_true", help="take only the time of a comparison again")
    parser.add_argument("--again", action="store_true", help="write the table again, measure nothing")
    return parser.parse_args()


@dataclass(frozen=True, eq=False)
class Group:
    """Garments that were looked at: all pairs of them, how often each is taken, and the background that they make."""

    pairs: pair_shares.Pairs
    shares: np.ndarray
    background: room.Background

    @classmethod
    def of(cls, engine: Engine, paths: Sequence[Path], source: str, shares: np.ndarray | None = None) -> Self:
        vectors, kinds = looked(engine, paths)
        background = room.sampled(vectors, kinds, tuple(engine.vocabulary), source, engine.fingerprint, shares=shares)
        return cls(pair_shares.Pairs.of(vectors, kinds), np.ones(len(paths)) if shares is None else shares, background)


def photos(engine: Engine, data: Path) -> dict[str, Any]:
    """The background of the `valid` photos, stored with the gallery, and the shares of `test` pairs above what is stated."""
    own, wanted, test = (clothes(data, split) for split in ("valid", "train", "test"))
    shares = pair_shares.raked([p.labels for p in own], [p.labels for p in wanted], MAKE_UP)
    source = f"{len(own)} catalogue photos of different clothes, none of which the model was trained on"
    shop = Group.of(engine, [p.path for p in own], source, shares)
    path = engine.gallery.directory / room.FILE
    room.write(path, shop.background)
    street = data / "clothing_attributes"
    valid, seen_on_streets = ([p.path for p in read_labels(street / "labels.csv", street, split=s)] for s in ("valid", "test"))
    streets = Group.of(engine, valid, f"{len(valid)} street photos of different people")
    labelled = [p.path for p in read_labels(data / "garment_labels.csv", data, split="test") if p.source == "products"]
    by_streets, by_catalogue = judged(engine, seen_on_streets, streets, shop)
    kept = {"garments": len(own), "made_up_as": len(wanted), "effective": round(float(shares.sum() ** 2 / (shares**2).sum()))}
    kept |= {"pairs": len(shop.background.any), "kinds": {k: len(t) for k, t in shop.background.same.items()}}
    return {
        "background": kept | {"source": source, "bytes": path.stat().st_size},
        "labelled": judged(engine, labelled, shop)[0],
        "clothes": judged(engine, [p.path for p in test], shop)[0],
        "street": by_streets,
        "street_by_catalogue": by_catalogue,
    }


def judged(engine: Engine, paths: Sequence[Path], *groups: Group) -> list[dict[str, Any]]:
    """What shares of the pairs of photos lie above what the background of each group states."""
    held = pair_shares.Pairs.of(*looked(engine, paths))
    return [figures(g.background, held, g) | {"garments": len(paths)} for g in groups]


def clothes(data: Path, split: str) -> list[Photo]:
    """The catalogue's photos of clothes in a split, with what the catalogue tells of them."""
    listed = read_labels(data / "products" / "labels.csv", data / "products", split=split)
    found = [p for p in listed if p.labels.get("subCategory") in CLOTHES]
    if not found:
        raise DataError(f"{data / 'products'} lists no clothes in split {split!r}; give the folder that training takes.")
    return [_with_make_up(p) for p in found]


def _with_make_up(photo: Photo) -> Photo:
    given = photo.labels
    values = (f"{given.get('articleType', '')}, {given.get('gender', '')}", *(given.get(c, "") for c in MAKE_UP[1:]))
    return Photo(photo.key, photo.path, dict(zip(MAKE_UP, values, strict=True)))


def looked(engine: Engine, garments: Iterable[Any]) -> tuple[np.ndarray, list[str]]:
    """(N, A, D) embeddings, and the category that each garment is read as."""
    views = list(engine.views(garments, batch_size=8))
    return np.stack([[v[a].embedding for a in engine.vocabulary] for v in views]), [
        v[room.CATEGORY].readings[0].value for v in views
    ]


def drawn(engine: Engine, count: int, seed: int) -> dict[str, Any]:
    """Shares of pairs of newly drawn garments above what the gallery's own pairs state."""
    background = room.measured(engine.gallery)
    garments = list(catalogue(count, seed))
    vectors, _ = looked(engine, (g.pixels for g in garments))
    held = pair_shares.Pairs.of(vectors, [g.labels.get(room.CATEGORY, "") for g in garments])
    return figures(background, held, None) | {"garments": count, "seed": seed}


def figures(background: room.Background, held: pair_shares.Pairs, group: Group | None) -> dict[str, Any]:
    """Per attribute and overall: the share of pairs above the percentile, of all kinds and of one, with intervals."""
    every, pairs = pair_shares.stated_above(background, held)
    within, pairs_within = pair_shares.stated_above_within(background, held)
    among = [k for k in held.within() if len(background.same.get(k, ())) >= pair_shares.FEWEST]
    ends = pair_shares.intervals(group.pairs, group.shares, held, among) if group else None
    rows = {}
    for c, name in enumerate((*background.attributes, OVERALL)):
        rows[name] = {"any": every[c], "within": within[c] if within else None}
        if ends is not None:
            rows[name] |= {f"{key}_interval": e[c].tolist() for key, e in zip(("any", "within"), ends, strict=False) if len(e)}
    found = {"source": background.source, "stated": pair_shares.STATED, "pairs": pairs, "pairs_within": pairs_within}
    return found | {"shares": rows}


def timed(engine: Engine, rounds: int = 7) -> dict[str, Any]:
    """Seconds from two files as of a phone to a comparison, the engine open and warm; the background is read each time."""
    with tempfile.TemporaryDirectory() as scratch:
        files = [Path(scratch) / f"{i}.jpg" for i in range(2)]
        for file, sample in zip(files, sorted(SAMPLES.glob("*.webp")), strict=False):
            Image.open(sample).convert("RGB").resize(PHONE, Image.Resampling.BICUBIC).save(file, quality=90)
        spent, worked = [], []
        for _ in range(rounds + 1):
            began, busy = time.perf_counter(), time.process_time()
            first, second = (seen(engine, file) for file in files)
            compare(first, second, room.of_gallery(engine.gallery))
            spent.append(time.perf_counter() - began)
            worked.append(time.process_time() - busy)
    values = {"median": statistics.median(spent[1:]), "slowest": max(spent[1:]), "processor": statistics.median(worked[1:])}
    return {"photos": list(PHONE)} | {name: round(value, 3) for name, value in values.items()}


def table(found: Mapping[str, Any]) -> str:
    """The shares as Markdown, in percent, with a sentence on what was compared with what."""
    heads = (
        "attribute", "labelled catalogue photos", "of one kind", "all catalogue clothes", "street photos",
        "street photos by catalogue pairs", "drawn garments",
    )  # fmt: skip
    rows = []
    for name in found["labelled"]["shares"]:
        labelled, clothes_, street, crossed, drawing = (
            found[k]["shares"][name] for k in ("labelled", "clothes", "street", "street_by_catalogue", "drawn")
        )
        cells = (_percent(labelled["any"], labelled["any_interval"]), _percent(labelled["within"], labelled["within_interval"]))
        cells += tuple(_percent(share["any"], share.get("any_interval")) for share in (clothes_, street))
        label = "**overall**" if name == OVERALL else attribute_name(name)
        rows.append((label, *cells, *(_percent(share["any"]) for share in (crossed, drawing))))
    counts = [("garments", *(f"{found[k]['garments']:,}" for k in _COLUMNS)), ("pairs", *(_pairs(found, k) for k in _COLUMNS))]
    for name, *values in counts:
        rows.append((name, values[0], "" if name == "garments" else f"{found['labelled']['pairs_within']:,}", *values[1:]))
    return f"{tables.table(heads, rows)}\n\n{_note(found)}"


_COLUMNS = ("labelled", "clothes", "street", "street_by_catalogue", "drawn")


def _pairs(found: Mapping[str, Any], column: str) -> str:
    return f"{found[column]['pairs']:,}"


def _note(found: Mapping[str, Any]) -> str:
    own, seconds = found["background"], found["seconds"]
    return (
        f"Share of held-back pairs above the stated 99th percentile, in percent, with 95 % intervals (other garments on both "
        f"sides); a true statement gives 1. Stored with the gallery are {own['pairs']:,} pairs of {own['garments']} catalogue "
        f"photos. Street photos are judged by pairs of {found['street']['source']}, drawn garments by those of "
        f"{found['drawn']['source']}. "
        f"A comparison of two photos of 12 megapixels takes {seconds['median']:.1f} s on two cores."
    )


def _percent(share: float, ends: Sequence[float] | None = None) -> str:
    """Of shares around 1 % the second decimal counts."""
    return f"{100 * share:.2f}" + (f" ({100 * ends[0]:.2f}–{100 * ends[1]:.2f})" if ends else "")


if __name__ == "__main__":
    main()
