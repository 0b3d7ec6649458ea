"""Attribute-aware attention (Dong et al., TIP 2021, section III-B): where to look, then which channels to keep."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, pad

from asen_core.models.trunks import Trunk


class AttentionBranch(nn.Module):
    """A trunk with attribute-aware spatial and channel attention on top, and a linear layer to the embedding.

    Both attentions of all attributes are computed from one feature map: the trunk never runs twice on a photo.
    With `fine`, the width of its kernel, attention has cells of 8 px, not 16: its keys add the trunk's stride-8 features to the
    upsampled deep ones, because a placket is narrower than a deep cell. The fine map is smoothed over 3 x 3 cells, so that its
    peak is a place and not one cell's noise. Features are pooled as if each deep cell were four equal fine ones.
    `keys` is the width in which features and attribute meet, 0 for `attribute_dim`.
    Where the trunk and the convolutions on it are in fewer bits than the rest (and x with them), keys and features are taken
    from there into the rest's numbers.
    """

    def __init__(self, trunk: Trunk, attribute_dim: int, dim: int, fine: int = 0, keys: int = 0) -> None:
        super().__init__()
        c, keys = trunk.channels, keys or attribute_dim
        self.trunk = trunk
        self.spatial_conv = nn.Conv2d(c, keys, 1)
        self.fine_conv = nn.Conv2d(trunk.fine_channels, keys, fine, padding=fine // 2) if fine else None
        self.spatial_query = nn.Linear(attribute_dim, keys)
        self.channel_query = nn.Linear(attribute_dim, attribute_dim)
        self.gate = nn.Sequential(nn.Linear(c + attribute_dim, c // 2), nn.ReLU(), nn.Linear(c // 2, c), nn.Sigmoid())
        self.project = nn.Linear(c, dim)

    def forward(self, x: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, 3, S, S) and attribute vectors (A, d) -> embeddings (B, A, D), unit norm, and attention (B, A, h, w), sum 1."""
        features, fine = self.trunk(x)
        keys = self.spatial_conv(features)
        if self.fine_conv is not None:
            keys = interpolate(keys, scale_factor=2, mode="bilinear", align_corners=False) + self.fine_conv(fine)
        asked = torch.tanh(self.spatial_query(queries))
        scores = torch.einsum("bdhw,ad->bahw", torch.tanh(keys.to(asked.dtype)), asked) / math.sqrt(keys.shape[1])
        attention = scores.flatten(2).float().softmax(-1).unflatten(2, scores.shape[2:])
        coarse = attention
        if self.fine_conv is not None:
            attention = smoothed(attention)
            coarse = 4 * avg_pool2d(attention, 2)
        pooled = torch.einsum("bahw,bchw->bac", coarse, features.float())
        return self.embed(pooled, queries.expand(len(x), -1, -1)), attention

    def forward_pairs(self, x: Tensor, queries: Tensor) -> Tensor:
        """x (P, 3, S, S), each under its own attribute vector (P, d) -> embeddings (P, D), unit norm."""
        features, _ = self.trunk(x)
        asked = torch.tanh(self.spatial_query(queries))
        keys = torch.tanh(self.spatial_conv(features).to(asked.dtype)).flatten(2)
        scores = torch.einsum("pdn,pd->pn", keys, asked)
        attention = (scores / math.sqrt(keys.shape[1])).float().softmax(-1)
        pooled = torch.einsum("pn,pcn->pc", attention, features.flatten(2).float())
        return self.embed(pooled, queries)

    def embed(self, pooled: Tensor, queries: Tensor) -> Tensor:
        """Channel attention on pooled features (..., C) with attribute vectors (..., d), then the embedding (..., D)."""
        context = torch.cat([pooled, torch.relu(self.channel_query(queries))], -1)
        return nn.functional.normalize(self.project(pooled * self.gate(context)).float(), dim=-1)


def smoothed(attention: Tensor) -> Tensor:
    """Maps (B, A, h, w) under the binomial kernel 1-2-1 in both directions; every map still sums to 1."""
    padded = pad(attention, (1, 1, 1, 1), mode="replicate")
    rows = (padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]) / 4
    both = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 4
    return both / both.sum((2, 3), keepdim=True)
