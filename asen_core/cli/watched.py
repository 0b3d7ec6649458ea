"""Saved searches and what they found, as text and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from asen_core.cli.console import emit, say, tell

if TYPE_CHECKING:
    from asen_core.gallery import Gallery
    from asen_core.gallery.watches import Found, News, Saved, Watches, WatchReport
    from asen_core.types import Match


def print_saved(opened: Watches, saved: Saved, as_json: bool) -> None:
    """One that was just saved."""
    if as_json:
        emit({"file": str(opened.path), **summary(saved)})
        return
    say(line(saved))
    tell(f"{saved.known:,} garments are that close already and will not be told. To ask again: {_again(opened)}")


def print_list(opened: Watches, found: list[Saved]) -> None:
    """All saved searches as a table."""
    table = Table(
        "saved search", "what", "how close", "last asked", title=f"Saved searches in {opened.path}", title_justify="left"
    )
    for column in ("known", "told", "waiting"):
        table.add_column(column, justify="right")
    for saved in found:
        words = (saved.name, str(saved.question), str(saved.threshold), saved.ran or "–")
        table.add_row(*words, *(f"{n:,}" for n in (saved.known, saved.told, saved.waiting)))
    add = "python -m asen_core watch add PHOTO ATTRIBUTE --name NAME"
    say(table if found else f"No saved searches in {opened.path} yet; make one with: {add}")


def print_found(saved: Saved, found: list[Found], gallery: Gallery, count: int) -> None:
    """One saved search and all that it holds."""
    say(line(saved))
    table = _table(f"{len(found):,} garments that are or were that close", "told")
    for f in found[:count]:
        table.add_row(*_cells(f.match, gallery), "known from the start" if f.known else f.told or "not yet")
    say(table if found else "Nothing is that close yet.")


def print_report(report: WatchReport, opened: Watches, count: int) -> None:
    """What is new, search by search; those without news in one line."""
    for news in report.news:
        if news.hits:
            _print_news(news, opened.gallery, count)
    if quiet := [news.saved.name for news in report.news if not news.hits]:
        say(f"Nothing new: {', '.join(quiet)}.")
    if not report.news and not report.failed:
        print_list(opened, [])
    for name, reason in report.failed.items():
        tell(f"{name} was not asked: {reason}")


def report_json(report: WatchReport, gallery: Gallery) -> dict[str, Any]:
    """All that a report holds; `total` and `new` are for programs that act on news."""
    watches = [
        {**summary(news.saved), "close": news.close, "new": [hit_json(hit, gallery) for hit in news.hits]}
        for news in report.news
    ]
    total, new = sum(report.new.values()), dict(report.new)
    return {
        "gallery": report.gallery, "time": report.time, "total": total, "new": new, "watches": watches,
        "failed": dict(report.failed),
    }  # fmt: skip


def found_json(saved: Saved, found: list[Found], gallery: Gallery) -> dict[str, Any]:
    """One saved search and all that it holds."""
    hits = [{**hit_json(f.match, gallery), "found": f.found, "told": f.told or None, "known": f.known} for f in found]
    return {**summary(saved), "hits": hits}


def summary(saved: Saved) -> dict[str, Any]:
    """A saved search without its hits."""
    limit = {"least": saved.threshold.value, "closer_than": saved.threshold.item or None, "beaten": saved.threshold.beaten}
    counts = {"known": saved.known, "told": saved.told, "waiting": saved.waiting}
    times = {"created": saved.created, "ran": saved.ran or None}
    asked = {"question": saved.question.to_json(), "threshold": limit, "checkpoint": saved.fingerprint}
    return {"name": saved.name, **times, **asked, **counts}


def hit_json(match: Match, gallery: Gallery) -> dict[str, Any]:
    """A garment that was found."""
    figures = {"similarity": float(match.similarity), "percentile": float(match.percentile)}
    item: Mapping[str, Any] = {"image": str(gallery.picture(match.item)), "labels": dict(match.item.labels)}
    return {"id": match.item.id, **figures, **item}


def line(saved: Saved) -> str:
    """A saved search in one line."""
    return f"{saved.name}: {saved.question}; {saved.threshold}"


def _print_news(news: News, gallery: Gallery, count: int) -> None:
    table = _table(f"{line(news.saved)}: {len(news.hits):,} new")
    for hit in news.hits[:count]:
        table.add_row(*_cells(hit, gallery))
    say(table)
    if (more := len(news.hits) - count) > 0:
        say(f"… and {more:,} more; -k, --json and --out show them.")


def _table(title: str, *more: str) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("similarity", "unusual"):
        table.add_column(name, justify="right")
    for name in ("garment", "labels", "picture", *more):
        table.add_column(name, overflow="fold")
    return table


def _cells(hit: Match, gallery: Gallery) -> tuple[str, ...]:
    labels = ", ".join(f"{name} {value}" for name, value in list(hit.item.labels.items())[:4])
    words = (hit.item.id, labels or "–", str(gallery.picture(hit.item)))
    return (f"{hit.similarity:.3f}", f"{hit.percentile:.1f} %", *words)


def _again(opened: Watches) -> str:
    return f"python -m asen_core watch run --gallery {opened.address}"
