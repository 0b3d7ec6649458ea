"""The four kinds of work that benchmarks/faults.py kills, each small: what it does, what it told and what it leaves."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from asen_core import checkpoint, files
from asen_core.checkpoint import released
from asen_core.config import ModelConfig
from asen_core.data.labels import REGIONS
from asen_core.data.render import catalogue
from asen_core.data.vocabulary import DEFAULT
from asen_core.engine import Engine
from asen_core.gallery import Journal, manifest
from asen_core.indexing import index
from asen_core.models import build_model
from asen_core.review.cases import Cases
from asen_core.review.screening import screen
from asen_core.training import Effort, run
from asen_core.training.state import STATE, State
from asen_core.vocabularies import PUBLISHED

PHOTOS, SUSPECTS, TRAINED = 240, 60, 40
CONFIG = ModelConfig(
    global_trunk="tiny", local_trunk="tiny", input_size=64, roi_size=32, attention_stride=16, attribute_dim=8, global_dim=16,
    local_dim=16,
)  # fmt: skip
_STAGE = """
[[stage]]
name = "{name}"
epochs = 3
steps = 6
warmup = 1
frozen = 0
{more}[stage.batch]
labelled = 4
marked = 2
rendered = 2
crowd = 0
others = 0
"""
RECIPE = """seed = 3
rendered = 6
[model]
preset = "compact"
global_trunk = "tiny"
local_trunk = "tiny"
input_size = 64
roi_size = 32
""" + "".join(
    _STAGE.format(name=name, more=more)
    for name, more in (
        ("global", ""),
        ("joint", "local_frozen = 0\nlocal_rate = 1e-3\nlocal_head_rate = 1e-3\npairs_per_photo = 2\n"),
    )
)
Say = Callable[[int], None]


@dataclass(frozen=True)
class Job:
    """go: do it below a folder `out` with what lies in `home`, saying how much is saved; the same call goes on.

    kept: how much is on the disk, in the same unit; outcome: what the finished work is, as JSON.
    """

    name: str
    go: Callable[[Path, Path, Say], None]
    kept: Callable[[Path, Path], int]
    outcome: Callable[[Path], Any]


def prepare(home: Path, seed: int) -> None:
    """Photos, a tiny model, a protected gallery, a training set and a file of the authors' layout, all drawn."""
    torch.manual_seed(seed)
    model = build_model(CONFIG, DEFAULT).eval()
    checkpoint.save(home / "model", model, {"made": "at random"}, {})
    for folder, count, start in (("photos", PHOTOS, 0), ("suspects", SUSPECTS, PHOTOS), ("protected", 24, PHOTOS + SUSPECTS)):
        (home / folder).mkdir(parents=True)
        for i, garment in enumerate(catalogue(count, seed, 48, 64, start=start)):
            Image.fromarray(garment.pixels).save(home / folder / f"{i:04d}.png")
    (home / "photos" / "broken.png").write_bytes(b"no photo")
    index(_engine(home), home / "protected", home / "gallery", maps=False)
    _training_set(home / "training", seed)
    torch.manual_seed(seed)
    state = build_model(released.STAGE_1, PUBLISHED["FashionAI"]).state_dict()
    theirs = {released._released_name(name): tensor for name, tensor in state.items()}
    torch.save({"epoch": 3, "model": theirs, "mAP": 0.5}, home / "model_best.pth.tar")


def _engine(home: Path) -> Engine:
    return Engine.open(home / "model", home / "gallery", "cpu", "torch")


def _training_set(root: Path, seed: int) -> None:
    """Drawn garments as the collection `products`, with labels and marked regions; every third is for validation."""
    (root / "products" / "images").mkdir(parents=True)
    listed, labels = ["image,split,baseColour"], ["dataset,image,split," + ",".join(DEFAULT)]
    regions = ["dataset,image,split,region,x0,y0,x1,y1"]
    for i, garment in enumerate(catalogue(TRAINED, seed + 1, 48, 64)):
        name, split = f"images/{i}.png", ("train", "train", "valid")[i % 3]
        Image.fromarray(garment.pixels).save(root / "products" / name)
        listed.append(f"{name},{split},Red")
        labels.append(f"products,{name},{split}," + ",".join(garment.labels.get(a, "") for a in DEFAULT))
        regions += [f"products,{name},{split},{r},0.2,0.2,0.8,0.8" for r in REGIONS if r in garment.masks and r != "collar"]
    for path, rows in (("products/labels.csv", listed), ("garment_labels.csv", labels), ("regions.csv", regions)):
        (root / path).write_text("\n".join(rows) + "\n", encoding="utf-8")
    (root / "recipe.toml").write_text(RECIPE, encoding="utf-8")


