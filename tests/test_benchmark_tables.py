"""The tables of README and model card by hand, from a small output of `evaluate`."""

import copy

import pytest

from benchmarks import tables


def _score(share: float, r1: float, r10: float, accuracy: float | None, queries: int) -> dict:
    recalls = {"1": r1, "10": r10, "100": 1.0}
    values = {"long": {"map": share}}
    interval = [share - 0.02, share + 0.02]
    return {"map": share, "interval": interval, "recalls": recalls, "accuracy": accuracy, "queries": queries, "values": values}


def _place(pointing: float) -> dict:
    return {"pointing": pointing, "attention": 0.7, "covered": 0.987, "roi": 0.093, "photos": 20}


UNASKED = {"map": None, "interval": None, "recalls": {}, "accuracy": None, "queries": 0, "values": {}}
COLUMNS = {
    "columns": {
        "placket": {"space": "closure", "chance": 0.624, **_score(0.8, 0.9, 1.0, None, 10)},
        "pattern_spot": {"space": "pattern", "chance": 0.9, **_score(0.95, 0.9, 1.0, None, 10)},
    },
    "macro_map": 0.875, "macro_interval": [0.85, 0.9], "micro_map": 0.87, "micro_interval": [0.84, 0.89],
}  # fmt: skip
FOUND = {
    "checkpoint": "abc",
    "split": "test",
    "photos": {
        "retrieval": {
            "attributes": {"sleeve": _score(0.9, 0.92, 0.98, 0.94, 30), "bottom_length": _score(0.8, 0.82, 0.9, 0.9, 10)},
            "macro_map": 0.85, "macro_interval": [0.83, 0.87], "micro_map": 0.875, "micro_interval": [0.86, 0.89],
        },
        "calibration": {
            "attributes": {"sleeve": {"ece": 0.02}, "bottom_length": {"ece": 0.05}},
            "all": {"ece": 0.015, "accuracy": 0.93},
        },
        "localisation": {"attributes": {"sleeve": _place(0.969), "bottom_length": _place(1.0)}, "mean": _place(0.9845)},
        "robustness": {
            "first": 10, "among": 30,
            "changes": {"mirrored": {"mean": 0.981, "photos": 200}, "inked": {"mean": None, "photos": 0}},
        },
    },
    "street": COLUMNS,
    "rendered": {
        "localisation": {"attributes": {"sleeve": _place(0.99), "bottom_length": _place(None)}, "mean": _place(0.99)}
    },
    "datasets": {
        "photos": {"products": 1485, "street": 287},
        "own": {
            "products": {"attributes": {"sleeve": _score(0.9, 0, 0, 0, 1)}, "macro_map": 0.9, "macro_interval": [0.88, 0.92]},
            "street": None,
        },
        "shift": {
            "products": {"products": {"macro_map": 0.9, "chance": 0.4}, "street": {"macro_map": 0.7, "chance": 0.35}},
            "street": {"products": {"macro_map": 0.6, "chance": 0.3}, "street": {"macro_map": None, "chance": None}},
        },
        "compared_attributes": ["sleeve", "pattern"],
    },
}  # fmt: skip


def test_retrieval_table_by_hand() -> None:
    lines = tables.retrieval(FOUND["photos"]).splitlines()
    assert lines[1] == "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    assert lines[2] == "| sleeve | 90.0 (88.0–92.0) | 92.0 | 98.0 | 94.0 | 96 | 2.0 |"
    assert lines[3] == "| bottom_length | 80.0 (78.0–82.0) | 82.0 | 90.0 | 90.0 | – | 5.0 |"
    # R@1: (92 + 82) / 2, and (30 x 92 + 10 x 82) / 40.
    assert lines[4] == "| **macro** | **85.0 (83.0–87.0)** | 87.0 | 94.0 | 92.0 | – | 3.5 |"
    assert lines[5] == "| **micro** | **87.5 (86.0–89.0)** | 89.5 | 96.0 | 93.0 | – | 1.5 |"
    assert len(lines) == 6


