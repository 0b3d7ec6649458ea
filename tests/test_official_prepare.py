"""Raw downloads become the authors' layout: round trips for all three benchmarks, and every damage named."""

from __future__ import annotations

import json
import os
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from asen_core.data.official import (
    DATASETS,
    Preparation,
    check,
    prepare,
    read_candidates,
    read_origin,
    read_queries,
    read_train,
    require_photos,
)
from asen_core.data.vocabulary import FASHIONAI
from asen_core.errors import DataError

LISTS = ("label_train", "query_valid", "candidate_valid", "query_test", "candidate_test")
Labels = dict[str, tuple[tuple[int, int], ...]]


def put(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def read(data: Path, dataset: str) -> dict[str, Labels]:
    """Part -> photo (its last two path parts) -> labels, as the readers give them; every photo is there."""
    listings = [read_train(data, dataset)]
    listings += [r(data, dataset, s) for s in ("valid", "test") for r in (read_queries, read_candidates)]
    require_photos(*listings)
    found = {}
    for name, listing in zip(LISTS, listings, strict=True):
        labels = found[name] = {}
        for image, attribute, value in listing.rows.tolist():
            key = "/".join(listing.images[image].split("/")[-2:])
            assert listing.path(image).read_text() == f"photo {key}\n"
            labels[key] = (*labels.get(key, ()), (attribute, value))
    return found


def merged(found: dict[str, Labels]) -> Labels:
    """All photos; none stands in two lists."""
    every = {key: labels for part in found.values() for key, labels in part.items()}
    assert len(every) == sum(map(len, found.values()))
    return every


def letters(attribute: str, value: int, maybe: int = -1) -> str:
    return "".join("y" if i == value else "m" if i == maybe else "n" for i in range(len(FASHIONAI[attribute])))


@pytest.fixture
def fashionai(tmp_path: Path) -> tuple[Path, Labels]:
    """20 photos of each value of two attributes, in two archives; some marked maybe."""
    labels: Labels = {}
    rows: dict[str, list[str]] = {"fashionAI_attributes_train1": [], "fashionAI_attributes_train2": []}
    for a, attribute in ((1, "sleeve_length"), (7, "neck_design")):
        for i in range(20 * len(FASHIONAI[attribute])):
            value, archive = i % len(FASHIONAI[attribute]), list(rows)[i % 2]
            key = f"{attribute}_labels/{i:03d}.jpg"
            labels[key] = ((a, value),)
            put(tmp_path / "raw" / archive / "Images" / key, f"photo {key}")
            rows[archive].append(f"Images/{key},{attribute}_labels,{letters(attribute, value, maybe=value - 1)}")
    for archive, lines in rows.items():
        put(tmp_path / "raw" / archive / "Annotations" / "label.csv", *lines)
    return tmp_path / "raw", labels


def zipped(raw: Path) -> None:
    """Each archive as a zip in place of its folder."""
    for folder in sorted(raw.iterdir()):
        with zipfile.ZipFile(f"{folder}.zip", "w") as archive:
            for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                archive.write(path, path.relative_to(raw).as_posix())
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()


@pytest.mark.parametrize("how", ["link", "copy", "zip"])
def test_fashionai_round_trip(tmp_path, fashionai, how):
    raw, labels = fashionai
    if how == "zip":
        zipped(raw)
    done = prepare(Preparation("FashionAI", raw, tmp_path / "data", photos="copy" if how == "copy" else "link"))
    assert (done.photos, done.new, done.unused, done.dropped) == (280, 280, 0, ())
    assert "seed 0; not the authors'" in done.origin
    found = read(tmp_path / "data", "FashionAI")
    assert merged(found) == labels
    # Of each value 16 : 2 : 2, and of 2 photos one asks.
    per_value = {name: Counter(part.values()) for name, part in found.items()}
    assert set(per_value["label_train"].values()) == {16}
    assert all(set(per_value[name].values()) == {1} for name in LISTS[1:])
    first = tmp_path / "data" / "FashionAI" / "train" / "Images"
    inodes = {p.stat().st_nlink for p in first.rglob("*.jpg")}
    assert inodes == ({2} if how == "link" else {1})
    report = check(tmp_path / "data", "FashionAI")
    assert report.complete
    assert report.photos == 280
    assert "seed 0" in report.origin
    assert not list((tmp_path / "data").rglob("*.partial"))
    meta = json.loads((tmp_path / "data" / "meta.json").read_text())
    assert meta["FashionAI"]["ATTRIBUTES_VALUES"]["neck_design"] == list(FASHIONAI["neck_design"])


def test_the_seed_decides_the_split(tmp_path, fashionai):
    raw, _ = fashionai
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        prepare(Preparation("FashionAI", raw, tmp_path / name, seed=seed))
    texts = [(tmp_path / n / "FashionAI" / "filenames_test.txt").read_text() for n in "abc"]
    assert texts[0] == texts[1] != texts[2]


def authors(raw_labels: Labels, folder: Path, train: bool = False) -> Path:
    """Lists as the authors release them, in an order of their own, for FashionAI."""
    keys = sorted(raw_labels, key=lambda k: k[::-1])
    for part, start in (("valid", 0), ("test", 40)):
        chosen = keys[start : start + 40]
        put(folder / f"filenames_{part}.txt", *(f"{part}/Images/{k}" for k in chosen))
        rows = [f"{i} {raw_labels[k][0][0]} {raw_labels[k][0][1]}" for i, k in enumerate(chosen)]
        put(folder / f"query_{part}.txt", *rows[30::-1][:8])
        put(folder / f"candidate_{part}.txt", *rows[31:], *rows[:23])
    if train:
        put(folder / "filenames_train.txt", *(f"train/Images/{k}" for k in keys[80:100]))
        rows = [f"{i} {raw_labels[k][0][0]} {raw_labels[k][0][1]}" for i, k in enumerate(keys[80:100])]
        put(folder / "label_train.txt", *rows[::-1])
    return folder


@pytest.mark.parametrize("train", [False, True])
def test_the_authors_split_is_followed_exactly(tmp_path, fashionai, train):
    raw, labels = fashionai
    split = authors(labels, tmp_path / "lists" / "FashionAI", train)
    done = prepare(Preparation("FashionAI", raw, tmp_path / "data", tmp_path / "lists"))
    for path in sorted(split.iterdir()):
        assert (tmp_path / "data" / "FashionAI" / path.name).read_text() == path.read_text()
    found = read(tmp_path / "data", "FashionAI")
    assert len(found["label_train"]) == (20 if train else 200)
    assert done.unused == 280 - done.photos == (180 if train else 0)
    assert "seed" not in done.origin
    assert all(labels[key] == value for key, value in merged(found).items())


def test_a_listed_photo_that_is_in_no_archive(tmp_path, fashionai):
    raw, labels = fashionai
    split = authors(labels, tmp_path / "FashionAI")
    gone = (split / "filenames_test.txt").read_text().splitlines()[30]
    put(
        split / "filenames_test.txt",
        *(split / "filenames_test.txt").read_text().replace(gone, gone[:-4] + "x.jpg").splitlines(),
    )
    with pytest.raises(DataError, match=rf"1 of 281 photos are not there \({gone[:-4]}x.jpg\).*Nothing was written"):
        prepare(Preparation("FashionAI", raw, tmp_path / "data", split))
    assert not (tmp_path / "data").exists()


def test_a_label_that_differs_from_the_download(tmp_path, fashionai):
    raw, labels = fashionai
    split = authors(labels, tmp_path / "FashionAI")
    image, attribute, value = (split / "query_test.txt").read_text().split()[:3]
    rows = (split / "query_test.txt").read_text().splitlines()
    put(split / "query_test.txt", f"{image} {attribute} {(int(value) + 1) % 5}", *rows[1:])
    with pytest.raises(DataError, match=r"1 label in the test lists .* can't be found in the download"):
        prepare(Preparation("FashionAI", raw, tmp_path / "data", split))


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("Images/neck_design_labels/x.jpg,neck_design_labels", "2 fields where `image,attribute,letters`"),
        ("Images/neck_labels/x.jpg,neck_labels,ynnnn", "unknown attribute 'neck_labels'"),
        ("Images/neck_design/x.jpg,neck_design,ynnnn", "unknown attribute 'neck_design'"),
        ("Images/neck_design_labels/x.jpg,neck_design_labels,ynnn", "4 letters for the 5 values of neck_design"),
        ("Images/neck_design_labels/x.jpg,neck_design_labels,nnnnn", "0 times y in 'nnnnn'"),
        ("Images/neck_design_labels/x.jpg,neck_design_labels,ynyny", "3 times y in 'ynyny'"),
        ("Images/neck_design_labels/x.jpg,neck_design_labels,ynxnn", "only y, m and n are known"),
        ("Images/sleeve_length_labels/x.jpg,neck_design_labels,ynnnn", "is not Images/neck_design_labels/<file>"),
        ("../Images/neck_design_labels/x.jpg,neck_design_labels,ynnnn", "is not Images/neck_design_labels/<file>"),
        ("Images/neck_design_labels/..,neck_design_labels,ynnnn", "is not Images/neck_design_labels/<file>"),
        ("Images/neck_design_labels/001.jpg,neck_design_labels,ynnnn", "stands in an earlier line already"),
        ("", "1 fields"),
        ("image,attribute,label", "unknown attribute 'attribute'"),
    ],
)
def test_a_row_of_label_csv_that_cannot_be_used(tmp_path, fashionai, row, wrong):
    raw, _ = fashionai
    path = raw / "fashionAI_attributes_train2" / "Annotations" / "label.csv"
    lines = path.read_text().splitlines()
    put(path, *lines, row, lines[0].replace("neck_design", "nek_design").replace("sleeve_length", "x"))
    with pytest.raises(DataError) as raised:
        prepare(Preparation("FashionAI", raw, tmp_path / "data"))
    assert f"{path} has 2 lines that can't be used (line {len(lines) + 1}: " in str(raised.value)
    assert wrong in str(raised.value)
    assert not (tmp_path / "data").exists()


