"""The verb `index`: a gallery from a folder of photos, or from drawn garments."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asen_core.cli.console import CheckpointOption, DeviceOption, JsonOption, emit, tell, tracked
from asen_core.errors import DataError, GalleryError

if TYPE_CHECKING:
    from asen_core.cli.sources import Collection, Source
    from asen_core.engine import Engine
    from asen_core.gallery import GalleryWriter
    from asen_core.types import Garment

RENDERED = 1320


def index(
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of the gallery. Default: the shipped gallery's, for drawn garments only."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder of photos, searched in all its subfolders. Default: drawn garments.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="CSV for --images: column image, one column per label, for filters.")
    ] = None,
    rendered: Annotated[int | None, typer.Option("--rendered", min=1, help=f"How many drawn garments ({RENDERED}).")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed draws the same garments.")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Also where --out holds a gallery of another checkpoint.")] = False,
    no_maps: Annotated[bool, typer.Option("--no-maps", help="Leave out the maps; `map` makes them later.")] = False,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Build a gallery to search in, from your photos or from drawn garments.

    Stopped at any time, the same line goes on where it was. Files that are no
    photos are left out and listed at the end.

    [bold]Examples[/]

    [cyan]python -m asen_core index[/]

    [cyan]python -m asen_core index --images photos/ --labels labels.csv --out mine/[/]

    [cyan]python -m asen_core search shirt.jpg neckline --gallery mine/[/]
    """
    _check(images, labels, rendered, out)
    from asen_core.cli import background
    from asen_core.cli.sources import LONGEST, drawn, photos
    from asen_core.engine import SHIPPED_GALLERY, Engine
    from asen_core.gallery import Gallery
    from asen_core.review import prints
    from asen_core.review.background import FILE, write

    engine = Engine.open(checkpoint, device=device)
    longest = None if engine.config.geometry == "released" else LONGEST  # the authors' numbers are of the photo as it is
    made = photos(images, labels, longest) if images is not None else drawn(rendered or RENDERED, seed)
    out = out or SHIPPED_GALLERY
    if not replace:
        _spare(out, engine.fingerprint)
    of_others, kinds = background.kept(out, engine.fingerprint), {}
    refused = _build(out, made, engine, kinds)
    if not no_maps:
        from asen_core.cli.map import make

        make(Gallery.open(out))
    write(out / FILE, of_others or background.of_garments(engine, Gallery.open(out), kinds))
    prints.of_gallery(Gallery.open(out))
    count = len(made.sources) - len(refused)
    if as_json:
        emit({"out": str(out), "garments": count, "left_out": refused})
    else:
        _tell(out, count, refused)


def _check(images: Path | None, labels: Path | None, rendered: int | None, out: Path | None) -> None:
    if images is not None and rendered is not None:
        raise typer.BadParameter("Give --images or --rendered, not both.", param_hint="--rendered")
    if images is None and labels is not None:
        raise typer.BadParameter("Labels belong to photos: give --images too.", param_hint="--labels")
    if images is not None and out is None:
        raise typer.BadParameter("Give a folder, so that your photos don't replace the shipped gallery.", param_hint="--out")


def _spare(out: Path, fingerprint: str) -> None:
    """Raises: GalleryError where `out` is a gallery that only another checkpoint can search."""
    from asen_core.gallery import manifest

    if (out / manifest.MANIFEST).exists():
        held = manifest.read(out, None).manifest.fingerprint
        if held != fingerprint:
            raise GalleryError(
                f"{out} is the gallery of checkpoint {held[:12]}, which could not search it any more if it were built anew "
                f"with {fingerprint[:12]}; give another --out, or --replace."
            )


def _build(out: Path, made: Collection, engine: Engine, kinds: dict[str, str]) -> dict[str, str]:
    """Write the gallery; returns the files left out, each with its reason. kinds: takes what category is read, by id."""
    from asen_core.gallery import GalleryWriter

    refused: dict[str, str] = {}
    shape = (tuple(engine.vocabulary), engine.dim, engine.config.global_dim, engine.fingerprint)
    with GalleryWriter(out, *shape, made.notes) as writer:
        _fill(writer, engine, made.sources, refused, kinds)
        if not len(writer):
            raise DataError(f"None of the {len(refused)} photos can be read; the first: {next(iter(refused.values()))}")
    return refused


def _fill(
    writer: GalleryWriter, engine: Engine, sources: Sequence[Source], refused: dict[str, str], kinds: dict[str, str]
) -> None:
    """Add the views of every source that the writer doesn't hold yet."""
    from asen_core.cli.sources import opened
    from asen_core.review.background import CATEGORY

    todo = [s for s in sources if s.id not in writer]
    waiting: deque[tuple[Source, Garment]] = deque()

    def garments() -> Iterator[Garment]:
        for source, garment in tracked(opened(todo, refused), len(sources), "Looking at garments", len(sources) - len(todo)):
            waiting.append((source, garment))
            yield garment

    for views in engine.views(garments(), batch_size=16):
        source, garment = waiting.popleft()
        if CATEGORY in views and views[CATEGORY].reading:
            kinds[source.id] = views[CATEGORY].reading.value
        writer.add_views(source.id, garment, views)


def _tell(out: Path, count: int, refused: dict[str, str]) -> None:
    for name, reason in refused.items():
        tell(f"Left out {name}: {reason}")
    left = f"; {len(refused)} files left out, see above" if refused else ""
    tell(f"{count} garments in {out}{left}.")
