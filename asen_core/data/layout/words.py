"""What the values of DARN and DeepFashion stand for in drawn garments: the renderer's words, in places of our choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType

from asen_core.data.render import styles
from asen_core.data.render.sample import NOT_DRAWN
from asen_core.data.render.spec import Spec
from asen_core.data.vocabulary import DEFAULT
from asen_core.types import Vocabulary
from asen_core.vocabularies import PUBLISHED

_FITS = ("regular", "slim", "boxy", "a_line", "flared", "pleated")
_FABRICS = tuple(dict.fromkeys(fabric for kind in styles.KINDS.values() for fabric in kind.fabrics))
_PRINTED = ("dots", "floral", "graphic", "all_over")
_ON_TOPS = {
    "short": "thigh", "mid": "knee", "three_quarter": "calf", "midi": "calf", "cropped": "ankle", "full": "ankle",
    "floor": "ankle",
}  # fmt: skip
"""A bottom's length by the names of tops, where it isn't the same."""
_FOLLOWS = {"rolled": "elbow"}
"""A sleeve whose length is another one's."""

_TELLS_NOTHING = ("", "none", "other")


def _distinct(*words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in chain(*words) if word not in _TELLS_NOTHING))


_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "FashionAI": {},
    "DARN": {
        "clothes category": tuple(c for c in DEFAULT["category"] if c not in NOT_DRAWN),
        "clothes button": DEFAULT["closure"],
        "clothes color": DEFAULT["colour"],
        "clothes length": DEFAULT["top_length"],
        "clothes pattern": DEFAULT["pattern"],
        "clothes shape": _FITS,
        "collar shape": _distinct(DEFAULT["neckline"], DEFAULT["collar"]),
        "sleeve length": tuple(sleeve for sleeve in styles.SLEEVES if sleeve not in _FOLLOWS),
        "sleeve shape": ("none", "straight", "narrow cuff", "rolled", "cap"),
    },
    "DeepFashion": {
        "texture-related": (*DEFAULT["pattern"], "print", "stripe"),
        "fabric-related": (*_FABRICS, "knitted"),
        "shape-related": (*_FITS, *DEFAULT["top_length"]),
        "part-related": _distinct(DEFAULT["neckline"], DEFAULT["collar"], DEFAULT["closure"], styles.SLEEVES),
        "style-related": tuple(styles.KINDS),
    },
}


def _named(dataset: str) -> Vocabulary:
    """The published values, those that are drawn under our words."""
    published, words = PUBLISHED[dataset], _WORDS[dataset]
    return MappingProxyType({a: (*words.get(a, ()), *values[len(words.get(a, ())) :]) for a, values in published.items()})


NAMES: Mapping[str, Vocabulary] = MappingProxyType({dataset: _named(dataset) for dataset in _WORDS})
"""Dataset -> its attributes and values by name; values without a word of ours go by their number."""


def darn(spec: Spec) -> dict[str, tuple[str, ...]]:
    """DARN's attributes of a garment, one value each; only those that apply."""
    known = spec.labels
    words = {
        "clothes category": known["category"],
        "clothes button": known.get("closure", ""),
        "clothes color": known["colour"],
        "clothes length": _length(spec),
        "clothes pattern": known["pattern"],
        "clothes shape": spec.fit,
    }
    if spec.neck:
        collar = known["collar"]
        words["collar shape"] = known["neckline"] if collar in _TELLS_NOTHING else collar
        words["sleeve length"] = _FOLLOWS.get(spec.sleeve, spec.sleeve)
        words["sleeve shape"] = _sleeve_shape(spec)
    return {attribute: (word,) for attribute, word in words.items() if word}


def deepfashion(spec: Spec) -> dict[str, tuple[str, ...]]:
    """DeepFashion's kinds of attribute of a garment, each with all its values that apply."""
    known = spec.labels
    texture = [spec.pattern, *(["print"] if spec.pattern in _PRINTED else ["stripe"] if "stripe" in spec.pattern else [])]
    parts = (known.get("neckline", ""), known.get("collar", ""), known.get("closure", ""), spec.sleeve)
    words = {
        "texture-related": texture,
        "fabric-related": [spec.fabric, *(["knitted"] if spec.fabric in styles.KNITS else [])],
        "shape-related": [spec.fit, _length(spec)],
        "part-related": [part for part in parts if part not in _TELLS_NOTHING],
        "style-related": [spec.kind],
    }
    return {attribute: tuple(dict.fromkeys(values)) for attribute, values in words.items() if values}


def indices(dataset: str, words: Mapping[str, tuple[str, ...]]) -> tuple[tuple[int, int], ...]:
    """Attribute and value indices of words, ascending."""
    names = NAMES[dataset]
    order = {attribute: i for i, attribute in enumerate(names)}
    return tuple(sorted((order[a], names[a].index(word)) for a, values in words.items() for word in values))


def _length(spec: Spec) -> str:
    """Where the hem ends, on the scale of tops."""
    return spec.labels.get("top_length") or _ON_TOPS.get(spec.length, spec.length)


def _sleeve_shape(spec: Spec) -> str:
    if spec.sleeve in ("rolled", "cap"):
        return spec.sleeve
    if spec.sleeve == "sleeveless":
        return "none"
    long = styles.SLEEVES[spec.sleeve][2] > 0.8
    return "narrow cuff" if long and spec.fabric in styles.KNITS else "straight"
