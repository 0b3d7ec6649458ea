import itertools

import numpy as np
import pytest

from asen_core import metrics
from asen_core.types import Box, Frame, View


def view(attention: np.ndarray, frame: Frame) -> View:
    return View("neckline", np.array([1, 0], np.float32), attention.astype(np.float32), Box(0, 0, 1, 1), frame, 1)


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [("", 0), ("0", 0), ("1", 1), ("01", 1 / 2), ("101", (1 + 2 / 3) / 2), ("0011", (1 / 3 + 2 / 4) / 2), ("111", 1)],
)
def test_average_precision(ranked: str, expected: float) -> None:
    assert metrics.average_precision(np.array([c == "1" for c in ranked], bool)) == pytest.approx(expected)


@pytest.mark.parametrize(("ranked", "k", "share"), [("", 1, 0), ("1", 1, 1), ("1", 4, 0.25), ("0110", 2, 0.5), ("0001", 3, 0)])
def test_first_k(ranked: str, k: int, share: float) -> None:
    relevant = np.array([c == "1" for c in ranked], bool)
    assert metrics.precision_at_k(relevant, k) == share
    assert metrics.recall_at_k(relevant, k) == float(share > 0)


@pytest.mark.parametrize("relevant", [np.array([1, 0]), np.zeros((2, 2), bool)])
def test_ranked_lists_are_bool_rows(relevant: np.ndarray) -> None:
    with pytest.raises(ValueError, match="must be"):
        metrics.average_precision(relevant)


def slow(qv, q, cv, c, ks):
    """By hand: sort by (-product, place), count."""
    aps, hits, left = [], {k: [] for k in ks}, 0
    for vector, value in zip(qv, q, strict=True):
        if value not in list(c):
            left += 1
            continue
        ranked = sorted(range(len(c)), key=lambda i: (-sum(float(a) * float(b) for a, b in zip(vector, cv[i], strict=True)), i))
        seen, total = 0, 0.0
        for place, i in enumerate(ranked, 1):
            if c[i] == value:
                seen += 1
                total += seen / place
        aps.append(total / seen)
        for k in ks:
            hits[k].append(any(c[i] == value for i in ranked[:k]))
    return aps, {k: sum(h) / len(h) for k, h in hits.items() if h}, left


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("chunk", [1, 3, 1024])
def test_retrieval_against_the_slow_way(seed: int, chunk: int) -> None:
    rng = np.random.default_rng(seed)
    # whole numbers: products are exact and ties frequent
    qv, cv = (rng.integers(-2, 3, (n, 3)).astype(np.float32) for n in (17, 40))
    q, c = (rng.choice(list("abcd"), n).tolist() for n in (17, 40))
    q[3] = "nowhere"
    found = metrics.retrieval(qv, q, cv, c, (1, 5, 100), chunk)
    aps, recalls, left = slow(qv, q, cv, c, (1, 5, 100))
    np.testing.assert_allclose(found.precisions, aps)
    assert found.map == pytest.approx(np.mean(aps))
    assert dict(found.recalls) == pytest.approx(recalls)
    assert (found.unanswerable, found.queries) == (left, 16)


def test_golden_retrieval_and_ties() -> None:
    candidates = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    found = metrics.retrieval(np.array([[1, 0]], np.float32), ["b"], candidates, ["a", "b", "b"], (1, 2))
    assert found.map == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert dict(found.recalls) == {1: 0, 2: 1}


@pytest.mark.parametrize("chunk", [1, 3, 7, 256])
@pytest.mark.parametrize("kinds", [3, 40, 200])
def test_equal_vectors_tie_wherever_they_stand(kinds: int, chunk: int) -> None:
    """Products of rounded vectors depend on their place in a matrix; repeats of a photo must not win or lose by that."""
    rng = np.random.default_rng(kinds)
    distinct = rng.standard_normal((kinds, 384), dtype=np.float32)
    place = rng.integers(0, kinds, 301)
    values = rng.integers(0, 4, 301)
    queries = rng.standard_normal((20, 384), dtype=np.float32)
    found = metrics.retrieval(queries, [i % 4 for i in range(20)], distinct[place], values, (1,), chunk)
    exact = queries.astype(np.float64) @ distinct.astype(np.float64).T
    for row, precision in zip(found.rows, found.precisions, strict=True):
        ranked = sorted(range(301), key=lambda i: (-exact[row, place[i]], i))
        hits, total = 0, 0.0
        for at, i in enumerate(ranked, 1):
            if values[i] == row % 4:
                hits += 1
                total += hits / at
        assert precision == pytest.approx(total / hits, rel=1e-9)


