"""The verb `search`: the nearest garments of the gallery in one respect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from asen_core.cli.console import CheckpointOption, DeviceOption, GalleryOption, JsonOption, emit, say
from asen_core.cli.look import view_json

if TYPE_CHECKING:
    from asen_core.engine import Engine
    from asen_core.types import Match, Matches, View


WhereOption = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="LABEL=VALUE", help="Only garments with this label; repeat for more (same label: either)."),
]
BetaOption = Annotated[
    float | None,
    typer.Option("--beta", min=0, max=1, help="Weight of the whole garment against the zoom, 0 to 1. Default: as trained."),
]
RerankOption = Annotated[
    int | None,
    typer.Option("--rerank", metavar="N", min=1, help="Order only the N garments most alike overall.", show_default=False),
]


def search(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A picture file: JPEG, PNG, WebP, ...", show_default=False)],
    attribute: Annotated[
        str, typer.Argument(metavar="ATTRIBUTE", help="What to compare, such as neckline or sleeve.", show_default=False)
    ],
    k: Annotated[int, typer.Option("-k", min=1, help="How many garments at most.")] = 20,
    where: WhereOption = None,
    rerank: RerankOption = None,
    least: Annotated[float | None, typer.Option("--least", min=-1, max=1, help="Smallest similarity, -1 to 1.")] = None,
    beta: BetaOption = None,
    gallery: GalleryOption = None,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Find the garments of a gallery that are most alike in one attribute.

    Similarity is a cosine, 1 at most; "unusual" is the share of the gallery's
    own pairs that are less alike.

    With [cyan]--rerank N[/], the N garments that are most alike in all attributes
    together are put in the order of this one; "overall" is that likeness and
    "before" the place that it gave.

    [bold]Examples[/]

    [cyan]python -m asen_core search shirt.jpg neckline[/]

    [cyan]python -m asen_core search shirt.jpg pattern -k 5 --where category=dress[/]

    [cyan]python -m asen_core search shirt.jpg pattern --where colour=blue --where colour=navy[/]

    [cyan]python -m asen_core search shirt.jpg neckline --rerank 100[/]

    [cyan]python -m asen_core search shirt.jpg sleeve --least 0.8 --json[/]
    """
    wanted = parse_where(where or [])
    from asen_core.engine import Engine

    engine = Engine.open(checkpoint, gallery, device)
    views = engine.look(photo, [attribute] if rerank is None else None)
    limits = {"k": k, "where": wanted or None, "beta": beta, "least": least}
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


def _print(engine: Engine, view: View, matches: Matches) -> None:
    if view.reading:
        say(f"{view.condition}: {view.reading.value} ({view.reading.probability:.2f})")
    if len(matches):
        say(_table(engine, view.condition, matches))
    elif not matches.searched:
        say("No garment of the gallery passes the filters: correct or drop a --where.")
    else:
        among = matches.searched if matches.reranked is None else matches.reranked
        say(f"Nothing close enough among {among} garments: lower --least or drop a --where.")


def parse_where(pairs: list[str]) -> dict[str, list[str]]:
    """["colour=navy", "colour=blue"] as {"colour": ["navy", "blue"]}. Raises: typer.BadParameter where there is no "="."""
    wanted: dict[str, list[str]] = {}
    for pair in pairs:
        label, equals, value = (part.strip() for part in pair.partition("="))
        if not (label and equals and value):
            raise typer.BadParameter(
                f"{pair!r} is not LABEL=VALUE; write for example --where colour=blue.", param_hint="--where"
            )
        wanted.setdefault(label, []).append(value)
    return wanted


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
