"""Retrieval, calibration and pointing in plain numpy; every figure is a share in [0, 1]."""

from asen_core.metrics.means import Intervals, bootstrap, bootstrap_sums, micro_macro
from asen_core.metrics.places import attention_inside, pointing
from asen_core.metrics.ranking import (
    RetrievalResult,
    average_precision,
    chance_precision,
    precision_at_k,
    recall_at_k,
    retrieval,
)
from asen_core.metrics.reading import Reliability, reliability

__all__ = [
    "Intervals",
    "Reliability",
    "RetrievalResult",
    "attention_inside",
    "average_precision",
    "bootstrap",
    "bootstrap_sums",
    "chance_precision",
    "micro_macro",
    "pointing",
    "precision_at_k",
    "recall_at_k",
    "reliability",
    "retrieval",
]
