"""ASEN (Ma, Dong, Long, Zhang, He, Xue and Ji, AAAI 2020): attribute-aware attention, without the zoom of its successor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from asen_core.config import ModelConfig
from asen_core.models.asen_pp import AsenPP, Output
from asen_core.models.attention import AttentionBranch
from asen_core.models.single import SingleLook
from asen_core.models.trunks import build_trunk
from asen_core.types import Vocabulary


class Asen(SingleLook):
    """Attribute-aware spatial attention and channel gate on one trunk, cells of 16 px."""

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary)
        self.attribute_vectors = nn.Parameter(torch.randn(len(vocabulary), config.attribute_dim) * config.attribute_spread)
        trunk = build_trunk("global", config.global_trunk)
        self.global_branch = AttentionBranch(trunk, config.attribute_dim, config.global_dim, keys=config.global_keys)

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """As of `SingleLook.look`."""
        return self.global_branch(self.normalised(images), self.attribute_vectors)


class UnreadAsenPP(AsenPP):
    """ASEN++ without a value read-out, as in the paper: no prototypes, and probabilities of no value (B, 0)."""

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary)
        del self.global_prototypes, self.local_prototypes, self.reading_scale

    def read(self, embedding: Tensor, attributes: Sequence[int]) -> tuple[Tensor, ...]:
        """Nothing: (B, 0) for each attribute."""
        return tuple(embedding.new_zeros(len(embedding), 0) for _ in attributes)

    def _empty(self, images: Tensor, attributes: Sequence[int]) -> Output:
        return replace(super()._empty(images, attributes), probabilities=self.read(images.float(), attributes))
