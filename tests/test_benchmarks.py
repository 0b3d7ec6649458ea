"""What benchmarks write: tables between markers on pages, the rows of the baselines, the shipped row below them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_benchmark_tables import COLUMNS, FOUND
from tiny import CONFIG, VOCABULARY

from asen_core import checkpoint
from asen_core.config import METHODS
from asen_core.models import build_model
from asen_core.training.recipe import SHIPPED
from benchmarks import baselines, copies, copy_flags, figures, markers, rerank, screening, shift

PAGE = (
    "before\n<!-- figures: one -->\nold\n<!-- /figures: one -->\nbetween\n<!-- figures: two --><!-- /figures: two -->\nafter\n"
)


def test_each_table_goes_between_its_markers_once_and_again() -> None:
    tables_ = {"one": "| 1 |\n", "two": "| 2 |", "elsewhere": "| 3 |"}
    filled = markers.replaced(PAGE, tables_, "README.md")
    assert filled == (
        "before\n<!-- figures: one -->\n| 1 |\n<!-- /figures: one -->\nbetween\n"
        "<!-- figures: two -->\n| 2 |\n<!-- /figures: two -->\nafter\n"
    )
    assert markers.replaced(filled, tables_, "README.md") == filled
    assert markers.names(PAGE) == {"one", "two"}
    assert markers.replaced(PAGE, {}, "README.md", "shift") == PAGE, "another family's markers are none of its business"


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("<!-- figures: three -->\n<!-- /figures: three -->", "page.md: there is no table for <!-- figures: three -->; .*one"),
        ("<!-- figures: one -->", "page.md: <!-- figures: one --> has no partner; write"),
        ("<!-- /figures: one -->", "<!-- /figures: one --> has no partner"),
        ("<!-- figures: one -->\n<!-- /figures: two -->", "figures: one --> has no partner"),
        ("<!-- figures: one -->\n<!-- figures: one -->\n<!-- /figures: one -->", "has no partner"),
        ("<!-- figures: one -->\n<!-- /figures: one -->\n" * 2, "stands there twice"),
    ],
)
def test_wrong_markers_are_refused(page: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        markers.replaced(page, {"one": "", "two": ""}, "page.md")


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("old")
    markers.write(page, "new – text")
    assert page.read_text(encoding="utf-8") == "new – text"
    assert [p.name for p in tmp_path.iterdir()] == ["README.md"]


def test_a_table_without_a_page_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    whole = "".join(f"<!-- figures: {n} -->\n<!-- /figures: {n} -->\n" for n in figures.NAMES)
    figures.check({tmp_path / "a.md": whole, tmp_path / "b.md": ""})
    with pytest.raises(SystemExit, match="No page has a place for street; put <!-- figures: street -->"):
        figures.check({tmp_path / "a.md": whole.replace("figures: street -->", "old: street -->")})
    with pytest.raises(SystemExit, match=r"b\.md: there is no table for <!-- figures: speed -->"):
        figures.check({tmp_path / "a.md": whole, tmp_path / "b.md": "<!-- figures: speed --><!-- /figures: speed -->"})


def test_the_pages_have_a_place_for_every_table() -> None:
    figures.check({p: p.read_text(encoding="utf-8") for p in figures.PAGES})
    shift.placed(shift.CARD, shift.MARKER)
    assert all(p.stat().st_size < 200_000 for p in figures.CARD.glob("*.json"))
    assert all(p.stat().st_size <= 60_000 for p in figures.CARD.glob("*.webp"))


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A checkpoint that went on from release 1."""
    torch.manual_seed(0)
    provenance = {
        "recipe_text": "seed = 7", "seed": 12, "images_seen": 64_000, "train_minutes": 29.7, "machine": "x86_64",
        "started_from": figures.RELEASE_1[0],
    }  # fmt: skip
    checkpoint.save(tmp_path / "made", build_model(CONFIG, VOCABULARY).eval(), provenance, {})
    return tmp_path / "made"


def test_the_shipped_row_stands_below_the_baselines_of_one_budget(made: Path) -> None:
    runs = [_run("general", 7, 0.5), _run("asen", 7, 0.6), replace(_run("csn", 7, 0.1), photos=9_000)]
    tables_ = figures.markdown(FOUND, runs, made)
    assert set(tables_) == set(figures.NAMES)
    *lines, blank, note = tables_["baselines"].splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| general", "| asen", "| **shipped**¹"]
    assert lines[-1] == (
        "| **shipped**¹ | – | – | 90.0 | – | – | – | 80.0 | **85.0** | 87.5 | 87.5 | 98.5 | 32 | 64,000 | 30 | 1 |"
    )
    assert (blank, note) == ("", "¹ It went on from release 1, which had seen 134,400 photos in 66 minutes; these come on top.")
    other = figures.compared(runs, (_run("compact", 1, 0.7), "f" * 16)).splitlines()[-1]
    assert "the checkpoint ffffffffffffffff" in other
    alone = figures.compared(runs, (_run("compact", 1, 0.7), "")).splitlines()
    assert alone[-1].startswith("| **shipped** | ")


def test_street_photos_are_compared_with_the_pooled_row(made: Path) -> None:
    pooled = replace(_run("pooled", 7, 0.3), street={"placket": 0.625}, street_macro_map=0.6)
    tables_ = figures.markdown(FOUND, [pooled], made)
    assert "| placket | closure | 80.0 (78.0–82.0) | 62.4 | 62.5 | +17.5 |" in tables_["street"].splitlines()
    assert "reach 60.0 %" in tables_["street-line"]


