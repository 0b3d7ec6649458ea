"""The tab with the map in a real browser, over a small gallery whose garments lie on a grid, so that their places are known."""

import pytest
from fakes import FakeEngine, FakeGallery
from playwright import sync_api

from asen_core.ui.page import build, serve

expect = sync_api.expect
pytestmark = pytest.mark.browser
PATIENCE = 60_000
"""Milliseconds; a busy machine may take long, and no test waits longer than it must."""


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    return FakeGallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def url(gallery):
    page = build(FakeEngine(gallery))
    yield serve(page, wait=False)
    page.close(verbose=False)


@pytest.fixture
def open_map(browser, url):
    """Opens the page's map at a size; afterwards nothing may have failed in it."""
    faults, contexts = [], []

    def visit(width=1440, height=900, **more):
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda e: faults.append(str(e)))
        page.goto(url, wait_until="domcontentloaded")
        page.get_by_role("tab", name="Map", exact=True).click()
        page.locator('#atlas canvas[data-drawn="neckline"]').wait_for()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert faults == []


def place(page, gallery, i):
    """Where garment number i lies on the screen while the whole map is shown."""
    box = page.locator("#atlas canvas").bounding_box()
    side = min(box["width"], box["height"]) - 52
    x, y = gallery.map("neckline")[i].tolist()
    return box["x"] + box["width"] / 2 + (x - 0.5) * side, box["y"] + box["height"] / 2 + (y - 0.5) * side


def expect_search_from(page, gallery, i, heading):
    name = gallery.items[i].id
    expect(page.locator("#stage img.photo")).to_have_attribute("alt", f"Gallery garment {name}", timeout=PATIENCE)
    expect(page.get_by_role("tab", name="Find alike", exact=True)).to_have_attribute("aria-selected", "true", timeout=PATIENCE)
    expect(page.locator("#stage .read h2")).to_have_text(heading, timeout=PATIENCE)
    expect(page.locator("#results .found")).to_contain_text("most alike in", timeout=PATIENCE)
    expect(page.locator("#attribute label.selected")).to_have_text(heading, timeout=PATIENCE)
    assert name not in page.locator("#results .tile").evaluate_all("tiles => tiles.map(t => t.dataset.id)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pointing_shows_the_garment_and_a_click_searches_from_it(open_map, gallery, scheme):
    page = open_map(color_scheme=scheme)
    page.locator("#atlas .pills label", has_text="Sleeve length").click()
    page.locator('#atlas canvas[data-drawn="sleeve"]').wait_for()
    expect(page.locator("#atlas .spot")).to_be_hidden()
    page.mouse.move(*place(page, gallery, 23))
    expect(page.locator("#atlas .spot img")).to_be_visible(timeout=PATIENCE)
    assert page.locator("#atlas .spot img").get_attribute("src").endswith("/garment-023.webp")
    page.wait_for_function("document.querySelector('#atlas .spot img').naturalWidth > 0")
    label = gallery.items[23].labels["sleeve"].replace("_", "-").capitalize()
    expect(page.locator("#atlas .spot b")).to_have_text(label)
    page.mouse.move(*(v + 30 for v in place(page, gallery, 23)))
    expect(page.locator("#atlas .spot")).to_be_hidden(timeout=PATIENCE)
    page.mouse.click(*place(page, gallery, 35))
    expect_search_from(page, gallery, 35, "Sleeve length")


def test_by_touch_the_second_tap_searches(open_map, gallery):
    page = open_map(390, 844, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.touchscreen.tap(*place(page, gallery, 12))
    expect(page.locator("#atlas .spot button")).to_be_visible(timeout=PATIENCE)
    page.locator("#atlas .spot button").click()
    expect_search_from(page, gallery, 12, "Neckline")


def test_by_keyboard_alone(open_map, gallery):
    page = open_map()
    canvas, card = page.locator("#atlas canvas"), page.locator("#atlas .spot")
    canvas.press("ArrowRight")
    expect(card).to_be_visible(timeout=PATIENCE)
    start = int(card.get_attribute("data-index"))
    canvas.press("ArrowLeft")
    expect(card).to_have_attribute("data-index", str(start - 1), timeout=PATIENCE)
    canvas.press("ArrowUp")
    expect(card).to_have_attribute("data-index", str(start - 11), timeout=PATIENCE)
    canvas.press("+")
    expect(canvas).to_have_attribute("data-zoom", "1.50", timeout=PATIENCE)
    canvas.press("0")
    expect(canvas).to_have_attribute("data-zoom", "1.00", timeout=PATIENCE)
    canvas.press("Enter")
    expect_search_from(page, gallery, start - 11, "Neckline")


def test_wheel_and_drag_move_the_map_and_do_not_search(open_map, gallery):
    page = open_map()
    canvas = page.locator("#atlas canvas")
    x, y = place(page, gallery, 33)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -400)
    expect(canvas).not_to_have_attribute("data-zoom", "1.00", timeout=PATIENCE)
    expect(page.locator("#atlas .spot")).to_have_attribute("data-index", "33", timeout=PATIENCE)  # zooms around the pointer
    page.mouse.down()
    page.mouse.move(x + 90, y + 40, steps=4)
    page.mouse.up()
    page.mouse.move(x + 91, y + 40)
    expect(page.locator("#atlas .spot")).to_have_attribute("data-index", "33", timeout=PATIENCE)  # went with the pointer
    expect(page.locator("#stage img.photo")).to_have_count(0)
    page.get_by_role("button", name="Show all garments").click()
    expect(canvas).to_have_attribute("data-zoom", "1.00", timeout=PATIENCE)


def test_the_legend_dims_the_others(open_map, gallery):
    page = open_map()
    values = [item.labels["neckline"] for item in gallery.items]
    counts = [values.count(v) for v in values]
    shown = page.locator("#atlas .value")
    assert shown.locator("small").evaluate_all("all => all.reduce((sum, e) => sum + Number(e.textContent), 0)") == len(values)
    assert shown.first.locator("small").inner_text() == str(max(counts))
    shown.first.click()
    expect(shown.first).to_have_attribute("aria-pressed", "true")
    page.mouse.move(*place(page, gallery, counts.index(min(counts))))
    page.mouse.move(*place(page, gallery, counts.index(max(counts))))
    expect(page.locator("#atlas .spot b")).to_have_text(shown.first.locator("span").inner_text(), timeout=PATIENCE)
    page.mouse.move(*place(page, gallery, counts.index(min(counts))))
    expect(page.locator("#atlas .spot")).to_be_hidden(timeout=PATIENCE)
    shown.first.click()
    expect(page.locator('#atlas .value[aria-pressed="true"]')).to_have_count(0)


def test_without_a_map_a_sentence_says_how_to_make_it(open_map):
    page = open_map()
    page.locator("#atlas .pills label").last.click()
    expect(page.locator("#atlas .problem")).to_contain_text("python -m asen_core map --gallery", timeout=PATIENCE)
    page.locator("#atlas .pills label").first.click()
    expect(page.locator("#atlas .problem")).to_be_hidden(timeout=PATIENCE)


def test_controls_have_names(open_map):
    page = open_map()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('#atlas button, #atlas input, #atlas canvas')].filter(e => e.offsetParent
            && !(e.innerText || e.getAttribute('aria-label') || e.labels?.length)).map(e => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
