"""Figures for print: what stands on the pages and where, how text and photos find room, and files that repeat to the byte."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asen_core.draw import shrunk
from asen_core.draw.attention import Seen, attention_pages
from asen_core.draw.page import FORMATS, Page, Paper, check_name, split, write
from asen_core.draw.scatter import Cloud, scatter_pages
from asen_core.draw.strips import Zoomed, square, strip_pages, zoomed
from asen_core.errors import AsenError
from asen_core.types import Box, Frame, Garment, Reading, View

ROOT = Path(__file__).resolve().parents[1]
ONE = Paper(height=None)
NAMES = ("neckline", "sleeve")
READ = {"neckline": Reading("deep_v", 0.864), "sleeve": Reading("three_quarter", 0.9971)}


def view(name: str, photo: tuple[int, int], roi: Box, read: bool = True) -> View:
    width, height = photo
    attention = np.full((7, 7), 0.01, np.float32)
    attention[1, 3] = 1
    scale = 112 / max(photo)
    frame = Frame(112, scale, (112 - width * scale) / 2, (112 - height * scale) / 2)
    return View(
        name, np.ones(1, np.float32), attention / attention.sum(), roi, frame, 1, (READ[name],) if read and name in READ else ()
    )


def seen(width: int = 60, height: int = 90, read: bool = True, wanted: tuple[str, ...] = NAMES) -> Seen:
    photo = np.full((height, width, 3), 200, np.uint8)
    return Seen(photo, {n: view(n, (width, height), Box(10, 10, 40, 40), read) for n in wanted})


def texts(page: Page) -> list[str]:
    return [t.get_text() for t in page.axes.texts]


def pictures(page: Page) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom edges in cm."""
    return [(x0, y0, x1, y1) for x0, x1, y1, y0 in (i.get_extent() for i in page.axes.images)]


def cloud(count: int, values: int, unlabelled: int = 0, **more) -> Cloud:
    rng = np.random.default_rng(1)
    labels = [f"v{i % values:02}" for i in range(count - unlabelled)] + [""] * unlabelled
    return Cloud("neckline", rng.random((count, 2)).astype(np.float32), labels, **more)


def test_attention_has_a_photo_and_a_map_per_attribute_in_each_row() -> None:
    (page,) = attention_pages([seen(), seen(90, 60), seen()], NAMES, ONE)
    assert len(page.axes.images) == 3 * (1 + len(NAMES))
    assert texts(page)[:2] == ["Neckline", "Sleeve length"]
    assert texts(page).count("Deep V 86\N{NO-BREAK SPACE}%") == 3
    assert texts(page).count("Three-quarter >\N{NO-BREAK SPACE}99\N{NO-BREAK SPACE}%") == 3
    assert not page.axes.patches
    first, *maps = [np.asarray(i.get_array()) for i in page.axes.images[:3]]
    assert (first == 200).all()
    assert all((m != 200).any() for m in maps)
    # left to right and top to bottom, no picture on another
    edges = np.array(pictures(page)).reshape(3, 3, 4)
    assert (edges[:, :-1, 2] < edges[:, 1:, 0]).all()
    assert (edges[:-1, :, 3].max(axis=1) < edges[1:, :, 1].min(axis=1)).all()


def test_attention_frames_the_region_where_it_is() -> None:
    (page,) = attention_pages([seen()], NAMES, ONE, rois=True)
    x0, y0, x1, _ = pictures(page)[1]
    unit = (x1 - x0) / 60
    outer = page.axes.patches[-1 - 2]  # light and dark for each of two maps
    left, top = outer.get_xy()
    assert (left, top) == pytest.approx((x0 + 10 * unit, y0 + 10 * unit), abs=0.05)
    assert outer.get_width() == pytest.approx(30 * unit, abs=0.08)
    assert len(page.axes.patches) == 2 * len(NAMES)


def test_attention_without_readings_has_titles_only() -> None:
    (page,) = attention_pages([seen(read=False)], NAMES, ONE)
    assert texts(page) == ["Neckline", "Sleeve length"]


