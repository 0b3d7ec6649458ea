"""ASEN++: one module for the whole pass, global branch -> region of interest -> local branch (TIP 2021, section III)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from asen_core.config import ModelConfig
from asen_core.models.attention import AttentionBranch
from asen_core.models.roi import cut, cut_released, placed_in_input, released_boxes, roi_boxes, to_photo
from asen_core.models.trunks import build_trunk
from asen_core.types import Frame, Vocabulary


@dataclass(frozen=True)
class Output:
    """What one pass gives for B photos and A attributes, those that were wanted.

    embedding (B, A, D) unit norm: [sqrt(beta) global | sqrt(1 - beta) local | values] (see `AsenPP.with_values`);
    attention (B, A, h, w), sums to 1; boxes (B, A, 4) in photo pixels, square, may leave the photo where it is too narrow
    for the square; probabilities: one (B, V) tensor per attribute, in the vocabulary's order.
    """

    embedding: Tensor
    attention: Tensor
    boxes: Tensor
    probabilities: tuple[Tensor, ...]


class AsenPP(nn.Module):
    """Attribute-Specific Embedding Network with a global and a local branch, and a value read-out per attribute.

    The read-out compares an embedding with one learned prototype per value, in each branch: what is near in the space
    of an attribute is read alike. Construction draws from torch's global generator; seed it before.
    """

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary
        self.attributes = tuple(vocabulary)
        self.attribute_vectors = nn.Parameter(torch.randn(len(vocabulary), config.attribute_dim) * config.attribute_spread)
        d, fine = config.attribute_dim, config.attention_kernel if config.attention_stride == 8 else 0
        trunk = build_trunk("global", config.global_trunk)
        self.global_branch = AttentionBranch(trunk, d, config.global_dim, fine, config.global_keys)
        trunk = build_trunk("local", config.local_trunk)
        self.local_branch = AttentionBranch(trunk, d, config.local_dim, keys=config.local_keys)
        values = sum(len(v) for v in vocabulary.values())
        self.value_dim = max(map(len, vocabulary.values())) if config.value_share else 0
        self.dim = config.global_dim + config.local_dim + self.value_dim
        self.global_prototypes = nn.Parameter(torch.randn(values, config.global_dim) / math.sqrt(config.global_dim))
        self.local_prototypes = nn.Parameter(torch.randn(values, config.local_dim) / math.sqrt(config.local_dim))
        self.register_buffer("reading_scale", torch.full((len(vocabulary),), config.reading_scale))
        self.register_buffer("mean", torch.tensor(config.mean).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).reshape(1, 3, 1, 1), persistent=False)
        starts = [0]
        for v in vocabulary.values():
            starts.append(starts[-1] + len(v))
        self.value_slices = tuple(slice(a, b) for a, b in itertools.pairwise(starts))

    def normalised(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) uint8 or float in 0..255 -> float32 as the trunk expects it."""
        scaled = (images.float() / 255 - self.mean) / self.std
        return scaled.contiguous(memory_format=torch.channels_last)

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Global branch: images (B, 3, S, S) uint8 -> embeddings (B, A, Dg), unit norm, and attention (B, A, h, w)."""
        return self.global_branch(self.normalised(images), self.attribute_vectors)

    def zoom(self, sources: Sequence[Tensor], boxes: Tensor, pairs: Tensor) -> Tensor:
        """Local branch on crops: `pairs` (P, 2) of photo and attribute index, `boxes` (B, A, 4) in photo pixels -> (P, Dl)."""
        if len(pairs) == 0:
            return boxes.new_zeros(0, self.config.local_dim)
        size, fill = self.config.roi_size, self.config.fill
        corners, crop = boxes.tolist(), cut_released if self.config.geometry == "released" else cut
        crops = torch.stack([crop(sources[b], corners[b][a], size, fill) for b, a in pairs.tolist()])
        return self.local_branch.forward_pairs(self.normalised(crops), self.attribute_vectors[pairs[:, 1]])

    def rois(self, attention: Tensor, sources: Sequence[Tensor], frames: Sequence[Frame]) -> Tensor:
        """Regions of interest (B, A, 4) in photo pixels; no gradient flows from a box back into the attention."""
        if self.config.geometry == "released":
            return released_boxes(attention.detach(), sources, self.config)
        placed = placed_in_input(sources, frames).to(attention.device)
        return to_photo(roi_boxes(attention.detach(), placed, self.config), frames)

    def forward(
        self, images: Tensor, sources: Sequence[Tensor], frames: Sequence[Frame], boxes: Tensor | None = None,
        wanted: Sequence[int] | None = None,
    ) -> Output:  # fmt: skip
        """The whole pass, for any batch size from 0 up.

        images (B, 3, S, S) uint8: photos laid into the square input as `frames` say; sources: B tensors (3, H, W) uint8,
        the same photos at full resolution, from which the crops are cut; boxes (B, A, 4) in photo pixels replace the
        model's own regions wherever they are not NaN; wanted: indices of the A attributes to look under, None for all.
        """
        chosen = list(range(len(self.attributes)) if wanted is None else wanted)
        if len(images) * len(chosen) == 0:
            return self._empty(images, chosen)
        global_part, attention = (part[:, chosen] for part in self.look(images))
        own = self.rois(attention, sources, frames)
        used = own if boxes is None else torch.where(boxes.isnan(), own, boxes)
        b, a = attention.shape[:2]
        placed = used.new_zeros(b, len(self.attributes), 4)
        placed[:, chosen] = used
        pairs = torch.cartesian_prod(torch.arange(b), torch.tensor(chosen, dtype=torch.int64)).reshape(-1, 2)
        local_part = self.zoom(sources, placed, pairs).reshape(b, a, -1)
        looks = self.joined(global_part, local_part)
        probabilities = self.read(looks, chosen)
        return Output(self.with_values(looks, probabilities), attention, used, probabilities)

    def joined(self, global_part: Tensor, local_part: Tensor) -> Tensor:
        """(..., Dg) and (..., Dl), unit norm each -> (..., D): one inner product is beta cos_g + (1 - beta) cos_l."""
        beta = self.config.beta
        return torch.cat([math.sqrt(beta) * global_part, math.sqrt(1 - beta) * local_part], -1)

    def with_values(self, looks: Tensor, probabilities: Sequence[Tensor]) -> Tensor:
        """Looks (B, A, Dg + Dl) and what is read (B, V) per attribute -> embedding (B, A, D), unit norm.

        With p the probabilities and w the `value_share`, it is [sqrt(1 - w |p|^2) looks | sqrt(w) p]. The inner product of two
        p is the probability that both garments have the same value, by which retrieval ranks best; a photo that is read
        unsurely is compared by its looks. Nothing changes where w is 0.
        """
        share = self.config.value_share
        if not share:
            return looks
        read = torch.stack([nn.functional.pad(p, (0, self.value_dim - p.shape[1])) for p in probabilities], 1)
        rest = (1 - share * read.square().sum(-1, keepdim=True)).clamp(min=0).sqrt()
        return torch.cat([rest * looks, math.sqrt(share) * read], -1)

    def prototypes(self) -> Tensor:
        """(sum of V, D), unit norm: one per value of the vocabulary, in the space of the joined embedding."""
        unit = nn.functional.normalize
        return self.joined(unit(self.global_prototypes, dim=-1), unit(self.local_prototypes, dim=-1))

    def read(self, embedding: Tensor, attributes: Sequence[int]) -> tuple[Tensor, ...]:
        """Looks (B, A, Dg + Dl) under the attributes of these indices -> (B, V) probabilities of the values of each."""
        prototypes, scales = self.prototypes(), self.reading_scale
        logits = (scales[a] * embedding[:, i] @ prototypes[self.value_slices[a]].T for i, a in enumerate(attributes))
        return tuple(z.softmax(-1) for z in logits)

    def _empty(self, images: Tensor, attributes: Sequence[int]) -> Output:
        b, a, cells = len(images), len(attributes), self.config.cells
        zeros = images.new_zeros(0, dtype=torch.float32)
        values = list(self.vocabulary.values())
        probabilities = tuple(zeros.reshape(0, len(values[i])) for i in attributes)
        shapes = ((b, a, self.dim), (b, a, cells, cells), (b, a, 4))
        return Output(*(zeros.reshape(s) for s in shapes), probabilities)
