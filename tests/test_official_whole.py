"""Lists that read well and are wrong all the same: cut ones, another benchmark's, photos of two splits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from test_official_prepare import authors, darn_labels, darn_raw, darn_split, fashionai, put

from asen_core.data.official import (
    DATASETS,
    Preparation,
    check,
    digest,
    folder_of,
    prepare,
    read_candidates,
    read_origin,
    read_queries,
    read_train,
    read_vocabulary,
    remarks,
    require_apart,
    require_whole,
)
from asen_core.errors import DataError
from asen_core.training import load_recipe
from asen_core.training.source import open_source

__all__ = ["fashionai"]
CPU = torch.device("cpu")


def cut(path: Path, keep: int) -> None:
    put(path, *path.read_text().splitlines()[:keep])


def change(path: Path, **known: object) -> None:
    put(path, json.dumps(json.loads(path.read_text()) | known))


@pytest.fixture
def own(tmp_path: Path, fashionai: tuple) -> Path:
    """A split of our own of 280 photos: 224 to train on, 14 queries and 14 candidates in valid and test."""
    prepare(Preparation("FashionAI", fashionai[0], tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def darn(tmp_path: Path) -> Path:
    """DARN with lists like the authors': 30 photos to train on, 3 asking and 12 candidates in valid and test."""
    split = darn_split(tmp_path / "lists", darn_labels())
    prepare(Preparation("DARN", darn_raw(tmp_path / "raw", darn_labels()), tmp_path / "data", split))
    return tmp_path / "data"


def parts(data: Path, dataset: str, split: str) -> tuple:
    return read_queries(data, dataset, split), read_candidates(data, dataset, split)


@pytest.mark.parametrize(
    ("file", "keep", "says"),
    [
        (
            "label_train",
            20,
            r"204 of the 224 photos that .*filenames_train.txt names don't stand in label_train.txt: train/Images/",
        ),
        (
            "candidate_test",
            9,
            r"5 of the 28 photos .*filenames_test.txt names stand neither in query_test.txt nor in candidate_test",
        ),
        (
            "query_valid",
            1,
            r"13 of the 28 photos .*filenames_valid.txt names stand neither in query_valid.txt nor in candidate_v",
        ),
    ],
)
def test_a_list_that_was_cut_is_refused_everywhere(tmp_path, fashionai, own, file, keep, says):
    cut(own / "FashionAI" / f"{file}.txt", keep)
    report = check(own, "FashionAI")
    assert not report.complete
    refused = {s.file for s in report.lists if s.fault}
    split = file.rpartition("_")[2]
    assert refused == ({"label_train.txt"} if split == "train" else {f"query_{split}.txt", f"candidate_{split}.txt"})
    with pytest.raises(DataError, match=says):
        require_whole(*([read_train(own, "FashionAI")] if split == "train" else parts(own, "FashionAI", split)))
    with pytest.raises(DataError, match=says):
        prepare(Preparation("FashionAI", fashionai[0], tmp_path / "again", own))
    assert not (tmp_path / "again").exists()
    if split != "test":
        with pytest.raises(DataError, match=says):
            open_source(load_recipe("paper_fashionai"), own, CPU)


def test_lists_cut_alike_are_told_by_what_made_them(own):
    root = own / "FashionAI"
    cut(root / "filenames_test.txt", 20)
    for name in ("query_test", "candidate_test"):
        rows = (root / f"{name}.txt").read_text().splitlines()
        put(root / f"{name}.txt", *(r for r in rows if int(r.split()[0]) < 20))
    says = "filenames_test.txt names 20 photos; it was made with 28. Delete the lists of .* and make them again"
    with pytest.raises(DataError, match=says):
        require_whole(*parts(own, "FashionAI", "test"))
    report = check(own, "FashionAI")
    assert {s.file for s in report.lists if "names 20 photos" in s.fault} == {
        "filenames_test.txt", "query_test.txt", "candidate_test.txt",
    }  # fmt: skip
    # Without a word of who made them they should be the authors', and are too few.
    (root / "prepared.json").unlink()
    report = check(own, "FashionAI")
    assert (report.complete, report.partial, [s.fault for s in report.lists]) == (False, True, [""] * 8)
    lists = parts(own, "FashionAI", "test")
    require_whole(*lists)
    (said,) = remarks(*lists)
    assert "names 20 photos, the published list of FashionAI 18,000: these are not the authors' lists, or not all" in said


def test_a_photo_may_not_be_query_and_candidate_under_two_attributes(own):
    # Their folders don't tell the attribute, so that only the second label shows.
    root = own / "FashionAI"
    put(root / "filenames_test.txt", *(f"test/{i}.jpg" for i in range(28)))
    put(root / "query_test.txt", *(f"{i} 0 1" for i in range(14)), "20 0 1")
    put(root / "candidate_test.txt", *(f"{i} 1 1" for i in range(14, 28)))
    with pytest.raises(DataError, match=r"1 photo of .* both in query_test.txt and in candidate_test.txt: test/20.jpg"):
        require_whole(*parts(own, "FashionAI", "test"))


