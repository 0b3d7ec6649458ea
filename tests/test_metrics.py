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
