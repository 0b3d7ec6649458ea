"""Doors for strangers' files and folders: galleries, benchmarks' lists and downloads, saved searches, cases, archives.

As in `fuzz_doors`. Where a folder holds several files the first byte chooses which of them the other bytes are; checksums are
made to fit, as a stranger can do that too.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from asen_core import images
from asen_core.data import inshop
from asen_core.data import labels as marked
from asen_core.data.official import checking, darn, deepfashion, fashionai, listing, reading
from asen_core.errors import DataError, PhotoError
from asen_core.gallery import Gallery, manifest, maps
from asen_core.gallery.watches import Watches
from asen_core.indexing import archives, private
from asen_core.review import background, exports, prints, suspects
from asen_core.review.cases import Cases
from benchmarks.fuzz_doors import NAMES, hold, small_gallery

FILES = (manifest.MANIFEST, *manifest.ENDINGS, manifest.MAPS, manifest.PAIRS, manifest.PRINTS)
"""Of a gallery, in the order in which the first byte chooses them: the manifest, files by their role, and those beside."""
LISTS = (
    "filenames_train.txt", "label_train.txt", "filenames_valid.txt", "query_valid.txt", "candidate_valid.txt", "meta.json",
    "prepared.json", "drawn.json", "regions.csv",
)  # fmt: skip
DOWNLOADS = (
    "labels.csv", "regions.csv", "list_eval_partition.txt", "darn_url.txt", "darn_label.txt", "list_attr_cloth.txt",
    "list_attr_img.txt", "Annotations/label.csv",
)  # fmt: skip


@cache
def whole_gallery(folder: Path) -> Path:
    """The small gallery with everything that may lie beside one, in a folder of its own."""
    gallery = small_gallery(folder)
    place = folder / "whole"
    shutil.copytree(gallery.directory, place)
    copied = Gallery.open(place)
    maps.write(place, copied.manifest, maps.Maps({a: maps.lay_out(copied.space(a)) for a in NAMES}))
    background.write(place / manifest.PAIRS, background.measured(copied))
    prints.write(copied, prints.of_gallery(copied))
    return place


@contextmanager
def replaced(path: Path, data: bytes) -> Iterator[None]:
    """A file with other bytes, until the block ends."""
    before = path.read_bytes() if path.exists() else None
    path.write_bytes(data)
    try:
        yield
    finally:
        path.unlink() if before is None else path.write_bytes(before)


def gallery(data: bytes, folder: Path) -> None:
    """One file of a gallery is a stranger's; it is opened, and everything is asked that a page asks."""
    place = whole_gallery(folder)
    which, content = FILES[data[0] % len(FILES) if data else 0], data[1:]
    told = manifest.read(place)
    name = told.file(which) if which in manifest.ENDINGS else which
    sums = {**told.sha256, **({which: hashlib.sha256(content).hexdigest()} if which in manifest.ENDINGS else {})}
    fitting = json.dumps({**told.to_dict(), "sha256": sums}).encode()
    with replaced(place / manifest.MANIFEST, fitting), replaced(place / name, content):
        opened = Gallery.open(place)
        try:
            _asked(opened)
        finally:
            opened.store.close()


def _asked(opened: Gallery) -> None:
    for item in opened.items:
        hold(opened.picture(item).is_relative_to(opened.directory), f"the picture {item.image!r} elsewhere")
        hold(all(isinstance(v, str) for v in (item.id, *item.labels, *item.labels.values())), f"the item {item!r}")
    for attribute in opened.attributes:
        found = opened.search(attribute, np.eye(1, opened.manifest.dim, dtype=np.float32)[0], 3)
        hold(all(-1 <= m.similarity <= 1 and 0 <= m.percentile <= 100 for m in found), f"hits {found.hits}")
        points = opened.map(attribute)
        hold(points is None or points.shape == (len(opened), 2), "a map of other garments")
    for label, counts in opened.facets().items():
        hold(label in opened.columns and all(0 < c <= len(opened) for c in counts.values()), f"counts {counts}")
    pairs = background.of_gallery(opened)
    hold(pairs.any.shape[1] == len(opened.attributes), f"pairs {pairs.any.shape}")
    hold(len(prints.read(opened)) == len(opened), "prints of other garments")


def watches(data: bytes, folder: Path) -> None:
    """A file of saved searches: listed, looked into, asked again."""
    gallery = small_gallery(folder)
    path = gallery.directory / "watches.sqlite"  # where it doesn't say which gallery it is of
    with _database(path, data):
        found = Watches.open(gallery, path)
        for saved in found.list():
            hold(saved.vectors.ndim == 2 and isinstance(saved.picture, bytes), f"the saved search {saved.name!r}")
            found.found(saved.name)
        found.run(time=datetime(2026, 1, 1, 12, tzinfo=UTC))


