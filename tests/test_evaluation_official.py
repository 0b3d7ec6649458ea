"""The published protocol on small lists: against a plain-Python oracle, stopped and resumed, and what it refuses."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_engine import FakeEngine, paint
from PIL import Image
from test_cli import call
from test_evaluation import text_of
from tiny import CONFIG, photo

from asen_core import checkpoint
from asen_core.data.labels import write_regions
from asen_core.data.official import DATASETS, Listing, read_candidates, read_queries
from asen_core.data.vocabulary import DEFAULT, FASHIONAI, REGION_OF
from asen_core.engine import Engine
from asen_core.errors import DataError, PhotoError
from asen_core.evaluation import evaluate_official, looks
from asen_core.evaluation.looks import INVISIBLE
from asen_core.evaluation.official import require_vocabulary
from asen_core.evaluation.published import references, withheld
from asen_core.models import AsenPP
from asen_core.types import Box

NAMES = tuple(FASHIONAI)
LEFT = Box(0, 0, 100, 100)
"""Of the painted photos, in pixels."""
RULER = (0, 1, 6, 10, 23, 26, 34, 41, 53, 55)
"""Golomb's: no two pairs of these degrees lie equally far apart, so that only equal vectors tie."""


class Published(FakeEngine):
    """The circle, with a benchmark's vocabulary; it may be stopped after some photos."""

    def __init__(self, vocabulary, stop: int | None = None, fingerprint: str = "fake") -> None:
        super().__init__()
        self.vocabulary, self.fingerprint, self._stop = vocabulary, fingerprint, stop

    def views(self, photos, attributes=None, batch_size=32):
        for views in super().views(photos, attributes, batch_size):
            if self._stop is not None and self.looks.total() > self._stop:
                raise KeyboardInterrupt
            yield views


def lay(data: Path, dataset: str, rows: dict[str, list[tuple[int, int, int]]], images: list[str], split: str = "test") -> Path:
    """Lists in the authors' layout; rows: "query" and "candidate" -> image, attribute, value. Returns `data`."""
    root = data / dataset
    root.mkdir(parents=True, exist_ok=True)
    (root / f"filenames_{split}.txt").write_text("\n".join(images) + "\n")
    for part, some in rows.items():
        (root / f"{part}_{split}.txt").write_text("".join(f"{i} {a} {v}\n" for i, a, v in some))
    return data


def lists(data: Path, dataset: str = "FashionAI", split: str = "test") -> tuple[Listing, Listing]:
    return read_queries(data, dataset, split), read_candidates(data, dataset, split)


def slow(queries: list[tuple], candidates: list[tuple]) -> list[float]:
    """Average precision of each query straight from its definition; (vector, value) each."""
    found = []
    for vector, value in queries:
        products = [sum(float(x) * float(y) for x, y in zip(vector, other, strict=True)) for other, _ in candidates]
        hits, total = 0, 0.0
        for place, i in enumerate(sorted(range(len(candidates)), key=lambda i: (-products[i], i)), 1):
            if candidates[i][1] == value:
                hits += 1
                total += hits / place
        found.append(total / hits if hits else 0.0)
    return found


def oracle(engine, queries: Listing, candidates: Listing) -> tuple[dict[str, list[float]], float, float]:
    """Average precisions per attribute, micro and macro, with each photo looked at on its own."""
    found: dict[str, list[float]] = {}
    for a, name in enumerate(queries.vocabulary):
        own = tuple(engine.vocabulary)[a]
        sides = [
            [(engine.look(x.path(i), [own])[own].embedding, v) for i, b, v in x.rows.tolist() if b == a]
            for x in (queries, candidates)
        ]
        if sides[0]:
            found[name] = slow(*sides)
    every = [p for some in found.values() for p in some]
    return found, sum(every) / len(every), sum(sum(s) / len(s) for s in found.values()) / len(found)


@pytest.fixture
def fashionai(tmp_path: Path) -> Path:
    """Thirty-six photos of four attributes; the collar's query has no relevant candidate."""
    rng = np.random.default_rng(0)
    rows: dict[str, list] = {"query": [], "candidate": []}
    images, marks = [], []
    for i in range(36):
        a = (0, 1, 4, 6)[i % 4]
        value = int(rng.integers(0, 3))
        part = "query" if i < 12 else "candidate"
        if a == 4:
            value = 4 if i == 2 else min(value, 2)
        images.append(f"test/Images/{NAMES[a]}_labels/{i}.png")
        paint(tmp_path / "FashionAI" / images[-1], int(rng.choice(RULER)), int(rng.integers(0, 4)), int(rng.integers(0, 4)))
        rows[part].append((i, a, value))
        if i % 3:
            marks.append((images[-1], {REGION_OF[NAMES[a]]: (Box(0, 0, 0.5, 1),)}))
    lay(tmp_path, "FashionAI", rows, images)
    write_regions(tmp_path / "FashionAI" / "regions.csv", marks)
    return tmp_path