def test_scores_of_either_sign_and_both_zeros_are_ordered() -> None:
    candidates = np.array([[-1, 0], [-0.0, 0], [0, 0], [2, 0], [-3, 0], [0.5, 0]], np.float32)
    found = metrics.retrieval(np.array([[1, 0]], np.float32), ["x"], candidates, list("axaaax"), (1,))
    # 2, 0.5 (x), -0 (x) before 0, as listed
    assert found.precisions == pytest.approx([(1 / 2 + 2 / 3) / 2])


def test_one_candidate_is_always_first() -> None:
    found = metrics.retrieval(-np.ones((2, 3)), ["a", "b"], np.ones((1, 3)), ["a"], (1,))
    assert (found.precisions.tolist(), found.first.tolist(), found.unanswerable) == ([1.0], [0], 1)


@pytest.mark.parametrize(("queries", "candidates"), [(0, 0), (0, 3), (1, 0)])
def test_nothing_to_count(queries: int, candidates: int) -> None:
    found = metrics.retrieval(np.ones((queries, 2)), ["a"] * queries, np.ones((candidates, 2)), ["a"] * candidates)
    assert (found.queries, found.unanswerable) == (0, queries)
    assert np.isnan(found.map)


@pytest.mark.parametrize(
    ("qv", "cv", "ks", "chunk", "says"),
    [
        (np.ones((1, 2)), np.ones((1, 3)), (1,), 1, "dimensions"),
        (np.ones((2, 2)), np.ones((1, 2)), (1,), 1, "one value each"),
        (np.full((1, 2), np.nan), np.ones((1, 2)), (1,), 1, "finite"),
        (np.ones((1, 2)), np.ones((1, 2)), (0,), 1, "at least 1"),
        (np.ones((1, 2)), np.ones((1, 2)), (1,), 0, "at least 1"),
    ],
)
def test_bad_retrieval(qv, cv, ks, chunk, says) -> None:
    with pytest.raises(ValueError, match=says):
        metrics.retrieval(qv, ["a"], cv, ["a"], ks, chunk)


def test_micro_macro() -> None:
    assert metrics.micro_macro([0.5, 1.0], [3, 1]) == pytest.approx((0.625, 0.75))
    for values, weights in (([], []), ([1], [0]), ([1], [1, 2]), ([1, 1], [2, -1])):
        with pytest.raises(ValueError, match=r"micro_macro|Weights"):
            metrics.micro_macro(values, weights)


# A photo of 40 x 20 in a 20 px square: half size, 5 px bars above and below; four cells of 10 input px.
FRAME = Frame(20, 0.5, 0, 5)


@pytest.mark.parametrize(
    ("boxes", "inside"),
    [
        ([], False),
        ([Box(20, -10, 40, 10)], True),
        ([Box(0, -10, 20, 10)], False),
        ([Box(0, 0, 1, 1), Box(23, 5, 25, 7)], True),
        ([Box(29, -1, 31, 1)], False),
    ],
)
def test_pointing(boxes: list[Box], inside: bool) -> None:
    # around the top right cell attention centres on row 0.3 and column 0.7: (12, 8) of the input, (24, 6) of the photo
    assert metrics.pointing(view(np.array([[0.1, 0.6], [0.2, 0.1]]), FRAME), boxes) is inside


@pytest.mark.parametrize(
    ("boxes", "share"),
    [
        ([], 0),
        ([Box(0, 0, 40, 20)], 0.5),  # the photo is half of each cell
        ([Box(0, 0, 20, 10)], 0.1 / 2),
        ([Box(0, 0, 20, 10), Box(10, 0, 20, 10)], 0.1 / 2),  # overlapping boxes count once
        ([Box(20, 0, 30, 10), Box(0, 10, 20, 20)], 0.6 / 4 + 0.2 / 2),
        ([Box(-99, -99, 99, 99)], 1),
    ],
)
def test_attention_inside(boxes: list[Box], share: float) -> None:
    assert metrics.attention_inside(view(np.array([[0.1, 0.6], [0.2, 0.1]]), FRAME), boxes) == pytest.approx(share)


