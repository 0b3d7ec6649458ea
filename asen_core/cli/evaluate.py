"""The verb `evaluate`: the official protocols on labelled photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asen_core.cli.console import CheckpointOption, DeviceOption, JsonOption, emit, say, tell, write_picture

if TYPE_CHECKING:
    from rich.console import RenderableType

    from asen_core.cli.measures import Asked

ImagesOption = Annotated[
    Path | None, typer.Option("--images", help="Folder that the `image` column starts from.", show_default=False)
]
LabelsOption = Annotated[
    Path | None,
    typer.Option("--labels", help="CSV: column image, one per attribute (empty: unknown); or a folder as train reads it."),
]
SplitOption = Annotated[
    str | None, typer.Option("--split", help="Only rows whose column `split` says this; of a benchmark: test or valid.")
]
DatasetOption = Annotated[
    str | None, typer.Option("--dataset", help="A published benchmark in --data: FashionAI, DARN or DeepFashion.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder that holds FashionAI/, DARN/ or DeepFashion/ with lists and photos.")
]
WorkOption = Annotated[
    Path | None,
    typer.Option("--work", help="Folder that keeps a benchmark's vectors. Default: the user's cache, emptied at the end."),
]
RegionsOption = Annotated[
    Path | None, typer.Option("--regions", help="CSV: image, region, x0, y0, x1, y1 (fractions); measures the heat map.")
]
AgainstOption = Annotated[
    bool, typer.Option("--against-gallery", help="Also search the gallery with the photos and count equal values.")
]
GalleryNameOption = Annotated[
    str, typer.Option("--gallery", help="Directory of the gallery to search, or default: the shipped one.")
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column", metavar="COLUMN:ATTRIBUTE", help="A label column in words of its own, searched in this attribute's space."
    ),
]
ValuesOption = Annotated[bool, typer.Option("--values", help="Print each value below its attribute (JSON always has them).")]
RobustnessOption = Annotated[
    bool, typer.Option("--robustness", help="Change the photos and count the gallery's neighbours that stay.")
]
RobustnessPhotosOption = Annotated[int, typer.Option("--robustness-photos", min=1, help="At most so many, drawn evenly.")]
FigureOption = Annotated[
    Path | None, typer.Option("--figure-reliability", help="Draw the read-out's reliability curve: PNG, WebP or JPEG.")
]


def evaluate(
    images: ImagesOption = None,
    labels: LabelsOption = None,
    split: SplitOption = None,
    column: ColumnOption = None,
    values: ValuesOption = False,
    regions: RegionsOption = None,
    against_gallery: AgainstOption = False,
    robustness: RobustnessOption = False,
    robustness_photos: RobustnessPhotosOption = 200,
    gallery: GalleryNameOption = "default",
    figure_reliability: FigureOption = None,
    dataset: DatasetOption = None,
    data: DataOption = None,
    work: WorkOption = None,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Measure a checkpoint on photos with known values, or on a benchmark.

    With [cyan]--labels[/]: 30 % of the photos (fixed by a hash of their names)
    are searched among the others; mean average precision (MAP) with its
    interval and recall per attribute, both means, how often the value is read
    right and whether the model is as sure as it is right. Where the photos are of
    several datasets: the same by dataset and across them.

    With [cyan]--column[/]: columns whose words the checkpoint doesn't know.

    With [cyan]--regions[/]: how often the heat map's peak lies in the marked
    region, and how much of it the zoom covers.

    With [cyan]--against-gallery[/]: how many of the ten nearest garments of the
    gallery share the photo's neckline, sleeve or pattern.

    With [cyan]--robustness[/]: how many of the ten nearest garments are still
    among the first thirty for a mirrored, turned, cropped, recoloured,
    darkened or repacked photo, or on another background.

    With [cyan]--dataset[/]: the published protocol. Each attribute's queries are
    searched among all its candidates, exactly; MAP per attribute, over queries
    (micro, the papers' total MAP) and over attributes (macro). A query without
    a relevant candidate counts as 0 here, and not at all with --labels. Stopped,
    it goes on where it was.

    [bold]Examples[/]

    [cyan]python -m asen_core evaluate --labels labels.csv --images photos/[/]

    [cyan]python -m asen_core evaluate --regions regions.csv --images photos/ --json[/]

    [cyan]python -m asen_core evaluate --labels l.csv --images photos/ --robustness[/]

    [cyan]python -m asen_core evaluate --labels l.csv --images photos/ --column plaid:pattern[/]

    [cyan]python -m asen_core evaluate --dataset FashionAI --split test --data data/[/]
    """
    if dataset is not None or data is not None:
        others = (images, labels, column, regions, figure_reliability, against_gallery, robustness, gallery != "default")
        _benchmark((dataset, split, data), (checkpoint, None, device), work, values, as_json, any(others))
        return
    if work is not None:
        raise typer.BadParameter("This needs --dataset.", param_hint="--work")
    if images is None:
        raise typer.BadParameter(
            "Give the folder of the photos, or a benchmark with --dataset and --data.", param_hint="--images"
        )
    if labels is None and regions is None:
        raise typer.BadParameter("Give --labels or --regions, or both.", param_hint="--labels")
    for given, name in (
        (against_gallery, "--against-gallery"),
        (column, "--column"),
        (figure_reliability, "--figure-reliability"),
    ):
        if given and labels is None:
            raise typer.BadParameter("This needs --labels.", param_hint=name)
    from asen_core.cli.measures import Asked

    columns, changed = parse_columns(column or []), robustness_photos if robustness else 0
    asked = Asked(images, labels, split, regions, columns, against_gallery, changed)
    _measure(asked, (checkpoint, None if gallery == "default" else Path(gallery), device), values, figure_reliability, as_json)


