"""The tab "Screen": many suspects against the protected garments, decided by keyboard; which step answers which click."""

from __future__ import annotations

import os
import secrets
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from PIL import Image

from asen_core import draw, images
from asen_core.errors import AsenError, CaseError
from asen_core.review.triage import Suspect
from asen_core.ui import present, screen_view, triage
from asen_core.ui.caserooms import CaseRooms
from asen_core.ui.compare import Compare, data_of
from asen_core.ui.handlers import KEPT_SECONDS
from asen_core.ui.scratch import keep, save_photo
from asen_core.ui.stage import address
from asen_core.ui.studio import Studio
from asen_core.ui.triage import Review, Step, current, queue

TITLE = "Screen"
PICTURE = 900
_HERE = Path(__file__).parent


class Screen:
    """Builds the tab inside an open `gr.Tab`. Cases are on the disk; what a visitor has open is in `gr.State`."""

    def __init__(self, studio: Studio, compare: Compare) -> None:
        self.studio, self.compare = studio, compare
        self.rooms = CaseRooms(studio, hosted=bool(os.environ.get("SPACE_ID")))
        self._served = studio.scratch.folder()
        self.review = gr.State(None, time_to_live=KEPT_SECONDS)
        script = (_HERE / "screen.js").read_text(encoding="utf-8")
        self.page = gr.HTML('<section class="screen"></section>', elem_id="screen", apply_default_css=False, js_on_load=script)
        passed_on = 'watch("value", () => document.dispatchEvent(new Event("screen-sent")));'
        self.sent = gr.HTML("<div></div>", elem_id="screen-sent", apply_default_css=False, js_on_load=passed_on)
        self._wire()

    def _wire(self) -> None:
        notice = self.compare.find.notice
        for listen, step in (
            (self.page.arrived, triage.arrived),
            (self.page.case_opened, triage.case_opened),
            (self.page.case_made, triage.case_made),
            (self.page.case_renamed, triage.case_renamed),
            (self.page.case_closed, triage.case_closed),
            (self.page.suspects_sent, triage.suspects_sent),
            (self.page.continued, triage.continued),
            (self.page.stopped, triage.stopped),
            (self.page.filtered, triage.filtered),
            (self.page.moved, triage.moved),
            (self.page.shown, triage.shown),
            (self.page.decided, triage.decided),
        ):
            self._on(listen, partial(self._answer, step), [notice, self.page, self.review])
        self._on(self.page.ticked, self._tick, [self.sent])
        self._on(self.page.exported, self._export, [notice, self.sent])
        self.page.in_detail(
            self._detail, [self.review, self.compare.desk], [notice, self.compare.page, self.compare.desk, self.compare.tabs],
            show_progress="hidden", api_visibility="private", concurrency_limit=1, concurrency_id="model",
        )  # fmt: skip

    def _on(self, listen: Any, answer: Any, shown: list[Any]) -> None:
        def told(review: Any, event: gr.EventData) -> Any:
            return answer(review or Review(), data_of(event))

        listen(
            told, [self.review], shown, show_progress="hidden", api_visibility="private", concurrency_limit=None,
            trigger_mode="multiple",
        )  # fmt: skip

    def _answer(self, step: Step, before: Review, sent: dict[str, Any]) -> tuple[Any, ...]:
        """Values for notice, page and review; where the step fails, the review stays and the notice says why."""
        try:
            after = step(self.rooms, before, {**sent, "folder": get_upload_folder()})
            return present.notice(), self._shown(after), after
        except AsenError as error:
            return present.notice(str(error)), gr.skip(), before

    def _shown(self, review: Review) -> str:
        return screen_view.page(self.rooms, review, self._pictures(review))

    def _tick(self, review: Review, sent: dict[str, Any]) -> str:
        """The progress alone, so that nothing else moves while a person works."""
        turn = secrets.token_hex(4)  # the browser asks again only after an answer that differs
        try:
            return f'<div class="ticked" data-turn="{turn}">{screen_view.progress(self.rooms, review)}</div>'
        except AsenError as error:
            return f'<div class="ticked"><p>{present.escape(str(error))}</p></div>'

    def _export(self, review: Review, sent: dict[str, Any]) -> tuple[str, Any]:
        """The hits that pass the percentile, as a table to download."""
        try:
            if review.case is None:
                raise CaseError("No case is open; choose one first.")
            name = "".join(c if c.isalnum() or c in "-_ " else "_" for c in review.case.name)
            path = self.studio.scratch.folder() / f"{name}.csv"
            review.case.export_csv(path, review.wanted.percentile)
        except AsenError as error:
            return present.notice(str(error)), gr.skip()
        link = f'<a download="{present.escape(name)}.csv" href="{address(path)}">Table</a>'
        return present.notice(), f'<div class="file">{link}</div>'

    def _detail(self, review: Review | None, desk: Any, event: gr.EventData) -> tuple[Any, ...]:
        """The pair that is shown, in the tab "Compare"."""
        try:
            shown = self._shown_pair(review or Review())
            if shown is None or review is None or review.case is None:
                raise CaseError("There is no pair to compare; choose a suspect of the queue.")
            suspect, item = shown
            photo = self._folder() / f"{suspect.sha256[:32]}{suspect.path.suffix if not suspect.member else '.photo'}"
            keep(photo, review.case.photo(suspect))
        except AsenError as error:
            return present.notice(str(error)), gr.skip(), desk, gr.skip()
        return self.compare.laid(desk, {"photo": photo, "name": suspect.name, "id": item})

    def _shown_pair(self, review: Review) -> tuple[Suspect, str] | None:
        among = queue(review)
        at, of, number = current(review, among)
        return (among[at].suspect, of[number].item) if of else None

    def _pictures(self, review: Review) -> screen_view.Pictures | None:
        shown = self._shown_pair(review)
        if shown is None or review.case is None:
            return None
        gallery = self.studio.engine.gallery
        return self._picture(review, shown[0]), gallery.picture(gallery.item(shown[1]))

    def _picture(self, review: Review, suspect: Suspect) -> Path | None:
        """A small copy of a suspect's photo, made once; the file itself is served to nobody."""
        path = self._folder() / f"{suspect.sha256}.jpg"
        if path.exists():
            return path
        try:
            assert review.case is not None
            garment = images.load(review.case.photo(suspect), longest=PICTURE)
        except AsenError:
            return None
        whole = Image.fromarray(garment.pixels)
        return save_photo(whole.resize(draw.fitted(whole.size, PICTURE), Image.Resampling.LANCZOS), path)

    def _folder(self) -> Path:
        """Where small copies and tables lie for a while; made again where it was cleared away."""
        if not self._served.is_dir():
            self._served = self.studio.scratch.folder()
        return self._served
