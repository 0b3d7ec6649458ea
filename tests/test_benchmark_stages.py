"""Stages of a query: their times come from the engine's own pass, their work is counted right, the roofline follows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import FakeEngine, FakeGallery
from PIL import Image
from tiny import CONFIG, photo, tiny_checkpoint
from torch import nn

from asen_core import images
from asen_core.engine import Engine
from asen_core.types import Garment
from benchmarks import parts, roofline, stage_work, stages
from benchmarks.around import _Server, named
from benchmarks.roofline import Peaks, Work
from benchmarks.visitor import Visitor, uploaded

PEAKS = Peaks(100.0, {1: 50.0, 16: 10.0})


@pytest.mark.parametrize(
    ("pieces", "seconds"),
    [
        ([], 0.0),
        ([Work(50e6, 1000)], 1e-3),  # operations bound: 0.1 G of 100 G a second
        ([Work(0, 1e6)], 2e-5),  # it fits the small piece: 50 GB a second
        ([Work(0, 2e6)], 2e-4),  # it doesn't
        ([Work(0, 1e9)], 0.1),  # larger than all that was measured: as the largest
        ([Work(50e6, 0), Work(0, 1e6)], 1.02e-3),
    ],
)
def test_the_roofline_by_hand(pieces: list[Work], seconds: float) -> None:
    assert PEAKS.seconds(pieces) == pytest.approx(seconds)


def test_layers_are_counted_as_they_run() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, stride=2, groups=4), nn.Flatten())
    net.append(nn.Linear(4 * 2 * 2, 5))
    with roofline.counted(net) as pieces:
        net(torch.zeros(2, 3, 5, 5))
    assert [p.macs for p in pieces] == [2 * 4 * 25 * 27, 2 * 4 * 4 * 9, 2 * 5 * 16]
    assert pieces[0].bytes == 4 * (2 * 3 * 25 + 2 * 4 * 25 + 4 * 27 + 4)
    assert pieces[2].bytes == 4 * (2 * 16 + 2 * 5 + 16 * 5 + 5)
    with roofline.counted(net) as later:
        pass
    net(torch.zeros(1, 3, 5, 5))
    assert (len(pieces), later) == (3, []), "nothing is counted outside"
    assert roofline.added(pieces).macs == sum(p.macs for p in pieces)


@pytest.mark.parametrize(
    ("size", "macs"), [((64, 64), 3 * (64 * 64 * 2 + 64 * 64 * 2)), ((128, 128), 3 * (128 * 64 * 4 + 64 * 64 * 4))]
)
def test_resizing_is_counted(size: tuple[int, int], macs: float) -> None:
    assert stage_work.resizing(*size, 64) == Work(macs, 3 * (size[0] * size[1] + 64 * 64))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "model")


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_times_are_of_the_engines_own_pass(checkpoint: Path, runtime: str) -> None:
    if runtime == "openvino":
        pytest.importorskip("openvino")
    engine = Engine.open(checkpoint, device="cpu", runtime=runtime)
    garment = Garment(photo())
    laid, frame = images.lay(garment.pixels, CONFIG.input_size, CONFIG.fill, CONFIG.geometry)
    opened = parts.parts_of(engine)
    found = [opened.times(garment, laid[None], frame) for _ in range(3)]
    assert all(set(times) == set(parts.NETWORK) for times, _ in found)
    middle = parts.medians([times for times, _ in found])
    assert min(middle.values()) >= 0
    assert all(middle[name] > 0 for name in ("trunk", "region", "local"))
    rois = [tuple(v.roi) for v in engine.look(garment).values()]
    inside = found[0][1].clip(0, [garment.width, garment.height] * 2)
    np.testing.assert_allclose(inside, rois, atol=1)


def test_the_work_of_a_small_network_by_hand(checkpoint: Path) -> None:
    engine = Engine.open(checkpoint, device="cpu", runtime="torch")
    seen = {
        "garment": Garment(photo(90, 60)), "boxes": np.array([[0, 0, 32, 32], [0, 0, 64, 64]], np.float32), "file": 1000,
        "written": 500, "garments": 10, "length": 35, "sent": 4000,
    }  # fmt: skip
    work = stage_work.works(engine, seen)
    trunk = 32 * 32 * 8 * 27 + 16 * 16 * 8 * 72 + 8 * 8 * 12 * 72 + 4 * 4 * 16 * 108
    assert roofline.added(work["trunk"]).macs == trunk
    smaller = 16 * 16 * 8 * 27 + 8 * 8 * 8 * 72 + 4 * 4 * 12 * 72 + 2 * 2 * 16 * 108
    assert roofline.added(work["local"]).macs > 2 * smaller
    assert work["decode"] == [Work(0, 1000 + 90 * 60 * 3)]
    assert work["search"] == [Work(350, 1400)]
    assert work["transfer"] == [Work(0, 8000)]
    assert set(work) == set(stages.STAGES)


def test_medians_never_fall_below_nothing() -> None:
    assert parts.medians([{"a": 1.0, "b": -1.0}, {"a": 3.0, "b": -3.0}, {"a": 2.0, "b": 5.0}]) == {"a": 2.0, "b": 0.0}


def test_a_visitor_is_answered_and_leaves_nothing(tmp_path: Path) -> None:
    photo_file = tmp_path / "photo.jpg"
    Image.new("RGB", (300, 400), "navy").save(photo_file)
    visitor = Visitor(FakeEngine(FakeGallery(tmp_path / "gallery")), tmp_path / "page", count=12)
    with uploaded([photo_file, photo_file]) as files:
        assert len(set(files)) == 2
        assert visitor.sends(files[0]) > 0
        first = visitor.attribute
        assert "".join(visitor.page).count('data-id="garment-') >= 12
        changes = visitor.changes(1)
        assert len(changes) == len(visitor.studio.attributes) - 1
        assert visitor.attribute == visitor.studio.attributes[1] != first
        visitor.waits()
        shown = named(visitor.page)
        assert len(shown) == len(set(shown)) >= 12
        visitor.leaves()
    assert not files[0].exists()
    assert not list((tmp_path / "page").iterdir())


def test_parts_are_sent_whole() -> None:
    server = _Server()
    try:
        server.offers([lambda: b"x" * 100_000, lambda: b"", lambda: b"yz"])
        assert server.fetched() == 100_002
        server.offers([])
        assert server.fetched() == 0
    finally:
        server.close()


def test_shares_and_the_table_by_hand() -> None:
    ms = dict.fromkeys(stages.STAGES, 2.0) | {"attention": 0.0}
    least = dict.fromkeys(stages.STAGES, 1.0)
    reached = stages.shares(ms, least)
    assert "attention" not in reached
    assert (reached["trunk"], reached["whole"]) == (0.5, 9 / 16)
    made = {"processor": "Some CPU", "cores": 2, "commit": "abc", "load": 0.5}
    found = {
        "photos": "photos of a folder", "count": 60, "attributes": 9, "gallery": 1320, "app": "openvino", "made_with": made,
        "ms": {"torch": ms, "openvino": ms}, "work": {s: {"mmac": 1234.5, "mb": 6.78} for s in stages.STAGES},
        "roofline_ms": least, "peaks": {"gflops": 250.0, "gb_per_second": {"1": 100.0, "256": 20.0}},
        "transfer": {"bytes": 250_000, "parts": 28},
    }  # fmt: skip
    lines = stages.markdown(found).splitlines()
    assert lines[2] == "| decode | 1,234.5 | 6.78 | 1.00 | 2.00 | 50.0 % | 2.00 | 50.0 % |"
    assert lines[5].endswith("| 1.00 | 0 | – | 0 | – |")
    assert lines[11] == "| **all** |  |  | **9.00** | **16.0** | 56.2 % | **16.0** | 56.2 % |"
    assert "100 (1 MB), 20 (256 MB)" in lines[-1]
