"""Pseudo-labels: whom they are asked of, how sure they must be, and that a resumed run keeps them."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tiny import CONFIG

from asen_core.data.labels import Photo
from asen_core.data.vocabulary import DEFAULT
from asen_core.training import pseudo
from asen_core.training.dataset import GarmentDataset, MixedBatches
from asen_core.training.pseudo import ATTRIBUTES_OF, pseudo_labels
from asen_core.training.recipe import Batch
from asen_core.types import Reading

SHIRT = {"category": "shirt", "colour": "red"}
PHOTOS = [
    Photo("unlabelled", Path("unlabelled"), SHIRT),
    Photo("looked_at", Path("looked_at"), {**SHIRT, "sleeve": "long"}),
    Photo("street", Path("street"), {**SHIRT, "sleeve": "long"}, answers={"collar": "2"}),
    Photo("skirt", Path("skirt"), {"category": "skirt"}),
    Photo("bag", Path("bag"), {"category": "bag"}),
]


def _sure(probability: float):
    """In place of a pass over the photos: every attribute is read as its first value with this probability."""

    def run(engine, measures, progress):
        for photo in measures[0].photos.values():
            readings = {a: SimpleNamespace(reading=Reading(v[0], probability)) for a, v in engine.vocabulary.items()}
            measures[0].add(photo, (1, 1), readings)

    return run


ENGINE = SimpleNamespace(vocabulary=DEFAULT)


def test_only_garments_that_nobody_labelled_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pseudo, "run", _sure(0.9))
    found = pseudo_labels(ENGINE, PHOTOS, 0.9, tmp_path / "kept.json", resumed=False)
    assert set(found) == {"unlabelled", "street", "skirt"}
    assert set(found["unlabelled"]) == {"neckline", "collar", "sleeve", "closure", "pattern", "top_length"}
    assert "sleeve" not in found["street"], "a label stands above a reading"
    assert set(found["skirt"]) == {"pattern", "bottom_length"}
    assert json.loads((tmp_path / "kept.json").read_text()) == found


def test_unsure_readings_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pseudo, "run", _sure(0.89))
    assert pseudo_labels(ENGINE, PHOTOS, 0.9, tmp_path / "kept.json", resumed=False) == {}


def test_a_resumed_stage_goes_on_with_the_same_labels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "kept.json").write_text('{"skirt": {"pattern": "check"}}')
    monkeypatch.setattr(pseudo, "run", None)
    assert pseudo_labels(ENGINE, PHOTOS, 0.9, tmp_path / "kept.json", resumed=True) == {"skirt": {"pattern": "check"}}


def test_every_named_attribute_and_category_exists() -> None:
    assert set(ATTRIBUTES_OF) <= set(DEFAULT["category"])
    assert {a for named in ATTRIBUTES_OF.values() for a in named} <= set(DEFAULT)


def test_pseudo_labels_fill_in_and_are_drawn_from_their_own_pool() -> None:
    read = {"unlabelled": {"sleeve": "cap"}, "street": {"sleeve": "cap", "collar": "shirt"}}
    dataset = GarmentDataset(PHOTOS, {}, DEFAULT, CONFIG, read)
    sleeve = DEFAULT["sleeve"]
    column = dataset.labels[:, list(DEFAULT).index("sleeve")]
    np.testing.assert_array_equal(column, [sleeve.index("cap"), sleeve.index("long"), sleeve.index("long"), -1, -1])
    batches = list(MixedBatches(dataset, Batch(0, 0, 0, 0, 4, 0), 20, (1,)))
    assert {i for b in batches for i, _ in b} == {0, 2}
