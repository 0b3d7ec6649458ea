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


class Layout(StrEnum):
    """Whose files the drawings are laid out in."""

    FashionAI = "FashionAI"
    DARN = "DARN"
    DeepFashion = "DeepFashion"


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
    layout: Annotated[
        Layout | None,
        typer.Option("--layout", case_sensitive=False, help="Write a published benchmark's files; --count: test."),
    ] = None,
    train: Annotated[
        int | None, typer.Option("--train", min=5, help="With --layout: garments to train on (default: 1.5 x test).")
    ] = None,
    valid: Annotated[
        int | None, typer.Option("--valid", min=5, help="With --layout: garments to validate on (default: test / 6).")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="With --layout: processes (default: one a core).")
    ] = None,
    sheet: Annotated[bool, typer.Option("--sheet", help="Only one picture of all of them: sheet.png.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Draw garments as product pictures, with labels and marked regions.

    Writes images/*.png, labels.csv and regions.csv: what [cyan]evaluate[/] and [cyan]index[/] read.

    With [cyan]--layout[/]: a benchmark's own lists, folders and meta.json, and
    regions.csv. FashionAI: 8 attributes and 54 values ("Invisible" among them) in
    its proportions, one label a photo. DARN and DeepFashion: several labels a
    photo, the renderer's words as values. A stopped run goes on where it was.

    [bold]Examples[/]

    [cyan]python -m asen_core render --out drawn/ --count 200[/]

    [cyan]python -m asen_core evaluate --labels drawn/labels.csv --images drawn/[/]

    [cyan]python -m asen_core render --out drawn/ --count 60 --seed 7 --sheet[/]

    [cyan]python -m asen_core render --layout FashionAI --out data/ --count 600[/]
    """
    _require_layout(layout, {"--train": train, "--valid": valid, "--workers": workers})
    if layout is not None:
        if sheet or vocabulary is not Words.default:
            raise typer.BadParameter("A layout has its own files and vocabulary.", param_hint="--layout")
        sizes = {"train": train or count * 3 // 2, "valid": valid or max(count // 6, 5), "test": count}
        _lay_out(out, layout.value, sizes, seed, workers)
        if as_json:
            emit({"out": str(out), "layout": layout.value, **sizes, "seed": seed})
        return
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


def _require_layout(layout: Layout | None, given: dict[str, int | None]) -> None:
    for name, value in given.items():
        if layout is None and value is not None:
            raise typer.BadParameter("This needs --layout.", param_hint=name)


def _lay_out(out: Path, dataset: str, sizes: dict[str, int], seed: int, workers: int | None) -> None:
    from asen_core.data.layout import Sizes, write_layout

    wanted = Sizes(**sizes)
    steps = write_layout(out, dataset, wanted, seed, workers)
    for _ in tracked((one for step in steps for one in range(step)), wanted.whole, "Drawing garments"):
        pass
    tell(f"{wanted.whole} garments laid out as {dataset} is in {out}: {', '.join(f'{n} {s}' for s, n in sizes.items())}.")


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
