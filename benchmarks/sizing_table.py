"""The sizing table: measured bytes and seconds, multiplied up to a collection of a billion garments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import tables

SHOWN = ("float32", "float16", "8 bits (SQ8)", "64 bytes (PQ), lists")
"""Forms whose memory is told for whole collections."""
SIZES = (1_000_000, 10_000_000, 100_000_000, 1_000_000_000)


@dataclass(frozen=True)
class Prices:
    """Assumptions, in any currency: a GB of memory and of disk for a month, a core for an hour."""

    ram: float
    disk: float
    core: float


PRICES = Prices(ram=3.0, disk=0.1, core=0.04)


def table(found: Mapping[str, Any], stores: Mapping[str, Any], prices: Prices = PRICES, sizes: Sequence[int] = SIZES) -> str:
    """Both tables and what they rest on, as Markdown. stores: what `benchmarks/stores.py` measured of a Milvus server."""
    held = {**found["forms"], "Milvus, float32, HNSW graph": _server(stores)}
    caption = _caption(found, stores, prices)
    return "\n\n".join((_forms(held, prices), _collections(found, prices, sizes), caption))


def _server(stores: Mapping[str, Any]) -> dict[str, float]:
    """Bytes a row of a collection that was filled: what the server takes by itself is left out of memory, not of disk."""
    rows = stores["items"] * stores["attributes"]
    (plain,) = [s for s in stores["searches"] if s["filter"] == "none"]
    memory = (stores["memory_mb"] - stores["memory_before_mb"]) * 1e6 / rows
    return {"memory": memory, "disk": stores["disk_mb"] * 1e6 / rows, "same": plain["same"] / plain["queries"]}


def _forms(forms: Mapping[str, Mapping[str, float]], prices: Prices) -> str:
    heads = ("a million items, one attribute", "bytes a vector", "memory, GB", "disk, GB", "memory, a month", "recall@10")
    rows = []
    for name, form in forms.items():
        memory, disk = form["memory"] / 1000, form["disk"] / 1000
        cells = (f"{form['memory']:,.0f}", f"{memory:.2f}", f"{disk:.2f}", amount(memory * prices.ram))
        rows.append((name, *cells, f"{form['recall']:.3f}" if "recall" in form else f"all ten: {100 * form['same']:.1f} %"))
    return tables.table(heads, rows)


def needs(found: Mapping[str, Any], items: int) -> dict[str, float]:
    """GB of memory per form, GB on disk and core-hours of a collection under all attributes."""
    count = items * found["attributes"]
    whole = {name: count * found["forms"][name]["memory"] / 1e9 for name in SHOWN}
    vectors, rest = count * found["length"] * 2, items * (found["item"]["bytes"] + found["item"]["picture"])
    return {**whole, "disk": (vectors + rest) / 1e9, "hours": items * found["photo"]["seconds a core"] / 3600}


def _collections(found: Mapping[str, Any], prices: Prices, sizes: Sequence[int]) -> str:
    heads = (
        f"items, {found['attributes']} attributes", "vectors", *(f"memory, {name}" for name in SHOWN), "disk",
        "core-hours to look, once", "days on 64 cores", "cost, once", f"a month, {SHOWN[0]}", f"a month, {SHOWN[-1]}",
    )  # fmt: skip
    rows = []
    for items in sizes:
        need = needs(found, items)
        month = [need[name] * prices.ram + need["disk"] * prices.disk for name in (SHOWN[0], SHOWN[-1])]
        held = [gigabytes(need[name]) for name in (*SHOWN, "disk")]
        looked = (f"{need['hours']:,.0f}", amount(need["hours"] / 64 / 24), amount(need["hours"] * prices.core))
        rows.append((short(items), short(items * found["attributes"]), *held, *looked, *map(amount, month)))
    return tables.table(heads, rows)


def _caption(found: Mapping[str, Any], stores: Mapping[str, Any], prices: Prices) -> str:
    photo, item = found["photo"], found["item"]
    return (
        f"Measured: the bytes of real FAISS indexes of {found['vectors']:,} vectors of {found['length']} numbers, made from "
        "real ones by noise (what one more vector takes in the file, and in memory once read and searched; recall there, with "
        f"16 of 256 lists or ef 128); {photo['seconds a core']:.2f} s a photo and core for all attributes, over "
        f"{found['garments']} photos of {photo['longest']:,} pixels and {photo['bytes'] / 1000:,.0f} kB, decoding and writing "
        f"pictures included; {item['bytes']:,} bytes of SQLite and {item['picture'] / 1000:.1f} kB of picture an item; Milvus "
        f"with {stores['items'] * stores['attributes']:,} rows, its log on disk included. All else "
        "is multiplication: disk holds float16 vectors, items and pictures once; memory holds all vectors of one copy. "
        "Prices are assumptions, in any currency: "
        f"{prices.ram:g} for a GB of memory and {prices.disk:g} for a GB of disk a month, {prices.core:g} for a core-hour "
        "(`benchmarks/sizing.py --again --ram-price … --disk-price … --core-price …`)."
    )


def short(number: float) -> str:
    """1.5 M, 9 billion."""
    return f"{number / 1e9:g} billion" if number >= 1e9 else f"{number / 1e6:g} M"


def gigabytes(number: float) -> str:
    """12 GB, 4.5 TB."""
    return f"{number / 1000:,.1f} TB" if number >= 1000 else f"{number:,.0f} GB" if number >= 10 else f"{number:.1f} GB"


def amount(number: float) -> str:
    """With two decimals where it is small."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2f}"
