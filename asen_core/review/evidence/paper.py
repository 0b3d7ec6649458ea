"""A4 pages for evidence: letters that are embedded, page numbers out of how many, the same bytes for the same content."""

from __future__ import annotations

import io
import threading
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
from reportlab import rl_config
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph

PLAIN, BOLD, MONO = "EvidenceSans", "EvidenceSansBold", "EvidenceMono"
_FILES = {PLAIN: "DejaVuSans.ttf", BOLD: "DejaVuSans-Bold.ttf", MONO: "DejaVuSansMono.ttf"}
INK, SOFT, RULE = HexColor("#161513"), HexColor("#4a4641"), HexColor("#9a958d")
MARGIN, FOOT = 1.8 * cm, 1.7 * cm
WIDTH, HEIGHT = A4[0] - 2 * MARGIN, A4[1] - MARGIN - FOOT
GRID = (("LINEBELOW", (0, 0), (-1, -1), 0.3, RULE), ("FONTNAME", (0, 0), (-1, -1), PLAIN))
"""Of tables: a line below each row; the typeface, as the one that reportlab would take is not embedded."""
_LOCK = threading.Lock()


def style(size: float = 8.5, bold: bool = False, mono: bool = False, after: float = 0.0, before: float = 0.0) -> ParagraphStyle:
    """Text of `size` points with room in points before and after it."""
    fonts()
    font = MONO if mono else BOLD if bold else PLAIN
    return ParagraphStyle(
        f"{font}{size}", fontName=font, fontSize=size, leading=size * 1.34, textColor=INK, spaceAfter=after,
        spaceBefore=before, splitLongWords=1,
    )  # fmt: skip


def fonts() -> None:
    """Make the typefaces known to reportlab, once. They come with matplotlib, so that a pack looks the same everywhere."""
    if BOLD in pdfmetrics.getRegisteredFontNames() and MONO in pdfmetrics.getRegisteredFontNames():
        return
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)


def shown(text: str, font: str = PLAIN) -> str:
    """Text from outside as it can be printed: letters that the typeface lacks as [U+4E2D], right-to-left ones turned round."""
    fonts()
    known = pdfmetrics.getFont(font).face.charToGlyph
    done = "".join(c for c in unicodedata.normalize("NFC", text) if c.isprintable() or c == " ")
    return "".join(c if ord(c) in known else f"[U+{ord(c):04X}]" for c in _turned(done))


def words(text: str) -> str:
    """Text from outside, ready to stand inside a Paragraph's markup."""
    return escape(shown(text))


def paragraph(markup: str, form: ParagraphStyle) -> Paragraph:
    return Paragraph(markup, form)


def cut(text: str, width: float, size: float, font: str = PLAIN) -> str:
    """One line of printable text no wider than `width` points; a long one loses its middle, as a name's ending tells most."""
    line = shown(text, font)
    if pdfmetrics.stringWidth(line, font, size) <= width:
        return line
    for kept in range(len(line) - 1, 0, -1):
        short = f"{line[: kept - kept // 3]}…{line[len(line) - kept // 3 :] if kept // 3 else ''}"
        if pdfmetrics.stringWidth(short, font, size) <= width:
            return short
    return "…"


class _Numbered(Canvas):
    """A canvas that knows on its last page how many there are."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **{**settings, "initialFontName": PLAIN})
        self._pages: list[dict[str, Any]] = []
        self.foot = ""

    def showPage(self) -> None:  # noqa: N802 - reportlab's name
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for number, page in enumerate(self._pages, 1):
            self.__dict__.update(page)
            self._footer(number)
            super().showPage()
        super().save()

    def _footer(self, number: int) -> None:
        self.setStrokeColor(RULE)
        self.setLineWidth(0.4)
        self.line(MARGIN, FOOT - 0.35 * cm, A4[0] - MARGIN, FOOT - 0.35 * cm)
        self.setFillColor(SOFT)
        self.setFont(PLAIN, 7)
        self.drawString(MARGIN, FOOT - 0.75 * cm, cut(self.foot, WIDTH - 2.5 * cm, 7))
        self.drawRightString(A4[0] - MARGIN, FOOT - 0.75 * cm, f"Page {number} of {len(self._pages)}")


def built(flow: Sequence[Flowable], title: str, author: str, foot: str, at: datetime) -> bytes:
    """The PDF of a flow of text and pictures. at: printed in its properties as the moment it was made."""
    out = io.BytesIO()

    def started(canvas: _Numbered, _: Any) -> None:
        canvas.foot = foot
        canvas.setTitle(title)
        canvas.setAuthor(author)
        canvas.setSubject("Two designs compared: figures, pictures and how to check them")
        canvas.setCreator("asen")
        stamp = canvas._doc._timeStamp  # reportlab would say 1 January 2000 in every file that has to be reproducible
        stamp.t, stamp.lt, stamp.YMDhms = at.timestamp(), at.timetuple(), at.timetuple()[:6]
        stamp.dhh, stamp.dmm = 0, 0

    with _LOCK:  # one setting of reportlab for the whole process: binary streams, so that a JPEG lies in the PDF as it is
        before, rl_config.useA85 = rl_config.useA85, 0
        try:
            document = BaseDocTemplate(out, pagesize=A4, invariant=1, pageCompression=1)
            room = Frame(MARGIN, FOOT, WIDTH, HEIGHT, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
            document.addPageTemplates([PageTemplate("page", [room], onPage=started)])
            document.build(list(flow), canvasmaker=_Numbered)
        finally:
            rl_config.useA85 = before
    return out.getvalue()


def _turned(text: str) -> str:
    """Runs of Hebrew or Arabic letters turned round, as the page is filled from the left; the letters stay unjoined."""
    runs: list[list[str]] = []
    for c in text:
        right = unicodedata.bidirectional(c) in ("R", "AL") or (bool(runs) and runs[-1][0] == "R" and _joined(c))
        side = "R" if right else "L"
        if not runs or runs[-1][0] != side:
            runs.append([side, ""])
        runs[-1][1] += c
    return "".join(run[::-1] if side == "R" else run for side, run in runs)


def _joined(c: str) -> bool:
    return unicodedata.bidirectional(c) in ("NSM",)
