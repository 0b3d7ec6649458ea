"""Galleries of one's own, and of this machine: the plain functions behind the tab "Gallery"."""

import os
import threading
import time
from types import SimpleNamespace

import owned
import pytest
from owned import filled, sent, uploads
from PIL import Image
from tiny import photo, tiny_checkpoint

from asen_core.engine import Engine
from asen_core.errors import AsenError, DataError, GalleryError, QueryError
from asen_core.indexing import Progress, private
from asen_core.ui import galleries as known
from asen_core.ui import gallery_view, handlers
from asen_core.ui.galleries import FOLDER, OWN, Galleries
from asen_core.ui.handlers import Visit
from asen_core.ui.own import Making, Own
from asen_core.ui.scratch import Scratch
from asen_core.ui.server import web
from asen_core.ui.studio import Ask, Studio

engine, own_machine, here = owned.engine, owned.own_machine, owned.here


def test_own_photos_become_a_gallery_with_its_own_filters(here, tmp_path):
    visit, files = sent(here, tmp_path)
    assert visit.own.failed == ""
    assert visit.own.report.items == 5
    assert list(visit.own.report.left_out) == ["broken.png"]
    studio = known.chosen(here, visit, {"gallery": OWN})
    assert studio.name == "your photos"
    assert [f.label for f in studio.facets] == ["brand"]
    assert studio.engine.gallery.picture(studio.engine.gallery.items[0]).is_relative_to(here.studio.scratch.root)
    assert here.studio.engine.gallery is not studio.engine.gallery
    switched = handlers.gallery_chosen(studio, visit, Ask("neckline"))
    found = handlers.search_on(studio, switched, Ask("neckline", least=-1.0), {"id": "0.png"})
    assert {h.item.id for h in found.answer.matches} == {f"{i}.png" for i in range(1, 5)}
    assert found.own is visit.own
    assert known.chosen(here, found, {"gallery": OWN}) is studio
    back = handlers.gallery_chosen(known.chosen(here, found, {"gallery": ""}), found, Ask("neckline", least=-1.0))
    assert back.query.item == ""
    assert {h.item.id for h in back.answer.matches} == {f"item-{i}" for i in range(4)}
    folder = visit.own.folder
    handlers.forget(here.studio, back)
    assert not folder.exists()
    assert not any(f.exists() for f in files), "what was sent is gone, too"


def test_a_look_that_is_lent_is_used_for_own_photos(engine, tmp_path, own_machine):
    looks = []

    def look(pixels, attributes=None, boxes=None):
        looks.append(pixels.shape)
        return engine.look(pixels, attributes, boxes)

    scratch = Scratch(tmp_path / "scratch")
    scratch.root.mkdir()
    galleries = Galleries(Studio(engine, look, scratch), True, print)
    visit, _ = sent(galleries, tmp_path)
    assert visit.own.failed == ""
    assert len(visit.own.gallery) == 5
    assert len(looks) >= 5


def test_two_visits_can_not_reach_each_other(here, tmp_path):
    one, _ = sent(here, tmp_path)
    with pytest.raises(QueryError):
        known.chosen(here, Visit(), {"gallery": OWN})
    with pytest.raises(QueryError):
        known.chosen(here, Visit(), {"gallery": one.own.folder.name})
    with pytest.raises(QueryError):
        known.chosen(here, Visit(), {"gallery": str(one.own.folder)})
    assert len(one.own.folder.name) >= 20


@pytest.mark.parametrize("data", [{}, {"paths": []}, {"paths": "x"}, {"paths": ["/etc/passwd"]}, {"paths": [3]}])
def test_only_what_was_uploaded_is_taken(here, tmp_path, data):
    with pytest.raises(AsenError):
        known.photos_given(here, Visit(), {**data, "folder": str(tmp_path)})


def test_files_without_a_photo_say_so_and_leave_nothing(here, tmp_path):
    folder, files = uploads(tmp_path, 0)
    visit = known.photos_given(here, Visit(), {"paths": [str(files[-1])], "folder": str(folder)})
    visit.own.wait(60)
    assert visit.own.gallery is None
    assert visit.own.failed
    html = gallery_view.page(here, visit)
    assert 'role="alert"' in html
    assert 'data-do="choose"' in html, "others can be given"
    again, _ = sent(here, tmp_path, visit)
    assert again.own.report.items == 5
    assert not visit.own.folder.exists()


