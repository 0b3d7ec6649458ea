"""The verb `train`: from a recipe to a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asen_core.cli.console import DeviceOption, JsonOption, emit, tell


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            help="A shipped recipe (compact, or a baseline: pooled, general, csn, asen, asen_pp), or the path of a .toml file.",
            show_default=False,
        ),
    ],
    data: Annotated[Path, typer.Option("--data", help="Folder with the photos and their label files.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Folder for the checkpoint and what resuming needs.", show_default=False)],
    fresh: Annotated[
        bool, typer.Option("--fresh/--resume", help="Start again, or go on after the last finished epoch in --out.")
    ] = False,
    trunk: Annotated[
        Path | None, typer.Option("--trunk", help="Pretrained MobileNetV2 (safetensors). Default: as the recipe says.")
    ] = None,
    start: Annotated[
        Path | None, typer.Option("--start", help="Go on from this checkpoint, not from a pretrained trunk.")
    ] = None,
    images: Annotated[
        int | None, typer.Option("--images", min=1, help="Photos that the run sees in all. Default: as the recipe says.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of every random draw. Default: as the recipe says.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="COLLECTION",
            help="Train on its photos alone (and rendered garments), such as products; repeatable.",
        ),
    ] = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Train a model by a recipe; stopped at any time, the same line goes on where it was.

    The folder of [cyan]--data[/] holds products/, clothing_photos/ and
    clothing_attributes/, each with labels.csv and images/, and beside them
    garment_labels.csv and regions.csv. Rendered garments are drawn on the way.

    [bold]Examples[/]

    [cyan]python -m asen_core train compact --data photos/ --out runs/first[/]

    [cyan]python -m asen_core train mine.toml --data photos/ --out runs/second --fresh[/]
    """
    from asen_core import training

    changed = images is not None or seed is not None or only
    plan = training.load_recipe(recipe, images, seed, only or ()) if changed else recipe
    checkpoint = training.run(plan, data, out, device, fresh, trunk, start)
    if as_json:
        emit({"checkpoint": str(checkpoint)})
    tell(f"Trained. Look with it: python -m asen_core look photo.jpg --checkpoint {checkpoint}")
