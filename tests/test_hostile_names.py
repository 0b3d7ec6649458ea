"""Names of files and texts of labels as an attacker would choose them: in console, page, tables, reports and evidence."""

import csv
import io
import json
import os
import re
import sqlite3
import unicodedata
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from hostile import COLUMNS, FORMULAS, NAMES, NOTES, SCRIPT, TAG, hostile_folder
from rich.table import Table
from tiny import tiny_checkpoint
from typer.testing import CliRunner

from asen_core.cli import app
from asen_core.cli.console import marked, plain, say, tell
from asen_core.engine import Engine
from asen_core.errors import DataError
from asen_core.indexing.labels import parsed
from asen_core.review.cases import Cases
from asen_core.sheets import cell
from asen_core.types import Match, Matches
from asen_core.ui import labelled, maps, present
from asen_core.ui.facets import counted, facets
from asen_core.ui.studio import Answer
from asen_core.ui.table import table

NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]\d+)?")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model, hostile photos, and the gallery that the command line makes of them; what it said is in `said`."""
    home = tmp_path_factory.mktemp("hostile")
    tiny_checkpoint(home / "m")
    folder = hostile_folder(home / "photos [bold]")
    labels = ("--labels", folder / "labels.csv")
    done = run(home, "index", "--images", folder, *labels, "--out", home / "g", gallery=False)
    (home / "said").write_text(done, encoding="utf-8")
    return home


def run(home: Path, *arguments: object, gallery: bool = True, code: int = 0) -> str:
    """What a verb says on both channels."""
    where = ("--checkpoint", home / "m", *(("--gallery", home / "g") if gallery else ()), "--device", "cpu")
    result = CliRunner().invoke(app, [str(a) for a in (*arguments, *where)])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result.stdout + result.stderr


def clean(said: str) -> bool:
    """Whether nothing in it moves a terminal's cursor or turns its words."""
    return all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in said)


@pytest.fixture(scope="module")
def engine(home: Path) -> Engine:
    return Engine.open(home / "m", home / "g", "cpu")


def hits(engine: Engine) -> tuple[Match, ...]:
    items = list(engine.gallery.items)
    return tuple(Match(item, 0.9 - i / 100, 90.0) for i, item in enumerate(items))


def test_every_photo_is_indexed_with_its_labels(home: Path, engine: Engine) -> None:
    assert len(engine.gallery) == len(NAMES)
    assert {item.id for item in engine.gallery.items} == {name.decode("utf-8", "backslashreplace") for name in NAMES}
    assert {item.labels["price"] for item in engine.gallery.items} == {str(-i - 0.5) for i in range(len(NAMES))}
    assert clean((home / "said").read_text(encoding="utf-8"))


