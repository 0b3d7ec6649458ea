"""In-shop retrieval on drawn products, before and after reranking by an attribute.

python benchmarks/rerank.py [--items 150] [--photos 4] [--first 50] [--seed 2027]
python benchmarks/rerank.py --again

Each product is one drawn garment (same cut, cloth and print) in several photos that differ in backdrop, in whether it is worn,
in what part is shown, turn, side and light; half of them are queries. Prints JSON, keeps it in benchmarks/rerank.json and
writes the table between the markers of README.md (<!-- rerank: inshop -->); the second line writes the table of the last
measurement again. With --checkpoint it measures another than the shipped one and writes nothing. It also
times the reranking of one query among 100,000 random garments with vectors as long as the model's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from asen_core.data.inshop import read_inshop, with_labels, write_inshop  # noqa: E402
from asen_core.data.labels import read_labels, write_labels  # noqa: E402
from asen_core.data.render import Spec, render, sample  # noqa: E402
from asen_core.data.vocabulary import DEFAULT  # noqa: E402
from benchmarks import machine, markers, tables  # noqa: E402

FOUND, PAGE = ROOT / "benchmarks" / "rerank.json", ROOT / "README.md"
BACKDROPS = ("white", "grey", "wall", "off_white", "wood", "fabric")
WAYS = ("overall", "reranked", "alone", "reachable")
LIST, LABELS = "list_eval_partition.txt", "labels.csv"


def main() -> None:
    asked = _arguments()
    if not asked.again:
        with tempfile.TemporaryDirectory() as scratch:
            draw(Path(scratch), asked.items, asked.photos, asked.seed)
            found = measured(Path(scratch), asked.first, asked.checkpoint)
        found["search"] = timed(found.pop("attributes"), found.pop("length"))
        drawn = {name: getattr(asked, name) for name in ("items", "photos", "seed")}
        text = json.dumps({"drawn": drawn, **found, **machine.facts()}, indent=1)
        print(text)
        if asked.checkpoint:
            return
        markers.write(FOUND, text + "\n")
    markers.fill(PAGE, {"inshop": table(json.loads(FOUND.read_text(encoding="utf-8")))}, "rerank")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=150)
    parser.add_argument("--photos", type=int, default=4, help="of each product")
    parser.add_argument("--first", type=int, default=50, help="how many photos are reranked")
    parser.add_argument("--seed", type=int, default=2027, help="of the products; no training run draws with it")
    parser.add_argument("--checkpoint", type=Path, help="another than the shipped one")
    parser.add_argument("--again", action="store_true", help="write the table again, measure nothing")
    return parser.parse_args()


def draw(folder: Path, items: int, photos: int, seed: int) -> None:
    """Write `items` products with `photos` photos each as the benchmark lays them out, and their labels."""
    listed, labels = [], []
    for number in range(items):
        product = sample(seed, number)
        for index, picture in enumerate(pictures(product, photos, np.random.default_rng([seed, number]))):
            image = f"img/id_{number:08d}/{index:02d}.jpg"
            (folder / image).parent.mkdir(parents=True, exist_ok=True)
            picture.save(folder / image, quality=85)
            listed.append((image, f"id_{number:08d}", "query" if index < photos // 2 else "gallery"))
            labels.append((image, product.labels))
    write_inshop(folder / LIST, listed)
    write_labels(folder / LABELS, labels, tuple(DEFAULT))


def pictures(product: Spec, count: int, rng: np.random.Generator) -> Iterator[Image.Image]:
    """One garment photographed `count` times: its own seed stays, so cut, cloth and print do too."""
    backdrops = rng.permutation(BACKDROPS)
    for index in range(count):
        worn = bool(index % 2)
        backdrop = str(backdrops[index % len(backdrops)])
        if worn and backdrop in ("wood", "fabric"):
            backdrop = "grey"
        picture = Image.fromarray(render(replace(product, worn=worn, background=backdrop)).pixels)
        yield _photographed(picture, rng)


def _photographed(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Another part of it, turned a little, perhaps from the other side, in another light."""
    edge = picture.getpixel((2, 2))
    picture = picture.rotate(float(rng.uniform(-8, 8)), Image.Resampling.BICUBIC, fillcolor=edge)
    size = np.array(picture.size)
    kept = rng.uniform(0.75, 1, 2) * size
    left, top = rng.uniform(0, 1, 2) * (size - kept)
    picture = picture.crop((round(left), round(top), round(left + kept[0]), round(top + kept[1])))
    if rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return ImageEnhance.Brightness(picture).enhance(float(rng.uniform(0.75, 1.15)))


