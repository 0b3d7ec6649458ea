"""A whole model that runs in milliseconds: 64 px, 16-d, two attributes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from asen_core import checkpoint
from asen_core.config import ModelConfig
from asen_core.models import AsenPP
from asen_core.types import Frame

VOCABULARY = {"neckline": ("round", "v", "square"), "sleeve": ("short", "long")}
CONFIG = ModelConfig(
    global_trunk="tiny",
    local_trunk="tiny",
    input_size=64,
    roi_size=32,
    attention_stride=16,
    attribute_dim=8,
    global_dim=16,
    local_dim=16,
)


def tiny_model(seed: int = 0, config: ModelConfig = CONFIG) -> AsenPP:
    torch.manual_seed(seed)
    return AsenPP(config, VOCABULARY).eval()


def tiny_checkpoint(directory: Path, seed: int = 0) -> Path:
    checkpoint.save(directory, tiny_model(seed), {"made": "by a test"}, {})
    return directory


def tiny_batch(count: int, seed: int = 0) -> tuple[torch.Tensor, list[torch.Tensor], list[Frame]]:
    """Inputs (B, 3, 64, 64), sources of different shapes and their frames."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [(80 + 10 * i, 120 - 5 * i) for i in range(count)]
    sources = [torch.randint(0, 256, (3, h, w), generator=generator, dtype=torch.uint8) for h, w in sizes]
    images = torch.randint(0, 256, (count, 3, 64, 64), generator=generator, dtype=torch.uint8)
    scales = [64 / max(h, w) for h, w in sizes]
    frames = [Frame(64, s, (64 - w * s) / 2, (64 - h * s) / 2) for (h, w), s in zip(sizes, scales, strict=True)]
    return images, sources, frames


def photo(height: int = 90, width: int = 60, seed: int = 0) -> np.ndarray:
    """(H, W, 3) uint8: a dark rectangle on white, with some noise."""
    rng = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[height // 4 : -height // 4, width // 4 : -width // 4] = rng.integers(0, 120, 3)
    return pixels - rng.integers(0, 8, pixels.shape, dtype=np.uint8)
