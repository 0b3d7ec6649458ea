"""The verb `explain`, with an engine that looks at one rectangle only: what it prints, draws, and says when it can't."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from rectangle_engine import RectangleEngine, garment
from test_review_explain import background
from typer.testing import CliRunner

from asen_core.cli import app
from asen_core.cli.explain import peak
from asen_core.errors import QueryError


class Opened(RectangleEngine):
    """As the real one, it knows which attributes it has."""

    gallery = SimpleNamespace()

    def views(self, photos, attributes=None, batch_size=32):
        if unknown := [a for a in attributes or () if a not in self.boxes]:
            raise QueryError(f"Unknown attribute {unknown[0]!r}; this model knows {', '.join(self.boxes)}.")
        return super().views(photos, attributes, batch_size)


@pytest.fixture
def photos(monkeypatch, tmp_path: Path) -> list[Path]:
    import asen_core.engine
    import asen_core.review.background

    monkeypatch.setattr(asen_core.engine.Engine, "open", lambda *_: Opened())
    monkeypatch.setattr(asen_core.review.background, "of_gallery", lambda _: background())
    paths = [tmp_path / "mine.png", tmp_path / "theirs.png"]
    for path in paths:
        Image.fromarray(garment().pixels).save(path)
    return paths


def call(*arguments: object, code: int = 0):
    result = CliRunner().invoke(app, ["explain", *map(str, arguments)])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


def test_help_has_examples_that_name_the_verb() -> None:
    shown = call("--help").stdout
    assert "python -m asen_core explain" in shown


def test_json_has_both_maps_and_the_reasons(photos: list[Path]) -> None:
    found = json.loads(call(*photos, "sleeve", "--json").stdout)
    assert found["similarity"] == pytest.approx(1, abs=1e-5)
    assert [p["photo"] for p in found["photos"]] == [str(p) for p in photos]
    top, left, bottom, right = RectangleEngine.boxes["sleeve"]
    for photo in found["photos"]:
        assert np.shape(photo["map"]) == (28, 21)
        assert left < photo["peak"][0] < right
        assert top < photo["peak"][1] < bottom
    assert {r["attribute"] for r in found["reasons"]} == {"neckline", "sleeve"}
    assert found["reasons"][0]["standing"]["pairs"] == 101


def test_people_read_sentences_and_see_a_picture(photos: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "why.png"
    said = call(*photos, "sleeve", "--out", out)
    assert "mine.png: the likeness in sleeve length rests most on the place around" in said.stdout
    assert "What explains the match" in said.stdout
    assert Image.open(out).size[0] > Image.open(out).size[1]


def test_without_ranking_no_gallery_is_opened(photos: list[Path], monkeypatch) -> None:
    import asen_core.review.background

    monkeypatch.setattr(asen_core.review.background, "of_gallery", None)
    found = json.loads(call(*photos, "sleeve", "--no-rank", "--method", "occlusion", "--json").stdout)
    assert (found["reasons"], found["method"]) == ([], "occlusion")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("collar",), "this model knows neckline, sleeve"), (("sleeve", "--method", "magic"), "masks, occlusion")],
)
def test_errors_are_said_in_a_sentence(photos: list[Path], arguments: tuple[str, ...], says: str) -> None:
    assert says in call(*photos, *arguments, code=1).stderr


def test_the_peak_by_hand() -> None:
    values = np.zeros((4, 2), np.float32)
    values[3, 1] = 1
    assert peak(values, garment()) == (63, 98)
