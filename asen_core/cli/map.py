"""The verb `map`: the two-dimensional maps of a gallery."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from asen_core.cli.console import GalleryOption, JsonOption, emit, tell, tracked

if TYPE_CHECKING:
    from asen_core.gallery import Gallery


def make_maps(
    gallery: GalleryOption = None,
    again: Annotated[bool, typer.Option("--again", help="Make the maps anew, also where they are there already.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed makes the same maps.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Lay a gallery out in two dimensions per attribute, for the page's map.

    [cyan]figure tsne[/] draws them for print.

    Near points are garments that are alike in that attribute (t-SNE of the
    gallery's vectors). Maps that are there already are kept. Stopped at any
    time, the same line goes on with the attributes that are missing.

    [bold]Examples[/]

    [cyan]python -m asen_core map[/]

    [cyan]python -m asen_core map --gallery mine/ --json[/]
    """
    from asen_core.gallery import Gallery

    opened = Gallery.open(gallery or _shipped())
    start = perf_counter()
    made = make(opened, seed, again)
    seconds = round(perf_counter() - start, 2)
    if as_json:
        emit({"gallery": str(opened.directory), "garments": len(opened), "made": made, "seconds": seconds, "seed": seed})
        return
    did = f"{len(made)} maps of {len(opened)} garments made in {seconds:.1f} s" if made else "All maps were there already"
    tell(f"{did}: {opened.directory}.")


def make(gallery: Gallery, seed: int = 0, again: bool = False) -> list[str]:
    """Make the maps that a gallery lacks (all, where `again` or they have another seed); returns the attributes made.

    Each is written as soon as it is made. Raises: GalleryError, AsenError where scikit-learn is missing.
    """
    from asen_core.gallery import maps

    kept = None if again else gallery.maps
    points = dict(kept.points) if kept and (kept.seed, kept.method) == (seed, maps.METHOD) else {}
    todo = [a for a in gallery.attributes if a not in points]
    for name in tracked(todo, len(gallery.attributes), "Laying out maps", len(points)):
        points[name] = maps.lay_out(gallery.space(name), seed)
        maps.write(gallery.directory, gallery.manifest, maps.Maps(dict(points), maps.METHOD, seed))
    return todo


def _shipped() -> Path:
    from asen_core.engine import SHIPPED_GALLERY

    return SHIPPED_GALLERY
