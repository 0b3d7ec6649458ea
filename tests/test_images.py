import builtins
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from asen_core.errors import PhotoError
from asen_core.images import LIMITS, letterbox, load
from asen_core.types import Garment

RAMP = np.dstack(np.broadcast_arrays(np.arange(0, 240, 6)[None, :], np.arange(0, 180, 6)[:, None], 90)).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def of_mode(mode: str) -> Image.Image:
    image = Image.fromarray(RAMP)
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
    steps = {"PA": ("P", "PA"), "La": ("LA", "La"), "RGBa": ("RGBA", "RGBa")}.get(mode, (mode,))
    for step in steps:
        image = image.convert(step)
    return image


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"])
def test_colour_modes_keep_their_colours(mode: str) -> None:
    pixels = load(of_mode(mode)).pixels
    assert pixels.shape == RAMP.shape
    assert np.abs(pixels.astype(int) - RAMP).mean() < 3


@pytest.mark.parametrize("mode", ["P", "PA", "1"])
def test_modes_of_few_colours_come_back_exactly(mode: str) -> None:
    image = of_mode(mode)
    np.testing.assert_array_equal(load(image).pixels, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["L", "LA", "La", "I", "F"])
def test_grey_modes_keep_their_greys(mode: str) -> None:
    grey = np.asarray(Image.fromarray(RAMP).convert("L")).astype(int)
    assert np.abs(load(of_mode(mode)).pixels - grey[..., None]).max() <= 1


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([0, 257, 32896, 65535], np.uint16, [0, 1, 128, 255]),
        ([0, 100, 200, 255], np.int32, [0, 100, 200, 255]),
        ([0, 257, 32896, 65535], np.int32, [0, 1, 128, 255]),
        ([-100, 0, 100, 155], np.int32, [0, 100, 200, 255]),
        ([0, 0.2, 0.8, 1], np.float32, [0, 51, 204, 255]),
        ([0, 10.4, 200, 255], np.float32, [0, 10, 200, 255]),
        ([np.nan, 0, 1, np.inf], np.float32, [0, 0, 255, 0]),
    ],
)
def test_deep_pictures_are_scaled_not_clipped(values: list, dtype: type, expected: list) -> None:
    image = Image.fromarray(np.tile(np.repeat(np.array(values, dtype), 2), (6, 1)))
    for given in (image, encoded(image, "TIFF")):
        assert load(given).pixels[0, ::2, 0].tolist() == expected


def test_sixteen_bit_png() -> None:
    image = Image.fromarray(np.tile(np.array([0, 257, 32896, 65535, 4, 5], np.uint16), (6, 1)))
    assert load(encoded(image, "PNG")).pixels[0, :4, 1].tolist() == [0, 1, 128, 255]
    assert load(encoded(image, "PNG", transparency=257)).pixels[0, :4, 1].tolist() == [0, 255, 128, 255]


def test_transparency_lies_on_white() -> None:
    rgba = np.zeros((6, 6, 4), np.uint8)
    rgba[:, 3:] = (200, 0, 0, 255)
    rgba[0, 0] = (0, 0, 0, 51)  # 20 % black
    palette = Image.fromarray(rgba).quantize(4)
    for given in (rgba, encoded(Image.fromarray(rgba), "PNG"), encoded(Image.fromarray(rgba), "WEBP", lossless=True)):
        pixels = load(given).pixels
        assert [pixels[5, 0].tolist(), pixels[5, 5].tolist(), pixels[0, 0].tolist()] == [[255] * 3, [200, 0, 0], [204] * 3]
    assert load(encoded(palette, "PNG")).pixels[5, 0].tolist() == [255] * 3
    keyed = encoded(Image.new("RGB", (6, 6), (1, 2, 3)), "PNG", transparency=(1, 2, 3))
    assert load(keyed).pixels[0, 0].tolist() == [255] * 3


def test_adobe_cmyk_jpeg() -> None:
    ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    data = encoded(ink, "JPEG", quality=95)
    assert b"Adobe" in data  # its values are stored inverted
    assert np.abs(load(data).pixels.astype(int) - (255, 0, 0)).max() < 8


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animations_show_their_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), c) for c in ("red", "blue")]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert np.abs(load(data).pixels.astype(int) - (255, 0, 0)).max() < 12


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(kind: str, orientation: int) -> None:
    corner = {1: "tl", 2: "tr", 3: "br", 4: "bl", 5: "tl", 6: "tr", 7: "br", 8: "bl"}[orientation]
    stored = np.full((64, 96, 3), 255, np.uint8)
    stored[:16, :32] = 0  # a dark mark at the stored top left, wider than high
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = load(encoded(Image.fromarray(stored), kind, exif=exif)).pixels
    assert pixels.shape[:2] == ((64, 96) if orientation < 5 else (96, 64))
    dark = np.argwhere(pixels[..., 0] < 128)
    seen = ("t" if dark[:, 0].mean() < pixels.shape[0] / 2 else "b") + ("l" if dark[:, 1].mean() < pixels.shape[1] / 2 else "r")
    assert seen == corner


