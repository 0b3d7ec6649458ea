"""Saved searches: what counts as close, what is new, and that nothing is told twice nor lost."""

from __future__ import annotations

import io
import multiprocessing
import os
import shutil
import signal
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from watched import NAMES, PIXELS, QUERY, Made, gallery, noon, told

from asen_core.engine import SHIPPED_GALLERY
from asen_core.errors import AsenError, GalleryError, QueryError
from asen_core.gallery.watches import Saved, Watches, rerun
from asen_core.gallery.watches import file as watchfile
from asen_core.gallery.watches.question import Question, Rule
from asen_core.types import Range

NECK = Question({"neckline": 1.0})
START = {"a": Made(20), "b": Made(40), "c": Made(80)}


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASEN_WATCHES", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def save(watches: Watches, name: str = "blouse", question: Question = NECK, rule: Rule | None = None) -> Saved:
    return watches.save(name, QUERY, PIXELS, question, rule or Rule(), time=noon())


def run(folder: Path, items: dict[str, Made], minute: int = 1) -> dict[str, list[str]]:
    """Index anew, ask again, tell."""
    watches = Watches.open(gallery(folder, items))
    report = watches.run(time=noon(minute))
    watches.told(report, time=noon(minute))
    assert not report.failed
    return told(report)


@pytest.mark.parametrize(
    ("rule", "value", "item", "known", "new"),
    [
        (Rule(), np.cos(np.radians(20)), "a", 0, ["near"]),  # closer than the best
        (Rule(than="b"), np.cos(np.radians(40)), "b", 1, ["near", "same", "mid"]),
        (Rule(least=0.7), 0.7, "", 2, ["near", "same", "mid"]),
        (Rule(least=0.99), 0.99, "", 0, ["near"]),
    ],
)
def test_what_counts_as_close(tmp_path, rule, value, item, known, new):
    saved = save(Watches.open(gallery(tmp_path / "g", START)), rule=rule)
    assert saved.threshold.value == pytest.approx(value, abs=1e-3)
    assert (saved.threshold.item, saved.known, saved.waiting) == (item, known, 0)
    assert run(tmp_path / "g", START) == {"blouse": []}
    more = {"near": Made(5), "same": Made(20), "mid": Made(30), "far": Made(60)}
    assert run(tmp_path / "g", START | more, 2) == {"blouse": new}


def test_a_photo_that_is_in_the_gallery_itself_is_not_the_one_to_beat(tmp_path):
    saved = save(Watches.open(gallery(tmp_path / "g", START | {"itself": Made(0)})))
    assert (saved.threshold.item, saved.known) == ("a", 1)
    assert run(tmp_path / "g", START | {"itself": Made(0), "near": Made(5)}) == {"blouse": ["near"]}


@pytest.mark.parametrize("items", [{}, {"c": Made(80, labels={"colour": "red"})}])
def test_where_nothing_passes_the_filter_anything_that_does_is_new(tmp_path, items):
    question = Question({"neckline": 1.0}, where={"colour": ["blue"]})
    start = items | {"x": Made(90, labels={"colour": "green"})}
    assert str(save(Watches.open(gallery(tmp_path / "g", start)), question=question).threshold).startswith("any")
    more = {"d": Made(85, labels={"colour": "blue"}), "e": Made(10, labels={"colour": "red"})}
    assert run(tmp_path / "g", start | more) == {"blouse": ["d"]}


