"""Engine: device, batching and lock around the model; used by the app, the command line and evaluation alike."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from asen_core import checkpoint as checkpoints
from asen_core.checkpoint import Checkpoint, Stored
from asen_core.config import ModelConfig
from asen_core.engine.mix import mixed
from asen_core.engine.reading import Batch, batches, laid, readers, together
from asen_core.engine.rerank import stacked
from asen_core.engine.runtime import Looked, Runtime, runtime_for
from asen_core.engine.views import views_of
from asen_core.errors import PhotoError, QueryError
from asen_core.gallery import Gallery
from asen_core.gallery.manifest import check_fingerprint
from asen_core.gallery.mix import Unlike
from asen_core.types import Box, Garment, Item, Matches, View, Vocabulary, Where

_ROOT = Path(__file__).resolve().parents[2]
SHIPPED_CHECKPOINT = _ROOT / "assets" / "compact"
SHIPPED_GALLERY = _ROOT / "gallery_index"

Photo = Any
"""A path, bytes, PIL image, (H, W, 3) uint8 array or Garment."""


class Engine:
    """A model on a device, and the gallery that was built with it. Safe to call from several threads.

    Open one with `Engine.open()`. Photos are paths, bytes, PIL images, (H, W, 3) uint8 arrays or Garments.
    """

    def __init__(
        self, checkpoint: Checkpoint | Stored, gallery: Path | str | None = None, device: str = "cpu", runtime: str = "auto"
    ) -> None:  # fmt: skip
        self._runtime: Runtime = runtime_for(checkpoint, str(device), runtime)
        self._lock = threading.Lock()
        self._gallery_place = gallery or SHIPPED_GALLERY
        self.checkpoint = checkpoint
        self.fingerprint: str = checkpoint.fingerprint
        self.vocabulary: Vocabulary = checkpoint.vocabulary
        self.config: ModelConfig = checkpoint.config
        self.dim: int = self._runtime.dim

    @classmethod
    def open(
        cls, checkpoint: Path | str | None = None, gallery: Path | str | None = None, device: str = "auto",
        runtime: str = "auto",
    ) -> Engine:  # fmt: skip
        """Load a checkpoint (None: the shipped one); the gallery is opened when first searched.

        checkpoint: a directory, or a .pth.tar file of the authors' release, whose pipeline is then followed to the number;
        gallery: a directory, or milvus://host:port/name; device: "auto" (a GPU where there is one), "cpu", "cuda" or "cuda:1";
        runtime: "auto", "torch" (float32, the reference, or a GPU) or "openvino" (the same numbers, quicker on a processor).

        Raises: CheckpointError, or QueryError for the device or runtime.
        """
        read = checkpoints.read(Path(checkpoint) if checkpoint else SHIPPED_CHECKPOINT)
        return cls(read, gallery or None, device, runtime)

    @cached_property
    def gallery(self) -> Gallery:
        """The gallery. Raises: GalleryError where it is missing, damaged or was built with another checkpoint."""
        return Gallery.open(self._gallery_place, self.fingerprint)

    def beside(self, gallery: Gallery) -> Engine:
        """The same model, on the same device and behind the same lock, with another gallery.

        Raises: GalleryError where the gallery was built with another checkpoint.
        """
        check_fingerprint(gallery.directory, gallery.manifest, self.fingerprint)
        other = copy(self)
        other.__dict__["gallery"] = gallery
        return other

    @property
    def on_gpu(self) -> bool:
        """Whether the model runs on a GPU, which wants larger batches."""
        return self._runtime.on_gpu

    @property
    def runtime(self) -> str:
        """What computes the network: "openvino" or "torch"."""
        return self._runtime.name

    @property
    def notice(self) -> str:
        """What a person should know of how the network is run, say that a GPU was given up; "" where all is well."""
        return self._runtime.notice

    def look(
        self, photo: Photo, attributes: Sequence[str] | None = None, boxes: Mapping[str, Box] | None = None
    ) -> dict[str, View]:
        """One view per attribute (None: all). `boxes`, in photo pixels, replace the model's own regions of interest.

        Raises: PhotoError, QueryError.
        """
        batch = together([laid(photo, self.config)], self.config)
        return self._pass(batch, self._known(attributes), boxes or {})[0]

    def views(
        self, photos: Iterable[Photo], attributes: Sequence[str] | None = None, batch_size: int = 32
    ) -> Iterator[dict[str, View]]:
        """The same for many photos, lazily and in their order; at most two batches of them are in memory.

        Raises: PhotoError, QueryError, ValueError for a batch size under 1.
        """
        names = self._known(attributes)
        for batch in self._batches(photos, batch_size):
            yield from self._pass(batch, names, {})

    def embed(self, photos: Iterable[Photo], attributes: Sequence[str] | None = None, batch_size: int = 32) -> np.ndarray:
        """(N, A, D) float32 embeddings, unit norm; reads the photos lazily. Raises: as `views`."""
        names = self._known(attributes)
        rows = [self._looked(batch, names).embedding for batch in self._batches(photos, batch_size)]
        found = np.concatenate(rows) if rows else np.zeros((0, len(names), self.dim), np.float32)
        return found / np.linalg.norm(found, axis=-1, keepdims=True)

    def search(
        self, photo_or_view: Photo | View, attribute: str, k: int = 20, where: Where | None = None,
        beta: float | None = None, least: float | None = None,
    ) -> Matches:  # fmt: skip
        """The `k` nearest gallery items in an attribute's own space.

        where: label -> the value or values to keep; beta: share of the global branch in [0, 1] (None: as trained);
        least: smallest cosine similarity to report. Raises: PhotoError, QueryError, GalleryError.
        """
        (name,) = self._known([attribute])
        view = photo_or_view if isinstance(photo_or_view, View) else self.look(photo_or_view, [name])[name]
        if view.condition != name:
            raise QueryError(f"The view is of {view.condition!r}, the search of {name!r}; look at the photo under {name!r}.")
        return self.gallery.search(name, view.query_vector(beta), k, where, least)

    def rerank(
        self, photo_or_views: Photo | Mapping[str, View], attribute: str, n: int = 100, k: int = 20,
        where: Where | None = None, beta: float | None = None, least: float | None = None,
    ) -> Matches:  # fmt: skip
        """The `n` gallery items most alike overall, in the order of one attribute's space: the first `k` of these.

        It is the fashion reranking of Dong et al., TIP 2021, with the mean cosine over all attributes as the general likeness.
        photo_or_views: views as of `look`, of all attributes; where: applied before the first `n` are taken; beta: weighs both
        orders; least: smallest similarity in the attribute's space. Raises: PhotoError, QueryError, GalleryError.
        """
        (name,) = self._known([attribute])
        views = photo_or_views if isinstance(photo_or_views, Mapping) else self.look(photo_or_views)
        return self.gallery.rerank(name, stacked(views, self.gallery.attributes, beta), n, k, where, least)

    def mix(
        self, photo_or_views: Photo | Mapping[str, View], weights: Mapping[str, float], unlike: Unlike = (), k: int = 20,
        where: Where | None = None, beta: float | None = None, least: float | None = None,
    ) -> Matches:  # fmt: skip
        """The `k` gallery items alike in several attributes, by weight, and different in others; as `Gallery.mix`.

        photo_or_views: a photo, which is looked at under what is named, or views as of `look`. Raises: PhotoError, QueryError,
        GalleryError.
        """
        names = self._known([*weights, *unlike])
        views = photo_or_views if isinstance(photo_or_views, Mapping) else self.look(photo_or_views, names)
        return self.gallery.mix(mixed(views, names, self.gallery.attributes, beta), weights, unlike, k, where, least)

    def alike(self, views: Mapping[str, View], item: Item) -> dict[str, float]:
        """Cosine similarity of a query and a gallery item under each attribute that the query was looked at."""
        stored = dict(zip(self.gallery.attributes, self.gallery.vectors(item.id), strict=True))
        return {name: float(view.embedding @ stored[name]) for name, view in views.items()}

    def _known(self, attributes: Sequence[str] | None) -> tuple[str, ...]:
        if isinstance(attributes, str):
            raise QueryError(f"Attributes must be a list of names, got {attributes!r}; write [{attributes!r}].")
        names = tuple(self.vocabulary) if attributes is None else tuple(attributes)
        if unknown := [a for a in names if a not in self.vocabulary]:
            raise QueryError(
                f"Unknown attribute {', '.join(map(repr, unknown))}; this model knows {', '.join(self.vocabulary)}."
            )
        return names

    def _batches(self, photos: Iterable[Photo], size: int) -> Iterator[Batch]:
        if isinstance(photos, str | bytes | Path | Garment) or hasattr(photos, "mode") or getattr(photos, "ndim", 4) < 4:
            raise PhotoError("Photos must be a list or another iterable of photos; put a single photo into a list.")
        if size < 1:
            raise ValueError(f"batch_size must be at least 1, got {size}.")
        return batches(photos, self.config, size, readers(self.on_gpu), processes=self.on_gpu)

    def _looked(self, batch: Batch, names: Sequence[str], given: np.ndarray | None = None) -> Looked:
        wanted = [self._attributes.index(name) for name in names]
        with self._lock:
            return self._runtime.run(batch.garments, batch.inputs, batch.frames, wanted, given)

    def _pass(self, batch: Batch, names: tuple[str, ...], boxes: Mapping[str, Box]) -> list[dict[str, View]]:
        self._known(tuple(boxes))
        chosen = {name: _within(box, batch.garments[0]) for name, box in boxes.items()}
        out = self._looked(batch, names, _squares(chosen, names) if chosen else None)
        values = [self.vocabulary[name] for name in names]
        dims = self.config.global_dim, self._runtime.value_dim
        looked = views_of(out, batch.garments, batch.frames, names, values, dims)
        for name in chosen.keys() & looked[0].keys() if chosen else ():
            looked[0][name] = replace(looked[0][name], roi=chosen[name])
        return looked

    @cached_property
    def _attributes(self) -> tuple[str, ...]:
        return tuple(self.vocabulary)


def _squares(boxes: Mapping[str, Box], names: Sequence[str]) -> np.ndarray:
    """(1, A, 4) float32: squares around the given boxes, so that a crop is never distorted; NaN where the model chooses."""
    rows = np.full((1, len(names), 4), np.nan, np.float32)
    for i, name in enumerate(names):
        if name in boxes:
            box, half = boxes[name], max(boxes[name].width, boxes[name].height) / 2
            x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
            rows[0, i] = x - half, y - half, x + half, y + half
    return rows


def _within(box: Box, garment: Garment) -> Box:
    if not isinstance(box, Box):
        raise QueryError(f"A region must be a Box(x0, y0, x1, y1) in photo pixels, got {box!r}.")
    inside = box.intersection(garment.box)
    if inside is None:
        raise QueryError(f"The box {box} lies outside the photo, which is {garment.width} x {garment.height} pixels.")
    return inside
