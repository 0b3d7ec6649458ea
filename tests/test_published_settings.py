"""The paper's settings as recipes, and what a recipe may not say."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_baselines import LABELS, examples, network
from torch import nn

from asen_core.config import PAPER
from asen_core.errors import DataError
from asen_core.training import load_recipe
from asen_core.training.epoch import rate_factor
from asen_core.training.stages import Loss
from asen_core.training.triplets import triplet_terms


@pytest.mark.parametrize("dataset", ["FashionAI", "DARN", "DeepFashion"])
def test_the_papers_settings(dataset: str) -> None:
    recipe = load_recipe(f"paper_{dataset.lower()}")
    assert (recipe.dataset, recipe.augment, recipe.rendered, recipe.trunk_weights) == (dataset, False, 0, "torchvision")
    assert recipe.model == replace(PAPER, reading_scale=0.0)
    alone, both = recipe.stages
    assert [s.epochs for s in recipe.stages] == [50, 20]
    for stage in recipe.stages:
        assert (stage.sampling, stage.triplets, stage.steps * stage.triplets) == ("triplets", 16, 100_000)
        assert (stage.optimizer, stage.weight_decay, stage.warmup, stage.clip, stage.average) == ("adam", 0, 0, 0, 0)
        assert (stage.frozen, stage.local_frozen, stage.batch_norms, stage.validate, stage.best) == (0, 0, True, 1, True)
        assert (stage.loss.margin, stage.loss.triplet) == (0.2, 1.0)
    assert (alone.trunk_rate, alone.head_rate, alone.local_rate, alone.local_head_rate) == (1e-4, 1e-4, 0, 0)
    assert (both.trunk_rate, both.head_rate, both.local_rate, both.local_head_rate) == (1e-5, 1e-5, 1e-4, 1e-4)
    assert (alone.loss.local, alone.loss.alignment, both.loss.local, both.loss.alignment) == (0, 0, 0.1, pytest.approx(0.3))
    at = [rate_factor(e * 6250, alone) for e in (0, 2, 3, 5, 6, 49)]
    assert at == pytest.approx([1, 1, 0.9, 0.9, 0.81, 0.9**16])
    assert [rate_factor(e * 6250 + 6249, both) for e in (0, 1, 19)] == pytest.approx([1, 0.9, 0.9**19])


def test_alignment_is_the_papers_sum_over_anchor_positive_and_negative() -> None:
    model, batch = network("asen_pp"), examples(LABELS)
    terms = triplet_terms(model, batch, torch.tensor([0, 1]), Loss(local=0.1, alignment=0.3), torch.float32)
    with torch.no_grad():
        out = model(batch.images, batch.sources, batch.frames).embedding
        whole, near = (nn.functional.normalize(e, dim=-1) for e in out.split([16, 16], -1))
    apart = torch.tensor([[1 - float(whole[3 * t + k, t] @ near[3 * t + k, t]) for t in (0, 1)] for k in range(3)])
    assert float(terms["alignment"].detach()) == pytest.approx(0.1 * float(apart.mean(1).sum()), rel=1e-3)


def test_a_shorter_run_lets_the_rates_fall_at_the_same_places() -> None:
    stage = load_recipe("paper_fashionai", 60_000).stages[0]
    steps = stage.epochs * stage.steps
    assert rate_factor(0, stage) == 1
    assert rate_factor(steps - 1, stage) == pytest.approx(0.9**16)
    assert rate_factor(steps // 2, stage) == pytest.approx(0.9**8)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ('optimizer = "sgd"', "adamw or adam"),
        ("batch_norms = true", "set average = 0.0"),
        ("batch_norms = true\naverage = 0.0", "set frozen = 0 and local_frozen = 0"),
        ("validate = 0", "at least 1 epoch"),
    ],
)
def test_settings_that_contradict_each_other_are_explained(tmp_path: Path, settings: str, says: str) -> None:
    (tmp_path / "r.toml").write_text(f"[model]\npreset = 'compact'\n[[stage]]\nname = 'a'\nepochs = 1\n{settings}")
    with pytest.raises(DataError, match=says):
        load_recipe(str(tmp_path / "r.toml"))


def test_a_recipe_extends_its_neighbour_or_a_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(
        "seed = 3\n[model]\npreset = 'compact'\nmethod = 'pooled'\nreading_scale = 0.0\nvalue_share = 0.0"
    )
    (tmp_path / "mine.toml").write_text("extends = 'base'\nseed = 4")
    (tmp_path / "paper_too.toml").write_text("extends = 'paper'\ndataset = 'darn'")
    (tmp_path / "lost.toml").write_text("extends = 'nothing'")
    mine, too = load_recipe(str(tmp_path / "mine.toml")), load_recipe(str(tmp_path / "paper_too.toml"))
    assert (mine.seed, mine.name, mine.model.method) == (4, "mine", "pooled")
    assert "seed = 3" in mine.text, "what decides the run is told whole"
    assert (too.dataset, too.stages) == ("DARN", load_recipe("paper_darn").stages)
    with pytest.raises(DataError, match="extends 'nothing', which lies neither"):
        load_recipe(str(tmp_path / "lost.toml"))


def test_another_benchmark_or_no_drawings_make_another_run() -> None:
    plain, other = load_recipe("asen_pp"), load_recipe("asen_pp", dataset="fashionai", rendered=0)
    assert (plain.dataset, other.dataset, other.rendered) == ("", "FashionAI", 0)
    assert other.text == plain.text + "\n# --dataset FashionAI\n\n# --rendered 0\n"
    own = load_recipe("fashionai", rendered=0)
    assert {(s.batch.labelled, s.batch.rendered, s.batch.size) for s in own.stages} == {(64, 0, 64)}, "as many photos as before"
    for wrong in ({"dataset": "Fashion"}, {"dataset": "DARN", "only": ["products"]}):
        with pytest.raises(DataError, match=r"no dataset 'Fashion'|--only chooses among the collections"):
            load_recipe("asen_pp", **wrong)
