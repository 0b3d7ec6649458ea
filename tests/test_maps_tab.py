"""The tab with the map: colours of its legend, what the browser gets of a map, and odd questions from the browser."""

import base64
import html
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import FakeEngine, FakeGallery

from asen_core.draw.legend import GREY, HUES, legend
from asen_core.errors import GalleryError
from asen_core.types import Item
from asen_core.ui import maps as tab
from asen_core.ui.scratch import Scratch
from asen_core.ui.studio import Studio


def test_golden_legend() -> None:
    shown = legend(["v", "round", "", "v"])
    assert [(e.value, e.colour, e.count) for e in shown.entries] == [("v", HUES[0], 2), ("round", HUES[1], 1), ("", GREY, 1)]
    assert shown.numbers.tolist() == [0, 1, 2, 0]
    assert legend([]).entries == ()


@pytest.mark.parametrize(
    ("labels", "order", "expected"),
    [
        (["b", "b", "c"], ("a", "b", "c"), [("b", "#1"), ("c", "#2")]),  # a's colour is kept for a
        (["c", "b", "c"], ("a", "b", "c"), [("b", "#1"), ("c", "#2")]),
        (["c", "b", "c"], (), [("c", "#0"), ("b", "#1")]),
        (["x", "b", "x"], ("a", "b"), [("x", "#0"), ("b", "#1")]),  # a value that the order lacks
        (["c", "b", "c"], ("a", "b", "c", "d"), [("c", "#0"), ("b", "#1")]),  # fewer hues than values
    ],
)
def test_values_keep_their_colours_where_there_is_one_for_each(labels, order, expected) -> None:
    shown = legend(labels, ("#0", "#1", "#2"), order)
    assert [(e.value, e.colour) for e in shown.entries] == expected
    assert [shown.entries[n].value for n in shown.numbers] == labels


@pytest.mark.parametrize("count", [len(HUES), len(HUES) + 1, 300])
def test_values_beyond_the_colours_share_one(count: int) -> None:
    shown = legend([f"value {i:03}" for i in range(count)])
    last = shown.entries[-1]
    if count == len(HUES):
        assert last.colour == HUES[-1]
    else:
        assert (last.colour, last.values, last.count) == (GREY, count - len(HUES) + 1, count - len(HUES) + 1)
    assert len({e.colour for e in shown.entries}) == len(shown.entries) == min(count, len(HUES))
    assert shown.numbers.max() == len(shown.entries) - 1


def test_cloth_has_its_own_colours() -> None:
    shown = legend(["navy", "black"])
    assert not {e.colour for e in shown.entries} & set(HUES)
    mixed = legend(["navy", "stripes"])
    assert {e.colour for e in mixed.entries} == set(HUES[:2])


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    engine = FakeEngine(FakeGallery(tmp_path / "gallery"))
    return Studio(engine, engine.look, Scratch(tmp_path / "scratch"))


def content(sheet: str) -> dict:
    return json.loads(html.unescape(re.search(r'data-map="([^"]*)"', sheet)[1]))


def test_what_the_browser_gets(studio: Studio) -> None:
    sent = content(tab.sheet(studio, "neckline"))
    gallery = studio.engine.gallery
    points = np.frombuffer(base64.b64decode(sent["points"]), "<u2").reshape(-1, 2)
    np.testing.assert_allclose(points / tab.FINEST, gallery.map("neckline"), atol=1e-5)
    numbers = np.frombuffer(base64.b64decode(sent["numbers"]), "u1")
    assert len(numbers) == len(gallery)
    shown = [sent["entries"][n]["name"] for n in numbers]
    assert shown == [tab.names.value_name("neckline", i.labels["neckline"]) for i in gallery.items]
    assert sum(e["count"] for e in sent["entries"]) == len(gallery)


@pytest.mark.parametrize("attribute", ["hem", None, 3, "", ["neckline"]])
def test_odd_questions_get_a_sentence(studio: Studio, attribute) -> None:
    assert "reload" in content(tab.sheet(studio, attribute))["problem"]


def test_no_map_says_how_to_make_it(studio: Studio, monkeypatch) -> None:
    last = studio.engine.gallery.attributes[-1]
    assert "python -m asen_core map --gallery" in content(tab.sheet(studio, last))["problem"]

    def damaged(attribute: str) -> None:
        raise GalleryError("The maps can't be used: <b>.")

    monkeypatch.setattr(studio.engine.gallery, "map", damaged)
    sheet = tab.sheet(studio, "neckline")
    assert "<b>" not in sheet
    assert content(sheet)["problem"] == "The maps can't be used: <b>."


@pytest.mark.parametrize(
    ("index", "expected"), [(0, "garment-000"), (59, "garment-059"), (60, ""), (-1, ""), ("0", ""), (True, "")]
)
def test_a_click_names_a_garment_of_the_gallery(studio: Studio, index, expected: str) -> None:
    assert tab.chosen(studio, index) == expected


def test_pictures_travel_as_paths_below_one_folder(studio: Studio) -> None:
    assert tab.pictures(studio)["files"][:2] == ["garment-000.webp", "garment-001.webp"]
    folder = Path("/pictures/images")
    items = [Item(str(i), f"images/ab/{i:06}.webp", {}, {}) for i in range(2)]
    gallery = SimpleNamespace(
        items=items, pictures=folder, picture=lambda item: folder.parent / item.image, map=lambda attribute: attribute
    )
    some = SimpleNamespace(engine=SimpleNamespace(gallery=gallery), attributes=("neckline",))
    assert tab.pictures(some) == {"folder": "gradio_api/file=/pictures/images", "files": ["ab/000000.webp", "ab/000001.webp"]}
    gallery.map = lambda attribute: None
    assert tab.pictures(some)["files"] == [], "a large gallery without maps has too many to name"
    gallery.map, gallery.items = str, []
    assert tab.pictures(some)["files"] == []
