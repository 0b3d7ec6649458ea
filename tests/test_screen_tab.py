"""The tab that screens suspects: its steps as plain functions over a tiny engine, the rooms of cases, what it says."""

import csv
import time
import zipfile
from types import SimpleNamespace

import pytest
from screened import opened, suspects
from test_ui import Checker

from asen_core.errors import CaseError, PhotoError, QueryError
from asen_core.review.background import Standing
from asen_core.review.screening import Progress
from asen_core.review.triage import DECISIONS, OVERALL, Decision, Hit
from asen_core.ui import screen_view, triage
from asen_core.ui.caserooms import CaseRooms, Lent, Run
from asen_core.ui.scratch import Scratch
from asen_core.ui.studio import Studio
from asen_core.ui.triage import Pairing, Review, Wanted

ALL = {"percentile": 0, "attribute": "", "undecided": False}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return opened(tmp_path_factory.mktemp("home"))


@pytest.fixture
def studio(engine, tmp_path):
    scratch = Scratch(tmp_path / "scratch")
    scratch.root.mkdir()
    return Studio(engine, engine.look, scratch)


@pytest.fixture
def rooms(studio, tmp_path, monkeypatch):
    monkeypatch.setenv("ASEN_CASES", str(tmp_path / "kept" / "cases.sqlite"))
    return CaseRooms(studio, hosted=False)


def given(tmp_path, count, name="uploads", seed=50):
    folder = suspects(tmp_path / name / "a", count, seed)
    return {"paths": [str(p) for p in sorted(folder.iterdir())], "folder": str(tmp_path / name)}


def through(rooms, review):
    """Wait until the screening is over, which takes a second."""
    run, until = rooms.run(review.case), time.monotonic() + 60
    while not run.over:
        assert time.monotonic() < until
        time.sleep(0.02)
    return run


@pytest.fixture
def review(rooms, tmp_path):
    """A case with three suspects that are screened."""
    made = triage.case_made(rooms, Review(), {"name": "Winter"})
    sent = triage.suspects_sent(rooms, made, given(tmp_path, 3))
    assert through(rooms, sent).failed == ""
    return triage.filtered(rooms, sent, ALL)


def shown(review):
    among = triage.queue(review)
    at, of, number = triage.current(review, among)
    return among[at].suspect.id, of[number].item


def decide(rooms, review, decision=1, reviewer="Ann"):
    suspect, item = shown(review)
    return triage.decided(rooms, review, {"decision": decision, "reviewer": reviewer, "suspect": suspect, "item": item})


def test_from_files_to_a_queue(rooms, review, tmp_path):
    counts = review.case.counts()
    assert (counts.screened, counts.unreadable, counts.decided) == (3, 0, 0)
    assert len(triage.queue(review)) == 3
    assert not any((tmp_path / "uploads" / "a").iterdir()), "uploads are moved to where a restart finds them"
    assert rooms.waiting(review.case) == 0
    first = triage.pairings(review, triage.queue(review)[0].suspect.id)
    assert len({p.item for p in first}) == len(first) > 1
    percents = [p.hits[0].standing.percent for p in first]
    assert percents == sorted(percents, reverse=True)


def test_a_decision_is_on_all_hits_of_the_pair_and_the_next_is_shown(rooms, review):
    suspect, item = shown(review)
    after = decide(rooms, review, 2)
    pair = next(p for p in triage.pairings(after, suspect) if p.item == item)
    assert pair.decision == DECISIONS[1]
    assert {h.decision.reviewer for h in pair.hits} == {"Ann"}
    assert shown(after) != (suspect, item)
    assert "not alike" in after.said
    steps = 0
    while any(q.undecided for q in triage.queue(after)):
        before = shown(after)
        after = decide(rooms, after, 1 + steps % 4)
        steps += 1
        assert steps < 100
        assert shown(after) != before or not any(q.undecided for q in triage.queue(after))
    counts = after.case.counts()
    assert counts.decided == counts.hits > 0


