"""Coverage-guided fuzzing of everything that strangers' bytes come through: photos, tables, galleries, models, archives, ...

python benchmarks/fuzz.py [--minutes 60] [--targets photo table ...] [--corpus DIR]
python benchmarks/fuzz.py --corpus DIR --keep
python benchmarks/fuzz.py --again

Every target (`fuzz_targets.TARGETS`) runs in a process of its own under atheris (libFuzzer; Python code is looked into, what
is behind it in C is not) for its share of the minutes, beginning with drawn garments and small files made by hand and with
what tests/corpus holds. A finding is an error that the door doesn't document, an outcome that is not as promised, a message
that is no sentence, more than 10 seconds or the target's megabytes for one input, or the end of the process; its input is kept
beside the corpus, and the target goes on. Prints JSON; writes benchmarks/fuzz.json and the table between the markers of
README.md (<!-- speed: fuzz -->). The second line reduces a corpus to what reaches all that it reaches and puts the small files
into tests/corpus, which the tests play again. The third writes the table of the last run again.

Needs atheris, on Linux: pip install atheris
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from benchmarks import machine, markers, tables  # noqa: E402
from benchmarks.fuzz_targets import TARGETS  # noqa: E402

FOUND, PAGE, KEPT = ROOT / "benchmarks" / "fuzz.json", ROOT / "README.md", ROOT / "tests" / "corpus"
SECONDS, SEED = 10, 7
"""For one input; where its chances begin."""
KEPT_EACH, KEPT_FILE = 50_000, 25_000
"""Bytes that tests/corpus keeps of a target and of one file."""
_STATUS = re.compile(r"^#(\d+)\t.*?cov: (\d+).*?(?:corp: (\d+))?/", re.M)
_ENDED = re.compile(r"^stat::(\w+):\s+(\d+)", re.M)


def main() -> None:
    asked = _arguments()
    if not asked.again and importlib.util.find_spec("atheris") is None:
        raise SystemExit("Fuzzing needs atheris, which is missing; on Linux run: pip install atheris")
    with tempfile.TemporaryDirectory(prefix="corpus-") as made:
        corpus = asked.corpus or Path(made)
        if asked.keep:
            print(json.dumps({name: keep(name, corpus) for name in asked.targets}, indent=1))
            return
        if not asked.again:
            found = [fuzzed(name, corpus, 60 * asked.minutes / len(asked.targets)) for name in asked.targets]
            markers.write(FOUND, json.dumps({**machine.facts(), "seed": SEED, "targets": found}, indent=1) + "\n")
    told = json.loads(FOUND.read_text(encoding="utf-8"))
    markers.fill(PAGE, {"fuzz": markdown(told)}, "speed")
    print(json.dumps(told, indent=1))
    if any(target["findings"] for target in told["targets"]):
        raise SystemExit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="of all targets together")
    parser.add_argument("--targets", nargs="+", default=list(TARGETS), choices=list(TARGETS))
    parser.add_argument("--corpus", type=Path, help="where inputs and findings are kept; else they go")
    parser.add_argument("--keep", action="store_true", help="put a reduced corpus into tests/corpus")
    parser.add_argument("--again", action="store_true", help="write the table again, fuzz nothing")
    return parser.parse_args()


def fuzzed(name: str, corpus: Path, seconds: float) -> dict[str, Any]:
    """One target for so long, begun again after each finding; its figures as plain JSON values."""
    here, found = corpus / name, corpus / f"{name}-findings"
    for folder in (here, found):
        folder.mkdir(parents=True, exist_ok=True)
    began, runs, errors = time.monotonic(), [], []
    keys = corpus / f"{name}.keys"
    keys.write_text("".join(f'"{_quoted(word)}"\n' for word in TARGETS[name].keys), encoding="utf-8")
    while (left := int(began + seconds - time.monotonic())) > 0 or not runs:
        flags = [
            f"-max_total_time={max(left, 1)}", f"-timeout={SECONDS}", f"-rss_limit_mb={TARGETS[name].megabytes + 500}",
            f"-max_len={TARGETS[name].longest}", f"-artifact_prefix={found}/", f"-seed={SEED + len(runs)}",
            "-print_final_stats=1", *([f"-dict={keys}"] if TARGETS[name].keys else []),
        ]  # fmt: skip
        done = _run(name, str(here), *([str(KEPT / name)] if (KEPT / name).is_dir() else []), *flags)
        runs.append(figures(done.stderr))
        if done.returncode:
            errors.append(what_of(done.stdout + done.stderr, done.returncode))
            print(f"{name}: {errors[-1]}", file=sys.stderr)
        if len(errors) > 5:
            break
    return {**summed(name, runs, errors), "seconds": round(time.monotonic() - began)}


def _run(name: str, *flags: str) -> subprocess.CompletedProcess[str]:
    inside = Path(__file__).with_name("fuzz_inside.py")
    env = {"OMP_NUM_THREADS": "1", **os.environ}
    return subprocess.run([sys.executable, inside, name, *flags], capture_output=True, text=True, errors="replace", env=env)


def _quoted(word: str) -> str:
    """As libFuzzer's dictionaries have it; escapes such as \\x00 stay."""
    return re.sub(r"\\(?!x[0-9a-f]{2})", r"\\\\", word.replace("\\t", "\\x09")).replace('"', '\\"')


