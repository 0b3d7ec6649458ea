"""The tabs "Compare" and "Screen" in a real browser, with the shipped checkpoint and gallery."""

import csv
import json
import re
import time
import zipfile

import pytest
from PIL import Image
from playwright import sync_api
from test_browser import SAMPLES, SHOTS, fits, give

from asen_core.engine import Engine
from asen_core.ui.page import build, serve

expect = sync_api.expect
pytestmark = pytest.mark.browser
PATIENCE = 60_000
"""Milliseconds; a busy machine may take long, and no test waits longer than it must."""
FIRST, SECOND = '#compare .side[data-side="0"]', '#compare .side[data-side="1"]'


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASEN_CASES", str(tmp_path_factory.mktemp("cases") / "cases.sqlite"))
        patch.delenv("SPACE_ID", raising=False)
        page = build(Engine.open())
        yield serve(page, wait=False)
        page.close(verbose=False)


@pytest.fixture
def open_tab(browser, url):
    """Opens a tab at a size; afterwards nothing may have failed in it."""
    faults, contexts = [], []
    SHOTS.mkdir(exist_ok=True)

    def visit(tab, width=1440, height=900, **more):
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda e: faults.append(str(e)))
        page.goto(url, wait_until="domcontentloaded")
        page.get_by_role("tab", name=tab, exact=True).click()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """The samples as JPEG, and the first one mirrored."""
    folder = tmp_path_factory.mktemp("photos")
    paths = []
    for sample in SAMPLES:
        picture = Image.open(sample).convert("RGB")
        paths.append(folder / f"{sample.stem}.jpg")
        picture.save(paths[-1], quality=92)
    Image.open(paths[0]).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "mirrored.jpg", quality=92)
    return [*paths, folder / "mirrored.jpg"]


def lay(page, side, *paths):
    page.locator(f"{side} input[type=file]").set_input_files(list(paths))
    expect(page.locator(f"{side} img.photo")).to_be_visible(timeout=PATIENCE)


def rows(page):
    return page.locator("#compare .features tbody tr")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_two_designs_side_by_side(open_tab, photos, width, height, scheme):
    page = open_tab("Compare", width, height, color_scheme=scheme)
    expect(page.locator("#compare .waiting")).to_contain_text("Give a photo of each of two designs")
    lay(page, FIRST, photos[1])
    expect(page.locator("#compare .waiting")).to_contain_text("Now give the other design")
    page.locator(f"{SECOND} .sample").nth(2).click()
    expect(rows(page)).to_have_count(9, timeout=PATIENCE)
    expect(page.locator("#compare .features td.any").first).to_contain_text(re.compile(r"(\d %|all).*40,000 pairs", re.S))
    expect(page.locator("#compare .footing")).to_contain_text("measurements, not a judgement")
    assert page.locator("#compare img:not([alt]), #compare img[alt='']").count() == 0
    fits(page)
    page.screenshot(path=SHOTS / f"compare-{width}-{scheme}.png", full_page=True)


def test_choosing_an_attribute_needs_no_server(open_tab, photos):
    page = open_tab("Compare")
    lay(page, FIRST, *photos[:2])
    lay(page, SECOND, photos[2])
    expect(rows(page)).to_have_count(9, timeout=PATIENCE)
    asked = []
    page.on("request", lambda r: asked.append(r.url) if "queue/join" in r.url else None)
    row = page.locator('#compare tr[data-attribute="sleeve"]')
    row.locator("button").click()
    expect(row.locator("button")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#compare [aria-pressed=true] >> visible=true")).not_to_have_count(0)
    view = int(row.get_attribute("data-shots").split(",")[0])
    photo = json.loads(page.locator(FIRST).get_attribute("data-photos"))[view]
    expect(page.locator(f"{FIRST} .heat")).to_have_attribute("src", photo["heats"]["sleeve"])
    expect(page.locator(f"{FIRST} .whose")).to_contain_text(f"View {view + 1} of 2")
    page.locator(f'{FIRST} [data-view="{1 - view}"]').click()
    expect(page.locator(f"{FIRST} .whose")).to_contain_text(f"View {2 - view} of 2")
    row.locator("button").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator('#compare tr[data-attribute="closure"] button')).to_be_focused()
    expect(page.locator("#compare tr.chosen")).to_have_attribute("data-attribute", "closure")
    page.locator("#compare .verdict .opacity input").fill("20")
    expect(page.locator(f"{SECOND} .heat")).to_have_css("opacity", "0.2")
    assert asked == []


