"""Drawn garments laid out as each benchmark is downloaded: prepared, checked and read, they are what was drawn."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_official_prepare import LISTS, deepfashion_raw, letters, put

from asen_core.data.labels import regions_of_masks, write_regions
from asen_core.data.layout import Sizes, write_layout
from asen_core.data.official import (
    DATASETS,
    Listing,
    Preparation,
    check,
    photos_of,
    prepare,
    read_candidates,
    read_queries,
    read_train,
    require_photos,
)
from asen_core.data.render import Rendered, catalogue
from asen_core.data.vocabulary import DEFAULT, FASHIONAI

COUNT = 48
AS_DARN = {"category": 0, "closure": 1, "colour": 2, "pattern": 4, "collar": 6, "sleeve": 7}
"""Our attribute -> the DARN attribute that it stands for here."""
Drawn = Mapping[str, tuple[bytes, set[tuple[int, int]]]]
"""Photo (last two parts of its path) -> its bytes and its (attribute, value) labels."""


@cache
def garments() -> tuple[Rendered, ...]:
    return tuple(catalogue(COUNT, 11, 48, 64, vocabulary="fashionai"))


def encoded(garment: Rendered) -> bytes:
    file = io.BytesIO()
    Image.fromarray(garment.pixels).save(file, "PNG")
    return file.getvalue()


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def fashionai(raw: Path) -> Drawn:
    """Two zips, and per garment one photo for each of its attributes."""
    drawn, rows = {}, ([], [])
    with (
        zipfile.ZipFile(raw / "fashionAI_attributes_train1.zip", "w") as one,
        zipfile.ZipFile(raw / "fashionAI_attributes_train2.zip", "w") as two,
    ):
        for n, garment in enumerate(garments()):
            for attribute, name in garment.fashionai.items():
                key, value = f"{attribute}_labels/{n:032x}.jpg", FASHIONAI[attribute].index(name)
                drawn[key] = (encoded(garment), {(list(FASHIONAI).index(attribute), value)})
                rows[n % 2].append(f"Images/{key},{attribute}_labels,{letters(attribute, value)}\n")
                (one, two)[n % 2].writestr(f"fashionAI_attributes_train{1 + n % 2}/Images/{key}", drawn[key][0])
        for number, archive in enumerate((one, two)):
            archive.writestr(f"fashionAI_attributes_train{1 + number}/Annotations/label.csv", "".join(rows[number]))
    return drawn


def darn(raw: Path) -> Drawn:
    drawn = {}
    for n, garment in enumerate(garments()):
        labels = {(AS_DARN[a], DEFAULT[a].index(v)) for a, v in garment.labels.items() if a in AS_DARN}
        drawn[f"pic/{n}.jpg"] = (encoded(garment), labels)
        write(raw / f"pic/{n}.jpg", drawn[f"pic/{n}.jpg"][0])
    put(raw / "darn_url.txt", *(f"{n}.jpg http://shop.example/{n}" for n in range(COUNT)))
    lines = (f"{n} " + " ".join(f"{a} {v}" for a, v in sorted(drawn[f"pic/{n}.jpg"][1])) for n in range(COUNT))
    put(raw / "labels.txt", *lines)
    return drawn


def deepfashion(raw: Path) -> Drawn:
    """The lists' own labels, with several values of a type; every photo of them is a drawn garment."""
    _, labels = deepfashion_raw(raw, COUNT)
    content = dict(zip(sorted(labels), map(encoded, garments()), strict=False))
    for key in labels:
        write(raw / "Img" / "img" / key, content[key])
    return {key: (content[key], set(labels[key])) for key in labels}


LAYOUTS = {"FashionAI": fashionai, "DARN": darn, "DeepFashion": deepfashion}


def read_all(data: Path, dataset: str) -> dict[str, Listing]:
    listings = [read_train(data, dataset)]
    listings += [r(data, dataset, s) for s in ("valid", "test") for r in (read_queries, read_candidates)]
    return dict(zip(LISTS, listings, strict=True))


@pytest.mark.parametrize("dataset", list(DATASETS))
def test_what_is_read_is_what_was_drawn(tmp_path, dataset):
    (tmp_path / "raw").mkdir()
    drawn = LAYOUTS[dataset](tmp_path / "raw")
    done = prepare(Preparation(dataset, tmp_path / "raw", tmp_path / "data"))
    assert done.photos == len(drawn) >= 40
    report = check(tmp_path / "data", dataset)
    assert report.complete
    assert report.photos == len(drawn)
    listings = read_all(tmp_path / "data", dataset)
    require_photos(*listings.values())
    found: dict[str, tuple[bytes, set[tuple[int, int]]]] = {}
    for listing in listings.values():
        for image, attribute, value in listing.rows.tolist():
            key = "/".join(listing.images[image].split("/")[-2:])
            found.setdefault(key, (listing.path(image).read_bytes(), set()))[1].add((attribute, value))
    assert found == drawn
    with Image.open(listings["query_test"].path(int(listings["query_test"].used[0]))) as photo:
        assert np.asarray(photo).shape == (64, 48, 3)


def test_marked_regions_of_drawn_garments_come_along(tmp_path):
    (tmp_path / "raw").mkdir()
    fashionai(tmp_path / "raw")
    prepare(Preparation("FashionAI", tmp_path / "raw", tmp_path / "data"))
    train = read_train(tmp_path / "data", "FashionAI")
    number = {image: int(image.split("/")[-1].removesuffix(".jpg"), 16) for image in train.images}
    marks = {image: regions_of_masks(garments()[n].masks) for image, n in number.items()}
    write_regions(tmp_path / "data" / "FashionAI" / "regions.csv", marks.items())
    photos = photos_of(train)
    assert [p.key for p in photos] == list(train.images)
    for photo in photos:
        assert photo.labels.items() <= garments()[number[photo.key]].fashionai.items()
        assert set(photo.regions) == set(marks[photo.key]) >= {"garment"}
        for name, boxes in photo.regions.items():
            assert np.allclose([tuple(b) for b in boxes], [tuple(b) for b in marks[photo.key][name]], atol=1e-4)


def test_a_drawn_set_is_complete_and_serves_as_split(tmp_path):
    """FashionAI as `render --layout` writes it: nothing is missing, and its lists are followed where its photos come raw."""
    assert sum(write_layout(tmp_path / "drawn", "FashionAI", Sizes(6, 5, 10), seed=2, workers=1)) == 21
    report = check(tmp_path / "drawn", "FashionAI")
    assert report.complete
    assert report.photos == 21
    lists = read_all(tmp_path / "drawn", "FashionAI")
    archive = tmp_path / "raw" / "fashionAI_attributes_train1"
    rows = []
    for listing in lists.values():
        for image, a, value in listing.rows.tolist():
            attribute, key = list(FASHIONAI)[a], "/".join(listing.images[image].split("/")[-2:])
            write(archive / "Images" / key, listing.path(image).read_bytes())
            rows.append(f"Images/{key},{attribute}_labels,{letters(attribute, value)}")
    put(archive / "Annotations" / "label.csv", *sorted(rows))
    prepare(Preparation("FashionAI", tmp_path / "raw", tmp_path / "data", tmp_path / "drawn"))
    for name, listing in read_all(tmp_path / "data", "FashionAI").items():
        assert listing.images == lists[name].images
        assert listing.rows.tolist() == lists[name].rows.tolist()
        assert all(listing.path(i).read_bytes() == lists[name].path(i).read_bytes() for i in listing.used)
