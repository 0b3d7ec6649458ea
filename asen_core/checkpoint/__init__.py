"""A model on disk: our own directory, read and written, or a file of the authors' release, read."""

from __future__ import annotations

from pathlib import Path

from asen_core.checkpoint import directory, released
from asen_core.checkpoint.directory import CONFIG, FORMAT, WEIGHTS, save
from asen_core.checkpoint.record import Checkpoint
from asen_core.errors import CheckpointError

__all__ = ["CONFIG", "FORMAT", "WEIGHTS", "Checkpoint", "load", "save"]


def load(path: Path) -> Checkpoint:
    """Read a checkpoint directory, or a file of the authors' release, strictly onto the CPU in float32.

    Raises: CheckpointError where a file is missing, damaged or not what it claims to be, or a weight is missing,
    unexpected, of another shape or not finite.
    """
    if path.is_file() and path.name in (WEIGHTS, CONFIG):
        raise CheckpointError(f"{path} is one file of a checkpoint; give its directory {path.parent}.")
    return released.load(path) if path.is_file() else directory.load(path)