def test_weights_move_the_overall_figure_and_stay_under_the_hand(open_tab, photos):
    page = open_tab("Compare")
    lay(page, FIRST, photos[1])
    lay(page, SECOND, photos[2])
    expect(rows(page)).to_have_count(9, timeout=PATIENCE)
    before = page.locator("#compare .mean").inner_text()
    page.locator("#compare .weights summary").click()
    for slider in ("neckline", "collar"):
        page.locator(f'#compare [data-weight="{slider}"]').fill("5")
    expect(page.locator("#compare .mean")).to_contain_text("with your weights")
    assert page.locator("#compare .mean").inner_text() != before
    expect(page.locator('#compare [data-weight="collar"]')).to_have_value("5")
    lay(page, SECOND, photos[3])
    expect(page.locator(f"{SECOND} .thumb")).to_have_count(2, timeout=PATIENCE)
    expect(page.locator('#compare [data-weight="collar"]')).to_have_value("5")
    expect(page.locator("#compare .sliders")).to_be_visible()
    page.locator(f'{SECOND} [data-remove="1"]').click()
    expect(page.locator(f"{SECOND} .thumb")).to_have_count(0)
    page.get_by_role("button", name="Weigh all alike").click()
    expect(page.locator("#compare .mean")).to_have_text(before)


def test_a_mirrored_copy_is_said(open_tab, photos):
    page = open_tab("Compare")
    lay(page, FIRST, photos[0])
    lay(page, SECOND, photos[-1])
    expect(page.locator("#compare .copied")).to_contain_text("mirrored", timeout=PATIENCE)


def test_explained_and_packed(open_tab, photos, tmp_path):
    page = open_tab("Compare")
    lay(page, FIRST, photos[1])
    lay(page, SECOND, photos[1])
    expect(rows(page)).to_have_count(9, timeout=PATIENCE)
    page.locator('#compare tr[data-attribute="neckline"] button').click()
    page.get_by_role("button", name="Explain").click()
    expect(page.locator("#compare .why h3")).to_have_text("Why they are 1.00 alike in neckline", timeout=PATIENCE)
    expect(page.locator("#compare .why img")).to_have_count(2)
    expect(page.locator("#compare .because li")).to_have_count(5)
    expect(page.get_by_role("button", name="Explain")).to_be_enabled()
    page.screenshot(path=SHOTS / "explained.png", full_page=True)
    with page.expect_download(timeout=PATIENCE) as waiting:
        page.get_by_role("button", name="Evidence pack").click()
    waiting.value.save_as(tmp_path / "evidence.zip")
    with zipfile.ZipFile(tmp_path / "evidence.zip") as archive:
        assert archive.read("evidence.pdf").startswith(b"%PDF")
        record = json.loads(archive.read("evidence.json"))
    assert "neckline" in json.dumps(record)
    page.get_by_role("tab", name="Find alike", exact=True).click()
    expect(page.locator("#stage .drop")).to_be_visible()


@pytest.mark.parametrize("one_click", [True, False])
def test_from_a_result_to_the_detail(open_tab, photos, one_click):
    page = open_tab("Find alike")
    give(page, photos[1])
    tile = page.locator("#results .tile").nth(1)
    name = tile.get_attribute("data-id")
    if one_click:
        tile.hover()
        beside = page.get_by_role("button", name=f"Compare in detail with {name}")
        expect(beside).to_have_css("opacity", "1")
        page.screenshot(path=SHOTS / "one-click.png")
        beside.click()
    else:
        tile.click()
        page.locator("#dock").get_by_role("button", name="Compare in detail").click()
    expect(page.get_by_role("tab", name="Compare", exact=True)).to_have_attribute("aria-selected", "true", timeout=PATIENCE)
    expect(rows(page)).to_have_count(9, timeout=PATIENCE)
    expect(page.locator(f"{FIRST} .whose")).to_have_text(photos[1].stem)
    expect(page.locator(f"{SECOND} .whose")).to_have_text(name)


def test_bad_files_are_told_and_dropped_ones_go_to_their_side(open_tab, photos, tmp_path):
    page = open_tab("Compare")
    bad = tmp_path / "notes.txt"
    bad.write_bytes(b"these are notes")
    page.locator(f"{FIRST} input[type=file]").set_input_files([photos[0], bad])
    expect(page.get_by_role("alert")).to_contain_text("notes", timeout=PATIENCE)
    expect(page.locator(f"{FIRST} .drop")).to_be_visible()
    page.get_by_role("button", name="Dismiss this message").click()
    page.locator(f"{SECOND} .easel").evaluate(
        """async (easel, source) => {
            const blob = await (await fetch(source)).blob(), data = new DataTransfer();
            data.items.add(new File([blob], 'dropped.webp', {type: 'image/webp'}));
            easel.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true}));
        }""",
        page.locator(f"{SECOND} .sample img").first.get_attribute("src"),
    )
    expect(page.locator(f"{SECOND} .whose")).to_have_text("dropped", timeout=PATIENCE)
    page.get_by_role("tab", name="Find alike", exact=True).click()
    expect(page.locator("#stage .drop")).to_be_visible()


