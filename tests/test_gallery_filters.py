"""Filters of any columns, what is known of a garment, and mixed attributes: the plain functions behind them."""

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeEngine, FakeGallery
from PIL import Image

from asen_core.errors import QueryError
from asen_core.types import Item, Match, Matches, Range
from asen_core.ui import controls, handlers, labelled, mixing, present
from asen_core.ui.facets import counted, facets, filters_said, where_of
from asen_core.ui.handlers import Visit
from asen_core.ui.mixing import Mix, mix_of
from asen_core.ui.scratch import Scratch
from asen_core.ui.studio import Answer, Ask, Studio, search
from asen_core.ui.table import table

EVIL = "<script>alert(1)</script>\"'><b onload=x>"
ATTRIBUTES = ("neckline", "sleeve", "pattern")


def labelled_gallery(folder, rows):
    """A gallery whose garments have just these labels."""
    gallery = FakeGallery(folder, len(rows))
    gallery.items = tuple(replace(item, labels=labels) for item, labels in zip(gallery.items, rows, strict=True))
    return gallery


def bare_gallery(folder, rows):
    """The same without pictures and vectors of their own."""
    gallery = FakeGallery(folder, 1)
    gallery.items = tuple(replace(gallery.items[0], id=str(i), labels=labels) for i, labels in enumerate(rows))
    return gallery


def shop(count=40):
    return [
        {
            "brand": ["Acme", "Bélier", EVIL, "47"][i % 4],
            "price": f"{9.5 + i}",
            "title": f"Garment {i}",
            "number": str(1000 + i),
            "link": f"https://shop.example/{i}",
            "neckline": "v" if i % 2 else "round",
            "colour": "red" if i % 3 else "blue",
            "season": "2026",
            "page": "https://shop.example/" + "ab"[i % 2],
        }
        for i in range(count)
    ]


@pytest.fixture
def studio(tmp_path):
    gallery = labelled_gallery(tmp_path / "gallery", shop())
    engine = FakeEngine(gallery)
    scratch = Scratch(tmp_path / "scratch")
    scratch.root.mkdir()
    return Studio(engine, engine.look, scratch)


@pytest.fixture
def given(tmp_path):
    path = tmp_path / "uploads" / "abc" / "photo.png"
    path.parent.mkdir(parents=True)
    pixels = np.zeros((200, 150, 3), np.uint8)
    pixels[:, :, 0] = np.arange(200)[:, None]
    Image.fromarray(pixels).save(path)
    return path


def asked(studio, path, ask):
    return handlers.photo_sent(studio, Visit(), ask, {"path": str(path), "folder": str(path.parents[1])})


# Filters


def test_columns_become_filters_by_what_is_in_them(studio):
    offered = {f.label: f for f in studio.facets}
    assert list(offered) == ["colour", "brand", "price", "neckline"], "no names, links, numbers one by one, single values"
    assert offered["price"].span == Range(9.5, 48.5)
    assert set(offered["brand"].values) == {"Acme", "Bélier", EVIL, "47"}
    assert not offered["brand"].span


@pytest.mark.parametrize(
    ("different", "of", "offered"),
    [(1, 300, False), (2, 300, True), (200, 300, True), (201, 300, False), (9, 10, False), (8, 10, True), (3, 3, True)],
)
def test_how_many_values_a_filter_has(tmp_path, different, of, offered):
    gallery = bare_gallery(tmp_path / "g", [{"maker": f"maker {min(i, different - 1)}"} for i in range(of)])
    assert bool(facets(gallery, {})) == offered


@pytest.mark.parametrize(("count", "offered"), [(19, True), (20, False)])
def test_whole_numbers_that_all_differ_are_article_numbers(tmp_path, count, offered):
    assert bool(facets(bare_gallery(tmp_path / "g", [{"x": str(i)} for i in range(count)]), {})) == offered


def test_a_gallery_without_labels_has_no_filters(tmp_path):
    gallery = bare_gallery(tmp_path / "g", [{}, {}])
    assert facets(gallery, {}) == ()
    assert counted(gallery, (), {}) == []


def test_counts_follow_the_other_filters(studio):
    gallery, offered = studio.engine.gallery, studio.facets
    rows = {d["label"]: d for d in counted(gallery, offered, {"colour": ["red"], "price": Range(None, 19.5)})}
    kept = [item.labels for item in gallery.items if float(item.labels["price"]) <= 19.5]
    assert {value: n for value, _, n in rows["colour"]["values"]} == {
        c: sum(r["colour"] == c for r in kept) for c in ("red", "blue")
    }
    assert sum(n for *_, n in rows["brand"]["values"]) == sum(r["colour"] == "red" for r in kept)
    assert (rows["price"]["least"], rows["price"]["most"]) == (9.5, 48.5)
    assert {value: name for value, name, _ in rows["neckline"]["values"]}["v"] == "V-neck"
    assert {value: name for value, name, _ in rows["brand"]["values"]}["47"] == "47", "shown as it is written"


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (None, {}), ("x", {}), ({}, {}), ({"brand": []}, {}), ({"brand": None}, {}),
        ({"brand": ["Acme", "nobody"]}, {"brand": ["Acme"]}), ({"brand": ["nobody"]}, {"brand": []}),
        ({"price": {"least": 10, "most": None}}, {"price": Range(10, None)}),
        ({"price": {"least": None, "most": 20.5}}, {"price": Range(None, 20.5)}),
        ({"price": {"least": None, "most": None}}, {}), ({"price": {"other": 1}}, {}),
    ],
)  # fmt: skip
def test_what_the_browser_chose_is_a_filter(studio, data, where):
    assert where_of(studio.facets, data) == where


