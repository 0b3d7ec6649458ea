"""The verbs `figure ...`: attention, regions and spaces drawn for print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asen_core.cli.console import CheckpointOption, DeviceOption, JsonOption, VerbGroup, emit, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asen_core.cli.figure_photos import Wanted
    from asen_core.draw.page import Page, Paper
    from asen_core.engine import Engine

figure = typer.Typer(cls=VerbGroup, no_args_is_help=True, rich_markup_mode="rich")

PhotosArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="PHOTOS", help="Picture files, and folders with pictures.", show_default=False)
]
OutOption = Annotated[Path, typer.Option("--out", help="File to write: .pdf, .png or .webp.", show_default=False)]
AttributesOption = Annotated[
    list[str] | None,
    typer.Option("--attributes", metavar="A,B", help="Only these, in this order; repeat it or use commas. Default: all."),
]
DatasetOption = Annotated[str | None, typer.Option("--dataset", help="Photos of FashionAI, DARN or DeepFashion.")]
SplitOption = Annotated[
    str | None, typer.Option("--split", help="Part of the dataset: train, valid or test (default); of --labels: its column.")
]
DataOption = Annotated[Path | None, typer.Option("--data", help="Folder that holds the dataset's folder.")]
CountOption = Annotated[int | None, typer.Option("--count", min=1, help="Only so many, drawn with --seed.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The same seed draws the same figure.")]
WidthOption = Annotated[float, typer.Option("--width", min=2, max=200, help="Of the figure, in cm.")]
HeightOption = Annotated[float, typer.Option("--height", min=2, max=200, help="Of a PDF's page at most, in cm.")]
DpiOption = Annotated[int, typer.Option("--dpi", min=30, max=1200, help="Pixels per inch of pictures.")]


@figure.callback(epilog="Each explains itself: [cyan]python -m asen_core figure tsne --help[/].")
def _about() -> None:
    """Draw figures for print: heat maps, zoomed regions, maps of spaces.

    The ending of the file says what it becomes: a PDF with text as text and
    as many pages as it takes, or one picture. The same line writes the same bytes.

    [bold]Examples[/]

    [cyan]python -m asen_core figure attention photos/ --attributes neckline,sleeve --out attention.pdf[/]

    [cyan]python -m asen_core figure rois photos/ --out rois.pdf[/]

    [cyan]python -m asen_core figure tsne --out spaces.pdf[/]
    """


@figure.command()
def attention(
    out: OutOption,
    photos: PhotosArgument = None,
    attributes: AttributesOption = None,
    rois: Annotated[bool, typer.Option("--rois", help="Frame the region that is zoomed into.")] = False,
    dataset: DatasetOption = None,
    split: SplitOption = None,
    data: DataOption = None,
    count: CountOption = None,
    seed: SeedOption = 0,
    width: WidthOption = 18,
    height: HeightOption = 24,
    dpi: DpiOption = 200,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Draw where the model looks: a row per photo, a heat map per attribute.

    Below each map: the value read and how sure the model is of it.

    [bold]Examples[/]

    [cyan]python -m asen_core figure attention a.jpg b.jpg --out attention.pdf[/]

    [cyan]python -m asen_core figure attention photos/ --attributes neckline,sleeve --rois --out attention.png[/]

    [cyan]python -m asen_core figure attention --dataset FashionAI --data data/ --count 6 --out attention.pdf[/]
    """
    from asen_core.cli.figure_photos import Wanted, require_attention, require_zoom, seen
    from asen_core.draw.attention import attention_pages, cell_width

    paper = _paper(out, width, height, dpi)
    engine, names, paths = _opened(Wanted(photos or [], dataset, split, data, count, seed), attributes, checkpoint, device)
    require_zoom(engine) if rois else require_attention(engine)
    cell = cell_width(paper, names)
    looked = seen(engine, paths, names, round(3 * cell / 2.54 * dpi))
    _finish(attention_pages(looked, names, paper, rois), out, {"photos": len(paths), "attributes": names}, as_json)


