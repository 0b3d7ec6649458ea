"""A gallery on disk: the manifest names the files of one generation, each with its checksum, and where they lie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asen_core import files
from asen_core.config import FromDict
from asen_core.errors import GalleryError

FORMAT = 2
MANIFEST, IMAGES, JOURNAL, NEIGHBOURS = "manifest.json", "images", "journal", "neighbours"
ITEMS, VECTORS, CODES, BACKGROUND = "items", "vectors", "codes", "background"
"""Items in SQLite, vectors (A, N, D) float16, labels as codes (L, N) int32, quantiles of chance likeness (A, Q) float32."""
ENDINGS = {ITEMS: "sqlite", VECTORS: "npy", CODES: "npy", BACKGROUND: "npy"}
MAPS, PAIRS, PRINTS, UNFINISHED = "maps.npz", "pairs.npz", "prints.npz", ".part"
"""Garments laid out in two dimensions; likeness of pairs of different garments by chance, and hashes of the pictures, both made
by the review room; a file being written has an ending of its own."""
PICTURE = re.compile(r"images/[0-9a-f]{2}/[0-9a-f]{24}\.webp")
PICTURE_SUM = "picture_sha256"
"""The fact of an item that says what its picture's file was when it was written."""
_ROLES = "|".join(ENDINGS)
_OF_A_GENERATION = re.compile(rf"(?:(?:{_ROLES})-(\d{{4,}})\.(?:sqlite|npy)|{NEIGHBOURS}-(\d{{4,}}))(?:\.part)?")
_OWN = re.compile(
    rf"manifest\.json(?:\.part)?|images|{JOURNAL}(?:-\d{{5}}-of-\d{{5}}(?:\.lock)?)?|\.lock|\.holder(?:\.part)?|maps\.(?:npz|partial)|(?:pairs|prints)\.npz(?:\.part)?"
    r"|watches\.sqlite.*|items\.jsonl|(?:vectors|rois|background)\.npy|\.DS_Store|Thumbs\.db|desktop\.ini|lost\+found"
)
"""Names that a gallery of this format or the one before may have in its folder, besides those of a generation; and what
systems put into any folder."""


def rebuild(directory: Path) -> str:
    """What to do about a gallery that can't be used."""
    return f"build it with: python -m asen_core index --out {directory} (and the --images and --checkpoint that belong to it)"


@dataclass(frozen=True)
class Manifest(FromDict):
    """What a gallery holds and how it was built.

    dim: length D of a vector, of which the first `split` numbers come from the global branch. fingerprint: of the checkpoint.
    labels: names that some item has a value for. sha256: of each file, by what it is. built: free notes. generation: counts the
    times it was written, and stands in its files' names. neighbours: how it is searched, as of `Finder.notes`.
    """

    attributes: tuple[str, ...]
    dim: int
    split: int
    count: int
    fingerprint: str
    labels: tuple[str, ...]
    sha256: Mapping[str, str]
    built: Mapping[str, str] = field(default_factory=dict)
    generation: int = 1
    neighbours: Mapping[str, Any] = field(default_factory=lambda: {"kind": "exact"})
    format: int = FORMAT

    def __post_init__(self) -> None:
        numbers = (self.dim, self.split, self.count, self.generation)
        if not all(type(n) is int and 0 <= n < 2**40 for n in numbers) or self.split > self.dim:
            raise ValueError(f"numbers out of range: {numbers}")
        texts = (self.fingerprint, *self.sha256.values(), *self.built, *self.built.values())
        names = (self.attributes, self.labels)
        if not all(isinstance(text, str) for text in (*texts, *self.attributes, *self.labels)):
            raise ValueError("something else where texts belong")
        if not all(isinstance(n, tuple) and len(set(n)) == len(n) for n in names) or not isinstance(self.neighbours, Mapping):
            raise ValueError("names that are no list, or stand there twice")

    def file(self, role: str) -> str:
        """The name of a file of this generation: one of ENDINGS, or NEIGHBOURS."""
        return named(role, self.generation)


