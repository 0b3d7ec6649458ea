"""What follows from the times that benchmarks/bulk.py takes, by hand."""

from __future__ import annotations

import pytest

from benchmarks import bulk


@pytest.mark.parametrize(
    ("decoding", "memory", "files", "busy", "hidden"),
    [
        (1.0, 4.0, 5.0, 0.8, 0.0),  # one after the other
        (1.0, 4.0, 4.0, 1.0, 1.0),  # decoding behind the network
        (1.0, 4.0, 4.5, 0.8889, 0.5),
        (3.0, 1.0, 3.0, 0.3333, 1.0),  # the network waits
        (1.0, 4.0, 3.9, 1.0, 1.0),  # noise doesn't go beyond the whole
        (1.0, 4.0, 6.0, 0.6667, 0.0),
    ],
)
def test_overlap_by_hand(decoding: float, memory: float, files: float, busy: float, hidden: float) -> None:
    seconds = {"decoding": [decoding] * 3, "quick, memory": [memory] * 3, "quick, files": [files] * 3}
    found = bulk.overlapped(seconds, "quick", 20)
    assert (found["busy"], found["hidden"]) == (busy, hidden)
    assert found["photos_per_second"] == pytest.approx(20 / files, abs=0.01)
    assert found["decoded_per_second"] == pytest.approx(20 / decoding, abs=0.01)


def test_the_table_by_hand() -> None:
    told = {"photos_per_second": 80.5, "from_memory": 90.0, "decoded_per_second": 350.0, "busy": 0.9, "hidden": 0.25}
    found = {
        "photos": "photos of a folder", "count": 128, "batch": 32, "attributes": 9, "ways": {"quick": told},
        "runtimes": {"quick": "openvino"}, "times_as_fast": {"median": 3.5, "least": 3.0, "most": 4.0, "rounds": 7},
        "made_with": {"processor": "Some CPU", "cores": 2, "commit": "abc", "load": 0.5},
    }  # fmt: skip
    lines = bulk.markdown(found).splitlines()
    assert lines[2] == "| openvino (quick) | 80.5 | 90.0 | 350 | 90.0 % | 25.0 % |"
    assert "3.50 times as fast (3.00–4.00 in 7 rounds)" in lines[-1]
