"""Which galleries a visit can search: everyone's, those of this machine, one of the visitor's own photos. No Gradio in here.

`data` is what the browser sent along and is never trusted. All may raise the errors of asen_core.errors.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asen_core.errors import AsenError, DataError, GalleryError, QueryError
from asen_core.gallery import Gallery, manifest
from asen_core.gallery.watches import rerun
from asen_core.indexing import Report, beside, index, private
from asen_core.ui.caserooms import Lent
from asen_core.ui.handlers import ARCHIVE_MEGABYTES, Visit, uploaded
from asen_core.ui.own import Making, Own, Work
from asen_core.ui.studio import Studio

OWN, FOLDER = "/own", "/folder"
"""What the page calls the gallery of the visitor's own photos, and that of a folder being made: no gallery has such a name."""
YOURS = "your photos"
HOSTED, HERE = private.Limits(500, 500_000_000, 600.0), private.Limits(2000, 2_000_000_000, 3600.0)
MAPPED = 500
"""Up to so many photos of a visitor's own are laid out as maps, which then takes seconds."""
AT_ONCE = 2
"""Visitors whose photos are looked at together; more would only slow all down."""
LABELS = ("labels.csv", "labels.json")
_LONGEST_NAME, LEFT = 60, 10.0

Publish = Callable[[Path], None]
"""Lets the browser read the pictures below a folder."""


@dataclass(frozen=True)
class Place:
    """A gallery of this machine. problem: why it can't be used, in a sentence."""

    name: str
    path: Path
    count: int = 0
    problem: str = ""


def home() -> Path:
    """Where galleries of this machine live: ASEN_GALLERIES, else alike/galleries in the user's data folder."""
    if given := os.environ.get("ASEN_GALLERIES"):
        return Path(given)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "alike" / "galleries"


class Galleries:
    """All galleries of this server. Safe to share between threads.

    local: whether folders of this machine may be named; publish: as of the page.
    """

    def __init__(self, studio: Studio, local: bool, publish: Publish) -> None:
        self.studio, self.local, self._publish = studio, local, publish
        self.limits = HERE if local else HOSTED
        self.making: Making | None = None
        self._extra: dict[str, Path] = {}
        self._opened: dict[tuple[Path, int], Studio] = {}
        self._busy: list[Own] = []
        self._lock = threading.Lock()
        atexit.register(self.close)

    def close(self) -> None:
        """What is under way ends, as the server does; nothing shall be written into folders that are being removed."""
        for making in (*self._busy, *([self.making] if self.making else [])):
            making.halted.set()
            making.wait(LEFT)

    def listed(self) -> list[Place]:
        """The galleries that this machine has, by name; none on a page for others, unless ASEN_GALLERIES offers them."""
        if not self.local and "ASEN_GALLERIES" not in os.environ:
            return []
        folder = home()
        below = sorted(p.parent for p in folder.glob(f"*/{manifest.MANIFEST}")) if folder.is_dir() else []
        found = {path.name: path for path in below} | self._extra
        own = self.studio.engine.gallery.directory
        return [self._place(name, path) for name, path in sorted(found.items()) if path.resolve() != own.resolve()]

    def _place(self, name: str, path: Path) -> Place:
        try:
            held = manifest.read(path)
            manifest.check_fingerprint(path, held, self.studio.engine.fingerprint)
            return Place(name, path, held.count)
        except AsenError as error:
            return Place(name, path, problem=str(error) if self.local else "This gallery can't be used by this page.")

    def opened(self, path: Path, name: str = "") -> Studio:
        """Around a gallery of this machine; the same for all visits, until it is made anew. Raises: GalleryError."""
        try:
            turn = (path / manifest.MANIFEST).stat().st_mtime_ns
        except OSError:
            raise GalleryError(f"The gallery {path.name} is no longer there; choose another one.") from None
        with self._lock:
            if (path, turn) not in self._opened:
                gallery = Gallery.open(path, self.studio.engine.fingerprint)
                self._publish(gallery.pictures)
                self._opened = {k: v for k, v in self._opened.items() if k[0] != path}
                self._opened[path, turn] = around(self.studio, gallery, name or path.name)
            return self._opened[path, turn]

    def take(self, files: Sequence[Path]) -> Own:
        """Make a gallery of a visitor's photos in the background. Raises: DataError where too many others do."""
        with self._lock:
            self._busy = [own for own in self._busy if not own.over]
            if len(self._busy) >= AT_ONCE:
                raise DataError("The photos of other visitors are being looked at; try again in some minutes.")
            own = Own(YOURS, self.studio.scratch.folder(), sent=files)
            self._busy.append(own)
        own.start(self._private(own))
        return own

    def _private(self, own: Own) -> Work:
        engine: Any = self.studio.engine if self.studio.look == self.studio.engine.look else Lent(self.studio)

        def work(each: Any, stop: Any) -> tuple[Gallery, Report]:
            gallery, report = private.make(engine, own.sent, own.folder, self.limits, each, stop)
            for archive in own.sent:
                if archive.suffix.lower() == ".zip":
                    archive.unlink(missing_ok=True)
            if len(gallery) <= MAPPED and not stop():
                beside.lay_out(gallery, each=each)
                gallery = Gallery.open(own.folder, engine.fingerprint)
            return gallery, report

        return work

    def bring(self, folder: Path, out: Path, labels: Path | None) -> Making:
        """Make or update a gallery of a folder of this machine, in the background. Raises: GalleryError where one is made."""
        with self._lock:
            if self.making is not None and not self.making.over:
                raise GalleryError(f"The gallery {self.making.name} is being made; wait until it is through, or stop it first.")
            self.making = made = Making(out.name, out)
        if out.parent.resolve() != home().resolve():
            self._extra[out.name] = out

        def work(each: Any, stop: Any) -> tuple[Gallery, Report]:
            report = index(self.studio.engine, folder, out, labels, each=each, stop=stop, notes={"mark": _mark(folder)})
            gallery = self.opened(out).engine.gallery
            rerun(gallery, time=datetime.now(UTC))
            return gallery, report

        made.start(work)
        return made


