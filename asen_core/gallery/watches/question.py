"""What a saved search asks, and all garments of a gallery that answer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from asen_core.errors import GalleryError, QueryError
from asen_core.gallery.gallery import Gallery
from asen_core.gallery.mix import Mix, mix_of
from asen_core.types import Match, Matches, Range, Where

CLOSER, SAME = 1e-5, 0.9995
"""How much more similar is closer, above the noise of sums; and from where on a garment is the photo itself."""
MOST = 50_000
"""A threshold that so many garments pass already tells of nothing."""
_FIRST, _GROWTH = 256, 8


@dataclass(frozen=True)
class Question:
    """What is compared: weights of attributes (one: that attribute alone), what shall differ, and a filter.

    weights: as of `Gallery.mix`; unlike: attribute -> the largest likeness there, None for the gallery's own limit.
    """

    weights: Mapping[str, float]
    unlike: Mapping[str, float | None] = field(default_factory=dict)
    where: Where = field(default_factory=dict)

    def settled(self, gallery: Gallery) -> Mix:
        """With the limits as the gallery sets them now. Raises: QueryError."""
        limits = self.unlike if None not in self.unlike.values() else tuple(self.unlike)
        return mix_of(gallery.attributes, gallery.store.background(), self.weights, limits)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `of_json` reads them."""
        where = {label: _plain(wanted) for label, wanted in self.where.items()}
        return {"weights": dict(self.weights), "unlike": dict(self.unlike), "where": where}

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Question:
        """What `to_json` made. Raises: KeyError, TypeError, ValueError, AttributeError for anything else."""
        weights = {str(a): float(w) for a, w in values["weights"].items()}
        unlike = {str(a): None if limit is None else float(limit) for a, limit in values["unlike"].items()}
        where = {str(label): _of_plain(wanted) for label, wanted in values["where"].items()}
        return cls(weights, unlike, where)

    def __str__(self) -> str:
        """For people: "neckline 0.7 + sleeve 0.3, unlike pattern, where colour is blue"."""
        text = str(Mix(self.weights, dict.fromkeys(self.unlike, 0.0)))
        where = " and ".join(f"{label} is {_words(wanted)}" for label, wanted in self.where.items())
        return f"{text}, where {where}" if where else text


@dataclass(frozen=True)
class Rule:
    """What counts as close: similarity of at least `least`; or above that of the item `than`; else above the present best's."""

    least: float | None = None
    than: str = ""

    def __post_init__(self) -> None:
        if self.least is not None and (self.than or not -1 <= self.least <= 1):
            raise QueryError(f"Give either the least similarity, -1 to 1, or a garment to beat; got {self}.")


@dataclass(frozen=True)
class Threshold:
    """A rule worked out. value: similarity; item: whose it is, "" where it was given; beaten: only what is closer counts.

    unlike: the largest likeness in what shall differ, kept, since a gallery that grows would set other limits.
    """

    value: float
    item: str = ""
    beaten: bool = False
    unlike: Mapping[str, float] = field(default_factory=dict)

    @property
    def least(self) -> float:
        """The smallest similarity that counts."""
        return self.value + CLOSER if self.beaten else self.value

    def __str__(self) -> str:
        if not self.beaten:
            return f"at least {self.value:.3f}"
        return f"closer than {self.value:.3f}, {self.item}" if self.item else "any that passes the filter"


def all_close(gallery: Gallery, vectors: np.ndarray, question: Question, limit: Threshold) -> list[Match]:
    """All garments within a threshold, best first, however many. vectors: (A, D). Raises: QueryError."""
    k = _FIRST
    while True:
        found = _ask(gallery, vectors, question, limit.unlike, k, limit.least)
        if len(found) < k or k >= found.searched:
            return list(found)
        k *= _GROWTH


def threshold(gallery: Gallery, vectors: np.ndarray, question: Question, rule: Rule) -> Threshold:
    """Work out what counts as close. Raises: QueryError where too much is close, or the garment to beat is unknown."""
    mix = question.settled(gallery)
    if rule.least is not None:
        found = Threshold(rule.least, unlike=mix.unlike)
    else:
        item = rule.than or _best(gallery, vectors, question, mix)
        found = Threshold(_likeness(gallery, vectors, mix, item) if item else -1.0, item, True, mix.unlike)
    if len(gallery) > MOST and len(_ask(gallery, vectors, question, mix.unlike, MOST, found.least)) >= MOST:
        raise QueryError(f"{MOST:,} garments and more are {found} already; take a larger similarity, or a filter.")
    return found


def check(gallery: Gallery, attributes: tuple[str, ...], fingerprint: str, renew: str) -> None:
    """Raises: GalleryError where vectors of a checkpoint can't be compared with the gallery's. renew: what to do then."""
    held = gallery.manifest
    if fingerprint != held.fingerprint:
        raise GalleryError(
            f"It was saved with checkpoint {fingerprint[:12]}, the gallery is now of {held.fingerprint[:12]}, and similarities "
            f"of two models can't be compared; {renew}."
        )
    if attributes != tuple(held.attributes):
        raise GalleryError(f"The gallery now has the attributes {', '.join(held.attributes)}; {renew}.")


def _best(gallery: Gallery, vectors: np.ndarray, question: Question, mix: Mix) -> str:
    """The garment most alike that is not the photo itself; "" where nothing passes the filter."""
    found = _ask(gallery, vectors, question, mix.unlike, _FIRST)
    return next((m.item.id for m in found if m.similarity < SAME or mix.unlike), "")


def _likeness(gallery: Gallery, vectors: np.ndarray, mix: Mix, item: str) -> float:
    """An item's similarity as `Gallery.mix` has it, before that is cut to -1..1."""
    cosines = np.einsum("ad,ad->a", gallery.vectors(item), vectors.astype(np.float32))
    return float(mix.signed(gallery.attributes) @ cosines)


def _ask(
    gallery: Gallery, vectors: np.ndarray, question: Question, unlike: Mapping[str, float], k: int, least: float | None = None
) -> Matches:
    return gallery.mix(vectors, question.weights, unlike, k, question.where or None, least)


def _of_plain(wanted: Any) -> str | list[str] | Range:
    if isinstance(wanted, dict):
        return Range(**wanted)
    if not all(isinstance(value, str) for value in ([wanted] if isinstance(wanted, str) else wanted)):
        raise ValueError("a filter of something else than texts")
    return wanted


def _plain(wanted: Any) -> Any:
    if isinstance(wanted, Range):
        return asdict(wanted)
    return wanted if isinstance(wanted, str) else sorted(wanted)


def _words(wanted: Any) -> str:
    if isinstance(wanted, Range):
        ends = [f"{end:g}" if end is not None else "" for end in (wanted.least, wanted.most)]
        return f"{ends[0]} to {ends[1]}" if all(ends) else f"{ends[0]} or more" if ends[0] else f"{ends[1]} or less"
    return wanted if isinstance(wanted, str) else " or ".join(sorted(wanted))
