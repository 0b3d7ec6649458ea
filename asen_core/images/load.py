"""One door for photos: paths, bytes, PIL images and arrays in, a Garment out."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from asen_core.errors import PhotoError
from asen_core.images.decode import opened
from asen_core.images.limits import LIMITS, Limits, check_size
from asen_core.images.modes import to_rgb
from asen_core.types import Garment

__all__ = ["LIMITS", "Limits", "load"]

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> what turns the stored picture upright; 1 and anything unknown: nothing."""


def load(source: Any, longest: int | None = None) -> Garment:
    """A photo as upright RGB pixels (H, W, 3) uint8, transparency on white, first frame of an animation.

    source: a path, the bytes of a file, a PIL image, a uint8 array (H, W), (H, W, 3) or (H, W, 4), or a Garment, which
    comes back as it is. A Garment loaded from a path carries the file's name without its suffix as id.
    longest: for bulk work; the photo may then come back smaller, its longer side at least this long (where it was), which is
    much quicker for JPEG. Other positions in pixels, such as boxes, then no longer fit.

    Raises: PhotoError for what isn't a photo, is damaged, or passes `LIMITS`.
    """
    if isinstance(source, Garment):
        return source
    if longest is not None and longest < 1:
        raise ValueError(f"longest must be at least 1 pixel, got {longest}.")
    if isinstance(source, np.ndarray):
        return _of_array(source)
    if isinstance(source, Image.Image):
        check_size(*source.size, "The image")
        return Garment(_upright(source, "The image", longest))
    if isinstance(source, bytes | bytearray | memoryview):
        return Garment(_of_bytes(bytes(source), "The photo", longest))
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return Garment(_of_bytes(_read(path), f"The photo {path.name}", longest), id=path.stem)
    raise PhotoError(
        f"A photo can't be made of {type(source).__name__}; give a path, the bytes of a file, a PIL image or a uint8 array."
    )


def _read(path: Path) -> bytes:
    """The file's bytes; only of a plain file, so that a pipe or a device can't block or fill the memory."""
    try:
        found = path.stat()
    except (OSError, ValueError) as reason:
        raise PhotoError(f"There is no photo at {str(path)[:200]!r}; check the path.") from reason
    if stat.S_ISDIR(found.st_mode):
        raise PhotoError(f"{path} is a folder, expected a photo; give the path of one file in it.")
    if not stat.S_ISREG(found.st_mode):
        raise PhotoError(f"{path} is not a plain file, expected a photo; copy it into a file first.")
    _check_bytes(found.st_size, f"The photo {path.name}")
    try:
        with path.open("rb") as file:
            return file.read(LIMITS.bytes + 1)
    except OSError as reason:
        raise PhotoError(f"The photo {path} can't be read ({reason.strerror}); check the permissions.") from reason


def _check_bytes(count: int, name: str) -> None:
    if count == 0:
        raise PhotoError(f"{name} is empty (0 bytes); export or upload it again.")
    if count > LIMITS.bytes:
        mb = LIMITS.bytes / 1e6
        raise PhotoError(f"{name} has {count / 1e6:.0f} MB, at most {mb:.0f} MB are read; save it smaller, e.g. as JPEG.")


def _of_bytes(data: bytes, name: str, longest: int | None) -> np.ndarray:
    _check_bytes(len(data), name)
    image = opened(data, name)
    check_size(*image.size, name)
    if longest is not None and image.format in ("JPEG", "MPO"):
        ratio = longest / max(image.size)
        if ratio < 1:
            image.draft(None, (max(1, round(image.width * ratio)), max(1, round(image.height * ratio))))
    return _upright(image, name, longest)


def _upright(image: Image.Image, name: str, longest: int | None) -> np.ndarray:
    try:
        # Decoding first: Pillow turns TIFFs itself while it decodes, and then forgets their orientation.
        image.load()
    except MemoryError:
        raise
    except Exception as reason:  # a damaged file may raise anything in a decoder
        raise PhotoError(f"{name} is damaged or cut off ({_short(reason)}); copy, download or export it again.") from reason
    turn = _UPRIGHT.get(_orientation(image))
    try:
        rgb = to_rgb(image)
    except MemoryError:
        raise
    except Exception as reason:
        raise PhotoError(
            f"{name} has colours of a kind that can't be read (mode {image.mode}, {_short(reason)}); save it as JPEG or PNG."
        ) from reason
    if longest is not None and (factor := max(rgb.size) // longest) > 1:
        rgb = rgb.reduce(factor)
    if turn is not None:
        rgb = rgb.transpose(turn)
    return np.array(rgb)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # unreadable metadata don't spoil a readable picture
        return 1


def _short(reason: BaseException) -> str:
    return (str(reason) or type(reason).__name__).strip().rstrip(".")[:120]


def _of_array(array: np.ndarray) -> Garment:
    shape = array.shape
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and shape[2] in (3, 4))):
        raise PhotoError(
            f"An array must be (H, W), (H, W, 3) or (H, W, 4) uint8, got {shape} {array.dtype}; "
            "scale the values to 0..255 and convert it with astype('uint8')."
        )
    check_size(shape[1], shape[0], "The array")
    if array.ndim == 3 and shape[2] == 3:
        return Garment(np.array(array, order="C"))  # a copy: the caller may go on drawing, torch wants it writable
    return Garment(np.array(to_rgb(Image.fromarray(np.ascontiguousarray(array)))))
