"""A visitor without a browser: what the page's handlers do from an uploaded file to the HTML that goes back."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from asen_core.ui import handlers
from asen_core.ui.find_alike import FindAlike
from asen_core.ui.handlers import Step, Visit
from asen_core.ui.page import SAMPLES
from asen_core.ui.scratch import Scratch
from asen_core.ui.studio import Studio, samples_in


class Visitor:
    """One visitor of the tab "Find alike" around an engine; asks for `count` garments."""

    def __init__(self, engine: Any, scratch: Path, count: int = 24) -> None:
        import gradio as gr

        scratch.mkdir()
        self.studio = Studio(engine, engine.look, Scratch(scratch), samples_in(SAMPLES))
        with gr.Blocks(analytics_enabled=False):
            self._find = FindAlike(self.studio)
        self._count, self._beta = count, engine.config.beta
        self.attribute = self.studio.attributes[0]
        self.visit: Visit | None = None
        self.page: tuple[str, ...] = ()

    def sends(self, file: Path) -> float:
        """Seconds to answer a photo that lies in the upload folder. Raises: AssertionError where it was not answered."""
        return self._does(handlers.photo_sent, {"path": str(file)})

    def changes(self, number: int) -> list[float]:
        """Seconds to answer a change to each other attribute, beginning with another one for each `number`."""
        names = self.studio.attributes
        found = []
        for _ in names[1:]:
            self.attribute = names[(names.index(self.attribute) + 1) % len(names)]
            found.append(self._does(handlers.asked_anew, {}))
        self.attribute = names[number % len(names)]
        return found

    def _does(self, step: Step, sent: dict[str, str]) -> float:
        values = (self.attribute, self._count, self._beta, 0.0, 0, {}, {})
        began = time.perf_counter()
        (notice, *page, visit), well = self._find.answered(step, self.visit, values, sent)
        took = time.perf_counter() - began
        assert well, notice
        self.visit, self.page = visit, tuple(page)
        found = len(visit.answer.matches)
        assert found == self._count, f"{found} neighbours, {self._count} were asked for"
        return took

    def waits(self) -> None:
        """What the page makes in the background after an answer is done: people look at an answer for longer than that."""
        if self.visit is not None and self.visit.query is not None:
            self.visit.query.pictures.finish()

    def leaves(self) -> None:
        """Remove what was kept of the visitor's photos."""
        handlers.forget(self.studio, self.visit)


@contextmanager
def uploaded(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """The files as they lie when the browser has sent them; a folder of their own for as long as this lasts."""
    before = os.environ.get("GRADIO_TEMP_DIR")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        try:
            yield [Path(shutil.copy(p, Path(folder, f"{i}-{p.name}"))) for i, p in enumerate(paths)]
        finally:
            if before is None:
                del os.environ["GRADIO_TEMP_DIR"]
            else:
                os.environ["GRADIO_TEMP_DIR"] = before
