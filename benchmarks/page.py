"""What a visitor waits for and what travels: start to page, photo to results, attribute to results; seconds and bytes.

python benchmarks/page.py [--photos DIR] [--rounds 10] [--starts 3] [--cores 2]
python benchmarks/page.py --again

Drives `python app.py` in headless Chromium, as a visitor would, both on the same cores. Each photo is given in a visit of its
own with an empty cache, in a window tall enough to show all 24 garments; then attributes are chosen, first with whole garments
shown, last with their regions. Times run from the click (or file) until the new results stand on the page, pictures loaded.
Bytes are what the browser received (DevTools protocol), pictures included. DIR may hold any photos; without it the sample
garments are used. Any request to another host counts as one. Writes benchmarks/page.json and the table of README.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from benchmarks import tables, timing  # noqa: E402
from benchmarks.traffic import Traffic  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
ATTRIBUTES = ("Sleeve length", "Pattern", "Neckline", "Closure")
WINDOW = {"width": 1440, "height": 2200}
START, HEAVIEST = 6.0, 300.0
"""Seconds from `python app.py` to the page, and 1,000 bytes of one answer with 24 garments, at most."""
KINDS = {"photo": "photo to results", "attribute": "attribute to results", "region": "attribute to results, regions shown"}


def main() -> None:
    parser = timing.parser(__doc__)
    parser.add_argument("--photos", type=Path, default=ROOT / "assets" / "samples")
    parser.add_argument("--rounds", type=int, default=10, help="visits, each with one photo")
    parser.add_argument("--starts", type=int, default=3, help="how often the app is started")
    timing.run(__file__, parser.parse_args(), measured, markdown)


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """Starts of the app, and visits to the last one."""
    from playwright.sync_api import sync_playwright

    photos = sorted(p for p in asked.photos.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    with sync_playwright() as play:
        path = next(filter(None, map(shutil.which, BROWSERS)), None)
        browser = play.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        starts = []
        for number in range(asked.starts):
            with _server() as (url, answered, began):
                starts.append({"answer": round(answered, 2), **_opened(browser, url, began)})
                if number == asked.starts - 1:
                    visits = [_visit(browser, url, photos[i % len(photos)]) for i in range(asked.rounds + 1)]
        browser.close()
    return report(starts, visits[1:])  # the first one warms up


@contextmanager
def _server() -> Iterator[tuple[str, float, float]]:
    """The app's address, the seconds from its start until it answered, and when that start was."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port)}
    began = time.monotonic()
    server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                if server.poll() is not None:
                    raise SystemExit("app.py ended by itself") from None
                time.sleep(0.02)
        yield url, time.monotonic() - began, began
    finally:
        server.terminate()
        server.wait(timeout=20)


def _opened(browser: Any, url: str, began: float) -> dict[str, float]:
    """Seconds from the start of the app until a browser that was open already shows the page, and until its first answer."""
    with _page(browser, url) as (page, _):
        shown = time.monotonic() - began
        before = time.monotonic()
        page.locator("#stage [data-sample]").first.click()
        _wait_for_change(page, "")
        return {"shown": round(shown, 2), "first_photo": round(time.monotonic() - before, 3)}


@contextmanager
def _page(browser: Any, url: str) -> Iterator[tuple[Any, Traffic]]:
    """The page in a window of a new visitor, who has nothing of it yet."""
    context = browser.new_context(viewport=WINDOW)
    page, traffic = context.new_page(), Traffic(urlsplit(url).netloc)
    traffic.listen(context.new_cdp_session(page))
    page.goto(url, wait_until="domcontentloaded")
    page.locator("#stage .drop").wait_for(timeout=60_000)
    yield page, traffic
    context.close()


def _visit(browser: Any, url: str, photo: Path) -> dict[str, Any]:
    """One visitor: opens the page, gives a photo, chooses attributes. Seconds and bytes of each, by kind."""
    with _page(browser, url) as (page, traffic):
        _settle(page, traffic)
        found: dict[str, Any] = {"open": traffic.taken(), **{kind: [] for kind in KINDS}}
        found["photo"].append(_timed(page, traffic, lambda: _give(page, photo)))
        for name in ATTRIBUTES:
            if name == ATTRIBUTES[-1]:
                page.locator("#show label", has_text="Region").click()
                _settle(page, traffic)
                traffic.taken()
            kind = "region" if name == ATTRIBUTES[-1] else "attribute"
            found[kind].append(_timed(page, traffic, page.locator(f'#attribute label:has(span:text-is("{name}"))').click))
        page.reload(wait_until="domcontentloaded")
        page.locator("#stage .drop").wait_for()
        _settle(page, traffic)
        return {**found, "again": traffic.taken(), "elsewhere": traffic.elsewhere}


