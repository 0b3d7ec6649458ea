"""A whole training run on drawn garments laid out as the collections are: start, stop, resume, export, use."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from asen_core.data.labels import REGIONS
from asen_core.data.render import catalogue
from asen_core.data.vocabulary import DEFAULT
from asen_core.engine import Engine
from asen_core.errors import DataError
from asen_core.training import Begin, loop, run

RECIPE = """
seed = 3
rendered = 6
[model]
preset = "compact"
global_trunk = "tiny"
local_trunk = "tiny"
input_size = 64
roi_size = 32
[[stage]]
name = "global"
epochs = 2
steps = 2
warmup = 1
frozen = 0
[stage.batch]
labelled = 4
marked = 2
rendered = 2
crowd = 0
others = 0
[[stage]]
name = "joint"
epochs = 2
steps = 2
warmup = 1
frozen = 0
local_frozen = 0
local_rate = 1e-3
local_head_rate = 1e-3
pairs_per_photo = 2
[stage.batch]
labelled = 4
marked = 2
rendered = 2
crowd = 0
others = 0
[stage.loss]
local = 1.0
joined = 1.0
alignment = 0.1
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 drawn garments as `products` with labels and marked garments; every third is for validation."""
    root = tmp_path_factory.mktemp("data")
    (root / "products" / "images").mkdir(parents=True)
    listed, labels = ["image,split,baseColour"], ["dataset,image,split," + ",".join(DEFAULT)]
    regions = ["dataset,image,split,region,x0,y0,x1,y1"]
    for i, garment in enumerate(catalogue(40, 1, width=48, height=64)):
        name, split = f"images/{i}.png", ("train", "train", "valid")[i % 3]
        Image.fromarray(garment.pixels).save(root / "products" / name)
        listed.append(f"{name},{split},Red")
        labels.append(f"products,{name},{split}," + ",".join(garment.labels.get(a, "") for a in DEFAULT))
        regions += [f"products,{name},{split},{r},0.2,0.2,0.8,0.8" for r in REGIONS if r in garment.masks and r != "collar"]
    for path, rows in (("products/labels.csv", listed), ("garment_labels.csv", labels), ("regions.csv", regions)):
        (root / path).write_text("\n".join(rows) + "\n")
    (root / "recipe.toml").write_text(RECIPE)
    return root


def test_a_stopped_run_ends_like_an_undisturbed_one(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = str(data / "recipe.toml")
    undisturbed = run(recipe, data, tmp_path / "a", "cpu")
    train, epochs = loop._train_epoch, []

    def stopped(*args: object) -> dict[str, object]:
        epochs.append(1)
        if len(epochs) in (2, 4):
            raise KeyboardInterrupt
        return train(*args)

    monkeypatch.setattr(loop, "_train_epoch", stopped)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run(recipe, data, tmp_path / "b", "cpu")
    resumed = run(recipe, data, tmp_path / "b", "cpu")
    assert len(epochs) == 6, "four epochs, of which two were stopped before their end"
    a, b = (load_file(p / "model.safetensors") for p in (undisturbed, resumed))
    for name in a:
        torch.testing.assert_close(a[name], b[name], atol=2e-3, rtol=1e-2)


def test_the_checkpoint_knows_how_it_was_made_and_works(data: Path, tmp_path: Path) -> None:
    directory = run(str(data / "recipe.toml"), data, tmp_path / "run", "cpu")
    engine = Engine.open(directory, device="cpu")
    made = engine.checkpoint.provenance
    assert (made["seed"], made["recipe_text"], made["images_seen"]) == (3, RECIPE, 4 * 2 * 8)
    assert 0 <= engine.checkpoint.figures["valid"]["macro_map"] <= 1
    assert set(engine.look(data / "products" / "images" / "0.png")) == set(DEFAULT)


def test_another_recipe_may_not_continue_a_run(data: Path, tmp_path: Path) -> None:
    run(str(data / "recipe.toml"), data, tmp_path / "run", "cpu")
    other = tmp_path / "other.toml"
    other.write_text(RECIPE.replace("seed = 3", "seed = 4"))
    with pytest.raises(DataError, match="run of another recipe"):
        run(str(other), data, tmp_path / "run", "cpu")
    run(str(other), data, tmp_path / "run", "cpu", fresh=True)


REFINE = RECIPE[: RECIPE.index('[[stage]]\nname = "joint"')].replace("seed = 3", "seed = 5\nkeep_start = 1.0", 1)
REFINE = REFINE.replace("frozen = 0", "frozen = 0\npseudo = 0.01").replace("others = 0", "others = 0\npseudo = 2")


def test_a_run_goes_on_from_a_checkpoint_and_labels_what_nobody_did(data: Path, tmp_path: Path) -> None:
    begun = run(str(data / "recipe.toml"), data, tmp_path / "run", "cpu")
    recipe = tmp_path / "refine.toml"
    recipe.write_text(REFINE)
    with pytest.raises(DataError, match="--start"):
        run(str(recipe), data, tmp_path / "refined", "cpu")
    refined = run(str(recipe), data, tmp_path / "refined", "cpu", begin=Begin(start=begun))
    assert json.loads((tmp_path / "refined" / "pseudo-global.json").read_text()) == {}, "here a person labelled every garment"
    assert Engine.open(refined, device="cpu").checkpoint.provenance["started_from"] == Engine.open(begun).fingerprint
    a, b = (load_file(p / "model.safetensors") for p in (begun, refined))
    assert all(torch.equal(a[n], b[n]) for n in a if n != "reading_scale"), "all of the old weights were to stay"
