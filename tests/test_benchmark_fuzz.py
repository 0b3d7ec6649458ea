"""The fuzzing script: what it reads of libFuzzer's words, how runs add up, and that the page tells what was found."""

import json
from pathlib import Path

import pytest

from benchmarks import fuzz, markers

SAID = """INFO: seed corpus: files: 29 min: 8b
#30\tINITED cov: 211 ft: 300 corp: 20/12Kb exec/s: 0 rss: 90Mb
#4096\tNEW    cov: 250 ft: 410 corp: 31/15Kb lim: 4096 exec/s: 900 rss: 95Mb L: 40/900 MS: 1 CrossOver-
#9000\tDONE   cov: 252 ft: 420 corp: 33/16Kb lim: 4096 exec/s: 850 rss: 97Mb
stat::number_of_executed_units: 9001
stat::average_exec_per_sec:     850
stat::slowest_unit_time_sec:    2
stat::peak_rss_mb:              97
"""
CRASH = """
 === Uncaught Python exception: ===
TokenError: ('EOF in multi-line statement', (2, 0))
Traceback (most recent call last):
  File "/x/benchmarks/fuzz_inside.py", line 43, in one
  File "/x/asen_core/gallery/local.py", line 119, in _array
  File "/usr/lib/python3.11/tokenize.py", line 520, in _tokenize
==1== ERROR: libFuzzer: fuzz target exited
"""


def test_figures_of_a_run() -> None:
    told = {"executions": 9001, "edges": 252, "corpus": 33, "slowest_seconds": 2, "peak_mb": 97}
    assert fuzz.figures(SAID) == told
    assert fuzz.figures("") == dict.fromkeys(told, 0)


@pytest.mark.parametrize(
    ("said", "code", "what"),
    [
        (CRASH, 77, "TokenError: ('EOF in multi-line statement', (2, 0)) (local.py:119 _array)"),
        ("==1== ERROR: libFuzzer: timeout after 10 seconds\n", 70, "timeout after 10 seconds"),
        ("==1== ERROR: libFuzzer: out-of-memory (used: 2048Mb)\n", 71, "out-of-memory (used: 2048Mb)"),
        ("", -11, "ended with -11"),
    ],
)
def test_what_is_said_of_a_finding(said: str, code: int, what: str) -> None:
    assert fuzz.what_of(said, code) == what


def test_runs_of_a_target_add_up() -> None:
    one = {"executions": 10, "edges": 5, "corpus": 3, "slowest_seconds": 0, "peak_mb": 90}
    two = {"executions": 7, "edges": 6, "corpus": 2, "slowest_seconds": 4, "peak_mb": 80}
    found = fuzz.summed("photo", [one, two], ["timeout"])
    assert found == {
        "target": "photo", "executions": 17, "edges": 6, "corpus": 3, "slowest_seconds": 4, "peak_mb": 90,
        "findings": ["timeout"],
    }  # fmt: skip


def test_the_table_by_hand() -> None:
    target = {"target": "photo_smaller", "executions": 12345, "edges": 678, "corpus": 90, "slowest_seconds": 1, "peak_mb": 1234}
    shown = fuzz.markdown({"targets": [{**target, "findings": []}]}).splitlines()
    assert shown[2:] == ["| photo smaller | 12,345 | 678 | 90 | 1 | 1,234 | 0 |"]


def test_keys_keep_their_escapes() -> None:
    assert fuzz._quoted("PK\\x03\\x04") == "PK\\x03\\x04"
    assert fuzz._quoted('a"\\ud800') == 'a\\"\\\\ud800'


def test_nothing_was_found_in_the_last_run_of_all_targets() -> None:
    told = json.loads(fuzz.FOUND.read_text(encoding="utf-8"))
    assert {target["target"] for target in told["targets"]} == set(fuzz.TARGETS)
    assert [target["findings"] for target in told["targets"]] == [[]] * len(fuzz.TARGETS)
    assert all(target["executions"] > 1_000 and target["slowest_seconds"] < fuzz.SECONDS for target in told["targets"])


def test_the_page_tells_what_was_found() -> None:
    text = Path(fuzz.PAGE).read_text(encoding="utf-8")
    assert "fuzz" in markers.names(text, "speed")
    table = fuzz.markdown(json.loads(fuzz.FOUND.read_text(encoding="utf-8")))
    assert table.strip() in text
