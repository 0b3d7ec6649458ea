"""Drawn garments in the layouts of DARN and DeepFashion: several labels a photo, true to what was drawn."""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_cli import call
from test_official_prepare import put

from asen_core.data.labels import read_regions
from asen_core.data.layout import Sizes, several, words, write_layout
from asen_core.data.layout.drawing import SIZE
from asen_core.data.official import (
    DATASETS,
    Listing,
    Preparation,
    check,
    prepare,
    read_candidates,
    read_queries,
    read_train,
    require_disjoint,
    require_photos,
)
from asen_core.data.render import Spec, render
from asen_core.errors import DataError
from asen_core.vocabularies import PUBLISHED

SMALL = Sizes(train=12, valid=5, test=10)
PLANS = {"DARN": several.darn, "DeepFashion": several.deepfashion}


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("laid")
    for dataset in PLANS:
        assert sum(write_layout(out, dataset, SMALL, seed=4, workers=1)) == 27
    return out


def listings(data: Path, dataset: str) -> list[Listing]:
    found = [read_train(data, dataset)]
    return found + [r(data, dataset, split) for split in ("valid", "test") for r in (read_queries, read_candidates)]


@pytest.mark.parametrize("dataset", list(PLANS))
def test_lists_photos_and_regions_are_those_of_the_plan(laid: Path, dataset: str) -> None:
    lists = listings(laid, dataset)
    require_photos(*lists)
    require_disjoint(*lists[1:3])
    require_disjoint(*lists[3:])
    assert [len(x.used) for x in lists] == [12, 1, 4, 2, 8]
    assert check(laid, dataset).complete
    plans = PLANS[dataset](SMALL, 4)
    regions = read_regions(laid / dataset / "regions.csv")
    for split, group in (("train", lists[:1]), ("valid", lists[1:3]), ("test", lists[3:])):
        orders = plans[split].orders
        assert group[0].images == tuple(o.path for o in orders)
        rows = chain.from_iterable(x.rows.tolist() for x in group)
        assert sorted(rows) == [[i, a, v] for i, o in enumerate(orders) for a, v in o.labels]
        assert all(set(regions[o.path]) == set(render(o.spec, *SIZE).masks) for o in orders[:2])
    assert set(regions) == {o.path for plan in plans.values() for o in plan.orders}
    with Image.open(lists[0].path(0)) as photo:
        assert photo.size == SIZE
        true = render(plans["train"].orders[0].spec, *SIZE).pixels
        assert np.abs(np.asarray(photo).astype(int) - true).mean() < 4


@pytest.mark.parametrize("dataset", list(PLANS))
def test_words_fit_into_the_published_numbers(dataset: str) -> None:
    names = words.NAMES[dataset]
    assert {a: len(v) for a, v in names.items()} == {a: len(v) for a, v in PUBLISHED[dataset].items()}
    assert all(len(set(v)) == len(v) for v in names.values())


@pytest.mark.parametrize("dataset", list(PLANS))
def test_every_word_is_drawn_and_no_split_shares_a_garment(dataset: str) -> None:
    plans = PLANS[dataset](Sizes(2500, 100, 100), 1)
    orders = [o for plan in plans.values() for o in plan.orders]
    assert len({o.spec for o in orders}) == len({o.path for o in orders}) == len(orders)
    seen = Counter(label for o in orders for label in o.labels)
    for a, values in enumerate(words.NAMES[dataset].values()):
        worded = [v for v, name in enumerate(values) if not name.isdigit()]
        assert len(worded) >= 5
        assert all(seen[a, v] for v in worded), (a, [values[v] for v in worded if not seen[a, v]])
        assert not any(seen[a, v] for v in set(range(len(values))) - set(worded))


CARDIGAN = Spec("sweater", "v_cardigan", "extra_long", "buttons", "long", "horizontal_stripe", "navy", "cable", "boxy")
SHORTS = Spec("shorts", length="mid", pattern="dots", colour="red", fabric="canvas", fit="slim")
ROLLED = Spec("shirt", "puritan", "rolled", "none", "crop", "solid", "white", "linen", "regular")