def cases(data: bytes, folder: Path) -> None:
    """A file of cases: listed, queued, exported."""
    path = folder / "cases.sqlite"
    with _database(path, data):
        held = Cases.open(path)
        for name in held.list():
            case = held.case(name)
            case.counts(), case.suspects(), case.queue(), case.hits(), case.decisions(), case.sources
            exports.write_hits(case, folder / "hits.csv")
            hold((folder / "hits.csv").read_text(encoding="utf-8").startswith("suspect,"), "a table without its heads")


@contextmanager
def _database(path: Path, data: bytes) -> Iterator[None]:
    try:
        path.write_bytes(data)
        yield
    finally:
        for beside in path.parent.glob(path.name + "*"):
            beside.unlink()


def lists(data: bytes, folder: Path) -> None:
    """One file of a prepared benchmark is a stranger's; all its readers are asked."""
    root = folder / "FashionAI"
    _prepared(root)
    with replaced(root / LISTS[data[0] % len(LISTS) if data else 0], data[1:]):
        state = checking.check(folder, "FashionAI")
        hold(not state.complete, "a benchmark without photos that is complete")
        for split in ("train", "valid"):
            for found in reading.used_photos(folder, "FashionAI", split):
                photos = listing.photos_of(found)
                hold(all(p.path.is_relative_to(root) and ".." not in p.key.split("/") for p in photos), "a photo elsewhere")


@cache
def _prepared(root: Path) -> None:
    root.mkdir(parents=True)
    names = [f"train1/Images/coat_length_labels/{i}.jpg\n" for i in range(4)]
    kept = {"filenames_train.txt": names[:2], "label_train.txt": ["0 2 1\n", "1 2 2\n"], "filenames_valid.txt": names[2:]}
    kept |= {"query_valid.txt": ["0 2 1\n"], "candidate_valid.txt": ["1 2 1\n"]}
    for name, lines in kept.items():
        (root / name).write_text("".join(lines), encoding="utf-8")


def downloads(data: bytes, folder: Path) -> None:
    """One file as it is downloaded or written by people: label files, marked regions, the lists that benchmarks come with."""
    root = folder / "raw"
    (root / "Annotations").mkdir(parents=True, exist_ok=True)
    name = DOWNLOADS[data[0] % len(DOWNLOADS) if data else 0]
    with replaced(root / name, data[1:]):
        match DOWNLOADS.index(name):
            case 0:
                photos = marked.read_labels(root / name, root, split=next(iter(marked.splits_of(root / name)), None))
                hold(all(p.key and set(p.labels.values()) - {""} == set(p.labels.values()) for p in photos), "odd labels")
            case 1:
                boxes = [b for r in marked.read_regions(root / name).values() for found in r.values() for b in found]
                hold(all(min(b) > -0.01 and max(b) < 1.01 for b in boxes), f"regions {boxes}")
            case 2:
                _one_of(lambda: inshop.read_inshop(root / name, root), lambda: deepfashion.read_partition(root))
            case 3:
                darn.read_addresses(root)
            case 4:
                darn.read_labels_of(root)
            case 5:
                deepfashion.read_attributes(root)
            case 6:
                with replaced(root / DOWNLOADS[2], b"1\nimage_name evaluation_status\nimg/a.jpg train\n"):
                    deepfashion.read_deepfashion(root, [(0, 0), (1, 0)], lambda n: None, lambda rows, total, doing: rows)
            case _:
                fashionai.read_fashionai(root)


def _one_of(*read: Any) -> None:
    """Readers that may each refuse what another reads."""
    for one in read:
        try:
            one()
        except DataError as reason:
            refused = reason
        else:
            return
    raise refused


def archive(data: bytes, folder: Path) -> None:
    """A zip that a visitor gives: its photos and labels, as for a gallery of one's own, and as suspects."""
    path = folder / "upload.zip"
    path.write_bytes(data)
    found = archives.opened(path, path.name, "", archives.Budget(50, 5_000_000))
    hold(all(reason.strip() for reason in found.left_out.values()), "left out without a word")
    hold(sum(f.size for f in found.files) <= 5_000_000, "more than the limit of bytes")
    named = [f.name for f in found.files]
    fitted = private._labels(found)
    hold(set(fitted.labels) <= set(named), f"labels of {sorted(fitted.labels)}")
    with suspects.Reader() as reader:
        for file in found.files:
            hold(".." not in Path(file.name.replace("\\", "/")).parts, f"{file.name!r} leads out")
            with suppress(PhotoError):
                images.load(reader.read(file.path, file.member))
    entries = suspects.listed([path])
    hold(all(e.name.encode() for e in entries), "a suspect's name that can't be stored")
