"""From an uploaded photo to heat map, region and 24 neighbours as HTML, on the server: median and 99th percentile.

python benchmarks/answer.py [--photos DIR] [--count 300] [--large 30] [--starts 3] [--cores 2]
python benchmarks/answer.py --again

What the page's own handlers do from the uploaded file to the HTML that goes back (`FindAlike.answered`: decode, look, region,
heat map and zoom written, search, grid), one visitor at a time, each photo once. Right after the answer the attribute is
changed, to each of them in turn, for the first hundred photos. Photos of 12 megapixels, as phones make them, are told apart,
and so is the very first answer of a fresh process. The torch reference takes turns with the runtime that the app takes. What
Gradio and the browser add: benchmarks/page.py. Writes benchmarks/answer.json and the table of README.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from benchmarks import machine, pictures, tables, timing  # noqa: E402

SIZE, LARGE = (768, 1024), (3024, 4032)
NEIGHBOURS, WARM, CHANGED = 24, 5, 100
KINDS = {"photo": "photo to answer", "attribute": "attribute changed", "large": "photo of 12 megapixels to answer"}
ASKED = (("photo", "median_ms", 60.0), ("photo", "p99_ms", 150.0), ("attribute", "median_ms", 15.0))


def main() -> None:
    parser = timing.parser(__doc__)
    parser.add_argument("--photos", type=Path, help="a folder of photos; without it garments are drawn")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--large", type=int, default=30, help="photos of 12 megapixels, drawn")
    parser.add_argument("--starts", type=int, default=3, help="fresh processes whose first answer is timed")
    parser.add_argument("--first", type=Path, metavar="PHOTO", help=argparse.SUPPRESS)  # what a fresh process is asked
    asked = parser.parse_args()
    if asked.first:
        machine.keep_to(asked.cores)
        print(json.dumps(first_answer(asked.first)))
        return
    timing.run(__file__, asked, measured, markdown)


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """Times of all kinds by the app's runtime and by the reference."""
    from benchmarks import engines as by_runtime

    with tempfile.TemporaryDirectory() as scratch:
        paths = pictures.photos(asked.photos, asked.count, Path(scratch), SIZE, asked.seed)
        large = pictures.drawn(asked.large, Path(scratch), LARGE, asked.seed + 1)
        starts = [_fresh(paths[0], asked.cores) for _ in range(asked.starts)]
        kinds = {"app": "auto", "reference": by_runtime.REFERENCE}
        engines = {name: by_runtime.opened(runtime) for name, runtime in kinds.items()}
        times = _answered(engines, paths, large)
    told = {name: {kind: timing.spread(took) for kind, took in kinds.items() if took} for name, kinds in times.items()}
    garments = len(engines["app"].gallery)
    return {
        "photos": pictures.told(asked.photos, SIZE), "neighbours": NEIGHBOURS, "gallery": garments,
        "runtimes": {name: engine.runtime for name, engine in engines.items()}, "times": told,
        "start": starts, "verdicts": judged(told["app"]),
    }  # fmt: skip


def _answered(engines: Mapping[str, Any], paths: Sequence[Path], large: Sequence[Path]) -> dict[str, dict[str, list[float]]]:
    """Seconds by engine and kind. The engines answer in turn, photo by photo; the first few answers warm up."""
    from benchmarks.visitor import Visitor, uploaded

    times: dict[str, dict[str, list[float]]] = {name: {kind: [] for kind in KINDS} for name in engines}
    with uploaded([*paths, *large]) as files, tempfile.TemporaryDirectory() as kept:
        visitors = {name: Visitor(engine, Path(kept, name), NEIGHBOURS) for name, engine in engines.items()}
        for file in files[:WARM]:
            for visitor in visitors.values():
                visitor.sends(file)
                visitor.changes(0)
                visitor.waits()
        for number, file in enumerate(files):
            kind = "photo" if number < len(paths) else "large"
            for name in list(visitors)[:: 1 if number % 2 else -1]:
                times[name][kind].append(visitors[name].sends(file))
                if kind == "photo" and number < CHANGED:
                    times[name]["attribute"] += visitors[name].changes(number)
                visitors[name].waits()
        for visitor in visitors.values():
            visitor.leaves()
    return times


def _fresh(photo: Path, cores: int) -> dict[str, float]:
    """What a new process says of its first answer."""
    line = [sys.executable, __file__, "--first", str(photo), "--cores", str(cores)]
    return json.loads(subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])


def first_answer(photo: Path) -> dict[str, float]:
    """Seconds of the first answer of this process, of what comes before it, and of the answer after it."""
    from benchmarks import engines as by_runtime
    from benchmarks.visitor import Visitor, uploaded

    began = time.perf_counter()
    engine = by_runtime.opened()
    with tempfile.TemporaryDirectory() as kept, uploaded([photo]) as (file,):
        visitor = Visitor(engine, Path(kept, "page"), NEIGHBOURS)
        ready = time.perf_counter() - began
        first, second = visitor.sends(file), visitor.sends(file)
        change = visitor.changes(0)[0]
        visitor.leaves()
    told = {"ready": ready, "first": first, "second": second, "first_change": change}
    return {name: round(took, 4) for name, took in told.items()} | {"peak_mb": round(machine.peak_mb())}


def judged(times: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """What was asked of the app's own runtime, in milliseconds."""
    words = {"median_ms": "median", "p99_ms": "99th percentile"}
    return [timing.verdict(f"{KINDS[kind]}: {words[key]} in ms", times[kind][key], most=most) for kind, key, most in ASKED]


def markdown(found: Mapping[str, Any]) -> str:
    """Times by runtime and kind, the first answers, then what was asked."""
    runtimes = found["runtimes"]
    heads = ("", "runtime", "answers", "median (ms)", "99th percentile (ms)", "longest (ms)")
    rows = []
    for kind, said in KINDS.items():
        for name, kinds in found["times"].items():
            if told := kinds.get(kind):
                figures = (timing.figure(told[key]) for key in ("median_ms", "p99_ms", "most_ms"))
                rows.append((said, runtimes[name], f"{told['count']:,}", *figures))
    note = f"Photos: {found['photos']}; {found['neighbours']} of {found['gallery']:,} garments are shown."
    said = " ".join((note, *([_first_told(found["start"])] if found["start"] else []), timing.ran_on(found)))
    return "\n\n".join((tables.table(heads, rows), timing.verdicts(found["verdicts"]), said))


def _first_told(starts: Sequence[Mapping[str, float]]) -> str:
    middle = {name: statistics.median(start[name] for start in starts) for name in starts[0]}
    first, second, change = (1e3 * middle[name] for name in ("first", "second", "first_change"))
    return (
        f"In a fresh process the first answer takes {first:.0f} ms, the second {second:.0f} ms and the first change of "
        f"attribute {change:.0f} ms, {middle['ready']:.1f} s after its imports began; {middle['peak_mb']:,.0f} MB at most."
    )


if __name__ == "__main__":
    main()