@pytest.mark.parametrize(
    "data",
    [
        {"season": ["2026"]}, {"no such": ["x"]}, {"brand": "Acme"}, {"brand": {"least": 1}}, {"price": {"least": "cheap"}},
        {"price": {"least": math.nan}}, {"price": {"least": True}}, {"price": {"least": 20, "most": 10}},
    ],
)  # fmt: skip
def test_what_no_filter_offers_is_refused(studio, data):
    with pytest.raises(QueryError):
        where_of(studio.facets, data)


def test_values_that_nobody_has_keep_nothing(studio, given):
    ask = Ask("neckline", where={"brand": ["Acme"], "price": Range(20, 30)})
    found = search(studio, asked(studio, given, ask).query, ask).matches
    passing = [r for r in shop() if r["brand"] == "Acme" and 20 <= float(r["price"]) <= 30]
    assert found.searched == len(passing) > 0
    assert all(h.item.labels["brand"] == "Acme" for h in found)


def test_filters_in_words(studio):
    said = filters_said(studio.facets, {"neckline": ["v"], "price": Range(10, None), "brand": ["Acme", "47"]})
    assert said == "Brand Acme or 47, Price from 10, Neckline V-neck"
    assert filters_said(studio.facets, {"price": Range(None, 5)}) == "Price up to 5"
    assert filters_said(studio.facets, {}) == ""


def test_a_long_filter_is_cut_in_words(tmp_path):
    offered = facets(bare_gallery(tmp_path / "g", [{"size": f"s{i % 9}"} for i in range(90)]), {})
    assert filters_said(offered, {"size": [f"s{i}" for i in range(9)]}) == "Size s0, s1, s2 or 6 more"
    assert filters_said(offered, {"size": ["s1", "s2", "s3"]}) == "Size s1, s2 or s3"


# What is known of a garment


@pytest.mark.parametrize(
    ("text", "link", "shown"),
    [
        ("https://shop.example/a?b=1&c=2", True, ">shop.example</a>"), ("http://shop.example", True, ">shop.example</a>"),
        ("https://good.example@evil.example/x", True, ">evil.example</a>"), ("javascript:alert(1)", False, "javascript:"),
        ("HTTPS://shop.example", False, "HTTPS:"), ("https://", False, "https://"), ("https://a b.example", False, "a b"),
        ("https://x.example/\n<b>", False, "&lt;b&gt;"), ("https://[bad", False, "[bad"), ("data:text/html,x", False, "data:"),
        ('https://x.example/"onclick="x', True, "&quot;onclick=&quot;"), (EVIL, False, "&lt;script"),
    ],
)  # fmt: skip
def test_only_web_addresses_become_links(text, link, shown):
    html = labelled.known({"page": text}, ())
    assert ("<a " in html) == link
    assert shown in html
    assert not link or ('rel="noopener noreferrer' in html and 'target="_blank"' in html)
    assert "<script" not in html
    assert 'onclick="' not in html


def test_labels_of_attributes_come_first_and_empty_ones_not_at_all():
    html = labelled.known({"brand": "x_y", "sleeve": "long", "made": "", "neckline": "v"}, ("neckline", "sleeve"))
    assert html.index("Neckline") < html.index("Sleeve length") < html.index("Brand")
    assert "<dd>x_y</dd>" in html
    assert "Made" not in html


# Several attributes


@pytest.mark.parametrize(
    ("data", "mix"),
    [
        (None, None), ({}, None), ({"on": False, "weights": {"sleeve": 1}}, None),
        ({"on": True, "weights": {"sleeve": 30, "neckline": 70}}, Mix({"neckline": 0.7, "sleeve": 0.3})),
        ({"on": True, "weights": {"sleeve": 5, "neckline": 0}, "unlike": ["pattern"]}, Mix({"sleeve": 1.0}, ("pattern",))),
        ({"on": True, "weights": {"sleeve": 5, "pattern": 5}, "unlike": ["pattern"]}, Mix({"sleeve": 1.0}, ("pattern",))),
    ],
)  # fmt: skip
def test_what_the_browser_mixed(data, mix):
    assert mix_of(ATTRIBUTES, data) == mix


