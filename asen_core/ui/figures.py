"""What a comparison measured, as HTML: a sentence, the overall line with weights, a row per attribute."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from asen_core.review.background import Standing
from asen_core.review.compare import Comparison, Feature, Likeness
from asen_core.types import View
from asen_core.ui import names
from asen_core.ui.desk import Desk
from asen_core.ui.stage import UNSURE, address
from asen_core.ui.why import why

SIDES = ("First design", "Second design")
CLEARER = 0.05
"""By how much the mirrored photo must be more alike to be worth a word."""
RARE = 99.0
"""Percentile from which an attribute is named in the sentence above the figures."""
MEASURED = "These are measurements, not a judgement: what they mean is for you to say."
PERHAPS = "perhaps "
_TOOLS = (
    '<div class="tools"><label class="opacity"><span>Heat map</span><input type="range" min="0" max="100" step="1" value="70" '
    'aria-label="Heat map opacity"></label><button type="button" class="plain" data-do="explain">Explain</button>'
    '<button type="button" class="plain" data-do="pack">Evidence pack</button></div>'
)
_COLUMN = '<th scope="col" role="columnheader">{}</th>'


def striking(found: Comparison) -> str:
    """The attribute in which the two are most unusually alike."""
    return max(found.features, key=lambda a: (_share(found.features[a].standing), found.features[a].similarity))


def figures(desk: Desk) -> str:
    """The middle of the tab for a desk with a comparison."""
    found = desk.comparison
    assert found is not None
    chosen, kind = striking(found), found.category
    columns = ["First", "Attribute, and what is read", "Alike", "Closer than, of any two garments", "Second"]
    if kind:
        columns.insert(4, f"Of two of one kind ({escape(names.kind_name(kind))})")
    widths = "".join(f'<col class="{w}">' for w in ("crop", "", "score", "any", *(["any"] if kind else []), "crop"))
    rows = "".join(_row(desk, found, a, a == chosen) for a in found.features)
    head = "".join(map(_COLUMN.format, columns))
    return (
        f'<div class="said" role="status"><p>{sentence(found)}</p>{copied(desk.relations)}</div>{weighing(found, desk.weights)}'
        f'{_TOOLS}<div class="why">{why(desk.why)}</div><table class="features" role="table"><caption>Every attribute</caption>'
        f'<colgroup>{widths}</colgroup><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{rows}</tbody></table>{_footing(found)}'
    )


def sentence(found: Comparison) -> str:
    """What stands out, in plain words; figures only."""
    rare = sorted((f for f in found.features.values() if _share(f.standing) >= RARE), key=lambda f: -_share(f.standing))
    if rare:
        parts = "; ".join(f"<b>{_name(f)}</b>, {names.closer(f.standing)}" for f in rare[:3] if f.standing)
        said = f"Alike in {parts}{f'; and in {len(rare) - 3} more' if len(rare) > 3 else ''}."
    else:
        best = found.features[striking(found)]
        figure = names.closer(best.standing) if best.standing else f"{best.similarity:z.2f} alike"
        said = f"No attribute stands out; the nearest is <b>{_name(best)}</b>, {figure}."
    turned = [_name(f) for f in found.features.values() if _clearer(f)]
    if _clearer(found.overall):
        means = f"{found.overall.mirrored:z.2f} instead of {found.overall.similarity:z.2f}"
        return f"{said} Mirrored, the first design is closer overall: {means}."
    return f"{said} Mirrored, it is closer in {', '.join(turned)}." if turned else f"{said} Mirrored, it is no closer."


def copied(relations: tuple[str, ...]) -> str:
    """What the photos themselves say of each other, beside the model's figures."""
    return f'<p class="copied">{escape(" ".join(relations))}</p>' if relations else ""


def overall(found: Comparison) -> str:
    """The weighted mean of the attributes, as one line."""
    mean = found.overall
    by = "all attributes weigh alike" if len({round(w, 6) for w in found.weights.values()}) == 1 else "with your weights"
    said = "; ".join(names.closer(s) for s in (mean.standing, mean.within) if s)
    return f"<p><b>{mean.similarity:z.2f}</b> alike overall <small>({by})</small>{', ' + escape(said) if said else ''}</p>"


