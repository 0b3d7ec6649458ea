"""What the service answers, made of our nouns."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING

from asen_core.gallery import Gallery
from asen_core.review.background import Standing
from asen_core.review.compare import Comparison
from asen_core.types import Box, Item, Matches, View, Where
from asen_core.ui import api_types as say
from asen_core.ui import names
from asen_core.ui.stage import address
from asen_core.ui.studio import Studio

if TYPE_CHECKING:
    from asen_core.engine import Engine

VALUES = 100
"""How many values of a label are counted for a caller."""


def attributes(studio: Studio) -> say.Attributes:
    """What the model knows."""
    offered = set(studio.attributes)
    return say.Attributes(
        attributes=[
            say.Attribute(name=a, title=names.attribute_name(a), values=list(values), searchable=a in offered)
            for a, values in studio.engine.vocabulary.items()
        ]
    )


def contents(gallery: Gallery, where: Where | None) -> say.Contents:
    """What a gallery holds, of garments that pass a filter. Raises: QueryError for an unknown label."""
    counts = gallery.facets(where)
    labels = {
        label: say.Label(numeric=column.numeric, counts=dict(islice(counts.get(label, {}).items(), VALUES)))
        for label, column in gallery.columns.items()
    }
    return say.Contents(garments=len(gallery), passing=gallery.store.count(where), labels=labels)


def seen(view: View, attention: bool = False) -> say.Seen:
    """A photo under one attribute."""
    grid = say.Attention(rows=[[round(v, 6) for v in row] for row in view.attention.tolist()], region=_region(covered(view)))
    return say.Seen(
        attribute=view.condition,
        readings=[say.Value(value=r.value, probability=round(float(r.probability), 4)) for r in view.readings],
        region=_region(view.roi),
        peak=[round(v, 1) for v in view.peak],
        attention=grid if attention else None,
    )


def covered(view: View) -> Box:
    """What the attention map spans, in pixels of the upright photo."""
    return view.frame.to_photo(Box(0, 0, view.frame.size, view.frame.size))


def found(engine: Engine, matches: Matches, views: Mapping[str, View], root: str) -> say.Found:
    """What a search found. views: of the photo, under the attributes that it was asked with; root: the page's address."""
    alone = matches.condition if len(views) == 1 else ""
    hits = [
        say.Hit(
            rank=rank,
            id=hit.item.id,
            similarity=round(hit.similarity, 6),
            percentile=round(hit.percentile, 4),
            alike={alone: round(hit.similarity, 6)} if alone else _alike(engine, views, hit.item),
            labels=dict(hit.item.labels),
            picture=root + address(engine.gallery.picture(hit.item)),
            region=_region(hit.item.rois[alone], 4) if alone in hit.item.rois else None,
            before=hit.before,
        )
        for rank, hit in enumerate(matches, 1)
    ]
    return say.Found(hits=hits, searched=matches.searched, asked=[seen(view) for view in views.values()])


def _alike(engine: Engine, views: Mapping[str, View], item: Item) -> dict[str, float]:
    return {attribute: round(similarity, 6) for attribute, similarity in engine.alike(views, item).items()}


def compared(comparison: Comparison) -> say.Compared:
    """Two photos side by side."""
    pairs = {a: [v.reading.value if v.reading else None for v in comparison.views(a)] for a in comparison.features}
    return say.Compared(
        similarity=round(comparison.overall.similarity, 6),
        percentile=_percent(comparison.overall.standing),
        attributes=[
            say.Likeness(
                attribute=a, similarity=round(f.similarity, 6), percentile=_percent(f.standing), first=pairs[a][0],
                second=pairs[a][1], applies=f.applies,
            )
            for a, f in comparison.features.items()
        ],
        against=comparison.source,
    )  # fmt: skip


def _percent(standing: Standing | None) -> float | None:
    return None if standing is None else round(standing.percent, 4)


def _region(box: Box, digits: int = 1) -> say.Region:
    x0, y0, x1, y1 = (round(float(v), digits) for v in box)
    return say.Region(x0=x0, y0=y0, x1=x1, y1=y1)
