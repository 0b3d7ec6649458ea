"""Screening: what is listed and read, the hits against a slow oracle, and what is left after a kill."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from screened import NOW, opened, suspects
from tiny import photo

from asen_core import images
from asen_core.errors import CaseError, PhotoError
from asen_core.images import LIMITS, load
from asen_core.review.background import of_gallery
from asen_core.review.cases import Cases
from asen_core.review.screening import Progress, screen
from asen_core.review.suspects import Reader, listed
from asen_core.review.triage import OVERALL, Settings

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    opened(folder)
    return folder


@pytest.fixture(scope="module")
def engine(home):
    return opened(home)


@pytest.fixture
def cases(tmp_path) -> Cases:
    return Cases.open(tmp_path / "cases.sqlite")


def png(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(photo(seed=seed)).save(file, "PNG")
    return file.getvalue()


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def figures(case) -> list[tuple]:
    """Everything that was found, without the numbers of rows."""
    named = {s.id: s for s in case.suspects()}
    rows = [(named[h.suspect].name, h.attribute, h.rank, h.item, h.similarity, h.standing, h.within) for h in case.hits()]
    return sorted(rows, key=lambda r: r[:3])


def test_hits_are_those_of_a_slow_search(engine, cases, tmp_path):
    case = cases.create("c", engine.gallery, Settings(hits=2), time=NOW)
    folder = suspects(tmp_path / "s", 3)
    assert screen(engine, case, [folder], batch_size=2) == Progress(3, 3, 0)
    gallery, background, names = engine.gallery, of_gallery(engine.gallery), engine.gallery.attributes
    spaces = np.stack([gallery.space(a) for a in names])
    for suspect in case.suspects():
        vectors = engine.embed([load(suspect.path.read_bytes())])[0]
        cosines = np.einsum("and,ad->an", spaces, vectors)
        found = case.hits(suspect)
        assert len(found) == 2 * 3
        for name, row in [*zip(names, cosines, strict=True), (OVERALL, cosines.mean(0))]:
            hits = sorted((h for h in found if h.attribute == name), key=lambda h: h.rank)
            order = np.argsort(-row)[:2]
            assert [h.item for h in hits] == [gallery.items[i].id for i in order]
            assert [h.similarity for h in hits] == pytest.approx(row[order].tolist(), abs=1e-5)
            weights = dict.fromkeys(names, 1.0) if name == OVERALL else {name: 1.0}
            assert [h.standing for h in hits] == [background.standing(h.similarity, weights) for h in hits]
            assert [h.picture for h in hits] == [gallery.items[i].image for i in order]


def test_only_the_attributes_asked_for(engine, cases, tmp_path):
    folder = suspects(tmp_path / "s", 1)
    one = cases.create("one", engine.gallery, Settings(attributes=("sleeve",)), time=NOW)
    screen(engine, one, [folder])
    assert [(h.attribute, h.rank) for h in sorted(one.hits(), key=lambda h: h.rank)] == [("sleeve", r) for r in (1, 2, 3)]
    both = cases.create("both", engine.gallery, time=NOW)
    screen(engine, both, [folder])
    assert [r for r in figures(both) if r[1] == "sleeve"] == figures(one)


def test_more_hits_than_items_are_those_that_there_are(engine, cases, tmp_path):
    case = cases.create("c", engine.gallery, Settings(hits=50), time=NOW)
    screen(engine, case, [suspects(tmp_path / "s", 1)])
    assert len(case.hits()) == 3 * len(engine.gallery)


def test_every_kind_of_file_is_screened_or_named(engine, cases, tmp_path, monkeypatch):
    folder = suspects(tmp_path / "s", 2)
    (folder / "sub").mkdir()
    (folder / "sub" / "notes.txt").write_text("not a photo")
    (folder / "sub" / "cut.png").write_bytes(png(1)[:200])
    (folder / "sub" / "empty.jpg").touch()
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / ".hidden.png").write_bytes(png(1))
    (folder / "broken.zip").write_bytes(b"PK\x03\x04 and then nothing")
    packed(
        folder / "more.zip", {"deep/x.png": png(90), "inner.zip": b"PK\x03\x04", "__MACOSX/deep/._x.png": b"no", "deep/": b""}
    )
    case = cases.create("c", engine.gallery, time=NOW)
    assert screen(engine, case, [folder], batch_size=3) == Progress(9, 9, 6)
    bad = {s.name: s.unreadable for s in case.suspects(unreadable=True)}
    assert sorted(bad) == ["broken.zip", "gone.png", "more.zip/inner.zip", "sub/cut.png", "sub/empty.jpg", "sub/notes.txt"]
    assert "is a text file" in bad["sub/notes.txt"]
    assert "damaged" in bad["sub/cut.png"]
    assert "empty" in bad["sub/empty.jpg"]
    assert "can't be read" in bad["gone.png"]
    assert "ZIP" in bad["broken.zip"]
    assert [s.name for s in case.suspects(unreadable=False)] == ["00.png", "01.png", "more.zip/deep/x.png"]
    inside = case.suspects(unreadable=False)[-1]
    assert case.photo(inside) == png(90)
    assert case.hits(inside)
    (folder / "sub" / "cut.png").write_bytes(png(2))
    assert screen(engine, case) == Progress(9, 9, 5)
    assert "sub/cut.png" not in [s.name for s in case.suspects(unreadable=True)]


def test_a_zip_writes_nothing_and_reads_no_more_than_the_limit(engine, cases, tmp_path, monkeypatch):
    place = tmp_path / "zips"
    place.mkdir()
    path = packed(place / "s.zip", {"../../out.png": png(1), "/abs.png": png(2), "bomb.png": b"\x89PNG" + bytes(20_000_000)})
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(images, "LIMITS", replace(LIMITS, bytes=1_000_000))
    monkeypatch.setattr(sys.modules["asen_core.images.load"], "LIMITS", replace(LIMITS, bytes=1_000_000))
    case = cases.create("c", engine.gallery, time=NOW)
    assert screen(engine, case, [path]) == Progress(3, 3, 1)
    (bomb,) = case.suspects(unreadable=True)
    assert (bomb.name, bomb.size, bomb.sha256) == ("bomb.png", 20_000_004, "")
    assert "at most 1 MB" in bomb.unreadable
    assert {p for p in sorted(tmp_path.rglob("*")) if "sqlite" not in p.name} == {p for p in before if "sqlite" not in p.name}
    with Reader() as reader:
        assert len(reader.read(path, "bomb.png")) == 1_000_001


def test_a_locked_or_damaged_member_is_unreadable(tmp_path):
    path = packed(tmp_path / "s.zip", {"a.png": png(1)})
    data = bytearray(path.read_bytes())
    data[data.find(b"a.png") + 60] ^= 0xFF
    path.write_bytes(bytes(data))
    with Reader() as reader:
        for member in ("a.png", "absent.png"):
            with pytest.raises(PhotoError, match="pack it again"):
                reader.read(path, member)


@pytest.mark.parametrize("what", ["absent", "empty folder", "empty zip", "broken zip", "twice"])
def test_what_can_not_be_listed(tmp_path, what):
    path = tmp_path / "s.zip"
    if what == "empty folder":
        path.mkdir()
    elif what == "empty zip":
        packed(path, {})
    elif what == "broken zip":
        path.write_bytes(b"PK\x03\x04")
    elif what == "twice":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.png", b"1")
            with pytest.warns(UserWarning, match="Duplicate"):
                archive.writestr("a.png", b"2")
    says = {"absent": "nothing at", "broken zip": "can't be opened", "twice": "would hide"}.get(what, "holds no file")
    with pytest.raises(CaseError, match=says):
        listed([path])


def test_a_file_given_in_several_ways_is_listed_once(tmp_path):
    folder = suspects(tmp_path / "s", 3)
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/odd\xff.png"))
    odd.write_bytes(png(1))
    found = listed([folder / "01.png", folder, folder, tmp_path / "s" / ".." / "s"])
    assert [e.name for e in found] == ["01.png", "00.png", "02.png", "odd\\xff.png"]


def test_odd_names_are_stored(engine, cases, tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd\xff.png")).write_bytes(png(1))
    case = cases.create("c", engine.gallery, time=NOW)
    folder = tmp_path
    screen(engine, case, [p for p in folder.iterdir() if p.suffix == ".png"])
    assert [s.name for s in case.suspects()] == ["odd\\xff.png"]
    assert len(case.screened()) == 1


def test_going_on_looks_only_at_what_is_new(engine, cases, tmp_path):
    case = cases.create("c", engine.gallery, time=NOW)
    folder = suspects(tmp_path / "s", 5)
    told: list[Progress] = []
    asked = iter([False, True])
    assert screen(engine, case, [folder], 2, told.append, lambda: next(asked)) == Progress(2, 5, 0)
    top = case.queue(percentile=0)[0].top
    case.decide(top, "alike", "Ada", NOW)
    assert screen(engine, case, batch_size=2, progress=told.append) == Progress(5, 5, 0)
    assert [t.done for t in told] == [0, 2, 2, 4, 5]
    assert case.hit(top.id).decision.decision == "alike"
    screen(engine, case, [folder])
    assert case.counts().screened == 5
    whole = cases.create("whole", engine.gallery, time=NOW)
    screen(engine, whole, [folder], batch_size=2)
    assert figures(whole) == figures(case)
    (folder / "00.png").write_bytes(png(77))
    screen(engine, case)
    assert [s.name for s in case.suspects()].count("00.png") == 2


def test_another_catalogue_or_no_suspects_are_refused(engine, cases, tmp_path):
    case = cases.create("c", engine.gallery, time=NOW)
    with pytest.raises(CaseError, match="no suspects yet"):
        screen(engine, case)
    with pytest.raises(CaseError, match="another catalogue"):
        screen(opened(tmp_path / "other", items=3), case, [suspects(tmp_path / "s", 1)])
    with pytest.raises(ValueError, match="batch_size"):
        screen(engine, case, [tmp_path / "s"], batch_size=0)


@pytest.mark.parametrize("count", [0, 1])
def test_a_catalogue_of_hardly_anything(cases, tmp_path, count):
    engine = opened(tmp_path / "small", items=count)
    case = cases.create("c", engine.gallery, time=NOW)
    screen(engine, case, [suspects(tmp_path / "s", 1)])
    assert len(case.hits()) == 3 * count
    assert all(h.standing is None and h.in_catalogue(1) is None for h in case.hits())
    assert len(case.queue()) == count


_KILLED = """
import os, signal, sys, time
from datetime import UTC, datetime
from pathlib import Path
sys.path[:0] = [{root!r}, {tests!r}]
from screened import opened
from asen_core.review.cases import Cases
from asen_core.review.screening import screen

