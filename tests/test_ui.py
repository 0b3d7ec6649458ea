"""The page's handlers, called as the plain functions that they are, against a small engine in memory."""

import csv
import io
import os
import pickle
import runpy
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from fakes import FakeEngine, FakeGallery
from PIL import Image

from asen_core.errors import AsenError, GalleryError, PhotoError, QueryError
from asen_core.types import Box, Item, Match, Matches
from asen_core.ui import handlers, names, present
from asen_core.ui.find_alike import FindAlike
from asen_core.ui.handlers import Visit
from asen_core.ui.scratch import Scratch
from asen_core.ui.stage import intake, place, stage
from asen_core.ui.studio import Answer, Ask, Studio, compare, opening, samples_in, search
from asen_core.ui.table import address_of, table


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    return FakeGallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture
def studio(gallery, tmp_path):
    engine = FakeEngine(gallery)
    scratch = Scratch(tmp_path / "scratch")
    scratch.root.mkdir()
    samples = tmp_path / "samples"
    samples.mkdir()
    for name in ("02-red_dress.webp", "01-blue-shirt.webp", "notes.txt"):
        Image.new("RGB", (60, 80), "navy").save(samples / name, "WEBP")
    return Studio(engine, engine.look, scratch, samples_in(samples))


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "uploads" / "abc" / "photo.png"
    path.parent.mkdir(parents=True)
    pixels = np.zeros((400, 300, 3), np.uint8)
    pixels[:, :, 0] = np.arange(400)[:, None] % 256
    Image.fromarray(pixels).save(path)
    return path


NECK = Ask("neckline")


def sent(studio, photo, ask=NECK, visit=None):
    data = {"path": str(photo), "folder": str(photo.parents[1])}
    return handlers.photo_sent(studio, visit or Visit(), ask, data)


def test_one_photo_is_looked_at_once_for_all_attributes(studio, photo):
    visit = sent(studio, photo)
    for attribute in studio.attributes:
        visit = handlers.asked_anew(studio, visit, Ask(attribute), {})
        assert visit.answer.matches.condition == attribute
        assert len(visit.answer.matches) == 24
    assert studio.engine.looks == 1
    assert set(visit.query.views) == set(studio.engine.vocabulary)


def test_the_crop_is_cut_from_the_full_photo(studio, photo):
    query = sent(studio, photo).query
    roi = query.views["neckline"].roi
    crop = np.asarray(Image.open(query.crops["neckline"]))
    assert crop.shape[:2] == (roi.height, roi.width)
    assert abs(int(crop[0, 0, 0]) - int(roi.y0) % 256) < 12
    for files in (query.crops, query.heats):
        assert all(p.is_file() and p.parent == query.folder for p in files.values())


def test_a_new_photo_replaces_the_old_one_and_its_files(studio, photo):
    first = sent(studio, photo)
    second = sent(studio, photo, visit=first)
    assert not first.query.folder.exists()
    assert second.query.folder.is_dir()
    handlers.forget(studio, second)
    assert not second.query.folder.exists()
    handlers.forget(studio, None)
    handlers.forget(studio, Visit())


def test_a_bad_photo_leaves_the_visit_and_no_files(studio, photo):
    visit = sent(studio, photo)
    bad = photo.with_name("bad.png")
    bad.write_bytes(b"this is no picture")
    with pytest.raises(PhotoError):
        sent(studio, bad, visit=visit)
    assert [visit.query.folder] == list(studio.scratch.root.iterdir())


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "", None, 3, "../../etc/passwd", "a\0b", "{folder}", "{folder}/../outside.png"]
)
def test_only_files_of_the_upload_folder_are_read(studio, tmp_path, path):
    folder = tmp_path / "uploads"
    folder.mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "outside.png")
    given = path.format(folder=folder) if isinstance(path, str) else path
    with pytest.raises(PhotoError):
        handlers.uploaded(given, folder)


