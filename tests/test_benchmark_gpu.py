"""The GPU's benchmark: its table and verdicts by made-up figures, and what it says where there is no GPU."""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import photo, tiny_checkpoint

from asen_core.engine import Engine
from asen_core.engine.gpu_runtime import GpuRuntime

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import gpu, timing  # noqa: E402

SPEED = {"memory, 32 at once": 3000.0, "memory, 128 at once": 5000.0, "plain pass": 400.0, "files, 128 at once": 3600.0}
FOUND = {
    "gpu": "NVIDIA H200", "photos": "drawn garments", "count": 2048, "attributes": 9, "numbers": "float16",
    "photos_per_second": {**SPEED, "on the card": 6250.0},
    "query": {"quick": {"median_ms": 3.2, "p99_ms": 4.0}, "plain": {"median_ms": 21.0}},
    "variants": {"both in float16": {"photos_per_second": 7000.0, "least_cosine": 0.9886}},
    "cosine": {"least": 0.99999, "mean": 1.0}, "notes": ["The quick pass with float16 was given up: reasons."],
    "made_with": {"processor": "a processor", "cores": 16, "load": 0.1, "commit": "abc", "torch": "2"},
}  # fmt: skip


def test_the_verdicts_take_the_best_batch_and_the_share_of_it() -> None:
    verdicts = gpu.judged(FOUND)
    assert [v["reached"] for v in verdicts] == [5000.0, 0.72, 3.2, 1.0]
    assert all(v["holds"] for v in verdicts)
    slow = {**FOUND, "photos_per_second": {**SPEED, "memory, 128 at once": 3999.0, "files, 128 at once": 2799.0}}
    assert [v["holds"] for v in gpu.judged(slow)] == [False, False, True, True]


def test_a_kind_that_was_not_measured_is_an_error() -> None:
    with pytest.raises(ValueError, match="empty"):
        gpu.best(SPEED, "processor")


def test_the_table_tells_ways_share_query_and_what_was_given_up() -> None:
    told = gpu.markdown({**FOUND, "verdicts": gpu.judged(FOUND)})
    assert "| memory, 128 at once | 5,000 | 12.5 |" in told
    assert "computes 80% of the time" in told
    assert "3.20 ms (p99 4.00), by the plain pass 21.0" in told
    assert "| both in float16 | 7,000 | 0.988600 |" in told
    assert "Given up: The quick pass with float16" in told


def test_without_a_gpu_it_says_so_and_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "_card", lambda: "")
    found = gpu.measured(argparse.Namespace(photos=None, count=10, rounds=1, seed=1))
    assert found["gpu"] is None
    assert gpu.markdown(found) == gpu.NONE


@pytest.mark.parametrize(("kept", "writes"), [(None, True), ({"gpu": None}, True), ({"gpu": "NVIDIA H200"}, False)])
def test_without_a_gpu_earlier_figures_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: dict | None, writes: bool
) -> None:
    if kept is not None:
        (tmp_path / "gpu.json").write_text(json.dumps(kept))
    ran: list[argparse.Namespace] = []
    monkeypatch.setattr(gpu, "__file__", str(tmp_path / "gpu.py"))
    monkeypatch.setattr(gpu, "_card", lambda: "")
    monkeypatch.setattr(timing, "run", lambda script, asked, measured, table: ran.append(asked))
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    gpu.main()
    assert ran[0].dry != writes


class Event:
    """A CUDA event on a processor."""

    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing

    def record(self) -> None:
        self.at = time.perf_counter()

    def synchronize(self) -> None:
        pass

    def elapsed_time(self, ended: "Event") -> float:
        return 1e3 * (ended.at - self.at)


def test_the_whole_run_by_a_small_model_on_a_processor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for i in range(16):
        Image.fromarray(photo(seed=i)).save(tmp_path / f"{i}.jpg")
    engine = Engine.open(tiny_checkpoint(tmp_path / "tiny"), device="cpu", runtime="torch")
    engine._runtime = GpuRuntime(engine.checkpoint.model, torch.device("cpu"), lambda: engine._runtime)
    monkeypatch.setattr(gpu, "_card", lambda: "a processor")
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(Engine, "open", lambda *given, **named: engine)
    for name, value in (("SIZES", (2, 8, 16)), ("SINGLES", 3), ("PASSES", 1)):
        monkeypatch.setattr(gpu, name, value)
    found = gpu.measured(argparse.Namespace(photos=tmp_path, count=16, rounds=1, seed=1))
    found = json.loads(json.dumps(found, allow_nan=False)) | {"made_with": FOUND["made_with"]}
    assert all(np.isfinite(v) and v > 0 for v in found["photos_per_second"].values())
    assert found["cosine"]["least"] > 0.999
    assert found["query"]["quick"]["count"] == 3
    assert found["variants"]["all in float32"]["least_cosine"] > 0.99999
    assert len(found["variants"]) == 5
    assert "global branch float32, local branch float16" in gpu.markdown(found)
