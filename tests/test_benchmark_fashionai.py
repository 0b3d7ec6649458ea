"""The paper's recipe against the product's: told on the page as measured, at equal terms, and as far apart as promised."""

from dataclasses import replace

from asen_core.training import load_recipe
from asen_core.vocabularies import FASHIONAI
from benchmarks import fashionai, markers

RUN = fashionai.Run(
    row="fashionai", seed=1, photos=100, map={"a": 0.5, "b": 0.25}, micro_map=0.4, interval=(0.35, 0.45), macro_map=0.375,
    pointing={"a": 0.75, "b": 1.0}, queries=10, candidates=40, length=256, images_seen=96, minutes=2.4, machine="Some CPU",
    checkpoint="x", recipe="",
)  # fmt: skip
OTHERS = ("paper_compact", "asen_pp")


def test_the_table_by_hand() -> None:
    pooled = replace(RUN, row="pooled", pointing={}, images_seen=0, minutes=0)
    second = replace(RUN, seed=2, map={"a": 0.7, "b": 0.25}, micro_map=0.5, pointing={"a": 0.25, "b": 1.0})
    longer = replace(RUN, row="paper_compact", photos=300, images_seen=288)
    lines = fashionai.markdown([longer, RUN, second, pooled]).splitlines()[2:]
    assert lines[0].startswith("| pooled ImageNet features | 50.0 | 25.0 | **40.0** (35.0–45.0) | 37.5 | – | 0 | 0 |")
    assert lines[1] == "| **this product's recipe** | 60.0 | 25.0 | **45.0** (35.0–45.0) | 37.5 | 75.0 | 96 | 2 |"
    assert lines[2].startswith("| ASEN++, the paper's recipe | 50.0 |")
    assert "| 288 |" in lines[2]


def test_the_page_tells_what_was_measured() -> None:
    text = fashionai.README.read_text(encoding="utf-8")
    assert "table" in markers.names(text, "fashionai")
    assert fashionai.placed(fashionai.markdown(fashionai.stored())) == text


def test_at_least_six_points_of_micro_map_at_every_budget() -> None:
    runs = fashionai.stored()
    for own in (r for r in runs if r.row == "fashionai"):
        rivals = [r for r in runs if r.row in OTHERS and r.photos == own.photos]
        assert rivals
        for rival in rivals:
            assert own.interval[0] > rival.interval[1] + 0.06
    assert {r.row for r in runs if r.photos == 24_000} == set(fashionai.ROWS)


def test_all_rows_had_equal_terms() -> None:
    """Same garments, queries and candidates, and as many photos seen (to a step); every recipe can be read back."""
    runs = fashionai.stored()
    assert {(r.queries, r.candidates) for r in runs} == {(1_200, 4_800)}
    assert {tuple(r.map) for r in runs} == {tuple(FASHIONAI)}
    for run in runs:
        assert run.images_seen == 0 if run.row == "pooled" else abs(run.images_seen - run.photos) < 100
        images = None if run.row == "pooled" else run.photos
        assert settings(run.recipe) == settings(
            load_recipe(fashionai.RECIPES.get(run.row, run.row), images, run.seed, dataset="FashionAI", rendered=0).text
        )


def settings(text: str) -> list[str]:
    """The lines of a recipe that decide something: what the command line set stands in comments that begin with --."""
    return [line for line in text.splitlines() if not line.startswith("#") or line.startswith("# --")]
