"""The default vocabulary: nine attributes and their values, in the order that checkpoints keep."""

from __future__ import annotations

from types import MappingProxyType

from asen_core.types import Vocabulary
from asen_core.vocabularies import FASHIONAI

__all__ = ["COARSE", "DEFAULT", "FASHIONAI", "FINE", "REGION_OF"]

DEFAULT: Vocabulary = MappingProxyType(
    {
        "neckline": (
            "round", "scoop", "v", "deep_v", "square", "sweetheart", "boat", "high", "off_shoulder", "one_shoulder",
            "strapless", "strap", "notch", "collared", "hood",
        ),
        "collar": ("none", "shirt", "polo", "mandarin", "peter_pan", "lapel", "shawl_lapel", "stand", "hood", "other"),
        "sleeve": ("sleeveless", "cap", "short", "three_quarter", "long", "rolled"),
        "closure": ("none", "buttons", "double_breasted", "half_placket", "zip", "half_zip", "open"),
        "pattern": (
            "solid", "horizontal_stripe", "vertical_stripe", "check", "dots", "floral", "graphic", "all_over", "colour_block",
        ),
        "top_length": ("crop", "hip", "thigh", "knee", "calf", "ankle"),
        "bottom_length": ("short", "knee", "calf", "full"),
        "colour": (
            "black", "grey", "white", "beige", "brown", "red", "maroon", "orange", "yellow", "olive", "green", "teal",
            "blue", "navy", "purple", "pink", "multi",
        ),
        "category": (
            "t_shirt", "shirt", "top", "tank_top", "sweater", "sweatshirt", "outerwear", "suit", "dress", "kurta", "skirt",
            "trousers", "shorts", "underwear", "shoes", "bag", "hat", "accessory",
        ),
    }
)  # fmt: skip

COARSE = ("colour", "category")
"""What can be told at a glance; labels of these alone teach little of what the product is for."""
FINE = tuple(a for a in DEFAULT if a not in COARSE)

REGION_OF: dict[str, str] = {
    "neckline": "neckline",
    "collar": "neckline",
    "sleeve": "sleeve",
    "closure": "closure",
    "pattern": "garment",
    "top_length": "hem",
    "bottom_length": "hem",
    "colour": "garment",
    "category": "garment",
    "skirt_length": "hem",
    "coat_length": "hem",
    "pant_length": "hem",
    "sleeve_length": "sleeve",
    "collar_design": "neckline",
    "lapel_design": "neckline",
    "neckline_design": "neckline",
    "neck_design": "neckline",
}
"""Attribute -> the marked region (column `region` of a regions file) where it is to be read."""
