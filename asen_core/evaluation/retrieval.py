"""Retrieval among labelled photos: 30 % are queries, the rest candidates, relevant is what shares the value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from rich.table import Table

from asen_core import metrics
from asen_core.data.labels import Photo, is_query
from asen_core.errors import DataError
from asen_core.evaluation.passes import Size, by_path, run
from asen_core.evaluation.tables import percent
from asen_core.types import View, Vocabulary

if TYPE_CHECKING:
    from asen_core.engine import Engine

KS = (1, 10, 100)


@dataclass(frozen=True)
class Score:
    """One attribute. Shares in [0, 1]; None where there was no query that any candidate could answer.

    queries: those with at least one relevant candidate; unanswerable: those without, which MAP leaves out.
    accuracy: share of all labelled photos whose most probable value is the label.
    """

    map: float | None
    recalls: Mapping[int, float]
    accuracy: float | None
    queries: int
    unanswerable: int
    candidates: int


@dataclass(frozen=True)
class Report:
    """Retrieval per attribute; micro weighs attributes by their queries, macro counts them alike."""

    scores: Mapping[str, Score]
    micro: float
    macro: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        scores = {a: {**vars(s), "recalls": {str(k): r for k, r in s.recalls.items()}} for a, s in self.scores.items()}
        return {"attributes": scores, "micro_map": self.micro, "macro_map": self.macro}

    def table(self) -> Table:
        """For people; in percent."""
        ks = sorted({k for s in self.scores.values() for k in s.recalls})
        table = Table(title="Retrieval, in percent", title_justify="left")
        table.add_column("attribute")
        for name in ("MAP", *(f"R@{k}" for k in ks), "value read right", "queries", "unanswerable", "candidates"):
            table.add_column(name, justify="right")
        for attribute, s in self.scores.items():
            shares = (s.map, *(s.recalls.get(k) for k in ks), s.accuracy)
            table.add_row(attribute, *map(percent, shares), str(s.queries), str(s.unanswerable), str(s.candidates))
        table.add_section()
        table.add_row("mean by queries (micro)", percent(self.micro))
        table.add_row("mean of attributes (macro)", percent(self.macro))
        return table


class _Seen(NamedTuple):
    query: bool
    vector: np.ndarray
    value: str
    right: bool | None


class Retrieval:
    """The measure behind `evaluate`, for a pass that it shares with other measures."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        photos: Collection[Photo],
        attributes: Sequence[str] | None = None,
        ks: Sequence[int] = KS,
    ) -> None:
        self.attributes = labelled_attributes(vocabulary, photos, attributes)
        self.photos: dict[Path, Photo] = by_path([p for p in photos if any(a in p.labels for a in self.attributes)])
        self._ks = tuple(ks)
        self._found: dict[str, list[_Seen]] = {a: [] for a in self.attributes}

    def add(self, photo: Photo, size: Size, views: Mapping[str, View]) -> None:
        """Keep the vectors of the attributes that the photo has a label for."""
        del size
        for attribute in self.attributes:
            if (value := photo.labels.get(attribute)) is not None:
                view = views[attribute]
                right = view.reading.value == value if view.reading else None
                self._found[attribute].append(_Seen(is_query(photo.key), view.embedding, value, right))

    def report(self) -> Report:
        """The figures of the photos added.

        Raises: DataError where no attribute has a query with a relevant candidate.
        """
        scores = {a: self._score(found) for a, found in self._found.items()}
        counted = {a: s for a, s in scores.items() if s.map is not None}
        if not counted:
            raise DataError(
                f"No photo can be searched for among {len(self.photos)}: 30 % are queries, chosen by a hash of their "
                "names, and each needs another photo of the same value. Give more labelled photos."
            )
        mean = metrics.micro_macro([s.map for s in counted.values()], [s.queries for s in counted.values()])
        return Report(scores, *mean)

    def _score(self, found: list[_Seen]) -> Score:
        queries, candidates = [f for f in found if f.query], [f for f in found if not f.query]
        read = [f.right for f in found if f.right is not None]
        accuracy = sum(read) / len(read) if read else None
        if not queries or not candidates:
            return Score(None, {}, accuracy, 0, len(queries), len(candidates))
        result = metrics.retrieval(*_columns(queries), *_columns(candidates), ks=self._ks)
        found_any = (result.map, result.recalls) if result.queries else (None, {})
        return Score(*found_any, accuracy, result.queries, result.unanswerable, len(candidates))


def evaluate(
    engine: Engine,
    photos: Collection[Photo],
    attributes: Sequence[str] | None = None,
    ks: Sequence[int] = KS,
    batch_size: int = 32,
    progress: bool = False,
) -> Report:
    """MAP and recall of the photos among themselves, per attribute, over photos that have a label for it.

    `attributes`: None takes all that the engine knows and some photo has a label for.

    Raises: DataError where a label value is not in the vocabulary, photos are missing or nothing can be searched for.
    """
    measure = Retrieval(engine.vocabulary, photos, attributes, ks)
    run(engine, [measure], batch_size, progress)
    return measure.report()


def labelled_attributes(
    vocabulary: Vocabulary, photos: Collection[Photo], attributes: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The attributes, in the vocabulary's order, that some photo has a label for; `attributes` limits them.

    Raises: DataError where an attribute is unknown or unlabelled, or where values are not in the vocabulary (all named).
    """
    counts = Counter((a, v) for p in photos for a, v in p.labels.items() if a in vocabulary)
    labelled = {a for a, _ in counts}
    if attributes is not None and (unknown := [a for a in attributes if a not in labelled]):
        raise DataError(f"No label for {', '.join(unknown)}; labelled and known: {', '.join(sorted(labelled)) or 'none'}.")
    chosen = tuple(a for a in vocabulary if a in labelled and (attributes is None or a in attributes))
    if not chosen:
        raise DataError(f"The labels have no attribute that this checkpoint knows; it knows {', '.join(vocabulary)}.")
    wrong = [f"{a}={v!r} ({n} photos)" for (a, v), n in sorted(counts.items()) if a in chosen and v not in vocabulary[a]]
    if wrong:
        raise DataError(f"Labels that this checkpoint has no value for: {', '.join(wrong)}. Correct or empty these cells.")
    return chosen


def _columns(found: list[_Seen]) -> tuple[np.ndarray, list[str]]:
    return np.stack([f.vector for f in found]), [f.value for f in found]
