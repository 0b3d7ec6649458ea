"""The verb `search`: the nearest garments of the gallery in one respect, or in several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from asen_core.cli.asked import parse_weights, parse_where
from asen_core.cli.console import CheckpointOption, DeviceOption, GalleryOption, JsonOption, emit, say
from asen_core.cli.look import view_json

if TYPE_CHECKING:
    from asen_core.engine import Engine
    from asen_core.types import Match, Matches, View


WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="LABEL=VALUE",
        help="Only garments with this label, or numbers within LABEL=10..50; repeat for more (same label: either).",
    ),
]
BetaOption = Annotated[
    float | None,
    typer.Option("--beta", min=0, max=1, help="Weight of the whole garment against the zoom, 0 to 1. Default: as trained."),
]
UnlikeOption = Annotated[
    list[str] | None,
    typer.Option("--unlike", metavar="ATTRIBUTE", help="An attribute in which garments shall differ; repeat for more."),
]
RerankOption = Annotated[
    int | None,
    typer.Option("--rerank", metavar="N", min=1, help="Order only the N garments most alike overall.", show_default=False),
]


def search(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A picture file: JPEG, PNG, WebP, ...", show_default=False)],
    attribute: Annotated[
        str,
        typer.Argument(metavar="ATTRIBUTE", help="What to compare: neckline, or neckline=0.7,sleeve=0.3.", show_default=False),
    ],
    k: Annotated[int, typer.Option("-k", min=1, help="How many garments at most.")] = 20,
    where: WhereOption = None,
    unlike: UnlikeOption = None,
    rerank: RerankOption = None,
    least: Annotated[float | None, typer.Option("--least", min=-1, max=1, help="Smallest similarity, -1 to 1.")] = None,
    beta: BetaOption = None,
    gallery: GalleryOption = None,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Find the garments of a gallery that are most alike in one attribute, or in several.

    Similarity is a cosine, 1 at most; "unusual" is the share of the gallery's
    own pairs that are less alike. Of several attributes it is the weighted mean,
    from which [cyan]--unlike[/] takes something away.

    With [cyan]--rerank N[/], the N garments that are most alike in all attributes
    together are put in the order of this one; "overall" is that likeness and
    "before" the place that it gave.

    [bold]Examples[/]

    [cyan]python -m asen_core search shirt.jpg neckline[/]

    [cyan]python -m asen_core search shirt.jpg pattern -k 5 --where category=dress[/]

    [cyan]python -m asen_core search shirt.jpg pattern --where colour=blue --where colour=navy[/]

    [cyan]python -m asen_core search shirt.jpg pattern --where price=10..50[/]

    [cyan]python -m asen_core search shirt.jpg neckline=0.7,sleeve=0.3[/]

    [cyan]python -m asen_core search shirt.jpg neckline --unlike sleeve --unlike pattern[/]

    [cyan]python -m asen_core search shirt.jpg neckline --rerank 100[/]

    [cyan]python -m asen_core search shirt.jpg sleeve --least 0.8 --json[/]
    """
    weights, other, wanted = parse_weights(attribute), unlike or [], parse_where(where or [])
    mixed = bool(other) or len(weights) > 1
    if mixed and rerank is not None:
        raise typer.BadParameter("It orders by one attribute; leave it out, or name one.", param_hint="--rerank")
    from asen_core.engine import Engine

    engine = Engine.open(checkpoint, gallery, device)
    limits = {"k": k, "where": wanted or None, "beta": beta, "least": least}
    if mixed:
        _mix(engine, photo, weights, other, limits, as_json)
        return
    (attribute,) = weights
    views = engine.look(photo, [attribute] if rerank is None else None)
    if rerank is None:
        matches = engine.search(views[attribute], attribute, **limits)
    else:
        matches = engine.rerank(views, attribute, rerank, **limits)
    if as_json:
        hits = [_hit_json(engine, rank, match) for rank, match in enumerate(matches, 1)]
        query = {"photo": str(photo), "attribute": attribute, "read": view_json(views[attribute])}
        reranked = {} if rerank is None else {"reranked": matches.reranked}
        emit({**query, "searched": matches.searched, **reranked, "hits": hits})
    else:
        _print(engine, views[attribute], matches)


