"""A gallery on Milvus without a server: addresses, filters as text, what it says of itself."""

from __future__ import annotations

import sys

import milvus_server
import numpy as np
import pytest
from conforming import ODD, build, records

from asen_core.errors import GalleryError
from asen_core.gallery import Gallery
from asen_core.gallery.columns import Column
from asen_core.gallery.milvus.about import About
from asen_core.gallery.milvus.address import Address
from asen_core.gallery.milvus.filters import asked, expression, literal, number, passes
from asen_core.types import Range

COLUMNS = {"colour": Column(5, 9, False), "price": Column(5, 9, True), ODD: Column(1, 1, False)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("milvus://host/mine", Address("host", "mine")),
        ("milvus://host:123/mine?tls=1", Address("host", "mine", 123, tls=True)),
        ("milvus://host/season/mine", Address("host", "mine", database="season")),
        ("milvus://a%40b:p%3A%2F%3F@host/mine", Address("host", "mine", token="a@b:p:/?")),
        ("milvus://host/mine?token=key&pictures=/mnt/x", Address("host", "mine", token="key", pictures="/mnt/x")),
        ("milvus://[::1]:5/mine?consistency=strong", Address("::1", "mine", 5, consistency="Strong")),
    ],
)
def test_addresses(text: str, expected: Address, monkeypatch) -> None:
    monkeypatch.delenv("MILVUS_TOKEN", raising=False)
    assert Address.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("milvus://", "host is missing"),
        ("milvus:///mine", "host is missing"),
        ("http://host/mine", "scheme or the host"),
        ("milvus://host", "names no gallery"),
        ("milvus://host/a/b/c", "names no gallery"),
        ("milvus://host/my-gallery", "names no gallery"),
        ("milvus://host/9", "names no gallery"),
        ("milvus://host:port/mine", "can't be read"),
        ("milvus://host:99999/mine", "can't be read"),
        ("milvus://host/mine?ssl=1", "no option 'ssl'"),
        ("milvus://host/mine?consistency=often", "consistency is one of"),
    ],
)
def test_addresses_that_are_none(text: str, says: str) -> None:
    with pytest.raises(GalleryError, match=says) as raised:
        Address.parse(text.replace("://host", "://me:s3cret@host"))
    assert "s3cret" not in str(raised.value)


def test_an_address_keeps_its_password(monkeypatch) -> None:
    monkeypatch.setenv("MILVUS_TOKEN", "from:surroundings")
    assert Address.parse("milvus://host/mine").token == "from:surroundings"
    address = Address.parse("milvus://me:s3cret@[::1]/mine?tls=1")
    assert (address.token, address.uri, str(address)) == ("me:s3cret", "https://[::1]:19530", "milvus://[::1]:19530/mine")
    assert "s3cret" not in repr(address)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, 'attribute == "sleeve"'),
        ({"colour": "red"}, 'attribute == "sleeve" and labels["colour"] in ["red"]'),
        ({"colour": {"red", "", 'a"b'}}, 'attribute == "sleeve" and labels["colour"] in ["a\\"b", "red"]'),
        ({"colour": []}, None),
        ({"colour": ["\ud800"]}, None),
        ({"price": Range(1, None)}, 'attribute == "sleeve" and numbers["price"] >= 1.0'),
        ({"price": Range(-1e-9, 1e22)}, 'attribute == "sleeve" and numbers["price"] >= -1e-09 and numbers["price"] <= 1e+22'),
        ({"price": Range()}, 'attribute == "sleeve" and exists numbers["price"]'),
        ({ODD: "x"}, 'attribute == "sleeve" and labels["häng \\"x\\" \\\\ [0]"] in ["x"]'),
    ],
)
def test_filters_as_the_server_reads_them(where, expected: str | None) -> None:
    assert expression("sleeve", asked(where, COLUMNS)) == expected


def test_filters_have_one_form() -> None:
    one = asked({"price": Range(1, 2), "colour": ["b", "a", "a", ""]}, COLUMNS)
    assert one == asked({"colour": {"a", "b"}, "price": Range(1, 2)}, COLUMNS)
    assert hash(one) == hash(asked({"colour": ("b", "a"), "price": Range(1.0, 2.0)}, COLUMNS))
    assert [literal(v) for v in ('"', "\\", "\n", "ü☃", "")] == ['"\\""', '"\\\\"', '"\\n"', '"ü☃"', '""']
    assert [number(v) for v in ("12", " 1e2 ", "-0.5", "red", "nan", "inf", "")] == [12, 100, -0.5, None, None, None, None]


@pytest.mark.parametrize(
    ("where", "passing"),
    [
        ({}, True),
        ({"colour": "red"}, True),
        ({"colour": ["navy", "black"]}, False),
        ({"colour": []}, False),
        ({"price": Range(1, 2)}, True),
        ({"price": Range(), "colour": "red"}, True),
        ({"price": Range(1.6, 2), "colour": "red"}, False),
        ({ODD: "x"}, False),
    ],
)
def test_filters_asked_here(where, passing: bool) -> None:
    assert passes(asked(where, COLUMNS), {"colour": "red", "price": "1.5"}, {"price": 1.5}) == passing
    assert not passes(asked({"price": Range(), "colour": "red"}, COLUMNS), {"colour": "red"}, {})


def test_what_a_gallery_says_of_itself_comes_back(tmp_path) -> None:
    store = build(tmp_path / "g", records(30)).store
    facets = store.facets()
    about = About(store.manifest, store.background(), store.columns(), "/ü", False, facets, 4)
    again = About.of_text(about.to_text(), 4)
    assert (again.manifest, again.columns, again.pictures, again.ordered) == (store.manifest, store.columns(), "/ü", False)
    assert again.facets == facets
    np.testing.assert_array_equal(again.background, store.background())
    with pytest.raises(ValueError, match="format 9"):
        About.of_text('{"format": 9}', 1)


def test_without_pymilvus_the_error_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(GalleryError, match=r'pip install "pymilvus>='):
        Gallery.open("milvus://127.0.0.1:1/mine")


def test_where_no_server_can_be_started_the_reason_is_given(monkeypatch) -> None:
    monkeypatch.delenv("MILVUS_URI", raising=False)
    monkeypatch.setattr("milvus_server.shutil.which", lambda name: None)
    with pytest.raises(milvus_server.UnfitError, match=r"no unshare command.*MILVUS_URI"), milvus_server.running():
        pass
    monkeypatch.setenv("MILVUS_URI", "https://db.example.org:443")
    with milvus_server.running() as given:
        assert given.address("mine") == "milvus://db.example.org:443/mine?tls=1"
        assert (given.memory, given.disk) == (0, 0)