def test_photos_in_no_list_are_counted_where_they_need_no_label(darn):
    assert check(darn, "DARN").remarks == ()
    for name, keep in (("label_train", 20), ("candidate_valid", 10)):
        cut(darn / "DARN" / f"{name}.txt", keep)
    report = check(darn, "DARN")
    assert report.complete
    train, valid = report.remarks
    assert train == (
        "10 of the 30 photos that filenames_train.txt names stand in no list of DARN "
        "(pic/20.jpg, pic/21.jpg, pic/22.jpg and 7 more); they are left out."
    )
    assert valid.startswith("10 of the 15 photos that filenames_valid.txt names stand in no list of DARN")
    source = open_source(load_recipe("paper_darn"), darn, CPU)
    assert source.remarks == report.remarks
    assert source.origin == f"the lists of {folder_of(darn.parent / 'lists', 'DARN')}"
    # What was split here without dropping a photo has a label for each.
    change(darn / "DARN" / "prepared.json", lists="own")
    with pytest.raises(DataError, match="10 of the 30 photos"):
        require_whole(read_train(darn, "DARN"))
    change(darn / "DARN" / "prepared.json", dropped=3)
    require_whole(read_train(darn, "DARN"))


@pytest.mark.parametrize("dataset", ["DARN", "DeepFashion"])
def test_another_benchmarks_folder_is_refused(own, dataset):
    root, facts = own / "FashionAI", DATASETS[dataset]
    with pytest.raises(DataError, match=f"{root} holds FashionAI, not {dataset}: it is named so. Give the folder that holds"):
        read_vocabulary(facts, root)
    root = root.rename(own / "a")
    with pytest.raises(DataError, match=f"{root} holds FashionAI, not {dataset}: prepared.json says so"):
        read_vocabulary(facts, root)
    (root / "prepared.json").unlink()
    with pytest.raises(DataError, match=r"holds FashionAI, not .*meta.json names nothing else"):
        read_train(root, dataset)
    report = check(root, dataset)
    assert (report.complete, report.mistaken) == (False, True)
    put(own / "meta.json", json.dumps({"FashionAI": {}, dataset: {}}))
    with pytest.raises(DataError, match=r"holds FashionAI, not .*: its photos are named as those are"):
        read_train(root, dataset)


def test_a_drawn_set_names_its_dataset(own):
    root = (own / "FashionAI").rename(own / "x")
    (root / "prepared.json").unlink()
    (own / "meta.json").unlink()
    put(root / "drawn.json", json.dumps({"dataset": "FashionAI", "sizes": {"test": 28}, "seed": 3}))
    with pytest.raises(DataError, match=r"holds FashionAI, not DARN: drawn.json says so"):
        read_train(root, "DARN")
    assert str(read_origin(root)) == "drawn garments, seed 3"
    assert check(root, "FashionAI").complete
    # The first version's didn't name it.
    put(root / "drawn.json", json.dumps({"sizes": {"test": 28}, "seed": 3}))
    assert read_train(root, "FashionAI").origin.lists == "drawn"


def leak(root: Path, split: str, folder: str = "") -> str:
    """The first photo of a split's queries, also learnt from; folder: the split's folder that it is copied into."""
    index, *label = (root / f"query_{split}.txt").read_text().splitlines()[0].split()
    name = (root / f"filenames_{split}.txt").read_text().splitlines()[int(index)]
    learnt = name.replace(f"{split}/", f"{folder}/") if folder else name
    names, rows = (root / n for n in ("filenames_train.txt", "label_train.txt"))
    listed = names.read_text().splitlines()
    if folder:
        put(root / learnt, (root / name).read_text().rstrip("\n"))
    put(names, *listed, learnt)
    put(rows, *rows.read_text().splitlines(), f"{len(listed)} {' '.join(label)}")
    change(root / "prepared.json", listed={})
    return name


@pytest.mark.parametrize(("split", "folder"), [("test", ""), ("valid", ""), ("test", "train")])
def test_a_photo_of_two_splits_is_refused(own, split, folder):
    name = leak(own / "FashionAI", split, folder)
    says = f"1 photo of FashionAI in the lists of both train and {split}: {name}. What is learnt must not be asked"
    report = check(own, "FashionAI")
    assert not report.complete
    assert [says in fault for fault in report.faults] == [True]
    with pytest.raises(DataError, match=says):
        open_source(load_recipe("paper_fashionai"), own, CPU)


def test_equal_names_of_different_photos_are_two_photos(own):
    name = leak(own / "FashionAI", "test", "train")
    put(own / "FashionAI" / name.replace("test/", "train/"), "another photo")
    assert check(own, "FashionAI").complete
    require_apart(read_train(own, "FashionAI"), parts(own, "FashionAI", "test"))
    require_apart(read_train(own, "FashionAI"), [])


def test_training_needs_no_test_lists(own):
    for path in (own / "FashionAI").glob("*_test.txt"):
        path.unlink()
    source = open_source(load_recipe("paper_fashionai"), own, CPU)
    assert (source.origin, source.remarks) == ("made here with seed 0; not the authors'", ())
    assert source.digest == digest(own, "FashionAI")


def test_a_photo_of_two_splits_is_not_prepared(tmp_path, fashionai):
    raw, labels = fashionai
    split = authors(labels, tmp_path / "lists", train=True)
    index, *label = (split / "query_test.txt").read_text().splitlines()[0].split()
    name = (split / "filenames_test.txt").read_text().splitlines()[int(index)]
    listed = (split / "filenames_train.txt").read_text().splitlines()
    rows = (split / "label_train.txt").read_text().splitlines()
    put(split / "label_train.txt", *rows, f"{len(listed)} {' '.join(label)}")
    for learnt, says in (
        (name, f"1 photo of FashionAI in the lists of both train and test: {name}"),
        (name.replace("test/", "train/"), f"1 photo in the lists of .* under two paths: {name}"),
    ):
        put(split / "filenames_train.txt", *listed, learnt)
        with pytest.raises(DataError, match=says):
            prepare(Preparation("FashionAI", raw, tmp_path / "data", split))
        assert not (tmp_path / "data").exists()
