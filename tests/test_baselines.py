"""The baselines' networks: shapes, norms, what they share with ASEN++, pretrained weights, the engine around them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny import CONFIG, VOCABULARY, photo, tiny_batch
from torch.nn.functional import normalize
from torchvision.models import mobilenet_v2

from asen_core import checkpoint
from asen_core.config import METHODS, ModelConfig
from asen_core.engine import Engine
from asen_core.models import AsenPP, Model, build_model, reads
from asen_core.models.build import _METHODS
from asen_core.models.trunks import Trunk
from asen_core.training.dataset import Examples
from asen_core.training.pretrained import fold_batch_norms, load_mobilenet

UNREAD = replace(CONFIG, reading_scale=0.0)
ALL = {m: replace(UNREAD, method=m) for m in METHODS}
SINGLE = [m for m in METHODS if m != "asen_pp"]
LABELS = [[0, 0], [0, 1], [1, 0], [0, 0], [1, 0], [2, 1]]


def network(method: str) -> Model:
    """Random weights, shifted so that the photos of `_examples` lie far apart, as after training."""
    torch.manual_seed(0)
    model = build_model(ALL[method], VOCABULARY).eval()
    seen: dict[torch.nn.Linear, torch.Tensor] = {}
    layers = [m for n, m in model.named_modules() if n.endswith("project")]
    hooks = [m.register_forward_hook(lambda m, _, out: seen.update({m: out.flatten(0, -2).mean(0)})) for m in layers]
    batch = examples(LABELS)
    with torch.no_grad():
        model(batch.images, batch.sources, batch.frames)
        for layer, hook in zip(layers, hooks, strict=True):
            hook.remove()
            layer.bias -= seen[layer]
    return model


def examples(labels: list[list[int]]) -> Examples:
    _, sources, frames = tiny_batch(len(labels))
    colours = torch.randint(0, 256, (len(labels), 3, 2, 2), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    images = colours.repeat_interleave(32, 2).repeat_interleave(32, 3)
    maps = torch.zeros(len(labels), 2, 4, 4)
    return Examples(images, sources, frames, torch.tensor(labels), maps, maps[:, 0], torch.zeros(len(labels), 0))


def test_every_method_that_settings_may_name_can_be_built() -> None:
    assert set(_METHODS) == set(METHODS)
    assert type(build_model(CONFIG, VOCABULARY)) is AsenPP
    assert [m for m in METHODS if reads(replace(CONFIG, method=m))] == ["asen_pp"]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"method": "asen++"}, "method must be one of"),
        ({"method": "asen", "attention_stride": 8}, "asen has attention cells of 16"),
        ({"method": "csn", "value_share": 0.5}, "needs a read-out"),
        ({"method": "asen_pp", "reading_scale": 0.0, "value_share": 0.5}, "needs a read-out"),
        ({"method": "general", "global_trunk": "none"}, "no global trunk"),
    ],
)
def test_settings_that_make_no_network_are_explained(config: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        build_model(replace(CONFIG, **config), VOCABULARY)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_shapes_and_norms_at_every_batch_size(method: str, count: int) -> None:
    model = network(method)
    with torch.inference_mode():
        out = model(*tiny_batch(count))
    assert out.embedding.shape == (count, 2, model.dim)
    assert out.attention.shape == (count, 2, 4, 4)
    assert out.boxes.shape == (count, 2, 4)
    assert [tuple(p.shape) for p in out.probabilities] == [(count, 0), (count, 0)]
    torch.testing.assert_close(out.embedding.norm(dim=-1), torch.ones(count, 2))
    torch.testing.assert_close(out.attention.sum((2, 3)), torch.ones(count, 2))
    assert model.value_slices == (slice(0, 3), slice(3, 5))


@pytest.mark.parametrize("method", METHODS)
def test_a_photo_alone_gives_what_it_gives_in_a_batch(method: str) -> None:
    model, (images, sources, frames) = network(method), tiny_batch(3)
    with torch.inference_mode():
        together = model(images, sources, frames).embedding
        for i in range(3):
            alone = model(images[i : i + 1], sources[i : i + 1], frames[i : i + 1]).embedding
            torch.testing.assert_close(alone[0], together[i], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("method", "same"), [("pooled", True), ("general", True), ("csn", False), ("asen", False)])
def test_which_networks_tell_attributes_apart(method: str, same: bool) -> None:
    images, sources, frames = tiny_batch(2)
    with torch.inference_mode():
        out = network(method)(images, sources, frames)
    assert torch.equal(out.embedding[:, 0], out.embedding[:, 1]) == same
    assert (out.attention == 1 / 16).all() == (method != "asen")
    assert out.boxes[1, 0].tolist() == [0, 0, sources[1].shape[2], sources[1].shape[1]]


def test_a_given_box_is_told_and_the_others_stay_whole() -> None:
    images, sources, frames = tiny_batch(1)
    boxes = torch.full((1, 2, 4), float("nan"))
    boxes[0, 1] = torch.tensor([1.0, 2, 11, 12])
    with torch.inference_mode():
        out = network("csn")(images, sources, frames, boxes)
    assert out.boxes.tolist() == [[[0, 0, 120, 80], [1, 2, 11, 12]]]


def test_a_mask_weighs_the_shared_embedding_and_is_never_negative() -> None:
    model = network("csn")
    with torch.no_grad():
        model.masks[:] = torch.tensor([1.0, -1.0]).repeat(8)
        model.masks[1, 0] = 3
        shared = model.general(tiny_batch(2)[0])
        embedding, _ = model.look(tiny_batch(2)[0])
    plain = shared.clone()
    plain[:, 1::2] = 0
    torch.testing.assert_close(embedding[:, 0], normalize(plain, dim=-1))
    plain[:, 0] *= 3
    torch.testing.assert_close(embedding[:, 1], normalize(plain, dim=-1))


def test_pooled_features_by_hand() -> None:
    """As they leave the trunk, and widened by the last convolution where the embedding is longer."""
    images = tiny_batch(2)[0]
    for dim in (16, 24):
        torch.manual_seed(0)
        model = build_model(replace(ALL["pooled"], global_dim=dim), VOCABULARY).eval()
        with torch.inference_mode():
            features = model.trunk(model.normalised(images))[0]
            if dim == 24:
                weight, bias = model.last.weight[:, :, 0, 0], model.last.bias[:, None, None]
                features = (torch.einsum("oc,bchw->bohw", weight, features) + bias).clamp(0, 6)
            expected = normalize(features.flatten(2).mean(2), dim=-1)
            torch.testing.assert_close(model.look(images)[0][:, 1], expected, atol=1e-5, rtol=1e-4)


def test_asen_is_the_global_branch_of_asen_pp() -> None:
    whole, alone, images = network("asen_pp"), network("asen"), tiny_batch(2)[0]
    alone.load_state_dict({k: v for k, v in whole.state_dict().items() if k in alone.state_dict()})
    with torch.inference_mode():
        for a, b in zip(whole.look(images), alone.look(images), strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize("method", METHODS)
def test_the_engine_takes_them_from_disk_and_reads_no_values(tmp_path: Path, method: str) -> None:
    checkpoint.save(tmp_path, network(method), {}, {})
    engine = Engine.open(tmp_path, device="cpu")
    view = engine.look(photo())["sleeve"]
    assert (view.readings, view.reading, view.values) == ((), None, 0)
    assert engine.embed([photo(), photo(seed=1)]).shape == (2, 2, engine.dim)
    assert engine.embed([]).shape == (0, 2, engine.dim)
    if method in SINGLE:
        assert view.split == engine.dim
        assert view.query_vector(0.1) is view.embedding, "there is no second branch to weigh against"
        assert tuple(view.roi) == (0, 0, 60, 90)


def test_settings_stored_before_there_were_methods_mean_asen_pp() -> None:
    stored = {k: v for k, v in CONFIG.to_dict().items() if k not in ("method", "value_share", "attention_kernel")}
    assert ModelConfig.from_dict(stored).method == "asen_pp"


@pytest.mark.parametrize(
    ("method", "dim", "trunks"), [("pooled", 1280, 1), ("pooled", 320, 1), ("csn", 256, 1), ("asen_pp", 128, 2)]
)
def test_pretrained_weights_reach_every_trunk(tmp_path: Path, method: str, dim: int, trunks: int) -> None:
    torch.manual_seed(1)
    reference = mobilenet_v2(weights=None).eval()
    save_file(reference.state_dict(), tmp_path / "w.safetensors")
    folded = fold_batch_norms(reference.features)
    model = build_model(ModelConfig(method=method, attention_stride=16, global_dim=dim, reading_scale=0.0), VOCABULARY)
    load_mobilenet(model, tmp_path / "w.safetensors")
    found = [m for m in model.modules() if isinstance(m, Trunk)]
    assert len(found) == trunks
    for trunk in found:
        for name, value in trunk.layers.state_dict().items():
            torch.testing.assert_close(value, folded[name])
    if dim == 1280:
        torch.testing.assert_close(model.last.weight.detach(), folded["18.0.weight"])
        torch.testing.assert_close(model.last.bias.detach(), folded["18.0.bias"])
