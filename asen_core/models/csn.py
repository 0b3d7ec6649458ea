"""Conditional Similarity Networks (Veit, Belongie and Karaletsos, CVPR 2017): one embedding, a learned mask per condition."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from asen_core.config import ModelConfig
from asen_core.models.general import General
from asen_core.types import Vocabulary


class Csn(General):
    """A non-negative mask per attribute weighs the numbers of one shared embedding.

    Masks start from a normal distribution of mean 0.9 and deviation 0.7, as in the authors' code. Masked embeddings are
    compared by cosine, as everywhere here; the paper takes Euclidean distance.
    """

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary)
        self.masks = nn.Parameter(torch.randn(len(vocabulary), config.global_dim) * 0.7 + 0.9)

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """As of `SingleLook.look`; the shared embedding under each attribute's mask, even attention."""
        return self.masked(self.general(images)), self.even_attention(images)

    def masked(self, general: Tensor) -> Tensor:
        """Shared embeddings (B, D) -> one per attribute (B, A, D), unit norm."""
        return normalize(general[:, None] * self.weights(), dim=-1)

    def weights(self) -> Tensor:
        """The masks as they are applied: (A, D), >= 0."""
        return torch.relu(self.masks)
