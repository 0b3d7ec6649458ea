"""The tab "Gallery" as it is shown: escaped, complete, and in plain words."""

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import owned
import pytest
from owned import filled, writer_of
from PIL import Image
from tiny import photo

from asen_core.data.render import catalogue
from asen_core.gallery import Gallery
from asen_core.indexing import Progress, Report
from asen_core.review import prints
from asen_core.types import Garment, Item
from asen_core.ui import copies, gallery_view, labelled
from asen_core.ui.galleries import FOLDER
from asen_core.ui.handlers import Visit
from asen_core.ui.own import Making

engine, own_machine, here = owned.engine, owned.own_machine, owned.here
EVIL = "<script>alert(1)</script>\"'><b onload=x>"


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found = set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs), attrs


def test_names_and_reasons_are_escaped(here, tmp_path):
    report = Report(
        tmp_path, 3, added=1, left_out={EVIL: EVIL}, absent=(EVIL,), twice=(EVIL,), copies=(("a", "b"),), near=(("a", "c"),),
        notes=(EVIL,),
    )  # fmt: skip
    making = Making(EVIL, tmp_path, Progress(EVIL, 1, 2))
    shown = [gallery_view.told(report), gallery_view.progress(making, FOLDER)]
    making.over, making.failed = True, EVIL
    shown.append(gallery_view.progress(making, FOLDER))
    making.gallery, making.report = here.studio.engine.gallery, report
    shown.append(gallery_view.progress(making, FOLDER))
    shown.append(gallery_view.page(here, Visit(studio=replace(here.studio, name=EVIL))))
    item = Item(EVIL, "x", {EVIL: EVIL})
    shown.append(labelled.known(item.labels, ()))
    for html in shown:
        assert not Tags(html).found & {"script", "b onload=x"}
        assert "<script" not in html


def test_the_report_says_everything_that_was_left_out(tmp_path):
    html = gallery_view.told(Report(tmp_path, 7, added=2, removed=1, left_out={f"{i}.jpg": "It is bad." for i in range(9)}))
    assert "<b>7</b> garments can be searched (2 new, 1 removed)" in html
    assert "9 files could not be used" in html
    assert html.count("It is bad.") == 9
    one = gallery_view.told(Report(tmp_path, 1, added=1, left_out={"x": "y"}, copies=(("a", "b", "c"),)))
    assert "1 file could not be used" in one
    assert "new" not in one
    assert "2 are exact copies of another photo" in one
    many = gallery_view.told(Report(tmp_path, 1, left_out={str(i): "r" for i in range(1000)}))
    assert "and 800 more" in many


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ({"kind": "exact"}, "exact: a photo is compared with every garment"),
        ({"kind": "ivf", "recall": 0.9873}, "at least 98.7 % of the first ten"),
        ({"kind": "milvus"}, "Milvus"),
    ],
)
def test_how_a_gallery_is_searched(notes, said):
    assert said in gallery_view.how(notes)


def test_facts_of_a_gallery(here):
    facts = gallery_view.facts(here.studio)
    assert facts["Garments"] == "4"
    assert facts["Made of"] == "a test"
    assert facts["Columns"] == "Maker (2 values)"
    assert facts["Checkpoint"] == here.studio.engine.fingerprint[:12]


@pytest.mark.parametrize(
    ("seeds", "limit", "said"),
    [
        ((1, 2), 9, "no two pictures are the same, or nearly so"), ((1, 2), 1, "no two pictures are exactly the same"),
        ((1, 2, 1), 9, "1 picture is an exact copy of another"), ((1, 1, 2, 1), 1, "2 pictures are exact copies of another"),
    ],
)  # fmt: skip
def test_copies_in_words(engine, tmp_path, monkeypatch, seeds, limit, said):
    gallery = Gallery.open(filled(tmp_path / "g", engine, 0, seeds))
    assert copies.said(gallery) == "", "no prints were kept"
    prints.of_gallery(gallery)
    monkeypatch.setattr(copies, "COMPARED", limit)
    assert copies.said(gallery) == said


def test_pictures_that_are_nearly_the_same_are_told(engine, tmp_path):
    drawn = next(catalogue(1, 5, 300, 400)).pixels
    smaller = np.asarray(Image.fromarray(drawn).resize((240, 320), Image.Resampling.LANCZOS))
    with writer_of(tmp_path / "g", engine) as writer:
        for name, pixels in (("a", drawn), ("b", smaller), ("c", photo(160, 120, 3))):
            garment = Garment(pixels, name)
            writer.add_views(name, garment, engine.look(garment))
    gallery = Gallery.open(tmp_path / "g")
    prints.of_gallery(gallery)
    assert copies.said(gallery) == "1 group of pictures nearly the same"
