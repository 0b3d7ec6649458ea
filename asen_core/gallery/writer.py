"""Builds a gallery directory, item by item; a killed run resumes where its last flush was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from PIL import Image

from asen_core.errors import GalleryError
from asen_core.gallery import manifest as disk
from asen_core.gallery.background import background
from asen_core.gallery.maps import MAPS, UNFINISHED
from asen_core.gallery.partial import Partial
from asen_core.types import Box, Garment, View

_OWN = {disk.MANIFEST, disk.IMAGES, *disk.CHECKED, *Partial.FILES, MAPS, UNFINISHED}
_OWN |= {name + ending for name in (disk.PAIRS, disk.PRINTS) for ending in ("", disk.UNFINISHED)}
LONGEST, QUALITY, FLUSH = 384, 80, 64


class GalleryWriter:
    """Use as a context manager: leaving it without an error finishes the gallery and puts it into place at once.

    Until then everything lies in `<directory>.partial`; an error or a kill leaves that for the next run, which goes on
    there if attributes, sizes, fingerprint and `built` are the same, and else starts anew.
    """

    def __init__(
        self,
        directory: Path | str,
        attributes: tuple[str, ...],
        dim: int,
        split: int,
        fingerprint: str,
        built: Mapping[str, str] | None = None,
    ) -> None:
        """built: free notes on what the gallery is made of (a seed, a folder); other notes are another gallery.

        Raises: GalleryError where the directory holds something that is no gallery.
        """
        self._directory = Path(directory).absolute()
        self._old = self._directory.with_name(self._directory.name + ".old")
        self._restore()
        self._check_target()
        self._header: dict[str, Any] = {
            "attributes": list(attributes), "dim": dim, "split": split, "fingerprint": fingerprint, "built": dict(built or {})
        }  # fmt: skip
        folder = self._directory.with_name(self._directory.name + ".partial")
        self._partial = Partial(folder, self._header, len(attributes), dim)
        self._finished = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            self._partial.flush()
        elif not self._finished:
            self.finish()

    def __len__(self) -> int:
        return len(self._partial.ids)

    def __contains__(self, id: object) -> bool:
        return id in self._partial.ids

    def add(self, id: str, pixels: np.ndarray, labels: Mapping[str, str], vectors: np.ndarray, rois: Mapping[str, Box]) -> bool:
        """Add one garment; False where its id is there already and nothing was done.

        pixels: (H, W, 3) uint8, stored as WebP of at most 384 pixels under a number; vectors: (A, D), unit norm;
        rois: attribute -> box in fractions of the picture. Empty labels are left out.

        Raises: ValueError where these don't fit.
        """
        if id in self:
            return False
        attributes, dim = self._header["attributes"], self._header["dim"]
        if vectors.shape != (len(attributes), dim) or not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-2):
            raise ValueError(f"vectors must be ({len(attributes)}, {dim}) of unit norm, got {vectors.shape}.")
        if missing := [a for a in attributes if a not in rois]:
            raise ValueError(f"rois must have a box for every attribute; missing: {', '.join(missing)}.")
        boxes = np.stack([_fractions(rois[a]) for a in attributes]) if attributes else np.zeros((0, 4), np.float16)
        image = f"{disk.IMAGES}/{len(self):06d}.webp"
        picture = Image.fromarray(Garment(pixels).pixels)
        picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS, reducing_gap=3.0)
        picture.save(self._partial.folder / image, "WEBP", quality=QUALITY)
        row = {"id": id, "image": image, "labels": {k: v for k, v in labels.items() if v}}
        self._partial.append(row, vectors.astype(np.float16), boxes)
        if self._partial.waiting >= FLUSH:
            self._partial.flush()
        return True

    def add_views(self, id: str, garment: Garment, views: Mapping[str, View]) -> bool:
        """`add` for a garment as the engine saw it under every attribute."""
        names = self._header["attributes"]
        vectors = np.stack([views[a].embedding for a in names])
        rois = {a: views[a].roi.scaled(1 / garment.width, 1 / garment.height) for a in names}
        return self.add(id, garment.pixels, garment.labels, vectors, rois)

    def finish(self) -> None:
        """Write arrays, quantiles and manifest, and put the gallery into place; an older one stays until then."""
        folder = self._partial.folder
        rows, vectors, rois = self._partial.read()
        table = background(vectors, np.random.default_rng(0))
        for name, array in ((disk.VECTORS, vectors), (disk.ROIS, rois), (disk.BACKGROUND, table)):
            np.save(folder / name, array)
        labels = tuple(dict.fromkeys(name for row in rows for name in row["labels"]))
        made = {"created": datetime.now(UTC).isoformat(timespec="seconds"), "background_seed": "0"}
        sums = {name: disk.digest(folder / name) for name in disk.CHECKED}
        header = {**self._header, "built": {**made, **self._header["built"]}}
        content = {"format": disk.FORMAT, **header, "count": len(rows), "labels": labels, "sha256": sums}
        (folder / disk.MANIFEST).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        self._check_target()
        if self._directory.exists():
            self._directory.rename(self._old)
        folder.rename(self._directory)
        Partial.tidy(self._directory)
        shutil.rmtree(self._old, ignore_errors=True)
        self._finished = True

    def _restore(self) -> None:
        """Undo a swap that was killed half way, or finish its tidying."""
        if self._old.exists() and not self._directory.exists():
            self._old.rename(self._directory)
        elif self._old.exists() and {p.name for p in self._old.iterdir()} <= _OWN:
            shutil.rmtree(self._old)

    def _check_target(self) -> None:
        """Replacing a folder deletes it, so it must be a gallery."""
        if not self._directory.exists():
            return
        if not self._directory.is_dir() or (other := sorted({p.name for p in self._directory.iterdir()} - _OWN)):
            what = f"holds {other[0]!r}, which belongs to no gallery" if self._directory.is_dir() else "is a file"
            raise GalleryError(f"{self._directory} {what}; give a new or empty folder, so that nothing is overwritten.")


def _fractions(box: Box) -> np.ndarray:
    """(4,) float16 inside 0..1, never empty."""
    values = np.clip(np.array(tuple(box)), 0, 1).astype(np.float16)
    if values[0] >= values[2] or values[1] >= values[3]:
        raise ValueError(f"A RoI must lie in fractions 0..1 of the picture and not be empty, got {box}.")
    return values
