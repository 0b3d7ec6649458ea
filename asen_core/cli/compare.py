"""The verb `compare`: two designs side by side, attribute by attribute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from asen_core.cli.console import CheckpointOption, DeviceOption, GalleryOption, JsonOption, emit, say
from asen_core.cli.look import view_json
from asen_core.errors import DataError
from asen_core.names import attribute_name, value_name

if TYPE_CHECKING:
    from asen_core.engine import Engine
    from asen_core.review.background import Background, Standing
    from asen_core.review.compare import Comparison, Feature, Likeness
    from asen_core.review.design import Design
    from asen_core.types import View

FROM_GALLERY = "gallery:"
OTHERS = "others"
STANDS_OUT = 99.0
"""Percent of pairs from which on an attribute is named as alike."""


def compare(
    first: Annotated[
        str, typer.Argument(metavar="FIRST", help="A photo, a folder of up to 7 photos, or gallery:ID.", show_default=False)
    ],
    second: Annotated[
        str, typer.Argument(metavar="SECOND", help="The design that it is compared with, given likewise.", show_default=False)
    ],
    weight: Annotated[
        list[str] | None,
        typer.Option("--weight", metavar="ATTRIBUTE=NUMBER", help="For the overall likeness, 1 each; others=0 for the rest."),
    ] = None,
    gallery: GalleryOption = None,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Compare two designs: how alike they are in each attribute, and how unusual that is.

    A design is one photo or a folder of up to seven photos of one garment; of
    several photos the closest pair counts. "Closer than" is the share of pairs
    of different garments that are less alike, of all kinds and of the kind that
    both are read as. "Mirrored" is the likeness with the first one's photos
    mirrored.

    [bold]Examples[/]

    [cyan]python -m asen_core compare mine.jpg theirs.jpg[/]

    [cyan]python -m asen_core compare mine/ theirs/ --weight neckline=2 --weight colour=0[/]

    [cyan]python -m asen_core compare shirt.jpg gallery:drawn-0-00012 --json[/]
    """
    given = weights_of(weight or [])
    from asen_core.engine import Engine
    from asen_core.review.background import of_gallery
    from asen_core.review.compare import compare as compared
    from asen_core.review.compare import shared_out
    from asen_core.review.relations import relations_of

    engine = Engine.open(checkpoint, gallery, device)
    background = of_gallery(engine.gallery)
    names = background.attributes
    weights = None if given is None else dict.fromkeys(names, given.pop(OTHERS, 1.0)) | given
    shared_out(weights, names)  # before anything is looked at
    photos = [photos_of(engine, text) for text in (first, second)]
    found = compared(*(_seen(engine, *p) for p in photos), background, weights)
    related = relations_of(found)
    if as_json:
        given_photos = [paths for paths, _ in photos]
        emit({**comparison_json(found, engine, background, given_photos), "photos_alike": related})
    else:
        say(_table(found), *sentences(found), *related)


def weights_of(pairs: Sequence[str]) -> dict[str, float] | None:
    """["neckline=2", "others=0"] as {"neckline": 2.0, "others": 0.0}; None where there are none. Raises: typer.BadParameter."""
    weights: dict[str, float] = {}
    for pair in pairs:
        name, equals, number = (part.strip() for part in pair.partition("="))
        try:
            weights[name] = float(number)
            good = bool(name and equals) and weights[name] >= 0 and math.isfinite(weights[name])
        except ValueError:
            good = False
        if not good:
            raise typer.BadParameter(
                f"{pair!r} is not ATTRIBUTE=NUMBER with a number of 0 or more; write for example --weight neckline=2.",
                param_hint="--weight",
            )
    return weights or None


def photos_of(engine: Engine, given: str) -> tuple[list[Path], str]:
    """The photos of a design given as a photo, a folder or gallery:ID, and its name.

    Raises: QueryError where the gallery has no such item; DataError for a folder without photos.
    """
    from asen_core.indexing.scan import is_photo

    if given.startswith(FROM_GALLERY):
        item = engine.gallery.item(given.removeprefix(FROM_GALLERY))
        return [engine.gallery.picture(item)], item.id
    path = Path(given)
    if not path.is_dir():
        return [path], path.stem
    photos = sorted(p for p in path.iterdir() if is_photo(p, path))
    if not photos:
        raise DataError(f"{path} holds no photo; give a photo, or a folder with 1 to 7 photos of one garment.")
    return photos, path.resolve().name


def _seen(engine: Engine, photos: Sequence[Path], name: str) -> Design:
    from asen_core.review.design import seen

    return seen(engine, photos, name)


