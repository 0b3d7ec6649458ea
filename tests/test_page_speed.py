"""What makes the page quick: pictures made when they are asked for, in the size that is shown, and nothing imported early."""

import copy
import importlib.util
import io
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeEngine, FakeGallery
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from asen_core import images
from asen_core.config import ModelConfig
from asen_core.errors import AsenError, PhotoError, QueryError
from asen_core.types import Box
from asen_core.ui import handlers, pictures, warm
from asen_core.ui.find_alike import forgetting
from asen_core.ui.handlers import Visit
from asen_core.ui.pictures import CROP, PREVIEW
from asen_core.ui.query import ask_with, with_box, with_model_box
from asen_core.ui.scratch import HEAVIEST, Scratch, save_photo
from asen_core.ui.server import sizes
from asen_core.ui.server.compressed import Compressed
from asen_core.ui.server.sizes import HEAVIEST as HEAVIEST_TILE
from asen_core.ui.server.sizes import LADDER, Made, Sizes, lighter, small
from asen_core.ui.studio import Ask, Studio

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("matplotlib", "scipy", "reportlab", "imagehash", "sklearn", "skia")


def imported(code: str, names: tuple[str, ...]) -> str:
    """Which of these a fresh interpreter has after running some code."""
    code += f"; import sys; print(sorted(set({names!r}) & {{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.splitlines()[-1]


def test_the_page_starts_without_what_it_needs_on_demand_only():
    code = "import asen_core.ui.page"
    if importlib.util.find_spec("openvino"):
        code += "; from asen_core.engine import Engine; asen_core.ui.page.build(Engine.open(device='cpu'))"
    assert imported(code, (*HEAVY, "torch", "torchvision")) == "[]"


def test_a_visitor_does_not_copy_the_model():
    class Uncopied:
        def __deepcopy__(self, memo):
            raise AssertionError("copied")

    ended = []
    told = forgetting(Uncopied(), lambda studio, visit: ended.append(visit))
    copy.deepcopy({"delete_callback": told})["delete_callback"]("a visit")
    assert ended == ["a visit"]


@pytest.fixture
def studio(tmp_path):
    engine = FakeEngine(FakeGallery(tmp_path / "gallery"))
    (tmp_path / "scratch").mkdir()
    return Studio(engine, engine.look, Scratch(tmp_path / "scratch"))


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


