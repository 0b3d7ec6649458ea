"""What others published for the benchmarks: references beside our own figures, measured by them on the official photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from asen_core.data.official import DATASETS, Listing, left_out


@dataclass(frozen=True)
class Published:
    """A total MAP (mean over queries, a share) on the test split, and where it stands."""

    method: str
    source: str
    total_map: float


RESULTS: Mapping[str, tuple[Published, ...]] = MappingProxyType(
    {
        "FashionAI": (Published("ASEN", "AAAI 2020", 0.6102), Published("RPF", "SIGIR 2023", 0.7011)),
        "DARN": (Published("RPF", "SIGIR 2023", 0.5880),),
        "DeepFashion": (Published("RPF", "SIGIR 2023", 0.1022),),
    }
)

LEAST_PHOTOS: Mapping[str, int] = MappingProxyType({"DARN": 20_000, "DeepFashion": 28_000})
"""A tenth of the 214,619 and 289,222 photos is the test split; how many lines its lists have isn't published."""


def references(queries: Listing, candidates: Listing) -> tuple[Published, ...]:
    """The published results that a figure on these lists may stand beside: none where `withheld` says why.

    Raises: DataError where what tells whose lists these are can't be read.
    """
    return () if withheld(queries, candidates) else RESULTS[queries.dataset]


def withheld(queries: Listing, candidates: Listing) -> str:
    """Why no published figure may stand beside one on these lists, in words that go on a sentence; empty where it may.

    They have to be the authors' test lists, whole, with all their photos. Drawn garments in an official layout, told also by
    their marked regions, are another test, however many they are. Raises: DataError as `references`.
    """
    origin, dataset = queries.origin, queries.dataset
    if queries.split != "test" or candidates.split != "test":
        return f"these are the {queries.split} lists, and the published figures are of the test lists"
    if not origin.official:
        return f"these are not the authors' whole lists ({origin})"
    if (queries.root / "regions.csv").exists():
        return "the photos have marked regions, which the official ones don't have"
    if out := left_out(queries, candidates):
        return f"{len(out):,} of the listed photos stand in no list"
    rows = DATASETS[dataset].rows
    if rows:
        whole = len(queries.rows) == rows["query_test"] and len(candidates.rows) == rows["candidate_test"]
    else:
        whole = len(set(queries.used.tolist()) | set(candidates.used.tolist())) >= LEAST_PHOTOS[dataset]
    return "" if whole else "the lists don't have the size of the official test lists"
