"""The verb `inshop`: in-shop clothes retrieval, and what reranking by an attribute does to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asen_core.cli.console import CheckpointOption, DeviceOption, JsonOption, emit, say


def inshop(
    listed: Annotated[
        Path, typer.Argument(metavar="LIST", help="The benchmark's list_eval_partition.txt.", show_default=False)
    ],
    images: Annotated[Path, typer.Option("--images", help="Folder that its image_name starts from.", show_default=False)],
    rerank: Annotated[
        list[str] | None,
        typer.Option("--rerank", metavar="ATTRIBUTE", help="Rerank by this attribute; repeat for more. Default: by each."),
    ] = None,
    first: Annotated[int, typer.Option("--first", metavar="N", min=1, help="How many photos are reranked.")] = 100,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="CSV: column image, one per attribute; counts equal values too.")
    ] = None,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Measure in-shop retrieval before and after reranking by attributes.

    Each query photo of the In-shop Clothes Retrieval benchmark is searched among
    all gallery photos: the share of queries with a photo of the same item among
    the first k, and MAP over items. Photos are ranked by the mean similarity over
    all attributes ("overall"), by each attribute alone, and with the first N
    overall put in an attribute's order.

    With [cyan]--labels[/]: how many of the first 10 that have a label share the
    query's value.

    [bold]Examples[/]

    [cyan]python -m asen_core inshop Eval/list_eval_partition.txt --images Img[/]

    [cyan]python -m asen_core inshop list.txt --images DIR --rerank neckline --first 50[/]

    [cyan]python -m asen_core inshop list.txt --images DIR --labels labels.csv --json[/]
    """
    from asen_core.data.inshop import read_inshop, with_labels
    from asen_core.data.labels import read_labels
    from asen_core.engine import Engine
    from asen_core.evaluation import InShopRetrieval, run

    found = read_inshop(listed, images)
    engine = Engine.open(checkpoint, device=device)
    if labels is not None:
        found = with_labels(found, read_labels(labels, images, tuple(engine.vocabulary)))
    measure = InShopRetrieval(engine.vocabulary, found, rerank, first)
    run(engine, [measure], progress=not as_json)
    report = measure.report()
    if as_json:
        emit({"checkpoint": engine.fingerprint, **report.to_dict()})
    else:
        say(*report.tables())
        if report.unanswerable:
            say(f"{report.unanswerable:,} queries show an item that the gallery lacks; the figures leave them out.")