@pytest.fixture
def photo(tmp_path):
    """As a phone makes it: stored on its side, with a note on how it is to be turned."""
    path, turned = tmp_path / "photo.jpg", Image.Exif()
    turned[0x0112] = 6
    ramp = np.zeros((1500, 2600, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.linspace(0, 255, 2600)[None], np.linspace(0, 255, 1500)[:, None]
    Image.fromarray(ramp).save(path, exif=turned, quality=95)
    return path


@pytest.fixture
def never(monkeypatch):
    """Nothing is made in the background."""
    monkeypatch.setattr(pictures.Pictures, "finish_later", lambda self: None)


def names_of(query):
    return {p.name for p in query.folder.iterdir()}


@pytest.mark.usefixtures("never")
def test_only_what_is_shown_is_made(studio, photo):
    query = ask_with(photo, studio.look, studio.scratch, longest=studio.longest)
    assert names_of(query) == {"photo.jpg"}
    assert query.heats["sleeve"].is_file()
    assert query.crops["collar"].is_file()
    assert names_of(query) == {"photo.jpg", "heat-sleeve.webp", "crop-collar.jpg"}
    with pytest.raises(KeyError):
        query.heats["price"]
    query.pictures.finish()
    assert len(names_of(query)) == 1 + 2 * len(query.views)
    assert list(query.heats) == list(query.crops) == list(query.views)


def test_the_rest_is_made_soon_after(studio, photo, monkeypatch):
    monkeypatch.setattr(pictures, "LATER", 0.01)
    query = ask_with(photo, studio.look, studio.scratch, longest=studio.longest)
    ends = time.monotonic() + 10
    while len(names_of(query)) < 1 + 2 * len(query.views) and time.monotonic() < ends:
        time.sleep(0.01)
    assert len(names_of(query)) == 1 + 2 * len(query.views)


@pytest.mark.usefixtures("never")
def test_a_large_photo_is_read_smaller_and_everything_lies_where_it_did(studio, photo):
    whole = ask_with(photo, studio.look, studio.scratch)
    read = ask_with(photo, studio.look, studio.scratch, longest=studio.longest)
    assert whole.size == (1500, 2600)
    assert read.size == (750, 1300)
    for attribute in read.views:
        assert np.allclose(tuple(read.fractions(attribute)), tuple(whole.fractions(attribute)), atol=1e-3)
    first, second = (np.asarray(Image.open(q.crops["neckline"]).resize((100, 100)), float) for q in (whole, read))
    assert np.abs(first - second).mean() < 3
    for query in (whole, read):
        with Image.open(query.preview) as preview, Image.open(query.crops["neckline"]) as crop:
            assert PREVIEW / 2 <= max(preview.size) <= PREVIEW
            assert CROP / 2 <= max(crop.size) <= CROP
            assert preview.width / preview.height == pytest.approx(1500 / 2600, abs=0.01)


@pytest.mark.usefixtures("never")
def test_a_drawn_box_is_of_the_same_pixels_after_these_were_let_go(studio, photo):
    query = ask_with(photo, studio.look, studio.scratch, longest=studio.longest)
    corners = {"x0": 0.2, "y0": 0.3, "x1": 0.6, "y1": 0.5}
    before = with_box(query, studio.look, "neckline", corners)
    query.pictures.finish()
    after = with_box(query, studio.look, "neckline", corners)
    assert before.views["neckline"].roi == after.views["neckline"].roi == Box(150, 390, 450, 650)
    assert before.crops["neckline"] != after.crops["neckline"]
    assert before.crops["neckline"].read_bytes() == after.crops["neckline"].read_bytes()
    assert with_model_box(after, "neckline").crops["neckline"] == query.crops["neckline"]
    photo.unlink()
    with pytest.raises(PhotoError):
        with_box(query, studio.look, "neckline", corners)


@pytest.mark.usefixtures("never")
def test_a_picture_is_made_once_however_many_ask(studio, photo, monkeypatch):
    made = []
    monkeypatch.setattr(pictures, "save_layer", lambda pixels, path: (made.append(path), time.sleep(0.02), path.touch()))
    query = ask_with(photo, studio.look, studio.scratch, longest=studio.longest)
    threads = [threading.Thread(target=lambda: query.heats["pattern"]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [query.heats["pattern"]]


@pytest.mark.usefixtures("never")
def test_nothing_is_left_of_a_visit_that_ended_while_pictures_were_made(studio, photo, monkeypatch):
    began, go_on = threading.Event(), threading.Event()
    save = pictures.save_layer

    def slow(pixels, path):
        began.set()
        go_on.wait(5)
        return save(pixels, path)

    monkeypatch.setattr(pictures, "save_layer", slow)
    query = ask_with(photo, studio.look, studio.scratch, longest=studio.longest)
    maker = threading.Thread(target=query.pictures._finish_quietly)
    maker.start()
    began.wait(5)
    leaver = threading.Thread(target=handlers.forget, args=(studio, Visit(query)))
    leaver.start()
    go_on.set()
    for thread in (maker, leaver):
        thread.join()
    assert list(studio.scratch.root.iterdir()) == []
    assert query.heats["collar"].name == "heat-collar.webp", "who asks too late gets an address, and no file"
    assert list(studio.scratch.root.iterdir()) == []


def test_a_question_that_is_refused_leaves_no_files(studio, photo):
    studio.engine.gallery.search = lambda *_: (_ for _ in ()).throw(QueryError("no"))
    with pytest.raises(QueryError):
        handlers.photo_sent(studio, Visit(), Ask("neckline"), {"path": str(photo), "folder": str(photo.parent)})
    assert list(studio.scratch.root.iterdir()) == []


def test_a_full_disk_in_the_background_is_told_when_somebody_asks(studio, photo, monkeypatch):
    query = ask_with(photo, studio.look, studio.scratch, longest=studio.longest)
    monkeypatch.setattr(pictures, "save_layer", lambda *_: (_ for _ in ()).throw(OSError("full")))
    query.pictures._finish_quietly()
    with pytest.raises(OSError, match="full"):
        query.heats["collar"]


@pytest.mark.usefixtures("never")
def test_what_was_swept_is_made_again(studio, photo):
    query = ask_with(photo, studio.look, studio.scratch, longest=studio.longest)
    query.pictures.finish()
    studio.scratch.forget(query.folder)
    assert all(file.is_file() for file in (query.heats["collar"], query.crops["collar"], query.preview))
    drawn = with_box(query, studio.look, "neckline", {"x0": 0.2, "y0": 0.3, "x1": 0.6, "y1": 0.5})
    assert drawn.crops["neckline"].is_file()
    assert names_of(query) == {"photo.jpg", "heat-collar.webp", "crop-collar.jpg", drawn.crops["neckline"].name}


def test_few_photos_wait_with_their_pixels_and_the_others_are_read_again(studio, photo, monkeypatch):
    line = queue.Queue(1)
    monkeypatch.setattr(pictures, "_line", lambda: line)
    first, second = (ask_with(photo, studio.look, studio.scratch, longest=studio.longest) for _ in range(2))
    assert line.get_nowait()[1] is first.pictures
    assert first.pictures._garment is not None
    assert second.pictures._garment is None
    assert second.crops["collar"].read_bytes() == first.crops["collar"].read_bytes()


@pytest.mark.usefixtures("never")
@pytest.mark.parametrize("error", [OSError("full"), AsenError("no"), RuntimeError("a fault")])
def test_pixels_go_whatever_fails_in_the_background(studio, photo, monkeypatch, error):
    query = ask_with(photo, studio.look, studio.scratch, longest=studio.longest)
    monkeypatch.setattr(pictures, "save_layer", lambda *_: (_ for _ in ()).throw(error))
    query.pictures._finish_quietly()
    assert query.pictures._garment is None


def test_the_authors_numbers_are_of_the_whole_photo(studio):
    assert studio.longest == 1280
    studio.engine.config = ModelConfig(geometry="released", roi_margin=0, roi_min_size=0)
    assert studio.longest is None


@pytest.mark.parametrize(("width", "height"), [(1280, 1280), (640, 60), (1, 1)])
def test_photos_of_the_page_have_a_limit(tmp_path, width, height):
    path = save_photo(noise(width, height), tmp_path / "noise.jpg")
    assert path.stat().st_size <= HEAVIEST
    with Image.open(path) as saved:
        assert saved.format == "JPEG"
        assert saved.width * height == pytest.approx(saved.height * width, rel=0.1)


def webp(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=80)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_heavy_picture_becomes_lighter_and_looks_the_same():
    picture = images.load(ROOT / "assets" / "samples" / "3-floral-shirt.webp")
    whole = webp(Image.fromarray(picture.pixels).resize((288, 384)))
    made = lighter(whole)
    assert len(made) <= HEAVIEST_TILE < len(whole)
    assert max(opened(made).size) in [pixels for pixels, _ in LADDER]
    assert opened(made).width / opened(made).height == pytest.approx(288 / 384, abs=0.01)
    apart = np.abs(np.asarray(opened(whole).resize((96, 128)), float) - np.asarray(opened(made).resize((96, 128)), float))
    assert apart.mean() < 6


def test_24_pictures_of_any_kind_leave_room_for_the_rest_of_an_answer():
    for seed in range(2):
        assert len(lighter(webp(noise(384, 384, seed)))) < 9_000, "noise, which is the worst that there is"


def test_what_is_light_or_no_small_picture_passes_as_it_is():
    huge, light = webp(noise(2100, 8)), webp(Image.new("RGB", (384, 384)))
    damaged = webp(noise(300, 384))[:-3000]
    assert len(huge) > HEAVIEST_TILE > len(light)
    for data in (b"", b"text", b"text" * 5000, damaged[:200], huge, light, b"RIFF" + bytes(2**18)):
        assert lighter(data) is data


@pytest.fixture
def site(tmp_path):
    (tmp_path / "a.webp").write_bytes(webp(noise(300, 384)))
    (tmp_path / "a.png").write_bytes(b"not looked at")

    def answer(request):
        name = request.path_params["name"]
        return FileResponse(tmp_path / name) if (tmp_path / name).is_file() else PlainTextResponse("no", 403)

    page = Route("/", lambda request: HTMLResponse("<p>" + "word " * 1000))
    return TestClient(
        Starlette(routes=[Route("/{name}", answer), page], middleware=[Middleware(Compressed), Middleware(Sizes)])
    )


def test_the_server_makes_less_of_what_it_may_show(site, tmp_path):
    whole, less = site.get("/a.webp"), site.get("/a.webp?small")
    assert whole.content == (tmp_path / "a.webp").read_bytes()
    assert less.headers["content-type"] == "image/webp"
    assert int(less.headers["content-length"]) == len(less.content) < len(whole.content)
    assert less.headers["etag"] != whole.headers["etag"]
    assert site.get("/a.webp?small").content == less.content
    assert site.get("/a.webp?small", headers={"range": "bytes=0-9"}).content == less.content
    assert site.get("/b.webp?small").status_code == 403
    assert site.get("/a.png?small").content == b"not looked at"
    for other in ("smal", "small=1", "small&x", "x=small"):
        assert site.get(f"/a.webp?{other}").content == whole.content
    Image.new("RGB", (384, 384), "red").save(tmp_path / "a.webp")
    assert opened(site.get("/a.webp?small").content).size == (384, 384), "a file that changed is made anew"


def test_what_was_made_is_remembered_up_to_a_limit(monkeypatch):
    wholes = [webp(noise(300, 384, seed)) for seed in range(3)]
    made, first = Made(), lighter(wholes[0])
    assert made.lighter(wholes[0]) == first
    assert made.lighter(wholes[0]) is made.lighter(bytes(bytearray(wholes[0])))
    asked = []
    monkeypatch.setattr(sizes, "lighter", lambda whole: (asked.append(whole), bytes(1000))[1])
    made = Made(most=2700)
    for whole in (*wholes, wholes[1], wholes[2], wholes[0]):
        made.lighter(whole)
    assert asked == [*wholes, wholes[0]], "the first one had gone, the others were there"
    assert len(made) == 2


def test_the_page_is_compressed_and_pictures_are_not(site):
    assert site.get("/").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in site.get("/a.webp").headers


def test_addresses_are_safe_in_a_page():
    assert small(Path("/a b/it's (1).webp")) == "gradio_api/file=/a%20b/it%27s%20%281%29.webp?small"


def test_warming_up_never_fails(studio, tmp_path, monkeypatch):
    monkeypatch.setattr(warm, "_LATER", ("json",))
    for folder in (ROOT / "assets" / "samples", tmp_path / "none"):
        warm.warm(studio.engine, folder, pause=0)
    assert studio.engine.looks == 1

    def broken(*_):
        raise AsenError("no")

    monkeypatch.setattr(studio.engine, "look", broken)
    warm.warm(studio.engine, ROOT / "assets" / "samples", pause=0)


def test_one_part_that_is_missing_keeps_none_of_the_others_from_warming_up(studio, monkeypatch):
    def broken(*_):
        raise RuntimeError("CUDA error: unspecified launch failure")

    asked, real = [], importlib.import_module
    monkeypatch.setattr(studio.engine, "look", broken)
    monkeypatch.setattr(warm, "_LATER", ("asen_core.no_such_part", "json"))
    monkeypatch.setattr(warm.importlib, "import_module", lambda name: asked.append(name) or real(name))
    warm.warm(studio.engine, ROOT / "assets" / "samples", pause=0)
    assert asked[-2:] == ["asen_core.no_such_part", "json"]
