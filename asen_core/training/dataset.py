"""Training examples: augmented photos with label indices and, where known, where each attribute is to be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from asen_core import images
from asen_core.config import ModelConfig
from asen_core.data.crowd import answer_indices
from asen_core.data.labels import REGIONS, Photo
from asen_core.data.vocabulary import COARSE, DEFAULT, REGION_OF
from asen_core.errors import DataError, PhotoError
from asen_core.training.augment import Change, augment, box_coverage, kept_share, mask_coverage
from asen_core.training.stages import Batch
from asen_core.types import Frame, Vocabulary

Ticket = tuple[int, int]
"""Photo index and the seed of its augmentation."""

_ENOUGH = 0.95
"""The share of a marked region that a crop must keep for its label to stay true."""


@dataclass(frozen=True)
class Examples:
    """A batch of B photos under A attributes on a grid of (h, w) attention cells.

    images (B, 3, S, S) uint8; sources: (3, H, W) uint8 each; labels (B, A) int64 and answers (B, Q) int64, -1 = unknown;
    target (B, A, h, w) float32, sums to 1 where the region is known, 0 elsewhere; inside (B, h, w) float32: share of each
    cell on the garment, 1 everywhere where that is not known.
    """

    images: Tensor
    sources: list[Tensor]
    frames: list[Frame]
    labels: Tensor
    target: Tensor
    inside: Tensor
    answers: Tensor


class GarmentDataset(Dataset[Examples]):
    """Photos with labels and marks; `masks` holds (regions, h, w) bool per photo key, in place of marked boxes.

    pseudo: photo key -> attribute -> value that a model read; it fills in where the photo has no label. changed: whether
    photos are augmented. also (R, 3) int = photo, attribute and value index: labels beyond the first of an attribute.
    """

    def __init__(
        self, photos: Sequence[Photo], masks: dict[str, np.ndarray], vocabulary: Vocabulary, config: ModelConfig,
        pseudo: Mapping[str, Mapping[str, str]] | None = None, changed: bool = True, also: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        self.photos = list(photos)
        self.masks = masks
        self.vocabulary = vocabulary
        self.config = config
        self.changed = changed
        self.also = np.zeros((0, 3), np.int32) if also is None else also
        index = {a: {v: i for i, v in enumerate(values)} for a, values in vocabulary.items()}
        self.pseudo = pseudo or {}
        known = [{**self.pseudo.get(p.key, {}), **p.labels} for p in self.photos]
        rows = [[index[a].get(k.get(a, ""), -1) for a in vocabulary] for k in known]
        self.labels = np.array(rows, np.int64).reshape(-1, len(vocabulary))
        self.answers = np.array([answer_indices(p.answers) for p in self.photos], np.int64)
        # The default vocabulary has no value for what a photo doesn't show; the benchmarks do, so there a cut region tells.
        self._seen = [(i, REGION_OF[a]) for i, a in enumerate(vocabulary) if a in REGION_OF and a not in DEFAULT]
        # Were only unmarked photos turned, a turned photo would be one where the attribute can't be seen.
        self._upright = bool(self._seen) and any(p.regions for p in self.photos)

    def __len__(self) -> int:
        return len(self.photos)

    def with_pseudo(self, pseudo: Mapping[str, Mapping[str, str]]) -> GarmentDataset:
        """The same photos with what a model read on them."""
        return GarmentDataset(self.photos, self.masks, self.vocabulary, self.config, pseudo, self.changed, self.also)

    def by_value(self, attribute: int) -> list[np.ndarray]:
        """The photos of each value of an attribute (its index) that occurs, values ascending; a photo may have several."""
        column, mine = self.labels[:, attribute], self.also[self.also[:, 1] == attribute]
        values = np.union1d(column[column >= 0], mine[:, 2])
        return [np.union1d(np.flatnonzero(column == v), mine[mine[:, 2] == v, 0]) for v in values]

    def __getitem__(self, ticket: Ticket) -> Examples:
        index, seed = ticket
        photo, rng = self.photos[index], np.random.default_rng(seed)
        pixels = _pixels(photo.path)
        source, change, plain = self._augmented(pixels, photo, rng) if self.changed else (pixels, _unchanged(pixels), None)
        laid, frame = images.lay(source, self.config.input_size, self.config.fill, self.config.geometry)
        maps = self._maps(photo, pixels.shape, change, frame)
        cells = self.config.cells
        if "garment" in maps:
            inside = maps["garment"]
        elif plain is not None and not change.rotated:
            inside = mask_coverage(~plain, (pixels.shape[1], pixels.shape[0]), change, frame, cells)
        else:
            inside = np.ones((cells, cells), np.float32)
        return Examples(
            torch.from_numpy(laid.copy()).permute(2, 0, 1)[None],
            [torch.from_numpy(source.copy()).permute(2, 0, 1)],
            [frame],
            torch.from_numpy(self._labels(index, photo, pixels.shape, change))[None],
            torch.from_numpy(self._target(maps))[None],
            torch.from_numpy(inside)[None],
            torch.from_numpy(self.answers[index])[None],
        )

    def _augmented(
        self, pixels: np.ndarray, photo: Photo, rng: np.random.Generator
    ) -> tuple[np.ndarray, Change, np.ndarray | None]:
        """The photo changed at random, how, and where its background was plain."""
        backdrop = _pixels(self.photos[int(rng.integers(len(self)))].path) if rng.random() < 0.2 else None
        plain = images.plain_background(pixels)
        upright = self._upright or bool(photo.regions) or photo.key in self.masks
        return *augment(pixels, plain, rng, backdrop, upright, extended=bool(self._seen)), plain

    def _maps(self, photo: Photo, shape: tuple[int, ...], change: Change, frame: Frame) -> dict[str, np.ndarray]:
        """How much of each attention cell the photo's marked regions cover, by region."""
        size, cells = (shape[1], shape[0]), self.config.cells
        if photo.key in self.masks:
            pairs = zip(REGIONS, self.masks[photo.key], strict=True)
            return {name: mask_coverage(mask, size, change, frame, cells) for name, mask in pairs}
        regions = photo.regions.items()
        return {name: box_coverage([tuple(b) for b in boxes], size, change, frame, cells) for name, boxes in regions}

    def _labels(self, index: int, photo: Photo, shape: tuple[int, ...], change: Change) -> np.ndarray:
        """(A,) int64: the photo's labels, less those that the change made untrue."""
        labels = self.labels[index].copy()
        if change.recoloured and "colour" in self.vocabulary:
            labels[list(self.vocabulary).index("colour")] = -1
        for attribute, region in self._seen if self.changed else ():
            if photo.key in self.masks:
                share = kept_share(self.masks[photo.key][REGIONS.index(region)], shape, change)
            else:
                share = kept_share([tuple(b) for b in photo.regions.get(region, ())], shape, change)
            if share < _ENOUGH:
                labels[attribute] = -1
        return labels

    def _target(self, maps: dict[str, np.ndarray]) -> np.ndarray:
        target = np.zeros((len(self.vocabulary), self.config.cells, self.config.cells), np.float32)
        for i, attribute in enumerate(self.vocabulary):
            region = maps.get(REGION_OF.get(attribute, ""))
            if region is not None and region.sum() > 0.05:
                target[i] = region / region.sum()
        return target