@pytest.mark.parametrize(
    ("spec", "darn", "deepfashion"),
    [
        (
            CARDIGAN,
            {"clothes category": "sweater", "clothes button": "buttons", "clothes color": "navy", "clothes length": "thigh",
             "clothes pattern": "horizontal_stripe", "clothes shape": "boxy", "collar shape": "v",
             "sleeve length": "extra_long", "sleeve shape": "narrow cuff"},
            {"texture-related": ("horizontal_stripe", "stripe"), "fabric-related": ("cable", "knitted"),
             "shape-related": ("boxy", "thigh"), "part-related": ("v", "buttons", "extra_long"), "style-related": ("sweater",)},
        ),
        (
            SHORTS,
            {"clothes category": "shorts", "clothes color": "red", "clothes length": "knee", "clothes pattern": "dots",
             "clothes shape": "slim"},
            {"texture-related": ("dots", "print"), "fabric-related": ("canvas",), "shape-related": ("slim", "knee"),
             "style-related": ("shorts",)},
        ),
        (
            ROLLED,
            {"clothes category": "shirt", "clothes button": "none", "clothes color": "white", "clothes length": "crop",
             "clothes pattern": "solid", "clothes shape": "regular", "collar shape": "collared", "sleeve length": "elbow",
             "sleeve shape": "rolled"},
            {"texture-related": ("solid",), "fabric-related": ("linen",), "shape-related": ("regular", "crop"),
             "part-related": ("collared", "rolled"), "style-related": ("shirt",)},
        ),
    ],
)  # fmt: skip
def test_words_of_known_garments(spec: Spec, darn: dict[str, str], deepfashion: dict[str, tuple[str, ...]]) -> None:
    assert words.darn(spec) == {a: (word,) for a, word in darn.items()}
    assert words.deepfashion(spec) == deepfashion
    pairs = words.indices("DeepFashion", deepfashion)
    assert list(pairs) == sorted(pairs)
    names = words.NAMES["DeepFashion"]
    assert {(list(names)[a], list(names.values())[a][v]) for a, v in pairs} == {
        (a, word) for a, many in deepfashion.items() for word in many
    }


def test_meta_holds_all_datasets_or_leaves_anothers_alone(laid: Path, tmp_path: Path) -> None:
    meta = json.loads((laid / "meta.json").read_text())
    assert list(meta) == ["DARN", "DeepFashion"]
    assert read_train(laid, "DARN").vocabulary["clothes color"][0] == "black"
    alone = {"ATTRIBUTES": ["mine"]}
    (tmp_path / "meta.json").write_text(json.dumps(alone))
    assert sum(write_layout(tmp_path, "darn", Sizes(5, 5, 5), seed=4, workers=1)) == 15
    assert json.loads((tmp_path / "meta.json").read_text()) == alone
    assert read_train(tmp_path, "DARN").vocabulary == words.NAMES["DARN"]


def test_a_photo_that_has_gone_is_drawn_again(laid: Path, tmp_path: Path) -> None:
    steps = write_layout(tmp_path, "DARN", SMALL, seed=4, workers=1)
    assert [next(steps), next(steps)] == [0, 27]
    steps.close()
    gone = tmp_path / "DARN" / "pic" / "000003.jpg"
    gone.unlink()
    assert list(write_layout(tmp_path, "DARN", SMALL, seed=4, workers=1)) == [0, 27]
    assert gone.read_bytes() == (laid / "DARN" / "pic" / "000003.jpg").read_bytes()


def test_an_unknown_dataset_and_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no dataset 'Polyvore'"):
        next(write_layout(tmp_path, "Polyvore", SMALL, seed=0))
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="can't be written"):
        next(write_layout(tmp_path / "file", "DARN", SMALL, seed=0))