@pytest.mark.parametrize("verb", ["search", "mixed", "json", "screen", "watch", "evidence", "missing"])
def test_the_console_shows_names_and_runs_none(verb: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASEN_WATCHES", str(tmp_path / "w.sqlite"))
    photos = home / "photos [bold]"
    first = str(photos / "[bold]loud[red].png")
    store = ("--store", tmp_path / "c.sqlite")
    asked = {
        "search": ("search", first, "neckline", "-k", 99),
        "mixed": ("search", first, "neckline=0.5,sleeve=0.5", "-k", 99),
        "json": ("search", first, "neckline", "-k", 99, "--json"),
        "screen": ("screen", photos, "--case", "[bold]x[/red]", "--percentile", 0, *store),
        "watch": ("watch", "add", first, "neckline", "--name", "[bold]x[/red]", "--least", 0),
        "evidence": ("evidence", first, photos / "two\nlines.png", "--out", tmp_path / "p.pdf", "--no-explain"),
        "missing": ("search", photos / "\x1b[31m\nError: \u202enone.png", "neckline"),
    }[verb]
    said = run(home, *asked, code=1 if verb == "missing" else 0)
    assert clean(said)
    if verb in ("search", "mixed"):
        flat = "".join(said.split())
        assert "[bold]loud[red].png" in said
        assert ":smile:.png" in said
        assert "\\x1b[31mred\\x1b]0;owned\\x07.png" in flat
        assert "\\u202egnp.exe.png" in flat
    if verb == "json":
        assert len(json.loads(said)["hits"]) == len(NAMES)


def test_what_is_said_is_neither_markup_nor_codes(capsys: pytest.CaptureFixture[str]) -> None:
    grid = Table("[bold]a[/]", title="[red]t[/x]")
    grid.add_row("\x1b[31m:smile:[/nothing]")
    say("[bold]b[/red] \x1b]0;x\x07", grid, marked("[bold]c[/] \x1b[2J"))
    tell("d\r\nError: e\u202e")
    out, err = capsys.readouterr()
    assert "[bold]b[/red] \\x1b]0;x\\x07\n" in out
    assert all(text in out for text in ("[bold]a[/]", "[red]t[/x]", "\\x1b[31m:smile:[/nothing]", "c \\x1b[2J"))
    assert err == "d\\r\\nError: e\\u202e\n"
    assert clean(out + err)
    assert (plain(""), plain("Zoë 服装"), plain("\ud800\u2028")) == ("", "Zoë 服装", "\\ud800\\u2028")


class Page(HTMLParser):
    """Its tags and the attributes that run something; texts of labels may have become neither."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.running, self.links = set(), [], []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.running += [name for name, _ in attrs if name.startswith("on") or name == "srcdoc"]
        self.links += [value or "" for name, value in attrs if name in ("href", "action", "formaction")]


def harmless(html: str) -> None:
    found = Page(html)
    assert not found.tags & {"script", "svg", "iframe", "object"}
    assert not found.running
    assert all(link.startswith(("https://", "data:text/csv;", "/gradio_api/")) for link in found.links)
    assert TAG not in html
    assert SCRIPT not in html


def test_the_page_escapes_every_name_and_label(engine: Engine) -> None:
    gallery = engine.gallery
    for item in gallery.items:
        harmless(labelled.known(item.labels, ("neckline",)))
        harmless(present.welcome([item], gallery.picture, "neckline", 1, TAG))
        harmless(present.welcome([item], gallery.picture, TAG, 1))
        harmless(present.notice(f"{item.id} {item.labels['note']}"))


def test_filters_travel_as_data(engine: Engine) -> None:
    offered = facets(engine.gallery, engine.vocabulary)
    told = json.loads(json.dumps(counted(engine.gallery, offered, {})))
    assert {facet["label"] for facet in told} <= {*COLUMNS}
    price = next(facet for facet in told if facet["label"] == "price")
    assert (price["least"], price["most"]) == (0.5 - len(NAMES), -0.5)


def test_maps_travel_as_data_in_an_attribute(engine: Engine) -> None:
    shown = maps.sheet(SimpleNamespace(attributes=("neckline",), engine=engine), TAG)
    harmless(shown)
    (sent,) = re.findall(r'data-map="([^"]*)"', shown)
    assert "<" not in sent


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""), ("navy", "navy"), ("-5", "-5"), ("-0.25", "-0.25"), ("1e-7", "1e-7"), ("-1e5", "-1e5"), ("12.50", "12.50"),
        ("0012", "0012"), ("a-b", "a-b"), ("a=b", "a=b"), ("a, -b", "a, -b"), ("=1+1", "'=1+1"), ("+1", "'+1"), ("-", "'-"),
        ("-1+1", "'-1+1"), ("--1", "'--1"), ("-1e", "'-1e"), ("-٣", "'-٣"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"), ("\n=1", "'\n=1"), ("\t", "\t"), ("  =1", "'  =1"), ("\u00a0=1", "'\u00a0=1"), ("＝1", "'＝1"),
        ("＋1", "'＋1"), ("－1", "'－1"), ("＠a", "'＠a"), ("a;=1", "a;'=1"), ("a; -x", "a;' -x"), ("a\t@x", "a\t@x"),
        ("'=1", "'=1"), ('"=1', '"=1'),
    ],
)  # fmt: skip
def test_cells(text: str, shown: str) -> None:
    assert cell(text) == shown


def no_formulas(text: str) -> list[list[str]]:
    """The rows, read as in a country with commas; in one with semicolons no cell is a formula either."""
    for delimiter in (",", ";"):
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            for value in row:
                begins = value.lstrip()[:1]
                assert NUMBER.fullmatch(value) or begins not in tuple("=+-@＝＋－＠") or not begins, value
    return list(csv.reader(io.StringIO(text)))


def test_the_table_of_a_search_holds_no_formula(engine: Engine) -> None:
    rows = no_formulas(table(Answer(Matches("neckline", hits(engine), len(NAMES)), 0.9)))
    assert len(rows) == 1 + len(NAMES)
    prices = [row[rows[0].index("price")] for row in rows[1:]]
    assert set(map(float, prices)) == {-i - 0.5 for i in range(len(NAMES))}
    assert {row[rows[0].index("brand")].lstrip("'") for row in rows[1:]} >= {"+1+1", "@SUM(A1)"}


def test_the_table_of_a_case_holds_no_formula(home: Path, tmp_path: Path) -> None:
    run(home, "screen", home / "photos [bold]", "--case", "x", "--percentile", 0, "--store", tmp_path / "c.sqlite")
    case = Cases.open(tmp_path / "c.sqlite").case("x")
    for hit, said in zip(case.hits(), FORMULAS, strict=False):
        case.decide(hit, "alike", said.strip(), datetime.now(UTC), said)
    case.export_csv(tmp_path / "hits.csv")
    rows = no_formulas((tmp_path / "hits.csv").read_text(encoding="utf-8"))
    assert any(float(row[rows[0].index("similarity")]) < 2 for row in rows[1:])
    assert any(row[rows[0].index("note")] == "'@SUM(A1)" for row in rows[1:])


def test_the_report_of_saved_searches_runs_nothing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASEN_WATCHES", str(tmp_path / "w.sqlite"))
    first = str(home / "photos [bold]" / "-rf.png")
    run(home, "watch", "add", first, "neckline", "--name", f"x {TAG}", "--where", f"note={TAG}", "--least", "-1")
    link = sqlite3.connect(tmp_path / "w.sqlite")
    link.execute("UPDATE hits SET told = NULL")
    link.commit()
    link.close()
    done = CliRunner().invoke(app, ["watch", "run", "--gallery", str(home / "g"), "--out", str(tmp_path / "news.html")])
    assert done.exit_code == 0, done.stderr
    assert clean(done.stdout + done.stderr)
    html = (tmp_path / "news.html").read_text(encoding="utf-8")
    assert html.count("<figure>") == sum(NOTES[i % len(NOTES)] == TAG for i in range(len(NAMES)))
    harmless(html)


@pytest.mark.parametrize("start", range(0, len(NAMES), 14))
def test_evidence_of_hostile_names(start: int, home: Path, tmp_path: Path) -> None:
    given = [home / "photos [bold]" / os.fsdecode(name) for name in NAMES[start : start + 14]]
    folders = [tmp_path / "<b>a &amp;", tmp_path / "=b"]
    for i, path in enumerate(given):
        folders[i % 2].mkdir(exist_ok=True)
        (folders[i % 2] / path.name).write_bytes(path.read_bytes())
    run(home, "evidence", *folders, "--out", tmp_path / "p.pdf", "--no-explain")
    pdf = (tmp_path / "p.pdf").read_bytes()
    assert not [word for word in (b"/JavaScript", b"/JS", b"/Launch", b"/URI", b"/OpenAction") if word in pdf]
    record = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
    named = {p["name"] for d in record["designs"] for p in d["photos"]}
    assert named == {path.name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") for path in given}


def test_texts_that_can_not_be_written_are_refused(tmp_path: Path) -> None:
    assert parsed(b'[{"image": "a", "k": "\\ud800"}]', "x") == [("a", {"k": "\\ud800"})]
    with pytest.raises(DataError):
        parsed(b"image,k\na,\xed\xa0\x80\n", "x")
    assert all(text.encode() for text in NOTES)
