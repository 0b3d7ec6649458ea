import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import CONFIG, VOCABULARY, tiny_batch, tiny_checkpoint, tiny_model

from asen_core import checkpoint
from asen_core.errors import CheckpointError
from asen_core.files import digest


def test_round_trip_keeps_every_number_to_half_precision(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "c", tiny_model(), {"seed": 0}, {"valid": {"macro_map": 0.5}})
    loaded = checkpoint.load(tmp_path / "c")
    assert (loaded.model.config, loaded.model.vocabulary) == (CONFIG, VOCABULARY)
    assert (loaded.provenance, loaded.figures) == ({"seed": 0}, {"valid": {"macro_map": 0.5}})
    assert not loaded.model.training
    with torch.inference_mode():
        a, b = tiny_model()(*tiny_batch(2)), loaded.model(*tiny_batch(2))
    assert (a.embedding * b.embedding).sum(-1).min() > 0.999
    assert not list((tmp_path / "c").glob(".*")), "a temporary file was left behind"


def test_fingerprint_follows_weights_and_settings_alone(tmp_path: Path) -> None:
    one, same, other = (checkpoint.load(tiny_checkpoint(tmp_path / str(i), s)).fingerprint for i, s in enumerate((0, 0, 1)))
    assert one == same != other
    settings = json.loads((tmp_path / "0" / "config.json").read_text())
    settings["figures"] = {"test": 1}
    del settings["checksum"]
    (tmp_path / "0" / "config.json").write_text(json.dumps(settings))
    assert checkpoint.load(tmp_path / "0").fingerprint == one


def _flip_a_byte(directory: Path) -> None:
    data = bytearray((directory / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (directory / "model.safetensors").write_bytes(data)


def _edit(**changes: object) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        settings = json.loads((directory / "config.json").read_text())
        settings.update({"checksum": None, **changes})
        (directory / "config.json").write_text(json.dumps({k: v for k, v in settings.items() if v is not None}))

    return change


def _reweigh(change: Callable[[dict[str, torch.Tensor]], None]) -> Callable[[Path], None]:
    def rewrite(directory: Path) -> None:
        tensors = load_file(directory / "model.safetensors")
        change(tensors)
        save_file(tensors, directory / "model.safetensors")
        _edit(weights_sha256=digest(directory / "model.safetensors"))(directory)

    return rewrite


def _as_pickle(directory: Path) -> None:
    (directory / "model.safetensors").write_bytes(pickle.dumps({"model": 1}))
    _edit(weights_sha256=digest(directory / "model.safetensors"))(directory)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda d: (d / "model.safetensors").unlink(), "has no model.safetensors"),
        (lambda d: (d / "config.json").unlink(), "has no config.json"),
        (lambda d: (d / "config.json").write_text("{"), "can't be read as JSON"),
        (lambda d: (d / "config.json").write_text("[]"), "a JSON object was expected"),
        (lambda d: (d / "config.json").write_text("{}"), "lacks format"),
        (_edit(more=1), "no checkpoint has an entry 'more'"),
        (_edit(checksum="0" * 64), r"config.json is damaged: its checksum is not that of its content"),
        (_flip_a_byte, "is damaged"),
        (_as_pickle, "not a safetensors file"),
        (_edit(format=99), "format 99"),
        (_edit(vocabulary=None), "lacks vocabulary"),
        (_edit(model={"depth": 3}), "no setting depth"),
        (_edit(vocabulary={"neckline": ["round"]}), "has shape"),
        (_reweigh(lambda t: t.pop("attribute_vectors")), r"1 \(attribute_vectors\) missing"),
        (_reweigh(lambda t: t.update(more=torch.zeros(1))), r"1 \(more\) unexpected"),
        (_reweigh(lambda t: t["attribute_vectors"].fill_(float("nan"))), "not finite"),
    ],
)
def test_damage_is_named(tmp_path: Path, damage: Callable[[Path], None], says: str) -> None:
    directory = tiny_checkpoint(tmp_path / "c")
    damage(directory)
    with pytest.raises(CheckpointError, match=says):
        checkpoint.load(directory)


def test_a_file_is_not_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        checkpoint.load(tmp_path / "model.pth")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_one_file_of_a_checkpoint_points_to_its_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match=f"give its directory {tmp_path}"):
        checkpoint.load(tiny_checkpoint(tmp_path) / name)


def test_float32_keeps_every_number(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "c", tiny_model(), {}, {}, torch.float32)
    assert all(
        torch.equal(v, tiny_model().state_dict()[k]) for k, v in checkpoint.load(tmp_path / "c").model.state_dict().items()
    )


def test_what_half_precision_cannot_hold_is_refused(tmp_path: Path) -> None:
    model = tiny_model()
    with torch.no_grad():
        model.attribute_vectors[0, 0] = 1e6
    with pytest.raises(CheckpointError, match=r"attribute_vectors holds numbers that torch.float16 can't; write it as float32"):
        checkpoint.save(tmp_path / "c", model, {}, {})
    assert not (tmp_path / "c").exists()
