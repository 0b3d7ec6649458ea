"""What a comparison shows, in sentences that need no knowledge of the product."""

from __future__ import annotations

import math
from collections.abc import Sequence

from asen_core.names import attribute_name, value_name
from asen_core.review.background import Standing
from asen_core.review.compare import Comparison, Feature, Likeness
from asen_core.review.evidence.pair import Decision, instant

STANDS_OUT = 99.0
"""Percent of pairs from which a feature is named as alike."""
TURNED = 0.02
"""How much closer the mirrored first design has to be, to be pointed out."""
FEW = 500
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"
)  # fmt: skip

MEANS = (
    "<b>Similarity</b> tells how near two garments lie in one feature, in the way a trained model measures it. It runs from "
    "-1 to 1; 1 means that the model can't tell them apart in this feature.",
    "<b>Closer than 99.6 % of pairs</b> tells how unusual that is: out of every 1,000 pairs of different garments taken at "
    "random from a collection, 996 are less alike than these two, and 4 are at least as close by chance. “Same kind” compares "
    "only with pairs in which both garments are of that kind, such as two dresses.",
    "<b>Mirrored</b> is the similarity after left and right of the first design were exchanged.",
)
MEANS_NOT = (
    "<b>A similarity is a measurement, not a judgement on copyright.</b> Whether a design is protected, and whether one was "
    "made after the other, is for people to decide, with more than these figures.",
    "It doesn't tell which of the two came first, nor why they are alike: basic cuts, a season's fashion or the same way of "
    "taking photos make garments alike too.",
    "The model can be wrong. The pages that follow show where it looked, so that you can judge with your own eyes.",
)
METHOD = (
    "A neural network turns each photo into a list of numbers per feature; the similarity is the cosine of two such lists. "
    "The same was done with pairs of different garments from a collection, which shows how alike garments are by chance. Of "
    "several photos of a design the nearest pair of photos counts, and the share of pairs allows for that."
)
KEPT = (
    "Photos that are JPEG files of up to 20 MB lie in this document byte for byte, with all that is stored in them; other "
    "formats are shown as copies. Letters that the typeface lacks stand as numbers such as [U+4E2D]; the data file has the "
    "names as they are. Made again from the same files, dates and names by the same program, this document is the same to "
    "the byte."
)


def closer(standing: Standing | None) -> str:
    """'closer than 99.6 % of 40,000 pairs'; rounded down, so that no figure is flattered."""
    if standing is None:
        return "no pairs to compare with"
    if standing.percent < 0.1:
        return f"closer than hardly any of {standing.pairs:,} pairs"
    return f"closer than {share(standing)} of {standing.pairs:,} pairs"


def share(standing: Standing | None) -> str:
    """'99.6 %', rounded down; 'all' only where no pair is closer; a dash where there is nothing to compare with."""
    return "–" if standing is None else percent(standing.percent)


def percent(value: float) -> str:
    """99.64 as '99.6 %', rounded down; 'all' for 100, '< 0.1 %' for next to none."""
    if value < 0.1:
        return "< 0.1 %"
    return "all" if value >= 100 else f"{math.floor(value * 10 + 1e-9) / 10:.1f} %"


def kind_of(category: str) -> str:
    """The name of a kind of garment inside a sentence."""
    name = value_name("category", category)
    return name if name[:2].isupper() or name[1:2] == "-" else name.lower()


def inside(attribute: str) -> str:
    """The name of a feature inside a sentence."""
    name = attribute_name(attribute)
    return name[:1].lower() + name[1:]


def summary(found: Comparison, relations: Sequence[str] = (), decisions: Sequence[Decision] = ()) -> tuple[str, ...]:
    """The page that a hurried reader reads: overall, features that stand out, mirrored, copies, decisions."""
    by = sorted(found.features.values(), key=lambda f: -_percent(f))
    lines = [_overall(found), _standing_out(by), _turned(found.overall, by)]
    lines += [f"Found by comparing the photos themselves: {_stopped(r)}" for r in relations]
    return (*lines, *(decided(d) for d in decisions))