def test_every_figure_by_hand(tmp_path):
    # Sleeves: the query at 0 degrees sees 10 (value 3), 20 (1), 30 (3), 40 (2); that at 90 has no candidate of value 5.
    angles = [0, 10, 20, 30, 40, 90]
    images = [f"test/Images/sleeve_length_labels/{i}.png" for i in range(6)]
    for name, angle in zip(images, angles, strict=True):
        paint(tmp_path / "FashionAI" / name, angle)
    rows = {"query": [(0, 1, 3), (5, 1, 5)], "candidate": [(1, 1, 3), (2, 1, 1), (3, 1, 3), (4, 1, 2)]}
    report = evaluate_official(Published(FASHIONAI), *lists(lay(tmp_path, "FashionAI", rows, images)), tmp_path / "work")
    score = report.retrieval.scores["sleeve_length"]
    assert score.map == pytest.approx((1 + 2 / 3) / 2 / 2)
    assert (score.queries, score.unanswerable, score.candidates) == (2, 1, 4)
    assert score.recalls == {1: 0.5, 10: 0.5, 100: 0.5}
    # Two of four relevant: the six orders have 1, 5/6, 3/4, 7/12, 1/2 and 5/12; the other query reaches 0 by chance too.
    assert score.chance == pytest.approx((1 + 5 / 6 + 3 / 4 + 7 / 12 + 1 / 2 + 5 / 12) / 6 / 2)
    # The fake reads value 0 everywhere, which no photo has.
    assert score.accuracy == 0
    assert score.interval == pytest.approx((0, 5 / 6))
    named = {name: (v.map, v.queries, v.photos) for name, v in score.values.items()}
    assert named == {
        "Short Sleeves": (pytest.approx(5 / 6), 1, 3),
        "Sleeveless": (None, 0, 1),
        "Cup Sleeves": (None, 0, 1),
        "3/4 Sleeves": (0, 1, 1),
    }
    assert (report.retrieval.micro, report.retrieval.macro) == (score.map, score.map)
    empty = report.retrieval.scores["pant_length"]
    assert (empty.map, empty.interval, empty.queries, empty.candidates) == (None, None, 0, 0)
    assert (report.photos, report.localisation, report.published) == (6, None, ())
    shown = text_of(report.table(values=True))
    assert "unanswerable (AP 0)" in shown
    assert "published by others" not in shown
    assert report.to_dict()["retrieval"]["unanswerable_queries"] == "count as 0"


@pytest.mark.parametrize("batch_size", [1, 5, 32])
def test_lists_against_the_oracle(fashionai, batch_size):
    engine, parts = Published(FASHIONAI), lists(fashionai)
    report = evaluate_official(engine, *parts, fashionai / "work", batch_size)
    precisions, micro, macro = oracle(engine, *parts)
    for name, found in precisions.items():
        assert report.retrieval.scores[name].map == pytest.approx(np.mean(found)), name
    assert (report.retrieval.micro, report.retrieval.macro) == (pytest.approx(micro), pytest.approx(macro))
    assert sum(s.unanswerable for s in report.retrieval.scores.values()) == sum(p == 0 for f in precisions.values() for p in f)
    assert report.retrieval.scores["collar_design"].unanswerable == 1