def around(studio: Studio, gallery: Gallery, name: str) -> Studio:
    """The same studio with another gallery. Raises: GalleryError where it was built with another checkpoint."""
    return replace(studio, engine=studio.engine.beside(gallery), name=name)


Data = Mapping[str, Any]


def photos_given(galleries: Galleries, visit: Visit, data: Data) -> Visit:
    """Photos, zips and label files were sent. data: paths, and `folder`, where uploads arrive (set by the page)."""
    paths = data.get("paths")
    if not isinstance(paths, list) or not paths:
        raise DataError("No file arrived; choose the photos, or a zip of them, once more.")
    if visit.own is not None and not visit.own.over:
        raise DataError("Your photos are being looked at; wait until that is through, or stop it first.")
    if visit.own is not None and visit.studio is not None and visit.studio.engine.gallery is visit.own.gallery:
        raise DataError("You are searching in the photos you gave before; remove those first.")
    own = galleries.take([uploaded(path, Path(data["folder"]), ARCHIVE_MEGABYTES) for path in paths])
    if visit.own is not None:
        visit.own.remove()
    return replace(visit, own=own)


def without_own(visit: Visit) -> Visit:
    """The visit without its own gallery, which the caller removes."""
    return replace(visit, own=None)


def stopped(galleries: Galleries, visit: Visit, data: Data) -> Visit:
    """What was looked at becomes the gallery, or is kept. data: what, OWN or FOLDER."""
    making = visit.own if data.get("what") == OWN else galleries.making if galleries.local else None
    if making is not None:
        making.halted.set()
    return visit


def folder_given(galleries: Galleries, visit: Visit, data: Data) -> Visit:
    """A folder of this machine shall become a gallery. data, as typed: photos and labels (paths), name (or a path)."""
    if not galleries.local:
        raise QueryError("This page takes no folders of the machine it runs on; send the photos, or a zip of them.")
    typed = {key: str(data.get(key) or "").strip() for key in ("photos", "name", "labels")}
    folder = Path(typed["photos"]).expanduser()
    if not typed["photos"] or not folder.is_dir():
        raise DataError(f"There is no folder {typed['photos'] or 'given'}; type the whole path of the folder with the photos.")
    labels = Path(typed["labels"]).expanduser() if typed["labels"] else _labels_in(folder)
    out = _out(typed["name"] or folder.resolve().name)
    mark = manifest.read(out).built.get("mark") if (out / manifest.MANIFEST).is_file() else None
    if mark and mark != _mark(folder) and not typed["name"]:
        raise GalleryError(f"The gallery {out.name} is of another folder of that name; type a name of its own for this one.")
    galleries.bring(folder, out, labels)
    return visit


def _mark(folder: Path) -> str:
    """Tells folders of the same name apart without naming where they lie."""
    return hashlib.sha256(bytes(folder.resolve())).hexdigest()[:16]


def _labels_in(folder: Path) -> Path | None:
    return next((folder / name for name in LABELS if (folder / name).is_file()), None)


def _out(name: str) -> Path:
    """A whole path as it is; a name below the folder of galleries."""
    if Path(name).expanduser().is_absolute():
        return Path(name).expanduser()
    safe = "".join(c if c.isalnum() or c in "-_ " else "-" for c in name)[:_LONGEST_NAME].strip(" -")
    if not safe:
        raise GalleryError(f"{name!r} is no name for a gallery; use letters and digits.")
    return home() / safe


def chosen(galleries: Galleries, visit: Visit, data: Data) -> Studio:
    """Around the gallery that the visit shall search. data: gallery, "" for everyone's, OWN, or a name of the list."""
    name = data.get("gallery")
    if name == "":
        return galleries.studio
    if name == OWN:
        if visit.own is None or visit.own.gallery is None:
            raise QueryError("There is no gallery of your photos yet; give some photos first.")
        held = visit.studio
        return held if held and held.engine.gallery is visit.own.gallery else around(galleries.studio, visit.own.gallery, YOURS)
    place = next((p for p in galleries.listed() if p.name == name), None)
    if place is None:
        raise QueryError("There is no such gallery any more; reload the page and choose one of the list.")
    return galleries.opened(place.path, place.name)
