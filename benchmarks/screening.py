"""Screening real photos against a catalogue of real photos: how long it takes, and that a kill loses nothing.

python benchmarks/screening.py --data DIR --out DIR [--items 5000] [--suspects 500] [--threads 2]
python benchmarks/screening.py --again

--data holds products/ and clothing_photos/, each with labels.csv (columns image and split) and the photos. The catalogue is
made of train photos of products, once, in --out, where it is kept for the next run. Suspects are test photos of products and
valid photos of clothing_photos, half of each; every tenth suspect is a protected photo, mirrored and cropped, so that the queue
has something to find. One run goes through; another is killed after half of them, having decided some hits, goes
on, and is compared with the first. Keeps the figures in benchmarks/screening.json and writes the table between the markers of
README.md (<!-- screening: run -->); --again only writes the table of the last measurement.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from benchmarks import machine, markers, tables  # noqa: E402

FOUND, PAGE = ROOT / "benchmarks" / "screening.json", ROOT / "README.md"
DECIDED = 40
COPIES = 10
"""Every so manieth suspect is an altered protected photo."""


def main() -> None:
    asked = _arguments()
    if asked.go_on:
        _screened(asked)
        return
    if not asked.again:
        if not asked.data or not asked.out:
            raise SystemExit("Give --data and --out, or --again.")
        text = json.dumps(measured(asked), indent=1)
        print(text)
        markers.write(FOUND, text + "\n")
    markers.fill(PAGE, {"run": table(json.loads(FOUND.read_text(encoding="utf-8")))}, "screening")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, help="keeps the catalogue, the suspects and the cases")
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--suspects", type=int, default=500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="write the table again, measure nothing")
    parser.add_argument("--go-on", metavar="CASE", help=argparse.SUPPRESS)  # what the runs that may be killed are called with
    parser.add_argument("--half", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """Make what is missing in --out, screen twice and compare."""
    from asen_core.review.cases import Cases

    asked.out.mkdir(parents=True, exist_ok=True)
    built = indexed(asked)
    gathered(asked)
    (asked.out / "cases.sqlite").unlink(missing_ok=True)
    whole = _run(asked, "whole")
    killed = _run(asked, "killed", half=True)
    cases = Cases.open(asked.out / "cases.sqlite")
    case = cases.case("killed")
    before, said = case.counts(), case.decisions()
    if killed["code"] != -signal.SIGKILL or not 0 < before.screened < asked.suspects:
        raise SystemExit(f"The run was not killed half-way: code {killed['code']}, {before}.")
    resumed = _run(asked, "killed")
    after = {
        "screened_before": before.screened, "decided_before": len(said),
        "decisions_lost": len(set(said) - set(case.decisions())),
        "seconds_resumed": resumed["seconds"], "same_as_uninterrupted": same(cases.case("whole"), case),
    }  # fmt: skip
    numbers = {"items": asked.items, "suspects": asked.suspects, "threads": asked.threads}
    timed = {**{k: whole[k] for k in ("seconds", "reports", "longest_wait", "peak_mb")}, "catalogue_seconds": built}
    return {**numbers, **timed, "killed": after, "queue": queued(cases.case("whole")), **machine.facts()}


def indexed(asked: argparse.Namespace) -> float | None:
    """The catalogue in --out, made by `index` where it is missing; seconds, None where it was there."""
    if (asked.out / "gallery").exists():
        return None
    for source, name in _listed(asked.data / "products", "train", asked.items):
        _linked(source, asked.out / "protected" / name)
    began = time.perf_counter()
    line = ("index", "--images", asked.out / "protected", "--out", asked.out / "gallery", "--no-maps")
    subprocess.run([sys.executable, "-m", "asen_core", *map(str, line)], cwd=ROOT, check=True)
    return round(time.perf_counter() - began, 1)


def gathered(asked: argparse.Namespace) -> None:
    """The suspects in --out: photos that no catalogue holds, and altered protected ones."""
    folder = asked.out / "suspects"
    copies = asked.suspects // COPIES
    rest = asked.suspects - copies
    for dataset, split, count in (("products", "test", rest - rest // 2), ("clothing_photos", "valid", rest // 2)):
        for source, name in _listed(asked.data / dataset, split, count):
            _linked(source, folder / dataset / name)
    (folder / "altered").mkdir(parents=True, exist_ok=True)
    for source in sorted((asked.out / "protected").iterdir())[:copies]:
        place = folder / "altered" / f"{source.stem}.jpg"
        if not place.exists():
            photo = Image.open(source).convert("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            w, h = photo.size
            photo.crop((round(0.05 * w), round(0.05 * h), round(0.95 * w), round(0.95 * h))).save(place, quality=70)


def _listed(folder: Path, split: str, count: int) -> Iterator[tuple[Path, str]]:
    """So many photos of a part, drawn by a hash of their names."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8-sig") as file:
        images = [row["image"] for row in csv.DictReader(file) if row["split"] == split]
    if len(images) < count:
        raise SystemExit(f"{folder} has {len(images)} photos of the part {split}, {count} are needed.")
    drawn = sorted(images, key=lambda i: hashlib.sha256(i.encode()).digest())[:count]
    return ((folder / i, Path(i).name) for i in drawn)


