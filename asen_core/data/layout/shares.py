"""How often each value occurs: facts of the public FashionAI split of ASEN's authors (query_test and candidate_test)."""

from __future__ import annotations

import numpy as np

QUERIES: dict[str, tuple[int, ...]] = {
    "skirt_length": (64, 84, 78, 83, 47, 66),
    "sleeve_length": (10, 84, 78, 93, 65, 82, 64, 82, 65),
    "coat_length": (46, 65, 73, 59, 64, 101, 59, 68),
    "pant_length": (73, 89, 74, 76, 53, 57),
    "collar_design": (91, 82, 50, 47, 71),
    "lapel_design": (60, 67, 66, 29, 67),
    "neckline_design": (123, 72, 54, 45, 78, 61, 85, 78, 58, 49),
    "neck_design": (55, 41, 48, 77, 44),
}
CANDIDATES: dict[str, tuple[int, ...]] = {
    "skirt_length": (255, 337, 237, 312, 260, 302),
    "sleeve_length": (37, 259, 283, 354, 284, 297, 283, 320, 266),
    "coat_length": (145, 255, 271, 244, 262, 359, 241, 311),
    "pant_length": (262, 401, 270, 291, 238, 260),
    "collar_design": (480, 315, 192, 146, 268),
    "lapel_design": (236, 343, 276, 140, 274),
    "neckline_design": (441, 248, 235, 166, 348, 255, 345, 283, 216, 197),
    "neck_design": (240, 198, 225, 275, 162),
}
"""Attribute -> how many rows of the list have each of its values, in the official order; 3,600 and 14,400 in all."""


def apportioned(counts: dict[str, tuple[int, ...]], total: int) -> list[tuple[int, int]]:
    """`total` pairs of attribute and value index in the proportions of a table, by largest remainders, in its order."""
    pairs = [(a, v) for a, row in enumerate(counts.values()) for v in range(len(row))]
    wanted = np.array([n for row in counts.values() for n in row], np.float64)
    quota = wanted * total / wanted.sum()
    given = np.floor(quota).astype(int)
    given[np.argsort(-(quota - given), kind="stable")[: total - given.sum()]] += 1
    return [pair for pair, n in zip(pairs, given.tolist(), strict=True) for _ in range(n)]
