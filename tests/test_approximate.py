"""The approximate finder: against an oracle, under filters, from several threads."""

import json
import threading

import many
import numpy as np
import pytest
from many import ATTRIBUTES, COUNT, DIM, FEW, Made, drawn, masks, oracle

from asen_core.gallery.approximate import Approximate

quick, made, finder = many.quick, many.made, many.finder


@pytest.mark.parametrize("kind", masks())
def test_it_finds_what_the_oracle_finds(made: Made, finder: Approximate, kind: str) -> None:
    vectors, keep, right, asked = made[0], masks()[kind], 0, 0
    kept = COUNT if keep is None else int(keep.sum())
    for query in drawn(60):
        for a in range(ATTRIBUTES):
            positions, similarities = finder.search(a, query[a], 10, keep)
            truth, cosines = oracle(vectors[a], query[a], 10, keep)
            assert (positions.dtype, similarities.dtype) == (np.int64, np.float32)
            assert len(positions) == len(set(positions.tolist())) == min(10, kept)
            assert keep is None or keep[positions].all()
            assert (np.diff(similarities) <= 0).all()
            places = vectors[a, positions].astype(np.float64)
            np.testing.assert_allclose(similarities, places @ query[a] / np.linalg.norm(places, axis=1), atol=2e-6)
            right, asked = right + len(set(truth) & set(positions.tolist())), asked + len(truth)
            if kept < FEW:
                assert positions.tolist() == truth
                np.testing.assert_allclose(similarities, cosines, atol=2e-6)
    assert right >= 0.97 * asked


@pytest.mark.parametrize("k", [0, 1, 10, 700, 3000, COUNT, COUNT + 5])
@pytest.mark.parametrize("kind", ["all", "half", "one place", "eleven"])
def test_as_many_as_asked_for_or_as_there_are(finder: Approximate, k: int, kind: str) -> None:
    keep = masks()[kind]
    kept = COUNT if keep is None else int(keep.sum())
    positions, similarities = finder.search(0, drawn(1)[0, 0], k, keep)
    assert len(positions) == len(similarities) == len(set(positions.tolist())) == min(k, kept)
    assert keep is None or keep[positions].all()


def test_enough_are_found_though_one_cell_was_to_be_looked_into(made: Made) -> None:
    vectors, folder, notes = made
    blind = json.loads(json.dumps(notes))
    for one in blind["attributes"]:
        one["probes"] = [{**row, "probes": 1} for row in one["probes"]]
    keep = np.random.default_rng(0).random(COUNT) < 0.06
    positions, _ = Approximate(vectors, folder, blind).search(0, drawn(1)[0, 0], 60, keep)
    assert len(positions) == 60
    assert keep[positions].all()


def test_equal_ones_come_by_position(made: Made, finder: Approximate) -> None:
    query = made[0][1, 0].astype(np.float32)
    copies = [0, *range(4000, 4030)]
    for k in (1, 5, 31):
        positions, similarities = finder.search(1, query, k)
        assert positions.tolist() == copies[:k]
        assert len(set(similarities.tolist())) == 1
    assert finder.search(1, query, 5, np.arange(COUNT) >= 4010)[0].tolist() == [4010, 4011, 4012, 4013, 4014]


def test_the_norm_of_a_query_only_scales(finder: Approximate) -> None:
    query = drawn(1)[0, 0]
    positions, similarities = finder.search(0, query, 10)
    again, scaled = finder.search(0, 3 * query, 10)
    assert again.tolist() == positions.tolist()
    np.testing.assert_allclose(scaled, 3 * similarities, rtol=1e-5)


def test_a_query_without_direction_is_as_like_to_all(finder: Approximate) -> None:
    positions, similarities = finder.search(0, np.zeros(DIM, np.float32), 4)
    assert len(set(positions.tolist())) == 4
    assert similarities.tolist() == [0, 0, 0, 0]


def test_vectors_are_of_unit_norm(made: Made, finder: Approximate) -> None:
    for positions in ([], [7], [5, 3, 5]):
        found = finder.vectors(np.array(positions, np.int64))
        assert (found.shape, found.dtype) == ((len(positions), ATTRIBUTES, DIM), np.float32)
        np.testing.assert_allclose(np.linalg.norm(found, axis=2), 1, atol=1e-5)
        np.testing.assert_allclose(found, made[0][:, positions].transpose(1, 0, 2), atol=2e-3)


def test_threads_get_what_one_gets(finder: Approximate) -> None:
    queries, keep = drawn(40), masks()["tenth"]
    alone = [finder.search(0, q[0], 10, keep)[0].tolist() for q in queries]
    found: dict[int, list[list[int]]] = {}

    def ask(n: int) -> None:
        found[n] = [finder.search(0, q[0], 10, keep)[0].tolist() for q in queries]

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[n] for n in range(4)] == [alone] * 4
