"""Bring a gallery of this machine to Milvus: what is there already stays, what changed is replaced, what is gone goes.

Items keep the places that they have on the server, so that a change costs what changed and not what stands behind it: new ones
take the places of removed ones, and only the last move into holes that are left.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from asen_core.errors import GalleryError
from asen_core.gallery.manifest import Manifest
from asen_core.gallery.milvus import about as milvus_about
from asen_core.gallery.milvus import rows as milvus_rows
from asen_core.gallery.milvus.about import About
from asen_core.gallery.milvus.address import ANSWERING, Address, asking, connect
from asen_core.gallery.milvus.counts import MANY_VALUES
from asen_core.gallery.milvus.filters import literal
from asen_core.gallery.milvus.reader import Reader
from asen_core.gallery.milvus.rows import Row
from asen_core.gallery.store import GalleryStore
from asen_core.types import Item

if TYPE_CHECKING:
    from pymilvus import MilvusClient

BATCH_BYTES, LARGEST_BATCH, FURTHER, PAUSE = 8 * 2**20, 2_000, 10**6, 0.5
OURS = "ASEN gallery, make "
Each = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Pushed:
    """What a push did, in items. seconds: of comparing and writing; indexing: of waiting for the server's index; rows: how many
    rows, one per item and attribute, were written a second."""

    items: int
    written: int
    kept: int
    removed: int
    seconds: float
    indexing: float
    rows: float


@dataclass(frozen=True, eq=False)
class _Plan:
    """places: (N,) where each item of the gallery stands on the server; states: what stands in a place now; removed: items."""

    places: np.ndarray
    states: dict[int, str]
    removed: int


def push(store: GalleryStore, address: str, anew: bool = False, pictures: str = "", each: Each | None = None) -> Pushed:
    """Make the gallery at an address hold what this one holds. Killed at any moment, the same call goes on.

    Searches meanwhile see old and new items; counts, labels and quantiles change in the end, at once. anew: write all of it
    again, also over a gallery of another checkpoint. pictures: their folder as its readers see it, "" for the store's. each:
    told (doing, done, total) after each batch.

    Raises: GalleryError where the server is out of reach, or holds a gallery of another checkpoint or something else.
    """
    if not store.manifest.attributes:
        raise GalleryError(
            "The gallery has no attributes, so there is nothing to push; build it with a checkpoint that has some."
        )
    where = Address.parse(address)
    client = connect(where)
    try:
        return _Push(store, where, client, each).run(anew, pictures)
    finally:
        client.close()


class _Push:
    def __init__(self, store: GalleryStore, address: Address, client: MilvusClient, each: Each | None) -> None:
        self._store, self._address, self._client = store, address, client
        self._each: Each = each or (lambda doing, done, total: None)
        self._manifest: Manifest = store.manifest
        self._attributes = self._manifest.attributes
        self._reader = Reader(client, address, len(self._attributes), self._manifest.dim)
        size = len(self._attributes) * self._manifest.dim * 4
        self._at_once = max(1, min(LARGEST_BATCH, BATCH_BYTES // size))

    def run(self, anew: bool, pictures: str) -> Pushed:
        began = time.perf_counter()
        fresh = self._target(anew)
        before = milvus_about.read(self._client, self._address)
        plan = self._plan(fresh, before.manifest.count if before else 0)
        start = time.perf_counter()
        written = self._write(plan, fresh)
        wrote = time.perf_counter()
        if not fresh:
            with asking(self._address, "be written to"):
                self._client.delete(self._address.name, filter=f"position >= {self._manifest.count}", timeout=ANSWERING)
        self._check()
        if written or plan.removed or before is None:
            self._index()
        self._say(plan, pictures, before.version + 1 if before else 1)
        pace = written * len(self._attributes) / max(wrote - start, 1e-9)
        counts = (self._manifest.count, written, self._manifest.count - written, plan.removed)
        return Pushed(*counts, round(wrote - began, 2), round(time.perf_counter() - wrote, 2), round(pace))

    def _target(self, anew: bool) -> bool:
        """Make the collection, where there is none or another's may go; whether it is new. Raises: GalleryError."""
        name = self._address.name
        with asking(self._address, "be written to"):
            held = self._client.describe_collection(name)["description"] if self._client.has_collection(name) else None
        if held is not None and not held.startswith(OURS):
            raise GalleryError(f"{self._address} is a collection of something else; choose another name, nothing was changed.")
        if held == OURS + self._make and not anew:
            with asking(self._address, "be loaded"):
                self._client.load_collection(name)
            return False
        if held is not None and not anew:
            raise GalleryError(
                f"{self._address} holds a gallery of another checkpoint; push to another name, or replace it with --replace."
            )
        with asking(self._address, "be written to"):
            for old in (milvus_about.collection(self._address), name):
                self._client.drop_collection(old)
            milvus_rows.create(self._client, name, self._manifest.dim, OURS + self._make)
        return True

    @property
    def _make(self) -> str:
        """What vectors must have in common to stand beside each other."""
        m = self._manifest
        return hashlib.sha256(json.dumps([m.attributes, m.dim, m.split, m.fingerprint]).encode()).hexdigest()[:32]

    def _plan(self, fresh: bool, before: int) -> _Plan:
        count = self._manifest.count
        if fresh:
            return _Plan(np.arange(count), {}, 0)
        states: dict[int, str] = {}
        standing: dict[str, int] = {}
        for row in self._standing(max(before, count)):
            states[row["position"]] = row["state"]
            if row["position"] < count or row["item"] not in standing:
                standing[row["item"]] = row["position"]
        places, known = np.full(count, -1), len(standing)
        for n, item in enumerate(self._items()):
            if (place := standing.pop(item.id, None)) is not None:
                known -= 1
                places[n] = place if place < count else -1
        free = np.setdiff1d(np.arange(count), places)
        places[places < 0] = free
        return _Plan(places, states, known)

    def _standing(self, count: int) -> Iterator[Row]:
        """The first attribute's row of each item that is there; also of a push of more that was stopped."""
        rows = f"attribute == {literal(self._attributes[0])}"
        left = self._reader.count(rows, "Strong")
        for some in self._reader.through(rows, ["position", "item", "state"], 2 * max(count, left) + FURTHER):
            yield from some
            left -= len(some)
            if left <= 0:
                return

    def _items(self) -> Iterator[Item]:
        for start in range(0, self._manifest.count, self._at_once):
            yield from self._store.items(range(start, min(start + self._at_once, self._manifest.count)))

    def _write(self, plan: _Plan, fresh: bool) -> int:
        """How many items were not there in their present state."""
        count, written = self._manifest.count, 0
        for start in range(0, count, self._at_once):
            here = range(start, min(start + self._at_once, count))
            vectors = self._store.vectors(np.asarray(here))
            made: list[list[Row]] = []
            for n, item, rows in zip(here, self._store.items(here), vectors, strict=True):
                place, digest = int(plan.places[n]), milvus_rows.state(item, rows)
                if plan.states.get(place) != digest:
                    made.append(milvus_rows.rows(place, item, digest, rows, self._attributes))
            if made:
                self._put(made, fresh)
            written += len(made)
            self._each("Pushing", here.stop, count)
        return written

    def _put(self, made: list[list[Row]], fresh: bool) -> None:
        """Replace items. Not by upsert: with a partition key, Milvus 2.3 puts its rows where no filter on it finds them."""
        name, firsts = self._address.name, [rows[0] for rows in made]
        others = [row for rows in made for row in rows[1:]]
        with asking(self._address, "be written to"):
            for part in () if fresh else (firsts, others):
                if part:
                    self._client.delete(name, ids=[row["row"] for row in part], timeout=ANSWERING)
            for part in (others, firsts):
                if part:
                    self._client.insert(name, part, timeout=ANSWERING)

    def _check(self) -> None:
        """Raises: GalleryError where the server has not as many rows as there should be."""
        for number, name in enumerate(self._attributes):
            # Once a strong read was answered, the server has taken in all that was sent, and the others need not wait again.
            held = self._reader.count(f"attribute == {literal(name)}", "" if number else "Strong")
            if held != self._manifest.count:
                raise GalleryError(
                    f"{self._address} holds {held} rows for {name!r}, expected {self._manifest.count}; see that nobody else is "
                    "pushing to it, and push again, or write it anew with --replace."
                )

    def _index(self) -> None:
        """Have the server write all down and wait until it has built its index."""
        name = self._address.name
        with asking(self._address, "be indexed"):
            self._client.flush(name)
            while True:
                now = self._client.describe_index(name, "vector")
                total, pending = int(now.get("total_rows", 0)), int(now.get("pending_index_rows", 0))
                self._each("Indexing", total - pending, total)
                if pending <= 0:
                    return
                time.sleep(PAUSE)

    def _say(self, plan: _Plan, pictures: str, version: int) -> None:
        """Make the new manifest, quantiles and counts those that are read."""
        manifest = self._manifest
        if not (ordered := np.array_equal(plan.places, np.arange(len(plan.places)))):
            order = hashlib.sha256(plan.places.tobytes()).hexdigest()
            # What was made for the gallery's own order, such as maps, must not be taken for this order's.
            sums = {role: hashlib.sha256(f"{s} {order}".encode()).hexdigest() for role, s in manifest.sha256.items()}
            manifest = replace(manifest, sha256=sums)
        manifest = replace(manifest, neighbours={"kind": "milvus", "index": "HNSW", **milvus_rows.INDEX})
        facets = {label: v for label, v in self._store.facets().items() if len(v) <= MANY_VALUES}
        place, columns = pictures or str(self._store.directory), self._store.columns()
        about = About(manifest, self._store.background(), columns, place, ordered, facets, version)
        milvus_about.write(self._client, self._address, about)
