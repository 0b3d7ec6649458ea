"""The verb `explain`: where two photos are alike in one attribute, and which attributes explain the match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from asen_core.cli.console import CheckpointOption, DeviceOption, GalleryOption, JsonOption, emit, say, tell, write_picture
from asen_core.names import attribute_name

if TYPE_CHECKING:
    import numpy as np

    from asen_core.review.explain import Reason, Saliency
    from asen_core.types import Garment, View


def explain(
    first: Annotated[Path, typer.Argument(metavar="FIRST", help="The photo that is explained.", show_default=False)],
    second: Annotated[Path, typer.Argument(metavar="SECOND", help="The photo that it is alike.", show_default=False)],
    attribute: Annotated[str, typer.Argument(metavar="ATTRIBUTE", help="In which respect, e.g. neckline.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--out", help="Draw both photos with attention and explanation side by side into this file.")
    ] = None,
    method: Annotated[str, typer.Option("--method", help="masks (random ones) or occlusion (a sliding window).")] = "masks",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random masks.")] = 0,
    rank: Annotated[bool, typer.Option("--rank/--no-rank", help="Also say which attributes explain the match.")] = True,
    gallery: GalleryOption = None,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Explain why two photos match in one attribute.

    Parts of each photo are hidden at random, and each place is credited with
    the likeness that is left where it is shown. Attention says where the model
    looks; this says what the likeness rests on. The attributes are ranked by
    how alike they are and, a little, by whether their own region bears the
    likeness; how unusual that is stands beside it.

    [bold]Examples[/]

    [cyan]python -m asen_core explain mine.jpg theirs.jpg neckline[/]

    [cyan]python -m asen_core explain mine.jpg theirs.jpg sleeve --out why.png[/]

    [cyan]python -m asen_core explain mine.jpg theirs.jpg pattern --no-rank --json[/]
    """
    from asen_core.engine import Engine
    from asen_core.images import load
    from asen_core.review.background import of_gallery
    from asen_core.review.explain import ranked, saliency

    garments = [load(path) for path in (first, second)]
    engine = Engine.open(checkpoint, gallery, device)
    views = [seen[attribute] for seen in engine.views(garments, [attribute], 2)]
    maps = [saliency(engine, g, v, method, seed=seed) for g, v in zip(garments, reversed(views), strict=True)]
    reasons = ranked(engine, *garments, of_gallery(engine.gallery), seed=seed) if rank else ()
    if out is not None:
        write_picture(out, sheet(garments, views, maps))
        tell(f"Drawn into {out}.")
    if as_json:
        names = (str(first), str(second))
        photos = [_map_json(name, g, m) for name, g, m in zip(names, garments, maps, strict=True)]
        common = {"attribute": attribute, "similarity": maps[0].similarity, "method": method, "seed": seed}
        emit({**common, "photos": photos, "reasons": [_reason_json(r) for r in reasons]})
        return
    for path, garment, explained in zip((first, second), garments, maps, strict=True):
        x, y = peak(explained.map, garment)
        say(
            f"{path.name}: the likeness in {attribute_name(attribute).lower()} rests most on the place around {x:.0f}, {y:.0f}."
        )
    say(f"Similarity {maps[0].similarity:.3f}.", *([_table(reasons)] if reasons else []))


def sheet(garments: Sequence[Garment], views: Sequence[View], maps: Sequence[Saliency]) -> np.ndarray:
    """(H, W, 3) uint8: a row per photo with the photo and its region, its attention, and what explains the likeness."""
    from asen_core import draw
    from asen_core.cli.sheet import CELL, captioned

    def cells() -> Iterator[np.ndarray]:
        for garment, view, explained in zip(garments, views, maps, strict=True):
            small, near = draw.shrunk(garment, {view.condition: view}, 2 * CELL)
            shown = near[view.condition]
            yield captioned(draw.framed(small, shown.roi), attribute_name(view.condition))
            yield captioned(draw.overlaid(small, shown), "where the model looks")
            yield captioned(draw.tinted(small, explained.strength), "what explains it")

    return draw.contact_sheet(cells(), columns=3, cell=CELL)


def peak(values: np.ndarray, garment: Garment) -> tuple[float, float]:
    """(x, y) in pixels of the photo: the middle of the greatest cell of a map (h, w) that lies over the whole of it."""
    row, column = divmod(int(values.argmax()), values.shape[1])
    return (column + 0.5) * garment.width / values.shape[1], (row + 0.5) * garment.height / values.shape[0]


def _map_json(name: str, garment: Garment, explained: Saliency) -> dict[str, Any]:
    x, y = peak(explained.map, garment)
    rows = [[round(float(v), 5) for v in row] for row in explained.map]
    return {"photo": name, "width": garment.width, "height": garment.height, "peak": [round(x, 1), round(y, 1)], "map": rows}


def _reason_json(reason: Reason) -> dict[str, Any]:
    standing = reason.standing
    told = {"percent": standing.percent, "pairs": standing.pairs} if standing else None
    facts = {"score": reason.score, "similarity": reason.similarity, "agreement": reason.agreement}
    return {"attribute": reason.attribute, **facts, "standing": told}


def _table(reasons: Sequence[Reason]) -> Table:
    table = Table("Attribute", "Score", "Alike", "Closer than", "Region agrees", title="What explains the match, best first")
    for reason in reasons:
        closer = f"{reason.standing.percent:.1f} % of pairs" if reason.standing else "not known"
        figures = (f"{reason.score:.2f}", f"{reason.similarity:.3f}", closer, f"{reason.agreement:.2f}")
        table.add_row(attribute_name(reason.attribute), *figures)
    return table