def test_photos_of_several_values_are_listed_once_per_value(tmp_path):
    """DeepFashion: a photo has several textures, and is query or candidate once per value; it is looked at once."""
    rng = np.random.default_rng(3)
    vocabulary = DATASETS["DeepFashion"].vocabulary
    images = [f"img/{i}.png" for i in range(30)]
    rows: dict[str, list] = {"query": [], "candidate": []}
    for i, name in enumerate(images):
        paint(tmp_path / "DeepFashion" / name, int(rng.choice(RULER)))
        part = "query" if i < 8 else "candidate"
        for a in rng.choice(5, int(rng.integers(1, 4)), replace=False).tolist():
            rows[part] += [(i, a, v) for v in rng.choice(5, int(rng.integers(1, 3)), replace=False).tolist()]
    parts = lists(lay(tmp_path, "DeepFashion", rows, images), "DeepFashion")
    engine = Published(vocabulary)
    report = evaluate_official(engine, *parts, tmp_path / "work")
    assert engine.looks.total() == report.photos == 30
    precisions, micro, macro = oracle(engine, *parts)
    assert {n: s.map for n, s in report.retrieval.scores.items() if s.queries} == pytest.approx(
        {n: np.mean(p) for n, p in precisions.items()}
    )
    assert (report.retrieval.micro, report.retrieval.macro) == (pytest.approx(micro), pytest.approx(macro))
    assert sum(s.queries for s in report.retrieval.scores.values()) == len(rows["query"])
    low, high = report.retrieval.micro_interval
    assert low <= report.retrieval.micro <= high
    for a, (name, score) in enumerate(report.retrieval.scores.items()):
        own = {i: {v for j, b, v in (*rows["query"], *rows["candidate"]) if (i, a) == (j, b)} for i in range(30)}
        # The fake reads value 0.
        assert score.accuracy == pytest.approx(np.mean([0 in values for values in own.values() if values])), name


def test_marked_regions_are_measured_and_what_is_left_out_is_counted(fashionai):
    queries, candidates = parts = lists(fashionai)
    engine = Published(FASHIONAI)
    report = evaluate_official(engine, *parts, fashionai / "work").localisation
    peaks: dict[str, list[bool]] = {}
    left = Counter()
    for i, a, value in np.concatenate([queries.rows, candidates.rows]).tolist():
        if FASHIONAI[NAMES[a]][value] == INVISIBLE:
            left["invisible"] += 1
        elif i % 3 == 0:
            left["unmarked"] += 1
        else:
            peaks.setdefault(NAMES[a], []).append(LEFT.contains(*engine.look(queries.path(i))[NAMES[a]].peak))
    assert {n: p.pointing for n, p in report.places.items() if p.photos} == {n: np.mean(f) for n, f in peaks.items()}
    assert report.left_out == (left["invisible"], left["unmarked"])
    assert left["invisible"] > 0
    assert f"{left['invisible']} labelled invisible, {left['unmarked']} without" in report.note
    assert report.places["sleeve_length"].region == "sleeve"
    assert "peak inside" in text_of(evaluate_official(engine, *parts, fashionai / "work").table())


@pytest.fixture
def small_shards(monkeypatch) -> None:
    monkeypatch.setattr(looks, "SHARD", 5)


def test_a_stopped_run_goes_on_after_its_last_shard(fashionai, small_shards):
    parts, work = lists(fashionai), fashionai / "work"
    whole = evaluate_official(Published(FASHIONAI), *parts, fashionai / "whole").to_dict()
    stopped = Published(FASHIONAI, stop=17)
    with pytest.raises(KeyboardInterrupt):
        evaluate_official(stopped, *parts, work)
    again = Published(FASHIONAI)
    report = evaluate_official(again, *parts, work)
    assert again.looks.total() == 36 - 15
    assert report.to_dict() == whole
    last = Published(FASHIONAI)
    assert evaluate_official(last, *parts, work).to_dict() == whole
    assert last.looks.total() == 0
    damaged = sorted(work.rglob("*.npz"))[3]
    damaged.write_bytes(damaged.read_bytes()[:100])
    assert evaluate_official(last, *parts, work).to_dict() == whole
    assert last.looks.total() == 5
    assert not list(work.rglob("*.part"))


@pytest.mark.parametrize("what", ["checkpoint", "list", "photo", "regions"])
def test_another_checkpoint_list_or_photo_starts_anew(fashionai, what):
    work, root = fashionai / "work", fashionai / "FashionAI"
    evaluate_official(Published(FASHIONAI), *lists(fashionai), work)
    engine = Published(FASHIONAI, fingerprint="other" if what == "checkpoint" else "fake")
    if what == "list":
        path = root / "candidate_test.txt"
        path.write_text(path.read_text().rstrip().rpartition("\n")[0] + "\n")
        names = root / "filenames_test.txt"
        names.write_text(names.read_text().rstrip().rpartition("\n")[0] + "\n")
    elif what == "photo":
        paint(root / lists(fashionai)[0].images[5], 3)
        os.utime(root / lists(fashionai)[0].images[5], (1, 1))
    elif what == "regions":
        (root / "regions.csv").unlink()
    report = evaluate_official(engine, *lists(fashionai), work)
    assert engine.looks.total() == report.photos == (35 if what == "list" else 36)
    assert (report.localisation is None) == (what == "regions")


