"""Attribute-aware attention (Dong et al., TIP 2021, section III-B) as a graph: the twin of `models.attention`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from asen_core.config import ModelConfig
from asen_core.graph.layers import Node, constant, conv, linear, ops, whole
from asen_core.graph.trunks import TRUNKS, Features
from asen_core.graph.weights import Weights


@dataclass(frozen=True)
class Asked:
    """What the attributes contribute, worked out once: they are the same for every photo.

    spatial: (A, keys), what features are compared with, divided by the root of its width; gate: (A, C / 2), their part of the
    channel gate's first layer, bias included.
    """

    spatial: np.ndarray
    gate: np.ndarray


class Branch:
    """Takes its weights when built; `everywhere` and `pairs` add it to a graph. `fine`: width of the kernel, 0 for none."""

    def __init__(self, branch: str, config: ModelConfig, w: Weights, vectors: np.ndarray, images: Node) -> None:
        trunk, dim, keys = (getattr(config, f"{branch}_{part}") for part in ("trunk", "dim", "keys"))
        self._config, width = config, config.attribute_dim
        self.found: Features = TRUNKS[branch, trunk](images, w.under("trunk.layers."))
        c, self._width = self.found.channels, keys or width
        self._keys = w.take("spatial_conv.weight", self._width, c, 1, 1), w.take("spatial_conv.bias", self._width)
        self._fine = config.attention_kernel if branch == "global" and config.attention_stride == 8 else 0
        if self._fine:
            shape = self._width, self.found.fine_channels, self._fine, self._fine
            self._fine_keys = w.take("fine_conv.weight", *shape), w.take("fine_conv.bias", self._width)
        spatial = w.take("spatial_query.weight", self._width, width), w.take("spatial_query.bias", self._width)
        channel = w.take("channel_query.weight", width, width), w.take("channel_query.bias", width)
        first = w.take("gate.0.weight", c // 2, c + width), w.take("gate.0.bias", c // 2)
        self._gate_first = np.ascontiguousarray(first[0][:, :c])
        self._gate_last = w.take("gate.2.weight", c, c // 2), w.take("gate.2.bias", c)
        self._project = w.take("project.weight", dim, c), w.take("project.bias", dim)
        asked = np.maximum(vectors @ channel[0].T + channel[1], 0) @ first[0][:, c:].T + first[1]
        self.asked = Asked(np.tanh(vectors @ spatial[0].T + spatial[1]) / math.sqrt(self._width), asked)

    def everywhere(self) -> tuple[Node, Node]:
        """Every photo under every attribute: embeddings (B, A, D), unit norm, and attention (B, A, h, w), sum 1."""
        o, cells, count = ops(), self._config.cells, len(self.asked.spatial)
        features = o.reshape(self.found.deep, whole([0, 0, -1]), True)  # (B, C, n)
        keys = conv(self.found.deep, *self._keys)
        if self._fine:
            up = o.interpolate(
                keys, whole([cells, cells]), "linear_onnx", "sizes", [0, 0], [0, 0], "half_pixel", axes=whole([2, 3])
            )  # fmt: skip
            keys = o.add(up, conv(self.found.fine, *self._fine_keys, pads=(self._fine // 2,) * 2))
        keys = o.reshape(o.tanh(keys), whole([0, 0, -1]), True)
        scores = o.matmul(constant(self.asked.spatial[None]), keys, False, False)  # (B, A, cells)
        attention = o.reshape(o.softmax(scores, -1), whole([0, 0, cells, cells]), True)
        coarse = attention
        if self._fine:
            attention = _smoothed(attention, count)
            pooled = o.avg_pool(attention, [2, 2], [0, 0], [0, 0], [2, 2], False)
            coarse = o.multiply(pooled, constant(4.0))
        looked = o.matmul(o.reshape(coarse, whole([0, 0, -1]), True), features, False, True)  # (B, A, C)
        return self._embedded(looked, constant(self.asked.gate[None])), attention

    def pairs(self, of: Node, which: Node) -> Node:
        """Photo of[p] under attribute which[p] alone, (P,) int64 both: embeddings (P, D), unit norm."""
        o = ops()
        features, keys = (
            o.gather(o.reshape(maps, whole([0, 0, -1]), True), of, whole([0]))
            for maps in (self.found.deep, o.tanh(conv(self.found.deep, *self._keys)))
        )
        spatial, gate = (
            o.unsqueeze(o.gather(constant(rows), which, whole([0])), whole([1]))
            for rows in (self.asked.spatial, self.asked.gate)
        )
        attention = o.softmax(o.matmul(spatial, keys, False, False), -1)  # (P, 1, n)
        looked = o.matmul(attention, features, False, True)
        return o.squeeze(self._embedded(looked, gate), whole([1]))

    def _embedded(self, looked: Node, gate: Node) -> Node:
        """Channel attention on pooled features (..., C), then the embedding (..., D)."""
        o = ops()
        hidden = o.relu(o.add(linear(looked, self._gate_first), gate))
        kept = o.multiply(looked, o.sigmoid(linear(hidden, *self._gate_last)))
        return o.normalize_l2(linear(kept, *self._project), whole([-1]), 1e-24, "max")


def _smoothed(attention: Node, count: int) -> Node:
    """Under the binomial kernel 1-2-1 in both directions; every map still sums to 1."""
    o = ops()
    kernel = np.outer((1, 2, 1), (1, 2, 1)).astype(np.float32) / 16
    padded = o.pad(attention, whole([0, 0, 1, 1]), whole([0, 0, 1, 1]), "edge")
    each = constant(np.tile(kernel, (count, 1, 1, 1, 1)))
    smooth = o.group_convolution(padded, each, [1, 1], [0, 0], [0, 0], [1, 1])
    return o.divide(smooth, o.reduce_sum(smooth, whole([2, 3]), True))