@pytest.mark.parametrize(("height", "pages"), [(None, [5]), (24.0, [2, 2, 1]), (3.0, [1] * 5)])
def test_pages_take_as_many_rows_as_fit(height: float | None, pages: list[int]) -> None:
    made = attention_pages([seen()] * 5, NAMES, Paper(height=height))
    assert [len(p.axes.images) // 3 for p in made] == pages
    assert all(texts(p)[0] == "Neckline" for p in made)


def test_columns_that_would_be_too_narrow_are_refused() -> None:
    wanted = tuple(f"a{i}" for i in range(9))
    with pytest.raises(AsenError, match=r"9 attributes .* 8 cm, at most 5 do; .*--width"):
        attention_pages([seen(wanted=wanted)], wanted, Paper(8))
    with pytest.raises(AsenError, match=r"3 panels need 13 cm side by side, at most 2 fit on 12 cm"):
        scatter_pages([cloud(9, 2)] * 3, Paper(12), 3)
    with pytest.raises(AsenError, match=r"12 photos .* 8.5 cm, at most \d do; give --columns"):
        strip_pages([Zoomed(np.zeros((9, 9, 3), np.uint8), {})] * 12, NAMES, Paper(8.5), 12)


@pytest.mark.parametrize(
    ("size", "lines", "says"),
    [
        ((18.0, 24.0), [3, 4, 5, 13.0], [range(0, 3), range(3, 4)]),
        ((18.0, 24.0), [30, 1, 30], [range(0, 1), range(1, 2), range(2, 3)]),
        ((18.0, 24.0), [], []),
        ((18.0, None), [30, 30], [range(0, 2)]),
    ],
)
def test_split(size, lines, says) -> None:
    assert split(lines, size[1]) == says


def test_strips_show_every_region_as_a_square() -> None:
    red = np.zeros((5, 5, 3), np.uint8)
    red[..., 0] = 255
    photos = [Zoomed(np.zeros((90, 60, 3), np.uint8), dict.fromkeys(NAMES, red)) for _ in range(5)]
    (page,) = strip_pages(photos, NAMES, ONE, columns=3)
    assert len(page.axes.images) == 5 * 3
    assert texts(page) == ["Neckline", "Sleeve length"] * 2  # two blocks of photos, 3 and 2
    shapes = [i.get_array().shape for i in page.axes.images]
    assert sum(h == w for h, w, _ in shapes) == 10
    assert max(x1 for _, _, x1, _ in pictures(page)) <= 18.001
    assert (np.asarray(page.axes.images[1].get_array())[..., 0] == 255).all()
    assert [len(p.axes.images) for p in strip_pages(photos, NAMES, Paper(height=20), columns=3)] == [9, 6]


@pytest.mark.parametrize(
    ("roi", "expected"),
    [
        (Box(10, 10, 30, 20), Box(10, 5, 30, 25)),
        (Box(0, 0, 40, 10), Box(0, 0, 40, 40)),  # pushed back into the photo
        (Box(50, 70, 60, 90), Box(40, 70, 60, 90)),
        (Box(0, 0, 60, 90), Box(-15, 0, 75, 90)),  # the photo is too narrow
    ],
)
def test_golden_squares(roi: Box, expected: Box) -> None:
    assert square(roi, 60, 90) == expected


def test_what_is_cut_comes_from_the_whole_photo() -> None:
    pixels = np.arange(90 * 60 * 3, dtype=np.uint32).astype(np.uint8).reshape(90, 60, 3)
    garment = Garment(pixels)
    views = {"neckline": view("neckline", (60, 90), Box(10, 10, 40, 40))}
    np.testing.assert_array_equal(zoomed(garment, views, 300).zooms["neckline"], pixels[10:40, 10:40])
    cut = zoomed(garment, views, 15)
    assert (cut.photo.shape, cut.zooms["neckline"].shape) == ((15, 10, 3), (15, 15, 3))
    small, near = shrunk(garment, views, 45)
    assert small.shape == (45, 30, 3)
    assert near["neckline"].roi == Box(5, 5, 20, 20)
    np.testing.assert_allclose(near["neckline"].peak, np.array(views["neckline"].peak) / 2)


def test_a_square_that_leaves_the_photo_is_white_there() -> None:
    garment = Garment(np.zeros((4000, 40, 3), np.uint8))
    cut = zoomed(garment, {"neckline": view("neckline", (40, 4000), Box(0, 0, 40, 4000))}, 100).zooms["neckline"]
    assert cut.shape == (100, 100, 3)
    assert (cut[:, :49] == 255).all()
    assert (cut[:, 52:] == 255).all()
    assert not cut[:, 50].any()


def some_pages(count: int = 1) -> list[Page]:
    return attention_pages([seen()] * count, NAMES, Paper(8, 6 if count > 1 else None, 100))


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_bytes_each_time(ending: str, tmp_path: Path) -> None:
    for name in "ab":
        pages = [*some_pages(), *scatter_pages([cloud(99, 12)], Paper(8, None, 100))]
        write(pages if ending == ".pdf" else pages[1:], tmp_path / "new" / f"{name}{ending}")
    first, second = sorted((tmp_path / "new").iterdir())  # and no scratch file is left
    assert first.read_bytes() == second.read_bytes()
    if ending != ".pdf":
        with Image.open(first) as figure:
            assert figure.size[0] == pytest.approx(8 / 2.54 * 100, abs=1)


def test_a_pdf_has_pages_embedded_fonts_and_no_date(tmp_path: Path) -> None:
    write(some_pages(3), tmp_path / "a.pdf")
    content = (tmp_path / "a.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page ") == 3
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
    assert b"CreationDate" not in content


def test_another_process_writes_the_same_pdf(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, 'tests'); from pathlib import Path; import test_figures as t\n"
        "pages = [*t.some_pages(), *t.scatter_pages([t.cloud(99, 12)], t.Paper(8, None, 100))]\n"
        "t.write(pages, Path(sys.argv[1]))"
    )
    for seed in "12":
        run = [sys.executable, "-c", code, str(tmp_path / f"{seed}.pdf")]
        subprocess.run(run, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, timeout=120)
    assert (tmp_path / "1.pdf").read_bytes() == (tmp_path / "2.pdf").read_bytes()


@pytest.mark.parametrize("name", ["a.docx", "a", "a.svgz"])
def test_unknown_endings_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(AsenError, match=r"no ending .*\.pdf, \.png, \.webp"):
        check_name(tmp_path / name)
    with pytest.raises(AsenError, match="no ending"):
        write(some_pages(), tmp_path / name)


def test_what_is_there_stays_where_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(AsenError, match="can't be written"):
        write(some_pages(), tmp_path / "a.png")
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    with pytest.raises(ValueError, match="one page"):
        write(some_pages(3), tmp_path / "b.png")


def test_a_picture_that_would_not_fit_into_memory_is_refused() -> None:
    with pytest.raises(AsenError, match=r"pixels, which is too large.*\.pdf"):
        Page(Paper(18, None, 600), 200)
