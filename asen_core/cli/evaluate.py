"""The verb `evaluate`: the official protocols on labelled photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asen_core.cli.console import CheckpointOption, DeviceOption, JsonOption, emit, say

if TYPE_CHECKING:
    from asen_core.engine import Engine
    from asen_core.evaluation import AgainstGallery, Localisation, Retrieval


ImagesOption = Annotated[Path, typer.Option("--images", help="Folder that the `image` column starts from.", show_default=False)]
LabelsOption = Annotated[
    Path | None, typer.Option("--labels", help="CSV: column image, one column per attribute (empty: unknown).")
]
SplitOption = Annotated[str | None, typer.Option("--split", help="Only rows whose column `split` says this, such as test.")]
RegionsOption = Annotated[
    Path | None, typer.Option("--regions", help="CSV: image, region, x0, y0, x1, y1 (fractions); measures the heat map.")
]
AgainstOption = Annotated[
    bool, typer.Option("--against-gallery", help="Also search the gallery with the photos and count equal values.")
]
GalleryNameOption = Annotated[
    str, typer.Option("--gallery", help="Directory of the gallery for --against-gallery, or default: the shipped one.")
]


def evaluate(
    images: ImagesOption,
    labels: LabelsOption = None,
    split: SplitOption = None,
    regions: RegionsOption = None,
    against_gallery: AgainstOption = False,
    gallery: GalleryNameOption = "default",
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Measure a checkpoint on photos with known values.

    With [cyan]--labels[/]: 30 % of the photos (fixed by a hash of their names)
    are searched among the others; mean average precision (MAP) and recall
    per attribute, both means, and how often the value is read right.

    With [cyan]--regions[/]: how often the heat map's peak lies in the marked
    region, and how much of it the zoom covers.

    With [cyan]--against-gallery[/]: how many of the ten nearest garments of the
    gallery share the photo's neckline, sleeve or pattern.

    [bold]Examples[/]

    [cyan]python -m asen_core evaluate --labels labels.csv --images photos/[/]

    [cyan]python -m asen_core evaluate --regions regions.csv --images photos/ --json[/]

    [cyan]python -m asen_core evaluate --labels l.csv --images photos/ --against-gallery[/]
    """
    if labels is None and regions is None:
        raise typer.BadParameter("Give --labels or --regions, or both.", param_hint="--labels")
    if labels is None and against_gallery:
        raise typer.BadParameter("Comparing with a gallery needs --labels.", param_hint="--against-gallery")
    from asen_core.engine import Engine

    engine = Engine.open(checkpoint, None if gallery == "default" else Path(gallery), device)
    measures: dict[str, Retrieval | Localisation | AgainstGallery] = {}
    if labels is not None:
        measures |= _by_labels(engine, labels, images, split, against_gallery)
    if regions is not None:
        measures["localisation"] = _by_regions(engine, regions, images, split, labels)
    _measure(engine, measures, split, as_json)


def _measure(
    engine: Engine, measures: dict[str, Retrieval | Localisation | AgainstGallery], split: str | None, as_json: bool
) -> None:
    """Look at all photos once, then print."""
    from asen_core.evaluation import run

    run(engine, list(measures.values()), batch_size=16, progress=True)
    reports = {name: measure.report() for name, measure in measures.items()}
    if as_json:
        emit({"checkpoint": engine.fingerprint, "split": split, **{n: r.to_dict() for n, r in reports.items()}})
    else:
        say(*(report.table() for report in reports.values()))


def _by_labels(
    engine: Engine, labels: Path, images: Path, split: str | None, against_gallery: bool
) -> dict[str, Retrieval | AgainstGallery]:
    from asen_core.data.labels import read_labels
    from asen_core.evaluation import AgainstGallery, Retrieval
    from asen_core.evaluation.cross import ATTRIBUTES

    photos = read_labels(labels, images, tuple(engine.vocabulary), split)
    measures: dict[str, Retrieval | AgainstGallery] = {"retrieval": Retrieval(engine.vocabulary, photos)}
    if against_gallery:
        labelled = [a for a in ATTRIBUTES if any(a in p.labels for p in photos)]
        measures["gallery"] = AgainstGallery(engine, photos, labelled or ATTRIBUTES)
    return measures


def _by_regions(engine: Engine, regions: Path, images: Path, split: str | None, labels: Path | None) -> Localisation:
    from asen_core.data.labels import read_labels, read_regions
    from asen_core.evaluation import Localisation, photos_with_regions

    labelled = read_labels(labels, images, tuple(engine.vocabulary)) if labels is not None else []
    photos = photos_with_regions(read_regions(regions, split), images, labelled)
    return Localisation(engine.vocabulary, photos, by_label=labels is not None)
