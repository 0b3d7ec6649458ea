"""Choosing what to draw: an even walk over every value of both vocabularies, everything else left to a seeded chance."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from asen_core.data.render import styles
from asen_core.data.render.palette import COLOURS, PATTERN_COLOURS
from asen_core.data.render.spec import Spec
from asen_core.data.vocabulary import DEFAULT
from asen_core.errors import QueryError

BACKGROUNDS = ("white",) * 9 + ("off_white",) * 3 + ("grey",) * 3 + ("wall",) * 2 + ("wood",) * 2 + ("fabric",)
NOT_DRAWN = ("underwear", "shoes", "bag", "hat", "accessory")
TRIES = 2000
USUAL = {
    "denim": ("blue", "blue", "blue", "navy", "navy", "black", "grey", "white"),
    "leather": ("black", "black", "brown", "brown", "maroon", "beige"),
}
"""Cloths that mostly come in few colours."""
DECIDED_BY = {
    "neckline": "necks", "collar": "necks", "closure": "necks", "collar_design": "necks", "lapel_design": "necks",
    "neckline_design": "necks", "neck_design": "necks", "sleeve": "sleeves", "sleeve_length": "sleeves", "pattern": "patterns",
    "top_length": "lengths", "bottom_length": "lengths", "skirt_length": "lengths",
    "coat_length": "lengths", "pant_length": "lengths",
}  # fmt: skip
"""Attribute -> the field of a kind that decides it; category and colour are decided elsewhere."""


@lru_cache(maxsize=2)
def targets(vocabulary: str = "default") -> tuple[tuple[str, str], ...]:
    """All (attribute, value) pairs that the renderer walks over; `vocabulary` is "default" (both) or "fashionai"."""
    if vocabulary not in ("default", "fashionai"):
        raise QueryError(
            f'The renderer knows the vocabularies "default" and "fashionai", not "{vocabulary}"; choose one of them.'
        )
    official = [(a, v) for a, values in styles.FASHIONAI.items() for v in values]
    if vocabulary == "fashionai":
        return tuple(official)
    return tuple([(a, v) for a, values in DEFAULT.items() for v in values if v not in NOT_DRAWN] + official)


def sample(seed: int, index: int, vocabulary: str = "default") -> Spec:
    """The spec number `index` (>= 0) of the walk that `seed` starts; each full round visits every value once more.

    Raises QueryError for an unknown vocabulary or a negative index.
    """
    wanted = targets(vocabulary)
    if index < 0:
        raise QueryError(f"A garment's index must be 0 or more, got {index}; count from 0.")
    turn, place = divmod(index, len(wanted))
    attribute, value = wanted[np.random.default_rng([seed, turn]).permutation(len(wanted))[place]]
    return sample_of(attribute, value, np.random.default_rng([seed, index, 1]))


def sample_of(attribute: str, value: str, rng: np.random.Generator) -> Spec:
    """A spec that has a value of either vocabulary, everything else left to chance."""
    kinds = [k for k in styles.KINDS if _narrow(k, attribute, value)]
    for _ in range(TRIES):
        spec = _draw(rng, kinds[rng.integers(len(kinds))], attribute, value)
        if spec is not None and (spec.labels.get(attribute) == value or spec.fashionai.get(attribute) == value):
            return spec
    raise AssertionError(f"no plausible garment found for {attribute}={value}")


@lru_cache(maxsize=4096)
def _narrow(kind: str, attribute: str, value: str) -> styles.Kind | None:
    """The kind with only those choices left that give the value, or None where it can't have it."""
    family = styles.KINDS[kind]
    if attribute == "category":
        return family if family.category == value else None
    part = DECIDED_BY.get(attribute)
    if part is None:
        return family
    left = tuple(option for option in getattr(family, part) if value in _values(kind, part, option, attribute))
    return replace(family, **{part: left}) if left else None


def _values(kind: str, part: str, option: str, attribute: str) -> tuple[str, ...]:
    """The values that an attribute takes where `option` is chosen for a part of the kind."""
    if attribute == "closure":
        return styles.NECKS[option].closures
    family = styles.KINDS[kind]
    first = {name: options[0] if options else "" for name, options in vars(family).items() if name != "category"}
    chosen = first | {part: option}
    spec = Spec(kind, chosen["necks"], chosen["sleeves"], "", chosen["lengths"], pattern=chosen["patterns"])
    return ((spec.labels | spec.fashionai).get(attribute, ""),)


def _draw(rng: np.random.Generator, kind: str, attribute: str, value: str) -> Spec | None:
    """A random garment of a kind, or None where the dice made an implausible one."""
    family = _narrow(kind, attribute, value) or styles.KINDS[kind]

    def pick(options: tuple[str, ...]) -> str:
        return str(options[rng.integers(len(options))])

    pattern, fabric = pick(family.patterns), pick(family.fabrics)
    fit, length = pick(family.fits), pick(family.lengths)
    colour = value if attribute == "colour" else _colour(rng, pattern, fabric)
    if colour == "multi" and pattern not in PATTERN_COLOURS:
        return None
    if fabric in ("denim", "leather", "quilt", "cable") and pattern not in ("solid", "colour_block"):
        return None
    shared = Spec(kind, length=length, pattern=pattern, colour=colour, fabric=fabric, fit=fit, seed=int(rng.integers(2**31)))
    background = pick(BACKGROUNDS)
    if kind in styles.BOTTOMS:
        return replace(shared, worn=bool(rng.random() < 0.2), background=background)
    neck, sleeve = pick(family.necks), pick(family.sleeves)
    closures = styles.NECKS[neck].closures
    closure = value if attribute == "closure" and value in closures else pick(closures)
    if not _plausible(kind, neck, sleeve, closure, length):
        return None
    if pattern == "graphic" and closure in ("buttons", "double_breasted", "open", "zip"):
        return None
    worn = bool(rng.random() < 0.42)
    if worn and background in ("wood", "fabric"):
        background = pick(("white", "white", "grey", "wall"))
    return replace(shared, neck=neck, sleeve=sleeve, closure=closure, worn=worn, background=background)


def _colour(rng: np.random.Generator, pattern: str, fabric: str) -> str:
    if fabric in USUAL and rng.random() < 0.85:
        return str(rng.choice(USUAL[fabric]))
    names = [c for c in COLOURS if c != "multi"]
    if pattern in PATTERN_COLOURS and rng.random() < 0.12:
        return "multi"
    weights = np.array([2.0 if c in ("black", "grey", "white", "blue", "navy", "red", "pink") else 1.0 for c in names])
    return str(rng.choice(names, p=weights / weights.sum()))


def _plausible(kind: str, neck: str, sleeve: str, closure: str, length: str) -> bool:
    if neck in styles.NO_SLEEVE_NECKS and sleeve != "sleeveless":
        return False
    if neck == "off_shoulder" and sleeve in ("sleeveless", "cap", "rolled"):
        return False
    if neck == "polo" and sleeve in ("cap", "three_quarter"):
        return False
    if neck == "sweetheart" and sleeve in ("elbow", "wrist", "extra_long"):
        return False
    if kind == "kurta" and neck == "mandarin" and closure == "buttons" and length == "midi":
        return False
    if kind in ("jacket", "parka"):
        return closure in ("zip", "buttons") and (neck != "shirt" or sleeve != "sleeveless")
    if kind == "blazer":
        return length != "crop" or closure != "double_breasted"
    return not (kind == "sweatshirt" and closure == "none" and neck == "funnel")