def _give(page: Any, photo: Path) -> None:
    page.locator("#stage input[type=file]").set_input_files(photo)


def _timed(page: Any, traffic: Traffic, act: Any) -> dict[str, Any]:
    before = page.evaluate(f"({_STATE})()")
    began = time.monotonic()
    act()
    _wait_for_change(page, before)
    seconds = time.monotonic() - began
    _settle(page, traffic)
    return {"seconds": seconds, "bytes": traffic.taken()}


_STATE = """() => JSON.stringify([
  document.querySelector('#stage img.photo')?.src, document.querySelector('#stage .read h2')?.textContent,
  [...document.querySelectorAll('#results .tile')].map(t => t.dataset.id)])"""
_CHANGED = f"""before => {{
  const there = [...document.querySelectorAll('#results .tile img, #stage .canvas img, #stage .zoom img')];
  return ({_STATE})() !== before && document.querySelector('#stage img.photo') && there.every(i => i.complete);
}}"""


def _wait_for_change(page: Any, before: str) -> None:
    page.wait_for_function(_CHANGED, arg=before, timeout=30_000, polling=10)


def _settle(page: Any, traffic: Traffic) -> None:
    """Until nothing comes any more."""
    page.wait_for_timeout(100)
    while not traffic.quiet:
        page.wait_for_timeout(50)


def report(starts: Sequence[Mapping[str, float]], visits: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Starts and visits in figures, and whether they are as was asked for."""
    every = {kind: [one for visit in visits for one in visit[kind]] for kind in KINDS}
    heavy = {kind: [one["bytes"]["all"] / 1e3 for one in some] for kind, some in every.items()}
    elsewhere = sorted({url for visit in visits for url in visit["elsewhere"]})
    slowest = max(start["shown"] for start in starts)
    return {
        "starts": list(starts),
        "times": {kind: timing.spread([one["seconds"] for one in some]) for kind, some in every.items()},
        "kilobytes": {
            kind: {"median": round(statistics.median(heavy[kind]), 1), "most": round(max(heavy[kind]), 1), **_parts(some)}
            for kind, some in every.items()
        },
        "open_kilobytes": {name: round(max(visit[name]["all"] for visit in visits) / 1e3) for name in ("open", "again")},
        "elsewhere": elsewhere,
        "verdicts": [
            timing.verdict("seconds from `python app.py` to the page, slowest", slowest, most=START),
            *(timing.verdict(f"kB received, {said}, most", max(heavy[kind]), most=HEAVIEST) for kind, said in KINDS.items()),
            timing.verdict("requests to other hosts", len(elsewhere), most=0),
        ],
    }  # fmt: skip


def _parts(some: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The median of each kind of request."""
    return {
        part: round(statistics.median(one["bytes"][part] for one in some) / 1e3, 1) for part in ("stream", "pictures", "else")
    }


def markdown(found: Mapping[str, Any]) -> str:
    """Times and bytes, then what was asked."""
    heads = ("", "times", "median (ms)", "longest (ms)", "received (kB, median)", "most (kB)")
    rows = []
    for kind, said in KINDS.items():
        took, weighed = found["times"][kind], found["kilobytes"][kind]
        figures = (timing.figure(v) for v in (took["median_ms"], took["most_ms"], weighed["median"], weighed["most"]))
        rows.append((said, str(took["count"]), *figures))
    starts = {name: statistics.median(start[name] for start in found["starts"]) for name in ("answer", "shown", "first_photo")}
    opened = found["open_kilobytes"]
    said = (
        f"Medians of {len(found['starts'])} starts: the server answers {starts['answer']:.1f} s after its start, the page is "
        f"shown at {starts['shown']:.1f} s, the very first photo has its results in {starts['first_photo']:.2f} s. Opening the "
        f"page takes {opened['open']:,} kB, once more {opened['again']:,} kB."
    )
    return "\n\n".join((tables.table(heads, rows), timing.verdicts(found["verdicts"]), f"{said} {timing.ran_on(found)}"))


if __name__ == "__main__":
    main()
