"""The unfinished gallery: files that only grow, so that a kill costs at most what was not flushed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from asen_core.gallery.manifest import IMAGES, ITEMS


class Partial:
    """`<gallery>.partial`: a header, items.jsonl, and vectors and RoIs as raw float16 rows in the items' order."""

    FILES: ClassVar[tuple[str, ...]] = ("partial.json", "vectors.f16", "rois.f16")

    def __init__(self, folder: Path, header: dict[str, Any], attributes: int, dim: int) -> None:
        self.folder = folder
        self._shapes = ((attributes, dim), (attributes, 4))
        self._waiting: list[tuple[dict[str, Any], np.ndarray, np.ndarray]] = []
        if not self._matches(header):
            shutil.rmtree(folder, ignore_errors=True)
            (folder / IMAGES).mkdir(parents=True)
            for name in (*self.FILES[1:], ITEMS):
                (folder / name).touch()
            (folder / self.FILES[0]).write_text(json.dumps(header), encoding="utf-8")
        self.ids: set[str] = {row["id"] for row in self._cut_to_whole_rows()}

    @property
    def waiting(self) -> int:
        """Items that a kill would lose now."""
        return len(self._waiting)

    def append(self, row: dict[str, Any], vectors: np.ndarray, rois: np.ndarray) -> None:
        """One item: its line, vectors (A, D) float16 and RoIs (A, 4) float16."""
        self._waiting.append((row, vectors, rois))
        self.ids.add(row["id"])

    def flush(self) -> None:
        """Write what waits; lines last, since only items that have one are counted when resuming."""
        rows, vectors, rois = zip(*self._waiting, strict=True) if self._waiting else ((), (), ())
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        parts = (b"".join(v.tobytes() for v in vectors), b"".join(r.tobytes() for r in rois), lines)
        for name, data in zip((*self.FILES[1:], ITEMS), parts, strict=True):
            with (self.folder / name).open("ab") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        self._waiting = []

    def read(self) -> tuple[list[dict[str, Any]], np.ndarray, np.ndarray]:
        """All items: lines, vectors (N, A, D) float16, RoIs (N, A, 4) float16."""
        self.flush()
        arrays = [
            np.fromfile(self.folder / name, np.float16).reshape(len(self.ids), *shape)
            for name, shape in zip(self.FILES[1:], self._shapes, strict=True)
        ]
        return self._rows(), arrays[0], arrays[1]

    @classmethod
    def tidy(cls, folder: Path) -> None:
        """Remove what only an unfinished gallery needs."""
        for name in cls.FILES:
            (folder / name).unlink(missing_ok=True)

    def _matches(self, header: dict[str, Any]) -> bool:
        try:
            same = json.loads((self.folder / self.FILES[0]).read_text(encoding="utf-8")) == header
            return same and all((self.folder / name).exists() for name in (*self.FILES, ITEMS, IMAGES))
        except (OSError, ValueError):
            return False

    def _rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / ITEMS).read_bytes().split(b"\n") if line]

    def _cut_to_whole_rows(self) -> list[dict[str, Any]]:
        """Drop what a kill left half written, and return the lines of the items that are whole."""
        lines = (self.folder / ITEMS).read_bytes().split(b"\n")[:-1]
        sizes = [2 * int(np.prod(shape)) for shape in self._shapes]
        stored = [(self.folder / name).stat().st_size for name in self.FILES[1:]]
        whole = min([len(lines), *(have // size for have, size in zip(stored, sizes, strict=True) if size)])
        kept = [line + b"\n" for line in lines[:whole]]
        lengths = (*(whole * size for size in sizes), sum(map(len, kept)))
        for name, length in zip((*self.FILES[1:], ITEMS), lengths, strict=True):
            os.truncate(self.folder / name, length)
        return [json.loads(line) for line in kept]
