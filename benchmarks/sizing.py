"""What a collection needs: memory, disk, cores and cost, up to a billion garments.

    python benchmarks/sizing.py --data DIR     # DIR: a folder of photos as people take them
    python benchmarks/sizing.py --again --ram-price 2 --disk-price 0.1 --core-price 0.05

Measured: one core looks at photos with the verb `shard` and `index` makes a gallery of them; real FAISS indexes are filled with
vectors made from that gallery's by noise. All else is multiplication. Prices are assumptions: say your own.
Writes benchmarks/sizing.json and the table between the markers `<!-- sizing: table -->` of README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from benchmarks import machine, markers  # noqa: E402
from benchmarks.sizing_table import PRICES, Prices, table  # noqa: E402

FOUND, PAGE = ROOT / "benchmarks" / "sizing.json", ROOT / "README.md"
STORES = ROOT / "benchmarks" / "stores.json"
FORMS = {
    "float32": "Flat",
    "float16": "SQfp16",
    "8 bits (SQ8)": "SQ8",
    "float32, HNSW graph": "HNSW32,Flat",
    "8 bits, HNSW graph": "HNSW32,SQ8",
    "float16, lists (IVF)": "IVF256,SQfp16",
    "8 bits, lists (IVF)": "IVF256,SQ8",
    "64 bytes (PQ), lists": "PCAR256,IVF256,PQ64",
}
"""Form -> how FAISS spells it."""
LONGEST = 1200
"""Pixels of the longer side of the photos that are looked at; open data sets have them smaller than shops do."""


def main() -> None:
    asked = _arguments()
    if not asked.again:
        if asked.data is None:
            sys.exit("Give --data, a folder of photos, or --again to write the table anew.")
        with tempfile.TemporaryDirectory() as scratch:
            found = measured(asked.data, asked.photos, asked.vectors, Path(scratch))
        markers.write(FOUND, json.dumps({**found, **machine.facts()}, indent=1) + "\n")
    prices = Prices(asked.ram_price, asked.disk_price, asked.core_price)
    text = table(*(json.loads(path.read_text(encoding="utf-8")) for path in (FOUND, STORES)), prices)
    print(text)
    if "sizing: table" in PAGE.read_text(encoding="utf-8"):
        markers.fill(PAGE, {"table": text}, "sizing")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of photos")
    parser.add_argument("--photos", type=int, default=300, help="how many of them are looked at")
    parser.add_argument("--vectors", type=int, default=100_000, help="in each index")
    parser.add_argument("--ram-price", type=float, default=PRICES.ram, help="of a GB of memory, a month")
    parser.add_argument("--disk-price", type=float, default=PRICES.disk, help="of a GB of disk, a month")
    parser.add_argument("--core-price", type=float, default=PRICES.core, help="of a core, an hour")
    parser.add_argument("--again", action="store_true", help="write the table again, measure nothing")
    return parser.parse_args()


def measured(data: Path, photos: int, vectors: int, scratch: Path) -> dict[str, Any]:
    """All that the table multiplies."""
    chosen = sorted(p for p in data.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    chosen = [chosen[i] for i in np.linspace(0, len(chosen) - 1, min(photos, len(chosen))).astype(int)]
    folder, out = scratch / "photos", scratch / "gallery"
    folder.mkdir()
    sizes = [_enlarged(path, folder / f"{i:06d}.jpg") for i, path in enumerate(chosen)]
    asked = ("shard", str(folder), "--out", str(out), "--shard", "1/1", "--device", "cpu", "--json")
    looked, busy = _verb(*asked)
    starting = _verb(*asked)[1]  # all is done by now
    _verb("index", str(folder), "--out", str(out), "--no-maps", "--device", "cpu", "--json")
    seconds = (busy - starting) / looked["looked"]
    from asen_core.gallery import manifest as disk

    manifest = disk.read(out)
    pictures = [p.stat().st_size for p in (out / disk.IMAGES).rglob("*.webp")]
    items = (out / manifest.file(disk.ITEMS)).stat().st_size
    own = np.load(out / manifest.file(disk.VECTORS))
    return {
        "garments": manifest.count, "attributes": len(manifest.attributes), "length": manifest.dim,
        "photo": {"seconds a core": round(seconds, 4), "bytes": round(np.mean(sizes)), "longest": LONGEST},
        "item": {"bytes": round(items / manifest.count), "picture": round(np.mean(pictures))},
        "vectors": vectors, "forms": forms(own[0], vectors, scratch),
    }  # fmt: skip


def _enlarged(path: Path, to: Path) -> int:
    """A copy as large as shops have them; returns its bytes."""
    with Image.open(path) as picture:
        scale = LONGEST / max(picture.size)
        size = (round(picture.width * scale), round(picture.height * scale))
        picture.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(to, quality=85)
    return to.stat().st_size


def _verb(*arguments: str) -> tuple[dict[str, Any], float]:
    """What a verb says, and for how many seconds it kept a core busy: others may have had the machine in between."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "asen_core", *arguments], env=environment, check=True, stdout=subprocess.PIPE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return json.loads(done.stdout), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def forms(own: np.ndarray, count: int, scratch: Path, factories: Mapping[str, str] = FORMS) -> dict[str, dict[str, float]]:
    """Bytes that one more vector takes on disk and in memory, and recall, of each form; own: (n, D) vectors of garments.

    One more: between half of them and all, so that what an index takes once isn't counted for each.
    """
    np.save(scratch / "every.npy", widened(own, count, np.random.default_rng(0)))
    found = {}
    for name, factory in factories.items():
        began, disk, memory = time.perf_counter(), [], []
        for some in (count // 2, count):
            disk.append(_alone(_build, scratch, factory, some))
            resident, recall = _alone(_search, scratch, factory, some)
            memory.append(resident)
        more = count - count // 2
        found[name] = {
            "faiss": factory, "disk": round((disk[1] - disk[0]) / more, 1), "memory": round((memory[1] - memory[0]) / more, 1),
            "recall": round(recall, 4), "seconds": round(time.perf_counter() - began, 1),
        }  # fmt: skip
    return found


def widened(own: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, D) float32, unit norm: real vectors, drawn with replacement and moved by noise a third of their length."""
    some = own[rng.integers(0, len(own), count)].astype(np.float32)
    some += rng.normal(0, 1 / (3 * np.sqrt(own.shape[1])), some.shape).astype(np.float32)
    return some / np.linalg.norm(some, axis=1, keepdims=True)


def _alone(task: Any, *arguments: Any) -> Any:
    """What a task finds in a process of its own, whose memory holds nothing else."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(task, arguments)


def _build(scratch: Path, factory: str, count: int) -> int:
    """Fill an index, write it, and tell its bytes on disk."""
    import faiss

    faiss.omp_set_num_threads(1)
    every = np.load(scratch / "every.npy")[:count]
    index = faiss.index_factory(every.shape[1], factory)  # by distance: of unit vectors it has the same order
    if "PQ" in factory:
        lists = faiss.downcast_index(faiss.extract_index_ivf(index))
        lists.do_polysemous_training, lists.pq.cp.niter = False, 10  # only renames codes, and takes minutes
    index.train(every[: 40 * 1024])
    index.add(every)
    faiss.write_index(index, str(scratch / "index.faiss"))
    return (scratch / "index.faiss").stat().st_size


def _search(scratch: Path, factory: str, count: int, queries: int = 100) -> tuple[int, float]:
    """Memory that an index takes once it was read and searched, and its recall@10 against comparing one by one."""
    import faiss

    faiss.omp_set_num_threads(1)
    every = np.load(scratch / "every.npy", mmap_mode="r")[:count]
    rng = np.random.default_rng(1)
    asked = widened(np.asarray(every[rng.integers(0, len(every), queries)]), queries, rng)
    before = _resident()
    index = faiss.read_index(str(scratch / "index.faiss"), faiss.IO_FLAG_SKIP_PRECOMPUTE_TABLE)  # a table of a fixed size
    if "IVF" in factory:
        faiss.extract_index_ivf(index).nprobe = 16
    elif "HNSW" in factory:
        index.hnsw.efSearch = 128
    near = index.search(asked, 10)[1]
    memory = _resident() - before
    true = np.argsort(-(asked @ np.asarray(every).T), axis=1, kind="stable")[:, :10]
    return memory, float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near.tolist(), true.tolist(), strict=True)]))


def _resident() -> int:
    """Bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
