"""The verb `index`: a gallery from a folder of photos, or from drawn garments."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asen_core.cli.console import CheckpointOption, DeviceOption, JsonOption, emit, following, tell, tracked

if TYPE_CHECKING:
    from asen_core.engine import Engine
    from asen_core.indexing import Report
    from asen_core.types import Garment

RENDERED = 1320
SHOWN = 20
"""Groups of the same photos that are printed; --json has them all."""


def index(
    photos: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="Folder of photos, searched in all its subfolders. Default: drawn garments."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of the gallery. Default: the shipped gallery's, for drawn garments only."),
    ] = None,
    images: Annotated[Path | None, typer.Option("--images", help="The same as FOLDER.")] = None,
    labels: Annotated[
        Path | None,
        typer.Option("--labels", help="CSV or JSON for the photos: a column image, and whatever others; these become filters."),
    ] = None,
    fold: Annotated[bool, typer.Option("--fold", help="Make one item of photos that are the same, or look the same.")] = False,
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Read every photo, also those whose size and time say that they are unchanged.")
    ] = False,
    rendered: Annotated[int | None, typer.Option("--rendered", min=1, help=f"How many drawn garments ({RENDERED}).")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed draws the same garments.")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Also where --out holds a gallery of another checkpoint.")] = False,
    no_maps: Annotated[bool, typer.Option("--no-maps", help="Leave out the maps; `map` makes them later.")] = False,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Build a gallery to search in, from your photos or from drawn garments.

    The same line again brings it up to date: only new and changed photos are looked
    at, removed ones disappear, and a run that was stopped goes on. Files that are no
    photos are left out and listed at the end.

    [bold]Examples[/]

    [cyan]python -m asen_core index[/]

    [cyan]python -m asen_core index photos/ --out mine/[/]

    [cyan]python -m asen_core index photos/ --labels labels.csv --fold --out mine/[/]

    [cyan]python -m asen_core search shirt.jpg neckline --gallery mine/[/]
    """
    if photos is not None and images is not None:
        raise typer.BadParameter("Give the folder once, as FOLDER or with --images.", param_hint="--images")
    folder = photos if photos is not None else images
    _check(folder, labels, rendered, out, fold or rehash)
    from asen_core.engine import SHIPPED_GALLERY, Engine

    engine = Engine.open(checkpoint, device=device)
    if folder is None:
        _drawn(engine, out or SHIPPED_GALLERY, rendered or RENDERED, seed, replace, not no_maps, as_json)
        return
    from asen_core.cli.watch import after_index
    from asen_core.indexing import index as run

    with following() as each:
        found = run(engine, folder, out, labels, fold=fold, rehash=rehash, replace=replace, maps=not no_maps, each=each)
    waiting = after_index(found.out)
    if as_json:
        emit({"garments": found.items, **found.to_json(), "watches": waiting})
    else:
        _tell(found, fold, not no_maps)


def _check(folder: Path | None, labels: Path | None, rendered: int | None, out: Path | None, of_photos: bool) -> None:
    if folder is not None and rendered is not None:
        raise typer.BadParameter("Give --images or --rendered, not both.", param_hint="--rendered")
    if folder is None and labels is not None:
        raise typer.BadParameter("Labels belong to photos: give --images too.", param_hint="--labels")
    if folder is None and of_photos:
        raise typer.BadParameter("--fold and --rehash belong to photos: give their folder too.", param_hint="--fold")
    if folder is not None and out is None:
        raise typer.BadParameter("Give a folder, so that your photos don't replace the shipped gallery.", param_hint="--out")


def _drawn(engine: Engine, out: Path, count: int, seed: int, replace: bool, maps: bool, as_json: bool) -> None:
    """A gallery of drawn garments. Raises: GalleryError."""
    from asen_core.cli.watch import after_index
    from asen_core.gallery import Gallery
    from asen_core.indexing.beside import renew
    from asen_core.indexing.target import spare
    from asen_core.review import prints

    spare(out, engine, replace)
    kinds = _draw(engine, out, count, seed)
    gallery = Gallery.open(out)
    with following() as each:
        renew(engine, gallery, prints.of_gallery(gallery), kinds, True, maps, each)
    after_index(out)
    if as_json:
        emit({"out": str(out), "garments": len(gallery), "left_out": {}})
    else:
        tell(f"{len(gallery)} garments in {out}.")


def _draw(engine: Engine, out: Path, count: int, seed: int) -> dict[str, str]:
    """Write the gallery of the first `count` garments of the renderer's walk for a seed; returns id -> category read."""
    from asen_core.data.render import catalogue
    from asen_core.gallery import GalleryWriter
    from asen_core.indexing.look import steady
    from asen_core.review.background import CATEGORY
    from asen_core.types import Garment

    shape = (tuple(engine.vocabulary), engine.dim, engine.config.global_dim, engine.fingerprint)
    kinds: dict[str, str] = {}
    with GalleryWriter(out, *shape, {"from": "drawn garments", "seed": str(seed), "drawn": str(count)}) as writer:
        ids = [f"drawn-{seed}-{i:05d}" for i in range(count)]
        todo = [(i, id) for i, id in enumerate(ids) if id not in writer]
        waiting: deque[tuple[str, Garment]] = deque()

        def garments() -> Iterator[Garment]:
            for i, id in tracked(todo, count, "Looking at garments", count - len(todo)):
                (drawn,) = catalogue(1, seed, start=i)
                waiting.append((id, Garment(drawn.pixels, labels=drawn.labels)))
                yield waiting[-1][1]

        for views in steady(engine, garments()):
            id, garment = waiting.popleft()
            if CATEGORY in views and views[CATEGORY].reading:
                kinds[id] = views[CATEGORY].reading.value
            writer.add_views(id, garment, views)
    return kinds


def _tell(found: Report, fold: bool, maps: bool) -> None:
    from asen_core.indexing.beside import MAPPED

    for note in found.notes:
        tell(note)
    for name, reason in found.left_out.items():
        tell(f"Left out {name}: {reason}")
    _groups("have the same content", found.copies)
    _groups("look the same", found.near)
    if (found.copies or found.near) and not fold:
        tell("The same line with --fold makes one item of each of these groups.")
    for what, names in (("Named by the labels, but not there", found.absent), ("Named by the labels twice", found.twice)):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            tell(f"{what}: {len(names)} ({', '.join(names[:SHOWN])}{more})")
    if maps and found.items > MAPPED:
        tell(f"Maps of more than {MAPPED:,} garments take long; make them with: python -m asen_core map --gallery {found.out}")
    counts = {k: getattr(found, k) for k in ("added", "changed", "renamed", "removed", "folded")}
    did = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing changed"
    left = f"; {len(found.left_out)} files left out, see above" if found.left_out else ""
    tell(f"{found.items} garments in {found.out} ({did}; {found.looked} looked at in {found.seconds:.0f} s){left}.")


def _groups(how: str, groups: tuple[tuple[str, ...], ...]) -> None:
    for names in groups[:SHOWN]:
        tell(f"These {how}: {', '.join(names)}")
    if len(groups) > SHOWN:
        tell(f"... and {len(groups) - SHOWN} more groups that {how}.")
