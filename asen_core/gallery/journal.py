"""What was looked at and is not yet in a gallery: files that only grow, so that a kill costs at most what was not flushed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from asen_core import files
from asen_core.gallery.manifest import IMAGES, PICTURE_SUM, UNFINISHED, has_picture
from asen_core.types import Box, Garment

LONGEST, QUALITY, FLUSH = 384, 80, 64
HEADER, LINES, VECTORS, ROIS = "header.json", "rows.jsonl", "vectors.f16", "rois.f16"


@dataclass(frozen=True)
class Looked:
    """One garment of a journal: digest of its content, its picture below the gallery's folder, what else was found."""

    key: str
    image: str
    facts: Mapping[str, Any]


class Journal:
    """`<gallery>/journal…/`: a header, lines, and vectors and RoIs as raw float16 rows in the lines' order.

    Pictures go to the gallery's folder of pictures at once, under names that their content gives them.
    """

    def __init__(self, folder: Path, header: Mapping[str, Any]) -> None:
        """header: with `attributes` and `dim`; a journal with another header is thrown away and begun anew. Raises: OSError."""
        self.folder, self.header = folder, dict(header)
        self.attributes: tuple[str, ...] = tuple(header["attributes"])
        self.dim: int = header["dim"]
        self._shapes = ((len(self.attributes), self.dim), (len(self.attributes), 4))
        self._waiting: list[tuple[Looked, np.ndarray, np.ndarray]] = []
        if not self._matches():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for name in (VECTORS, ROIS, LINES):
                (folder / name).touch()
            with files.whole(folder / HEADER, folder / (HEADER + UNFINISHED)) as part:
                part.write_text(json.dumps(self.header), encoding="utf-8")
        self._rows = {row.key: row for row in self._cut_to_whole_rows()}

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def waiting(self) -> int:
        """Garments that a kill would lose now."""
        return len(self._waiting)

    def rows(self) -> list[Looked]:
        """All garments in the order in which they came."""
        return list(self._rows.values())

    def add(
        self, key: str, pixels: np.ndarray | bytes, vectors: np.ndarray, rois: Mapping[str, Box],
        facts: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Add what was found on one photo; nothing is done where its key is there already.

        key: at least 24 hexadecimal digits, the digest of its content; pixels: (H, W, 3) uint8, or what `encoded` made of them;
        vectors: (A, D), unit norm; rois: attribute -> box in fractions of the photo; facts: what JSON can hold.

        Raises: ValueError where these don't fit, OSError.
        """
        if key in self._rows:
            return
        if vectors.shape != self._shapes[0] or not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-2):
            raise ValueError(f"vectors must be {self._shapes[0]} of unit norm, got {vectors.shape}.")
        if missing := [a for a in self.attributes if a not in rois]:
            raise ValueError(f"rois must have a box for every attribute; missing: {', '.join(missing)}.")
        boxes = np.stack([_fractions(rois[a]) for a in self.attributes]) if self.attributes else np.zeros((0, 4), np.float16)
        image, digest = self._save_picture(key, pixels)
        row = Looked(key, image, {**(facts or {}), PICTURE_SUM: digest})
        self._waiting.append((row, vectors.astype(np.float16), boxes))
        self._rows[key] = row
        if self.waiting >= FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write what waits; lines last, since only garments that have one are counted when resuming. Raises: OSError."""
        rows, vectors, rois = zip(*self._waiting, strict=True) if self._waiting else ((), (), ())
        lines = "".join(json.dumps([row.key, row.image, row.facts]) + "\n" for row in rows).encode()
        for row in rows:
            files.settle(self.folder.parent / row.image)
        parts = (b"".join(v.tobytes() for v in vectors), b"".join(r.tobytes() for r in rois), lines)
        for name, data in zip((VECTORS, ROIS, LINES), parts, strict=True):
            with (self.folder / name).open("rb+") as file:
                file.truncate(self._ends[name])  # a flush that a full disk cut off may have left something
                file.seek(self._ends[name])
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for name, data in zip((VECTORS, ROIS, LINES), parts, strict=True):
            self._ends[name] += len(data)
        self._waiting = []

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Vectors (n, A, D) and RoIs (n, A, 4), float16, mapped from the files, in the order of `rows`. Raises: OSError."""
        self.flush()
        return tuple(
            np.memmap(self.folder / name, np.float16, "r", shape=(len(self), *shape))
            if len(self) and np.prod(shape)
            else np.zeros((len(self), *shape), np.float16)
            for name, shape in zip((VECTORS, ROIS), self._shapes, strict=True)
        )  # type: ignore[return-value]

    def remove(self) -> None:
        """Throw it away, once all is in the gallery."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _save_picture(self, key: str, pixels: np.ndarray | bytes) -> tuple[str, str]:
        """Its name below the gallery's folder, and the digest of what is in it."""
        if len(key) < 24 or set(key) - set("0123456789abcdef"):
            raise ValueError(f"A key must be at least 24 hexadecimal digits, got {key[:40]!r}.")
        image = f"{IMAGES}/{key[:2]}/{key[:24]}.webp"
        path = self.folder.parent / image
        content = pixels if isinstance(pixels, bytes) else encoded(pixels)
        if not has_picture(self.folder.parent, image) or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = self.folder / (path.name + UNFINISHED)  # what a kill leaves of it goes with the journal
            part.write_bytes(content)
            part.replace(path)
        return image, hashlib.sha256(content).hexdigest()

    def _matches(self) -> bool:
        try:
            same = json.loads((self.folder / HEADER).read_text(encoding="utf-8")) == json.loads(json.dumps(self.header))
            return same and all((self.folder / name).exists() for name in (VECTORS, ROIS, LINES))
        except (OSError, ValueError):
            return False

    def _cut_to_whole_rows(self) -> list[Looked]:
        """Drop what a kill left half written, and return the garments that are whole, up to the first without its picture."""
        lines = (self.folder / LINES).read_bytes().split(b"\n")[:-1]
        sizes = [2 * int(np.prod(shape)) for shape in self._shapes]
        stored = [(self.folder / name).stat().st_size for name in (VECTORS, ROIS)]
        whole = min([len(lines), *(have // size for have, size in zip(stored, sizes, strict=True) if size)])
        rows = [Looked(*json.loads(line)) for line in lines[:whole]]
        whole = next((i for i, row in enumerate(rows) if not has_picture(self.folder.parent, row.image)), whole)
        kept = [line + b"\n" for line in lines[:whole]]
        lengths = (*(whole * size for size in sizes), sum(map(len, kept)))
        self._ends = dict(zip((VECTORS, ROIS, LINES), lengths, strict=True))
        for name, length in self._ends.items():
            os.truncate(self.folder / name, length)
        return rows[:whole]


def encoded(pixels: np.ndarray) -> bytes:
    """The picture of a garment as it is stored: WebP of at most 384 pixels. pixels: (H, W, 3) uint8."""
    picture, out = Image.fromarray(Garment(pixels).pixels), io.BytesIO()
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS, reducing_gap=3.0)
    picture.save(out, "WEBP", quality=QUALITY)
    return out.getvalue()


def _fractions(box: Box) -> np.ndarray:
    """(4,) float16 inside 0..1, never empty."""
    values = np.clip(np.array(tuple(box)), 0, 1).astype(np.float16)
    if values[0] >= values[2] or values[1] >= values[3]:
        raise ValueError(f"A RoI must lie in fractions 0..1 of the picture and not be empty, got {box}.")
    return values
