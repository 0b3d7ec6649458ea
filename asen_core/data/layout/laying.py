"""A benchmark's files for drawn garments: photos first, in several processes, then the authors' lists."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from asen_core import files
from asen_core.data.labels import Regions, write_regions
from asen_core.data.layout import fashionai, several
from asen_core.data.layout.drawing import Drawable, draw_all, end_with_parent, shown_of
from asen_core.data.layout.plan import Plan, Sizes
from asen_core.data.layout.words import NAMES
from asen_core.data.official.facts import facts_of
from asen_core.data.official.meta import load_meta
from asen_core.errors import DataError

_CHUNK = 50
_PARTS = ".drawn"
_PLANS: dict[str, Callable[[Sizes, int], dict[str, Plan]]] = {
    "FashionAI": fashionai.plan,
    "DARN": several.darn,
    "DeepFashion": several.deepfashion,
}


def write_layout(out: Path, dataset: str, sizes: Sizes, seed: int, workers: int | None = None) -> Iterator[int]:
    """Draw the photos below out/<dataset>, then write the authors' lists, regions.csv and the dataset's part of out/meta.json.

    Yields how many photos each step brought; a run that was stopped goes on where it was, and the outcome is the same for any
    number of `workers` (None: one a core). regions.csv holds the parts that a photo shows.

    FashionAI: one label a photo, in the official proportions. DARN: up to nine labels. DeepFashion: several values of an
    attribute. The last two have the renderer's own words as values, in places of our choice; the others go by their numbers.

    Raises: DataError where the dataset is unknown, another set lies there already, or the place can't be written.
    """
    name = facts_of(dataset).name
    root = out / name
    plans = _PLANS[name](sizes, seed)
    _claim(root, {"dataset": name, "sizes": vars(sizes), "seed": seed})
    if (root / "regions.csv").exists():
        yield sizes.whole
        return
    shown: dict[str, Regions] = {}
    try:
        yield from _draw(root, [order for plan in plans.values() for order in plan.orders], shown, workers)
        for part, plan in plans.items():
            _write_lists(root, part, plan)
        _write_meta(out, name)
        write_regions(root / ".regions.part", sorted(shown.items()))
        os.replace(root / ".regions.part", root / "regions.csv")  # last: it tells that all is there
        shutil.rmtree(root / _PARTS)
    except OSError as error:
        raise _unwritable(root, error) from None


def _claim(root: Path, settings: dict[str, object]) -> None:
    """Make the folder this set's, or see that it is."""
    path = root / "drawn.json"
    try:
        root.mkdir(parents=True, exist_ok=True)
        if path.exists():
            # Sets drawn by the first version don't name their dataset.
            if {"dataset": settings["dataset"]} | load_meta(path) != settings:
                raise DataError(f"{root} holds garments of other sizes or another seed; give another --out, or delete it.")
        elif any(root.iterdir()):
            raise DataError(f"{root} is not empty and not a drawn set; give another --out.")
        else:
            files.write(path, (json.dumps(settings) + "\n").encode())
    except OSError as error:
        raise _unwritable(root, error) from None


def _unwritable(root: Path, error: OSError) -> DataError:
    return DataError(f"{root} can't be written: {error}. Give a folder you may write to, with room; what is drawn stays.")


def _draw(root: Path, orders: Sequence[Drawable], shown: dict[str, Regions], workers: int | None) -> Iterator[int]:
    (root / _PARTS).mkdir(exist_ok=True)
    chunks = {root / _PARTS / f"{i:06d}.json": orders[i : i + _CHUNK] for i in range(0, len(orders), _CHUNK)}
    kept = {done: found for done, chunk in chunks.items() if (found := shown_of(root, chunk, done)) is not None}
    yield sum(len(chunks[done]) for done in kept)
    count = workers or os.cpu_count() or 1
    # A fresh interpreter for each worker: one that was forked beside other threads may hang.
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=end_with_parent)
    try:
        waiting = [pool.submit(draw_all, str(root), chunk, str(done)) for done, chunk in chunks.items() if done not in kept]
        for finished in as_completed(waiting):
            yield finished.result()
    except BrokenProcessPool:
        raise DataError(
            "A process that draws was stopped from outside, perhaps as memory ran out. Run this again with fewer --workers; "
            "it goes on where it was."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
    for done, chunk in chunks.items():
        shown |= kept.get(done) or shown_of(root, chunk, done) or {}


def _write_lists(root: Path, part: str, plan: Plan) -> None:
    _write(root / f"filenames_{part}.txt", (order.path for order in plan.orders))
    if part == "train":
        pairs = (" ".join(f"{a} {v}" for a, v in order.labels) for order in plan.orders)
        _write(root / "label_train.txt", (f"{i} {labels}" for i, labels in enumerate(pairs)))
        return
    for name, asks in (("query", True), ("candidate", False)):
        rows = ((i, *label) for i, order in enumerate(plan.orders) if (i in plan.queries) == asks for label in order.labels)
        _write(root / f"{name}_{part}.txt", (f"{i} {a} {v}" for i, a, v in rows))


def _write_meta(out: Path, dataset: str) -> None:
    """The dataset's part of meta.json beside those of others; in the dataset's folder where another has the file to itself."""
    path, names = out / "meta.json", NAMES[dataset]
    part = {
        "ATTRIBUTES": list(names),
        "ATTRIBUTES_NUM": {attribute: len(values) for attribute, values in names.items()},
        "ATTRIBUTES_VALUES": {attribute: list(values) for attribute, values in names.items()},
    }
    known = load_meta(path) if path.exists() else {}
    if "ATTRIBUTES" in known:
        _write(out / dataset / "meta.json", [json.dumps(part, indent=1)])
    else:
        _write(path, [json.dumps(known | {dataset: part}, indent=1)])


def _write(path: Path, lines: Iterable[str]) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    os.replace(part, path)
