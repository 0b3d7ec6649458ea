"""Processes that search a gallery all the time while another writes one generation of it after the other."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy as np

from asen_core.errors import GalleryError
from asen_core.gallery import Entry, Gallery, Journal, assemble, writing
from asen_core.gallery.manifest import JOURNAL, superseded
from asen_core.types import Box
from benchmarks.fault_jobs import key_of, vectors_of

ITEMS, CHANGED, DIM, ATTRIBUTES = 80, 8, 16, ("neckline", "sleeve")
SEARCHES = 25
"""Of a reader with one and the same opened gallery, before it opens it anew."""


def _write(out: Path, generation: int, journal: Journal | None = None) -> None:
    """The gallery of items CHANGED * generation and so many more."""
    header = {"attributes": list(ATTRIBUTES), "dim": DIM, "split": DIM // 2, "fingerprint": "0" * 16}
    journal = journal or Journal(out / JOURNAL, header)
    numbers = range(CHANGED * generation, CHANGED * generation + ITEMS)
    for number in numbers if generation == 0 else numbers[-CHANGED:]:
        pixels = np.full((40, 30, 3), number % 256, np.uint8)
        box = Box(0, 0, 1, 1)
        journal.add(key_of(number), pixels, vectors_of(number, len(ATTRIBUTES), DIM), dict.fromkeys(ATTRIBUTES, box))
    assemble(out, [Entry(f"{n}", key_of(n)) for n in numbers], [journal], {})


def _writer(out: Path, until: float, told: multiprocessing.Queue) -> None:
    generation = 0
    with writing(out):
        while time.monotonic() < until:
            generation += 1
            _write(out, generation)
    told.put({"generations": generation})


def _reader(out: Path, seed: int, until: float, told: multiprocessing.Queue) -> None:
    rng, found = np.random.default_rng(seed), {"searches": 0, "opened": 0, "errors": 0, "wrong": 0, "gone": 0, "first": ""}
    while time.monotonic() < until:
        try:
            gallery = Gallery.open(out)
            found["opened"] += 1
            for _ in range(SEARCHES):
                _search(gallery, rng, found)
            if gallery.maps is not None:
                found["wrong"] += 1  # none are made here
        except Exception as reason:  # whatever it is, a visitor would have seen it
            found["errors"] += 1
            found["first"] = found["first"] or repr(reason)[:300]
    told.put(found)


def _search(gallery: Gallery, rng: np.random.Generator, found: dict[str, Any]) -> None:
    """One search with an item's own vector, which has to find that item, with its vectors and its picture."""
    item = gallery.items[int(rng.integers(len(gallery)))]
    number = int(rng.integers(len(ATTRIBUTES)))
    wanted = vectors_of(int(item.id), len(ATTRIBUTES), DIM)
    hit = gallery.search(ATTRIBUTES[number], wanted[number], 3).hits[0]
    held = gallery.vectors(hit.item.id)
    found["searches"] += 1
    found["wrong"] += hit.item.id != item.id or not np.allclose(held, wanted, atol=2e-3)
    if not gallery.picture(hit.item).is_file():
        # It may go with its garment, but only then: whoever opens the gallery now doesn't see that any more.
        gone = superseded(gallery.directory, gallery.manifest)
        found["gone" if gone else "wrong"] += 1


def _second(out: Path, writer: int, until: float, told: multiprocessing.Queue) -> None:
    """Another that would write: it has to be told which process does."""
    found = {"tried": 0, "refused": 0, "named": 0}
    time.sleep(0.5)
    while time.monotonic() < until:
        found["tried"] += 1
        try:
            with writing(out):
                pass
        except GalleryError as reason:
            found["refused"] += 1
            found["named"] += f"(process {writer} on " in str(reason)
        time.sleep(0.05)
    told.put(found)


def measured(home: Path, seconds: float, readers: int, seed: int) -> dict[str, Any]:
    """One writer, `readers` readers and one that would write, too, for so many seconds."""
    out = home / "written and read"
    with writing(out):
        _write(out, 0)
    fork, until = multiprocessing.get_context("fork"), time.monotonic() + seconds
    queues = [fork.Queue() for _ in range(readers + 2)]
    writer = fork.Process(target=_writer, args=(out, until, queues[0]))
    writer.start()
    work = [fork.Process(target=_second, args=(out, writer.pid, until - 0.5, queues[1]))]
    work += [fork.Process(target=_reader, args=(out, seed + i, until, queues[2 + i])) for i in range(readers)]
    for process in work:
        process.start()
    written, refused, *read = (queue.get(timeout=seconds + 60) for queue in queues)
    for process in (writer, *work):
        process.join()
    sums = {name: sum(one[name] for one in read) for name in ("searches", "opened", "errors", "wrong", "gone")}
    first = next((one["first"] for one in read if one["first"]), "")
    return {"seconds": seconds, "readers": readers, **written, **sums, "first_error": first, "second_writer": refused}