def _mix(
    engine: Engine, photo: Path, weights: dict[str, float], unlike: list[str], limits: Mapping[str, Any], as_json: bool
) -> None:
    """Search with several attributes and print what was found."""
    views = engine.look(photo, list(dict.fromkeys([*weights, *unlike])))
    matches = engine.mix(views, weights, unlike, **limits)
    each = [engine.alike(views, match.item) for match in matches]
    if as_json:
        read = {name: view_json(view) for name, view in views.items()}
        query = {"photo": str(photo), "weights": weights, "unlike": unlike, "read": read}
        hits = [{**_hit_json(engine, rank, m), "alike": a} for rank, (m, a) in enumerate(zip(matches, each, strict=True), 1)]
        emit({**query, "searched": matches.searched, "hits": hits})
    elif len(matches):
        say(_mixed_table(engine, matches, each, list(views)))
    else:
        _say_nothing(matches, f"{matches.condition}: ")


def _print(engine: Engine, view: View, matches: Matches) -> None:
    if view.reading:
        say(f"{view.condition}: {view.reading.value} ({view.reading.probability:.2f})")
    if len(matches):
        say(_table(engine, view.condition, matches))
    else:
        _say_nothing(matches)


def _say_nothing(matches: Matches, what: str = "") -> None:
    """Why there is no hit, and what helps."""
    if not matches.searched:
        say("No garment of the gallery passes the filters: correct or drop a --where.")
    else:
        among = matches.searched if matches.reranked is None else matches.reranked
        helps = "lower --least, drop a --where or an --unlike" if what else "lower --least or drop a --where"
        say(f"{what}Nothing close enough among {among} garments: {helps}.")


def _hit_json(engine: Engine, rank: int, match: Match) -> dict[str, Any]:
    figures = {"similarity": float(match.similarity), "percentile": float(match.percentile)}
    item = {"id": match.item.id, "image": str(engine.gallery.picture(match.item)), "labels": dict(match.item.labels)}
    moved = {} if match.before is None else {"before": match.before, "overall": match.overall}
    return {"rank": rank, **figures, **moved, **item}


def _table(engine: Engine, attribute: str, matches: Matches) -> Table:
    of = f"{len(matches)} of {matches.searched} garments"
    title = f"{of}, nearest first"
    if matches.reranked is not None:
        title = f"{of}: the {matches.reranked} most alike overall, nearest in {attribute} first"
    table = Table(title=title, title_justify="left")
    reranked = ("before", "overall") if matches.reranked is not None else ()
    for name in ("", *reranked, "similarity", "unusual"):
        table.add_column(name, justify="right")
    for name in ("garment", attribute, "category", "picture"):
        table.add_column(name, overflow="fold")
    for rank, match in enumerate(matches, 1):
        labels = (match.item.labels.get(name, "–") for name in (attribute, "category"))
        moved = (str(match.before), f"{match.overall:.3f}") if reranked else ()
        figures = (str(rank), *moved, f"{match.similarity:.3f}", f"{match.percentile:.1f} %")
        table.add_row(*figures, match.item.id, *labels, str(engine.gallery.picture(match.item)))
    return table


def _mixed_table(engine: Engine, matches: Matches, each: Sequence[Mapping[str, float]], names: Sequence[str]) -> Table:
    """each: per hit, attribute -> its cosine."""
    title = f"{len(matches)} of {matches.searched} garments: {matches.condition}"
    table = Table(title=title, title_justify="left")
    for name in ("", "similarity", "unusual", *names):
        table.add_column(name, justify="right")
    for name in ("garment", "category", "picture"):
        table.add_column(name, overflow="fold")
    for rank, (match, alike) in enumerate(zip(matches, each, strict=True), 1):
        figures = (str(rank), f"{match.similarity:.3f}", f"{match.percentile:.1f} %", *(f"{alike[a]:.2f}" for a in names))
        table.add_row(*figures, match.item.id, match.item.labels.get("category", "–"), str(engine.gallery.picture(match.item)))
    return table
