"""A crowd at the page: 100 visitors for 10 minutes send photos, change attributes, choose results, compare, leave; others come.

python benchmarks/load.py [--visitors 100] [--minutes 10] [--photos DIR] [--think 1] [--seed 0] [--out FILE]
python benchmarks/load.py --again

Starts `python app.py` as a process of its own, with a folder of its own for temporary files, and plays the visitors through the
routes that a browser uses: each has a session, an open page, uploads its photo and reads the stream of answers. Answers are
compared with what the engine says of the same photo (worked out before, in another process). Photos: those of --photos, else
the samples of the page, cut and turned. Memory of the server (resident, with its children) is read every second; growth is
the median of the last fifth of the run against that of the second. At the end all leave, and the temporary files have to go.

Visitors think for 2 to 10 seconds between clicks; --think makes that longer or shorter (0.1: a tenth).

Exit code 1 where a rule is broken: an error that is no clear "Busy: ...", a wrong answer, more than 32 waiting, somebody
overtaken by more than 3, memory growing by 5 % or more, a temporary file left. Keeps the figures in benchmarks/load.json and
writes the table between the markers of README.md (<!-- speed: load -->); --again only writes the table of the last run;
--out keeps them elsewhere and leaves README.md alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from benchmarks import load_figures, machine, markers  # noqa: E402
from benchmarks.load_server import emptied, resident, server, watched  # noqa: E402
from benchmarks.load_visit import Seen, expectations, photos_of, visit  # noqa: E402
from benchmarks.load_visitor import Door, Heard, Page, Visitor  # noqa: E402

FOUND, PAGE = ROOT / "benchmarks" / "load.json", ROOT / "README.md"


def main() -> None:
    asked = _arguments()
    out = asked.out or FOUND
    if not asked.again:
        found = measured(asked)
        markers.write(out, json.dumps(found, indent=1) + "\n")
        print(json.dumps({k: v for k, v in found.items() if k != "readings"}, indent=1))
    found = json.loads(out.read_text(encoding="utf-8"))
    if not asked.out:
        markers.fill(PAGE, {"load": load_figures.table(found)}, "speed")
    for rule in found["broken"]:
        print("BROKEN:", rule, file=sys.stderr)
    sys.exit(bool(found["broken"]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--think", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--again", action="store_true")
    return parser.parse_args()


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """One run, with the rules that it broke."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        photos = photos_of(asked.photos, Path(folder) / "photos", asked.seed)
        expected = expectations(photos)
        kept = Path(folder) / "kept"
        kept.mkdir()
        with server(kept) as (home, process):
            heard, readings = asyncio.run(played(home, process.pid, kept, Seen(photos, expected, asked.think), asked))
            cleared, left = emptied(kept, 600.0)
            after = resident(process.pid)
    run = {
        "machine": machine.facts(asked.seed), "visitors": asked.visitors, "minutes": asked.minutes, "think": asked.think,
        **load_figures.summed(heard, [(t, mb) for t, mb, _ in readings]),
        "most_files": max((count for *_, count in readings), default=0), "files_left": len(left), "left": left[:5],
        "cleared": round(cleared, 1), "memory_after": round(after),
    }  # fmt: skip
    return {**run, "broken": load_figures.broken(run)}


async def played(
    home: str, pid: int, kept: Path, seen: Seen, asked: argparse.Namespace
) -> tuple[Heard, list[tuple[float, float, int]]]:
    """What the visitors heard, and (second, MB, temporary files) every few seconds."""
    end = time.monotonic() + 60 * asked.minutes
    # Kept no longer than the server does (5 s): a browser asks once more where both let go at once.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=2 * asked.visitors, keepalive_expiry=2)
    async with httpx.AsyncClient(timeout=120, limits=limits) as http:
        door = Door(http, home, Page((await http.get(home + "config")).json()), Heard())
        watching = asyncio.create_task(watched(pid, kept, end))
        await asyncio.gather(*(_one_after_another(door, seen, end, asked.seed + n) for n in range(asked.visitors)))
        return door.heard, await watching


async def _one_after_another(door: Door, seen: Seen, end: float, seed: int) -> None:
    drawn = random.Random(seed)
    await asyncio.sleep(drawn.uniform(0, 5))
    while time.monotonic() < end:
        door.heard.visits += 1
        async with Visitor(door) as visitor:
            await visit(visitor, drawn, seen, end)


if __name__ == "__main__":
    main()
