"""Questions to one gallery's rows on a Milvus server, within the limits of what it answers at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from asen_core.errors import GalleryError
from asen_core.gallery.finder import Found, ordered
from asen_core.gallery.milvus.address import ANSWERING, Address, asking
from asen_core.gallery.milvus.filters import Asked, literal, passes
from asen_core.gallery.milvus.rows import WINDOW, Row

if TYPE_CHECKING:
    from pymilvus import MilvusClient

SEEN: Mapping[str, Any] = MappingProxyType({"ef": 256})
"""How many candidates a search of the graph keeps at least."""
BYTES, LARGEST_EF, LISTED, SPARE = 32 * 2**20, 32_768, 4_096, 3


class Reader:
    """attributes, dim: A and D of the gallery. level: consistency of what is asked."""

    def __init__(self, client: MilvusClient, address: Address, attributes: int, dim: int) -> None:
        self.client, self.address, self._attributes = client, address, attributes
        self._vectors_at_once = max(1, min(WINDOW, BYTES // max(1, 4 * dim)))

    def rows(self, filter: str, fields: Sequence[str], limit: int | None = None, level: str = "") -> list[Row]:
        """The rows that pass, at most WINDOW. Raises: GalleryError."""
        more = {} if limit is None else {"limit": limit}
        with asking(self.address, "be read"):
            return list(
                self.client.query(
                    self.address.name, filter=filter, output_fields=list(fields), timeout=ANSWERING,
                    consistency_level=level or self.address.consistency, **more,
                )
            )  # fmt: skip

    def count(self, filter: str, level: str = "") -> int:
        """How many rows pass. Raises: GalleryError."""
        return int(self.rows(filter, ["count(*)"], level=level)[0]["count(*)"])

    def numbered(self, numbers: np.ndarray, fields: Sequence[str]) -> Iterator[Row]:
        """The rows of these numbers, those that there are. Raises: GalleryError."""
        step = self._vectors_at_once if "vector" in fields else WINDOW
        for start in range(0, len(numbers), step):
            some = numbers[start : start + step].tolist()
            yield from self.rows(f"row in {some}", fields, limit=len(some))

    def through(self, filter: str, fields: Sequence[str], items: int) -> Iterator[list[Row]]:
        """The rows of one attribute that pass, of items 0 to `items` - 1, window by window. Raises: GalleryError."""
        step = self._vectors_at_once if "vector" in fields else WINDOW
        for start in range(0, items, step):
            within = f"{filter} and position >= {start} and position < {start + step}"
            yield self.rows(within, fields, limit=step)

    def nearest(self, filter: str, vector: np.ndarray, k: int) -> Found:
        """At most k positions and inner products, through the server's graph. Raises: GalleryError."""
        return self._found(self._hits(filter, vector, k, []), k)

    def sifted(self, name: str, filters: Asked, share: float, vector: np.ndarray, k: int) -> Found:
        """The k nearest that pass filters, out of so many nearest of all that k should pass; fewer where too few do.

        The graph of Milvus 2.3 is walked with gaps where a filter hides part of it, and then misses some of the nearest.
        share: of all rows, those that pass. Raises: GalleryError.
        """
        asked = int(SPARE * k / share)
        while True:
            asked = min(asked, WINDOW)
            hits = self._hits(f"attribute == {literal(name)}", vector, asked, ["labels", "numbers"])
            kept = [h for h in hits if passes(filters, h["entity"]["labels"], h["entity"]["numbers"])]
            if len(kept) >= k or asked == WINDOW or len(hits) < asked:
                return self._found(kept, k)
            asked *= 4

    def _hits(self, filter: str, vector: np.ndarray, k: int, fields: list[str]) -> list[Any]:
        ef = min(LARGEST_EF, max(SEEN["ef"], 2 * k))
        with asking(self.address, "be searched"):
            return self.client.search(
                self.address.name, [np.asarray(vector, np.float32)], filter=filter, limit=k, output_fields=fields,
                search_params={"metric_type": "IP", "params": {"ef": ef}}, timeout=ANSWERING,
                consistency_level=self.address.consistency,
            )[0]  # fmt: skip

    def _found(self, hits: Sequence[Any], k: int) -> Found:
        rows = np.array([hit.id for hit in hits], np.int64)
        return ordered(rows // self._attributes, np.array([hit.distance for hit in hits], np.float32), k)

    def compared(self, filter: str, attribute: int, vector: np.ndarray, k: int, items: int) -> Found:
        """The k nearest of all rows of an attribute that pass, each compared, window by window. Raises: GalleryError."""
        best: Found = np.zeros(0, np.int64), np.zeros(0, np.float32)
        for start in range(0, items, WINDOW):
            within = f"{filter} and position >= {start} and position < {start + WINDOW}"
            passing = np.array([row["position"] for row in self.rows(within, ["position"], limit=WINDOW)], np.int64)
            if len(passing):
                there = self._whole(within, attribute, passing, vector)
                best = ordered(np.append(best[0], passing), np.append(best[1], there), k)
        return best

    def products(self, name: str, attribute: int, positions: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """(n,) float32: inner products of some different items' vectors in one attribute with a query. Raises: GalleryError."""
        parts = [np.zeros(0, np.float32)]
        for start in range(0, len(positions), LISTED):
            some = positions[start : start + LISTED]
            rows = (some * self._attributes + attribute).tolist()
            parts.append(self._whole(f"attribute == {literal(name)} and row in {rows}", attribute, some, vector))
        return np.concatenate(parts)

    def _whole(self, filter: str, attribute: int, positions: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """(n,) float32: as many hits as rows pass are all of them; what the graph leaves out is fetched and compared here."""
        query = np.asarray(vector, np.float32)
        found = dict(zip(*(part.tolist() for part in self.nearest(filter, query, len(positions))), strict=True))
        missing = np.array([p for p in positions.tolist() if p not in found], np.int64) * self._attributes + attribute
        for row in self.numbered(missing, ["row", "vector"]):
            found[row["row"] // self._attributes] = float(
                np.asarray(row["vector"], np.float32) @ np.asarray(vector, np.float32)
            )
        try:
            return np.array([found[p] for p in positions.tolist()], np.float32)
        except KeyError as gone:
            raise GalleryError(f"{self.address} has no item at position {gone}: it changed since; open it again.") from None
