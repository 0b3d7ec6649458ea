"""Evidence packs: one PDF and one JSON per pair of designs or per case."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from reportlab.lib.units import cm
from reportlab.platypus import Flowable, PageBreak, Spacer, Table

from asen_core.errors import AsenError, QueryError
from asen_core.names import attribute_name
from asen_core.review.background import Background
from asen_core.review.evidence import pages
from asen_core.review.evidence import words as said
from asen_core.review.evidence.pair import Making, Pair, instant
from asen_core.review.evidence.paper import GRID, WIDTH, built, cut, paragraph, style, words
from asen_core.review.evidence.record import frame, pair_record, sha256, written


@dataclass(frozen=True)
class Pack:
    """The bytes of both files."""

    pdf: bytes
    json: bytes


@dataclass(frozen=True)
class Line:
    """One hit of a case: a suspect and the protected item that it was held against, and what was decided, if anything.

    attribute: empty for all together; percent: of pairs that are less alike, None where there are none. at: ISO 8601, empty
    while undecided.
    """

    suspect: str
    protected: str
    attribute: str
    similarity: float
    percent: float | None
    verdict: str = ""
    by: str = ""
    at: str = ""


def pair_pack(pair: Pair, making: Making, json_name: str = "pack.json") -> Pack:
    """The pack of one pair. json_name: what the JSON will be called; the PDF names it with its SHA-256."""
    record = written({**frame("pair", making, pair.background), **pair_record(pair)})
    title = making.title or f"{_named(pair)} compared"
    flow = [
        *pages.front(pair, list(_opening(title, "Two designs compared", making))), PageBreak(), *pages.files(pair), PageBreak(),
        *pages.blocks(pair), PageBreak(), *pages.last(making, pair.background, json_name, sha256(record)),
    ]  # fmt: skip
    return Pack(_pdf(flow, title, making), record)


def case_pack(
    name: str,
    hits: Sequence[Line],
    pairs: Sequence[Pair],
    making: Making,
    background: Background,
    json_name: str = "pack.json",
    left_out: int = 0,
) -> Pack:
    """The pack of a case: all hits in a table, then the pairs that are worth showing, each as in its own pack.

    left_out: how many more pairs were worth showing; it is said. Raises: QueryError for a case without hits.
    """
    if not hits:
        raise QueryError(f"The case {name} has no hits, so there is nothing to write down; screen some suspects first.")
    record = written({
        **frame("case", making, background), "case": name, "hits": [vars(h) for h in hits],
        "pairs_left_out": left_out,
        "pairs": [pair_record(p) for p in pairs],
    })  # fmt: skip
    title = making.title or f"Case {name}"
    flow: list[Flowable] = [
        *_opening(title, "Suspects held against protected designs", making),
        *_overview(name, hits, len(pairs), left_out),
    ]
    for number, pair in enumerate(pairs, 1):
        heading = paragraph(words(f"Pair {number} of {len(pairs)}: {_named(pair)}"), style(13, bold=True, after=6))
        flow += [PageBreak(), *pages.front(pair, [heading]), PageBreak(), *pages.files(pair), PageBreak(), *pages.blocks(pair)]
    flow += [PageBreak(), *pages.last(making, background, json_name, sha256(record))]
    return Pack(_pdf(flow, title, making), record)


def write(pack: Pack, pdf: Path, json: Path) -> None:
    """Put both files in place, each whole or not at all. Raises: AsenError where a place can't be written."""
    if pdf.absolute() == json.absolute():
        raise QueryError(f"The PDF and the JSON can't both be {pdf}; give them different names.")
    parts = [(p.with_name(f".{p.name}.{os.getpid()}.partial"), p, data) for p, data in ((json, pack.json), (pdf, pack.pdf))]
    try:
        for part, place, data in parts:
            place.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for part, place, _ in parts:
            part.replace(place)
    except OSError as reason:
        raise AsenError(f"{pdf} can't be written ({reason}). Give a place that you may write to.") from None
    finally:
        for part, _, _ in parts:
            with suppress(OSError):
                part.unlink()


def _pdf(flow: Sequence[Flowable], title: str, making: Making) -> bytes:
    foot = f"{title} · {said.moment(making.made_at)} · asen {making.version}"
    return built(flow, title, making.reviewer, foot, instant(making.made_at))


def _named(pair: Pair) -> str:
    """Both names, long ones without their middle."""
    first, second = (cut(d.name, 7.5 * cm, 15) for d in (pair.comparison.first, pair.comparison.second))
    return f"{first} and {second}"


def _opening(title: str, what: str, making: Making) -> Iterator[Flowable]:
    yield paragraph(words(title), style(15, bold=True, after=2))
    by = f" · reviewer: {words(making.reviewer)}" if making.reviewer else ""
    yield paragraph(f"{what} · {said.moment(making.made_at)}{by}", style(8, after=7))


def _overview(name: str, hits: Sequence[Line], pairs: int, left_out: int) -> Iterator[Flowable]:
    verdicts = sorted((h.verdict for h in hits), key=lambda v: (v == "", v))
    counts = [f"{len(list(group))} {verdict or 'undecided'}" for verdict, group in groupby(verdicts)]
    shown = f" The pages that follow show {pairs} pairs in full" + (f"; {left_out} more are left out." if left_out else ".")
    yield paragraph(
        f"The case {words(name)} lists {len(hits):,} hits: {words(said.listed(counts))}.{shown}", style(8.5, after=5)
    )
    head = ("Suspect", "Protected", "Feature", "Similarity", "Closer than", "Decided", "By and when")
    rows = [[paragraph(h, style(7.2, bold=True)) for h in head]]
    for h in hits:
        share = "–" if h.percent is None else said.percent(h.percent)
        when = " · ".join(filter(None, (h.by, said.moment(h.at) if h.at else "")))
        cells = (
            h.suspect,
            h.protected,
            attribute_name(h.attribute) if h.attribute else "All, weighted",
            f"{h.similarity:.3f}",
            share,
            h.verdict or "–",
            when or "–",
        )
        rows.append([paragraph(words(c), style(7)) for c in cells])
    look = [
        *GRID, ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2), ("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]  # fmt: skip
    widths = [3.5 * cm, 3.5 * cm, 2.2 * cm, 1.7 * cm, 1.7 * cm, 1.8 * cm]
    yield Table(rows, [*widths, WIDTH - sum(widths)], style=look, repeatRows=1)
    yield Spacer(0, 8)
    for title, lines in (("What the figures mean", said.MEANS), ("What they don't mean", said.MEANS_NOT)):
        yield paragraph(title, style(9.5, bold=True, after=1))
        yield from (paragraph(f"– {m}", style(7.6, after=1)) for m in lines)
