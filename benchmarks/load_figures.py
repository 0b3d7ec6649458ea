"""What a load run adds up to: waiting times, order, memory, rules kept or broken, and the table. Plain numbers in and out."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.load_visitor import Heard

GROWTH, OVERTAKEN, LONGEST = 5.0, 3, 32
"""Percent by which memory may grow after warm-up; places that one may be overtaken by; those that may wait."""
MARGIN = 0.1
"""Seconds by which the moments that a client sees may be off."""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share (0 to 1) of the values does not exceed; 0 where there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def waits(seconds: Mapping[str, Sequence[float]], working: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Action -> how often, and in milliseconds the median and the 99th percentile of the time from click to answer.

    seconds: those times; working: the part of them after the visitor's turn had come, of which the median is given as "work".
    """
    return {
        action: {
            "answers": len(v),
            "median": round(1000 * statistics.median(v)),
            "p99": round(1000 * percentile(v, 0.99)),
            "work": round(1000 * statistics.median(working[action])),
        }
        for action, v in sorted(seconds.items())
        if v
    }


def overtaking(served: Sequence[tuple[float, float, float]], margin: float = MARGIN) -> int:
    """By how many that joined later the unluckiest was passed.

    served: of each (asked, joined, started): when it asked to join, when it knew that it had, when its turn came. Only those
    count that asked after the other had joined, and were started earlier by more than the margin.
    """
    asked, _, starts = np.array(served, float).reshape(-1, 3).T
    return max((int(((asked > joined) & (starts < started - margin)).sum()) for _, joined, started in served), default=0)


def longest_turn(served: Sequence[tuple[float, float, float]]) -> float:
    """Seconds for which a turn lasted at most while the next one waited: from its start, or the next one's coming."""
    order = sorted((started, joined) for _, joined, started in served)
    return max((later - max(before, joined) for (before, _), (later, joined) in pairwise(order)), default=0.0)


def settled(memory: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """MB in the second fifth of the run, after warm-up, and in the last: medians. memory: (second, MB), at least once."""
    start, fifth = memory[0][0], (memory[-1][0] - memory[0][0]) / 5
    second = [mb for t, mb in memory if start + fifth <= t <= start + 2 * fifth]
    last = [mb for t, mb in memory if t >= start + 4 * fifth]
    return statistics.median(second or last), statistics.median(last)


def summed(heard: Heard, memory: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """What visitors heard, and how much memory that took, as figures to be kept."""
    early, late = settled(memory)
    return {
        "visits": heard.visits, "answers": sum(map(len, heard.seconds.values())), "waits": waits(heard.seconds, heard.working),
        "errors": dict(heard.errors), "errors_in_all": sum(heard.errors.values()), "refused": heard.refused,
        "places": heard.places, "longest_line": heard.longest, "served": len(heard.served),
        "overtaken": overtaking(heard.served), "longest_turn": round(longest_turn(heard.served), 2),
        "checked": heard.checked, "wrong": len(heard.wrong),
        "wrong_ones": heard.wrong[:5], "memory": [round(early), round(late)],
        "growth": round(100 * (late / early - 1), 2) if early else 0.0,
        "readings": [(round(t), round(mb)) for t, mb in memory[::5]],
    }  # fmt: skip


def broken(run: Mapping[str, Any]) -> list[str]:
    """The rules that a run broke, in words; empty where it kept all."""
    rules = (
        (not run["errors"], f"{sum(run['errors'].values())} errors that were no clear busy: {run['errors']}"),
        (run["wrong"] == 0, f"{run['wrong']} wrong answers: {run['wrong_ones']}"),
        (run["checked"] > 0, "no answer was checked"),
        (run["longest_line"] <= LONGEST, f"{run['longest_line']} waited at once, at most {LONGEST} may"),
        (run["overtaken"] <= OVERTAKEN, f"one was overtaken by {run['overtaken']}, at most {OVERTAKEN} may"),
        (run["growth"] < GROWTH, f"memory grew by {run['growth']} %, less than {GROWTH:g} % may"),
        (run["files_left"] == 0, f"{run['files_left']} temporary files were left: {run['left']}"),
    )
    return [said for kept, said in rules if not kept]


def table(run: Mapping[str, Any]) -> str:
    """The run as Markdown."""
    names = {
        "upload": "Photo sent, until its answer", "attribute": "Attribute changed", "tile": "Result compared with",
        "search_on": "Searched on from a result", "detail": "Opened in Compare",
    }  # fmt: skip
    rows = "".join(
        f"| {names.get(action, action)} | {of['answers']:,} | {of['median']:,} ms | {of['p99']:,} ms | {of['work']:,} ms |\n"
        for action, of in run["waits"].items()
    )
    visitors, minutes = run["visitors"], run["minutes"]
    return (
        f"{visitors} visitors at a time ({run['visits']:,} in all) for {minutes:g} minutes against `python app.py`: "
        f"{run['answers']:,} answers, {run['errors_in_all']} errors, "
        f"{run['wrong']} of {run['checked']:,} checked answers wrong; "
        f"{run['refused']:,} times told that the line is full, {run['places']:,} times a place in it. "
        f"At most {run['longest_line']} waited at once; nobody was overtaken by more than {run['overtaken']}. "
        f"Memory {run['memory'][0]:,} MB after warm-up, {run['memory'][1]:,} MB in the last fifth ({run['growth']:+.1f} %); "
        f"at most {run['most_files']:,} temporary files, "
        f"{run['files_left']} left {run['cleared']:.0f} s after the last visitor.\n\n"
        "| What a visitor does | Times | Median | 99th percentile | Median without waiting |\n|---|---:|---:|---:|---:|\n"
        + rows
    )
