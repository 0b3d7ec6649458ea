"""Perceptual hashes of photos, by which a copy is found among many without looking at pictures; they lie beside a gallery."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from asen_core import arrays, files, images
from asen_core.errors import GalleryError, PhotoError
from asen_core.gallery import Gallery
from asen_core.gallery.manifest import ITEMS, UNFINISHED, VECTORS, superseded
from asen_core.gallery.manifest import PRINTS as FILE
from asen_core.types import Garment

KINDS = ("whole", "garment", "edges")
"""Of the grey photo; of what is no bare backdrop in it, grey on white; of the edges in that, which colours hardly change."""
SIDE = 16
BITS = SIDE * SIDE
_METHOD = 1
"""To be raised whenever the same photo would get another print."""
_LONGEST = 128
_UNREADABLE = (OSError, ValueError, KeyError, TypeError)
_FLAT = 3
"""Grey levels between the darkest and the lightest up to which a picture is of one tone."""


@dataclass(frozen=True, eq=False)
class Print:
    """Hashes of one photo.

    bits: (3, 32) uint8, the 256 bits of each of KINDS; mirrored: the same of its mirror image; sha256: of its pixels and
    their shape.
    """

    bits: np.ndarray
    mirrored: np.ndarray
    sha256: bytes


@dataclass(frozen=True, eq=False)
class Prints:
    """Hashes of N photos in their order: bits (N, 3, 32) and sha256 (N, 32), both uint8."""

    bits: np.ndarray
    sha256: np.ndarray

    def __len__(self) -> int:
        return len(self.bits)

    def distances(self, one: Print) -> np.ndarray:
        """(N, 2, 3) float32 in [0, 1]: share of different bits from a photo as it is and mirrored, for each of KINDS.

        1 where one of the two is of one tone, 0 where the pixels are the same.
        """
        apart = np.stack([_apart(self.bits, bits) for bits in (one.bits, one.mirrored)], axis=1)
        apart[(self.sha256 == np.frombuffer(one.sha256, np.uint8)).all(axis=1), 0] = 0
        return apart


def printed(garment: Garment) -> Print:
    """The hashes of one photo: DCT hashes ("pHash") of the library ImageHash."""
    from asen_core.review.align import sized  # brings scipy: read when photos are hashed, not when a page starts

    whole = Image.fromarray(np.ascontiguousarray(garment.pixels))
    small = sized(whole, min(_LONGEST, max(whole.size)))
    pictures = _pictures(small)
    flipped = [p.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for p in pictures]
    bits, mirrored = (np.stack([_hashed(p) for p in some]) for some in (pictures, flipped))
    return Print(bits, mirrored, digest(garment))


def digest(garment: Garment) -> bytes:
    """sha256 of a photo's pixels and their shape."""
    return hashlib.sha256(str(garment.pixels.shape).encode() + np.ascontiguousarray(garment.pixels).tobytes()).digest()


def prints(garments: Iterable[Garment]) -> Prints:
    """The hashes of many photos, read one after the other."""
    return _stacked([printed(g) for g in garments])


def between(first: Print, second: Print) -> np.ndarray:
    """(2, 3) float32 in [0, 1]: the distances of the second from the first as it is and mirrored; 0 where it is the same."""
    return _stacked([second]).distances(first)[0]


def of_gallery(gallery: Gallery, each: Callable[[Iterable[Path]], Iterable[Path]] = iter) -> Prints:
    """The prints that lie with a gallery; where they are of other pictures, those that it has still are kept.

    The others, or all where there are none, are made and stored if that can be. each: goes round the paths of the pictures that
    prints are made of, for a progress bar. Raises: GalleryError where a picture can't be read.
    """
    try:
        return read(gallery)
    except GalleryError:
        held, before = kept(gallery.directory)
    items = list(gallery.items)
    new = [i for i, item in enumerate(items) if item.image not in before]
    made = prints(map(partial(_opened, gallery), each([gallery.picture(items[i]) for i in new])))
    rows = np.array([before.get(item.image, -1) for item in items], np.int64)
    rows[new] = len(held) + np.arange(len(new))
    found = Prints(*(np.concatenate(both)[rows] for both in ((held.bits, made.bits), (held.sha256, made.sha256))))
    if not superseded(gallery.directory, gallery.manifest):  # those that lie there now are of the newer one
        with suppress(OSError):  # a gallery that can't be written to is searched all the same
            write(gallery, found)
    return found


def write(gallery: Gallery, made: Prints) -> None:
    """Store the prints beside the gallery, at once. Raises: OSError, ValueError where they are of another number of items."""
    if len(made) != len(gallery):
        raise ValueError(f"There must be a print of each of {len(gallery)} items, got {len(made)}.")
    path = gallery.directory / FILE
    part = path.with_name(FILE + UNFINISHED)
    names = np.array([item.image for item in gallery.items], np.bytes_)
    arrays = {"bits": made.bits, "sha256": made.sha256, "made_of": _made_of(gallery), "pictures": names, "method": _METHOD}
    files.write_arrays(path, part, arrays)


