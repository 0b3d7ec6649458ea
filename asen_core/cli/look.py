"""The verb `look`: what the model sees on one photo."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from asen_core.cli.console import CheckpointOption, DeviceOption, JsonOption, emit, say, tell, write_picture

if TYPE_CHECKING:
    from asen_core.types import View


def look(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A picture file: JPEG, PNG, WebP, ...", show_default=False)],
    attribute: Annotated[
        list[str] | None, typer.Option("--attribute", "-a", help="Only this attribute; repeat for several. Default: all.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also draw heat map, region of interest and zoom per attribute into this file.")
    ] = None,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Show what the model reads on a photo, and where it looks for it.

    Per attribute: the most probable value, its probability, the region of
    interest (x0, y0, x1, y1) and the peak of the attention (x, y), in pixels
    of the upright photo.

    [bold]Examples[/]

    [cyan]python -m asen_core look shirt.jpg[/]

    [cyan]python -m asen_core look shirt.jpg -a neckline -a sleeve --out sheet.png[/]

    [cyan]python -m asen_core look shirt.jpg --json[/]
    """
    from asen_core.engine import Engine
    from asen_core.images import load

    garment = load(photo)
    views = Engine.open(checkpoint, device=device).look(garment, attribute or None)
    if out is not None:
        from asen_core.cli.sheet import sheet

        write_picture(out, sheet(garment, views))
        tell(f"Drawn into {out}.")
    if as_json:
        views_json = {name: view_json(view) for name, view in views.items()}
        emit({"photo": str(photo), "width": garment.width, "height": garment.height, "attributes": views_json})
    else:
        say(_table(views))


def view_json(view: View) -> dict[str, Any]:
    """The readings, region and peak of a view as plain JSON values."""
    readings = [{"value": r.value, "probability": float(r.probability)} for r in view.readings]
    first = readings[0] if readings else {"value": None, "probability": None}
    place = {"roi": [float(v) for v in view.roi], "peak": [float(v) for v in view.peak]}
    return {**first, **place, "readings": readings}


def _table(views: Mapping[str, View]) -> Table:
    table = Table("attribute", "value")
    for name in ("probability", "region of interest", "peak"):
        table.add_column(name, justify="right")
    for name, view in views.items():
        value, probability = (view.reading.value, f"{view.reading.probability:.2f}") if view.reading else ("–", "–")
        roi, peak = (", ".join(f"{v:.0f}" for v in numbers) for numbers in (view.roi, view.peak))
        table.add_row(name, value, probability, roi, peak)
    return table