def test_publishing_writes_pages_json_and_picture(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = (tmp_path / "README.md", tmp_path / "card.md")
    for page, name in zip(pages, ("retrieval", "street"), strict=True):
        page.write_text(f"<!-- figures: {name} -->\n<!-- /figures: {name} -->\n")
    (tmp_path / "curve.webp").write_bytes(b"picture")
    monkeypatch.setattr(figures, "PAGES", pages)
    monkeypatch.setattr(figures, "CARD", tmp_path)
    figures.publish(FOUND, figures.markdown(FOUND, [], made), tmp_path / "curve.webp")
    assert "| sleeve | 90.0" in pages[0].read_text(encoding="utf-8")
    assert "| placket |" in pages[1].read_text(encoding="utf-8")
    assert (tmp_path / "reliability.webp").read_bytes() == b"picture"
    assert json.loads((tmp_path / "figures.json").read_text())["photos"]["retrieval"] == FOUND["photos"]["retrieval"]
    assert not list(tmp_path.glob("*.part"))


def test_shift_table_by_hand() -> None:
    own = {"macro_map": 0.9, "macro_interval": [0.88, 0.92]}
    runs = [
        {
            "trained_on": "all",
            "photos": 11343,
            "datasets": {"own": {"products": own, "clothing_photos": None}},
            "street": COLUMNS,
        },
        {"trained_on": "products", "photos": 7500, "datasets": {"own": {"clothing_photos": own}}, "street": COLUMNS},
    ]
    assert shift.markdown(runs).splitlines()[2:] == [
        "| all photos | 11,343 | 90.0 (88.0–92.0) | – | 87.5 (85.0–90.0) |",
        "| catalogue photos alone | 7,500 | – | 90.0 (88.0–92.0) | 87.5 (85.0–90.0) |",
    ]


def test_a_page_without_a_place_for_the_shift_is_refused(tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text("no marker")
    with pytest.raises(SystemExit, match=r"card\.md has no place for the table; put <!-- shift: training -->"):
        shift.placed(tmp_path / "card.md", shift.MARKER)


def _run(row: str, seed: int, macro: float, pointing: float | None = None) -> baselines.Run:
    return baselines.Run(
        row, seed, 48_000, "valid", {"sleeve": macro}, macro, macro, {"placket": 0.5}, 0.5, pointing, 256, 48_069, 30.0,
        "machine", "abc", "seed = 7",
    )  # fmt: skip


def test_the_table_averages_seeds_and_keeps_the_order() -> None:
    lines = baselines.markdown([_run("asen", 8, 0.62, 0.3), _run("asen", 7, 0.6, 0.1), _run("general", 7, 0.5)]).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| general", "| asen"]
    assert lines[2] == "| general | – | – | 50.0 | – | – | – | – | **50.0** | 50.0 | 50.0 | – | 256 | 48,069 | 30 | 1 |"
    assert lines[3] == (
        "| asen | – | – | 61.0 | – | – | – | – | **61.0 ± 1.4** | 61.0 | 50.0 ± 0.0 | 20.0 | 256 | 48,069 | 30 | 2 |"
    )
    assert len(baselines.markdown([]).splitlines()) == 2


def test_only_a_checkpoint_of_the_same_recipe_is_complete(tmp_path: Path) -> None:
    assert not baselines.complete(tmp_path, "seed = 7")
    checkpoint.save(tmp_path, build_model(CONFIG, VOCABULARY).eval(), {"recipe_text": "seed = 7"}, {})
    assert baselines.complete(tmp_path, "seed = 7")
    assert not baselines.complete(tmp_path, "seed = 8")


def test_the_rows_are_shipped_recipes() -> None:
    assert set(baselines.ROWS) <= {p.stem for p in SHIPPED.glob("*.toml")}
    assert set(METHODS) | {"compact"} == set(baselines.ROWS)


def test_the_pages_say_what_was_measured_with_the_shipped_checkpoint() -> None:
    """Nobody edits a figure by hand, and no page keeps those of an earlier release."""
    found = json.loads((figures.CARD / "figures.json").read_text(encoding="utf-8"))
    assert found["checkpoint"] == checkpoint.load(figures.CARD).fingerprint
    runs = [r for r in baselines.stored(baselines.FOUND) if r.split == found["split"]]
    made = figures.markdown(found, runs, figures.CARD)
    for page in figures.PAGES:
        text = page.read_text(encoding="utf-8")
        assert markers.replaced(text, made, str(page)) == text, page.name


@pytest.mark.parametrize(
    ("script", "family", "table", "makes"),
    [
        (copies, "copies", "search", copies.searches),
        (copy_flags, "flags", "table", copy_flags.table),
        (rerank, "rerank", "inshop", rerank.table),
        (screening, "screening", "run", screening.table),
    ],
)
def test_the_page_tells_what_these_measured(script, family, table, makes) -> None:
    text = script.PAGE.read_text(encoding="utf-8")
    assert markers.names(text, family) == {table}
    made = {table: makes(json.loads(script.FOUND.read_text(encoding="utf-8")))}
    assert markers.replaced(text, made, str(script.PAGE), family) == text
