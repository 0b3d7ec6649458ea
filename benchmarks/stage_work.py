"""What each stage of a query must at least do: multiply-adds and bytes, for the roofline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.roofline import Work, counted

FLOAT, BYTES = 4, 3
"""Bytes of a float32, and of a pixel."""


def works(engine: Any, seen: Mapping[str, Any]) -> dict[str, list[Work]]:
    """Stage -> its pieces of work for one photo under all attributes. engine: the torch reference; seen: by `stages.measured`.

    The network's convolutions and linear layers are counted as they run. Of stages without float32 products the bytes count
    alone: what is read and what is written, once.
    """
    garment, config = seen["garment"], engine.config
    photo, side = garment.width * garment.height * BYTES, config.input_size
    network = _network(engine)
    sides = [max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in seen["boxes"].tolist()]
    return {
        "decode": [Work(0, seen["file"] + photo)],
        "resize": [resizing(garment.width, garment.height, side)],
        **network,
        "region": [_upsampling(config, len(sides)), *(resizing(round(s), round(s), config.roi_size) for s in sides)],
        "search": [Work(seen["garments"] * seen["length"], FLOAT * seen["garments"] * seen["length"])],
        "overlay": [Work(0, photo + seen["written"])],
        "transfer": [Work(0, 2 * seen["sent"])],
    }


def resizing(width: int, height: int, size: int) -> Work:
    """Antialiased bilinear resizing of three channels to size x size, first across, then down: every pixel weighs twice."""
    shape = size / max(width, height, 1)
    across, down = max(1, round(width * shape)), max(1, round(height * shape))
    taps_x, taps_y = (2 * max(n / m, 1) for n, m in ((width, across), (height, down)))
    macs = BYTES * (height * across * taps_x + across * down * taps_y)
    return Work(macs, BYTES * (width * height + size * size))


def _upsampling(config: Any, attributes: int) -> Work:
    cells, size = config.cells, config.input_size
    macs = attributes * (size * cells * cells + size * size * cells)
    return Work(macs, FLOAT * attributes * (cells * cells + size * size))


def _network(engine: Any) -> dict[str, list[Work]]:
    """Trunk, attention and local branch, counted on random input."""
    import torch

    model, config = engine.checkpoint.model, engine.config
    a, vectors = len(model.attributes), model.attribute_vectors
    whole = torch.rand(1, 3, config.input_size, config.input_size)
    crops = torch.rand(a, 3, config.roi_size, config.roi_size)
    with torch.inference_mode():
        with counted(model.global_branch.trunk) as trunk:
            features, _ = model.global_branch.trunk(whole)
        with counted(model.global_branch) as branch:
            model.global_branch(whole, vectors)
        with counted(model.local_branch) as local:
            model.local_branch.forward_pairs(crops, vectors)
            c, n = model.local_branch.trunk.channels, (config.roi_size // 16) ** 2
    # The heads run after the trunk, so theirs are the later pieces.
    heads = [*branch[len(trunk) :], _attending(a, config.global_keys or config.attribute_dim, config.cells**2)]
    heads.append(_attending(a, features.shape[1], features.shape[2] * features.shape[3]))
    both = [_attending(a, config.local_keys or config.attribute_dim, n), _attending(a, c, n)]
    return {"trunk": trunk, "attention": heads, "local": local + both}


def _attending(attributes: int, width: int, places: int) -> Work:
    """Products of `attributes` rows with features of `width` at `places`."""
    return Work(attributes * width * places, FLOAT * (width * places + attributes * (width + places)))
