"""What reading a model gives, and what its tensors have to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from asen_core.config import ModelConfig
from asen_core.errors import CheckpointError
from asen_core.types import Vocabulary

if TYPE_CHECKING:
    from torch import Tensor

    from asen_core.models import Model

RELEASE = "authors' release"
"""The source of a model, in its provenance, that was read from such a file."""


@dataclass(frozen=True)
class Checkpoint:
    """A loaded model in eval mode, the fingerprint of its weights and settings, and what is known of its making."""

    model: Model
    fingerprint: str
    provenance: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> ModelConfig:
        return self.model.config

    @property
    def vocabulary(self) -> Vocabulary:
        return self.model.vocabulary


@dataclass(frozen=True, eq=False)
class Stored:
    """The same as it lies on disk, checked against its checksum: what it holds is read when it is asked for.

    read: gives the tensors, as `tensors`; load: gives the model. torch is imported by `load` alone.
    """

    config: ModelConfig
    vocabulary: Vocabulary
    fingerprint: str
    read: Callable[[], Mapping[str, np.ndarray]]
    load: Callable[[], Model]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def model(self) -> Model:
        """In eval mode, on the CPU, float32. Raises: CheckpointError, strictly, as `checkpoint.load`."""
        return self.load()

    @property
    def tensors(self) -> Mapping[str, np.ndarray]:
        """Name -> array, as stored. Raises: CheckpointError where the file can't be read or a number is not finite."""
        return self.read()


def check_tensors(where: str, tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Refuse tensors that don't have the names, shapes and kinds of those wanted, or hold numbers that aren't finite.

    Raises: CheckpointError, which counts the faults and names the first few.
    """
    missing, unexpected = sorted(set(wanted) - set(tensors)), sorted(set(tensors) - set(wanted))
    if missing or unexpected:
        faults = [f"{named(names)} {word}" for names, word in ((missing, "missing"), (unexpected, "unexpected")) if names]
        raise CheckpointError(
            f"{where} doesn't hold the tensors that it should: {'; '.join(faults)}. Download or export it again, or "
            "open it with the version that wrote it."
        )
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape:
            count = sum(t.shape != wanted[n].shape for n, t in tensors.items())
            shapes = f"{tuple(tensor.shape)}, expected {tuple(wanted[name].shape)}"
            raise CheckpointError(f"{where}: {name} has shape {shapes} (tensors with a wrong shape: {count}).")
        if tensor.is_floating_point() != wanted[name].is_floating_point():
            raise CheckpointError(f"{where}: {name} holds {tensor.dtype}, expected {wanted[name].dtype}.")
    if broken := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise CheckpointError(f"{where}: numbers that are not finite in {named(broken)}; the file is unusable.")


def named(names: list[str]) -> str:
    """["a", "b"] as "2 (a, b)"; at most five by name."""
    return f"{len(names)} ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"