def _unchanged(pixels: np.ndarray) -> Change:
    return Change((0, 0, pixels.shape[1], pixels.shape[0]), flip=False, recoloured=False, rotated=False)


def _pixels(path: Path) -> np.ndarray:
    """(H, W, 3) uint8. Raises: DataError, as a run on fewer photos would not be the one that was asked for."""
    try:
        return images.load(path).pixels
    except PhotoError as error:
        raise DataError(f"{path} can't be trained on: {error} Nothing is trained on a part of the photos.") from None


def collate(parts: Sequence[Examples]) -> Examples:
    """One batch out of single examples."""
    return Examples(
        torch.cat([p.images for p in parts]),
        [s for p in parts for s in p.sources],
        [f for p in parts for f in p.frames],
        torch.cat([p.labels for p in parts]),
        torch.cat([p.target for p in parts]),
        torch.cat([p.inside for p in parts]),
        torch.cat([p.answers for p in parts]),
    )


class MixedBatches(Sampler[list[Ticket]]):
    """Batches drawn from pools; half of the labelled and rendered photos evenly over attributes, then over values.

    The draws of an epoch depend on (seed, epoch) alone, so a resumed run sees what an undisturbed one would have.
    """

    def __init__(self, dataset: GarmentDataset, batch: Batch, steps: int, seed: tuple[int, ...]) -> None:
        self.steps, self.seed, self.attributes = steps, seed, batch.attributes
        photos, labels, answers = dataset.photos, dataset.labels, dataset.answers
        asked = (answers >= 0).any(1)
        fine = np.array([any(a not in COARSE for a in p.labels) for p in photos])
        rendered = np.array([p.key in dataset.masks for p in photos])
        marked = np.array([bool(p.regions) for p in photos])
        pools = (
            (batch.labelled, fine & ~rendered, labels),
            (batch.marked, marked & ~rendered, labels),
            (batch.rendered, rendered, labels),
            (batch.crowd, asked, answers),
            (batch.pseudo, np.array([p.key in dataset.pseudo for p in photos]), labels),
            (batch.others, ~fine & ~rendered & ~asked, labels),
        )
        chosen = [(count, np.flatnonzero(pool), table) for count, pool, table in pools if count and pool.any()]
        self.pools = [(count, pool) for count, pool, _ in chosen]
        self.even = [_by_value(table, pool) for _, pool, table in chosen]

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[Ticket]]:
        rng = np.random.default_rng(self.seed)
        for _ in range(self.steps):
            chosen: list[int] = []
            for (count, pool), even in zip(self.pools, self.even, strict=True):
                chosen += [int(rng.choice(pool)) for _ in range(count - count // 2)]
                if self.attributes:
                    chosen += _alike(even, count // 2, self.attributes, rng)
                    continue
                for _ in range(count // 2):
                    values = even[int(rng.integers(len(even)))]
                    chosen.append(int(rng.choice(values[int(rng.integers(len(values)))])))
            yield [(i, int(rng.integers(2**62))) for i in chosen]


def _by_value(labels: np.ndarray, pool: np.ndarray) -> list[list[np.ndarray]]:
    """Attribute -> value -> photos of the pool, leaving out what does not occur; unlabelled pools form one value."""
    table = []
    for column in labels[pool].T:
        values = [pool[column == v] for v in np.unique(column[column >= 0])]
        if values:
            table.append(values)
    return table or [[pool]]


def _alike(table: list[list[np.ndarray]], count: int, attributes: int, rng: np.random.Generator) -> list[int]:
    """`count` photos of so many attributes of a table attribute -> value -> photos, three or more of each value drawn."""
    chosen: list[int] = []
    drawn = rng.permutation(len(table))[:attributes]
    for attribute, share in zip(drawn.tolist(), _shares(count, len(drawn)), strict=True):
        values = table[attribute]
        some = rng.permutation(len(values))[: max(1, share // 3)]
        for value, photos in zip(some.tolist(), _shares(share, len(some)), strict=True):
            chosen += rng.choice(values[value], photos, replace=len(values[value]) < photos).tolist()
    return chosen


def _shares(count: int, parts: int) -> list[int]:
    return [count // parts + (i < count % parts) for i in range(parts)]
