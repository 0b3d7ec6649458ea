"""Evidence packs: what is in them, bytes that stay the same, the check, cases."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from evidenced import AT, encoded, jpeg, made, making
from screened import NOW, opened, suspects

from asen_core.errors import AsenError, CheckpointError, DataError, GalleryError, QueryError
from asen_core.review import evidence
from asen_core.review.background import of_gallery
from asen_core.review.cases import Cases
from asen_core.review.compare import compare
from asen_core.review.evidence import checking, packs
from asen_core.review.evidence.pair import instant, of_pairs
from asen_core.review.explain.saliency import Settings as Masks
from asen_core.review.relations import relations_of
from asen_core.review.screening import screen
from asen_core.review.triage import Settings

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return opened(tmp_path_factory.mktemp("evidence"))


@pytest.fixture(scope="module")
def pair(engine) -> evidence.Pair:
    return made(engine, [jpeg(0)], [jpeg(1)])


def test_a_pack_says_everything(engine, pair):
    decision = evidence.Decision("unsure", "B. <Jones>", "2026-01-30T09:00:00Z")
    full = replace(pair, relations=("The second photo looks like the first one mirrored.",), decisions=(decision,))
    pack = evidence.pair_pack(full, making(engine, title="Two & two", reviewer="C. Doe"), "p.json")
    found = json.loads(pack.json)
    assert (found["format"], found["kind"], found["made_at"]) == (1, "pair", "2026-01-31T10:00:00Z")
    assert (found["title"], found["reviewer"]) == ("Two & two", "C. Doe")
    assert found["model"]["fingerprint"] == engine.fingerprint
    manifest = (engine.gallery.directory / "manifest.json").read_bytes()
    assert found["gallery"] == {"sha256_of_manifest": hashlib.sha256(manifest).hexdigest(), "garments": len(engine.gallery)}
    assert found["background"]["sha256"] == of_pairs(pair.background)
    assert [d["photos"][0]["sha256"] for d in found["designs"]] == [f.facts.sha256 for f in (*pair.first, *pair.second)]
    assert found["decisions"][0]["by"] == "B. <Jones>"
    for name, feature in pair.comparison.features.items():
        stated = found["features"][name]
        assert stated["similarity"] == pytest.approx(feature.similarity, abs=1e-4)
        assert stated["any_kind"]["closer_than_percent"] == pytest.approx(feature.standing.percent, abs=1e-4)
        assert sum(stated["background"]["any"]) == len(pair.background.any)
        assert np.max(stated["attention"][0]) == 100
        assert stated["explanation"] == [None, None]
    for file in (*pair.first, *pair.second):
        assert file.data in pack.pdf, "a JPEG lies in the PDF byte for byte"
    assert pack.pdf.count(b"/FontFile2") == 3, "the typefaces are embedded"
    assert b"Helvetica" not in pack.pdf, "and no other is used"
    assert b"D:20260131100000" in pack.pdf


def test_without_pairs_and_of_a_gallery_of_one(engine, pair):
    background = replace(pair.background, any=pair.background.any[:0], same={})
    lone = replace(pair, background=background, comparison=compare(pair.comparison.first, pair.comparison.second, background))
    found = json.loads(evidence.pair_pack(lone, making(engine)).json)
    assert found["overall"]["any_kind"] is None
    assert "no pairs of other garments" in found["summary"][0]


@pytest.mark.parametrize("counts", [(7, 7), (1, 3)])
def test_several_photos_odd_names_and_panoramas(engine, counts):
    names = ("シャツ.jpg", "a & <b>.jpg", "x" * 300 + ".jpg", "שלום.jpg", "d.jpg", "e.jpg", "f.jpg")
    sizes = ((30, 120), (120, 30), (90, 60), (60, 90), (50, 50), (40, 41), (90, 60))
    sides = [[jpeg(10 * s + i, *sizes[i], names[i]) for i in range(n)] for s, n in enumerate(counts)]
    maps = {"sleeve": (np.linspace(0, 1, 35, dtype=np.float32).reshape(5, 7), None)}
    pack = evidence.pair_pack(made(engine, *sides, maps=maps, relations=("one.",) * 9), making(engine, title="T" * 400))
    found = json.loads(pack.json)
    assert [len(d["photos"]) for d in found["designs"]] == list(counts)
    assert found["designs"][0]["photos"][0]["name"] == names[0]
    assert all(f.data in pack.pdf for side in sides for f in side)
    assert np.shape(found["features"]["sleeve"]["explanation"][0]) == (5, 7)


def test_a_pair_that_does_not_fit_is_refused(pair):
    with pytest.raises(QueryError, match="1 photos but 2 files"):
        replace(pair, first=(*pair.first, *pair.first))
    for wrong in (np.full((2, 2), 1.5), np.zeros(3), np.full((2, 2), np.nan), np.zeros((0, 2))):
        with pytest.raises(QueryError, match="explanation map of sleeve"):
            replace(pair, maps={"sleeve": (wrong, None)})


def digest_of_a_pack(engine) -> str:
    maps = {"sleeve": (np.eye(4), None)}
    pair = made(engine, [jpeg(0), jpeg(2)], [jpeg(1)], maps=maps, relations=("a", "b"))
    pack = evidence.pair_pack(pair, making(engine, reviewer="R"))
    return hashlib.sha256(pack.pdf + pack.json).hexdigest()


def test_the_same_bytes_from_another_process(engine):
    """Another hash seed, another time zone, another hour: nothing of it gets in."""
    code = (
        "import sys; from pathlib import Path; from screened import opened; from test_review_evidence_packs import *\n"
        "print(digest_of_a_pack(opened(Path(sys.argv[1]))))"
    )
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    settings = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path, "TZ": "Asia/Tokyo"}
    run = [sys.executable, "-c", code, str(engine.gallery.directory.parent)]
    done = subprocess.run(run, env=settings, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == digest_of_a_pack(engine)


def test_another_date_is_another_pack(engine, pair):
    later = evidence.making(engine.gallery, (instant(AT) + timedelta(seconds=1)).isoformat())
    first, second = (evidence.pair_pack(pair, m) for m in (making(engine), later))
    assert first.pdf != second.pdf
    assert first.json != second.json


def test_both_files_appear_whole_or_not_at_all(tmp_path, engine, pair, monkeypatch):
    pack = packs.Pack(b"pdf", b"{}")
    evidence.write(pack, tmp_path / "new" / "a.pdf", tmp_path / "a.json")
    assert (tmp_path / "new" / "a.pdf").read_bytes() == b"pdf"
    with pytest.raises(QueryError, match="different names"):
        evidence.write(pack, tmp_path / "a.pdf", tmp_path / "a.pdf")
    (tmp_path / "file").write_text("")
    with pytest.raises(AsenError, match="can't be written"):
        evidence.write(pack, tmp_path / "file" / "a.pdf", tmp_path / "b.json")
    assert not [p for p in tmp_path.rglob("*") if "partial" in p.name]
    assert not (tmp_path / "b.json").exists()


def test_maps_explain_both_photos(engine, pair):
    maps = evidence.maps_of(engine, pair.comparison, Masks(masks=6))
    assert list(maps) == list(pair.comparison.features)
    for both in maps.values():
        for one in both:
            assert one is not None
            assert one.ndim == 2
            assert 0 <= one.min() <= one.max() <= 1
    assert b"%PDF" in evidence.pair_pack(replace(pair, maps=maps), making(engine)).pdf


def test_relations_name_a_mirrored_copy(engine):
    rng = np.random.default_rng(0)
    pixels = np.kron(rng.integers(0, 255, (12, 9, 3), dtype=np.uint8), np.ones((12, 12, 1), np.uint8))
    files = [evidence.of_bytes(encoded(p, "PNG"), "p.png") for p in (pixels, np.ascontiguousarray(pixels[:, ::-1]))]
    found = made(engine, files[:1], files[1:])
    assert any("mirrored" in s for s in relations_of(found.comparison))


def checked(engine, pack, first, second):
    return evidence.check(json.loads(pack.json), engine, of_gallery(engine.gallery), first, second)


def test_a_pack_is_recomputed_from_its_files(engine):
    sides = [[jpeg(0), jpeg(2)], [jpeg(1)]]
    pack = evidence.pair_pack(made(engine, *sides), making(engine))
    found = checked(engine, pack, sides[0][::-1], sides[1])
    assert found.agrees
    assert found.background
    assert len(found.figures) == 4 * (1 + len(engine.vocabulary))
    assert {f.feature for f in found.figures} == {"overall", *engine.vocabulary}


def test_a_changed_figure_is_found(engine, pair):
    stated = json.loads(evidence.pair_pack(pair, making(engine)).json)
    stated["features"]["sleeve"]["similarity"] += 0.006
    stated["overall"]["any_kind"]["closer_than_percent"] += 0.4
    found = evidence.check(stated, engine, pair.background, pair.first, pair.second)
    assert [(f.feature, f.figure) for f in found.figures if not f.agrees] == [("sleeve", "similarity")]
    assert not found.agrees
    stated["features"]["cuff"] = stated["features"]["sleeve"]
    found = evidence.check(stated, engine, pair.background, pair.first, pair.second)
    assert {f.feature for f in found.figures if not f.agrees} == {"sleeve", "cuff"}


def test_other_files_are_found(engine, pair):
    pack = evidence.pair_pack(pair, making(engine))
    found = checked(engine, pack, [jpeg(5)], pair.second)
    assert found.files == (("photo 5.jpg", False), ("photo 1.jpg", True))
    assert found.missing == ("photo 0.jpg",)
    assert found.figures == ()
    assert not found.agrees
    assert not checked(engine, pack, pair.second, pair.first).same_files, "the other way round"


def test_another_model_or_background_is_said(engine, pair):
    stated = json.loads(evidence.pair_pack(pair, making(engine)).json)
    other = replace(pair.background, any=pair.background.any[::-1] * 0.5)
    assert not evidence.check(stated, engine, other, pair.first, pair.second).background
    stated["model"]["fingerprint"] = "e" * 64
    with pytest.raises(CheckpointError, match="eeeeeeeeeeee"):
        evidence.check(stated, engine, pair.background, pair.first, pair.second)


@pytest.mark.parametrize(
    "data", ["", "[]", "{}", '{"format": 1, "kind": "pair"}', '{"format": 2, "kind": "pair"}', '{"format": 1, "kind": "case"}']
)
def test_what_is_no_pack_is_refused(tmp_path, data):
    (tmp_path / "p.json").write_text(data)
    with pytest.raises(DataError, match="evidence pack"):
        checking.read(tmp_path / "p.json")
    with pytest.raises(DataError, match="evidence pack"):
        checking.read(tmp_path / "none.json")


def test_a_case_is_written_down_and_checked(engine, tmp_path):
    cases = Cases.open(tmp_path / "cases.sqlite")
    case = cases.create("Spring", engine.gallery, Settings(hits=2), time=NOW)
    screen(engine, case, [suspects(tmp_path / "s", 3)])
    with pytest.raises(QueryError, match="Nothing was decided"):
        evidence.of_case(engine, case, making(engine))
    hits = case.hits()
    for hit, verdict in zip(hits, ("alike", "not alike", "unsure"), strict=False):
        case.decide(hit, verdict, "A. Smith", NOW, "note & <b>")
    pack = evidence.of_case(engine, case, making(engine), explain=False)
    found = json.loads(pack.json)
    assert (found["kind"], found["case"], len(found["hits"])) == ("case", "Spring", 3)
    worth = {(h.suspect, h.item) for h in (hits[0], hits[2])}
    assert len(found["pairs"]) == len(worth)
    assert found["pairs_left_out"] == 0
    fewer = json.loads(evidence.of_case(engine, case, making(engine), most=0, explain=False).json)
    assert (fewer["pairs"], fewer["pairs_left_out"]) == ([], len(worth))
    assert found["pairs"][0]["decisions"][0]["verdict"] == "alike"
    first = evidence.of_bytes(case.photo(case.suspect(hits[0].suspect)), "s.png")
    second = evidence.read(case.picture(hits[0]))
    assert checked(engine, pack, [first], [second]).agrees
    with pytest.raises(QueryError, match="None of the"):
        checked(engine, pack, [second], [first])


def test_a_case_of_another_catalogue_is_refused(engine, tmp_path):
    case = Cases.open(tmp_path / "cases.sqlite").create("c", engine.gallery, time=NOW)
    (tmp_path / "other").mkdir()
    other = opened(tmp_path / "other", items=11)
    with pytest.raises(GalleryError, match="another catalogue"):
        evidence.of_case(other, case, making(other))
