"""What a caller of the service gave, checked and in this house's own nouns. Nothing of it is trusted.

All may raise the errors of asen_core.errors.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from asen_core import images
from asen_core.errors import PhotoError, QueryError
from asen_core.gallery import Gallery
from asen_core.types import Box, Garment, Range, Where
from asen_core.ui.handlers import UPLOAD_MEGABYTES, uploaded

FROM_GALLERY = "gallery:"
"""What stands before a garment's id where it is given as a photo."""
MOST = 100
"""Hits of one search, and values of one filter."""
_SERVED, _LONGEST_PATH = "/gradio_api/file=", 1000
_WAYS = (
    "give a data URL (data:image/jpeg;base64,...), the path that the upload returned (in Python: handle_file(path)), "
    "or gallery:ID of a garment"
)


def photo(given: object, folder: Path, gallery: Gallery) -> tuple[Garment, str]:
    """The photo of a call, and the id of the gallery's garment that it is of, or "".

    given: base64 with or without "data:...,"; what an upload returned, also as Gradio's clients wrap it or as the address
    where it is served; or "gallery:" and an id. folder: where uploads arrive; no other file is read, and nothing is fetched.
    """
    if isinstance(given, Mapping):
        given = given.get("path")
    if not isinstance(given, str) or not given.strip():
        raise PhotoError(f"There is no photo in the call; {_WAYS}.")
    text = given.strip()
    if text.startswith(FROM_GALLERY):
        item = gallery.item(text.removeprefix(FROM_GALLERY))
        return images.load(gallery.picture(item)), item.id
    if _SERVED in text[:300]:
        text = unquote(text.partition(_SERVED)[2])
    elif text.startswith(("http://", "https://", "//")):
        raise PhotoError(f"Photos are not fetched from addresses; {_WAYS}.")
    if len(text) < _LONGEST_PATH and Path(text).is_relative_to(folder):
        return images.load(uploaded(text, folder)), ""
    return images.load(_decoded(text)), ""


def _decoded(text: str) -> bytes:
    if len(text) > UPLOAD_MEGABYTES * 2**20 * 4 / 3 + 200:
        raise PhotoError(f"That photo is larger than {UPLOAD_MEGABYTES} MB; save it smaller, then send it again.")
    head, comma, body = text.partition(",") if text.startswith("data:") else (";base64", ",", text)
    if not comma or not head.endswith(";base64"):
        raise PhotoError(f"The photo is a data URL without base64; {_WAYS}.")
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        raise PhotoError(f"The photo is neither base64 nor a file that was uploaded here; {_WAYS}.") from None


def whole(name: str, value: object, least: int, most: int) -> int:
    """A whole number of a call."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1 or not least <= value <= most:
        raise QueryError(f"{name} must be a whole number from {least} to {most:,}, got {_short(value)}.")
    return int(value)


def number(name: str, value: object, least: float, most: float) -> float | None:
    """A number of a call, None where it was left out."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise QueryError(f"{name} must be a number from {least:g} to {most:g}, got {_short(value)}.")
    return float(value)


def names(what: str, given: object) -> list[str] | None:
    """A list of names of a call, None where it was left out."""
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(v, str) for v in given):
        raise QueryError(f'{what} must be a list of names such as ["neckline", "sleeve"], got {_short(given)}.')
    return given


def name(what: str, given: object) -> str:
    """A single name of a call."""
    if not isinstance(given, str):
        raise QueryError(f"{what} must be a single name such as neckline, got {_short(given)}.")
    return given


def weights(given: object) -> dict[str, float]:
    """Attribute -> weight."""
    if not isinstance(given, Mapping) or not given:
        raise QueryError(f'weights must say how much each attribute counts, such as {{"neckline": 0.7}}, got {_short(given)}.')
    return {str(a): number(f"The weight of {_short(a)}", w, 0, 1e6) or 0.0 for a, w in given.items()}


def where(given: object) -> Where | None:
    """A filter: label -> value, list of values, or {"least": ..., "most": ...}; None where nothing is filtered."""
    if given is None or given == {}:
        return None
    if not isinstance(given, Mapping):
        raise QueryError(f'where must be labels with their values such as {{"colour": ["navy"]}}, got {_short(given)}.')
    return {str(label): _kept(str(label), values) for label, values in given.items()}


def _kept(label: str, values: object) -> str | list[str] | Range:
    if isinstance(values, str):
        return values
    if isinstance(values, list) and len(values) <= MOST and all(isinstance(v, str) for v in values):
        return values
    if isinstance(values, Mapping) and values and set(values) <= {"least", "most"}:
        ends = {end: number(f"{end} of {_short(label)}", v, -math.inf, math.inf) for end, v in values.items()}
        try:
            return Range(**ends)
        except ValueError as reason:
            raise QueryError(f"The range of {_short(label)} can't be used ({reason}); give least <= most.") from None
    raise QueryError(
        f'The filter on {_short(label)} must be a value, a list of at most {MOST} values, or {{"least": 10, "most": 20}}, '
        f"got {_short(values)}."
    )


def regions(given: object) -> dict[str, Box]:
    """Attribute -> rectangle."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise QueryError(f"regions must be attributes with a region each, got {_short(given)}.")
    return {str(attribute): box for attribute, corners in given.items() if (box := region(corners)) is not None}


def region(given: object) -> Box | None:
    """A rectangle in pixels, None where it was left out."""
    if given is None:
        return None
    try:
        corners = [given[k] for k in ("x0", "y0", "x1", "y1")]  # type: ignore[index]
        if not all(isinstance(c, int | float) for c in corners):
            raise TypeError
        return Box(*map(float, corners))
    except (KeyError, TypeError, ValueError, IndexError):
        raise QueryError(
            f'A region must be {{"x0": 10, "y0": 20, "x1": 90, "y1": 60}} in pixels of the upright photo, got {_short(given)}.'
        ) from None


def _short(value: object) -> str:
    text: Any = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
