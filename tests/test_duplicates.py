"""Near duplicates: pairs of pictures laid on one another, candidates against a slow oracle, groups without chains."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_review_copies import drawn

from asen_core.errors import GalleryError
from asen_core.images import load
from asen_core.indexing import duplicates
from asen_core.indexing.duplicates import NEAR, NEAREST, candidates, near
from asen_core.review import same
from asen_core.review.prints import KINDS, Prints, prints
from asen_core.types import Garment
from benchmarks import duplicates as benchmark

ALIKE = [name for name, way in benchmark.WAYS.items() if way.alike and name != "crop10"]
OTHER = [name for name, way in benchmark.WAYS.items() if not way.alike and name != "mirror"]


def smalls(*pictures: np.ndarray) -> np.ndarray:
    return np.stack([same.small(Garment(p)) for p in pictures])


@pytest.mark.parametrize("number", [0, 5])
@pytest.mark.parametrize("name", ALIKE)
def test_what_is_saved_resized_or_cut_is_the_same(name: str, number: int) -> None:
    pair = smalls(drawn(number), benchmark.WAYS[name].change(drawn(number), number))
    assert same.same(pair, pair[::-1]).tolist() == [True, True]


@pytest.mark.parametrize("number", [3, 5])
@pytest.mark.parametrize("name", OTHER)
def test_other_colours_words_and_light_are_not(name: str, number: int) -> None:
    pair = smalls(drawn(number), benchmark.WAYS[name].change(drawn(number), number))
    assert same.same(pair, pair[::-1]).tolist() == [False, False]


def test_different_garments_are_not() -> None:
    pictures = smalls(*(drawn(i) for i in range(8)))
    first, second = np.triu_indices(8, 1)
    assert not same.same(pictures[first], pictures[second]).any()


def test_a_small_print_that_only_one_has_is_seen() -> None:
    plain = np.full((320, 240, 3), 255, np.uint8)
    plain[60:280, 50:190] = 40, 60, 120
    printed = plain.copy()
    printed[120:142, 90:112] = 230, 200, 40
    assert same.same(smalls(plain, plain), smalls(plain, printed)).tolist() == [True, False]


@pytest.mark.parametrize("count", [0, 1, 300])
def test_many_pairs_at_once_are_as_one_by_one(count: int) -> None:
    kinds = smalls(drawn(0), benchmark.WAYS["crop5"].change(drawn(0), 0), drawn(1))
    first, second = (kinds[np.random.default_rng(i).integers(3, size=count)] for i in (0, 1))
    found = same.same(first, second)
    assert (found.shape, found.dtype) == ((count,), bool)
    alone = {(i, j): bool(same.same(kinds[[i]], kinds[[j]])[0]) for i in range(3) for j in range(3)}
    at = [int(np.flatnonzero((kinds == p).all(axis=(1, 2, 3)))[0]) for p in (*first, *second)]
    assert found.tolist() == [alone[pair] for pair in zip(at[:count], at[count:], strict=True)]


def test_bare_pictures() -> None:
    white, black = (np.full((50, 60, 3), v, np.uint8) for v in (255, 0))
    assert not same.same(smalls(white, white), smalls(white, black)).any()  # nothing to tell them by but every pixel


def hashes(count: int, seed: int = 0, centres: int = 12) -> np.ndarray:
    """(N, 3, 32): some around the same centres, a few of one tone."""
    rng = np.random.default_rng(seed)
    made = rng.integers(0, 256, (centres, 3, 32), dtype=np.uint8)[rng.integers(centres, size=count)]
    made ^= np.packbits(rng.random((count, 3, 256)) < rng.uniform(0, 0.2, (count, 1, 1)), axis=-1)
    made[rng.random((count, 3)) < 0.1] = 0
    return made


@pytest.mark.parametrize("count", [0, 1, 2, 40, 150])
def test_candidates_are_as_the_oracle_counts(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_QUERIES", 32)
    bits, expected = hashes(count), set()
    for kind, name in enumerate(KINDS):
        for i in range(count):
            near_ = [
                (int(np.bitwise_count(bits[i, kind] ^ bits[j, kind]).sum()), j)
                for j in range(count) if j != i and bits[i, kind].any() and bits[j, kind].any()
            ]  # fmt: skip
            expected |= {tuple(sorted((i, j))) for d, j in sorted(near_)[:NEAREST] if d <= NEAR[name]}
    found = candidates(bits)
    assert [tuple(pair) for pair in found.tolist()] == sorted(expected)
    assert len(expected) > 20 or count < 40


def stored(folder: Path, pictures: list[np.ndarray]) -> list[Path]:
    paths = []
    for i, picture in enumerate(pictures):
        paths.append(folder / f"{i}.png")
        Image.fromarray(picture).save(paths[-1])
    return paths


def grouped(folder: Path, pictures: list[np.ndarray]) -> tuple[tuple[int, ...], ...]:
    paths = stored(folder, pictures)
    return near(prints(map(load, paths)), paths)


def test_copies_are_grouped(tmp_path: Path) -> None:
    ways = [benchmark.WAYS[name].change for name in ("packed", "half", "crop2")]
    pictures = [drawn(0), drawn(1), ways[0](drawn(0), 0), drawn(2), ways[1](drawn(0), 0), ways[2](drawn(1), 1), drawn(0)]
    assert grouped(tmp_path, pictures) == ((0, 2, 4, 6), (1, 5))


def test_what_is_different_stays_apart(tmp_path: Path) -> None:
    recoloured = benchmark.WAYS["recolour"].change(drawn(0), 0)
    assert grouped(tmp_path, [drawn(0), recoloured, drawn(1), drawn(2)]) == ()


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_compare(tmp_path: Path, count: int) -> None:
    assert grouped(tmp_path, [drawn(0)] * count) == ()


def test_pictures_of_one_tone_are_grouped_where_they_are_the_same(tmp_path: Path) -> None:
    white, grey = (np.full((50, 60, 3), v, np.uint8) for v in (255, 128))
    assert grouped(tmp_path, [white, grey, white, drawn(0)]) == ((0, 2),)


def _chained(monkeypatch: pytest.MonkeyPatch, agreeing: set[tuple[int, int]], count: int) -> tuple[tuple[int, ...], ...]:
    """Groups where the pairs that agree are given and all are candidates that are neighbours in number."""
    monkeypatch.setattr(duplicates, "candidates", lambda bits: np.array([(i, i + 1) for i in range(count - 1)]))
    agree = lambda self, pairs: np.array([tuple(sorted(p)) in agreeing for p in pairs.tolist()], bool)  # noqa: E731
    monkeypatch.setattr(duplicates._Looks, "agree", agree)
    digests = np.arange(count * 32, dtype=np.uint64).astype(np.uint8).reshape(count, 32)
    return near(Prints(np.ones((count, 3, 32), np.uint8), digests), [Path()] * count)


@pytest.mark.parametrize(
    ("agreeing", "expected"),
    [
        ({(0, 1), (1, 2)}, ((0, 1, 2),)),  # all agree with the middle one
        ({(0, 1), (1, 2), (2, 3)}, ((0, 1, 2),)),  # 3 does not agree with 1, so it stays alone
        ({(0, 1), (1, 2), (2, 3), (1, 3)}, ((0, 1, 2, 3),)),  # 3 was no candidate of 1, but agrees when asked
        ({(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)}, ((0, 1, 2), (3, 4, 5))),
        ({(i, i + 1) for i in range(7)}, ((0, 1, 2), (3, 4, 5), (6, 7))),
        (set(), ()),
    ],
)
def test_no_chain_joins_what_differs(monkeypatch: pytest.MonkeyPatch, agreeing, expected) -> None:
    assert _chained(monkeypatch, agreeing, 8) == expected


def test_errors_name_the_picture(tmp_path: Path) -> None:
    paths = stored(tmp_path, [drawn(0), benchmark.WAYS["packed"].change(drawn(0), 0)])
    made = prints(map(load, paths))
    with pytest.raises(ValueError, match="a picture for each of 2 prints, got 1"):
        near(made, paths[:1])
    paths[1].write_bytes(b"nothing")
    with pytest.raises(GalleryError, match=r"1\.png of the gallery can't be read"):
        near(made, paths)


def test_kept_pictures_are_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_KEPT", 1)
    monkeypatch.setattr(duplicates, "_PAIRS", 1)
    copies = [benchmark._saved(q)(drawn(0), 0) for q in (90, 80, 70, 60)]
    assert grouped(tmp_path, [drawn(0), *copies]) == ((0, 1, 2, 3, 4),)


def test_the_benchmark_counts_by_hand() -> None:
    """Photos 0 to 3, of which 0 and 3 are one picture, and copies 4, 5, 6 of the first three."""
    found = benchmark.shares([(0, 3, 4), (1, 2, 5)], 4, 3, [(0, 3)])
    assert found == {"found": pytest.approx(2 / 3, abs=1e-4), "strange": 1}
    assert benchmark.shares([], 4, 3, []) == {"found": 0.0, "strange": 0}


def test_the_benchmark_measures_and_tells(tmp_path: Path) -> None:
    for folder in benchmark.FOLDERS:
        (tmp_path / folder / "images").mkdir(parents=True)
        (tmp_path / folder / "labels.csv").write_text("image,split\n" + ("images/a.jpg,test\n" if folder != "products" else ""))
    for i, folder in enumerate(benchmark.FOLDERS[1:]):
        Image.fromarray(drawn(i)).save(tmp_path / folder / "images" / "a.jpg", quality=95)
    (tmp_path / "scratch").mkdir()
    found = benchmark.measured(tmp_path, "test", 2, tmp_path / "scratch")
    assert (found["photos"], found["copied"], found["groups"], found["different"]) == (3, 2, 0, [])
    assert {found["ways"][n]["found"] for n in ("saved", "packed", "half")} == {1.0}
    assert {way["strange"] for way in found["ways"].values()} == {0}
    shown = benchmark.markdown(found | {"speed": benchmark.timed(50)})
    assert "| saved again (JPEG at quality 85) | 100.0 | yes |" in shown
    assert "Of 24 copies none came into a group with another photo" in shown
    with pytest.raises(SystemExit, match="there are 3; ask for fewer"):
        benchmark.measured(tmp_path, "test", 4, tmp_path)


def test_saving_again_keeps_the_shape() -> None:
    again = benchmark._saved(50, 0.5)(drawn(0), 0)
    assert again.shape == (160, 120, 3)
    Image.fromarray(drawn(0)).save(file := io.BytesIO(), "JPEG", quality=85)
    assert (benchmark._saved(85)(drawn(0), 0) == np.array(Image.open(file))).all()


def test_the_last_measurement_holds_what_is_promised() -> None:
    found = json.loads(benchmark.FOUND.read_text(encoding="utf-8"))
    assert found["split"] == "test"
    assert all(found["ways"][name]["found"] >= 0.9 for name in ("saved", "packed", "half", "larger"))
    assert sum(way["strange"] for way in found["ways"].values()) == 0
    assert len(found["different"]) <= 0.003 * found["photos"]
    assert benchmark.markdown(found)
