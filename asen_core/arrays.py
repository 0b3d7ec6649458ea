"""Arrays from files that strangers may have made: whatever is no array of plain numbers or texts is a ValueError."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

MAPPED = 4096
"""Files larger than this stay on disk and are mapped."""
TIGHTEST, SMALL = 50, 64_000_000
"""An archive that unpacks to so many bytes and this many times its size holds nothing that is written here."""
_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def load(path: Path) -> np.ndarray:
    """The array of an .npy file, mapped read-only where that is large.

    Raises: OSError, and ValueError where it is none, holds objects, or is not as long as its header says.
    """
    with path.open("rb") as file:
        _check(file, path.stat().st_size)
    return np.load(path, mmap_mode="r" if path.stat().st_size > MAPPED else None, allow_pickle=False)


def load_archive(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name.

    Raises: OSError, and ValueError where it is none, one of its arrays is as `load` refuses, or it is packed tighter than
    tables of numbers are.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            unpacked, size = sum(info.file_size for info in members), path.stat().st_size
            if unpacked > max(SMALL, TIGHTEST * size):
                raise ValueError(f"it unpacks to {unpacked // max(size, 1):,} times its size")
            for info in members:
                with archive.open(info) as file:
                    _check(file, info.file_size)
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, KeyError) as reason:
        raise ValueError(f"it is no archive of arrays ({str(reason)[:80]})") from reason


def _check(file: IO[bytes], size: int) -> None:
    """Compare a header with the bytes that are there, before memory is taken for what it claims. Raises: ValueError."""
    try:
        shape, _, dtype = _READERS[np.lib.format.read_magic(file)](file)
        claimed, there = dtype.itemsize, size - file.tell()
        for length in shape:
            claimed *= length
    except (OSError, zipfile.BadZipFile, zlib.error):
        raise
    except Exception as reason:  # numpy reads the header as a line of Python, which may raise anything
        raise ValueError(f"it doesn't begin as an array does ({str(reason)[:80]})") from reason
    if dtype.hasobject or any(length < 0 for length in shape) or claimed != there:
        raise ValueError(f"its header says {shape} {dtype}, which is not what follows")