@pytest.mark.parametrize("index", [-1, 2, "0", None, 1.0])
def test_unknown_samples_are_refused(studio, index):
    with pytest.raises(QueryError):
        handlers.sample_chosen(studio, Visit(), NECK, {"index": index})


def test_samples_are_pictures_by_name(studio, tmp_path):
    assert [p.name for p in studio.samples] == ["01-blue-shirt.webp", "02-red_dress.webp"]
    assert samples_in(tmp_path / "none") == ()
    assert handlers.sample_chosen(studio, Visit(), NECK, {"index": 1}).query.photo.name == "02-red_dress.webp"


def test_own_box_is_searched_with_and_can_be_taken_back(studio, photo):
    visit = sent(studio, photo)
    drawn = handlers.box_drawn(studio, visit, NECK, {"x0": 0.5, "y0": 0.25, "x1": 1.0, "y1": 0.5})
    assert drawn.query.views["neckline"].roi == Box(150, 100, 300, 200)
    assert drawn.query.own_box("neckline")
    assert not drawn.query.own_box("sleeve")
    assert [h.item.id for h in drawn.answer.matches] != [h.item.id for h in visit.answer.matches]
    assert Image.open(drawn.query.crops["neckline"]).size == (150, 100)
    assert drawn.query.crops["neckline"] != visit.query.crops["neckline"]
    looks = studio.engine.looks
    back = handlers.box_reset(studio, drawn, NECK, {})
    assert studio.engine.looks == looks
    assert back.query.views["neckline"] is visit.query.views["neckline"]
    assert back.query.crops["neckline"] == visit.query.crops["neckline"]
    assert [h.item.id for h in back.answer.matches] == [h.item.id for h in visit.answer.matches]


@pytest.mark.parametrize(
    "corners",
    [
        {},
        {"x0": 0, "y0": 0, "x1": "wide", "y1": 1},
        {"x0": 0, "y0": 0, "x1": None, "y1": 1},
        {"x0": 0.5, "y0": 0.5, "x1": 0.5, "y1": 0.6},
        {"x0": 0.9, "y0": 0.1, "x1": 0.2, "y1": 0.6},
        {"x0": float("nan"), "y0": 0, "x1": 1, "y1": 1},
        {"x0": 0.1, "y0": 0, "x1": 0.11, "y1": 1},
    ],
)
def test_boxes_that_are_none_are_refused(studio, photo, corners):
    with pytest.raises(QueryError, match="box"):
        handlers.box_drawn(studio, sent(studio, photo), NECK, corners)


def test_a_box_beyond_the_photo_is_cut_to_it(studio, photo):
    drawn = handlers.box_drawn(studio, sent(studio, photo), NECK, {"x0": -1, "y0": 0.5, "x1": 2, "y1": 9})
    assert drawn.query.views["neckline"].roi == Box(0, 200, 300, 400)


def test_a_box_without_a_photo_says_so(studio):
    with pytest.raises(QueryError, match="no photo"):
        handlers.box_drawn(studio, Visit(), NECK, {"x0": 0, "y0": 0, "x1": 1, "y1": 1})
    assert handlers.box_reset(studio, Visit(), NECK, {}).query is None


@pytest.mark.parametrize("reason", [*handlers.REFUSALS, "else", None])
def test_what_the_browser_could_not_send_is_told_in_our_words(studio, reason):
    with pytest.raises(PhotoError) as caught:
        handlers.photo_refused(studio, Visit(), NECK, {"reason": reason})
    assert str(caught.value) in handlers.REFUSALS.values()


def test_first_tile_starts_a_search_later_ones_are_compared(studio):
    start = handlers.tile_chosen(studio, Visit(), NECK, {"id": "garment-007"})
    assert start.query.item == "garment-007"
    assert "garment-007" not in [h.item.id for h in start.answer.matches]
    assert len(start.answer.matches) == 24
    other = start.answer.matches[0].item.id
    chosen = handlers.tile_chosen(studio, start, NECK, {"id": other})
    assert chosen.chosen == other
    assert chosen.query is start.query
    assert handlers.pair_closed(studio, chosen, NECK, {}).chosen == ""
    onward = handlers.search_on(studio, chosen, NECK, {"id": other})
    assert (onward.query.item, onward.chosen) == (other, "")