def measured(folder: Path, first: int, checkpoint: Path | None) -> dict[str, Any]:
    """The report of `inshop` on a folder that `draw` wrote, and how long it took."""
    from asen_core.engine import Engine
    from asen_core.evaluation import InShopRetrieval, run

    engine = Engine.open(checkpoint)
    listed = with_labels(read_inshop(folder / LIST, folder), read_labels(folder / LABELS, folder))
    measure = InShopRetrieval(engine.vocabulary, listed, first=first)
    began = time.perf_counter()
    run(engine, [measure])
    looked = time.perf_counter()
    report = measure.report().to_dict()
    seconds = {"looking": round(looked - began, 1), "ranking": round(time.perf_counter() - looked, 2)}
    shape = {"attributes": len(engine.vocabulary), "length": engine.dim}
    return {"checkpoint": engine.fingerprint, **report, "seconds": seconds, **shape}


def timed(attributes: int, length: int, garments: int = 100_000, rounds: int = 5) -> dict[str, Any]:
    """Seconds of one reranking among many random garments, the median of some rounds.

    first: where no attribute but the asked one was searched before; later: where all were.
    """
    from asen_core.gallery.exact import Exact

    rng = np.random.default_rng(0)
    vectors = np.empty((attributes, garments, length), np.float16)
    for start in range(0, garments, 1000):
        vectors[:, start : start + 1000] = rng.normal(size=(attributes, min(1000, garments - start), length))
    finder, seconds, evenly = Exact(vectors), {}, np.full(attributes, 1 / attributes, np.float32)
    for name, searched in (("first", 1), ("later", attributes)):
        for a in range(searched):
            finder.search(a, np.ones(length, np.float32), 1)
        spent = []
        for _ in range(rounds + 1):
            query = rng.normal(size=(attributes, length)).astype(np.float32)
            began = time.perf_counter()
            first, _ = finder.mixed(query, evenly, 100)
            np.argsort(-finder.vectors(first)[:, 0] @ query[0], kind="stable")[:24]
            spent.append(time.perf_counter() - began)
        seconds[name] = round(statistics.median(spent[1:]), 3)
    return {"garments": garments, "seconds": seconds}


def table(found: Mapping[str, Any]) -> str:
    """The figures as Markdown, in percent: what reranking by each attribute does to its values and to finding the item."""
    first, among = found["first"], found["values"]["among"]
    heads = (
        "attribute", f"same value among the first {among} labelled: overall", "reranked", "by it alone", "reachable",
        "same item among the first 10: reranked", "by it alone",
    )  # fmt: skip
    rows = []
    for name, value in found["values"]["attributes"].items():
        shares = (value[way] for way in WAYS)
        items = (found[way][name]["top"]["10"] for way in ("reranked", "alone"))
        rows.append((name, *map(tables.percent, (*shares, *items))))
    means = [tables.mean([v[way] for v in found["values"]["attributes"].values()]) for way in WAYS]
    items = [tables.mean([found[way][a]["top"]["10"] for a in found["values"]["attributes"]]) for way in ("reranked", "alone")]
    rows.append(("**mean**", *(f"**{tables.percent(share)}**" for share in (*means, *items))))
    top, whole = found["overall"]["top"], tables.percent(found["overall"]["map"])
    note = (
        f"{found['queries']:,} queries among {found['gallery']:,} photos of {found['items']:,} products. Overall likeness has "
        f"a photo of the product in the first place for {tables.percent(top['1'])} % of them and among the first 10 for "
        f"{tables.percent(top['10'])} % (MAP {whole} %); its first {first} are reranked."
    )
    return f"{tables.table(heads, rows)}\n\n{note}"


if __name__ == "__main__":
    main()
