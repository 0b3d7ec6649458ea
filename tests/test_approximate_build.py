"""The approximate finder's index: what is noted and measured, built and gone on with, damaged."""

import json
import shutil
from pathlib import Path
from typing import Any

import many
import numpy as np
import pytest
from many import ASKED, ATTRIBUTES, COUNT, DIM, FEW, Made, clustered

from asen_core.errors import GalleryError
from asen_core.gallery import approximate, cells
from asen_core.gallery.approximate import Approximate, build
from asen_core.gallery.tuning import wanted

quick, made = many.quick, many.made


def test_notes_say_what_was_built_and_measured(made: Made) -> None:
    _, folder, notes = made
    assert {k: notes[k] for k in ("kind", "count", "dim", "seed", "target", "first", "exact_below")} == {
        "kind": "ivf", "count": COUNT, "dim": DIM, "seed": 3, "target": 0.985, "first": 10, "exact_below": FEW
    }  # fmt: skip
    assert len(notes["attributes"]) == ATTRIBUTES
    for one in notes["attributes"]:
        assert one["cells"] == cells.cells_for(COUNT) == 310
        assert (folder / one["file"]).stat().st_size == one["bytes"]
        kinds = [(row["kept"], row["share"]) for row in one["probes"]]
        assert kinds == [("all", 1.0), ("scattered", 0.5), ("scattered", 0.1), ("together", 0.5), ("together", 0.1)]
        assert all(row["recall"] >= 0.985 and 1 <= row["probes"] <= 310 and row["queries"] == ASKED for row in one["probes"])
        assert one["probes"][0]["probes"] < 200, "it looks at a part only"
    assert notes["recall"] == min(row["recall"] for one in notes["attributes"] for row in one["probes"])


SMALL = {"seed": 3, "exact_below": 50}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Made:
    vectors, folder = clustered(600, 1), tmp_path_factory.mktemp("small") / "neighbours-0001"
    return vectors, folder, build(vectors, folder, **SMALL)


def _timeless(notes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{k: v for k, v in one.items() if k != "seconds"} for one in notes["attributes"]]


def test_equal_seeds_give_equal_files(small: Made, tmp_path: Path) -> None:
    vectors, folder, notes = small
    again = build(vectors, tmp_path / "n", **SMALL)
    assert _timeless(again) == _timeless(notes)
    assert (tmp_path / "n" / "01.faiss").read_bytes() == (folder / "01.faiss").read_bytes()
    assert _timeless(build(vectors, tmp_path / "other", seed=4, exact_below=50))[0]["sha256"] != _timeless(notes)[0]["sha256"]


