"""Pseudo-labels (Lee, ICML workshop 2013): what a trained model reads surely on photos that nobody labelled."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from asen_core import files
from asen_core.data.labels import Photo
from asen_core.engine import Engine
from asen_core.evaluation import run
from asen_core.types import View

Labels = dict[str, str]

_TOP = ("neckline", "collar", "sleeve", "closure", "pattern", "top_length")
_BOTTOM = ("pattern", "bottom_length")
ATTRIBUTES_OF: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("t_shirt", "shirt", "top", "tank_top", "sweater", "sweatshirt", "outerwear", "dress", "kurta"), _TOP),
    **dict.fromkeys(("skirt", "trousers", "shorts"), _BOTTOM),
}
"""Category -> the attributes that such a garment has; a photo of another category gets no pseudo-label."""


def pseudo_labels(engine: Engine, photos: Collection[Photo], least: float, kept: Path, resumed: bool) -> dict[str, Labels]:
    """Photo key -> attribute -> value, wherever no label says it and the model is at least `least` sure (0..1).

    They are written to the file `kept`; a `resumed` stage reads them from there, so that it goes on with the same ones.
    """
    if resumed:
        labels: dict[str, Labels] = json.loads(kept.read_text(encoding="utf-8"))
        return labels
    reader = _Reader([p for p in photos if _missing(p)], engine.vocabulary.keys(), least)
    run(engine, [reader], progress=True)
    files.write(kept, json.dumps(reader.found).encode())
    return reader.found


def _missing(photo: Photo) -> tuple[str, ...]:
    """The attributes that such a garment has, where nobody has labelled any of them but those of crowd workers."""
    wanted = ATTRIBUTES_OF.get(photo.labels.get("category", ""), ())
    if not photo.answers and any(a in photo.labels for a in wanted):
        return ()  # a person looked at it: what is empty could not be told
    return tuple(a for a in wanted if a not in photo.labels)


class _Reader:
    """Keeps the sure readings of one pass over the photos."""

    def __init__(self, photos: Collection[Photo], attributes: Collection[str], least: float) -> None:
        self.attributes = tuple(attributes)
        self.photos = {p.path: p for p in photos}
        self.found: dict[str, Labels] = {}
        self._least = least

    def add(self, photo: Photo, size: tuple[int, int], views: Mapping[str, View]) -> None:
        del size
        sure = {}
        for attribute in _missing(photo):
            reading = views[attribute].reading if attribute in views else None
            if reading and reading.probability >= self._least:
                sure[attribute] = reading.value
        if sure:
            self.found[photo.key] = sure
