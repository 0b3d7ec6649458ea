"""Training as published: the paper's settings, its trunks, and a run on drawn garments in the layout of FashionAI."""

import io
import pickle
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from published import fashionai
from rich.console import Console
from rich.progress import Progress
from safetensors.torch import load_file
from torch import nn
from torchvision.models import resnet34, resnet50

from asen_core.data.layout import Sizes, write_layout
from asen_core.data.official import read_candidates, read_queries
from asen_core.data.vocabulary import DEFAULT, FASHIONAI
from asen_core.engine import Engine
from asen_core.errors import CheckpointError, DataError
from asen_core.evaluation.official import evaluate_official
from asen_core.models import Model, build_model
from asen_core.training import Begin, Effort, Recipe, load_recipe, loop, report, resnets, run
from asen_core.training.precision import precision_of
from asen_core.training.pretrained import load_trunks
from asen_core.training.report import Report, duration
from asen_core.training.state import State
from asen_core.training.validation import OfficialValidation

SMALL = {"input_size": 64, "roi_size": 32}
QUICK = Effort(precision="float32", workers=0, save_minutes=0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fashionai(tmp_path_factory.mktemp("data"), 72)


@pytest.fixture(scope="module")
def trunks(tmp_path_factory: pytest.TempPathFactory) -> Begin:
    """Random weights in files like torchvision's."""
    folder = tmp_path_factory.mktemp("trunks")
    torch.manual_seed(0)
    for name, build in (("resnet50", resnet50), ("resnet34", resnet34)):
        torch.save(build(weights=None).state_dict(), folder / f"{name}.pth")
    return Begin(folder / "resnet50.pth", folder / "resnet34.pth")


def small(images: int, **model: object) -> Recipe:
    """The paper's recipe on photos of 64 px."""
    recipe = load_recipe("paper_fashionai", images)
    return replace(recipe, model=replace(recipe.model, **SMALL, **model))


def test_a_short_run_as_published(data: Path, trunks: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both stages with the paper's ResNets, stopped within an epoch and resumed, ends in a model that the engine opens."""
    plan, steps, step = small(200), [], Report.step

    def stopped(told: Report, *args: object) -> None:
        steps.append(1)
        step(told, *args)
        if len(steps) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop.Report, "step", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(plan, data, tmp_path / "run", "cpu", begin=trunks, effort=QUICK)
    directory = run(plan, data, tmp_path / "run", "cpu", effort=QUICK)
    assert len(steps) == 5, "three steps and one, of which the one that was not saved came again"
    engine = Engine.open(directory, device="cpu")
    made, figures = engine.checkpoint.provenance, engine.checkpoint.figures["valid"]
    assert (made["dataset"], made["photos"], made["images_seen"]) == ("FashionAI", 36, 4 * 48)
    assert 0 < figures["micro_map"] <= 1
    assert set(figures["map"]) == {"sleeve_length", "neckline_design"}
    assert engine.vocabulary == FASHIONAI
    view = engine.look(next((data / "FashionAI").glob("valid/*/*/*.png")))["coat_length"]
    assert (len(view.embedding), view.readings) == (2048, ())
    first = load_file(directory / "model.safetensors")["global_branch.trunk.layers.1.running_mean"]
    assert first.abs().sum() > 0, "batch norms took statistics of the photos"


@pytest.mark.slow
def test_the_recipe_itself_on_a_drawn_fashionai(trunks: Begin, tmp_path: Path) -> None:
    """One step of each stage at full size, on the layout that `render --layout FashionAI` writes; figures by the protocol."""
    assert sum(write_layout(tmp_path, "FashionAI", Sizes(train=60, valid=20, test=10), seed=3, workers=2)) == 90
    plan = load_recipe("paper_fashionai", images=96)
    directory = run(plan, tmp_path, tmp_path / "run", "cpu", begin=trunks, effort=Effort(micro_batch=8))
    engine = Engine.open(directory, device="cpu")
    lists = (read(tmp_path, "FashionAI", "test") for read in (read_queries, read_candidates))
    assert 0 <= evaluate_official(engine, *lists, tmp_path / "work").retrieval.micro <= 1
    assert engine.checkpoint.provenance["images_seen"] == 96


def tiny(stages: int = 1, **stage: object) -> Recipe:
    """The paper's settings on a network of milliseconds: two epochs of three steps of four triplets a stage."""
    recipe = load_recipe("paper_fashionai")
    settings = {"epochs": 2, "steps": 3, "triplets": 4, "trunk_rate": 1e-3, "head_rate": 1e-3} | stage
    widths = {"attribute_dim": 8, "global_dim": 16, "local_dim": 16, "global_keys": 0, "local_keys": 0}
    model = replace(recipe.model, global_trunk="tiny", local_trunk="tiny", **SMALL, **widths)
    kept = tuple(replace(s, **settings) for s in recipe.stages[-stages:])
    return replace(recipe, model=model, stages=kept, trunk_weights="")


def _weights(directory: Path) -> dict[str, torch.Tensor]:
    return load_file(directory / "model.safetensors")


@pytest.mark.parametrize("stop", [1, 2, 4])
def test_a_run_stopped_within_an_epoch_ends_like_an_undisturbed_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    undisturbed, step, seen = _weights(run(tiny(), data, tmp_path / "a", "cpu", effort=QUICK)), Report.step, []

    def stopped(told: Report, *args: object) -> None:
        seen.append(1)
        if len(seen) == stop:
            raise KeyboardInterrupt
        step(told, *args)

    monkeypatch.setattr(loop.Report, "step", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(tiny(), data, tmp_path / "b", "cpu", effort=QUICK)
    resumed = _weights(run(tiny(), data, tmp_path / "b", "cpu", effort=QUICK))
    assert len(seen) == 6 + 1
    for name, value in undisturbed.items():
        torch.testing.assert_close(value, resumed[name], atol=0, rtol=0)


def test_the_best_epoch_is_the_outcome(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores, seen = iter([0.2, 0.7, 0.4]), []

    def figures(self: object, model: nn.Module, local: bool = True) -> dict[str, float]:
        seen.append(model.attribute_vectors.detach().clone())
        return {"micro_map": next(scores, 0.0)}

    monkeypatch.setattr("asen_core.training.validation.OfficialValidation.figures", figures)
    kept = _weights(run(tiny(epochs=3), data, tmp_path / "run", "cpu", effort=QUICK))["attribute_vectors"].float()
    torch.testing.assert_close(kept, seen[1], atol=1e-3, rtol=1e-3)
    assert not torch.equal(seen[1], seen[2])
    last = replace(tiny(epochs=3), stages=(replace(tiny(epochs=3).stages[0], best=False),))
    scores, seen = iter([0.2, 0.7, 0.4]), []
    kept = _weights(run(last, data, tmp_path / "last", "cpu", effort=QUICK))["attribute_vectors"].float()
    torch.testing.assert_close(kept, seen[2], atol=1e-3, rtol=1e-3)


def test_the_stage_of_the_global_branch_is_judged_by_it_alone(data: Path) -> None:
    assert [s.local for s in load_recipe("paper_fashionai").stages] == [False, True]
    torch.manual_seed(0)
    model = build_model(tiny().model, FASHIONAI).eval()
    device = torch.device("cpu")
    lists = (read_queries(data, "FashionAI", "valid"), read_candidates(data, "FashionAI", "valid"))
    validation, found = OfficialValidation.of_lists(*lists, 0, device), []
    for seed in (1, 2):
        torch.manual_seed(seed)
        for p in model.local_branch.parameters():
            nn.init.normal_(p, 0, 0.3)
        found.append([validation.figures(model, local)["map"] for local in (False, True)])
    assert found[0][0] == found[1][0]
    assert found[0][1] != found[1][1]
    assert model.config == tiny().model


def test_nothing_is_trained_on_a_part_of_a_list(data: Path, tmp_path: Path) -> None:
    root = tmp_path / "FashionAI"
    root.mkdir()
    for path in (data / "FashionAI").iterdir():
        (root / path.name).symlink_to(path)
    (root / "valid").unlink()
    with pytest.raises(DataError, match="12 of the 12 photos that the valid list of FashionAI uses"):
        run(tiny(), tmp_path, tmp_path / "run", "cpu", effort=QUICK)
    assert not (tmp_path / "run" / "state.pt").exists()
    with pytest.raises(DataError, match=r"filenames_train.txt is missing"):
        run(replace(tiny(), dataset="DARN"), tmp_path, tmp_path / "run", "cpu", effort=QUICK)


def test_a_photo_that_cannot_be_read_is_named_by_every_reader(tmp_path: Path) -> None:
    root = fashionai(tmp_path, 36) / "FashionAI"
    for path in (root / "train").rglob("*.png"):
        path.write_text("no photo")
    for workers in (0, 1):
        with pytest.raises(DataError, match=r"^/\S+\.png can't be trained on: The photo \S+ .* Nothing is trained on a part"):
            run(tiny(), tmp_path, tmp_path / str(workers), "cpu", effort=replace(QUICK, workers=workers))


def test_drawn_garments_carry_the_benchmarks_labels(data: Path, tmp_path: Path) -> None:
    directory = run(replace(tiny(), rendered=4), data, tmp_path / "run", "cpu", effort=QUICK)
    assert Engine.open(directory, device="cpu").checkpoint.provenance["rendered"] == 4
    for dataset, names in (("", DEFAULT), ("FashionAI", FASHIONAI)):  # into one folder
        photos, masks = loop.rendered_photos(tmp_path / "drawn", 2, 0, Progress(disable=True), dataset)
        assert all(set(p.labels) <= set(names) for p in photos)
        assert len(masks) == 2
    with pytest.raises(DataError, match="can't be drawn with labels of DARN"):
        loop.rendered_photos(tmp_path, 2, 0, None, "DARN")


@pytest.mark.parametrize(
    ("name", "device", "says"), [("fp16", "cpu", "fp16 needs a GPU"), ("half", "cuda", "no precision 'half'")]
)
def test_precisions_that_a_run_cannot_have(name: str, device: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        precision_of(name, torch.device(device))
    assert precision_of("bf16", torch.device(device)) == torch.bfloat16


def test_trunks_are_filled_from_files_up_to_layer3(trunks: Begin) -> None:
    model = build_model(load_recipe("paper_darn").model, {"a": ("0", "1")})
    resnets.load_resnets(model, trunks.trunk, trunks.local_trunk)
    given = torch.load(trunks.local_trunk, weights_only=True)
    layers = model.local_branch.trunk.layers
    assert torch.equal(layers[0].weight, given["conv1.weight"])
    assert torch.equal(layers[6][5].bn2.running_var, given["layer3.5.bn2.running_var"])
    with pytest.raises(CheckpointError, match=r"resnet34.pth doesn't hold a resnet50 .* give its file with --trunk"):
        resnets.load_resnets(model, trunks.local_trunk, trunks.local_trunk)


def model_of_mobilenets() -> Model:
    return build_model(load_recipe("asen_pp").model, {"a": ("0", "1")})


def test_weights_that_cannot_be_had_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Offline:
        url = "https://example.org/resnet50.pth"

        def get_state_dict(self, **_: object) -> None:
            raise URLError("no network")

    model = build_model(replace(load_recipe("paper_darn").model, method="asen"), {"a": ("0", "1")})
    monkeypatch.setattr(resnets, "PUBLISHED", {"resnet50": Offline()})
    with pytest.raises(CheckpointError, match=r"no network.*fetch https://example.org/resnet50.pth .* with --trunk"):
        resnets.load_resnets(model, None, None)
    for content in (b"", b"no weights"):
        (tmp_path / "w.pth").write_bytes(content)
        with pytest.raises(CheckpointError, match="can't be read as weights"):
            resnets.load_resnets(model, tmp_path / "w.pth", None)
    with pytest.raises(CheckpointError, match="--local-trunk is for networks of two ResNets"):
        load_trunks(model_of_mobilenets(), "w", tmp_path, Begin(tmp_path / "w", tmp_path / "w"))
    with pytest.raises(CheckpointError, match="weights are for ResNets, this trunk is mobilenet_v2; give --trunk"):
        load_trunks(model_of_mobilenets(), "torchvision", tmp_path, Begin())
    with pytest.raises(CheckpointError, match=r"mine.safetensors can't be read as weights"):
        load_trunks(model, "mine.safetensors", tmp_path, Begin())
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(CheckpointError, match="should hold tensors by name"):
        resnets.load_resnets(model, tmp_path / "list.pth", None)


def test_a_state_that_cannot_be_used_is_explained(data: Path, tmp_path: Path) -> None:
    run(tiny(), data, tmp_path, "cpu", effort=QUICK)
    path = tmp_path / "state.pt"
    whole = torch.load(path, weights_only=True)
    earlier = {k: v for k, v in whole.items() if k not in ("step", "sums", "draws", "scaler", "best", "epoch_seconds")}
    torch.save(earlier, path)
    run(tiny(), data, tmp_path, "cpu", effort=QUICK)
    other = tmp_path / "other.pt"
    torch.save({"weights": 1}, other)
    foreign = pickle.dumps(Path)
    for content in (path.read_bytes()[:1000], b"", b"no state at all", other.read_bytes(), foreign):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"state.pt can't be read .* give --fresh"):
            run(tiny(), data, tmp_path, "cpu", effort=QUICK)


def test_a_run_keeps_to_its_training_list(tmp_path: Path) -> None:
    data = fashionai(tmp_path / "data", 36)
    run(tiny(), data, tmp_path / "run", "cpu", effort=QUICK)
    made = Engine.open(tmp_path / "run" / "checkpoint", device="cpu").checkpoint.provenance
    assert made["lists_digest"]
    lists = data / "FashionAI" / "label_train.txt"
    rows = lists.read_text().splitlines()
    image, attribute, value = rows[0].split()
    lists.write_text("\n".join([f"{image} {attribute} {1 + int(value) % 4}", *rows[1:]]) + "\n")
    with pytest.raises(DataError, match=r"holds a run on another training list .* or --fresh"):
        run(tiny(), data, tmp_path / "run", "cpu", effort=QUICK)
    run(tiny(), data, tmp_path / "run", "cpu", fresh=True, effort=QUICK)


def test_speed_and_time_left_are_told_line_by_line_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_EVERY", 0.0)
    said, plan = io.StringIO(), load_recipe("paper_darn")
    state = State(model_of_mobilenets(), None, epoch=1, step=625, epoch_seconds=100.0)
    with Report(Console(file=said, width=200), plan) as told:
        told.stage(0, state)
        told.step(state, plan.stages[0])
    # 625 steps of 48 photos in 100 s are 300 a second; 68.9 epochs of 300,000 photos are left.
    line = "stage global, epoch 2 of 50, step 625 of 6250: 300.0 photos/s, 19 h 08 min left"
    assert line in said.getvalue()
    assert [duration(s) for s in (0, 61, 3600, 90_061)] == ["0 min 00 s", "1 min 01 s", "1 h 00 min", "25 h 01 min"]
