"""In which numbers the networks run while training."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch

from asen_core.errors import DataError

PRECISIONS: Mapping[str, torch.dtype] = MappingProxyType(
    {"bf16": torch.bfloat16, "fp16": torch.float16, "float32": torch.float32}
)


def mixed(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """The context in which convolutions and products run in `precision`; float32 changes nothing."""
    plain = precision == torch.float32
    return torch.autocast(device.type, None if plain else precision, enabled=not plain)


def precision_of(name: str, device: torch.device) -> torch.dtype:
    """The numbers called `name`. Raises: DataError where there are none such, or the device can't train in them."""
    if name not in PRECISIONS:
        raise DataError(f"There is no precision {name!r}; there are {', '.join(PRECISIONS)}.")
    if name == "fp16" and device.type != "cuda":
        raise DataError(f"fp16 needs a GPU, this run is on {device.type}; give --precision bf16 or float32.")
    return PRECISIONS[name]
