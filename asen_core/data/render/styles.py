"""What can be drawn: neck styles, sleeves, lengths and kinds, each with its value in both vocabularies. Facts only."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from asen_core.types import Vocabulary
from asen_core.vocabularies import FASHIONAI as _ALL

FASHIONAI: Vocabulary = MappingProxyType({a: tuple(v for v in values if v != "Invisible") for a, values in _ALL.items()})
"""What can be drawn of FashionAI: "Invisible" is no garment, but a photo that hides a part of it (`data.layout`)."""


@dataclass(frozen=True)
class Neck:
    """A way to build the neck: its values, its FashionAI value ("attribute:value") and the closures it takes."""

    neckline: str
    collar: str
    fashionai: str
    closures: tuple[str, ...] = ("none",)


NECKS: dict[str, Neck] = {
    "crew": Neck("round", "none", "neckline_design:Round Neckline"),
    "crew_cardigan": Neck("round", "none", "neckline_design:Round Neckline", ("buttons", "open", "zip")),
    "scoop": Neck("scoop", "none", "neckline_design:Round Neckline"),
    "v": Neck("v", "none", "neckline_design:V Neck"),
    "v_cardigan": Neck("v", "none", "neckline_design:V Neck", ("buttons", "buttons", "open")),
    "deep_v": Neck("deep_v", "none", "neckline_design:Deep V Neckline"),
    "square": Neck("square", "none", "neckline_design:Square Neckline"),
    "sweetheart": Neck("sweetheart", "none", "neckline_design:Sweat Heart Neck"),
    "boat": Neck("boat", "none", "neckline_design:Straight Neck"),
    "off_shoulder": Neck("off_shoulder", "none", "neckline_design:Off Shoulder"),
    "one_shoulder": Neck("one_shoulder", "none", "neckline_design:OneShoulder Neckline"),
    "strapless": Neck("strapless", "none", "neckline_design:Strapless Neck"),
    "strap": Neck("strap", "none", "neckline_design:Straight Neck"),
    "notch": Neck("notch", "none", "", ("none", "half_placket")),
    "shirt": Neck("collared", "shirt", "collar_design:Shirt Collar", ("buttons",)),
    "polo": Neck("collared", "polo", "", ("half_placket",)),
    "mandarin": Neck("collared", "mandarin", "", ("half_placket", "buttons", "none")),
    "peter_pan": Neck("collared", "peter_pan", "collar_design:Peter Pan", ("none", "buttons")),
    "puritan": Neck("collared", "other", "collar_design:Puritan Collar", ("none", "buttons")),
    "lapel": Neck("collared", "lapel", "lapel_design:Notched", ("buttons", "buttons", "double_breasted", "open")),
    "shawl": Neck("collared", "shawl_lapel", "lapel_design:Shawl Collar", ("buttons", "open")),
    "wide_shawl": Neck("collared", "shawl_lapel", "lapel_design:Plus Size Shawl", ("open", "double_breasted")),
    "collarless_round": Neck("round", "none", "lapel_design:Collarless", ("buttons", "open")),
    "collarless_v": Neck("v", "none", "lapel_design:Collarless", ("buttons", "open")),
    "turtle": Neck("high", "stand", "neck_design:Turtle Neck"),
    "low_turtle": Neck("high", "stand", "neck_design:Low Turtle Neck", ("none", "none", "half_zip")),
    "ruffle_high": Neck("high", "other", "neck_design:Ruffle Semi-High Collar"),
    "draped": Neck("scoop", "other", "neck_design:Draped Collar"),
    "funnel": Neck("high", "stand", "", ("zip", "zip", "half_zip")),
    "rib": Neck("high", "stand", "collar_design:Rib Collar", ("zip", "buttons")),
    "hood": Neck("hood", "hood", "", ("none", "zip")),
}

SLEEVES: dict[str, tuple[str, str, float, float]] = {
    "sleeveless": ("sleeveless", "Sleeveless", 0.0, 0.0),
    "cap": ("cap", "Cup Sleeves", 0.10, 0.14),
    "short": ("short", "Short Sleeves", 0.27, 0.36),
    "elbow": ("short", "Elbow Sleeves", 0.50, 0.56),
    "three_quarter": ("three_quarter", "3/4 Sleeves", 0.73, 0.80),
    "rolled": ("rolled", "", 0.56, 0.66),
    "wrist": ("long", "Wrist Length", 0.88, 0.92),
    "long": ("long", "Long Sleeves", 0.98, 1.02),
    "extra_long": ("long", "Extra Long Sleeves", 1.12, 1.2),
}
"""Style -> default value, FashionAI value, range of the sleeve's length in arm lengths."""

