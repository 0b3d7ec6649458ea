"""The pack as JSON: everything the PDF says, as numbers and names that a program can check."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image

from asen_core.review.background import Background, Standing
from asen_core.review.compare import Feature, Likeness
from asen_core.review.design import Design
from asen_core.review.evidence.facts import Facts, File
from asen_core.review.evidence.pair import Making, Pair, of_pairs
from asen_core.review.evidence.words import summary

FORMAT = 1
SIMILARITY, PERCENT = 0.005, 0.5
"""Within which a recomputed similarity (of 1) and percentile (of 100) agree: other processors round differently."""
CHECK = "python -m asen_core evidence --check PACK.json FIRST SECOND"
_BINS, _MAP = 48, 28


@dataclass(frozen=True, eq=False)
class Histogram:
    """How many pairs of the background lie in each of the bins between `edges` (B + 1,); same: those of the same kind."""

    edges: np.ndarray
    all: np.ndarray
    same: np.ndarray | None


def histogram(background: Background, weights: Mapping[str, float], category: str, similarity: float) -> Histogram:
    """The background of a weighted mean of similarities, in equal bins that also hold the pair's own similarity."""
    shares = np.array([weights.get(a, 0.0) for a in background.attributes], np.float32)
    shares /= shares.sum()
    every = background.any @ shares
    low = min([similarity, *([float(every.min())] if len(every) else [])])
    edges = np.linspace(max(-1.0, np.floor(low * 20) / 20), 1.0, _BINS + 1)
    clipped = [np.clip(t @ shares, edges[0], 1) for t in (background.any, background.same.get(category)) if t is not None]
    counts = [np.histogram(t, edges)[0] for t in clipped]
    return Histogram(edges, counts[0], counts[1] if category and len(counts) > 1 else None)


def pair_record(pair: Pair) -> dict[str, Any]:
    """Everything about one pair as plain JSON values; figures to four digits."""
    found = pair.comparison
    features = {name: _feature(pair, f) for name, f in found.features.items()}
    designs = [_design(d, files) for d, files in ((found.first, pair.first), (found.second, pair.second))]
    return {
        "summary": list(summary(found, pair.relations or (), pair.decisions)),
        "designs": designs,
        "weights": {a: _number(w) for a, w in found.weights.items()},
        "overall": _likeness(found.overall),
        "features": features,
        "relations": None if pair.relations is None else list(pair.relations),
        "decisions": [asdict(d) for d in pair.decisions],
    }


def frame(kind: str, making: Making, background: Background) -> dict[str, Any]:
    """What every pack starts with: who made it when and with what, and how it is checked."""
    pairs = {"any": len(background.any), **{f"both {k}": len(t) for k, t in background.same.items()}}
    return {
        "format": FORMAT,
        "kind": kind,
        "title": making.title,
        "made_at": making.made_at,
        "reviewer": making.reviewer,
        "product": {"name": "asen", "version": making.version},
        "model": {"fingerprint": making.model},
        "gallery": {"sha256_of_manifest": making.gallery, "garments": making.garments},
        "background": {
            "source": background.source, "garments": background.garments, "sha256": of_pairs(background), "pairs": pairs
        },
        "check": {"command": CHECK, "tolerance": {"similarity": SIMILARITY, "percent": PERCENT}},
    }  # fmt: skip


def written(record: Mapping[str, Any]) -> bytes:
    """UTF-8, one line per figure, the same bytes for the same record."""
    return (json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _design(design: Design, files: Sequence[File]) -> dict[str, Any]:
    return {"name": design.name, "read_as": design.category, "photos": [_facts(f.facts) for f in files]}


def _facts(facts: Facts) -> dict[str, Any]:
    return {**{k: v for k, v in vars(facts).items() if k != "exif"}, "exif": dict(facts.exif)}


def _feature(pair: Pair, feature: Feature) -> dict[str, Any]:
    found, name = pair.comparison, feature.attribute
    views, maps = found.views(name), pair.maps.get(name, (None, None))
    bins = histogram(pair.background, {name: 1.0}, found.category, feature.similarity)
    return {
        **_likeness(feature),
        "photos": [i + 1 for i in feature.shots],
        "read": [[{"value": r.value, "probability": _number(r.probability)} for r in v.readings[:3]] for v in views],
        "regions": [[_number(c) for c in v.roi] for v in views],
        "attention": [_percents(v.attention / v.attention.max()) for v in views],
        "explanation": [None if m is None else _percents(_small(m)) for m in maps],
        "background": {
            "edges": [round(float(e), 6) for e in bins.edges],
            "any": bins.all.tolist(),
            "same_kind": None if bins.same is None else bins.same.tolist(),
        },
    }


def _likeness(likeness: Likeness) -> dict[str, Any]:
    figures = {"similarity": _number(likeness.similarity), "mirrored": _number(likeness.mirrored)}
    return {**figures, "any_kind": _standing(likeness.standing), "same_kind": _standing(likeness.within)}


def _standing(standing: Standing | None) -> dict[str, Any] | None:
    if standing is None:
        return None
    return {"closer_than_percent": _number(standing.percent), "pairs": standing.pairs, "kind": standing.category}


def _number(value: float) -> float:
    return round(float(value), 4)


def _percents(table: np.ndarray) -> list[list[int]]:
    return np.rint(np.asarray(table, np.float64) * 100).astype(int).tolist()


def _small(table: np.ndarray) -> np.ndarray:
    """A map of at most 28 cells a side."""
    h, w = table.shape
    ratio = min(1.0, _MAP / max(h, w))
    size = max(1, round(w * ratio)), max(1, round(h * ratio))
    laid = Image.fromarray(np.asarray(table, np.float32)).resize(size, Image.Resampling.BOX)
    return np.clip(np.asarray(laid), 0, 1)
