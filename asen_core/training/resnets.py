"""ImageNet weights of ResNet trunks, by torchvision or from files in its key names."""

from __future__ import annotations

import pickle
from pathlib import Path
from urllib.error import URLError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models import ResNet34_Weights, ResNet50_Weights, WeightsEnum

from asen_core.errors import CheckpointError
from asen_core.models import Model
from asen_core.models.trunks import Trunk

PUBLISHED: dict[str, WeightsEnum] = {"resnet50": ResNet50_Weights.IMAGENET1K_V1, "resnet34": ResNet34_Weights.IMAGENET1K_V1}
"""What the paper's trunks start from."""
_LAYERS = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6"}
_UNUSED = ("layer4", "fc")


def load_resnets(model: Model, trunk: Path | None, local_trunk: Path | None) -> None:
    """Fill a model's ResNet trunks up to layer3 from a file each, or where none is given from torchvision's download.

    Raises: CheckpointError where weights can't be had or aren't those of the network.
    """
    for name, module in model.named_modules():
        if isinstance(module, Trunk):
            local = name.startswith("local_branch")
            kind = model.config.local_trunk if local else model.config.global_trunk
            _fill(module, kind, local_trunk if local else trunk, "--local-trunk" if local else "--trunk")


def _fill(trunk: Trunk, kind: str, file: Path | None, option: str) -> None:
    tensors = _read(file, option) if file else _fetched(kind, option)
    where = file or f"torchvision's {kind}"
    used = {k: v for k, v in tensors.items() if k.partition(".")[0] not in _UNUSED}
    named = {}
    for key, value in used.items():
        layer, _, rest = key.partition(".")
        named[f"{_LAYERS.get(layer, layer)}.{rest}"] = value
    try:
        trunk.layers.load_state_dict(named, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(
            f"{where} doesn't hold a {kind} in torchvision's key names ({reason}); give its file with {option}."
        ) from None


def _read(path: Path, option: str) -> dict[str, Tensor]:
    try:
        found = load_file(path) if path.suffix == ".safetensors" else torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise CheckpointError(
            f"{path} can't be read as weights: {(str(error) or 'it is empty').splitlines()[0]}; give another {option}."
        ) from None
    if not isinstance(found, dict) or not all(isinstance(v, Tensor) for v in found.values()):
        raise CheckpointError(f"{path} should hold tensors by name, as torchvision's files do; give another {option}.")
    return found


def _fetched(kind: str, option: str) -> dict[str, Tensor]:
    weights = PUBLISHED[kind]
    try:
        # check_hash: what is cached is complete; weights_only: nothing in it is run.
        return weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (URLError, OSError, RuntimeError) as error:
        raise CheckpointError(
            f"torchvision's {kind} can't be downloaded here ({error}); fetch {weights.url} elsewhere and give the file with "
            f"{option}, or put it into {torch.hub.get_dir()}/checkpoints."
        ) from None
