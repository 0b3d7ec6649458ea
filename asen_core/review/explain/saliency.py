"""Where the query must be seen to be alike: a map by perturbation, for one reference in one attribute's space."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from asen_core.engine import Engine
from asen_core.errors import QueryError
from asen_core.review.explain.choice import chosen, similarities
from asen_core.review.explain.masks import canvas, random_masks, resized, windows
from asen_core.types import Garment, View

METHODS = ("masks", "occlusion")
_FIT = 12
"""From so many masks on a parabola is fitted; it would explain fewer away."""


@dataclass(frozen=True)
class Settings:
    """How a photo is hidden; the defaults were chosen by insertion and deletion areas on photos kept for choosing.

    masks: how many random ones; cells: of a mask along the longer side; shares: least and greatest share of its cells that are
    shown; fill: one of `masks.FILLS`; side, stops: of the sliding window, in longer sides, and places along the longer side;
    trials: steps of the curves by which the final map is chosen (`choice`), 0 to take the plain mean of the masks.
    """

    masks: int = 100
    cells: int = 8
    shares: tuple[float, float] = (0.1, 0.9)
    fill: str = "blur"
    side: float = 0.2
    stops: int = 16
    trials: int = 16

    def __post_init__(self) -> None:
        if self.masks < 2 or self.cells < 1 or self.stops < 1 or self.trials < 0:
            raise QueryError(f"An explanation needs at least 2 masks, 1 cell and 1 stop, got {self}.")
        if not (0 < self.shares[0] <= self.shares[1] < 1 and 0 < self.side <= 1):
            raise QueryError(f"Shares and side must lie between 0 and 1, got {self.shares} and {self.side}.")


DEFAULT = Settings()


@dataclass(frozen=True, eq=False)
class Saliency:
    """What a query's likeness to one reference rests on, under one attribute.

    map: (h, w) float32 over the whole oriented photo, `masks.GRID` cells along its longer side, signed, in units of cosine;
    below 0 where a place speaks against the likeness. Occlusion: how far the similarity falls where the window hides the place.
    Masks: what it rises by as this part of the photo is revealed and falls by as it is removed (`choice.worth`); without
    trials, how much more alike the photo is under the masks that show the place than under those that hide it.
    similarity: the cosine of the whole photo and the reference. method: one of `METHODS`.
    """

    attribute: str
    map: np.ndarray
    similarity: float
    method: str

    @property
    def strength(self) -> np.ndarray:
        """(h, w) float32 in 0..1: what speaks for the likeness, 1 at the strongest place; all 0 where nothing does."""
        above = np.maximum(self.map, 0)
        return above / max(float(above.max()), 1e-12)


def saliency(
    engine: Engine, query: Garment, reference: View, method: str = "masks", settings: Settings = DEFAULT, seed: int = 0,
    batch_size: int = 16,
) -> Saliency:  # fmt: skip
    """A map of the query that explains its similarity to the reference, in the space of the reference's attribute.

    As in "Why do these match?" (Plummer et al., arXiv 1905.10797, section 3.1): the query is hidden in parts, the reference
    stays whole, and each place is credited with the similarity that is left where it is shown. method: "masks", random ones
    (RISE, Petsiuk et al., BMVC 2018, equation 6), from whose mean and the query's attention the map is then chosen by hiding
    and revealing (`choice.chosen`); or "occlusion", a sliding window. seed: of the random masks.

    Raises: QueryError for an unknown method, ValueError for a batch size under 1.
    """
    name = reference.condition
    found = explained(engine, query, {name: reference}, method, settings, seed, batch_size)[name]
    if method != "masks" or not settings.trials:
        return found
    laid = canvas(query, settings.fill)
    best = chosen(engine, laid, reference, found.map, settings.trials, batch_size)
    return replace(found, map=best)


def explained(
    engine: Engine, query: Garment, references: Mapping[str, View], method: str, settings: Settings, seed: int, batch_size: int
) -> dict[str, Saliency]:
    """The plain maps under several attributes at once, by the same masks: attribute -> Saliency."""
    if method not in METHODS:
        raise QueryError(f"The method must be one of {', '.join(METHODS)}, got {method!r}.")
    if not references:
        return {}
    laid, rng = canvas(query, settings.fill), np.random.default_rng(seed)
    if method == "masks":
        hiding = list(random_masks(laid.shape, settings.masks, settings.cells, settings.shares, rng))
    else:
        hiding = list(windows(laid.shape, settings.side, settings.stops))
    looked = chain([np.ones(laid.shape, np.float32)], hiding)
    scores = np.stack(list(similarities(engine, laid, looked, references, batch_size)))
    full, rest = scores[0], scores[1:]
    small = [resized(mask, laid.cells) for mask in hiding]
    if method == "masks":
        maps = weighted(zip(small, levelled(rest, np.array([m.mean() for m in small])), strict=True), len(references))
    else:
        maps = dropped(zip(small, rest, strict=True), full)
    return {name: Saliency(name, maps[i], float(full[i]), method) for i, name in enumerate(references)}


def levelled(scores: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Scores (N, A) of masks less what the share of the photo that they show, (N,), tells by itself (a parabola).

    Masks that show much are alike to the reference wherever they show it; that level says nothing about places.
    """
    degree = 2 if len(shown) >= _FIT else 0
    terms = np.stack([shown**power for power in range(degree + 1)], 1)
    return scores - terms @ np.linalg.lstsq(terms, scores, rcond=None)[0]


def weighted(pairs: Iterable[tuple[np.ndarray, np.ndarray]], count: int) -> np.ndarray:
    """(count, h, w) float32 from masks (h, w) and their scores (count,): the mean score where a place is shown, less where not.

    The first mean is RISE's equation 6 with the share of masks that were really seen at each place in place of its expected
    value (Monte Carlo); the second is that of the masks' complements. Their difference is free of the scores' own level.
    """
    shown = hidden = scores_shown = scores_hidden = None
    for mask, score in pairs:
        if shown is None:
            shown, hidden = np.zeros(mask.shape), np.zeros(mask.shape)
            scores_shown, scores_hidden = np.zeros((count, *mask.shape)), np.zeros((count, *mask.shape))
        rest = 1.0 - mask
        shown += mask
        hidden += rest
        scores_shown += score[:, None, None] * mask
        scores_hidden += score[:, None, None] * rest
    if shown is None:
        raise ValueError("An explanation needs at least one mask, got none.")
    return (scores_shown / np.maximum(shown, 1e-9) - scores_hidden / np.maximum(hidden, 1e-9)).astype(np.float32)


def dropped(pairs: Iterable[tuple[np.ndarray, np.ndarray]], full: np.ndarray) -> np.ndarray:
    """(A, h, w) float32: the mean fall of the similarity below `full` (A,) over the windows that hid a place."""
    falls, hidden = None, None
    for mask, score in pairs:
        rest = 1.0 - mask
        if falls is None:
            falls, hidden = np.zeros((len(full), *mask.shape)), np.zeros(mask.shape)
        falls += (full - score)[:, None, None] * rest
        hidden += rest
    if falls is None:
        raise ValueError("An explanation needs at least one window, got none.")
    return (falls / np.maximum(hidden, 1e-9)).astype(np.float32)
