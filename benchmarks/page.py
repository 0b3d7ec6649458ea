"""How long a visitor waits: start to first page, photo to results, attribute to results. Prints JSON.

python benchmarks/page.py [--photos DIR] [--rounds 10]

Drives `python app.py` in headless Chromium, as a visitor would; times run from the click (or file) until the new results stand
on the page, pictures loaded. DIR may hold any photos; without it the sample garments are used.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio
import torch
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ATTRIBUTES = ("Sleeve length", "Pattern", "Neckline", "Closure")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=ROOT / "assets" / "samples")
    parser.add_argument("--rounds", type=int, default=10)
    asked = parser.parse_args()
    photos = sorted(p for p in asked.photos.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    with _server() as (url, started), sync_playwright() as play:
        path = next(filter(None, map(shutil.which, BROWSERS)), None)
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        began = time.monotonic()
        page.goto(url, wait_until="domcontentloaded")
        expect(page.locator("#stage .drop")).to_be_visible(timeout=60_000)
        shown = time.monotonic() - began
        answers, changes = _visit(page, photos, asked.rounds)
        browser.close()
    print(json.dumps(_report(started, shown, answers, changes), indent=1))


@contextmanager
def _server() -> Iterator[tuple[str, float]]:
    """The app's address, and the seconds from its start until it answered."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    began = time.monotonic()
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port)}
    server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                if server.poll() is not None:
                    raise SystemExit("app.py ended by itself") from None
                time.sleep(0.05)
        yield url, time.monotonic() - began
    finally:
        server.terminate()
        server.wait(timeout=20)


def _visit(page: Page, photos: list[Path], rounds: int) -> tuple[list[float], list[float]]:
    """Seconds per photo and per change of attribute; the first photo warms up and is not counted."""
    answers, changes = [], []
    for i in range(rounds + 1):
        before = _state(page)
        began = time.monotonic()
        page.locator("#stage input[type=file]").set_input_files(photos[i % len(photos)])
        _wait_for_change(page, before)
        answers.append(time.monotonic() - began)
        for attribute in ATTRIBUTES[i % 2 :: 2]:
            before = _state(page)
            began = time.monotonic()
            page.locator(f'#attribute label:has(span:text-is("{attribute}"))').click()
            _wait_for_change(page, before)
            changes.append(time.monotonic() - began)
    return answers[1:], changes


_STATE = """() => JSON.stringify([
  document.querySelector('#stage img.photo')?.src, document.querySelector('#stage .read h2')?.textContent,
  [...document.querySelectorAll('#results .tile')].map(t => t.dataset.id)])"""
_CHANGED = f"""before => {{
  const tiles = [...document.querySelectorAll('#results .tile img')].slice(0, 12);
  return ({_STATE})() !== before && tiles.length > 0 && tiles.every(i => i.complete);
}}"""


def _state(page: Page) -> str:
    return page.evaluate(_STATE)


def _wait_for_change(page: Page, before: str) -> None:
    page.wait_for_function(_CHANGED, arg=before, timeout=30_000, polling=10)


def _report(started: float, shown: float, answers: list[float], changes: list[float]) -> dict[str, object]:
    def spread(values: list[float]) -> dict[str, float]:
        return {"median": round(statistics.median(values), 3), "max": round(max(values), 3), "count": len(values)}

    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return {
        "seconds": {
            "start_to_first_answer": round(started, 2),
            "page_shown": round(shown, 2),
            "photo_to_results": spread(answers),
            "attribute_to_results": spread(changes),
        },
        "commit": commit,
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "gradio": gradio.__version__,
    }


if __name__ == "__main__":
    main()
