"""Strict reading of text lists: every line that can't be used is counted, the first few are named, all are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from asen_core.errors import DataError

_SHOWN, _DIGITS, _LONGEST = 3, 12, 300
_REMEDY = "Correct them, or fetch the file again."


class Faults:
    """The lines of one file that can't be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first: list[str] = []
        self.count = 0

    def add(self, line: int, wrong: str) -> None:
        """Note that `line` (from 1) can't be used."""
        self.count += 1
        if len(self._first) < _SHOWN:
            self._first.append(f"line {line}: {wrong[:_LONGEST]}")

    def refuse(self) -> None:
        """Raises: DataError where anything was noted."""
        if self.count:
            more = f"; and {self.count - len(self._first):,} more" if self.count > len(self._first) else ""
            lines = counted(self.count, "line")
            raise DataError(f"{self._path} has {lines} that can't be used ({'; '.join(self._first)}{more}). {_REMEDY}")


def counted(number: int, noun: str) -> str:
    """1 as "1 line", 3600 as "3,600 lines"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without their ends (Windows ends too); blank lines at its end are left out.

    Raises: DataError where it is absent or no UTF-8 text.
    """
    try:
        return lines_of(path.read_bytes(), path)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; `python -m asen_core data check` says where each file is obtained.") from None
    except OSError as error:
        raise DataError(f"{path} can't be read: {error}.") from None


def lines_of(content: bytes, path: Path) -> list[str]:
    """As `read_lines`, of a content that is known already; `path` names it. Raises: DataError where it is no UTF-8 text."""
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8: {error}. Fetch it again.") from None
    while lines and not lines[-1].strip():
        lines.pop()
    return [line.rstrip("\r") for line in lines]


def read_filenames(path: Path) -> tuple[str, ...]:
    """The photos of a filenames list, by line: paths below the dataset's folder.

    Raises: DataError where the list is absent or empty, or a line is blank, leaves the folder or names a photo twice.
    """
    faults, seen = Faults(path), {}
    names = [line.strip() for line in read_lines(path)]
    for number, name in enumerate(names, 1):
        if not name:
            faults.add(number, "blank")
        elif name.startswith("/") or ".." in name.split("/") or "\\" in name or ":" in name.split("/")[0] or "\0" in name:
            faults.add(number, f"{name!r} is no path below the dataset's folder")
        elif name in seen:
            faults.add(number, f"{name} stands on line {seen[name]} already")
        seen.setdefault(name, number)
    faults.refuse()
    if not names:
        raise DataError(f"{path} is empty; it should name one photo a line. Fetch it again.")
    return tuple(names)


def integers(path: Path, faults: Faults) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Line number (from 1) and whole numbers of each line; a line with anything else becomes a fault."""
    for number, line in enumerate(read_lines(path), 1):
        fields = line.split()
        # int() would take "1_000", "+1" and digits of other scripts.
        if fields and all(f.isascii() and f.removeprefix("-").isdigit() and len(f) <= _DIGITS for f in fields):
            yield number, tuple(map(int, fields))
        else:
            faults.add(number, f"{line.strip()!r} is no row of whole numbers" if fields else "blank")
