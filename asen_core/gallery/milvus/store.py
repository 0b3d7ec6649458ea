"""A gallery on Milvus, for collections that outgrow one machine: open it by its address alone, `milvus://host:19530/name`.

Tested on a real Milvus 2.3.5 standalone server. Nothing here is particular to one node, but it was not tried on a cluster of
several.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from asen_core.errors import GalleryError
from asen_core.gallery.columns import Column
from asen_core.gallery.finder import Found, ordered
from asen_core.gallery.manifest import Manifest
from asen_core.gallery.milvus import about as milvus_about
from asen_core.gallery.milvus.address import Address, asking, connect
from asen_core.gallery.milvus.counts import Counts
from asen_core.gallery.milvus.filters import asked, expression, literal
from asen_core.gallery.milvus.mixed import mixed
from asen_core.gallery.milvus.pictures import Files
from asen_core.gallery.milvus.reader import Reader
from asen_core.gallery.milvus.rows import WINDOW, item, spread
from asen_core.types import Item, Where

MORE = 8
"""Hits beyond k that are asked for, to see all that equal the last."""
INSIDE = 0.065
"""Filters that keep a smaller share are applied by the server in its search, others to more hits than are wanted."""
COMPARED_UP_TO = 500_000
"""Items among which all are compared where the graph does not give enough that pass a filter."""
ALIKE = 1e-6
"""Similarities this close may be equal: the server's float32 differ by less from ours."""


def open_store(address: str) -> MilvusStore:
    """Open the gallery at an address. Raises: GalleryError where it is out of reach, absent or half pushed."""
    return MilvusStore(Address.parse(address))


class MilvusStore:
    """A `GalleryStore` over a Milvus server or cluster.

    When it opens it sees everything that was stored before. Its searches may lag behind later changes by some seconds, unless
    the address says `?consistency=Strong`, at which each answer waits for the server's clock (0.2 s). What it says about labels
    and counts is as of when it was opened.
    """

    def __init__(self, address: Address) -> None:
        self.address, self._client = address, connect(address)
        about = milvus_about.read(self._client, address)
        if about is None or not self._there():
            self._client.close()
            raise GalleryError(
                f"There is no gallery at {address}; push one there: python -m asen_core push --gallery DIRECTORY {address}"
            )
        self._about = about
        self.manifest: Manifest = replace(about.manifest, built={**about.manifest.built, "name": str(address)})
        self._files = Files(address, address.pictures or about.pictures, about.version, about.ordered)
        self.directory, self.pictures = self._files.directory, self._files.pictures
        self._first = self.manifest.attributes[0]
        self._reader = Reader(self._client, address, len(self.manifest.attributes), self.manifest.dim)
        self._counts = Counts(self._reader, about)
        # A strong read waits until the server has taken in what was sent to it; later, weaker ones don't fall behind that.
        self._reader.count(f"attribute == {literal(self._first)}", level="Strong")

    def search(self, attribute: int, vector: np.ndarray, k: int, where: Where | None = None) -> Found:
        """As `GalleryStore.search`. Through the server's graph; beyond 16,384 hits all are compared, part by part."""
        filters = asked(where, self._about.columns)
        count, name = self._counts.passing(filters), self.manifest.attributes[attribute]
        k, rows = min(k, count), expression(name, filters)
        if k < 1 or rows is None:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        wanted, share = min(k + MORE, count), count / self.manifest.count
        # Few that pass, or most of them wanted: the server compares all that pass, as it does below its own threshold of 7 %.
        inside = not filters or share <= INSIDE or 2 * wanted >= count
        while wanted <= WINDOW:
            positions, similarities = (
                self._reader.nearest(rows, vector, wanted) if inside
                else self._reader.sifted(name, filters, share, vector, wanted)
            )  # fmt: skip
            if len(positions) < wanted:
                if not inside and self.manifest.count > COMPARED_UP_TO:
                    return self._reader.nearest(rows, vector, k)  # some may be missing, but not for seconds
                break
            if wanted == count or similarities[-1] < similarities[k - 1] - ALIKE:
                return ordered(positions, similarities, k)
            wanted = min(2 * wanted, count)
        return self._reader.compared(rows, attribute, vector, k, self.manifest.count)

    def mixed(
        self, vectors: np.ndarray, weights: np.ndarray, k: int, where: Where | None = None,
        most: Mapping[int, float] | None = None,
    ) -> Found:  # fmt: skip
        """As `GalleryStore.mixed`, among the nearest in each attribute that has a weight."""

        def search(attribute: int, vector: np.ndarray, n: int) -> Found:
            return self.search(attribute, vector, n, where)

        k = min(k, self.count(where))
        return mixed(search, self._reader, self.manifest.attributes, vectors, weights, k, most or {})

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """As `GalleryStore.vectors`. Raises: GalleryError."""
        wanted, attributes = np.asarray(positions, np.int64), len(self.manifest.attributes)
        numbers = (np.unique(wanted)[:, None] * attributes + np.arange(attributes)).ravel()
        return spread(list(self._reader.numbered(numbers, ["row", "vector"])), wanted, self.manifest)

    def items(self, positions: Sequence[int]) -> list[Item]:
        """As `GalleryStore.items`. Raises: GalleryError."""
        wanted = np.asarray(positions, np.int64)
        numbers = np.unique(wanted) * len(self.manifest.attributes)
        fields = ["position", "item", "image", "labels", "rois"]
        held = {row["position"]: item(row) for row in self._reader.numbered(numbers, fields)}
        if missing := [p for p in wanted.tolist() if p not in held]:
            raise GalleryError(f"{self.address} has no item at position {missing[0]}: it changed since; open it again.")
        return [held[p] for p in wanted.tolist()]

    def position(self, id: str) -> int | None:
        """As `GalleryStore.position`."""
        try:
            id.encode()
        except UnicodeEncodeError:  # half a character from a file name or a page: no id has that
            return None
        rows = f"attribute == {literal(self._first)} and item == {literal(id)}"
        return min((int(row["position"]) for row in self._reader.rows(rows, ["position"], limit=8)), default=None)

    def count(self, where: Where | None = None) -> int:
        """As `GalleryStore.count`."""
        return self._counts.passing(asked(where, self._about.columns))

    def facets(self, where: Where | None = None, labels: Collection[str] | None = None) -> dict[str, dict[str, int]]:
        """As `GalleryStore.facets`; `Counts` says what it costs."""
        return self._counts.facets(asked(where, self._about.columns), labels)

    def columns(self) -> dict[str, Column]:
        """As `GalleryStore.columns`."""
        return dict(self._about.columns)

    def background(self) -> np.ndarray:
        """As `GalleryStore.background`."""
        return self._about.background

    def picture(self, item: Item) -> Path:
        """As `GalleryStore.picture`: in the place that the address or the push named. Raises: GalleryError."""
        return self._files.picture(item)

    @property
    def server_version(self) -> str:
        """As the server says it."""
        with asking(self.address, "be asked"):
            return str(self._client.get_server_version())

    def close(self) -> None:
        """As `GalleryStore.close`."""
        self._client.close()

    def _there(self) -> bool:
        with asking(self.address, "be read"):
            if not self._client.has_collection(self.address.name):
                return False
            self._client.load_collection(self.address.name)
        return True
