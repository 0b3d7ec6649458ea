"""Doors for strangers' bytes that need no folder: photos, label tables, calls of the service, addresses, recipes, evidence.

Each takes the bytes and a scratch folder, and raises the door's documented errors or `WrongError` where what came out is not
as promised.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from asen_core import images
from asen_core.cli.asked import parse_weights, parse_where
from asen_core.gallery import Gallery, GalleryWriter
from asen_core.gallery.milvus.address import Address
from asen_core.indexing import labels
from asen_core.types import Box, Garment

NAMES, DIM = ("neckline", "sleeve"), 8
SECRET = "s3cret-word"
SIDES = (1, 5, 16, 64, 224, 1000)
PIXELS = 4_000_000
"""Of a photo here, so that many are decoded in a minute; pictures at the product's own limit are in the tests."""


class WrongError(Exception):
    """Something came out that was not promised."""


def hold(promised: object, what: str) -> None:
    """Raises: WrongError, which no door documents."""
    if not promised:
        raise WrongError(what)


@contextmanager
def small_photos() -> Iterator[None]:
    """Photos may have `PIXELS` only, until the block ends."""
    before = images.LIMITS.pixels
    object.__setattr__(images.LIMITS, "pixels", PIXELS)
    try:
        yield
    finally:
        object.__setattr__(images.LIMITS, "pixels", before)


def photo(data: bytes, folder: Path) -> None:
    """Any bytes as a photo."""
    _whole(images.load(data))


def photo_smaller(data: bytes, folder: Path) -> None:
    """As for bulk work, which may read it smaller; then laid into the model's square. The first byte chooses how small."""
    longest = SIDES[data[0] % len(SIDES)] if data else 64
    found = images.load(data[1:], longest=longest)
    _whole(found)
    for way in ("letterbox", "released"):
        square, frame = images.lay(found.pixels, 32, geometry=way)
        hold(square.shape == (32, 32, 3) and frame.scale > 0, f"{way}: {square.shape} {frame}")


def photo_facts(data: bytes, folder: Path) -> None:
    """What evidence says of a photo's file, whose name has a byte that is no letter."""
    from asen_core.review.evidence import of_bytes

    facts = of_bytes(data, "a\udcff.jpg").facts
    hold(min(facts.width, facts.height) > 0 and 1 <= facts.orientation <= 8, f"facts {facts}")
    hold(json.dumps({**vars(facts), "exif": dict(facts.exif)}, ensure_ascii=False).encode(), "facts that can't be written")
    hold(all(text.isprintable() for text in facts.exif.values()), f"codes in {facts.exif}")


def _whole(found: Garment) -> None:
    pixels, limits = found.pixels, images.LIMITS
    hold(pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3, f"pixels {pixels.shape} {pixels.dtype}")
    hold(0 < pixels.shape[0] * pixels.shape[1] <= limits.pixels, f"pixels {pixels.shape} beyond the limits")
    hold(pixels.flags.writeable and pixels.flags.c_contiguous, "pixels that torch can't take")


def table(data: bytes, folder: Path) -> None:
    """The labels that come with photos: CSV or JSON with whatever columns."""
    rows = labels.parsed(data, "labels.csv")
    for written, values in rows:
        hold(isinstance(written, str) and isinstance(values, Mapping), f"a row {written!r} {values!r}")
        hold(all(isinstance(k, str) and isinstance(v, str) and k and v for k, v in values.items()), f"labels {values!r}")
        hold(all(_stored(text) for pair in values.items() for text in pair), f"labels that can't be stored: {values!r}")
    photos = ["a.jpg", "b/c.png", "b/a.jpg"]
    fitted = labels.fitted(rows, photos, "labels.csv", "/photos/b", "b")
    hold(set(fitted.labels) <= set(photos), f"labels of {sorted(fitted.labels)}")


