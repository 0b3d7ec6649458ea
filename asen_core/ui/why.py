"""Why a pair matches, for the page: an explanation map beside the attention, and the attributes by how well they explain it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from asen_core import draw
from asen_core.errors import QueryError
from asen_core.review.background import Background
from asen_core.review.explain import Reason, Saliency, ranked, saliency
from asen_core.types import Garment, View
from asen_core.ui import names
from asen_core.ui.query import Explain
from asen_core.ui.scratch import save_photo
from asen_core.ui.stage import address

if TYPE_CHECKING:
    from asen_core.engine import Engine
    from asen_core.ui.desk import Desk

SHOWN = 5


@dataclass(frozen=True, eq=False)
class Why:
    """What was found for one attribute, how alike the two are in it, and the first photo under attention and explanation."""

    found: Saliency
    similarity: float
    reasons: tuple[Reason, ...]
    attention: Path
    explanation: Path


def explain(
    engine: Engine, first: np.ndarray, second: np.ndarray, reference: View, background: Background
) -> tuple[Saliency, tuple[Reason, ...]]:
    """The map of the first photo for its likeness to the second under the reference's attribute, and the ranked attributes.

    first, second: (H, W, 3) uint8.
    """
    one, other = Garment(first), Garment(second)
    return saliency(engine, one, reference), ranked(engine, one, other, background)


def explained(desk: Desk, way: Explain, background: Background, data: Mapping[str, Any]) -> Desk:
    """The desk with an explanation of one attribute. data: attribute. Raises: QueryError."""
    found, attribute = desk.comparison, data.get("attribute")
    if found is None or not isinstance(attribute, str) or attribute not in found.features:
        raise QueryError("There is nothing to explain yet; give a photo of each design and choose an attribute.")
    i, j = found.features[attribute].shots
    first, second = found.first.shots[i], found.second.shots[j]
    match, reasons = way(first.garment.pixels, second.garment.pixels, second.views[attribute], background)
    folder = desk.sides[0][i].query.folder
    pictures = {
        "attention": draw.overlaid(first.garment.pixels, first.views[attribute]),
        "explanation": draw.tinted(first.garment.pixels, match.strength),
    }
    paths = {
        name: save_photo(Image.fromarray(pixels), folder / f"why-{attribute}-{name}.jpg") for name, pixels in pictures.items()
    }
    return replace(desk, why=Why(match, found.features[attribute].similarity, reasons, **paths))


def why(shown: Why | None) -> str:
    """The explanation as HTML; empty where none was asked for."""
    if shown is None:
        return ""
    name = escape(names.attribute_name(shown.found.attribute).lower())
    pictures = "".join(
        f'<figure><img src="{address(path)}" alt="First design: {said.lower()}, for {name}">'
        f"<figcaption>{said}</figcaption></figure>"
        for path, said in (
            (shown.attention, "Attention: where the model looks"),
            (shown.explanation, "Explanation: what the likeness rests on"),
        )
    )
    bars = "".join(_reason(r, first=i == 0) for i, r in enumerate(shown.reasons[:SHOWN]))
    return (
        f'<h3>Why they are {shown.similarity:z.2f} alike in {name}</h3><div class="maps">{pictures}</div>'
        '<div class="because"><p>What explains the match, over all attributes, best first</p>'
        f'<ol class="bars">{bars}</ol></div><p class="footing">The explanation hides parts of the first photo at random and '
        "measures how the likeness to the second falls; attention alone is no explanation. The order follows how alike they "
        "are in each attribute and, a little, how well its own region agrees with the explanation.</p>"
    )


def _reason(reason: Reason, first: bool) -> str:
    return (
        f'<li class="{"first" if first else ""}"><div><span>{escape(names.attribute_name(reason.attribute))}</span>'
        f'<span>{reason.score:z.2f}</span></div><i style="--p:{min(max(reason.score, 0.0), 1.0):.4f}"></i></li>'
    )
