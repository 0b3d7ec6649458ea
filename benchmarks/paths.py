"""All attributes of a photo in one pass against the released method's pass per attribute: how many times as fast.

python benchmarks/paths.py [--photos DIR] [--count 32] [--rounds 7] [--cores 2] [--paper DIR]
python benchmarks/paths.py --again

Photos are files from which everything starts, in FashionAI's size where they are drawn. Four ways take turns on the same files:
the released way (released_way.py: for each of the eight attributes all photos are read and passed through both ResNets again,
batches of 16, float32), ours with the same weights in float32 by torch, ours with the same weights by the quickest runtime, and
the shipped `compact` model, which has nine attributes. Ratios are taken round by round; every way counts photos with all of its
attributes. Embeddings of the first three are compared. One photo under one attribute is timed likewise. Weights of the paper's
size are made at random (paper_weights.py), or those of --paper. Writes benchmarks/paths.json and the table of README.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from benchmarks import pictures, tables, timing  # noqa: E402

SIZE, BATCH, SINGLES = (512, 512), 16, 8
WAYS = {
    "released": "released way, a pass per attribute (torch, float32)",
    "torch": "one pass, same weights (torch, float32)",
    "fast": "one pass, same weights, quickest runtime",
    "compact": "`compact`, quickest runtime",
}
ASKED = {"torch": 3.0, "fast": 8.0, "compact": 30.0}
COSINE = 0.999


def main() -> None:
    parser = timing.parser(__doc__)
    parser.add_argument("--photos", type=Path, help="a folder of photos; without it garments are drawn")
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--paper", type=Path, help="a checkpoint of the paper's size, in place of random weights")
    timing.run(__file__, parser.parse_args(), measured, markdown)


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """The figures of all four ways on the same files."""
    from benchmarks import engines as by_runtime
    from benchmarks import paper_weights
    from benchmarks.released_way import ReleasedWay

    with tempfile.TemporaryDirectory() as scratch:
        paths = pictures.photos(asked.photos, asked.count, Path(scratch), SIZE, asked.seed)
        paper = asked.paper or paper_weights.write(Path(scratch) / "paper", paths[:16], asked.seed)
        opened = by_runtime.opened
        engines = {
            "torch": opened(by_runtime.REFERENCE, paper),
            "fast": opened(by_runtime.quickest(), paper),
            "compact": opened(),
        }
        released = ReleasedWay(engines["torch"].checkpoint.model)
        whole = _bulk(released, engines, paths, asked.rounds)
        single = _singles(released, engines, paths[:SINGLES], asked.rounds)
    return {
        "photos": pictures.told(asked.photos, SIZE), "count": len(paths), "batch": BATCH,
        "weights": "given" if asked.paper else "random",
        "attributes": {"released": released.attributes, **{n: len(e.vocabulary) for n, e in engines.items()}},
        "runtimes": {name: engine.runtime for name, engine in engines.items()}, **whole, "single": single,
        "verdicts": judged(whole),
    }  # fmt: skip


def _bulk(released: Any, engines: Mapping[str, Any], paths: Sequence[Path], rounds: int) -> dict[str, Any]:
    """Seconds, ratios and cosines; what each way embeds is kept from its last round."""
    made: dict[str, np.ndarray] = {}

    def embed(name: str) -> None:
        way = released if name == "released" else engines[name]
        made[name] = way.embed(paths, BATCH) if name == "released" else way.embed(paths, batch_size=BATCH)

    seconds = timing.interleaved({name: partial(embed, name) for name in WAYS}, rounds)
    slow = seconds["released"]
    return {
        "seconds": {name: [round(s, 4) for s in took] for name, took in seconds.items()},
        "photos_per_second": {n: round(len(paths) / float(np.median(took)), 2) for n, took in seconds.items()},
        "times_as_fast": {name: timing.ratio(slow, seconds[name]) for name in ASKED},
        "cosine": {name: cosines(made["released"], made[name]) for name in ("torch", "fast")},
    }


def _singles(released: Any, engines: Mapping[str, Any], paths: Sequence[Path], rounds: int) -> dict[str, Any]:
    """One photo and one attribute, from the file on, models loaded: milliseconds, and how many times as fast."""

    def look(name: str) -> None:
        for path in paths:
            if name == "released":
                released.embed_one([path], 0, 1)
            else:
                engines[name].look(path, [next(iter(engines[name].vocabulary))])

    seconds = timing.interleaved({name: partial(look, name) for name in WAYS}, rounds)
    each = {name: round(1e3 * float(np.median(took)) / len(paths), 2) for name, took in seconds.items()}
    return {"ms": each, "times_as_fast": {name: timing.ratio(seconds["released"], seconds[name]) for name in ASKED}}


def cosines(slow: np.ndarray, fast: np.ndarray) -> dict[str, float]:
    """The least and the mean cosine of two (N, A, D), each of unit norm."""
    products = np.einsum("nad,nad->na", slow.astype(np.float64), fast.astype(np.float64))
    norms = np.linalg.norm(slow, axis=-1) * np.linalg.norm(fast, axis=-1)
    found = products / norms
    return {"least": round(float(found.min()), 7), "mean": round(float(found.mean()), 7)}


def judged(whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was asked, by the medians of the ratios and the least cosines."""
    speed = [
        timing.verdict(f"{WAYS[name]}: times as fast as the released way", whole["times_as_fast"][name]["median"], least=asked)
        for name, asked in ASKED.items()
    ]
    same = [
        timing.verdict(f"{WAYS[name]}: least cosine to the released way", found["least"], least=COSINE)
        for name, found in whole["cosine"].items()
    ]
    return speed + same


def markdown(found: Mapping[str, Any]) -> str:
    """The ways with their ratios, then what was asked."""
    heads = ("way", "attributes", "photos a second", "times as fast (least–most of the rounds)", "least cosine")
    heads += ("one photo, one attribute (ms)", "times as fast")
    rows = []
    for name, said in WAYS.items():
        many, one = (part["times_as_fast"].get(name) for part in (found, found["single"]))
        cosine = found["cosine"].get(name)
        rows.append(
            (
                said, str(found["attributes"][name]), f"{found['photos_per_second'][name]:.1f}", times(many),
                f"{cosine['least']:.6f}" if cosine else "–", f"{found['single']['ms'][name]:.1f}", times(one),
            )
        )  # fmt: skip
    note = (
        f"{found['count']} files ({found['photos']}), batches of {found['batch']}, {found['weights']} weights of the paper's "
        f"size; medians of rounds in which the ways took turns. {timing.ran_on(found)}"
    )
    return "\n\n".join((tables.table(heads, rows), timing.verdicts(found["verdicts"]), note))


def times(found: Mapping[str, float] | None) -> str:
    """A ratio with its ends; 1 for what the others are compared with."""
    if found is None:
        return "1"
    return f"{timing.figure(found['median'])} ({timing.figure(found['least'])}–{timing.figure(found['most'])})"


if __name__ == "__main__":
    main()