@pytest.mark.parametrize(
    ("later", "new"),
    [
        (START, []),
        (START | {"d": Made(10)}, ["d"]),
        (START | {"d": Made(10), "e": Made(5)}, ["e", "d"]),
        ({k: v for k, v in START.items() if k != "a"}, []),  # one vanished
        (START | {"a": Made(20, photo="retaken")}, ["a"]),  # another picture under the same name
        (START | {"a": Made(70, photo="retaken")}, []),  # ... that is not close
        ({"z": Made(20, photo="a"), "b": Made(40), "c": Made(80)}, []),  # the same picture under another name
        (START | {"z": Made(20, photo="a")}, ["z"]),  # a second copy of it
        ({"a": Made(40, photo="b"), "b": Made(20, photo="a")}, ["b", "a"]),  # two names swapped: both have another picture
        ({}, []),
    ],
)
def test_what_is_new(tmp_path, later, new):
    save(Watches.open(gallery(tmp_path / "g", START)), rule=Rule(least=0.5))
    assert run(tmp_path / "g", later) == {"blouse": new}
    assert run(tmp_path / "g", later, 2) == {"blouse": []}, "told twice"


def test_what_vanished_is_forgotten_and_new_when_it_comes_back(tmp_path):
    save(Watches.open(gallery(tmp_path / "g", START)), rule=Rule(least=0.5))
    assert run(tmp_path / "g", {"b": Made(40)}) == {"blouse": []}
    assert [f.match.item.id for f in Watches.open(gallery(tmp_path / "g", {"b": Made(40)})).found("blouse")] == ["b"]
    assert run(tmp_path / "g", START, 3) == {"blouse": ["a"]}


def test_what_only_lost_its_label_for_a_while_is_not_told_again(tmp_path):
    question = Question({"neckline": 1.0}, where={"colour": "blue"})
    blue, red = ({"a": Made(20, labels={"colour": c}), "b": Made(70, labels={"colour": "blue"})} for c in ("blue", "red"))
    save(Watches.open(gallery(tmp_path / "g", blue)), question=question, rule=Rule(least=0.5))
    assert run(tmp_path / "g", red) == {"blouse": []}
    assert run(tmp_path / "g", blue, 2) == {"blouse": []}


def test_hits_wait_until_they_are_told(tmp_path):
    save(Watches.open(gallery(tmp_path / "g", START)))
    found = gallery(tmp_path / "g", START | {"d": Made(10)})
    first = rerun(found, time=noon(1))
    assert (first.new, told(first)) == ({"blouse": 1}, {"blouse": ["d"]})
    later = gallery(tmp_path / "g", START | {"d": Made(10), "e": Made(5)})
    watches = Watches.open(later)
    report = watches.run(time=noon(2))
    assert told(report) == {"blouse": ["e", "d"]}
    watches.told(first, time=noon(2))
    assert told(watches.run(time=noon(3))) == {"blouse": ["e"]}
    watches.told(report, time=noon(3))
    saved = watches.saved("blouse")
    assert (saved.known, saved.told, saved.waiting, saved.ran) == (0, 2, 0, "2026-03-01T12:03:00+00:00")
    assert [(f.match.item.id, f.told[-14:-6], f.known) for f in watches.found("blouse")] == [
        ("e", "12:03:00", False), ("d", "12:02:00", False)
    ]  # fmt: skip


def test_what_waits_and_vanishes_is_not_told(tmp_path):
    save(Watches.open(gallery(tmp_path / "g", START)))
    rerun(gallery(tmp_path / "g", START | {"d": Made(10)}), time=noon(1))
    assert run(tmp_path / "g", START) == {"blouse": []}


def test_thousands_of_hits_are_all_found_against_a_slow_oracle(tmp_path):
    save(Watches.open(gallery(tmp_path / "g", {"a": Made(80)})), rule=Rule(least=0.6))
    angles = np.random.default_rng(0).uniform(0, 90, 1000)
    many = {f"i{n:04d}": Made(float(a)) for n, a in enumerate(angles)}
    opened = gallery(tmp_path / "g", many)
    stored = {item.id: float(opened.vectors(item.id)[0] @ QUERY[0]) for item in opened.items}
    close = sorted((i for i, s in stored.items() if s >= 0.6), key=lambda i: (-stored[i], i))
    (news,) = Watches.open(opened).run(time=noon(1)).news
    assert len(close) > 512
    assert {h.item.id for h in news.hits} == set(close)
    assert [h.similarity for h in news.hits] == pytest.approx([stored[i] for i in close], abs=1e-6)
    assert news.close == len(close)
    assert {h.percentile for h in news.hits} != {0.0}