def test_photos_that_label_csv_lists_but_are_absent(tmp_path, fashionai):
    raw, _ = fashionai
    images = raw / "fashionAI_attributes_train1" / "Images" / "neck_design_labels"
    (images / "000.jpg").unlink()
    (images / "002.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"2 of the 140 photos .*neck_design_labels/000.jpg, neck_design_labels/002.jpg"):
        prepare(Preparation("FashionAI", raw, tmp_path / "data"))


def test_one_photo_in_two_archives(tmp_path, fashionai):
    raw, labels = fashionai
    one, two = (raw / f"fashionAI_attributes_train{i}" for i in (1, 2))
    key = "neck_design_labels/000.jpg"
    put(two / "Images" / key, f"photo {key}")
    row = next(line for line in (one / "Annotations/label.csv").read_text().splitlines() if key in line)
    with open(two / "Annotations" / "label.csv", "a") as file:
        file.write(row + "\r\n\r\n")
    prepare(Preparation("FashionAI", raw, tmp_path / "data"))
    assert merged(read(tmp_path / "data", "FashionAI")) == labels
    put(two / "Annotations" / "label.csv", f"Images/{key},neck_design_labels,nnnyn")
    with pytest.raises(DataError, match=f"labels {key} other than"):
        prepare(Preparation("FashionAI", raw, tmp_path / "other"))


@pytest.mark.parametrize(
    ("member", "wrong"),
    [("../evil.jpg", "1 paths that leave it, like '../evil.jpg'"), ("/evil.jpg", "leave it"), ("a/../../evil.jpg", "leave it")],
)
def test_a_zip_that_leaves_its_folder_is_not_opened(tmp_path, fashionai, member, wrong):
    raw, _ = fashionai
    zipped(raw)
    with zipfile.ZipFile(raw / "fashionAI_attributes_train1.zip", "a") as archive:
        archive.writestr(member, "x")
    with pytest.raises(DataError, match=wrong):
        prepare(Preparation("FashionAI", raw, tmp_path / "data"))
    assert not list(tmp_path.rglob("evil*"))


def test_a_zip_that_is_none(tmp_path):
    put(tmp_path / "raw" / "a.zip", "no zip")
    with pytest.raises(DataError, match=r"a.zip is no readable zip archive"):
        prepare(Preparation("FashionAI", tmp_path / "raw", tmp_path / "data"))


@pytest.mark.parametrize(
    ("dataset", "wrong"),
    [
        ("FashionAI", "holds no Annotations/label.csv, neither in a folder nor in a zip"),
        ("DARN", "should hold one list of addresses .*it has nothing of that name"),
        ("DeepFashion", "holds no list_attr_cloth.txt, also not in Anno/"),
    ],
)
def test_an_empty_download(tmp_path, dataset, wrong):
    (tmp_path / "raw").mkdir()
    with pytest.raises(DataError, match=wrong):
        prepare(Preparation(dataset, tmp_path / "raw", tmp_path / "data"))


def test_a_download_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="is not there; give the folder"):
        prepare(Preparation("FashionAI", tmp_path / "raw", tmp_path / "data"))


