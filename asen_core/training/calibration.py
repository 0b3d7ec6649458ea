"""Lets the value read-out say how sure it is: a temperature per attribute (Guo et al., ICML 2017), fitted on valid photos."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import torch

from asen_core.data.labels import Photo
from asen_core.engine import Engine
from asen_core.evaluation import run
from asen_core.models import Model, reads
from asen_core.types import View, Vocabulary

_FACTORS = np.geomspace(0.25, 4, 65)
_LEAST = 30


class _ReadOut:
    """Log probabilities of every value, and which one is right, per attribute, over labelled photos."""

    def __init__(self, vocabulary: Vocabulary, photos: Collection[Photo]) -> None:
        self.attributes = tuple(vocabulary)
        self.photos: dict[Path, Photo] = {p.path: p for p in photos}
        self._vocabulary = vocabulary
        self.found: dict[str, list[tuple[np.ndarray, int]]] = {a: [] for a in vocabulary}

    def add(self, photo: Photo, size: tuple[int, int], views: Mapping[str, View]) -> None:
        del size
        for attribute, value in photo.labels.items():
            if attribute in self._vocabulary:
                values = self._vocabulary[attribute]
                read = {r.value: r.probability for r in views[attribute].readings}
                row = np.log(np.maximum([read[v] for v in values], 1e-12))
                self.found[attribute].append((row, values.index(value)))


def calibrate(model: Model, engine: Engine, photos: Collection[Photo]) -> dict[str, float]:
    """Scale the model's read-out so that its log-likelihood on `photos` is highest; returns the factor per attribute.

    Attributes with fewer than 30 labelled photos keep their scale. What is read never changes, only how sure it is; a model
    that reads nothing is left alone.
    """
    if not reads(model.config):
        return {}
    measure = _ReadOut(model.vocabulary, photos)
    run(engine, [measure])
    factors = {}
    for i, attribute in enumerate(model.attributes):
        found = measure.found[attribute]
        if len(found) >= _LEAST:
            factors[attribute] = best_factor(np.stack([r for r, _ in found]), np.array([v for _, v in found]))
            with torch.no_grad():
                model.reading_scale[i] *= factors[attribute]
    return factors


def best_factor(log_probabilities: np.ndarray, right: np.ndarray) -> float:
    """The factor on logits (N, V) for which the mean log-likelihood of the values `right` (N,) is highest."""
    scores = []
    for factor in _FACTORS:
        logits = log_probabilities * factor
        logits = logits - logits.max(1, keepdims=True)
        scores.append(float((logits[np.arange(len(right)), right] - np.log(np.exp(logits).sum(1))).mean()))
    return float(_FACTORS[int(np.argmax(scores))])
