"""What is no longer used in a gallery's folder goes, once another generation was switched to."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

from asen_core import arrays
from asen_core.gallery import manifest as disk
from asen_core.gallery import rows
from asen_core.gallery.manifest import Manifest


def tidy(directory: Path, manifest: Manifest, perhaps_unused: set[str]) -> None:
    """Remove other generations and what was made of their vectors, and those of some pictures that no item has.

    What a reader holds so that it can't be removed, as on Windows, stays until the next time.
    """
    for path in directory.iterdir():
        if path.name == manifest.file(disk.NEIGHBOURS):
            for note in path.glob("*.json"):  # of a build that might have had to go on
                _remove(note)
        if disk.is_of_another(path.name, manifest.generation) or _is_of_other_vectors(path, manifest):
            _remove(path)
    for image in perhaps_unused - (images(directory, manifest) if perhaps_unused else set()):
        if disk.PICTURE.fullmatch(image):
            _remove(directory / image)


def _remove(path: Path) -> None:
    with suppress(OSError):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _is_of_other_vectors(path: Path, manifest: Manifest) -> bool:
    """Whether maps or pairs were made of vectors that are no longer these; pairs of other photos have none of a gallery."""
    if path.name not in (disk.MAPS, disk.PAIRS):
        return path.name.startswith((disk.MAPS, disk.PAIRS))  # half written
    try:
        return str(arrays.load_archive(path)["vectors"]) not in ("", manifest.sha256[disk.VECTORS])
    except (OSError, ValueError, KeyError):
        return True


def images(directory: Path, manifest: Manifest | None) -> set[str]:
    """The pictures of the present generation; none where it is damaged."""
    try:
        held = manifest and rows.Rows(directory / manifest.file(disk.ITEMS), manifest.attributes, manifest.count)
    except (sqlite3.Error, ValueError):
        held = None
    if held is None:
        return set()
    try:
        return held.images()
    finally:
        held.close()
