"""Times taken so that they can be compared: ways take turns in one run, and what is told is a ratio within each turn."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine, markers, tables

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "README.md"
FAMILY = "speed"
"""Of the markers on the page."""


def interleaved(ways: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way in each round, in turn: slow, fast, slow, fast, ... One round before warms up and isn't counted."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for number in range(rounds):
        names = list(ways) if number % 2 == 0 else list(ways)[::-1]  # else one would always run behind the same other
        for name in names:
            began = time.perf_counter()
            ways[name]()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def ratio(slow: Sequence[float], fast: Sequence[float], scale: float = 1.0) -> dict[str, float]:
    """How many times as fast, round by round: the median, the least and the greatest. scale: work of fast over that of slow."""
    each = [scale * s / f for s, f in zip(slow, fast, strict=True)]
    return {"median": _round(np.median(each)), "least": _round(min(each)), "most": _round(max(each)), "rounds": len(each)}


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Of how many, their median, 99th percentile and greatest in milliseconds. Raises: ValueError for none."""
    if not len(seconds):
        raise ValueError("There are no times to tell of; measure at least once.")
    ms = np.asarray(seconds, float) * 1e3
    told = {"median_ms": np.median(ms), "p99_ms": np.percentile(ms, 99), "most_ms": ms.max()}
    return {name: _round(value) for name, value in told.items()} | {"count": len(ms)}


def verdict(what: str, reached: float, least: float | None = None, most: float | None = None) -> dict[str, Any]:
    """One thing that was asked for: at least `least` or at most `most`, and whether it was reached."""
    if (least is None) == (most is None):
        raise ValueError("Give what is asked as either least or most.")
    asked, held = (f"at least {least:g}", reached >= least) if least is not None else (f"at most {most:g}", reached <= most)
    return {"what": what, "asked": asked, "reached": _round(reached), "holds": bool(held)}


def verdicts(found: Sequence[Mapping[str, Any]]) -> str:
    """What was asked and what was reached, as Markdown."""
    rows = [(v["what"], v["asked"], figure(v["reached"]), "yes" if v["holds"] else "**no**") for v in found]
    return tables.table(("asked for", "how much", "reached", "holds"), rows)


def figure(value: float) -> str:
    """For people: three digits that count, and no more than four behind the point."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.4g}"


def ran_on(found: Mapping[str, Any]) -> str:
    """One sentence for below a table."""
    made, packages = found["made_with"], ("torch", "openvino", "pillow")
    versions = ", ".join(f"{name} {made[name]}" for name in packages if name in made)
    drawn = f"; seed {made['seed']}" if "seed" in made else ""
    where = f"{made['processor']}, {made['cores']} cores, load before {made['load']}"
    return f"{where}; commit {made['commit']}, {versions}{drawn}."


def parser(said: str) -> argparse.ArgumentParser:
    """What the scripts of this family take alike. said: the script's docstring."""
    made = argparse.ArgumentParser(description=said, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--cores", type=int, default=2, help="the process is kept to so many; 2 is what is asked for")
    made.add_argument("--seed", type=int, default=2029, help="of what is drawn; no training run draws with it")
    made.add_argument("--again", action="store_true", help="write the table again, measure nothing")
    made.add_argument("--dry", action="store_true", help="print what is found, write nothing")
    return made


def run(
    script: str, asked: argparse.Namespace, measured: Callable[[argparse.Namespace], dict[str, Any]],
    table: Callable[[Mapping[str, Any]], str],
) -> None:  # fmt: skip
    """Measure, print JSON, keep it beside the script and write the table on the page, as `asked` says; script: its path."""
    kept, name = Path(script).resolve().with_suffix(".json"), Path(script).stem
    if not asked.again:
        machine.keep_to(asked.cores)
        found = measured(asked)
        text = json.dumps({**found, "made_with": machine.facts(asked.seed)}, indent=1, allow_nan=False)
        print(text)
        if asked.dry:
            return
        markers.write(kept, text + "\n")
    told = table(json.loads(kept.read_text(encoding="utf-8")))
    if name not in markers.names(PAGE.read_text(encoding="utf-8"), FAMILY):
        print(f"{PAGE.name} has no place <!-- {FAMILY}: {name} --> for the table; it is in {kept.name}.", file=sys.stderr)
    markers.fill(PAGE, {name: told}, FAMILY)


def _round(value: float) -> float:
    """Four digits that count: more would be noise."""
    return float(f"{value:.4g}")
