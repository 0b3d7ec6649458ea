"""Builds a gallery directory, item by item; a killed run resumes where its last flush was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from asen_core.gallery.assembly import Entry, assemble, check_target
from asen_core.gallery.journal import Journal
from asen_core.gallery.lock import writing
from asen_core.gallery.manifest import JOURNAL
from asen_core.types import Box, Garment, View


class GalleryWriter:
    """Use as a context manager: leaving it without an error finishes the gallery and puts it into place at once.

    Until then everything lies in `<directory>/journal`; an error or a kill leaves that for the next run, which goes on there if
    attributes, sizes, fingerprint and `built` are the same, and else starts anew. Garments are known by their ids alone; to
    keep what a gallery holds and add to it, see the room `indexing`.
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

        Raises: GalleryError where the directory holds something that is no gallery, or another run writes to it.
        """
        self._directory, self._built = Path(directory).absolute(), dict(built or {})
        check_target(self._directory)
        self._held = ExitStack()
        self._held.enter_context(writing(self._directory))
        header = {"attributes": list(attributes), "dim": dim, "split": split, "fingerprint": fingerprint}
        self._journal = Journal(self._directory / JOURNAL, {**header, "built": self._built})
        self._ids = {row.facts["writer"]["id"] for row in self._journal.rows()}
        self._finished = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is not None:
                self._journal.flush()
            elif not self._finished:
                self.finish()
        finally:
            self._held.close()

    def __len__(self) -> int:
        return len(self._journal)

    def __contains__(self, id: object) -> bool:
        return id in self._ids

    def add(
        self, id: str, pixels: np.ndarray, labels: Mapping[str, str], vectors: np.ndarray, rois: Mapping[str, Box],
        facts: Mapping[str, Any] | None = None,
    ) -> bool:  # fmt: skip
        """Add one garment; False where its id is there already and nothing was done.

        pixels: (H, W, 3) uint8, stored as WebP of at most 384 pixels; vectors: (A, D), unit norm; rois: attribute -> box in
        fractions of the picture; facts: what else is to be kept of it, as JSON can. Empty labels are left out.

        Raises: ValueError where these don't fit.
        """
        if id in self:
            return False
        own = {"id": id, "labels": {k: v for k, v in labels.items() if v}}
        self._journal.add(_key(id, pixels), pixels, vectors, rois, {**(facts or {}), "writer": own})
        self._ids.add(id)
        return True

    def add_views(self, id: str, garment: Garment, views: Mapping[str, View], facts: Mapping[str, Any] | None = None) -> bool:
        """`add` for a garment as the engine saw it under every attribute."""
        names = self._journal.attributes
        vectors = np.stack([views[a].embedding for a in names])
        rois = {a: views[a].roi.scaled(1 / garment.width, 1 / garment.height) for a in names}
        return self.add(id, garment.pixels, garment.labels, vectors, rois, facts)

    def finish(self) -> None:
        """Write the gallery and put it into place; an older one stays until then."""
        added = [(row.key, row.facts["writer"]) for row in self._journal.rows()]
        entries = [Entry(own["id"], key, own["labels"]) for key, own in added]
        assemble(self._directory, entries, [self._journal], self._built, reuse=False)
        self._finished = True


def _key(id: str, pixels: np.ndarray) -> str:
    """What its picture is called by: another picture must not pass for one that lies there from an earlier gallery."""
    named = f"{id}\0{pixels.shape}\0".encode("utf-8", "surrogateescape")
    return hashlib.sha256(named + pixels.tobytes()).hexdigest()
