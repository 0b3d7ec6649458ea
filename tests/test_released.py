"""Files of the authors' release: what is read, what is refused, and that every number agrees with a slow second derivation."""

import json
import math
import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from released_oracle import State, picture, released_file, released_state, slow_look
from typer.testing import CliRunner

from asen_core import checkpoint
from asen_core.cli import app
from asen_core.engine import Engine
from asen_core.errors import CheckpointError
from asen_core.vocabularies import PUBLISHED

SHAPES = [
    (400, 100), (100, 400),  # 1 : 4 and 4 : 1
    (300, 300), (301, 227), (223, 501), (224, 224),
    (90, 61), (5, 7), (6, 400),  # small, and a strip
    (900, 1203),
]  # fmt: skip
EMBEDDING = "choices.{}.attrnet.attr_embedding.weight"
CONV = "choices.local.attnnet.conv.weight"


@pytest.fixture(scope="module")
def state() -> State:
    return released_state()


@pytest.fixture(scope="module")
def file(state: State, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return released_file(tmp_path_factory.mktemp("released") / "model_best.pth.tar", state)


@pytest.fixture(scope="module")
def engine(file: Path) -> Engine:
    return Engine.open(file, device="cpu")


@pytest.fixture(scope="module")
def expected(state: State) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    return [slow_look(state, picture(*shape, seed=i)) for i, shape in enumerate(SHAPES)]


def _inside(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return np.clip(boxes, 0, [shape[1], shape[0], shape[1], shape[0]])


@pytest.mark.parametrize("batch_size", [1, 4])
def test_every_number_agrees_with_the_slow_pipeline(engine: Engine, expected: list, batch_size: int) -> None:
    photos = (picture(*shape, seed=i) for i, shape in enumerate(SHAPES))
    spread = set()
    for shape, views, (embedding, boxes, attention) in zip(
        SHAPES, engine.views(photos, batch_size=batch_size), expected, strict=True
    ):
        ours = np.array([v.embedding for v in views.values()])
        norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(embedding, axis=1)
        assert ((ours * embedding).sum(1) / norms).min() > 0.99999, shape
        rois = np.array([list(v.roi) for v in views.values()])
        assert np.abs(rois - _inside(boxes, shape)).max() <= 1, shape
        np.testing.assert_allclose([v.attention for v in views.values()], attention, atol=1e-3)
        spread |= {round(float(v.roi.width / min(shape)), 1) for v in views.values()}
    assert len(spread) > 5, "the regions are all alike: the comparison would show little"


def test_global_and_local_part_weigh_six_to_four(engine: Engine) -> None:
    for view in engine.look(picture(80, 120)).values():
        assert float(np.linalg.norm(view.embedding[: view.split])) == pytest.approx(math.sqrt(0.6), abs=1e-5)
        assert (view.split, view.embedding.shape, view.readings) == (1024, (2048,), ())


def test_points_of_the_map_lie_on_the_photo(engine: Engine) -> None:
    view = engine.look(picture(400, 100))["skirt_length"]
    assert view.attention.shape == (14, 14)
    for (row, col), place in {(0, 0): (3.6, 153.6), (13, 13): (96.4, 246.4)}.items():  # cells of 100 / 14 pixels
        assert view.point(row, col) == pytest.approx(place, abs=0.1)


@pytest.mark.parametrize(("name", "attributes"), [("FashionAI", 8), ("DARN", 9), ("DeepFashion", 5)])
def test_the_vocabulary_follows_from_the_number_of_attributes(tmp_path: Path, name: str, attributes: int) -> None:
    loaded = checkpoint.load(released_file(tmp_path / "model_best.pth.tar", released_state(attributes)))
    assert dict(loaded.model.vocabulary) == dict(PUBLISHED[name])
    assert loaded.provenance["dataset"] == name
    assert not loaded.model.training


def test_provenance_is_what_the_file_says(engine: Engine) -> None:
    assert engine.checkpoint.provenance == {
        "source": "authors' release", "file": "model_best.pth.tar",
        "dataset": "FashionAI", "stage": 2, "epoch": 17, "mAP": 0.6431,
    }  # fmt: skip


def _without_counters(state: State) -> State:
    return {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}


@pytest.mark.parametrize(
    ("change", "zipped"),
    [
        (dict, False),  # the format of torch before 1.6
        (lambda s: {f"module.{k}": v for k, v in s.items()}, True),
        (_without_counters, True),
    ],
)
def test_what_differs_only_in_packing_is_the_same_model(
    engine: Engine, state: State, tmp_path: Path, change: Callable[[State], State], zipped: bool
) -> None:
    loaded = checkpoint.load(released_file(tmp_path / "other.pth.tar", change(state), zipped))
    assert loaded.fingerprint == engine.fingerprint
    own = engine.checkpoint.model.state_dict()
    assert all(torch.equal(v, own[k]) for k, v in loaded.model.state_dict().items() if "num_batches" not in k)


@pytest.mark.parametrize("number", [np.float64(0.6431), np.float32(0.5), np.int64(1), np.array(0.25)[()].astype(">f8")])
@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_a_score_that_numpy_averaged_is_read(state: State, tmp_path: Path, number: Any, module: str) -> None:
    path = released_file(tmp_path / "model_best.pth.tar", state, score=number)
    _renamed(path, module)
    score = checkpoint.load(path).provenance["mAP"]
    assert score == number
    assert isinstance(score, int | float)
    assert not isinstance(score, np.generic)


def _renamed(path: Path, module: str) -> None:
    """The file as an older or newer NumPy would have saved it."""
    with zipfile.ZipFile(path) as packed:
        parts = [(info, packed.read(info)) for info in packed.infolist()]
    name = re.compile(rb"numpy\.(_core|core)\.multiarray")
    assert sum(len(name.findall(data)) for info, data in parts if info.filename.endswith("data.pkl")) == 1
    with zipfile.ZipFile(path, "w") as packed:
        for info, data in parts:
            packed.writestr(info, name.sub(module.encode(), data) if info.filename.endswith("data.pkl") else data)


def test_another_seed_is_another_model(engine: Engine, tmp_path: Path) -> None:
    assert checkpoint.load(released_file(tmp_path / "x.pth.tar", released_state(seed=1))).fingerprint != engine.fingerprint


def test_stage_1_is_the_global_branch_alone(tmp_path: Path, expected: list) -> None:
    engine = Engine.open(released_file(tmp_path / "s1.pth.tar", released_state(local=False)), device="cpu")
    assert engine.checkpoint.provenance["stage"] == 1
    assert (engine.config.method, engine.dim) == ("asen", 1024)
    for i, shape in enumerate(SHAPES[:3]):
        views = list(engine.look(picture(*shape, seed=i)).values())
        whole = expected[i][0][:, :1024] / math.sqrt(0.6)
        assert (np.array([v.embedding for v in views]) * whole).sum(1).min() > 0.99999
        assert all(tuple(v.roi) == (0, 0, shape[1], shape[0]) for v in views)


def _with(**tensors: object) -> Callable[[State], dict[str, object]]:
    return lambda state: {**state, **{k.replace("__", "."): v for k, v in tensors.items()}}


def _changed(name: str, change: Callable[[torch.Tensor], object]) -> Callable[[State], dict[str, object]]:
    return lambda state: {**state, name: change(state[name])}


def _nan(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.clone()
    tensor.view(-1)[0] = math.nan
    return tensor


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: {k: v for k, v in s.items() if k != CONV}, rf"1 \({CONV}\) missing"),
        (lambda s: {k: v for k, v in s.items() if "global.basenet.layer3" not in k}, r"114 \(.*, \.\.\.\) missing"),
        (lambda s: {k: v for k, v in s.items() if not k.endswith("bn1.num_batches_tracked")}, r"28 \(.*missing"),
        (_with(choices__local__basenet__fc__weight=torch.zeros(2)), r"1 \(choices\.local\.basenet\.fc\.weight\) unexpected"),
        (
            lambda s: {f"module.{k}" if i else k: v for i, (k, v) in enumerate(s.items())},
            r"missing; 4\d\d \(module\..*unexpected",
        ),
        (_changed(CONV, lambda t: t[:, :, 0]), r"conv\.weight has shape \(256, 256, 1\), expected \(256, 256, 1, 1\)"),
        (_changed(CONV, lambda t: t[:1]), r"shape \(1, 256, 1, 1\).*wrong shape: 1\)"),
        (_changed(CONV, _nan), "numbers that are not finite in 1"),
        (_changed(CONV, lambda t: t.int()), "holds torch.int32, expected torch.float32"),
        (_changed(CONV, lambda t: t.tolist()[0]), "is not an ordinary tensor but list"),
        (_changed(CONV, lambda t: t.to_sparse()), "is not an ordinary tensor"),
        (_changed(EMBEDDING.format("local"), lambda t: t + 1), "differ, but both branches share one"),
        (_changed(EMBEDDING.format("global"), lambda t: t[:7]), r"is for 7 attributes; .*8 \(FashionAI\), 9 \(DARN\)"),
        (_changed(EMBEDDING.format("global"), lambda t: t[0, 0]), "is for 0 attributes"),
        (lambda s: {k: v for k, v in s.items() if "attr_embedding" not in k}, "has no choices.global.attrnet"),
        (lambda s: {}, "must be tensors by name"),
    ],
)
def test_wrong_tensors_are_counted_and_named(
    state: State, tmp_path: Path, change: Callable[[State], dict[str, object]], says: str
) -> None:
    with pytest.raises(CheckpointError, match=says):
        checkpoint.load(released_file(tmp_path / "model_best.pth.tar", change(state)))


