"""Cells of tables that a spreadsheet opens: text from outside never becomes a formula there."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_BEGINS = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")
_INSIDE = re.compile(r"(?<=;)(?=\s*[=+\-@＝＋－＠])")
"""Where a spreadsheet begins a new cell in a country in which semicolons part them."""


def cell(text: str) -> str:
    """The text, with an apostrophe where it or a part of it would be read as a formula; numbers stay numbers."""
    if _NUMBER.fullmatch(text):
        return text
    inside = _INSIDE.sub("'", text)
    return f"'{inside}" if text.strip() and _BEGINS.match(text) else inside
