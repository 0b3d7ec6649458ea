"""A folder of mixed files indexed undisturbed, and again while it is killed five times: both galleries must be the same.

python benchmarks/own_catalogue.py --data DIR --out DIR [--files 10000] [--kills 5] [--threads 2] [--checkpoint DIR]
python benchmarks/own_catalogue.py --again

--data holds folders with images/ (photos at any depth). In --out the folder of files is made once, one in twenty of them
broken, doubled, unreadable or hostile (mixed_files.py), and both galleries. Stopped at any time, the same line goes on. Every
run is a process of its own; the kills are SIGKILL at moments drawn by --seed, the last one while the gallery is written. What a
killed run had reported saved is read from its journal and held against the gallery in the end. Then some files are renamed,
removed, changed and added, and the gallery is brought up to date. Keeps the figures in own_catalogue.json and writes the table
between the markers of README.md (<!-- own_catalogue: run -->); --again only writes that.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from benchmarks import machine, markers, mixed_files, own_galleries, tables  # noqa: E402

FOUND, PAGE = ROOT / "benchmarks" / "own_catalogue.json", ROOT / "README.md"
ODD, EACH_CHANGE = 20, 100
"""One file in so many is not simply a photo; one in so many is renamed, removed, changed and added each before the update."""


def main() -> None:
    asked = _arguments()
    if asked.run:
        return _indexed(asked)
    if not asked.again:
        if not asked.data or not asked.out:
            raise SystemExit("Give --data and --out, or --again.")
        text = json.dumps(measured(asked), indent=1)
        print(text)
        markers.write(FOUND, text + "\n")
    markers.fill(PAGE, {"run": table(json.loads(FOUND.read_text(encoding="utf-8")))}, "own_catalogue")


def _arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, help="keeps the files and the galleries")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--again", action="store_true", help="write the table again, measure nothing")
    parser.add_argument("--run", nargs=2, metavar=("PHOTOS", "GALLERY"), help=argparse.SUPPRESS)  # what is killed
    return parser.parse_args(given)


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """Make what is missing in --out, run, and compare. Raises: SystemExit where anything is not as it must be."""
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted = made(asked)
    whole, resumed = asked.out / "whole", asked.out / "killed"
    undisturbed = _report(whole) or _run(asked, asked.out / "photos", whole)
    outcome(undisturbed, whole, wanted)
    kills = killed(asked, resumed)
    last = _report(resumed) or _run(asked, asked.out / "photos", resumed)
    there = own_galleries.digests(resumed)
    lost = [key for kill in kills for key, digest in kill.pop("kept").items() if there.get(key) != digest]
    alike = own_galleries.same(whole, resumed) | {"left_out": undisturbed["left_out"] == last["left_out"]}
    if lost or not all(alike.values()) or len(kills) < asked.kills:
        raise SystemExit(f"{len(lost)} of what was saved is lost; {alike}; {len(kills)} kills: {kills}")
    update = updated(asked, resumed)
    return {
        "files": asked.files, "items": undisturbed["items"], "left_out": len(undisturbed["left_out"]),
        "copies": len(undisturbed["copies"]), "near": len(undisturbed["near"]), "looked": undisturbed["looked"],
        "seconds": undisturbed["seconds"], "per_second": round(undisturbed["looked"] / undisturbed["looking"], 1),
        "peak_mb": undisturbed["peak_mb"], "kills": kills, "looked_after_kills": last["looked"], "lost": len(lost),
        "same": alike, "update": update, "threads": asked.threads, "seed": asked.seed, **machine.facts(),
    }  # fmt: skip


def made(asked: argparse.Namespace) -> dict[str, str]:
    """The folder of files in --out, and what should become of each."""
    note, folder = asked.out / "made.json", asked.out / "photos"
    if note.exists():
        wanted = json.loads(note.read_text(encoding="utf-8"))
        if len(wanted) != asked.files:
            raise SystemExit(f"{asked.out} was made with {len(wanted)} files; give --files {len(wanted)}, or another --out.")
        return wanted
    shutil.rmtree(folder, ignore_errors=True)
    photos = sorted(p for p in asked.data.glob("*/images/**/*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    photos.sort(key=lambda p: hashlib.sha256(p.name.encode()).digest())
    if len(photos) < asked.files:
        raise SystemExit(f"{asked.data} has {len(photos)} photos, {asked.files} are needed.")
    wanted = mixed_files.make(folder, photos, asked.files, asked.files // ODD, asked.seed)
    markers.write(note, json.dumps(wanted))
    return wanted


def outcome(report: Mapping[str, Any], gallery: Path, wanted: Mapping[str, str]) -> None:
    """Raises: SystemExit where a file did not become what it should."""
    items = {row.id for row in own_galleries.rows(gallery)}
    found = {**dict.fromkeys(items, mixed_files.ITEM), **dict.fromkeys(report["left_out"], mixed_files.LEFT_OUT)}
    wrong = {n: (w, found.get(n, mixed_files.IGNORED)) for n, w in wanted.items() if found.get(n, mixed_files.IGNORED) != w}
    if wrong or set(found) - set(wanted):
        raise SystemExit(
            f"These are not what they should be: {dict(list(wrong.items())[:9])}, {list(set(found) - set(wanted))[:9]}"
        )


def killed(asked: argparse.Namespace, gallery: Path) -> list[dict[str, Any]]:
    """Start and kill runs until there were as many as asked for; of each what it had said and what is kept on disk."""
    note = asked.out / "kills.json"
    done: list[dict[str, Any]] = json.loads(note.read_text(encoding="utf-8")) if note.exists() else []
    rng = random.Random(asked.seed + 1)
    at = sorted(rng.uniform(0.05, 0.98) for _ in range(asked.kills - 1))
    moments = [("Looking at photos", share) for share in at] + [(rng.choice(("Comparing photos", "Writing vectors")), 0.0)]
    waits = [rng.uniform(0, 1.0) for _ in at] + [0.0]
    for moment, wait in list(zip(moments, waits, strict=True))[len(done) :]:
        done.append(_kill(asked, gallery, *moment, wait))
        if set(done[-1]["kept"]) < {key for kill in done[:-1] for key in kill["kept"]}:
            raise SystemExit(f"Kill {len(done)} lost what was kept before it.")
        markers.write(note, json.dumps(done))
    return done


def _kill(asked: argparse.Namespace, gallery: Path, doing: str, share: float, wait: float) -> dict[str, Any]:
    """One run that is killed a little after it was that far; nobody tells it."""
    process, said, saved = _started(asked, asked.out / "photos", gallery), {"doing": "", "done": 0}, 0
    for line in process.stdout or ():
        said = json.loads(line)
        saved = max(saved, said["saved"])
        if said["doing"] == doing and said["done"] >= share * said["total"]:
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
            break
    for line in process.stdout or ():  # what it had still said in the meantime
        if line.endswith("\n"):
            said = json.loads(line)
            saved = max(saved, said["saved"])
    if process.wait() != -signal.SIGKILL:
        raise SystemExit(f"The run ended with {process.returncode} before it could be killed; last: {said}")
    kept = own_galleries.kept(gallery)
    if len(kept) < saved:
        raise SystemExit(f"The run had reported {saved} saved, {len(kept)} are there.")
    return {"doing": said["doing"], "done": said["done"], "saved": saved, "there": len(kept), "kept": kept}


def updated(asked: argparse.Namespace, gallery: Path) -> dict[str, Any]:
    """Rename, remove, change and add some files in a copy of the folder, and bring a copy of the gallery up to date."""
    folder, out, count = asked.out / "changed", asked.out / "updated", max(1, asked.files // EACH_CHANGE)
    for path in (folder, out):
        shutil.rmtree(path, ignore_errors=True)
    subprocess.run(["cp", "-al", str(asked.out / "photos"), str(folder)], check=True)
    shutil.copytree(gallery, out)
    plain = sorted(p for p in folder.rglob("*.jpg") if "odd" not in p.relative_to(folder).parts)
    random.Random(asked.seed + 2).shuffle(plain)
    renamed, removed, changed, added = (plain[i * count : (i + 1) * count] for i in range(4))
    for path in renamed:
        path.rename(path.with_name(f"renamed {path.name}"))
    for path in removed:
        path.unlink()
    for number, path in enumerate([*changed, *(p.with_name(f"new {p.name}") for p in added)]):
        data = plain[-1 - number].read_bytes() + b"\0" * (number + 1)  # the same picture, other content
        path.unlink(missing_ok=True)  # or the original, which is the same file, would change too
        path.write_bytes(data)
    report = _run(asked, folder, out)
    keys = ("added", "changed", "renamed", "removed", "kept", "looked", "seconds")
    return {"each": count, **{key: report[key] for key in keys}}


def _report(gallery: Path) -> dict[str, Any] | None:
    path = gallery.with_name(f"{gallery.name}.json")
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _run(asked: argparse.Namespace, photos: Path, gallery: Path) -> dict[str, Any]:
    """A run to its end, in a process of its own, with its progress on stderr; its report is kept beside the gallery."""
    process, looking, since = _started(asked, photos, gallery), 0.0, time.perf_counter()
    for line in process.stdout or ():
        said = json.loads(line)
        if said["doing"] == "Looking at photos":
            looking = said["at"]
        speed = f"{said['per_second']:.1f} a second" if said["per_second"] else ""
        print(f"\r{gallery.name}: {said['doing']} {said['done']:,}/{said['total']:,} {speed:20}", end="", file=sys.stderr)
    print(f"\r{gallery.name}: {time.perf_counter() - since:.0f} s{' ' * 60}", file=sys.stderr)
    if process.wait():
        raise SystemExit(f"The run ended with {process.returncode}.")
    found = json.loads((gallery.parent / "report.json").read_text(encoding="utf-8")) | {"looking": looking}
    markers.write(gallery.with_name(f"{gallery.name}.json"), json.dumps(found))
    return found


def _started(asked: argparse.Namespace, photos: Path, gallery: Path) -> subprocess.Popen[str]:
    line = [sys.executable, __file__, "--out", str(asked.out), "--run", str(photos), str(gallery)]
    line += ["--checkpoint", str(asked.checkpoint)] if asked.checkpoint else []
    environment = {**os.environ, "OMP_NUM_THREADS": str(asked.threads), "OMP_WAIT_POLICY": "PASSIVE"}
    return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True)


def _indexed(asked: argparse.Namespace) -> None:
    """What is killed: one run that says how far it is, and leaves its report."""
    from asen_core.engine import Engine
    from asen_core.indexing import Progress, index

    photos, gallery = map(Path, asked.run)
    engine, since = Engine.open(asked.checkpoint, device="cpu"), time.perf_counter()

    def each(now: Progress) -> None:
        print(json.dumps({**vars(now), "at": round(time.perf_counter() - since, 3)}), flush=True)

    report = index(engine, photos, gallery, asked.out / "labels.csv", maps=False, each=each)
    markers.write(asked.out / "report.json", json.dumps({**report.to_json(), "peak_mb": round(machine.peak_mb())}))


def table(found: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    kills, update, alike = found["kills"], found["update"], found["same"]
    did = ", ".join(f"{update[k]:,} {k}" for k in ("renamed", "removed", "changed", "added"))
    rows: Sequence[Sequence[str]] = [
        ("files in the folder", f"{found['files']:,}"),
        ("items, and files left out with a reason", f"{found['items']:,} and {found['left_out']:,}"),
        ("time", f"{found['seconds'] / 60:.1f} minutes on {found['threads']} cores"),
        ("photos a second", f"{found['per_second']:.1f}"),
        ("memory", f"{found['peak_mb'] / 1000:.1f} GB"),
        (
            "killed after so many files",
            ", ".join(f"{k['done']:,}" if k["doing"][:7] == "Looking" else "while writing" for k in kills),
        ),
        ("reported saved and lost by a kill", f"{found['lost']} of {max(k['saved'] for k in kills):,}"),
        ("gallery the same as undisturbed, to the bit", "all" if all(alike.values()) else "not all"),
        (f"then {did}", f"{update['looked']:,} looked at, {update['seconds']:.0f} s"),
    ]
    return tables.table(("own catalogue", "measured"), rows)


if __name__ == "__main__":
    main()
