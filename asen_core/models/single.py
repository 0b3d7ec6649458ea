"""What networks that look at the whole photo once have in common: no zoom, no read-out."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from asen_core.config import ModelConfig
from asen_core.models.asen_pp import Output
from asen_core.types import Frame, Vocabulary


class SingleLook(nn.Module, ABC):
    """Base of the networks with one branch; a subclass says in `look` what the embeddings are.

    Attention is even where the network has none, the region of interest is always the whole photo, nothing is read.
    The embedding has `config.global_dim` numbers; settings of the local branch and of the read-out mean nothing here.
    """

    value_dim = 0

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary
        self.attributes = tuple(vocabulary)
        self.dim = config.global_dim
        ends = list(itertools.accumulate(len(v) for v in vocabulary.values()))
        self.value_slices = tuple(slice(a, b) for a, b in itertools.pairwise([0, *ends]))
        self.register_buffer("mean", torch.tensor(config.mean).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).reshape(1, 3, 1, 1), persistent=False)

    def normalised(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) uint8 or float in 0..255 -> float32 as the trunk expects it."""
        scaled = (images.float() / 255 - self.mean) / self.std
        return scaled.contiguous(memory_format=torch.channels_last)

    @abstractmethod
    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 3, S, S) uint8 -> embeddings (B, A, D), unit norm, and attention (B, A, h, w), sums to 1."""

    def forward(
        self, images: Tensor, sources: Sequence[Tensor], frames: Sequence[Frame], boxes: Tensor | None = None,
        wanted: Sequence[int] | None = None,
    ) -> Output:  # fmt: skip
        """The whole pass, for any batch size from 0 up; arguments as of `AsenPP.forward`.

        `boxes` change nothing but the regions that are told: there is no branch that would zoom into them.
        """
        chosen = list(range(len(self.attributes)) if wanted is None else wanted)
        whole = whole_photos(sources, len(chosen)).to(images.device)
        used = whole if boxes is None else torch.where(boxes.isnan(), whole, boxes)
        unread = tuple(images.new_zeros((len(images), 0), dtype=torch.float32) for _ in chosen)
        if len(images) == 0:
            a, cells = len(chosen), self.config.cells
            embedding, attention = (images.new_zeros((0, a, *n), dtype=torch.float32) for n in ((self.dim,), (cells, cells)))
        else:
            embedding, attention = (part[:, chosen] for part in self.look(images))
        return Output(embedding, attention, used, unread)

    def even_attention(self, images: Tensor) -> Tensor:
        """(B, A, h, w) float32: every cell the same."""
        cells = self.config.cells
        shape = (len(images), len(self.attributes), cells, cells)
        return images.new_full(shape, 1 / cells**2, dtype=torch.float32)


def whole_photos(sources: Sequence[Tensor], attributes: int) -> Tensor:
    """Boxes (B, A, 4) in photo pixels that span each photo (3, H, W)."""
    corners = [(0.0, 0.0, float(s.shape[2]), float(s.shape[1])) for s in sources]
    return torch.tensor(corners, dtype=torch.float32).reshape(-1, 1, 4).expand(-1, attributes, -1).clone()
