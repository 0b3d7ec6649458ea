"""The verb `map`: the two-dimensional maps of a gallery."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from asen_core.cli.console import GalleryOption, JsonOption, emit, following, tell


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
    from asen_core.indexing.beside import lay_out

    opened = Gallery.open(gallery or _shipped())
    start = perf_counter()
    with following() as each:
        made = lay_out(opened, seed, again, each)
    seconds = round(perf_counter() - start, 2)
    if as_json:
        emit({"gallery": str(opened.directory), "garments": len(opened), "made": made, "seconds": seconds, "seed": seed})
        return
    did = f"{len(made)} maps of {len(opened)} garments made in {seconds:.1f} s" if made else "All maps were there already"
    tell(f"{did}: {opened.directory}.")


def _shipped() -> Path:
    from asen_core.engine import SHIPPED_GALLERY

    return SHIPPED_GALLERY
