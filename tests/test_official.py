"""The authors' layout: what strict readers take, and what they name, count and refuse."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from asen_core.data.official import (
    DATASETS,
    Listing,
    absent_photos,
    facts_of,
    folder_of,
    photos_of,
    read_candidates,
    read_queries,
    read_train,
    read_vocabulary,
    require_disjoint,
    require_photos,
)
from asen_core.data.vocabulary import FASHIONAI
from asen_core.errors import DataError
from asen_core.types import Box

SKIRT, SLEEVE = "skirt_length_labels", "sleeve_length_labels"
NAMES = [
    f"test/Images/{SKIRT}/a.jpg",
    f"test/Images/{SLEEVE}/b.jpg",
    f"test/Images/{SKIRT}/c.jpg",
    f"test/Images/{SLEEVE}/d.jpg",
]


def put(path: Path, *lines: str, end: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


@pytest.fixture
def fashionai(tmp_path: Path) -> Path:
    """Two queries and two candidates, and the same photos to train on."""
    root = tmp_path / "FashionAI"
    for split in ("train", "valid", "test"):
        put(root / f"filenames_{split}.txt", *(n.replace("test/", f"{split}/") for n in NAMES))
        for name in NAMES:
            put(root / name.replace("test/", f"{split}/"), "photo")
    put(root / "label_train.txt", "0 0 5", "1 1 8", "2 0 0", "3 1 2")
    for split in ("valid", "test"):
        put(root / f"query_{split}.txt", "2 0 5", "1 1 8")
        put(root / f"candidate_{split}.txt", "0 0 5", "3 1 0")
    return tmp_path


def test_reads_what_was_written(fashionai):
    train, queries = read_train(fashionai, "FashionAI"), read_queries(fashionai, "fashionai", "test")
    candidates = read_candidates(fashionai, "FashionAI", "test")
    assert train.rows.dtype == np.int32
    assert train.rows.tolist() == [[0, 0, 5], [1, 1, 8], [2, 0, 0], [3, 1, 2]]
    assert queries.rows.tolist() == [[2, 0, 5], [1, 1, 8]]
    assert queries.used.tolist() == [1, 2]
    assert candidates.rows.tolist() == [[0, 0, 5], [3, 1, 0]]
    assert candidates.path(3) == fashionai / "FashionAI" / NAMES[3]
    assert (queries.dataset, queries.split, train.split) == ("FashionAI", "test", "train")
    assert queries.vocabulary == FASHIONAI
    require_photos(train, queries, candidates)


def test_the_folder_itself_will_do(fashionai):
    inner = fashionai / "FashionAI"
    assert folder_of(fashionai, "FashionAI") == folder_of(inner, "FashionAI") == inner
    assert read_queries(inner, "FashionAI", "test").images == tuple(NAMES)
    moved = inner.rename(fashionai / "split")
    assert folder_of(moved, "FashionAI") == moved


def test_windows_ends_a_mark_and_blank_last_lines_are_fine(fashionai):
    root = fashionai / "FashionAI"
    (root / "query_test.txt").write_bytes(b"\xef\xbb\xbf2 0 5\r\n1 1 8\r\n\r\n\n")
    put(root / "filenames_test.txt", *NAMES, "", end="\r\n")
    listing = read_queries(fashionai, "FashionAI", "test")
    assert listing.rows.tolist() == [[2, 0, 5], [1, 1, 8]]
    assert listing.images == tuple(NAMES)


def test_one_row(fashionai):
    put(fashionai / "FashionAI" / "query_test.txt", "1 1 8")
    listing = read_queries(fashionai, "FashionAI", "test")
    assert listing.rows.shape == (1, 3)
    assert listing.used.tolist() == [1]
    assert [p.key for p in photos_of(listing)] == [NAMES[1]]


@pytest.mark.parametrize(
    ("name", "line", "wrong"),
    [
        ("query_test", "1 1", "2 fields where `image attribute value` is expected"),
        ("query_test", "1 1 8 0 5", "5 fields"),
        ("query_test", "1 1 8.0", "no row of whole numbers"),
        ("query_test", "1 1 1_0", "no row of whole numbers"),
        ("query_test", "1 1 ٣", "no row of whole numbers"),
        ("query_test", "+1 1 8", "no row of whole numbers"),
        ("query_test", "1,1,8", "no row of whole numbers"),
        ("query_test", "", "blank"),
        ("query_test", "4 0 5", "image 4 is none of 0 to 3"),
        ("query_test", "-1 0 5", "image -1 is none of 0 to 3"),
        ("query_test", "0 8 0", "attribute 8 is none of 0 to 7"),
        ("query_test", "0 -1 0", "attribute -1 is none of 0 to 7"),
        ("query_test", "0 0 6", "value 6 of skirt_length is none of 0 to 5"),
        ("query_test", "0 0 -1", "value -1 of skirt_length"),
        ("query_test", "2 0 5", "image 2 stands on line 1 already"),
        ("query_test", "2 0 4", "image 2 stands on line 1 already"),
        ("query_test", "0 1 5", "attribute sleeve_length for a photo of skirt_length_labels"),
        ("candidate_valid", "1 1 9", "value 9 of sleeve_length is none of 0 to 8"),
        ("label_train", "1 1", "2 fields where `image attribute value [attribute value ...]` is expected"),
        ("label_train", "1 1 8 0", "4 fields"),
        ("label_train", "1 1 8 1 7", "sleeve_length 7 after another label of the same photo"),
        ("filenames_test", NAMES[0], f"{NAMES[0]} stands on line 1 already"),
        ("filenames_test", "", "blank"),
        ("filenames_test", "../x.jpg", "no path below"),
        ("filenames_test", "/x.jpg", "no path below"),
        ("filenames_test", "C:/x.jpg", "no path below"),
        ("filenames_test", "a\\x.jpg", "no path below"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(fashionai, name, line, wrong):
    path = fashionai / "FashionAI" / f"{name}.txt"
    before = path.read_text().splitlines()
    keep = before[:4] if name.startswith("filenames") else before[:1]
    put(path, *keep, line, "end" if name.startswith("filenames") else "3 1 1")
    with pytest.raises(DataError) as raised:
        _read(fashionai, name)
    text = str(raised.value)
    assert f"{path} has 1 line that can't be used (line {len(keep) + 1}: " in text
    assert wrong in text


def _read(data: Path, name: str) -> Listing:
    if name == "label_train":
        return read_train(data, "FashionAI")
    kind, split = name.split("_")
    return (read_candidates if kind == "candidate" else read_queries)(data, "FashionAI", split)


def test_all_faults_are_counted_and_three_are_named(fashionai):
    path = put(fashionai / "FashionAI" / "query_test.txt", "9 0 0", "2 0 5", "x", "8 0 0", "7 0 0", "6 0 0")
    with pytest.raises(DataError) as raised:
        read_queries(fashionai, "FashionAI", "test")
    text = str(raised.value)
    assert f"{path} has 5 lines" in text
    assert all(f"line {n}:" in text for n in (1, 3, 4))
    assert "line 5" not in text
    assert "and 2 more" in text


@pytest.mark.parametrize("name", ["filenames_test", "query_test", "candidate_test", "label_train"])
@pytest.mark.parametrize("damage", ["empty", "absent", "binary"])
def test_a_list_that_is_empty_absent_or_no_text(fashionai, name, damage):
    path = fashionai / "FashionAI" / f"{name}.txt"
    path.unlink()
    if damage != "absent":
        path.write_bytes(b"\n" if damage == "empty" else b"\xff\xfe\x00")
    expected = {"empty": "is empty", "absent": "is missing", "binary": "UTF-8"}[damage]
    with pytest.raises(DataError, match=f"{name}.txt.*{expected}"):
        _read(fashionai, name)


def test_unknown_dataset_and_split(fashionai):
    with pytest.raises(DataError, match="no dataset 'Fashion'; there are FashionAI, DARN, DeepFashion"):
        facts_of("Fashion")
    with pytest.raises(DataError, match="no split 'train' with queries"):
        read_queries(fashionai, "FashionAI", "train")


def test_a_photo_may_not_be_query_and_candidate_of_one_attribute(fashionai):
    put(fashionai / "FashionAI" / "candidate_test.txt", "0 0 5", "1 1 3")
    with pytest.raises(DataError, match=f"Among the queries .* are 1 candidate of FashionAI .test.: {NAMES[1]}"):
        read_candidates(fashionai, "FashionAI", "test")


def test_other_attributes_of_a_query_may_be_candidates(tmp_path):
    root = tmp_path / "DARN"
    put(root / "filenames_test.txt", "pic/a.jpg", "pic/b.jpg")
    put(root / "query_test.txt", "0 0 5")
    put(root / "candidate_test.txt", "0 1 5", "1 0 5")
    require_disjoint(read_queries(tmp_path, "DARN", "test"), read_candidates(tmp_path, "DARN", "test"))


def test_several_labels_of_a_photo(tmp_path):
    root = tmp_path / "DeepFashion"
    put(root / "filenames_train.txt", "img/A_B/1.jpg", "img/A_B/2.jpg", "img/C/3.jpg")
    put(root / "label_train.txt", "0 0 155 0 3 4 229", "2 1 0")
    listing = read_train(tmp_path, "DeepFashion")
    assert listing.rows.tolist() == [[0, 0, 155], [0, 0, 3], [0, 4, 229], [2, 1, 0]]
    assert listing.used.tolist() == [0, 2]
    photos = photos_of(listing)
    assert [p.key for p in photos] == ["img/A_B/1.jpg", "img/C/3.jpg"]
    assert photos[0].labels == {"texture-related": "155", "style-related": "229"}
    put(root / "label_train.txt", "0 0 155 0 155", "0 1 2", "0 1 2")
    with pytest.raises(
        DataError, match=r"2 lines .*line 1: texture-related 155 after.*line 3: image 0 with fabric-related 2 stands"
    ):
        read_train(tmp_path, "DeepFashion")


def test_photos_listed_but_absent_are_counted_and_named(fashionai):
    root = fashionai / "FashionAI"
    (root / NAMES[1]).unlink()
    (root / NAMES[2]).write_bytes(b"")
    listing = read_queries(fashionai, "FashionAI", "test")
    assert absent_photos(listing) == [NAMES[1], NAMES[2]]
    assert absent_photos(read_candidates(fashionai, "FashionAI", "test")) == []
    with pytest.raises(DataError, match=f"2 of the 2 photos .*{NAMES[1]}, {NAMES[2]}.*data check FashionAI"):
        require_photos(read_train(fashionai, "FashionAI"), listing)


def test_photos_have_labels_and_marked_regions(fashionai):
    put(fashionai / "FashionAI" / "regions.csv", "image,region,x0,y0,x1,y1", f"{NAMES[2]},hem,0.1,0.5,0.9,1.0")
    sleeve, skirt = photos_of(read_queries(fashionai, "FashionAI", "test"))
    assert (sleeve.key, sleeve.labels, sleeve.regions) == (NAMES[1], {"sleeve_length": "Extra Long Sleeves"}, {})
    assert (skirt.labels, skirt.regions) == ({"skirt_length": "Floor Length"}, {"hem": (Box(0.1, 0.5, 0.9, 1.0),)})
    assert skirt.path == fashionai / "FashionAI" / NAMES[2]
    assert skirt.source == "FashionAI"


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        (np.zeros((1, 3), np.int64), "must be"),
        (np.zeros((3,), np.int32), "must be"),
        (np.array([[1, 0, 0]], np.int32), "inside"),
        (np.array([[0, 8, 0]], np.int32), "inside"),
        (np.array([[0, 0, 6]], np.int32), "inside"),
        (np.array([[0, -1, 0]], np.int32), "inside"),
    ],
)
def test_a_listing_checks_its_rows(rows, wrong):
    with pytest.raises(ValueError, match=wrong):
        Listing("FashionAI", "test", Path(), FASHIONAI, ("a.jpg",), rows)


def test_a_listing_of_nothing():
    listing = Listing("FashionAI", "test", Path(), FASHIONAI, (), np.zeros((0, 3), np.int32))
    assert len(listing.used) == 0
    assert photos_of(listing) == []
    require_photos(listing)


def meta_of(name: str, values: bool = True) -> dict:
    facts = DATASETS[name]
    names = {a: [f"{a} {i}" for i in range(n)] for a, n in facts.values.items()}
    meta = {"ATTRIBUTES": list(facts.values), "ATTRIBUTES_NUM": facts.values}
    return meta | ({"ATTRIBUTES_VALUES": names} if values else {})


@pytest.mark.parametrize("place", ["DARN/meta.json", "meta.json"])
@pytest.mark.parametrize("nested", [True, False])
def test_the_vocabulary_comes_from_meta_json(tmp_path, place, nested):
    meta = meta_of("DARN")
    meta["ATTRIBUTES_VALUES"]["clothes color"][3] = "clothes color 4"
    put(tmp_path / place, json.dumps({"DARN": meta, "FashionAI": {}} if nested else meta))
    vocabulary = read_vocabulary(DATASETS["DARN"], tmp_path / "DARN")
    assert list(vocabulary) == list(DATASETS["DARN"].vocabulary)
    assert vocabulary["clothes length"][6] == "clothes length 6"
    # A value is looked up by its name, so equal names become distinct.
    assert vocabulary["clothes color"][2:6] == (
        "clothes color 2", "clothes color 4 (3)", "clothes color 4 (4)", "clothes color 5",
    )  # fmt: skip


def test_the_vocabulary_without_meta_json(tmp_path):
    assert read_vocabulary(DATASETS["FashionAI"], tmp_path / "FashionAI") == FASHIONAI
    assert read_vocabulary(DATASETS["DARN"], tmp_path / "DARN")["clothes length"] == tuple("0123456")
    put(tmp_path / "meta.json", json.dumps(meta_of("DARN", values=False)))
    assert read_vocabulary(DATASETS["DARN"], tmp_path / "DARN")["clothes length"] == tuple("0123456")
    # The part of another dataset above the folder says nothing about this one.
    assert len(read_vocabulary(DATASETS["DeepFashion"], tmp_path / "DeepFashion")["texture-related"]) == 156


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda m: m["ATTRIBUTES"].reverse(), "names the attributes of DARN sleeve shape, .*published are, in this order"),
        (lambda m: m["ATTRIBUTES_NUM"].update({"clothes length": 8}), "gives clothes length of DARN 8 values; published are 7"),
        (lambda m: m["ATTRIBUTES_VALUES"]["clothes length"].pop(), "clothes length of DARN 6 values; published are 7"),
        (lambda m: m.update(ATTRIBUTES_VALUES=[]), "should have a list ATTRIBUTES and objects"),
    ],
)
def test_a_meta_json_with_other_counts_is_refused(tmp_path, change, wrong):
    meta = meta_of("DARN")
    meta["ATTRIBUTES_NUM"] = dict(meta["ATTRIBUTES_NUM"])
    change(meta)
    path = put(tmp_path / "DARN" / "meta.json", json.dumps(meta))
    with pytest.raises(DataError, match=wrong) as raised:
        read_vocabulary(DATASETS["DARN"], path.parent)
    assert str(path) in str(raised.value)


def test_value_names_of_fashionai_must_be_the_published(tmp_path):
    meta = {"ATTRIBUTES": list(FASHIONAI), "ATTRIBUTES_VALUES": {a: list(v) for a, v in FASHIONAI.items()}}
    path = put(tmp_path / "FashionAI" / "meta.json", json.dumps(meta))
    assert read_vocabulary(DATASETS["FashionAI"], path.parent) == FASHIONAI
    meta["ATTRIBUTES_VALUES"]["neck_design"].sort()
    put(path, json.dumps(meta))
    with pytest.raises(DataError, match="names the values of neck_design Draped Collar, Invisible"):
        read_vocabulary(DATASETS["FashionAI"], path.parent)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_meta_json_that_is_none(tmp_path, text):
    path = put(tmp_path / "DARN" / "meta.json", text)
    with pytest.raises(DataError, match=r"meta\.json"):
        read_vocabulary(DATASETS["DARN"], path.parent)


def test_facts():
    assert {n: len(f.vocabulary) for n, f in DATASETS.items()} == {"FashionAI": 8, "DARN": 9, "DeepFashion": 5}
    assert sum(DATASETS["FashionAI"].values.values()) == 54
    assert sum(DATASETS["DeepFashion"].values.values()) == 1000
    assert list(DATASETS["DARN"].values.values()) == [20, 13, 55, 7, 28, 11, 26, 8, 17]
    assert all(v[0] == "Invisible" for v in FASHIONAI.values())


def test_long_lists_are_read_in_time(tmp_path):
    root, count = tmp_path / "DeepFashion", 50_000
    put(root / "filenames_train.txt", *(f"img/{i // 50}/{i}.jpg" for i in range(count)))
    put(root / "label_train.txt", *(f"{i} 0 {i % 156} 2 {i % 180} 4 {i % 230}" for i in range(count)))
    start = time.process_time()
    assert read_train(tmp_path, "DeepFashion").rows.shape == (3 * count, 3)
    # 0.6 s on one core of 2024; a reader that is quadratic in anything would take minutes.
    assert time.process_time() - start < 10
