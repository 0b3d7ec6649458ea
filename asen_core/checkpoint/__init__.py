"""A model on disk: our own directory, read and written, or a file of the authors' release, read."""

from __future__ import annotations

from pathlib import Path

from asen_core.checkpoint import directory
from asen_core.checkpoint.directory import CONFIG, FORMAT, PARTS, WEIGHTS, save
from asen_core.checkpoint.record import RELEASE, Checkpoint, Stored
from asen_core.errors import CheckpointError

__all__ = ["CONFIG", "FORMAT", "PARTS", "RELEASE", "WEIGHTS", "Checkpoint", "Stored", "load", "read", "save"]


def read(path: Path) -> Checkpoint | Stored:
    """A checkpoint directory, its weights left on disk until they are asked for, or a file of the authors' release, loaded.

    Raises: CheckpointError where a file is missing, damaged or not what it claims to be.
    """
    if path.is_file() and path.name in (WEIGHTS, CONFIG):
        raise CheckpointError(f"{path} is one file of a checkpoint; give its directory {path.parent}.")
    if not path.is_file():
        return directory.read(path)
    from asen_core.checkpoint import released

    return released.load(path)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint directory, or a file of the authors' release, strictly onto the CPU in float32.

    Raises: CheckpointError where a file is missing, damaged or not what it claims to be, or a weight is missing,
    unexpected, of another shape or not finite.
    """
    found = read(path)
    if isinstance(found, Checkpoint):
        return found
    return Checkpoint(found.model, found.fingerprint, found.provenance, found.figures)
