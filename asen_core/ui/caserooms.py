"""Where cases live, and the screenings under way: on one's own machine in one file, on a hosted page apart for each visit."""

from __future__ import annotations

import contextvars
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asen_core import images
from asen_core.errors import AsenError, CaseError
from asen_core.gallery import Gallery
from asen_core.review.case import Case
from asen_core.review.cases import Cases
from asen_core.review.ledger import default_path
from asen_core.review.screening import Progress, screen
from asen_core.review.suspects import listed
from asen_core.types import Garment, View, Vocabulary
from asen_core.ui.scratch import Scratch
from asen_core.ui.studio import Studio

BATCH = 8
"""Photos between two steps of the progress; what is in a batch is stored at once."""


@dataclass(frozen=True)
class Room:
    """One file of cases and the photos that were sent for them. token: names the room of a hosted visit, else empty."""

    cases: Cases
    photos: Path
    token: str = ""


@dataclass(eq=False)
class Run:
    """One screening under way, or just ended. failed: why it ended early, in a sentence."""

    began: float
    progress: Progress = field(default_factory=lambda: Progress(0, 0, 0))
    before: int | None = None
    over: bool = False
    failed: str = ""
    halted: threading.Event = field(default_factory=threading.Event)

    def told(self, progress: Progress) -> None:
        """The screening has come this far."""
        if self.before is None:
            self.before, self.began = progress.done, time.monotonic()
        self.progress = progress

    @property
    def left(self) -> float | None:
        """Seconds that it will still take at the speed so far; None where that can't be told yet."""
        done = self.progress.done - (self.before or 0)
        return (time.monotonic() - self.began) / done * (self.progress.total - self.progress.done) if done > 0 else None


class CaseRooms:
    """All rooms of this server. Safe to share between threads."""

    def __init__(self, studio: Studio, hosted: bool) -> None:
        self.studio, self.hosted = studio, hosted
        self._scratch = Scratch.open() if hosted else None  # apart from the pictures that the page serves
        self._runs: dict[tuple[Path, int], Run] = {}
        self._lock = threading.Lock()

    def room(self, token: object = "") -> Room:
        """The room of a visit: everyone's where the machine is one's own, else that of the token, or a new one.

        Raises: CaseError where the cases can't be read.
        """
        if self._scratch is None:
            path = default_path()
            return Room(Cases.open(path), path.absolute().parent / "photos")
        folder = self._known(token) or self._scratch.folder()
        return Room(Cases.open(folder / "cases.sqlite"), folder / "photos", folder.name)

    def _known(self, token: object) -> Path | None:
        if self._scratch is None or not isinstance(token, str) or not token:
            return None
        folder = self._scratch.root / token
        return folder if folder.parent == self._scratch.root and (folder / "cases.sqlite").is_file() else None

    def keep(self, room: Room, case: Case, files: Sequence[Path]) -> list[Path]:
        """Uploads moved to where the case finds them after a restart."""
        folder = room.photos / str(case.id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return [_moved(file, folder) for file in files]

    def start(self, case: Case, files: Sequence[Path] | None = None) -> Run:
        """Screen in the background what was given, or what is left. Raises: CaseError where this case is screened already."""
        with self._lock:
            if (now := self.run(case)) and not now.over:
                raise CaseError("This case is being screened; wait until it is through, or stop it first.")
            run = self._runs[case.path, case.id] = Run(time.monotonic())
        work = contextvars.copy_context()  # a shared GPU is lent to the visitor who asks
        threading.Thread(target=work.run, args=(self._screen, run, case, files), daemon=True).start()
        return run

    def run(self, case: Case) -> Run | None:
        """The screening of a case that is under way or was the last."""
        return self._runs.get((case.path, case.id))

    def _screen(self, run: Run, case: Case, files: Sequence[Path] | None) -> None:
        try:
            screen(Lent(self.studio), case, files, BATCH, run.told, run.halted.is_set)
        except AsenError as error:
            run.failed = str(error)
        except Exception:
            run.failed = "The screening stopped by an error of this program; continue it, nothing that was stored is lost."
            raise
        finally:
            run.over = True

    def waiting(self, case: Case) -> int:
        """How many files the case was given that were not looked at. Raises: CaseError where some are gone."""
        sources = case.sources
        if not sources:
            return 0
        refused = {(str(s.path), s.member) for s in case.suspects(unreadable=True)}
        entries = {(str(e.path), e.member, e.stamp) for e in listed(sources)}
        return sum(e[:2] not in refused for e in entries - case.screened())


class Lent:
    """The engine as screening and indexing use it, each photo by the page's own way to a look: visitors get a turn between."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.config = studio.engine.config
        self.vocabulary: Vocabulary = studio.engine.vocabulary

    @property
    def gallery(self) -> Gallery:
        """The engine's."""
        return self._studio.engine.gallery

    @property
    def dim(self) -> int:
        """The engine's."""
        return self._studio.engine.dim

    @property
    def fingerprint(self) -> str:
        """The engine's."""
        return self._studio.engine.fingerprint

    def views(
        self, photos: Iterable[Garment], attributes: Sequence[str] | None = None, batch_size: int = 1
    ) -> Iterator[dict[str, View]]:
        """As of `Engine.views`."""
        look: Callable[..., dict[str, View]] = self._studio.look
        for photo in photos:
            yield look(images.load(photo).pixels, list(attributes) if attributes else None, None)


def _moved(file: Path, folder: Path) -> Path:
    """A name that is taken is no reason to lose what has it."""
    place = folder / file.name
    if place.exists():
        place = folder / secrets.token_hex(4) / file.name
        place.parent.mkdir()
    shutil.move(file, place)
    return place
