"""One attribute of a benchmark: its queries ranked against all its candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asen_core import metrics
from asen_core.data.official import Listing
from asen_core.evaluation.looks import Looks
from asen_core.evaluation.scoring import Score, ValueScore


@dataclass(frozen=True, eq=False)
class Ranked:
    """The score, and per row of the query list its (Q,) float64 average precision and (Q,) image index."""

    score: Score
    precisions: np.ndarray
    photos: np.ndarray


@dataclass(frozen=True, eq=False)
class _Found:
    """Per row of the query list: average precision, place of the first relevant candidate, and what chance would reach."""

    precisions: np.ndarray
    first: np.ndarray
    chances: np.ndarray
    unanswerable: int

    def recalls(self, rows: np.ndarray, ks: Sequence[int]) -> dict[int, float]:
        return {int(k): float((self.first[rows] < k).mean()) for k in ks} if rows.any() else {}


def ranked(looks: Looks, queries: Listing, candidates: Listing, attribute: int, ks: Sequence[int]) -> Ranked:
    """Rank every row of the candidate list for every row of the query list; relevant is what is listed with the same value.

    A query without a relevant candidate has average precision 0 and is found at no k. A photo listed under several values is
    a query, or a candidate, once per value.
    """
    asked, searched = (x.rows[x.rows[:, 1] == attribute][:, [0, 2]] for x in (queries, candidates))
    found = _found(looks, asked, searched)
    everything = np.concatenate([asked, searched])
    right = looks.read[looks.at(everything[:, 0])] == everything[:, 1]
    reads = bool((looks.read >= 0).any())
    names = tuple(queries.vocabulary.values())[attribute]
    values = {}
    for value in sorted(set(everything[:, 1].tolist()), key=lambda v: (-int((everything[:, 1] == v).sum()), v)):
        mine, those = asked[:, 1] == value, everything[:, 1] == value
        accuracy = float(right[those].mean()) if reads else None
        share = float(found.precisions[mine].mean()) if mine.any() else None
        values[names[value]] = ValueScore(share, found.recalls(mine, ks), accuracy, int(mine.sum()), int(those.sum()))
    score = Score(
        map=float(found.precisions.mean()) if len(asked) else None,
        recalls=found.recalls(np.ones(len(asked), bool), ks),
        accuracy=_accuracy(everything[:, 0], right) if reads else None,
        queries=len(asked),
        unanswerable=found.unanswerable,
        candidates=len(searched),
        chance=float(found.chances.mean()) if len(asked) else None,
        values=values,
    )
    return Ranked(score, found.precisions, asked[:, 0])


def _found(looks: Looks, asked: np.ndarray, searched: np.ndarray) -> _Found:
    """asked, searched: (N, 2) image and value indices."""
    found = _Found(np.zeros(len(asked)), np.full(len(asked), np.iinfo(np.int64).max), np.zeros(len(asked)), len(asked))
    if not len(asked) or not len(searched):
        return found
    vectors = (looks.vectors[looks.at(rows[:, 0])] for rows in (asked, searched))
    result = metrics.retrieval(next(vectors), asked[:, 1], next(vectors), searched[:, 1], ks=())
    found.precisions[result.rows] = result.precisions
    found.first[result.rows] = result.first
    found.chances[result.rows] = result.chances
    return _Found(found.precisions, found.first, found.chances, result.unanswerable)


def _accuracy(images: np.ndarray, right: np.ndarray) -> float | None:
    """Share of photos for which the value read is one of their own."""
    if not len(images):
        return None
    _, photo = np.unique(images, return_inverse=True)
    return float((np.bincount(photo, weights=right) > 0).mean())
