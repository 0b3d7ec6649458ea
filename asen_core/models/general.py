"""One embedding for all attributes: as ImageNet taught it (`Pooled`), or trained with triplets of all of them (`General`)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import normalize, relu6

from asen_core.config import ModelConfig
from asen_core.models.single import SingleLook
from asen_core.models.trunks import build_trunk
from asen_core.types import Vocabulary


class Pooled(SingleLook):
    """Average-pooled features of a pretrained trunk, never trained here.

    Where `config.global_dim` is not the trunk's own width, the trunk's last 1x1 convolution (MobileNetV2's features.18, to
    1280 channels) widens the features before they are pooled.
    """

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary)
        self.trunk = build_trunk("global", config.global_trunk)
        wider = config.global_dim != self.trunk.channels
        self.last = nn.Conv2d(self.trunk.channels, config.global_dim, 1) if wider else None

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """As of `SingleLook.look`; the same embedding under every attribute, even attention."""
        features, _ = self.trunk(self.normalised(images))
        if self.last is not None:
            features = relu6(self.last(features))
        pooled = normalize(features.float().mean((2, 3)), dim=-1)
        return pooled[:, None].expand(-1, len(self.attributes), -1), self.even_attention(images)


class General(SingleLook):
    """Pooled features and a linear layer to one embedding: what one gets without telling attributes apart."""

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary)
        self.trunk = build_trunk("global", config.global_trunk)
        self.project = nn.Linear(self.trunk.channels, config.global_dim)

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """As of `SingleLook.look`; the same embedding under every attribute, even attention."""
        embedding = normalize(self.general(images), dim=-1)
        return embedding[:, None].expand(-1, len(self.attributes), -1), self.even_attention(images)

    def general(self, images: Tensor) -> Tensor:
        """Images (B, 3, S, S) uint8 -> the embedding (B, D) float32 that all attributes share, not normalised."""
        features, _ = self.trunk(self.normalised(images))
        return self.project(features.mean((2, 3))).float()
