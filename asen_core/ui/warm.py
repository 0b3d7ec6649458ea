"""What a first answer would wait for, brought in once the page is served: it is there when somebody has chosen a photo."""

from __future__ import annotations

import importlib
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from asen_core import draw, images
from asen_core.errors import AsenError
from asen_core.review.design import LONGEST
from asen_core.ui.server.sizes import MADE
from asen_core.ui.studio import samples_in

if TYPE_CHECKING:
    from asen_core.engine import Engine

PAUSE = 4.0
"""Seconds in which those who came first open the page: imports would hold them up."""
TILES = 5_000
"""Garments of a gallery whose pictures are made in the size of the page beforehand, a few milliseconds each."""
_ASKED, _LATER = ("matplotlib",), ("asen_core.review.copies", "asen_core.ui.pack")
"""Gradio asks for the first with each event; the others are what Compare needs."""


def warm(engine: Engine, samples: Path, pause: float = PAUSE) -> None:
    """Look at a photo once and search with it, so that network and indexes are ready; then bring in what is used on demand.

    samples: the folder of sample garments, the first of which is looked at; where there are none, only imports are made.
    """
    garments = samples_in(samples)
    for path in garments:
        _made(path)
    for name in _ASKED:
        with suppress(ImportError):
            importlib.import_module(name)
    with suppress(Exception):  # whoever asks for a look is told why it fails; what comes next is wanted all the same
        for photo in garments[:1]:
            garment = images.load(photo, longest=LONGEST)
            views = engine.look(garment.pixels)
            for attribute in set(engine.gallery.attributes) & set(views):
                engine.search(views[attribute], attribute)
                draw.heat(views[attribute], (garment.width, garment.height))
    for name in _LATER:
        time.sleep(pause)
        with suppress(ImportError):
            importlib.import_module(name)
    gallery = engine.gallery
    for item in gallery.items if len(gallery) <= TILES else ():
        with suppress(AsenError):
            if _made(gallery.picture(item)):
                time.sleep(pause / 80)


def _made(path: Path) -> bool:
    """Make the lighter picture that the page shows; whether there was anything to make."""
    with suppress(OSError):
        stored = path.read_bytes()
        return MADE.lighter(stored) is not stored
    return False
