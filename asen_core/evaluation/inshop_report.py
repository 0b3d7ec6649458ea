"""What in-shop retrieval found, as JSON and as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.markup import escape
from rich.table import Table

from asen_core.evaluation.tables import percent

AT = 10
"""Among how many of the first photos that have a label the query's value is counted."""


@dataclass(frozen=True)
class Found:
    """One way to rank. accuracies: k -> share of queries with a photo of the same item among the first k; map: over items."""

    accuracies: Mapping[int, float]
    map: float


@dataclass(frozen=True)
class ValuePrecision:
    """How many of the first `AT` labelled photos share the query's value, by three ways to rank; over queries with a label.

    Photos without a label of the attribute are passed over. reachable: what the best order of the whole gallery would have.
    """

    overall: float
    reranked: float
    alone: float
    reachable: float
    queries: int


@dataclass(frozen=True)
class InShopReport:
    """Figures in [0, 1]. unanswerable: queries whose item the gallery lacks, which are left out of accuracies and MAP.

    overall: by the mean cosine over all attributes; alone: attribute -> by its own space; reranked: attribute -> the first
    `first` of the overall ranking in the order of the attribute's space; values: attributes that queries have labels of.
    """

    queries: int
    unanswerable: int
    gallery: int
    items: int
    first: int
    overall: Found
    alone: Mapping[str, Found]
    reranked: Mapping[str, Found]
    values: Mapping[str, ValuePrecision] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        ways = {"alone": self.alone, "reranked": self.reranked}
        return {
            **{name: getattr(self, name) for name in ("queries", "unanswerable", "gallery", "items", "first")},
            "overall": _plain(self.overall),
            **{name: {a: _plain(found) for a, found in way.items()} for name, way in ways.items()},
            "values": {"among": AT, "attributes": {a: dict(vars(v)) for a, v in self.values.items()}},
        }

    def tables(self) -> list[Table]:
        """For people; in percent."""
        title = f"In-shop retrieval, in percent: {self.queries:,} queries among {self.gallery:,} photos of {self.items:,} items"
        table = Table(title=title, title_justify="left")
        table.add_column("ranked by")
        for name in (*(f"top-{k}" for k in self.overall.accuracies), "MAP"):
            table.add_column(name, justify="right")
        table.add_row("overall", *_cells(self.overall))
        for heading, way in (("{}", self.alone), (f"first {self.first} overall, then {{}}", self.reranked)):
            table.add_section()
            for attribute, found in way.items():
                table.add_row(escape(heading.format(attribute)), *_cells(found))
        if not self.values:
            return [table]
        shared = Table(
            title=f"Of the first {AT} with a label, those that share the query's value, in percent", title_justify="left"
        )
        shared.add_column("attribute")
        for name in ("overall", f"first {self.first} overall, then by it", "by it alone", "reachable", "queries"):
            shared.add_column(name, justify="right")
        for attribute, v in self.values.items():
            shared.add_row(escape(attribute), *map(percent, (v.overall, v.reranked, v.alone, v.reachable)), str(v.queries))
        return [table, shared]


def _plain(found: Found) -> dict[str, Any]:
    return {"top": {str(k): share for k, share in found.accuracies.items()}, "map": found.map}


def _cells(found: Found) -> list[str]:
    return [percent(share) for share in (*found.accuracies.values(), found.map)]
