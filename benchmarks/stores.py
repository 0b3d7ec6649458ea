"""Does the distributed store give the same first ten as exact search, and how fast: 20,000 items x 9 attributes on real Milvus.

python benchmarks/stores.py [--items 20000] [--queries 60] [--seed 2028] [--gallery DIR]
python benchmarks/stores.py --again

The vectors are not of 20,000 garments: they are made of those of the shipped gallery, each between two real ones with noise,
and so are the queries. The server (Milvus 2.3.5, standalone, one node) is started and stopped here as the tests do it, reached
over loopback through a relay, and shares this machine's processors with the client; or give the address of another in
MILVUS_URI. Prints JSON, keeps it in benchmarks/stores.json and writes the table between the markers of README.md
(<!-- stores: agreement -->); the second line writes the table of the last measurement again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import milvus_server  # noqa: E402

from asen_core.gallery import Gallery  # noqa: E402
from asen_core.gallery.background import background  # noqa: E402
from asen_core.gallery.columns import Column, Columns, coded  # noqa: E402
from asen_core.gallery.exact import Exact  # noqa: E402
from asen_core.gallery.finder import Found  # noqa: E402
from asen_core.gallery.manifest import Manifest  # noqa: E402
from asen_core.gallery.milvus import MilvusStore, open_store  # noqa: E402
from asen_core.gallery.milvus.push import push  # noqa: E402
from asen_core.gallery.milvus.reader import SEEN  # noqa: E402
from asen_core.gallery.milvus.rows import INDEX, PARTITIONS, SHARDS  # noqa: E402
from asen_core.types import Item, Where  # noqa: E402
from benchmarks import machine, made_vectors, markers, tables  # noqa: E402

FOUND, PAGE = ROOT / "benchmarks" / "stores.json", ROOT / "README.md"
FIRST, EQUAL = 10, 1e-6
WEIGHTS = {"two attributes, 0.7 and 0.3": (0.7, 0.3), "all attributes, as reranking": ()}


def main() -> None:
    asked = _arguments()
    if not asked.again:
        text = json.dumps({**measured(asked.items, asked.queries, asked.seed, asked.gallery), **machine.facts()}, indent=1)
        print(text)
        markers.write(FOUND, text + "\n")
    markers.fill(PAGE, {"agreement": table(json.loads(FOUND.read_text(encoding="utf-8")))}, "stores")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=60, help="per attribute and kind of filter")
    parser.add_argument("--seed", type=int, default=2028)
    parser.add_argument("--gallery", type=Path, default=ROOT / "gallery_index", help="whose vectors are taken")
    parser.add_argument("--again", action="store_true", help="write the table again, measure nothing")
    return parser.parse_args()


class Enlarged:
    """What `push` needs of a gallery, with vectors made of those of a real one."""

    def __init__(self, real: Gallery, count: int, seed: int) -> None:
        self.source, rng = made_vectors.real(real.directory, len(real.attributes)), np.random.default_rng(seed)
        made, first = made_vectors.drawn(self.source, count, rng)
        self.exact = Exact(made.astype(np.float16))
        self._background = background(made, rng)
        held = list(real.items)
        self._items = [Item(f"made-{n:06d}", held[g].image, held[g].labels) for n, g in enumerate(first.tolist())]
        self.labels = Columns(coded([item.labels for item in self._items]))
        self.directory, m = real.directory, real.manifest
        self.manifest = Manifest(m.attributes, m.dim, m.split, count, m.fingerprint, tuple(self.labels.described), m.sha256)

    def queries(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """(n, A, D) float32, unit norm: made the same way, none of them an item."""
        return made_vectors.drawn(self.source, count, rng)[0].transpose(1, 0, 2)

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        return self.exact.vectors(positions)

    def items(self, positions: Sequence[int]) -> list[Item]:
        return [self._items[p] for p in positions]

    def facets(self) -> dict[str, dict[str, int]]:
        return self.labels.facets(None)

    def columns(self) -> dict[str, Column]:
        return self.labels.described

    def background(self) -> np.ndarray:
        return self._background


def filters(of: Enlarged) -> dict[str, Where | None]:
    """Kinds of filters, each named with the share of the items that it keeps."""
    counts = of.facets()
    label = max(counts, key=lambda name: sum(counts[name].values()))
    values, other = list(counts[label]), next(name for name in counts if name != label)
    kinds: list[Where | None] = [
        None, {label: values[0]}, {label: values[:3]}, {label: values[-1]}, {label: values[1], other: next(iter(counts[other]))}
    ]  # fmt: skip
    total = of.manifest.count
    return {"none" if k is None else f"keeps {100 * of.labels.count(k) / total:.1f} %": k for k in kinds}


def measured(items: int, queries: int, seed: int, gallery: Path) -> dict[str, Any]:
    """Push, wait for the index, ask, compare."""
    local = Enlarged(Gallery.open(gallery), items, seed)
    with milvus_server.running() as server:
        before, name = server.memory, f"asen_benchmark_{uuid.uuid4().hex[:8]}"
        try:
            pushed = push(local, server.address(name), each=lambda *now: print(*now, file=sys.stderr))
            store = open_store(server.address(name))
            searches = [asked(store, local, kind, where, queries, seed) for kind, where in filters(local).items()]
            mixed = [asked_mixed(store, local, kind, weights, queries, seed) for kind, weights in WEIGHTS.items()]
            facets = _seconds(lambda: store.facets(list(filters(local).values())[1]))
            found = {"memory_mb": server.memory >> 20, "memory_before_mb": before >> 20, "disk_mb": server.disk >> 20}
            version = store.server_version
            store.close()
        finally:
            server.drop(name)
    shape = {
        "items": items,
        "attributes": len(local.manifest.attributes),
        "dim": local.manifest.dim,
        "seed": seed,
    }
    settings = {**INDEX, "ef": SEEN["ef"], "partitions": PARTITIONS, "shards": SHARDS}
    push_facts = {"rows_per_second": pushed.rows, "write_seconds": pushed.seconds, "index_seconds": pushed.indexing}
    raw = items * shape["attributes"] * shape["dim"] * 4 >> 20
    return {
        **shape, "how": made_vectors.HOW, "server": version, "settings": settings, **push_facts, **found, "vectors_mb": raw,
        "facets_ms": round(1000 * facets, 1), "searches": searches, "mixed": mixed,
    }  # fmt: skip


def asked(store: MilvusStore, local: Enlarged, kind: str, where: Where | None, queries: int, seed: int) -> dict[str, Any]:
    """Both stores' first ten for some queries under every attribute."""
    rng, keep, same, spent = np.random.default_rng([seed, 1]), local.labels.mask(where), [], []
    for attribute in range(len(local.manifest.attributes)):
        for query in local.queries(queries, rng)[:, attribute]:
            began = time.perf_counter()
            found = store.search(attribute, query, FIRST, where)
            spent.append(time.perf_counter() - began)
            same.append(agrees(found, local.exact.search(attribute, query, FIRST, keep)))
    return {"filter": kind, "queries": len(same), "same": sum(same), **_times(spent)}


