"""Recipes of the baselines, budgets, seeds and collections; runs from a recipe to a checkpoint."""

import math
from pathlib import Path

import pytest
import torch
from test_train_run import RECIPE
from test_train_run import data as data

from asen_core import checkpoint
from asen_core.config import METHODS
from asen_core.engine import Engine
from asen_core.errors import DataError
from asen_core.models import reads
from asen_core.training import load_recipe, loop, run


@pytest.mark.parametrize("name", METHODS)
def test_baselines_differ_from_the_products_recipe_in_method_alone(name: str) -> None:
    recipe, own = load_recipe(name), load_recipe("compact")
    assert recipe.model.method == name
    assert not reads(recipe.model)
    assert recipe.model.value_share == 0
    if name == "pooled":
        assert recipe.stages == ()
        return
    assert sum(s.images for s in recipe.stages) == pytest.approx(48_000, rel=0.005)
    assert (recipe.model.global_dim + recipe.model.local_dim, recipe.rendered) == (256, own.rendered)
    settings = ("trunk_rate", "head_rate", "frozen", "local_frozen", "weight_decay", "average", "warmup", "floor")
    for stage, like in zip(recipe.stages, own.stages, strict=False):
        assert (stage.sampling, stage.photos, stage.loss.margin) == ("triplets", 63, 0.2)
        assert all(getattr(stage, name) == getattr(like, name) for name in settings)


@pytest.mark.parametrize("name", ["compact", "asen_pp", "csn"])
@pytest.mark.parametrize("images", [10_000, 48_000, 300_000])
def test_a_budget_keeps_the_share_of_every_stage(name: str, images: int) -> None:
    plain, scaled = load_recipe(name), load_recipe(name, images)
    assert sum(s.images for s in scaled.stages) == pytest.approx(images, rel=0.03)
    whole = sum(s.images for s in plain.stages)
    for before, after in zip(plain.stages, scaled.stages, strict=True):
        assert after.images / images == pytest.approx(before.images / whole, rel=0.06)
        assert after.warmup <= before.warmup
    assert (scaled.images, plain.images) == (images, None)
    assert scaled.text != plain.text, "a run of another budget is another run"


def test_a_seed_replaces_the_recipes() -> None:
    assert (load_recipe("csn").seed, load_recipe("csn", seed=11).seed) == (7, 11)
    with pytest.raises(DataError, match="fewer than one batch of each stage"):
        load_recipe("asen_pp", 100)


def test_collections_are_told_in_the_text_in_one_order() -> None:
    plain, both = load_recipe("compact"), load_recipe("compact", only=("products", "clothing_photos", "products"))
    assert (plain.only, both.only) == ((), ("clothing_photos", "products"))
    assert both.text == plain.text + "\n# --only clothing_photos products\n"
    assert both == load_recipe("compact", only=["clothing_photos", "products"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[model]\npreset = 'compact'\nmethod = 'csn'\n[[stage]]\nname = 'a'\nepochs = 1", "teaches a value read-out"),
        ("[model]\npreset = 'compact'\nmethod = 'csn'", "needs at least one"),
        ("[model]\npreset = 'compact'\nmethod = 'cns'\n[[stage]]\nname = 'a'\nepochs = 1", "method must be one of"),
        ("[model]\npreset = 'compact'\n[[stage]]\nname = 'a'\nepochs = 1\nsampling = 'pairs'", "mixed or triplets"),
        ("extends = 'paper_fashionai'", "extend 'paper' directly"),
    ],
)
def test_recipes_that_cannot_train_are_explained(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(DataError, match=says):
        load_recipe(str(tmp_path / "r.toml"))


HEAD = RECIPE.split("[[stage]]")[0]
STAGE = """
[[stage]]
name = "{name}"
epochs = 2
steps = 2
sampling = "triplets"
triplets = 2
decay_every = 1
warmup = 0
frozen = 0
local_frozen = 0
weight_decay = 0.0
average = 0.0
{rates}
"""
SETTINGS = "attention_stride = 16\nattention_kernel = 1\nreading_scale = 0.0\nvalue_share = 0.0\n"
ZOOM = "local_rate = 1e-3\nlocal_head_rate = 1e-3\n[stage.loss]\nlocal = 0.1\nalignment = 0.1\n"


def _recipe(path: Path, method: str) -> str:
    stages = "" if method == "pooled" else STAGE.format(name="one", rates="")
    stages += STAGE.format(name="two", rates=ZOOM) if method == "asen_pp" else ""
    head = HEAD.replace("rendered = 6", "rendered = 0") if method == "pooled" else HEAD
    path.write_text(f'{head}method = "{method}"\n{SETTINGS}{stages}')
    return str(path)


@pytest.mark.parametrize("method", METHODS)
def test_a_run_ends_in_a_checkpoint_that_works(data: Path, tmp_path: Path, method: str) -> None:
    directory = run(_recipe(tmp_path / "r.toml", method), data, tmp_path / "run", "cpu")
    engine = Engine.open(directory, device="cpu")
    made = engine.checkpoint.provenance
    stages = {"pooled": 0, "asen_pp": 2}.get(method, 1)
    assert (made["images_seen"], made["images_asked"], made["reading_factors"]) == (stages * 4 * 6, None, {})
    assert 0 < engine.checkpoint.figures["valid"]["macro_map"] <= 1
    assert math.isfinite(engine.checkpoint.figures["valid"]["mean_pointing"])


def test_a_stopped_run_of_triplets_goes_on(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = _recipe(tmp_path / "r.toml", "csn")
    undisturbed = checkpoint.load(run(recipe, data, tmp_path / "a", "cpu")).model.state_dict()
    train, epochs = loop._train_epoch, []

    def stopped(*args: object) -> dict[str, object]:
        epochs.append(1)
        if len(epochs) == 2:
            raise KeyboardInterrupt
        return train(*args)

    monkeypatch.setattr(loop, "_train_epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(recipe, data, tmp_path / "b", "cpu")
    resumed = checkpoint.load(run(recipe, data, tmp_path / "b", "cpu")).model.state_dict()
    assert len(epochs) == 3
    for name, value in undisturbed.items():
        torch.testing.assert_close(value, resumed[name], atol=2e-3, rtol=1e-2)
    with pytest.raises(DataError, match="run of another recipe"):
        run(load_recipe(recipe, seed=5), data, tmp_path / "a", "cpu")


def test_a_run_on_one_collection_sees_no_other_and_says_so(data: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for path in data.iterdir():
        (tmp_path / "data" / path.name).symlink_to(path)
    street = tmp_path / "data" / "clothing_attributes"
    street.mkdir()
    (street / "labels.csv").write_text("image,split,sleevelength\nunread.jpg,train,2\n")
    recipe = _recipe(tmp_path / "r.toml", "pooled")
    made = [
        checkpoint.load(run(load_recipe(recipe, only=only), tmp_path / "data", tmp_path / f"run{i}", "cpu")).provenance
        for i, only in enumerate([(), ("products",), ("products", "clothing_attributes")])
    ]
    assert [m["only"] for m in made] == [[], ["products"], ["clothing_attributes", "products"]]
    assert made[0]["photos"] == made[2]["photos"] == made[1]["photos"] + 1
    for only, says in (
        (["clothing_photos"], "Nothing is left of .* it has photos of clothing_attributes, products"),
        (["product"], "no collection product; --only takes products"),
    ):
        with pytest.raises(DataError, match=says):
            run(load_recipe(recipe, only=only), tmp_path / "data", tmp_path / "no", "cpu")
