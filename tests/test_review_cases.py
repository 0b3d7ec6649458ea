"""Cases: what is stored, ranked, decided and exported; hits are written by hand, so that every figure is known."""

from __future__ import annotations

import csv
import hashlib
import sqlite3
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from screened import NOW, opened, suspects
from tiny import VOCABULARY

from asen_core.data.labels import read_labels
from asen_core.errors import CaseError, PhotoError
from asen_core.evaluation import Columns, run
from asen_core.review import ledger
from asen_core.review.background import Standing
from asen_core.review.cases import Case, Cases
from asen_core.review.exports import HIT_COLUMNS, read_pairs
from asen_core.review.suspects import Entry
from asen_core.review.triage import Found, Hit, Settings

PICTURES: dict[str, str] = {}
"""Of the catalogue's items."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    made = opened(tmp_path_factory.mktemp("engine"))
    PICTURES.update({item.id: item.image for item in made.gallery.items})
    return made


@pytest.fixture
def cases(tmp_path: Path) -> Cases:
    return Cases.open(tmp_path / "deep" / "cases.sqlite")


def hit(item: str, percent: float | None, similarity: float = 0.9, attribute: str = "neckline", rank: int = 1) -> Hit:
    standing = None if percent is None else Standing(percent, 1000)
    return Hit(0, 0, attribute, rank, item, PICTURES.get(item, "images/00/none.webp"), similarity, standing, None)


def found(name: str, *hits: Hit, sha256: str = "", unreadable: str = "") -> Found:
    return Found(Entry(name, Path("/photos") / name, "", 10, f"10:{name}"), sha256 or f"sha-{name}", hits, "", unreadable)


def filled(cases: Cases, engine, name: str = "spring") -> Case:
    """a: 99.9 and 99.2, b: 99.9 but closer, c: 99.5, d: below the threshold, e: unreadable, f: no standing."""
    case = cases.create(name, engine.gallery, Settings(99.0), time=NOW)
    case.add([found("a", hit("item-0", 99.9, 0.90), hit("item-1", 99.2, 0.80, rank=2))])
    case.add([found("b", hit("item-0", 99.9, 0.95)), found("c", hit("item-2", 99.5, 0.99, "sleeve"))])
    case.add([found("d", hit("item-3", 98.0)), found("e", unreadable="no photo"), found("f", hit("item-4", None, 0.7))])
    return case


def names(queue) -> list[str]:
    return [q.suspect.name for q in queue]


def test_a_case_is_found_again_as_it_was(cases, engine):
    made = filled(cases, engine)
    again = Cases.open(cases.path).case("spring")
    assert again.catalogue == made.catalogue
    assert (again.catalogue.directory, again.catalogue.items) == (engine.gallery.directory, 12)
    assert again.catalogue.checkpoint == engine.fingerprint
    assert (again.settings, again.created) == (Settings(99.0), "2026-03-01T12:00:00+00:00")
    assert [s.name for s in again.suspects()] == list("abcdef")
    assert [(s.name, s.unreadable) for s in again.suspects(unreadable=True)] == [("e", "no photo")]
    counts = again.counts()
    assert (counts.screened, counts.unreadable, counts.hits, counts.decided) == (5, 1, 6, 0)


def test_names_are_unique_renamed_and_deleted(cases, engine):
    filled(cases, engine)
    other = cases.create(" autumn ", engine.gallery, time=NOW)
    assert cases.list() == ["autumn", "spring"]
    with pytest.raises(CaseError, match="already"):
        cases.create("spring", engine.gallery, time=NOW)
    with pytest.raises(CaseError, match="already"):
        cases.rename("autumn", "spring")
    cases.rename("autumn", "winter")
    assert (cases.list(), other.name) == (["winter", "spring"], "winter")
    cases.rename("winter", "winter")
    cases.delete("spring")
    assert cases.list() == ["winter"]
    with pytest.raises(CaseError, match="there are: winter"):
        cases.case("spring")
    with sqlite3.connect(cases.path) as db:
        assert [db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("suspects", "hits", "decisions")] == [0, 0, 0]


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "two\nlines"])
def test_names_that_are_none(cases, engine, name):
    with pytest.raises(CaseError, match="needs a name"):
        cases.create(name, engine.gallery, time=NOW)


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"percentile": 101}, "between 0 and 100"), ({"percentile": float("nan")}, "between"), ({"hits": 0}, "1 hit")],
)
def test_settings_that_are_none(settings, says):
    with pytest.raises(CaseError, match=says):
        Settings(**settings)


def test_a_setting_for_an_attribute_that_the_catalogue_lacks(cases, engine):
    with pytest.raises(CaseError, match="Unknown attribute colour"):
        cases.create("x", engine.gallery, Settings(attributes=("colour",)), time=NOW)


def test_the_queue_is_ranked_by_percentile_then_similarity(cases, engine):
    case = filled(cases, engine)
    queue = case.queue()
    assert names(queue) == ["b", "a", "c", "f"]
    assert [(q.top.item, q.hits, q.undecided) for q in queue] == [
        ("item-0", 1, 1), ("item-0", 2, 2), ("item-2", 1, 1), ("item-4", 1, 1)
    ]  # fmt: skip
    assert names(case.queue(percentile=0)) == ["b", "a", "c", "d", "f"]
    assert names(case.queue(percentile=99.6)) == ["b", "a", "f"]
    assert names(case.queue(percentile=99.9)) == ["b", "a", "f"]
    assert names(case.queue(attribute="sleeve")) == ["c"]
    assert names(case.queue(attribute="overall")) == []
    assert names(case.queue(limit=2, offset=1)) == ["a", "c"]


def test_undecided_come_first_and_rank_by_what_is_open(cases, engine):
    case = filled(cases, engine)
    by = {(q.suspect.name): q for q in case.queue()}
    case.decide(by["b"].top, "not alike", "Ada", NOW)
    case.decide(by["a"].top, "unsure", "Ada", NOW)
    queue = case.queue()
    assert names(queue) == ["c", "a", "f", "b"]
    assert [(q.top.item, q.undecided, q.hits) for q in queue][1] == ("item-1", 1, 2)
    assert queue[-1].top.decision.decision == "not alike"
    assert names(case.queue(undecided_only=True)) == ["c", "a", "f"]


def test_hits_of_a_suspect_come_back_as_stored(cases, engine):
    case = filled(cases, engine)
    a = case.suspects()[0]
    first, second = case.hits(a)
    assert (first.item, first.similarity, first.standing) == ("item-0", 0.9, Standing(99.9, 1000))
    assert (second.rank, second.standing.percent, second.within, second.decision) == (2, 99.2, None, None)
    assert case.hits(a, percentile=99.5) == [first]
    assert case.hit(second.id) == second
    assert case.suspect(a.id) == a
    assert len(case.hits()) == 6
    assert case.picture(first).is_file()
    # 0.999 to the power of 12: the closest of twelve
    assert first.in_catalogue(12) == pytest.approx(98.806578)
    for what in (lambda: case.hit(999), lambda: case.suspect(999)):
        with pytest.raises(CaseError, match="no"):
            what()


def test_the_last_decision_counts_and_all_are_kept(cases, engine):
    case = filled(cases, engine)
    (top,) = case.hits(case.suspects()[1])
    east = timezone(timedelta(hours=2))
    case.decide(top, "alike", " Ada ", NOW, "same cut")
    case.decide(top.id, "unsure", "Bob", datetime(2026, 3, 2, 1, tzinfo=east))
    last = Cases.open(cases.path).case("spring").hit(top.id).decision
    assert (last.decision, last.reviewer, last.time, last.inherited) == ("unsure", "Bob", "2026-03-01T23:00:00+00:00", False)
    said = [(d.decision, d.reviewer, d.note) for _, d in case.decisions(top)]
    assert said == [("alike", "Ada", "same cut"), ("unsure", "Bob", "")]
    assert len(case.decisions()) == 2
    assert case.counts().decided == 1


@pytest.mark.parametrize(
    ("decision", "reviewer", "time", "says"),
    [
        ("copied", "Ada", NOW, "one of alike, not alike, unsure, whitelisted"),
        ("alike", " ", NOW, "reviewer's name"),
        ("alike", "Ada", datetime(2026, 1, 1), "no zone"),
    ],
)
def test_decisions_that_are_refused(cases, engine, decision, reviewer, time, says):
    case = filled(cases, engine)
    with pytest.raises(CaseError, match=says):
        case.decide(case.hits()[0], decision, reviewer, time)
    assert case.decisions() == []


def test_several_at_once_are_decided_together_or_not_at_all(cases, engine):
    case = filled(cases, engine)
    a = case.hits(case.suspects()[0])
    with pytest.raises(CaseError, match="Nothing was decided"):
        case.decide([a[0].id, 999], "alike", "Ada", NOW)
    assert case.decisions() == []
    case.decide(a, "alike", "Ada", NOW)
    case.decide([], "alike", "Ada", NOW)
    assert [number for number, _ in case.decisions()] == [h.id for h in a]


def test_a_hit_of_another_case_is_not_decided(cases, engine):
    first, second = filled(cases, engine, "one"), filled(cases, engine, "two")
    with pytest.raises(CaseError, match="has no hit"):
        second.decide(first.hits()[0], "alike", "Ada", NOW)


def test_whitelisted_pairs_are_known_in_all_cases_of_the_catalogue(cases, engine, tmp_path):
    first, second = filled(cases, engine, "one"), filled(cases, engine, "two")
    elsewhere = filled(cases, opened(tmp_path / "other", items=11), "other catalogue")
    a1, a2 = (case.hits(case.suspects()[0])[0] for case in (first, second))
    first.decide(a1, "whitelisted", "Ada", NOW, "licensed")
    known = second.hit(a2.id).decision
    assert (known.decision, known.reviewer, known.note, known.inherited) == ("whitelisted", "Ada", "licensed", True)
    assert second.decisions() == []
    assert {q.suspect.name: q.undecided for q in second.queue()}["a"] == 1
    assert all(h.decision is None for h in elsewhere.hits())
    second.decide(a2, "alike", "Bob", NOW)  # a hit's own decision counts more
    assert second.hit(a2.id).decision.decision == "alike"
    cases.delete("one")
    assert filled(cases, engine, "three").hits()[1].decision.decision == "whitelisted"


def test_whitelisting_ends_with_its_last_hit(cases, engine):
    first, second = filled(cases, engine, "one"), filled(cases, engine, "two")
    a1, a2 = (case.hits(case.suspects()[0])[0] for case in (first, second))
    first.decide(a1, "whitelisted", "Ada", NOW)
    second.decide(a2, "whitelisted", "Bob", NOW)
    first.decide(a1, "unsure", "Ada", NOW)
    third = filled(cases, engine, "three")
    a3 = third.hits(third.suspects()[0])[0]
    assert a3.decision.decision == "whitelisted"
    second.decide(a2, "alike", "Bob", NOW)
    assert third.hit(a3.id).decision is None


def test_several_threads_lose_nothing(cases, engine):
    case = filled(cases, engine)
    numbers, faults = [h.id for h in case.hits()], []

    def decide(who: str) -> None:
        try:
            for number in numbers * 5:
                Cases.open(cases.path).case("spring").decide(number, "alike", who, NOW)
                case.queue()
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=decide, args=(who,)) for who in ("Ada", "Bob", "Cy")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(case.decisions()) == 3 * 5 * len(numbers)


def test_adding_the_same_file_again_keeps_its_decisions(cases, engine):
    case = filled(cases, engine)
    (top,) = case.hits(case.suspects()[1])
    case.decide(top, "alike", "Ada", NOW)
    case.add([found("b", hit("item-7", 99.0))])
    assert case.hits(case.suspects()[1])[0].decision.decision == "alike"
    case.add([found("e", hit("item-5", 99.4), sha256="now readable")])
    assert case.suspects(unreadable=True) == []
    case.add([])
    assert case.counts().screened == 6


def test_the_table_of_hits(cases, engine, tmp_path):
    case = filled(cases, engine)
    case.add([found("=cmd", hit("item-5", 99.7))])
    case.decide(case.hits(case.suspects()[0])[0], "alike", "Ada", NOW, "@note")
    path = tmp_path / "out" / "hits.csv"
    assert case.export_csv(path, 99.0) == 6
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == HIT_COLUMNS
    assert [r["suspect"] for r in rows] == ["b", "a", "'=cmd", "c", "a", "f", "e"]
    row = rows[1]
    assert (row["similarity"], row["closer_than_percent_of_pairs"], row["pairs"]) == ("0.900000", "99.9000", "1000")
    assert (row["decision"], row["reviewer"], row["time"], row["note"]) == (
        "alike",
        "Ada",
        "2026-03-01T12:00:00+00:00",
        "'@note",
    )
    assert (rows[-1]["unreadable"], rows[-1]["attribute"], rows[-2]["pairs"]) == ("no photo", "", "")


def screened(cases: Cases, engine, folder: Path, count: int = 12) -> Case:
    """Real files, each with a neckline hit on the item of its number and, above, an overall one."""
    case, hits = cases.create("files", engine.gallery, time=NOW), []
    for i, path in enumerate(sorted(suspects(folder, count).iterdir())):
        own = (hit(f"item-{i}", 99.5), hit("item-0", 99.6, attribute="overall"))
        entry = Entry(path.name, path, "", path.stat().st_size, str(i))
        hits.append(Found(entry, _digest(path), own))
    case.add(hits)
    return case


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_training_pairs_are_read_back_and_the_evaluator_takes_the_groups(cases, engine, tmp_path):
    case = screened(cases, engine, tmp_path / "photos")
    for i, suspect in enumerate(case.suspects()):
        own = next(h for h in case.hits(suspect) if h.attribute == "neckline")
        case.decide(own, "not alike" if i == 3 else "alike", "Ada", NOW)
    case.decide([h for h in case.hits() if h.attribute == "overall"][:2], "alike", "Bob", NOW)
    made = case.export_training(tmp_path / "out")
    assert (made.pairs, made.photos, made.columns, made.contradicted) == (14, 24, {"neckline_alike": "neckline"}, ())

    pairs = read_pairs(tmp_path / "out" / "pairs.csv")
    assert len(pairs) == 14
    assert [p.alike for p in pairs if p.attribute == "neckline"].count(False) == 1
    assert {p.decided_by for p in pairs if p.attribute == "overall"} == {"Bob"}
    assert all((tmp_path / "out" / "images" / photo).is_file() for p in pairs for photo in (p.anchor, p.other))

    photos = read_labels(tmp_path / "out" / "labels.csv", tmp_path / "out" / "images")
    groups = {p.key: p.labels["neckline_alike"] for p in photos}
    assert all((groups[p.anchor] == groups[p.other]) == p.alike for p in pairs if p.attribute == "neckline")
    assert len(set(groups.values())) == 13
    measure = Columns(VOCABULARY, photos, made.columns)
    run(engine, [measure])
    score = measure.report().retrieval.scores["neckline_alike"]
    assert 0 < score.queries <= 22
    assert "--column neckline_alike:neckline" in made.command


def test_decisions_that_contradict_each_other_make_no_group(cases, engine, tmp_path):
    case = cases.create("files", engine.gallery, time=NOW)
    paths = sorted(suspects(tmp_path / "photos", 3).iterdir())
    said = {0: ("alike", "alike"), 1: ("alike", "not alike"), 2: ("alike", None)}  # under item-0, item-1; 2: item-2 alone
    for i, path in enumerate(paths):
        items = ("item-0", "item-1") if i < 2 else ("item-2",)
        own = tuple(hit(item, 99.5, rank=r) for r, item in enumerate(items, 1))
        case.add([Found(Entry(path.name, path, "", 1, str(i)), _digest(path), own)])
        for h, d in zip(sorted(case.hits(case.suspects()[-1]), key=lambda h: h.rank), said[i], strict=False):
            case.decide(h, d, "Ada", NOW)
    made = case.export_training(tmp_path / "out")
    assert len(made.contradicted) == 1
    photos = read_labels(tmp_path / "out" / "labels.csv", tmp_path / "out" / "images")
    assert sorted(p.labels.get("neckline_alike", "") for p in photos) == ["", "", "", "", "group-1", "group-1"]
    assert len(read_pairs(tmp_path / "out" / "pairs.csv")) == 5


def test_training_is_refused_on_what_is_not_whole(cases, engine, tmp_path):
    case = screened(cases, engine, tmp_path / "photos", 2)
    with pytest.raises(CaseError, match="no hit is decided"):
        case.export_training(tmp_path / "none")
    first, second = case.suspects()
    case.decide(case.hits(first), "alike", "Ada", NOW)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(CaseError, match="holds something"):
        case.export_training(tmp_path / "full")
    assert case.photo(first) == first.path.read_bytes()
    first.path.write_bytes(second.path.read_bytes())
    with pytest.raises(CaseError, match="not the file that was screened"):
        case.export_training(tmp_path / "changed")
    first.path.unlink()
    with pytest.raises(PhotoError, match="can't be read"):
        case.photo(first)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("anchor,positive\n", "lacks the column"),
        ("anchor,positive,negative,attribute,decided_by,time\na,b,c,neckline,Ada,t\n", "row 2"),
        ("anchor,positive,negative,attribute,decided_by,time\na,,,neckline,Ada,t\n", "row 2"),
        ("anchor,positive,negative,attribute,decided_by,time\na,b,,,Ada,t\n", "row 2"),
    ],
)
def test_pairs_that_can_not_be_read(tmp_path, text, says):
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(CaseError, match=says):
        read_pairs(path)


def test_files_that_hold_no_cases(tmp_path):
    text = tmp_path / "text.sqlite"
    text.write_bytes(b"not a database at all" * 100)
    with pytest.raises(CaseError, match="can't be used"):
        Cases.open(text)
    with sqlite3.connect(tmp_path / "other.sqlite") as db:
        db.execute("CREATE TABLE mine (x)")
    with pytest.raises(CaseError, match="another program"):
        Cases.open(tmp_path / "other.sqlite")
    newer = Cases.open(tmp_path / "newer.sqlite")
    with sqlite3.connect(newer.path) as db:
        db.execute("PRAGMA user_version=2")
    with pytest.raises(CaseError, match="update the program"):
        Cases.open(newer.path)
    (tmp_path / "file").touch()
    with pytest.raises(CaseError, match="can't be made"):
        Cases.open(tmp_path / "file" / "cases.sqlite")


def test_where_cases_live(monkeypatch, tmp_path):
    monkeypatch.delenv("ASEN_CASES", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert ledger.default_path() == tmp_path / "alike" / "cases.sqlite"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ledger.default_path() == tmp_path / ".local" / "share" / "alike" / "cases.sqlite"
    monkeypatch.setenv("ASEN_CASES", str(tmp_path / "mine.sqlite"))
    assert Cases.open().path == tmp_path / "mine.sqlite"


def test_a_deleted_case_says_so(cases, engine):
    case = filled(cases, engine)
    cases.delete("spring")
    with pytest.raises(CaseError, match="was deleted"):
        _ = case.name