def test_without_a_folder_nothing_is_left_behind(fashionai, monkeypatch, small_shards):
    monkeypatch.setenv("XDG_CACHE_HOME", str(fashionai / "cache"))
    with pytest.raises(KeyboardInterrupt):
        evaluate_official(Published(FASHIONAI, stop=12), *lists(fashionai))
    assert len(list((fashionai / "cache").rglob("*.npz"))) == 2
    engine = Published(FASHIONAI)
    evaluate_official(engine, *lists(fashionai))
    assert engine.looks.total() == 36 - 10
    assert [p for p in (fashionai / "cache").rglob("*") if p.is_file()] == []


def rows_of(count: int, images: int) -> np.ndarray:
    return np.array([(i % images, 1, 3) for i in range(count)], np.int32).reshape(-1, 3)


@pytest.mark.parametrize(
    ("dataset", "split", "queries", "candidates", "marks", "methods"),
    [
        ("FashionAI", "test", 3_600, 14_400, False, ["ASEN", "RPF"]),
        ("FashionAI", "valid", 3_600, 14_400, False, []),
        ("FashionAI", "test", 3_599, 14_400, False, []),
        ("FashionAI", "test", 3_600, 14_399, False, []),
        ("FashionAI", "test", 3_600, 14_400, True, []),
        ("DARN", "test", 4_292, 17_170, False, ["RPF"]),
        ("DARN", "test", 400, 1_600, False, []),
        ("DeepFashion", "test", 30_000, 90_000, False, ["RPF"]),
        ("DeepFashion", "test", 4_292, 17_170, False, []),
    ],
)
def test_published_figures_stand_beside_whole_official_lists_only(
    tmp_path, dataset, split, queries, candidates, marks, methods
):
    facts = DATASETS[dataset]
    images = tuple(map(str, range(queries + candidates)))
    asked, searched = rows_of(queries, queries), rows_of(candidates, candidates)
    searched[:, 0] += queries
    if marks:
        (tmp_path / "regions.csv").write_text("image,region,x0,y0,x1,y1\n")
    listings = [Listing(dataset, split, tmp_path, facts.vocabulary, images, rows) for rows in (asked, searched)]
    assert [p.method for p in references(*listings)] == methods


@pytest.mark.parametrize(
    ("note", "shown", "why"),
    [
        ({"lists": "authors", "split": "the lists of l", "dropped": 0}, ["ASEN", "RPF"], ""),
        ({"split": "the lists of l", "dropped": 0}, ["ASEN", "RPF"], ""),
        ({"lists": "own", "split": "the lists of l: made here", "dropped": 0}, [], "(the lists of l: made here)"),
        ({"split": "made here with seed 0; not the authors'", "dropped": 0}, [], "made here with seed 0"),
        ({"lists": "authors", "split": "the lists of l", "dropped": 1}, [], "(the lists of l; 1 listed photo dropped)"),
    ],
)
def test_published_figures_do_not_stand_beside_splits_of_our_own(tmp_path, note, shown, why):
    (tmp_path / "prepared.json").write_text(json.dumps(note))
    images, searched = tuple(map(str, range(18_000))), rows_of(14_400, 14_400)
    searched[:, 0] += 3_600
    listings = [Listing("FashionAI", "test", tmp_path, FASHIONAI, images, rows) for rows in (rows_of(3_600, 3_600), searched)]
    assert [p.method for p in references(*listings)] == shown
    assert why in withheld(*listings)
    assert bool(withheld(*listings)) != bool(shown)


def test_published_figures_do_not_stand_beside_drawn_garments_or_a_part(tmp_path):
    facts, images = DATASETS["DARN"], tuple(map(str, range(30_000)))
    asked, searched = rows_of(5_000, 5_000), rows_of(24_999, 24_999)
    searched[:, 0] += 5_000
    part = [Listing("DARN", "test", tmp_path, facts.vocabulary, images, rows) for rows in (asked, searched)]
    assert withheld(*part) == "1 of the listed photos stand in no list"
    whole = [replace(x, images=images[:-1]) for x in part]
    assert withheld(*whole) == ""
    (tmp_path / "drawn.json").write_text(json.dumps({"sizes": {}, "seed": 3}))
    drawn = [replace(x) for x in whole]
    assert withheld(*drawn) == "these are not the authors' whole lists (drawn garments, seed 3)"
    assert references(*drawn) == ()


