"""Settings as frozen dataclasses; what is written into a checkpoint or a recipe is one of these."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

METHODS = ("asen_pp", "asen", "csn", "general", "pooled")
GEOMETRIES = ("letterbox", "released")
"""How a photo becomes the square input: scaled whole between bars, or cut at its centre as by the authors' release."""


WIDEST = 2**14
"""The largest size or width that a model may have, far above any that is built."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_KINDS = {
    "int": ("a whole number", lambda value: type(value) is int),
    "float": ("a number", _is_number),
    "str": ("a text", lambda value: isinstance(value, str)),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
}
"""A field's annotation -> what a setting of that kind is called, and whether a value is one."""


class FromDict:
    """Strict construction from JSON: an unknown, missing or differently typed setting is an error, never ignored."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Raises: ValueError, TypeError."""
        known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        if unknown := sorted(set(values) - known):
            raise ValueError(f"{cls.__name__} has no setting {', '.join(unknown)}; known: {', '.join(sorted(known))}.")
        for field in fields(cls):  # type: ignore[arg-type]
            kind, fits = _KINDS.get(str(field.type), ("", lambda value: True))
            if field.name in values and not fits(values[field.name]):
                raise ValueError(f"{field.name} must be {kind}, got {str(values[field.name])[:40]!r}.")
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload]


_SIZES = ("input_size", "roi_size")
_WIDTHS = ("attribute_dim", "global_dim", "local_dim", "global_keys", "local_keys")


@dataclass(frozen=True)
class ModelConfig(FromDict):
    """Architecture and preprocessing of ASEN++ (Dong et al., TIP 2021, section III); `COMPACT` is shipped.

    geometry: one of `GEOMETRIES`; "released" also takes regions of interest in whole pixels, exactly as the authors' code does,
    and knows no `roi_margin` and no `roi_min_size`. global_keys, local_keys: width of the keys of the spatial
    attention, 0 for `attribute_dim`. attribute_spread: standard deviation of the attribute vectors before training.
    """

    global_trunk: str = "mobilenet_v2"
    local_trunk: str = "mobilenet_v2"
    input_size: int = 224
    roi_size: int = 112
    attention_stride: int = 8
    attention_kernel: int = 1
    attribute_dim: int = 128
    attribute_spread: float = 0.5
    global_dim: int = 128
    local_dim: int = 128
    beta: float = 0.6
    roi_threshold: float = 0.3
    roi_margin: float = 0.15
    roi_min_size: float = 0.2
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    fill: int = 255
    reading_scale: float = 16.0
    value_share: float = 0.0
    method: str = "asen_pp"
    geometry: str = "letterbox"
    global_keys: int = 0
    local_keys: int = 0

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            three = getattr(self, name)
            if (
                not isinstance(three, tuple)
                or len(three) != 3
                or not all(map(_is_number, three))
                or (name == "std" and 0 in three)
            ):
                raise ValueError(f"{name} must be three numbers, those of std not 0, got {str(three)[:40]!r}.")
        sizes = {name: getattr(self, name) for name in (*_SIZES, *_WIDTHS)}
        if wrong := [f"{n} {v}" for n, v in sizes.items() if not (16 if n in _SIZES else 0) <= v <= WIDEST]:
            raise ValueError(f"Sizes must lie in 16..{WIDEST} pixels, widths in 0..{WIDEST}, got {', '.join(wrong)[:80]}.")
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {self.method!r}.")
        if not 0 < self.beta < 1:
            raise ValueError(f"beta must lie between 0 and 1, got {self.beta}.")
        if not 0 <= self.value_share <= 1:
            raise ValueError(f"value_share must lie in 0..1, got {self.value_share}.")
        if self.input_size % 16 or self.roi_size % 16:
            raise ValueError(f"Sizes must be multiples of 16, got {self.input_size} and {self.roi_size}.")
        if self.attention_stride not in (8, 16):
            raise ValueError(f"attention_stride must be 8 or 16 pixels, got {self.attention_stride}.")
        if self.attention_kernel not in (1, 3):
            raise ValueError(f"attention_kernel must be 1 or 3 cells, got {self.attention_kernel}.")
        if self.geometry not in GEOMETRIES:
            raise ValueError(f"geometry must be one of {', '.join(GEOMETRIES)}, got {self.geometry!r}.")
        if self.geometry == "released" and (self.roi_margin or self.roi_min_size):
            got = f"{self.roi_margin} and {self.roi_min_size}"
            raise ValueError(f"Under geometry 'released' roi_margin and roi_min_size must be 0, got {got}.")

    @property
    def cells(self) -> int:
        """Attention cells along one side of the input."""
        return self.input_size // self.attention_stride


COMPACT = ModelConfig(attention_kernel=3, value_share=0.7)
PAPER = ModelConfig(
    global_trunk="resnet50",
    local_trunk="resnet34",
    attention_stride=16,
    attribute_dim=512,
    attribute_spread=1.0,
    global_dim=1024,
    local_dim=1024,
    roi_threshold=0.1,
    roi_margin=0.0,
    roi_min_size=0.0,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    fill=0,
    geometry="released",
    local_keys=256,
)
PRESETS = {"compact": COMPACT, "paper": PAPER}
