"""Checkpoints of the authors' release of ASEN++ (Dong et al., TIP 2021): a `torch.save` of {"epoch", "model", "mAP"}."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor

from asen_core.checkpoint.record import RELEASE, Checkpoint, check_tensors
from asen_core.config import PAPER, ModelConfig
from asen_core.errors import CheckpointError
from asen_core.models import build_model
from asen_core.vocabularies import PUBLISHED

STAGE_2 = replace(PAPER, reading_scale=0.0)
"""Both branches; the release knows no read-out of values."""
STAGE_1 = replace(STAGE_2, method="asen")
"""The global branch alone, which the first stage of training leaves."""

_ENTRIES = {"epoch", "model", "mAP"}
_EMBEDDING = "choices.{}.attrnet.attr_embedding.weight"
_COUNTER = ".num_batches_tracked"
_TRUNK = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3"}
_HEAD = {
    "spatial_query": "attr_transform1", "spatial_conv": "conv", "channel_query": "attr_transform2",
    "gate.0": "fc1", "gate.2": "fc2", "project": "feature_fc",
}  # fmt: skip
"""Our names of layers and the release's."""


def load(path: Path) -> Checkpoint:
    """Read such a file strictly onto the CPU in float32, without running anything that it holds.

    The vocabulary follows from the number of attributes, the stage from the branches: a file of stage 1 has no local one.
    The fingerprint is of the tensors, so that it doesn't depend on how the file is packed.

    Raises: CheckpointError.
    """
    held = _container(path)
    tensors = _tensors(path, held["model"])
    name = _dataset(path, tensors)
    config = STAGE_2 if any(k.startswith("choices.local.") for k in tensors) else STAGE_1
    model = build_model(config, PUBLISHED[name])
    own = model.state_dict()
    theirs = {key: _released_name(key) for key in own}
    _check(path, tensors, {theirs[k]: v for k, v in own.items()}, config)
    filled = {key: tensors.get(theirs[key], own[key]).to(own[key].dtype) for key in own}
    model.load_state_dict(filled)
    stage = 2 if config is STAGE_2 else 1
    provenance = {"source": RELEASE, "file": path.name, "dataset": name, "stage": stage}
    provenance |= {"epoch": held["epoch"], "mAP": held["mAP"]}
    return Checkpoint(model.eval().to(memory_format=torch.channels_last), _fingerprint(filled, name), provenance)


class _Dtype:
    """Stands in for `numpy.dtype` while a file is decoded: holds the code of a plain number's type, such as f8."""

    def __init__(self, code: str, *_: object) -> None:
        self.code = code

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1] if state[1] in ("<", ">") else ""


def _scalar(dtype: _Dtype, data: bytes) -> float:
    """What a NumPy number in the file means; a mean taken by NumPy is saved as one."""
    if not re.fullmatch(r"[iuf][1-8]", dtype.code):
        raise ValueError(f"a NumPy value of type {dtype.code[:8]}")
    return np.frombuffer(data, dtype.order + dtype.code)[0].item()


_NUMBERS = [(_Dtype, "numpy.dtype"), (_scalar, "numpy.core.multiarray.scalar"), (_scalar, "numpy._core.multiarray.scalar")]


