"""The verb `check`: every byte of models and galleries held against their checksums."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asen_core.cli.console import JsonOption, emit, say, tell
from asen_core.errors import AsenError, CheckpointError

if TYPE_CHECKING:
    from asen_core.gallery.checking import Checked

SHOWN = 20
"""Names of one kind that are printed; --json has them all."""


def check(
    places: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FOLDER]...", help="Models and galleries. Default: the shipped ones.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """See whether models and galleries are as they were written, to the byte.

    Every file is read and compared with its checksum; those that differ are
    named, and the exit code is 1. Opening a model always does the same;
    opening a gallery leaves out pictures and files of more than 1 GiB, so that
    it stays quick.

    [bold]Examples[/]

    [cyan]python -m asen_core check[/]

    [cyan]python -m asen_core check mine/ runs/first/checkpoint/ --json[/]
    """
    from asen_core.engine import SHIPPED_CHECKPOINT, SHIPPED_GALLERY

    found = [_looked(place, as_json) for place in places or (SHIPPED_CHECKPOINT, SHIPPED_GALLERY)]
    damaged = sum(len(one["damaged"]) for one in found)
    if as_json:
        emit({"places": found, "damaged": damaged})
    if damaged:
        raise typer.Exit(1)


def _looked(place: Path, quiet: bool) -> dict[str, Any]:
    since = perf_counter()
    kind, found = ("gallery", _gallery(place)) if _is_gallery(place) else ("model", _model(place))
    found = {"place": str(place), "kind": kind, **found, "seconds": round(perf_counter() - since, 2)}
    for name, what in list(found["damaged"].items())[:SHOWN]:
        tell(f"Damaged: {place if place.is_file() else place / name}: {what}")
    if more := len(found["damaged"]) - SHOWN:
        tell(f"... and {more} more.") if more > 0 else None
    if not quiet:
        without = f"; {len(found['without_checksum'])} of an earlier version have no checksum and were only read"
        told = f"{found['files']:,} files, {found['bytes'] / 1e6:.1f} MB{without if found['without_checksum'] else ''}"
        state = f"{len(found['damaged'])} damaged" if found["damaged"] else "nothing is damaged"
        say(f"{kind} {place}: {state} ({told}; {found['seconds']:.1f} s).")
    return found


def _is_gallery(place: Path) -> bool:
    from asen_core.gallery import manifest

    if not place.exists():
        raise AsenError(f"There is nothing at {place}; give the folder of a model or of a gallery.")
    if not place.is_dir():
        return False
    names = [path.name for path in place.iterdir()]
    return manifest.MANIFEST in names or any(map(manifest.generation_of, names))


def _gallery(place: Path) -> dict[str, Any]:
    from asen_core.cli.console import following
    from asen_core.gallery.checking import check as read
    from asen_core.indexing import Progress

    with following() as each:
        found = read(place, lambda done, total: each(Progress("Reading pictures", done, total)))
    if found.without:
        _by_prints(place, found)
    return {"files": found.files, "bytes": found.bytes, "damaged": found.damaged, "without_checksum": found.without}


def _by_prints(place: Path, found: Checked) -> None:
    """Hold pictures that have no checksum against the digests of their pixels, where these lie beside the gallery."""
    from asen_core.errors import GalleryError
    from asen_core.gallery import Gallery
    from asen_core.images import load
    from asen_core.review import prints

    try:
        gallery = Gallery.open(place)
        known = {item.image: row.tobytes() for item, row in zip(gallery.items, prints.read(gallery).sha256, strict=True)}
    except GalleryError:  # which is said already
        return
    for name in [name for name in found.without if name in known]:
        found.without.remove(name)
        if prints.digest(load(place / name)) != known[name]:
            found.damaged[name] = "shows something else than when it was written"


def _model(place: Path) -> dict[str, Any]:
    from asen_core import checkpoint, files

    read = [p for p in (place / checkpoint.CONFIG, place / checkpoint.WEIGHTS) if p.is_file()] if place.is_dir() else [place]
    found: dict[str, Any] = {"files": len(read), "bytes": sum(p.stat().st_size for p in read), "damaged": {}}
    found["without_checksum"] = []
    try:
        checkpoint.load(place)
    except CheckpointError as reason:
        name = next((p.name for p in read if str(p) in str(reason)), read[0].name if read else checkpoint.CONFIG)
        found["damaged"] = {name: str(reason)}
    config = place / checkpoint.CONFIG
    if config in read and checkpoint.CONFIG not in found["damaged"] and files.CHECKSUM.encode() not in config.read_bytes()[:99]:
        found["without_checksum"].append(checkpoint.CONFIG)
    return found