def decided(decision: Decision) -> str:
    """'Decided “alike” by A. Smith, 31 January 2026, 10:00 UTC.'"""
    about = f" in {inside(decision.about)}" if decision.about else ""
    note = f" Note: {_stopped(decision.note)}" if decision.note else ""
    return f"Decided “{decision.verdict}”{about} by {decision.by or 'someone unnamed'}, {moment(decision.at)}.{note}"


def moment(iso: str) -> str:
    """2026-01-31T10:00:00Z as '31 January 2026, 10:00 UTC'. Raises: QueryError."""
    at = instant(iso)
    seconds = f":{at.second:02d}" if at.second else ""
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at.hour:02d}:{at.minute:02d}{seconds} UTC"


def listed(names: Sequence[str]) -> str:
    """'a, b and c'."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def of_kind(likeness: Likeness) -> str:
    """The sentence on pairs of the same kind; empty where the designs are read as different kinds."""
    if likeness.within is None:
        return ""
    few = f" Only {likeness.within.pairs} such pairs are known: a rough figure." if likeness.within.pairs < FEW else ""
    kind = kind_of(likeness.within.category)
    return f"Among pairs of the same kind ({kind}) they are {closer(likeness.within)}.{few}"


def _overall(found: Comparison) -> str:
    used = [a for a, w in found.weights.items() if w > 0]
    weighed = "all features together"
    if len(used) < len(found.weights) or max(found.weights.values()) - min(found.weights.values()) > 1e-9:
        weighed = "features weighed as " + listed([f"{inside(a)} {found.weights[a] * 100:.0f} %" for a in used])
    start = f"With {weighed}, the two designs have a similarity of {found.overall.similarity:.3f}"
    if found.overall.standing is None:
        return f"{start}; there are no pairs of other garments to compare with."
    alone = f"No other pairs of that kind ({kind_of(found.category)}) are known." if found.category else ""
    return f"{start}: {closer(found.overall.standing)} of different garments. {of_kind(found.overall) or alone}".strip()


def _standing_out(by: Sequence[Feature]) -> str:
    alike = [f for f in by if _percent(f) >= STANDS_OUT]
    least = f"They are least alike in {inside(by[-1].attribute)} (closer than {share(by[-1].standing)})." if len(by) > 1 else ""
    if by and by[0].standing is None:
        return f"The highest similarity is that of {inside(max(by, key=lambda f: f.similarity).attribute)}."
    if alike:
        named = listed([f"{inside(f.attribute)} ({share(f.standing)})" for f in alike])
        return f"Alike in {named}: closer there than {STANDS_OUT:.0f} % of pairs or more. {least}".strip()
    return (
        f"In no feature are they closer than {STANDS_OUT:.0f} % of pairs; the nearest is {inside(by[0].attribute)} "
        f"({share(by[0].standing)}). {least}"
    ).strip()


def _turned(overall: Likeness, by: Sequence[Feature]) -> str:
    gain = [inside(f.attribute) for f in by if f.mirrored > f.similarity + TURNED]
    if overall.mirrored > overall.similarity + TURNED:
        return (
            f"Mirrored, the first design is nearer to the second: {overall.mirrored:.3f} instead of {overall.similarity:.3f}. "
            "Look whether one is the mirror image of the other."
        )
    more = f", though it is in {listed(gain)}" if gain else ""
    return f"Mirrored, the first design is not nearer to the second overall ({overall.mirrored:.3f}){more}."


def _percent(feature: Feature) -> float:
    return feature.standing.percent if feature.standing else feature.similarity


def _stopped(sentence: str) -> str:
    return sentence if sentence.rstrip().endswith((".", "!", "?")) else f"{sentence.rstrip()}."
