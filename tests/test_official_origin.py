"""Whose lists a folder holds is kept, handed on and told; what is learnt from has a digest."""

from __future__ import annotations

import json

import pytest
from test_official_prepare import authors, darn_labels, darn_raw, darn_split, fashionai, merged, put, read
from test_official_whole import own, parts

from asen_core.data.official import Preparation, check, digest, prepare, read_origin, read_train
from asen_core.errors import DataError
from asen_core.evaluation.published import references, withheld

__all__ = ["fashionai", "own"]


def test_the_origin_is_handed_on(tmp_path, fashionai, own):
    raw, _ = fashionai
    assert read_origin(own / "FashionAI").photos == {"train": 224, "valid": 28, "test": 28}
    prepare(Preparation("FashionAI", raw, tmp_path / "two", own))
    prepare(Preparation("FashionAI", raw, tmp_path / "three", tmp_path / "two"))
    origin = read_origin(tmp_path / "three" / "FashionAI")
    assert (origin.lists, origin.dataset, origin.official) == ("own", "FashionAI", False)
    assert "made here with seed 0; not the authors'" in origin.text
    put(own / "FashionAI" / "drawn.json", json.dumps({"sizes": {}, "seed": 1}))
    prepare(Preparation("FashionAI", raw, tmp_path / "four", own))
    assert read_origin(tmp_path / "four" / "FashionAI").lists == "drawn"
    split = authors(fashionai[1], tmp_path / "lists")
    prepare(Preparation("FashionAI", raw, tmp_path / "five", split))
    assert read_origin(tmp_path / "five" / "FashionAI").official
    assert not check(tmp_path / "five", "FashionAI").complete, "40 photos are not all of the published lists"


def test_what_was_dropped_is_handed_on(tmp_path):
    labels = darn_labels()
    raw = darn_raw(tmp_path / "raw", labels, gone=frozenset({"pic/3.jpg", "pic/59.jpg"}))
    split = darn_split(tmp_path / "lists", labels)
    prepare(Preparation("DARN", raw, tmp_path / "data", split, allow_missing=True))
    prepare(Preparation("DARN", raw, tmp_path / "again", tmp_path / "data"))
    origin = read_origin(tmp_path / "again" / "DARN")
    assert (origin.lists, origin.dropped, origin.official) == ("authors", 2, False)
    assert "2 listed photos dropped" in check(tmp_path / "again", "DARN").origin
    assert len(merged(read(tmp_path / "again", "DARN"))) == 58
    lists = parts(tmp_path / "again", "DARN", "test")
    assert withheld(*lists).startswith("these are not the authors' whole lists (the lists of ")
    assert withheld(*lists).endswith("; 2 listed photos dropped)")
    assert references(*lists) == ()


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ("made here with seed 0; not the authors'", "own"),
        ("list_eval_partition, made here", "own"),
        ("the lists of l", "authors"),
    ],
)
def test_folders_prepared_by_the_first_version(tmp_path, text, lists):
    put(tmp_path / "prepared.json", json.dumps({"split": text, "photos": 3, "dropped": 0}))
    origin = read_origin(tmp_path)
    assert (origin.lists, origin.text, origin.dataset, dict(origin.photos)) == (lists, text, "", {})


@pytest.mark.parametrize("name", ["prepared.json", "drawn.json"])
@pytest.mark.parametrize("text", ["{", "[]", '{"split": 3}', '{"sizes": 3}'])
def test_a_note_of_the_origin_that_cannot_be_read(own, name, text):
    if (name, text) == ("drawn.json", '{"split": 3}'):
        text = '{"sizes": [3]}'
    path = put(own / "FashionAI" / name, text)
    with pytest.raises(DataError, match=f"{path} should tell whose lists these are and can't be read"):
        read_train(own, "FashionAI")
    report = check(own, "FashionAI")
    assert (report.complete, report.mistaken) == (False, False)


def test_the_digest_is_of_everything_that_is_learnt_from(own):
    root, first = own / "FashionAI", digest(own, "FashionAI")
    assert len(first) == 16
    for name in ("label_train.txt", "filenames_train.txt"):
        (root / name).write_bytes((root / name).read_bytes().replace(b"\n", b"\r\n"))
    assert digest(own, "FashionAI") == first, "the same rows"
    names, rows = (root / n for n in ("filenames_train.txt", "label_train.txt"))
    before = names.read_text(), rows.read_text()
    names.write_text(before[0].replace("/000.jpg", "/x.jpg"))
    found = {first, digest(own, "FashionAI")}
    names.write_text(before[0])
    first_row, *more = before[1].splitlines()
    put(rows, *more, first_row)
    found.add(digest(own, "FashionAI"))
    put(rows, *more)
    found.add(digest(own, "FashionAI"))
    assert len(found) == 4