@pytest.mark.parametrize("step", [handlers.tile_chosen, handlers.search_on])
@pytest.mark.parametrize("data", [{}, {"id": "nobody"}, {"id": None}])
def test_unknown_garments_are_refused(studio, photo, step, data):
    with pytest.raises((QueryError, GalleryError)):
        step(studio, sent(studio, photo), NECK, data)


def test_filters_count_and_limits(studio, photo):
    query = sent(studio, photo).query
    answer = search(studio, query, Ask("neckline", count=12, where={"category": ["dress", "skirt"], "colour": []}))
    assert {h.item.labels["category"] for h in answer.matches} <= {"dress", "skirt"}
    assert answer.matches.searched == sum(i.labels["category"] in ("dress", "skirt") for i in studio.engine.gallery.items)
    high = search(studio, query, Ask("neckline", least=0.2))
    assert all(h.similarity >= 0.2 for h in high.matches)


def test_nothing_close_enough_is_said_with_the_best_there_was(studio, photo):
    query = sent(studio, photo).query
    ask = Ask("neckline", least=0.999)
    answer = search(studio, query, ask)
    best = search(studio, query, Ask("neckline", count=1)).matches[0].similarity
    assert len(answer.matches) == 0
    assert answer.best == pytest.approx(best)
    html = present.results(answer, ask, studio.engine.gallery.picture, "v")
    assert "Nothing close enough" in html
    assert f"{best:.2f}" in html
    assert "Lower the least similarity" in html
    assert "tile" not in html


@pytest.mark.parametrize(("percentile", "said"), [(42.0, True), (64.9, True), (65.0, False), (99.0, False)])
def test_a_list_without_a_close_garment_says_so(studio, percentile, said):
    item = studio.engine.gallery.items[0]
    answer = Answer(Matches("neckline", (Match(item, 0.5, percentile),), 60), 0.5)
    html = present.results(answer, NECK, studio.engine.gallery.picture, None)
    assert ("None of these is really close in neckline" in html) == said


def test_least_zero_leaves_out_what_is_unlike(studio, photo):
    query = sent(studio, photo).query
    assert min(h.similarity for h in search(studio, query, Ask("neckline", count=60)).matches) >= 0
    assert min(h.similarity for h in search(studio, query, Ask("neckline", count=60, least=-1.0)).matches) < 0


def test_filters_that_leave_nothing_are_said(studio, photo):
    ask = Ask("neckline", least=0.1, where={"category": ["no such thing"]})
    answer = search(studio, sent(studio, photo).query, ask)
    assert (len(answer.matches), answer.best) == (0, None)
    assert "No garment in the gallery passes" in present.results(answer, ask, studio.engine.gallery.picture, None)


def test_beta_reweights_the_query(studio, photo):
    query = sent(studio, photo).query
    view = query.views["neckline"]
    top = search(studio, query, Ask("neckline", count=1, beta=1.0)).matches[0]
    mine, theirs = view.embedding[: view.split], studio.engine.gallery.vectors(top.item.id)[0][: view.split]
    assert top.similarity == pytest.approx(float(mine @ theirs) / float(mine @ mine), abs=1e-5)


@pytest.mark.parametrize("ask", [
    Ask("sleeve", count=12, first=20),
    Ask("sleeve", count=48, first=20, least=-1.0),
    Ask("sleeve", count=12, first=20, least=0.1, beta=1.0),
    Ask("sleeve", count=12, first=5, where={"category": ["dress", "skirt"], "colour": []}),
    Ask("sleeve", count=12, first=500, least=-1.0),
])  # fmt: skip
def test_reranked_is_what_the_engine_reranks(studio, photo, ask):
    query = sent(studio, photo).query
    answer = search(studio, query, ask)
    where = {name: values for name, values in ask.where.items() if values}
    matches = studio.engine.rerank(query.views, "sleeve", ask.first, ask.count, where, ask.beta, ask.least)
    assert answer.matches == matches
    assert all(1 <= h.before <= ask.first for h in answer.matches)


