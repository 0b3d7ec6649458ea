"""The network without torch against the one in torch: the same weights have to give the same numbers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny import CONFIG, VOCABULARY, photo, tiny_batch, tiny_model

from asen_core import checkpoint, images
from asen_core.config import COMPACT, PAPER, ModelConfig
from asen_core.engine import SHIPPED_CHECKPOINT, Engine
from asen_core.errors import CheckpointError, QueryError
from asen_core.graph import Network, offered, regions
from asen_core.models import build_model
from asen_core.models.roi import cut, cut_released, placed_in_input, released_boxes, roi_boxes, to_photo

ROOT = Path(__file__).resolve().parents[1]
SMALL = replace(COMPACT, input_size=96, roi_size=48, attribute_dim=16, global_dim=24, local_dim=16)
RELEASED = replace(CONFIG, geometry="released", roi_margin=0.0, roi_min_size=0.0)


def arrays(model: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}


def made(config: ModelConfig, seed: int = 0) -> torch.nn.Module:
    """A network whose batch norms have seen something, so that folding them shows."""
    torch.manual_seed(seed)
    model = build_model(config, VOCABULARY)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.normal_(module.bias, std=0.1)
    return model.eval()


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        SMALL,
        replace(SMALL, attention_stride=16, value_share=0.0),
        replace(SMALL, attention_kernel=1, global_keys=8, local_keys=4),
        replace(SMALL, reading_scale=0.0, value_share=0.0),
        replace(PAPER, input_size=96, roi_size=48, attribute_dim=16, global_dim=24, local_dim=16, local_keys=8),
    ],
    ids=["tiny", "compact", "coarse", "keys", "unread", "paper"],
)
def test_same_numbers_as_torch(config: ModelConfig, batch: int) -> None:
    model = made(config)
    network = Network(config, VOCABULARY, arrays(model))
    rng = np.random.default_rng(batch)
    inputs = rng.integers(0, 256, (batch, config.input_size, config.input_size, 3), dtype=np.uint8)
    crops = rng.uniform(0, 255, (batch * 2, config.roi_size, config.roi_size, 3)).astype(np.float32)
    which = np.tile(np.array([1, 0]), batch)
    with torch.inference_mode():
        looked = model.look(torch.from_numpy(inputs).permute(0, 3, 1, 2))
        zoomed = model.local_branch.forward_pairs(
            model.normalised(torch.from_numpy(crops).permute(0, 3, 1, 2)), model.attribute_vectors[torch.from_numpy(which)]
        )
        looks = model.joined(looked[0], zoomed.reshape(batch, 2, -1)[:, [1, 0]])
        read = model.read(looks, [0, 1])
        whole = model.with_values(looks, read)
    embedding, attention = network.look(inputs)
    local = network.zoom(crops, np.arange(batch * 2), which).copy()
    twice = network.zoom(crops[:1], np.array([0, 0]), which[:2])  # one crop under two attributes
    np.testing.assert_allclose(twice[0], local[0], atol=1e-6)
    assert not np.array_equal(twice[0], twice[1])
    np.testing.assert_allclose(embedding, looked[0], atol=2e-5)
    np.testing.assert_allclose(attention, looked[1], atol=1e-6)
    np.testing.assert_allclose(local, zoomed, atol=2e-5)
    joined, probabilities = network.joined(embedding, local.reshape(batch, 2, -1)[:, [1, 0]], [0, 1])
    np.testing.assert_allclose(joined, whole, atol=5e-5)
    for mine, reference in zip(probabilities, read, strict=True):
        assert mine.shape == reference.shape
        np.testing.assert_allclose(mine, reference, atol=5e-5)


@pytest.mark.parametrize("config", [CONFIG, RELEASED], ids=["letterbox", "released"])
@pytest.mark.parametrize("kind", ["noise", "flat", "peak"])
def test_regions_as_by_torch(config: ModelConfig, kind: str) -> None:
    generator = torch.Generator().manual_seed(3)
    attention = torch.rand((4, 2, 6, 6), generator=generator) ** 6
    if kind == "flat":
        attention = torch.full((4, 2, 6, 6), 1 / 36)
    if kind == "peak":
        attention = torch.zeros(4, 2, 6, 6)
        attention[:, 0, 5, 0], attention[:, 1, 2, 5] = 1, 1
    _, sources, frames = tiny_batch(4)
    sizes = [(s.shape[2], s.shape[1]) for s in sources]
    if config is RELEASED:
        expected = released_boxes(attention, sources, config)
    else:
        expected = to_photo(roi_boxes(attention, placed_in_input(sources, frames), config), frames)
    np.testing.assert_allclose(regions(attention.numpy(), sizes, frames, config), expected, atol=1e-3)


def test_no_regions_of_no_photos() -> None:
    assert regions(np.zeros((0, 2, 6, 6), np.float32), [], [], CONFIG).shape == (0, 2, 4)


BOXES = [(0, 0, 60, 60), (10.4, 20.6, 41.2, 51.3), (-8, -8, 40, 40), (30, 60, 90, 120), (59, 89, 60, 90), (200, 0, 240, 40)]


@pytest.mark.parametrize("box", [*BOXES, (20, 20, 20, 20)])
def test_cut_as_by_torch(box: tuple[float, ...]) -> None:
    pixels = photo()
    expected = cut(torch.from_numpy(pixels).permute(2, 0, 1), box, 32, 255).permute(1, 2, 0)
    found = images.cut(pixels, box, 32, 255)
    assert (found.shape, found.dtype) == ((32, 32, 3), np.float32)
    np.testing.assert_allclose(found, expected, atol=2e-3)


@pytest.mark.parametrize("box", [*BOXES[:5], (-2, 0, 58, 60), (5, 34, 63, 92)])
def test_cut_as_by_the_release(box: tuple[float, ...]) -> None:
    pixels = photo()
    expected = cut_released(torch.from_numpy(pixels).permute(2, 0, 1), box, 32, 0).permute(1, 2, 0)
    np.testing.assert_allclose(images.cut(pixels, box, 32, 0, released=True), expected, atol=1e-4)


def test_large_parts_are_cut_as_by_torch_to_a_level() -> None:
    rng = np.random.default_rng(0)
    waves = 127 + 120 * np.sin(np.arange(1500)[:, None, None] / 9) * np.cos(np.arange(1200)[None, :, None] / (5, 7, 11))
    pixels = (waves + rng.integers(-7, 8, waves.shape)).astype(np.uint8)
    expected = cut(torch.from_numpy(pixels).permute(2, 0, 1), (0, 0, 1200, 1500), 32, 255).permute(1, 2, 0).numpy()
    assert np.abs(images.cut(pixels, (0, 0, 1200, 1500), 32, 255) - expected).mean() < 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.pop("local_branch.project.bias"), "local_branch.project.bias is missing"),
        (lambda t: t.update(extra=np.zeros(3, np.float32)), "extra unexpected"),
        (lambda t: t.update(reading_scale=np.zeros(3, np.float32)), r"reading_scale has shape \(3,\), expected \(2,\)"),
        (lambda t: t.update(attribute_vectors=np.zeros((3, 8), np.float32)), "attribute_vectors has shape"),
        (lambda t: t.update({"global_branch.trunk.layers.1.0.weight": np.zeros((8, 4, 3, 3))}), "expected"),
    ],
)
def test_other_tensors_are_refused(change: Callable[[dict], object], says: str) -> None:
    tensors = arrays(tiny_model())
    change(tensors)
    with pytest.raises(ValueError, match=says):
        Network(CONFIG, VOCABULARY, tensors)


def test_only_asen_pp_is_offered() -> None:
    assert offered(COMPACT)
    assert offered(PAPER)
    assert not offered(replace(COMPACT, method="csn"))


@pytest.fixture(scope="module")
def engines() -> tuple[Engine, Engine]:
    return Engine.open(runtime="openvino"), Engine.open(device="cpu", runtime="torch")


def test_the_shipped_model_looks_alike_on_both(engines: tuple[Engine, Engine]) -> None:
    quick, reference = engines
    assert (quick.runtime, reference.runtime) == ("openvino", "torch")
    samples = sorted((ROOT / "assets" / "samples").glob("*.webp"))
    for mine, theirs in zip(quick.views(samples), reference.views(samples), strict=True):
        for name, view in mine.items():
            assert view.embedding @ theirs[name].embedding > 0.9995  # large parts are shrunk by whole factors first
            assert view.roi == theirs[name].roi
            assert view.reading.value == theirs[name].reading.value
            np.testing.assert_allclose(view.attention, theirs[name].attention, atol=1e-5)


def test_one_attribute_alone_and_a_box(engines: tuple[Engine, Engine]) -> None:
    from asen_core.types import Box

    quick, reference = engines
    box = Box(20, 30, 90, 140)
    given = [e.look(photo(300, 200), ["sleeve", "collar"], {"collar": box}) for e in engines]
    for name in ("sleeve", "collar"):
        assert given[0][name].embedding @ given[1][name].embedding > 0.9999
    assert given[0]["collar"].roi == box
    assert quick.embed([]).shape == reference.embed([]).shape == (0, 9, quick.dim)


def test_no_photo_and_no_attribute(engines: tuple[Engine, Engine]) -> None:
    for engine in engines:
        assert engine.look(photo(), []) == {}


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"runtime": "tensorflow"}, "Unknown runtime 'tensorflow'; give one of auto, openvino, torch"),
        ({"runtime": "openvino", "device": "cuda"}, "works on the processor, not on 'cuda'"),
    ],
)
def test_runtimes_that_are_refused(asked: dict[str, str], says: str) -> None:
    with pytest.raises(QueryError, match=says):
        Engine.open(SHIPPED_CHECKPOINT, **asked)


def test_another_method_is_left_to_torch(tmp_path: Path) -> None:
    config = replace(CONFIG, method="pooled")
    torch.manual_seed(0)
    checkpoint.save(tmp_path, build_model(config, VOCABULARY).eval(), {}, {})
    assert Engine.open(tmp_path).runtime == "torch"
    with pytest.raises(QueryError, match="knows asen_pp only, not pooled"):
        Engine.open(tmp_path, runtime="openvino")


@pytest.mark.parametrize(("driver", "gpu", "runtime"), [(False, True, "openvino"), (True, False, "openvino")])
def test_torch_is_asked_only_beside_a_driver(monkeypatch: pytest.MonkeyPatch, driver: bool, gpu: bool, runtime: str) -> None:
    monkeypatch.setattr("asen_core.engine.runtime._driver", lambda: driver)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr("asen_core.engine.runtime.sys", SimpleNamespace(modules={}, platform="linux"))
    assert Engine.open(SHIPPED_CHECKPOINT).runtime == runtime


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ImportError("libopenvino.so.2: cannot open"), r"is installed but can't be used here \(libopenvino"),
        (OSError("undefined symbol: x"), "undefined symbol"),
        (RuntimeError("Exception from core.cpp:\nmore"), r"\(Exception from core.cpp:\); give the runtime torch"),
    ],
)
def test_auto_goes_on_to_torch_where_openvino_fails(monkeypatch: pytest.MonkeyPatch, error: Exception, says: str) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr("asen_core.engine.openvino_runtime.Network", failing)
    assert Engine.open(device="cpu").runtime == "torch"
    with pytest.raises(QueryError, match=says) as refused:
        Engine.open(runtime="openvino")
    assert "pip install" not in str(refused.value)


def test_wrong_tensors_are_named_as_by_torch(tmp_path: Path) -> None:
    other = replace(CONFIG, attribute_dim=10)
    model = tiny_model()
    model.config = other  # says of itself what its weights are not
    checkpoint.save(tmp_path, model, {}, {})
    with pytest.raises(CheckpointError, match="has shape"):
        Engine.open(tmp_path, runtime="openvino")


def test_serving_needs_no_torch_and_asks_nobody() -> None:
    code = (
        "import sys\n"
        "from asen_core.engine import Engine\n"
        "engine = Engine.open(runtime='openvino')\n"
        "engine.look('assets/samples/2-solid-shirt.webp')\n"
        "print(sorted(m for m in ('torch', 'torchvision', 'openvino_telemetry', 'openvino.tools.ovc') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
