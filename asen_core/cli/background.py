"""The verb `background`: how alike different garments are by chance, so that `compare` can say how unusual a likeness is."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asen_core.cli.console import CheckpointOption, DeviceOption, GalleryOption, JsonOption, emit, following, tell, tracked
from asen_core.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from asen_core.engine import Engine
    from asen_core.review.background import Background
    from asen_core.types import Garment

FEWEST = 100
"""Garments below which a tell-tale line warns that percentiles are rough."""


def make_background(
    gallery: GalleryOption = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder of photos, one of each garment, instead of a gallery's garments.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="CSV for --images: columns image and category (else the model reads it).")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write. Default: pairs.npz in the folder of the gallery.")
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="What garments these are, as reports will say it.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed draws the same pairs.")] = 0,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Measure how alike pairs of different garments are by chance.

    [cyan]compare[/] tells by these pairs how unusual a likeness is. They are made of a
    gallery's garments, or of photos: percentiles are true for photos like the
    ones that they come from. `index` makes them for every new gallery.

    [bold]Examples[/]

    [cyan]python -m asen_core background --gallery mine/[/]

    [cyan]python -m asen_core background --images others/ --out mine/pairs.npz[/]
    """
    _check(images, labels, out)
    from asen_core.engine import Engine
    from asen_core.review import background as room

    engine = Engine.open(checkpoint, gallery, device)
    refused: dict[str, str] = {}
    if images is None:
        from asen_core.indexing.beside import background as of_gallery

        with following() as each:
            found = of_gallery(engine, engine.gallery, {}, seed, each)
        out = out or engine.gallery.directory / room.FILE
    else:
        found = of_photos(engine, images, labels, refused, seed)
    if source:
        found = replace(found, source=source)
    room.write(out, found)
    for name, reason in refused.items():
        tell(f"Left out {name}: {reason}")
    if as_json:
        kinds = {kind: len(table) for kind, table in found.same.items()}
        figures = {"garments": found.garments, "pairs": len(found.any), "kinds": kinds, "source": found.source}
        emit({"out": str(out), **figures, "checkpoint": found.fingerprint, "left_out": refused})
        return
    if found.garments < FEWEST:
        tell(f"Only {found.garments} garments: high percentiles are rough; {FEWEST} or more tell more.")
    left = f"; {len(refused)} files left out, see above" if refused else ""
    tell(f"{len(found.any):,} pairs of {found.source} in {out}{left}.")


def _check(images: Path | None, labels: Path | None, out: Path | None) -> None:
    if images is None and labels is not None:
        raise typer.BadParameter("Labels belong to photos: give --images too.", param_hint="--labels")
    if images is not None and out is None:
        raise typer.BadParameter("Give the file to write, pairs.npz in the folder of a gallery.", param_hint="--out")


def of_photos(engine: Engine, folder: Path, labels: Path | None, refused: dict[str, str], seed: int = 0) -> Background:
    """The background of a folder of photos; those that can't be read stand in `refused`. Raises: DataError for fewer than 2."""
    import numpy as np

    from asen_core.errors import PhotoError
    from asen_core.images import load
    from asen_core.indexing import labels as known
    from asen_core.indexing.look import LONGEST, steady
    from asen_core.indexing.scan import photos
    from asen_core.review.background import CATEGORY, sampled

    longest = None if engine.config.geometry == "released" else LONGEST  # the authors' numbers are of the photo as it is
    found = photos(folder)
    refused.update(found.left_out)
    names = [file.name for file in found.files]
    rows_of = known.fitted(known.read(labels), names, str(labels), str(folder.resolve())).labels if labels else {}
    waiting: deque[str] = deque()
    rows: list[np.ndarray] = []
    kinds: list[str] = []

    def garments() -> Iterator[Garment]:
        for file in tracked(found.files, len(names), "Looking at photos"):
            try:
                garment = load(file.path, longest=longest)
            except PhotoError as reason:
                refused[file.name] = str(reason)
                continue
            waiting.append(rows_of.get(file.name, {}).get(CATEGORY, ""))
            yield garment

    for views in steady(engine, garments()):
        read = views[CATEGORY].readings[:1] if CATEGORY in views else ()
        kinds.append(waiting.popleft() or (read[0].value if read else ""))
        rows.append(np.stack([views[a].embedding for a in engine.vocabulary]))
    if len(rows) < 2:
        raise DataError(f"{folder} has {len(rows)} photos that can be read; give at least 2, of different garments.")
    source = f"{len(rows):,} photos in {folder.resolve().name}"
    return sampled(np.stack(rows), kinds, tuple(engine.vocabulary), source, engine.fingerprint, seed)
