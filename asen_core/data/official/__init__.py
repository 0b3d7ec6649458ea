"""The published benchmarks as their authors lay them out: what they hold, strict readers, preparation."""

from __future__ import annotations

from asen_core.data.official.checking import ListState, Report, check
from asen_core.data.official.facts import DATASETS, Facts, Source, facts_of
from asen_core.data.official.listing import Listing, absent_photos, first_few, photos_of, require_disjoint, require_photos
from asen_core.data.official.meta import read_vocabulary
from asen_core.data.official.prepare import Preparation, Prepared, prepare
from asen_core.data.official.reading import folder_of, read_candidates, read_queries, read_train

__all__ = [
    "DATASETS",
    "Facts",
    "ListState",
    "Listing",
    "Preparation",
    "Prepared",
    "Report",
    "Source",
    "absent_photos",
    "check",
    "facts_of",
    "first_few",
    "folder_of",
    "photos_of",
    "prepare",
    "read_candidates",
    "read_queries",
    "read_train",
    "read_vocabulary",
    "require_disjoint",
    "require_photos",
]