def test_a_stopped_run_goes_on(tmp_path, fashionai):
    raw, labels = fashionai

    def stopped(values, total, doing):
        for number, value in enumerate(values):
            if number == 100:
                raise KeyboardInterrupt
            yield value

    task = Preparation("FashionAI", raw, tmp_path / "data", photos="copy")
    with pytest.raises(KeyboardInterrupt):
        prepare(task, stopped)
    root = tmp_path / "data" / "FashionAI"
    assert not list(root.glob("*.txt"))
    put(root / "train/Images/neck_design_labels/001.jpg.partial", "half")
    done = prepare(task)
    assert (done.photos, done.new) == (280, 180)
    assert merged(read(tmp_path / "data", "FashionAI")) == labels
    assert prepare(task).new == 0


def test_what_is_there_is_not_overwritten(tmp_path, fashionai):
    raw, _ = fashionai
    task = Preparation("FashionAI", raw, tmp_path / "data")
    prepare(task)
    root = tmp_path / "data" / "FashionAI"
    with pytest.raises(DataError, match="lists with another content there already"):
        prepare(Preparation("FashionAI", raw, tmp_path / "data", seed=5))
    photo = next(root.rglob("*.jpg"))
    photo.unlink()
    photo.write_text("another photo of that name")
    with pytest.raises(DataError, match=f"{photo.name} is another file than"):
        prepare(task)