def weighing(found: Comparison, weights: Mapping[str, float]) -> str:
    """The overall line and, folded, a slider per attribute."""
    sliders = "".join(
        f'<label><span>{escape(names.attribute_name(a))}</span><input type="range" min="0" max="5" step="0.5" '
        f'data-weight="{escape(a)}" value="{weights.get(a, 1.0):g}"><output>{weights.get(a, 1.0):g}</output></label>'
        for a in found.features
    )
    return (
        f'<div class="overall"><div class="mean" role="status">{overall(found)}</div><details class="weights">'
        '<summary>Weights</summary><div class="sliders" role="group" aria-label="Weight of each attribute in the overall '
        f'figure">{sliders}</div><button type="button" class="plain" data-do="even">Weigh all alike</button></details></div>'
    )


def _row(desk: Desk, found: Comparison, attribute: str, chosen: bool) -> str:
    feature, (i, j) = found.features[attribute], found.features[attribute].shots
    name = escape(names.attribute_name(attribute))
    first, second = (
        f'<td role="cell" class="crop"><img src="{address(side[n].query.crops[attribute])}" loading="lazy" '
        f'alt="{name} of the {said.lower()}"></td>'
        for side, n, said in zip(desk.sides, (i, j), SIDES, strict=True)
    )
    within = _cell(feature.within) if found.category else ""
    turned = f"<small>{feature.mirrored:z.2f} mirrored</small>" if _clearer(feature) else ""
    return (
        f'<tr role="row" data-attribute="{escape(attribute)}" data-shots="{i},{j}" class="{"chosen" if chosen else ""}">{first}'
        f'<th scope="row" role="rowheader"><button type="button" aria-pressed="{str(chosen).lower()}">{name}</button>'
        f"<small>{escape(read(*found.views(attribute)))}</small></th>"
        f'<td role="cell" class="score"><b>{feature.similarity:z.2f}</b>{turned}</td>'
        f"{_cell(feature.standing)}{within}{second}</tr>"
    )


def read(first: View, second: View) -> str:
    """The values that the model reads in both, one word where they are the same."""
    if first.reading is None or second.reading is None:
        return "not named by this model"
    a, b = _value(first), _value(second)
    if a != b:
        return f"{a} · {b}"
    return f"{PERHAPS}both {a.removeprefix(PERHAPS)}" if a.startswith(PERHAPS) else f"both {a}"


def _value(view: View) -> str:
    if view.reading is None:
        return ""
    said = names.value_name(view.condition, view.reading.value)
    return said if view.reading.probability >= UNSURE else PERHAPS + said


def _cell(found: Standing | None) -> str:
    if found is None:
        return '<td role="cell" class="any"><small>no such pairs</small></td>'
    share, pairs = names.standing(found)
    kind = '<small class="kindly"> of one kind</small>' if found.category else ""
    strong = ' class="rare"' if found.percent >= RARE else ""
    return (
        f'<td role="cell" class="any"><span class="spoken">closer than </span><b{strong}>{share}</b> '
        f"<small>{pairs}</small>{kind}"
        f'<i style="--p:{found.percent / 100:.4f}"></i></td>'
    )


def _footing(found: Comparison) -> str:
    kinds = [names.kind_name(d.category) for d in (found.first, found.second)]
    apart = f" The two are read as different kinds ({' and '.join(kinds)}), so there is no figure within one kind."
    several = max(len(found.first.shots), len(found.second.shots)) > 1
    views = " With several views the closest two count; the percentages allow for that." if several else ""
    return (
        '<p class="footing">The percentages say how many pairs of different garments are less alike; the pairs come from '
        f"{escape(found.source)}.{escape(apart) if all(kinds) and not found.category else ''}{views} <b>{MEASURED}</b></p>"
    )


def _clearer(found: Likeness) -> bool:
    return found.mirrored > found.similarity + CLEARER


def _name(feature: Feature) -> str:
    return escape(names.attribute_name(feature.attribute).lower())


def _share(found: Standing | None) -> float:
    return found.percent if found else -1.0