def test_attention_inside_against_many_points() -> None:
    rng = np.random.default_rng(0)
    attention = rng.random((7, 5))
    seen = view(attention / attention.sum(), Frame(35, 0.7, 2.5, -1.5))
    boxes = [Box(3, 4, 21, 30), Box(15, 11, 40, 17)]
    grid = (np.arange(1400) + 0.5) / 1400
    xs, ys = (grid * 35 - 2.5) / 0.7, (grid * 35 + 1.5) / 0.7
    inside = np.zeros((1400, 1400), bool)
    for b in boxes:
        inside |= ((ys >= b.y0) & (ys < b.y1))[:, None] & ((xs >= b.x0) & (xs < b.x1))
    slow = (inside.reshape(7, 200, 5, 280).mean((1, 3)) * seen.attention).sum()
    assert metrics.attention_inside(seen, boxes) == pytest.approx(slow, abs=2e-3)


def test_chance_is_the_mean_over_all_orders() -> None:
    for candidates in range(1, 7):
        for relevant in range(candidates + 1):
            orders = set(itertools.permutations([True] * relevant + [False] * (candidates - relevant)))
            slow_mean = np.mean([metrics.average_precision(np.array(o)) for o in orders])
            assert metrics.chance_precision(np.array([relevant]), candidates) == pytest.approx([slow_mean])
    assert metrics.chance_precision(np.zeros(0), 0).shape == (0,)


def test_retrieval_says_whose_precision_it_is() -> None:
    found = metrics.retrieval(np.eye(3)[[0, 1, 2]], ["x", "b", "a"], np.eye(3), ["b", "a", "a"], (1,))
    assert found.rows.tolist() == [1, 2]
    assert found.first.tolist() == [1, 0]  # "b" sees a b a, "a" sees a b a
    # One b of three candidates: (1 + 1/2 + 1/3) / 3; two a: (5/6 + 1 + 7/12 ...) over the three orders.
    assert found.chances == pytest.approx([11 / 18, (1 + 5 / 6 + 7 / 12) / 3])


def test_bootstrap_against_drawing_one_by_one() -> None:
    rng = np.random.default_rng(1)
    p = rng.random((12, 3))
    p[rng.random((12, 3)) < 0.4] = np.nan
    p[:, 0] = 0.5
    p[1:, 2] = np.nan  # one query only, so that many draws go without this attribute
    p[0, 2] = 0.1
    found = metrics.bootstrap(p, np.random.default_rng(7), 200, 0.9)
    micro, macro, columns = [], [], []
    for times in np.random.default_rng(7).multinomial(12, np.full(12, 1 / 12), 200):
        drawn = np.repeat(p, times, axis=0)
        known = [[v for v in column if v == v] for column in drawn.T]
        columns.append([np.mean(k) if k else np.nan for k in known])
        micro.append(np.mean([v for k in known for v in k]))
        macro.append(np.mean([np.mean(k) for k in known if k]))
    np.testing.assert_allclose(found.micro, np.percentile(micro, (5, 95)))
    np.testing.assert_allclose(found.macro, np.percentile(macro, (5, 95)))
    np.testing.assert_allclose(found.attributes, np.nanpercentile(columns, (5, 95), axis=0).T)
    assert found.attributes[0].tolist() == [0.5, 0.5]


def test_bootstrap_of_photos_that_ask_several_times() -> None:
    p = np.array([[0.2, np.nan], [0.4, 1.0], [np.nan, 0.5]])
    sums, counts = np.nan_to_num(p), (~np.isnan(p)).astype(float)
    once = metrics.bootstrap(p, np.random.default_rng(3), 250)
    same = metrics.bootstrap_sums(sums, counts, np.random.default_rng(3), 250)
    assert [once.micro.tolist(), once.attributes.tolist()] == [same.micro.tolist(), same.attributes.tolist()]
    # The second photo asks three times in the first attribute: 0.4, 0.6 and 0.8.
    sums[1, 0], counts[1, 0] = 1.8, 3
    found = metrics.bootstrap_sums(sums, counts, np.random.default_rng(3), 250, 0.9)
    micro = []
    for times in np.random.default_rng(3).multinomial(3, np.full(3, 1 / 3), 250):
        drawn = [v for n, own in zip(times, ([0.2], [0.4, 0.6, 0.8, 1.0], [0.5]), strict=True) for v in own * n]
        micro.append(np.mean(drawn))
    np.testing.assert_allclose(found.micro, np.percentile(micro, (5, 95)))