def test_photos_may_stay_where_they_are(tmp_path, fashionai):
    raw, labels = fashionai
    with pytest.raises(DataError, match=r"Outside of .* lie 280 photos"):
        prepare(Preparation("FashionAI", raw, tmp_path / "data", photos="none"))
    root = tmp_path / "data" / "FashionAI"
    root.mkdir(parents=True)
    for archive in sorted(raw.iterdir()):
        os.symlink(archive, root / archive.name)
    done = prepare(Preparation("FashionAI", root, tmp_path / "data", photos="none"))
    assert (done.photos, done.new) == (280, 0)
    assert merged(read(tmp_path / "data", "FashionAI")) == labels
    assert not (root / "train").exists()


# DARN


def darn_labels() -> Labels:
    counts = list(DATASETS["DARN"].values.values())
    return {f"pic/{i}.jpg": tuple((a, (i * 7 + a) % counts[a]) for a in range(9) if (i + a) % 3) for i in range(60)}


def darn_raw(raw: Path, labels: Labels, named: str = "{i}.jpg", gone: frozenset[str] = frozenset()) -> Path:
    addresses = []
    for key in labels:
        i = key.removeprefix("pic/").removesuffix(".jpg")
        addresses.append(f"{named.format(i=i)} http://shop.example/p/{i}.jpg?size=big".strip())
        if key not in gone:
            put(raw / key, f"photo {key}")
    put(raw / "darn_url.txt", *addresses)
    put(raw / "labels.txt", *(f"{k} " + " ".join(f"{a} {v}" for a, v in label) for k, label in labels.items()))
    return raw


