"""A model of ours on disk: a directory with `model.safetensors` (weights) and `config.json` (everything else)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from asen_core.checkpoint.record import Checkpoint, check_tensors
from asen_core.config import ModelConfig
from asen_core.errors import CheckpointError
from asen_core.models import Model, build_model

FORMAT = 1
WEIGHTS, CONFIG = "model.safetensors", "config.json"


def save(
    directory: Path,
    model: Model,
    provenance: Mapping[str, Any],
    figures: Mapping[str, Any],
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write a checkpoint, floats as `dtype`; each file goes to a temporary name first and is renamed when complete.

    Raises: CheckpointError where a weight is too large for `dtype`.
    """
    tensors = {k: _stored(k, v, dtype) for k, v in model.state_dict().items()}
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / f".{WEIGHTS}.part"
    save_file(tensors, temporary)
    temporary.chmod(0o644)  # safetensors writes files that only their owner may read
    digest = _sha256(temporary)
    settings = {
        "format": FORMAT,
        "weights_sha256": digest,
        "model": model.config.to_dict(),
        "vocabulary": {k: list(v) for k, v in model.vocabulary.items()},
        "provenance": dict(provenance),
        "figures": dict(figures),
    }
    (directory / f".{CONFIG}.part").write_text(json.dumps(settings, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(temporary, directory / WEIGHTS)
    os.replace(directory / f".{CONFIG}.part", directory / CONFIG)


def load(directory: Path) -> Checkpoint:
    """Read a checkpoint strictly onto the CPU in float32.

    Raises: CheckpointError where a file is missing, damaged or not what it claims to be, or a weight is missing,
    unexpected, of another shape or not finite.
    """
    settings = _settings(directory)
    if _sha256(directory / WEIGHTS) != settings["weights_sha256"]:
        raise CheckpointError(f"{directory / WEIGHTS} is damaged: its checksum is not the one in {CONFIG}; copy it again.")
    try:
        config = ModelConfig.from_dict(settings["model"])
        vocabulary = {str(k): tuple(str(x) for x in v) for k, v in settings["vocabulary"].items()}
        model = build_model(config, vocabulary)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{directory / CONFIG} doesn't describe a model of this version: {error}") from None
    _fill(model, directory / WEIGHTS)
    fingerprint = hashlib.sha256(
        json.dumps([settings["weights_sha256"], settings["model"], settings["vocabulary"]], sort_keys=True).encode()
    ).hexdigest()[:16]
    return Checkpoint(
        model.eval().to(memory_format=torch.channels_last),
        fingerprint,
        settings.get("provenance", {}),
        settings.get("figures", {}),
    )


def _stored(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    stored = tensor.detach().cpu().to(dtype if tensor.is_floating_point() else tensor.dtype).contiguous()
    if tensor.isfinite().all() and not stored.isfinite().all():
        raise CheckpointError(f"{name} holds numbers that {dtype} can't; write it as float32.")
    return stored


def _settings(directory: Path) -> dict[str, Any]:
    if not directory.is_dir():
        raise CheckpointError(
            f"{directory} is not a checkpoint; give a directory with {WEIGHTS} and {CONFIG}, or a .pth.tar file of the "
            "authors' release."
        )
    for name in (WEIGHTS, CONFIG):
        if not (directory / name).is_file():
            raise CheckpointError(f"{directory} has no {name}; a checkpoint is a directory with {WEIGHTS} and {CONFIG}.")
    try:
        settings = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise CheckpointError(f"{directory / CONFIG} can't be read as JSON: {error}.") from None
    missing = {"format", "weights_sha256", "model", "vocabulary"} - set(settings if isinstance(settings, dict) else ())
    if missing:
        raise CheckpointError(f"{directory / CONFIG} lacks {', '.join(sorted(missing))}; write checkpoints with `train`.")
    if settings["format"] != FORMAT:
        raise CheckpointError(f"{directory} has checkpoint format {settings['format']}, this version reads {FORMAT}.")
    return settings


def _fill(model: Model, path: Path) -> None:
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a safetensors file: {error}. Pickled weights are never opened.") from None
    own = model.state_dict()
    check_tensors(str(path), tensors, own)
    model.load_state_dict({k: v.to(own[k].dtype) for k, v in tensors.items()})


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