def test_bootstrap_is_as_wide_as_the_normal_law_says_and_keeps_photos_whole() -> None:
    p = np.random.default_rng(2).random((400, 1))
    found = metrics.bootstrap(np.hstack([p, 1 - p]), np.random.default_rng(0))
    half = 1.96 * p.std() / 20
    assert found.attributes[0] == pytest.approx([p.mean() - half, p.mean() + half], abs=0.006)
    # Where one attribute gains the other loses, on the same photo: drawn apart, this would be some points wide.
    assert found.macro == pytest.approx([0.5, 0.5])


def test_bootstrap_of_one_query() -> None:
    found = metrics.bootstrap(np.array([[0.25]]), np.random.default_rng(0), 10)
    assert [*found.attributes[0], *found.micro, *found.macro] == [0.25] * 6


@pytest.mark.parametrize(
    ("precisions", "draws", "level"),
    [
        (np.zeros((0, 2)), 10, 0.9),
        (np.ones(3), 10, 0.9),
        (np.array([[1, np.nan], [0.5, np.nan]]), 10, 0.9),
        (np.array([[1.0, 1.0], [np.nan, np.nan]]), 10, 0.9),
        (np.ones((2, 2)), 0, 0.9),
        (np.ones((2, 2)), 10, 1.0),
    ],
)
def test_bad_bootstrap(precisions, draws, level) -> None:
    with pytest.raises(ValueError, match=r"must be|at least 1"):
        metrics.bootstrap(precisions, np.random.default_rng(0), draws, level)


def test_reliability_golden() -> None:
    # An edge belongs to the bin that it closes, also 0.7, which is a hair below the edge as a float.
    found = metrics.reliability(np.array([0.0, 0.1, 0.7, 0.65, 0.71, 1.0]), np.array([0, 1, 1, 0, 1, 1], bool))
    assert found.counts.tolist() == [2, 0, 0, 0, 0, 0, 2, 1, 0, 1]
    assert found.confidence[[0, 6, 7, 9]] == pytest.approx([0.05, 0.675, 0.71, 1])
    assert found.accuracy[[0, 6, 7, 9]] == pytest.approx([0.5, 0.5, 1, 1])
    assert np.isnan(found.accuracy[1])
    assert np.isnan(found.confidence[1])
    assert found.ece == pytest.approx((2 * 0.45 + 2 * 0.175 + 0.29 + 0) / 6)


@pytest.mark.parametrize("bins", [1, 4, 10])
def test_reliability_against_the_slow_way(bins: int) -> None:
    rng = np.random.default_rng(bins)
    confidence = rng.random(200)
    right = rng.random(200) < confidence
    total = 0.0
    for b in range(bins):
        inside = [i for i in range(200) if b / bins < confidence[i] <= (b + 1) / bins]
        total += abs(sum(confidence[inside]) - sum(right[inside]))
    assert metrics.reliability(confidence, right, bins).ece == pytest.approx(total / 200)


def test_reliability_of_nothing_and_of_one() -> None:
    assert np.isnan(metrics.reliability(np.zeros(0), np.zeros(0, bool)).ece)
    assert metrics.reliability(np.array([0.75]), np.array([True])).ece == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("confidence", "right", "bins", "says"),
    [
        ([0.5], [True, False], 10, "alike"),
        ([0.5], [True], 0, "at least 1"),
        ([1.1], [True], 10, "in \\[0, 1\\]"),
        ([np.nan], [True], 10, "in \\[0, 1\\]"),
    ],
)
def test_bad_reliability(confidence, right, bins, says) -> None:
    with pytest.raises(ValueError, match=says):
        metrics.reliability(np.array(confidence), np.array(right), bins)
