"""Photos read by processes, each behind a thread: threads of one interpreter alone can't feed a GPU with JPEG files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from asen_core import images
from asen_core.config import ModelConfig
from asen_core.types import Frame, Garment

Laid = tuple[Garment, np.ndarray, Frame]

AFTER = 16
"""Photos that a thread reads itself before it starts a process, which takes longer to start than a few photos to read."""
_PATIENCE = 5.0
_PACKAGE = Path(__file__).resolve().parents[2]


def laid(photo: Any, config: ModelConfig) -> Laid:
    """A photo, and how the network's input holds it. Raises: PhotoError."""
    garment = images.load(photo)
    return garment, *images.lay(garment.pixels, config.input_size, config.fill, config.geometry)


class Readers:
    """`laid` for many threads; with `processes`, each has one of its own for paths, on a system that has files in memory.

    What a process can't read its thread tries itself, and raises what it finds; one that fails is not asked again.
    """

    def __init__(self, config: ModelConfig, processes: bool) -> None:
        self._config, self._processes = config, processes and hasattr(os, "memfd_create")
        self._own, self._started = threading.local(), []

    def laid(self, photo: Any) -> Laid:
        """As the function. Raises: PhotoError."""
        process = self._process() if self._processes and isinstance(photo, str | os.PathLike) else None
        if process is not None:
            try:
                found = process.laid(photo)
            except (OSError, ValueError):
                self._own.process = found = None
            if found is not None:
                return found
        return laid(photo, self._config)

    def close(self) -> None:
        """End the processes."""
        while self._started:
            self._started.pop().close()

    def _process(self) -> _Process | None:
        own = self._own
        own.read = getattr(own, "read", 0) + 1
        if own.read == AFTER:
            try:
                own.process = _Process(self._config)
                self._started.append(own.process)
            except OSError:
                own.process = None
        return getattr(own, "process", None)


class _Process:
    """One process of `images.worker`. Raises: OSError where it can't be started."""

    def __init__(self, config: ModelConfig) -> None:
        self._size = config.input_size
        self._file = os.memfd_create("photo")
        asked = [self._file, config.input_size, config.fill, config.geometry]
        path = os.pathsep.join(filter(None, (str(_PACKAGE), os.environ.get("PYTHONPATH"))))
        try:
            self._running = subprocess.Popen(
                [sys.executable, "-m", "asen_core.images.worker", *map(str, asked)], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, pass_fds=(self._file,), env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,  # an interrupt is for whoever asked, who ends it
            )  # fmt: skip
        except OSError:
            os.close(self._file)
            raise

    def laid(self, photo: str | os.PathLike[str]) -> Laid | None:
        """None where it couldn't read that. Raises: OSError or ValueError where the process is gone."""
        self._running.stdin.write(json.dumps(os.path.abspath(os.fspath(photo))).encode() + b"\n")
        self._running.stdin.flush()
        line = self._running.stdout.readline()
        if not line:
            raise BrokenPipeError("the process has ended")
        said = json.loads(line)
        if not said:
            return None
        pixels = np.empty((*said["shape"], 3), np.uint8)
        square = np.empty((self._size, self._size, 3), np.uint8)
        self._read(pixels, 0)
        self._read(square, pixels.size)
        return Garment(pixels, id=Path(photo).stem), square, Frame(*said["frame"])

    def close(self) -> None:
        for pipe in (self._running.stdin, self._running.stdout):
            try:
                pipe.close()
            except OSError:  # what was not written yet goes nowhere
                continue
        try:
            self._running.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
        os.close(self._file)

    def _read(self, into: np.ndarray, at: int) -> None:
        rest = memoryview(into).cast("B")
        while rest:
            count = os.preadv(self._file, [rest], at)
            if not count:
                raise BrokenPipeError("the file holds less than was said")
            rest, at = rest[count:], at + count
