from collections.abc import Callable
from pathlib import Path

import pytest

from asen_core.data.collection import collect
from asen_core.data.labels import is_query, photo_key, read_labels, read_regions
from asen_core.data.vocabulary import DEFAULT, REGION_OF
from asen_core.errors import DataError
from asen_core.types import Box
from asen_core.vocabularies import FASHIONAI


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_labels_with_and_without_dataset_column(tmp_path: Path) -> None:
    plain = _write(tmp_path / "a.csv", "image,neckline,note\nx.jpg,v,hello\ny.jpg,,\n")
    photos = read_labels(plain, tmp_path, DEFAULT)
    assert [(p.key, p.path, dict(p.labels)) for p in photos] == [
        ("x.jpg", tmp_path / "x.jpg", {"neckline": "v"}),
        ("y.jpg", tmp_path / "y.jpg", {}),
    ]
    nested = _write(tmp_path / "b.csv", "\ufeffdataset,image,split,sleeve\ncats,i/x.jpg,test,long\ncats,i/y.jpg,train,short\n")
    (photo,) = read_labels(nested, tmp_path, split="test")
    assert (photo.key, photo.path, photo.source) == ("cats/i/x.jpg", tmp_path / "cats/i/x.jpg", "cats")


@pytest.mark.parametrize(
    ("text", "ask", "says"),
    [
        ("photo,neckline\nx,v\n", {}, "lacks the column image"),
        ("image,neckline\nx.jpg,v\nx.jpg,v\n", {}, "lists x.jpg twice"),
        ("image,colourway\nx.jpg,v\n", {"attributes": DEFAULT}, "no column named after an attribute"),
        ("image,neckline,split\nx.jpg,v,train\n", {"split": "test"}, "no split 'test'; it has train"),
        ("image,neckline\nx.jpg,v\n", {"split": "test"}, "no column named split"),
    ],
)
def test_wrong_labels_are_explained(tmp_path: Path, text: str, ask: dict, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_labels(_write(tmp_path / "l.csv", text), tmp_path, **ask)


def test_missing_and_binary_label_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't be read"):
        read_labels(tmp_path / "none.csv", tmp_path)
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError, match="can't be read"):
        read_labels(tmp_path / "b.csv", tmp_path)


