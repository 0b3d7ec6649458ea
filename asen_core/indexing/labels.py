"""What is known about photos, from a CSV or JSON file with whatever columns it has; every column becomes a filter."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from asen_core.errors import DataError

PHOTO = ("image", "path", "file", "filename", "photo", "image_path", "file_name", "picture")
"""Names that the column with the photo's path may have, in any case; the first of these that is there is taken."""
MOST_BYTES, MOST_COLUMNS = 1_000_000_000, 300
Row = tuple[str, Mapping[str, str]]
"""The photo as it is written there, and its labels; empty ones are left out."""


@dataclass(frozen=True)
class Fitted:
    """labels: photo's name -> its labels; absent: what the file names and no photo is; twice: photos that it names again."""

    labels: Mapping[str, Mapping[str, str]]
    absent: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()


def read(path: Path) -> list[Row]:
    """The rows of a file: CSV in UTF-8 (or UTF-16 with its mark) with commas, semicolons or tabs, or JSON.

    JSON is a list of objects, one object that has photos' paths for names, or one object per line. Numbers stay as they are
    written, objects in objects become `outer.inner`, lists of plain values are joined by commas.

    Raises: DataError where it can't be read as any of these, lacks a column for the photo, or has lists of lists or objects.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path} is larger than {MOST_BYTES / 1e9:.0f} GB, which no list of labels is; check the path.")
        data = path.read_bytes()
    except OSError as reason:
        raise DataError(f"The labels {path} can't be read ({reason.strerror}); check the path.") from reason
    return parsed(data, str(path))


def parsed(data: bytes, name: str) -> list[Row]:
    """The rows of a label file's bytes. Raises: DataError as `read`; it names the file by `name`."""
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as reason:
        raise DataError(
            f"The labels {name} are not in UTF-8 ({reason.reason} at byte {reason.start}); save them as UTF-8."
        ) from None
    try:
        rows = _of_json(text, name) if text.lstrip()[:1] in ("{", "[") else _of_csv(text, name)
    except (csv.Error, RecursionError) as reason:
        raise DataError(f"The labels {name} can't be read ({reason}); save them as CSV or JSON.") from None
    columns = {column for _, labels in rows for column in labels}
    if len(columns) > MOST_COLUMNS:
        raise DataError(
            f"The labels {name} have {len(columns):,} columns, at most {MOST_COLUMNS} become filters; leave some out."
        )
    return rows


def fitted(rows: Sequence[Row], names: Sequence[str], name: str, folder: str = "", beside: str = "") -> Fitted:
    """The labels of those photos that rows name.

    A row names a photo by its path from the folder of photos (with or without that folder's own name or whole path before it),
    or by its file name alone, with or without the ending, where only one photo has that. names: of the photos; name: of the
    label file; folder: path of the folder of photos; beside: the label file's own folder below that, which paths may start
    from as well. Of rows that name the same photo the first counts.

    Raises: DataError where there are rows and none names a photo.
    """
    found, absent, twice = {}, [], []
    by = _Names(names, folder, beside)
    for written, labels in rows:
        photo = by.meant(written, labels)
        if photo is None:
            absent.append(written or "(no photo named)")
        elif photo in found:
            twice.append(photo)
        else:
            found[photo] = labels
    if rows and not found:
        raise DataError(
            f"The labels {name} list none of the {len(names)} photos; the first row names {rows[0][0][:200]!r}, the first "
            f"photo is {names[0][:200] if names else ''!r}; paths must start from the folder of photos."
        )
    return Fitted(found, tuple(absent), tuple(dict.fromkeys(twice)))