def test_an_attribute_that_nothing_can_answer_has_dashes_and_no_weight() -> None:
    found = copy.deepcopy(FOUND["photos"])
    found["retrieval"]["attributes"]["collar"] = UNASKED
    lines = tables.retrieval(found).splitlines()
    assert lines[4] == "| collar | – | – | – | – | 96 | – |"
    assert lines[5:] == tables.retrieval(FOUND["photos"]).splitlines()[4:]


def test_places_table_by_hand() -> None:
    lines = tables.places(FOUND["photos"], FOUND["rendered"]).splitlines()
    assert lines[2:] == [
        "| sleeve | 96.9 | 70.0 | 98.7 | 9.3 | 20 | 99.0 |",
        "| bottom_length | 100.0 | 70.0 | 98.7 | 9.3 | 20 | – |",
        "| **mean** | 98.5 | 70.0 | 98.7 | 9.3 |  | 99.0 |",
    ]


@pytest.mark.parametrize(
    ("pooled", "macro", "rows"),
    [
        (
            {"placket": 0.625, "pattern_spot": 0.96}, 0.79,
            ["| placket | closure | 80.0 (78.0–82.0) | 62.4 | 62.5 | +17.5 |",
             "| pattern_spot | pattern | 95.0 (93.0–97.0) | 90.0 | 96.0 | -1.0 |",
             "| **macro** |  | **87.5 (85.0–90.0)** | 76.2 | 79.0 | +8.5 |"],
        ),
        (
            {}, None,
            ["| placket | closure | 80.0 (78.0–82.0) | 62.4 | – | – |",
             "| pattern_spot | pattern | 95.0 (93.0–97.0) | 90.0 | – | – |",
             "| **macro** |  | **87.5 (85.0–90.0)** | 76.2 | – | – |"],
        ),
    ],
)  # fmt: skip
def test_street_table_by_hand(pooled: dict, macro: float | None, rows: list) -> None:
    assert tables.street(COLUMNS, pooled, macro).splitlines()[2:] == rows


def test_street_sentence_by_hand() -> None:
    assert tables.street_line(COLUMNS, 0.722) == (
        "On street photos, by 2 questions that crowd workers answered in words of their own, macro MAP is 87.5 % (85.0–90.0); "
        "pooled ImageNet features reach 72.2 %."
    )


def test_robustness_table_by_hand() -> None:
    lines = tables.robustness(FOUND["photos"]["robustness"]).splitlines()
    assert lines[0] == "| change to the photo | first 10 still among first 30 | photos |"
    assert lines[2:] == ["| mirrored | 98.1 | 200 |", "| inked | – | 0 |"]


def test_every_change_that_is_measured_has_words() -> None:
    from asen_core.evaluation.changes import CHANGES

    assert set(tables.CHANGES) == set(CHANGES)


def test_datasets_tables_by_hand() -> None:
    own, note, crossed = tables.datasets(FOUND["datasets"]).split("\n\n")
    assert own.splitlines()[2:] == [
        "| sleeve | 90.0 (88.0–92.0) | – |",
        "| **macro** | 90.0 (88.0–92.0) | – |",
        "| photos | 1,485 | 287 |",
    ]
    assert "(sleeve, pattern)" in note
    assert crossed.splitlines()[0] == "| queries of | among catalogue photos | by chance | among street | by chance |"
    assert crossed.splitlines()[2:] == ["| catalogue photos | 90.0 | 40.0 | 70.0 | 35.0 |", "| street | 60.0 | 30.0 | – | – |"]


def test_details_by_value_are_dropped_at_any_depth() -> None:
    assert tables.without_values({"values": 1, "a": [{"values": {}, "b": None}, 2.5]}) == {"a": [{"b": None}, 2.5]}
