"""Photos of a git repository as plain files in a folder of ours: only photos and label files, checked name by name."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from asen_core.errors import DataError
from asen_core.images.limits import LIMITS
from asen_core.indexing.git import PROTOCOLS, Entry, Git
from asen_core.indexing.scan import ends_like_a_photo

NOTE, TRANSPORT = "brought.json", ".brought"
LABEL_FILES = ("labels.csv", "labels.json", "labels.jsonl")
MOST_BYTES = 20_000_000_000
_POINTER = b"version https://git-lfs.github.com/spec/"
_SECRET = re.compile(r"^https://[^/]*@|^ssh://[^/@]*:[^/@]*@")
_RESERVED = {NOTE, TRANSPORT, ".git"}


@dataclass(frozen=True)
class Brought:
    """What was brought. source: its address; commit: what it stood at; photos: how many; fetched: of the files, how many were
    new or changed; left_out: path -> reason."""

    folder: Path
    source: str
    commit: str
    photos: int
    fetched: int
    left_out: Mapping[str, str] = field(default_factory=dict)


def bring(
    address: str, folder: Path, each: Callable[[str, int, int], None] | None = None, most_bytes: int = MOST_BYTES
) -> Brought:
    """Make a folder hold the photos of a repository's latest commit: new and changed ones are written, others removed.

    Stopped at any time, the same call goes on. each: told (doing, done, total). Raises: DataError.
    """
    address, folder, tell = _address(address), folder.absolute(), each or _nobody
    git = Git(folder / TRANSPORT)
    before = _note(folder, address)
    commit = git.head(address)
    if before.get("commit") == commit and _whole(folder, before["files"]):
        return _brought(folder, before, 0)
    try:
        _save(folder, {**before, "commit": ""})
        commit = git.fetch(address, tell, most_bytes)
        wanted, left_out = _chosen(git.files(commit))
        if not any(ends_like_a_photo(entry.path) for entry in wanted):
            raise DataError(f"{address} holds no photo at its latest commit; check the address.")
        note = {"source": address, "commit": "", "files": {e.path: [e.sha, e.size] for e in wanted}, "left_out": left_out}
        gone = before["files"].keys() - note["files"].keys()
        _save(folder, {**note, "files": {**before["files"], **note["files"]}})  # so that a kill leaves nothing unknown behind
        for path in gone:
            _remove(folder, path)
        fetched = _write(git, folder, wanted, left_out, tell)
        note["files"] = {path: held for path, held in note["files"].items() if path not in left_out}
        _save(folder, {**note, "commit": commit})
    except OSError as reason:
        why = "the disk is full; free some space" if reason.errno == 28 else f"{reason.strerror}; choose another folder"
        raise DataError(f"{reason.filename or folder} can't be written: {why}, then start the same line again.") from reason
    shutil.rmtree(folder / TRANSPORT, ignore_errors=True)
    return _brought(folder, {**note, "commit": commit}, fetched)


def is_bare(place: Path) -> bool:
    """Whether a folder is a git repository without files, which has nothing that could be indexed as it lies."""
    return all((place / name).exists() for name in ("HEAD", "objects", "refs"))


def _address(given: str) -> str:
    """An address that git may be given. Raises: DataError."""
    protocol, colon, _ = given.partition("://")
    if not given or given.startswith("-") or not given.isprintable():
        raise DataError(f"{given!r} is no address of a repository; write for example https://host/owner/name.")
    if (colon and protocol not in PROTOCOLS) or "::" in given:
        raise DataError(
            f"{given} can't be fetched: only {', '.join(PROTOCOLS)} addresses and folders can be; check the address."
        )
    if _SECRET.search(given):
        raise DataError(
            "The address holds a name or password, which would be written down; leave it to git's credential helper."
        )
    if colon or not Path(given).exists():
        return given
    return str(Path(given).resolve())


def _chosen(entries: list[Entry]) -> tuple[list[Entry], dict[str, str]]:
    """Photos and label files that are plain files of a decent size and name; and the other photos, with a reason."""
    wanted, left_out = [], {}
    for entry in entries:
        if not (ends_like_a_photo(entry.path) or entry.path in LABEL_FILES):
            continue
        if entry.mode == "120000":
            left_out[_spelled(entry.path)] = "It is a link, which is not followed."
        elif entry.mode not in ("100644", "100755"):
            left_out[_spelled(entry.path)] = "It is no plain file."
        elif not _decent(entry.path):
            left_out[_spelled(entry.path)] = "A file can't have this name here."
        elif entry.size > LIMITS.bytes:
            left_out[_spelled(entry.path)] = f"It has {entry.size / 1e6:,.0f} MB, at most {LIMITS.bytes / 1e6:.0f} are read."
        else:
            wanted.append(entry)
    return wanted, left_out


def _decent(path: str) -> bool:
    """Whether a path of a commit stays inside the folder and away from what is ours, on any system."""
    parts = path.split("/")
    odd = any(part in ("", ".", "..") or part.lower().rstrip(". ") in _RESERVED or ":" in part for part in parts)
    return not odd and path.isprintable() and "\\" not in path and len(path) < 1000


def _write(git: Git, folder: Path, wanted: list[Entry], left_out: dict[str, str], tell: Callable[[str, int, int], None]) -> int:
    """Write what is not there yet as it should be; returns how many files that were."""
    missing = [entry for entry in wanted if not _same(folder, entry)]
    contents, written = git.contents([entry.sha for entry in missing]), 0
    for done, (entry, content) in enumerate(zip(missing, contents, strict=True), 1):
        place = _place(folder, entry.path)
        if content.startswith(_POINTER):
            left_out[entry.path] = "Only a pointer to it is in the repository, the photo itself lies in large-file storage."
            place.unlink(missing_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f".{place.name}.part"[-250:])
        part.write_bytes(content)
        part.replace(place)
        written += 1
        tell("Writing photos", done, len(missing))
    return written


def _remove(folder: Path, path: str) -> None:
    """Remove a file, and the folders that are empty without it."""
    place = _place(folder, path)
    place.unlink(missing_ok=True)
    for above in place.parents:
        if above == folder or not above.is_dir() or any(above.iterdir()):
            return
        above.rmdir()


def _same(folder: Path, entry: Entry) -> bool:
    """Whether a file has the content of an entry."""
    place = _place(folder, entry.path)
    if place.is_symlink() or not place.is_file() or place.stat().st_size != entry.size:
        return False
    algorithm = "sha1" if len(entry.sha) == 40 else "sha256"
    content = place.read_bytes()
    return hashlib.new(algorithm, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == entry.sha


def _place(folder: Path, path: str) -> Path:
    """Where a file lies. Raises: DataError where a link that somebody put there leads out of the folder."""
    place = folder / PurePosixPath(path)
    if not Path(os.path.realpath(place.parent)).is_relative_to(os.path.realpath(folder)):
        raise DataError(f"{place.parent} leads out of {folder}; remove that link, then start the same line again.")
    return place


def _note(folder: Path, address: str) -> dict:
    """What an earlier run wrote down. Raises: DataError where the folder is not ours, or of another source."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return {"source": address, "commit": "", "files": {}, "left_out": {}}
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        files = {str(path): list(held) for path, held in note["files"].items() if _decent(path)}
        source = str(note["source"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DataError(f"{folder} holds something else than brought photos; give a new or empty folder.") from None
    if source != address:
        raise DataError(f"{folder} holds the photos of {source}; give another folder for those of {address}.")
    return {"source": source, "commit": note.get("commit", ""), "files": files, "left_out": dict(note.get("left_out", {}))}


def _whole(folder: Path, files: Mapping[str, list]) -> bool:
    return all(_same(folder, Entry(path, "100644", sha, size)) for path, (sha, size) in files.items())


def _save(folder: Path, note: Mapping[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / (NOTE + ".part")
    part.write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
    part.replace(folder / NOTE)


def _brought(folder: Path, note: Mapping, fetched: int) -> Brought:
    photos = sum(map(ends_like_a_photo, note["files"]))
    return Brought(folder, note["source"], note["commit"], photos, fetched, dict(note["left_out"]))


def _spelled(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _nobody(doing: str, done: int, total: int) -> None:
    """Tells nobody."""
