"""Galleries for the conformance suite, built as a person's would be, and an oracle that answers by hand what stores answer."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from asen_core.gallery import Gallery
from asen_core.gallery.assembly import Entry, assemble
from asen_core.gallery.finder import unit
from asen_core.gallery.journal import Journal
from asen_core.gallery.lock import writing
from asen_core.gallery.manifest import JOURNAL
from asen_core.types import Box, Range

COUNT = 420
NAMES, DIM, FINGERPRINT = ("neckline", "sleeve", 'it\'s a "cut" \\ ü'), 16, "c" * 16
STRANGE = ("plain", 'it\'s "quoted"', "back\\slash\\", "ünï ☃ 😀", "new\nline\ttab", "%like_", "a,b]", "\\u0041", "null", "12")
ODD = 'häng "x" \\ [0]'
"""A label with a name that no query language likes."""


@dataclass(frozen=True)
class Record:
    """What a catalogue knows of one item; seed: of its vectors, by which its content is known."""

    id: str
    seed: int
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return hashlib.sha256(f"content {self.seed}".encode()).hexdigest()

    @property
    def vectors(self) -> np.ndarray:
        """(A, D) float32: one of twelve kinds, with a difference of its own. Equal seeds, equal vectors."""
        kind, own = np.random.default_rng(self.seed % 12), np.random.default_rng([1, self.seed])
        return unit(kind.normal(size=(len(NAMES), DIM)) + 0.8 * own.normal(size=(len(NAMES), DIM)))


def records(count: int, first: int = 0) -> list[Record]:
    return [Record(identity(n), n if n % 37 else 0, labels(n)) for n in range(first, first + count)]


def identity(n: int) -> str:
    return (f"item-{n:04d}", f"folder/it's {n}.jpg", f'"{n}"\\é☃.png')[n % 3]


def labels(n: int) -> dict[str, str]:
    made = {"category": ("dress", "shirt", "coat")[n % 3], "price": (str(n % 90), f"{n % 90}.50", "1e2")[n % 3]}
    if n % 4:
        made["colour"] = ("red", "navy", "olive", "pink", "black")[n % 5]
    if n % 2:
        made["brand"] = STRANGE[n % len(STRANGE)]
    return {**made, ODD: f"v{n % 6}", "link": f"https://example.org/{n}?a=1&b='2'"}


def build(directory: Path, given: Sequence[Record], exact_up_to: int = 10**6) -> Gallery:
    """A gallery's folder, or the next generation of the one there: items sorted by id, contents that are there looked up."""
    header = {"attributes": list(NAMES), "dim": DIM, "split": 8, "fingerprint": FINGERPRINT}
    ordered = sorted(given, key=lambda record: record.id)
    with writing(directory):
        journal = Journal(directory / JOURNAL, header)
        for record in ordered:
            picture = np.random.default_rng([2, record.seed]).integers(0, 255, (12, 10, 3)).astype(np.uint8)
            rois = {a: Box(0.25, 0, 0.5 + 0.01 * (record.seed % 40), 0.5) for a in NAMES}
            journal.add(record.key, picture, record.vectors, rois)
        journal.flush()
        assemble(directory, [Entry(r.id, r.key, r.labels) for r in ordered], [journal], {}, exact_up_to=exact_up_to)
    return Gallery.open(directory)


class Oracle:
    """Answers from the records alone, one by one, in the order in which a store has its items."""

    def __init__(self, given: Sequence[Record], ids: Sequence[str]) -> None:
        by_id = {record.id: record for record in given}
        assert sorted(by_id) == sorted(ids)
        self.records = [by_id[id] for id in ids]
        stored = [record.vectors.astype(np.float16) for record in self.records]
        self.vectors = unit(np.stack(stored)) if stored else np.zeros((0, len(NAMES), DIM), np.float32)

    def passing(self, where=None) -> list[int]:
        return [n for n, record in enumerate(self.records) if all(_has(record, *one) for one in (where or {}).items())]

    def search(self, attribute, vector, k, where=None):
        scored = [(-_product(self.vectors[n, attribute], vector), n) for n in self.passing(where)]
        return _first(scored, k)

    def mixed(self, vectors, weights, k, where=None, most=None):
        scored = []
        for n in self.passing(where):
            products = [_product(v, q) for v, q in zip(self.vectors[n], vectors, strict=True)]
            if all(products[a] <= limit for a, limit in (most or {}).items()):
                scored.append((-sum(w * p for w, p in zip(weights, products, strict=True)), n))
        return _first(scored, k)

    def facets(self, where=None) -> dict[str, dict[str, int]]:
        where, found = where or {}, {}
        for label in sorted({label for record in self.records for label in record.labels}):
            others = {name: wanted for name, wanted in where.items() if name != label}
            counts = Counter(self.records[n].labels[label] for n in self.passing(others) if self.records[n].labels.get(label))
            found[label] = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return found


def _has(record: Record, label: str, wanted) -> bool:
    value = record.labels.get(label, "")
    if isinstance(wanted, Range):
        return bool(value) and float(value) in wanted
    return value != "" and value in ([wanted] if isinstance(wanted, str) else wanted)


def _product(one: np.ndarray, other: np.ndarray) -> float:
    return float(one.astype(np.float64) @ other.astype(np.float64))


def _first(scored, k):
    best = sorted(scored)[: max(k, 0)]
    return np.array([n for _, n in best], np.int64), np.array([-s for s, _ in best], np.float32)


@dataclass(frozen=True)
class Shelf:
    """A gallery in some store, and what is true of it."""

    gallery: Gallery
    oracle: Oracle
    whole: bool = True

    @property
    def store(self):
        return self.gallery.store


def updated() -> list[Record]:
    """The records after a week: some gone, some renamed, some with other labels, some with another photo, some new."""
    new = {n: record for n, record in enumerate(records(COUNT)) if n % 29 != 3}
    new[5] = replace(new[5], id="renamed \\ 'five'")
    new[50] = replace(new[50], labels={**new[50].labels, "colour": "violet"})
    new[51] = replace(new[51], labels={})
    new[60] = replace(new[60], seed=9_999)
    kept = new.values()
    return [*kept, *(Record(f"a new {n}", 10_000 + n, labels(n)) for n in range(9))]


LISTS = {"many": [records(COUNT)], "none": [[]], "one": [records(1)], "updated": [records(COUNT), updated()]}


def shelf(kind: str, folder: Path, address: str, lists: list[list[Record]]) -> Shelf:
    """Each list replaces the one before, as indexing again or pushing again does."""
    for given in lists:
        gallery = build(folder, given, 50 if kind == "approximate" else 10**6)
        if kind == "milvus":
            from asen_core.gallery.milvus.push import push

            push(gallery.store, address)
    if kind == "milvus":
        gallery = Gallery.open(address)
    return Shelf(gallery, Oracle(lists[-1], [item.id for item in gallery.items]), kind != "approximate")