def test_reranking_leaves_no_gap_for_the_garment_that_was_asked_with(studio):
    ask = Ask("neckline", count=10, first=10, least=-1.0)
    visit = handlers.search_on(studio, Visit(), ask, {"id": "garment-007"})
    hits = visit.answer.matches
    assert "garment-007" not in [h.item.id for h in hits]
    assert sorted(h.before for h in hits) == list(range(1, 11))
    found = studio.engine.rerank(visit.query.views, "neckline", 60, 60)
    others = sorted((h for h in found if h.item.id != "garment-007"), key=lambda h: h.before)[:10]
    assert [h.item.id for h in sorted(hits, key=lambda h: h.before)] == [h.item.id for h in others]
    assert hits.reranked == 10


def test_own_box_and_balance_move_the_reranked_list(studio, photo):
    ask = Ask("neckline", first=20, least=-1.0)
    visit = sent(studio, photo, ask)
    before = {h.item.id: h.overall for h in visit.answer.matches}
    drawn = handlers.box_drawn(studio, visit, ask, {"x0": 0.5, "y0": 0.25, "x1": 1.0, "y1": 0.5})
    assert {h.item.id: h.overall for h in drawn.answer.matches} != before
    reset = handlers.box_reset(studio, drawn, ask, {})
    assert {h.item.id: h.overall for h in reset.answer.matches} == before
    balanced = search(studio, visit.query, Ask("neckline", first=20, least=-1.0, beta=0.0))
    assert {h.item.id: h.overall for h in balanced.matches} != before


def test_cards_say_the_rank_before_only_where_reranked(studio, photo):
    query, picture = sent(studio, photo).query, studio.engine.gallery.picture
    ask = Ask("neckline", count=12, first=20)
    answer = search(studio, query, ask)
    html = present.results(answer, ask, picture, None)
    best = answer.matches[0]
    assert f'<span class="before">{names.place(best.before)} overall</span>' in html
    assert f"Rank 1, {names.place(best.before)} overall, {best.item.id}" in html
    assert "of the <b>20</b> most alike overall (of 60)" in html
    assert "overall" not in present.results(search(studio, query, NECK), NECK, picture, None)
    pair = compare(studio, query, best.item.id, answer)
    assert f"; {names.place(best.before)} overall" in present.pair(pair, query, "neckline", picture)
    assert "overall" not in present.pair(compare(studio, query, best.item.id, None), query, "neckline", picture)


def test_nothing_close_enough_among_the_first_says_so(studio, photo):
    ask = Ask("neckline", first=5, least=0.999)
    answer = search(studio, sent(studio, photo).query, ask)
    html = present.results(answer, ask, studio.engine.gallery.picture, None)
    assert "Nothing among the 5 most alike overall is closer than 1.00" in html
    assert f"reaches {answer.best:.2f}" in html
    gone = Ask("neckline", first=5, where={"category": ["no such thing"]})
    answer = search(studio, sent(studio, photo).query, gone)
    assert "No garment in the gallery passes" in present.results(answer, gone, studio.engine.gallery.picture, None)


def test_a_reranked_table_has_rank_and_likeness_before():
    hits = tuple(Match(Item(name, "a.webp", {"neckline": "v"}), s, 90.0, o, b) for name, s, o, b in
                 (("x", 0.75, 0.5, 3), ("y", 0.25, -0.125, 12)))  # fmt: skip
    rows = list(csv.reader(io.StringIO(table(Answer(Matches("neckline", hits, 60, 20), 0.75)))))
    assert rows[0] == ["rank", "id", "similarity", "percentile", "rank_before", "overall", "value", "neckline"]
    assert rows[1:] == [["1", "x", "0.7500", "90.00", "3", "0.5000", "v", "v"],
                        ["2", "y", "0.2500", "90.00", "12", "-0.1250", "v", "v"]]  # fmt: skip


