"""The published protocol: each attribute's queries against all its candidates (Dong et al., TIP 2021, section IV)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group
from rich.markup import escape

from asen_core.data.official import Listing, Origin, remarks, require_photos, require_whole
from asen_core.errors import DataError
from asen_core.evaluation.localisation import LocalisationReport, Place, place_of
from asen_core.evaluation.looks import Work, default_folder
from asen_core.evaluation.published import Published, references, withheld
from asen_core.evaluation.ranked import Ranked, ranked
from asen_core.evaluation.retrieval import KS
from asen_core.evaluation.scoring import Report, with_intervals
from asen_core.types import Vocabulary

if TYPE_CHECKING:
    from asen_core.engine import Engine


@dataclass(frozen=True)
class OfficialReport:
    """A checkpoint on a benchmark; localisation: None where no region is marked.

    published: empty unless these are the authors' whole test lists; withheld: else why. origin: whose lists these are. remarks:
    what is left out or of another size than published, a sentence each.
    """

    dataset: str
    split: str
    photos: int
    retrieval: Report
    localisation: LocalisationReport | None
    published: tuple[Published, ...]
    withheld: str = ""
    origin: Origin = field(default_factory=Origin)
    remarks: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        found: dict[str, Any] = {"dataset": self.dataset, "split": self.split, "photos": self.photos}
        found |= {"lists": self.origin.lists, "origin": self.origin.text or None, "dropped_photos": self.origin.dropped}
        found |= {"remarks": list(self.remarks), "retrieval": self.retrieval.to_dict()}
        if self.localisation:
            found["localisation"] = self.localisation.to_dict()
        return found | {"published_by_others": [vars(p) for p in self.published]}

    def table(self, values: bool = False) -> Group:
        """For people; in percent. values: each attribute followed by its values."""
        tables = [self.retrieval.table(values)]
        if self.localisation:
            tables.append(self.localisation.table())
        return Group(*tables)


def evaluate_official(
    engine: Engine,
    queries: Listing,
    candidates: Listing,
    work: Path | None = None,
    batch_size: int = 32,
    progress: bool = False,
    ks: Sequence[int] = KS,
) -> OfficialReport:
    """Rank every attribute's candidates for its queries, exactly; a query without a relevant candidate counts as AP 0.

    work: a folder where vectors are kept while it runs and afterwards; None: the user's cache, emptied at the end.

    Raises: DataError where the checkpoint has another vocabulary, lists are cut, photos are absent or the folder can't be
    written; PhotoError where one can't be read.
    """
    if queries.images != candidates.images or queries.root != candidates.root:
        raise ValueError("Queries and candidates must be lists over the same photos.")
    require_vocabulary(engine.vocabulary, queries)
    require_whole(queries, candidates)
    require_photos(queries, candidates)
    place = Work(engine, queries, candidates, work or default_folder())
    place.look(engine, batch_size, progress)
    found: dict[str, Ranked] = {}
    places: dict[str, Place] = {}
    for a, attribute in enumerate(queries.vocabulary):
        looks = place.looks(a, engine.dim)
        found[attribute] = ranked(looks, queries, candidates, a, ks)
        places[attribute] = place_of(attribute, looks.places[~np.isnan(looks.places[:, 0])].tolist())
    shown, why, origin = references(queries, candidates), withheld(queries, candidates), queries.origin
    whose = f" ({escape(str(origin))})" if str(origin) else ""
    retrieval = replace(_report(found), title=f"{queries.dataset} {queries.split}, published protocol{whose}", zeros=True)
    retrieval = replace(retrieval, references=tuple((f"{p.method}, {p.source}", p.total_map) for p in shown))
    if work is None:
        place.remove()
    where, told = _localised(places, place), remarks(queries, candidates)
    return OfficialReport(queries.dataset, queries.split, place.photos, retrieval, where, shown, why, origin, told)


def require_vocabulary(own: Vocabulary, listing: Listing) -> None:
    """Refuse a checkpoint whose attributes and values are not the dataset's, in its order; values known by number fit any name.

    Raises: DataError that names the first difference.
    """
    wanted = listing.vocabulary
    if [_plain(a) for a in own] != [_plain(a) for a in wanted]:
        raise DataError(
            f"This checkpoint doesn't know the attributes of {listing.dataset}: it has {_few(own)}; needed are, in this order, "
            f"{', '.join(wanted)}. Give a checkpoint that was trained on {listing.dataset} with --checkpoint."
        )
    for mine, (attribute, values) in zip(own.values(), wanted.items(), strict=True):
        if mine != values and not (len(mine) == len(values) and (_numbered(mine) or _numbered(values))):
            raise DataError(
                f"This checkpoint has other values of {attribute} than {listing.dataset}: {_few(mine)} ({len(mine)}), not "
                f"{_few(values)} ({len(values)}). Give a checkpoint that was trained on {listing.dataset} with --checkpoint."
            )


def _report(found: Mapping[str, Ranked]) -> Report:
    asked = [a for a, r in found.items() if len(r.precisions)]
    photos = np.unique(np.concatenate([found[a].photos for a in asked]))
    sums, counts = np.zeros((2, len(photos), len(asked)))
    for column, attribute in enumerate(asked):
        rows = np.searchsorted(photos, found[attribute].photos)
        np.add.at(sums[:, column], rows, found[attribute].precisions)
        np.add.at(counts[:, column], rows, 1)
    return with_intervals({a: r.score for a, r in found.items()}, asked, sums, counts)


def _localised(places: Mapping[str, Place], work: Work) -> LocalisationReport | None:
    measured = sum(p.photos for p in places.values())
    if not measured:
        return None
    return LocalisationReport(places, True, (len(work.invisible), work.pairs - len(work.invisible) - measured))


def _plain(name: str) -> str:
    return name.lower().replace("_", " ").replace("-", " ").strip()


def _numbered(values: Sequence[str]) -> bool:
    return tuple(values) == tuple(map(str, range(len(values))))


def _few(names: Collection[str]) -> str:
    some = list(names)
    return (", ".join(some[:8]) or "none") + (f" and {len(some) - 8} more" if len(some) > 8 else "")