@pytest.mark.parametrize("named", ["{i}.jpg", "pic/{i}.jpg", "{i}", ""])
def test_darn_round_trip(tmp_path, named):
    labels = darn_labels()
    done = prepare(Preparation("DARN", darn_raw(tmp_path / "raw", labels, named), tmp_path / "data"))
    assert (done.photos, done.dropped) == (60, ())
    found = read(tmp_path / "data", "DARN")
    assert merged(found) == labels
    assert [len(found[name]) for name in LISTS] == [48, 1, 5, 1, 5]
    assert check(tmp_path / "data", "DARN").complete


def darn_split(folder: Path, labels: Labels) -> Path:
    keys = list(labels)
    for part, chosen in (("train", keys[:30]), ("valid", keys[30:45]), ("test", keys[45:])):
        put(folder / f"filenames_{part}.txt", *chosen)
        if part == "train":
            lines = (f"{i} " + " ".join(f"{a} {v}" for a, v in labels[k]) for i, k in enumerate(chosen))
            put(folder / "label_train.txt", *lines)
            continue
        rows = [(i, a, v) for i, k in enumerate(chosen) for a, v in labels[k]]
        put(folder / f"query_{part}.txt", *(f"{i} {a} {v}" for i, a, v in rows if i % 5 == 0))
        put(folder / f"candidate_{part}.txt", *(f"{i} {a} {v}" for i, a, v in rows if i % 5))
    return folder


def test_darn_with_the_authors_lists(tmp_path):
    labels = darn_labels()
    split = darn_split(tmp_path / "lists", labels)
    raw = darn_raw(tmp_path / "raw", labels)
    (raw / "labels.txt").unlink()
    done = prepare(Preparation("DARN", raw, tmp_path / "data", split))
    assert done.photos == 60
    assert merged(read(tmp_path / "data", "DARN")) == labels
    for path in sorted(split.iterdir()):
        assert (tmp_path / "data" / "DARN" / path.name).read_text() == path.read_text()


@pytest.mark.parametrize("with_split", [True, False])
def test_addresses_of_missing_photos_are_written_for_a_download_tool(tmp_path, with_split):
    labels, gone = darn_labels(), frozenset({"pic/3.jpg", "pic/31.jpg", "pic/59.jpg"})
    split = darn_split(tmp_path / "lists", labels) if with_split else None
    raw = darn_raw(tmp_path / "raw", labels, gone=gone)
    addresses = (raw / "darn_url.txt").read_text().splitlines()
    put(raw / "darn_url.txt", *addresses[:-1])
    root = tmp_path / "data" / "DARN"
    with pytest.raises(DataError) as raised:
        prepare(Preparation("DARN", raw, tmp_path / "data", split))
    text = str(raised.value)
    assert "3 of 60 photos are not there (pic/3.jpg, pic/31.jpg, pic/59.jpg); 1 of them have no address in the list" in text
    assert f"`aria2c -i {root / 'missing_photos.txt'} -d {root} " in text
    assert (root / "missing_photos.txt").read_text() == (
        "http://shop.example/p/3.jpg?size=big\n  out=pic/3.jpg\nhttp://shop.example/p/31.jpg?size=big\n  out=pic/31.jpg\n"
    )
    assert not list(root.glob("filenames*"))
    # As the tool puts it there:
    put(root / "pic" / "31.jpg", "photo pic/31.jpg")
    done = prepare(Preparation("DARN", raw, tmp_path / "data", split, allow_missing=True))
    assert done.dropped == ("pic/3.jpg", "pic/59.jpg")
    assert (root / "dropped_photos.txt").read_text() == "pic/3.jpg\npic/59.jpg\n"
    assert not (root / "missing_photos.txt").exists()
    assert merged(read(tmp_path / "data", "DARN")) == {k: v for k, v in labels.items() if k not in done.dropped}
    report = check(tmp_path / "data", "DARN")
    assert report.complete
    assert "2 listed photos dropped" in report.origin