def comparison_json(
    found: Comparison, engine: Engine, background: Background, photos: Sequence[Sequence[Path]]
) -> dict[str, Any]:
    """A comparison as plain JSON values; regions of interest in pixels of the upright photos."""
    designs = [_design_json(d, paths) for d, paths in zip((found.first, found.second), photos, strict=True)]
    rows = {}
    for name, feature in found.features.items():
        seen_at = zip(feature.shots, found.views(name), strict=True)
        sides = dict(zip(("first", "second"), ({"shot": i, **view_json(view)} for i, view in seen_at), strict=True))
        rows[name] = {**_likeness_json(feature), "applies": feature.applies, "weight": found.weights[name], **sides}
    return {
        "first": designs[0],
        "second": designs[1],
        "category": found.category or None,
        "attributes": rows,
        "weights": dict(found.weights),
        "overall": _likeness_json(found.overall),
        "summary": sentences(found),
        "background": {"source": background.source, "garments": background.garments, "pairs": len(background.any)},
        "checkpoint": engine.fingerprint,
        "gallery": {"folder": str(engine.gallery.directory), "checkpoint": engine.gallery.manifest.fingerprint},
    }


def _design_json(design: Design, photos: Sequence[Path]) -> dict[str, Any]:
    shots = [
        {"photo": str(p), "width": s.garment.width, "height": s.garment.height}
        for p, s in zip(photos, design.shots, strict=True)
    ]
    return {"name": design.name, "category": design.category or None, "photos": shots}


def _likeness_json(likeness: Likeness) -> dict[str, Any]:
    standings = {"standing": likeness.standing, "within": likeness.within}
    values = {"similarity": likeness.similarity, "mirrored": likeness.mirrored, "flipped": likeness.flipped}
    return values | {name: vars(standing) if standing else None for name, standing in standings.items()}


def sentences(found: Comparison) -> list[str]:
    """What a comparison shows, in plain words: what stands out, overall, mirrored, and what it was compared with."""
    lines = [_standing_out(found), _overall(found)]
    values = f"{found.overall.mirrored:.3f} instead of {found.overall.similarity:.3f}"
    if found.overall.flipped:
        lines.append(f"Mirrored, the first is clearly more alike: {values} overall.")
    else:
        lines.append(f"Mirroring the first does not make it clearly more alike ({values} overall).")
    return [*lines, f"The pairs are of {found.source}."]


def _standing_out(found: Comparison) -> str:
    features = [f for f in found.features.values() if f.applies]
    known = sorted((f for f in features if f.standing), key=lambda f: -f.standing.percent)
    if not known:
        return "There are no pairs of different garments to say how unusual this is."
    alike = [f for f in known if f.standing.percent >= STANDS_OUT]
    pairs = f"{known[0].standing.pairs:,} pairs of different garments"
    if not alike:
        first = known[0]
        return f"Unusually alike in nothing: most so in {_inside(first)}, closer than {_share(first.standing)} of {pairs}."
    if len(alike) == 1:
        return f"Alike in {_inside(alike[0])}, closer than {_share(alike[0].standing)} of {pairs}."
    named = [f"{_inside(f)} ({_share(f.standing)})" for f in alike]
    return f"Alike in {', '.join(named[:-1])} and {named[-1]}: closer than so many of {pairs}."


def _overall(found: Comparison) -> str:
    line = f"Overall likeness {found.overall.similarity:.3f}"
    if found.overall.standing:
        line += f", closer than {_share(found.overall.standing)} of pairs of all kinds"
    if found.overall.within:
        kind = value_name("category", found.category).lower()
        line += f" and {_share(found.overall.within)} of {found.overall.within.pairs:,} pairs of one kind ({kind})"
    return f"{line}."


def _table(found: Comparison) -> Table:
    table = Table("attribute", title=f"{found.first.name} and {found.second.name}", title_justify="left")
    for name in ("similarity", "mirrored", "closer than", "same kind", "weight"):
        table.add_column(name, justify="right")
    for design in (found.first, found.second):
        table.add_column(f"{design.name} is read as", overflow="fold")
    for name, feature in found.features.items():
        read = (_reading(view) for view in found.views(name)) if feature.applies else ("–", "–")
        table.add_row(attribute_name(name), *_figures(feature), f"{100 * found.weights[name]:.0f} %", *read)
    table.add_section()
    table.add_row("overall", *_figures(found.overall), "", "", "")
    return table


def _figures(likeness: Likeness) -> tuple[str, ...]:
    values = (f"{value:.3f}" for value in (likeness.similarity, likeness.mirrored))
    return *values, _share(likeness.standing), _share(likeness.within)


def _reading(view: View) -> str:
    return f"{value_name(view.condition, view.reading.value)} ({view.reading.probability:.2f})" if view.reading else "–"


def _share(standing: Standing | None) -> str:
    """Rounded down, so that no figure is flattered."""
    return "–" if standing is None else f"{math.floor(standing.percent * 10 + 1e-9) / 10:.1f} %"


def _inside(feature: Feature) -> str:
    return attribute_name(feature.attribute).lower()
