"""Mixed search: through cells, and by candidates of stores that search one attribute at a time."""

from itertools import pairwise

import many
import numpy as np
import pytest
from many import COUNT, Made, clustered, drawn, masks

from asen_core.gallery.approximate import Approximate
from asen_core.gallery.candidates import mixed_by_candidates

quick, made, finder = many.quick, many.made, many.finder


def mixed_oracle(
    vectors: np.ndarray, query: np.ndarray, weights: np.ndarray, k: int, keep: np.ndarray | None, most: dict[int, float]
) -> list[int]:
    rows = vectors.astype(np.float64)
    cosines = np.einsum("and,ad->an", rows, query) / np.linalg.norm(rows, axis=2)
    allowed = [
        i for i in range(rows.shape[1]) if (keep is None or keep[i]) and all(cosines[a, i] <= m for a, m in most.items())
    ]
    return sorted(allowed, key=lambda i: (-(weights @ cosines[:, i]), i))[:k]


@pytest.mark.parametrize(
    ("weights", "most", "kind", "least"),
    [
        ((0.7, 0.3), {}, "all", 0.97),
        ((0.5, 0.5), {}, "half", 0.97),
        ((1.0, 0.0), {}, "all", 0.97),
        ((1.0, 0.0), {1: 0.2}, "all", 0.93),  # the best of those are hardly better than the rest
        ((1.0, 0.0), {1: -0.5}, "half", 0.97),  # which few are
        ((1.0, -0.4), {1: 0.5}, "all", 0.97),
        ((0.6, 0.4), {}, "few", 1.0),
        ((0.6, 0.4), {0: -1.5}, "all", 1.0),  # which none is
    ],
)
def test_mixed_search_agrees_with_the_oracle(
    made: Made, finder: Approximate, weights: tuple[float, ...], most: dict[int, float],
    kind: str, least: float,
) -> None:  # fmt: skip
    vectors, keep, w, right, asked = made[0], masks()[kind], np.array(weights), 0, 0
    for query in drawn(10):
        positions, scores = finder.mixed(query, w, 10, keep, most)
        truth = mixed_oracle(vectors, query, w, 10, keep, most)
        found = finder.vectors(positions)
        np.testing.assert_allclose(scores, np.einsum("nad,ad,a->n", found, query, w), atol=1e-5)
        assert len(positions) == len(truth)
        assert keep is None or keep[positions].all()
        assert all((found[:, a] @ query[a] <= m + 1e-6).all() for a, m in most.items())
        right, asked = right + len(set(truth) & set(positions.tolist())), asked + len(truth)
    assert right >= least * asked


def test_what_is_near_by_the_sum_but_in_no_attribute_alone_is_found(made: Made, finder: Approximate) -> None:
    queries, weights, right = drawn(21), np.array([0.5, 0.5]), 0
    for one, other in pairwise(queries):
        query = np.stack([one[0], other[1]])
        truth = mixed_oracle(made[0], query, weights, 10, None, {})
        right += len(set(truth) & set(finder.mixed(query, weights, 10)[0].tolist()))
    assert right >= 0.97 * 200


@pytest.mark.parametrize("k", [0, 1, 500, COUNT + 1])
def test_mixed_search_gives_as_many_as_there_are(finder: Approximate, k: int) -> None:
    query, weights = drawn(1)[0], np.array([0.5, 0.5])
    for keep in (None, masks()["half"], masks()["eleven"], masks()["none"]):
        positions, scores = finder.mixed(query, weights, k, keep)
        assert len(set(positions.tolist())) == len(scores) == min(k, COUNT if keep is None else int(keep.sum()))
        assert (np.diff(scores) <= 0).all()
    few = finder.mixed(query, np.array([1.0, 0.0]), 20, None, {1: -0.69})[0]
    rows = made_cosines(finder, query[1])
    assert len(few) == min(20, int((rows <= -0.69).sum()))


def made_cosines(finder: Approximate, query: np.ndarray) -> np.ndarray:
    return finder.vectors(np.arange(COUNT))[:, 1] @ query


class Lists:
    """A store that searches one attribute at a time, exactly, and counts what it is asked."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.rows, self.asked = vectors.astype(np.float32).transpose(1, 0, 2), []

    def search(self, attribute: int, vector: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        self.asked.append((attribute, k))
        products = self.rows[:, attribute] @ vector
        order = np.argsort(-products, kind="stable")[:k]
        return order, products[order]

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        return self.rows[positions]


def test_candidates_are_widened_only_until_enough_are_allowed() -> None:
    store, query = Lists(clustered(2000, 5)), drawn(1)[0]
    one = np.array([1.0, 0.0])
    found = mixed_by_candidates(store.search, store.vectors, query, one, 5, {}, candidates=50)
    assert found[0].tolist() == store.search(0, query[0], 5)[0].tolist()
    assert store.asked[:-1] == [(0, 50)]
    store.asked.clear()
    positions, _ = mixed_by_candidates(store.search, store.vectors, query, one, 5, {0: 0.0}, candidates=50)
    truth = [i for i in store.search(0, query[0], 2000)[0].tolist() if store.rows[i, 0] @ query[0] <= 0][:5]
    assert positions.tolist() == truth
    assert [n for _, n in store.asked[:-1]] == [50, 200, 800, 3200]


def test_no_candidates_no_hits() -> None:
    store, query = Lists(clustered(0, 5)), drawn(1)[0]
    assert len(mixed_by_candidates(store.search, store.vectors, query, np.array([0.5, 0.5]), 5)[0]) == 0
    store = Lists(clustered(1, 5))
    assert mixed_by_candidates(store.search, store.vectors, query, np.array([0.5, 0.5]), 5)[0].tolist() == [0]
    assert len(mixed_by_candidates(store.search, store.vectors, query, np.array([0.5, 0.5]), 0)[0]) == 0
    with pytest.raises(ValueError, match="At least one weight must be above 0"):
        mixed_by_candidates(store.search, store.vectors, query, np.array([0.0, -0.5]), 5)
