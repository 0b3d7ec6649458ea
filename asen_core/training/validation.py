"""Figures on the valid split while training: retrieval and pointing, through the same engine that the app uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np
import torch

from asen_core.checkpoint import Checkpoint
from asen_core.data.collection import CROWD, collect
from asen_core.data.labels import Photo
from asen_core.data.official import Listing, photos_of
from asen_core.data.vocabulary import FINE
from asen_core.engine import Engine
from asen_core.evaluation import Localisation, LocalisationReport, Report, Retrieval
from asen_core.evaluation import run as look_at_all
from asen_core.evaluation.official import evaluate_official
from asen_core.models import Model
from asen_core.training.calibration import calibrate

_NOTHING = 1e-9
"""The least that a branch can weigh; its part of an embedding is then below float32's rounding of a cosine."""
CALIBRATED = 1500
"""How many photos of a benchmark's valid split are enough for temperatures."""


@dataclass(frozen=True)
class Validation:
    """The photos of the valid split that carry a label of a fine-grained attribute, and those with marked regions.

    `best_by` names the figure by which epochs are compared.
    """

    labelled: list[Photo]
    marked: list[Photo]
    device: torch.device
    best_by: ClassVar[str] = "macro_map"

    @classmethod
    def of(cls, data: Path, device: torch.device) -> Validation:
        """Collect them from the same folder that training reads."""
        photos = collect(data, "valid")
        listed = [p for p in photos if p.source != CROWD]
        return cls([p for p in listed if set(FINE) & set(p.labels)], [p for p in photos if p.regions], device)

    def calibrate(self, model: Model) -> dict[str, float]:
        """Fit the read-out's temperatures on the labelled photos; returns the factor per attribute."""
        return calibrate(model, self.engine(model), self.labelled)

    def figures(self, model: Model, local: bool = True) -> Mapping[str, Any]:
        """MAP, read-out accuracy and pointing per attribute with their means, in [0, 1], for the weights as they are.

        local: whether the local branch counts; one that nobody has trained yet only blurs the figures.
        """
        with _weighed(model, local):
            return self._figures(self.engine(model))

    def _figures(self, engine: Engine) -> Mapping[str, Any]:
        retrieval = Retrieval(engine.vocabulary, self.labelled, FINE)
        places = Localisation(engine.vocabulary, self.marked, by_label=True)
        look_at_all(engine, [retrieval, places])
        return {**_retrieved(retrieval.report()), **_pointing(places.report())}

    def engine(self, model: Model) -> Engine:
        """The model as the engine that the app uses."""
        return Engine(Checkpoint(model.eval(), "training"), device=self.device)


@contextmanager
def _weighed(model: Model, local: bool) -> Iterator[None]:
    """The model with all weight on the global branch, where the local one shall not count."""
    config = model.config
    if not local:
        model.config = replace(config, beta=1 - _NOTHING)
    try:
        yield
    finally:
        model.config = config


def _retrieved(found: Report) -> dict[str, Any]:
    return {
        "macro_map": round(found.macro, 4),
        "map": {a: round(s.map, 4) for a, s in found.scores.items() if s.map is not None},
        "accuracy": {a: round(s.accuracy, 4) for a, s in found.scores.items() if s.accuracy is not None},
    }


def _pointing(where: LocalisationReport) -> dict[str, Any]:
    return {
        "mean_pointing": round(where.pointing or 0.0, 4),
        "pointing": {a: round(p.pointing, 4) for a, p in where.places.items() if p.pointing is not None},
        "covered": {a: round(p.covered, 4) for a, p in where.places.items() if p.covered is not None},
        "roi": {a: round(p.roi, 4) for a, p in where.places.items() if p.roi is not None},
    }


@dataclass(frozen=True)
class OfficialValidation(Validation):
    """The same by a benchmark's protocol: its valid queries against its valid candidates, all of them.

    Temperatures come from a seeded sample: they move little with it.
    """

    queries: Listing
    candidates: Listing
    best_by: ClassVar[str] = "micro_map"

    @classmethod
    def of_lists(cls, queries: Listing, candidates: Listing, seed: int, device: torch.device) -> OfficialValidation:
        """Read the photos that the lists name."""
        photos = list({p.key: p for p in (*photos_of(candidates), *photos_of(queries))}.values())
        chosen = np.sort(np.random.default_rng(seed).permutation(len(photos))[:CALIBRATED])
        return cls([photos[i] for i in chosen], [], device, queries, candidates)

    def _figures(self, engine: Engine) -> Mapping[str, Any]:
        """As of `Validation`, with the micro MAP; no pointing where the benchmark has no marks."""
        # What is kept of a pass is told apart by the model's fingerprint, which a model in training doesn't have.
        with TemporaryDirectory() as work:
            found = evaluate_official(engine, self.queries, self.candidates, Path(work))
        where = _pointing(found.localisation) if found.localisation else {}
        return {"micro_map": round(found.retrieval.micro, 4), **_retrieved(found.retrieval), **where}
