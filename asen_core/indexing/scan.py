"""Which files of a folder are photos to be indexed, told without opening any."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from asen_core.errors import DataError
from asen_core.review.suspects import hidden, spelled

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".heic", ".heif", ".hif", ".bmp", ".gif", ".tif", ".tiff",
    ".jp2", ".j2k", ".jpx",
)  # fmt: skip
"""Endings of photos. They choose the files; what format a file has is told by its content alone."""


_LATEST = 2**63 - 1
"""Time in ns that can be stored; file systems know later ones."""


@dataclass(frozen=True)
class File:
    """A file that is to be read as a photo.

    name: its path below the folder with forward slashes, spelled as text (bytes that are no UTF-8 as `\\xff`), which becomes
    the item's id; path: where it lies, of a link what it points to; size and mtime_ns: by which it is known unchanged; member:
    its name within the zip at `path`, whose checksum then stands for mtime_ns; written: the path below the folder as the system
    has it.
    """

    name: str
    path: Path
    size: int
    mtime_ns: int
    member: str = ""
    written: str = ""


@dataclass(frozen=True)
class Files:
    """files: sorted by name, all names different; left_out: name -> why it is not even opened."""

    files: tuple[File, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)


def scan(folder: Path, but: Path | None = None) -> Files:
    """All photos below a folder, at any depth, by their endings.

    Left aside without a word: files with other endings, hidden ones, and the folder `but`, where the gallery lies. Links are
    followed only to files inside the folder. Left out with a reason: links that lead out of it or nowhere, what is no plain
    file, folders that can't be listed.

    Raises: DataError where it is not a folder.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give one that holds photos, in subfolders if you like.")
    root = os.path.realpath(folder)
    walk = _Walk(root, but)
    found = sorted(walk.files(), key=lambda file: file.written)
    return Files(_distinct(found), walk.left_out)


def photos(folder: Path, but: Path | None = None) -> Files:
    """`scan`, of a folder that has some. Raises: DataError where it has none, or is not a folder."""
    found = scan(folder, but)
    if not found.files:
        name, reason = next(iter(found.left_out.items()), ("", ""))
        first = f"; {len(found.left_out)} were left out, the first, {name}: {reason}" if name else "."
        raise DataError(f"{folder} holds no photo; looked for {', '.join(SUFFIXES)} in all its subfolders{first}")
    return found


def is_photo(path: Path, folder: Path) -> bool:
    """Whether a file below a folder has the ending of a photo and no hidden part in its path."""
    seen = not any(hidden(part) for part in path.relative_to(folder).parts)
    return path.suffix.lower() in SUFFIXES and seen and path.is_file()


def ends_like_a_photo(name: str) -> bool:
    """Whether a file's name has the ending of a photo."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


class _Walk:
    """Goes through folders without recursion, so that no depth is too deep."""

    def __init__(self, root: str, but: Path | None) -> None:
        self._root = root
        self._but = os.stat(but) if but is not None and os.path.exists(but) else None
        self.left_out: dict[str, str] = {}

    def files(self) -> Iterator[File]:
        waiting = [""]
        while waiting:
            before = waiting.pop()
            try:
                with os.scandir(os.path.join(self._root, before)) as listing:
                    entries = list(listing)
            except OSError as reason:
                self._leave(before or ".", f"This folder can't be listed ({reason.strerror}); check the permissions.")
                continue
            for entry in entries:
                written = f"{before}/{entry.name}" if before else entry.name
                if hidden(entry.name):
                    continue
                if entry.is_symlink():
                    yield from self._linked(entry, written)
                elif entry.is_dir(follow_symlinks=False):
                    if not self._is_but(entry.path):
                        waiting.append(written)
                elif ends_like_a_photo(entry.name):
                    yield from self._plain(Path(entry.path), written)

    def _is_but(self, path: str) -> bool:
        """Told by what it is, since a folder may be listed by another name than it was given by: case, composed characters."""
        try:
            return self._but is not None and os.path.samestat(os.stat(path), self._but)
        except OSError:
            return False

    def _linked(self, entry: os.DirEntry[str], written: str) -> Iterator[File]:
        target = os.path.realpath(entry.path)
        inside = target.startswith(self._root.rstrip(os.sep) + os.sep)
        if os.path.isdir(target):
            if not inside and target != self._root:
                self._leave(written, "It is a link to a folder outside of this one; copy the folder here, or index it itself.")
        elif ends_like_a_photo(entry.name):
            if inside:
                yield from self._plain(Path(target), written)
            else:
                self._leave(written, "It is a link to a file outside of this folder; copy the file here.")

    def _plain(self, path: Path, written: str) -> Iterator[File]:
        try:
            found = path.stat()
        except OSError as reason:
            self._leave(written, f"It can't be read ({reason.strerror}); check whether it is there, and the permissions.")
            return
        if stat.S_ISREG(found.st_mode):
            yield File(spelled(written), path, found.st_size, min(found.st_mtime_ns, _LATEST), written=written)
        else:
            self._leave(written, "It is not a plain file, expected a photo; copy it into a file first.")

    def _leave(self, written: str, reason: str) -> None:
        self.left_out[spelled(written)] = reason


def _distinct(files: list[File]) -> tuple[File, ...]:
    """Sorted by name. A name whose odd bytes are spelled out may be another's that is written so: that one is told apart."""
    taken: dict[str, File] = {}
    for file in sorted(files, key=lambda f: f.name != f.written):  # those that needed no spelling keep their names
        name, number = file.name, 2
        while name in taken:
            name, number = f"{file.name} ({number})", number + 1
        taken[name] = file if name == file.name else File(name, file.path, file.size, file.mtime_ns, file.member, file.written)
    return tuple(taken[name] for name in sorted(taken))