class _Names:
    """Finds the photo that a row means."""

    def __init__(self, names: Sequence[str], folder: str, beside: str) -> None:
        self._beside = _plain(beside)
        whole = _plain(folder)
        self._before = [f"{part}/" for part in (whole, PurePosixPath(whole).name) if part]
        self._whole = {_plain(name): name for name in names}
        short = [(PurePosixPath(key).name, name) for key, name in self._whole.items()]
        short += [(PurePosixPath(key).stem, name) for key, name in self._whole.items()]
        often = Counter(key for key, _ in short)
        self._short = {key: name for key, name in short if often[key] == 1}

    def meant(self, written: str, labels: Mapping[str, str]) -> str | None:
        path = _plain(written)
        tries = [path]
        if self._beside:
            tries.insert(0, f"{self._beside}/{path}")
        if dataset := labels.get("dataset"):
            tries.insert(0, _plain(f"{dataset}/{written}"))
        tries += [path.removeprefix(before) for before in self._before if path.startswith(before)]
        if whole := next((self._whole[t] for t in tries if t in self._whole), None):
            return whole
        return self._short.get(path) if "/" not in path else None


def _plain(path: str) -> str:
    """A path as it is compared: composed characters (a Mac lists "é" as two), forward slashes, no "./" before it."""
    parts = unicodedata.normalize("NFC", path).replace("\\", "/").split("/")
    return "/".join(p for p in parts if p not in ("", "."))


def _of_csv(text: str, name: str) -> list[Row]:
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [cell.strip() for cell in next(lines, [])]
    if double := next((c for c, count in Counter(filter(None, header)).items() if count > 1), None):
        raise DataError(f"The labels {name} have two columns named {double!r}; rename one.")
    photo = header.index(_photo_column(header, name))
    rows = []
    for cells in lines:
        if not any(cells):
            continue
        values = [*(cell.strip() for cell in cells), *[""] * (len(header) - len(cells))]
        labels = {c: v for i, (c, v) in enumerate(zip(header, values, strict=False)) if i != photo and c and v}
        rows.append((values[photo], labels))
    return rows


def _of_json(text: str, name: str) -> list[Row]:
    rows = []
    for written, values in _objects(text, name):
        plain = dict(_flat(values, "", name))
        if written is None:
            column = _photo_column(list(plain), name)
            written = plain.pop(column)
        rows.append((written, {k: v for k, v in plain.items() if k and v}))
    return rows


def _objects(text: str, name: str) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    """Each photo's object, with its path where that stands before the object."""
    try:
        values = _loaded(text)
    except json.JSONDecodeError as whole:
        try:
            values = [_loaded(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError:
            raise DataError(f"The labels {name} are no whole JSON ({whole}); save them again as JSON or CSV.") from None
    if isinstance(values, dict) and values and all(isinstance(v, dict) for v in values.values()):
        yield from ((_text(path), value) for path, value in values.items())
        return
    for value in values if isinstance(values, list) else [values]:
        if not isinstance(value, dict):
            raise DataError(f"The labels {name} must hold an object for each photo, got {json.dumps(value)[:60]}.")
        yield None, value


def _loaded(text: str) -> Any:
    # Numbers as they are written: 12.50 is a price, and 0012 would be no number at all. Not a number is how tables say nothing.
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=lambda word: None if word == "NaN" else word)


def _flat(values: Mapping[str, Any], before: str, name: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        label = f"{before}{_text(key)}"
        if isinstance(value, dict):
            yield from _flat(value, f"{label}.", name)
        elif isinstance(value, list):
            if any(isinstance(v, dict | list) for v in value):
                raise DataError(
                    f"The labels {name} have lists or objects in the list {label!r}; give text, numbers, or a list of these."
                )
            yield label, ", ".join(filter(None, map(_text, value)))
        else:
            yield label, _text(value)


def _text(value: Any) -> str:
    """A plain value of JSON: true and false as JSON writes them, half characters spelled out, since they can't be stored."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).strip().encode("utf-8", "backslashreplace").decode()


def _photo_column(columns: Sequence[str], name: str) -> str:
    lower = {c.lower(): c for c in reversed(columns)}
    if found := next((lower[p] for p in PHOTO if p in lower), None):
        return found
    raise DataError(
        f"The labels {name} have no column that names the photo ({', '.join(PHOTO)}); they have "
        f"{', '.join(map(repr, columns[:12])) or 'none'}."
    )