def test_heic() -> None:
    heif = pytest.importorskip("pillow_heif", reason="a library that the app runs without")
    out = io.BytesIO()
    heif.from_pillow(Image.fromarray(RAMP)).save(out, quality=90)
    assert np.abs(load(out.getvalue()).pixels.astype(int) - RAMP).mean() < 6
    with pytest.raises(PhotoError, match="damaged"):
        load(out.getvalue()[:-200])


def test_heic_without_its_library_says_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest):
        if name == "pillow_heif":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PhotoError, match="pip install pillow-heif"):
        load(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(50))


@pytest.mark.parametrize(("width", "height"), [(5, 5), (5, 300), (8000, 40), (8000, 1500)])
def test_small_and_large(width: int, height: int) -> None:
    garment = load(encoded(Image.new("RGB", (width, height), "teal"), "JPEG"))
    assert (garment.width, garment.height) == (width, height)
    assert letterbox(garment.pixels, 64, 255)[0].shape == (64, 64, 3)


def test_every_door(tmp_path: Path) -> None:
    path = tmp_path / "shirt.txt"  # the name is not believed
    path.write_bytes(encoded(Image.fromarray(RAMP), "PNG"))
    doors = (path, str(path), path.read_bytes(), bytearray(path.read_bytes()), Image.open(path), RAMP)
    for given in doors:
        np.testing.assert_array_equal(load(given).pixels, RAMP)
        assert load(given).pixels.flags.writeable
    garment = Garment(RAMP)
    assert load(garment) is garment
    np.testing.assert_array_equal(load(RAMP[..., 0]).pixels, np.repeat(RAMP[..., :1], 3, 2))
    assert load(RAMP).pixels is not RAMP


JPEG, PNG = encoded(Image.fromarray(RAMP), "JPEG", quality=95), encoded(Image.fromarray(RAMP), "PNG")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b"", "empty"),
        (b"hello, I am a shirt", "text file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?>\n<svg/>", "SVG"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"\x80\x04\x95\x10\x00", "pickle"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9", "PostScript"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(40), "video"),
        (bytes(range(200, 256)), "unknown format"),
        (encoded(Image.fromarray(RAMP), "PPM"), "expected a photo"),
        (encoded(Image.fromarray(RAMP), "ICO"), "icon"),
        (JPEG[: len(JPEG) // 2], "damaged or cut off"),
        (JPEG[:40], "damaged or cut off"),
        (PNG[: len(PNG) // 2], "damaged or cut off"),
        (PNG[:12], "damaged or cut off"),
        (encoded(Image.fromarray(RAMP), "GIF")[:-300], "damaged or cut off"),
        (encoded(Image.fromarray(RAMP), "WEBP")[:-90], "damaged or cut off"),
        (encoded(Image.fromarray(RAMP), "AVIF")[:-90], "damaged or cut off"),
        (encoded(Image.new("1", (9000, 9000)), "PNG"), "81 megapixels"),
        (encoded(Image.new("L", (4, 9)), "PNG"), "4 x 9 pixels"),
        (Image.new("L", (4, 9)), "4 x 9 pixels"),
        ("no/such/photo.jpg", "check the path"),
        ("a\0b", "check the path"),
        (os.sep, "folder"),
        (np.zeros((9, 9)), "uint8"),
        (np.zeros((9, 9, 2), np.uint8), r"\(9, 9, 2\)"),
        (np.zeros((9, 9, 9, 3), np.uint8), r"\(9, 9, 9, 3\)"),
        (np.zeros((0, 9, 3), np.uint8), "9 x 0"),
        (np.zeros(9, np.uint8), r"\(9,\)"),
        (None, "NoneType"),
        (17, "int"),
    ],
)  # fmt: skip
def test_what_is_no_photo_is_refused_with_a_sentence(given: object, says: str) -> None:
    with pytest.raises(PhotoError, match=says) as told:
        load(given)
    assert str(told.value).count("\n") == 0


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [9_100, 13_500])
def test_bombs_are_refused_before_decoding(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    data = encoded(Image.new("1", (side, side)), "PNG")

    def never(self: ImageFile.ImageFile) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", never)
    with pytest.raises(PhotoError, match=r"megapixels|too many pixels"):
        load(data)


def test_too_many_bytes_are_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "big.jpg"
    with path.open("wb") as file:
        file.truncate(LIMITS.bytes + 1)
    with pytest.raises(PhotoError, match="at most 50 MB"):
        load(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PhotoError, match="plain file"):
        load(tmp_path / "pipe.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("longest", [10, 300, 5000])
def test_longest_never_goes_under(kind: str, longest: int) -> None:
    garment = load(encoded(Image.new("RGB", (2000, 1000), "teal"), kind), longest=longest)
    assert min(longest, 2000) <= garment.width <= max(2 * longest, 2000)
    assert garment.width < 2000 or longest > 1000
    assert abs(garment.width - 2 * garment.height) <= 2


def test_threads_load_at_once() -> None:
    files = [encoded(Image.fromarray(RAMP), kind) for kind in ("PNG", "BMP", "TIFF")] * 4
    with ThreadPoolExecutor(6) as pool:
        for garment in pool.map(load, files):
            np.testing.assert_array_equal(garment.pixels, RAMP)
