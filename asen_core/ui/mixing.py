"""Several attributes in one question: how much each counts, and where a garment shall be different. No Gradio in here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asen_core.errors import QueryError
from asen_core.ui import names


@dataclass(frozen=True)
class Mix:
    """weights: attribute -> its share, none of them 0, together 1; unlike: attributes to be different in."""

    weights: Mapping[str, float]
    unlike: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        """All attributes that the question names."""
        return (*self.weights, *self.unlike)


def mix_of(attributes: Sequence[str], data: object) -> Mix | None:
    """What a visitor mixed; None where the mix is not in use.

    data: from the browser: on; weights, attribute -> number from 0 of any scale; unlike, a list of attributes.
    Raises: QueryError for attributes that there are not, or a mix in which none counts.
    """
    if not isinstance(data, Mapping) or not data.get("on"):
        return None
    weights, unlike = data.get("weights") or {}, data.get("unlike") or []
    if not isinstance(weights, Mapping) or not isinstance(unlike, list) or not {*weights, *map(str, unlike)} <= {*attributes}:
        raise QueryError("The page mixed attributes that this gallery does not have; reload it.")
    if not all(_counts(w) for w in weights.values()):
        raise QueryError("A weight must be a number from 0 to 100; set the sliders again.")
    apart = tuple(a for a in attributes if a in unlike)
    counting = {a: float(weights[a]) for a in attributes if weights.get(a, 0) > 0 and a not in apart}
    total = math.fsum(counting.values())
    if not total:
        raise QueryError("Give at least one attribute a weight: that is what the garments shall be alike in.")
    return Mix({a: w / total for a, w in counting.items()}, apart)


def _counts(weight: object) -> bool:
    return isinstance(weight, int | float) and not isinstance(weight, bool) and 0 <= weight <= 1e6


def said(mix: Mix) -> tuple[str, str]:
    """ "neckline (70 %) and sleeve length (30 %)" and "pattern", the second empty where nothing shall be different."""
    alone = len(mix.weights) == 1
    shares = [_name(a) if alone else f"{_name(a)} ({names.percent(w)})" for a, w in mix.weights.items()]
    return _joined(shares), _joined([_name(a) for a in mix.unlike])


def singles(mix: Mix, alike: Mapping[str, float]) -> str:
    """The similarities behind one hit: "neckline 0.92, sleeve length 0.60 · pattern 0.11"."""
    both = (
        ", ".join(f"{_name(a)} {round(alike[a], 2) + 0.0:.2f}" for a in some if a in alike)
        for some in (mix.weights, mix.unlike)
    )
    return " · ".join(filter(None, both))


def _name(attribute: str) -> str:
    return names.attribute_name(attribute).lower()


def _joined(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
