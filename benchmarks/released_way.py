"""How the released code of ASEN++ embeds photos, in words of our own: one attribute after the other, all of it each time.

Dong et al., TIP 2021. Facts that this follows: every attribute reads every photo anew and passes it through both ResNets;
batches of 16; float32, plain memory order, batch norm not folded. Where the release is slower still (it opens a photo again to
cut its crop, and moves every mask through OpenCV) this isn't.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from asen_core.models.asen_pp import AsenPP
from asen_core.models.roi import released_boxes
from benchmarks.pictures import batches

BATCH = 16


class ReleasedWay:
    """The per-attribute path around a model of the authors' architecture; the model itself is left as it is."""

    def __init__(self, model: AsenPP) -> None:
        # Theirs never asks for another order of memory; ours keeps channels last.
        self._model = copy.deepcopy(model).to(memory_format=torch.contiguous_format).eval()
        self.attributes = len(model.attributes)

    def embed(self, paths: Sequence[Path], batch: int = BATCH) -> np.ndarray:
        """(N, A, D) float32, unit norm."""
        columns = [self.embed_one(paths, a, batch) for a in range(self.attributes)]
        return np.stack(columns, 1)

    @torch.no_grad()
    def embed_one(self, paths: Sequence[Path], attribute: int, batch: int = BATCH) -> np.ndarray:
        """(N, D) float32 under one attribute, everything from the file on."""
        return np.concatenate([self._batch(some, attribute) for some in batches(list(paths), batch)])

    def _batch(self, paths: Sequence[Path], attribute: int) -> np.ndarray:
        photos = [_opened(path) for path in paths]
        config, query = self._model.config, self._model.attribute_vectors[attribute : attribute + 1]
        whole = self._normalised([_centre(photo, config.input_size) for photo in photos])
        globals_, attention = self._model.global_branch(whole, query)
        boxes = released_boxes(attention, [_planes(photo) for photo in photos], config)[:, 0].int().tolist()
        size = (config.roi_size, config.roi_size)
        crops = [p.crop(tuple(b)).resize(size, Image.Resampling.BILINEAR) for p, b in zip(photos, boxes, strict=True)]
        locals_ = self._model.local_branch.forward_pairs(self._normalised(crops), query.expand(len(crops), -1))
        parts = (math.sqrt(config.beta) * globals_[:, 0], math.sqrt(1 - config.beta) * locals_)
        return torch.cat(parts, -1).numpy()

    def _normalised(self, pictures: Sequence[Image.Image]) -> Tensor:
        """(B, 3, S, S) float32, one plane after the other."""
        pixels = torch.from_numpy(np.stack([np.asarray(p) for p in pictures])).permute(0, 3, 1, 2).contiguous()
        return (pixels.float() / 255 - self._model.mean) / self._model.std


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


def _centre(photo: Image.Image, size: int) -> Image.Image:
    """The shorter side scaled to `size`, then the middle."""
    width, height = photo.size
    short = min(width, height)
    scaled = photo.resize((int(size * width / short), int(size * height / short)), Image.Resampling.BILINEAR)
    left, top = (round((side - size) / 2) for side in scaled.size)
    return scaled.crop((left, top, left + size, top + size))


def _planes(photo: Image.Image) -> Tensor:
    """A tensor of the photo's shape (3, H, W), without its pixels: only the size is asked for."""
    return torch.empty((), dtype=torch.uint8).expand(3, photo.height, photo.width)