def test_nothing_at_all_is_not_allowed_to_be_missing(tmp_path):
    labels = darn_labels()
    raw = darn_raw(tmp_path / "raw", labels, gone=frozenset(labels))
    with pytest.raises(DataError, match="60 of 60 photos are not there"):
        prepare(Preparation("DARN", raw, tmp_path / "data", allow_missing=True))
    with pytest.raises(DataError, match="Only DARN's photos may be missing"):
        prepare(Preparation("FashionAI", raw, tmp_path / "data", allow_missing=True))


@pytest.mark.parametrize(
    ("file", "line", "wrong"),
    [
        ("darn_url.txt", "x.jpg", "is not `photo address`"),
        ("darn_url.txt", "x.jpg ftp://shop.example/x.jpg", "http"),
        ("darn_url.txt", "x.jpg http://a.example/1 http://a.example/2", "is not `photo address`"),
        ("darn_url.txt", "../x.jpg http://a.example/1", "no photo below pic/"),
        ("darn_url.txt", "3.jpg http://a.example/1", "pic/3.jpg stands in an earlier line already"),
        ("darn_url.txt", "", "is not `photo address`"),
        ("labels.txt", "x.jpg 0", "2 fields where"),
        ("labels.txt", "x.jpg 0 1 2", "4 fields"),
        ("labels.txt", "x.jpg 0 one", "no whole numbers"),
        ("labels.txt", "x.jpg 9 0", "attribute 9 is none of 0 to 8"),
        ("labels.txt", "x.jpg 3 7", "value 7 of clothes length is none of 0 to 6"),
        ("labels.txt", "3.jpg 3 1", "pic/3.jpg stands in an earlier line already"),
        ("labels.txt", "../3.jpg 3 1", "no photo below pic/"),
        ("labels.txt", "", "0 fields"),
    ],
)
def test_a_line_of_darn_that_cannot_be_used(tmp_path, file, line, wrong):
    raw = darn_raw(tmp_path / "raw", darn_labels())
    lines = (raw / file).read_text().splitlines()
    put(raw / file, *lines[:30], line, *lines[30:])
    with pytest.raises(DataError) as raised:
        prepare(Preparation("DARN", raw, tmp_path / "data"))
    assert f"{raw / file} has 1 line that can't be used (line 31: " in str(raised.value)
    assert wrong in str(raised.value)


# DeepFashion