def busy_galleries(here, monkeypatch):
    """Galleries whose runs wait until they are told to stop."""
    begun = threading.Event()

    def make(engine, files, folder, limits, each, stop):
        each(Progress("Looking at photos", 3, 12, 2.5, 93.0))
        begun.set()
        while not stop():
            time.sleep(0.01)
        raise DataError("Stopped.")

    monkeypatch.setattr(private, "make", make)
    return begun


def test_progress_is_told_and_can_be_stopped(here, tmp_path, monkeypatch):
    begun = busy_galleries(here, monkeypatch)
    folder, files = uploads(tmp_path)
    data = {"paths": [str(f) for f in files], "folder": str(folder)}
    visit = known.photos_given(here, Visit(), data)
    assert begun.wait(10)
    html = gallery_view.progress(visit.own, OWN)
    assert "Looking at photos: 3 of 12 · 2.5 photos a second · about 2 minutes left" in html
    assert 'data-do="stop"' in html
    with pytest.raises(DataError, match="being looked at"):
        known.photos_given(here, visit, data)
    for _ in range(known.AT_ONCE - 1):
        known.photos_given(here, Visit(), data)
    with pytest.raises(DataError, match="other visitors"):
        known.photos_given(here, Visit(), data)
    assert known.stopped(here, visit, {"what": OWN}) is visit
    visit.own.wait(10)
    assert visit.own.over
    assert known.photos_given(here, Visit(), data).own is not None, "there is room again"


def test_a_visit_that_ends_meanwhile_leaves_nothing(here, tmp_path, monkeypatch):
    begun = busy_galleries(here, monkeypatch)
    folder, files = uploads(tmp_path)
    visit = known.photos_given(here, Visit(), {"paths": [str(f) for f in files], "folder": str(folder)})
    assert begun.wait(10)
    handlers.forget(here.studio, visit)
    visit.own.wait(10)
    assert not visit.own.folder.exists()
    assert not files[0].exists()


def test_what_is_in_use_is_not_swept_away(here, tmp_path):
    visit, _ = sent(here, tmp_path)
    os.utime(visit.own.folder, (0, 0))
    visit.own.touch()
    here.studio.scratch.sweep(3600)
    assert visit.own.folder.is_dir()


def test_an_error_of_ours_is_no_silence(tmp_path):
    making = Making("x", tmp_path)
    making._thread = None

    def fails(each, stop):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        making._run(fails)
    assert making.over
    assert "error of this program" in making.failed


# Galleries of this machine


def test_a_folder_is_indexed_listed_and_chosen(here, tmp_path):
    photos = tmp_path / "season"
    photos.mkdir()
    for i in range(3):
        Image.fromarray(photo(seed=80 + i)).save(photos / f"{i}.png")
    (photos / "labels.csv").write_text("image,brand\n0.png,x\n1.png,y\n2.png,y\n", encoding="utf-8")
    assert here.listed() == []
    known.folder_given(here, Visit(), {"photos": str(photos), "name": "", "labels": ""})
    here.making.wait(60)
    assert here.making.failed == ""
    (place,) = here.listed()
    assert (place.name, place.count, place.problem) == ("season", 3, "")
    studio = known.chosen(here, Visit(), {"gallery": "season"})
    assert known.chosen(here, Visit(), {"gallery": "season"}) is studio
    assert here.published == [studio.engine.gallery.pictures]
    html = gallery_view.page(here, Visit(studio=studio))
    assert "Searched now: season" in html
    assert "searched now" in html
    Image.fromarray(photo(seed=99)).save(photos / "3.png")
    known.folder_given(here, Visit(), {"photos": str(photos), "name": "season", "labels": ""})
    here.making.wait(60)
    assert here.making.report.added == 1
    renewed = known.chosen(here, Visit(), {"gallery": "season"})
    assert len(renewed.engine.gallery) == 4
    html = gallery_view.page(here, Visit(studio=studio))
    assert 'aria-label="Use season"' in html, "the one in use is the old one"
    assert "indexed again since: 4 garments now" in html
    assert "indexed again" not in gallery_view.page(here, Visit(studio=renewed))