def _benchmark(
    source: tuple[str | None, str | None, Path | None],
    opened: tuple[Path | None, Path | None, str],
    work: Path | None,
    values: bool,
    as_json: bool,
    others: bool,
) -> None:
    """Check the options, then rank. others: whether options of labelled photos are given. Raises: typer.BadParameter."""
    dataset, split, data = source
    if dataset is None or data is None:
        raise typer.BadParameter("A benchmark needs both --dataset and --data.", param_hint="--dataset")
    if others:
        raise typer.BadParameter(
            "A benchmark brings its own photos, labels and regions; only --split, --values and --work go with it.",
            param_hint="--dataset",
        )
    from asen_core.cli.protocol import measure

    measure((dataset, split or "test", data), opened, work, values, as_json)


def _measure(
    asked: Asked, opened: tuple[Path | None, Path | None, str], values: bool, figure: Path | None, as_json: bool
) -> None:
    """Look at all photos once, then print. opened: checkpoint, gallery and device."""
    from asen_core.cli.measures import measures
    from asen_core.engine import Engine
    from asen_core.evaluation import run

    engine = Engine.open(*opened)
    chosen = measures(engine, asked)
    run(engine, list(chosen.values()), batch_size=16, progress=True)
    reports = {name: report for name, measure in chosen.items() if (report := measure.report()) is not None}
    if as_json:
        emit({"checkpoint": engine.fingerprint, "split": asked.split, **{n: r.to_dict() for n, r in reports.items()}})
    else:
        say(*(_table(report, values) for report in reports.values()))
    if figure is not None:  # last, so that a place that can't be written costs no figures
        _draw(figure, reports)


def parse_columns(pairs: list[str]) -> dict[str, str]:
    """["plaid:pattern"] as {"plaid": "pattern"}. Raises: typer.BadParameter."""
    columns: dict[str, str] = {}
    for pair in pairs:
        name, colon, attribute = (part.strip() for part in pair.rpartition(":"))
        if not (name and colon and attribute):
            raise typer.BadParameter(f"{pair!r} is not COLUMN:ATTRIBUTE, such as plaid:pattern.", param_hint="--column")
        if name in columns:
            raise typer.BadParameter(f"The column {name} is given twice; give each once.", param_hint="--column")
        columns[name] = attribute
    return columns


def _table(report: Any, values: bool) -> RenderableType:
    from asen_core.evaluation import ColumnsReport, Report

    return report.table(values) if isinstance(report, Report | ColumnsReport) else report.table()


def _draw(path: Path, reports: dict[str, Any]) -> None:
    from asen_core.evaluation import reliability_picture

    if "calibration" in reports:
        write_picture(path, reliability_picture(reports["calibration"]))
        tell(f"Reliability curve drawn into {path}.")
    else:
        tell(f"{path} is not drawn: nothing was read, so there is no curve.")
