"""An engine without a network: what it sees on a photo is written in its first pixel, so results can be worked by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from asen_core.errors import QueryError
from asen_core.images import load
from asen_core.types import Box, Frame, Item, Match, Matches, Reading, View

VOCABULARY = {
    "neckline": ("round", "v"),
    "sleeve": ("long", "short"),
    "closure": ("none", "zip"),
    "top_length": ("hip", "knee"),
    "bottom_length": ("short", "full"),
}
INPUT, CELLS = 64, 4


def paint(path: Path, angle: int, row: int = 0, col: int = 0, value: int = 0, size: tuple[int, int] = (200, 100)) -> Path:
    """A photo that the fake sees at `angle` degrees, with its attention peaking in a cell, reading value number `value`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (angle, row * CELLS + col, value)).save(path)
    return path


class FakeGallery:
    """Items on the same half circle as the photos."""

    def __init__(self, items: list[tuple[Item, int]]) -> None:
        self.items = [item for item, _ in items]
        self.angles = [angle for _, angle in items]

    def picture(self, item: Item) -> Path:
        return Path("/pictures") / item.image


class FakeEngine:
    """Embeddings are points on a circle; the region of interest is the left half of the photo."""

    vocabulary = VOCABULARY
    fingerprint = "fake"
    config = SimpleNamespace(dim=2, global_dim=1, geometry="letterbox")
    dim = 2

    def __init__(self, gallery: FakeGallery | None = None) -> None:
        self.looks: Counter[int] = Counter()
        self.gallery = gallery

    def look(self, photo, attributes=None, boxes=None) -> dict[str, View]:
        return next(self.views([photo], attributes))

    def views(self, photos, attributes=None, batch_size=32) -> Iterator[dict[str, View]]:
        names = tuple(self.vocabulary) if attributes is None else tuple(attributes)
        if unknown := set(names) - set(self.vocabulary):
            raise QueryError(f"Unknown attribute {unknown}.")
        for photo in photos:
            garment = load(photo)
            angle, cell, value = (int(v) for v in garment.pixels[0, 0])
            self.looks[angle] += 1
            yield {name: self._view(name, garment.width, garment.height, angle, cell, value) for name in names}

    def search(self, photo_or_view, attribute, k=20, where=None, beta=None, least=None) -> Matches:
        view = photo_or_view
        items = zip(self.gallery.items, self.gallery.angles, strict=True)
        scored = [Match(item, float(view.embedding @ _point(a)), 99.0) for item, a in items if _passes(item, where)]
        hits = sorted((m for m in scored if least is None or m.similarity >= least), key=lambda m: -m.similarity)
        return Matches(attribute, tuple(hits[:k]), len(scored))

    def _view(self, name: str, width: int, height: int, angle: int, cell: int, value: int) -> View:
        attention = np.full((CELLS, CELLS), 0.02, np.float32)
        attention.flat[cell % CELLS**2] = 0.7
        scale = INPUT / max(width, height)
        frame = Frame(INPUT, scale, (INPUT - width * scale) / 2, (INPUT - height * scale) / 2)
        values = self.vocabulary[name]
        readings = (Reading(values[value % 2], 0.75), Reading(values[1 - value % 2], 0.25))
        return View(name, _point(angle), attention, Box(0, 0, width / 2, height), frame, 1, readings)


def _point(angle: int) -> np.ndarray:
    return np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))], np.float32)


def _passes(item: Item, where) -> bool:
    return all(item.labels.get(label) in ([v] if isinstance(v, str) else v) for label, v in (where or {}).items())