def test_filters_with_ranges_survive_the_file(tmp_path):
    where = {"price": Range(10, None), "colour": ["blue", "navy"], "brand": "x"}
    rows = {f"i{n}": Made(10 + n, labels={"price": str(5 * n), "colour": "blue", "brand": "x"}) for n in range(5)}
    watches = Watches.open(gallery(tmp_path / "g", rows))
    saved = save(watches, question=Question({"neckline": 1.0}, where=where), rule=Rule(least=0.5))
    assert (dict(saved.question.where), saved.known) == (where, 3)
    assert str(saved.question) == "neckline, where price is 10 or more and colour is blue or navy and brand is x"
    assert saved.rule == Rule(least=0.5)


def test_the_picture_is_kept_small_and_the_vectors_whole(tmp_path):
    watches = Watches.open(gallery(tmp_path / "g", START))
    saved = watches.save("big", QUERY, np.zeros((1000, 700, 3), np.uint8), NECK, Rule(), time=noon())
    assert Image.open(io.BytesIO(saved.picture)).size == (269, 384)
    np.testing.assert_array_equal(saved.vectors, QUERY)
    assert saved.attributes == NAMES


def test_another_checkpoint_is_said_and_renewed(tmp_path):
    save(Watches.open(gallery(tmp_path / "g", START)))
    other = gallery(tmp_path / "g", START | {"d": Made(10)}, "e" * 64)
    watches = Watches.open(other)
    report = watches.run(time=noon(1))
    assert report.news == ()
    assert "ffffffffffff" in report.failed["blouse"]
    assert 'watch renew "blouse" PHOTO' in report.failed["blouse"]
    saved = watches.renew("blouse", QUERY, PIXELS, time=noon(2))
    assert (saved.fingerprint, saved.threshold.item, saved.known) == ("e" * 64, "d", 0)
    assert told(watches.run(time=noon(3))) == {"blouse": []}


def test_one_that_fails_does_not_stop_the_others(tmp_path):
    blue = {"a": Made(20, labels={"colour": "blue"})}
    watches = Watches.open(gallery(tmp_path / "g", blue))
    save(watches, "by colour", Question({"neckline": 1.0}, where={"colour": "blue"}))
    save(watches, "any")
    report = rerun(gallery(tmp_path / "g", {"a": Made(20), "n": Made(5)}), time=noon(1))
    assert told(report) == {"any": ["n"]}
    assert "colour" in report.failed["by colour"]


@pytest.mark.parametrize(
    ("name", "question", "rule", "says"),
    [
        ("blouse", NECK, Rule(), "already"),
        ("", NECK, Rule(), "1 to 120"),
        ("two\nlines", NECK, Rule(), "one line"),
        ("n" * 121, NECK, Rule(), "1 to 120"),
        ("new", Question({"pocket": 1.0}), Rule(), "Unknown attribute 'pocket'"),
        ("new", Question({"neckline": 1.0}, where={"colour": "blue"}), Rule(), "Unknown label 'colour'"),
        ("new", NECK, Rule(than="nobody"), "no item 'nobody'"),
    ],
)
def test_what_can_not_be_saved_is_said(tmp_path, name, question, rule, says):
    watches = Watches.open(gallery(tmp_path / "g", START))
    save(watches)
    with pytest.raises(QueryError, match=says):
        save(watches, name, question, rule)
    assert [s.name for s in watches.list()] == ["blouse"]


@pytest.mark.parametrize("wrong", [{"least": 1.5}, {"least": 0.5, "than": "a"}, {"least": float("nan")}])
def test_rules_are_checked(wrong):
    with pytest.raises(QueryError, match="least similarity"):
        Rule(**wrong)


