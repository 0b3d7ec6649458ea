"""Kills, flipped bytes, readers beside a writer: what is lost, what is wrong, what nobody notices. All three have to be none.

python benchmarks/faults.py [--rounds 20] [--flips 20] [--seconds 30] [--readers 2] [--seed 0] [--out DIR]
python benchmarks/faults.py --again

Indexing, training, screening and converting, each small and on drawn garments: done once undisturbed, then --rounds times
killed (SIGKILL) at a moment drawn evenly from that time, gone on with, and held against the undisturbed one to the bit. Lost is
what a run had reported saved before it was killed and that is not on the disk. Then --flips random bytes in every file of a
model and of a gallery (with an index of cells, maps, pairs and prints), one at a time: noticed, and the file named, by loading,
by `check`, and when the gallery is opened? Last, --readers processes search a gallery for --seconds while another writes one
generation after the other, and a third that would write has to be refused. Every run is a fork of this process, which itself
does no work. Writes benchmarks/faults.json and the table between the markers of README.md (<!-- speed: faults -->); --again
only writes that. The exit code is 1 where anything is lost, wrong, unnoticed or not refused. --out keeps what was made.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # threads of a parent don't survive a fork
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from benchmarks import fault_flips, fault_jobs, fault_kills, fault_readers, machine, markers, tables  # noqa: E402

FOUND, PAGE = ROOT / "benchmarks" / "faults.json", ROOT / "README.md"
Found = Mapping[str, Any]


def main() -> None:
    asked = _arguments()
    if not asked.again:
        with tempfile.TemporaryDirectory() as place:
            found = measured(asked, asked.out or Path(place))
        text = json.dumps(found, indent=1)
        print(text)
        markers.write(FOUND, text + "\n")
    found = json.loads(FOUND.read_text(encoding="utf-8"))
    markers.fill(PAGE, {"faults": table(found)}, "speed")
    if said := faults(found):
        raise SystemExit(said)


def _arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="kills of each kind of work")
    parser.add_argument("--flips", type=int, default=20, help="bytes of each file")
    parser.add_argument("--seconds", type=float, default=30.0, help="of reading beside a writer")
    parser.add_argument("--readers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a new folder that keeps what was made")
    parser.add_argument("--again", action="store_true", help="write the table again, measure nothing")
    return parser.parse_args(given)


def measured(asked: argparse.Namespace, home: Path) -> dict[str, Any]:
    """Everything below a folder that is empty."""
    since = time.perf_counter()
    home.mkdir(parents=True, exist_ok=True)
    if any(home.iterdir()):
        raise SystemExit(f"{home} is not empty; give a new folder with --out.")
    fault_kills.forked(lambda: fault_jobs.prepare(home, asked.seed))
    kills = {}
    for number, job in enumerate(fault_jobs.JOBS):
        rng = random.Random(100 * asked.seed + number)
        kills[job.name] = fault_kills.rounds(job, home, home / job.name, asked.rounds, rng)
    flips = fault_kills.forked(lambda: fault_flips.measured(home, home / "model", asked.flips, asked.seed))
    read = fault_readers.measured(home, asked.seconds, asked.readers, asked.seed)
    return {
        "rounds": asked.rounds, "kills": kills, "flips": flips, "beside a writer": read, "seed": asked.seed,
        "seconds": round(time.perf_counter() - since), **machine.facts(),
    }  # fmt: skip


def faults(found: Found) -> str:
    """What should not have been, in one line; "" where there is nothing."""
    said = [f"{name}: {k['lost']} lost, {k['wrong']} wrong" for name, k in found["kills"].items() if k["lost"] or k["wrong"]]
    said += [f"{name}: {k['kills']} kills" for name, k in found["kills"].items() if k["kills"] < found["rounds"]]
    for place in ("model", "gallery"):
        for name, row in found["flips"][place].items():
            if row[fault_flips.OTHER] or row[fault_flips.SILENT]:
                said.append(f"{name}: {row[fault_flips.SILENT]} flips unnoticed, {row[fault_flips.OTHER]} without its name")
    read = found["beside a writer"]
    if read["errors"] or read["wrong"] or not read["searches"]:
        said.append(f"beside a writer: {read['searches']} searches, {read['errors']} errors, {read['wrong']} wrong")
    if (second := read["second_writer"])["named"] != second["tried"]:
        said.append(f"a second writer: {second['named']} of {second['tried']} times refused by name")
    return "; ".join(said)


def table(found: Found) -> str:
    """The figures as Markdown."""
    rows = []
    for name, k in found["kills"].items():
        held = f"{k['lost']} of what {k['saved_before']} runs had reported saved is lost, {k['wrong']} end differently"
        rows.append((f"killed while {name}, at a random moment, then started again", f"{k['kills']}", held))
    for place, told in (("model", "loading"), ("gallery", "`check`")):
        named, all_ = _flips(found["flips"][place])
        files = len(found["flips"][place])
        rows.append(
            (f"byte flipped in a {place} ({files} kinds of files)", f"{all_:,}", f"{named:,} noticed, file named by {told}")
        )
    opening = {name: row for name, row in found["flips"]["opening"].items() if name != "pictures"}
    named, all_ = _flips(opening)
    rows.append(("the same in all but its pictures, when it is opened and used", f"{all_:,}", f"{named:,} noticed, file named"))
    read = found["beside a writer"]
    held = f"{read['errors']} errors, {read['wrong']} wrong answers"
    made = f"search by {read['readers']} processes while another writes {read['generations']} generations"
    rows.append((made, f"{read['searches']:,}", held))
    second = read["second_writer"]
    rows.append(
        ("second writer of the same gallery", f"{second['tried']:,}", f"{second['named']:,} refused, the first one named")
    )
    return tables.table(("fault", "times", "outcome"), rows)


def _flips(counts: Mapping[str, Mapping[str, int]]) -> tuple[int, int]:
    """How many were noticed by name, and of how many."""
    return sum(row[fault_flips.NAMED] for row in counts.values()), sum(sum(row.values()) for row in counts.values())


if __name__ == "__main__":
    main()
