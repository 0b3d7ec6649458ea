"""The measurement of search at a made-up size, at a tiny one: vectors as described, exact answers, figures and table."""

import json
from pathlib import Path

import numpy as np
import pytest

from asen_core.gallery import tuning
from benchmarks import machine, made_vectors, markers, million

RNG = np.random.default_rng(0)
SOURCE = made_vectors.Real(
    ("neckline", "colour"),
    (made := RNG.standard_normal((2, 30, 12), dtype=np.float32)) / np.linalg.norm(made, axis=2, keepdims=True),
    [{"kind": "shirt" if i % 10 else "coat", "size": str(i % 2)} for i in range(30)],
)


def test_vectors_lie_between_two_garments_the_same_in_every_space() -> None:
    rows, first = made_vectors.drawn(SOURCE, 500, np.random.default_rng(1))
    assert (rows.shape, rows.dtype, first.shape) == ((2, 500, 12), np.float32, (500,))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=2), 1, atol=1e-5)
    own = np.einsum("and,and->an", rows, SOURCE.spaces[:, first])
    assert own.min() > 0.3
    assert 0.7 < own.mean() < 0.98, "neither copies nor strangers"
    assert np.corrcoef(own)[0, 1] > 0.5, "near in one space is near in the other"


def test_made_in_chunks_once_and_the_same_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_vectors, "CHUNK", 64)
    for folder in ("one", "two"):
        made_vectors.make(SOURCE, 150, 1, tmp_path / folder)
    one, two = (np.load(tmp_path / f / "vectors.npy", mmap_mode="r") for f in ("one", "two"))
    assert (one.shape, one.dtype) == ((2, 150, 12), np.float16)
    assert np.array_equal(one, two)
    assert len(np.unique(one[0], axis=0)) == 150
    stood = (tmp_path / "one" / "vectors.npy").stat().st_mtime_ns
    made_vectors.make(SOURCE, 150, 1, tmp_path / "one")
    assert (tmp_path / "one" / "vectors.npy").stat().st_mtime_ns == stood
    made_vectors.make(SOURCE, 40, 1, tmp_path / "one")
    assert np.load(tmp_path / "one" / "first.npy").shape == (40,)


@pytest.mark.parametrize("keep", [None, np.arange(90) % 3 == 0, np.arange(90) == 5, np.zeros(90, bool)])
def test_exact_answers_are_those_of_sorting(monkeypatch: pytest.MonkeyPatch, keep: np.ndarray | None) -> None:
    monkeypatch.setattr(made_vectors, "CHUNK", 20)
    rows, _ = made_vectors.drawn(SOURCE, 90, np.random.default_rng(2))
    queries, _ = made_vectors.drawn(SOURCE, 4, np.random.default_rng(3))
    found = made_vectors.nearest(rows[0], queries[0], 7, keep)
    kept = np.arange(90) if keep is None else np.flatnonzero(keep)
    for query, line in zip(queries[0], found, strict=True):
        truth = sorted(kept.tolist(), key=lambda i: -float(rows[0, i] @ query))[:7]
        assert line[line >= 0].tolist() == truth


def test_the_label_of_about_the_share_is_taken() -> None:
    name, value, has = made_vectors.rare_label(SOURCE, 0.01)
    assert (name, value, has.sum()) == ("kind", "coat", 3)


def test_it_measures_and_writes_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(million, "_apart", lambda work, *given: work(*given))
    monkeypatch.setattr(made_vectors, "real", lambda gallery, attributes: SOURCE)
    monkeypatch.setattr(machine, "facts", lambda: {"processors": 2})
    monkeypatch.setattr(million, "SIZES", (300, 10_000))
    monkeypatch.setattr(million, "MIXED_QUERIES", 3)
    monkeypatch.setattr(tuning, "QUERIES", 30)
    for name, file in (("FOUND", "million.json"), ("PAGE", "README.md")):
        monkeypatch.setattr(million, name, tmp_path / file)
    (tmp_path / "README.md").write_text("<!-- million: search -->\n<!-- /million: search -->\n")
    monkeypatch.setattr("sys.argv", ["million.py", "--work", str(tmp_path / "w"), "--items", "600", "--queries", "5"])
    million.main()
    found = json.loads((tmp_path / "million.json").read_text())
    assert json.loads(capsys.readouterr().out) == found
    assert (found["items"], found["attributes"], found["real_garments"]) == (600, ["neckline", "colour"], 30)
    assert "noise" in found["vectors"]
    assert [c["items"] for c in found["crossover"]] == [300]
    for s in (*found["searches"].values(), *found["mixed"].values()):
        assert s["recall"] >= 0.9
        assert 0 < s["median_ms"] <= s["p99_ms"]
    assert found["build"]["vectors_bytes"] == 2 * 600 * 12 * 2
    assert found["memory"]["own_bytes"] > 0
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "600 items in 2 spaces, 12 numbers each; **made, not real**" in page
    assert "| kind is coat: " in page
    (tmp_path / "README.md").write_text("<!-- million: search -->\n<!-- /million: search -->\n")
    monkeypatch.setattr("sys.argv", ["million.py", "--again"])
    million.main()
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == page
    assert markers.names(page, "million") == {"search"}


def test_it_asks_for_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["million.py"])
    with pytest.raises(SystemExit, match="Give --work"):
        million.main()
