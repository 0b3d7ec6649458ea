"""Convolutional trunks that end at stride 16, built from torchvision's networks in its key names."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from torch import Tensor, nn
from torchvision.models import mobilenet_v2, resnet34, resnet50


class Trunk(nn.Module):
    """Photo tensor to feature maps: (B, 3, S, S) float32, normalised -> (B, channels, S / 16, S / 16).

    `layers` is the network in order, so that training can freeze the first ones; the output of layer `fine_at` has
    stride 8 and `fine_channels` channels.
    """

    def __init__(self, layers: nn.Sequential, channels: int, fine_at: int, fine_channels: int) -> None:
        super().__init__()
        self.layers = layers
        self.channels = channels
        self.fine_at = fine_at
        self.fine_channels = fine_channels

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The last feature map, and the one at stride 8."""
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index == self.fine_at:
                fine = x
        return x, fine


class SamePadConv2d(nn.Conv2d):
    """A 3x3 stride-2 convolution padded (0, 1) as TensorFlow's SAME does on even sizes, which its weights expect.

    It pads by 2 and drops the first row and column: the same numbers, without a padded copy of the input.
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[..., 1:, 1:]


def _mobilenet(last: int, channels: int) -> Trunk:
    """MobileNetV2 with its batch norms folded into the convolutions, which then carry a bias (half the time per step)."""
    layers = mobilenet_v2(weights=None).features[: last + 1]
    for index, block in enumerate(layers):
        for name, module in list(block.named_modules()):
            if isinstance(module, nn.BatchNorm2d):
                _replace(block, name, nn.Identity())
            elif isinstance(module, nn.Conv2d):
                _replace(block, name, _folded(module, index))
    return Trunk(layers, channels, fine_at=6, fine_channels=32)


def _folded(conv: nn.Conv2d, block: int) -> nn.Conv2d:
    """The convolution with a bias; from block 14 on it dilates where it would have shrunk, which keeps the stride at 16."""
    channels, groups = (conv.in_channels, conv.out_channels), conv.groups
    if conv.kernel_size == (1, 1):
        return nn.Conv2d(*channels, 1)
    if block == 14:
        return nn.Conv2d(*channels, 3, padding=1, groups=groups)
    if block > 14:
        return nn.Conv2d(*channels, 3, padding=2, dilation=2, groups=groups)
    if conv.stride == (2, 2):
        return SamePadConv2d(*channels, 3, stride=2, padding=2, groups=groups)
    return nn.Conv2d(*channels, 3, padding=1, groups=groups)


def _replace(block: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, leaf = name.rpartition(".")
    setattr(block.get_submodule(parent), leaf, module)


def _resnet(build: Callable[..., nn.Module], channels: int) -> Trunk:
    net = build(weights=None)
    layers = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool, net.layer1, net.layer2, net.layer3)
    return Trunk(layers, channels, fine_at=5, fine_channels=channels // 2)


_TRUNKS: dict[tuple[str, str], Callable[[], Trunk]] = {
    ("global", "mobilenet_v2"): lambda: _mobilenet(17, 320),
    ("local", "mobilenet_v2"): lambda: _mobilenet(13, 96),
    ("global", "resnet50"): lambda: _resnet(resnet50, 1024),
    ("local", "resnet34"): lambda: _resnet(resnet34, 256),
    ("global", "tiny"): lambda: _tiny(16),
    ("local", "tiny"): lambda: _tiny(16),
}


def _tiny(channels: int) -> Trunk:
    """Four strided convolutions: for tests that need a whole model in milliseconds."""
    widths = (3, 8, 8, 12, channels)
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        layers.append(nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.ReLU()))
    return Trunk(nn.Sequential(*layers), channels, fine_at=2, fine_channels=12)


def build_trunk(branch: str, name: str) -> Trunk:
    """The trunk called `name` for the "global" or the "local" branch. Raises ValueError where there is none."""
    if (branch, name) not in _TRUNKS:
        known = ", ".join(sorted(n for b, n in _TRUNKS if b == branch))
        raise ValueError(f"There is no {branch} trunk {name!r}; known: {known}.")
    return _TRUNKS[branch, name]()
