"""From the bytes of a file to an opened, not yet decoded PIL image; the content decides, never the name."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError, features

from asen_core.errors import PhotoError

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "JPEG2000")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_USE = "use a JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF or BMP photo"


def opened(data: bytes, name: str) -> Image.Image:
    """The picture with its header read and nothing decoded.

    Raises: PhotoError where the bytes are no picture of a format that photos come in, or its header is damaged.
    """
    family, damaged = _brand(data), f"{name} is damaged or cut off; copy, download or export it again."
    try:
        if family == "HEIF":
            return _heif(data, name)
        if family == "AVIF":
            if not features.check("avif"):
                raise PhotoError(f"{name} is AVIF, which this Pillow can't read; run: pip install -U pillow")
            return Image.open(io.BytesIO(data), formats=("AVIF",))
        return Image.open(io.BytesIO(data), formats=_FORMATS)
    except (PhotoError, MemoryError):
        raise
    except UnidentifiedImageError as reason:
        if family or data.startswith(_MAGIC):
            raise PhotoError(damaged) from reason
        raise PhotoError(f"{name} is {_kind(data)}, expected a photo; {_USE}.") from reason
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as reason:
        raise PhotoError(f"{name} has too many pixels to be read safely; save it smaller.") from reason
    except Exception as reason:  # a damaged file may raise anything in a parser
        raise PhotoError(damaged) from reason


def _brand(data: bytes) -> str | None:
    """HEIF or AVIF, told by the brands in the first box of the file."""
    if data[4:8] != b"ftyp":
        return None
    box = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
    brands = [box[i : i + 4] for i in range(0, len(box), 4)]
    if any(b in _AVIF_BRANDS for b in brands):
        return "AVIF"
    return "HEIF" if any(b in _HEIF_BRANDS for b in brands) else None


def _heif(data: bytes, name: str) -> Image.Image:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as reason:
        raise PhotoError(f"{name} is HEIC, which needs one more package; run: pip install pillow-heif") from reason
    # Built by hand instead of registered with Pillow: registering would change what others' Image.open accepts.
    return HeifImageFile(io.BytesIO(data))


_KINDS = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"8BPS", "a Photoshop file"),
    (b"PK\x03\x04", "a ZIP archive (or a model or office file)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x80", "a Python pickle or other program data"),
    (b"\x00\x00\x01\x00", "an icon"),
)
_MARKUP = ((b"<svg", "an SVG drawing"), (b"<html", "a web page"), (b"<!doctype html", "a web page"), (b"<?xml", "XML"))
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"II*\x00", b"MM\x00*", b"BM", b"\x00\x00\x00\x0cjP")


def _kind(data: bytes) -> str:
    """What the bytes look like, in words that finish "The photo is ..."."""
    start = data[:1024].lstrip().lower()
    for mark, kind in _MARKUP:
        if mark in start[:512]:
            return kind
    for mark, kind in _KINDS:
        if data.startswith(mark):
            return kind
    if data[4:8] == b"ftyp":
        return "a video or another media file"
    try:
        data[:1024].decode("ascii")
    except UnicodeDecodeError:
        return "of an unknown format"
    return "a text file"