def test_whose_lists_these_are_stands_in_the_report(fashionai):
    engine, parts = Published(FASHIONAI), lists(fashionai)
    report = evaluate_official(engine, *parts, fashionai / "work")
    (said,) = report.remarks
    assert "names 36 photos, the published list of FashionAI 18,000" in said
    found = report.to_dict()
    assert (found["lists"], found["origin"], found["dropped_photos"], found["remarks"]) == ("authors", None, 0, [said])
    about = {"lists": "own", "split": "made here [with] seed 0", "dropped": 2}
    (fashionai / "FashionAI" / "prepared.json").write_text(json.dumps(about))
    report = evaluate_official(engine, *lists(fashionai), fashionai / "work")
    assert "published protocol (made here [with] seed 0; 2 listed photos dropped), in percent" in text_of(report.table())
    found = report.to_dict()
    assert (found["lists"], found["origin"], found["dropped_photos"]) == ("own", about["split"], 2)
    assert report.remarks == ()


def test_lists_that_were_cut_are_not_measured(fashionai):
    path = fashionai / "FashionAI" / "candidate_test.txt"
    path.write_text("".join(path.read_text().splitlines(True)[:20]))
    engine = Published(FASHIONAI)
    with pytest.raises(DataError, match=r"4 of the 36 photos .* stand neither in query_test.txt nor in candidate_test.txt"):
        evaluate_official(engine, *lists(fashionai), fashionai / "work")
    assert engine.looks.total() == 0


def test_published_figures_are_labelled_as_others(fashionai, monkeypatch):
    from asen_core.evaluation import official, published

    monkeypatch.setattr(official, "references", lambda *_: published.RESULTS["FashionAI"])
    report = evaluate_official(Published(FASHIONAI), *lists(fashionai), fashionai / "work")
    shown = text_of(report.table())
    others = shown[shown.index("published by others") :].splitlines()
    assert re.search("ASEN, AAAI 2020 +│ 61[.]02 ", others[1])
    assert re.search("RPF, SIGIR 2023 +│ 70[.]11 ", others[2])
    assert report.to_dict()["published_by_others"][0] == {"method": "ASEN", "source": "AAAI 2020", "total_map": 0.6102}


@pytest.mark.parametrize(
    ("own", "says"),
    [
        (DEFAULT, "it has neckline, collar, .* and 1 more; needed are, in this order, skirt_length, sleeve_length"),
        (dict(reversed(FASHIONAI.items())), "doesn't know the attributes of FashionAI"),
        ({**FASHIONAI, "neck_design": FASHIONAI["neck_design"][:4]}, r"other values of neck_design .* \(4\), not .* \(5\)"),
        ({**FASHIONAI, "neck_design": FASHIONAI["neck_design"][::-1]}, "other values of neck_design"),
        ({}, "it has none; needed"),
    ],
)
def test_another_vocabulary_is_refused(fashionai, own, says):
    with pytest.raises(DataError, match=says):
        evaluate_official(Published(own), *lists(fashionai), fashionai / "work")
    assert not (fashionai / "work").exists()


def test_values_known_by_number_fit_any_names(fashionai):
    queries, _ = lists(fashionai)
    require_vocabulary({a: tuple(map(str, range(len(v)))) for a, v in FASHIONAI.items()}, queries)
    require_vocabulary({a.replace("_", " "): v for a, v in FASHIONAI.items()}, queries)


def test_lists_over_other_photos_are_refused(fashionai):
    queries, candidates = lists(fashionai)
    with pytest.raises(ValueError, match="same photos"):
        evaluate_official(Published(FASHIONAI), queries, replace(candidates, images=candidates.images[::-1]))


def test_an_unreadable_photo_ends_the_run(fashionai):
    queries, _ = lists(fashionai)
    queries.path(4).write_bytes(b"no photo")
    with pytest.raises(PhotoError, match=r"4\.png"):
        evaluate_official(Published(FASHIONAI), *lists(fashionai), fashionai / "work")


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A tiny checkpoint of FashionAI's vocabulary."""
    torch.manual_seed(1)
    checkpoint.save(tmp_path / "checkpoint", AsenPP(CONFIG, FASHIONAI).eval(), {}, {})
    return tmp_path / "checkpoint"


