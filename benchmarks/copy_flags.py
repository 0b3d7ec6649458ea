"""Whether what was done to a photo is said, and nothing of two different photos.

python benchmarks/copy_flags.py --data DIR [--photos 60] [--pairs 600] [--split test] [--again]

DIR as of benchmarks/copies.py, whose photos and alterations these are. Prints JSON, keeps it in benchmarks/copy_flags.json and
writes the table between the markers of README.md (<!-- flags: table -->); with another split than test it writes nothing.
Photos whose colours a turned hue hardly changes (greys) count for no flag there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from asen_core.images import load, plain_background  # noqa: E402
from asen_core.review import prints  # noqa: E402
from asen_core.review.copies import FLAGS, Relation, relation  # noqa: E402
from asen_core.review.origins import nearest  # noqa: E402
from asen_core.types import Garment  # noqa: E402
from benchmarks import markers, tables  # noqa: E402
from benchmarks.alterations import ALTERATIONS, altered  # noqa: E402
from benchmarks.copies import PAGE, chosen  # noqa: E402

FOUND = ROOT / "benchmarks" / "copy_flags.json"
WORDS = {
    "resaved": "saved again", "cropped": "cropped or framed", "mirrored": "mirrored", "recoloured": "re-coloured",
    "background": "background swapped",
}  # fmt: skip
_VISIBLE = 12
"""Median of the greatest change of a channel, in levels, from which a turned hue has changed a garment's colours."""


def main() -> None:
    asked = _arguments()
    if not asked.again:
        found = measured(asked.data, asked.split, asked.photos, asked.pairs)
        text = json.dumps(found, indent=1)
        print(text)
        if asked.split != "test":
            return
        markers.write(FOUND, text + "\n")
    markers.fill(PAGE, {"table": table(json.loads(FOUND.read_text(encoding="utf-8")))}, "flags")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--photos", type=int, default=60, help="how many are altered")
    parser.add_argument("--pairs", type=int, default=600, help="of different photos")
    parser.add_argument("--split", default="test")
    parser.add_argument("--again", action="store_true", help="write the table again, measure nothing")
    return parser.parse_args()


def measured(data: Path, split: str, photos: int, pairs: int) -> dict[str, Any]:
    """Per flag how often it was true, said and both; per alteration what was said; what was said of different photos."""
    plain, rest = chosen(data, split, photos, 1000)
    said, true, right, seconds = Counter[str](), Counter[str](), Counter[str](), []
    each = {}
    for name, alteration in ALTERATIONS.items():
        spoken = Counter[str]()
        for first, second in _pairs(plain, name):
            found = _timed(first, second, seconds)
            said.update(found.flags)
            true.update(alteration.flags)
            right.update(set(found.flags) & set(alteration.flags))
            spoken.update(found.flags or ("none",))
        each[name] = dict(spoken)
        print(name, each[name], flush=True)
    unrelated = [_timed(a, b, seconds) for a, b in _strangers([*plain, *rest], pairs)]
    wrong = Counter(flag for found in unrelated for flag in found.flags)
    return {
        "split": split, "photos": photos, "alterations": each, "flags": {
            f: {"true": true[f], "said": said[f] + wrong[f], "right": right[f], "unrelated": wrong[f]} for f in FLAGS
        },
        "unrelated": {
            "pairs": pairs, "flagged": sum(bool(f) for f in unrelated),
            "agreement": [round(float(np.quantile([f.agreement for f in unrelated], q)), 3) for q in (0.5, 0.99, 1)],
        },
        "hashes": strangers_by_hash([*plain, *rest]), "median_seconds": round(statistics.median(seconds), 3),
    }  # fmt: skip


def _pairs(paths: list[Path], name: str) -> Iterator[tuple[Garment, Garment]]:
    for number, path in enumerate(paths):
        first = load(path)
        pixels = altered(name, first.pixels, number)
        if name == "recolour":
            backdrop = plain_background(first.pixels)
            change = np.abs(pixels.astype(int) - first.pixels).max(axis=2)
            if np.median(change if backdrop is None else change[~backdrop]) < _VISIBLE:
                continue
        yield first, Garment(pixels)


def _strangers(paths: list[Path], count: int) -> Iterator[tuple[Garment, Garment]]:
    """Pairs of different photos, half of them of one dataset each."""
    rng, folders = np.random.default_rng(1), {}
    for path in paths:
        folders.setdefault(path.parents[1].name, []).append(path)
    for number in range(count):
        among = paths if number % 2 else folders[str(rng.choice(list(folders)))]
        first, second = rng.choice(len(among), 2, replace=False)
        yield load(among[first]), load(among[second])


def _timed(first: Garment, second: Garment, seconds: list[float]) -> Relation:
    began = time.process_time()
    found = relation(first, second)
    seconds.append(time.process_time() - began)
    return found


def strangers_by_hash(paths: list[Path]) -> dict[str, int]:
    """Among all pairs of different photos, how many a hash takes for one photo."""
    garments = [load(path) for path in paths]
    base = prints.prints(garments)
    hits = [int((nearest(base.distances(prints.printed(g)))[i + 1 :] <= 1).sum()) for i, g in enumerate(garments)]
    return {"pairs": len(paths) * (len(paths) - 1) // 2, "hits": sum(hits)}


def table(found: Mapping[str, Any]) -> str:
    """Precision and recall of each flag as Markdown, in percent."""
    rows = []
    for flag, c in found["flags"].items():
        shares = (tables.percent(c["right"] / c[of] if c[of] else None) for of in ("said", "true"))
        rows.append((WORDS[flag], *shares, str(c["true"]), str(c["unrelated"])))
    heads = ("what is said", "precision", "recall", "photos", "said of different photos")
    other, hashes = found["unrelated"], found["hashes"]
    note = (
        f"{found['photos']} photos altered in {len(found['alterations'])} ways, and {other['pairs']:,} pairs of different "
        f"photos, of which {other['flagged']} got a flag. By hash alone {hashes['hits']} of {hashes['pairs']:,} pairs of "
        f"different photos are hits (one model in one pose, mostly). A pair takes {found['median_seconds']:.2f} s of one core."
    )
    return f"{tables.table(heads, rows)}\n\n{note}"


if __name__ == "__main__":
    main()
