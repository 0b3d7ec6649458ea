"""From what was seen on each photo to scores: MAP with its interval, R@k, chance, and the same for each value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from rich.markup import escape
from rich.table import Table

from asen_core import metrics
from asen_core.evaluation.tables import percent, span

DRAWS, LEVEL, SEED = 1000, 0.95, 0
"""Of the bootstrap behind every interval."""
Interval = tuple[float, float]


class Seen(NamedTuple):
    """One photo under one attribute; right: whether its value was read, None where nothing is read."""

    key: str
    query: bool
    vector: np.ndarray
    value: str
    right: bool | None


@dataclass(frozen=True)
class ValueScore:
    """One value: as of `Score`, over the queries and photos of this value."""

    map: float | None
    recalls: Mapping[int, float]
    accuracy: float | None
    queries: int
    photos: int


@dataclass(frozen=True)
class Score:
    """One attribute. Shares in [0, 1]; None where there was no query that any candidate could answer.

    queries: those that MAP is the mean of; unanswerable: those without a relevant candidate, which MAP leaves out, unless the
    report counts them as 0 (`Report.zeros`): then `queries` holds them too.
    accuracy: share of all labelled photos whose most probable value is the label; None where nothing is read.
    interval: where 95 % of the bootstrap's MAPs lie; chance: the MAP that candidates in random order would reach.
    """

    map: float | None
    recalls: Mapping[int, float]
    accuracy: float | None
    queries: int
    unanswerable: int
    candidates: int
    interval: Interval | None = None
    chance: float | None = None
    values: Mapping[str, ValueScore] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """Retrieval per attribute; micro weighs attributes by their queries, macro counts them alike.

    noun: what the table calls an attribute. zeros: whether a query without a relevant candidate counts as 0, as the published
    protocol has it, or not at all. references: labels and micro MAPs of others, for the table.
    """

    scores: Mapping[str, Score]
    micro: float
    macro: float
    micro_interval: Interval
    macro_interval: Interval
    title: str = "Retrieval"
    noun: str = "attribute"
    zeros: bool = False
    references: tuple[tuple[str, float], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "attributes": {a: _plain(s) for a, s in self.scores.items()},
            "micro_map": self.micro,
            "micro_interval": list(self.micro_interval),
            "macro_map": self.macro,
            "macro_interval": list(self.macro_interval),
            "bootstrap": {"draws": DRAWS, "level": LEVEL, "seed": SEED},
            "unanswerable_queries": "count as 0" if self.zeros else "left out",
        }

    def table(self, values: bool = False) -> Table:
        """For people; in percent. values: each attribute followed by its values."""
        ks = sorted({k for s in self.scores.values() for k in s.recalls})
        read = any(s.accuracy is not None for s in self.scores.values())
        table = Table(title=f"{self.title}, in percent", title_justify="left")
        table.add_column(self.noun)
        names = ("MAP", "95 % interval", "by chance", *(f"R@{k}" for k in ks), *(["value read right"] if read else []))
        for name in (*names, "queries", "unanswerable (AP 0)" if self.zeros else "unanswerable", "candidates"):
            table.add_column(name, justify="right")
        for attribute, s in self.scores.items():
            counts = map(str, (s.queries, s.unanswerable, s.candidates))
            cells = (percent(s.map), span(s.interval), percent(s.chance), *_cells(s, ks, read), *counts)
            table.add_row(f"[bold]{escape(attribute)}[/]" if values else escape(attribute), *cells)
            for value, v in s.values.items() if values else ():
                table.add_row(f"  {escape(value)}", percent(v.map), "", "", *_cells(v, ks, read), str(v.queries))
        table.add_section()
        table.add_row("mean by queries (micro)", percent(self.micro), span(self.micro_interval))
        table.add_row(f"mean of {self.noun}s (macro)", percent(self.macro), span(self.macro_interval))
        table.add_section()
        if self.references:
            table.add_row("[italic]published by others[/]")
        for label, share in self.references:
            table.add_row(f"  {escape(label)}", f"{100 * share:.2f}")
        return table


def report_of(found: Mapping[str, Sequence[Seen]], ks: Sequence[int]) -> Report | None:
    """Score each attribute and both means, with intervals; None where no attribute has a query that can be answered."""
    scores: dict[str, Score] = {}
    columns: dict[str, dict[str, float]] = {}
    for attribute, seen in found.items():
        scores[attribute], precisions = score_of([s for s in seen if s.query], [s for s in seen if not s.query], ks)
        if precisions:
            columns[attribute] = precisions
    if not columns:
        return None
    rows = {key: i for i, key in enumerate(dict.fromkeys(key for c in columns.values() for key in c))}
    sums, counts = np.zeros((2, len(rows), len(columns)))
    for number, column in enumerate(columns.values()):
        places = [rows[key] for key in column]
        sums[places, number], counts[places, number] = list(column.values()), 1
    return with_intervals(scores, tuple(columns), sums, counts)


def with_intervals(scores: Mapping[str, Score], asked: Sequence[str], sums: np.ndarray, counts: np.ndarray) -> Report:
    """The scores with intervals, and both means.

    asked: the attributes that have queries; sums, counts: (photos, asked) float64, a photo's average precisions under each,
    summed, and how many.
    """
    drawn = metrics.bootstrap_sums(sums, counts, np.random.default_rng(SEED), DRAWS, LEVEL)
    known = dict(scores)
    for attribute, ends in zip(asked, drawn.attributes, strict=True):
        known[attribute] = replace(scores[attribute], interval=_interval(ends))
    micro, macro = metrics.micro_macro([scores[a].map for a in asked], [scores[a].queries for a in asked])
    return Report(known, micro, macro, _interval(drawn.micro), _interval(drawn.macro))


def score_of(queries: Sequence[Seen], candidates: Sequence[Seen], ks: Sequence[int]) -> tuple[Score, dict[str, float]]:
    """The score of one attribute, still without interval, and the average precision of each query that counts, by its key."""
    seen = (*queries, *candidates)
    accuracy = _accuracy(seen)
    if not queries or not candidates:
        values = {v: ValueScore(None, {}, _accuracy(s), 0, len(s)) for v, s in _by_value(seen).items()}
        return Score(None, {}, accuracy, 0, len(queries), len(candidates), values=values), {}
    result = metrics.retrieval(*_columns(queries), *_columns(candidates), ks=ks)
    asked = np.array([queries[i].value for i in result.rows], dtype=object)
    values = {v: _value(s, result, asked == v, ks) for v, s in _by_value(seen).items()}
    found, recalls, chance = None, {}, None
    if result.queries:
        found, recalls, chance = result.map, dict(result.recalls), float(result.chances.mean())
    score = Score(found, recalls, accuracy, result.queries, result.unanswerable, len(candidates), None, chance, values)
    return score, {queries[i].key: float(p) for i, p in zip(result.rows, result.precisions, strict=True)}


def _cells(score: Score | ValueScore, ks: Sequence[int], read: bool) -> list[str]:
    return [*(percent(score.recalls.get(k)) for k in ks), *([percent(score.accuracy)] if read else [])]


def _value(seen: Sequence[Seen], result: metrics.RetrievalResult, asked: np.ndarray, ks: Sequence[int]) -> ValueScore:
    n = int(asked.sum())
    if not n:
        return ValueScore(None, {}, _accuracy(seen), 0, len(seen))
    recalls = {int(k): float((result.first[asked] < k).mean()) for k in ks}
    return ValueScore(float(result.precisions[asked].mean()), recalls, _accuracy(seen), n, len(seen))


def _by_value(seen: Sequence[Seen]) -> dict[str, list[Seen]]:
    """Most frequent value first."""
    groups: dict[str, list[Seen]] = {}
    for s in seen:
        groups.setdefault(s.value, []).append(s)
    return dict(sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0])))


def _accuracy(seen: Sequence[Seen]) -> float | None:
    read = [s.right for s in seen if s.right is not None]
    return sum(read) / len(read) if read else None


def _columns(seen: Sequence[Seen]) -> tuple[np.ndarray, list[str]]:
    return np.stack([s.vector for s in seen]), [s.value for s in seen]


def _interval(ends: np.ndarray) -> Interval:
    return float(ends[0]), float(ends[1])


def _plain(score: Score) -> dict[str, Any]:
    values = {v: {**vars(s), "recalls": _named(s.recalls)} for v, s in score.values.items()}
    interval = list(score.interval) if score.interval else None
    return {**vars(score), "recalls": _named(score.recalls), "interval": interval, "values": values}


def _named(recalls: Mapping[int, float]) -> dict[str, float]:
    return {str(k): r for k, r in recalls.items()}
