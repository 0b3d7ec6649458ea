"""The sizing table: its multiplication by hand, its bytes against what an index must take, and what is shipped and told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import sizing, sizing_table
from benchmarks.sizing_table import Prices

FORM = {"faiss": "x", "disk": 900.0, "recall": 0.9876, "built in": 1.0}
FOUND = {
    "garments": 200, "attributes": 2, "length": 250, "photo": {"seconds a core": 0.18, "bytes": 50_000, "longest": 1200},
    "item": {"bytes": 1000, "picture": 9000}, "vectors": 4000,
    "forms": {name: {**FORM, "memory": m} for name, m in zip(sizing_table.SHOWN, (1000.0, 500.0, 250.0, 80.0), strict=True)},
}  # fmt: skip

STORES = {
    "items": 10_000, "attributes": 2, "memory_mb": 150, "memory_before_mb": 100, "disk_mb": 80,
    "searches": [{"filter": "keeps 1 %", "queries": 9, "same": 1}, {"filter": "none", "queries": 200, "same": 198}],
}  # fmt: skip


def test_needs_are_multiplied_up() -> None:
    """10 M items under 2 attributes: 20 M vectors of 1000 bytes; 250 float16 numbers each and 10 kB an item; 0.18 s a photo."""
    need = sizing_table.needs(FOUND, 10_000_000)
    assert need == pytest.approx(
        {"float32": 20, "float16": 10, "8 bits (SQ8)": 5, sizing_table.SHOWN[3]: 1.6, "disk": 10 + 100, "hours": 500}
    )


def test_the_table_says_what_is_measured_and_what_is_assumed() -> None:
    text = sizing_table.table(FOUND, STORES, Prices(ram=2, disk=0.5, core=0.03), [10_000_000])
    lines = text.splitlines()
    assert lines[2] == "| float32 | 1,000 | 1.00 | 0.90 | 2.00 | 0.988 |"
    assert "| Milvus, float32, HNSW graph | 2,500 | 2.50 | 4.00 | 5.00 | all ten: 99.0 % |" in lines
    (row,) = [line for line in lines if line.startswith("| 10 M")]
    assert row == "| 10 M | 20 M | 20 GB | 10 GB | 5.0 GB | 1.6 GB | 110 GB | 500 | 0.33 | 15 | 95 | 58 |"
    caption = lines[-1]
    for said in (
        "Measured: ",
        "4,000 vectors of 250 numbers",
        "Milvus with 20,000 rows",
        "0.18 s a photo",
        "All else is multiplication",
        "assumptions",
    ):
        assert said in caption
    assert "2 for a GB of memory and 0.5 for a GB of disk a month, 0.03 for a core-hour" in caption


@pytest.mark.parametrize(
    ("number", "written"), [(1e6, "1 M"), (9e9, "9 billion"), (2.5e6, "2.5 M"), (1e9, "1 billion"), (9e8, "900 M")]
)
def test_large_counts_are_short(number: float, written: str) -> None:
    assert sizing_table.short(number) == written


@pytest.mark.parametrize(("number", "written"), [(0.54, "0.5 GB"), (12.4, "12 GB"), (4521, "4.5 TB"), (1e6, "1,000.0 TB")])
def test_sizes_have_units(number: float, written: str) -> None:
    assert sizing_table.gigabytes(number) == written


@pytest.mark.parametrize(
    ("factory", "bytes_each", "least"),
    [("Flat", 128, 1.0), ("SQfp16", 64, 0.98), ("SQ8", 32, 0.9), ("HNSW8,SQ8", 32 + 16 * 4, 0.8)],
)
def test_an_index_takes_its_bytes_and_finds(factory: str, bytes_each: int, least: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    every = sizing.widened(rng.normal(size=(50, 32)), 2000, rng)
    assert np.allclose(np.linalg.norm(every, axis=1), 1, atol=1e-5)
    np.save(tmp_path / "every.npy", every)
    took = sizing._build(tmp_path, factory, 2000) / 2000
    assert bytes_each <= took <= bytes_each * 1.35, "codes and links; little more"
    assert sizing._search(tmp_path, factory, 2000)[1] >= least


def test_what_was_measured_is_possible_and_told() -> None:
    found = json.loads(sizing.FOUND.read_text(encoding="utf-8"))
    assert found["forms"].keys() == sizing.FORMS.keys()
    width = found["length"]
    for name, low in (("float32", 4 * width), ("float16", 2 * width), ("8 bits (SQ8)", width)):
        assert low <= found["forms"][name]["disk"] <= 1.1 * low
        assert 0.98 * low <= found["forms"][name]["memory"] <= 1.3 * low  # what a process grew by, rounded
    assert 0.01 < found["photo"]["seconds a core"] < 2
    stores = json.loads(sizing.STORES.read_text(encoding="utf-8"))
    assert sizing_table.table(found, stores) in sizing.PAGE.read_text(encoding="utf-8")
