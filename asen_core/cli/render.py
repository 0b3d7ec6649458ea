"""The verb `render`: drawn garments with labels and marked regions."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asen_core.cli.console import JsonOption, emit, tell, tracked, write_picture

if TYPE_CHECKING:
    from asen_core.data.render import Rendered


class Words(StrEnum):
    """Whose attributes and values label the drawings."""

    default = "default"
    fashionai = "fashionai"


def render(
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures and tables.", show_default=False)],
    count: Annotated[int, typer.Option("--count", min=1, help="How many garments.")] = 48,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed draws the same garments.")] = 0,
    vocabulary: Annotated[
        Words, typer.Option("--vocabulary", help="Whose attributes and values the labels use.")
    ] = Words.default,
    sheet: Annotated[bool, typer.Option("--sheet", help="Only one picture of all of them: sheet.png.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Draw garments as product pictures, with labels and marked regions.

    Writes images/*.png, labels.csv and regions.csv: what [cyan]evaluate[/] and [cyan]index[/] read.

    [bold]Examples[/]

    [cyan]python -m asen_core render --out drawn/ --count 200[/]

    [cyan]python -m asen_core evaluate --labels drawn/labels.csv --images drawn/[/]

    [cyan]python -m asen_core render --out drawn/ --count 60 --seed 7 --sheet[/]
    """
    from asen_core.data.render import catalogue

    drawn = tracked(catalogue(count, seed, vocabulary=vocabulary.value), count, "Drawing garments")
    if sheet:
        from asen_core.draw import contact_sheet

        write_picture(out / "sheet.png", contact_sheet(r.pixels for r in drawn))
        tell(f"Drawn into {out / 'sheet.png'}.")
    else:
        _write(out, drawn, seed, vocabulary)
        tell(f"{count} garments drawn into {out / 'images'}; labels.csv and regions.csv beside it.")
    if as_json:
        emit({"out": str(out), "garments": count, "seed": seed, "vocabulary": vocabulary.value})


def _write(out: Path, drawn: Iterator[Rendered], seed: int, vocabulary: Words) -> None:
    from asen_core.data.labels import regions_of_masks, write_labels, write_regions
    from asen_core.data.render import FASHIONAI
    from asen_core.data.vocabulary import DEFAULT

    labels, regions = [], []
    for number, garment in enumerate(drawn):
        image = f"images/{seed}-{number:05d}.png"
        write_picture(out / image, garment.pixels)
        labels.append((image, garment.labels if vocabulary is Words.default else garment.fashionai))
        regions.append((image, regions_of_masks(garment.masks)))
    write_labels(out / "labels.csv", labels, tuple(DEFAULT if vocabulary is Words.default else FASHIONAI))
    write_regions(out / "regions.csv", regions)
