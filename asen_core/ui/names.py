"""What things are called on the page: names of attributes and values, and shares and rarity in plain words."""

from __future__ import annotations

from asen_core.names import attribute_name, percent, value_name

__all__ = ["attribute_name", "percent", "place", "rarity", "value_name"]


def place(rank: int) -> str:
    """1 as '1st', 12 as '12th', 22 as '22nd'."""
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending}"


def rarity(percentile: float) -> str:
    """The percentile of a similarity in plain words."""
    if percentile >= 99.95:
        return "closer than practically all pairs in the gallery"
    return f"closer than {percentile:.1f} % of all pairs in the gallery"
