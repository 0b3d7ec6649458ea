"""Names in plain words, and text that fits into its place on a figure."""

import pytest

from asen_core import names
from asen_core.draw.words import SMALLEST, set_in, width_of


@pytest.mark.parametrize(
    ("text", "width", "lines", "expected"),
    [
        ("Short", 3, 2, ("Short",)),
        ("Horizontal stripe", 1.6, 2, ("Horizontal", "stripe")),
        ("", 3, 2, ()),
        ("86\N{NO-BREAK SPACE}%", 3, 1, ("86\N{NO-BREAK SPACE}%",)),
    ],
)
def test_text_is_broken_between_words(text, width, lines, expected) -> None:
    assert set_in(text, width, 7, lines) == (expected, 7)


@pytest.mark.parametrize("text", ["Ruffle Semi-High Collar", "W" * 60, "one two three four five six seven eight"])
@pytest.mark.parametrize("width", [0.8, 1.5, 4])
def test_text_always_fits(text: str, width: float) -> None:
    words, size = set_in(text, width, 8, 2)
    assert SMALLEST <= size <= 8
    assert 1 <= len(words) <= 2
    assert all(width_of(line, size) <= width for line in words)
    assert "".join(words).replace(" ", "") == text.replace(" ", "") or words[-1].endswith("…")


@pytest.mark.parametrize(
    ("attribute", "value", "name"),
    [
        ("neckline", "deep_v", "Deep V"),
        ("skirt_length", "Knee Length", "Knee Length"),
        ("clothes color", "17", "Value 17"),
        ("sleeve", "three_quarter", "Three-quarter"),
    ],
)
def test_names_of_values(attribute: str, value: str, name: str) -> None:
    assert names.value_name(attribute, value) == name
