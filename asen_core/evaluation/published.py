"""What others published for the benchmarks: references beside our own figures, measured by them on the official photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from asen_core.data.official import DATASETS, Listing


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
    """The published results that a figure on these lists may stand beside: none unless they have the official test lists' size.

    Drawn garments in an official layout, told by their marked regions, are another test, however many they are.
    """
    dataset = queries.dataset
    if queries.split != "test" or candidates.split != "test" or (queries.root / "regions.csv").exists():
        return ()
    rows = DATASETS[dataset].rows
    if rows:
        whole = len(queries.rows) == rows["query_test"] and len(candidates.rows) == rows["candidate_test"]
    else:
        whole = len(set(queries.used.tolist()) | set(candidates.used.tolist())) >= LEAST_PHOTOS[dataset]
    return RESULTS[dataset] if whole else ()