class _Code:
    """Would make a file when unpickled with code allowed."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.marker),))


@pytest.mark.parametrize(
    "write", [lambda held, path: torch.save(held, path), lambda held, path: path.write_bytes(pickle.dumps(held))]
)
def test_code_in_a_file_never_runs(tmp_path: Path, write: Callable[[object, Path], object]) -> None:
    path, marker = tmp_path / "model_best.pth.tar", tmp_path / "ran"
    write({"epoch": 1, "model": _Code(marker), "mAP": 0.5}, path)
    with pytest.raises(CheckpointError, match=r"posix\.mkdir; only files of tensors|can't be decoded"):
        checkpoint.load(path)
    assert not marker.exists()


def _zip_without_tensors(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pretrained/readme.txt", "no model")


def _cut_off(path: Path) -> None:
    torch.save({"epoch": 1, "model": {"a": torch.zeros(9999)}, "mAP": 0.5}, path)
    path.write_bytes(path.read_bytes()[:9999])


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda p: torch.save({"a": torch.zeros(2)}, p), "expected the entries epoch, model and mAP alone, got a"),
        (lambda p: torch.save({}, p), "got none"),
        (lambda p: torch.save([1, 2], p), "got list"),
        (lambda p: torch.save({"epoch": 1, "model": {}, "mAP": 0.5, "optimizer": {}}, p), "got epoch, mAP, model, optimizer"),
        (lambda p: torch.save({"epoch": "one", "model": {}, "mAP": 0.5}, p), "epoch must be a number, got 'one'"),
        (lambda p: torch.save({"epoch": 1, "model": {}, "mAP": math.nan}, p), "mAP must be a number"),
        (lambda p: torch.save({"epoch": 1, "model": {}, "mAP": np.float64("nan")}, p), "mAP must be a number"),
        (lambda p: torch.save({"epoch": 1, "model": {}, "mAP": np.complex128(1)}, p), "a NumPy value of type c16"),
        (lambda p: torch.save({"epoch": 1, "model": [1], "mAP": 0.5}, p), "must be tensors by name, got list"),
        (lambda p: torch.save({"epoch": 1, "model": {3: torch.zeros(1)}, "mAP": 0.5}, p), "must be tensors by name"),
        (lambda p: p.write_bytes(b""), "download it again"),
        (lambda p: p.write_bytes(b"no model at all"), "is not a checkpoint of the authors' release"),
        (_zip_without_tensors, "is not a checkpoint of the authors' release"),
        (_cut_off, "download it again"),
    ],
)
def test_files_of_another_kind(tmp_path: Path, write: Callable[[Path], object], says: str) -> None:
    write(tmp_path / "model_best.pth.tar")
    with pytest.raises(CheckpointError, match=says):
        Engine.open(tmp_path / "model_best.pth.tar")


def _converted(file: Path, out: Path, *options: str) -> tuple[dict[str, object], Engine]:
    done = CliRunner().invoke(app, ["convert", str(file), "--out", str(out), "--json", *options])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), Engine.open(out, device="cpu")


def test_convert_writes_a_directory_that_gives_the_same_to_the_bit(engine: Engine, file: Path, tmp_path: Path) -> None:
    told, again = _converted(file, tmp_path / "ours")
    assert (told["dataset"], told["epoch"], told["attributes"][0]) == ("FashionAI", 17, "skirt_length")
    assert (again.fingerprint, dict(again.vocabulary)) == (told["fingerprint"], dict(engine.vocabulary))
    assert again.config == engine.config
    np.testing.assert_array_equal(again.embed([picture(301, 227)]), engine.embed([picture(301, 227)]))


def test_float16_halves_the_size_and_keeps_the_global_part(engine: Engine, file: Path, tmp_path: Path) -> None:
    told, again = _converted(file, tmp_path / "small", "--float16")
    assert told["bytes"] < 0.51 * file.stat().st_size
    parts = (e.embed([picture(301, 227)])[0, :, :1024] / math.sqrt(0.6) for e in (again, engine))
    assert (next(parts) * next(parts)).sum(1).min() > 0.99


def test_convert_overwrites_nothing(file: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    done = CliRunner().invoke(app, ["convert", str(file), "--out", str(tmp_path)])
    assert done.exit_code == 1
    assert "exists already" in done.stderr


def test_verbs_take_the_file_as_it_is(file: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for i in range(3):
        Image.fromarray(picture(60, 80, i)).save(tmp_path / "photos" / f"{i}.png")
    large = tmp_path / "photos" / "large.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 2700, 3), dtype=np.uint8)).save(large)
    given, photo = ["--checkpoint", str(file)], str(tmp_path / "photos" / "1.png")
    looked = CliRunner().invoke(app, ["look", photo, *given, "--json", "--out", str(tmp_path / "sheet.png")])
    assert looked.exit_code == 0, looked.output
    seen = json.loads(looked.stdout)["attributes"]["lapel_design"]
    assert (seen["value"], seen["readings"], len(seen["roi"])) == (None, [], 4)
    shelf = str(tmp_path / "gallery")
    made = CliRunner().invoke(app, ["index", "--images", str(tmp_path / "photos"), "--out", shelf, "--no-maps", *given])
    assert made.exit_code == 0, made.output
    found = CliRunner().invoke(app, ["search", photo, "lapel_design", "--gallery", shelf, *given, "--json"])
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["hits"][0]["id"] == "1.png"
    # Bulk reading would halve a JPEG of this size before it is looked at.
    found = CliRunner().invoke(app, ["search", str(large), "lapel_design", "--gallery", shelf, *given, "--json"])
    first = json.loads(found.stdout)["hits"][0]
    assert (first["id"], first["similarity"]) == ("large.jpg", pytest.approx(1, abs=1e-3))
