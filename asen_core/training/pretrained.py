"""Pretrained trunks as starting points."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torchvision.models import mobilenet_v2

from asen_core.errors import CheckpointError
from asen_core.models import Model
from asen_core.models.general import Pooled
from asen_core.models.trunks import Trunk
from asen_core.training.resnets import load_resnets


@dataclass(frozen=True)
class Begin:
    """The weights that a run starts from, where not those that its recipe names.

    trunk: a file with the weights of the trunks, or of the global one where the two differ; local_trunk: of the local one.
    start: a checkpoint to go on from instead.
    """

    trunk: Path | None = None
    local_trunk: Path | None = None
    start: Path | None = None


def load_trunks(model: Model, weights: str, data: Path, begin: Begin) -> None:
    """Fill a model's trunks as a recipe's `trunk_weights` says, or from the files of `begin`.

    Raises: CheckpointError where weights are missing, can't be had or don't fit.
    """
    if "resnet" in model.config.global_trunk:
        file = data / weights if weights not in ("", "torchvision") else None
        load_resnets(model, begin.trunk or file, begin.local_trunk)
        return
    if begin.local_trunk:
        raise CheckpointError("--local-trunk is for networks of two ResNets; leave it out, --trunk fills both branches here.")
    if weights == "torchvision" and not begin.trunk:
        raise CheckpointError(
            f"torchvision's weights are for ResNets, this trunk is {model.config.global_trunk}; give --trunk."
        )
    load_mobilenet(model, begin.trunk or data / weights)


def load_mobilenet(model: Model, path: Path) -> None:
    """Fill a model's MobileNetV2 trunks from a safetensors file in torchvision's key names, batch norms folded on the way.

    Raises: CheckpointError where the file is missing or its tensors don't fit.
    """
    try:
        tensors = {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        reason = f"Pretrained trunk weights can't be read from {path}: {error}."
        raise CheckpointError(f"{reason} Give their file with --trunk.") from None
    reference = mobilenet_v2(weights=None).eval()
    try:
        reference.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise CheckpointError(f"{path} doesn't hold a MobileNetV2 in torchvision's key names: {error}") from None
    folded = fold_batch_norms(reference.features)
    for trunk in (m for m in model.modules() if isinstance(m, Trunk)):
        count = len(trunk.layers)
        trunk.layers.load_state_dict({k: v for k, v in folded.items() if int(k.split(".")[0]) < count}, strict=True)
    if isinstance(model, Pooled) and model.last is not None:
        model.last.load_state_dict({k.rpartition(".")[2]: v for k, v in folded.items() if k.startswith("18.")}, strict=True)


@torch.no_grad()
def fold_batch_norms(layers: nn.Sequential) -> dict[str, Tensor]:
    """Weight and bias of every convolution, with the batch norm right behind it folded in."""
    folded: dict[str, Tensor] = {}
    for name, norm in layers.named_modules():
        if isinstance(norm, nn.BatchNorm2d):
            parent, _, place = name.rpartition(".")
            conv_name = f"{parent}.{int(place) - 1}"
            conv = layers.get_submodule(conv_name)
            weight, bias = fuse_conv_bn_weights(
                conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
            )
            folded[f"{conv_name}.weight"], folded[f"{conv_name}.bias"] = weight.detach(), bias.detach()
    return folded
