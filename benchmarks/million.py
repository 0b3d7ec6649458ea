"""Search at a size that no collection at hand has: how long it takes, how much it finds, what it needs.

python benchmarks/million.py --work DIR [--items 1000000] [--attributes 1] [--gallery gallery_index] [--queries 1000]
python benchmarks/million.py --again

The vectors are made of a gallery's real ones (see made_vectors.py), in the spaces of its first attributes, and lie in --work,
about 0.9 GB per million and attribute with the index; a stopped run goes on there. Queries are made in the same way and are not
among the items. Without a filter, with one that keeps a random hundredth, and with the value of a label that about a hundredth
have, the first ten are compared with those of exact search. One thread searches, files being in the page cache. Keeps the
figures in benchmarks/million.json and writes the table between the markers of README.md (<!-- million: search -->); --again
only writes the table of the last measurement.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import faiss
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from asen_core.gallery.approximate import Approximate, build  # noqa: E402
from asen_core.gallery.exact import Exact  # noqa: E402
from asen_core.gallery.finder import Finder  # noqa: E402
from benchmarks import machine, made_vectors, markers, tables  # noqa: E402

FOUND, PAGE = ROOT / "benchmarks" / "million.json", ROOT / "README.md"
SHARE, K, SEED = 0.01, 10, 1
SIZES = (20_000, 50_000, 100_000, 200_000)
MIXED_QUERIES = 20


def main() -> None:
    asked = _arguments()
    if not asked.again:
        if not asked.work:
            raise SystemExit("Give --work, or --again.")
        text = json.dumps(measured(asked), indent=1)
        print(text)
        if asked.keep:
            markers.write(FOUND, text + "\n")
    if asked.keep:
        markers.fill(PAGE, {"search": table(json.loads(FOUND.read_text(encoding="utf-8")))}, "million")


def _arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="keeps the vectors and the index")
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--attributes", type=int, default=1)
    parser.add_argument("--gallery", type=Path, default=ROOT / "gallery_index")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--again", action="store_true", help="write the table again, measure nothing")
    parser.add_argument("--dry", dest="keep", action="store_false", help="only print, write no file of the repository")
    return parser.parse_args(given)


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """Make what is missing in --work, then search in a fresh process, whose memory is that of a server."""
    source = made_vectors.real(asked.gallery, asked.attributes)
    made_vectors.make(source, asked.items, SEED, asked.work)
    name, value, has = made_vectors.rare_label(source, SHARE)
    built = _apart(_built, asked.work)
    searched = _apart(_searched, asked.work, source, has, asked.queries)
    sizes = [n for n in SIZES if n <= asked.items]
    return {
        "items": asked.items, "attributes": list(source.names), "dim": source.spaces.shape[2], "vectors": made_vectors.HOW,
        "real_garments": len(source.labels), "seed": SEED, "label": {"name": name, "value": value},
        "build": built, **searched, "crossover": [_apart(_compared, asked.work, source, n) for n in sizes],
        "machine": {**machine.facts(), "faiss": faiss.__version__},
    }  # fmt: skip


def _apart(work: Callable[..., Any], *given: Any) -> Any:
    """What a function returns in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def _built(work: Path) -> dict[str, Any]:
    vectors, note = np.load(work / "vectors.npy", mmap_mode="r"), work / "notes.json"
    with Memory() as memory:
        notes = build(vectors, work / "neighbours", each=_told)
    if not note.exists() or json.loads(note.read_text(encoding="utf-8"))["notes"] != notes:
        note.write_text(json.dumps({"notes": notes, "memory": memory.found}), encoding="utf-8")
    kept = json.loads(note.read_text(encoding="utf-8"))
    sizes = {"index_bytes": sum(a["bytes"] for a in notes["attributes"]), "vectors_bytes": vectors.nbytes}
    return {"seconds": notes["seconds"], "memory": kept["memory"], **sizes, "notes": notes}


def _searched(work: Path, source: made_vectors.Real, has: np.ndarray, count: int) -> dict[str, Any]:
    vectors, first = np.load(work / "vectors.npy", mmap_mode="r"), np.load(work / "first.npy")
    rng = np.random.default_rng([SEED, 2**31])
    queries, _ = made_vectors.drawn(source, count, rng)
    keeps = {"none": None, "random": rng.random(len(first)) < SHARE, "label": has[first]}
    # Beforehand, since the exact answers need memory that no server does.
    truths = _apart(_truths, work, queries, keeps)
    with Memory() as memory:
        started = time.perf_counter()
        notes = json.loads((work / "notes.json").read_text(encoding="utf-8"))["notes"]
        finder = Approximate(vectors, work / "neighbours", notes)
        opened = time.perf_counter() - started
        searches = {n: _timed(finder, queries, keep, truths[n]) for n, keep in keeps.items()}
    mixed = _mixed(finder, vectors, queries[:, :MIXED_QUERIES], keeps) if len(vectors) > 1 else {}
    return {"open_seconds": round(opened, 2), "memory": memory.found, "searches": searches, "mixed": mixed}


def _truths(work: Path, queries: np.ndarray, keeps: Mapping[str, np.ndarray | None]) -> dict[str, list[np.ndarray]]:
    vectors = np.load(work / "vectors.npy", mmap_mode="r")
    return {
        n: [made_vectors.nearest(v, q, K, keep) for v, q in zip(vectors, queries, strict=True)] for n, keep in keeps.items()
    }


