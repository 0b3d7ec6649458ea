"""Doors for strangers' models: a checkpoint's folder, and a file of the authors' release. As in `fuzz_doors`; brings torch."""

from __future__ import annotations

import hashlib
import io
import json
from functools import cache
from pathlib import Path

import torch

from asen_core import checkpoint as room
from asen_core.config import ModelConfig
from asen_core.files import CHECKSUM
from asen_core.models import build_model
from benchmarks.fuzz_doors import hold
from benchmarks.fuzz_folders import replaced

VOCABULARY = {"neckline": ("round", "v"), "sleeve": ("short", "long")}
CONFIG = ModelConfig(
    global_trunk="tiny", local_trunk="tiny", input_size=32, roi_size=16, attention_stride=16, attribute_dim=4, global_dim=4,
    local_dim=4,
)  # fmt: skip


@cache
def small_checkpoint(folder: Path) -> Path:
    """The smallest model that there is, with random weights."""
    torch.manual_seed(0)
    room.save(folder / "model", build_model(CONFIG, VOCABULARY), {"made": "by the fuzzer"}, {})
    return folder / "model"


def checkpoint(data: bytes, folder: Path) -> None:
    """A model's folder: the first byte chooses whether the others are its config.json or its model.safetensors."""
    place = small_checkpoint(folder)
    name = (room.CONFIG, room.WEIGHTS)[data[0] % 2 if data else 0]
    settings = json.loads((place / room.CONFIG).read_text(encoding="utf-8"))
    settings.pop(CHECKSUM, None)
    if name == room.WEIGHTS:
        settings["weights_sha256"] = hashlib.sha256(data[1:]).hexdigest()
    with replaced(place / room.CONFIG, json.dumps(settings).encode()), replaced(place / name, data[1:]):
        found = room.load(place)
        hold(len(found.fingerprint) == 16, f"the fingerprint {found.fingerprint!r}")
        hold(all(t.isfinite().all() for t in found.model.state_dict().values()), "weights that are not finite")


def released(data: bytes, folder: Path) -> None:
    """A file of the authors' release."""
    path = folder / "model_best.pth.tar"
    path.write_bytes(data)
    found = room.load(path)
    hold(all(t.isfinite().all() for t in found.model.state_dict().values()), "weights that are not finite")


def released_seeds() -> list[bytes]:
    """Small files as torch writes them: with tensors and plain numbers, and of the form before zips."""
    held = {"epoch": 1, "mAP": torch.tensor(0.5), "model": {"choices.global.attrnet.attr_embedding.weight": torch.ones(2, 3)}}
    found = []
    for newer in (True, False):
        out = io.BytesIO()
        torch.save(held, out, _use_new_zipfile_serialization=newer)
        found.append(out.getvalue())
    return found