@pytest.mark.parametrize(
    "data",
    [
        {"weights": {}}, {"weights": {"sleeve": 0}}, {"weights": {"sleeve": -1}}, {"weights": {"sleeve": "1"}},
        {"weights": {"sleeve": math.inf}}, {"weights": {"sleeve": math.nan}}, {"weights": {"sleeve": True}},
        {"weights": {"hem": 1}}, {"weights": {"sleeve": 1}, "unlike": ["hem"]}, {"weights": {"sleeve": 1}, "unlike": "pattern"},
        {"weights": [1]}, {"weights": {"sleeve": 1}, "unlike": ["sleeve"]},
    ],
)  # fmt: skip
def test_mixes_that_are_none_are_refused(data):
    with pytest.raises(QueryError):
        mix_of(ATTRIBUTES, {"on": True, **data})


def test_a_mix_in_words():
    mix = Mix({"neckline": 0.7, "sleeve": 0.3}, ("pattern", "colour"))
    assert mixing.said(mix) == ("neckline (70 %) and sleeve length (30 %)", "pattern and colour")
    assert mixing.said(Mix({"neckline": 1.0})) == ("neckline", "")
    alike = {"neckline": 0.917, "sleeve": 0.6, "pattern": -0.1, "colour": 0.25, "closure": 1}
    assert mixing.singles(mix, alike) == "neckline 0.92, sleeve length 0.60 · pattern -0.10, colour 0.25"
    assert mixing.singles(mix, {"neckline": 1, "pattern": -0.004}) == "neckline 1.00 · pattern 0.00"


def test_a_mixed_search_tells_the_single_similarities(studio, given):
    ask = Ask("neckline", count=8, least=-1.0, mix=Mix({"neckline": 0.75, "sleeve": 0.25}, ("pattern",)))
    visit = asked(studio, given, ask)
    answer, query, gallery = visit.answer, visit.query, studio.engine.gallery
    assert 0 < len(answer.matches) <= 8
    for hit in answer.matches:
        alike = studio.engine.alike(query.views, hit.item)
        assert hit.similarity == pytest.approx(0.75 * alike["neckline"] + 0.25 * alike["sleeve"], abs=1e-5)
        assert alike["pattern"] <= 0
        assert answer.singles[hit.item.id] == pytest.approx({a: alike[a] for a in ask.mix.asked}, abs=1e-5)
    html = present.results(answer, ask, gallery.picture, "v")
    fewer = "all others are alike in pattern, or below -1.00"
    assert (fewer in html) == (len(answer.matches) < 8)
    more = replace(ask, count=40)
    assert fewer in present.results(search(studio, query, more), more, gallery.picture, "v")
    assert "most alike in <b>neckline (75 %) and sleeve length (25 %)</b>, different in <b>pattern</b>," in html
    assert mixing.singles(ask.mix, answer.singles[answer.matches[0].item.id]) in html
    assert search(studio, query, replace(ask, mix=None)).singles == {}


def test_the_table_of_a_mix_has_the_single_similarities():
    hits = (Match(Item("x", "a.webp", {"brand": "=1"}), 0.5, 90.0), Match(Item("y", "a.webp"), 0.25, 80.0))
    singles = {"x": {"neckline": 0.75, "pattern": -0.125}, "y": {"neckline": 0.25, "pattern": 0.0}}
    rows = list(csv.reader(io.StringIO(table(Answer(Matches("neckline 100 %", hits, 60), 0.5, singles)))))
    assert rows == [
        ["rank", "id", "similarity", "percentile", "similarity_neckline", "similarity_pattern", "brand"],
        ["1", "x", "0.5000", "90.00", "0.7500", "-0.1250", "'=1"],
        ["2", "y", "0.2500", "80.00", "0.2500", "0.0000", ""],
    ]


def test_a_mix_that_leaves_nothing_says_why(studio, given):
    ask = Ask("neckline", mix=Mix({"neckline": 1.0}, ("pattern",)), where={"brand": ["Acme"]}, least=0.5)
    visit = asked(studio, given, ask)
    studio.engine.gallery.items = ()
    html = present.results(search(studio, visit.query, ask), ask, studio.engine.gallery.picture, None)
    assert "No garment is different in pattern" in html


def test_a_garment_asked_with_is_not_among_its_mixed_hits(studio):
    ask = Ask("neckline", least=-1.0, mix=Mix({"neckline": 0.5, "sleeve": 0.5}))
    visit = handlers.search_on(studio, Visit(), ask, {"id": "garment-007"})
    assert len(visit.answer.matches) == 24
    assert "garment-007" not in [h.item.id for h in visit.answer.matches]


def test_the_controls_as_a_question(studio):
    beta = studio.engine.config.beta
    ask = controls.question(studio, ("sleeve", 12, beta, 0.2, 50, {"brand": ["Acme"]}, {"on": True, "weights": {"sleeve": 9}}))
    assert ask == Ask("sleeve", 12, None, 0.2, {"brand": ["Acme"]}, 50, Mix({"sleeve": 1.0}))
    with pytest.raises(QueryError):
        controls.question(studio, ("sleeve", 12, beta, 0.2, 50, {"nothing": ["Acme"]}, {}))
