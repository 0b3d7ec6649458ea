"""Galleries being made in the background: of photos that a visitor gave, or of a folder of this machine."""

from __future__ import annotations

import contextvars
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from asen_core.errors import AsenError
from asen_core.gallery import Gallery
from asen_core.indexing import Progress, Report, StoppedError

Work = Callable[[Callable[[Progress], None], Callable[[], bool]], tuple[Gallery, Report]]
"""Makes a gallery; tells how far it is, and asks whether it shall stop."""


@dataclass(eq=False)
class Making:
    """One gallery under way, or made. failed: why there is none, in a sentence; stopped: that it was asked to stop."""

    name: str
    folder: Path
    progress: Progress = field(default_factory=lambda: Progress("Reading", 0, 0))
    gallery: Gallery | None = None
    report: Report | None = None
    failed: str = ""
    over: bool = False
    halted: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self, work: Work) -> None:
        """Let the work run in the background."""
        context = contextvars.copy_context()  # a shared GPU is lent to the visitor who asks
        self._thread = threading.Thread(target=context.run, args=(self._run, work), daemon=True)
        self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Until it is over, at most so long."""
        if self._thread is not None:
            self._thread.join(seconds)

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop."""
        return self.halted.is_set()

    def _run(self, work: Work) -> None:
        try:
            self.gallery, self.report = work(self._told, self.halted.is_set)
        except StoppedError as stopped:
            self.failed = str(stopped)
        except AsenError as error:
            self.failed = str(error)
        except Exception:
            self.failed = "Making the gallery stopped by an error of this program; start again, it goes on where it was."
            raise
        finally:
            self._end()

    def _told(self, progress: Progress) -> None:
        self.progress = progress

    def _end(self) -> None:
        self.over = True


@dataclass(eq=False)
class Own(Making):
    """The gallery of a visitor's own photos. sent: their files, which go with it."""

    sent: Sequence[Path] = ()
    _gone: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def touch(self) -> None:
        """It is in use: not swept away with what was left."""
        with suppress(OSError):
            os.utime(self.folder)

    def remove(self) -> None:
        """The photos and all that was made of them go, as soon as nobody works on them."""
        with self._lock:
            self._gone = True
            self.halted.set()
            if self.over:
                self._clear()

    def _end(self) -> None:
        with self._lock:
            self.over = True
            if self._gone:
                self._clear()

    def _clear(self) -> None:
        if self.gallery is not None:
            self.gallery.store.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        for file in self.sent:
            file.unlink(missing_ok=True)