def deepfashion_raw(raw: Path, photos: int = 40) -> tuple[Path, Labels]:
    """1,000 attributes whose types come in turn until each has its number; photos with none, one or several labels."""
    left = dict(enumerate(DATASETS["DeepFashion"].values.values()))
    kinds: list[int] = []
    while any(left.values()):
        for kind in left:
            if left[kind]:
                kinds.append(kind)
                left[kind] -= 1
    put(raw / "Anno" / "list_attr_cloth.txt", "1000", "attribute_name  attribute_type",
        *(f"word {i} print      {k + 1}" for i, k in enumerate(kinds)))  # fmt: skip
    position = {i: kinds[:i].count(k) for i, k in enumerate(kinds)}
    rows, parts, labels = [], [], {}
    for n in range(photos):
        name = f"img/Dress_{n % 3}/img_{n:08d}.jpg"
        marks = ["-1"] * 1000
        positive = [] if n % 10 == 9 else sorted({(n * 13) % 1000, (n * 13 + 5) % 1000, 999 if n % 2 else 0})
        for i in positive:
            marks[i] = "1"
        marks[500] = "0" if marks[500] == "-1" else marks[500]
        rows.append(f"{name}    {' '.join(marks)}")
        parts.append(f"{name}  {('train', 'train', 'val', 'test')[n % 4]}")
        key = f"Dress_{n % 3}/img_{n:08d}.jpg"
        put(raw / "Img" / name, f"photo {key}")
        if positive:
            labels[key] = tuple((kinds[i], position[i]) for i in positive)
    put(raw / "Anno" / "list_attr_img.txt", str(photos), "image_name  attribute_labels", *rows)
    put(raw / "Eval" / "list_eval_partition.txt", str(photos), "image_name  evaluation_status", *parts)
    return raw, labels


@pytest.mark.parametrize("how", ["folder", "zip"])
def test_deepfashion_round_trip(tmp_path, how):
    raw, labels = deepfashion_raw(tmp_path / "raw")
    if how == "zip":
        with zipfile.ZipFile(raw / "img.zip", "w") as archive:
            for path in sorted((raw / "Img").rglob("*.jpg")):
                archive.write(path, path.relative_to(raw / "Img").as_posix())
                path.unlink()
    done = prepare(Preparation("DeepFashion", raw, tmp_path / "data"))
    assert (done.photos, done.unused) == (36, 4)
    assert done.origin.startswith("list_eval_partition")
    found = read(tmp_path / "data", "DeepFashion")
    assert merged(found) == labels
    assert {int(k[-6:-4]) % 4 for k in found["label_train"]} == {0, 1}
    assert {int(k[-6:-4]) % 4 for k in found["query_valid"] | found["candidate_valid"]} == {2}
    assert {int(k[-6:-4]) % 4 for k in found["query_test"] | found["candidate_test"]} == {3}
    assert [len(found[name]) for name in LISTS[1:]] == [2, 8, 2, 6]
    listing = read_train(tmp_path / "data", "DeepFashion")
    assert listing.vocabulary["texture-related"][:2] == ("word 0 print", "word 5 print")
    assert check(tmp_path / "data", "DeepFashion").complete


def test_deepfashion_with_the_authors_lists(tmp_path):
    raw, labels = deepfashion_raw(tmp_path / "raw")
    prepare(Preparation("DeepFashion", raw, tmp_path / "lists", seed=3))
    done = prepare(Preparation("DeepFashion", raw / "Img", tmp_path / "data", tmp_path / "lists"))
    assert merged(read(tmp_path / "data", "DeepFashion")) == labels
    # The lists were made here: that isn't lost when they are handed on.
    assert done.origin.endswith("DeepFashion: list_eval_partition, made here with seed 3; not the authors'")
    assert read_origin(tmp_path / "data" / "DeepFashion").lists == "own"
    next((raw / "Img").rglob("*.jpg")).unlink()
    with pytest.raises(DataError, match="1 of 36 photos are not there"):
        prepare(Preparation("DeepFashion", raw / "Img", tmp_path / "other", tmp_path / "lists"))


ONES = "img/x.jpg " + " ".join(["1"] * 1000)