@pytest.mark.parametrize(
    ("rank", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st"), (102, "102nd"),
     (111, "111th"), (1013, "1,013th")],
)  # fmt: skip
def test_places(rank, text):
    assert names.place(rank) == text


@pytest.mark.parametrize(("count", "offered"), [(60, [0, 50]), (50, []), (101, [0, 50, 100]), (300, [0, 50, 100, 250])])
def test_only_numbers_below_the_gallerys_size_are_offered(studio, monkeypatch, count, offered):
    monkeypatch.setattr(FakeGallery, "__len__", lambda _: count)
    with gr.Blocks():
        control = FindAlike(studio).controls.first
    assert control.visible == bool(offered)
    assert [value for _, value in control.choices] == (offered or [0])
    assert control.value == 0


def test_a_graphics_card_without_memory_is_told_with_the_photo_and_not_again(studio, photo, monkeypatch):
    monkeypatch.setattr("asen_core.ui.find_alike.get_upload_folder", lambda: str(photo.parents[1]))
    values = ("neckline", 24, studio.engine.config.beta, -1.0, 0, {}, {})
    with gr.Blocks():
        find = FindAlike(studio)
    studio.engine.notice = "The card is full."
    shown, well = find.answered(handlers.photo_sent, None, values, {"path": str(photo)})
    assert well
    assert "The card is full." in shown[0]
    again, well = find.answered(handlers.asked_anew, shown[-1], ("collar", *values[1:]), {})
    assert well
    assert "alert" not in again[0]
    studio.engine.notice = ""
    assert "alert" not in find.answered(handlers.photo_sent, shown[-1], values, {"path": str(photo)})[0][0]


def test_a_full_disk_is_told_and_the_photo_before_stays(studio, photo, monkeypatch):
    monkeypatch.setattr("asen_core.ui.find_alike.get_upload_folder", lambda: str(photo.parents[1]))
    monkeypatch.setattr("asen_core.ui.pictures.Pictures.finish_later", lambda self: None)
    values = ("neckline", 24, studio.engine.config.beta, -1.0, 0, {}, {})
    with gr.Blocks():
        find = FindAlike(studio)
    visit = find.answered(handlers.photo_sent, None, values, {"path": str(photo)})[0][-1]

    def full(*_):
        raise AsenError("The server has no room.")

    monkeypatch.setattr("asen_core.ui.pictures.save_layer", full)
    shown, well = find.answered(handlers.photo_sent, visit, values, {"path": str(photo)})
    assert not well
    assert "no room" in shown[0]
    assert shown[-1] is visit
    assert [visit.query.folder] == list(studio.scratch.root.iterdir())
    shown, well = find.answered(handlers.asked_anew, visit, ("collar", *values[1:]), {})
    assert not well
    assert "no room" in shown[0]
    assert list(shown[1:4]) == [gr.skip()] * 3
    assert shown[-1].query is visit.query


def test_the_folder_of_a_photo_in_use_is_not_swept(studio, photo, monkeypatch):
    monkeypatch.setattr("asen_core.ui.find_alike.get_upload_folder", lambda: str(photo.parents[1]))
    values = ("neckline", 24, studio.engine.config.beta, -1.0, 0, {}, {})
    with gr.Blocks():
        find = FindAlike(studio)
    visit = find.answered(handlers.photo_sent, None, values, {"path": str(photo)})[0][-1]
    visit.query.pictures.finish()
    os.utime(visit.query.folder, (1, 1))
    find.answered(handlers.asked_anew, visit, values, {})
    assert studio.scratch.sweep(handlers.KEPT_SECONDS) == 0
    assert visit.query.preview.is_file()


@pytest.mark.parametrize(("count", "want"), [(0, 0), (1, 1), (24, 24), (60, 60), (500, 60)])
def test_opening_spreads_over_the_gallery(studio, count, want):
    items = opening(studio, count)
    assert len({i.id for i in items}) == len(items) == want


