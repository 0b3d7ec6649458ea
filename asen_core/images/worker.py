"""A process that reads and lays photos for another one: python -m asen_core.images.worker FD SIZE FILL GEOMETRY.

FD: a file in memory that both have. A line on standard input is a path as JSON; the answer on standard output is one line of
JSON, {"shape": [H, W], "frame": [size, scale, dx, dy]}, once the photo (H, W, 3) and then the square (SIZE, SIZE, 3) lie in the
file, uint8; or {} where that failed, and the other process may find out why. It ends when its input does.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import astuple
from typing import Any

import numpy as np

from asen_core.images.load import load
from asen_core.images.place import lay


def main() -> None:
    """Answer until the input ends."""
    file, size, fill, geometry = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    for line in sys.stdin.buffer:
        sys.stdout.write(json.dumps(answer(json.loads(line), file, size, fill, geometry)) + "\n")
        sys.stdout.flush()


def answer(path: str, file: int, size: int, fill: int, geometry: str) -> dict[str, Any]:
    """What is answered for one photo, after its pixels were written."""
    try:
        pixels = load(path).pixels
        square, frame = lay(pixels, size, fill, geometry)
        at = 0
        for array in (pixels, square):
            at = _written(file, np.ascontiguousarray(array), at)
    except Exception:  # a photo that can't be read, or no memory: whoever asked tells it in its own words
        return {}
    return {"shape": list(pixels.shape[:2]), "frame": list(astuple(frame))}


def _written(file: int, array: np.ndarray, at: int) -> int:
    """Where it ends. A single call may write less than all."""
    rest = memoryview(array).cast("B")
    while rest:
        count = os.pwrite(file, rest, at)
        rest, at = rest[count:], at + count
    return at


if __name__ == "__main__":
    main()
