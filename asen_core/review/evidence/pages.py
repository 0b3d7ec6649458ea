"""The pages about a pair: both photos and the summary, the files, a block per feature; and the last page of any pack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.units import cm
from reportlab.platypus import Flowable, KeepTogether, Spacer, Table

from asen_core.names import attribute_name
from asen_core.review.background import Background
from asen_core.review.design import Design
from asen_core.review.evidence import pictures
from asen_core.review.evidence import words as said
from asen_core.review.evidence.block import Block, Rule
from asen_core.review.evidence.facts import File
from asen_core.review.evidence.pair import Making, Pair, of_pairs
from asen_core.review.evidence.paper import BOLD, GRID, HEIGHT, INK, MONO, PLAIN, SOFT, WIDTH, cut, paragraph, style, words
from asen_core.review.evidence.record import CHECK, PERCENT, SIMILARITY

_LOWEST, _HIGHEST, _BETWEEN, _CAPTION = 5.5 * cm, 10.5 * cm, 0.6 * cm, 1.25 * cm
_DATES = {"taken": "Taken (EXIF)", "digitised": "Digitised (EXIF)", "changed": "Changed (EXIF)"}
_MOST = 3
"""Copies and decisions that the first page names."""
_NO_COPY = ("None was found.", "None was looked for.")
_SHADE = HexColor("#efece6")


class Side(Flowable):
    """The two photos that the first page shows, side by side, each with its name, no taller than `room` points."""

    def __init__(self, pair: Pair, room: float) -> None:
        super().__init__()
        self._sides = [_front(d, f, pair, i) for i, (d, f) in enumerate(_designs(pair))]
        self._width = (WIDTH - _BETWEEN) / 2
        self._tall = max(p.fitted(self._width, room - _CAPTION)[1] for p, _ in self._sides)

    def wrap(self, *_: float) -> tuple[float, float]:
        return WIDTH, self._tall + _CAPTION

    def draw(self) -> None:
        canvas = self.canv
        for i, (picture, (title, name)) in enumerate(self._sides):
            x = i * (self._width + _BETWEEN)
            canvas.setFillColor(INK)
            canvas.setFont(BOLD, 9)
            canvas.drawString(x, self._tall + 0.82 * cm, title)
            canvas.setFont(PLAIN, 7.5)
            canvas.setFillColor(SOFT)
            canvas.drawString(x, self._tall + 0.42 * cm, cut(name, self._width, 7.5))
            picture.put(canvas, x, 0.2 * cm, self._width, self._tall)


class FileRow(Flowable):
    """One file: its picture small, and its facts."""

    def __init__(self, file: File, number: int, count: int) -> None:
        super().__init__()
        self._picture, self._lines = pictures.original(file), list(_file_lines(file, number, count))

    def wrap(self, *_: float) -> tuple[float, float]:
        return WIDTH, max(2.3 * cm, len(self._lines) * 11.0 + 4)

    def draw(self) -> None:
        height = self.wrap()[1]
        self._picture.put(self.canv, 0, 0.1 * cm, 2.6 * cm, height - 0.2 * cm)
        for i, (font, size, text) in enumerate(self._lines):
            self.canv.setFont(font, size)
            self.canv.setFillColor(INK)
            self.canv.drawString(2.9 * cm, height - 9 - i * 11, cut(text, WIDTH - 2.9 * cm, size, font))


def front(pair: Pair, above: Sequence[Flowable]) -> Iterator[Flowable]:
    """What stands above, the photos, what was found, the table of figures, and what these mean and don't mean: one page.

    The photos are as large as the words leave room for; where these are too many, a second page follows.
    """
    below = list(_found(pair))
    left = HEIGHT - sum(f.wrap(WIDTH, HEIGHT)[1] + f.getSpaceBefore() + f.getSpaceAfter() for f in (*above, *below))
    yield from above
    yield Side(pair, min(max(left - 0.3 * cm, _LOWEST), _HIGHEST))
    yield from below


def _found(pair: Pair) -> Iterator[Flowable]:
    yield Spacer(0, 4)
    yield paragraph("What was found", style(11, bold=True, after=2))
    copies = pair.relations or ()
    left = max(len(copies) - _MOST, 0) + max(len(pair.decisions) - _MOST, 0)
    lines = said.summary(pair.comparison, copies[:_MOST], pair.decisions[-_MOST:])
    for line in (*lines, *([f"{left} more are listed with the files."] if left else [])):
        yield paragraph(f"– {words(line)}", style(8.3, after=1.5))
    yield Spacer(0, 5)
    yield _table(pair)
    yield Spacer(0, 6)
    for title, lines in (("What the figures mean", said.MEANS), ("What they don't mean", said.MEANS_NOT)):
        yield paragraph(title, style(9.5, bold=True, before=3, after=1))
        yield from (paragraph(f"– {m}", style(7.6, after=1)) for m in lines)


def files(pair: Pair) -> Iterator[Flowable]:
    """Every file with its digest and dates; then what was found by other means, and what was decided."""
    yield paragraph("The files", style(12, bold=True, after=3))
    yield paragraph(
        "The SHA-256 of a file changes when a single byte of it does: whoever has the files can make sure that they are these. "
        "Dates inside a photo (EXIF) and of a file are stated as found or given; both can be set by anyone.",
        style(7.8, after=6),
    )
    for title, (design, some) in zip(("First design", "Second design"), _designs(pair), strict=True):
        kind = f" (read as {words(said.kind_of(design.category))})" if design.category else ""
        rows = [FileRow(f, i, len(some)) for i, f in enumerate(some, 1)]
        heading = paragraph(
            f"{title}: {escape(cut(design.name, WIDTH * 0.6, 9, BOLD))}{kind}", style(9, bold=True, after=2, before=4)
        )
        yield KeepTogether([heading, rows[0]])
        yield from rows[1:]
    for title, lines, none in (
        ("Copies found by comparing the photos themselves", pair.relations or (), _NO_COPY[pair.relations is None]),
        ("Who decided what, and when", [said.decided(d) for d in pair.decisions], "No decision is recorded for this pair."),
    ):
        listed = [paragraph(words(line), style(8.3, after=2)) for line in (lines or [none])]
        yield KeepTogether([paragraph(title, style(9, bold=True, after=2, before=8)), *listed])


def blocks(pair: Pair) -> Iterator[Flowable]:
    """A block per feature, the most unusual first; how to read the pictures stands above the first."""
    explains = any(m is not None for both in pair.maps.values() for m in both)
    why = (
        " <b>What explains it</b>: the photo fades where hiding it changes the similarity little; the outlined part matters "
        "most."
        if explains
        else ""
    )
    yield paragraph("Feature by feature", style(12, bold=True, after=3))
    yield paragraph(
        "<b>Region compared</b>: what the model cut out. <b>Where the model looks</b>: brighter is stronger, the solid line "
        "goes round the part with at least half of the greatest strength, the dashed frame is the region compared."
        f"{why} The most unusual feature comes first.",
        style(7.8, after=5),
    )
    features = pair.comparison.features.values()
    for f in sorted(features, key=lambda f: -(f.standing.percent if f.standing else f.similarity)):
        yield KeepTogether([Rule(), Block(pair, f)])


def last(making: Making, background: Background, json_name: str, json_digest: str) -> Iterator[Flowable]:
    """How the pack was made, fingerprints, how to check it."""
    yield paragraph("How this was made, and how to check it", style(12, bold=True, after=4))
    by = f" by {words(making.reviewer)}" if making.reviewer else ""
    start = f"Made on {said.moment(making.made_at)}{by}, with version {words(making.version)} of the program asen."
    yield paragraph(f"{start} {said.METHOD}", style(8.3, after=6))
    yield _fingerprints(making, background, json_name, json_digest)
    yield paragraph("To check it", style(9.5, bold=True, after=2, before=8))
    yield paragraph(
        "With the program, the model and the gallery named above, and the photos as files (FIRST and SECOND: a file each, or a "
        f"folder with the photos of one design; PACK.json: {words(json_name)}), run:",
        style(8.3, after=3),
    )
    yield paragraph(CHECK, style(8, mono=True, after=3))
    yield paragraph(
        "It compares the SHA-256 of the files with those in the pack, computes every figure anew and says for each whether it "
        f"agrees. Similarities may differ by {SIMILARITY:g} and shares by {PERCENT:g} points, because processors round "
        f"differently. {said.KEPT}",
        style(8.3, after=6),
    )
    yield paragraph(said.MEANS_NOT[0], style(8.3))


def _fingerprints(making: Making, background: Background, json_name: str, json_digest: str) -> Table:
    pairs = f"{len(background.any):,} pairs of any kind" + "".join(
        f"; {len(t):,} both {words(said.kind_of(k))}" for k, t in background.same.items()
    )
    made = (
        ("Model, fingerprint", True, words(making.model)),
        ("Gallery, SHA-256 of its manifest", True, making.gallery),
        ("Gallery, garments", False, f"{making.garments:,}"),
        ("Pairs to compare with, SHA-256", True, of_pairs(background)),
        ("Pairs to compare with, from", False, f"{words(background.source)} ({background.garments:,} garments)"),
        ("Pairs to compare with, number", False, pairs),
        (f"The figures as data, {words(json_name)}, SHA-256", True, json_digest),
    )
    rows = [[paragraph(k, style(7.6)), paragraph(v, style(7, mono=mono))] for k, mono, v in made]
    grid = [
        *GRID,
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ]
    return Table(rows, [5.2 * cm, WIDTH - 5.2 * cm], style=grid)


def _table(pair: Pair) -> Table:
    found = pair.comparison
    head = ["Feature", "Similarity", "Closer than (all kinds)", "Closer than (same kind)", "Mirrored"]
    rows = [[paragraph(words(h), style(7.4, bold=True)) for h in head]]
    ordered = sorted(found.features.values(), key=lambda f: -(f.standing.percent if f.standing else f.similarity))
    named = [("All, weighted", found.overall), *((attribute_name(f.attribute), f) for f in ordered)]
    for name, like in named:
        cells = [name, f"{like.similarity:.3f}", said.share(like.standing), said.share(like.within), f"{like.mirrored:.3f}"]
        rows.append([paragraph(words(c), style(7.6, bold=like is found.overall)) for c in cells])
    counts = [s.pairs if s else 0 for s in (found.overall.standing, found.overall.within)]
    foot = ["Number of pairs", "", *(f"{c:,}" if c else "–" for c in counts), ""]
    rows.append([paragraph(c, style(7)) for c in foot])
    look = [
        *GRID, ("BACKGROUND", (0, 1), (-1, 1), _SHADE),
        ("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ("LEFTPADDING", (0, 0), (-1, -1), 3), ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
    ]  # fmt: skip
    return Table(rows, [4.4 * cm, 2.4 * cm, 4 * cm, 4.2 * cm, 2.4 * cm], style=look)


def _designs(pair: Pair) -> tuple[tuple[Design, tuple[File, ...]], ...]:
    return (pair.comparison.first, pair.first), (pair.comparison.second, pair.second)


def _front(design: Design, some: Sequence[File], pair: Pair, side: int) -> tuple[pictures.Picture, tuple[str, str]]:
    """The photo that was the nearest for most features, and its title and name."""
    used = Counter(f.shots[side] for f in pair.comparison.features.values())
    number = max(sorted(used), key=lambda i: used[i])
    title = ("First design", "Second design")[side]
    if len(some) > 1:
        title = f"{title}, photo {number + 1} of {len(some)}"
    name = some[number].facts.name
    return pictures.original(some[number]), (title, name if design.name in name else f"{design.name}: {name}")


def _file_lines(file: File, number: int, count: int) -> Iterator[tuple[str, float, str]]:
    f = file.facts
    yield BOLD, 8, f"{number} of {count}: {f.name}" if count > 1 else f.name
    turned = "" if f.orientation == 1 else f", turned upright (EXIF orientation {f.orientation})"
    yield PLAIN, 7.6, f"{f.format}, {f.width:,} x {f.height:,} pixels{turned}, {f.bytes:,} bytes"
    yield MONO, 7, f"SHA-256 {f.sha256}"
    dates = [f"{_DATES[k]}: {v}" for k, v in f.exif.items()] or ["No date inside the photo"]
    yield PLAIN, 7.6, "; ".join(dates)
    if f.dated:
        yield PLAIN, 7.6, f"Last change of the file, as given: {f.dated}"
    if not pictures.is_original(file):
        yield PLAIN, 7.6, "Shown here as a copy; the digest is that of the file itself."
