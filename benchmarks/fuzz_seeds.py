"""What the fuzzer begins with: drawn garments in every format, and small files of every kind made by the product or by hand."""

from __future__ import annotations

import base64
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image

from asen_core.gallery import manifest
from asen_core.gallery.watches import Watches
from asen_core.gallery.watches.question import Question, Rule
from asen_core.review.background import Standing
from asen_core.review.cases import Cases
from asen_core.review.suspects import Entry
from asen_core.review.triage import Found, Hit
from benchmarks import fuzz_folders as folders
from benchmarks.fuzz_doors import NAMES, SIDES, small_gallery

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_WAYS = (
    ("JPEG", "RGB", {"quality": 70}), ("JPEG", "RGB", {"quality": 40, "progressive": True}), ("JPEG", "CMYK", {}),
    ("JPEG", "L", {}), ("PNG", "RGB", {}), ("PNG", "RGBA", {}), ("PNG", "P", {"transparency": 0}), ("PNG", "I;16", {}),
    ("PNG", "1", {}), ("WEBP", "RGB", {"quality": 50}), ("WEBP", "RGBA", {"lossless": True}), ("GIF", "P", {}),
    ("TIFF", "RGB", {"compression": "tiff_lzw"}), ("TIFF", "RGB", {"compression": "jpeg"}), ("TIFF", "F", {}),
    ("TIFF", "LAB", {"compression": "tiff_adobe_deflate"}), ("BMP", "RGB", {}), ("BMP", "P", {}), ("JPEG2000", "RGB", {}),
    ("AVIF", "RGB", {"quality": 40}),
)  # fmt: skip
"""Format, mode and settings of the seeds."""


def drawn() -> Image.Image:
    """A drawn garment, 24 x 32 pixels."""
    from asen_core.data.render import render, sample

    return Image.fromarray(render(sample(0, 3), 96, 128).pixels).resize((24, 32), Image.Resampling.BOX)


