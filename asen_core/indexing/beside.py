"""What lies beside a gallery and belongs to its vectors: pairs by chance, prints of the pictures, maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asen_core import images
from asen_core.errors import GalleryError, PhotoError
from asen_core.gallery import Gallery
from asen_core.gallery import maps as laid_out
from asen_core.gallery.manifest import VECTORS
from asen_core.indexing.look import steady
from asen_core.indexing.report import Pace, Progress, silent
from asen_core.review import background as chance
from asen_core.review import prints
from asen_core.review.prints import Print, Prints

if TYPE_CHECKING:
    from asen_core.engine import Engine

MAPPED = 5_000
"""Items up to which maps are made without being asked for: t-SNE takes minutes per attribute above."""


def renew(
    engine: Engine, gallery: Gallery, printed: Prints, kinds: Mapping[str, str], changed: bool, maps: bool,
    each: Callable[[Progress], None],
) -> None:  # fmt: skip
    """Make what is missing or belongs to other vectors; nothing where all fits and nothing `changed`.

    printed: of the items, in their order; kinds: id -> category that the model read; maps: else they are only removed where
    they don't fit. Raises: GalleryError, OSError where something can't be written.
    """
    if not _fits(lambda: prints.read(gallery)):
        prints.write(gallery, printed)
    pairs = gallery.directory / chance.FILE
    try:
        found = chance.read(pairs, engine.fingerprint)
        fits = not found.vectors or (not changed and found.vectors == gallery.manifest.sha256[VECTORS])  # "": of other photos
    except GalleryError:
        fits = False
    if not fits:
        chance.write(pairs, background(engine, gallery, kinds, each=each))
    if not _fits(lambda: gallery.maps):
        (gallery.directory / laid_out.MAPS).unlink(missing_ok=True)
        gallery = Gallery.open(gallery.directory)
    if maps and len(gallery) <= MAPPED:
        lay_out(gallery, each=each)


def background(
    engine: Engine, gallery: Gallery, kinds: Mapping[str, str], seed: int = 0, each: Callable[[Progress], None] = silent
) -> chance.Background:
    """The background of a gallery's garments; the model reads the category of those that have none in labels or `kinds`."""
    known = dict(kinds)
    if chance.CATEGORY in engine.vocabulary:
        todo = [i for i in chance.chosen(gallery, seed) if not (i.labels.get(chance.CATEGORY) or i.id in known)]
        pace = Pace("Reading categories", len(todo), each)
        pictures = (images.load(gallery.picture(item)) for item in todo)
        for done, (item, views) in enumerate(zip(todo, steady(engine, pictures), strict=True), 1):
            reading = views[chance.CATEGORY].reading
            known[item.id] = reading.value if reading else ""
            pace.tell(done)
    return chance.measured(gallery, known, seed)


def lay_out(gallery: Gallery, seed: int = 0, again: bool = False, each: Callable[[Progress], None] = silent) -> list[str]:
    """Make the maps that a gallery lacks (all, where `again` or they have another seed); returns the attributes made.

    Each is written as soon as it is made. Raises: GalleryError, AsenError where scikit-learn is missing.
    """
    kept = None if again else gallery.maps
    points = dict(kept.points) if kept and (kept.seed, kept.method) == (seed, laid_out.METHOD) else {}
    todo = [a for a in gallery.attributes if a not in points]
    pace = Pace("Laying out maps", len(gallery.attributes), each)
    if todo:
        pace.tell(len(points))
    for name in todo:
        points[name] = laid_out.lay_out(gallery.space(name), seed)
        laid_out.write(gallery.directory, gallery.manifest, laid_out.Maps(dict(points), laid_out.METHOD, seed))
        pace.tell(len(points))
    return todo


def printed(directory: Path, pictures: Sequence[str], each: Callable[[Progress], None], stop: Callable[[], bool]) -> Prints:
    """The prints of pictures below a gallery's folder, those that lie with the gallery taken from there.

    pictures: their paths, which their content gives them. Stopped half way the rest are prints of nothing. Raises: GalleryError
    where a picture can't be read.
    """
    bits = np.zeros((len(pictures), len(prints.KINDS), prints.BITS // 8), np.uint8)
    sums = np.zeros((len(pictures), 32), np.uint8)
    held, before = _before(directory)
    todo = [i for i, picture in enumerate(pictures) if picture not in before]
    for i, picture in enumerate(pictures):
        if picture in before:
            bits[i], sums[i] = held.bits[before[picture]], held.sha256[before[picture]]
    pace = Pace("Comparing photos", len(todo), each)
    for done, i in enumerate(todo, 1):
        if stop():
            break
        one = _printed(directory / pictures[i])
        bits[i], sums[i] = one.bits, np.frombuffer(one.sha256, np.uint8)
        if done % 32 == 0 or done == len(todo):
            pace.tell(done)
    return Prints(bits, sums)


def _before(directory: Path) -> tuple[Prints, dict[str, int]]:
    """The prints that lie with the present gallery, and where each picture's is; nothing where they don't fit."""
    try:
        gallery = Gallery.open(directory)
        found = prints.read(gallery)
        return found, {item.image: i for i, item in enumerate(gallery.items)}
    except GalleryError:
        return prints.prints(()), {}


def _printed(path: Path) -> Print:
    try:
        return prints.printed(images.load(path))
    except PhotoError as reason:
        raise GalleryError(f"The picture {path} of the gallery can't be read: {reason}") from reason


def _fits(read: Callable[[], object]) -> bool:
    try:
        read()
    except GalleryError:
        return False
    return True
