"""The published benchmarks as their authors lay them out: what they hold, strict readers, preparation."""

from __future__ import annotations

from asen_core.data.official.checking import ListState, Report, check
from asen_core.data.official.facts import DATASETS, Facts, Source, facts_of
from asen_core.data.official.listing import Listing, absent_photos, first_few, photos_of, require_disjoint, require_photos
from asen_core.data.official.meta import read_vocabulary
from asen_core.data.official.origin import Origin, read_origin
from asen_core.data.official.prepare import Preparation, Prepared, prepare
from asen_core.data.official.reading import digest, folder_of, read_candidates, read_queries, read_train, used_photos
from asen_core.data.official.whole import left_out, remarks, require_apart, require_whole

__all__ = [
    "DATASETS",
    "Facts",
    "ListState",
    "Listing",
    "Origin",
    "Preparation",
    "Prepared",
    "Report",
    "Source",
    "absent_photos",
    "check",
    "digest",
    "facts_of",
    "first_few",
    "folder_of",
    "left_out",
    "photos_of",
    "prepare",
    "read_candidates",
    "read_origin",
    "read_queries",
    "read_train",
    "read_vocabulary",
    "remarks",
    "require_apart",
    "require_disjoint",
    "require_photos",
    "require_whole",
    "used_photos",
]