def test_compare_shows_each_attribute(studio, photo):
    visit = sent(studio, photo)
    hit = visit.answer.matches[2]
    pair = compare(studio, visit.query, hit.item.id, visit.answer)
    assert set(pair.alike) == set(studio.attributes)
    assert pair.match is hit
    assert pair.alike["neckline"] == pytest.approx(hit.similarity, abs=1e-5)
    html = present.pair(pair, visit.query, "neckline", studio.engine.gallery.picture)
    assert html.count("<li") == len(studio.attributes)
    assert names.rarity(hit.percentile) in html
    assert compare(studio, visit.query, hit.item.id, None).match is None


class Checker(HTMLParser):
    """Pictures need an alternative text, and no text of a label may have become a tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pictures, self.tags = 0, set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "img":
            self.pictures += 1
            assert dict(attrs).get("alt"), attrs


EVIL = "<script>alert(1)</script>\"'><b onload=x>"


def test_labels_are_escaped_everywhere(studio, photo):
    visit = sent(studio, photo)
    real = studio.engine.gallery.items[0]
    item = Item(EVIL, real.image, {"neckline": EVIL, "maker": EVIL}, real.rois)
    answer = Answer(Matches("neckline", (Match(item, 0.5, 80.0),), 1), 0.5)
    shown = handlers.Visit(visit.query, answer, item.id)
    pictures = studio.engine.gallery.picture
    pair = compare(studio, visit.query, real.id, visit.answer)
    html = [
        present.results(answer, NECK, pictures, EVIL, shown.chosen),
        present.welcome([item], pictures, "neckline", 1),
        present.pair(type(pair)(item, {EVIL: 0.3}, answer.matches[0]), visit.query, "neckline", pictures),
        present.notice(EVIL),
    ]
    for part in html:
        assert "<script" not in part.lower()
        assert "script" not in Checker(part).tags


def test_every_picture_has_an_alternative_text(studio, photo):
    visit = sent(studio, photo)
    assert Checker(stage(visit.query, "neckline")).pictures == 3
    assert Checker(stage(None, "neckline")).pictures == 0
    assert Checker(intake(studio.samples)).pictures == len(studio.samples) > 0
    assert Checker(present.results(visit.answer, NECK, studio.engine.gallery.picture, "v")).pictures == 24


def test_region_tiles_show_the_region(studio):
    # a 120 x 160 picture, box 60 x 48 pixels at (30, 16): a square of 60 around it starts at (30, 10)
    path = studio.engine.gallery.picture(studio.engine.gallery.items[0])
    assert present._zoom(path, Box(0.25, 0.1, 0.75, 0.4)) == "--w:200.00%;--l:-50.00%;--t:-16.67%"
    assert present._zoom(path, None) == "--w:75.00%;--l:12.50%;--t:-0.00%"
    assert present._zoom(path.with_name("gone.webp"), None) == "--w:75.00%;--l:12.50%;--t:-0.00%"


def test_place_is_css():
    assert place(Box(0.25, 0.5, 0.75, 1)) == "left:25.00%;top:50.00%;width:50.00%;height:50.00%"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1+1", "@sum(a1)", "\t=1", "\r=1", " =1+1"])
def test_no_cell_of_the_table_is_a_formula(cell):
    item = Item(cell, "a.webp", {"neckline": cell, "maker": cell})
    answer = Answer(Matches("neckline", (Match(item, -0.25, 12.5),), 1), -0.25)
    rows = list(csv.reader(io.StringIO(table(answer))))
    assert rows[0] == ["rank", "id", "similarity", "percentile", "value", "maker", "neckline"]
    assert rows[1] == ["1", "'" + cell, "-0.2500", "12.50", "'" + cell, "'" + cell, "'" + cell]


def test_the_table_of_nothing_is_its_heading():
    empty = Answer(Matches("neckline", (), 0), None)
    assert table(empty) == "rank,id,similarity,percentile,value\r\n"
    assert address_of(empty).startswith("data:text/csv;charset=utf-8;base64,77u/")


def test_two_visitors_share_nothing(studio, photo):
    one, two = sent(studio, photo), sent(studio, photo)
    assert one.query.folder != two.query.folder
    handlers.box_drawn(studio, one, NECK, {"x0": 0, "y0": 0, "x1": 0.5, "y1": 0.5})
    assert not one.query.own_box("neckline")
    assert not two.query.own_box("neckline")


def test_scratch_clears_what_a_killed_process_left(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    old, young, other = (tmp_path / name for name in ("asen-page-old", "asen-page-young", "other"))
    for folder in (old, young, other):
        folder.mkdir()
        (folder / "photo.jpg").write_bytes(b"x")
    for folder in (old, other):
        os.utime(folder, (0, 0))
    Scratch.open()
    assert not old.exists()
    assert young.exists()
    assert other.exists()


def test_scratch_forgets_only_its_own(tmp_path):
    scratch = Scratch.open()
    outside = tmp_path / "outside"
    outside.mkdir()
    scratch.forget(outside)
    scratch.forget(scratch.root)
    assert outside.is_dir()
    assert scratch.root.is_dir()
    scratch.folder()
    assert scratch.sweep(age=3600) == 0
    assert scratch.sweep(age=-1) == 1
    assert list(scratch.root.iterdir()) == []


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.001, "< 1 %"), (0.864, "86 %"), (0.994, "99 %"), (0.999, "> 99 %"), (1, "100 %")]
)
def test_percent(share, text):
    assert names.percent(share) == text


@pytest.mark.parametrize(
    ("attribute", "value", "text"),
    [("neckline", "v", "V-neck"), ("collar", "none", "No collar"), ("sleeve", "three_quarter", "Three-quarter"),
     ("neckline", "off_shoulder", "Off-shoulder"), ("pattern", "horizontal_stripe", "Horizontal stripe"),
     ("lapel_design", "Notched", "Notched"), ("x", "", "")],
)  # fmt: skip
def test_value_names(attribute, value, text):
    assert names.value_name(attribute, value) == text


def test_every_error_of_ours_is_shown_in_one_place(studio, photo):
    for step, data in (
        (handlers.photo_sent, {"path": "/etc/passwd", "folder": str(photo.parents[1])}),
        (handlers.sample_chosen, {"index": 99}),
        (handlers.search_on, {"id": "nobody"}),
        (handlers.photo_refused, {"reason": "size"}),
    ):
        with pytest.raises(AsenError) as caught:
            step(studio, Visit(), NECK, data)
        html = present.notice(str(caught.value))
        assert 'role="alert"' in html
    assert "alert" not in present.notice()


@pytest.mark.parametrize("shared", [True, False])
def test_app_uses_a_shared_gpu_where_there_is_one(gallery, monkeypatch, shared):
    lent = []

    def gpu(duration):
        def decorate(function):
            def borrowed(*given):
                lent.append(duration)
                return function(*pickle.loads(pickle.dumps(given)))

            return borrowed

        return decorate

    fake = FakeEngine(gallery)
    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=gpu) if shared else None)
    opened = SimpleNamespace(open=lambda checkpoint, gallery: fake)
    monkeypatch.setitem(sys.modules, "asen_core.engine", SimpleNamespace(Engine=opened))
    app = runpy.run_path(str(Path(__file__).parents[1] / "app.py"), run_name="app")
    views = app["look"](np.zeros((40, 30, 3), np.uint8), None, None)
    assert set(views) == set(fake.vocabulary)
    assert pickle.loads(pickle.dumps(views)).keys() == views.keys()
    assert bool(lent) == shared
    assert app["demo"].title.endswith("Find alike")


def test_a_scratch_folder_that_vanished_is_made_again(tmp_path):
    scratch = Scratch(tmp_path / "gone")
    assert scratch.sweep(0) == 0
    assert scratch.folder().is_dir()
