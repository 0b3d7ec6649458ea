"""The verb `map`: the two-dimensional maps of a gallery, and figures of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from asen_core.cli.console import GalleryOption, JsonOption, emit, tell, tracked
from asen_core.errors import QueryError

if TYPE_CHECKING:
    from asen_core.gallery import Gallery


class Format(StrEnum):
    """What a figure can be written as."""

    webp = "webp"
    png = "png"
    pdf = "pdf"


def draw_maps(
    gallery: GalleryOption = None,
    again: Annotated[bool, typer.Option("--again", help="Make the maps anew, also where they are there already.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed makes the same maps.")] = 0,
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="DIR", help="Draw one figure per attribute into this folder.")
    ] = None,
    attributes: Annotated[
        list[str] | None, typer.Option("--attributes", metavar="NAME", help="Only figures of these; repeat for more.")
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="Of the figures.")] = Format.webp,
    as_json: JsonOption = False,
) -> None:
    """Lay a gallery out in two dimensions per attribute, for the page's map.

    Near points are garments that are alike in that attribute (t-SNE of the
    gallery's vectors). Maps that are there already are kept. Stopped at any
    time, the same line goes on with the attributes that are missing.

    [bold]Examples[/]

    [cyan]python -m asen_core map[/]

    [cyan]python -m asen_core map --gallery mine/ --json[/]

    [cyan]python -m asen_core map --figure figures/ --attributes neckline --attributes sleeve[/]
    """
    from asen_core.gallery import Gallery

    opened = Gallery.open(gallery or _shipped())
    wanted = tuple(attributes or opened.attributes)
    if unknown := [a for a in wanted if a not in opened.attributes]:
        raise QueryError(f"Unknown attribute {unknown[0]!r}; this gallery knows {', '.join(opened.attributes)}.")
    start = perf_counter()
    made = make(opened, seed, again)
    seconds = perf_counter() - start
    drawn = _figures(Gallery.open(opened.directory), figure, wanted, format) if figure else []
    if as_json:
        places = {"gallery": str(opened.directory), "figures": [str(p) for p in drawn]}
        emit({**places, "garments": len(opened), "made": made, "seconds": round(seconds, 2), "seed": seed})
        return
    did = f"{len(made)} maps of {len(opened)} garments made in {seconds:.1f} s" if made else "All maps were there already"
    tell(f"{did}: {opened.directory}.")
    for path in drawn:
        tell(f"Drawn: {path}")


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


def _figures(gallery: Gallery, folder: Path, attributes: tuple[str, ...], format: Format) -> list[Path]:
    from asen_core.cli.map_figure import write_figure

    return [write_figure(gallery, name, folder / f"map-{name}.{format}") for name in attributes]


def _shipped() -> Path:
    from asen_core.engine import SHIPPED_GALLERY

    return SHIPPED_GALLERY
