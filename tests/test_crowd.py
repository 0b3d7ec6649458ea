"""Coarse answers: what they allow, how they are drawn, what they teach."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import CONFIG

from asen_core.config import ModelConfig
from asen_core.data.collection import collect
from asen_core.data.crowd import QUESTIONS, allowed_values, answer_indices
from asen_core.data.labels import Photo
from asen_core.data.vocabulary import DEFAULT
from asen_core.models import AsenPP
from asen_core.training import losses
from asen_core.training.dataset import Examples, GarmentDataset, MixedBatches
from asen_core.training.recipe import Batch, Loss, Stage
from asen_core.training.stage import step_loss
from asen_core.types import Frame


@pytest.mark.parametrize("column", list(QUESTIONS))
def test_answers_allow_only_values_of_their_attribute_and_leave_none_out(column: str) -> None:
    question = QUESTIONS[column]
    values = DEFAULT[question.attribute]
    allowed = allowed_values(column, DEFAULT)
    assert allowed.shape == (len(question.answers), len(values))
    assert allowed.sum() == sum(map(len, question.answers.values())), "every value that an answer names is in the vocabulary"
    assert allowed.any(1).all()
    if set(question.answers) == {"1", "2"}:
        assert (allowed[0] != allowed[1]).all(), "yes and no share the values among them"


def test_answers_by_hand() -> None:
    found = dict(zip(QUESTIONS, answer_indices({"collar": "2", "sleevelength": "3", "pattern_spot": "1"}), strict=True))
    assert (found["collar"], found["sleevelength"], found["pattern_spot"]) == (1, 2, 0)
    assert found["placket"] == -1
    assert answer_indices({"collar": "7", "hat": "1"}).tolist() == [-1] * len(QUESTIONS)


def test_only_the_crowd_collection_gives_answers(tmp_path: Path) -> None:
    for folder, text in (
        ("clothing_attributes", "image,split,collar,placket,scarf\na.jpg,train,2,,1\n"),
        ("clothing_photos", "image,split,category\nb.jpg,train,hat\n"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "labels.csv").write_text(text)
    street, home = collect(tmp_path, "train")
    assert dict(street.answers) == {"collar": "2"}
    assert dict(street.labels) == {}
    assert dict(home.answers) == {}


def test_allowed_loss_by_hand() -> None:
    prototypes = torch.eye(3)
    allowed = torch.tensor([[True, True, False], [False, False, True]])
    embedding = torch.eye(3)[:1]
    p = torch.tensor([2.0, 0.0, 0.0]).softmax(0)
    loss = lambda answer: float(losses.allowed_loss(embedding, prototypes, allowed, torch.tensor([answer]), 2.0))  # noqa: E731
    assert loss(0) == pytest.approx(-float((p[0] + p[1]).log()))
    assert loss(1) == pytest.approx(-float(p[2].log()))
    assert loss(-1) == 0


def test_street_photos_come_in_the_share_that_was_asked_half_of_them_evenly() -> None:
    photos = [Photo(f"s{i}", Path(f"s{i}"), answers={"collar": "2" if i == 0 else "1"}) for i in range(30)]
    photos += [Photo(f"p{i}", Path(f"p{i}"), {"neckline": "v"}) for i in range(5)]
    dataset = GarmentDataset(photos, {}, DEFAULT, CONFIG)
    batches = list(MixedBatches(dataset, Batch(labelled=2, marked=0, rendered=0, crowd=8, others=5), 50, (1,)))
    drawn = [i for b in batches for i, _ in b]
    assert len(drawn) == 50 * 10, "street photos are no others, so that pool is empty"
    assert sum(i < 30 for i in drawn) == 400
    assert sum(i == 0 for i in drawn) > 70, "the rare answer has half of the even draws, a quarter of all"


def _batch(answers: list[dict[str, str]], model: AsenPP) -> Examples:
    n, cells = len(answers), model.config.cells
    images = torch.randint(0, 256, (n, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return Examples(
        images,
        list(images),
        [Frame(64, 1.0, 0.0, 0.0)] * n,
        torch.full((n, len(DEFAULT)), -1),
        torch.zeros(n, len(DEFAULT), cells, cells),
        torch.ones(n, cells, cells),
        torch.from_numpy(np.stack([answer_indices(a) for a in answers])),
    )


def test_answers_alone_teach_both_branches() -> None:
    torch.manual_seed(0)
    settings = {**CONFIG.to_dict(), "attention_stride": 8}
    model = AsenPP(ModelConfig.from_dict(settings), DEFAULT)
    stage = Stage("joint", 1, pairs_per_photo=2, loss=Loss(local=1.0, joined=1.0))
    batch = _batch([{"collar": "1"}, {"collar": "1"}, {"collar": "2"}, {}], model)
    terms = step_loss(model, batch, stage, torch.Generator().manual_seed(0))
    assert terms["global"].item() > 0 < terms["local"].item()
    sum(terms.values()).backward()
    column = list(DEFAULT).index("collar")
    steepness = model.attribute_vectors.grad.abs().sum(1)
    assert steepness[column] > 0
    assert steepness[[i for i in range(len(DEFAULT)) if i != column]].eq(0).all()
    silent = Stage("joint", 1, loss=Loss(answers=0.0))
    assert step_loss(model, batch, silent, torch.Generator())["global"].item() == 0
