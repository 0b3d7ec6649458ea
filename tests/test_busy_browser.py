"""The page of a busy server in a real browser: a place in line that counts down, and a line that is full."""

import re
import threading

import numpy as np
import pytest
from fakes import FakeEngine, FakeGallery
from PIL import Image
from playwright import sync_api

from asen_core.ui import page
from asen_core.ui.server import line

expect = sync_api.expect
pytestmark = pytest.mark.browser


class Gate:
    """Looks of an engine that wait to be let go, once it is shut."""

    def __init__(self, engine):
        self.engine, self.open, self.passes = engine, True, threading.Semaphore(0)

    def look(self, photo, attributes=None, boxes=None):
        if not self.open:
            self.passes.acquire(timeout=60)
        return self.engine.look(photo, attributes, boxes)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("busy")
    samples = folder / "samples"
    samples.mkdir()
    rng = np.random.default_rng(5)
    for number in range(3):
        Image.fromarray(rng.integers(0, 255, (120, 90, 3), np.uint8)).save(samples / f"{number}-shirt.webp")
    gate = Gate(FakeEngine(FakeGallery(folder / "gallery")))
    made = page.build(gate.engine, gate.look, samples)
    yield page.serve(made, wait=False), gate
    gate.passes.release(1000)
    made.close(verbose=False)


@pytest.fixture
def open_page(browser, served):
    url, _ = served
    contexts, faults = [], []

    def visit():
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        contexts.append(context)
        shown = context.new_page()
        shown.on("pageerror", lambda e: faults.append(str(e)))
        shown.goto(url, wait_until="domcontentloaded")
        expect(shown.locator("#stage .drop")).to_be_visible(timeout=30_000)
        return shown

    yield visit
    for context in contexts:
        context.close()
    assert faults == []


def choose(shown, number):
    shown.locator("#stage .sample").nth(number).click()


def test_the_place_in_line_is_shown_and_counts_down(served, open_page):
    _, gate = served
    pages = [open_page() for _ in range(3)]
    gate.open = False
    choose(pages[0], 0)
    expect(pages[0].locator("body.asen-busy")).to_have_count(1)
    choose(pages[1], 1)
    expect(pages[1].locator("#notice .queued")).to_contain_text("Busy: you are 1st in line", timeout=10_000)
    choose(pages[2], 2)
    notice = pages[2].locator("#notice .queued")
    expect(notice).to_contain_text("Busy: you are 2nd in line", timeout=10_000)
    expect(pages[2].locator("body.asen-busy")).to_have_count(1)
    gate.passes.release()
    expect(notice).to_contain_text("Busy: you are 1st in line", timeout=10_000)
    gate.passes.release()
    expect(notice).to_contain_text("It is your turn now", timeout=10_000)
    gate.passes.release()
    for shown in pages:
        expect(shown.locator("#results .found")).to_contain_text("most alike in", timeout=20_000)
        expect(shown.locator("#notice .notice")).to_have_count(0)
        expect(shown.locator("body.asen-busy")).to_have_count(0)
        expect(shown.locator(".toast-body")).to_have_count(0)
    gate.open = True


def test_a_photo_need_not_be_chosen_again(served, open_page, monkeypatch, tmp_path):
    _, gate = served
    shown, photo = open_page(), tmp_path / "shirt.jpg"
    Image.new("RGB", (90, 120), (200, 30, 30)).save(photo)
    monkeypatch.setattr(line, "MOST", 0)
    shown.locator("#stage input[type=file]").set_input_files(photo)
    again = shown.locator("#notice").get_by_role("button", name="Try again")
    expect(again).to_be_visible(timeout=10_000)
    expect(shown.locator("#notice .notice")).to_contain_text("Busy: 0 others are waiting")
    monkeypatch.setattr(line, "MOST", 32)
    gate.open = True
    again.click()
    expect(shown.locator("#results .found")).to_contain_text("most alike in", timeout=20_000)
    expect(shown.locator("#notice .notice")).to_have_count(0)


def test_a_full_line_is_said_and_nothing_is_lost(served, open_page, monkeypatch):
    _, gate = served
    gate.open = True
    late = open_page()
    choose(late, 0)
    expect(late.locator("#results .found")).to_contain_text("most alike in", timeout=20_000)
    photo = late.locator("#stage img.photo").get_attribute("src")
    monkeypatch.setattr(line, "MOST", 1)
    gate.open = False
    others = [open_page(), open_page()]
    choose(others[0], 0)
    expect(others[0].locator("body.asen-busy")).to_have_count(1)
    choose(others[1], 1)
    expect(others[1].locator("#notice .queued")).to_contain_text("1st in line", timeout=10_000)
    choose(late, 1)
    said = late.locator("#notice .notice")
    expect(said).to_have_text(re.compile(r"Busy: 1 other is waiting; try again in about \d+ s\."), timeout=10_000)
    expect(late.locator("body.asen-busy")).to_have_count(0)
    expect(late.locator(".toast-body")).to_have_count(0)
    assert late.locator("#stage img.photo").get_attribute("src") == photo
    expect(said.get_by_role("button", name="Try again")).to_have_count(0)  # a click is soon done again
    late.locator("#results .tile").first.click()  # what runs no model passes the line by
    expect(late.locator("#dock .pair")).to_be_visible(timeout=10_000)
    gate.passes.release(2)
    for shown in others:
        expect(shown.locator("#results .found")).to_contain_text("most alike in", timeout=20_000)
    gate.open = True
