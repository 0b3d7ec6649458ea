"""The tab that compares two designs: its steps as the plain functions that they are, and what it says."""

import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import FakeEngine, FakeGallery
from PIL import Image
from screened import opened, suspects
from test_ui import Checker

from asen_core.errors import GalleryError, PhotoError, QueryError
from asen_core.review.background import Standing, of_gallery
from asen_core.review.compare import Comparison, Feature, Likeness
from asen_core.review.design import Design
from asen_core.review.evidence import check, read
from asen_core.review.explain import Reason, Saliency
from asen_core.types import Reading
from asen_core.ui import desk, figures, handlers, names, sides, why
from asen_core.ui.desk import Desk
from asen_core.ui.handlers import Visit
from asen_core.ui.pack import packed
from asen_core.ui.scratch import Scratch
from asen_core.ui.studio import Ask, Studio, samples_in


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    return FakeGallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture
def studio(gallery, tmp_path):
    engine = FakeEngine(gallery)
    samples = tmp_path / "samples"
    samples.mkdir()
    Image.new("RGB", (60, 80), "navy").save(samples / "1-blue-shirt.webp", "WEBP")
    scratch = Scratch(tmp_path / "scratch")
    scratch.root.mkdir()
    return Studio(engine, engine.look, scratch, samples_in(samples))


