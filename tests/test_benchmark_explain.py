"""The figures of explanations: pairs that share one attribute, nearest ones of a value, intervals, tables by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from asen_core.data.labels import Photo
from benchmarks import explain, markers
from benchmarks.explain_pairs import ATTRIBUTES, nearest, shared_pairs


def test_drawn_pairs_share_exactly_one_attribute() -> None:
    wanted = ("sleeve", "pattern", "bottom_length", "category")
    pairs = shared_pairs(8, 5, wanted, pool=600)
    assert [p.attribute for p in pairs] == [*wanted, *wanted]
    for pair in pairs:
        a, b = pair.first.labels, pair.second.labels
        assert a.keys() == b.keys()
        assert [name for name in a if a[name] == b[name]] == [pair.attribute]
    assert shared_pairs(8, 5, wanted, pool=600) == pairs
    with pytest.raises(ValueError, match="larger pool"):
        shared_pairs(1, 5, ("sleeve",), pool=2)


def photo(key: str, value: str) -> Photo:
    return Photo(key, Path(key), {"sleeve": value} if value else {})


def test_the_nearest_of_the_same_value_by_hand() -> None:
    photos = [photo(k, v) for k, v in (("a", "long"), ("b", "short"), ("c", "long"), ("d", "long"), ("e", ""), ("f", "short"))]
    angles = np.radians([0, 1, 30, 10, 0, 50])
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1)[:, None].astype(np.float32)
    found = [(a.key, b.key) for a, b in nearest(photos, vectors, "sleeve", 0, 4)]
    assert found == [("a", "d"), ("b", "f"), ("c", "d"), ("f", "b")]
    vectors[1] = (-1, 0)  # the short ones are no longer alike
    assert [(a.key, b.key) for a, b in nearest(photos, vectors, "sleeve", 0, 3)] == [("a", "d"), ("c", "d"), ("d", "a")]
    with pytest.raises(ValueError, match="Only 3 photos"):
        nearest(photos, vectors, "sleeve", 0, 6)


def note(attribute: str, shift: float = 0.0) -> dict:
    ways = {"saliency": [0.9 + shift, 0.2], "attention": [0.8, 0.4], "chance": [0.5, 0.5 + shift]}
    return {
        "attribute": attribute,
        "areas": ways,
        "others": {"saliency": [0.5, 0.2], "attention": [0.4, 0.3]},
        "seconds": [2.0, 3.0],
    }


def drawn(attribute: str, *reasons: tuple[str, float, float]) -> dict:
    return {"attribute": attribute, "reasons": [list(r) for r in reasons]}


PAIRS = [
    drawn("sleeve", ("sleeve", 0.9, 0.2), ("pattern", 0.2, 0.9)),
    drawn("sleeve", ("sleeve", 0.5, 0.2), ("pattern", 0.5, 0.9)),
    drawn("pattern", ("pattern", 0.9, 0.9), ("sleeve", 0.2, 0.1)),
    drawn("colour"),
]


def test_the_summary_by_hand() -> None:
    real = [note(a, shift) for a in ATTRIBUTES for shift in (0.0, 0.1)]
    found = explain.summary(real, PAIRS)
    assert found["pairs"] == 14
    np.testing.assert_allclose(found["areas"]["saliency"], (0.95, 0.2))
    insertion, deletion = found["gains"]["attention"]
    assert insertion[0] == pytest.approx(0.15)
    assert 0.1 < insertion[1] < 0.15 < insertion[2] < 0.2
    assert deletion == pytest.approx([-0.2] * 3)
    assert found["drawn"]["first"][0] == pytest.approx(2 / 4)
    assert found["drawn"]["alone"][0] == pytest.approx(3 / 4)
    assert found["drawn"]["agreeing"][0] == pytest.approx(1 / 4)
    assert found["drawn"]["attributes"] == {"colour": 0.0, "pattern": 1.0, "sleeve": 0.5}
    assert found["gains"]["other_steps"][0] == pytest.approx([0.1] * 3)
    page = explain.areas(found)
    assert "| **all** | **14** | **95.0** | **80.0** | **50.0** | **20.0** | **40.0** | **55.0** |" in page
    assert "deletion -20.0 (-20.0 to -20.0)" in page
    assert explain.first(found).splitlines()[-1].startswith("| 4 | 50.0 (")


def test_a_broken_last_note_is_measured_again(tmp_path: Path) -> None:
    keep = tmp_path / "pairs.jsonl"
    assert list(explain._kept(keep)) == []
    keep.write_text('{"key": [1]}\n{"key": [2')
    assert list(explain._kept(keep)) == [{"key": [1]}]


def test_the_page_tells_what_was_measured() -> None:
    page = explain.PAGE.read_text(encoding="utf-8")
    made = {}
    if explain.FOUND.exists():
        found = json.loads(explain.FOUND.read_text(encoding="utf-8"))
        assert found["pairs"] >= 100
        made = {"areas": explain.areas(found), "first": explain.first(found)}
    assert markers.replaced(page, made, str(explain.PAGE), "explain") == page