TOP_LENGTHS: dict[str, tuple[str, str, str, float, float]] = {
    "crop": ("crop", "High Waist Length", "", 40, 45),
    "hip": ("hip", "Regular Length", "", 58, 66),
    "long": ("thigh", "Long Length", "", 73, 77),
    "micro": ("thigh", "Micro Length", "Short Length", 80, 86),
    "knee": ("knee", "Knee Length", "Knee Length", 95, 102),
    "midi": ("calf", "Midi Length", "Midi Length", 113, 120),
    "ankle": ("ankle", "Ankle&Floor Length", "Ankle Length", 130, 135),
    "floor": ("ankle", "Ankle&Floor Length", "Floor Length", 140, 143),
}
"""Style -> default value, FashionAI coat length, FashionAI skirt length (of dresses), y of the hem in cm below the neck."""

SKIRT_LENGTHS: dict[str, tuple[str, str, float, float]] = {
    "short": ("short", "Short Length", 76, 86),
    "knee": ("knee", "Knee Length", 94, 101),
    "midi": ("calf", "Midi Length", 112, 119),
    "ankle": ("full", "Ankle Length", 130, 134),
    "floor": ("full", "Floor Length", 140, 143),
}
PANT_LENGTHS: dict[str, tuple[str, str, float, float]] = {
    "short": ("short", "Short Pant", 75, 83),
    "mid": ("knee", "Mid Length", 93, 99),
    "three_quarter": ("calf", "3/4 Length", 110, 117),
    "cropped": ("full", "Cropped Pant", 126, 129),
    "full": ("full", "Full Length", 136, 141),
}


@dataclass(frozen=True)
class Kind:
    """A family of garments and the choices it has; names repeat where a choice is common."""

    category: str
    necks: tuple[str, ...] = ()
    sleeves: tuple[str, ...] = ()
    lengths: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ("solid",)
    fabrics: tuple[str, ...] = ("jersey",)
    fits: tuple[str, ...] = ("regular", "slim", "boxy")


PRINTS = ("horizontal_stripe", "vertical_stripe", "check", "dots", "floral", "graphic", "all_over", "colour_block")
OPEN_NECKS = ("strap", "strapless", "sweetheart", "square", "one_shoulder", "off_shoulder")
JERSEY_PATTERNS = ("solid", "solid", "graphic", "graphic", "horizontal_stripe", "dots", "all_over", "colour_block", "floral")
SHIRT_PATTERNS = ("solid", "solid", "check", "check", "vertical_stripe", "dots", "floral", "all_over", "horizontal_stripe")
ALL_SLEEVES = ("sleeveless", "cap", "short", "elbow", "three_quarter", "wrist", "long")
COAT_LENGTHS = ("crop", "hip", "long", "micro", "knee", "midi", "ankle", "floor")

