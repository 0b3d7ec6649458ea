"""A model of the paper's size with random weights that behave like trained ones: for speed, where no trained one is at hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from asen_core import checkpoint, images
from asen_core.config import PAPER
from asen_core.models.asen_pp import AsenPP
from asen_core.vocabularies import FASHIONAI

BLOCK = 64


def write(directory: Path, paths: Sequence[Path], seed: int) -> Path:
    """The model as a checkpoint in float32; paths: photos that its batch norms see. Returns the directory."""
    checkpoint.save(directory, paper(paths, seed), {"made": "at random, for speed"}, {}, torch.float32)
    return directory


def paper(paths: Sequence[Path], seed: int) -> AsenPP:
    """The preset `paper` with FashionAI's eight attributes, in eval mode.

    Batch norms hold what photos give, so that depth neither blows up nor dies and no product is denormal, which would be slow;
    each attribute looks at a place of its own, so that regions differ as they do in a trained model.
    """
    generator = torch.random.get_rng_state()
    try:
        torch.manual_seed(seed)
        model = AsenPP(PAPER, FASHIONAI)
        for branch in (model.global_branch, model.local_branch):
            for layer in (branch.spatial_query, branch.spatial_conv):
                _in_blocks(layer)
        _settle(model, paths)
    finally:
        torch.random.set_rng_state(generator)
    return model.eval().to(memory_format=torch.channels_last)


@torch.no_grad()
def _in_blocks(layer: nn.Linear | nn.Conv2d) -> None:
    """Blocks of outputs say nearly the same: else so many independent ones cancel out and attention is even."""
    width, fan = layer.weight.shape[:2]
    rows = torch.randn(width // BLOCK, fan).repeat_interleave(BLOCK, 0) + 0.3 * torch.randn(width, fan)
    layer.weight.copy_((rows / math.sqrt(fan)).reshape(layer.weight.shape))


@torch.no_grad()
def _settle(model: AsenPP, paths: Sequence[Path]) -> None:
    """Give the batch norms the plain mean and variance of these photos."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    model.train()
    for branch, size in ((model.global_branch, model.config.input_size), (model.local_branch, model.config.roi_size)):
        laid = [images.lay(images.load(p).pixels, size, model.config.fill, model.config.geometry)[0] for p in paths]
        branch.trunk(model.normalised(torch.from_numpy(np.stack(laid)).permute(0, 3, 1, 2)))
