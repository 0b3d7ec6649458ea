"""A photo as a file: its bytes, their SHA-256, and what can be told of it without opening an eye."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from PIL import Image

from asen_core import images
from asen_core.errors import PhotoError
from asen_core.images.decode import opened
from asen_core.review.suspects import spelled
from asen_core.types import Garment

_EXIF, _ORIENTATION = 0x8769, 0x0112
_DATES = (("taken", 0x9003, 0x9011), ("digitised", 0x9004, 0x9012), ("changed", 0x0132, 0x9010))
_LONGEST = 40


@dataclass(frozen=True)
class Facts:
    """What a file is, for people and for programs.

    name: without its folder; sha256: of all its bytes; width, height: upright, in pixels; orientation: EXIF's, 1 where it has
    none; exif: "taken", "digitised" and "changed" as the camera or a program wrote them, unchecked; dated: the file's own date
    as it was given, empty where none was.
    """

    name: str
    bytes: int
    sha256: str
    format: str
    width: int
    height: int
    orientation: int = 1
    exif: Mapping[str, str] = field(default_factory=dict)
    dated: str = ""


@dataclass(frozen=True, eq=False)
class File:
    """A photo's bytes and its facts; plain: whether it is a JPEG of grey or RGB, which any reader of PDF can show as it is."""

    data: bytes
    facts: Facts
    plain: bool

    @cached_property
    def garment(self) -> Garment:
        """The upright pixels of exactly these bytes. Raises: PhotoError."""
        return replace(images.load(self.data), id=Path(self.facts.name).stem)


def of_bytes(data: bytes, name: str, dated: str = "") -> File:
    """A photo given as bytes. Raises: PhotoError where it is none."""
    if not 0 < len(data) <= images.LIMITS.bytes:
        raise PhotoError(
            f"The photo {name} has {len(data):,} bytes, expected 1 to {images.LIMITS.bytes:,}; "
            "give the file as it was first saved, or a smaller copy."
        )
    picture = opened(data, f"The photo {name}")
    try:
        exif = picture.getexif()
        inner = exif.get_ifd(_EXIF)
        turn = int(exif.get(_ORIENTATION, 1))
    except Exception:  # unreadable metadata don't spoil a readable picture
        exif, inner, turn = Image.Exif(), {}, 1
    turn = turn if 1 <= turn <= 8 else 1
    found = {}
    for word, tag, zone in _DATES:
        when = " ".join(_clean(inner.get(t, exif.get(t, ""))) for t in (tag, zone)).strip()
        found |= {word: when} if when else {}
    width, height = picture.size if turn < 5 else picture.size[::-1]
    kind = picture.format or "unknown"
    facts = Facts(
        spelled(name), len(data), hashlib.sha256(data).hexdigest(), kind, width, height, turn, MappingProxyType(found), dated
    )  # fmt: skip
    return File(bytes(data), facts, kind == "JPEG" and picture.mode in ("RGB", "L"))


def read(path: Path | str, dated: str = "") -> File:
    """A photo on disk. Raises: PhotoError."""
    path = Path(path)
    if not path.is_file():
        raise PhotoError(f"There is no photo at {str(path)[:200]!r}; check the path.")
    try:
        size = path.stat().st_size
        return of_bytes(path.read_bytes() if size <= images.LIMITS.bytes else bytes(images.LIMITS.bytes + 1), path.name, dated)
    except OSError as reason:
        raise PhotoError(f"The photo {path} can't be read ({reason.strerror}); check the permissions.") from reason


def digests(files: Sequence[File]) -> tuple[str, ...]:
    """The SHA-256 of files, in their order."""
    return tuple(f.facts.sha256 for f in files)


def _clean(value: object) -> str:
    """Text of a file that anyone may have written: one short line of what can be printed."""
    return "".join(c for c in str(value) if c.isprintable()).strip()[:_LONGEST]
