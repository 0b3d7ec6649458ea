"""The tab "Gallery", filters and mixed attributes in a real browser: `python app.py` with photos of one's own."""

import csv
import io
import re
import shutil
import zipfile

import pytest
from PIL import Image
from playwright import sync_api
from served import ROOT, served

from asen_core.data.render import catalogue

expect = sync_api.expect
pytestmark = pytest.mark.browser

SHOTS = ROOT / "tests" / "shots"
SAMPLE = next(iter(sorted((ROOT / "assets" / "samples").glob("*.webp"))))
BRANDS = ("Acme", "Bélier & fils", "<img src=x onerror=alert(1)>")
PATIENCE = 120_000


def jpeg(pixels):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


def packed(path, count=12):
    """A zip of drawn garments in a folder, with their labels, a copy, and files that are no photos."""
    rows = []
    with zipfile.ZipFile(path, "w") as archive:
        for i, drawn in enumerate(catalogue(count, 5, 240, 320)):
            archive.writestr(f"season/{i:02d}.jpg", data := jpeg(drawn.pixels))
            rows.append([f"season/{i:02d}.jpg", BRANDS[i % 3], 10 + i, f"https://shop.example/{i}", "ab"[i % 2]])
        archive.writestr("copy.jpg", data)
        archive.writestr("broken.jpg", b"\xff\xd8\xff\xe0 no photo")
        archive.writestr("../outside.jpg", data)
        table = io.StringIO()
        csv.writer(table).writerows([["image", "brand", "price", "link", "constructor"], *rows])
        archive.writestr("labels.csv", table.getvalue())
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def url(tmp_path_factory, home):
    settings = {"ASEN_GALLERIES": str(home / "galleries"), "XDG_DATA_HOME": str(home), "SPACE_ID": ""}
    with served(tmp_path_factory.mktemp("server"), **settings) as address:
        yield address


@pytest.fixture
def open_page(browser, url):
    """Opens the page at a size; afterwards nothing may have failed in it, and no other host may have been asked."""
    hosts, faults, contexts = set(), [], []

    def visit(width=1440, height=900, **more):
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda r: hosts.add(re.sub(r"^(\w+://[^/]*|\w+:).*", r"\1", r.url, flags=re.S)))
        page.on("pageerror", lambda e: faults.append(str(e)))
        page.on("dialog", lambda d: faults.append(d.message))
        page.goto(url, wait_until="domcontentloaded")
        expect(page.locator("#stage .drop")).to_be_visible(timeout=PATIENCE)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert faults == []
    assert hosts <= {url.rstrip("/"), "data:", "blob:"}


def tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()


