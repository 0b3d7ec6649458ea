"""Small files that the page shows for a while: one folder per photo, under names that nobody can guess."""

from __future__ import annotations

import atexit
import io
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from asen_core.errors import AsenError

_PREFIX, _DAY = "asen-page-", 24 * 3600
HEAVIEST = 60_000
"""Bytes of a photo that the page shows: a whole answer, with 24 garments, stays under 300 KB."""
_QUALITIES = ((85, 1), (70, 1), (50, 1), (50, 2), (50, 4))
"""Quality of a JPEG and by what its sides are divided, tried in this order."""


@dataclass(frozen=True)
class Scratch:
    """A temporary folder of this process, removed when it ends; made again where something else removed it."""

    root: Path

    @classmethod
    def open(cls) -> Scratch:
        """A new one; what a killed process left behind more than a day ago goes."""
        for left in Path(tempfile.gettempdir()).glob(_PREFIX + "*"):
            if _age(left) > _DAY:
                shutil.rmtree(left, ignore_errors=True)
        root = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
        atexit.register(shutil.rmtree, root, ignore_errors=True)
        return cls(root)

    def folder(self) -> Path:
        """A new empty folder for one photo."""
        path = self.root / secrets.token_urlsafe(16)
        with _room():
            path.mkdir(mode=0o700, parents=True)
        return path

    def forget(self, folder: Path) -> None:
        """Remove one photo's folder; anything outside of the scratch folder is left alone."""
        if folder.parent == self.root:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, age: float) -> int:
        """Remove the folders that were made more than `age` seconds ago; returns how many."""
        old: list[Path] = []
        with suppress(FileNotFoundError), os.scandir(self.root) as there:
            old += [Path(entry.path) for entry in there if _age(entry) > age]
        for folder in old:
            self.forget(folder)
        return len(old)


def _age(path: Path | os.DirEntry[str]) -> float:
    """Seconds since a file or folder was last written to; 0 where it has just gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def made_anew(folder: Path) -> bool:
    """Make one photo's folder where it was swept; whether it was. Raises: AsenError where there is no room."""
    if folder.is_dir():
        return False
    with _room():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return True


def save_photo(picture: Image.Image, path: Path, heaviest: int = HEAVIEST) -> Path:
    """As JPEG, which takes a tenth of the time that WebP takes; returns `path`.

    What would be heavier than so many bytes, say a knit in sharp focus, is saved in a lower quality, at worst smaller.
    """
    for quality, factor in _QUALITIES:
        out = io.BytesIO()
        (picture.reduce(factor) if factor > 1 else picture).save(out, "JPEG", quality=quality)
        if out.tell() <= heaviest:
            break
    return keep(path, out.getvalue())


def save_layer(pixels: np.ndarray, path: Path) -> Path:
    """(H, W, 4) uint8 as WebP without loss, which for smooth layers is also the quickest; returns `path`."""
    with _room():
        Image.fromarray(pixels).save(path, "WEBP", lossless=True, method=0, quality=0)
    return path


def keep(path: Path, data: bytes) -> Path:
    """Write a file for the page; returns `path`. Raises: AsenError where there is no room."""
    with _room():
        path.write_bytes(data)
    return path


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as reason:
        told = f"The server has no room for pictures now ({reason.strerror or reason})"
        raise AsenError(f"{told}; try again in a few minutes, or tell those who run this page.") from reason
