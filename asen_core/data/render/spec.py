"""The two nouns of the renderer: a full description of one drawing, and the drawing with labels and exact masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from asen_core.data.render import styles


@dataclass(frozen=True)
class Spec:
    """Everything that decides a drawing: two equal specs give the same picture, byte for byte.

    kind, neck, sleeve, length: keys of `styles.KINDS`, `NECKS`, `SLEEVES` and the lengths' tables (empty where there is none);
    closure, pattern, colour: values of the default vocabulary; worn: on a mannequin; seed: all that is left to chance.
    """

    kind: str
    neck: str = ""
    sleeve: str = ""
    closure: str = ""
    length: str = "hip"
    pattern: str = "solid"
    colour: str = "grey"
    fabric: str = "jersey"
    fit: str = "regular"
    worn: bool = False
    background: str = "white"
    seed: int = 0

    @property
    def labels(self) -> dict[str, str]:
        """Default-vocabulary attribute -> value; only those that apply."""
        out = {"pattern": self.pattern, "colour": self.colour, "category": styles.KINDS[self.kind].category}
        if self.kind in styles.BOTTOMS:
            table = styles.SKIRT_LENGTHS if self.kind == "skirt" else styles.PANT_LENGTHS
            return out | {"bottom_length": table[self.length][0]}
        neck = styles.NECKS[self.neck]
        return out | {
            "neckline": neck.neckline,
            "collar": neck.collar,
            "sleeve": styles.SLEEVES[self.sleeve][0],
            "closure": self.closure,
            "top_length": styles.TOP_LENGTHS[self.length][0],
        }

    @property
    def fashionai(self) -> dict[str, str]:
        """FashionAI attribute -> value name; only those that apply."""
        if self.kind == "skirt":
            return {"skirt_length": styles.SKIRT_LENGTHS[self.length][1]}
        if self.kind in styles.BOTTOMS:
            return {"pant_length": styles.PANT_LENGTHS[self.length][1]}
        attribute, _, value = styles.NECKS[self.neck].fashionai.partition(":")
        out = {attribute: value} if value else {}
        if sleeve := styles.SLEEVES[self.sleeve][1]:
            out["sleeve_length"] = sleeve
        _, coat, skirt, _, _ = styles.TOP_LENGTHS[self.length]
        if styles.KINDS[self.kind].category in ("outerwear", "suit"):
            out["coat_length"] = coat
        if self.kind == "dress" and skirt:
            out["skirt_length"] = skirt
        return out


@dataclass(frozen=True, eq=False)
class Rendered:
    """A drawn garment.

    pixels: (H, W, 3) uint8 RGB; labels, fashionai: attribute -> value, only those that apply;
    masks: region (neckline, collar, sleeve, closure, hem, garment) -> (H, W) bool, only the regions that exist.
    """

    pixels: np.ndarray
    labels: Mapping[str, str]
    fashionai: Mapping[str, str]
    masks: Mapping[str, np.ndarray] = field(repr=False)
    spec: Spec

    def __post_init__(self) -> None:
        for name in ("labels", "fashionai", "masks"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
