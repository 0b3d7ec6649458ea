"""Calibration: curves worked by hand, models that read nothing, and the picture."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fake_engine import FakeEngine
from test_evaluation import CANDIDATE, photo, text_of
from test_evaluation_scores import Unread

from asen_core.evaluation import Calibration, CalibrationReport, reliability_picture, run
from asen_core.types import Reading

SURE = (0.95, 0.85, 0.95, 0.65)


class Sure(FakeEngine):
    """Reads "long" and "round" with a confidence that the angle picks; of closures it reads nothing."""

    def _view(self, name, width, height, angle, *rest):
        view = super()._view(name, width, height, angle, *rest)
        readings = () if name == "closure" else (Reading(self.vocabulary[name][0], SURE[angle]),)
        object.__setattr__(view, "readings", readings)
        return view


def report_of(engine: FakeEngine, photos) -> CalibrationReport | None:
    measure = Calibration(engine.vocabulary, photos)
    run(engine, [measure])
    return measure.report()


@pytest.fixture
def report(tmp_path) -> CalibrationReport:
    values = ("long", "long", "short", "short")  # read: right, right, wrong, wrong
    photos = [photo(tmp_path, CANDIDATE, i, {"sleeve": v, "closure": "zip"}) for i, v in enumerate(values)]
    photos.append(photo(tmp_path, CANDIDATE, 1, {"neckline": "round"}))
    found = report_of(Sure(), photos)
    assert found is not None
    return found


def test_curves_golden(report):
    sleeve = report.attributes["sleeve"]
    # Bins: 0.95 and 0.95, one right; 0.85 right; 0.65 wrong.
    assert sleeve.bins[9] == (pytest.approx(0.95), 0.5, 2)
    assert sleeve.bins[8] == (pytest.approx(0.85), 1, 1)
    assert sleeve.bins[6] == (pytest.approx(0.65), 0, 1)
    assert sleeve.bins[0] == (None, None, 0)
    assert sleeve.ece == pytest.approx((2 * 0.45 + 0.15 + 0.65) / 4)
    assert (sleeve.accuracy, sleeve.confidence, sleeve.readings) == (0.5, pytest.approx(0.85), 4)
    assert report.attributes["neckline"].ece == pytest.approx(0.15)
    # All together the two readings of 0.85 share a bin.
    assert report.together.ece == pytest.approx((2 * 0.45 + 2 * 0.15 + 0.65) / 5)
    assert "closure" not in report.attributes


def test_curves_as_json_and_table(report):
    found = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert found["attributes"]["sleeve"]["bins"][9] == {"confidence": pytest.approx(0.95), "accuracy": 0.5, "readings": 2}
    assert found["all"]["readings"] == 5
    shown = text_of(report.table())
    assert "42.5" in shown
    assert "Reliability" in shown


def test_curve_as_picture(report):
    pixels = reliability_picture(report)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (630, 630, 3)
    assert (pixels[..., 2].astype(int) - pixels[..., 0] > 100).sum() > 500  # the blue curve


def test_a_model_that_reads_nothing_has_no_calibration(tmp_path):
    assert report_of(Unread(), [photo(tmp_path, CANDIDATE, 0, {"sleeve": "long"})]) is None


def test_a_probability_a_hair_above_one_counts_as_one(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "SURE", (1.0000001,))
    found = report_of(Sure(), [photo(tmp_path, CANDIDATE, 0, {"sleeve": "long"})])
    assert found.together.ece == 0
