"""What things are called on the page: names of attributes and values, and shares and rarity in plain words."""

from __future__ import annotations

import math

from asen_core.names import attribute_name, percent, value_name
from asen_core.review.background import Standing

__all__ = ["attribute_name", "closer", "kind_name", "percent", "place", "rarity", "standing", "value_name"]


def place(rank: int) -> str:
    """1 as '1st', 12 as '12th', 22 as '22nd'."""
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending}"


def rarity(percentile: float) -> str:
    """The percentile of a similarity in plain words."""
    if percentile >= 99.95:
        return "closer than practically all pairs in the gallery"
    return f"closer than {percentile:.1f} % of all pairs in the gallery"


def standing(found: Standing) -> tuple[str, str]:
    """How unusual a similarity is, in two parts: ("99.6 %", "of 40,000 pairs"). Cut off, never rounded up."""
    if found.percent >= 100:
        return "all", f"{found.pairs:,} pairs"
    digits = 10 if found.percent < 99.9 else 100
    share = math.floor(found.percent * digits + 1e-6) / digits
    return f"{share:.2f} %" if digits == 100 else f"{share:.1f} %", f"of {found.pairs:,} pairs"


def closer(found: Standing) -> str:
    """A standing as a phrase: "closer than 99.6 % of 40,000 pairs", "... of 3,100 pairs of one kind (dress)"."""
    within = f" of one kind ({kind_name(found.category)})" if found.category else ""
    return f"closer than {' '.join(standing(found))}{within}"


def kind_name(category: str) -> str:
    """A kind of garment within a sentence: "dress", but "T-shirt"."""
    name = value_name("category", category)
    return name if name[1:2] == "-" else name.lower()