def named(role: str, generation: int) -> str:
    """The name of a generation's file or folder."""
    name = f"{role}-{generation:04d}"
    return f"{name}.{ENDINGS[role]}" if role in ENDINGS else name


def read(directory: Path) -> Manifest:
    """The manifest of a gallery. Raises: GalleryError where there is none, or it is damaged or of another format."""
    path = directory / MANIFEST
    if not path.is_file():
        raise GalleryError(f"There is no gallery at {directory} ({MANIFEST} is missing); {rebuild(directory)}.")
    try:
        values = files.unsealed(path.read_bytes())
        found = values.get("format")
        if found != FORMAT:
            raise GalleryError(f"{path} has format {found!r}, this version reads format {FORMAT}; {rebuild(directory)}.")
        return Manifest.from_dict(values)
    except (OSError, ValueError, TypeError, AttributeError) as reason:
        raise damaged(directory, MANIFEST, f"can't be read ({str(reason)[:120]})") from reason


def write(directory: Path, manifest: Manifest) -> None:
    """Make a manifest the one that counts, at once, with its own checksum. Raises: OSError."""
    files.settle_folder(directory)  # what it names has to be there first
    with files.whole(directory / MANIFEST, directory / (MANIFEST + UNFINISHED)) as part:
        part.write_text(files.sealed(manifest.to_dict()), encoding="utf-8")


def superseded(directory: Path, manifest: Manifest) -> bool:
    """Whether another generation has taken the place of the one that a reader holds."""
    try:
        return read(directory).generation != manifest.generation
    except GalleryError:
        return False


def check_fingerprint(directory: Path | str, manifest: Manifest, fingerprint: str | None) -> None:
    """Raises: GalleryError where the gallery was built with another checkpoint than the one in use."""
    if fingerprint is not None and manifest.fingerprint != fingerprint:
        raise GalleryError(
            f"The gallery {directory} was built with checkpoint {manifest.fingerprint[:12]}, but {fingerprint[:12]} is in use; "
            "open that one, or make a gallery of its own for the other: python -m asen_core index --checkpoint CHECKPOINT "
            "--images PHOTOS --out my_gallery, then give my_gallery with --gallery, or to the page as ASEN_GALLERY."
        )


def damaged(directory: Path, name: str, what: str) -> GalleryError:
    """The error for a file of a gallery that is not as it was written."""
    return GalleryError(f"The gallery is damaged: {directory / name} {what}; {rebuild(directory)}.")


def digest(path: Path) -> str:
    """sha256 of a file."""
    return files.digest(path)


def has_picture(directory: Path, image: str) -> bool:
    """Whether a gallery's folder holds a picture of this name; where it is a link, as caches have them, to one indeed."""
    if not PICTURE.fullmatch(image):
        return False
    path = directory / image
    try:
        if not path.is_symlink():
            return path.stat().st_size > 0
        if not path.is_file():  # a pipe would block
            return False
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return head[:4] == b"RIFF" and head[8:] == b"WEBP"


def is_own(name: str) -> bool:
    """Whether a file or folder of this name belongs to a gallery."""
    return bool(_OWN.fullmatch(name) or _OF_A_GENERATION.fullmatch(name))


def generation_of(name: str) -> int:
    """The generation that a file or folder of this name belongs to; 0 where it belongs to none."""
    found = _OF_A_GENERATION.fullmatch(name)
    return int(found[1] or found[2]) if found else 0


def is_of_another(name: str, generation: int) -> bool:
    """Whether a file or folder belongs to another generation of the gallery, or to the format before this one."""
    if found := _OF_A_GENERATION.fullmatch(name):
        return int(found[1] or found[2]) != generation or name.endswith(UNFINISHED)
    return name in ("items.jsonl", "vectors.npy", "rois.npy", "background.npy")