def asked_mixed(
    store: MilvusStore, local: Enlarged, kind: str, weights: Sequence[float], queries: int, seed: int
) -> dict[str, Any]:
    """Both stores' first ten by a weighted sum over some attributes; without weights over all, evenly."""
    rng, count, same, spent = np.random.default_rng([seed, 2]), len(local.manifest.attributes), [], []
    for query in local.queries(queries, rng):
        shares = np.full(count, 1 / count, np.float32)
        if weights:
            shares[:] = 0
            shares[rng.permutation(count)[: len(weights)]] = weights
        began = time.perf_counter()
        found = store.mixed(query, shares, FIRST)
        spent.append(time.perf_counter() - began)
        same.append(agrees(found, local.exact.mixed(query, shares, FIRST)))
    return {"kind": kind, "queries": len(same), "same": sum(same), **_times(spent)}


def agrees(found: Found, exact: Found) -> bool:
    """Whether both have the same items in the same order, but for items as near as each other to the sixth digit."""
    positions, similarities = found
    if len(positions) != len(exact[0]) or not np.allclose(similarities, exact[1], rtol=0, atol=EQUAL):
        return False
    apart = np.flatnonzero(positions != exact[0])
    near = lambda n: min(abs(exact[1] - exact[1][n])[np.arange(len(exact[1])) != n], default=1) <= 2 * EQUAL  # noqa: E731
    return all(near(n) or n == len(positions) - 1 for n in apart)


def _times(spent: Sequence[float]) -> dict[str, float]:
    """Milliseconds."""
    return {name: round(1000 * float(np.quantile(spent, q)), 2) for name, q in (("p50_ms", 0.5), ("p99_ms", 0.99))}


def _seconds(act: Any) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def table(found: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    rows = []
    for line in [*found["searches"], *found["mixed"]]:
        what = f"one attribute, filter: {line['filter']}" if "filter" in line else line["kind"]
        share = f"{tables.percent(line['same'] / line['queries'])} % of {line['queries']:,}"
        rows.append((what, share, f"{line['p50_ms']:.1f} ms", f"{line['p99_ms']:.1f} ms"))
    same, queries = (sum(line[name] for line in found["searches"]) for name in ("same", "queries"))
    rows_there = found["items"] * found["attributes"]
    note = (
        f"{tables.percent(same / queries)} % of {queries:,} searches under one attribute gave the first ten of exact search. "
        f"{found['items']:,} items x {found['attributes']} attributes of {found['dim']} numbers, made of the shipped gallery's "
        f"vectors ({found['how']}). Milvus {found['server']}, one node, sharing {found['processors']} processors with the "
        f"client. {rows_there:,} rows were written at {found['rows_per_second']:,.0f} a second, and the index was complete "
        f"{found['index_seconds']:.0f} s later; the server then took {found['memory_mb']:,} MB of memory "
        f"({found['memory_before_mb']:,} MB before) and {found['disk_mb']:,} MB of disk for {found['vectors_mb']:,} MB of "
        f"vectors. Counting the values of all labels under a filter took {found['facets_ms']:.0f} ms the first time."
    )
    return f"{tables.table(('query', 'same first ten', 'median', '99 of 100 within'), rows)}\n\n{note}"


if __name__ == "__main__":
    main()