@pytest.mark.parametrize("weights", [{}, {"neckline": 0.0}, {"neckline": float("nan")}, {"neckline": -1.0}])
def test_weights_are_checked(tmp_path, weights):
    with pytest.raises(QueryError, match="weight"):
        save(Watches.open(gallery(tmp_path / "g", START)), question=Question(weights))


def test_mixtures_and_what_shall_differ(tmp_path):
    """Weights 3:1 and a limit of 0.5 in what shall differ: worked by hand."""
    items = {"a": Made(20, 59), "b": Made(0, 90)}
    watches = Watches.open(gallery(tmp_path / "g", items))
    mixed = save(watches, "mixed", Question({"neckline": 3.0, "sleeve": 1.0}))
    assert str(mixed.question) == "neckline 3 + sleeve 1"
    assert mixed.threshold.value == pytest.approx(0.75 * np.cos(np.radians(20)) + 0.25 * np.cos(np.radians(59)), abs=2e-3)
    beaten = save(watches, "than", Question({"neckline": 1.0}, {"sleeve": 0.5}), Rule(than="b"))
    assert str(beaten.question) == "neckline, unlike sleeve"
    assert beaten.threshold.value == pytest.approx(1.0, abs=2e-3)
    differ = save(watches, "differ", Question({"neckline": 1.0}, {"sleeve": 0.5}), Rule(least=0.5))
    assert (differ.known, dict(differ.threshold.unlike)) == (1, {"sleeve": 0.5})
    more = {"c": Made(10, 30), "d": Made(10, 61), "e": Made(10, 100)}
    assert run(tmp_path / "g", items | more) == {"differ": ["e", "d"], "mixed": ["c", "d"], "than": ["e"]}


def test_limits_of_the_gallery_are_kept_as_it_grows(tmp_path):
    start = {"a": Made(20, 90), "b": Made(40, 89), "c": Made(30, 10)}
    question = Question({"neckline": 1.0}, {"sleeve": None})
    limit = save(Watches.open(gallery(tmp_path / "g", start)), question=question).threshold.unlike["sleeve"]
    assert -1 <= limit < 0.5
    grown = Watches.open(gallery(tmp_path / "g", {f"i{n}": Made(n) for n in range(9)}))
    assert grown.saved("blouse").threshold.unlike == {"sleeve": limit}
    assert question.settled(grown.gallery).unlike["sleeve"] != limit


def test_a_threshold_that_a_crowd_passes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("asen_core.gallery.watches.question.MOST", 3)
    watches = Watches.open(gallery(tmp_path / "g", {f"i{n}": Made(n) for n in range(5)}))
    with pytest.raises(QueryError, match=r"3 garments and more are at least 0\.500 already"):
        save(watches, rule=Rule(least=0.5))


def test_names_list_remove(tmp_path):
    watches = Watches.open(gallery(tmp_path / "g", START))
    for name in ("b", "a"):
        save(watches, name)
    assert [s.name for s in watches.list()] == ["a", "b"]
    watches.remove("a")
    assert [s.name for s in watches.list()] == ["b"]
    for failing in (watches.remove, watches.saved, watches.found, lambda n: watches.run([n], time=noon())):
        with pytest.raises(QueryError, match="no saved search 'a'; there are: b"):
            failing("a")


def test_a_gallery_that_moves_takes_them_along(tmp_path):
    save(Watches.open(gallery(tmp_path / "g", START)))
    assert (tmp_path / "g" / "watches.sqlite").is_file()
    shutil.move(tmp_path / "g", tmp_path / "h")
    assert run(tmp_path / "h", START | {"d": Made(10)}) == {"blouse": ["d"]}


