"""From the masks' mean to the map: mixed with the attention as a prior, and chosen by revealing and removing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from PIL import Image

from asen_core.draw import strength
from asen_core.engine import Engine
from asen_core.review.explain.masks import Canvas, resized
from asen_core.types import Garment, View

_KERNEL = np.array([1, 4, 6, 4, 1]) / 16


def chosen(engine: Engine, laid: Canvas, reference: View, found: np.ndarray, steps: int, batch_size: int) -> np.ndarray:
    """The best of `mixtures` of the masks' mean with the query's own attention: (h, w) float32, as of `worth`.

    Random masks are coarse and noisy where attention is fine, but attention says where the model looks and not what the
    likeness rests on; how far it may be trusted differs from pair to pair, so each mixture's places are revealed and removed in
    its order, in `steps` steps. The one with the greatest area under insertion less deletion is taken, of those that in neither
    fall behind plain attention where there are any. These are the very curves that judge a map: it is made to explain this
    pair to this model, and nothing else.
    """
    name = reference.condition
    attention = attention_map(laid.whole, next(engine.views([laid.whole], [name], 1))[name], laid.cells)
    maps = [attention, *mixtures(found, attention)]
    masks = (mask for order in maps for first in revealed(laid, order, steps) for mask in (first, 1 - first))
    scores = np.stack(list(similarities(engine, laid, masks, {name: reference}, batch_size)))
    insertion, deletion = np.moveaxis(scores.reshape(len(maps), steps + 1, 2), 2, 0)
    gains = np.stack([area(insertion) - area(insertion[:1]), area(deletion[:1]) - area(deletion)], 1)[1:]
    behind = (gains < 0).any(1)
    best = 1 + int(np.argmax(gains.sum(1) - 4 * behind))
    return worth(maps[best], insertion[best], deletion[best])


def worth(order: np.ndarray, insertion: np.ndarray, deletion: np.ndarray) -> np.ndarray:
    """What each place is worth in units of cosine: (h, w) float32, falling in the order of `order` (h, w).

    insertion, deletion: (steps + 1,) as measured in that order. A place is worth what the similarity rose by in the step that
    revealed it and fell by in the step that removed it, on average, levelled to the nearest falling sequence (least squares).
    """
    steps = (np.diff(insertion) - np.diff(deletion)) / 2
    falling = _falling(steps)
    along = _ranks(-order) * len(steps)
    values = np.interp(along, np.arange(len(steps)) + 0.5, falling)
    # Ties would lose the order within a step; a hundredth of the span keeps it.
    span = max(float(np.ptp(falling)), 1e-6)
    return (values - 0.01 * span * along / len(steps)).astype(np.float32)


def _falling(values: np.ndarray) -> np.ndarray:
    """The non-increasing sequence nearest to (n,) values: neighbours out of order are pooled to their mean."""
    pools: list[tuple[float, int]] = []
    for value in values.tolist():
        pools.append((value, 1))
        while len(pools) > 1 and pools[-2][0] < pools[-1][0]:
            (a, n), (b, m) = pools[-2:]
            pools[-2:] = [((a * n + b * m) / (n + m), n + m)]
    return np.repeat([mean for mean, _ in pools], [count for _, count in pools])


def mixtures(found: np.ndarray, attention: np.ndarray) -> tuple[np.ndarray, ...]:
    """Maps of one shape, the masks' mean alone first, then mixed with the attention more and less strongly; in no unit."""
    soft = softened(attention)
    above = np.maximum(found, 0) / max(float(found.max()), 1e-12) + 0.2
    standard, ranks = (_standard(found), _standard(attention)), (_ranks(found), _ranks(attention))
    return (
        found, standard[0] + standard[1], standard[0] / 4 + standard[1], ranks[0] + _ranks(soft), ranks[0] + ranks[1],
        ranks[0] + 3 * ranks[1], np.sqrt(soft) * above,
    )  # fmt: skip


def softened(values: np.ndarray) -> np.ndarray:
    """A map smoothed over five cells either way, its rim repeated outwards."""
    out = np.asarray(values, np.float64)
    for axis in (0, 1):
        around = np.pad(out, [(2, 2) if axis == a else (0, 0) for a in (0, 1)], mode="edge")
        out = sum(k * np.take(around, np.arange(i, i + out.shape[axis]), axis) for i, k in enumerate(_KERNEL))
    return out


def revealed(laid: Canvas, order: np.ndarray, steps: int) -> Iterator[np.ndarray]:
    """(h, w) float32 masks, 1 where revealed: none of the order's cells, then evenly more of them, greatest first, then all."""
    cells = laid.cells
    values = order if order.shape == cells else resized(order, cells, Image.Resampling.BILINEAR)
    ranks = np.empty(values.size, np.int64)
    ranks[np.argsort(-values, axis=None, kind="stable")] = np.arange(values.size)
    for step in range(steps + 1):
        seen = (ranks < round(step * values.size / steps)).reshape(cells)
        yield resized(seen.astype(np.float32), laid.shape, Image.Resampling.NEAREST)


def area(curve: np.ndarray) -> np.ndarray:
    """Area under curves (..., steps + 1) over 0..1, by trapezia: (...)."""
    return (curve[..., 1:] + curve[..., :-1]).mean(-1) / 2


def attention_map(query: Garment, view: View, shape: Sequence[int]) -> np.ndarray:
    """The view's attention over the whole photo: (h, w) float32 of the wanted shape, 0..1."""
    return strength(view, (query.width, query.height), (shape[1], shape[0]))


def similarities(
    engine: Engine, laid: Canvas, masks: Iterable[np.ndarray], references: Mapping[str, View], batch_size: int
) -> Iterator[np.ndarray]:
    """Per mask (A,) float32: the cosine of the photo under it and each reference, under the references' attributes."""
    names = list(references)
    vectors = np.stack([references[name].embedding for name in names])
    for views in engine.views((laid.shown(mask) for mask in masks), names, batch_size):
        yield np.clip(np.einsum("ad,ad->a", np.stack([views[name].embedding for name in names]), vectors), -1, 1)


def _standard(values: np.ndarray) -> np.ndarray:
    """Mean 0 and standard deviation 1; all 0 where the map is flat."""
    return (values - values.mean()) / max(float(values.std()), 1e-12)


def _ranks(values: np.ndarray) -> np.ndarray:
    """0 at the least cell to 1 at the greatest; ties in reading order."""
    out = np.empty(values.size)
    out[np.argsort(values, axis=None, kind="stable")] = np.linspace(0, 1, values.size)
    return out.reshape(values.shape)
