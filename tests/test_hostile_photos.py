"""Photos that claim more than they hold, or unpack to more than they weigh: refused before memory is taken for it."""

import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_indexing_private import packed, png

from asen_core.errors import PhotoError
from asen_core.images import load
from asen_core.indexing.archives import RATIO, SMALL, Budget, opened
from asen_core.review.suspects import Reader, listed

HUGE, NINE = struct.pack(">I", 2**31 - 1), struct.pack(">I", 9)
FRAMES = {"save_all": True, "append_images": [Image.new("RGB", (9, 9), c) for c in ("red", "blue")]}
TAKEN = {"png of 9 x 9 with pixels of 200 MB"}
"""Its pixels are whole: what follows them is left aside."""
PEAK = """
import json, resource, sys
from pathlib import Path
from asen_core.errors import PhotoError
from asen_core.images import load
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
load(Path(sys.argv[1]))
told = {"": peak()}
for path in map(Path, sys.argv[2:]):
    try: load(path, 224); said = "taken"
    except PhotoError as reason: said = str(reason)
    told[path.name] = [said, peak()]
print(json.dumps(told))
"""


def saved(kind: str, **more) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (9, 9), "teal").save(out, kind, **more)
    return out.getvalue()


def grown(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def portable(width: int, height: int, *more: bytes) -> bytes:
    """A PNG with these chunks behind its head, and pixels of one row or so."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", zlib.compress(bytes(280))) + chunk(b"IEND", b"")


@cache
def zeros(megabytes: int) -> bytes:
    return zlib.compress(bytes(megabytes * 1_000_000), 1)


def absurd() -> dict[str, bytes]:
    tag = struct.pack("<HHI", 256, 4, 1)
    jpeg = saved("JPEG")
    at = jpeg.index(b"\xff\xc0") + 5
    return {
        "png of 2^31 a side": portable(2**31 - 1, 2**31 - 1),
        "png of 2^31 x 5": portable(2**31 - 1, 5),
        "png with a comment of 200 MB": portable(9, 9, chunk(b"zTXt", b"Comment\0\0" + zeros(200))),
        "png with a profile of 200 MB": portable(9, 9, chunk(b"iCCP", b"x\0\0" + zeros(200))),
        "png of 9 x 9 with pixels of 200 MB": portable(9, 9, chunk(b"IDAT", zeros(200))),
        "png with a chunk of 2^31": portable(9, 9)[:33] + HUGE + b"tEXt",
        "gif of 65,535 a side": grown(saved("GIF"), b"\t\0\t\0", b"\xff\xff\xff\xff"),
        "bmp of 2^31 a side": grown(saved("BMP"), struct.pack("<ii", 9, 9), struct.pack("<ii", 2**31 - 1, 2**31 - 1)),
        "webp of 16,384 a side": grown(saved("WEBP", **FRAMES), b"\x08\0\0\x08\0\0ANIM", b"\xff\x3f\0\xff\x3f\0ANIM"),
        "tiff of 2^32 across": grown(saved("TIFF"), tag + struct.pack("<I", 9), tag + b"\xff\xff\xff\xff"),
        "jpeg of 65,535 a side": jpeg[:at] + b"\xff\xff\xff\xff" + jpeg[at + 4 :],
        "jpeg 2000 of 2^31 a side": grown(saved("JPEG2000"), NINE + NINE, HUGE + HUGE),
        "avif of 2^31 a side": grown(saved("AVIF"), NINE + NINE, HUGE + HUGE),
    }


def test_no_photo_takes_more_memory_than_its_pixels_need(tmp_path: Path) -> None:
    small = tmp_path / "small.png"
    small.write_bytes(png(9))
    given = absurd()
    for name, data in given.items():
        (tmp_path / name).write_bytes(data)
    paths = [small, *(tmp_path / name for name in given)]
    done = subprocess.run([sys.executable, "-c", PEAK, *paths], capture_output=True, text=True, timeout=120, check=True)
    told = json.loads(done.stdout)
    before = told.pop("")
    assert list(told) == list(given)
    for name, (said, peak) in told.items():
        assert peak - before < 120, f"{name} took {peak - before} MB"
        assert (said == "taken") == (name in TAKEN), f"{name}: {said}"


def test_a_picture_of_many_frames_is_read_to_its_first(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((64, 64), i % 256, np.uint8)) for i in range(500)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    assert load(out.getvalue()).pixels.max() == 0
    Image.new("RGB", (9, 9)).save(tmp_path / "loop.tif")
    data = bytearray((tmp_path / "loop.tif").read_bytes())
    (tags,) = struct.unpack_from("<H", data, 8)
    struct.pack_into("<I", data, 10 + 12 * tags, 8)  # the next directory is this one
    assert load(bytes(data)).pixels.shape == (9, 9, 3)


def test_what_is_packed_by_a_browser_or_a_server_is_no_photo() -> None:
    with pytest.raises(PhotoError, match="gzip archive"):
        load(b"\x1f\x8b\x08" + zlib.compress(png(1)))


def claimed(path: Path, size: int) -> Path:
    """A zip whose listing says that its photo has another size; sizes from 2^32 stand in an extra field."""
    packed(path, ("a.png", png(1)), ("lie.png", png(2)), way=zipfile.ZIP_STORED)
    data = path.read_bytes()
    at = data.rindex(b"PK\x01\x02")
    entry, name = data[at : at + 46], data[at + 46 : at + 53]
    more = b"" if size < 2**32 else struct.pack("<HHQ", 1, 8, size)
    entry = entry[:24] + struct.pack("<I", min(size, 2**32 - 1)) + entry[28:30] + struct.pack("<H", len(more)) + entry[32:]
    end = data[at + 53 :]
    end = end[:12] + struct.pack("<I", struct.unpack("<I", end[12:16])[0] + len(more)) + end[16:]
    path.write_bytes(data[:at] + entry + name + more + end)
    return path


@pytest.mark.parametrize(
    ("size", "says"),
    [(2**40, "MB unpacked"), (2**62, "MB unpacked"), (2**32 - 2, "MB unpacked"), (SMALL * RATIO // 10, "times its size")],
)
def test_a_zip_that_claims_an_absurd_size_costs_nothing(tmp_path: Path, size: int, says: str) -> None:
    found = opened(claimed(tmp_path / "x.zip", size), "x.zip", "", Budget(10, 1_000_000))
    assert [file.name for file in found.files] == ["a.png"]
    assert says in found.left_out["lie.png"]


def test_a_zip_of_zips_is_opened_once(tmp_path: Path) -> None:
    data = png(1)
    for depth in range(6):
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
            for n in range(10):
                archive.writestr(f"{depth}-{n}.zip" if depth else f"{n}.png", data)
        data = inner.getvalue()
    (tmp_path / "x.zip").write_bytes(data)
    found = opened(tmp_path / "x.zip", "x.zip", "", Budget(10, 1_000_000))
    assert (found.files, len(found.left_out)) == ([], 10)
    with Reader() as reader:
        for entry in listed([tmp_path / "x.zip"]):
            with pytest.raises(PhotoError, match="ZIP archive"):
                load(reader.read(entry.path, entry.member))


def test_members_that_share_their_bytes_are_each_read_alone(tmp_path: Path) -> None:
    """The trick by which small zips unpack to terabytes: many names, all of the same packed bytes."""
    path = packed(tmp_path / "x.zip", ("0.png", bytes(900_000)))
    data = path.read_bytes()
    at = data.index(b"PK\x01\x02")
    entry, end = data[at : at + 51], bytearray(data[at + 51 :])
    entries = b"".join(entry[:46] + b"%d.png" % n for n in range(10))
    struct.pack_into("<HHI", end, 8, 10, 10, len(entries))
    path.write_bytes(data[:at] + entries + end)
    found = opened(path, "x.zip", "", Budget(10, 4_000_000))
    assert len(found.files) <= 4, "together they unpack to more than the limit"
    with Reader() as reader:
        for file in found.files:
            with pytest.raises(PhotoError):
                load(reader.read(file.path, file.member))


def test_a_member_without_a_name_is_nobodys(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        with archive.open(zipfile.ZipInfo(""), "w") as nameless:
            nameless.write(png(1))
        archive.writestr("b.png", png(2))
    found = opened(tmp_path / "x.zip", "x.zip", "", Budget(10, 1_000_000))
    assert [file.name for file in found.files] == [entry.name for entry in listed([tmp_path / "x.zip"])] == ["b.png"]
