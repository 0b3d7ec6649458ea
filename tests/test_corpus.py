"""Inputs that a fuzzer found worth keeping are played again: every door takes or refuses them as it promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fuzz import KEPT_FILE
from benchmarks.fuzz_doors import WrongError, hold, small_photos
from benchmarks.fuzz_targets import TARGETS, Target, play

CORPUS = Path(__file__).parent / "corpus"
CLOSED = ("released",)
"""A file that this door takes has 100 MB and more."""
MOST = 1_000_000
"""Bytes of all files."""


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", TARGETS)
def test_every_kept_input_is_taken_or_refused_as_promised(name: str, tmp_path: Path) -> None:
    kept = sorted((CORPUS / name).iterdir())
    assert kept
    with small_photos():
        # What the fuzzer begins with is made anew: it shows that the door opens at all.
        opened = {play(TARGETS[name], seed, tmp_path) for seed in TARGETS[name].seeds(tmp_path)}
        assert True in opened or name in CLOSED
        for path in kept:
            try:
                play(TARGETS[name], path.read_bytes(), tmp_path)
            except Exception as error:
                raise AssertionError(f"{path.relative_to(CORPUS)} is a finding") from error


def test_the_corpus_is_small_and_of_known_doors() -> None:
    sizes = {path: path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()}
    assert sum(sizes.values()) <= MOST
    assert max(sizes.values()) <= KEPT_FILE
    assert {path.parent.name for path in sizes} == set(TARGETS)


@pytest.mark.parametrize(
    ("raised", "finding"),
    [
        (None, False),
        (ValueError("It has 3 letters, 4 were expected; write one more."), False),
        (ValueError(""), True),
        (ValueError("bad file"), True),
        (KeyError("It has 3 letters, 4 were expected; write one more."), True),
        (WrongError("It has 3 letters, 4 were expected; write one more."), True),
        (RecursionError("maximum recursion depth exceeded while calling"), True),
    ],
)
def test_what_is_a_finding(raised: Exception | None, finding: bool, tmp_path: Path) -> None:
    def door(data: bytes, folder: Path) -> None:
        if raised is not None:
            raise raised

    target = Target(door, (ValueError,), lambda folder: ())
    if not finding:
        assert play(target, b"", tmp_path) is (raised is None)
        return
    with pytest.raises((WrongError, KeyError, RecursionError)):
        play(target, b"", tmp_path)


def test_what_holds_is_silent() -> None:
    hold(True, "nothing")
    with pytest.raises(WrongError, match="a promise"):
        hold([], "a promise")