def shot(page, name):
    SHOTS.mkdir(exist_ok=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    page.screenshot(path=SHOTS / f"gallery-{name}.png", full_page=True)


def found(page):
    return page.locator("#results .found")


def give(page):
    page.locator("#stage .sample").first.click()
    expect(page.locator("#stage img.photo")).to_be_visible(timeout=PATIENCE)
    expect(found(page)).to_contain_text("most alike in", timeout=PATIENCE)


def own_photos(page, archive, name):
    """From the tab to a search in photos of one's own."""
    tab(page, "Gallery")
    expect(page.locator("#gallery .own")).to_contain_text("Up to 2,000 photos")
    shot(page, f"empty-{name}")
    page.locator("#gallery .own .file").set_input_files(archive)
    expect(page.locator("#gallery .own progress, #gallery .own .made")).to_have_count(1, timeout=PATIENCE)
    shot(page, f"progress-{name}")
    expect(page.locator("#gallery .own .made")).to_contain_text("13 garments can be searched", timeout=PATIENCE)
    expect(page.locator("#gallery .own .made")).to_contain_text("1 is an exact copy")
    expect(page.locator("#gallery .own .left li")).to_have_count(2)
    shot(page, f"done-{name}")
    page.locator("#gallery .own [data-do=use]").press("Enter")
    expect(found(page)).to_contain_text("13 garments in your photos to compare with", timeout=PATIENCE)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_own_photos_searched_filtered_mixed_and_left_again(open_page, tmp_path, width, height):
    page = open_page(width, height)
    own_photos(page, packed(tmp_path / "mine.zip"), width)
    give(page)
    expect(found(page)).to_contain_text("of 13 garments in your photos")
    page.locator("#options button").first.click()
    facets = page.locator("#filters .facet")
    expect(facets).to_have_count(3)
    brand = page.locator("#filters [data-label=brand]")
    brand.locator("summary").press("Enter")
    expect(brand.locator("label", has_text=BRANDS[2])).to_contain_text("4")
    brand.locator("label", has_text="Acme").locator("input").press("Space")
    expect(found(page)).to_contain_text("of 4 garments in your photos with Brand Acme")
    shot(page, f"filtered-{width}")
    page.keyboard.press("Escape")
    least = page.locator("#filters [data-label=price] input").first
    least.fill("15")
    least.press("Tab")
    expect(found(page)).to_contain_text("of 2 garments in your photos with Brand Acme, Price from 15")
    page.locator("#results .tile").first.click()
    link = page.locator("#dock dl a")
    expect(link).to_have_text("shop.example")
    assert "noopener" in link.get_attribute("rel")
    expect(page.locator("#dock dl")).to_contain_text("Acme")
    page.locator("#dock [data-do=detail]").click()
    expect(page.locator("#compare .verdict")).to_contain_text("%", timeout=PATIENCE)
    tab(page, "Map")
    expect(page.locator("#atlas .value small").first).to_have_text("13", timeout=PATIENCE)
    tab(page, "Gallery")
    expect(page.locator("#gallery .open")).to_contain_text("Searched now: your photos")
    page.locator("#gallery .open [data-do=use]").click()
    expect(found(page)).to_contain_text("of 1,320 garments", timeout=PATIENCE)
    expect(page.locator("#filters [data-label=category]")).to_be_visible()
    tab(page, "Gallery")
    page.locator("#gallery .own [data-do=remove]").click()
    expect(page.locator("#gallery .own .drop")).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_attributes_mixed_by_keyboard(open_page, width, height):
    page = open_page(width, height)
    give(page)
    page.locator(".mixed").press("Enter")
    expect(page.locator(".mixing")).to_be_visible()
    expect(page.locator(".weigh output").first).to_have_text("100 %")
    sleeve = page.locator(".weigh").nth(2)
    for _ in range(5):
        sleeve.locator("input").press("ArrowRight")
    expect(found(page)).to_contain_text("alike in neckline (80 %) and sleeve length (20 %) of 1,320 garments")
    page.locator(".weigh").nth(4).get_by_role("button", name="Different in pattern").press("Enter")
    expect(found(page)).to_contain_text("neckline (80 %) and sleeve length (20 %), different in pattern,")
    expect(page.locator("#results .before").first).to_contain_text(
        re.compile(r"^neckline -?\d\.\d\d, sleeve length -?\d\.\d\d · pattern -?\d\.\d\d$")
    )
    expect(page.locator("#first")).to_be_hidden()
    shot(page, f"mix-{width}")
    page.locator("#results .tile").first.click()
    expect(page.locator("#dock header p")).to_contain_text("alike in neckline (80 %) and sleeve length (20 %)")
    expect(page.locator("#dock .alike .first")).to_have_count(3)
    page.keyboard.press("Escape")
    mixed = page.locator("#results .tile").evaluate_all("tiles => tiles.map(t => t.dataset.id)")
    page.locator("#attribute label.selected").click()
    expect(found(page)).to_contain_text("most alike in neckline of 1,320")
    expect(page.locator(".mixing")).to_be_hidden()
    assert page.locator("#results .tile").evaluate_all("tiles => tiles.map(t => t.dataset.id)") != mixed
    page.locator(".mixed").click()
    expect(found(page)).to_contain_text("different in pattern")
    page.locator('#attribute label:has(span:text-is("Colour"))').click()
    expect(found(page)).to_contain_text("most alike in colour of 1,320")
    expect(page.locator("body.asen-busy")).to_have_count(0)


def test_two_visitors_have_their_own(open_page, tmp_path):
    one, two = open_page(), open_page()
    own_photos(one, packed(tmp_path / "mine.zip"), "two")
    mine = one.locator("#results .tile img").first.get_attribute("src")
    tab(two, "Gallery")
    expect(two.locator("#gallery .own .drop")).to_be_visible()
    expect(two.locator("#gallery .open")).to_contain_text("1,320")
    assert re.search(r"asen-page-[^/]+/[\w-]{20,}/images/", mine), "a name that nobody can guess"
    tab(two, "Find alike")
    give(two)
    expect(found(two)).to_contain_text("of 1,320 garments")
    tab(one, "Gallery")
    one.locator("#gallery .own [data-do=remove]").click()
    expect(one.locator("#gallery .open")).to_contain_text("1,320")
    expect(one.locator("#gallery .own .drop")).to_be_visible()
    assert one.request.get(f"{one.url.rstrip('/')}/{mine}").status in (403, 404), "its pictures are gone"
    tab(one, "Find alike")
    expect(found(one)).to_contain_text("1,320 garments to compare with")


def test_a_folder_of_this_machine(open_page, home, tmp_path):
    page = open_page()
    with zipfile.ZipFile(packed(tmp_path / "mine.zip", 6)) as archive:
        for name in archive.namelist():
            if ".." not in name:
                archive.extract(name, tmp_path / "summer")
    tab(page, "Gallery")
    field = page.locator(".bring input[name=photos]")
    field.fill(str(tmp_path / "nothing"))
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("There is no folder")
    field.fill(str(tmp_path / "summer"))
    field.press("Enter")
    expect(page.locator(".here .made")).to_contain_text("7 garments can be searched", timeout=PATIENCE)
    shot(page, "folder")
    page.locator(".here .places [data-do=use]").click()
    expect(found(page)).to_contain_text("7 garments in summer", timeout=PATIENCE)
    assert (home / "galleries" / "summer" / "manifest.json").is_file()
    source = page.locator("#results .tile img").first
    assert source.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    shutil.rmtree(home / "galleries" / "summer")
    tab(page, "Gallery")
    expect(page.locator(".here .places")).to_have_count(0)