def test_a_compare_answers_in_time(open_tab, photos):
    """Within 1.5 s on two free cores; the best of some, as others may use the machine."""
    page = open_tab("Compare")
    lay(page, FIRST, photos[0])
    taken = []
    for number in (1, 2, 3, 4):
        if number > 1:
            page.locator(f'{SECOND} [data-do="clear"]').click()
            expect(rows(page)).to_have_count(0)
        start = time.perf_counter()
        page.locator(f"{SECOND} .sample").nth(number).click()
        expect(rows(page)).to_have_count(9, timeout=PATIENCE)
        taken.append(time.perf_counter() - start)
    print(f"second design {min(taken):.2f} s")
    assert min(taken) < 1.5


def make_case(page, name):
    page.locator("#screen [name=name]").fill(name)
    page.locator("#screen [name=name]").press("Enter")
    expect(page.locator("#screen .casehead h2")).to_have_text(name, timeout=PATIENCE)


def pairing(page):
    return page.locator("#screen .pairing").evaluate("p => p.dataset.suspect + ' ' + p.dataset.item")


def changed(page, before):
    page.wait_for_function(
        """before => {
            const p = document.querySelector('#screen .pairing');
            return p && p.dataset.suspect + ' ' + p.dataset.item !== before;
        }""",
        arg=before,
    )


@pytest.mark.parametrize(("width", "height", "scheme"), [(1440, 900, "light"), (390, 844, "dark")])
def test_a_case_from_files_to_decisions_that_last(open_tab, photos, tmp_path, width, height, scheme):
    page = open_tab("Screen", width, height, color_scheme=scheme)
    name = f"Winter {width}"
    make_case(page, name)
    packed = tmp_path / "more.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(photos[3], "more/three.jpg")
    bad = tmp_path / "notes.txt"
    bad.write_bytes(b"these are notes")
    page.locator("#screen input[type=file]").set_input_files([*photos[:3], packed, bad])
    expect(page.locator("#screen .casehead p")).to_contain_text("4 screened · 1 could not be read", timeout=PATIENCE)
    page.locator('#screen .sift label:has(span:text-is("90 %"))').click()
    expect(page.locator("#screen .queue li")).not_to_have_count(0)
    expect(page.locator("#screen .pairing img")).to_have_count(2)
    before = pairing(page)
    page.locator("#screen .casehead h2").click()
    page.keyboard.press("1")
    expect(page.locator("#screen [name=reviewer]")).to_be_focused()
    assert pairing(page) == before
    page.locator("#screen [name=reviewer]").fill("Ann")
    page.locator("#screen .casehead h2").click()
    page.keyboard.press("2")
    changed(page, before)
    expect(page.locator("#screen .casehead p")).not_to_contain_text("· 0 of")
    decided = page.locator("#screen .casehead p").inner_text()
    for key, back in (("ArrowRight", "ArrowLeft"), ("ArrowDown", "ArrowUp")):
        before = pairing(page)
        page.keyboard.press(key)
        changed(page, before)
        after = pairing(page)
        page.keyboard.press(back)
        changed(page, after)
    fits(page)
    page.screenshot(path=SHOTS / f"screen-{width}-{scheme}.png", full_page=True)
    page.reload(wait_until="domcontentloaded")
    page.get_by_role("tab", name="Screen", exact=True).click()
    expect(page.locator("#screen .casehead h2")).to_have_text(name, timeout=PATIENCE)
    expect(page.locator("#screen .casehead p")).to_have_text(decided)
    expect(page.locator("#screen [name=reviewer]")).to_have_value("Ann")
    with page.expect_download(timeout=PATIENCE) as waiting:
        page.get_by_role("button", name="Export CSV").click()
    assert waiting.value.suggested_filename == f"{name}.csv"
    waiting.value.save_as(tmp_path / "table.csv")
    table = list(csv.DictReader((tmp_path / "table.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert "not alike" in {row["decision"] for row in table}
    page.locator("#screen .hit").get_by_role("button", name="Compare in detail").click()
    expect(rows(page)).to_have_count(9, timeout=PATIENCE)
    expect(page.get_by_role("tab", name="Compare", exact=True)).to_have_attribute("aria-selected", "true")


def test_keys_typed_into_fields_decide_nothing(open_tab, photos):
    page = open_tab("Screen")
    make_case(page, "Typed")
    page.locator("#screen input[type=file]").set_input_files(photos[0])
    expect(page.locator("#screen .casehead p")).to_contain_text("1 screened", timeout=PATIENCE)
    page.locator('#screen .sift label:has(span:text-is("90 %"))').click()
    expect(page.locator("#screen .pairing")).to_be_visible()
    before = pairing(page)
    page.locator("#screen [name=reviewer]").press_sequentially("1234")
    page.get_by_role("button", name="All cases").click()
    expect(page.locator('#screen [data-open="Typed"]')).to_be_visible()
    page.locator('#screen [data-open="Typed"]').click()
    expect(page.locator("#screen .casehead p")).to_contain_text("· 0 of")
    page.locator('#screen .sift label:has(span:text-is("90 %"))').click()
    expect(page.locator("#screen .pairing")).to_be_visible()
    assert pairing(page) == before