def _container(path: Path) -> dict[str, Any]:
    """The file's three entries, epoch and mAP as plain numbers."""
    refused = f"{path} is not a checkpoint of the authors' release"
    try:
        with torch.serialization.safe_globals(_NUMBERS):
            held = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except UnpicklingError as error:
        # torch's own advice is to read it with code allowed, which nobody should follow.
        found = re.search(r"GLOBAL (\S+)", str(error))
        what = f"it asks for {found[1]}" if found else "it can't be decoded"
        raise CheckpointError(f"{refused}: {what}; only files of tensors and plain numbers are opened.") from None
    except Exception as error:  # a damaged file may raise anything while it is decoded
        reason = (str(error) or type(error).__name__).splitlines()[0].partition(". ")[0][:120]
        raise CheckpointError(f"{refused}, or is cut off ({reason}); download it again.") from None
    if not isinstance(held, dict) or set(held) != _ENTRIES:
        got = ", ".join(sorted(map(str, held))[:5]) if isinstance(held, dict) else type(held).__name__
        raise CheckpointError(
            f"{refused}: expected the entries epoch, model and mAP alone, got {got or 'none'}; "
            "give the model_best.pth.tar that their training wrote."
        )
    for entry in ("epoch", "mAP"):
        number = held[entry].item() if isinstance(held[entry], Tensor) and held[entry].numel() == 1 else held[entry]
        if not isinstance(number, int | float) or not math.isfinite(number):
            raise CheckpointError(f"{refused}: {entry} must be a number, got {str(number)[:40]!r}.")
        held[entry] = number
    return held


def _tensors(path: Path, model: Any) -> dict[str, Tensor]:
    """The tensors by name, without the prefix that training on several GPUs puts before every one."""
    if not isinstance(model, Mapping) or not model or not all(isinstance(name, str) for name in model):
        raise CheckpointError(f"{path}: model must be tensors by name, got {type(model).__name__}.")
    for name, t in model.items():
        if not isinstance(t, Tensor) or t.layout is not torch.strided or t.device.type != "cpu" or t.is_quantized:
            raise CheckpointError(f"{path}: {name} is not an ordinary tensor but {type(t).__name__}; the file is unusable.")
    prefix = "module." if all(name.startswith("module.") for name in model) else ""
    return {name.removeprefix(prefix): tensor for name, tensor in model.items()}


def _dataset(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """The published dataset with as many attributes as the file embeds."""
    name = _EMBEDDING.format("global")
    if name not in tensors:
        raise CheckpointError(f"{path} has no {name} among its {len(tensors)} tensors: it is no model of the authors' release.")
    rows = tensors[name].shape[0] if tensors[name].ndim else 0
    for dataset, vocabulary in PUBLISHED.items():
        if len(vocabulary) == rows:
            return dataset
    known = ", ".join(f"{len(v)} ({d})" for d, v in PUBLISHED.items())
    raise CheckpointError(f"{path} is for {rows} attributes; the names are known for {known} only.")


def _check(path: Path, tensors: dict[str, Tensor], wanted: dict[str, Tensor], config: ModelConfig) -> None:
    counters = {name for name in wanted if name.endswith(_COUNTER)}
    if not counters & tensors.keys():  # torch before 0.4.1 didn't count batches, and nothing here reads the count
        wanted = {name: tensor for name, tensor in wanted.items() if name not in counters}
    one, other = (_EMBEDDING.format(branch) for branch in ("global", "local"))
    if config is STAGE_2:
        wanted = {**wanted, other: wanted[one]}
    check_tensors(str(path), tensors, wanted)
    if config is STAGE_2 and not torch.equal(tensors[one], tensors[other]):
        raise CheckpointError(f"{path}: {one} and {other} differ, but both branches share one embedding; the file is unusable.")


def _released_name(own: str) -> str:
    """Our name of a tensor -> the release's."""
    if own == "attribute_vectors":
        return _EMBEDDING.format("global")
    branch, _, rest = own.partition("_branch.")
    if rest.startswith("trunk.layers."):
        layer, _, tail = rest.removeprefix("trunk.layers.").partition(".")
        return f"choices.{branch}.basenet.{_TRUNK[layer]}.{tail}"
    layer, _, tail = rest.rpartition(".")
    return f"choices.{branch}.attnnet.{_HEAD[layer]}.{tail}"


def _fingerprint(tensors: Mapping[str, Tensor], dataset: str) -> str:
    digest = hashlib.sha256(f"authors' release, {dataset}".encode())
    for name in sorted(n for n in tensors if not n.endswith(_COUNTER)):
        digest.update(f"{name} {tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
