"""Files that are there whole or not at all, stay there when the power fails, and tell when a byte of them has changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CHECKSUM = "checksum"
"""The key of sealed JSON under which its own checksum stands."""
_BLANK = "0" * 64
_NO_COMMENT = b"\0\0"
_LENGTH = (64).to_bytes(2, "little")


@contextmanager
def whole(path: Path, part: Path | None = None) -> Iterator[Path]:
    """A place to write to, which becomes `path` at once when the block ends, and is on the disk then; gone where it raises.

    part: that place, in the same folder. Raises: OSError.
    """
    part = part or path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        settle(part)
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    settle_folder(path.parent)


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises: OSError."""
    with whole(path) as part:
        part.write_bytes(data)


def settle(path: Path) -> None:
    """Return when a file's content is on the disk. Raises: OSError."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def settle_folder(folder: Path) -> None:
    """The same for the names in a folder, where the system can say so."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def digest(path: Path) -> str:
    """sha256 of a file, in hexadecimal. Raises: OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sealed(values: Mapping[str, Any]) -> str:
    """JSON whose first entry is the sha256 of its own text, taken with zeros in that place."""
    text = json.dumps({CHECKSUM: _BLANK, **values}, indent=1, ensure_ascii=False) + "\n"
    return text.replace(_BLANK, hashlib.sha256(text.encode()).hexdigest(), 1)


def unsealed(text: bytes) -> dict[str, Any]:
    """The values of such JSON; of JSON without a checksum, as earlier versions wrote it, all of them.

    Raises: ValueError where it is none, or its checksum is not that of its text.
    """
    try:
        values = json.loads(text.decode())
    except RecursionError as reason:
        raise ValueError("it is nested deeper than anything that is written here") from reason
    if not isinstance(values, dict):
        raise ValueError(f"a JSON object was expected, got {type(values).__name__}")
    stored = values.pop(CHECKSUM, None)
    if stored is not None:
        blank = text.replace(str(stored).encode(), _BLANK.encode(), 1)
        if hashlib.sha256(blank).hexdigest() != stored:
            raise ValueError(f"its checksum is not that of its content; whoever changed it on purpose takes out {CHECKSUM!r}")
    return values


def write_arrays(path: Path, part: Path, arrays: Mapping[str, Any], compressed: bool = False) -> None:
    """Write an .npz whole or not at all, sealed. part: as of `whole`. Raises: OSError."""
    import numpy as np

    with whole(path, part):
        with part.open("wb") as file:
            (np.savez_compressed if compressed else np.savez)(file, **arrays)
        seal_archive(part)


def seal_archive(path: Path) -> None:
    """Write the sha256 of a zip (or .npz) without a comment into its comment, in hexadecimal. Raises: OSError, ValueError."""
    with path.open("rb+") as file:
        file.seek(-2, os.SEEK_END)
        if file.read() != _NO_COMMENT:
            raise ValueError(f"{path} is no archive without a comment")
        file.seek(-2, os.SEEK_END)
        file.write(_LENGTH)
        file.seek(0)
        found = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0, os.SEEK_END)
        file.write(found.encode())


def check_archive(path: Path) -> bool:
    """Whether an archive is sealed: one of an earlier version isn't. Raises: OSError, ValueError where a byte has changed."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 64))
        tail = file.read()
        if tail[-22:-18] == b"PK\5\6" and tail.endswith(_NO_COMMENT):
            return False
        file.seek(0)
        found, left = hashlib.sha256(), size - 64
        while left > 0 and (some := file.read(min(left, 2**20))):
            found.update(some)
            left -= len(some)
    if found.hexdigest().encode() != tail:
        raise ValueError("its checksum is not that of its content")
    return True