def _timed(finder: Finder, queries: np.ndarray, keep: np.ndarray | None, truths: list[np.ndarray]) -> dict[str, Any]:
    """Each query of each attribute once to warm up, then once with the clock."""
    seconds, recalls = [], []
    for a, (asked, truth) in enumerate(zip(queries, truths, strict=True)):
        for query in asked:
            finder.search(a, query, K, keep)
        for query, right in zip(asked, truth, strict=True):
            started = time.perf_counter()
            found, _ = finder.search(a, query, K, keep)
            seconds.append(time.perf_counter() - started)
            recalls.append(np.isin(right[right >= 0], found).mean())
    share = 1.0 if keep is None else float(keep.mean())
    return {"share": round(share, 4), "recall": round(float(np.mean(recalls)), 4), **_quantiles(seconds)}


def _mixed(finder: Finder, vectors: np.ndarray, queries: np.ndarray, keeps: Mapping[str, Any]) -> dict[str, Any]:
    """Queries (A, Q, D) over several attributes, compared with going through everything."""
    exact, found, only = Exact(vectors), {}, np.eye(len(vectors), dtype=np.float32)
    strangers = np.stack([np.roll(space, a, axis=0) for a, space in enumerate(queries)])
    cases = {
        "0.7 of one attribute, 0.3 of another": (queries, 0.7 * only[0] + 0.3 * only[1], None),
        "the same, each from another garment": (strangers, 0.7 * only[0] + 0.3 * only[1], None),
        "all attributes alike": (queries, only.mean(0), None),
        "like in one, a cosine of at most 0.3 in another": (queries, only[0], {1: 0.3}),
    }
    for name, (asked, weights, most) in cases.items():
        for filtered in ("none", "random"):
            seconds, recalls = [], []
            for query in asked.transpose(1, 0, 2):
                truth, _ = exact.mixed(query, weights, K, keeps[filtered], most)
                finder.mixed(query, weights, K, keeps[filtered], most)
                started = time.perf_counter()
                positions, _ = finder.mixed(query, weights, K, keeps[filtered], most)
                seconds.append(time.perf_counter() - started)
                recalls.append(np.isin(truth, positions).mean() if len(truth) else 1.0)
            found[f"{name}, {filtered}"] = {"recall": round(float(np.mean(recalls)), 4), **_quantiles(seconds)}
    return found


def _compared(work: Path, source: made_vectors.Real, items: int) -> dict[str, Any]:
    """Exact and approximate search of the first so many items, in turn."""
    vectors = np.load(work / "vectors.npy", mmap_mode="r")[:1, :items]
    queries = made_vectors.drawn(source, 300, np.random.default_rng([SEED, 2**31 + 1]))[0][0]
    finders = {
        "exact": Exact(vectors),
        "approximate": Approximate(vectors, work / str(items), build(vectors, work / str(items))),
    }
    seconds: dict[str, list[float]] = {name: [] for name in finders}
    for query in [*queries[:50], *queries]:
        for name, finder in finders.items():
            started = time.perf_counter()
            finder.search(0, query, K)
            seconds[name].append(time.perf_counter() - started)
    medians = {f"{n}_ms": round(1e3 * float(np.median(s[50:])), 3) for n, s in seconds.items()}
    return {"items": items, **medians, "ratio": round(medians["exact_ms"] / medians["approximate_ms"], 2)}


def _quantiles(seconds: list[float]) -> dict[str, float]:
    return {
        "median_ms": round(1e3 * float(np.median(seconds)), 2), "p99_ms": round(1e3 * float(np.quantile(seconds, 0.99)), 2)
    }  # fmt: skip


def _told(doing: str, done: int, total: int) -> None:
    print(f"{doing}: {done:,} of {total:,}", file=sys.stderr, end="\n" if done == total else "\r", flush=True)


class Memory:
    """The most resident memory within a `with`, looked at ten times a second; how much of it was files that are mapped."""

    def __init__(self) -> None:
        self.found: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            own, mapped = (1024 * int(lines[name].split()[0]) for name in ("RssAnon", "RssFile"))
            self.found["own_bytes"] = max(self.found.get("own_bytes", 0), own)
            self.found["mapped_bytes"] = max(self.found.get("mapped_bytes", 0), mapped)
            if self._stop.wait(0.1):
                return


def table(found: Mapping[str, Any]) -> str:
    """Time and recall per kind of filter, as Markdown, and below it what the index took."""
    label = found["label"]
    words = {"none": "without a filter", "random": "a random {}", "label": f"{label['name']} is {label['value']}: {{}}"}
    rows = []
    for name, s in found["searches"].items():
        what = words[name].format(f"{100 * s['share']:.1f} %")
        rows.append((what, f"{s['median_ms']:.1f}", f"{s['p99_ms']:.1f}", f"{s['recall']:.3f}"))
    built, memory, per = found["build"], found["memory"], len(found["attributes"])
    spaces = "1 space" if per == 1 else f"{per} spaces"
    note = (
        f"{found['items']:,} items in {spaces}, {found['dim']} numbers each; **made, not real**: {found['vectors']}. "
        f"Per attribute the index took {built['seconds'] / per:.0f} s on {found['machine']['processors']} processors and "
        f"{_mib(built['index_bytes'] / per)} of disk beside {_mib(built['vectors_bytes'] / per)} of vectors. Building held "
        f"{_mib(built['memory']['own_bytes'])} of memory, searching {_mib(memory['own_bytes'])}, and at most "
        f"{_mib(memory['mapped_bytes'])} of files that are mapped and may be let go. One thread searches."
    )
    return f"{tables.table(('filter', 'median ms', '99th percentile ms', 'recall@10'), rows)}\n\n{note}"


def _mib(count: float) -> str:
    return f"{count / 2**20:,.0f} MiB"


if __name__ == "__main__":
    main()
