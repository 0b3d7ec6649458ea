"""What saved searches found as one self-contained page: pictures inside, every text escaped, nothing to load or run."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from asen_core import files
from asen_core.errors import AsenError
from asen_core.names import attribute_name, value_name

if TYPE_CHECKING:
    from asen_core.gallery import Gallery
    from asen_core.gallery.watches import News, WatchReport
    from asen_core.types import Match

PICTURED, LISTED = 120, 2000
"""Hits of one search that are shown with a picture, and the rest that are listed; JSON has all."""
_LONGEST, _QUALITY, _LABELS = 260, 78, 5
_STYLE = """
:root { color-scheme: light dark;
  --paper: #f7f6f3; --ink: #211f1c; --soft: #68635b; --line: #dedad2; --card: #fff; --mat: #fff; --mark: #2f55d4 }
@media (prefers-color-scheme: dark) {
  :root { --paper: #161514; --ink: #ebe8e3; --soft: #a8a29a; --line: #3a3733; --card: #211f1d; --mat: #2b2926;
    --mark: #8ea6ff } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1180px; padding: 2.2rem 1.4rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif }
h1 { font-size: 1.5rem; margin: 0 0 .2rem; letter-spacing: -.01em }
h2 { font-size: 1.15rem; margin: 0 }
p { margin: .15rem 0 }
.soft { color: var(--soft) }
section { border-top: 1px solid var(--line); margin-top: 1.8rem; padding-top: 1.3rem }
.asked { display: flex; gap: 1rem; align-items: center; margin-bottom: 1rem }
.asked img { height: 108px; max-width: 108px; object-fit: contain; border-radius: 8px; background: var(--mat);
  border: 1px solid var(--line) }
.count { color: var(--mark); font-weight: 600 }
.hits { display: grid; grid-template-columns: repeat(auto-fill, minmax(158px, 1fr)); gap: .9rem }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow: hidden }
figure img, .none { display: block; width: 100%; height: 178px; object-fit: contain; background: var(--mat) }
.none { display: grid; place-items: center; color: var(--soft); font-size: .8rem }
figcaption { padding: .5rem .65rem .65rem; overflow-wrap: anywhere; font-size: .84rem }
figcaption b { font-size: 1rem; font-variant-numeric: tabular-nums }
.id { display: block; color: var(--soft); font-size: .76rem; margin-top: .3rem }
table { border-collapse: collapse; margin-top: 1rem; font-size: .84rem; width: 100% }
td, th { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
.failed { border-left: 3px solid #c2410c; padding-left: .8rem }
"""


def write(path: Path, report: WatchReport, gallery: Gallery) -> None:
    """Write the page. Raises: AsenError where the place can't be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, "".join(_page(report, gallery)).encode())
    except OSError as reason:
        raise AsenError(f"{path} can't be written ({reason.strerror}); give a place you may write to.") from reason


def _page(report: WatchReport, gallery: Gallery) -> Iterator[str]:
    total = sum(report.new.values())
    title = f"{total:,} new" if total else "Nothing new"
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        f"<title>Saved searches: {title}</title><style>{_STYLE}</style></head><body>"
        f"<h1>Saved searches: {title}</h1>"
        f'<p class="soft">{escape(report.gallery)} · {len(gallery):,} garments · {_time(report.time)}</p>'
    )
    for news in sorted(report.news, key=lambda n: not n.hits):
        yield from _section(news, gallery)
    for name, reason in report.failed.items():
        yield f'<section class="failed"><h2>{escape(name)}</h2><p>Not asked: {escape(reason)}</p></section>'
    yield "</body></html>\n"


def _section(news: News, gallery: Gallery) -> Iterator[str]:
    saved, count = news.saved, len(news.hits)
    new = f'<span class="count">{count:,} new</span>' if count else '<span class="soft">nothing new</span>'
    yield (
        f'<section><div class="asked"><img src="{_data(saved.picture)}" alt="The photo that is searched with"><div>'
        f"<h2>{escape(saved.name)} · {new}</h2><p>{escape(str(saved.question))} · {escape(str(saved.threshold))}</p>"
        f'<p class="soft">Saved {_time(saved.created)} · {news.close:,} garments are that close now</p></div></div>'
    )
    if count:
        yield f'<div class="hits">{"".join(_card(h, news, gallery) for h in news.hits[:PICTURED])}</div>'
    if rest := news.hits[PICTURED : PICTURED + LISTED]:
        rows = (f"<tr><td>{h.similarity:.3f}</td><td>{_unusual(h)}</td><td>{escape(h.item.id)}</td></tr>" for h in rest)
        yield f"<table><tr><th>similarity</th><th>unusual</th><th>garment</th></tr>{''.join(rows)}</table>"
    if count > PICTURED + LISTED:
        yield f'<p class="soft">And {count - PICTURED - LISTED:,} more, all less alike; the JSON output lists them.</p>'
    yield "</section>"


def _card(hit: Match, news: News, gallery: Gallery) -> str:
    labels = "".join(
        f"<br>{escape(text)}" for text in _labels(hit.item.labels, (*news.saved.question.weights, *news.saved.question.unlike))
    )
    return (
        f"<figure>{_picture(gallery.picture(hit.item))}<figcaption><b>{hit.similarity:.3f}</b> "
        f'<span class="soft">{_unusual(hit)}</span>{labels}<span class="id">{escape(hit.item.id)}</span></figcaption></figure>'
    )


def _labels(labels: Mapping[str, str], first: tuple[str, ...]) -> list[str]:
    """The labels that were asked about, then others, as people read them."""
    order = sorted(labels, key=lambda name: name not in first)[:_LABELS]
    return [f"{attribute_name(name)}: {value_name(name, labels[name])[:80]}" for name in order]


def _unusual(hit: Match) -> str:
    return f"closer than {hit.percentile:.1f} % of pairs"


def _picture(path: Path) -> str:
    try:
        with Image.open(path) as picture:
            small = picture.convert("RGB")
            small.thumbnail((_LONGEST, _LONGEST), Image.Resampling.LANCZOS)
            file = io.BytesIO()
            small.save(file, "WEBP", quality=_QUALITY)
    except (OSError, ValueError):
        return '<span class="none">no picture</span>'
    return f'<img src="{_data(file.getvalue())}" alt="" loading="lazy">'


def _data(webp: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(webp).decode()


def _time(time: str) -> str:
    """ "2026-03-01T12:00:00+00:00" as "2026-03-01 12:00 UTC"."""
    return f"{escape(time[:16].replace('T', ' '))} UTC"
