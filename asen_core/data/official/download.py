"""What a download consists of: folders and zip archives, and the labelled photos in them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from asen_core.errors import DataError

Track = Callable[[Iterable, int, str], Iterable]
"""Passes the values on, one by one, showing how far it is: (values, how many, what is done)."""


def untracked(values: Iterable, total: int, doing: str) -> Iterable:
    """The values as they are: a `Track` that shows nothing."""
    return values


@dataclass(frozen=True)
class Place:
    """Where a photo lies: a file, or a member of a zip archive."""

    path: Path
    member: str = ""


@dataclass(frozen=True)
class Labelled:
    """A photo of a download. name: how lists know it, whatever folder it is put in; labels: (attribute, value) indices.

    part: train, valid or test where the download itself says so.
    """

    name: str
    place: Place
    labels: tuple[tuple[int, int], ...]
    part: str = ""


@dataclass(frozen=True)
class Tree:
    """A folder, or a folder inside a zip archive (`prefix`, ends with a slash unless empty; `members` with their sizes)."""

    path: Path
    prefix: str = ""
    members: Mapping[str, int] | None = field(default=None, repr=False)

    def shown(self, inner: str) -> Path:
        """The path that errors name."""
        return self.path / (self.prefix + inner)

    def place(self, inner: str) -> Place | None:
        """Where a file below the tree lies, None where it isn't there or has no byte."""
        if self.members is not None:
            member = self.prefix + inner
            return Place(self.path, member) if self.members.get(member) else None
        path = self.path / inner
        return Place(path) if path.is_file() and path.stat().st_size else None

    def read(self, inner: str) -> bytes:
        """Raises: DataError where the file can't be read."""
        try:
            if self.members is None:
                return (self.path / inner).read_bytes()
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(self.prefix + inner)
        except (OSError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
            raise DataError(f"{self.shown(inner)} can't be read: {error}. Fetch it again.") from None


def trees_with(raw: Path, holder: str, ends: str) -> list[tuple[Tree, list[str]]]:
    """The folders and zip archives below `raw` that have files holder/*ends, with those files (paths below the tree).

    A zip beside its own unzipped folder is left out.

    Raises: DataError where `raw` is absent, or an archive is damaged or holds a path that leaves it.
    """
    if not raw.exists():
        raise DataError(f"{raw} is not there; give the folder with the downloads.")
    if raw.is_file():
        return _of_zip(raw, holder, ends)
    found, zips, seen = [], [], set()
    # Archives are often linked into the data folder.
    for folder, below, files in os.walk(raw, followlinks=True):
        here = Path(folder)
        if (real := here.resolve()) in seen:
            below.clear()
            continue
        seen.add(real)
        # Photos lie here by the hundred thousand, and nothing else does.
        below[:] = sorted(d for d in below if d not in ("Images", "img", "pic"))
        names = sorted(f for f in files if f.endswith(ends) and not f.startswith("."))
        if names and here.name == holder:
            found.append((Tree(here.parent), [f"{holder}/{name}" for name in names]))
        zips += [here / f for f in sorted(files) if f.endswith(".zip") and not (here / f).with_suffix("").is_dir()]
    return found + [tree for path in zips for tree in _of_zip(path, holder, ends)]


def zip_members(path: Path) -> dict[str, int]:
    """The files of an archive with their sizes.

    Raises: DataError where it is damaged, locked with a password, or holds a path that leaves it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [i for i in archive.infolist() if i.filename and not i.filename.endswith("/")]
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is no readable zip archive ({error}); fetch it again.") from None
    out = [i.filename for i in infos if i.filename.startswith("/") or ".." in PurePosixPath(i.filename).parts]
    if out:
        raise DataError(f"{path} holds {len(out):,} paths that leave it, like {out[0]!r}; it is not opened. Fetch it again.")
    if any(i.flag_bits & 1 for i in infos):
        raise DataError(f"{path} is locked with a password; unzip it first and give the folder.")
    return {i.filename: i.file_size for i in infos}


def _of_zip(path: Path, holder: str, ends: str) -> list[tuple[Tree, list[str]]]:
    members = zip_members(path)
    found: dict[str, list[str]] = {}
    for name in sorted(members):
        parts = PurePosixPath(name).parts
        if len(parts) > 1 and parts[-2] == holder and name.endswith(ends) and parts[0] != "__MACOSX":
            found.setdefault("".join(p + "/" for p in parts[:-2]), []).append("/".join(parts[-2:]))
    return [(Tree(path, prefix, members), names) for prefix, names in found.items()]


def safe_name(name: str) -> bool:
    """Whether a relative path stays below its folder on every system."""
    parts = name.split("/")
    return "\\" not in name and "\0" not in name and ":" not in parts[0] and not {"", ".", ".."} & set(parts)


def grouped(rows: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, ...]]:
    """One line per photo, `image a1 v1 a2 v2 ...`, from rows of image, attribute, value; photos in order of appearance."""
    lines: dict[int, list[int]] = {}
    for image, attribute, value in rows:
        lines.setdefault(image, [image]).extend((attribute, value))
    return map(tuple, lines.values())
