"""How the reports write numbers."""

from __future__ import annotations


def percent(share: float | None) -> str:
    """0.8284 as '82.8'; a dash where there is no figure."""
    return "–" if share is None else f"{100 * share:.1f}"


def span(ends: tuple[float, float] | None) -> str:
    """(0.7012, 0.8284) as '70.1–82.8'; a dash where there is none."""
    return "–" if ends is None else "–".join(map(percent, ends))


def mean(shares: list[float | None]) -> float | None:
    """Plain mean of those that are known; None where none is."""
    known = [s for s in shares if s is not None]
    return sum(known) / len(known) if known else None