def photos(folder: Path) -> Iterator[bytes]:
    """One garment in every format and mode; turned, animated, and cut off."""
    garment = drawn()
    for kind, mode, more in _WAYS:
        yield _encoded(_as(garment, mode), kind, **more)
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        yield _encoded(garment, kind, save_all=True, append_images=[garment.rotate(90), garment.rotate(180)])
    exif = Image.Exif()
    exif[0x0112] = 6
    yield _encoded(garment, "JPEG", exif=exif)
    yield _encoded(garment, "JPEG")[:400]
    yield from (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")


def _as(garment: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.asarray(garment.convert("L")).astype(np.uint16) * 257)
    if mode == "LAB":
        from PIL import ImageCms

        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(garment, *profiles, outputMode="LAB")
    return garment.convert(mode)


def _encoded(image: Image.Image, kind: str, **more: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def photos_with_a_size(folder: Path) -> Iterator[bytes]:
    """The photos, each behind a byte that chooses how small it may come back."""
    for i, data in enumerate(photos(folder)):
        yield bytes([i % len(SIDES)]) + data


def tables(folder: Path) -> Iterator[bytes]:
    """Label tables as they come with photos."""
    yield b"image,colour,price\na.jpg,navy,12.50\nb/c.png,,7\n"
    yield b'\xef\xbb\xbfFile;Marke\r\na;\'=1+1\r\nc.png;"<b>"\r\n'
    yield "path\tcolour\nb/a.jpg\tnavy\n".encode("utf-16")
    yield b'[{"image": "a.jpg", "colour": "navy", "sizes": [36, 38], "maker": {"name": "Ada", "ok": true, "x": NaN}}]'
    yield b'{"a.jpg": {"colour": "navy"}, "b/c.png": {"price": 1e400, "half": "\\ud800"}}'
    yield b'{"file_name": "a.jpg", "k": null}\n{"file_name": "c.png", "dataset": "b", "k": 0012}\n'
    yield b'"image","a"\n"a.jpg","line\nbreak, and ""quotes"""\n'


def calls(folder: Path) -> Iterator[bytes]:
    """Calls of the service."""
    box = {"x0": 1, "y0": 1, "x1": 9, "y1": 9}
    inline = base64.b64encode(_encoded(drawn(), "PNG")).decode()
    yield json.dumps({"photo": "gallery:item-0", "where": {"colour": ["navy"], "price": {"least": 11, "most": 12.5}}}).encode()
    yield json.dumps({"photo": {"path": "data:image/png;base64," + inline}, "k": 5, "least": 0.5}).encode()
    yield json.dumps({"weights": {"neckline": 0.7, "sleeve": 0.3}, "regions": {"neckline": box}}).encode()
    yield json.dumps({"attributes": ["neckline"], "attribute": "sleeve", "where": {"colour": "red"}}).encode()
    yield from (
        inline.encode(),
        b"gallery:item-3",
        b"/gradio_api/file=/etc/passwd",
        b"http://127.0.0.1/a.png",
        b"../../etc/passwd",
    )


def words(folder: Path) -> Iterator[bytes]:
    """Weights, filters, addresses."""
    yield from (b"\x00neckline=0.7,sleeve=0.3", b"\x00neckline", b"\x01colour=navy\nprice=10..50", b"\x01price=..5")
    yield b"\x02milvus://user:PASSWORD@host:19530/db/name?tls=1&consistency=Strong"
    yield b"\x02milvus://[::1]/name?token=PASSWORD&pictures=https://cdn.example/p"


def recipes(folder: Path) -> Iterator[bytes]:
    """The shipped recipes, the small ones."""
    from asen_core.training.recipe import SHIPPED

    yield from (path.read_bytes() for path in sorted(SHIPPED.glob("*.toml")) if path.stat().st_size < 2_000)


def packs(folder: Path) -> Iterator[bytes]:
    """Evidence of a pair and of a case."""
    like = {"similarity": 0.5, "mirrored": 0.4, "any_kind": {"closer_than_percent": 99.0}, "same_kind": None}
    pair = {"designs": [{"name": n, "photos": [{"sha256": "ab", "name": "a.jpg"}]} for n in "xy"], "weights": {"neckline": 1.0}}
    pair |= {"overall": like, "features": {"neckline": like}}
    above = {"format": 1, "model": {"fingerprint": "ff"}, "background": {"sha256": "cd"}}
    yield json.dumps({"kind": "pair", **above, **pair}).encode()
    yield json.dumps({"kind": "case", **above, "pairs": [pair]}).encode()


def downloads(folder: Path) -> Iterator[bytes]:
    """Label files, regions, and the lists of benchmarks; the first byte names the file."""
    yield b"\x00image,dataset,split,colour\na.jpg,x,train,navy\nb.jpg,,valid,\n"
    yield b"\x01image,region,x0,y0,x1,y1\na.jpg,sleeve,0.1,0.1,0.5,0.9\na.jpg,hem,0,0.9,1,1\n"
    yield b"\x022\nimage_name item_id evaluation_status\nimg/a.jpg id_1 query\nimg/b.jpg id_1 gallery\n"
    yield b"\x022\nimage_name evaluation_status\nimg/a.jpg train\nimg/b.jpg val\n"
    yield b"\x031.jpg http://h.example/1.jpg\nhttps://h.example/x/2.jpg\n"
    yield b"\x04pic/1.jpg 0 1 2 3\n2 1 0\n"
    yield b"\x053\nattribute_name attribute_type\nlong sleeve 1\ndotted 2\nv-neck 3\n"
    yield b"\x061\nimage_name attribute_labels\nimg/a.jpg 1 -1\n"
    yield b"\x07Images/coat_length_labels/a.jpg,coat_length_labels,nymnnnnn\n"


def lists(folder: Path) -> Iterator[bytes]:
    """The lists of a small prepared benchmark."""
    root = folder / "FashionAI"
    folders._prepared(root)
    for number, name in enumerate(folders.LISTS):
        if (root / name).exists():
            yield bytes([number]) + (root / name).read_bytes()
    yield b'\x05{"FashionAI": {"ATTRIBUTES": ["coat_length"], "ATTRIBUTES_NUM": {"coat_length": 8}, "ATTRIBUTES_VALUES": {}}}'
    yield b'\x06{"split": "the lists of X", "dropped": 0, "dataset": "FashionAI", "lists": "authors", "listed": {"train": 2}}'
    yield b'\x07{"seed": 3, "dataset": "FashionAI"}'
    yield b"\x08image,region,x0,y0,x1,y1\ntrain1/Images/coat_length_labels/0.jpg,hem,0,0.9,1,1\n"


def galleries(folder: Path) -> Iterator[bytes]:
    """Every file of a small gallery behind the byte that names it, without checksums of their own, which no change survives."""
    place = folders.whole_gallery(folder)
    told = manifest.read(place)
    for number, which in enumerate(folders.FILES):
        path = place / (told.file(which) if which in manifest.ENDINGS else which)
        content = json.dumps(told.to_dict()).encode() if which == manifest.MANIFEST else path.read_bytes()
        yield bytes([number]) + (_packed_again(path) if path.suffix == ".npz" else content)


def _packed_again(path: Path) -> bytes:
    out = io.BytesIO()
    with np.load(path, allow_pickle=False) as stored:
        np.savez(out, **dict(stored))
    return out.getvalue()


def watches(folder: Path) -> Iterator[bytes]:
    """A file of two saved searches."""
    gallery = small_gallery(folder)
    path = gallery.directory / "watches.sqlite"
    held, grey = Watches.open(gallery, path), np.full((9, 9, 3), 90, np.uint8)
    asked = {
        "one": (Question({"neckline": 1.0}), Rule()),
        "two": (Question({"sleeve": 1.0}, where={"colour": "red"}), Rule(0.1)),
    }
    for name, (question, rule) in asked.items():
        held.save(name, gallery.vectors("item-0"), grey, question, rule, time=NOON)
    content = _shrunk(path)
    path.unlink()
    yield content


def cases(folder: Path) -> Iterator[bytes]:
    """A file of one case with two suspects, of which one is unreadable, and a decision."""
    path = folder / "seed-cases.sqlite"
    case = Cases.open(path).create("one", small_gallery(folder), time=NOON)
    hits = [Hit(0, 0, a, 1, "item-1", "images/x.webp", 0.9, Standing(99.5, 6), None) for a in NAMES]
    entries = [Entry(n, Path("/x") / n, "", 9, "9:1") for n in ("a.jpg", "=b.jpg")]
    case.add([Found(entries[0], "ab", tuple(hits), "dress"), Found(entries[1], "", unreadable="damaged")])
    case.decide(case.hits(), "alike", "Ada", NOON, "=1+1")
    content = _shrunk(path, "UPDATE cases SET directory = '/gallery'")
    for beside in path.parent.glob(path.name + "*"):
        beside.unlink()
    yield content


def _shrunk(path: Path, change: str = "") -> bytes:
    """A database in small pages, so that more of its bytes mean something."""
    with closing(sqlite3.connect(path, isolation_level=None)) as link:
        link.executescript(f"PRAGMA journal_mode = DELETE; {change}; PRAGMA page_size = 512; VACUUM")
    return path.read_bytes()


def archives(folder: Path) -> Iterator[bytes]:
    """Zips with photos, labels, folders, another zip, and names that lead out."""
    photo = _encoded(drawn().resize((8, 8)), "PNG")
    plain = {"a.png": photo, "b/c.png": photo, "b/labels.csv": b"image,k\nc.png,1\n", "b/readme.txt": b"hello"}
    odd = {"../a.png": photo, "C:\\b.png": photo, "inner.zip": b"PK\x05\x06" + bytes(18), "labels.json": b'{"a.png": {}}'}
    for members in (plain, odd):
        for way in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w", way) as archive:
                for name, data in members.items():
                    archive.writestr(name, data)
            yield out.getvalue()


def checkpoints(folder: Path) -> Iterator[bytes]:
    """The two files of the smallest model."""
    from benchmarks.fuzz_models import small_checkpoint

    place = small_checkpoint(folder)
    yield b"\x00" + (place / "config.json").read_bytes()
    yield b"\x01" + (place / "model.safetensors").read_bytes()


def releases(folder: Path) -> Iterator[bytes]:
    """As torch writes them."""
    from benchmarks.fuzz_models import released_seeds

    yield from released_seeds()