@figure.command()
def rois(
    out: OutOption,
    photos: PhotosArgument = None,
    attributes: AttributesOption = None,
    columns: Annotated[int, typer.Option("--columns", min=1, help="Photos side by side.")] = 8,
    dataset: DatasetOption = None,
    split: SplitOption = None,
    data: DataOption = None,
    count: CountOption = None,
    seed: SeedOption = 0,
    width: WidthOption = 18,
    height: HeightOption = 24,
    dpi: DpiOption = 200,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Draw what the model zooms into: a column per photo, a strip per attribute.

    [bold]Examples[/]

    [cyan]python -m asen_core figure rois photos/ --out rois.pdf[/]

    [cyan]python -m asen_core figure rois a.jpg b.jpg --attributes neckline,sleeve --width 8.5 --out rois.png[/]
    """
    from asen_core.cli.figure_photos import Wanted, require_zoom, zoomed
    from asen_core.draw.strips import cell_width, strip_pages

    paper = _paper(out, width, height, dpi)
    engine, names, paths = _opened(Wanted(photos or [], dataset, split, data, count, seed), attributes, checkpoint, device)
    require_zoom(engine)
    cell = cell_width(paper, min(columns, len(paths)), names)
    strips = zoomed(engine, paths, names, round(3 * cell / 2.54 * dpi))
    _finish(strip_pages(strips, names, paper, columns), out, {"photos": len(paths), "attributes": names}, as_json)


@figure.command()
def tsne(
    out: OutOption,
    gallery: Annotated[Path | None, typer.Option("--gallery", help="A gallery. Default: the shipped one.")] = None,
    labels: Annotated[Path | None, typer.Option("--labels", help="Labelled photos: a CSV as evaluate reads it.")] = None,
    images: Annotated[Path | None, typer.Option("--images", help="Folder that the CSV's column image starts from.")] = None,
    dataset: DatasetOption = None,
    split: SplitOption = None,
    data: DataOption = None,
    attributes: AttributesOption = None,
    pictures: Annotated[bool, typer.Option("--pictures", help="Photos at their points where they don't overlap.")] = False,
    count: Annotated[int | None, typer.Option("--count", min=1, help="At most so many per attribute, drawn.")] = None,
    seed: SeedOption = 0,
    columns: Annotated[int | None, typer.Option("--columns", min=1, max=4, help="Panels side by side.")] = None,
    width: WidthOption = 18,
    height: HeightOption = 24,
    dpi: DpiOption = 200,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Draw attributes' spaces in two dimensions (t-SNE): near is alike.

    Marked by the known value, never by what the model reads. Of a gallery,
    of labelled photos, or of a published dataset; photos without a label of
    an attribute are not in its panel, except a gallery's.

    [bold]Examples[/]

    [cyan]python -m asen_core figure tsne --attributes neckline --pictures --out neckline.pdf[/]

    [cyan]python -m asen_core figure tsne --labels labels.csv --images photos/ --split test --out spaces.png[/]

    [cyan]python -m asen_core figure tsne --dataset FashionAI --data data/ --count 500 --out spaces.pdf[/]
    """
    from asen_core.cli.figure_spaces import Labelled, gallery_clouds, labelled_clouds
    from asen_core.draw.scatter import scatter_pages

    _one_source(gallery, labels, dataset, images, data)
    if labels is None and dataset is None:
        for given, name in ((checkpoint, "--checkpoint"), (split, "--split")):
            if given is not None:
                raise typer.BadParameter(
                    "A gallery keeps its own vectors; this goes with --labels or --dataset.", param_hint=name
                )
    paper, named = _paper(out, width, height, dpi), _names(attributes)
    if labels is None and dataset is None:
        clouds = gallery_clouds(gallery, named, count, seed, pictures)
    else:
        from asen_core.engine import Engine

        wanted = Labelled(labels, images, dataset, data, split, count, seed, pictures)
        clouds = labelled_clouds(Engine.open(checkpoint, device=device), wanted, named)
    drawn = {c.attribute: len(c.labels) for c in clouds}
    _finish(scatter_pages(clouds, paper, columns), out, {"garments": drawn, "seed": seed}, as_json)


def _one_source(gallery: Path | None, labels: Path | None, dataset: str | None, images: Path | None, data: Path | None) -> None:
    """Raises: typer.BadParameter where the options name two sources, or half of one."""
    if sum(given is not None for given in (gallery, labels, dataset)) > 1:
        raise typer.BadParameter("Give one of --gallery, --labels and --dataset, not several.")
    for first, second, name in ((labels, images, "--labels and --images"), (dataset, data, "--dataset and --data")):
        if (first is None) != (second is None):
            raise typer.BadParameter(f"{name} go together; give both.")


def _names(attributes: list[str] | None) -> tuple[str, ...] | None:
    """["a,b", "c"] as ("a", "b", "c"), each once; None for all."""
    names = [name.strip() for given in attributes or [] for name in given.split(",")]
    return tuple(dict.fromkeys(filter(None, names))) or None


def _paper(out: Path, width: float, height: float, dpi: int) -> Paper:
    """The paper that suits the file: only a PDF has pages. Raises: AsenError for an unknown ending."""
    from asen_core.draw.page import Paper, check_name

    check_name(out)
    return Paper(width, height if out.suffix.lower() == ".pdf" else None, dpi)


def _opened(
    wanted: Wanted, attributes: list[str] | None, checkpoint: Path | None, device: str
) -> tuple[Engine, tuple[str, ...], list[Path]]:
    """The photos are looked for first: that is quick, and most likely wrong."""
    from asen_core.cli.figure_photos import known_names, photo_paths
    from asen_core.engine import Engine

    paths = photo_paths(wanted)
    engine = Engine.open(checkpoint, device=device)
    return engine, known_names(engine, _names(attributes)), paths


def _finish(pages: Sequence[Page], out: Path, drawn: dict[str, object], as_json: bool) -> None:
    from asen_core.draw.page import write

    write(pages, out)
    if as_json:
        emit({"figure": str(out), "pages": len(pages), **drawn})
    else:
        tell(f"Drawn: {out}" + (f" ({len(pages)} pages)." if len(pages) > 1 else "."))
