"""The folder that a gallery is written to: whose it must not be, and what is left of a run that found nothing."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from asen_core.errors import GalleryError
from asen_core.gallery.assembly import same_make
from asen_core.gallery.lock import HOLDER, LOCK
from asen_core.gallery.manifest import JOURNAL, MANIFEST
from asen_core.gallery.manifest import read as manifest_of
from asen_core.indexing.look import header

if TYPE_CHECKING:
    from asen_core.engine import Engine


def apart(images: Path, out: Path) -> None:
    """Raises: GalleryError where photos lie in `out`: its pictures would be put among them and taken for photos."""
    if images.resolve().is_relative_to(out.resolve()):
        raise GalleryError(f"{images} lies in {out}, where the gallery's own files go; give another folder with --out.")


def spare(out: Path, engine: Engine, replace: bool) -> None:
    """Raises: GalleryError where `out` is a gallery that only another checkpoint can search, unless it may be replaced."""
    if replace or not (out / MANIFEST).exists():
        return
    try:
        held = manifest_of(out)
    except GalleryError:  # damaged or of an older format: nobody can search it as it is
        return
    if not same_make(held, header(engine)):
        raise GalleryError(
            f"{out} is the gallery of checkpoint {held.fingerprint[:12]}, which could not search it any more if it were built "
            f"anew with {engine.fingerprint[:12]}; give another --out, or --replace."
        )


def clear(out: Path) -> None:
    """Leave nothing of a first run that found nothing."""
    shutil.rmtree(out / JOURNAL, ignore_errors=True)
    for name in (HOLDER, LOCK):
        (out / name).unlink(missing_ok=True)
    with suppress(OSError):  # not empty: it holds something after all
        out.rmdir()
