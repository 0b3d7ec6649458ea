"""A tiny engine and gallery in memory with the real ones' methods, made of the types only: quick, and no weights needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from asen_core.config import ModelConfig
from asen_core.data.vocabulary import DEFAULT
from asen_core.errors import QueryError
from asen_core.gallery.columns import Column
from asen_core.types import Box, Frame, Item, Match, Matches, Range, Reading, View

DIM, SPLIT = 16, 8
FILES = ("items", "codes", "vectors", "background")


def unit(vector: np.ndarray) -> np.ndarray:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class FakeGallery:
    """Random garments: plain pictures with one coloured block, random unit vectors."""

    def __init__(self, folder: Path, count: int = 60, seed: int = 3) -> None:
        rng = np.random.default_rng(seed)
        self.attributes = tuple(DEFAULT)
        self._folder = self.directory = self.pictures = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        self._vectors = {}
        self.store = SimpleNamespace()
        self.manifest = SimpleNamespace(
            fingerprint="fake",
            dim=DIM,
            sha256=dict.fromkeys(FILES, "0"),
            built={"from": "a test"},
            neighbours={"kind": "exact"},
        )
        items = []
        for i in range(count):
            name = f"garment-{i:03d}"
            pixels = np.full((160, 120, 3), 245, np.uint8)
            pixels[30:140, 20:100] = rng.integers(0, 255, 3)
            Image.fromarray(pixels).save(folder / f"{name}.webp", quality=60)
            labels = {a: values[int(rng.integers(len(values)))] for a, values in DEFAULT.items()}
            items.append(Item(name, f"{name}.webp", labels, {a: Box(0.25, 0.1, 0.75, 0.4) for a in DEFAULT}))
            self._vectors[name] = np.stack([unit(rng.normal(size=DIM)) for _ in DEFAULT])
        self.items = tuple(items)

    def __len__(self) -> int:
        return len(self.items)

    def item(self, item_id: str) -> Item:
        for item in self.items:
            if item.id == item_id:
                return item
        raise QueryError(f"The gallery holds no garment {item_id!r}; take an id from a search.")

    def picture(self, item: Item) -> Path:
        return (self._folder / item.image).resolve()

    def vectors(self, item_id: str) -> np.ndarray:
        return self._vectors[item_id]

    def space(self, attribute: str) -> np.ndarray:
        return np.stack([self._vectors[i.id][self.attributes.index(attribute)] for i in self.items])

    def map(self, attribute: str) -> np.ndarray | None:
        """A grid of 10 columns, the same for all attributes but the last, which has none."""
        cells = np.array([(i % 10, i // 10) for i in range(len(self))], np.float32)
        return None if attribute == self.attributes[-1] else cells / 10

    def search(
        self, attribute: str, vector: np.ndarray, k: int = 20,
        where: Mapping[str, str | Collection[str]] | None = None, least: float | None = None,
    ) -> Matches:  # fmt: skip
        row = self.attributes.index(attribute)
        passed = [i for i in self.items if _kept(i, where)]
        scored = sorted(((float(self._vectors[i.id][row] @ vector), i) for i in passed), key=lambda s: -s[0])
        hits = [Match(i, s, 50 + 50 * max(s, 0)) for s, i in scored if least is None or s >= least]
        return Matches(attribute, tuple(hits[:k]), len(passed))

    @property
    def columns(self) -> dict[str, Column]:
        return {
            label: Column(len(counts), sum(counts.values()), all(map(_numeric, counts)))
            for label, counts in self.facets().items()
        }

    def facets(
        self, where: Mapping[str, Any] | None = None, labels: Collection[str] | None = None
    ) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = {label: {} for item in self.items for label in item.labels}
        for label, found in counts.items():
            others = {name: wanted for name, wanted in (where or {}).items() if name != label}
            for item in (i for i in self.items if _kept(i, others) and i.labels.get(label)):
                found[item.labels[label]] = found.get(item.labels[label], 0) + 1
        wanted = [label for label in counts if labels is None or label in labels]
        return {label: dict(sorted(counts[label].items(), key=lambda c: (-c[1], c[0]))) for label in wanted}


def _kept(item: Item, where: Mapping[str, Any] | None) -> bool:
    return all(_passes(item.labels.get(label, ""), wanted) for label, wanted in (where or {}).items())


def _passes(value: str, wanted: Any) -> bool:
    if isinstance(wanted, Range):
        return value != "" and float(value) in wanted
    return value in ([wanted] if isinstance(wanted, str) else wanted)


def _numeric(value: str) -> bool:
    return value.replace(".", "", 1).isdecimal()


@dataclass
class FakeEngine:
    """Looks at nothing but the mean colour; counts how often it looked, so that tests can tell."""

    gallery: FakeGallery
    looks: int = 0
    notice: str = ""

    def __post_init__(self) -> None:
        self.vocabulary = MappingProxyType(dict(DEFAULT))
        self.config = ModelConfig(global_dim=SPLIT, local_dim=DIM - SPLIT)

    def look(
        self, photo: np.ndarray, attributes: list[str] | None = None, boxes: Mapping[str, Box] | None = None
    ) -> dict[str, View]:
        self.looks += 1
        height, width = photo.shape[:2]
        frame = Frame(224, 224 / max(height, width), (224 - 224 * width / max(height, width)) / 2, 0)
        return {a: self._view(photo, a, frame, (boxes or {}).get(a)) for a in attributes or self.vocabulary}

    def _view(self, photo: np.ndarray, attribute: str, frame: Frame, box: Box | None) -> View:
        height, width = photo.shape[:2]
        i = list(self.vocabulary).index(attribute)
        rows, cols = np.mgrid[0:14, 0:14]
        hill = np.exp(-((rows - 3 - i) ** 2 + (cols - 7) ** 2) / 6).astype(np.float32)
        side = max(1.0, min(height, width) / 2)
        roi = box or Box((width - side) / 2, height * 0.1, (width + side) / 2, height * 0.1 + side)
        rng = np.random.default_rng(int(photo.mean() * 1000) + i + int(roi.x0))
        values = self.vocabulary[attribute]
        readings = tuple(Reading(v, p) for v, p in zip(values, (0.86, 0.09, 0.03, *[0.0] * len(values)), strict=False))
        return View(attribute, unit(rng.normal(size=DIM)), hill / hill.sum(), roi, frame, SPLIT, readings)

    def search(
        self, view: View, attribute: str, k: int = 20, where: Any = None, beta: float | None = None, least: float | None = None
    ) -> Matches:
        return self.gallery.search(attribute, view.query_vector(beta), k, where, least)

    def rerank(
        self, views: Mapping[str, View], attribute: str, n: int = 100, k: int = 20, where: Any = None,
        beta: float | None = None, least: float | None = None,
    ) -> Matches:  # fmt: skip
        gallery, row = self.gallery, self.gallery.attributes.index(attribute)
        query = np.stack([views[a].query_vector(beta) for a in gallery.attributes])
        passed = [i for i in gallery.items if _kept(i, where)]
        overall = sorted(((float((gallery.vectors(i.id) * query).sum() / len(query)), i) for i in passed), key=lambda s: -s[0])
        first = [(float(gallery.vectors(i.id)[row] @ query[row]), i, s, p) for p, (s, i) in enumerate(overall[:n], 1)]
        hits = [Match(i, s, 50 + 50 * max(s, 0), o, p) for s, i, o, p in sorted(first, key=lambda f: -f[0])]
        kept = tuple(h for h in hits if least is None or h.similarity >= least)
        return Matches(attribute, kept[:k], len(passed), len(first))

    def mix(
        self, views: Mapping[str, View], weights: Mapping[str, float], unlike: Collection[str] = (), k: int = 20,
        where: Any = None, beta: float | None = None, least: float | None = None,
    ) -> Matches:  # fmt: skip
        """The weighted sum of cosines; different is what is no closer than 0."""
        passed = [i for i in self.gallery.items if _kept(i, where)]
        alike = {i.id: self.alike({a: replace(v, embedding=v.query_vector(beta)) for a, v in views.items()}, i) for i in passed}
        apart = [i for i in passed if all(alike[i.id][a] <= 0 for a in unlike)]
        scored = sorted(((sum(w * alike[i.id][a] for a, w in weights.items()), i) for i in apart), key=lambda s: -s[0])
        hits = [Match(i, s, 50 + 50 * max(s, 0)) for s, i in scored if least is None or s >= least]
        return Matches("a mix", tuple(hits[:k]), len(passed))

    def beside(self, gallery: FakeGallery) -> FakeEngine:
        return replace(self, gallery=gallery)

    def alike(self, views: Mapping[str, View], item: Item) -> dict[str, float]:
        stored = dict(zip(self.gallery.attributes, self.gallery.vectors(item.id), strict=True))
        return {a: float(v.embedding @ stored[a]) for a, v in views.items()}