def test_one_file_for_several_galleries_keeps_them_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("ASEN_WATCHES", str(tmp_path / "mine" / "all.sqlite"))
    for name in "gh":
        save(Watches.open(gallery(tmp_path / name, START)))
    assert run(tmp_path / "g", START | {"d": Made(10)}) == {"blouse": ["d"]}
    assert run(tmp_path / "h", START) == {"blouse": []}
    assert (tmp_path / "mine" / "all.sqlite").is_file()


def test_where_the_file_lies(tmp_path, monkeypatch):
    (tmp_path / "g").mkdir()
    home = tmp_path / "data" / "alike" / "watches.sqlite"
    assert watchfile.default_path(tmp_path / "g") == tmp_path / "g" / "watches.sqlite"
    assert watchfile.default_path("milvus://host/mine") == home
    assert watchfile.default_path(SHIPPED_GALLERY) == home
    monkeypatch.setenv("ASEN_WATCHES", "x.sqlite")
    assert watchfile.default_path("milvus://host/mine") == Path.cwd() / "x.sqlite"


def test_a_gallery_on_a_cluster_has_them_in_the_users_folder_by_its_address(tmp_path):
    opened = gallery(tmp_path / "cache", START)
    opened.store.address = "milvus://host:19530/mine"
    watches = Watches.open(opened)
    save(watches)
    assert watches.path == tmp_path / "data" / "alike" / "watches.sqlite"
    assert watches.run(time=noon(1)).gallery == "milvus://host:19530/mine"
    elsewhere = gallery(tmp_path / "another-cache", START | {"d": Made(10)})
    elsewhere.store.address = opened.store.address
    assert told(rerun(elsewhere, time=noon(2))) == {"blouse": ["d"]}
    elsewhere.store.address = "milvus://host:19530/other"
    assert told(rerun(elsewhere, time=noon(2))) == {}


def test_without_saved_searches_a_run_leaves_no_file(tmp_path):
    opened = gallery(tmp_path / "g", START)
    before = sorted(p.name for p in (tmp_path / "g").iterdir())
    assert rerun(opened, time=noon()).new == {}
    assert sorted(p.name for p in (tmp_path / "g").iterdir()) == before


@pytest.mark.parametrize("spoil", ["text", "foreign", "newer"])
def test_a_file_that_is_not_ours_is_left_alone_and_named(tmp_path, spoil):
    opened = gallery(tmp_path / "g", START)
    path = tmp_path / "w.sqlite"
    if spoil == "text":
        path.write_text("not a database, but long enough to be looked at" * 40)
    else:
        if spoil == "newer":
            Watches.open(opened, path)
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE other (x)" if spoil == "foreign" else "PRAGMA user_version=9")
    before = path.read_bytes()
    with pytest.raises(GalleryError, match=r"w\.sqlite"):
        Watches.open(opened, path)
    assert path.read_bytes() == before


def _killed_while_writing(folder: Path) -> None:
    """A run that gets the hits into its transaction and dies before it ends."""
    from asen_core.gallery import Gallery
    from asen_core.gallery.watches import rows as watchrows

    kept = watchrows.keep

    def dying(*given: object) -> None:
        kept(*given)
        os.kill(os.getpid(), signal.SIGKILL)

    watchrows.keep = dying
    rerun(Gallery.open(folder), time=noon(1))


def test_a_kill_in_the_middle_loses_nothing(tmp_path):
    save(Watches.open(gallery(tmp_path / "g", START)))
    gallery(tmp_path / "g", START | {"d": Made(10)})
    child = multiprocessing.get_context("spawn").Process(target=_killed_while_writing, args=(tmp_path / "g",))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert run(tmp_path / "g", START | {"d": Made(10)}, 2) == {"blouse": ["d"]}


def test_errors_are_ours(tmp_path):
    watches = Watches.open(gallery(tmp_path / "g", START))
    with pytest.raises(AsenError, match="vectors"):
        watches.save("x", QUERY[:1], PIXELS, NECK, Rule(), time=noon())
