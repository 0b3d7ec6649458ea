"""Human names of attributes and values; whatever a checkpoint brings that is not named here is made readable by rule."""

from __future__ import annotations

from collections.abc import Mapping

_ATTRIBUTES: Mapping[str, str] = {
    "top_length": "Top length",
    "bottom_length": "Bottom length",
    "sleeve": "Sleeve length",
    "colour": "Colour",
}
_VALUES: Mapping[tuple[str, str], str] = {
    ("neckline", "v"): "V-neck",
    ("neckline", "deep_v"): "Deep V",
    ("neckline", "high"): "High neck",
    ("neckline", "strap"): "Straps",
    ("collar", "none"): "No collar",
    ("collar", "peter_pan"): "Peter Pan",
    ("closure", "none"): "No closure",
    ("closure", "open"): "Open front",
    ("category", "t_shirt"): "T-shirt",
    ("colour", "multi"): "Multicoloured",
}
_HYPHENATED = frozenset({"off_shoulder", "one_shoulder", "double_breasted", "all_over", "three_quarter"})


def attribute_name(attribute: str) -> str:
    return _ATTRIBUTES.get(attribute) or _readable(attribute)


def value_name(attribute: str, value: str) -> str:
    """Values that a dataset only numbers are called "Value 7"."""
    if value.isdecimal():
        return f"Value {value}"
    return _VALUES.get((attribute, value)) or _readable(value)


def percent(share: float) -> str:
    """0.864 -> "86 %", never "100 %" for what is not certain nor "0 %" for what is not excluded."""
    if 0.995 <= share < 1:
        return "> 99 %"
    if 0 < share < 0.005:
        return "< 1 %"
    return f"{share * 100:.0f} %"


def _readable(name: str) -> str:
    words = name.replace("_", "-" if name in _HYPHENATED else " ").strip()
    return words[:1].upper() + words[1:]
