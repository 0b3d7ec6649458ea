"""Writes a prepared folder: photos linked or copied, then the lists; a broken run is taken up where it stopped."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from asen_core.data.official.download import Place, Track
from asen_core.data.official.lines import counted
from asen_core.data.official.meta import load_meta
from asen_core.data.official.origin import ABOUT, about
from asen_core.data.official.plan import Plan
from asen_core.errors import DataError

MISSING, DROPPED = "missing_photos.txt", "dropped_photos.txt"


def place_photos(plan: Plan, root: Path, copy: bool, track: Track) -> int:
    """Put every photo of the plan where the lists say: a hard link, a symlink where that can't be, or a copy (always from
    a zip). A photo that is there already is left; each appears whole or not at all.

    Returns: how many were new. Raises: DataError where another file lies there or the place can't be written.
    """
    archives: dict[Path, zipfile.ZipFile] = {}
    new = 0
    try:
        for image, place in track(plan.places.items(), len(plan.places), "Placing photos"):
            new += _put(place, root / image, copy, archives)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(
            f"A photo can't be put into {root} ({error}); what is there stays, and the same command goes on from there."
        ) from None
    finally:
        for archive in archives.values():
            archive.close()
    return new


def in_place(plan: Plan, root: Path) -> Plan:
    """The plan with the lists naming the photos where they lie now, below `root`.

    Raises: DataError where one lies elsewhere or in a zip.
    """
    base = Path(os.path.abspath(root))
    outside = [p for p in plan.places.values() if p.member or not Path(os.path.abspath(p.path)).is_relative_to(base)]
    if outside:
        raise DataError(
            f"Outside of {root} lie {counted(len(outside), 'photo')}, like {outside[0].path}; lists can only name photos "
            f"below it. Use --photos link or copy, or put the unzipped folders into {root} and give it as --raw."
        )
    moved = {i: Path(os.path.abspath(p.path)).relative_to(base).as_posix() for i, p in plan.places.items()}
    images = {part: tuple(moved.get(i, i) for i in images) for part, images in plan.images.items()}
    return replace(plan, images=images, places={moved[i]: place for i, place in plan.places.items()})


def contents_of(plan: Plan, root: Path) -> dict[Path, str]:
    """The files of a prepared folder: filenames_*, label_train, query_*, candidate_*, prepared.json, meta.json above it.

    Raises: DataError where a list with another content is there already.
    """
    texts = {f"filenames_{part}.txt": "".join(f"{i}\n" for i in images) for part, images in plan.images.items()}
    texts |= {f"{name}.txt": "".join(" ".join(map(str, r)) + "\n" for r in rows) for name, rows in plan.lines.items()}
    contents = {root / name: text for name, text in texts.items()}
    other = [p for p, text in contents.items() if p.exists() and p.read_bytes().replace(b"\r", b"") != text.encode()]
    if other:
        raise DataError(
            f"{counted(len(other), 'list')} with another content there already, {other[0]} first; remove "
            f"them or give another --out."
        )
    sizes = {part: len(images) for part, images in plan.images.items()}
    origin = replace(plan.origin, photos=sizes, dropped=plan.origin.dropped + len(plan.dropped))
    contents |= _meta(plan, root) | {root / ABOUT: about(plan.facts.name, origin, len(plan.places))}
    return contents | ({root / DROPPED: "".join(f"{i}\n" for i in plan.dropped)} if plan.dropped else {})


def write_whole(contents: Mapping[Path, str]) -> None:
    """Write files so that none is ever half there. Raises: DataError where a place can't be written."""
    partial = {path.with_name(path.name + ".partial"): path for path in contents}
    try:
        for temporary, path in partial.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(contents[path], encoding="utf-8", newline="\n")
        for temporary, path in partial.items():
            os.replace(temporary, path)
    except OSError as error:
        raise DataError(f"{error.filename} can't be written ({error.strerror}); give a folder that you may write to.") from None


def _meta(plan: Plan, root: Path) -> dict[Path, str]:
    """meta.json above the folder, with this dataset's part beside those that it holds already."""
    path = root.parent / "meta.json"
    values = {attribute: list(names) for attribute, names in plan.vocabulary.items()}
    part = {"ATTRIBUTES": list(values), "ATTRIBUTES_NUM": {a: len(n) for a, n in values.items()}, "ATTRIBUTES_VALUES": values}
    known = load_meta(path) if path.exists() else {}
    if "ATTRIBUTES" in known:
        # It holds one dataset's part directly; nothing can be put beside that.
        return {root / "meta.json": json.dumps(part, indent=1, ensure_ascii=False)}
    return {path: json.dumps(known | {plan.facts.name: part}, indent=1, ensure_ascii=False)}


def _put(place: Place, target: Path, copy: bool, archives: dict[Path, zipfile.ZipFile]) -> bool:
    """Whether the photo was put there now."""
    size = _size(place, archives)
    if target.exists():
        if target.stat().st_size == size:
            return False
        raise DataError(f"{target} is another file than {place.path} {place.member}; remove it or give another --out.")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    if place.member:
        with archives[place.path].open(place.member) as source, open(partial, "wb") as file:
            shutil.copyfileobj(source, file)
    elif copy:
        shutil.copyfile(place.path, partial)
    else:
        try:
            os.link(place.path.resolve(), partial)
        except OSError:
            os.symlink(place.path.resolve(), partial)
    os.replace(partial, target)
    return True


def _size(place: Place, archives: dict[Path, zipfile.ZipFile]) -> int:
    if not place.member:
        return place.path.stat().st_size
    if place.path not in archives:
        archives[place.path] = zipfile.ZipFile(place.path)
    return archives[place.path].getinfo(place.member).file_size
