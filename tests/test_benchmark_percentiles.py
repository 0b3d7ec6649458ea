"""The benchmark of stated percentiles: its counting by a slow oracle, its weights by hand, and what is shipped and told."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from test_gallery import NAMES, vectors

from asen_core.engine import SHIPPED_GALLERY
from asen_core.gallery import Gallery
from asen_core.review.background import FILE, of_gallery, sampled
from benchmarks import markers, pair_shares, percentiles

FOUND = json.loads(percentiles.FOUND.read_text(encoding="utf-8"))


def background(count: int = 120, seed: int = 0):
    return sampled(vectors(count, seed), ["x", "y"] * (count // 2), NAMES, "some", "f" * 64)


def test_shares_are_counted_as_one_by_one() -> None:
    known, rows, kinds = background(), vectors(30, 5), ["x", "y", "z"] * 10
    every, pairs = pair_shares.stated_above(known, pair_shares.Pairs.of(rows, kinds))
    within, inside = pair_shares.stated_above_within(known, pair_shares.Pairs.of(rows, kinds))
    assert (pairs, inside) == (435, 90), "no pair of the background is of z"
    slow, slow_within = [], []
    for i, j in combinations(range(30), 2):
        cosines = [float(rows[i, a] @ rows[j, a]) for a in range(2)]
        asked = [(cosines[0], {"neckline": 1}), (cosines[1], {"sleeve": 1}), (sum(cosines) / 2, dict.fromkeys(NAMES, 1))]
        slow.append([known.standing(*ask).percent > 99 for ask in asked])
        if kinds[i] == kinds[j] != "z":
            slow_within.append([known.standing(*ask, kinds[i]).percent > 99 for ask in asked])
    assert every == pytest.approx(np.mean(slow, axis=0).tolist())
    assert within == pytest.approx(np.mean(slow_within, axis=0).tolist())
    assert pair_shares.stated_above_within(known, pair_shares.Pairs.of(rows, ["z"] * 30)) == ([], 0)


def test_intervals_hold_the_share_and_narrow_with_more_garments() -> None:
    widths = []
    for count in (40, 160):
        own, held = (pair_shares.Pairs.of(vectors(count, s), ["x"] * count) for s in (1, 2))
        every, within = pair_shares.intervals(own, np.ones(count), held, ["x"], draws=60)
        np.testing.assert_allclose(every, within)
        assert every.shape == (3, 2)
        assert ((every[:, 0] < 0.01) & (every[:, 1] > 0.01)).all()
        widths.append(float((every[:, 1] - every[:, 0]).mean()))
    assert widths[1] < widths[0]
    assert pair_shares.intervals(own, np.ones(160), held, [], draws=3)[1].shape == (0, 2)


def test_garments_are_weighted_to_a_make_up() -> None:
    own = [{"kind": k, "colour": c} for k, c in ("ar", "ab", "ar", "br", "bb", "cb")]
    wanted = [{"kind": k, "colour": c} for k, c in ("ar", "ab", "br", "br", "br", "db")]
    weights = pair_shares.raked(own, wanted, ("kind", "colour"))
    shares = {v: sum(w for w, row in zip(weights, own, strict=True) if v in row.values()) / 6 for v in "abcdr"}
    assert shares == pytest.approx({"a": 0.4, "b": shares["b"], "c": 0, "d": 0, "r": 4 / 6}, abs=1e-3)
    kind_b = sum(w for w, row in zip(weights, own, strict=True) if row["kind"] == "b") / 6
    assert kind_b == pytest.approx(0.6, abs=1e-3)
    assert sum(weights) == pytest.approx(6)
    assert pair_shares.raked(own, own, ("kind", "colour")) == pytest.approx(1)


def test_the_table_by_hand() -> None:
    share = {"any": 0.0123, "any_interval": [0.005, 0.02], "within": 0.0099, "within_interval": [0.004, 0.0166]}
    part = {
        "shares": {"top_length": share, "overall": share},
        "garments": 1550,
        "pairs": 12_345,
        "pairs_within": 678,
        "source": "x",
    }
    found = dict.fromkeys(("labelled", "clothes", "street", "street_by_catalogue", "drawn"), part)
    found |= {"background": {"pairs": 40_000, "garments": 472}, "seconds": {"median": 0.349}}
    lines = percentiles.table(found).splitlines()
    long = "1.23 (0.50–2.00)"
    assert lines[2] == f"| Top length | {long} | 0.99 (0.40–1.66) | {long} | {long} | 1.23 | 1.23 |"
    assert lines[3].startswith(f"| **overall** | {long} |")
    assert lines[4] == "| garments | 1,550 |  | 1,550 | 1,550 | 1,550 | 1,550 |"
    assert lines[5] == "| pairs | 12,345 | 678 | 12,345 | 12,345 | 12,345 | 12,345 |"
    assert "takes 0.3 s on two cores" in lines[7]


def test_the_page_tells_what_was_measured() -> None:
    text = percentiles.PAGE.read_text(encoding="utf-8")
    assert "shares" in markers.names(text, "percentiles")
    assert markers.replaced(text, {"shares": percentiles.table(FOUND)}, str(percentiles.PAGE), "percentiles") == text


def test_stated_percentiles_are_true_and_a_comparison_is_quick() -> None:
    for name, share in FOUND["labelled"]["shares"].items():
        assert 0.005 <= share["any"] <= 0.015, name
        low, high = share["any_interval"]
        assert low < 0.01 < high, name
    assert FOUND["labelled"]["garments"] >= 500
    assert FOUND["processors"] == 2
    assert FOUND["seconds"]["slowest"] < 1.5


def test_what_is_shipped_is_what_was_measured() -> None:
    gallery = Gallery.open(SHIPPED_GALLERY)
    shipped = of_gallery(gallery)
    told = FOUND["background"]
    assert FOUND["checkpoint"] == shipped.fingerprint == gallery.manifest.fingerprint
    assert (shipped.source, shipped.garments, shipped.vectors) == (told["source"], told["garments"], "")
    assert (len(shipped.any), {k: len(t) for k, t in shipped.same.items()}) == (told["pairs"], told["kinds"])
    assert (SHIPPED_GALLERY / FILE).stat().st_size == told["bytes"] < 2e6
