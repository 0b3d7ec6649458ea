"""What of a stranger's zip may be read: photos and labels, one by one from where they lie; nothing is unpacked to disk."""

from __future__ import annotations

import re
import stat
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from asen_core import images
from asen_core.errors import PhotoError
from asen_core.indexing.scan import File, ends_like_a_photo
from asen_core.review.suspects import BROKEN, MOST, Reader, hidden, spelled

LABEL_FILES = ("labels.csv", "labels.json", "labels.jsonl")
LABEL_BYTES = 20_000_000
"""Of all label files of one upload, which are held in memory."""
RATIO, SMALL = 200, 1_000_000
"""A member over a megabyte that unpacks to this many times its size is no photo."""
DIRECTORY_BYTES = 300 * MOST
"""Of the listing at a zip's end, which is read into memory whole."""
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")
_OUTSIDE = re.compile(r"[\\/]|[A-Za-z]:")


@dataclass
class Budget:
    """How many photos and unpacked bytes may still come, and how many bytes of labels."""

    photos: int
    bytes: int
    labels: int = field(default_factory=lambda: LABEL_BYTES)

    def refusal(self, size: int) -> str:
        """Why a photo of this size is too much, "" where it isn't; it is counted then."""
        if self.photos < 1:
            return "There are more photos than the limit allows; give fewer at once."
        if size > self.bytes:
            return "The photos before it fill the limit of bytes; give fewer or smaller ones at once."
        self.photos, self.bytes = self.photos - 1, self.bytes - size
        return ""

    def labels_refusal(self, size: int) -> str:
        """Why a label file of this size is too much, "" where it isn't; it is counted then."""
        if size > self.labels:
            return f"All labels together may have {LABEL_BYTES / 1e6:.0f} MB, with this file they have more; leave columns out."
        self.labels -= size
        return ""


@dataclass
class Opened:
    """What was found in a zip. labels: name and bytes of label files; left_out: name -> reason."""

    files: list[File] = field(default_factory=list)
    labels: list[tuple[str, bytes]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def opened(path: Path, name: str, before: str, budget: Budget) -> Opened:
    """The photos and label files of a zip, by what its own listing says; nothing is unpacked but the labels.

    name: of the zip, for people; before: put before the names of its members. Photos are read one by one later, each at most
    as long as a photo may be. Left out with a reason: names that occur twice, paths that lead out of the zip, links, members
    with a password, zips in the zip, what is packed tighter than a photo can be, and what the budget doesn't hold. A zip that
    can't be opened is left out whole.
    """
    found = Opened()
    try:
        members = _members(path)
    except BROKEN as reason:
        found.left_out[name] = f"The zip can't be opened ({str(reason)[:80] or 'damaged'}); pack it again."
        return found
    often = Counter(info.filename for info in members)
    with Reader() as reader:
        for info in sorted(members, key=lambda i: i.filename):
            parts = PurePosixPath(info.filename.replace("\\", "/")).parts
            if info.filename.endswith("/") or any(hidden(part) for part in parts):
                continue
            shown = before + spelled(info.filename)
            is_label = bool(parts) and parts[-1].lower() in LABEL_FILES
            if not (is_label or ends_like_a_photo(info.filename) or info.filename.lower().endswith(_ARCHIVES)):
                continue
            counted = budget.labels_refusal if is_label else budget.refusal
            if reason := next(_refusals(info, often, parts), "") or counted(info.file_size):
                found.left_out[shown] = reason
            elif is_label:
                _add_labels(found, reader, path, info, shown)
            else:
                found.files.append(File(shown, path, info.file_size, info.CRC, info.filename))
    return found


def _add_labels(found: Opened, reader: Reader, path: Path, info: zipfile.ZipInfo, shown: str) -> None:
    try:
        found.labels.append((shown, reader.read(path, info.filename)))
    except PhotoError as reason:
        found.left_out[shown] = str(reason)


def _members(path: Path) -> list[zipfile.ZipInfo]:
    if (size := _directory_bytes(path)) > DIRECTORY_BYTES:
        raise ValueError(f"its listing alone has {size / 1e6:.0f} MB")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if len(members) > MOST:
        raise ValueError(f"it has {len(members):,} entries, at most {MOST:,} are read")
    return members


def _directory_bytes(path: Path) -> int:
    """How long a zip's own end says that its listing is; 0 where it has no end, which the zip reader complains of."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 65_557))
        end = file.read()
    at = end.rfind(b"PK\x05\x06")
    return int.from_bytes(end[at + 12 : at + 16], "little") if at >= 0 else 0  # of a zip64 all ones, which is too long


def _refusals(info: zipfile.ZipInfo, often: Counter[str], parts: tuple[str, ...]) -> Iterator[str]:
    if often[info.filename] > 1:
        yield "Several files of the zip have this name, of which one would hide the others; pack it again."
    if ".." in parts or _OUTSIDE.match(info.filename):
        yield "Its path leads out of the zip; pack the folder again, with paths below it."
    if stat.S_ISLNK(info.external_attr >> 16):
        yield "It is a link, expected a photo; put the photo itself into the zip."
    if info.flag_bits & 1:
        yield "It is locked with a password; pack it again without."
    if info.filename.lower().endswith(_ARCHIVES):
        yield "It is an archive in an archive, which isn't opened; put its photos into the zip."
    if info.file_size > images.LIMITS.bytes:
        most = images.LIMITS.bytes / 1e6
        yield f"It has {info.file_size / 1e6:.0f} MB unpacked, at most {most:.0f} MB are read; save it smaller."
    if info.file_size > max(SMALL, RATIO * info.compress_size):
        yield f"It unpacks to {info.file_size // max(info.compress_size, 1):,} times its size, which no photo does."