def test_another_folder_of_the_same_name_does_not_take_its_place(here, tmp_path):
    folders = [tmp_path / year / "season" for year in ("2025", "2026")]
    for i, folder in enumerate(folders):
        folder.mkdir(parents=True)
        Image.fromarray(photo(seed=60 + i)).save(folder / f"{i}.png")
    for typed, folder in (("", folders[0]), ("", folders[0]), ("next season", folders[1])):
        known.folder_given(here, Visit(), {"photos": str(folder), "name": typed})
        here.making.wait(60)
        assert here.making.failed == ""
    with pytest.raises(GalleryError, match="type a name"):
        known.folder_given(here, Visit(), {"photos": str(folders[1]), "name": ""})
    assert [p.name for p in here.listed()] == ["next season", "season"]
    assert str(tmp_path) not in (tmp_path / "galleries" / "season" / "manifest.json").read_text(encoding="utf-8")


def test_a_gallery_of_another_model_is_listed_with_the_reason(here, tmp_path):
    other = Engine.open(tiny_checkpoint(tmp_path / "model", seed=4), None, "cpu")
    filled(tmp_path / "galleries" / "strange", other, 1)
    (place,) = here.listed()
    assert "checkpoint" in place.problem
    assert 'data-value="strange"' not in gallery_view.page(here, Visit())
    with pytest.raises(GalleryError):
        known.chosen(here, Visit(), {"gallery": "strange"})


@pytest.mark.parametrize("name", ["nobody", None, 3, "../other", "/etc", "own"])
def test_unknown_galleries_are_refused(here, name):
    with pytest.raises(QueryError):
        known.chosen(here, Visit(), {"gallery": name})


@pytest.mark.parametrize(
    "typed", [{"photos": ""}, {}, {"photos": "/no/such/folder"}, {"photos": __file__}, {"photos": "{here}", "name": "../.."}]
)
def test_folders_that_are_none_are_refused(here, tmp_path, typed):
    data = {key: value.format(here=tmp_path) for key, value in typed.items()}
    with pytest.raises(AsenError):
        known.folder_given(here, Visit(), data)
    assert here.making is None


def test_only_one_folder_at_a_time(here, tmp_path):
    here.making = Making("first", tmp_path)
    with pytest.raises(GalleryError, match="first is being made"):
        known.folder_given(here, Visit(), {"photos": str(tmp_path), "name": "x"})
    known.stopped(here, Visit(), {"what": FOLDER})
    assert here.making.stopped


@pytest.mark.parametrize(
    ("space", "name", "own"),
    [("", "", True), ("", "127.0.0.1", True), ("", "localhost", True), ("", "0.0.0.0", False), ("me/alike", "", False)],
)
def test_folders_of_the_server_are_for_those_who_sit_at_it(monkeypatch, space, name, own):
    monkeypatch.setenv("SPACE_ID", space)
    monkeypatch.setenv("GRADIO_SERVER_NAME", name)
    assert web.on_own_machine() == own


def test_a_hosted_page_names_no_folder(engine, tmp_path, monkeypatch):
    monkeypatch.delenv("ASEN_GALLERIES", raising=False)
    scratch = Scratch(tmp_path / "scratch")
    scratch.root.mkdir()
    hosted = Galleries(Studio(engine, engine.look, scratch), False, print)
    html = gallery_view.page(hosted, Visit())
    assert "Index a folder" not in html
    assert str(tmp_path) not in html
    assert "Up to 500 photos" in html
    assert hosted.listed() == []
    with pytest.raises(QueryError):
        known.folder_given(hosted, Visit(), {"photos": str(tmp_path)})
    hosted.making = Making("x", tmp_path)
    known.stopped(hosted, Visit(), {"what": FOLDER})
    assert not hosted.making.stopped
    hosted.making = None
    monkeypatch.setenv("ASEN_GALLERIES", str(tmp_path / "offered"))
    filled(tmp_path / "offered" / "summer", engine, 2)
    (tmp_path / "offered" / "bad").mkdir()
    (tmp_path / "offered" / "bad" / "manifest.json").write_text("{}", encoding="utf-8")
    html = gallery_view.page(hosted, Visit())
    assert 'data-value="summer"' in html
    assert str(tmp_path) not in html


def test_own_photos_of_a_removed_gallery_are_closed_once(tmp_path):
    closed = []
    own = Own("your photos", tmp_path / "own")
    own.folder.mkdir()
    own.gallery, own.over = SimpleNamespace(store=SimpleNamespace(close=lambda: closed.append(1))), True
    own.remove()
    assert closed == [1]
    assert not own.folder.exists()