def _linked(source: Path, place: Path) -> None:
    if not source.is_file():
        raise SystemExit(f"{source} is listed but not there.")
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        place.symlink_to(source.resolve())


def _run(asked: argparse.Namespace, case: str, half: bool = False) -> dict[str, Any]:
    """One run of `_screened` in a process of its own; its figures, and how it ended."""
    line = ["--out", str(asked.out), "--suspects", str(asked.suspects), "--threads", str(asked.threads), "--go-on", case]
    environment = {**os.environ, "OMP_NUM_THREADS": str(asked.threads)}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, *line, *(["--half"] if half else [])], env=environment, capture_output=True, text=True
    )
    if done.returncode not in (0, -signal.SIGKILL):
        raise SystemExit(done.stderr)
    last = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {}
    return {"code": done.returncode, "seconds": round(time.perf_counter() - began, 1), **last}


def _screened(asked: argparse.Namespace) -> None:
    """Screen a case, new or not, to its end; with --half decide some hits on the way and be killed, as by a power cut."""
    from asen_core.engine import Engine
    from asen_core.errors import CaseError
    from asen_core.review.cases import Cases
    from asen_core.review.screening import Progress, screen

    engine, cases = Engine.open(gallery=asked.out / "gallery", device="cpu"), Cases.open(asked.out / "cases.sqlite")
    try:
        case = cases.case(asked.go_on)
    except CaseError:
        case = cases.create(asked.go_on, engine.gallery, time=datetime.now(UTC))
    times: list[float] = []

    def told(progress: Progress) -> None:
        times.append(time.perf_counter())
        if asked.half and progress.done >= progress.total // 2:
            for q in case.queue(limit=DECIDED):
                case.decide(q.top, "unsure", "benchmark", datetime.now(UTC))
            os.kill(os.getpid(), signal.SIGKILL)

    screen(engine, case, [asked.out / "suspects"], progress=told)
    waits = [b - a for a, b in pairwise(times)]
    longest, peak = round(max(waits, default=0), 2), round(machine.peak_mb())
    print(json.dumps({"reports": len(times), "longest_wait": longest, "peak_mb": peak}))


def same(first: Any, second: Any) -> dict[str, Any]:
    """Whether two cases found the same items, and how far their similarities are apart."""
    a, b = (
        {(n[h.suspect], h.attribute, h.rank): (h.item, h.similarity) for h in case.hits()}
        for case, n in ((c, {s.id: s.name for s in c.suspects()}) for c in (first, second))
    )
    apart = max((abs(a[k][1] - b[k][1]) for k in a.keys() & b.keys()), default=1.0)
    items = a.keys() == b.keys() and all(a[k][0] == b[k][0] for k in a)
    return {"hits": len(a), "items": items, "similarity_apart": apart}


def queued(case: Any) -> dict[str, Any]:
    """What the thresholds leave, and where the altered photos stand in the queue."""
    items = case.catalogue.items
    passing = {str(p): len(case.queue(percentile=p)) for p in (99, 99.9, 99.99)}
    order = [q.suspect.name for q in case.queue(percentile=0)]
    places = [i for i, name in enumerate(order, 1) if name.startswith("altered/")]
    closest = {s.name: h.item for s in case.suspects() for h in case.hits(s) if (h.attribute, h.rank) == ("overall", 1)}
    right = sum(Path(closest[n]).stem == Path(n).stem for n in closest if n.startswith("altered/"))
    stand = dict.fromkeys(("neckline", "overall"), 0)
    for h in case.hits():
        if h.attribute in stand and h.rank == 1 and (h.in_catalogue(items) or 0) >= 95:
            stand[h.attribute] += 1
    return {
        "passing": passing, "altered": len(places), "altered_first_overall": right, "median_place": statistics.median(places),
        "closest_of_catalogue_95": stand,
    }  # fmt: skip


def table(found: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    killed, queue = found["killed"], found["queue"]
    same = killed["same_as_uninterrupted"]
    rows: Sequence[Sequence[str]] = [
        ("suspects among protected items", f"{found['suspects']:,} among {found['items']:,}"),
        ("time", f"{found['seconds'] / 60:.1f} minutes on {found['threads']} cores"),
        ("longest wait between two reports of progress", f"{found['longest_wait']:.1f} s"),
        ("memory", f"{found['peak_mb'] / 1000:.1f} GB"),
        ("killed when so many were screened", f"{killed['screened_before']}"),
        ("decisions lost by the kill", f"{killed['decisions_lost']} of {killed['decided_before']}"),
        ("hits the same as uninterrupted", f"{'all' if same['items'] else 'not all'} of {same['hits']:,}"),
        ("altered protected photos whose original is first overall", f"{queue['altered_first_overall']} of {queue['altered']}"),
    ]
    return tables.table(("screening", "measured"), rows)


if __name__ == "__main__":
    main()