def read(gallery: Gallery) -> Prints:
    """The stored prints. Raises: GalleryError where they are missing, damaged, or of other pictures or an older method."""
    path, mend = gallery.directory / FILE, "delete the file, it is made anew when it is needed"
    try:
        files.check_archive(path)
        stored = arrays.load_archive(path)
        made_of = str(stored["made_of"])
        found = Prints(stored["bits"], stored["sha256"])
    except _UNREADABLE as reason:
        raise GalleryError(f"The prints {path} can't be read ({str(reason)[:120]}); {mend}.") from reason
    shapes = {"bits": (len(KINDS), BITS // 8), "sha256": (32,)}
    for name, shape in shapes.items():
        array = getattr(found, name)
        if array.dtype != np.uint8 or array.shape != (len(gallery), *shape):
            raise GalleryError(
                f"The prints {path} are damaged: {name} is {array.shape} {array.dtype}, expected "
                f"{(len(gallery), *shape)} uint8; {mend}."
            )
    if made_of != _made_of(gallery):
        raise GalleryError(f"The prints {path} are of other pictures or of an older version; {mend}.")
    return found


def kept(directory: Path) -> tuple[Prints, dict[str, int]]:
    """Prints that lie with a gallery in whatever state it was, and where each picture's is; none where they can't be used.

    A picture is known by its path in the gallery, which its content gives it.
    """
    try:
        files.check_archive(directory / FILE)
        stored = arrays.load_archive(directory / FILE)
        held, names = Prints(stored["bits"], stored["sha256"]), stored["pictures"].astype(str).tolist()
        fits = str(stored["method"]) == str(_METHOD) and held.bits.shape == (len(names), len(KINDS), BITS // 8)
        if fits and held.sha256.shape == (len(names), 32) and held.bits.dtype == held.sha256.dtype == np.uint8:
            return held, {name: i for i, name in enumerate(names)}
    except _UNREADABLE:
        pass
    return prints(()), {}


def _made_of(gallery: Gallery) -> str:
    """What the prints hang on: the items, their vectors (which change with their pictures) and how prints are made."""
    sums = gallery.manifest.sha256
    return hashlib.sha256(f"{_METHOD} {sums[ITEMS]} {sums[VECTORS]}".encode()).hexdigest()


def _opened(gallery: Gallery, path: Path) -> Garment:
    try:
        return images.load(path)
    except PhotoError as reason:
        raise GalleryError(f"The picture {path} of the gallery can't be read: {reason}") from reason


def _pictures(small: Image.Image) -> Sequence[Image.Image]:
    """What is hashed, one of each of KINDS."""
    from asen_core.review.align import edges, garment_mask

    pixels = _unframed(np.asarray(small))
    garment = garment_mask(pixels)
    rows, columns = (np.flatnonzero(garment.any(axis)) for axis in (1, 0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    grey = np.where(garment, np.asarray(Image.fromarray(pixels).convert("L")), 255).astype(np.uint8)
    lines = np.clip(255 * np.abs(edges(pixels)) * garment, 0, 255).astype(np.uint8)
    return small, *(Image.fromarray(np.ascontiguousarray(p[box])) for p in (grey, lines))


def _unframed(pixels: np.ndarray) -> np.ndarray:
    """Without a frame of one colour, of which every side has something."""
    other = np.abs(pixels.astype(np.int16) - pixels[0, 0]).max(axis=2) > 16
    rows, columns = (np.flatnonzero(other.mean(axis) > 0.02) for axis in (1, 0))
    if len(rows) < 8 or len(columns) < 8:
        return pixels
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    if min(top, left, pixels.shape[0] - bottom, pixels.shape[1] - right) < 2:
        return pixels
    return np.ascontiguousarray(pixels[top + 1 : bottom - 1, left + 1 : right - 1])


def _hashed(picture: Image.Image) -> np.ndarray:
    """(32,) uint8; all 0 where the picture is of one tone, whose hash would be chance."""
    import imagehash

    low, high = picture.convert("L").getextrema()
    if high - low <= _FLAT:
        return np.zeros(BITS // 8, np.uint8)
    return np.packbits(imagehash.phash(picture, SIDE).hash.reshape(-1))


def _stacked(made: Sequence[Print]) -> Prints:
    if not made:
        return Prints(*(np.zeros((0, *shape), np.uint8) for shape in ((len(KINDS), BITS // 8), (32,))))
    sums = np.stack([np.frombuffer(p.sha256, np.uint8) for p in made])
    return Prints(np.stack([p.bits for p in made]), sums)


def _apart(many: np.ndarray, one: np.ndarray) -> np.ndarray:
    apart = np.bitwise_count(many ^ one).sum(axis=-1, dtype=np.float32) / BITS
    return np.where(many.any(axis=-1) & one.any(axis=-1), apart, np.float32(1))