@pytest.fixture
def photos(tmp_path):
    """Eight photos of different greys, as they come from a visitor."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    paths = [folder / f"view-{i}.png" for i in range(8)]
    for i, path in enumerate(paths):
        pixels = np.full((400, 300, 3), 20 + 25 * i, np.uint8)
        pixels[50:200, 40 : 60 + 10 * i] = 255 - 20 * i
        Image.fromarray(pixels).save(path)
    return paths


@pytest.fixture
def standard(studio):
    return lambda: of_gallery(studio.engine.gallery)


def give(studio, standard, before, side, paths):
    data = {"side": side, "paths": [str(p) for p in paths], "folder": str(paths[0].parent)}
    return desk.photos_added(studio, standard, before, data)


@pytest.fixture
def both(studio, standard, photos):
    return give(studio, standard, give(studio, standard, Desk(), 0, photos[:1]), 1, photos[1:3])


def test_two_sides_are_compared_once_both_have_a_photo(studio, standard, photos):
    one = give(studio, standard, Desk(), 1, photos[:2])
    assert one.comparison is None
    assert [len(s) for s in one.sides] == [0, 2]
    assert studio.engine.looks == 4, "each photo is looked at as it is and mirrored"
    two = give(studio, standard, one, 0, photos[2:3])
    assert set(two.comparison.features) == set(studio.attributes)
    assert studio.engine.looks == 6
    assert len(two.relations) >= 1
    for name, feature in two.comparison.features.items():
        i, j = feature.shots
        cosine = two.sides[0][i].query.views[name].embedding @ two.sides[1][j].query.views[name].embedding
        assert feature.similarity == pytest.approx(float(cosine), abs=1e-5)


def test_what_is_kept_in_memory_is_small(studio, standard, tmp_path):
    path = tmp_path / "big.png"
    Image.new("RGB", (2000, 1000), "teal").save(path)
    sheet = give(studio, standard, Desk(), 0, [path]).sides[0][0]
    assert sheet.shot.garment.pixels.shape == (320, 640, 3)
    assert sheet.query.size == (2000, 1000)
    whole, small = sheet.query.views["neckline"].roi, sheet.shot.views["neckline"].roi
    assert small.x1 == pytest.approx(whole.x1 * 0.32)


def test_weights_change_the_overall_figure_only(studio, standard, both):
    features = both.comparison.features
    only = {a: float(a == "sleeve") for a in features}
    after = desk.weighed(studio, standard, both, {"weights": only})
    assert after.comparison.overall.similarity == pytest.approx(features["sleeve"].similarity)
    assert {a: f.similarity for a, f in after.comparison.features.items()} == {a: f.similarity for a, f in features.items()}
    assert after.sides is both.sides
    assert after.relations == both.relations
    mean = np.mean([f.similarity for f in features.values()])
    assert both.comparison.overall.similarity == pytest.approx(mean, abs=1e-5)
    more = give(studio, standard, after, 1, [after.sides[0][0].query.photo])
    assert more.weights == only, "weights outlive another view"


@pytest.mark.parametrize(
    "weights", [None, [], {"neckline": "2"}, {"neckline": -1.0}, {"hem": 1.0}, {"neckline": float("nan")}, "all zero"]
)
def test_odd_weights_are_refused(studio, standard, both, weights):
    given = dict.fromkeys(studio.attributes, 0.0) if weights == "all zero" else weights
    if given == {"hem": 1.0}:
        after = desk.weighed(studio, standard, both, {"weights": given})
        assert set(after.comparison.weights) == set(studio.attributes), "an unknown name weighs nothing"
        return
    with pytest.raises(QueryError):
        desk.weighed(studio, standard, both, {"weights": given})


def test_views_come_and_go_with_their_files(studio, standard, both, photos):
    folders = [s.query.folder for s in both.sides[1]]
    fewer = desk.photo_removed(studio, standard, both, {"side": 1, "index": 0})
    assert [s.name for s in fewer.sides[1]] == ["view-2"]
    assert [f.exists() for f in folders] == [False, True]
    empty = desk.side_cleared(studio, standard, fewer, {"side": 1})
    assert (empty.sides[1], empty.comparison, empty.relations) == ((), None, ())
    assert not folders[1].exists()
    desk.forget(studio, empty)
    assert list(studio.scratch.root.iterdir()) == []
    desk.forget(studio, None)


def test_a_sample_becomes_the_side(studio, standard, both):
    after = desk.sample_laid(studio, standard, both, {"side": 1, "index": 0})
    assert [s.name for s in after.sides[1]] == ["1-blue-shirt"]
    assert not any(s.query.folder.exists() for s in both.sides[1])


def test_at_most_seven_views_and_none_is_taken_where_one_is_bad(studio, standard, photos):
    seven = give(studio, standard, Desk(), 0, photos[:7])
    with pytest.raises(QueryError, match="7 are here and 1 were given"):
        give(studio, standard, seven, 0, photos[7:])
    folders = set(studio.scratch.root.iterdir())
    bad = photos[0].with_name("notes.txt")
    bad.write_bytes(b"these are notes")
    with pytest.raises(PhotoError, match="notes"):
        give(studio, standard, Desk(), 1, [photos[0], bad])
    assert set(studio.scratch.root.iterdir()) == folders, "what was laid before the bad photo is forgotten"


@pytest.mark.parametrize(
    ("step", "data"),
    [
        (desk.photos_added, {"side": 0, "paths": ["/etc/passwd"]}),
        (desk.photos_added, {"side": 0, "paths": []}),
        (desk.photos_added, {"side": 2, "paths": ["a.png"]}),
        (desk.photos_added, {"paths": "a.png"}),
        (desk.sample_laid, {"side": 0, "index": 9}),
        (desk.sample_laid, {"side": True, "index": 0}),
        (desk.photo_removed, {"side": 0, "index": 1}),
        (desk.photo_removed, {"side": 0, "index": True}),
        (desk.side_cleared, {}),
        (desk.photo_not_sent, {"reason": "size"}),
        (desk.photo_not_sent, {}),
    ],
)
def test_odd_questions_get_a_sentence(studio, standard, both, photos, step, data):
    with pytest.raises((PhotoError, QueryError)):
        step(studio, standard, both, {**data, "folder": str(photos[0].parent)})


def test_a_result_of_find_alike_is_laid_beside_its_photo(studio, standard, both, photos):
    sent = {"path": str(photos[3]), "folder": str(photos[3].parent)}
    visit = handlers.photo_sent(studio, Visit(), Ask("neckline"), sent)
    hit = visit.answer.matches[1].item.id
    pair = {"photo": visit.query.photo, "name": "view-3", "item": ""}
    after = desk.pair_laid(studio, standard, both, {**pair, "id": hit})
    assert [s.name for side in after.sides for s in side] == ["view-3", hit]
    assert after.sides[1][0].query.item == hit
    assert visit.query.folder.exists(), "the other tab keeps its own files"
    assert not both.sides[0][0].query.folder.exists()
    for odd in ({**pair, "id": "nobody"}, {"photo": "/etc/passwd", "id": hit}, {}):
        with pytest.raises((QueryError, GalleryError)):
            desk.pair_laid(studio, standard, after, odd)


def test_the_page_has_all_that_the_browser_shows_by_itself(studio, both):
    html = sides.page(both, studio.attributes, studio.samples)
    Checker(html)
    photos = [json.loads(unescape(t)) for t in re.findall(r'data-photos="([^"]*)"', html)]
    assert [len(p) for p in photos] == [1, 2]
    assert set(photos[1][1]["heats"]) == set(photos[1][1]["places"]) == set(studio.engine.vocabulary)
    shots = re.findall(r'data-attribute="(\w+)" data-shots="(\d),(\d)"', html)
    assert {(a, int(i), int(j)) for a, i, j in shots} == {(a, *f.shots) for a, f in both.comparison.features.items()}
    assert figures.MEASURED in html
    assert html != sides.page(both, studio.attributes, studio.samples), "the turn differs"
    empty = sides.page(Desk(), studio.attributes, studio.samples)
    assert empty.count('data-sample="0"') == 2
    assert "<table" not in empty


def test_names_of_files_are_escaped(studio, standard, photos):
    evil = photos[0].with_name("<b onload=x>'&quot;.png")
    photos[0].rename(evil)
    html = sides.page(give(studio, standard, Desk(), 0, [evil]), studio.attributes, ())
    assert "b" not in Checker(html.replace("<b>Drop", "Drop").replace("here</b>", "here")).tags


def likeness(similarity, percent, mirrored=0.0, within=None):
    return {"similarity": similarity, "mirrored": mirrored, "standing": Standing(percent, 40_000), "within": within}


@pytest.fixture
def told(both):
    """A comparison whose figures are set: neckline 99.64 %, sleeve 12 %."""
    one, two = (Design(d.name, d.shots[:1]) for d in (both.comparison.first, both.comparison.second))
    features = {
        "neckline": Feature(**likeness(0.91, 99.64, 0.9, Standing(98.0, 3100, "dress")), attribute="neckline", shots=(0, 0)),
        "sleeve": Feature(**likeness(0.2, 12.0, 0.3), attribute="sleeve", shots=(0, 0)),
    }
    return Comparison(one, two, features, Likeness(**likeness(0.5, 80.0)), {"neckline": 0.5, "sleeve": 0.5}, "60 garments")


def test_what_it_says(told):
    said = figures.sentence(told)
    assert said.startswith("Alike in <b>neckline</b>, closer than 99.6 % of 40,000 pairs.")
    assert "Mirrored, it is closer in sleeve length." in said
    assert figures.striking(told) == "neckline"
    assert figures.overall(told) == (
        "<p><b>0.50</b> alike overall <small>(all attributes weigh alike)</small>, closer than 80.0 % of 40,000 pairs</p>"
    )
    assert "with your weights" in figures.overall(replace(told, weights={"neckline": 0.7, "sleeve": 0.3}))
    dull = replace(told, features={"sleeve": told.features["sleeve"]})
    assert figures.sentence(dull).startswith("No attribute stands out; the nearest is <b>sleeve length</b>, closer than 12.0 %")
    turned = replace(told, overall=Likeness(**likeness(0.5, 80.0, 0.9)))
    assert "Mirrored, the first design is closer overall: 0.90 instead of 0.50." in figures.sentence(turned)
    alone = replace(told, features={"sleeve": replace(told.features["sleeve"], standing=None, mirrored=0.0)})
    assert figures.sentence(alone) == (
        "No attribute stands out; the nearest is <b>sleeve length</b>, 0.20 alike. Mirrored, it is no closer."
    )
    forbidden = ("infring", "copied by", "plagiar", "stolen")
    assert not any(word in figures.sentence(c).lower() for c in (told, dull, turned) for word in forbidden)


@pytest.mark.parametrize(
    ("percent", "parts"),
    [
        (99.64, ("99.6 %", "of 40,000 pairs")),
        (99.89, ("99.8 %", "of 40,000 pairs")), (99.999, ("99.99 %", "of 40,000 pairs")),
        (99.9, ("99.90 %", "of 40,000 pairs")), (100.0, ("all", "40,000 pairs")), (0.0, ("0.0 %", "of 40,000 pairs")),
        (12.3, ("12.3 %", "of 40,000 pairs")),
    ],
)  # fmt: skip
def test_percentages_are_cut_off_never_rounded_up(percent, parts):
    assert names.standing(Standing(percent, 40_000)) == parts


@pytest.mark.parametrize(("category", "name"), [("dress", "dress"), ("t_shirt", "T-shirt"), ("tank_top", "tank top")])
def test_kinds_within_a_sentence(category, name):
    assert names.kind_name(category) == name
    assert names.closer(Standing(98.05, 3100, category)) == f"closer than 98.0 % of 3,100 pairs of one kind ({name})"


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (("v", 0.9), ("v", 0.8), "both V-neck"),
        (("v", 0.9), ("round", 0.8), "V-neck · Round"),
        (("v", 0.9), ("v", 0.3), "V-neck · perhaps V-neck"),
        (None, ("v", 0.3), "not named by this model"),
    ],
)
def test_values_read(first, second, said):
    seen = [
        SimpleNamespace(condition="neckline", reading=Reading(*read) if read else None) for read in (first, second)
    ]  # fmt: skip
    assert figures.read(*seen) == said


def test_a_figure_without_pairs_is_left_out(told, both):
    bare = replace(told.features["neckline"], standing=None, within=None)
    html = figures.figures(replace(both, comparison=replace(told, features={"neckline": bare})))
    assert "no such pairs" in html
    assert "closer than" not in html.split("<table")[1].split("</table")[0]


def test_different_kinds_have_no_figure_within_one(told, both, monkeypatch):
    kinds = iter(["dress", "skirt"] * 20)
    monkeypatch.setattr(Design, "category", property(lambda self: next(kinds)))
    html = figures.figures(replace(both, comparison=told))
    assert "read as different kinds" in html


def test_explained_for_the_page(studio, standard, both):
    asked = []

    def way(first, second, reference, background):
        asked.append((first.shape, second.shape, reference.condition, background.garments))
        lying = np.zeros((4, 3), np.float32)
        lying[1, 1] = 0.5
        return Saliency("sleeve", lying, 0.4, "masks"), (
            Reason("collar", 0.8, 0.5, 0.9, None),
            Reason("sleeve", -0.1, 0, 0, None),
        )

    after = why.explained(both, way, standard(), {"attribute": "sleeve"})
    i, j = both.comparison.features["sleeve"].shots
    sizes = [side[n].shot.garment.pixels.shape for side, n in zip(both.sides, (i, j), strict=True)]
    assert asked == [(*sizes, "sleeve", 60)]
    html = why.why(after.why)
    Checker(html)
    assert f"Why they are {both.comparison.features['sleeve'].similarity:z.2f} alike in sleeve length" in html
    assert html.index("Collar") < html.index("-0.10")
    assert after.why.attention.parent == after.why.explanation.parent == both.sides[0][i].query.folder
    hot, cold = (np.asarray(Image.open(p)).astype(int) for p in (after.why.explanation, after.why.attention))
    assert hot.shape == cold.shape == sizes[0]
    assert desk.weighed(studio, standard, after, {"weights": {}}).why is after.why
    assert desk.photo_removed(studio, standard, after, {"side": 1, "index": 0}).why is None, "of another pair"
    assert why.why(None) == ""
    for odd in ({"attribute": "hem"}, {"attribute": None}, {}):
        with pytest.raises(QueryError):
            why.explained(both, way, standard(), odd)
    with pytest.raises(QueryError):
        why.explained(Desk(), way, standard(), {"attribute": "sleeve"})
    with pytest.raises(QueryError, match="nothing to put into a pack"):
        packed(Desk(), standard(), studio.engine.gallery, datetime.now(UTC))


def test_a_pack_is_the_same_when_made_again_and_its_figures_can_be_recomputed(tmp_path):
    engine = opened(tmp_path / "home")
    scratch = Scratch(tmp_path / "scratch")
    scratch.root.mkdir()
    studio = Studio(engine, engine.look, scratch)
    paths = sorted(suspects(tmp_path / "photos", 3).iterdir())
    background = of_gallery(engine.gallery)
    laid = give(studio, lambda: background, give(studio, lambda: background, Desk(), 0, paths[:2]), 1, paths[2:])
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    data = packed(laid, background, engine.gallery, now)
    assert data == packed(laid, background, engine.gallery, now)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["evidence.pdf", "evidence.json"]
        record = archive.read("evidence.json")
    files = [[read(p) for p in some] for some in (paths[:2], paths[2:])]
    verdict = check(json.loads(record), engine, background, *files)
    assert verdict.agrees
    assert {f.feature for f in verdict.figures} == {"overall", *engine.vocabulary}