def test_decisions_survive_a_reload_and_a_restart(rooms, review, studio):
    decide(rooms, review, 3)
    decided = review.case.counts().decided
    again = CaseRooms(studio, hosted=False)
    back = triage.arrived(again, Review(), {"case": "Winter", "token": "anything"})
    assert back.case.counts().decided == decided > 0
    assert triage.arrived(again, Review(), {"case": "Summer"}).case is None
    assert triage.arrived(again, Review(), {}).case is None


def test_a_late_key_decides_nothing_else(rooms, review):
    suspect, item = shown(review)
    with pytest.raises(CaseError, match="another pair"):
        triage.decided(rooms, review, {"decision": 1, "reviewer": "Ann", "suspect": suspect, "item": item + "x"})
    for odd in ({}, {"decision": 0}, {"decision": 5}, {"decision": True}, {"decision": "1"}):
        with pytest.raises(CaseError):
            triage.decided(rooms, review, {"reviewer": "Ann", "suspect": suspect, "item": item, **odd})
    with pytest.raises(CaseError, match="name"):
        decide(rooms, review, 1, "  ")
    assert review.case.counts().decided == 0


def test_arrow_keys_walk_and_stop_at_the_ends(rooms, review):
    among = [q.suspect.id for q in triage.queue(review)]
    here = triage.moved(rooms, review, {"suspects": -1})
    assert shown(here)[0] == among[0]
    for expected in (*among[1:], among[-1]):
        here = triage.moved(rooms, here, {"suspects": 1})
        assert shown(here)[0] == expected
    items = [p.item for p in triage.pairings(here, among[-1])]
    for expected in (*items[1:], items[-1]):
        here = triage.moved(rooms, here, {"items": 1})
        assert shown(here) == (among[-1], expected)
    assert shown(triage.moved(rooms, here, {"items": "far"})) == shown(here)
    assert shown(triage.shown(rooms, here, {"suspect": among[1]}))[0] == among[1]
    assert triage.moved(rooms, Review(review.room), {"suspects": 1}).case is None


def test_filters(rooms, review):
    for attribute in ("neckline", OVERALL):
        one = triage.filtered(rooms, review, {**ALL, "attribute": attribute})
        assert {h.attribute for p in triage.pairings(one, shown(one)[0]) for h in p.hits} == {attribute}
    none = triage.filtered(rooms, review, {**ALL, "percentile": 100})
    assert all(q.top.standing.percent >= 100 for q in triage.queue(none))
    done = review
    suspect = shown(review)[0]
    while shown(done)[0] == suspect:
        done = decide(rooms, done)
    rest = triage.filtered(rooms, done, {**ALL, "undecided": True})
    assert suspect not in [q.suspect.id for q in triage.queue(rest)]


@pytest.mark.parametrize(
    "data", [{}, {"percentile": "99"}, {"percentile": float("nan")}, {"percentile": -1}, {"percentile": 99, "attribute": "hem"},
             {"percentile": 99, "attribute": None}]
)  # fmt: skip
def test_odd_filters_are_refused(rooms, review, data):
    with pytest.raises(CaseError):
        triage.filtered(rooms, review, {**ALL, "attribute": "", **data} if data else {})


def test_cases_are_named_renamed_and_reopened(rooms, review):
    triage.case_renamed(rooms, review, {"name": "Winter 26"})
    assert review.room.cases.list() == ["Winter 26"]
    closed = triage.case_closed(rooms, review, {})
    assert closed.case is None
    assert triage.case_opened(rooms, closed, {"name": "Winter 26"}).case.id == review.case.id
    for step, data in ((triage.case_opened, {"name": "Spring"}), (triage.case_made, {"name": " "}),
                       (triage.case_made, {"name": "Winter 26"}), (triage.case_made, {}),
                       (triage.suspects_sent, {"paths": ["a.png"]}), (triage.continued, {}), (triage.stopped, {})):  # fmt: skip
        with pytest.raises((CaseError, PhotoError)):
            step(rooms, closed, {"folder": "/nowhere", **data})


