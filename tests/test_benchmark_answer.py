"""What benchmarks/answer.py says of the times that it took."""

from __future__ import annotations

from benchmarks import answer

TIMES = {
    "photo": {"median_ms": 41.5, "p99_ms": 160.0, "most_ms": 201.0, "count": 300},
    "attribute": {"median_ms": 3.25, "p99_ms": 9.0, "most_ms": 20.0, "count": 800},
    "large": {"median_ms": 140.0, "p99_ms": 200.0, "most_ms": 210.0, "count": 30},
}
START = [
    {"ready": 2.0, "first": 0.1, "second": 0.05, "first_change": 0.008, "peak_mb": 380},
    {"ready": 9.0, "first": 0.2, "second": 0.06, "first_change": 0.009, "peak_mb": 390},
    {"ready": 3.0, "first": 0.15, "second": 0.04, "first_change": 0.007, "peak_mb": 370},
]
FOUND = {
    "photos": "photos of a folder", "neighbours": 24, "gallery": 1320, "runtimes": {"app": "openvino", "reference": "torch"},
    "times": {"app": TIMES, "reference": {"photo": TIMES["large"]}}, "start": START, "verdicts": answer.judged(TIMES),
    "made_with": {"processor": "Some CPU", "cores": 2, "commit": "abc", "load": 0.5},
}  # fmt: skip


def test_what_was_asked_is_judged() -> None:
    assert [(v["reached"], v["holds"]) for v in answer.judged(TIMES)] == [(41.5, True), (160.0, False), (3.25, True)]


def test_the_table_by_hand() -> None:
    lines = answer.markdown(FOUND).splitlines()
    assert lines[2] == "| photo to answer | openvino | 300 | 41.5 | 160 | 201 |"
    assert lines[3] == "| photo to answer | torch | 30 | 140 | 200 | 210 |"
    assert len(lines[2:6]) == 4
    assert lines[6] == ""
    assert "the first answer takes 150 ms, the second 50 ms and the first change of attribute 8 ms, 3.0 s" in lines[-1]
    assert "In a fresh process" not in answer.markdown({**FOUND, "start": []})
