"""A model of ours on disk: a directory with `model.safetensors` (weights) and `config.json` (everything else)."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError

from asen_core import files
from asen_core.checkpoint.record import Stored, check_tensors, named
from asen_core.config import ModelConfig
from asen_core.errors import CheckpointError
from asen_core.types import Vocabulary

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from asen_core.models import Model

FORMAT = 1
WEIGHTS, CONFIG, PARTS = "model.safetensors", "config.json", ".part"
"""Its files, and the folder in it that they are written to first."""
_NEEDED, _NOTES = {"format", "weights_sha256", "model", "vocabulary"}, {"provenance", "figures"}


def save(
    directory: Path,
    model: Model,
    provenance: Mapping[str, Any],
    figures: Mapping[str, Any],
    dtype: torch.dtype | None = None,
) -> None:
    """Write a checkpoint, floats as `dtype` (None: float16). Killed at any moment, the folder holds this one or the one before.

    Both files are on the disk in a folder of their own before the first takes its place, and `read` knows the second one there.

    Raises: CheckpointError where a weight is too large for `dtype`, or the folder can't be written.
    """
    import torch

    dtype = dtype or torch.float16
    tensors = {k: _stored(k, v, dtype) for k, v in model.state_dict().items()}
    settings = {
        "format": FORMAT,
        "model": model.config.to_dict(),
        "vocabulary": {k: list(v) for k, v in model.vocabulary.items()},
        "provenance": dict(provenance),
        "figures": dict(figures),
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _finish(directory)
        _write(directory, tensors, settings)
    except (OSError, SafetensorError) as reason:
        raise CheckpointError(
            f"{directory} can't be written ({reason}); make room there, or give a folder that you may write to."
        ) from reason


def _write(directory: Path, tensors: Mapping[str, Tensor], settings: dict[str, Any]) -> None:
    """Put both files in place. Raises: OSError, SafetensorError; what was there stays then."""
    from safetensors.torch import save_file

    folder = directory / PARTS  # of their own: safetensors, killed, leaves a file of a random name
    parts = folder / WEIGHTS, folder / CONFIG
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        save_file(tensors, parts[0])
        parts[0].chmod(0o644)  # safetensors writes files that only their owner may read
        said = {"weights_sha256": files.digest(parts[0]), **settings}
        parts[1].write_text(files.sealed(said), encoding="utf-8")
        for part in parts:
            files.settle(part)
        files.settle_folder(folder)
        files.settle_folder(directory)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    os.replace(parts[0], directory / WEIGHTS)
    os.replace(parts[1], directory / CONFIG)
    files.settle_folder(directory)
    shutil.rmtree(folder, ignore_errors=True)


def read(directory: Path) -> Stored:
    """What a checkpoint says of itself, its weights' checksum compared; the weights come when they are asked for.

    Raises: CheckpointError where a file is missing, damaged or not what it claims to be.
    """
    settings = _settings(directory)
    try:
        config = ModelConfig.from_dict(settings["model"])
        vocabulary = {str(k): tuple(str(x) for x in v) for k, v in settings["vocabulary"].items()}
        if not vocabulary or not all(isinstance(settings.get(key, {}), dict) for key in ("provenance", "figures")):
            raise ValueError("it names no attribute, or provenance and figures are no objects")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _undescribed(directory, error) from None
    fingerprint = hashlib.sha256(
        json.dumps([settings["weights_sha256"], settings["model"], settings["vocabulary"]], sort_keys=True).encode()
    ).hexdigest()[:16]
    return Stored(
        config, vocabulary, fingerprint, partial(_arrays, directory / WEIGHTS), partial(_model, directory, config, vocabulary),
        settings.get("provenance", {}), settings.get("figures", {}),
    )  # fmt: skip


def _undescribed(directory: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"{directory / CONFIG} doesn't describe a model of this version: {error}")


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The tensors by name, as they are stored."""
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, KeyError, TypeError) as error:
        raise _unreadable(path, error) from None
    if broken := sorted(name for name, tensor in tensors.items() if not np.isfinite(tensor).all()):
        raise CheckpointError(f"{path}: numbers that are not finite in {named(broken)}; the file is unusable.")
    return tensors


def _model(directory: Path, config: ModelConfig, vocabulary: Vocabulary) -> Model:
    """The network with its weights. Raises: CheckpointError where one is missing, of another shape, not finite or too many."""
    import torch

    from asen_core.models import build_model

    try:
        model = build_model(config, vocabulary)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _undescribed(directory, error) from None
    _fill(model, directory / WEIGHTS)
    return model.eval().to(memory_format=torch.channels_last)


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"{path} is not a safetensors file: {error}. Pickled weights are never opened.")


def _stored(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    stored = tensor.detach().cpu().to(dtype if tensor.is_floating_point() else tensor.dtype).contiguous()
    if tensor.isfinite().all() and not stored.isfinite().all():
        raise CheckpointError(f"{name} holds numbers that {dtype} can't; write it as float32.")
    return stored


def _finish(directory: Path) -> None:
    """Complete a save that was killed between its two renames."""
    with suppress(CheckpointError, OSError):
        settings = _said(directory / PARTS / CONFIG)
        if files.digest(directory / WEIGHTS) == settings["weights_sha256"]:
            os.replace(directory / PARTS / CONFIG, directory / CONFIG)


def _settings(directory: Path) -> dict[str, Any]:
    """What is said of the weights that are there. Raises: CheckpointError."""
    if not directory.is_dir():
        raise CheckpointError(
            f"{directory} is not a checkpoint; give a directory with {WEIGHTS} and {CONFIG}, or a .pth.tar file of the "
            "authors' release."
        )
    killed = directory / PARTS / CONFIG  # what a save that was killed between its two renames has left
    for name in (WEIGHTS, CONFIG):
        if not (directory / name).is_file() and not (name == CONFIG and killed.is_file()):
            raise CheckpointError(f"{directory} has no {name}; a checkpoint is a directory with {WEIGHTS} and {CONFIG}.")
    for path in (directory / CONFIG, killed, directory / CONFIG):  # the last for a save that has ended in the meantime
        with suppress(CheckpointError) if path is killed else nullcontext():
            if path.is_file() and _digest(directory / WEIGHTS) == (settings := _said(path))["weights_sha256"]:
                return settings
    raise CheckpointError(f"{directory / WEIGHTS} is damaged: its checksum is not the one in {CONFIG}; copy it again.")


def _said(path: Path) -> dict[str, Any]:
    """What a file of settings holds. Raises: CheckpointError."""
    try:
        settings = files.unsealed(path.read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError, OSError) as error:
        raise CheckpointError(f"{path} can't be read as JSON: {error}.") from None
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: {error}; copy it again.") from None
    if missing := sorted(_NEEDED - set(settings)):
        raise CheckpointError(f"{path} lacks {', '.join(missing)}; write checkpoints with `train`.")
    if settings["format"] != FORMAT:
        raise CheckpointError(f"{path.parent} has checkpoint format {settings['format']}, this version reads {FORMAT}.")
    if unknown := sorted(set(settings) - _NEEDED - _NOTES):
        raise CheckpointError(f"{path} is damaged: no checkpoint has an entry {unknown[0][:80]!r}; copy it again.")
    return settings


def _fill(model: Model, path: Path) -> None:
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from None
    own = model.state_dict()
    check_tensors(str(path), tensors, own)
    model.load_state_dict({k: v.to(own[k].dtype) for k, v in tensors.items()})


def _digest(path: Path) -> str:
    try:
        return files.digest(path)
    except OSError as error:
        raise CheckpointError(f"{path} can't be read ({error.strerror}); copy it again.") from None
