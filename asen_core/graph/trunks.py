"""The trunks of `models.trunks` as graphs: the same names of weights, the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from asen_core.graph.layers import Node, conv, folded, ops
from asen_core.graph.weights import Weights


@dataclass(frozen=True)
class Features:
    """deep: (B, channels, S / 16, S / 16); fine: (B, fine_channels, S / 8, S / 8)."""

    deep: Node
    channels: int
    fine: Node
    fine_channels: int


_BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""MobileNetV2 (Sandler et al., CVPR 2018, table 2): expansion, channels, repetitions, stride of the first."""


def _mobilenet(x: Node, w: Weights, last: int) -> Features:
    """The first `last` blocks, batch norms folded, dilated from block 14 on where it would have shrunk."""
    y, channels = _six(conv(x, w.take("0.0.weight", 32, 3, 3, 3), w.take("0.0.bias", 32), 2, (0, 1))), 32
    fine = y
    plan = [(t, c, s if first == 0 else 1) for t, c, n, s in _BLOCKS for first in range(n)]
    for block, (expansion, out, stride) in enumerate(plan[:last], 1):
        y, channels = _inverted(y, w.under(f"{block}.conv."), block, channels, expansion, out, stride), out
        if block == 6:
            fine = y
    return Features(y, channels, fine, 32)


def _inverted(x: Node, w: Weights, block: int, channels: int, expansion: int, out: int, stride: int) -> Node:
    wide, y, at = channels * expansion, x, 0
    if expansion > 1:
        y, at = _six(conv(y, w.take("0.0.weight", wide, channels, 1, 1), w.take("0.0.bias", wide))), 1
    kernel, bias = w.take(f"{at}.0.weight", wide, 1, 3, 3), w.take(f"{at}.0.bias", wide)
    if block > 14:
        y = conv(y, kernel, bias, pads=(2, 2), dilation=2)
    elif stride == 2 and block != 14:
        y = conv(y, kernel, bias, 2, (0, 1))  # padded as TensorFlow's SAME does on even sizes
    else:
        y = conv(y, kernel, bias, pads=(1, 1))
    y = conv(_six(y), w.take(f"{at + 1}.weight", out, wide, 1, 1), w.take(f"{at + 1}.bias", out))
    return ops().add(x, y) if stride == 1 and channels == out else y


def _six(x: Node) -> Node:
    return ops().clamp(x, 0.0, 6.0)


def _resnet(x: Node, w: Weights, counts: tuple[int, int, int], bottleneck: bool) -> Features:
    """ResNet (He et al., CVPR 2016) up to its third stage, batch norms folded."""
    o = ops()
    y = o.relu(conv(x, *folded(w, "0", "1", (64, 3, 7, 7)), 2, (3, 3)))
    y = o.max_pool(y, [2, 2], [1, 1], [1, 1], [1, 1], [3, 3]).output(0)
    channels, found = 64, []
    for stage, count in enumerate(counts):
        for i in range(count):
            under = w.under(f"{stage + 4}.{i}.")
            y, channels = _residual(y, under, channels, 64 << stage, 2 if stage and i == 0 else 1, bottleneck)
        found.append((y, channels))
    return Features(y, channels, *found[1])


def _residual(x: Node, w: Weights, channels: int, width: int, stride: int, bottleneck: bool) -> tuple[Node, int]:
    o, out = ops(), width * 4 if bottleneck else width
    if bottleneck:
        y = o.relu(conv(x, *folded(w, "conv1", "bn1", (width, channels, 1, 1))))
        y = o.relu(conv(y, *folded(w, "conv2", "bn2", (width, width, 3, 3)), stride, (1, 1)))
        y = conv(y, *folded(w, "conv3", "bn3", (out, width, 1, 1)))
    else:
        y = o.relu(conv(x, *folded(w, "conv1", "bn1", (width, channels, 3, 3)), stride, (1, 1)))
        y = conv(y, *folded(w, "conv2", "bn2", (width, width, 3, 3)), 1, (1, 1))
    if stride != 1 or channels != out:
        x = conv(x, *folded(w, "downsample.0", "downsample.1", (out, channels, 1, 1)), stride)
    return o.relu(o.add(x, y)), out


def _tiny(x: Node, w: Weights) -> Features:
    """Four strided convolutions, for tests."""
    y, channels, found = x, 3, []
    for layer, out in enumerate((8, 8, 12, 16)):
        kernel, bias = w.take(f"{layer}.0.weight", out, channels, 3, 3), w.take(f"{layer}.0.bias", out)
        y, channels = ops().relu(conv(y, kernel, bias, 2, (1, 1))), out
        found.append((y, channels))
    return Features(y, channels, *found[2])


TRUNKS: dict[tuple[str, str], Callable[[Node, Weights], Features]] = {
    ("global", "mobilenet_v2"): lambda x, w: _mobilenet(x, w, 17),
    ("local", "mobilenet_v2"): lambda x, w: _mobilenet(x, w, 13),
    ("global", "resnet50"): lambda x, w: _resnet(x, w, (3, 4, 6), bottleneck=True),
    ("local", "resnet34"): lambda x, w: _resnet(x, w, (3, 4, 6), bottleneck=False),
    ("global", "tiny"): _tiny,
    ("local", "tiny"): _tiny,
}
"""(branch, name) -> how it is built from a photo (B, 3, S, S), normalised; as `models.trunks.build_trunk`."""
