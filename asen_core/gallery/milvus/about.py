"""What a gallery on Milvus says about itself, in a small collection beside its rows: `<name>_about`.

It is one JSON text in pieces. A newer one is written beside the one in use and counts once its last piece is there, so that a
reader finds the one or the other and never half of each.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from asen_core.errors import GalleryError
from asen_core.gallery.columns import Column
from asen_core.gallery.manifest import Manifest
from asen_core.gallery.milvus.address import Address, asking

if TYPE_CHECKING:
    from pymilvus import MilvusClient

PIECE, MOST = 60_000, 16_384
FORMAT = 1


@dataclass(frozen=True, eq=False)
class About:
    """manifest, background (A, Q) float32 and columns as of the gallery that was pushed; pictures: its folder or its
    web address; ordered: whether items stand in its order.

    facets: how many items have which value, without filters; a label with too many values is absent. version: rises with each
    push.
    """

    manifest: Manifest
    background: np.ndarray
    columns: Mapping[str, Column]
    pictures: str
    ordered: bool = True
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    version: int = 0

    def to_text(self) -> str:
        """JSON. The inverse of `of_text`."""
        quantiles = base64.b85encode(zlib.compress(np.ascontiguousarray(self.background, "<f4").tobytes())).decode()
        return json.dumps(
            {
                "format": FORMAT, "manifest": self.manifest.to_dict(), "background": quantiles,
                "pictures": self.pictures, "ordered": self.ordered,
                "columns": {label: asdict(column) for label, column in self.columns.items()},
                "facets": {label: dict(values) for label, values in self.facets.items()},
            },
            ensure_ascii=False,
        )  # fmt: skip

    @classmethod
    def of_text(cls, text: str, version: int) -> About:
        """Raises: ValueError, TypeError or KeyError for another text than `to_text` makes."""
        values: dict[str, Any] = json.loads(text)
        if values["format"] != FORMAT:
            raise ValueError(f"format {values['format']}, this version reads {FORMAT}")
        manifest = Manifest.from_dict(values["manifest"])
        flat = np.frombuffer(zlib.decompress(base64.b85decode(values["background"])), "<f4")
        background = flat.reshape(len(manifest.attributes), -1).astype(np.float32)
        columns = {label: Column(**column) for label, column in values["columns"].items()}
        return cls(manifest, background, columns, values["pictures"], values["ordered"], values["facets"], version)


def collection(address: Address) -> str:
    """Where it lies."""
    return f"{address.name}_about"


def read(client: MilvusClient, address: Address) -> About | None:
    """The newest whole one; None where there is none. Raises: GalleryError."""
    with asking(address, "be read"):
        if not client.has_collection(collection(address)):
            return None
        held = client.query(
            collection(address), filter="version >= 0", output_fields=["version", "piece", "pieces", "digest", "text"],
            limit=MOST, consistency_level="Strong",
        )  # fmt: skip
    for version in sorted({row["version"] for row in held}, reverse=True):
        pieces = sorted((row["piece"], row["text"], row["digest"]) for row in held if row["version"] == version)
        text = "".join(piece[1] for piece in pieces)
        if pieces[0][2] != _digest(text):
            continue
        try:
            return About.of_text(text, version)
        except (ValueError, TypeError, KeyError) as reason:
            raise GalleryError(
                f"What {address} says about itself can't be read ({str(reason)[:120]}); push it again."
            ) from None
    return None


def write(client: MilvusClient, address: Address, about: About) -> None:
    """Make it the one that counts, and remove older ones. Raises: GalleryError."""
    text, name = about.to_text(), collection(address)
    pieces = _cut(text)
    digest = _digest(text)
    rows = [
        {"id": f"{about.version}-{n}", "version": about.version, "piece": n, "pieces": len(pieces), "digest": digest,
         "text": piece, "nothing": [0.0, 0.0]}
        for n, piece in enumerate(pieces)
    ]  # fmt: skip
    with asking(address, "be written to"):
        if not client.has_collection(name):
            _create(client, name)
        client.delete(name, filter=f"version == {about.version}")
        for start in range(0, len(rows), 64):
            client.insert(name, rows[start : start + 64])
        client.delete(name, filter=f"version < {about.version}")


def _create(client: MilvusClient, name: str) -> None:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.VARCHAR, max_length=64, is_primary=True)
    for number in ("version", "piece", "pieces"):
        schema.add_field(number, DataType.INT64)
    schema.add_field("digest", DataType.VARCHAR, max_length=64)
    schema.add_field("text", DataType.VARCHAR, max_length=65_535)
    schema.add_field("nothing", DataType.FLOAT_VECTOR, dim=2)  # the server wants a vector in each collection
    indexes = client.prepare_index_params()
    indexes.add_index("nothing", index_type="FLAT", metric_type="IP", params={})
    client.create_collection(name, schema=schema, index_params=indexes, consistency_level="Strong")


def _cut(text: str) -> list[str]:
    """Pieces of at most PIECE bytes each."""
    return [text[start : start + PIECE // 4] for start in range(0, len(text), PIECE // 4)]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
