"""Drawing a layout's photos, a chunk of them at a time, so that a stopped run knows what is there."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
from PIL import Image

from asen_core.data.labels import Regions
from asen_core.types import Box

if TYPE_CHECKING:
    from dataclasses import Field

SIZE = (288, 384)
"""Width and height of a photo."""


class Drawable(Protocol):
    """A photo to be drawn: a frozen dataclass that decides it wholly and can be sent to another process."""

    __dataclass_fields__: ClassVar[dict[str, Field]]

    @property
    def path(self) -> str:
        """Where the photo is to lie, below the dataset's folder."""

    @property
    def labels(self) -> tuple[tuple[int, int], ...]:
        """Its attribute and value indices."""

    def photo(self) -> tuple[np.ndarray, Regions]:
        """(H, W, 3) uint8 pixels, and the boxes of the parts that they show."""


def end_with_parent() -> None:
    """In a process that draws: let it end when the one that started it is killed, which it would otherwise wait for."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def draw_all(root: str, orders: Sequence[Drawable], done: str) -> int:
    """Draw photos below `root`, then write what they show into the file `done`, by which a later run knows that they are there.

    Returns how many.
    """
    shown: dict[str, dict[str, list[tuple[float, ...]]]] = {}
    for order in orders:
        pixels, regions = order.photo()
        path = Path(root) / order.path
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, quality=92)
        shown[order.path] = {name: [tuple(box) for box in boxes] for name, boxes in regions.items()}
    part = Path(done).with_suffix(".part")
    part.write_text(json.dumps({"orders": [asdict(o) for o in orders], "shown": shown}), encoding="utf-8")
    os.replace(part, done)
    return len(orders)


def shown_of(root: Path, orders: Sequence[Drawable], done: Path) -> dict[str, Regions] | None:
    """What the photos of a finished file show, None where it doesn't hold these very orders or a photo has gone."""
    if not done.exists() or not all((root / o.path).is_file() for o in orders):
        return None
    kept = json.loads(done.read_text(encoding="utf-8"))
    if kept["orders"] != json.loads(json.dumps([asdict(o) for o in orders])):
        return None
    return {path: {n: tuple(Box(*b) for b in boxes) for n, boxes in r.items()} for path, r in kept["shown"].items()}
