"""The real page while pictures of its gallery go, or are damaged: their places say so, and everything else goes on."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright import sync_api
from served import ROOT, served
from unprivileged import small_disk

expect = sync_api.expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_lost_pictures_leave_a_mark_and_nothing_else_breaks(browser, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "gallery_index", tmp_path / "gallery")
    (tmp_path / "kept").mkdir()
    sample = min((ROOT / "assets" / "samples").glob("*.webp"))
    with served(tmp_path / "kept", ASEN_GALLERY=str(tmp_path / "gallery")) as url:
        for number, path in enumerate(sorted((tmp_path / "gallery" / "images").rglob("*.webp"))):
            path.unlink() if number % 2 else path.write_bytes(b"RIFF\0\0\0\0WEBP and nothing more")
        page, faults = browser.new_page(), []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url, wait_until="domcontentloaded")
        expect(page.locator("#stage .drop")).to_be_visible(timeout=60_000)
        page.locator("#stage input[type=file]").set_input_files(sample)
        expect(page.locator("#results .found")).to_contain_text("most alike in", timeout=60_000)
        expect(page.locator("#results .pic img[data-lost]").first).to_be_attached(timeout=30_000)
        tile = page.locator("#results .tile").first
        mark = "element => getComputedStyle(element.querySelector('.pic'), '::after').content"
        assert "picture missing" in tile.evaluate(mark)
        tile.click()
        expect(page.locator("#dock .pair")).to_be_visible(timeout=30_000)
        assert faults == []
        page.close()


def test_a_photo_for_which_there_is_no_room_is_refused_and_the_next_one_is_not(browser, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    sample = min((ROOT / "assets" / "samples").glob("*.webp"))
    with small_disk(tmp_path / "kept", 1000) as kept, served(kept) as url:
        page, faults = browser.new_page(), []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url, wait_until="domcontentloaded")
        expect(page.locator("#stage .drop")).to_be_visible(timeout=60_000)
        page.locator("#stage input[type=file]").set_input_files(tmp_path / "large.png")
        expect(page.locator("#notice")).to_contain_text("did not reach the server", timeout=60_000)
        page.locator("#stage input[type=file]").set_input_files(sample)
        expect(page.locator("#results .found")).to_contain_text("most alike in", timeout=60_000)
        assert faults == []
        page.close()
