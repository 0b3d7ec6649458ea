"""One writer at a time."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from asen_core.errors import GalleryError

LOCK, HOLDER = ".lock", ".holder"


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Hold a folder for writing; readers are not held up. It is free again when the process ends, however it ends.

    Raises: GalleryError where another process or thread writes to it, which it names, or it can't be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with FileLock(directory / LOCK, timeout=0):
            _say(directory / HOLDER)
            try:
                yield
            finally:
                (directory / HOLDER).unlink(missing_ok=True)
    except Timeout:
        who = _holder(directory / HOLDER)
        raise GalleryError(
            f"{directory} is being written by another run{who}; wait until it has ended, then start again."
        ) from None
    except (PermissionError, FileExistsError, NotADirectoryError) as reason:
        raise GalleryError(
            f"{directory} can't be written to ({reason.strerror}); give a folder that you may write to."
        ) from reason


def _say(holder: Path) -> None:
    """Leave word who holds the folder; on a full disk nobody is told."""
    with suppress(OSError):
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        holder.write_text(f"process {os.getpid()} on {socket.gethostname()}, since {now}", encoding="utf-8")


def _holder(holder: Path) -> str:
    try:
        said = holder.read_text(encoding="utf-8", errors="replace")[:200]
    except OSError:
        return ""
    return f" ({said})" if said.isprintable() and said else ""
