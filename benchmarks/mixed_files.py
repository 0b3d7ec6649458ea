"""A folder as people have them: photos in nested folders, among them files that are broken, doubled, hostile or no photos."""

from __future__ import annotations

import csv
import io
import os
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

from PIL import Image

ITEM, LEFT_OUT, IGNORED = "item", "left out", "ignored"


def make(folder: Path, sources: Sequence[Path], count: int, odd: int, seed: int) -> dict[str, str]:
    """Write `count` files below a new folder and labels.csv beside it; name as the gallery spells it -> what it should become.

    sources: photos to copy, as many as there are files at least; odd: how many files are not simply a photo.
    """
    rng = random.Random(seed)
    wanted: dict[str, str] = {}
    plain: list[str] = []
    for number, source in enumerate(sources[: count - odd]):
        name = f"{source.parent.parent.name or 'photos'}/{number // 97:03d}/{'deep/' * (number % 7)}{source.name}"
        _write(folder / name, source.read_bytes())
        plain.append(name)
        wanted[name] = ITEM
    for number, (kind, source) in enumerate(zip(cycle(KINDS), sources[count - odd : count], strict=False)):
        place, name = folder / "odd" / f"{number // 50:02d}", _name(f"{number:04d}-{kind}")
        os.makedirs(place, exist_ok=True)
        ending, outcome, maker = KINDS[kind]
        path = os.fsdecode(os.fsencode(place) + b"/" + name + ending.encode())
        maker(path, source, folder / rng.choice(plain))
        shown = os.path.relpath(path, folder)
        wanted[shown.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")] = outcome
    if len(wanted) != count:
        raise ValueError(f"{count} files were asked for, {len(wanted)} have different names.")
    _label(folder.with_name("labels.csv"), plain, rng)
    return wanted


def _label(path: Path, names: Sequence[str], rng: random.Random) -> None:
    """Two labels for every other photo, rows of photos that are not there, and some rows twice."""
    rows = [(n, rng.choice(("Ada", "Bo", "Cy", "Di")), f"{rng.uniform(5, 500):.2f}") for n in names[::2]]
    absent = [(f"gone/{i}.jpg", "Ada", "1") for i in range(20)]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("image", "brand", "price"), *rows, *absent, *rows[:10]])


def _name(text: str) -> bytes:
    """Kinds of hostile names have them written after their number."""
    number, _, kind = text.partition("-")
    return number.encode() + b" " + HOSTILE.get(kind, kind.encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _put(data: bytes | Callable[[bytes], bytes]) -> Callable[[str, Path, Path], None]:
    """A maker of files: the same bytes always, or made of a photo's."""

    def maker(path: str, source: Path, _: Path) -> None:
        with open(path, "wb") as file:
            file.write(data if isinstance(data, bytes) else data(source.read_bytes()))

    return maker


def _saved(format: str, mode: str = "RGB", **settings: object) -> Callable[[bytes], bytes]:
    def convert(photo: bytes) -> bytes:
        out = io.BytesIO()
        Image.open(io.BytesIO(photo)).convert("RGB").convert(mode).save(out, format, **settings)
        return out.getvalue()

    return convert


def _turned(photo: bytes) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _saved("JPEG", exif=exif)(photo)


def _claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises many pixels."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(1000))),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _plain(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(out, "PNG")
    return out.getvalue()


def _same(path: str, _: Path, other: Path) -> None:
    Path(path).write_bytes(other.read_bytes())


def _locked(path: str, source: Path, _: Path) -> None:
    Path(path).write_bytes(source.read_bytes())
    os.chmod(path, 0)


HOSTILE = {
    "html": b"<img src=x onerror=alert(1)>", "break": b"two\nlines\r", "bytes": b"\xff\xfe\x80", "long": b"x" * 240,
    "emoji": "👗 ärmel 袖".encode(), "reversed": "\u202egpj.exe".encode(), "quotes": b"\"';--$(reboot)`|&",
    "escape": b"\x1b[31m",
}  # fmt: skip
KINDS: dict[str, tuple[str, str, Callable[[str, Path, Path], None]]] = {
    "cut": (".jpg", LEFT_OUT, _put(lambda photo: photo[: len(photo) // 2])),
    "head": (".jpg", LEFT_OUT, _put(lambda photo: photo[:200])),
    "empty": (".jpeg", LEFT_OUT, _put(b"")),
    "text": (".jpg", LEFT_OUT, _put(b"This is no photo.\n")),
    "page": (".jpg", LEFT_OUT, _put(b"<!doctype html><script>alert(1)</script>")),
    "zip": (".png", LEFT_OUT, _put(b"PK\x03\x04" + bytes(60))),
    "program": (".webp", LEFT_OUT, _put(b"\x80\x04cos\nsystem\n.")),
    "pixels": (".png", LEFT_OUT, _put(_claims(60_000, 60_000))),
    "gif": (".gif", LEFT_OUT, _put(b"GIF89a\xff\xff\xff\xff\x80\x00\x00" + bytes(40))),
    "thin": (".png", LEFT_OUT, _put(_plain(20_000, 6))),
    "tiny": (".png", LEFT_OUT, _put(_plain(1, 1))),
    "nowhere": (".jpg", LEFT_OUT, lambda path, *_: os.symlink("gone.jpg", path)),
    "outside": (".jpg", LEFT_OUT, lambda path, source, _: os.symlink(source.resolve(), path)),
    "round": (".jpg", LEFT_OUT, lambda path, *_: os.symlink(path, path)),
    "device": (".jpg", LEFT_OUT, lambda path, *_: os.symlink("/dev/zero", path)),
    "pipe": (".jpg", LEFT_OUT, lambda path, *_: os.mkfifo(path)),
    "folder": (".jpg", IGNORED, lambda path, *_: os.mkdir(path)),
    "parent": ("", IGNORED, lambda path, *_: os.symlink("..", path)),
    "ending": (".txt", IGNORED, _put(lambda photo: photo)),
    "same": (".jpg", ITEM, _same),
    "inside": (".jpg", ITEM, lambda path, _, other: os.symlink(os.path.relpath(other, os.path.dirname(path)), path)),
    "wrong": (".png", ITEM, _put(lambda photo: photo)),
    "png": (".PNG", ITEM, _put(_saved("PNG"))),
    "webp": (".webp", ITEM, _put(_saved("WEBP"))),
    "bmp": (".bmp", ITEM, _put(_saved("BMP"))),
    "tiff": (".tiff", ITEM, _put(_saved("TIFF"))),
    "palette": (".gif", ITEM, _put(_saved("GIF", "P"))),
    "cmyk": (".jpg", ITEM, _put(_saved("JPEG", "CMYK"))),
    "grey": (".tif", ITEM, _put(_saved("TIFF", "L"))),
    "alpha": (".png", ITEM, _put(_saved("PNG", "RGBA"))),
    "turned": (".jpg", ITEM, _put(_turned)),
    **{name: (".jpg", ITEM, _put(lambda photo: photo)) for name in HOSTILE},
}  # fmt: skip
"""Kind -> ending, what should become of it, and what makes it: (path, a photo not in the folder, one that is in it)."""
if os.geteuid():
    KINDS["locked"] = (".jpg", LEFT_OUT, _locked)