def test_only_uploads_are_taken(rooms, review, tmp_path):
    outside = suspects(tmp_path / "outside", 1) / "00.png"
    for paths in ([str(outside)], ["/etc/passwd"], [], None, "a.png"):
        with pytest.raises((CaseError, PhotoError)):
            triage.suspects_sent(rooms, review, {"paths": paths, "folder": str(tmp_path / "uploads")})
    assert outside.exists()


def test_zips_bad_files_and_names_that_are_taken(rooms, review, tmp_path):
    more = given(tmp_path, 2, "second", seed=80)
    packed = tmp_path / "second" / "a" / "more.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(more["paths"][0], "in/one.png")
    (tmp_path / "second" / "a" / "notes.txt").write_bytes(b"notes")
    sent = triage.suspects_sent(
        rooms, review, {**more, "paths": [*more["paths"], str(packed), str(packed.parent / "notes.txt")]}
    )
    through(rooms, sent)
    counts = review.case.counts()
    assert (counts.screened, counts.unreadable) == (6, 1)
    names = [s.name for s in review.case.suspects(unreadable=False)]
    assert names.count("00.png") == 2
    assert rooms.waiting(review.case) == 0


def test_what_was_left_is_continued(rooms, review, tmp_path):
    files = rooms.keep(review.room, review.case, [suspects(tmp_path / "left", 1, seed=90) / "00.png"])
    review.case.add_sources(files)
    assert rooms.waiting(review.case) == 1
    assert "1 suspect that was given is not screened yet" in screen_view.progress(rooms, review)
    through(rooms, triage.continued(rooms, review, {}))
    assert rooms.waiting(review.case) == 0
    files[0].unlink()
    assert "nothing at" in screen_view.progress(rooms, review), "said, and the case stays open"


def test_one_screening_at_a_time_and_it_can_be_stopped(rooms, review, studio, tmp_path, monkeypatch):
    holds = {"on": True}

    def slow(*asked):
        while holds["on"]:
            time.sleep(0.01)
        return studio.engine.look(*asked)

    rooms.studio = Studio(studio.engine, slow, studio.scratch)
    sent = triage.suspects_sent(rooms, review, given(tmp_path, 20, "many", seed=100))
    with pytest.raises(CaseError, match="being screened"):
        triage.suspects_sent(rooms, review, given(tmp_path, 1, "other"))
    with pytest.raises(CaseError, match="being screened"):
        triage.continued(rooms, review, {})
    assert 'data-running="yes"' in screen_view.progress(rooms, sent)
    triage.stopped(rooms, sent, {})
    assert "stopping" in screen_view.progress(rooms, sent)
    holds["on"] = False
    run = through(rooms, sent)
    assert run.progress.done < run.progress.total
    assert rooms.waiting(review.case) == run.progress.total - run.progress.done > 0


def test_a_screening_that_fails_says_why(rooms, review, tmp_path, monkeypatch):
    rooms.studio = SimpleNamespace(
        engine=rooms.studio.engine, look=lambda *_: (_ for _ in ()).throw(QueryError("No look <b>."))
    )
    run = through(rooms, triage.suspects_sent(rooms, review, given(tmp_path, 1, "bad", seed=120)))
    assert run.failed == "No look <b>."
    assert "No look &lt;b&gt;." in screen_view.progress(rooms, review)


def test_strangers_on_a_hosted_page_see_nothing_of_each_other(studio):
    rooms = CaseRooms(studio, hosted=True)
    one = triage.case_made(rooms, triage.arrived(rooms, Review(), {}), {"name": "Mine"})
    two = triage.arrived(rooms, Review(), {"case": "Mine", "token": ""})
    assert two.room.cases.list() == []
    assert two.room.token != one.room.token
    back = triage.arrived(rooms, Review(), {"case": "Mine", "token": one.room.token})
    assert back.case.id == one.case.id
    for token in ("..", "../" + one.room.token, "/etc", 3, None, one.room.token + "/.."):
        assert triage.arrived(rooms, Review(), {"case": "Mine", "token": token}).case is None
    assert not one.room.photos.is_relative_to(studio.scratch.root), "what was sent is not among the served pictures"
    assert "seen by nobody else" in screen_view.page(rooms, back, None)