def test_the_verb_prints_what_the_oracle_finds(fashionai, trained):
    queries, _ = lists(fashionai)
    for i in range(36):
        Image.fromarray(photo(70 + i, 90 - i, i)).save(queries.path(i))
    data = ("--data", fashionai, "--work", fashionai / "work", "--checkpoint", trained, "--device", "cpu")
    found = json.loads(call("evaluate", "--dataset", "FashionAI", "--split", "test", *data, "--json").stdout)
    engine = Engine.open(trained, device="cpu")
    precisions, micro, macro = oracle(engine, *lists(fashionai))
    scores = found["retrieval"]["attributes"]
    assert {n: s["map"] for n, s in scores.items() if s["queries"]} == pytest.approx(
        {n: np.mean(p) for n, p in precisions.items()}
    )
    assert found["retrieval"]["micro_map"] == pytest.approx(micro)
    assert found["retrieval"]["macro_map"] == pytest.approx(macro)
    assert (found["checkpoint"], found["dataset"], found["split"]) == (engine.fingerprint, "FashionAI", "test")
    assert (found["photos"], found["published_by_others"]) == (36, [])
    assert {n: (s["queries"], s["candidates"]) for n, s in scores.items() if s["queries"]} == dict.fromkeys(precisions, (3, 6))
    assert found["localisation"]["attributes"]["sleeve_length"]["photos"] > 0
    assert sum(found["localisation"]["left_out"].values()) < 36
    with pytest.raises(ValueError, match="batch_size"):
        evaluate_official(engine, *lists(fashionai), fashionai / "other", batch_size=0)
    shown = call("evaluate", "--dataset", "fashionai", *data)
    assert "FashionAI test, published protocol" in shown.stdout
    assert "No published figure stands beside these: the photos have marked regions" in shown.stderr
    assert "filenames_test.txt names 36 photos, the published list of FashionAI 18,000" in shown.stderr


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda root: (root / "test/Images/skirt_length_labels/0.png").unlink(),
            "1 of the 12 photos .*skirt_length_labels/0.png",
        ),
        (
            lambda root: (root / "candidate_test.txt").write_text("13 1 9\n"),
            "1 line .*value 9 of sleeve_length is none of 0 to 8",
        ),
        (lambda root: (root / "query_test.txt").write_text("0 8 0\n99 0 0\n"), "2 lines .*attribute 8 .*image 99"),
        (lambda root: (root / "query_test.txt").unlink(), r"query_test\.txt is missing"),
        (lambda root: (root / "query_test.txt").write_text("0 0 0\n"), "11 of the 36 photos .* stand neither in query_test"),
        (lambda root: (root / "candidate_test.txt").write_text("0 0 0\n"), "A query must not find itself"),
        (lambda root: (root / "regions.csv").write_text("image\n"), r"regions\.csv lacks the column"),
    ],
)
def test_the_verb_refuses_lists_and_photos_that_do_not_fit(fashionai, trained, spoil, says):
    spoil(fashionai / "FashionAI")
    arguments = ("--data", fashionai, "--checkpoint", trained, "--work", fashionai / "work", "--json")
    result = call("evaluate", "--dataset", "FashionAI", *arguments, code=1)
    assert not result.stdout
    assert re.search(says, result.stderr), result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--dataset", "Fashion"], "There is no dataset 'Fashion'; there are FashionAI, DARN, DeepFashion"),
        (["--dataset", "DARN"], "is missing"),
        (["--dataset", "FashionAI", "--split", "train"], "There is no split 'train'"),
        (["--dataset", "FashionAI"], "doesn't know the attributes of FashionAI"),
        (["--dataset", "FashionAI", "--work", "FashionAI/query_test.txt/x"], "can't be written"),
    ],
)
def test_the_verb_refuses_what_is_not_there(fashionai, monkeypatch, trained, arguments, says):
    monkeypatch.chdir(fashionai)
    own = ["--checkpoint", trained] if "--work" in arguments else []
    assert says in call("evaluate", "--data", fashionai, *arguments, *own, code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--dataset", "FashionAI"], "needs both --dataset and --data"),
        (["--data", "."], "needs both --dataset and --data"),
        (["--dataset", "FashionAI", "--data", ".", "--labels", "l.csv"], "brings its own photos"),
        (["--dataset", "FashionAI", "--data", ".", "--robustness"], "brings its own photos"),
        (["--labels", "l.csv"], "--images"),
        (["--labels", "l.csv", "--images", ".", "--work", "w"], "needs --dataset"),
    ],
)
def test_wrong_usage_exits_with_2(arguments, says):
    result = call("evaluate", *arguments, code=2)
    assert says in " ".join(result.stderr.replace("│", " ").split())