@pytest.mark.parametrize(
    ("file", "change", "wrong"),
    [
        ("Anno/list_attr_cloth.txt", lambda ls: [*ls[:2], "word 6", *ls[3:]], "line 3: 'word 6' is not a name and a type"),
        ("Anno/list_attr_cloth.txt", lambda ls: [*ls[:2], "1", *ls[3:]], "line 3: '1' is not a name and a type"),
        ("Anno/list_attr_cloth.txt", lambda ls: [*ls[:2], "word 0 print 2", *ls[3:]], "has 155 names of texture-related"),
        ("Anno/list_attr_cloth.txt", lambda ls: ls[:-1], "announces '1000' rows and has 999"),
        ("Anno/list_attr_img.txt", lambda ls: [*ls[:2], ls[2][:-3], *ls[3:]], "line 3: 999 marks for 1000 attributes"),
        (
            "Anno/list_attr_img.txt",
            lambda ls: [*ls[:2], ls[2][:-3] + " 2", *ls[3:]],
            "line 3: a mark that is none of 1, 0 and -1",
        ),
        ("Anno/list_attr_img.txt", lambda ls: [*ls[:2], ONES, *ls[3:]], "line 3: img/x.jpg is not in list_eval_partition"),
        (
            "Anno/list_attr_img.txt",
            lambda ls: [*ls[:3], *ls[2:-1]],
            "line 4: img/Dress_0/img_00000000.jpg stands in an earlier",
        ),
        (
            "Anno/list_attr_img.txt",
            lambda ls: ["39", *ls[1:-1]],
            "lacks 1 photos of the partition: img/Dress_0/img_00000039.jpg",
        ),
        ("Anno/list_attr_img.txt", lambda ls: ls[:-1], "announces '40' rows and has 39"),
        ("Eval/list_eval_partition.txt", lambda ls: [*ls[:2], "img/x.jpg valid", *ls[3:]], "line 3: 'img/x.jpg valid' is not"),
        ("Eval/list_eval_partition.txt", lambda ls: [*ls[:2], "../x.jpg val", *ls[3:]], "line 3: '../x.jpg val' is not"),
        ("Eval/list_eval_partition.txt", lambda ls: [*ls[:3], *ls[2:-1]], "line 4: img/Dress_0/img_00000000.jpg stands in"),
        ("Eval/list_eval_partition.txt", lambda ls: ["x", *ls[1:]], "announces 'x' rows and has 40"),
    ],
)
def test_a_list_of_deepfashion_that_cannot_be_used(tmp_path, file, change, wrong):
    raw, _ = deepfashion_raw(tmp_path / "raw")
    put(raw / file, *change((raw / file).read_text().splitlines()))
    with pytest.raises(DataError) as raised:
        prepare(Preparation("DeepFashion", raw, tmp_path / "data"))
    assert str(raw / file) in str(raised.value)
    assert wrong in str(raised.value)


def test_photos_of_deepfashion_that_are_absent(tmp_path):
    raw, _ = deepfashion_raw(tmp_path / "raw")
    (raw / "Img/img/Dress_0/img_00000000.jpg").unlink()
    # It has no label, so nothing needs it.
    (raw / "Img/img/Dress_0/img_00000009.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of the 36 labelled photos .*img/Dress_0/img_00000000.jpg"):
        prepare(Preparation("DeepFashion", raw, tmp_path / "data"))


def test_one_meta_json_for_all(tmp_path, fashionai):
    raw, _ = deepfashion_raw(tmp_path / "deep")
    prepare(Preparation("FashionAI", fashionai[0], tmp_path / "data"))
    prepare(Preparation("DeepFashion", raw, tmp_path / "data"))
    prepare(Preparation("DARN", darn_raw(tmp_path / "darn", darn_labels()), tmp_path / "data"))
    assert list(json.loads((tmp_path / "data" / "meta.json").read_text())) == ["FashionAI", "DeepFashion", "DARN"]
    assert all(check(tmp_path / "data", name).complete for name in DATASETS)


def test_unknown_ways(tmp_path):
    with pytest.raises(DataError, match="no dataset 'x'"):
        prepare(Preparation("x", tmp_path, tmp_path))
    with pytest.raises(DataError, match="link, copy or none, not 'move'"):
        prepare(Preparation("DARN", tmp_path, tmp_path, photos="move"))