KINDS: dict[str, Kind] = {
    "t_shirt": Kind(
        "t_shirt", ("crew", "crew", "scoop", "v", "deep_v", "notch", "polo", "polo"),
        ("short", "short", "short", "cap", "elbow", "three_quarter", "long"), ("hip", "hip", "hip", "crop"), JERSEY_PATTERNS,
    ),
    "shirt": Kind(
        "shirt", ("shirt", "shirt", "shirt", "mandarin"), ("long", "long", "rolled", "rolled", "short", "elbow", "sleeveless"),
        ("hip", "hip", "hip", "long", "crop"), SHIRT_PATTERNS, ("weave", "weave", "oxford", "denim", "linen"),
    ),
    "top": Kind(
        "top",
        (*OPEN_NECKS, "boat", "scoop", "v", "deep_v", "peter_pan", "puritan", "ruffle_high", "draped", "notch", "mandarin"),
        (*ALL_SLEEVES, "extra_long"), ("hip", "hip", "crop", "long"), ("solid", *PRINTS), ("jersey", "silk", "weave", "linen"),
        ("regular", "slim", "boxy", "a_line"),
    ),
    "tank_top": Kind(
        "tank_top", ("scoop", "scoop", "strap", "v", "square", "crew"), ("sleeveless",), ("hip", "hip", "crop"),
        JERSEY_PATTERNS, ("jersey", "rib"), ("regular", "slim"),
    ),
    "sweater": Kind(
        "sweater", ("crew", "v", "v_cardigan", "crew_cardigan", "turtle", "low_turtle", "boat", "shawl"),
        ("long", "long", "long", "wrist", "three_quarter", "extra_long"), ("hip", "hip", "crop", "long", "micro"),
        ("solid", "solid", "horizontal_stripe", "colour_block", "check", "all_over", "graphic"), ("knit", "cable", "rib"),
    ),
    "sweatshirt": Kind(
        "sweatshirt", ("hood", "hood", "crew", "funnel"), ("long", "long", "extra_long", "wrist", "short"),
        ("hip", "hip", "crop"), ("solid", "graphic", "graphic", "colour_block", "horizontal_stripe", "all_over"), ("fleece",),
        ("regular", "boxy"),
    ),
    "jacket": Kind(
        "outerwear", ("funnel", "funnel", "rib", "hood", "shirt"), ("long", "long", "long", "wrist", "sleeveless"),
        ("hip", "hip", "crop", "long"), ("solid", "solid", "colour_block", "check", "horizontal_stripe"),
        ("nylon", "leather", "denim", "quilt", "wool"),
    ),
    "parka": Kind(
        "outerwear", ("hood",), ("long", "long", "extra_long"), ("long", "micro", "knee"), ("solid", "solid", "all_over"),
        ("nylon", "quilt", "canvas"), ("regular", "boxy"),
    ),
    "coat": Kind(
        "outerwear", ("lapel", "lapel", "wide_shawl", "shawl", "collarless_round", "collarless_v"),
        ("long", "long", "long", "wrist", "three_quarter"), COAT_LENGTHS, ("solid", "solid", "solid", "check"),
        ("wool", "wool", "canvas"), ("regular", "slim", "boxy", "a_line"),
    ),
    "blazer": Kind(
        "suit", ("lapel", "lapel", "lapel", "shawl", "collarless_v"), ("long", "long", "long", "three_quarter"),
        ("hip", "hip", "crop", "long"), ("solid", "solid", "solid", "vertical_stripe", "check"), ("wool", "linen", "weave"),
        ("regular", "slim"),
    ),
    "dress": Kind(
        "dress", (*OPEN_NECKS, "crew", "scoop", "v", "deep_v", "boat", "shirt", "peter_pan", "puritan", "draped", "turtle"),
        ("sleeveless", "sleeveless", "cap", "short", "elbow", "three_quarter", "long"),
        ("micro", "knee", "midi", "ankle", "floor"),
        ("solid", "solid", *PRINTS), ("jersey", "silk", "weave", "linen", "denim"), ("slim", "a_line", "a_line", "regular"),
    ),
    "kurta": Kind(
        "kurta", ("notch", "notch", "mandarin", "mandarin", "scoop", "crew", "v", "square"),
        ("three_quarter", "three_quarter", "long", "short", "cap", "sleeveless", "elbow", "rolled"),
        ("long", "micro", "knee", "knee", "midi"),
        ("solid", "floral", "all_over", "dots", "vertical_stripe", "check", "colour_block"), ("weave", "linen", "silk"),
        ("regular", "a_line"),
    ),
    "skirt": Kind(
        "skirt", lengths=tuple(SKIRT_LENGTHS), patterns=("solid", *PRINTS),
        fabrics=("weave", "denim", "silk", "leather", "wool"),
        fits=("slim", "a_line", "flared", "pleated"),
    ),
    "trousers": Kind(
        "trousers", lengths=("full", "full", "cropped", "three_quarter"),
        patterns=("solid", "solid", "solid", "check", "vertical_stripe", "floral", "all_over"),
        fabrics=("denim", "denim", "weave", "canvas", "wool", "leather", "jersey"), fits=("slim", "regular", "boxy", "flared"),
    ),
    "shorts": Kind(
        "shorts", lengths=("short", "short", "mid"),
        patterns=("solid", "solid", "check", "horizontal_stripe", "vertical_stripe", "floral", "all_over", "dots",
            "colour_block"),
        fabrics=("denim", "weave", "canvas", "jersey"), fits=("slim", "regular", "boxy"),
    ),
}  # fmt: skip

NO_SLEEVE_NECKS = ("strap", "strapless", "one_shoulder")
BOTTOMS = ("skirt", "trousers", "shorts")
KNITS = ("knit", "cable", "rib", "fleece")
