"""The benchmark of mixed searches: worked by hand on labels that vectors give away, and on some that they don't."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from asen_core.data.labels import is_query
from asen_core.gallery.background import background
from asen_core.gallery.exact import Exact
from asen_core.gallery.finder import unit
from benchmarks import mix

NAMES = ("neckline", "sleeve", "colour")
VALUES = {"neckline": ("round", "v"), "sleeve": ("long", "short", "cap")}


def rows(count: int, seed: int = 0) -> list[dict[str, str]]:
    rng = np.random.default_rng(seed)
    return [{a: str(rng.choice(v)) for a, v in VALUES.items()} for _ in range(count)]


def telling(labels: list[dict[str, str]], noise: float = 0.1) -> np.ndarray:
    """(N, A, D) float16: vectors near the axis of their value; nothing of the colour."""
    vectors = noise * np.random.default_rng(1).normal(size=(len(labels), len(NAMES), 8))
    for i, row in enumerate(labels):
        for a, value in row.items():
            vectors[i, NAMES.index(a), VALUES[a].index(value)] += 1
    return unit(vectors).astype(np.float16)


def data(labels: list[dict[str, str]], vectors: np.ndarray | None = None) -> mix.Labelled:
    keys = [f"{i}.jpg" for i in range(len(labels))]
    return mix.labelled(NAMES, keys, telling(labels) if vectors is None else vectors, labels)


def test_what_vectors_give_away_is_found() -> None:
    found = mix.figures(data(rows(150), telling(rows(150), noise=0.03)))
    queries = sum(is_query(f"{i}.jpg") for i in range(150))
    assert (found["photos"], found["queries"], found["attributes"]) == (150, queries, 2)
    assert found["different"]["share"] == 1
    assert found["different"]["interval"] == [1, 1]
    assert {both["share"] for both in found["both"].values()} == {1}
    assert found["alone"]["share"] < 0.9
    assert 0.2 < found["different"]["chance"] < 0.45
    assert set(found["different"]["pairs"]) == {"neckline sleeve", "sleeve neckline"}
    assert set(found["limits"]) == set(found["spread"]) == set(VALUES)
    assert all(0.2 < limit <= 0.5 for limit in found["limits"].values())


def test_what_vectors_don_t_tell_is_chance() -> None:
    labels = rows(400)
    vectors = unit(np.random.default_rng(3).normal(size=(400, 3, 8))).astype(np.float16)
    found = mix.figures(data(labels, vectors))["both"]["0.5 and 0.5"]
    assert found["share"] == pytest.approx(found["chance"], abs=0.05)
    assert found["interval"][0] < found["share"] < found["interval"][1]


def test_every_answer_against_a_slow_count() -> None:
    labels = rows(90, seed=5)
    of = data(labels, telling(labels, noise=0.5))
    space = np.ascontiguousarray(of.vectors.transpose(1, 0, 2))
    quantiles = background(space, np.random.default_rng(0))
    answers = {x.photo: x for x in mix._answers(of, Exact(space), quantiles, mix.DIFFERENT, "neckline", "sleeve")}
    limit = mix.limit(quantiles[1])
    exact = unit(of.vectors)
    assert answers
    for q, answer in answers.items():
        assert of.asks[q]
        right = [
            i for i in range(90)
            if not of.asks[i] and labels[i]["neckline"] == labels[q]["neckline"] and labels[i]["sleeve"] != labels[q]["sleeve"]
        ]  # fmt: skip
        scored = []
        for i in np.flatnonzero(~of.asks).tolist():
            first, second = (float(exact[i, a] @ exact[q, a]) for a in (0, 1))
            scored += [(-(first - 0.3 * second), i)] if second <= limit else []
        taken = [i for _, i in sorted(scored)][: min(10, len(right))]
        assert answer.there == len(right)
        assert answer.share == pytest.approx(sum(i in right for i in taken) / min(10, len(right)))
        assert answer.chance == pytest.approx(len(right) / int((~of.asks).sum()))


def test_few_that_obey_are_told_apart() -> None:
    """With a dozen photos no query has ten that obey."""
    found = mix.figures(data(rows(12)))["different"]
    assert (found["share"], found["interval"], found["queries"], found["pairs"]) == (None, None, 0, {})
    assert found["fewer"]["share"] == 1
    assert found["fewer"]["queries"] > 0


def test_photos_without_labels_are_left_out() -> None:
    labels = rows(40)
    some = [row if i % 2 else {} for i, row in enumerate(labels)]
    assert data(some, telling(labels)).vectors.shape == (20, 3, 8)


def test_the_table_of_a_measurement() -> None:
    of = mix.figures(data(rows(150)))
    shown = mix.markdown({"first": 10, mix.LOOKED: of, mix.ALL: of})
    assert "| alike in one, different in the other | given by looking | 100.0 (100.0–100.0) |" in shown
    assert "| alike in both, weights 0.7 and 0.3 | all | 100.0" in shown
    assert "| neckline | – | 100.0 |" in shown
    assert "| sleeve length | 100.0 | – |" in shown


def test_the_last_measurement_holds_what_is_promised() -> None:
    found = json.loads(Path(mix.FOUND).read_text(encoding="utf-8"))
    assert found["split"] == "test"
    looked = found[mix.LOOKED]
    assert looked["different"]["share"] >= 0.8
    assert all(both["share"] >= 0.8 for both in looked["both"].values())
    assert found[mix.ALL]["different"]["share"] >= 0.8
    assert mix.markdown(found)
