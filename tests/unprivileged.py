"""Folders that can't be written and disks that are full, also for the superuser."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_VERSION, _PAST_RIGHTS = 0x20080522, 1 << 1
"""Of the calls; the capability that lets the superuser write where nobody may (CAP_DAC_OVERRIDE)."""


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """A folder and its files that this thread can't write to."""
    paths = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with _without_superpowers():
            if os.access(folder, os.W_OK) and _can_write(folder):
                pytest.skip("this system lets everybody write everywhere")
            yield folder
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def _can_write(folder: Path) -> bool:
    try:
        (folder / "probe").touch()
    except OSError:
        return False
    (folder / "probe").unlink()
    return True


@contextmanager
def _without_superpowers() -> Iterator[None]:
    if os.name != "posix" or os.geteuid() != 0:
        yield
        return
    library = ctypes.CDLL(None, use_errno=True)
    header, data = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    library.capget(header, data)
    before = data[0]
    try:
        data[0] = before & ~_PAST_RIGHTS
        library.capset(header, data)
        yield
    finally:
        data[0] = before
        library.capset(header, data)


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """An empty folder with so much room; skips the test where none can be made."""
    folder.mkdir(parents=True)
    line = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", str(folder)]
    try:
        done = subprocess.run(line, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no disk can be mounted here")
    if done.returncode:
        pytest.skip(f"no disk can be mounted here ({done.stderr.strip()[:80]})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
