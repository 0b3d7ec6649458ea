"""The verbs `data check` and `data prepare`: the published benchmarks on disk."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from asen_core.cli.console import JsonOption, emit, say, tell, tracked
from asen_core.cli.data_shown import report_json, shown

data = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="The published benchmarks: what is there, what is missing, preparation."
)


class Benchmark(StrEnum):
    """Whose lists and photos."""

    FashionAI = "FashionAI"
    DARN = "DARN"
    DeepFashion = "DeepFashion"


class Photos(StrEnum):
    """How photos come into the prepared folder."""

    link = "link"
    copy = "copy"
    none = "none"


BenchmarkArgument = Annotated[
    Benchmark,
    typer.Argument(metavar="DATASET", help="FashionAI, DARN or DeepFashion.", case_sensitive=False, show_default=False),
]


@data.command()
def check(
    dataset: BenchmarkArgument,
    folder: Annotated[
        Path, typer.Option("--data", help="Folder that holds FashionAI/, DARN/ or DeepFashion/.", show_default=False)
    ],
    as_json: JsonOption = False,
) -> None:
    """Say which lists and photos of a benchmark are there, which are missing, and where each is obtained.

    Ends with code 0 only where everything is there and can be used.

    [bold]Examples[/]

    [cyan]python -m asen_core data check FashionAI --data data/[/]

    [cyan]python -m asen_core data check DeepFashion --data data/ --json[/]
    """
    from asen_core.data.official import check as examine

    report = examine(folder, dataset.value)
    if as_json:
        emit(report_json(report))
    else:
        say(*shown(report))
    if not report.complete:
        raise typer.Exit(1)


@data.command()
def prepare(
    dataset: BenchmarkArgument,
    raw: Annotated[Path, typer.Option("--raw", help="Folder with the downloads, zips or unzipped.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Folder to write DATASET/ and meta.json into.", show_default=False)],
    split: Annotated[
        Path | None, typer.Option("--split", help="Folder with the authors' lists. Default: a split of our own.")
    ] = None,
    photos: Annotated[
        Photos, typer.Option("--photos", help="link, copy, or none: they stay where they are, below OUT/DATASET.")
    ] = Photos.link,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of a split of our own.")] = 0,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="DARN only: drop the photos that can't be had, and list them.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the raw downloads of a benchmark into the authors' layout.

    FashionAI: the folders or zips with Annotations/label.csv and Images/.
    DARN: darn_url.txt, pic/, and the authors' lists or a list of labels
    (photo, then attribute and value pairs). DeepFashion: list_attr_cloth.txt,
    list_attr_img.txt, list_eval_partition.txt and img/ or img.zip.

    A run that was stopped goes on where it was when started again.

    [bold]Examples[/]

    [cyan]python -m asen_core data prepare FashionAI --raw dl/ --split lists/ --out data/[/]

    [cyan]python -m asen_core data prepare DARN --raw dl/ --split lists/ --out data/ --allow-missing[/]
    """
    from asen_core.data.official import Preparation
    from asen_core.data.official import check as examine
    from asen_core.data.official import prepare as write

    done = write(Preparation(dataset.value, raw, out, split, photos.value, seed, allow_missing), tracked)
    if split is None:
        tell(f"This is not the authors' split: it was made here with seed {seed}. Figures on it can't be compared with theirs.")
    if done.dropped:
        tell(
            f"Dropped, as they are not there: {len(done.dropped):,} listed photos; "
            f"{done.root / 'dropped_photos.txt'} names them."
        )
    if done.unused:
        tell(f"Left out, as they have no label or are in no list: {done.unused:,} photos of the download.")
    report = examine(out, dataset.value)
    if as_json:
        emit({"new_photos": done.new, "unused_photos": done.unused, **report_json(report)})
    else:
        say(*shown(report))
    if not report.complete:
        raise typer.Exit(1)
