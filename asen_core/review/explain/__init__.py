"""Why two photos match: saliency by perturbation, its test by insertion and deletion, and the attribute that explains it."""

from asen_core.review.explain.attributes import QUICK, Reason, ranked
from asen_core.review.explain.choice import attention_map
from asen_core.review.explain.curves import Curves, curves
from asen_core.review.explain.saliency import DEFAULT, METHODS, Saliency, Settings, saliency

__all__ = [
    "DEFAULT", "METHODS", "QUICK", "Curves", "Reason", "Saliency", "Settings", "attention_map", "curves", "ranked", "saliency",
]  # fmt: skip
