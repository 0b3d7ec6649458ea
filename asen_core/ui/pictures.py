"""The small pictures that the page shows of one photo: made when they are asked for, or a moment after the answer."""

from __future__ import annotations

import os
import secrets
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from math import ceil, floor
from pathlib import Path
from queue import Full, Queue

from PIL import Image

from asen_core import draw, images
from asen_core.errors import AsenError
from asen_core.types import Box, Garment, View
from asen_core.ui.scratch import made_anew, save_layer, save_photo

PREVIEW, CROP, HEAT = 1280, 640, 140
"""Pixels of the longer side, at most. The page shows a photo up to 640 pixels high, a crop up to 230, on screens of double
density too; a heat map has 14 cells, and a browser draws smoothly between so many pixels."""
CROP_BYTES = 32_000
LATER = 0.5
"""Seconds until what was not asked for is made: the answer, and a change of attribute at once after it, come first."""
WAITING = 16
"""Photos at most whose pixels are kept for what is made later."""
_ONE = threading.Lock()


class Pictures:
    """Preview, heat maps and crops of one photo, in its folder. Safe to use from several threads.

    Until all are made, or for `LATER` seconds, the photo's pixels are kept; after that it is read again where need be.
    heats, crops: attribute -> file, made when it is taken out.
    """

    def __init__(self, garment: Garment, views: Mapping[str, View], photo: Path, folder: Path, longest: int | None) -> None:
        """views: as the model chose; photo: where it lies; longest: what it was read with, as of `images.load`."""
        self.folder, self._photo, self._longest = folder, photo, longest
        self._garment: Garment | None = garment
        self._views = dict(views)
        self._size = (garment.width, garment.height)
        self._lock = threading.RLock()
        self._there: set[str] = set()
        self._closed = False
        self._preview()
        self.heats: Mapping[str, Path] = _Made(self._views, self._heat)
        self.crops: Mapping[str, Path] = _Made(self._views, self._crop)

    @property
    def preview(self) -> Path:
        """The whole photo; is there, unless the folder was swept: then made again. Raises: as `garment`."""
        return self._preview()

    def garment(self) -> Garment:
        """The photo as it was looked at. Raises: PhotoError where it is no longer kept."""
        with self._lock:
            return self._garment or images.load(self._photo, longest=self._longest)

    def cut(self, garment: Garment, box: Box, attribute: str) -> Path:
        """A crop of a person's own box; never a name that was there before."""
        return self._made(
            f"crop-{attribute}-{secrets.token_hex(4)}.jpg", lambda path: save_photo(_part(garment, box, CROP), path, CROP_BYTES)
        )

    def finish(self) -> None:
        """Make all that is not there yet, and let go of the photo's pixels."""
        for made in (self.heats, self.crops):
            for attribute in made:
                with self._lock:
                    if not self._closed:
                        made[attribute]
        self._garment = None

    def finish_later(self) -> None:
        """`finish` in the background; where many wait for that, only let go of the pixels: all is made when it is asked for."""
        try:
            with _ONE:
                _line().put_nowait((time.monotonic() + LATER, self))
        except Full:
            self._garment = None

    def touch(self) -> None:
        """They are in use: not swept away with what was left."""
        with suppress(OSError):
            os.utime(self.folder)

    def close(self) -> None:
        """Nothing is written any more: the folder may go."""
        with self._lock:
            self._closed, self._garment = True, None

    def _finish_quietly(self) -> None:
        # What could not be made now is made, or refused with its reason, when it is asked for.
        try:
            self.finish()
        except (AsenError, OSError):
            pass
        except Exception:  # whatever it was, the next photo shall come
            traceback.print_exc()
        finally:
            self._garment = None

    def _preview(self) -> Path:
        def save(path: Path) -> Path:
            garment = self.garment()
            return save_photo(_part(garment, garment.box, PREVIEW), path)

        return self._made("photo.jpg", save)

    def _heat(self, attribute: str) -> Path:
        view = self._views[attribute]
        return self._made(f"heat-{attribute}.webp", lambda path: save_layer(draw.heat(view, self._size, HEAT), path))

    def _crop(self, attribute: str) -> Path:
        """The model's own region; its name is always the same."""
        roi = self._views[attribute].roi
        return self._made(f"crop-{attribute}.jpg", lambda path: save_photo(_part(self.garment(), roi, CROP), path, CROP_BYTES))

    def _made(self, name: str, save: Callable[[Path], Path]) -> Path:
        path = self.folder / name
        with self._lock:
            if not self._closed and made_anew(self.folder):
                self._there.clear()
            if name not in self._there and not self._closed:
                save(path)
                self._there.add(name)
        return path


class _Made(Mapping[str, Path]):
    """Attribute -> file, made when it is taken out."""

    def __init__(self, attributes: Mapping[str, View], make: Callable[[str], Path]) -> None:
        self._attributes, self._make = attributes, make

    def __getitem__(self, attribute: str) -> Path:
        return self._make(attribute)

    def __iter__(self) -> Iterator[str]:
        return iter(self._attributes)

    def __len__(self) -> int:
        return len(self._attributes)


@cache
def _line() -> Queue[tuple[float, Pictures]]:
    """When to finish which: by one thread, one photo at a time, so that those who wait for an answer keep a processor."""
    line: Queue[tuple[float, Pictures]] = Queue(WAITING)
    threading.Thread(target=_work, args=(line,), daemon=True).start()
    return line


def _work(line: Queue[tuple[float, Pictures]]) -> None:
    while True:
        due, pictures = line.get()
        time.sleep(max(0.0, due - time.monotonic()))
        pictures._finish_quietly()
        del pictures  # not kept while none waits


def _part(garment: Garment, box: Box, most: int) -> Image.Image:
    """A part of the photo with a longer side of at most `most` pixels, and of at least half as many where it has them.

    Made smaller by a whole factor, which takes a sixth of the time of any other.
    """
    x0, y0 = max(0, floor(box.x0)), max(0, floor(box.y0))
    x1, y1 = min(garment.width, max(ceil(box.x1), x0 + 1)), min(garment.height, max(ceil(box.y1), y0 + 1))
    part = Image.fromarray(garment.pixels[y0:y1, x0:x1])
    factor = ceil(max(part.size) / most)
    return part.reduce(factor) if factor > 1 else part
