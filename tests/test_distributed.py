"""A step shared by processes, cut into pieces: the same training as in one go."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from published import fashionai
from safetensors.torch import load_file
from test_baselines import LABELS, examples, network

from asen_core.errors import DataError
from asen_core.training import Effort, run
from asen_core.training.dataset import Examples
from asen_core.training.parts import PartBatches, Parts
from asen_core.training.processes import processes
from asen_core.training.stages import Loss, Stage
from asen_core.training.triplets import known_triplets, triplet_terms

RECIPE = """
extends = "paper"
dataset = "FashionAI"
trunk_weights = ""
augment = {augment}
[model]
preset = "paper"
global_trunk = "tiny"
local_trunk = "tiny"
input_size = 64
roi_size = 32
attribute_dim = 8
local_keys = 0
global_dim = 16
local_dim = 16
reading_scale = 0.0
[[stage]]
name = "joint"
epochs = 2
steps = 2
sampling = "triplets"
triplets = 16
optimizer = "adam"
trunk_rate = 1e-3
head_rate = 1e-3
local_rate = 1e-3
local_head_rate = 1e-3
warmup = 0
weight_decay = 0.0
clip = 0.0
average = 0.0
frozen = 0
local_frozen = 0
validate = 1
best = true
[stage.loss]
local = 0.1
alignment = 0.3
"""
TRIPLETS = Stage("s", 1, sampling="triplets", triplets=16)
FLOAT = "float32"


@pytest.mark.parametrize(
    ("count", "micro", "pieces"), [(1, 0, 1), (1, 8, 2), (2, 0, 1), (2, 8, 1), (4, 2, 2), (16, 0, 1), (1, 16, 1)]
)
def test_the_parts_of_a_step_are_the_step(count: int, micro: int, pieces: int) -> None:
    steps = [[(100 * s + i, i) for i in range(48)] for s in range(3)]
    attributes = torch.arange(48).reshape(3, 16)
    parts = [Parts.of(TRIPLETS, rank, count, micro) for rank in range(count)]
    assert {p.pieces for p in parts} == {pieces}
    for start in (0, 2):
        samplers = [PartBatches(steps, p, start) for p in parts]
        assert {len(s) for s in samplers} == {(3 - start) * pieces}
        shares = [list(s) for s in samplers]
        for i, step in enumerate(steps[start:]):
            mine = [piece for share in shares for piece in share[i * pieces : (i + 1) * pieces]]
            assert [t for piece in mine for t in piece] == step
    asked = torch.cat([a for p in parts for a in p.attributes(attributes[1])])
    assert torch.equal(asked, attributes[1])


@pytest.mark.parametrize(
    ("stage", "count", "micro", "says"),
    [
        (TRIPLETS, 3, 0, "shared evenly by 3 processes; start 1, 2, 4, 8 or 16"),
        (TRIPLETS, 2, 3, "cut into pieces of 3; give --micro-batch 1, 2, 4 or 8"),
        (Stage("m", 1), 2, 0, "compares all photos of a step"),
        (Stage("m", 1), 1, 4, "compares all photos of a step"),
    ],
)
def test_steps_that_cannot_be_shared_are_explained(stage: Stage, count: int, micro: int, says: str) -> None:
    with pytest.raises(DataError, match=says):
        Parts.of(stage, 0, count, micro)


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DataError, match="Process 2 of this machine has no GPU of its own, there are 1"), processes("cuda"):
        pass


def _part(batch: Examples, rows: slice) -> Examples:
    fields = (batch.images, batch.sources, batch.frames, batch.labels, batch.target, batch.inside, batch.answers)
    return Examples(*(f[rows] for f in fields))


def test_pieces_weigh_what_their_triplets_weigh_though_some_do_not_count() -> None:
    model, weights, asked = network("asen_pp"), Loss(margin=2.0, local=0.1, alignment=0.3), torch.tensor([0, 1, 0, 1])
    batch = examples([*LABELS, *LABELS[:4], [1, -1], LABELS[5]])
    whole = triplet_terms(model, batch, asked, weights, torch.float32)
    counted = known_triplets(batch, asked).sum() / 2
    assert float(counted) == 1.5
    halves = [
        triplet_terms(model, _part(batch, slice(6 * i, 6 * i + 6)), asked[2 * i : 2 * i + 2], weights, torch.float32, counted)
        for i in (0, 1)
    ]
    for name, value in whole.items():
        assert float(value.detach()) == pytest.approx(float(sum(h[name].detach() for h in halves)) / 2, rel=1e-4)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = fashionai(tmp_path_factory.mktemp("data"), 48)
    for name in ("true", "false"):
        (root / f"{name}.toml").write_text(RECIPE.format(augment=name))
    return root


def _weights(directory: Path) -> dict[str, torch.Tensor]:
    return load_file(directory / "model.safetensors")


@pytest.mark.parametrize("augment", ["false", "true"])
def test_accumulated_gradients_are_those_of_the_whole_step(data: Path, tmp_path: Path, augment: str) -> None:
    recipe = str(data / f"{augment}.toml")
    made = [
        _weights(run(recipe, data, tmp_path / str(m), "cpu", effort=Effort(FLOAT, micro_batch=m, workers=0))) for m in (0, 8, 2)
    ]
    for other in made[1:]:
        for name, value in made[0].items():
            torch.testing.assert_close(value, other[name], atol=1e-3, rtol=1e-2)


def _torchrun(processes: int, *given: object) -> subprocess.CompletedProcess[str]:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [*launch, "-m", "asen_core", "train", *map(str, given), "--device", "cpu", "--precision", FLOAT]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


@pytest.mark.slow
def test_two_processes_train_as_one(data: Path, tmp_path: Path) -> None:
    recipe = data / "false.toml"
    alone = _weights(run(str(recipe), data, tmp_path / "one", "cpu", effort=Effort(FLOAT, workers=0)))
    done = _torchrun(2, recipe, "--data", data, "--out", tmp_path / "two", "--micro-batch", 4, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"checkpoint"') == 1, "one of the processes speaks"
    assert done.stderr.count('"epoch": 2') == 1
    together = _weights(tmp_path / "two" / "checkpoint")
    for name, value in alone.items():
        torch.testing.assert_close(value, together[name], atol=1e-3, rtol=1e-2)
    refused = _torchrun(3, recipe, "--data", data, "--out", tmp_path / "three")
    assert refused.returncode != 0
    assert "start 1, 2, 4, 8 or 16" in refused.stderr
