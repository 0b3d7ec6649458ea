"""Coarse answers: a question that crowd workers answered about a garment, read as the set of values that the answer allows.

"Has a collar: yes" does not say which collar, yet it tells ten values apart from one; such answers teach and test a space
without naming a value in it. The questions are those of the Clothing Attribute Dataset (Chen et al., ECCV 2012).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from asen_core.data.vocabulary import DEFAULT
from asen_core.types import Vocabulary


@dataclass(frozen=True)
class Question:
    """One question about an attribute: answer as it stands in the file -> the values that it allows."""

    attribute: str
    answers: Mapping[str, tuple[str, ...]]


def _yes_no(attribute: str, *yes: str) -> Question:
    return Question(attribute, {"1": tuple(v for v in DEFAULT[attribute] if v not in yes), "2": yes})


QUESTIONS: Mapping[str, Question] = MappingProxyType(
    {
        "neckline": Question(
            "neckline",
            {
                "1": ("v", "deep_v", "sweetheart", "notch", "collared"),
                "2": ("round", "scoop", "high", "notch", "collared"),
                "3": ("square", "boat", "high", "off_shoulder", "one_shoulder", "strapless", "strap", "collared", "hood"),
            },
        ),
        "collar": _yes_no("collar", *(v for v in DEFAULT["collar"] if v not in ("none", "hood"))),
        "sleevelength": Question(
            "sleeve", {"1": ("sleeveless",), "2": ("cap", "short"), "3": ("three_quarter", "long", "rolled")}
        ),
        "placket": _yes_no("closure", *(v for v in DEFAULT["closure"] if v != "none")),
        "category": Question(
            "category",
            {
                "1": ("shirt", "top"), "2": ("sweater", "sweatshirt"), "3": ("t_shirt",), "4": ("outerwear",), "5": ("suit",),
                "6": ("tank_top",), "7": ("dress",),
            },
        ),
        "pattern_floral": _yes_no("pattern", "floral"),
        "pattern_graphics": _yes_no("pattern", "graphic", "all_over"),
        "pattern_plaid": _yes_no("pattern", "check"),
        "pattern_solid": _yes_no("pattern", "solid", "colour_block"),
        "pattern_spot": _yes_no("pattern", "dots"),
        "pattern_stripe": _yes_no("pattern", "horizontal_stripe", "vertical_stripe"),
    }
)  # fmt: skip


def answer_indices(answers: Mapping[str, str]) -> np.ndarray:
    """(Q,) int64: the place of each given answer among those of its question, -1 where the question was not answered."""
    found = []
    for column, question in QUESTIONS.items():
        known = list(question.answers)
        found.append(known.index(answers[column]) if answers.get(column) in known else -1)
    return np.array(found, np.int64)


def allowed_values(column: str, vocabulary: Vocabulary) -> np.ndarray:
    """(answers, V) bool: which values of the question's attribute each answer allows."""
    question = QUESTIONS[column]
    values = vocabulary[question.attribute]
    return np.array([[v in allowed for v in values] for allowed in question.answers.values()])
