"""How items lie in Milvus: one row per item and attribute, numbered position * A + attribute.

The row of an item's first attribute is written last and removed first: where it stands, the item's other rows do, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from asen_core.errors import GalleryError
from asen_core.gallery.manifest import Manifest
from asen_core.gallery.milvus.filters import number
from asen_core.types import Box, Item

if TYPE_CHECKING:
    from pymilvus import MilvusClient

WINDOW = 16_384
"""Rows that the server gives, or finds, at once at most."""
PARTITIONS, SHARDS = 64, 2
INDEX: Mapping[str, int] = MappingProxyType({"M": 24, "efConstruction": 256})
LONGEST_ID, LONGEST_NAME = 4096, 256
Row = dict[str, Any]


def create(client: MilvusClient, name: str, dim: int, description: str) -> None:
    """An empty collection for a gallery's rows, with an HNSW graph over unit vectors under the inner product."""
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False, description=description)
    schema.add_field("row", DataType.INT64, is_primary=True)
    schema.add_field("position", DataType.INT64)
    schema.add_field("attribute", DataType.VARCHAR, max_length=LONGEST_NAME, is_partition_key=True)
    schema.add_field("item", DataType.VARCHAR, max_length=LONGEST_ID)
    schema.add_field("image", DataType.VARCHAR, max_length=LONGEST_ID)
    schema.add_field("state", DataType.VARCHAR, max_length=32)
    for label in ("labels", "numbers", "rois"):
        schema.add_field(label, DataType.JSON)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
    index = client.prepare_index_params()
    index.add_index("vector", index_type="HNSW", metric_type="IP", params=dict(INDEX))
    client.create_collection(
        name, schema=schema, index_params=index, num_shards=SHARDS, num_partitions=PARTITIONS, consistency_level="Bounded"
    )


def state(item: Item, vectors: np.ndarray) -> str:
    """32 hex digits that change with anything that is stored of an item; vectors (A, D)."""
    rois = {a: tuple(box) for a, box in sorted(item.rois.items())}
    text = json.dumps([item.id, item.image, sorted(item.labels.items()), rois], ensure_ascii=False)
    made = hashlib.blake2b(text.encode(), digest_size=16)
    made.update(np.ascontiguousarray(vectors, np.float16).tobytes())
    return made.hexdigest()


def rows(position: int, item: Item, digest: str, vectors: np.ndarray, attributes: Sequence[str]) -> list[Row]:
    """One per attribute; vectors (A, D) float32 of unit norm. Raises: GalleryError for an id that is too long."""
    if len(item.id.encode()) > LONGEST_ID:
        raise GalleryError(f"The id {item.id[:60]!r}... is longer than {LONGEST_ID} bytes; rename that photo and index again.")
    labels = {label: value for label, value in item.labels.items() if value}
    numbers = {label: n for label, value in labels.items() if (n := number(value)) is not None}
    rois = {a: list(box) for a, box in item.rois.items()}
    common = {"position": position, "item": item.id, "image": item.image, "state": digest, "labels": labels, "numbers": numbers}
    return [
        {"row": position * len(attributes) + a, "attribute": name, "rois": {} if a else rois, "vector": vectors[a], **common}
        for a, name in enumerate(attributes)
    ]


def item(row: Row) -> Item:
    """The item of a first attribute's row."""
    rois = {a: Box(*box) for a, box in dict(row["rois"]).items()}
    return Item(row["item"], row["image"], MappingProxyType(dict(row["labels"])), rois)


def spread(found: Sequence[Row], positions: np.ndarray, manifest: Manifest) -> np.ndarray:
    """(n, A, D) float32 of unit norm: the vectors of some rows, put where their items are asked for.

    Raises: GalleryError where a row is missing.
    """
    attributes = len(manifest.attributes)
    held = {int(row["row"]): np.asarray(row["vector"], np.float32) for row in found}
    out = np.empty((len(positions), attributes, manifest.dim), np.float32)
    try:
        for n, position in enumerate(positions.tolist()):
            for a in range(attributes):
                out[n, a] = held[position * attributes + a]
    except KeyError:
        raise GalleryError(f"Item {position} has no row for {manifest.attributes[a]!r}; push the gallery again.") from None
    return out
