"""Every tab of the page over a gallery whose names and labels try to run something: nothing of it ever runs."""

import os
import zipfile

import pytest
from hostile import NAMES, SCRIPT, TAG, hostile_folder
from playwright import sync_api
from tiny import tiny_checkpoint
from typer.testing import CliRunner

from asen_core.cli import app
from asen_core.engine import Engine
from asen_core.ui.page import build, serve

expect = sync_api.expect
pytestmark = pytest.mark.browser
PATIENCE = 60_000
"""Milliseconds; a busy machine may take long, and no test waits longer than it must."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    tiny_checkpoint(home / "m")
    photos = hostile_folder(home / "photos")
    asked = ("index", "--images", photos, "--labels", photos / "labels.csv", "--out", home / "g", "--checkpoint", home / "m")
    done = CliRunner().invoke(app, [str(a) for a in (*asked, "--device", "cpu")])
    assert done.exit_code == 0, done.stderr
    with zipfile.ZipFile(home / f"{TAG.replace('/', '')}.zip", "w") as archive:
        for name in NAMES:
            archive.write(photos / os.fsdecode(name), f"mine/{name.decode('utf-8', 'replace')}")
        archive.writestr(f"../{TAG}.png", b"leads out")
        archive.writestr(f"{TAG} broken.png", b"no photo")
        archive.write(photos / "labels.csv", "mine/labels.csv")
    return home


@pytest.fixture(scope="module")
def url(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASEN_CASES", str(home / "cases.sqlite"))
        patch.setenv("ASEN_WATCHES", str(home / "watches.sqlite"))
        patch.setenv("ASEN_GALLERIES", str(home / "galleries"))
        patch.delenv("SPACE_ID", raising=False)
        page = build(Engine.open(home / "m", home / "g", "cpu"))
        yield serve(page, wait=False)
        page.close(verbose=False)


@pytest.fixture
def page(browser, url):
    """The open page; afterwards nothing may have run, failed, asked, or loaded what a label names."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE)
    opened, faults, asked = context.new_page(), [], []
    opened.on("pageerror", lambda e: faults.append(str(e)))
    opened.on("dialog", lambda d: (faults.append(d.message), d.dismiss()))
    opened.on("console", lambda m: faults.append(m.text) if "Content Security Policy" in m.text else None)
    opened.on("request", lambda r: asked.append(r.url))
    answer = opened.goto(url, wait_until="domcontentloaded")
    assert SCRIPT not in answer.text()
    assert TAG not in answer.text()
    yield opened
    assert opened.evaluate("window.hacked") is None
    assert opened.locator("img[onerror], svg[onload], b[onmouseover], iframe[srcdoc]").count() == 0
    context.close()
    assert faults == []
    assert not [address for address in asked if address.rstrip("/").endswith(("/x", "/x.png")) or "javascript" in address]


def tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()


def photo(home, name):
    return home / "photos" / os.fsdecode(name)


def find(page, home, name=NAMES[0]):
    page.locator("#stage input[type=file]").set_input_files(photo(home, name))
    expect(page.locator("#stage img.photo")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#results .found")).to_contain_text("most alike in", timeout=PATIENCE)


@pytest.mark.parametrize("name", [NAMES[0], NAMES[2], NAMES[-1]], ids=("tag", "line", "quotes"))
def test_find_alike_with_filters_and_the_sheet(page, home, name):
    find(page, home, name)
    expect(page.locator("#results .tile")).to_have_count(len(NAMES))
    page.locator("#results .tile").first.click()
    expect(page.locator("#dock .pair")).to_be_visible(timeout=PATIENCE)
    assert TAG in "".join(page.locator("#dock dd").all_text_contents())
    links = page.locator("#dock a").evaluate_all("all => all.map(a => a.protocol)")
    assert set(links) <= {"https:"}
    if page.locator("#filters .facet").count() == 0:
        page.locator("#options button").first.click()
    more = page.locator("#filters [data-do=more]")
    if more.is_visible():
        more.click()
    facet = page.locator("#filters .facet", has_text="Neckline").or_(page.locator("#filters [data-label=neckline]")).first
    facet.evaluate("node => { node.open = true; }")
    facet.locator("label", has_text=SCRIPT[:20]).first.locator("input").check()
    expect(page.locator("#results .found")).to_contain_text("with", timeout=PATIENCE)
    assert "script" in page.locator("#results .found").inner_text()


def test_compare_two_photos_of_hostile_names(page, home):
    tab(page, "Compare")
    for side, name in enumerate((NAMES[0], NAMES[1])):
        page.locator(f'#compare .side[data-side="{side}"] input[type=file]').set_input_files(photo(home, name))
        expect(page.locator(f'#compare .side[data-side="{side}"] img').first).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#compare tr[data-attribute]")).to_have_count(2, timeout=PATIENCE)


def test_screen_a_case_of_hostile_names(page, home):
    tab(page, "Screen")
    page.locator("#screen input[name=name]").fill(f"case {TAG}")
    page.locator("#screen .make button[type=submit]").click()
    expect(page.locator("#screen .casehead h2")).to_have_text(f"case {TAG}", timeout=PATIENCE)
    page.locator("#screen input[type=file]").set_input_files([photo(home, n) for n in (NAMES[0], NAMES[1], NAMES[4])])
    expect(page.locator("#screen .casehead p")).to_contain_text("3 screened", timeout=PATIENCE)
    page.locator('#screen input[name="reviewer"]').fill(TAG[:60])
    page.locator("#screen .sift label").first.click()
    expect(page.locator("#screen .bench")).to_be_visible()


def test_the_map_and_its_legend(page):
    tab(page, "Map")
    page.locator('#atlas canvas[data-drawn="neckline"]').wait_for()
    expect(page.locator("#atlas .key .value", has_text="script").first).to_be_visible(timeout=PATIENCE)
    page.locator("#atlas canvas").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#atlas .spot")).to_be_visible(timeout=PATIENCE)


def test_a_gallery_of_hostile_uploads(page, home):
    tab(page, "Gallery")
    page.locator("#gallery .own .file").set_input_files(next(home.glob("*.zip")))
    expect(page.locator("#gallery .own .made")).to_contain_text("garments can be searched", timeout=PATIENCE)
    left = "".join(page.locator("#gallery .own .left li").all_text_contents())
    assert f"../{TAG}.png" in left
    assert f"{TAG} broken.png" in left
    page.locator("#gallery .own [data-do=use]").press("Enter")
    expect(page.locator("#results .found")).to_contain_text("in your photos to compare with", timeout=PATIENCE)
    tab(page, "Gallery")
    expect(page.locator("#gallery .open dl")).to_contain_text(TAG[1:])