def figures(said: str) -> dict[str, int]:
    """What libFuzzer printed: executions, edges, inputs of the corpus, seconds of the slowest input, peak megabytes."""
    status, ended = _STATUS.findall(said), dict(_ENDED.findall(said))
    last = status[-1] if status else ("0", "0", "0")
    return {
        "executions": int(ended.get("number_of_executed_units", last[0])), "edges": max((int(s[1]) for s in status), default=0),
        "corpus": max((int(s[2] or 0) for s in status), default=0),
        "slowest_seconds": int(ended.get("slowest_unit_time_sec", 0)), "peak_mb": int(ended.get("peak_rss_mb", 0)),
    }  # fmt: skip


def what_of(said: str, code: int) -> str:
    """The finding in a line: the error with the place that raised it, or what libFuzzer or the system said."""
    raised = re.search(r"=== Uncaught Python exception: ===\n(.*?)\n", said)
    places = re.findall(r'File "([^"]+)", line (\d+), in (\w+)', said.partition("Uncaught Python exception")[2])
    where = next((f"{Path(f).name}:{line} {name}" for f, line, name in reversed(places) if "asen_core" in f), "")
    ended = re.search(r"ERROR: libFuzzer: (.*)", said)
    return (raised[1] if raised else ended[1] if ended else f"ended with {code}")[:300] + (f" ({where})" if where else "")


def summed(name: str, runs: Sequence[Mapping[str, int]], errors: Sequence[str]) -> dict[str, Any]:
    """All runs of a target together: executions add up, of the rest the most counts."""
    most = {key: max(run[key] for run in runs) for key in ("edges", "corpus", "slowest_seconds", "peak_mb")}
    return {"target": name, "executions": sum(run["executions"] for run in runs), **most, "findings": list(errors)}


def keep(name: str, corpus: Path) -> dict[str, int]:
    """Reduce a target's corpus to what reaches all that it reaches, and put the small files of that into tests/corpus."""
    with tempfile.TemporaryDirectory(prefix="kept-") as made:
        _run(name, made, str(corpus / name), "-merge=1", f"-timeout={SECONDS}")
        files = sorted((p for p in Path(made).iterdir() if p.stat().st_size <= KEPT_FILE), key=lambda p: p.stat().st_size)
        (KEPT / name).mkdir(parents=True, exist_ok=True)
        held = {p.name: p.stat().st_size for p in (KEPT / name).iterdir()}
        for path in files:
            size = path.stat().st_size
            if path.name[:12] not in held and sum(held.values()) + size <= KEPT_EACH:
                (KEPT / name / path.name[:12]).write_bytes(path.read_bytes())
                held[path.name[:12]] = size
        return {"reaching": len(files), "kept": len(held)}


def markdown(found: Mapping[str, Any]) -> str:
    """The table of the README."""
    rows = [
        (t["target"].replace("_", " "), f"{t['executions']:,}", f"{t['edges']:,}", f"{t['corpus']:,}",
         f"{t['slowest_seconds']}", f"{t['peak_mb']:,}", str(len(t["findings"])))
        for t in found["targets"]
    ]  # fmt: skip
    heads = ("what is fuzzed", "inputs tried", "edges reached", "inputs kept", "slowest (s)", "peak memory (MB)", "findings")
    return tables.table(heads, rows)


if __name__ == "__main__":
    main()
