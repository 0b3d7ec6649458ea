"""The files to be screened: listed from folders, zips and single files without reading them, then read one by one."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from asen_core import images
from asen_core.errors import CaseError, PhotoError

MOST = 100_000
"""Entries of one zip."""
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)
"""What the zip reader raises for damaged, encrypted or oddly packed members."""


@dataclass(frozen=True)
class Entry:
    """A file that was listed. member: its name within the zip at `path`, else ""; stamp: changes when the file does."""

    name: str
    path: Path
    member: str
    size: int
    stamp: str


def listed(given: Sequence[Path]) -> list[Entry]:
    """Every file of the folders (with their subfolders), zips and files given, each once, in the order given, then by name.

    A zip inside a folder is opened too, one inside a zip is not. Left out are only what systems put there: hidden files and
    folders (a name that starts with a dot) and __MACOSX. Whether a file is a photo is seen when it is read.

    Raises: CaseError where something given is not there, holds no file or is a zip that can't be opened.
    """
    found: dict[tuple[Path, str], Entry] = {}
    for path in dict.fromkeys(Path(os.path.abspath(p)) for p in given):
        entries = list(_of(path))
        if not entries:
            raise CaseError(f"{path} holds no file; give a folder, a zip or files with photos of the suspects.")
        for entry in entries:
            found.setdefault((entry.path, entry.member), entry)
    return list(found.values())


class Reader:
    """Reads entries; a zip stays open from one of its members to the next. Use as a context manager."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._zip: zipfile.ZipFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def read(self, path: Path, member: str = "") -> bytes:
        """The bytes of a file, or of a member of the zip at `path`; at most one more than `images.LIMITS` allow.

        Raises: PhotoError where it can't be read.
        """
        if not member:
            return _plain(path)
        try:
            with self._opened(path).open(member) as file:
                return file.read(images.LIMITS.bytes + 1)
        except (KeyError, *BROKEN) as reason:
            what = f"The photo {member} can't be read from {path.name} ({str(reason)[:80]})"
            raise PhotoError(f"{what}; pack it again, without a password.") from reason

    def _opened(self, path: Path) -> zipfile.ZipFile:
        if self._zip is None or path != self._path:
            self._close()
            self._path, self._zip = path, zipfile.ZipFile(path)
        return self._zip

    def _close(self) -> None:
        if self._zip is not None:
            self._zip.close()
        self._path = self._zip = None


def _of(path: Path) -> Iterator[Entry]:
    if path.is_dir():
        yield from _of_folder(path)
    elif not path.exists():
        raise CaseError(f"There is nothing at {path}; check the path of the suspects.")
    elif path.suffix.lower() == ".zip" or (path.is_file() and packed(path)):
        yield from _of_zip(path, "")
    else:
        yield _of_file(path, path.name)


def _of_folder(folder: Path) -> Iterator[Entry]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not hidden(f))
        for file in sorted(f for f in files if not hidden(f)):
            path = Path(place, file)
            name = path.relative_to(folder).as_posix()
            if path.suffix.lower() == ".zip":
                try:
                    yield from _of_zip(path, f"{name}/")
                    continue
                except CaseError:
                    pass  # listed as the file that it is, so that it is counted as unreadable
            yield _of_file(path, name)


def _of_zip(path: Path, before: str) -> Iterator[Entry]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except BROKEN as reason:
        raise CaseError(f"The zip {path} can't be opened ({str(reason)[:80]}); download or pack it again.") from reason
    if double := next((n for n, count in Counter(i.filename for i in members).items() if count > 1), None):
        raise CaseError(f"The zip {path} has two files called {double!r}, of which one would hide the other; pack it again.")
    if len(members) > MOST:
        raise CaseError(f"The zip {path} has {len(members):,} entries, at most {MOST:,} are read; split it.")
    for info in sorted(members, key=lambda i: i.filename):
        parts = PurePosixPath(info.filename.replace("\\", "/")).parts
        if parts and not info.filename.endswith("/") and not any(hidden(p) for p in parts):
            yield Entry(before + info.filename, path, info.filename, info.file_size, f"{info.file_size}:{info.CRC:08x}")


def packed(path: Path) -> bool:
    """Whether a file is a zip, told by how it begins: a photo may have a zip behind its end."""
    try:
        with path.open("rb") as file:
            return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except OSError:
        return False


def _of_file(path: Path, name: str) -> Entry:
    try:
        found = path.stat()
        size, stamp = found.st_size, f"{found.st_size}:{found.st_mtime_ns}"
    except OSError:
        size, stamp = 0, "absent"  # a link to nowhere: read, and refused, in its turn
    return Entry(spelled(name), path, "", size, stamp)


def hidden(part: str) -> bool:
    """Whether a part of a path is what systems put there."""
    return part == "__MACOSX" or (part.startswith(".") and part not in (".", ".."))


def spelled(name: str) -> str:
    """Names that are not UTF-8 can't be stored; their odd bytes are spelled out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _plain(path: Path) -> bytes:
    try:
        if stat.S_ISREG(path.stat().st_mode):  # a pipe or a device would block or never end
            with path.open("rb") as file:
                return file.read(images.LIMITS.bytes + 1)
    except OSError as reason:
        raise PhotoError(f"The photo {path} can't be read ({reason.strerror}); check the path and the permissions.") from reason
    raise PhotoError(f"{path} is not a plain file, expected a photo; copy it into a file first.")
