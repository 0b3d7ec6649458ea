"""Saved searches in a real browser: save one beside the results, index something closer, see it once, search on with it."""

import hashlib

import numpy as np
import pytest
from fakes import DIM, SPLIT, FakeEngine, unit
from playwright import sync_api

from asen_core import images
from asen_core.data.vocabulary import DEFAULT
from asen_core.gallery import Gallery
from asen_core.gallery.assembly import Entry, assemble
from asen_core.gallery.journal import Journal
from asen_core.gallery.lock import writing
from asen_core.types import Box
from asen_core.ui.page import SAMPLES, build, serve
from asen_core.ui.studio import samples_in

expect = sync_api.expect
pytestmark = pytest.mark.browser
PATIENCE = 60_000


def write(folder, vectors) -> Gallery:
    """A gallery of these items: id -> (A, D)."""
    header = {"attributes": list(DEFAULT), "dim": DIM, "split": SPLIT, "fingerprint": "fake"}
    with writing(folder):
        journal = Journal(folder / "journal", header)
        entries = []
        for id, rows in sorted(vectors.items()):
            key = hashlib.sha256(id.encode()).hexdigest()
            journal.add(
                key, np.full((80, 60, 3), int(key[:2], 16), np.uint8), rows, {a: Box(0.2, 0.2, 0.8, 0.8) for a in DEFAULT}
            )
            entries.append(Entry(id, key, {"category": "dress"}))
        assemble(folder, entries, [journal], {}, reuse=False)
    return Gallery.open(folder)


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Where the gallery lies, its vectors, and the page's address."""
    for name in ("SPACE_ID", "GRADIO_SERVER_NAME", "ASEN_WATCHES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("ASEN_GALLERIES", str(tmp_path / "galleries"))
    rng = np.random.default_rng(5)
    vectors = {f"garment-{i:02d}": np.stack([unit(rng.normal(size=DIM)) for _ in DEFAULT]) for i in range(30)}
    page = build(FakeEngine(write(tmp_path / "g", vectors)))
    yield tmp_path / "g", vectors, serve(page, wait=False)
    page.close(verbose=False)


def test_from_saving_to_searching_on_with_what_is_new(browser, made):
    folder, vectors, url = made
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    page, faults = context.new_page(), []
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.on("dialog", lambda d: d.accept("my <b>search</b>" if d.type == "prompt" else None))
    page.goto(url, wait_until="domcontentloaded")
    page.locator("#stage img[alt^='Sample']").first.click()
    page.locator("#results [data-do=save]").click()
    expect(page.locator(".notice.good")).to_contain_text("Saved as “my <b>search</b>”", timeout=PATIENCE)
    expect(page.locator(".notice.good")).to_be_hidden(timeout=PATIENCE)

    gallery = page.get_by_role("tab", name="Gallery", exact=True)
    gallery.click()
    expect(page.locator(".watches > li")).to_have_count(1, timeout=PATIENCE)
    expect(page.locator(".watches .of")).to_contain_text("my <b>search</b>", timeout=PATIENCE)
    page.locator(".watching [data-do=check]").click()
    expect(page.locator(".watches .of")).to_contain_text("nothing new", timeout=PATIENCE)

    looked = FakeEngine(None).look(images.load(samples_in(SAMPLES)[0]).pixels)
    write(folder, vectors | {"closer": np.stack([looked[a].embedding for a in DEFAULT])})
    page.locator(".watching [data-do=check]").click()
    expect(page.locator(".watches .new")).to_have_text("1 new", timeout=PATIENCE)
    tile = page.locator(".watches .tile")
    expect(tile).to_have_attribute("data-id", "closer", timeout=PATIENCE)
    assert page.locator(".watches .tile img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 60
    tile.click()
    expect(page.locator("#stage img.photo")).to_have_attribute("alt", "Gallery garment closer", timeout=PATIENCE)
    expect(page.get_by_role("tab", name="Find alike", exact=True)).to_have_attribute("aria-selected", "true", timeout=PATIENCE)

    gallery.click()
    page.locator(".watching [data-do=check]").click()
    expect(page.locator(".watches .of")).to_contain_text("nothing new", timeout=PATIENCE)
    page.locator(".watches [data-do=remove]").click()
    expect(page.locator(".watching")).to_contain_text("None yet", timeout=PATIENCE)
    context.close()
    assert faults == []