def test_the_lent_engine_sees_what_the_engine_sees(studio, tmp_path):
    from asen_core import images

    photos = [images.load(p) for p in sorted(suspects(tmp_path / "p", 2).iterdir())]
    mine, whole = list(Lent(studio).views(photos, ["neckline"])), list(studio.engine.views(photos, ["neckline"]))
    for a, b in zip(mine, whole, strict=True):
        assert a.keys() == b.keys() == {"neckline"}
        assert a["neckline"].embedding == pytest.approx(b["neckline"].embedding, abs=1e-5)
    assert list(Lent(studio).views([])) == []


def test_the_page_says_what_it_shows(rooms, review, studio):
    html = screen_view.page(rooms, review, (studio.engine.gallery.picture(studio.engine.gallery.items[0]),) * 2)
    Checker(html)
    for key, verdict in enumerate(screen_view.VERDICTS, 1):
        assert f"<kbd>{key}</kbd> {verdict}" in html
    assert "These are measurements, not a judgement" in html
    assert html.count("data-decide=") == len(DECISIONS)
    assert '<input type="checkbox" name="undecided">Undecided only' in html
    only = screen_view.page(rooms, triage.filtered(rooms, review, {**ALL, "undecided": True}), None)
    assert '<input type="checkbox" name="undecided" checked>Undecided only' in only
    lobby = screen_view.page(rooms, triage.case_closed(rooms, review, {}), None)
    assert 'data-open="Winter"' in lobby
    empty = triage.case_made(rooms, Review(), {"name": "<b>Evil</b>"})
    Checker(html := screen_view.page(rooms, empty, None))
    assert "<b>Evil" not in html
    assert "Add the suspects" in html
    assert "No hit is closer" in screen_view.page(
        rooms, Review(review.room, review.case, Wanted(100.0, "neckline", True)), None
    )
    gone = screen_view.page(rooms, review, (None, studio.engine.gallery.picture(studio.engine.gallery.items[0])))
    assert "gone or has changed" in gone


def test_the_table_holds_the_hits(rooms, review, tmp_path):
    decide(rooms, review, 4)
    rows = review.case.export_csv(tmp_path / "out.csv", 0)
    table = list(csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8-sig", newline="")))
    assert len(table) == rows == review.case.counts().hits
    assert "whitelisted" in {r["decision"] for r in table}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "5 seconds"), (12, "15 seconds"), (59.9, "60 seconds"), (60, "1 minute"), (93, "2 minutes"), (3600, "60 minutes"),
     (9000, "2.5 hours")],
)  # fmt: skip
def test_time_left_in_words(seconds, text):
    assert screen_view.duration(seconds) == text


def test_time_left_counts_only_this_run():
    run = Run(time.monotonic())
    assert run.left is None
    run.told(Progress(40, 100, 0))
    assert run.left is None
    run.began -= 10
    run.told(Progress(60, 100, 0))
    assert run.left == pytest.approx(20, rel=0.05)


def test_a_pair_is_decided_where_all_its_hits_are():
    def hit(number, decision):
        said = Decision(decision, "Ann", "2026-03-01T12:00:00+00:00") if decision else None
        return Hit(number, 1, "sleeve", 1, "item", "a.webp", 0.5, Standing(99, 100), None, said)

    assert Pairing("item", (hit(1, "alike"), hit(2, "alike"))).decision == "alike"
    assert Pairing("item", (hit(1, "alike"), hit(2, ""))).decision == ""
    assert Pairing("item", (hit(1, "alike"), hit(2, ""))).open
    assert not Pairing("item", (hit(1, "alike"), hit(2, "unsure"))).open
