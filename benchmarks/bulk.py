"""Embedding many JPEG files: photos a second, and how much of the time the network is at work.

python benchmarks/bulk.py [--photos DIR] [--count 128] [--rounds 7] [--cores 2] [--checkpoint DIR]
python benchmarks/bulk.py --again

`engine.embed(paths)`, all attributes, batches of 32, by the app's own runtime and by the torch reference in turn. Beside them,
in the same rounds, what each half takes alone: reading and decoding the files, and embedding the same photos from memory. From
these follow the share of the time in which the network is at work, and how much of the shorter half is hidden behind the
longer one. With --checkpoint nothing is written. Else it writes benchmarks/bulk.json and the table of README.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from benchmarks import pictures, tables, timing  # noqa: E402

SIZE, BATCH = (768, 1024), 32
REFERENCE, QUICK = "reference", "quick"
HALVES = ("files", "memory")


def main() -> None:
    parser = timing.parser(__doc__)
    parser.add_argument("--photos", type=Path, help="a folder of photos; without it garments are drawn")
    parser.add_argument("--count", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--checkpoint", type=Path, help="another than the shipped one")
    asked = parser.parse_args()
    asked.dry = asked.dry or asked.checkpoint is not None
    timing.run(__file__, asked, measured, markdown)


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """Seconds of all ways in each round, and what follows from them."""
    from asen_core import images
    from benchmarks import engines as by_runtime

    kinds = {QUICK: "auto", REFERENCE: by_runtime.REFERENCE}
    engines = {name: by_runtime.opened(runtime, asked.checkpoint) for name, runtime in kinds.items()}
    with tempfile.TemporaryDirectory() as scratch:
        paths = pictures.photos(asked.photos, asked.count, Path(scratch), SIZE, asked.seed)
        garments = [images.load(p) for p in paths]
        ways: dict[str, Callable[[], Any]] = {"decoding": partial(_decode, paths)}
        for name, engine in engines.items():
            for half, photos in zip(HALVES, (paths, garments), strict=True):
                ways[f"{name}, {half}"] = partial(engine.embed, photos, batch_size=BATCH)
        seconds = timing.interleaved(ways, asked.rounds)
    return {
        "photos": pictures.told(asked.photos, SIZE), "count": len(paths), "batch": BATCH,
        "attributes": len(engines[QUICK].vocabulary),
        "runtimes": {name: engine.runtime for name, engine in engines.items()},
        "seconds": {name: [round(s, 4) for s in took] for name, took in seconds.items()},
        "ways": {name: overlapped(seconds, name, len(paths)) for name in engines},
        "times_as_fast": timing.ratio(seconds[f"{REFERENCE}, files"], seconds[f"{QUICK}, files"]),
    }  # fmt: skip


def _decode(paths: Sequence[Path]) -> None:
    from asen_core import images

    for path in paths:
        images.load(path)


def overlapped(seconds: Mapping[str, Sequence[float]], name: str, count: int) -> dict[str, float]:
    """Medians over the rounds. busy: time of the network alone over the time of both; hidden: share of the shorter half."""
    files, memory = (np.array(seconds[f"{name}, {half}"]) for half in HALVES)
    decoding = np.array(seconds["decoding"])
    hidden = ((decoding + memory - files) / np.minimum(decoding, memory)).clip(0, 1)
    return {
        "photos_per_second": round(count / float(np.median(files)), 2),
        "from_memory": round(count / float(np.median(memory)), 2),
        "decoded_per_second": round(count / float(np.median(decoding)), 2),
        "busy": round(float(np.median((memory / files).clip(0, 1))), 4),
        "hidden": round(float(np.median(hidden)), 4),
    }


def markdown(found: Mapping[str, Any]) -> str:
    """One row a runtime."""
    heads = (
        "runtime",
        "photos a second from files",
        "from memory",
        "decoded alone",
        "network at work",
        "of the shorter half hidden",
    )
    rows = []
    for name, told in found["ways"].items():
        figures = (timing.figure(told[k]) for k in ("photos_per_second", "from_memory", "decoded_per_second"))
        shares = (f"{tables.percent(told[k])} %" for k in ("busy", "hidden"))
        rows.append((f"{found['runtimes'][name]} ({name})", *figures, *shares))
    ratio = found["times_as_fast"]
    least, middle, most = (timing.figure(ratio[end]) for end in ("least", "median", "most"))
    note = (
        f"{found['count']} files ({found['photos']}), {found['attributes']} attributes, batches of {found['batch']}. The quick "
        f"one is {middle} times as fast ({least}–{most} in {ratio['rounds']} rounds). {timing.ran_on(found)}"
    )
    return f"{tables.table(heads, rows)}\n\n{note}"


if __name__ == "__main__":
    main()