def test_a_killed_build_goes_on(small: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, folder, notes = small
    written, whole = [], cells.write

    def killed(some: np.ndarray, path: Path, *rest: Any) -> None:
        if path.name == "01.faiss":
            (path.with_name(path.name + ".part")).write_bytes(b"half")
            raise KeyboardInterrupt
        whole(some, path, *rest)

    monkeypatch.setattr(cells, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        build(vectors, tmp_path / "n", **SMALL)
    monkeypatch.setattr(cells, "write", lambda *given: (written.append(given[1].name), whole(*given)))
    told: list[tuple[str, int, int]] = []
    found = build(vectors, tmp_path / "n", **SMALL, each=lambda *said: told.append(said))
    assert written == ["01.faiss"], "the complete one was kept"
    assert _timeless(found) == _timeless(notes)
    assert sorted(p.name for p in (tmp_path / "n").iterdir()) == sorted(p.name for p in folder.iterdir())
    assert told[-1] == ("search index", 1200, 1200)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    Approximate(vectors, tmp_path / "n", found)


@pytest.mark.parametrize("change", ["vectors", "seed", "file", "note", "nothing"])
def test_what_is_not_of_this_build_is_made_anew(
    small: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    vectors, folder, _ = small
    shutil.copytree(folder, tmp_path / "n")
    given, seed = vectors[:1], 3
    if change == "vectors":
        given = clustered(600, 9, 1)
    elif change == "seed":
        seed = 5
    elif change == "file":
        (tmp_path / "n" / "00.faiss").write_bytes(b"another")
    elif change == "note":
        (tmp_path / "n" / "00.json").write_text("{")
    written, whole = [], cells.write
    monkeypatch.setattr(cells, "write", lambda *given: (written.append(given[1].name), whole(*given)))
    found = build(given, tmp_path / "n", seed=seed, exact_below=50)
    assert written == ([] if change == "nothing" else ["00.faiss"])
    Approximate(given, tmp_path / "n", found)


def test_larger_codes_are_taken_where_the_smallest_lose_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approximate.Tuning, "candidates", lambda self, cells, lost: self.asked())
    answers = iter([None, 40])
    monkeypatch.setattr(approximate.Tuning, "asked", lambda self: next(answers), raising=False)
    vectors = clustered(500, 1, 1)
    notes = build(vectors, tmp_path, exact_below=10)
    assert (notes["attributes"][0]["codes"], notes["attributes"][0]["candidates"]) == ("fp16", 40)
    assert Approximate(vectors, tmp_path, notes).search(0, vectors[0, 3].astype(np.float32), 1)[0].tolist() == [3]


@pytest.mark.parametrize("count", [1, 2, 15])
def test_small_ones_work_too(tmp_path: Path, count: int) -> None:
    vectors = clustered(count, 1)
    finder = Approximate(vectors, tmp_path, build(vectors, tmp_path, exact_below=0))
    for k, n in ((1, 1), (10, min(10, count))):
        assert finder.search(1, vectors[1, 0].astype(np.float32), k)[0].tolist()[0] == 0
        assert len(finder.search(1, vectors[1, 0].astype(np.float32), k)[0]) == n


def test_nothing_to_build_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one item"):
        build(clustered(0, 1), tmp_path)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f, n: (f / "01.faiss").unlink(), r"neighbours-0001/01\.faiss is missing"),
        (lambda f, n: (f / "01.faiss").write_bytes((f / "01.faiss").read_bytes()[:-9]), r"01\.faiss differs"),
        (lambda f, n: _flip(f / "00.faiss"), r"00\.faiss differs"),
        (lambda f, n: shutil.copy(f / "00.faiss", f / "01.faiss"), r"01\.faiss differs"),
        (lambda f, n: n.update(count=COUNT - 1), "neighbours-0001 belongs to other vectors"),
        (lambda f, n: n.update(attributes=n["attributes"][:1]), "neighbours-0001 belongs to other vectors"),
        (lambda f, n: n.pop("exact_below"), "neighbours-0001 belongs to other vectors"),
        (lambda f, n: n["attributes"][0].pop("probes"), "neighbours-0001 belongs to other vectors"),
        (lambda f, n: _rewritten(f, n, b"no index at all"), r"00\.faiss can't be used"),
        (lambda f, n: _rewritten(f, n, _index_of(f, COUNT - 1, DIM)), r"00\.faiss can't be used .*once"),
        (lambda f, n: _rewritten(f, n, _index_of(f, COUNT, 40)), r"00\.faiss can't be used .*20 numbers long"),
    ],
)
def test_damage_is_named(made: Made, tmp_path: Path, damage: Any, says: str) -> None:
    vectors, folder, notes = made
    copy = shutil.copytree(folder, tmp_path / folder.name)
    notes = json.loads(json.dumps(notes))
    damage(copy, notes)
    with pytest.raises(GalleryError, match=says):
        Approximate(vectors, copy, notes)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _rewritten(folder: Path, notes: dict[str, Any], content: bytes) -> None:
    """Another file, and notes that agree with it."""
    path = folder / "00.faiss"
    path.write_bytes(content)
    notes["attributes"][0].update(bytes=len(content), sha256=approximate.disk.digest(path))


def _index_of(folder: Path, count: int, dim: int) -> bytes:
    rng = np.random.default_rng(0)
    cells.write(rng.standard_normal((count, dim)).astype(np.float16), folder / "x", "sq8", rng)
    return (folder / "x").read_bytes()


@pytest.mark.parametrize(
    ("share", "k", "filtered", "probes"),
    [
        (1.0, 10, False, 16),
        (1.0, 1, False, 16),
        (1.0, 100, False, 64),  # the first hundred of all lie as far away as the first ten of a tenth
        (0.1, 10, True, 64),
        (0.1, 100, True, 256),
        (0.01, 10, True, 256),
        (0.0316227766, 10, True, 128),  # half way in logarithms
        (0.001, 10, True, 1024),  # grows as between the last two
        (0.75, 10, True, 50),  # what those around one place take is kept beyond the largest that was measured
        (0.5, 10, False, 24.25),
    ],
)
def test_probes_follow_what_was_measured(share: float, k: int, filtered: bool, probes: float) -> None:
    rows = [
        {"kept": "all", "share": 1.0, "probes": 16}, {"kept": "scattered", "share": 0.1, "probes": 64},
        {"kept": "together", "share": 0.5, "probes": 50}, {"kept": "together", "share": 0.1, "probes": 30},
        {"kept": "scattered", "share": 0.01, "probes": 256},
    ]  # fmt: skip
    assert wanted(rows, share, k, filtered) == pytest.approx(probes, rel=0.01)


def test_probes_where_only_all_was_measured() -> None:
    assert wanted([{"kept": "all", "share": 1.0, "probes": 10}], 0.01, 10, True) == pytest.approx(100)
