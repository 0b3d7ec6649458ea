"""A short run of the crowd at the page, against the real server."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_ten_visitors_for_half_a_minute(tmp_path, monkeypatch):
    monkeypatch.setenv("ASEN_AWAY_SECONDS", "5")
    out = tmp_path / "load.json"
    asked = ["--visitors", "10", "--minutes", "0.5", "--out", str(out)]
    run = subprocess.run([sys.executable, "benchmarks/load.py", *asked], cwd=ROOT, capture_output=True, text=True, timeout=900)
    found = json.loads(out.read_text(encoding="utf-8"))
    # Memory is still warming up after so short a time.
    assert [rule for rule in found["broken"] if not rule.startswith("memory")] == [], run.stderr
    assert found["answers"] > 10
    assert found["checked"] > 5
    assert found["files_left"] == 0
