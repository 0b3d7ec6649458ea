"""The evidence pack: what another person needs to see, understand and check a comparison, as one PDF and one JSON."""

from asen_core.review.evidence.case import of_case
from asen_core.review.evidence.checking import Agreement, Verdict, check
from asen_core.review.evidence.facts import Facts, File, of_bytes, read
from asen_core.review.evidence.maps import maps_of
from asen_core.review.evidence.packs import Line, Pack, case_pack, pair_pack, write
from asen_core.review.evidence.pair import Decision, Making, Pair, making

__all__ = [
    "Agreement", "Decision", "Facts", "File", "Line", "Making", "Pack", "Pair", "Verdict", "case_pack", "check", "making",
    "maps_of", "of_bytes", "of_case", "pair_pack", "read", "write",
]  # fmt: skip