def _index(home: Path, out: Path, say: Say) -> None:
    index(_engine(home), home / "photos", out, maps=False, each=lambda now: say(now.saved))


def _indexed(home: Path, out: Path) -> int:
    """Garments whose vectors are on the disk: in the gallery, or still in the journal."""
    del home
    if (out / manifest.MANIFEST).exists():
        return manifest.read(out).count
    folder = out / manifest.JOURNAL
    try:
        return len(Journal(folder, json.loads((folder / "header.json").read_text(encoding="utf-8"))))
    except FileNotFoundError:
        return 0


def _gallery(out: Path) -> Any:
    """Digests of all files but those that hold a date or nothing."""
    plain = {".lock", manifest.MANIFEST}
    found = {p.relative_to(out).as_posix(): files.digest(p) for p in out.rglob("*") if p.is_file() and p.name not in plain}
    return {**found, "manifest": dict(manifest.read(out).sha256)}


def _train(home: Path, out: Path, say: Say) -> None:
    save = State.save

    def told(state: State, *where: Any) -> None:
        save(state, *where)
        say(_steps(state.stage, state.epoch, state.step))

    State.save = told  # type: ignore[method-assign]  # this process does nothing else
    with redirect_stderr(io.StringIO()):
        run(str(home / "training" / "recipe.toml"), home / "training", out, "cpu", effort=Effort(save_minutes=0, workers=0))


def _steps(stage: int, epoch: int, step: int) -> int:
    return (stage * 100 + epoch) * 100 + step


def _trained(home: Path, out: Path) -> int:
    del home
    if not (out / STATE).exists():
        return 0
    files.check_archive(out / STATE)
    held = torch.load(out / STATE, weights_only=True)
    return _steps(held["stage"], held["epoch"], held["step"])


def _checkpoint(out: Path) -> Any:
    found = checkpoint.load(out / "checkpoint")
    return {"weights": files.digest(out / "checkpoint" / checkpoint.WEIGHTS), "figures": json.loads(json.dumps(found.figures))}


def _screen(home: Path, out: Path, say: Say) -> None:
    engine, cases = _engine(home), Cases.open(out / "cases.sqlite")
    known = "case" in cases.list()
    case = cases.case("case") if known else cases.create("case", engine.gallery, time=datetime.now(UTC))
    screen(engine, case, [home / "suspects"], batch_size=4, progress=lambda now: say(now.done))


def _screened(home: Path, out: Path) -> int:
    del home
    if not (out / "cases.sqlite").exists() or "case" not in (cases := Cases.open(out / "cases.sqlite")).list():
        return 0
    return cases.case("case").counts().screened


def _case(out: Path) -> Any:
    case = Cases.open(out / "cases.sqlite").case("case")
    named = {s.id: s.name for s in case.suspects()}
    rows = [(named[h.suspect], h.attribute, h.rank, h.item, h.similarity, str(h.standing), str(h.within)) for h in case.hits()]
    return {"suspects": len(named), "hits": hashlib.sha256(repr(sorted(rows)).encode()).hexdigest()}


def _convert(home: Path, out: Path, say: Say) -> None:
    from asen_core.cli.convert import convert

    with redirect_stdout(io.StringIO()):
        convert(home / "model_best.pth.tar", out, True, as_json=True)
    say(1)


def _converted(home: Path, out: Path) -> int:
    """1 for the whole model; half a one may not load. Raises: SystemExit where it does."""
    if not (out / checkpoint.WEIGHTS).exists():
        return 0
    found = checkpoint.load(out).model.state_dict()
    wanted = checkpoint.load(home / "model_best.pth.tar").model.state_dict()
    if not all(torch.equal(found[name], tensor) for name, tensor in wanted.items()):
        raise SystemExit("A killed conversion left another model.")
    return 1


def _model(out: Path) -> Any:
    return {name: files.digest(out / name) for name in sorted(os.listdir(out))}


JOBS = (
    Job("indexing", _index, _indexed, _gallery),
    Job("training", _train, _trained, _checkpoint),
    Job("screening", _screen, _screened, _case),
    Job("converting", _convert, _converted, _model),
)


def vectors_of(number: int, attributes: int, dim: int) -> np.ndarray:
    """(A, D) float32, unit norm: those of an item of this number, in every process."""
    found = np.random.default_rng(number).standard_normal((attributes, dim)).astype(np.float32)
    return found / np.linalg.norm(found, axis=-1, keepdims=True)


def key_of(number: int) -> str:
    """What stands for the digest of the photo of such an item."""
    return hashlib.sha256(f"photo {number}".encode()).hexdigest()