def deepfashion_download(data: Path, raw: Path) -> dict[str, set[tuple[str, str]]]:
    """The laid out garments as DeepFashion is downloaded; returns photo -> its (attribute, value) by name."""
    names = words.NAMES["DeepFashion"]
    # Columns of all types in turn, so that a column is not a value's place.
    columns = [(a, v) for row in zip_longest(*([(a, v) for v in vs] for a, vs in names.items())) for a, v in filter(None, row)]
    kinds, position = list(names), {pair: i for i, pair in enumerate(columns)}
    put(raw / "Anno" / "list_attr_cloth.txt", "1000", "attribute_name  attribute_type",
        *(f"{v:<20}{kinds.index(a) + 1}" for a, v in columns))  # fmt: skip
    marks: dict[str, list[str]] = {}
    labels: dict[str, set[tuple[str, str]]] = {}
    parts: dict[str, str] = {}
    for listing in listings(data, "DeepFashion"):
        for i, a, v in listing.rows.tolist():
            image, pair = listing.images[i], (kinds[a], names[kinds[a]][v])
            marks.setdefault(image, ["-1"] * 1000)[position[pair]] = "1"
            labels.setdefault(image, set()).add(pair)
            parts[image] = {"valid": "val"}.get(listing.split, listing.split)
            photo = raw / "Img" / image
            photo.parent.mkdir(parents=True, exist_ok=True)
            photo.write_bytes(listing.path(i).read_bytes())
    count = str(len(marks))
    put(raw / "Anno" / "list_attr_img.txt", count, "image_name  attribute_labels",
        *(f"{i}  {' '.join(m)}" for i, m in marks.items()))  # fmt: skip
    put(raw / "Anno" / "list_category_cloth.txt", "1", "category_name  category_type", "Tee  1")
    put(raw / "Anno" / "list_category_img.txt", count, "image_name  category_label", *(f"{i}  1" for i in marks))
    put(raw / "Eval" / "list_eval_partition.txt", count, "image_name  evaluation_status",
        *(f"{i}  {p}" for i, p in parts.items()))  # fmt: skip
    return labels


def test_deepfashion_as_it_is_downloaded_comes_back(laid: Path, tmp_path: Path) -> None:
    labels = deepfashion_download(laid, tmp_path / "raw")
    assert prepare(Preparation("DeepFashion", tmp_path / "raw", tmp_path / "data")).photos == len(labels) == 27
    found: dict[str, set[tuple[str, str]]] = {}
    for listing in listings(tmp_path / "data", "DeepFashion"):
        attributes = list(listing.vocabulary)
        for i, a, v in listing.rows.tolist():
            value = listing.vocabulary[attributes[a]][v]
            found.setdefault(listing.images[i], set()).add((attributes[a], value))
            assert listing.path(i).read_bytes() == (laid / "DeepFashion" / listing.images[i]).read_bytes()
    assert found == labels
    assert max(Counter(a for a, _ in pairs).most_common(1)[0][1] for pairs in found.values()) > 2


@pytest.mark.parametrize("dataset", list(DATASETS))
def test_the_verb_lays_out(tmp_path: Path, dataset: str) -> None:
    given = ("render", "--layout", dataset.lower(), "--out", tmp_path, "--count", 5, "--seed", 2, "--workers", 1)
    result = call(*given, "--train", 6, "--json")
    said = {"out": str(tmp_path), "layout": dataset, "train": 6, "valid": 5, "test": 5, "seed": 2}
    assert json.loads(result.stdout) == said
    assert f"16 garments laid out as {dataset} is in" in result.stderr.replace("\n", " ")
    assert check(tmp_path, dataset).complete
    assert len(read_train(tmp_path, dataset).used) == 6


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--train", 9), "This needs --layout."),
        (("--workers", 2), "This needs --layout."),
        (("--layout", "DARN", "--sheet"), "A layout has its own files"),
        (("--layout", "DARN", "--vocabulary", "fashionai"), "A layout has its own files"),
        (("--layout", "Polyvore"), "'Polyvore' is not one of"),
    ],
)
def test_the_verb_refuses(tmp_path: Path, given: tuple[object, ...], says: str) -> None:
    result = call("render", "--out", tmp_path / "d", *given, code=2)
    assert says in " ".join(result.stderr.replace("│", " ").split())
    assert not (tmp_path / "d").exists()
