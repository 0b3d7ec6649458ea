"""Label columns in words of their own (crowd answers 1 and 2), retrieved in the space of a named attribute."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.table import Table

from asen_core.data.labels import Photo, is_query
from asen_core.errors import DataError
from asen_core.evaluation.passes import Size, by_path
from asen_core.evaluation.retrieval import KS
from asen_core.evaluation.scoring import Report, Seen, report_of
from asen_core.types import View, Vocabulary


@dataclass(frozen=True)
class ColumnsReport:
    """Retrieval per column and its means over columns; spaces: column -> the attribute in whose space it was searched."""

    retrieval: Report
    spaces: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: as of `Report`, with `columns`, each with its `space`, in place of `attributes`."""
        plain = self.retrieval.to_dict()
        columns = plain.pop("attributes")
        return {"columns": {c: {"space": self.spaces[c], **score} for c, score in columns.items()}, **plain}

    def table(self, values: bool = False) -> Table:
        """For people; in percent."""
        scores = {f"{c} in {self.spaces[c]}": score for c, score in self.retrieval.scores.items()}
        return replace(self.retrieval, scores=scores, title="Retrieval by label columns", noun="column").table(values)


class Columns:
    """Retrieval by label columns whose values need not be in the vocabulary, for a pass shared with other measures.

    spaces: column -> attribute. The protocol is that of `Retrieval`; nothing is read, so accuracy is None.

    Raises: DataError where an attribute is unknown or no photo has a label in one of the columns.
    """

    def __init__(
        self, vocabulary: Vocabulary, photos: Collection[Photo], spaces: Mapping[str, str], ks: Sequence[int] = KS
    ) -> None:
        if unknown := sorted(set(spaces.values()) - set(vocabulary)):
            raise DataError(f"This checkpoint has no space {', '.join(unknown)}; it has {', '.join(vocabulary)}.")
        if empty := [c for c in spaces if not any(c in p.labels for p in photos)]:
            raise DataError(f"No photo has a label in the column {', '.join(empty)}; name columns of the label file.")
        self.attributes = tuple(a for a in vocabulary if a in spaces.values())
        self.photos: dict[Path, Photo] = by_path([p for p in photos if any(c in p.labels for c in spaces)])
        self._spaces, self._ks = dict(spaces), tuple(ks)
        self._found: dict[str, list[Seen]] = {c: [] for c in spaces}

    def add(self, photo: Photo, size: Size, views: Mapping[str, View]) -> None:
        """Keep the vectors of the columns that the photo has a label in."""
        del size
        for column, attribute in self._spaces.items():
            if (value := photo.labels.get(column)) is not None:
                vector = views[attribute].embedding
                self._found[column].append(Seen(photo.key, is_query(photo.key), vector, value, None))

    def report(self) -> ColumnsReport:
        """The figures of the photos added.

        Raises: DataError where no column has a query with a relevant candidate.
        """
        report = report_of(self._found, self._ks)
        if report is None:
            raise DataError(
                f"No photo can be searched for by the columns among {len(self.photos)}: 30 % are queries, and each needs "
                "another photo of the same value. Give more labelled photos."
            )
        return ColumnsReport(report, self._spaces)
