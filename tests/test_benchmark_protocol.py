"""The speed of the published protocol: measured small, told on the page as measured, and within what was promised."""

import json
import subprocess
import sys

import pytest

from benchmarks import markers, protocol

FOUND = {
    "queries": 3600, "candidates": 14400, "length": 2048, "seconds": 1.67, "peak_mb": 1216, "machine": "Some CPU, 2 cores",
}  # fmt: skip


def test_the_table_by_hand() -> None:
    assert protocol.markdown(FOUND).splitlines()[2:] == ["| 3,600 | 14,400 | 2,048 | 1.7 | 1,216 | Some CPU, 2 cores |"]


def test_the_page_tells_what_was_measured() -> None:
    text = protocol.PAGE.read_text(encoding="utf-8")
    assert "speed" in markers.names(text, "protocol")
    made = {"speed": protocol.markdown(json.loads(protocol.FOUND.read_text(encoding="utf-8")))}
    assert markers.replaced(text, made, str(protocol.PAGE), "protocol") == text


def test_what_was_measured_is_the_size_asked_for_and_within_bounds() -> None:
    found = json.loads(protocol.FOUND.read_text(encoding="utf-8"))
    assert (found["queries"], found["candidates"], found["length"]) == (3_600, 14_400, 2_048)
    assert found["machine"].endswith(" 2 cores")
    assert found["seconds"] == max(found["seconds_of_rounds"]) < 10
    assert found["peak_mb"] < 1_000
    assert found["compared"] >= 20
    assert found["largest_difference"] < 1e-5


def _inside(*sizes: str) -> dict:
    arguments = [sys.executable, protocol.__file__, "--inside", *sizes]
    return json.loads(subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=300).stdout)


def test_a_small_measurement_agrees_with_the_slow_way() -> None:
    found = _inside("--queries=30", "--candidates=200", "--length=64")
    assert (found["queries"], found["candidates"], found["compared"]) == (30, 200, 20)
    assert found["largest_difference"] < 1e-9
    assert 0 < found["map"] < 1


@pytest.mark.slow
def test_the_whole_takes_under_ten_seconds_and_a_gigabyte() -> None:
    found = _inside()
    if found["seconds"] >= 10:  # something else may have held the processors: once more
        found = _inside()
    assert found["seconds"] < 10
    assert found["peak_mb"] < 1_000
    assert found["largest_difference"] < 1e-5
