"""How long the published protocol's ranking takes, and how much memory, at FashionAI's size.

python benchmarks/protocol.py [--queries 3600] [--candidates 14400] [--length 2048] [--rounds 3]
python benchmarks/protocol.py --again

The worst case: one attribute holds every query and every candidate. A fresh process makes the vectors, ranks the whole list
of candidates for each query (`metrics.retrieval`, exact) and tells seconds and the peak of its memory, vectors and interpreter
included; of several rounds the slowest counts. Then a plain-Python average precision, from a sorted list of float64 products,
is compared on some of the queries. Writes benchmarks/protocol.json and the table between the markers of README.md
(<!-- protocol: speed -->); the second line writes the table of the last measurement again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from asen_core import metrics  # noqa: E402
from benchmarks import machine, markers, tables  # noqa: E402

FOUND = ROOT / "benchmarks" / "protocol.json"
PAGE = ROOT / "README.md"
VALUES, SEED, COMPARED = 9, 7, 20


def main() -> None:
    asked = _arguments()
    if asked.inside:
        print(json.dumps(measured(asked.queries, asked.candidates, asked.length)))
        return
    if not asked.again:
        markers.write(FOUND, json.dumps(_in_fresh_processes(asked), indent=1) + "\n")
    found = json.loads(FOUND.read_text(encoding="utf-8"))
    markers.fill(PAGE, {"speed": markdown(found)}, "protocol")
    print(markdown(found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=3_600)
    parser.add_argument("--candidates", type=int, default=14_400)
    parser.add_argument("--length", type=int, default=2_048, help="numbers in a vector")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--again", action="store_true", help="write the table again, measure nothing")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _in_fresh_processes(asked: argparse.Namespace) -> dict[str, Any]:
    """The slowest round, with the peak of all rounds."""
    sizes = [f"--{name}={getattr(asked, name)}" for name in ("queries", "candidates", "length")]
    rounds = []
    for _ in range(asked.rounds):
        done = subprocess.run([sys.executable, __file__, "--inside", *sizes], capture_output=True, text=True, check=True)
        rounds.append(json.loads(done.stdout))
    slowest = max(rounds, key=lambda r: r["seconds"])
    return {
        **slowest,
        "peak_mb": max(r["peak_mb"] for r in rounds),
        "seconds_of_rounds": [r["seconds"] for r in rounds],
        "machine": f"{machine.processor()}, {machine.cores()} cores",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def measured(queries: int, candidates: int, length: int) -> dict[str, Any]:
    """Seconds and peak memory of this process, then the agreement with the slow way, as plain JSON values."""
    rng = np.random.default_rng(SEED)
    centres = rng.standard_normal((VALUES, length), dtype=np.float32)
    vectors, values = [], []
    for count in (queries, candidates):
        values.append(rng.integers(0, VALUES, count))
        vectors.append(rng.standard_normal((count, length), dtype=np.float32))
        for row, value in zip(vectors[-1], values[-1], strict=True):
            row += centres[value] / 8
            row /= np.linalg.norm(row)
    began = time.perf_counter()
    found = metrics.retrieval(vectors[0], values[0], vectors[1], values[1])
    seconds = time.perf_counter() - began
    peak = machine.peak_mb()
    differences = [
        abs(_slow(vectors[0][q], int(values[0][q]), vectors[1], values[1].tolist()) - found.precisions[i])
        for i, q in enumerate(found.rows[:COMPARED])
    ]
    return {
        "queries": queries, "candidates": candidates, "length": length, "seconds": round(seconds, 2), "peak_mb": round(peak),
        "map": round(found.map, 4), "compared": len(differences), "largest_difference": float(f"{max(differences):.1e}"),
        "threads": os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or "one per core",
    }  # fmt: skip


def _slow(query: np.ndarray, value: int, candidates: np.ndarray, values: list[int]) -> float:
    """Average precision straight from its definition."""
    products = [float(query.astype(np.float64) @ c.astype(np.float64)) for c in candidates]
    hits, total = 0, 0.0
    for place, i in enumerate(sorted(range(len(products)), key=lambda i: (-products[i], i)), 1):
        if values[i] == value:
            hits += 1
            total += hits / place
    return total / hits


def markdown(found: Mapping[str, Any]) -> str:
    """The table of the README."""
    heads = ("queries", "candidates", "numbers in a vector", "seconds", "peak memory (MB)", "machine")
    sizes = (f"{found[k]:,}" for k in ("queries", "candidates", "length"))
    return tables.table(heads, [(*sizes, f"{found['seconds']:.1f}", f"{found['peak_mb']:,}", found["machine"])])


if __name__ == "__main__":
    main()
