"""Evidence: facts of files, figures in words, pictures that a grey print keeps."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from evidenced import encoded
from PIL import Image, ImageOps
from tiny import photo

from asen_core.errors import PhotoError, QueryError
from asen_core.review import evidence
from asen_core.review.background import Background, Standing
from asen_core.review.compare import Comparison, Feature, Likeness
from asen_core.review.design import Design
from asen_core.review.evidence import paper, pictures, record, words
from asen_core.types import Box, Frame, Garment, View

TABLE = np.array([[0.0, 0.8], [0.2, 0.6], [0.4, 0.4], [0.6, 0.2]], np.float32)
BACKGROUND = Background(("neckline", "sleeve"), TABLE, {"dress": TABLE[:1]}, "4 pairs made by a test", 5, "f" * 64)


# Facts


def test_facts_of_a_turned_photo_with_dates():
    exif = Image.Exif()
    exif[0x0112], exif[0x0132] = 6, "2025:11:03 12:00:00\n<evil>"
    exif.get_ifd(0x8769)[0x9003] = "2025:11:03 11:59:58"
    exif.get_ifd(0x8769)[0x9011] = "+02:00"
    data = encoded(photo(40, 70), exif=exif)
    found = evidence.of_bytes(data, "a.jpg", "2026-01-01T00:00:00Z")
    assert found.facts.sha256 == hashlib.sha256(data).hexdigest()
    assert (found.facts.bytes, found.facts.format, found.facts.orientation) == (len(data), "JPEG", 6)
    assert (found.facts.width, found.facts.height) == (40, 70), "upright: 70 x 40 as stored"
    assert found.garment.pixels.shape == (70, 40, 3)
    assert dict(found.facts.exif) == {"taken": "2025:11:03 11:59:58 +02:00", "changed": "2025:11:03 12:00:00<evil>"}
    assert found.facts.dated == "2026-01-01T00:00:00Z"
    assert found.plain


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"", "empty.jpg", "0 bytes"),
        (b"hello", "text.jpg", "a text file"),
        (encoded(photo())[:100], "cut.jpg", "damaged"),
    ],
)
def test_what_is_no_photo_is_refused(data, name, says):
    with pytest.raises(PhotoError, match=says):
        _ = evidence.of_bytes(data, name).garment


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(PhotoError, match="There is no photo"):
            evidence.read(path)


@pytest.mark.parametrize(
    ("mode", "kind", "plain"),
    [("RGB", "JPEG", True), ("L", "JPEG", True), ("CMYK", "JPEG", False), ("RGB", "PNG", False)],
)
def test_only_plain_jpegs_are_shown_as_they_are(mode, kind, plain):
    out = io.BytesIO()
    Image.fromarray(photo()).convert(mode).save(out, kind)
    found = evidence.of_bytes(out.getvalue(), "x")
    assert found.plain is plain
    assert (out.getvalue() == pictures.original(found).jpeg.jpeg_fh().read()) is plain


def test_a_jpeg_that_the_page_can_not_read_is_shown_as_a_copy(monkeypatch):
    data = encoded(photo())
    odd = evidence.of_bytes(data[:2] + b"\xff\xff\xff" + data[2:], "odd.jpg")
    assert odd.plain
    assert odd.garment.pixels.shape == photo().shape
    copy = pictures.original(odd)
    assert copy.jpeg.jpeg_fh().read() != odd.data
    assert (copy.width, copy.height) == (odd.facts.width, odd.facts.height)
    monkeypatch.setattr(pictures, "MOST_BYTES", len(data) - 1)
    assert not pictures.is_original(evidence.of_bytes(data, "large.jpg"))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("2026-01-31T10:00:00Z", False), ("2026-01-31T11:00:00+01:00", False), ("2026-01-31T10:00:00", True), ("2026-01-31", True),
     ("yesterday", True), ("", True)],
)  # fmt: skip
def test_dates_need_a_zone(text, wrong):
    if wrong:
        with pytest.raises(QueryError, match="2026-01-31T10:00:00Z"):
            evidence.Making(text, "m", "g", 1)
    else:
        assert evidence.Making(text, "m", "g", 1).made_at == "2026-01-31T10:00:00Z"


# Words


@pytest.mark.parametrize(
    ("percent", "says"),
    [(99.64, "99.6 %"), (99.99, "99.9 %"), (100.0, "all"), (50, "50.0 %"), (0.09, "< 0.1 %"), (0.0, "< 0.1 %"), (0.1, "0.1 %")],
)
def test_shares_are_never_flattered(percent, says):
    assert words.share(Standing(percent, 1000)) == says


def comparison(figures: dict[str, tuple[float, float, float]], overall: tuple[float, float, float]) -> Comparison:
    """attribute -> similarity, mirrored and percent."""
    empty = Design("d", ())
    features = {n: Feature(s, m, Standing(p, 40000), None, attribute=n, shots=(0, 0)) for n, (s, m, p) in figures.items()}
    like = Likeness(overall[0], overall[1], Standing(overall[2], 40000), Standing(overall[2], 200, "dress"))
    return Comparison(empty, empty, features, like, dict.fromkeys(figures, 1 / len(figures)), "the test")


def test_summary_says_what_stands_out_and_never_judges():
    found = comparison({"neckline": (0.9, 0.8, 99.7), "top_length": (0.2, 0.2, 12.0)}, (0.55, 0.5, 97.2))
    decision = evidence.Decision("alike", "A. Smith", "2026-01-31T10:00:00Z", "neckline", "same yoke")
    lines = words.summary(found, ["One is the other, saved again"], [decision])
    assert lines[0] == (
        "With all features together, the two designs have a similarity of 0.550: closer than 97.2 % of 40,000 pairs of "
        "different garments. Among pairs of the same kind (dress) they are closer than 97.2 % of 200 pairs. Only 200 such "
        "pairs are known: a rough figure."
    )
    assert lines[1] == (
        "Alike in neckline (99.7 %): closer there than 99 % of pairs or more. They are least alike in top length (closer than "
        "12.0 %)."
    )
    assert lines[2].startswith("Mirrored, the first design is not nearer")
    assert lines[3] == "Found by comparing the photos themselves: One is the other, saved again."
    assert lines[4] == "Decided “alike” in neckline by A. Smith, 31 January 2026, 10:00 UTC. Note: same yoke."
    everything = " ".join((*lines, *words.MEANS, *words.MEANS_NOT)).lower()
    assert "measurement, not a judgement on copyright" in everything
    assert not re.search(r"infring|plagiar|copied by|stolen", everything)


def test_summary_says_mirrored_and_when_nothing_stands_out():
    found = comparison({"sleeve": (0.4, 0.9, 98.9)}, (0.4, 0.9, 60.0))
    lines = words.summary(found)
    assert "In no feature are they closer than 99 %" in lines[1]
    assert "0.900 instead of 0.400" in lines[2]


# Pages


def test_names_that_no_typeface_has_and_those_it_has():
    assert paper.shown("Ελλάδα Киев é") == "Ελλάδα Киев é"
    assert paper.shown("春a") == "[U+6625]a"
    assert paper.shown("a\u202eb\nc\x00") == "abc", "what turns or breaks a line is dropped"
    assert paper.shown("x שלום y") == "x םולש y"
    assert paper.words("<b>&") == "&lt;b&gt;&amp;"
    short = paper.cut("a-very-long-name-" * 20 + ".jpg", 100, 8)
    assert short.endswith(".jpg")
    assert "…" in short


@pytest.mark.parametrize("orientation", range(1, 9))
def test_stored_photos_are_turned_upright(orientation):
    """The corners of a photo, turned by the page's transform, against Pillow's own turning."""
    stored = np.arange(6).reshape(2, 3)
    image = Image.fromarray(stored.astype(np.uint8))
    image.getexif()[0x0112] = orientation
    upright = np.asarray(ImageOps.exif_transpose(image))
    sx, sy, degrees = pictures._TURN.get(orientation, (1, 1, 0))
    cos, sin = round(np.cos(np.radians(degrees))), round(np.sin(np.radians(degrees)))
    out = np.zeros(upright.shape, int)
    for (row, col), value in np.ndenumerate(stored):
        x, y = col - 1, 0.5 - row
        x, y = sx * (cos * x - sin * y), sy * (sin * x + cos * y)
        out[round(upright.shape[0] / 2 - 0.5 - y), round(x + upright.shape[1] / 2 - 0.5)] = value
    assert (out == upright).all()


def look_at(garment: Garment, attention: np.ndarray, roi: Box) -> View:
    scale = 64 / max(garment.width, garment.height)
    place = Frame(64, scale, (64 - garment.width * scale) / 2, (64 - garment.height * scale) / 2)
    unit = np.array([1, 0], np.float32)
    return View("sleeve", unit, (attention / attention.sum()).astype(np.float32), roi, place, 1)


@pytest.mark.parametrize(
    ("width", "height", "long"), [(100, 100, False), (400, 100, True), (100, 400, True), (200, 100, False)]
)
def test_heat_is_outlined_where_it_is_strongest(width, height, long):
    """Attention on the middle of the photo: the outline goes round it, also where only a part of the photo is shown."""
    garment = Garment(np.full((height, width, 3), 120, np.uint8))
    attention = np.zeros((8, 8))
    attention[3:5, 3:5] = 1
    middle = Box(width / 2 - 20, height / 2 - 20, width / 2 + 20, height / 2 + 20)
    picture = pictures.heat(garment, look_at(garment, attention, middle))
    assert pictures.is_long(garment) is long
    assert max(picture.width, picture.height) < 2.3 * min(picture.width, picture.height)
    (line,) = picture.lines
    assert line.min(0) == pytest.approx(1 - line.max(0), abs=0.06), "around the middle"
    assert ((line > 0) & (line < 1)).all()
    frame = picture.frame
    assert frame is not None
    assert (frame.x0, frame.y0) == pytest.approx((1 - frame.x1, 1 - frame.y1), abs=0.02)
    assert frame.width * picture.width == pytest.approx(frame.height * picture.height, rel=0.05)


def test_explanation_fades_what_does_not_matter():
    garment = Garment(np.zeros((80, 80, 3), np.uint8))
    weights = np.zeros((8, 8), np.float32)
    weights[:4] = 0.5
    picture = pictures.explained(garment, garment.box, weights)
    grey = np.asarray(Image.open(picture.jpeg.jpeg_fh()).convert("L"))
    assert grey[:30].mean() < 10
    assert grey[50:].mean() > 200
    assert len(picture.lines) == 1
    assert pictures.explained(garment, garment.box, weights * 0).lines == (), "nothing matters: no outline, no error"


def test_histogram_holds_every_pair():
    for similarity in (-0.9, 0.0, 1.0):
        bins = record.histogram(BACKGROUND, {"neckline": 1.0, "sleeve": 1.0}, "dress", similarity)
        assert bins.all.sum() == bins.all.max() == 4, "every pair has the mean 0.4"
        assert bins.edges[0] <= similarity <= bins.edges[-1]
        assert bins.same is not None
        assert bins.same.sum() == 1
    assert record.histogram(BACKGROUND, {"sleeve": 1.0}, "skirt", 0.5).same is None
    empty = replace(BACKGROUND, any=TABLE[:0])
    assert record.histogram(empty, {"sleeve": 1.0}, "", 0.5).all.sum() == 0
