"""Attributes and values of the published benchmarks, in the order that the authors' checkpoints and lists keep.

Floor 0, because readers of data and of checkpoints both need them and may not know each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from asen_core.types import Vocabulary


def _numbered(counts: Mapping[str, int]) -> Vocabulary:
    """The names of these values aren't published with the lists."""
    return MappingProxyType({attribute: tuple(map(str, range(n))) for attribute, n in counts.items()})


FASHIONAI: Vocabulary = MappingProxyType(
    {
        "skirt_length": ("Invisible", "Short Length", "Knee Length", "Midi Length", "Ankle Length", "Floor Length"),
        "sleeve_length": (
            "Invisible", "Sleeveless", "Cup Sleeves", "Short Sleeves", "Elbow Sleeves", "3/4 Sleeves", "Wrist Length",
            "Long Sleeves", "Extra Long Sleeves",
        ),
        "coat_length": (
            "Invisible", "High Waist Length", "Regular Length", "Long Length", "Micro Length", "Knee Length", "Midi Length",
            "Ankle&Floor Length",
        ),
        "pant_length": ("Invisible", "Short Pant", "Mid Length", "3/4 Length", "Cropped Pant", "Full Length"),
        "collar_design": ("Invisible", "Shirt Collar", "Peter Pan", "Puritan Collar", "Rib Collar"),
        "lapel_design": ("Invisible", "Notched", "Collarless", "Shawl Collar", "Plus Size Shawl"),
        "neckline_design": (
            "Invisible", "Strapless Neck", "Deep V Neckline", "Straight Neck", "V Neck", "Square Neckline", "Off Shoulder",
            "Round Neckline", "Sweat Heart Neck", "OneShoulder Neckline",
        ),
        "neck_design": ("Invisible", "Turtle Neck", "Ruffle Semi-High Collar", "Low Turtle Neck", "Draped Collar"),
    }
)  # fmt: skip
"""FashionAI's eight attributes and 54 values, as published."""

DARN: Vocabulary = _numbered(
    {
        "clothes category": 20, "clothes button": 13, "clothes color": 55, "clothes length": 7, "clothes pattern": 28,
        "clothes shape": 11, "collar shape": 26, "sleeve length": 8, "sleeve shape": 17,
    }
)  # fmt: skip
"""DARN's nine attributes and 185 values, which are known by number only."""

DEEPFASHION: Vocabulary = _numbered(
    {"texture-related": 156, "fabric-related": 218, "shape-related": 180, "part-related": 216, "style-related": 230}
)
"""DeepFashion's five kinds of attribute and their 1,000 values, known by number only."""

PUBLISHED: Mapping[str, Vocabulary] = MappingProxyType({"FashionAI": FASHIONAI, "DARN": DARN, "DeepFashion": DEEPFASHION})
