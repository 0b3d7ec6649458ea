"""The authors' pipeline once more, slowly and apart from the package: plain PIL, numpy loops and the file's own tensors.

`released_file` makes a file with the keys of the release from a seed; `slow_look` says what the release makes of a photo.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import linear
from torchvision.models import resnet34, resnet50

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
WIDTHS = {"global": (1024, 512), "local": (256, 256)}
"""Branch -> channels of its trunk, and width in which they meet the attribute."""
State = dict[str, Tensor]


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """(height, width, 3) uint8: coloured blobs and a few hard edges."""
    rng = np.random.default_rng(seed)
    blobs = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.array(blobs)
    for _ in range(4):
        y, x = rng.integers(0, height), rng.integers(0, width)
        pixels[y : y + max(1, height // 5), x : x + max(1, width // 4)] = rng.integers(0, 256, 3)
    return pixels


def trunk_of(branch: str) -> nn.Module:
    net = resnet50(weights=None) if branch == "global" else resnet34(weights=None)
    net.layer4 = net.avgpool = net.fc = nn.Identity()
    return net


def features(net: nn.Module, x: Tensor) -> Tensor:
    x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
    return net.layer3(net.layer2(net.layer1(x)))


@cache
def _trunk_state(branch: str, seed: int) -> State:
    """Random weights, with batch statistics gathered from pictures, so that depth neither blows up nor dies."""
    torch.manual_seed(seed)
    net = trunk_of(branch).train()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # a plain mean over what is seen
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
    size = 224 if branch == "global" else 112
    seen = np.stack([normalised(Image.fromarray(picture(size, size, i))) for i in range(4)])
    with torch.no_grad():
        features(net, torch.from_numpy(seen))
    return net.state_dict()


def released_state(attributes: int = 8, seed: int = 0, local: bool = True) -> State:
    """Tensors under the keys of the release, random but such that every attribute looks at a place of its own."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    embedding = drawn(attributes, 512)
    state: State = {}
    for branch in ("global", "local") if local else ("global",):
        channels, width = WIDTHS[branch]
        head = f"choices.{branch}.attnnet."
        state[f"choices.{branch}.attrnet.attr_embedding.weight"] = embedding
        state |= {f"choices.{branch}.basenet.{k}": v for k, v in _trunk_state(branch, seed).items()}
        # Channels of the keys say the same in blocks of 64: else 512 of them cancel out and attention is nearly even.
        for name, fan in (("attr_transform1", 512), ("conv", channels)):
            blocks = drawn(width // 64, fan).repeat_interleave(64, 0) + 0.3 * drawn(width, fan)
            state[f"{head}{name}.weight"] = blocks / math.sqrt(fan)
            state[f"{head}{name}.bias"] = 0.1 * drawn(width)
        state[f"{head}conv.weight"] = state[f"{head}conv.weight"][..., None, None]
        for name, fan, out in (
            ("attr_transform2", 512, 512), ("fc1", channels + 512, channels // 2),
            ("fc2", channels // 2, channels), ("feature_fc", channels, 1024),
        ):  # fmt: skip
            state[f"{head}{name}.weight"] = drawn(out, fan) / math.sqrt(fan)
            state[f"{head}{name}.bias"] = 0.1 * drawn(out)
    return state


def released_file(path: Path, state: Mapping[str, object], zipped: bool = True, score: object = 0.6431) -> Path:
    held = {"epoch": 17, "model": dict(state), "mAP": score}
    torch.save(held, path, _use_new_zipfile_serialization=zipped)
    return path


def normalised(image: Image.Image) -> np.ndarray:
    """(3, H, W) float32."""
    return ((np.asarray(image, np.float64) / 255 - MEAN) / STD).transpose(2, 0, 1).astype(np.float32)


def slow_look(state: State, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings (A, 2048), boxes (A, 4) in photo pixels and attention (A, 14, 14) of a photo (H, W, 3) uint8."""
    nets = {branch: _filled(state, branch) for branch in WIDTHS}
    photo = Image.fromarray(pixels)
    maps = _features(nets["global"], normalised(_centre_square(photo)))
    rows, boxes, attentions = [], [], []
    for a in range(len(state["choices.global.attrnet.attr_embedding.weight"])):
        whole, attention = _attended(state, "global", maps, a)
        box = slow_box(attention, photo.size)
        crop = photo.crop(box).resize((112, 112), Image.Resampling.BILINEAR)
        near, _ = _attended(state, "local", _features(nets["local"], normalised(crop)), a)
        rows.append(np.concatenate([math.sqrt(0.6) * whole, math.sqrt(0.4) * near]))
        boxes.append(box)
        attentions.append(attention)
    return np.array(rows), np.array(boxes), np.array(attentions)


def _filled(state: State, branch: str) -> nn.Module:
    net, prefix = trunk_of(branch), f"choices.{branch}.basenet."
    net.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    return net.eval()


def _features(net: nn.Module, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return features(net, torch.from_numpy(x)[None])[0].double().numpy()  # (C, h, w)


def _centre_square(photo: Image.Image) -> Image.Image:
    width, height = photo.size
    size = (224, int(224 * height / width)) if width < height else (int(224 * width / height), 224)
    photo = photo.resize(size, Image.Resampling.BILINEAR)
    x, y = (round((side - 224) / 2) for side in size)
    return photo.crop((x, y, x + 224, y + 224))


def _attended(state: State, branch: str, maps: np.ndarray, a: int) -> tuple[np.ndarray, np.ndarray]:
    """Embedding (1024,), unit norm, and attention (h, w) of one attribute."""
    vector = state[f"choices.{branch}.attrnet.attr_embedding.weight"][a].double()

    def layer(name: str, x: np.ndarray | Tensor) -> np.ndarray:
        weight, bias = (state[f"choices.{branch}.attnnet.{name}.{part}"].double() for part in ("weight", "bias"))
        return linear(torch.as_tensor(x), weight.reshape(len(weight), -1), bias).numpy()

    asked = np.tanh(layer("attr_transform1", vector))
    keys = np.tanh(layer("conv", maps.reshape(len(maps), -1).T))  # (h w, width)
    scores = np.array([sum(key * asked) / math.sqrt(len(asked)) for key in keys]).reshape(maps.shape[1:])
    attention = np.exp(scores - scores.max())
    attention /= attention.sum()
    pooled = (maps * attention).sum((1, 2))
    context = np.concatenate([pooled, np.maximum(layer("attr_transform2", vector), 0)])
    gate = 1 / (1 + np.exp(-layer("fc2", np.maximum(layer("fc1", context), 0))))
    out = layer("feature_fc", pooled * gate)
    return out / np.linalg.norm(out), attention


def slow_upsampled(cells: np.ndarray, size: int = 224) -> np.ndarray:
    """Bilinear with half-pixel centres, edge cells repeated: (h, w) -> (size, size)."""
    return _shares(size, cells.shape[0]) @ cells @ _shares(size, cells.shape[1]).T


def _shares(size: int, count: int) -> np.ndarray:
    """(size, count): how much each cell gives to each output pixel."""
    shares = np.zeros((size, count))
    for i in range(size):
        place = (i + 0.5) * count / size - 0.5
        low = math.floor(place)
        shares[i, max(low, 0)] += 1 - (place - low)
        shares[i, min(low + 1, count - 1)] += place - low
    return shares


def slow_box(attention: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The square that the release cuts from a photo of (width, height)."""
    big = slow_upsampled(attention)
    grey = np.uint8((big - big.min()) / (big.max() - big.min()) * 255)
    columns, rows = ([i for i in range(224) if kept[i]] for kept in ((grey > 25).any(0), (grey > 25).any(1)))
    x, y, w, h = columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    xc, yc, d = x + w // 2, y + h // 2, max(w, h)
    x = 224 - d if xc + d // 2 > 224 else max(0, xc - d // 2)
    y = 224 - d if yc + d // 2 > 224 else max(0, yc - d // 2)
    width, height = size
    short = width if width < height else height
    x, y, d = int(x / 224 * short), int(y / 224 * short), max(1, int(d / 224 * short))
    if width < height:
        y += (height - width) // 2
    else:
        x += (width - height) // 2
    return x, y, x + d, y + d
