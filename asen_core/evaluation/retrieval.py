"""Retrieval among labelled photos: 30 % are queries, the rest candidates, relevant is what shares the value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asen_core.data.labels import Photo, is_query
from asen_core.errors import DataError
from asen_core.evaluation.passes import Size, by_path, run
from asen_core.evaluation.scoring import Report, Seen, report_of
from asen_core.types import View, Vocabulary

if TYPE_CHECKING:
    from asen_core.engine import Engine

KS = (1, 10, 100)


class Retrieval:
    """The measure behind `evaluate`, for a pass that it shares with other measures."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        photos: Collection[Photo],
        attributes: Sequence[str] | None = None,
        ks: Sequence[int] = KS,
    ) -> None:
        self.attributes = labelled_attributes(vocabulary, photos, attributes)
        self.photos: dict[Path, Photo] = by_path([p for p in photos if any(a in p.labels for a in self.attributes)])
        self._ks = tuple(ks)
        self._found: dict[str, list[Seen]] = {a: [] for a in self.attributes}

    def add(self, photo: Photo, size: Size, views: Mapping[str, View]) -> None:
        """Keep the vectors of the attributes that the photo has a label for."""
        del size
        for attribute in self.attributes:
            if (value := photo.labels.get(attribute)) is not None:
                view = views[attribute]
                right = view.reading.value == value if view.reading else None
                self._found[attribute].append(Seen(photo.key, is_query(photo.key), view.embedding, value, right))

    def report(self) -> Report:
        """The figures of the photos added.

        Raises: DataError where no attribute has a query with a relevant candidate.
        """
        report = report_of(self._found, self._ks)
        if report is None:
            raise DataError(
                f"No photo can be searched for among {len(self.photos)}: 30 % are queries, chosen by a hash of their "
                "names, and each needs another photo of the same value. Give more labelled photos."
            )
        return report


def evaluate(
    engine: Engine,
    photos: Collection[Photo],
    attributes: Sequence[str] | None = None,
    ks: Sequence[int] = KS,
    batch_size: int = 32,
    progress: bool = False,
) -> Report:
    """MAP and recall of the photos among themselves, per attribute, over photos that have a label for it.

    `attributes`: None takes all that the engine knows and some photo has a label for.

    Raises: DataError where a label value is not in the vocabulary, photos are missing or nothing can be searched for.
    """
    measure = Retrieval(engine.vocabulary, photos, attributes, ks)
    run(engine, [measure], batch_size, progress)
    return measure.report()


def labelled_attributes(
    vocabulary: Vocabulary, photos: Collection[Photo], attributes: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The attributes, in the vocabulary's order, that some photo has a label for; `attributes` limits them.

    Raises: DataError where an attribute is unknown or unlabelled, or where values are not in the vocabulary (all named).
    """
    counts = Counter((a, v) for p in photos for a, v in p.labels.items() if a in vocabulary)
    labelled = {a for a, _ in counts}
    if attributes is not None and (unknown := [a for a in attributes if a not in labelled]):
        raise DataError(f"No label for {', '.join(unknown)}; labelled and known: {', '.join(sorted(labelled)) or 'none'}.")
    chosen = tuple(a for a in vocabulary if a in labelled and (attributes is None or a in attributes))
    if not chosen:
        raise DataError(f"The labels have no attribute that this checkpoint knows; it knows {', '.join(vocabulary)}.")
    wrong = [f"{a}={v!r} ({n} photos)" for (a, v), n in sorted(counts.items()) if a in chosen and v not in vocabulary[a]]
    if wrong:
        raise DataError(f"Labels that this checkpoint has no value for: {', '.join(wrong)}. Correct or empty these cells.")
    return chosen
