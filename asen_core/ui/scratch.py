"""Small files that the page shows for a while: one folder per photo, under names that nobody can guess."""

from __future__ import annotations

import atexit
import secrets
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

_PREFIX, _DAY = "asen-page-", 24 * 3600


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
        path.mkdir(mode=0o700, parents=True)
        return path

    def forget(self, folder: Path) -> None:
        """Remove one photo's folder; anything outside of the scratch folder is left alone."""
        if folder.parent == self.root:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, age: float) -> int:
        """Remove the folders that were made more than `age` seconds ago; returns how many."""
        old = [f for f in self.root.glob("*") if _age(f) > age]
        for folder in old:
            self.forget(folder)
        return len(old)


def _age(path: Path) -> float:
    """Seconds since a file or folder was last written to; 0 where it has just gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def save_photo(picture: Image.Image, path: Path) -> Path:
    """As JPEG, which takes a tenth of the time that WebP takes; returns `path`."""
    picture.save(path, "JPEG", quality=92, subsampling=0)
    return path


def save_layer(pixels: np.ndarray, path: Path) -> Path:
    """(H, W, 4) uint8 as WebP without loss, which for smooth layers is also the quickest; returns `path`."""
    Image.fromarray(pixels).save(path, "WEBP", lossless=True, method=0, quality=0)
    return path