def test_regions_gather_per_photo(tmp_path: Path) -> None:
    rows = "image,region,x0,y0,x1,y1\nx.jpg,sleeve,0,0.1,0.2,0.5\nx.jpg,sleeve,0.8,0.1,1,0.5\nx.jpg,hem,0,0.9,1,1\n"
    regions = read_regions(_write(tmp_path / "r.csv", rows))
    assert regions == {"x.jpg": {"sleeve": (Box(0, 0.1, 0.2, 0.5), Box(0.8, 0.1, 1, 0.5)), "hem": (Box(0, 0.9, 1, 1),)}}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("x.jpg,elbow,0,0,1,1", "row 2: unknown region 'elbow'"),
        ("x.jpg,hem,0,0,wide,1", "row 2: not a box"),
        ("x.jpg,hem,0.5,0,0.4,1", "row 2: not a box"),
        ("x.jpg,hem,0,0,120,1", "leaves the photo"),
    ],
)
def test_wrong_regions_name_their_row(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_regions(_write(tmp_path / "r.csv", f"image,region,x0,y0,x1,y1\n{row}\n"))


QUERIES = ["products/images/3.jpg", "products/images/11.jpg"]


def test_queries_are_a_fixed_thirty_percent() -> None:
    keys = [f"products/images/{i}.jpg" for i in range(20_000)]
    chosen = [k for k in keys if is_query(k)]
    assert 0.29 < len(chosen) / len(keys) < 0.31
    assert [k for k in keys[:20] if is_query(k)] == QUERIES
    assert photo_key({"image": "x", "dataset": ""}) == "x"


PRODUCTS = "image,split,masterCategory,subCategory,articleType,baseColour\n"
CROWD = "image,split,black,blue,category,collar,many_colors,neckline,"
CROWD += "pattern_solid,pattern_floral,pattern_stripe,placket,sleevelength\n"


@pytest.mark.parametrize(
    ("folder", "text", "labels"),
    [
        ("products", PRODUCTS + "i.jpg,train,Apparel,Topwear,Shirts,Navy Blue\n", {"colour": "navy", "category": "shirt"}),
        ("products", PRODUCTS + "i.jpg,train,Footwear,Shoes,Casual Shoes,NA\n", {"category": "shoes"}),
        ("products", PRODUCTS + "i.jpg,train,Accessories,Bags,Handbags,Red\n", {"category": "bag", "colour": "red"}),
        ("clothing_photos", "image,split,category\ni.jpg,train,outwear\n", {"category": "outerwear"}),
        # A collar of unknown kind says nothing of the neckline; a placket of unknown kind nothing of the closure.
        ("clothing_attributes", CROWD + "i.jpg,train,2,1,1,2,1,1,2,1,1,2,3\n",
         {"category": "shirt", "colour": "black", "pattern": "solid", "sleeve": "long"}),
        ("clothing_attributes", CROWD + "i.jpg,train,2,2,7,1,1,1,1,2,1,1,1\n",
         {"category": "dress", "collar": "none", "neckline": "v", "pattern": "floral", "closure": "none",
          "sleeve": "sleeveless"}),
        # Solid and striped contradict each other; many colours beat one.
        ("clothing_attributes", CROWD + "i.jpg,train,2,1,,,2,,2,1,2,,\n", {"colour": "multi"}),
    ],
)  # fmt: skip
def test_foreign_labels_are_translated_where_they_agree(tmp_path: Path, folder: str, text: str, labels: dict) -> None:
    _write(tmp_path / folder / "labels.csv", text)
    (photo,) = collect(tmp_path, "train")
    assert dict(photo.labels) == labels
    assert photo.path == tmp_path / folder / "i.jpg"


def test_collections_are_joined_by_key(tmp_path: Path) -> None:
    _write(tmp_path / "products" / "labels.csv", PRODUCTS + "images/1.jpg,train,Apparel,Topwear,Tops,Blue\n")
    _write(tmp_path / "garment_labels.csv", "dataset,image,split,kind,neckline\nproducts,images/1.jpg,train,top,v\n")
    _write(tmp_path / "regions.csv", "dataset,image,split,region,x0,y0,x1,y1\nproducts,images/1.jpg,train,hem,0,0.8,1,1\n")
    (photo,) = collect(tmp_path, "train")
    assert dict(photo.labels) == {"colour": "blue", "category": "top", "neckline": "v"}
    assert dict(photo.regions) == {"hem": (Box(0, 0.8, 1, 1),)}


def test_labels_of_a_photo_that_no_collection_lists(tmp_path: Path) -> None:
    _write(tmp_path / "products" / "labels.csv", PRODUCTS + "images/1.jpg,train,Apparel,Topwear,Tops,Blue\n")
    _write(tmp_path / "garment_labels.csv", "dataset,image,split,neckline\nproducts,images/2.jpg,train,v\n")
    with pytest.raises(DataError, match=r"products/images/2\.jpg.*garment_labels"):
        collect(tmp_path, "train")


def test_a_collection_may_lack_a_split(tmp_path: Path) -> None:
    _write(tmp_path / "products" / "labels.csv", PRODUCTS + "images/1.jpg,test,Apparel,Topwear,Tops,Blue\n")
    _write(tmp_path / "clothing_photos" / "labels.csv", "image,split,category\ni.jpg,train,outwear\n")
    assert [[p.key for p in collect(tmp_path, s)] for s in ("test", "train")] == [
        ["products/images/1.jpg"], ["clothing_photos/i.jpg"]
    ]  # fmt: skip
    with pytest.raises(DataError, match="has split 'valid'"):
        collect(tmp_path, "valid")
    _write(tmp_path / "clothing_photos" / "labels.csv", "image,category\ni.jpg,outwear\n")
    with pytest.raises(DataError, match="no column named split"):
        collect(tmp_path, "test")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds none of products"):
        collect(tmp_path, "train")


def test_every_attribute_is_read_in_a_known_region() -> None:
    assert set(REGION_OF) == set(DEFAULT) | set(FASHIONAI)
    unique: Callable[[tuple[str, ...]], bool] = lambda values: len(set(values)) == len(values)  # noqa: E731
    assert all(unique(v) for v in DEFAULT.values())
