"""The verb `train`: from a recipe to a checkpoint."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from asen_core.cli.console import DeviceOption, JsonOption, emit, tell


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            help="A shipped recipe (compact, fashionai; as published: paper_fashionai, paper_darn, paper_deepfashion; a "
            "baseline: pooled, general, csn, asen, asen_pp), or the path of a .toml file.",
            show_default=False,
        ),
    ],
    data: Annotated[Path, typer.Option("--data", help="Folder with the photos and their label files.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Folder for the checkpoint and what resuming needs.", show_default=False)],
    fresh: Annotated[
        bool, typer.Option("--fresh/--resume", help="Start again, or go on where the run in --out was last saved.")
    ] = False,
    dataset: Annotated[
        str,
        typer.Option("--dataset", help="Learn this benchmark: FashionAI, DARN or DeepFashion. Default: as the recipe says."),
    ] = "",
    trunk: Annotated[
        Path | None, typer.Option("--trunk", help="Pretrained trunk: MobileNetV2, or the ResNet-50 of a paper recipe.")
    ] = None,
    local_trunk: Annotated[
        Path | None, typer.Option("--local-trunk", help="Pretrained ResNet-34 of a paper recipe's local branch.")
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
    rendered: Annotated[
        int | None, typer.Option("--rendered", min=0, help="Garments drawn beside the photos. Default: as the recipe says.")
    ] = None,
    precision: Annotated[str, typer.Option("--precision", help="bf16, fp16 (on a GPU) or float32.")] = "bf16",
    micro_batch: Annotated[
        int, typer.Option("--micro-batch", min=0, help="Triplets that a process takes at once; 0 for all of a step.")
    ] = 0,
    save_minutes: Annotated[
        float, typer.Option("--save-minutes", min=0, help="How often the state is saved within an epoch.")
    ] = 10.0,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Train a model by a recipe; stopped at any time, the same line goes on where it was.

    The folder of [cyan]--data[/] holds products/, clothing_photos/ and
    clothing_attributes/, each with labels.csv and images/, and beside them
    garment_labels.csv and regions.csv. Rendered garments are drawn on the way.
    With a benchmark it holds FashionAI/, DARN/ or DeepFashion/ in the authors'
    layout. Several processes, one per GPU, are started by torchrun.

    [bold]Examples[/]

    [cyan]python -m asen_core train compact --data photos/ --out runs/first[/]

    [cyan]python -m asen_core train mine.toml --data photos/ --out runs/second --fresh[/]

    [cyan]torchrun --nproc-per-node 2 -m asen_core train paper_fashionai --data data/ --out runs/paper[/]
    """
    from asen_core import training

    if start is not None and (trunk or local_trunk):
        raise typer.BadParameter("A checkpoint brings its trunks; give --start or --trunk, not both.", param_hint="--start")
    given = (images, seed, rendered) != (None, None, None) or only or dataset
    plan = training.load_recipe(recipe, images, seed, only or (), dataset, rendered) if given else recipe
    begin = training.Begin(trunk, local_trunk, start)
    effort = training.Effort(precision, micro_batch, save_minutes)
    checkpoint = training.run(plan, data, out, device, fresh, begin, effort)
    if int(os.environ.get("RANK", "0")):
        return  # of several processes, one speaks
    if as_json:
        emit({"checkpoint": str(checkpoint)})
    tell(f"Trained. Look with it: python -m asen_core look photo.jpg --checkpoint {checkpoint}")