engine, cases = opened(Path({home!r})), Cases.open({store!r})
case = cases.create("c", engine.gallery, time=datetime(2026, 3, 1, tzinfo=UTC))

def told(progress):
    if progress.done >= 4:
        for queued in case.queue(percentile=0):
            case.decide(queued.top, "alike", "Ada", datetime(2026, 3, 1, tzinfo=UTC))
            print(queued.top.id, flush=True)
    if progress.done >= 6:
        case.add = lambda found: (time.sleep(0.2), os.kill(os.getpid(), signal.SIGKILL))

screen(engine, case, [Path({folder!r})], batch_size=2, progress=told)
"""


def test_killed_it_goes_on_and_nothing_is_lost(engine, home, cases, tmp_path):
    folder = suspects(tmp_path / "s", 9)
    (folder / "03.png").write_text("no photo")
    given = {
        "root": str(ROOT),
        "tests": str(ROOT / "tests"),
        "home": str(home),
        "store": str(cases.path),
        "folder": str(folder),
    }
    done = subprocess.run([sys.executable, "-c", _KILLED.format(**given)], capture_output=True, text=True, timeout=240)
    assert done.returncode == -signal.SIGKILL, done.stderr
    decided = {int(line) for line in done.stdout.split()}
    case = cases.case("c")
    counts = case.counts()
    assert (counts.screened, counts.unreadable, counts.decided) == (5, 1, len(decided))
    assert len(decided) >= 4
    assert screen(engine, case, batch_size=2) == Progress(9, 9, 1)
    assert {number for number, _ in case.decisions()} == decided
    assert all(case.hit(number).decision.reviewer == "Ada" for number in decided)
    whole = cases.create("whole", engine.gallery, time=NOW)
    screen(engine, whole, [folder], batch_size=2)
    a, b = figures(case), figures(whole)
    assert [r[:4] for r in a] == [r[:4] for r in b]
    assert [r[4] for r in a] == pytest.approx([r[4] for r in b], abs=1e-5)