def _stored(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@cache
def small_gallery(folder: Path) -> Gallery:
    """Four grey garments under two attributes, with labels of words and of numbers."""
    turned = np.random.default_rng(0).standard_normal((4, len(NAMES), DIM)).astype(np.float32)
    turned /= np.linalg.norm(turned, axis=-1, keepdims=True)
    with GalleryWriter(folder / "small", NAMES, DIM, 4, "f" * 16, {"from": "the fuzzer"}) as writer:
        for i, vectors in enumerate(turned):
            rois = dict.fromkeys(NAMES, Box(0.25, 0.25, 0.75, 0.75))
            grey = np.full((12, 9, 3), 40 * i, np.uint8)
            writer.add(f"item-{i}", grey, {"colour": ("navy", "red")[i % 2], "price": str(10 + i)}, vectors, rois)
    return Gallery.open(folder / "small")


def call(data: bytes, folder: Path) -> None:
    """What a caller of the service gives: {"photo": ..., "where": ..., ...}; anything that is no such object is a photo."""
    from asen_core.ui import given

    gallery, uploads = small_gallery(folder), folder / "uploads"
    try:
        asked = json.loads(data)
    except (ValueError, RecursionError):
        asked = data.decode("utf-8", "replace")
    if not isinstance(asked, dict):
        found, _ = given.photo(asked, uploads, gallery)
        _whole(found)
        return
    where, weights = given.where(asked.get("where")), given.weights(asked.get("weights", {"neckline": 1}))
    given.whole("k", asked.get("k", 3), 1, given.MOST)
    given.number("least", asked.get("least"), -1, 1)
    given.names("attributes", asked.get("attributes"))
    given.name("attribute", asked.get("attribute", "neckline"))
    for box in given.regions(asked.get("regions")).values():
        hold(np.isfinite(list(box)).all(), f"a region {box}")
    hold(all(np.isfinite(w) and w >= 0 for w in weights.values()), f"weights {weights}")
    found = gallery.mix(gallery.vectors("item-0"), weights, k=3, where=where)
    hold(len(found) <= 3 and all(-1 <= m.similarity <= 1 for m in found), f"hits {found}")
    if "photo" in asked:
        _whole(given.photo(asked["photo"], uploads, gallery)[0])


def words(data: bytes, folder: Path) -> None:
    """What is written on the command line; the first byte chooses: weights, filters or the address of a cluster."""
    text = data[1:].decode("utf-8", "surrogateescape")
    match data[:1] and data[0] % 3:
        case 0:
            weights = parse_weights(text)
            hold(all(k and np.isfinite(w) and w > 0 for k, w in weights.items()), f"weights {weights}")
        case 1:
            hold(all(parse_where(text.split("\n"))), "a filter of no label")
        case _:
            found = Address.parse(text.replace("PASSWORD", SECRET))
            hidden = SECRET not in found.token or SECRET in found.host + found.name + found.database + found.pictures
            hold(hidden or SECRET not in str(found) + repr(found) + found.uri, f"the password in {found}")
            hold(0 < found.port < 65536 and found.name.isascii(), f"the address {found}")


def recipe(data: bytes, folder: Path) -> None:
    """A recipe of training in TOML."""
    from asen_core.training.recipe import Recipe, load_recipe

    path = folder / "recipe.toml"
    path.write_bytes(data)
    found = load_recipe(str(path), images=100_000)
    hold(isinstance(found, Recipe) and all(s.images > 0 for s in found.stages), f"a recipe {found}")


def evidence(data: bytes, folder: Path) -> None:
    """The JSON of an evidence pack, read and checked against no files at all."""
    from asen_core.review.background import measured
    from asen_core.review.evidence import checking

    path = folder / "pack.json"
    path.write_bytes(data)
    record = checking.read(path)
    engine: Any = SimpleNamespace(fingerprint=str(record["model"]["fingerprint"]))
    verdict = checking.check(record, engine, measured(small_gallery(folder)), [], [])
    hold(not verdict.agrees, "a pack that agrees with no files")
