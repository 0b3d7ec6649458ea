"""The same retrieval by dataset: among a dataset's own photos, and with queries of one and candidates of another."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from asen_core.data.labels import Photo, is_query
from asen_core.errors import DataError
from asen_core.evaluation.passes import Size, by_path
from asen_core.evaluation.retrieval import KS, labelled_attributes
from asen_core.evaluation.scoring import Report, Score, Seen, report_of, score_of
from asen_core.evaluation.tables import mean, percent, span
from asen_core.types import View, Vocabulary

NOTE = (
    "A query whose value the other dataset lacks is left out, and values are spread differently in each, "
    "so read a MAP beside what chance reaches there."
)


@dataclass(frozen=True)
class DatasetsReport:
    """own: dataset -> retrieval among its own photos, None where nothing can be searched for.

    An attribute that has one value only in a dataset would always be found: it is left out there.
    cells: (dataset of the queries, dataset of the candidates) -> attribute -> score; own photos on the diagonal.
    """

    photos: Mapping[str, int]
    own: Mapping[str, Report | None]
    cells: Mapping[tuple[str, str], Mapping[str, Score]]

    @property
    def attributes(self) -> tuple[str, ...]:
        """Those with a figure in every cell that chance doesn't reach: the only ones over which cells can be compared."""
        cells = list(self.cells.values())
        return tuple(a for a in cells[0] if all((c := cell[a].chance) is not None and c < 1 - 1e-9 for cell in cells))

    def macro(self, queries: str, candidates: str) -> float | None:
        """Mean MAP of a cell over `attributes`; None where there is no such attribute."""
        return mean([self.cells[queries, candidates][a].map for a in self.attributes])

    def chance(self, queries: str, candidates: str) -> float | None:
        """The same of what random order would reach."""
        return mean([self.cells[queries, candidates][a].chance for a in self.attributes])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        shift: dict[str, dict[str, Any]] = {q: {} for q in self.photos}
        for (q, c), scores in self.cells.items():
            maps = {a: {"map": s.map, "chance": s.chance, "queries": s.queries} for a, s in scores.items()}
            shift[q][c] = {"macro_map": self.macro(q, c), "chance": self.chance(q, c), "attributes": maps}
        own = {name: report.to_dict() if report else None for name, report in self.own.items()}
        return {
            "photos": dict(self.photos),
            "own": own,
            "shift": shift,
            "compared_attributes": list(self.attributes),
            "note": NOTE,
        }

    def table(self) -> Group:
        """For people; in percent."""
        return Group(self._own_table(), self._shift_table())

    def _own_table(self) -> Table:
        table = Table(title="MAP among each dataset's own photos, in percent", title_justify="left")
        table.add_column("attribute")
        for name in self.photos:
            table.add_column(escape(name), justify="right")
            table.add_column("95 % interval", justify="right")
        for attribute in next(iter(self.cells.values())):
            scores = [report.scores.get(attribute) if report else None for report in self.own.values()]
            table.add_row(attribute, *(t for s in scores for t in (percent(s and s.map), span(s and s.interval))))
        table.add_section()
        means = [(r.macro, r.macro_interval) if r else (None, None) for r in self.own.values()]
        table.add_row("mean of attributes (macro)", *(t for m, i in means for t in (percent(m), span(i))))
        table.add_row("photos", *(t for count in self.photos.values() for t in (str(count), "")))
        return table

    def _shift_table(self) -> Table:
        names = ", ".join(self.attributes) or "no attribute in all of them"
        caption = f"Mean MAP over {names}. {NOTE}"
        table = Table(title="Shift between datasets, in percent", title_justify="left", caption=caption)
        table.add_column("queries of")
        for name in self.photos:
            table.add_column(f"among {escape(name)}", justify="right")
            table.add_column("by chance", justify="right")
        for q in self.photos:
            table.add_row(escape(q), *(percent(f(q, c)) for c in self.photos for f in (self.macro, self.chance)))
        return table


class Datasets:
    """Retrieval within and between the photos' datasets (`Photo.source`), for a pass shared with other measures.

    Raises: DataError as `Retrieval`, and where the photos are not of two datasets at least.
    """

    def __init__(self, vocabulary: Vocabulary, photos: Collection[Photo], ks: Sequence[int] = KS) -> None:
        self.attributes = labelled_attributes(vocabulary, photos)
        self.photos: dict[Path, Photo] = by_path([p for p in photos if any(a in p.labels for a in self.attributes)])
        self._names = sources(list(self.photos.values()))
        if len(self._names) < 2:
            raise DataError(f"Datasets are compared, so there must be two; the photos are of {self._names or 'none'}.")
        self._ks = tuple(ks)
        self._found: dict[str, dict[str, list[Seen]]] = {n: {a: [] for a in self.attributes} for n in self._names}

    def add(self, photo: Photo, size: Size, views: Mapping[str, View]) -> None:
        """Keep the vectors of the attributes that the photo has a label for."""
        del size
        for attribute in self.attributes if photo.source else ():
            if (value := photo.labels.get(attribute)) is not None:
                seen = Seen(photo.key, is_query(photo.key), views[attribute].embedding, value, None)
                self._found[photo.source][attribute].append(seen)

    def report(self) -> DatasetsReport:
        """The figures of the photos added."""
        own = {n: report_of(_telling(self._found[n]), self._ks) for n in self._names}
        cells = {(q, c): self._cell(q, c) for q, c in product(self._names, self._names)}
        photos = {n: sum(p.source == n for p in self.photos.values()) for n in self._names}
        return DatasetsReport(photos, own, cells)

    def _cell(self, queries: str, candidates: str) -> dict[str, Score]:
        cell = {}
        for attribute in self.attributes:
            asked = [s for s in self._found[queries][attribute] if s.query]
            searched = [s for s in self._found[candidates][attribute] if not s.query]
            cell[attribute], _ = score_of(asked, searched, self._ks)
        return cell


def _telling(found: Mapping[str, list[Seen]]) -> dict[str, list[Seen]]:
    return {a: seen for a, seen in found.items() if len({s.value for s in seen}) > 1}


def sources(photos: Sequence[Photo]) -> tuple[str, ...]:
    """The datasets that the photos are of, sorted."""
    return tuple(sorted({p.source for p in photos if p.source}))
