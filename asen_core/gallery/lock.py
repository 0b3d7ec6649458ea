"""One writer at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from asen_core.errors import GalleryError

LOCK = ".lock"


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Hold a folder for writing; readers are not held up. It is free again when the process ends, however it ends.

    Raises: GalleryError where another process or thread writes to it, or it can't be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with FileLock(directory / LOCK, timeout=0):
            yield
    except Timeout:
        raise GalleryError(f"{directory} is being written by another run; wait until it has ended, then start again.") from None
    except (PermissionError, FileExistsError, NotADirectoryError) as reason:
        raise GalleryError(
            f"{directory} can't be written to ({reason.strerror}); give a folder that you may write to."
        ) from reason
